//! Erasing: what an entity said goes from everywhere in the store, and its id stays erased.
//!
//! Changes of it that a server may not have had yet stay in the outbox as envelopes, which say nothing: the erasing change has seen them, so the server has to
//! have them before. Where no server has ever been asked for anything, and nobody else can know of the entity, neither they nor the erasing are
//! anybody's business.

use std::collections::BTreeSet;

use altair_protocol::sync::Erased;
use altair_protocol::view::EventKind;
use altair_protocol::{Bytes, Change, EntityId, EntityState, Field, Hash, Op};
use surrealdb::types::SurrealValue as _;

use super::Undoing;
use super::arriving::Told;
use super::batch::Staged;
use super::unit::{Made, Unit};
use crate::error::Result;
use crate::merge::Text;
use crate::merge::text::act_peer;
use crate::store::account::Erasing;
use crate::store::rows::{
    BodyRow, ChangeRow, change_record, held_record, parked_record, seq_of, sync_record, unread_record,
};
use crate::store::sealed::{Logged, open, seal};

impl Erasing {
    /// All that an erasing change erases.
    pub(crate) fn by(change: &Change) -> Self {
        let mut seen = change.seen.clone();
        seen.add(change.dot());
        Self { kind: change.kind, seen }
    }
}

/// What came of an erasing that was decided elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// The blobs that the entity's history named.
    pub(crate) blobs: Vec<Hash>,
    /// Whether something of the entity has left the outbox.
    pub(crate) left_outbox: bool,
    /// Where the work on it that the erasing hadn't seen lives on.
    pub(crate) recreated: Option<EntityId>,
}

/// A change of an entity that is to be erased.
pub(super) struct Old {
    pub(super) row: ChangeRow,
    /// `None`: it can't be read, and goes all the same. What it named is the doctor's to find.
    pub(super) logged: Option<Logged>,
}

impl Old {
    /// Whether it is in the outbox.
    pub(super) const fn is_unsent(&self) -> bool {
        self.row.local && self.row.sync_id.is_none()
    }

    /// Whether it is work that somebody would miss.
    fn is_work(&self) -> bool {
        let change = self.logged.as_ref().map(|logged| &logged.change);
        change.is_some_and(|change| !change.erase && change.ops.iter().any(|op| *op != Op::Delete))
    }

    /// It without what it says, to be sent.
    fn emptied(self) -> Result<Option<ChangeRow>> {
        let Some(Logged { change, event, .. }) = self.logged else { return Ok(None) };
        let change = Change { ops: Vec::new(), blobs: Vec::new(), ..change };
        let body = seal(&Logged { change, before: Vec::new(), event })?.into();
        Ok(Some(ChangeRow { prior: 0, body, ..self.row }))
    }
}

impl Unit {
    /// Erases an entity for good: its state, its history and what it says anywhere in the store. Its id stays erased. For a unit that
    /// began quietly: what is staged can't be erased. It gives the blobs that its history named.
    pub(crate) async fn erase(&mut self, id: EntityId) -> Result<Vec<Hash>> {
        let state = self.require(id).await?.state.clone();
        let history = self.history(id).await?;
        let blobs = named(&history);
        let unheard = is_ours_alone(&state, &history) && self.writer.db.get::<BodyRow>(sync_record()).await?.is_none();
        for old in history {
            let (record, unsent) = (old.row.id.clone(), old.is_unsent());
            match if unsent && !unheard { old.emptied()? } else { None } {
                Some(row) => self.rewritten.push(row.into_value()),
                None => {
                    self.released.push(record);
                    self.left_outbox += u64::from(unsent);
                }
            }
        }
        self.release_waiting(id).await?;
        let change = self.minted(id, state.kind, Vec::new(), Vec::new(), true).await?;
        self.entities.insert(id, None);
        self.erasing.insert(id, Erasing::by(&change));
        // What stood in its way is emptied, and may be taken now.
        self.released.push(parked_record(id));
        let logged = Logged { change, before: Vec::new(), event: EventKind::Erased };
        self.logged.push(Made { logged, outgoing: !unheard });
        self.act = Undoing::Keep;
        Ok(blobs)
    }

    /// Removes an entity that was erased elsewhere, without a change of this device's. Work on it that is in the outbox lives on in another entity. For a unit that
    /// began quietly.
    pub(crate) async fn remove(&mut self, erased: Erased, by: Option<Change>) -> Result<Removed> {
        let Erased { id, kind, seen } = erased;
        for dot in seen.iter() {
            self.clock.observe(dot.at);
        }
        let found = self.get(id).await?.cloned();
        let history = self.history(id).await?;
        let acked: BTreeSet<u64> = self.acked.iter().map(|(seq, _)| *seq).collect();
        let head = &self.stage.head;
        let unsent = match head.pending {
            0 => Vec::new(),
            _ => self.writer.db.unsent_of(id, head.outbox, head.seq).await?,
        };
        let unsent: BTreeSet<u64> = unsent.into_iter().filter(|seq| !acked.contains(seq)).collect();
        let mut removed = Removed { blobs: named(&history), left_outbox: !unsent.is_empty(), recreated: None };
        let mut records = unsent.clone();
        let mut has_work = false;
        for old in &history {
            let seq = seq_of(&old.row.id)?;
            records.insert(seq);
            has_work |= unsent.contains(&seq) && old.is_work();
        }
        if let Some(staged) = found.as_ref().filter(|_| has_work) {
            removed.recreated = self.recreate(staged).await?;
        }
        self.released.extend(records.into_iter().map(change_record));
        self.released.push(parked_record(id));
        self.left_outbox += unsent.len() as u64;
        self.release_waiting(id).await?;
        self.held.retain(|change| change.entity != id);
        self.logged.retain(|made| made.logged.change.entity != id);
        self.told.retain(|told| told.entity != id);
        self.entities.insert(id, None);
        self.erasing.insert(id, Erasing { kind, seen });
        match (found, by) {
            (None, _) => {}
            (Some(_), Some(change)) => {
                let logged = Logged { change, before: Vec::new(), event: EventKind::Erased };
                self.logged.push(Made { logged, outgoing: false });
            }
            (Some(staged), None) => self.tell(Told::of(&staged.state, EventKind::Erased, Vec::new())),
        }
        Ok(removed)
    }

    /// Makes a new entity of an entity's whole value, under an id that follows from the old one and this device, so that it is made once.
    async fn recreate(&mut self, old: &Staged) -> Result<Option<EntityId>> {
        let (state, device) = (&old.state, self.device());
        let id = EntityId::derived("altair recreated v1", &[state.id.as_bytes(), device.as_bytes()]);
        if self.get(id).await?.is_some() || !self.erased(&[id]).await?.is_empty() {
            return Ok(None);
        }
        let mut ops = Vec::new();
        for (field, heads) in &state.fields {
            if let Some(head) = heads.first().filter(|head| !head.value.is_null()) {
                ops.push(Op::Set { field: field.clone(), value: head.value.clone() });
            }
        }
        for (field, bytes) in &state.texts {
            ops.extend(text_anew(id, field, bytes)?);
        }
        for field in state.counters.keys() {
            ops.push(Op::Count { field: field.clone(), total: state.count(field) });
        }
        self.change(id, state.kind, ops).await?;
        if !state.is_alive() {
            self.change(id, state.kind, vec![Op::Delete]).await?;
        }
        Ok(Some(id))
    }

    /// Lets go of what waits for others, or for a newer version, before it can be applied to an entity.
    async fn release_waiting(&mut self, id: EntityId) -> Result<()> {
        for change in self.writer.db.held().await?.iter().filter(|change| change.entity == id) {
            self.released.push(held_record(change.id));
        }
        for change in self.writer.db.unread().await?.iter().filter(|change| change.envelope.entity == id) {
            self.released.push(unread_record(change.envelope.id));
        }
        Ok(())
    }

    /// An entity's logged changes, the newest first.
    pub(super) async fn history(&mut self, id: EntityId) -> Result<Vec<Old>> {
        let mut seq = self.get(id).await?.map_or(0, |staged| staged.last);
        let mut history = Vec::new();
        while seq != 0 {
            let Some(row) = self.writer.db.get::<ChangeRow>(change_record(seq)).await? else { break };
            seq = row.prior.unsigned_abs();
            let logged = open(&row.body, "a change").ok();
            history.push(Old { row, logged });
        }
        Ok(history)
    }
}

/// The blobs that a history names.
pub(super) fn named(history: &[Old]) -> Vec<Hash> {
    history.iter().filter_map(|old| old.logged.as_ref()).flat_map(|logged| logged.change.blobs.clone()).collect()
}

/// Whether all that there is of an entity was made here, and is still in the outbox.
fn is_ours_alone(state: &EntityState, history: &[Old]) -> bool {
    let begins_here = |old: &Old| old.logged.as_ref().is_some_and(|logged| logged.change.seen.is_empty());
    history.iter().all(Old::is_unsent) && history.last().is_some_and(begins_here) && state.applied.iter().count() == 1
}

/// A text as a new document, of a peer that follows from what it is: where it is made again it is the same.
fn text_anew(id: EntityId, field: &Field, bytes: &Bytes) -> Result<Option<Op>> {
    let says = Text::read_bytes(bytes)?;
    let peer = act_peer(&[b"recreated", id.as_bytes(), field.as_str().as_bytes(), says.as_bytes()]);
    let edit = Text::default().edit(&says, peer)?;
    Ok(edit.map(|edit| Op::Text { field: field.clone(), update: edit.update }))
}
