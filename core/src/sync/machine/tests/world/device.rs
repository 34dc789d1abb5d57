//! A device: a machine, its store, and a driver that does one thing at a time.

use std::collections::{BTreeSet, VecDeque};

use altair_protocol::sync::{DeviceFrame, JoinRefused, SyncId, Unopened};
use altair_protocol::{ChangeId, EntityId, EntityState, Hash, Incarnation};

use super::server::home;
use super::store::{Mint, Store};
use crate::sync::machine::{
    Account, ConnectionId, Effect, Event, How, Machine, Now, Outgoing, Position, Reason, Resume, TransferId,
};

/// A transfer under way.
#[derive(Debug, Clone)]
pub(super) enum Moving {
    Bootstrap { transfer: TransferId, how: How, from: Option<Resume>, started: Option<Started> },
    Meet { transfer: TransferId, arrived: Option<Arrived> },
}

/// A bootstrap of which the first line has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    pub(super) after: Option<EntityId>,
    pub(super) head: SyncId,
    pub(super) incarnation: Incarnation,
    pub(super) done: u64,
}

/// States that the server has joined, and the device doesn't know yet.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) states: Vec<EntityState>,
    pub(super) refused: Vec<JoinRefused>,
    pub(super) through: Position,
    pub(super) incarnation: Incarnation,
}

#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) machine: Machine,
    pub(super) store: Store,
    /// How far its own clock is off.
    pub(super) skew: i64,
    pub(super) paused: bool,
    pub(super) connecting: Option<ConnectionId>,
    pub(super) todo: VecDeque<Effect>,
    pub(super) uploads: Vec<(EntityId, ChangeId, Vec<Hash>)>,
    pub(super) naming: bool,
    pub(super) moving: Option<Moving>,
    pub(super) wake: Option<u64>,
    /// What the machine has come to do, so that a test can say that it did.
    pub(super) seen: BTreeSet<&'static str>,
    /// What goes to the network, with the connection.
    pub(super) out: Vec<Outbound>,
}

/// What a device does on the network.
#[derive(Debug, Clone)]
pub(super) enum Outbound {
    Say(ConnectionId, DeviceFrame),
    Read(ConnectionId, bool),
    HangUp(ConnectionId),
}

impl Device {
    pub(super) fn new(store: Store, skew: i64) -> Self {
        Self {
            machine: Machine::new(),
            store,
            skew,
            paused: false,
            connecting: None,
            todo: VecDeque::new(),
            uploads: Vec::new(),
            naming: false,
            moving: None,
            wake: None,
            seen: BTreeSet::new(),
            out: Vec::new(),
        }
    }

    /// The process is gone, and another one opens the store.
    pub(super) fn restart(&mut self, now: Now) {
        let seen = std::mem::take(&mut self.seen);
        *self = Self { seen, ..Self::new(self.store.clone(), self.skew) };
        let account = Account {
            device: self.store.device,
            household: home(),
            program: "world".to_owned(),
            cursor: self.store.cursor,
            incarnation: self.store.incarnation,
            resume: self.store.resume,
            brings_states: false,
            parked: self.store.parked(),
        };
        self.tell(now, Event::Configured(Box::new(account)));
    }

    pub(super) fn tell(&mut self, now: Now, event: Event) {
        let now = Now { wall: now.wall + self.skew, ..now };
        let (machine, effects) = std::mem::take(&mut self.machine).step(now, event);
        self.machine = machine;
        let mut written = Vec::new();
        for effect in effects {
            self.seen.extend(kind(&effect));
            match effect {
                Effect::Connect { connection } => self.connecting = Some(connection),
                Effect::Disconnect { connection } => {
                    self.connecting = self.connecting.filter(|connecting| *connecting != connection);
                    self.out.push(Outbound::HangUp(connection));
                }
                Effect::Send { connection, frame } => {
                    if matches!(frame, DeviceFrame::Push(_)) {
                        written.push(connection);
                    }
                    self.out.push(Outbound::Say(connection, frame));
                }
                Effect::Receive { connection, on } => self.out.push(Outbound::Read(connection, on)),
                Effect::EnsureBlobs { entity, change, blobs } => self.uploads.push((entity, change, blobs)),
                Effect::NewDevice => self.naming = true,
                Effect::Bootstrap { transfer, how, from } => {
                    self.moving = Some(Moving::Bootstrap { transfer, how, from, started: None });
                }
                Effect::Meet { transfer } => self.moving = Some(Moving::Meet { transfer, arrived: None }),
                Effect::StopTransfer { .. } => self.moving = None,
                Effect::Wake { at } => self.wake = at,
                Effect::Publish(status) => assert!(status.faults.len() <= 100),
                Effect::ReadOutbox { .. }
                | Effect::Apply { .. }
                | Effect::Acknowledge { .. }
                | Effect::Park(_)
                | Effect::Recreate { .. }
                | Effect::Remint { .. }
                | Effect::SetClock { .. } => self.todo.push_back(effect),
            }
        }
        for connection in written {
            self.tell(Now { wall: now.wall - self.skew, ..now }, Event::Written { connection });
        }
    }

    /// Does the next thing that the store was given.
    pub(super) fn work(&mut self, now: Now, mint: &mut Mint) {
        let wall = now.wall + self.skew;
        let Some(effect) = self.todo.pop_front() else { return };
        let event = match effect {
            Effect::ReadOutbox { read, after, changes, .. } => {
                let (entries, end) = self.read(after, changes);
                Event::OutboxRead { read, entries, end }
            }
            Effect::Apply { items } => {
                let (cursor, copied, recreated) = self.store.apply(items, wall, mint);
                Event::Applied { cursor, copied, recreated }
            }
            Effect::Acknowledge { items } => {
                return items.into_iter().for_each(|item| self.store.acknowledge(item.change, wall, mint));
            }
            Effect::Park(fault) => {
                let (entity, change) = (fault.entity, fault.change);
                self.store.park(fault);
                Event::Parked { entity, change }
            }
            Effect::Recreate { entity } => {
                self.store.recreate(entity, wall, mint);
                Event::Recreated { entity }
            }
            Effect::Remint { device } => {
                let parked = self.store.remint(device, wall, mint);
                Event::Reminted { device: self.store.device, parked }
            }
            Effect::SetClock { ahead } => return self.store.ahead = ahead,
            effect => panic!("{effect:?} is not the store's"),
        };
        self.tell(now, event);
    }

    /// A few changes of the outbox at a time, so that there are many pushes.
    fn read(&self, after: Position, changes: usize) -> (Vec<Outgoing>, bool) {
        let mut found = self
            .store
            .outbox
            .iter()
            .filter(|entry| entry.position > after && !self.store.is_parked(entry.change.entity))
            .map(|entry| Outgoing {
                position: entry.position,
                change: Unopened::of(&entry.change).unwrap(),
                bytes: 300,
            });
        let entries: Vec<Outgoing> = found.by_ref().take(changes.min(4)).collect();
        (entries, found.next().is_none())
    }
}

/// What is out of the ordinary about an effect.
fn kind(effect: &Effect) -> Option<&'static str> {
    Some(match effect {
        Effect::Park(_) => "parked",
        Effect::Recreate { .. } => "recreated",
        Effect::Remint { device: None } => "reminted",
        Effect::Remint { device: Some(_) } => "renamed",
        Effect::Bootstrap { from: Some(_), .. } => "resumed",
        Effect::Meet { .. } => "met",
        Effect::EnsureBlobs { .. } => "blobs",
        Effect::Receive { on: false, .. } => "held",
        Effect::Publish(status) => match status.why.as_ref()?.reason {
            Reason::Gap => "gap",
            Reason::Silent => "silent",
            Reason::Replaced => "replaced",
            Reason::SessionExpired => "expired",
            Reason::Store => "store",
            _ => return None,
        },
        _ => return None,
    })
}

/// All of [`kind`].
pub(super) const KINDS: [&str; 13] = [
    "blobs",
    "expired",
    "gap",
    "held",
    "met",
    "parked",
    "recreated",
    "reminted",
    "renamed",
    "replaced",
    "resumed",
    "silent",
    "store",
];
