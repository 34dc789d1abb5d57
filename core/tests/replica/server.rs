//! A server as `docs/protocol.md` has it, in memory: it orders and checks by the envelope. Merging is the real one.

use std::collections::{BTreeMap, HashMap};

use altair_core::merge::{Applied, apply, join};
use altair_protocol::sync::{BootstrapLine, Erased, Household, Item, JoinRefused, Refusal, SyncId, Unopened, What};
use altair_protocol::{ChangeId, DeviceId, EntityId, EntityState, HouseholdId, Incarnation, VersionVector};

use super::sync_id;

#[derive(Debug, Clone)]
enum Entry {
    Change(Unopened),
    State(EntityState),
    Erased(Erased),
    Gone,
}

#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) household: Household,
    pub(crate) incarnation: Incarnation,
    log: Vec<Entry>,
    pub(crate) states: BTreeMap<EntityId, EntityState>,
    erased: BTreeMap<EntityId, Erased>,
    accepted: HashMap<ChangeId, SyncId>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::of("Home", 1)
    }

    pub(crate) fn of(name: &str, number: u64) -> Self {
        let id = HouseholdId::v7(number, [0; 10]);
        Self {
            household: Household { id, name: name.to_owned() },
            incarnation: Incarnation::v7(1, [0; 10]),
            log: Vec::new(),
            states: BTreeMap::new(),
            erased: BTreeMap::new(),
            accepted: HashMap::new(),
        }
    }

    /// The server as it was, restored from a backup.
    pub(crate) fn restored(self, life: u64) -> Self {
        Self { incarnation: Incarnation::v7(life, [0; 10]), ..self }
    }

    pub(crate) fn head(&self) -> SyncId {
        sync_id(self.log.len() as u64)
    }

    pub(crate) fn accept(&mut self, change: Unopened, device: DeviceId) -> Result<SyncId, Refusal> {
        let envelope = &change.envelope;
        if let Some(sync_id) = self.accepted.get(&envelope.id) {
            return Ok(*sync_id);
        }
        let nothing = VersionVector::new();
        let applied = self.states.get(&envelope.entity).map_or(&nothing, |state| &state.applied);
        let (own, ours) = (envelope.seen.get(device), applied.get(device));
        if envelope.device != device {
            return Err(Refusal::WrongDevice);
        } else if self.erased.contains_key(&envelope.entity) {
            return Err(Refusal::Erased);
        } else if own < ours || envelope.at <= ours {
            return Err(Refusal::Forked);
        } else if !applied.includes(&envelope.seen) {
            return Err(Refusal::Causality);
        } else if envelope.erase && !envelope.seen.includes(applied) {
            return Err(Refusal::NotCovered);
        }
        let id = envelope.id;
        if envelope.erase {
            let mut seen = envelope.seen.clone();
            seen.add(envelope.dot());
            self.erase(Erased { id: envelope.entity, kind: envelope.kind, seen });
        } else {
            let new = EntityState::new(envelope.entity, envelope.kind);
            let state = self.states.entry(envelope.entity).or_insert(new);
            assert_eq!(apply(state, &change.clone().open().unwrap()).unwrap(), Applied::Now);
        }
        self.log.push(Entry::Change(change));
        self.accepted.insert(id, self.head());
        Ok(self.head())
    }

    fn erase(&mut self, erased: Erased) {
        let id = erased.id;
        self.states.remove(&id);
        for entry in &mut self.log {
            let of = match entry {
                Entry::Change(change) => change.envelope.entity,
                Entry::State(state) => state.id,
                Entry::Erased(_) | Entry::Gone => continue,
            };
            if of == id {
                *entry = Entry::Gone;
            }
        }
        self.erased.insert(id, erased);
    }

    /// What a device is sent after its cursor.
    pub(crate) fn items(&self, device: DeviceId, cursor: SyncId, at_most: usize) -> Vec<Item> {
        let from = usize::try_from(cursor.get()).unwrap();
        let entries = (cursor.get() + 1..).zip(self.log.iter().skip(from).take(at_most));
        let item = |(number, entry): (u64, &Entry)| Item {
            sync_id: sync_id(number),
            what: match entry {
                Entry::Change(change) if change.envelope.device == device => What::Own(change.envelope.id),
                Entry::Change(change) => What::Change(Box::new(change.clone())),
                Entry::State(state) => What::State(Box::new(state.clone())),
                Entry::Erased(erased) => What::Erased(erased.clone()),
                Entry::Gone => What::Gone,
            },
        };
        entries.map(item).collect()
    }

    /// All states and erased ids after one, in the order of ids.
    pub(crate) fn bootstrap(&self, after: Option<EntityId>) -> Vec<BootstrapLine> {
        let states = self.states.values().map(|state| (state.id, BootstrapLine::Entity(Box::new(state.clone()))));
        let erased = self.erased.values().map(|erased| (erased.id, BootstrapLine::Erased(erased.clone())));
        let all: BTreeMap<EntityId, BootstrapLine> = states.chain(erased).collect();
        all.into_iter().filter(|(id, _)| after.is_none_or(|after| *id > after)).map(|(_, line)| line).collect()
    }

    /// Joins what a device brings.
    pub(crate) fn join(&mut self, lines: &[BootstrapLine]) -> Vec<JoinRefused> {
        let mut refused = Vec::new();
        for line in lines {
            match line {
                BootstrapLine::Entity(theirs) => match self.erased.get(&theirs.id) {
                    Some(erased) if erased.seen.includes(&theirs.applied) => {}
                    Some(_) => {
                        let message = "the entity was erased".to_owned();
                        refused.push(JoinRefused { entity: theirs.id, code: Refusal::Erased, message });
                    }
                    None => {
                        let new = EntityState::new(theirs.id, theirs.kind);
                        let state = self.states.entry(theirs.id).or_insert(new);
                        let before = state.clone();
                        join(state, theirs).unwrap();
                        if *state != before {
                            let joined = state.clone();
                            self.log.push(Entry::State(joined));
                        }
                    }
                },
                BootstrapLine::Erased(erased) => {
                    let covers = self.states.get(&erased.id).is_none_or(|state| erased.seen.includes(&state.applied));
                    if covers && !self.erased.contains_key(&erased.id) {
                        self.erase(erased.clone());
                        self.log.push(Entry::Erased(erased.clone()));
                    }
                }
                _ => {}
            }
        }
        refused
    }
}
