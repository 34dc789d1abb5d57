//! What a unit does with what comes from the household's server: states, acknowledgements, and the account with its cursor.

use altair_protocol::sync::{SyncId, Unopened};
use altair_protocol::view::{Event, EventKind, Time};
use altair_protocol::{ChangeId, DeviceId, EntityId, EntityState, Field, Kind, Stamp};
use surrealdb::types::{RecordId, SurrealValue as _};

use super::batch::field_names;
use super::unit::Unit;
use crate::error::Result;
use crate::merge::join;
use crate::reading::read;
use crate::store::account::Account;
use crate::store::rows::{BodyRow, acked_record, erased_record, parked_record, sync_record, unread_record};
use crate::store::sealed::seal;
use crate::sync::machine::Fault;

/// What became of an entity without a change that the log could tell it by.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) entity: EntityId,
    kind: Kind,
    event: EventKind,
    at: Stamp,
    device: DeviceId,
    fields: Vec<String>,
}

impl Told {
    /// It is told as the last thing that was done to the entity.
    pub(super) fn of(state: &EntityState, event: EventKind, fields: Vec<String>) -> Self {
        let last = state.applied.latest();
        Self {
            entity: state.id,
            kind: state.kind,
            event,
            at: last.map(|dot| dot.at).unwrap_or_default(),
            device: last.map_or_else(|| DeviceId::from(uuid::Uuid::nil()), |dot| dot.device),
            fields,
        }
    }

    pub(super) fn event(self, seq: u64) -> Event {
        let Self { entity, kind, event, at, device, fields } = self;
        Event { seq, at: Time::from(at), device, entity, kind, event, fields }
    }
}

impl Unit {
    /// Says that so much comes that watchers had better read again than hear of each entity.
    pub(crate) fn in_bulk(&mut self) {
        self.in_bulk = true;
    }

    pub(super) fn tell(&mut self, told: Told) {
        self.joined = true;
        if !self.in_bulk {
            self.told.push(told);
        }
    }

    /// Joins another replica's state. It leaves no change in the log: what it brought was logged where it was made. Who watches is told of the entity, and after
    /// a restart to read again.
    pub(crate) async fn join(&mut self, theirs: &EntityState) -> Result<()> {
        for dot in theirs.applied.iter() {
            self.clock.observe(dot.at);
        }
        let found = self.get(theirs.id).await?.cloned();
        let (mut state, last) = match &found {
            Some(staged) => (staged.state.clone(), staged.last),
            None => (EntityState::new(theirs.id, theirs.kind), 0),
        };
        join(&mut state, theirs)?;
        let before = found.as_ref().map(|staged| &staged.state);
        if before == Some(&state) {
            return Ok(());
        }
        let event = match (before.map(EntityState::is_alive), state.is_alive()) {
            (None, _) => EventKind::Created,
            (Some(true), false) => EventKind::Deleted,
            (Some(false), true) => EventKind::Restored,
            _ => EventKind::Changed,
        };
        let fields = if self.in_bulk { Vec::new() } else { changed(before, &state) };
        self.tell(Told::of(&state, event, fields));
        let reading = read(&state)?;
        self.put(state, reading, last);
        Ok(())
    }

    /// Takes note of the numbers that a server gave changes of the outbox (by their numbers in the log). What isn't in the outbox is passed over; it gives what was.
    pub(crate) async fn acknowledge(&mut self, acked: &[(u64, u64)]) -> Result<Vec<u64>> {
        let seqs: Vec<u64> = acked.iter().map(|(seq, _)| *seq).collect();
        let unsent = self.writer.db.still_unsent(&seqs).await?;
        if unsent.is_empty() {
            return Ok(unsent);
        }
        // What is staged comes later than all that is in the database.
        let committed = self.writer.db.head_row().await?.map_or(0, |row| row.seq.unsigned_abs());
        let before = self.writer.db.before_unsent(self.stage.head.outbox, committed, &unsent).await?;
        self.acked.extend(acked.iter().filter(|(seq, _)| unsent.contains(seq)));
        self.left_outbox += unsent.len() as u64;
        self.outbox = before;
        Ok(unsent)
    }

    /// Remembers that a change of this device's is acknowledged, until the cursor has passed its number.
    pub(crate) fn expect_own(&mut self, number: SyncId, change: ChangeId) -> Result<()> {
        self.keep(acked_record(number), &change)
    }

    /// The cursor passes a number at which a change of this device's may have been acknowledged.
    pub(crate) fn pass(&mut self, number: SyncId) {
        self.released.push(acked_record(number));
    }

    /// Keeps a change that only a newer version can read.
    pub(crate) fn keep_unread(&mut self, change: &Unopened) -> Result<()> {
        self.keep(unread_record(change.envelope.id), change)
    }

    /// It can be read now, or isn't needed any more.
    pub(crate) fn release_unread(&mut self, change: ChangeId) {
        self.released.push(unread_record(change));
    }

    /// Keeps why an entity's change was refused.
    pub(crate) fn park(&mut self, fault: &Fault) -> Result<()> {
        self.keep(parked_record(fault.entity), fault)
    }

    /// Forgets it.
    pub(crate) fn unpark(&mut self, entity: EntityId) {
        self.released.push(parked_record(entity));
    }

    /// An id isn't erased any more: the server has more of its entity than was erased.
    pub(crate) fn bring_back(&mut self, id: EntityId) {
        self.released.push(erased_record(id));
    }

    /// Writes the account.
    pub(crate) fn set_account(&mut self, account: &Account) -> Result<()> {
        self.keep(sync_record(), account)
    }

    fn keep(&mut self, id: RecordId, value: &impl serde::Serialize) -> Result<()> {
        self.bodies.push(BodyRow { id, body: seal(value)?.into() }.into_value());
        Ok(())
    }
}

/// The fields in which two states of an entity differ.
fn changed(before: Option<&EntityState>, after: &EntityState) -> Vec<String> {
    let nothing = EntityState::new(after.id, after.kind);
    let before = before.unwrap_or(&nothing);
    let fields = after.fields.keys().chain(after.counters.keys()).chain(after.texts.keys());
    let differs = |field: &&Field| {
        before.fields.get(*field) != after.fields.get(*field)
            || before.counters.get(*field) != after.counters.get(*field)
            || before.texts.get(*field) != after.texts.get(*field)
    };
    field_names(fields.filter(differs))
}
