//! A server as docs/protocol.md has it: it orders, checks and answers. Merging is the real one.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::sync::{
    Ack, Acked, Changes, Erased, Hello, Household, Item, JoinRefused, Live, MAX_AHEAD_MS, Pushed, Refusal, Refused,
    Reset, ResetReason, ServerFrame, SyncId, Unopened, Welcome, What,
};
use altair_protocol::view::Time;
use altair_protocol::{
    Change, ChangeId, DeviceId, EntityId, EntityState, Field, Hash, HouseholdId, Incarnation, Kind, VersionVector,
};

use crate::merge::{Applied, apply, join};

pub(in crate::sync) fn home() -> HouseholdId {
    HouseholdId::v7(9, [0; 10])
}

/// What stands at a number.
#[derive(Debug, Clone)]
enum Entry {
    Change(Change),
    State(EntityState),
    Erased(Erased),
    Gone,
}

#[derive(Debug, Clone)]
pub(in crate::sync) struct Server {
    pub(in crate::sync) incarnation: Incarnation,
    /// Numbers up to here aren't in the log any more.
    pub(in crate::sync) horizon: u64,
    log: Vec<Entry>,
    accepted: BTreeMap<ChangeId, SyncId>,
    pub(in crate::sync) states: BTreeMap<EntityId, EntityState>,
    pub(in crate::sync) erased: BTreeMap<EntityId, VersionVector>,
    pub(in crate::sync) blobs: BTreeSet<Hash>,
    pub(in crate::sync) devices: BTreeSet<DeviceId>,
    /// Devices that were welcomed in this incarnation.
    met: BTreeSet<DeviceId>,
}

/// A device on a connection.
#[derive(Debug, Clone)]
pub(in crate::sync) struct Session {
    pub(in crate::sync) device: DeviceId,
    sent: u64,
    live: bool,
    /// Something was refused as forked, and so is what comes after it: of two copies' changes with one stamp only the first shows it.
    forked: bool,
}

impl Server {
    pub(in crate::sync) fn new(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            horizon: 0,
            log: Vec::new(),
            accepted: BTreeMap::new(),
            states: BTreeMap::new(),
            erased: BTreeMap::new(),
            blobs: BTreeSet::new(),
            devices: BTreeSet::new(),
            met: BTreeSet::new(),
        }
    }

    pub(in crate::sync) fn head(&self) -> SyncId {
        SyncId::try_from(self.horizon + self.log.len() as u64).unwrap()
    }

    /// Begins another life, as it was when it was cloned; devices that were paired since stay so.
    pub(in crate::sync) fn restored(mut self, incarnation: Incarnation, devices: BTreeSet<DeviceId>) -> Self {
        self.incarnation = incarnation;
        self.devices = devices;
        self.met.clear();
        self
    }

    /// Forgets the log's first numbers.
    pub(in crate::sync) fn fold(&mut self, count: usize) {
        let count = count.min(self.log.len());
        self.log.drain(..count);
        self.horizon += count as u64;
    }

    pub(in crate::sync) fn greet(&mut self, hello: &Hello, now: i64) -> (ServerFrame, Option<Session>) {
        let reason = if hello.incarnation.is_some_and(|theirs| theirs != self.incarnation) {
            ResetReason::Incarnation
        } else if hello.cursor > self.head() {
            ResetReason::Ahead
        } else if hello.cursor.get() < self.horizon {
            ResetReason::Horizon
        } else {
            self.met.insert(hello.device);
            let welcome = Welcome {
                protocol: 1,
                head: self.head(),
                server_time: Time::from_millis(now),
                incarnation: self.incarnation,
                household: Household { id: home(), name: "Home".to_owned() },
            };
            let session = Session { device: hello.device, sent: hello.cursor.get(), live: false, forked: false };
            return (ServerFrame::Welcome(welcome), Some(session));
        };
        if reason != ResetReason::Horizon {
            self.met.remove(&hello.device);
        }
        (ServerFrame::Reset(Reset { reason }), None)
    }

    /// The answers to a push, and the traces of what was erased by it.
    pub(in crate::sync) fn push(
        &mut self,
        session: &mut Session,
        changes: Vec<Pushed>,
        poison: &BTreeSet<ChangeId>,
        now: i64,
    ) -> (Vec<ServerFrame>, BTreeSet<Field>) {
        let (mut frames, mut acked, mut gone) = (Vec::new(), Vec::new(), BTreeSet::new());
        for change in changes {
            let Pushed::Change(change) = change else { panic!("{change:?}") };
            let change = change.open().unwrap();
            let id = change.id;
            let refused = match self.accepted.get(&id) {
                Some(_) => None,
                None => self.refusal(session, &change, poison, now),
            };
            match refused {
                None => {
                    let sync_id = self.accept(change, &mut gone);
                    acked.push(Acked { change: id, sync_id });
                }
                Some(code) => {
                    session.forked |= code == Refusal::Forked;
                    if !acked.is_empty() {
                        frames.push(ServerFrame::Ack(Ack { items: std::mem::take(&mut acked) }));
                    }
                    frames.push(ServerFrame::Refused(Refused {
                        change: id,
                        code,
                        message: String::new(),
                        until: None,
                    }));
                }
            }
        }
        if !acked.is_empty() {
            frames.push(ServerFrame::Ack(Ack { items: acked }));
        }
        (frames, gone)
    }

    fn refusal(&self, session: &Session, change: &Change, poison: &BTreeSet<ChangeId>, now: i64) -> Option<Refusal> {
        let nothing = VersionVector::new();
        let applied = self.states.get(&change.entity).map_or(&nothing, |state| &state.applied);
        let (own, ours) = (change.seen.get(change.device), applied.get(change.device));
        Some(if change.device != session.device {
            Refusal::WrongDevice
        } else if poison.contains(&change.id) {
            Refusal::Malformed
        } else if self.erased.contains_key(&change.entity) {
            Refusal::Erased
        } else if change.at.millis() > u64::try_from(now).unwrap() + MAX_AHEAD_MS {
            Refusal::ClockSkew
        } else if session.forked || own < ours || change.at <= ours {
            Refusal::Forked
        } else if !applied.includes(&change.seen) {
            Refusal::Causality
        } else if change.blobs.iter().any(|blob| !self.blobs.contains(blob)) {
            Refusal::BlobMissing
        } else if change.erase && !change.seen.includes(applied) {
            Refusal::NotCovered
        } else {
            return None;
        })
    }

    fn accept(&mut self, change: Change, gone: &mut BTreeSet<Field>) -> SyncId {
        if let Some(sync_id) = self.accepted.get(&change.id) {
            return *sync_id;
        }
        if change.erase {
            let mut seen = change.seen.clone();
            seen.add(change.dot());
            self.erase(change.entity, seen, gone);
        } else {
            let state =
                self.states.entry(change.entity).or_insert_with(|| EntityState::new(change.entity, change.kind));
            assert_eq!(apply(state, &change).unwrap(), Applied::Now);
        }
        let id = change.id;
        self.log.push(Entry::Change(change));
        self.accepted.insert(id, self.head());
        self.head()
    }

    fn erase(&mut self, entity: EntityId, seen: VersionVector, gone: &mut BTreeSet<Field>) {
        gone.extend(self.states.remove(&entity).into_iter().flat_map(|state| state.fields.into_keys()));
        self.erased.insert(entity, seen);
        for entry in &mut self.log {
            if matches!(entry, Entry::Change(change) if change.entity == entity)
                || matches!(entry, Entry::State(state) if state.id == entity)
            {
                *entry = Entry::Gone;
            }
        }
    }

    /// Whether it takes states from a device.
    pub(in crate::sync) fn meets(&self, device: DeviceId) -> bool {
        !self.met.contains(&device)
    }

    pub(in crate::sync) fn join(&mut self, theirs: &EntityState) -> Result<(), JoinRefused> {
        if let Some(seen) = self.erased.get(&theirs.id) {
            if seen.includes(&theirs.applied) {
                return Ok(());
            }
            return Err(JoinRefused { entity: theirs.id, code: Refusal::Erased, message: String::new() });
        }
        let state = self.states.entry(theirs.id).or_insert_with(|| EntityState::new(theirs.id, theirs.kind));
        let before = state.clone();
        join(state, theirs).unwrap();
        if *state != before {
            self.log.push(Entry::State(state.clone()));
        }
        Ok(())
    }

    pub(in crate::sync) fn join_erased(&mut self, entity: EntityId, seen: &VersionVector, gone: &mut BTreeSet<Field>) {
        let covers = self.states.get(&entity).is_none_or(|state| seen.includes(&state.applied));
        if !self.erased.contains_key(&entity) && covers {
            self.erase(entity, seen.clone(), gone);
            self.log.push(Entry::Erased(Erased { id: entity, kind: Kind::Note, seen: seen.clone() }));
        }
    }

    /// Whether there is something to say to a device.
    pub(in crate::sync) fn has_news(&self, session: &Session) -> bool {
        session.sent < self.head().get() || !session.live
    }

    /// The next frame for a device, with so many numbers at most.
    pub(in crate::sync) fn news(&self, session: &mut Session, at_most: usize) -> ServerFrame {
        if session.sent < self.horizon {
            return ServerFrame::Reset(Reset { reason: ResetReason::Horizon });
        }
        let from = usize::try_from(session.sent - self.horizon).unwrap();
        if from == self.log.len() {
            session.live = true;
            return ServerFrame::Live(Live { head: self.head() });
        }
        let entries = &self.log[from..self.log.len().min(from + at_most)];
        let items = (session.sent + 1..).zip(entries).map(|(number, entry)| Item {
            sync_id: SyncId::try_from(number).unwrap(),
            what: match entry {
                Entry::Change(change) if change.device == session.device => What::Own(change.id),
                Entry::Change(change) => What::Change(Box::new(Unopened::of(change).unwrap())),
                Entry::State(state) => What::State(Box::new(state.clone())),
                Entry::Erased(erased) => What::Erased(erased.clone()),
                Entry::Gone => What::Gone,
            },
        });
        let items: Vec<Item> = items.collect();
        session.sent += items.len() as u64;
        ServerFrame::Changes(Changes { items })
    }
}
