//! Reading: entities, lists, links, names and history.
//!
//! A read sees what is committed. Lists are ranges of records and end after what was asked for, however long the list is.

use std::collections::HashSet;
use std::sync::Arc;

use altair_protocol::view::{Content, Entity};
use altair_protocol::{EntityId, Field, Hash, Kind};
use surrealdb::types::{RecordId, SurrealValue as _, Value as DbValue};

use super::Database;
use super::database::failed;
use super::rows::{
    BodyRow, ChangeRow, EdgeRow, EntityRow, FileRow, KeyRow, answer_record, change_record, ending_bounds, entity_of,
    entity_record, erased_record, int_value, key, keys_under, kind_of, last_entity, seq_of, uuid_value,
};
use super::sealed::{Kept, Logged, open, open_state};
use super::write::{Staged, staged};
use crate::error::{Error, Result};
use crate::merge::cycle::{Inside, Parents, is_ignored};
use crate::reading::{Reading, read};

/// Enough for anything that a person would page through; a guard where a whole set is read.
const MANY: usize = 1_000_000;
/// How many records are asked for at a time.
const CHUNK: usize = 500;

/// Where a page of a list ends: which list, and its last entity's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    list: String,
    created_ms: i64,
    entity: EntityId,
}

impl Cursor {
    /// The cursor as a caller gets it: opaque, and of use for its own list only.
    pub(crate) fn encode(&self) -> String {
        format!("{}{:016x}{}", list_mark(&self.list), self.created_ms, self.entity.uuid().simple())
    }

    pub(crate) fn decode(list: &str, text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                format!("\"{text}\" is not a cursor of this list"),
                "pass the `next` of a page of the same list, with the same filters",
            )
        };
        if text.len() != 56 || !text.is_ascii() || text[..8] != list_mark(list) {
            return Err(wrong());
        }
        let created_ms = u64::from_str_radix(&text[8..24], 16).map_err(|_| wrong())?.cast_signed();
        let entity = uuid::Uuid::try_parse(&text[24..]).map_err(|_| wrong())?;
        Ok(Self { list: list.to_owned(), created_ms, entity: EntityId::from(entity) })
    }
}

fn list_mark(list: &str) -> String {
    Hash::of(list.as_bytes()).to_string()[..8].to_owned()
}

impl Database {
    /// One entity; `None` if there is none. A parent that goes round in a circle is ignored in the reading, as in [`Database::entities`].
    pub(crate) async fn entity(&self, id: EntityId) -> Result<Option<Staged>> {
        let Some(row) = self.get::<EntityRow>(entity_record(id)).await? else { return Ok(None) };
        let mut staged = staged(&row, id)?;
        if let Some(inside) = Inside::of(&staged.state)
            && is_ignored(&self.up_from(Parents::from([(id, inside)])).await?, id)
        {
            Arc::make_mut(&mut staged.reading).leave_parent();
        }
        Ok(Some(staged))
    }

    /// Several entities, in the order of the ids; what isn't there is left out.
    pub(crate) async fn entities(&self, ids: &[EntityId]) -> Result<Vec<Reading>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<RecordId> = ids.iter().map(|id| entity_record(*id)).collect();
        let rows: Vec<EntityRow> = self.rows("SELECT * FROM $id", records, ids.len()).await?;
        let mut parents = Parents::new();
        let mut readings = Vec::with_capacity(rows.len());
        for row in &rows {
            let state = open_state(&row.state, entity_of(&row.id)?)?;
            parents.extend(Inside::of(&state).map(|inside| (state.id, inside)));
            readings.push(read(&state)?);
        }
        let parents = self.up_from(parents).await?;
        for reading in &mut readings {
            if is_ignored(&parents, reading.entity.id) {
                reading.leave_parent();
            }
        }
        let order: std::collections::HashMap<EntityId, usize> =
            ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
        readings.sort_by_key(|reading| order.get(&reading.entity.id).copied());
        Ok(readings)
    }

    /// What these things are inside of, as it is kept. It opens no texts.
    pub(crate) async fn parents_of(&self, ids: &[EntityId]) -> Result<Parents> {
        let mut parents = Parents::new();
        for chunk in ids.chunks(CHUNK) {
            let records: Vec<RecordId> = chunk.iter().map(|id| entity_record(*id)).collect();
            let rows: Vec<EntityRow> = self.rows("SELECT * FROM $id", records, chunk.len()).await?;
            for row in &rows {
                let state = open_state(&row.state, entity_of(&row.id)?)?;
                parents.extend(Inside::of(&state).map(|inside| (state.id, inside)));
            }
        }
        Ok(parents)
    }

    /// These parents with all that is above them: one look a level, at what isn't known yet.
    pub(crate) async fn up_from(&self, mut parents: Parents) -> Result<Parents> {
        let mut asked: HashSet<EntityId> = HashSet::new();
        loop {
            let above = parents.values().map(|inside| inside.parent);
            let unknown: Vec<EntityId> = above.filter(|id| !parents.contains_key(id) && !asked.contains(id)).collect();
            if unknown.is_empty() {
                return Ok(parents);
            }
            asked.extend(&unknown);
            parents.extend(self.parents_of(&unknown).await?);
        }
    }

    /// Which of these ids are taken.
    pub(crate) async fn existing(&self, ids: &[EntityId]) -> Result<Vec<EntityId>> {
        let records: Vec<RecordId> = ids.iter().map(|id| entity_record(*id)).collect();
        let rows: Vec<KeyRow> = self.rows("SELECT id FROM $id WHERE kind", records, ids.len()).await?;
        rows.iter().map(|row| entity_of(&row.id)).collect()
    }

    /// Which of these ids were erased.
    pub(crate) async fn erased(&self, ids: &[EntityId]) -> Result<Vec<EntityId>> {
        let records: Vec<RecordId> = ids.iter().map(|id| erased_record(*id)).collect();
        let rows: Vec<KeyRow> = self.rows("SELECT id FROM $id WHERE body != NONE", records, ids.len()).await?;
        rows.iter().map(|row| entity_of(&row.id)).collect()
    }

    /// The ids that were erased.
    pub(crate) async fn erased_ids(&self) -> Result<Vec<EntityId>> {
        let rows: Vec<KeyRow> = self.rows("SELECT id FROM erased", DbValue::None, MANY).await?;
        rows.iter().map(|row| entity_of(&row.id)).collect()
    }

    /// Marks an id as erased, for a restored backup.
    pub(crate) async fn set_erased(&self, id: EntityId) -> Result<()> {
        let row = BodyRow { id: erased_record(id), body: Vec::new().into() };
        self.rows::<DbValue>("UPSERT $id.id CONTENT $id RETURN NONE", row, 1).await.map(drop)
    }

    /// The entities whose ids end in these digits, at most `limit`.
    pub(crate) async fn ending(&self, digits: &str, limit: usize) -> Result<Vec<EntityId>> {
        let Some((after, until)) = ending_bounds(digits) else { return Ok(Vec::new()) };
        let rows: Vec<EntityRow> = self.scan("entity", after, until, limit).await?;
        rows.iter().map(|row| entity_of(&row.id)).collect()
    }

    /// All entities' rows after a record key, in the order of the keys.
    pub(crate) async fn entity_rows(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<EntityRow>> {
        let after = after.map_or_else(
            || uuid_value(uuid::Uuid::nil()),
            |id| match entity_record(id).key {
                surrealdb::types::RecordIdKey::Uuid(uuid) => DbValue::Uuid(uuid),
                _ => DbValue::None,
            },
        );
        self.scan("entity", after, uuid_value(uuid::Uuid::max()), limit).await
    }

    /// A page of a list: its entities, and the cursor for what follows.
    pub(crate) async fn page(
        &self,
        list: &str,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<(Vec<EntityId>, Option<Cursor>)> {
        let (mut start, end) = keys_under(DbValue::String(list.to_owned()));
        if let Some(cursor) = after {
            let parts = vec![
                DbValue::String(list.to_owned()),
                int_value(cursor.created_ms.saturating_neg()),
                uuid_value(cursor.entity.uuid()),
            ];
            start = key(parts);
        }
        let mut rows: Vec<KeyRow> = self.scan("place", start, end, limit.saturating_add(1)).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let ids = rows.iter().map(|row| last_entity(&row.id)).collect::<Result<Vec<_>>>()?;
        let next = match (more, rows.last()) {
            (true, Some(row)) => {
                Some(Cursor { list: list.to_owned(), created_ms: created_of(row)?, entity: last_entity(&row.id)? })
            }
            _ => None,
        };
        Ok((ids, next))
    }

    /// All entities of a list.
    pub(crate) async fn whole_list(&self, list: &str) -> Result<Vec<EntityId>> {
        Ok(self.page(list, MANY, None).await?.0)
    }

    /// How long a list is.
    pub(crate) async fn list_length(&self, list: &str) -> Result<u64> {
        let (after, until) = keys_under(DbValue::String(list.to_owned()));
        self.count("place", after, until).await
    }

    /// The edges that leave an entity: links by hand are drawn from it, those in its body stand in it.
    pub(crate) async fn edges_from(&self, id: EntityId) -> Result<Vec<EdgeRow>> {
        self.rows("SELECT * FROM $id->edge", entity_record(id), MANY).await
    }

    /// The edges that arrive at an entity by hand.
    pub(crate) async fn hand_edges_to(&self, id: EntityId) -> Result<Vec<EdgeRow>> {
        self.rows("SELECT * FROM $id<-edge", entity_record(id), MANY).await
    }

    /// A logged change with the number of the entity's change before it.
    pub(crate) async fn logged(&self, seq: u64) -> Result<Option<(Logged, u64)>> {
        let Some(row) = self.get::<ChangeRow>(change_record(seq)).await? else { return Ok(None) };
        Ok(Some((open(&row.body, format_args!("the change {seq}"))?, row.prior.unsigned_abs())))
    }

    /// The logged changes after a number.
    pub(crate) async fn log_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Logged)>> {
        let after = int_value(super::rows::as_i64(seq));
        let rows: Vec<ChangeRow> = self.scan("change", after, int_value(i64::MAX), limit).await?;
        rows.iter()
            .map(|row| {
                let seq = seq_of(&row.id)?;
                Ok((seq, open(&row.body, format_args!("the change {seq}"))?))
            })
            .collect()
    }

    /// The held changes.
    pub(crate) async fn held(&self) -> Result<Vec<altair_protocol::Change>> {
        let rows: Vec<BodyRow> = self.rows("SELECT * FROM held", DbValue::None, MANY).await?;
        rows.iter().map(|row| open(&row.body, "a held change")).collect()
    }

    /// What a request was answered that had to happen once; `None` if it didn't happen, or is forgotten.
    pub(crate) async fn kept_answer(&self, request: uuid::Uuid) -> Result<Option<Kept>> {
        let row: Option<BodyRow> = self.get(answer_record(request)).await?;
        row.map(|row| open(&row.body, "a kept answer")).transpose()
    }

    /// Forgets what was answered to requests made before a moment, in Unix milliseconds.
    pub(crate) async fn forget_answers(&self, before: u64) -> Result<()> {
        let until = uuid_value(uuid::Builder::from_unix_timestamp_millis(before, &[0; 10]).into_uuid());
        let query = format!("SELECT id FROM type::record('answer', ..=$until) LIMIT {CHUNK}");
        loop {
            let mut response = self.ask(query.as_str(), [("until", until.clone())]).await?;
            let rows: Vec<KeyRow> = response.take(0).map_err(|error| failed(&error))?;
            let ids: Vec<RecordId> = rows.into_iter().map(|row| row.id).collect();
            let more = ids.len() == CHUNK;
            if !ids.is_empty() {
                self.ask("DELETE $ids RETURN NONE", [("ids", ids.into_value())]).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// The files of a vault's folder as they were last imported or exported.
    pub(crate) async fn files_under(&self, folder: &str) -> Result<Vec<FileRow>> {
        let (after, until) = keys_under(DbValue::String(folder.to_owned()));
        self.scan("file", after, until, MANY).await
    }

    /// All files of all vaults.
    pub(crate) async fn all_files(&self) -> Result<Vec<FileRow>> {
        self.rows("SELECT * FROM file", DbValue::None, MANY).await
    }

    /// The files of all folders of this name.
    pub(crate) async fn files_of_vault(&self, vault: &str) -> Result<Vec<FileRow>> {
        self.rows("SELECT * FROM file WHERE vault = $id", vault.to_owned(), MANY).await
    }

    /// How many entities of each kind there are out of the trash.
    pub(crate) async fn kinds(&self) -> Result<Vec<(Kind, u64)>> {
        let mut counts = Vec::new();
        for kind in Kind::ALL {
            counts.push((kind_of(kind.as_str())?, self.list_length(kind.as_str()).await?));
        }
        Ok(counts)
    }
}

/// An entity's path in its vault.
pub(crate) fn path_of(entity: &Entity) -> Option<&str> {
    match &entity.content {
        Content::Note { path, .. } | Content::Attachment { path, .. } => path.as_deref(),
        _ => None,
    }
}

fn created_of(row: &KeyRow) -> Result<i64> {
    let strange = || Error::corrupt("the table place has a key of the wrong shape");
    let surrealdb::types::RecordIdKey::Array(key) = &row.id.key else { return Err(strange()) };
    match key.get(1) {
        Some(DbValue::Number(surrealdb::types::Number::Int(negative))) => Ok(-negative),
        _ => Err(strange()),
    }
}

/// Whether a field belongs to the history that people see.
pub(crate) fn is_shown(field: &Field) -> bool {
    *field != Field::CREATED && *field != Field::FENCES
}
