//! A device's store, as far as syncing goes: what was acknowledged or came from elsewhere (`base`), the outbox, and both together (`local`). Merging is the real one.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::sync::{Item, SyncId, What};
use altair_protocol::{
    Change, ChangeId, Clock, DeviceId, EntityId, EntityState, Field, Hash, Incarnation, Kind, Op, Stamp, TagName,
    VersionVector,
};

use crate::merge::{Applied, apply, join};
use crate::sync::machine::{Fault, Position, Resume};

/// What is given out once in a world.
#[derive(Debug, Default)]
pub(in crate::sync) struct Mint(u64);

impl Mint {
    fn bytes(&mut self) -> [u8; 10] {
        self.0 += 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.0.to_be_bytes());
        bytes
    }

    pub(in crate::sync) fn change(&mut self) -> ChangeId {
        ChangeId::v7(1, self.bytes())
    }

    pub(in crate::sync) fn device(&mut self) -> DeviceId {
        DeviceId::v7(2, self.bytes())
    }

    pub(in crate::sync) fn entity(&mut self) -> EntityId {
        EntityId::v7(3, self.bytes())
    }

    pub(in crate::sync) fn incarnation(&mut self) -> Incarnation {
        Incarnation::v7(4, self.bytes())
    }
}

/// The tag that an edit leaves behind, by which it is found again wherever it went.
pub(in crate::sync) fn trace(edit: u64) -> Field {
    Field::tag(&TagName::parse(&format!("edit-{edit}")).unwrap())
}

/// All that an erasing change erases.
fn erased_by(change: &Change) -> VersionVector {
    let mut seen = change.seen.clone();
    seen.add(change.dot());
    seen
}

#[derive(Debug, Clone)]
pub(in crate::sync) struct Entry {
    pub(in crate::sync) position: Position,
    pub(in crate::sync) change: Change,
    pub(in crate::sync) parked: Option<Fault>,
}

#[derive(Debug, Clone)]
pub(in crate::sync) struct Store {
    pub(in crate::sync) device: DeviceId,
    clock: Clock,
    /// What the machine says of the server's clock.
    pub(in crate::sync) ahead: i64,
    pub(in crate::sync) cursor: SyncId,
    pub(in crate::sync) incarnation: Option<Incarnation>,
    pub(in crate::sync) resume: Option<Resume>,
    pub(in crate::sync) base: BTreeMap<EntityId, EntityState>,
    pub(in crate::sync) local: BTreeMap<EntityId, EntityState>,
    pub(in crate::sync) outbox: Vec<Entry>,
    pub(in crate::sync) erased: BTreeMap<EntityId, VersionVector>,
    /// All changes that were ever made here.
    made: BTreeSet<ChangeId>,
    /// Other devices' changes that were applied one by one.
    delivered: BTreeSet<ChangeId>,
    position: u64,
}

impl Store {
    pub(in crate::sync) fn new(device: DeviceId) -> Self {
        Self {
            device,
            clock: Clock::default(),
            ahead: 0,
            cursor: SyncId::ZERO,
            incarnation: None,
            resume: None,
            base: BTreeMap::new(),
            local: BTreeMap::new(),
            outbox: Vec::new(),
            erased: BTreeMap::new(),
            made: BTreeSet::new(),
            delivered: BTreeSet::new(),
            position: 0,
        }
    }

    /// Writes something, at a moment of the device's own clock.
    pub(in crate::sync) fn edit(
        &mut self,
        entity: EntityId,
        edit: u64,
        blobs: Vec<Hash>,
        wall: i64,
        mint: &mut Mint,
    ) -> ChangeId {
        let ops = vec![
            Op::Set { field: Field::TITLE, value: edit.into() },
            Op::Set { field: trace(edit), value: true.into() },
        ];
        self.write(entity, ops, blobs, false, wall, mint)
    }

    /// Wants an entity erased, which is done when the server has agreed.
    pub(in crate::sync) fn erase(&mut self, entity: EntityId, wall: i64, mint: &mut Mint) {
        self.write(entity, Vec::new(), Vec::new(), true, wall, mint);
    }

    fn write(
        &mut self,
        entity: EntityId,
        ops: Vec<Op>,
        blobs: Vec<Hash>,
        erase: bool,
        wall: i64,
        mint: &mut Mint,
    ) -> ChangeId {
        self.position += 1;
        let id = mint.change();
        let (device, kind) = (self.device, Kind::Note);
        let change =
            Change { id, entity, kind, device, at: Stamp::ZERO, seen: VersionVector::new(), erase, blobs, ops };
        let mut entry = Entry { position: Position(self.position), change, parked: None };
        self.stamp(&mut entry.change, wall);
        self.outbox.push(entry);
        id
    }

    /// Gives a change its stamp and what it has seen, and applies it to what is shown here.
    fn stamp(&mut self, change: &mut Change, wall: i64) {
        let local = self.local.entry(change.entity).or_insert_with(|| EntityState::new(change.entity, Kind::Note));
        change.device = self.device;
        change.at = self.clock.tick(u64::try_from(wall + self.ahead).unwrap()).unwrap();
        change.seen = local.applied.clone();
        self.made.insert(change.id);
        if !change.erase {
            assert_eq!(apply(local, change).unwrap(), Applied::Now);
        }
    }

    /// Entities that can be written to: those that aren't about to be erased.
    pub(in crate::sync) fn entities(&self) -> Vec<EntityId> {
        let doomed = |id| self.outbox.iter().any(|entry| entry.change.erase && entry.change.entity == id);
        self.local.keys().copied().filter(|id| !doomed(*id)).collect()
    }

    pub(in crate::sync) fn parked(&self) -> Vec<Fault> {
        self.outbox.iter().filter_map(|entry| entry.parked.clone()).collect()
    }

    /// Whether an entity waits for the person.
    pub(in crate::sync) fn is_parked(&self, entity: EntityId) -> bool {
        self.outbox.iter().any(|entry| entry.change.entity == entity && entry.parked.is_some())
    }

    pub(in crate::sync) fn park(&mut self, fault: Fault) {
        let fault_of = |entry: &Entry| Some(entry.change.id) == fault.change;
        // What was acknowledged, or became another entity's, meanwhile isn't in the outbox any more.
        if let Some(at) = self.outbox.iter().position(fault_of) {
            for entry in self.outbox.iter_mut().filter(|entry| entry.change.entity == fault.entity) {
                entry.parked = None;
            }
            self.outbox[at].parked = Some(fault);
        }
    }

    pub(in crate::sync) fn acknowledge(&mut self, id: ChangeId, wall: i64, mint: &mut Mint) {
        let Some(acked) = self.outbox.iter().find(|entry| entry.change.id == id).map(|entry| entry.change.entity)
        else {
            return;
        };
        // Where an ack was lost, that of a later change of the entity speaks for the earlier ones.
        while let Some(at) = self.outbox.iter().position(|entry| entry.change.entity == acked) {
            let change = self.outbox.remove(at).change;
            let last = change.id == id;
            self.accepted(change, wall, mint);
            if last {
                return;
            }
        }
    }

    fn accepted(&mut self, change: Change, wall: i64, mint: &mut Mint) {
        if change.erase {
            // What was recreated once may be so again, under an id that was to be erased.
            self.was_erased(change.entity, erased_by(&change), wall, mint);
            return;
        }
        let base = self.base.entry(change.entity).or_insert_with(|| EntityState::new(change.entity, change.kind));
        assert_ne!(
            apply(base, &change).unwrap(),
            Applied::Hold,
            "{} was acknowledged before what it builds on",
            change.id
        );
    }

    fn remove(&mut self, entity: EntityId, seen: VersionVector) {
        self.outbox.retain(|entry| entry.change.entity != entity);
        self.base.remove(&entity);
        self.local.remove(&entity);
        self.erased.insert(entity, seen);
    }

    /// Removes what was erased; work on it that is in the outbox lives on in another entity. Whether there was any.
    pub(in crate::sync) fn was_erased(
        &mut self,
        entity: EntityId,
        seen: VersionVector,
        wall: i64,
        mint: &mut Mint,
    ) -> bool {
        let works = self.outbox.iter().any(|entry| entry.change.entity == entity && !entry.change.erase);
        if works {
            self.recreate(entity, wall, mint);
        }
        self.remove(entity, seen);
        works
    }

    /// Makes another entity of one that was erased.
    pub(in crate::sync) fn recreate(&mut self, entity: EntityId, wall: i64, mint: &mut Mint) {
        let set = |(field, heads): (&Field, &Vec<altair_protocol::Head>)| Op::Set {
            field: field.clone(),
            value: heads[0].value.clone(),
        };
        let Some(state) = self.local.get(&entity) else { return };
        let ops = state.fields.iter().map(set).collect();
        // How much was erased comes with the log.
        self.remove(entity, VersionVector::new());
        let id = EntityId::derived("recreated", &[entity.as_bytes(), self.device.as_bytes()]);
        self.write(id, ops, Vec::new(), false, wall, mint);
    }

    /// Applies numbers of the log: the cursor, whether the store is a copy, and what was recreated.
    pub(in crate::sync) fn apply(
        &mut self,
        items: Vec<Item>,
        wall: i64,
        mint: &mut Mint,
    ) -> (SyncId, bool, Vec<EntityId>) {
        let mut recreated = Vec::new();
        if items.first().map(|item| item.sync_id) != self.cursor.next() {
            return (self.cursor, false, recreated);
        }
        for Item { sync_id, what } in items {
            let mut gone = None;
            match what {
                What::Own(id) => {
                    if !self.made.contains(&id) {
                        return (self.cursor, true, recreated);
                    }
                    self.acknowledge(id, wall, mint);
                }
                What::Change(change) if change.envelope.erase => {
                    gone = Some((change.envelope.entity, erased_by(&change.open().unwrap())));
                }
                What::Erased(erased) => gone = Some((erased.id, erased.seen)),
                What::Change(change) => self.take(&change.open().unwrap()),
                What::State(state) => self.join(&state),
                What::Gone => {}
                What::Unreadable { why } => panic!("{why}"),
            }
            if let Some((entity, seen)) = gone {
                let had = self.outbox.iter().any(|entry| entry.change.entity == entity);
                self.was_erased(entity, seen, wall, mint);
                if had {
                    recreated.push(entity);
                }
            }
            self.cursor = sync_id;
        }
        (self.cursor, false, recreated)
    }

    fn take(&mut self, change: &Change) {
        self.clock.observe(change.at);
        for (states, first) in [(&mut self.base, true), (&mut self.local, false)] {
            let state = states.entry(change.entity).or_insert_with(|| EntityState::new(change.entity, change.kind));
            let applied = apply(state, change).unwrap();
            assert_ne!(applied, Applied::Hold, "{} came before what it builds on", change.id);
            if first && applied == Applied::Now {
                assert!(self.delivered.insert(change.id), "{} was applied twice", change.id);
            }
        }
    }

    /// Joins a state from the server.
    pub(in crate::sync) fn join(&mut self, theirs: &EntityState) {
        self.erased.remove(&theirs.id);
        if let Some(last) = theirs.applied.latest() {
            self.clock.observe(last.at);
        }
        for states in [&mut self.base, &mut self.local] {
            let state = states.entry(theirs.id).or_insert_with(|| EntityState::new(theirs.id, theirs.kind));
            join(state, theirs).unwrap();
        }
    }

    /// States that went up have arrived, with what the outbox had of them up to a position.
    pub(in crate::sync) fn met(&mut self, sent: &EntityState, through: Position) {
        let id = sent.id;
        self.outbox.retain(|entry| entry.change.entity != id || entry.change.erase || entry.position > through);
        let base = self.base.entry(id).or_insert_with(|| EntityState::new(id, sent.kind));
        join(base, sent).unwrap();
    }

    pub(in crate::sync) fn last_position(&self) -> Position {
        Position(self.position)
    }

    /// Mints all of the outbox again, as another device if one is given.
    pub(in crate::sync) fn remint(&mut self, device: Option<DeviceId>, wall: i64, mint: &mut Mint) -> Vec<Fault> {
        self.device = device.unwrap_or(self.device);
        let seen = self.base.values().filter_map(|state| state.applied.latest()).max();
        self.clock = Clock::starting_after(seen.map(|dot| dot.at).unwrap_or_default());
        self.local = self.base.clone();
        let mut outbox = std::mem::take(&mut self.outbox);
        for entry in &mut outbox {
            entry.change.id = mint.change();
            self.stamp(&mut entry.change, wall);
            if let Some(fault) = &mut entry.parked {
                fault.change = Some(entry.change.id);
            }
        }
        self.outbox = outbox;
        self.parked()
    }

    /// The person lets a refused change go. What follows it is minted again; what is before it may have been accepted, and stays as it is.
    pub(in crate::sync) fn discard(&mut self, entity: EntityId, wall: i64, mint: &mut Mint) -> Option<Change> {
        let at = self.outbox.iter().position(|entry| entry.change.entity == entity && entry.parked.is_some())?;
        let discarded = self.outbox.remove(at).change;
        let base = self.base.get(&entity).cloned();
        self.local.insert(entity, base.unwrap_or_else(|| EntityState::new(entity, discarded.kind)));
        let mut outbox = std::mem::take(&mut self.outbox);
        for (number, entry) in outbox.iter_mut().enumerate().filter(|(_, entry)| entry.change.entity == entity) {
            if number >= at {
                entry.change.id = mint.change();
                self.stamp(&mut entry.change, wall);
            } else if let Some(local) = self.local.get_mut(&entity) {
                apply(local, &entry.change).unwrap();
            }
        }
        self.local.retain(|_, state| !state.applied.is_empty());
        self.outbox = outbox;
        Some(discarded)
    }
}
