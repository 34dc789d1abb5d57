//! A batch: what one transaction writes, and what everybody learns of it afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use altair_protocol::view::{Event, Time};
use altair_protocol::{EntityId, EntityState, Field};
use surrealdb::types::{RecordId, SurrealValue, Value as DbValue};
use tokio::sync::oneshot;

use crate::error::Result;
use crate::reading::{Reading, read};
use crate::store::Database;
use crate::store::derive::Rows;
use crate::store::rows::{EntityRow, HeadRow, KeyRow, as_i64, entity_record, named_record, place_record};
use crate::store::sealed::{Logged, alive_field, open_state, seal};

/// What the search index has to learn.
#[derive(Debug, Clone)]
pub(crate) enum Indexed {
    Put(Arc<Reading>),
    Remove(EntityId),
}

/// One committed transaction, for the search index.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) seq: u64,
    pub(crate) indexed: Vec<Indexed>,
}

/// One committed transaction, for watchers: no content, so that one who reads slowly holds on to little.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) seq: u64,
    pub(crate) events: Vec<Event>,
    /// So much came at once that it isn't told one by one: who watches reads again.
    pub(crate) read_again: bool,
    /// Something was added to the outbox.
    pub(crate) is_outgoing: bool,
}

/// The number that a server gave a change of the outbox.
#[derive(Debug, SurrealValue)]
pub(super) struct NumberRow {
    pub(super) id: RecordId,
    pub(super) sync_id: i64,
}

/// An entity as it is staged.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) state: EntityState,
    pub(crate) reading: Arc<Reading>,
    /// The number of its last change; 0 for one that isn't in the store yet.
    pub(crate) last: u64,
    pub(super) rows: Rows,
}

impl Staged {
    pub(super) fn row(&self) -> Result<DbValue> {
        let row = EntityRow {
            id: entity_record(self.state.id),
            kind: self.state.kind.as_str().to_owned(),
            last: as_i64(self.last),
            state: seal(&self.state)?.into(),
        };
        Ok(row.into_value())
    }
}

/// What one transaction does to one entity. Everything is made ready while it is staged: writing is what everybody waits for.
#[derive(Debug)]
pub(super) struct Touched {
    before: Rows,
    existed: bool,
    /// `None`: erased.
    now: Option<Arc<Staged>>,
    entity: Option<DbValue>,
    places: Vec<DbValue>,
    names: Vec<DbValue>,
    edges: Vec<DbValue>,
    gone: Vec<RecordId>,
}

impl Touched {
    /// From what the database has to what is staged first.
    pub(super) fn new(
        id: EntityId,
        before: Option<Arc<Staged>>,
        now: Option<Arc<Staged>>,
        row: Option<DbValue>,
    ) -> Self {
        let existed = before.is_some();
        let before = before.map(|staged| staged.rows.clone()).unwrap_or_default();
        let (places, names, edges, gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut touched = Self { before, existed, now: None, entity: None, places, names, edges, gone };
        touched.set(id, now, row);
        touched
    }

    /// What is staged on top, and its row.
    pub(super) fn set(&mut self, id: EntityId, now: Option<Arc<Staged>>, row: Option<DbValue>) {
        let nothing = Rows::default();
        let (before, after) = (&self.before, now.as_ref().map_or(&nothing, |staged| &staged.rows));
        let key = |id: RecordId| KeyRow { id }.into_value();
        let moved = before.created_ms != after.created_ms;
        let added = after.places.iter().filter(|list| moved || !before.places.contains(*list));
        self.places = added.map(|list| key(place_record(list, after.created_ms, id))).collect();
        let dropped = before.places.iter().filter(|list| moved || !after.places.contains(*list));
        self.gone = dropped.map(|list| place_record(list, before.created_ms, id)).collect();
        self.names = after.names.difference(&before.names).map(|name| key(named_record(name, id))).collect();
        self.gone.extend(before.names.difference(&after.names).map(|name| named_record(name, id)));
        self.edges.clear();
        if before.edges != after.edges {
            self.gone.extend(before.edges.iter().map(|edge| edge.id.clone()));
            self.edges.extend(after.edges.iter().cloned().map(SurrealValue::into_value));
        }
        self.entity = row;
        if now.is_none() {
            self.gone.push(entity_record(id));
        }
        self.now = now;
    }
}

/// Staged units that go into one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entities: BTreeMap<EntityId, Touched>,
    pub(super) changes: Vec<DbValue>,
    pub(super) events: Vec<Event>,
    pub(super) files: Vec<DbValue>,
    /// Files that the store knew nothing of.
    pub(super) new_files: Vec<DbValue>,
    pub(super) erased: Vec<DbValue>,
    pub(super) held: Vec<DbValue>,
    pub(super) answers: Vec<DbValue>,
    pub(super) released: Vec<RecordId>,
    /// Logged changes that are written anew.
    pub(super) rewritten: Vec<DbValue>,
    /// Sealed values of other tables.
    pub(super) bodies: Vec<DbValue>,
    /// Numbers that a server gave.
    pub(super) acked: Vec<DbValue>,
    /// So much came that watchers had better read again.
    pub(super) read_again: bool,
    /// Something was added to the outbox.
    pub(super) is_outgoing: bool,
    pub(super) bytes: usize,
    pub(super) waiting: Vec<oneshot::Sender<Result<()>>>,
}

/// Reads an entity's row.
pub(crate) fn staged(row: &EntityRow, id: EntityId) -> Result<Staged> {
    let state = open_state(&row.state, id)?;
    let reading = Arc::new(read(&state)?);
    let rows = Rows::of(&reading);
    Ok(Staged { state, reading, last: row.last.unsigned_abs(), rows })
}

/// What watchers see of a logged change.
pub(crate) fn event_of(seq: u64, logged: &Logged) -> Event {
    let change = &logged.change;
    Event {
        seq,
        at: Time::from(change.at),
        device: change.device,
        entity: change.entity,
        kind: change.kind,
        event: logged.event,
        fields: field_names(logged.before.iter().map(|(field, _)| field)),
    }
}

/// Fields as watchers know them.
pub(super) fn field_names<'a>(changed: impl Iterator<Item = &'a Field>) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for field in changed.filter(|field| **field != Field::CREATED && **field != alive_field()) {
        let name = match (field.is_tag(), field.property_key()) {
            (true, _) => "tags",
            (_, Some(_)) => "properties",
            _ => field.as_str(),
        };
        if !fields.iter().any(|known| known == name) {
            fields.push(name.to_owned());
        }
    }
    fields
}

impl Batch {
    /// How many changes it has.
    pub(super) fn changes(&self) -> usize {
        self.changes.len()
    }

    /// What was committed, once it is.
    pub(super) fn committed(self, seq: u64) -> (Committed, Announced) {
        let indexed = self.entities.into_iter().map(|(id, touched)| match touched.now {
            Some(staged) if !staged.reading.entity.deleted => Indexed::Put(Arc::clone(&staged.reading)),
            _ => Indexed::Remove(id),
        });
        let (read_again, is_outgoing) = (self.read_again, self.is_outgoing);
        (Committed { seq, indexed: indexed.collect() }, Announced { seq, events: self.events, read_again, is_outgoing })
    }

    /// One transaction.
    pub(super) async fn write(&mut self, db: &Database, head: HeadRow) -> Result<()> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        let (mut places, mut names, mut edges) = (Vec::new(), Vec::new(), Vec::new());
        let mut gone: Vec<RecordId> = Vec::new();
        let mut erased_files: Vec<surrealdb::types::Uuid> = Vec::new();
        for (id, touched) in &mut self.entities {
            places.append(&mut touched.places);
            names.append(&mut touched.names);
            edges.append(&mut touched.edges);
            gone.append(&mut touched.gone);
            match touched.entity.take() {
                Some(row) if touched.existed => changed.push(row),
                Some(row) => new.push(row),
                None => erased_files.push(id.uuid().into()),
            }
        }

        let mut query = String::from("BEGIN;");
        let mut add = |any: bool, statement: &str| {
            if any {
                query.push_str(statement);
            }
        };
        // That a file was imported stays known, so that it isn't again; of what it said, nothing does.
        let forget =
            "UPDATE file SET version = NONE, front = NONE, links = 0 WHERE entity IN $erased_files RETURN NONE;";
        add(!erased_files.is_empty(), forget);
        add(!gone.is_empty(), "DELETE $gone RETURN NONE;");
        add(!new.is_empty(), "INSERT INTO entity $new RETURN NONE;");
        add(!changed.is_empty(), "FOR $row IN $changed { UPDATE $row.id CONTENT $row RETURN NONE; };");
        add(!self.changes.is_empty(), "INSERT INTO change $changes RETURN NONE;");
        add(!places.is_empty(), "INSERT INTO place $places RETURN NONE;");
        add(!names.is_empty(), "INSERT INTO named $names RETURN NONE;");
        add(!edges.is_empty(), "INSERT RELATION INTO edge $edges RETURN NONE;");
        add(!self.new_files.is_empty(), "INSERT INTO file $new_files RETURN NONE;");
        add(!self.files.is_empty(), "FOR $row IN $files { UPSERT $row.id CONTENT $row RETURN NONE; };");
        add(!self.held.is_empty(), "FOR $row IN $held { UPSERT $row.id CONTENT $row RETURN NONE; };");
        add(!self.released.is_empty(), "DELETE $released RETURN NONE;");
        add(!self.rewritten.is_empty(), "FOR $row IN $rewritten { UPDATE $row.id CONTENT $row RETURN NONE; };");
        add(!self.acked.is_empty(), "FOR $row IN $acked { UPDATE $row.id SET sync_id = $row.sync_id RETURN NONE; };");
        add(!self.bodies.is_empty(), "FOR $row IN $bodies { UPSERT $row.id CONTENT $row RETURN NONE; };");
        add(!self.erased.is_empty(), "FOR $row IN $erased { UPSERT $row.id CONTENT $row RETURN NONE; };");
        add(!self.answers.is_empty(), "FOR $row IN $answers { UPSERT $row.id CONTENT $row RETURN NONE; };");
        query.push_str("UPSERT meta:head CONTENT $head RETURN NONE; COMMIT;");

        let values = [
            ("erased_files", erased_files.into_value()),
            ("gone", gone.into_value()),
            ("new", new.into_value()),
            ("changed", changed.into_value()),
            ("changes", std::mem::take(&mut self.changes).into_value()),
            ("places", places.into_value()),
            ("names", names.into_value()),
            ("edges", edges.into_value()),
            ("new_files", std::mem::take(&mut self.new_files).into_value()),
            ("files", std::mem::take(&mut self.files).into_value()),
            ("held", std::mem::take(&mut self.held).into_value()),
            ("answers", std::mem::take(&mut self.answers).into_value()),
            ("released", std::mem::take(&mut self.released).into_value()),
            ("rewritten", std::mem::take(&mut self.rewritten).into_value()),
            ("acked", std::mem::take(&mut self.acked).into_value()),
            ("bodies", std::mem::take(&mut self.bodies).into_value()),
            ("erased", std::mem::take(&mut self.erased).into_value()),
            ("head", head.into_value()),
        ];
        db.ask(query, values).await.map(drop)
    }
}
