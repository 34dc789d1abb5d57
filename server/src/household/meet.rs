//! Meeting another log: a device brings the states that it has, and the server joins them with its own.
//!
//! What it knows to be erased is erased here, too: a server that lost its log has forgotten that.
//!
//! It is done in the household's task, between turns, so that no change comes in between. A state that brings something gets a number like a change, and goes to the others as it came: what it brings to them
//! is found by joining, too. It is the one place before the fold that reads what entities say, which a state can't do without.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use altair_core::Result;
use altair_core::merge::join;
use altair_protocol::sync::{BootstrapLine, Erased, JoinRefused, Joined, MAX_AHEAD_MS, MAX_ENTITY, Refusal, SyncId};
use altair_protocol::{ChangeId, DeviceId, EntityId, EntityState, Field, Hash, Kind, VersionVector};

use super::task::Task;
use super::turn::Known;
use crate::store::{Commit, Entity, Entry, Holds, corrupt, internal};

/// How many states are joined in one transaction.
const CHUNK: usize = 256;

/// What a device knows of an entity.
#[derive(Debug)]
pub(crate) enum Brought {
    State(Box<EntityState>),
    Erased(Erased),
}

impl Brought {
    fn id(&self) -> EntityId {
        match self {
            Self::State(state) => state.id,
            Self::Erased(erased) => erased.id,
        }
    }
}

/// Joins what was brought, in chunks; what was brought twice for one entity, in its order.
pub(super) async fn join_all(task: &mut Task, device: DeviceId, brought: Vec<Brought>) -> Result<Joined> {
    let (head, incarnation) = (task.head.sync_id, task.shared.incarnation);
    let mut told = Joined { joined: 0, unchanged: 0, refused: Vec::new(), head, incarnation };
    let mut brought = brought.into_iter().peekable();
    while brought.peek().is_some() {
        let chunk: Vec<Brought> = brought.by_ref().take(CHUNK).collect();
        join_some(task, device, chunk, &mut told).await?;
    }
    told.head = task.head.sync_id;
    Ok(told)
}

/// A state beside what the server has of its entity.
struct Pair {
    theirs: EntityState,
    ours: Option<EntityState>,
}

enum Outcome {
    Joined { theirs: EntityState, applied: altair_protocol::VersionVector, bytes: u64 },
    Unchanged,
    Refused(JoinRefused),
}

async fn join_some(task: &mut Task, device: DeviceId, brought: Vec<Brought>, told: &mut Joined) -> Result<()> {
    let (store, household) = (task.shared.store.clone(), task.shared.id);
    // Twice in one request: the later is joined on top, in its own turn.
    let mut later = Vec::new();
    let mut chunk: BTreeMap<EntityId, Brought> = BTreeMap::new();
    for brought in brought {
        match chunk.entry(brought.id()) {
            Slot::Occupied(_) => later.push(brought),
            Slot::Vacant(slot) => drop(slot.insert(brought)),
        }
    }
    task.shared.fold.catch_up(task.head.sync_id).await?;
    let ids: Vec<EntityId> = chunk.keys().copied().collect();
    let entities = store.entities(household, &ids).await?;
    let mut lines = store.state_lines(household, &ids).await?;
    let hashes: BTreeSet<Hash> = chunk.values().flat_map(blobs_of).collect();
    let missing = task.shared.missing_blobs(hashes).await?;
    let now_ms = task.shared.environment.now();

    let (mut pairs, mut erased) = (Vec::with_capacity(chunk.len()), Vec::new());
    for (id, brought) in chunk {
        let theirs = match brought {
            // It was erased with all that this has: the device just hasn't heard yet.
            Brought::State(theirs) if erased_with(entities.get(&id), &theirs.applied) => {
                told.unchanged += 1;
                continue;
            }
            Brought::State(theirs) => *theirs,
            // What it doesn't cover was never erased, whatever this log has lost: the entity lives on.
            Brought::Erased(theirs) if keeps(entities.get(&id), &theirs.seen) => {
                told.unchanged += 1;
                continue;
            }
            Brought::Erased(theirs) => {
                erased.push(theirs);
                continue;
            }
        };
        if let Err((code, message)) = check(&theirs, entities.get(&id), &missing, now_ms.saturating_add(MAX_AHEAD_MS)) {
            told.refused.push(JoinRefused { entity: id, code, message });
            continue;
        }
        let ours = match lines.remove(&id).map(|line| serde_json::from_str(&line)).transpose() {
            Ok(Some(BootstrapLine::Entity(state))) => Some(*state),
            Ok(None) => None,
            _ => return Err(corrupt(format!("the state of the entity {id} is damaged"))),
        };
        pairs.push(Pair { theirs, ours });
    }
    let outcomes = tokio::task::spawn_blocking(move || pairs.into_iter().map(outcome).collect::<Vec<_>>());
    let outcomes = outcomes.await.map_err(|error| internal("joining states was cut off").because(error))?;

    let mut adding = Adding { task, device, entities, commit: Commit::default(), head: task.head.sync_id };
    for outcome in outcomes {
        match outcome {
            Outcome::Unchanged => told.unchanged += 1,
            Outcome::Refused(refused) => told.refused.push(refused),
            Outcome::Joined { theirs, applied, bytes } => {
                let entity = adding.add(theirs.id, theirs.kind, Holds::State, written(&theirs)?)?;
                entity.bytes = bytes;
                entity.applied.join(&applied);
                told.joined += 1;
            }
        }
    }
    let erases = !erased.is_empty();
    for theirs in erased {
        let entity = adding.add(theirs.id, theirs.kind, Holds::Erased, written(&theirs)?)?;
        entity.erased_ms = Some(now_ms);
        entity.applied.join(&theirs.seen);
        told.joined += 1;
    }
    let Adding { commit, head, .. } = adding;
    task.commit(&commit, head).await?;
    task.remember(Known::default(), &commit);
    task.publish(&commit);
    if erases {
        task.shared.fold.hurry(head);
    }
    if later.is_empty() { Ok(()) } else { Box::pin(join_some(task, device, later, told)).await }
}

/// Whether an entity was erased, and what was covers this.
fn erased_with(entity: Option<&Entity>, applied: &VersionVector) -> bool {
    entity.is_some_and(|entity| entity.erased_ms.is_some() && entity.applied.includes(applied))
}

/// Whether an entity stays as it is though somebody has erased so much of it.
fn keeps(entity: Option<&Entity>, erased: &VersionVector) -> bool {
    entity.is_some_and(|entity| entity.erased_ms.is_some() || !erased.includes(&entity.applied))
}

/// What goes into the log.
struct Adding<'a> {
    task: &'a Task,
    device: DeviceId,
    entities: BTreeMap<EntityId, Entity>,
    commit: Commit,
    head: SyncId,
}

impl Adding<'_> {
    /// Adds an entry for an entity, and gives the entity to be brought up to it.
    fn add(&mut self, id: EntityId, kind: Kind, holds: Holds, json: String) -> Result<&mut Entity> {
        self.head = self.head.next().ok_or_else(|| internal("the household's log has no number left"))?;
        let environment = &self.task.shared.environment;
        let change = ChangeId::v7(environment.now(), environment.random());
        let held = self.entities.remove(&id);
        let existed = held.is_some();
        let mut entity = held.unwrap_or_else(|| Entity::new(kind));
        let prior = std::mem::replace(&mut entity.last, self.head);
        self.commit.entries.push(Entry { sync_id: self.head, holds, device: self.device, change, prior, json });
        let (entity, _) = self.commit.entities.entry(id).or_insert((entity, existed));
        Ok(entity)
    }
}

fn written<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| internal("what was brought can't be written").because(error))
}

/// The blobs that a state names.
fn blobs_of(brought: &Brought) -> Vec<Hash> {
    match brought {
        Brought::State(state) => blobs_in(state),
        Brought::Erased(_) => Vec::new(),
    }
}

fn blobs_in(state: &EntityState) -> Vec<Hash> {
    if state.kind != Kind::Attachment {
        return Vec::new();
    }
    let heads = state.fields.get(&Field::BLOB).into_iter().flatten();
    heads.filter_map(|head| head.value.as_str()?.parse().ok()).collect()
}

/// Whether a state can be joined at all.
fn check(
    state: &EntityState,
    entity: Option<&Entity>,
    missing: &BTreeSet<Hash>,
    latest_ms: u64,
) -> Result<(), (Refusal, String)> {
    let refused = |code, message: &str| Err((code, message.to_owned()));
    if entity.is_some_and(|entity| entity.erased_ms.is_some()) {
        return refused(Refusal::Erased, "the entity was erased: what is left of it belongs in a new one");
    }
    if let Some(entity) = entity.filter(|entity| entity.kind != state.kind) {
        let (ours, theirs) = (entity.kind, state.kind);
        return Err((Refusal::Malformed, format!("the entity is a {ours}, and the state is of a {theirs}")));
    }
    let applied = &state.applied;
    let heads = state.fields.values().flatten().all(|head| applied.covers(head.dot()));
    let counters = state.counters.values().flatten().all(|(device, total)| applied.get(*device) >= total.at);
    if !heads || !counters || !applied.includes(&state.content) || !applied.includes(&state.deleted) {
        return refused(Refusal::Malformed, "the state holds work that it doesn't say was applied");
    }
    if applied.iter().any(|dot| dot.at.millis() > latest_ms) {
        return refused(
            Refusal::ClockSkew,
            "the state has a stamp that is more than five minutes ahead of the server's clock",
        );
    }
    match blobs_in(state).into_iter().find(|hash| missing.contains(hash)) {
        Some(hash) => Err((
            Refusal::BlobMissing,
            format!("the server doesn't have the blob {hash} yet: send that, then bring the state again"),
        )),
        None => Ok(()),
    }
}

fn outcome(pair: Pair) -> Outcome {
    let Pair { theirs, ours } = pair;
    let refused = |code, message: String| Outcome::Refused(JoinRefused { entity: theirs.id, code, message });
    let mut joined = ours.clone().unwrap_or_else(|| EntityState::new(theirs.id, theirs.kind));
    if let Err(error) = join(&mut joined, &theirs) {
        return refused(Refusal::Malformed, format!("the state can't be joined: {error}"));
    }
    if ours.as_ref() == Some(&joined) {
        return Outcome::Unchanged;
    }
    let bytes = serde_json::to_string(&joined).map_or(u64::MAX, |json| json.len() as u64);
    if bytes > MAX_ENTITY as u64 {
        return refused(Refusal::TooLarge, format!("the entity would have more than {MAX_ENTITY} bytes"));
    }
    Outcome::Joined { theirs, applied: joined.applied, bytes }
}

#[cfg(test)]
mod tests {
    use altair_protocol::{Dot, Head, Stamp};

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn state() -> EntityState {
        let mut state = EntityState::new(EntityId::v7(1, [0; 10]), Kind::Attachment);
        let dot = Dot { at: Stamp::new(NOW, 0), device: DeviceId::v7(1, [0; 10]) };
        state.applied.add(dot);
        state.content.add(dot);
        let head = Head { at: dot.at, device: dot.device, value: Hash::of(b"figs").to_string().into() };
        state.fields.insert(Field::BLOB, vec![head]);
        state
    }

    fn code(state: &EntityState, entity: Option<&Entity>, missing: &[Hash], latest_ms: u64) -> Option<Refusal> {
        check(state, entity, &missing.iter().copied().collect(), latest_ms).err().map(|(code, _)| code)
    }

    #[test]
    fn a_state_is_checked_as_a_change_is() {
        let figs = Hash::of(b"figs");
        assert_eq!(code(&state(), None, &[], NOW), None);
        assert_eq!(code(&state(), None, &[figs], NOW), Some(Refusal::BlobMissing));
        assert_eq!(code(&state(), None, &[], NOW - 1), Some(Refusal::ClockSkew));
        let erased = Entity { erased_ms: Some(1), ..Entity::new(Kind::Attachment) };
        assert_eq!(code(&state(), Some(&erased), &[], NOW), Some(Refusal::Erased));
        assert_eq!(code(&state(), Some(&Entity::new(Kind::Note)), &[], NOW), Some(Refusal::Malformed));
    }

    #[test]
    fn work_that_isnt_said_to_be_applied_is_malformed() {
        let forged = EntityState { applied: altair_protocol::VersionVector::new(), ..state() };
        assert_eq!(code(&forged, None, &[], NOW), Some(Refusal::Malformed));
    }

    #[test]
    fn a_state_that_brings_nothing_changes_nothing() {
        let again = outcome(Pair { theirs: state(), ours: Some(state()) });
        assert!(matches!(again, Outcome::Unchanged));
        assert!(matches!(outcome(Pair { theirs: state(), ours: None }), Outcome::Joined { .. }));
    }
}
