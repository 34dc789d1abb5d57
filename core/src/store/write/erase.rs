//! Erasing: what an entity said goes from everywhere in the store, and its id stays erased.
//!
//! Changes of it that a server may not have had yet stay in the outbox as envelopes, which say nothing: the erasing change has seen them, so the server has to
//! have them before. Where no server has ever been asked for anything, and nobody else can know of the entity, neither they nor the erasing are
//! anybody's business.

use altair_protocol::view::EventKind;
use altair_protocol::{Change, EntityId, EntityState, Hash};
use surrealdb::types::SurrealValue as _;

use super::Undoing;
use super::unit::{Made, Unit};
use crate::error::Result;
use crate::store::rows::{BodyRow, ChangeRow, change_record, held_record, sync_record};
use crate::store::sealed::{Logged, open, seal};

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
        for change in self.writer.db.held().await?.iter().filter(|change| change.entity == id) {
            self.released.push(held_record(change.id));
        }
        let change = self.minted(id, state.kind, Vec::new(), Vec::new(), true).await?;
        self.entities.insert(id, None);
        let logged = Logged { change, before: Vec::new(), event: EventKind::Erased };
        self.logged.push(Made { logged, outgoing: !unheard });
        self.act = Undoing::Keep;
        Ok(blobs)
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
