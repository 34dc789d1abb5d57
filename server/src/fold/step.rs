//! One step of folding: some of the log read, its entities' states brought up to it, and written with the fold's new place.

use std::collections::BTreeMap;

use altair_core::Result;
use altair_core::merge::{Applied, apply, join};
use altair_protocol::sync::{BootstrapLine, Erased, OpenError, SyncId, Unopened};
use altair_protocol::{Change, EntityId, EntityState, HouseholdId, Kind, VersionVector};

use crate::metrics::Metrics;
use crate::store::{Entry, Folded, Holds, Put, StateLine, Store, internal};

/// About how much of the log is folded at once.
const STEP_BYTES: usize = 4 << 20;
/// How many entities are written in one transaction.
const ENTITIES: usize = 256;

/// What an entry does to its entity.
enum Work {
    Change(SyncId, Box<Change>),
    State(Box<EntityState>),
    /// With what was erased.
    Erase(Kind, VersionVector, SyncId),
    /// It can't be read.
    Stuck(SyncId),
}

/// Folds the next part of the log. Gives where the fold is then.
pub(super) async fn fold(store: &Store, household: HouseholdId, from: Folded, metrics: &Metrics) -> Result<Folded> {
    let entries = store.log_after(household, from.at, STEP_BYTES).await?;
    let Some(last) = entries.last().map(|entry| entry.sync_id) else {
        return Err(crate::store::corrupt(format!(
            "the log of {household} ends at {} and says that it goes on",
            from.at
        )));
    };
    let count = entries.len() as u64;
    let mut work: BTreeMap<EntityId, Vec<Work>> = BTreeMap::new();
    let mut folded = Folded { at: from.at, ..from };
    for entry in entries {
        if let Some((entity, todo)) = read(household, entry)? {
            if let Work::Stuck(n) = &todo {
                folded.stuck = folded.stuck.or(Some(*n));
            }
            work.entry(entity).or_default().push(todo);
        }
    }
    let ids: Vec<EntityId> = work.keys().copied().collect();
    for ids in ids.chunks(ENTITIES) {
        let mut lines = store.state_lines(household, ids).await?;
        let todo: Vec<_> = ids.iter().filter_map(|id| Some((*id, lines.remove(id), work.remove(id)?))).collect();
        for (_, _, work) in &todo {
            for work in work {
                if let Work::Erase(_, _, prior) = work {
                    store.forget(household, *prior).await?;
                }
            }
        }
        let brought = tokio::task::spawn_blocking(move || bring_up(household, todo));
        let brought = brought.await.map_err(|error| internal("folding the log was cut off").because(error))??;
        folded.entities = folded.entities.saturating_add_signed(brought.more);
        // The place comes with the last of them: until then the step is done again, which changes nothing.
        store.put_state_lines(household, brought.puts, folded).await?;
    }
    folded.at = last;
    store.put_state_lines(household, Vec::new(), folded).await?;
    metrics.folded.add(count);
    Ok(folded)
}

/// What an entry does; `None`: nothing any more.
fn read(household: HouseholdId, entry: Entry) -> Result<Option<(EntityId, Work)>> {
    let Entry { sync_id, holds, prior, json, .. } = entry;
    if json.is_empty() {
        return Ok(None);
    }
    let damaged = |error: serde_json::Error| {
        crate::store::corrupt(format!("the entry {sync_id} of the log of {household} can't be read")).because(error)
    };
    match holds {
        Holds::Change => {}
        Holds::State => {
            let state: Box<EntityState> = serde_json::from_str(&json).map_err(damaged)?;
            return Ok(Some((state.id, Work::State(state))));
        }
        Holds::Erased => {
            let Erased { id, kind, seen } = serde_json::from_str(&json).map_err(damaged)?;
            return Ok(Some((id, Work::Erase(kind, seen, prior))));
        }
    }
    let change: Unopened = serde_json::from_str(&json).map_err(damaged)?;
    let entity = change.envelope.entity;
    if change.envelope.erase {
        let dot = change.envelope.dot();
        let mut seen = change.envelope.seen;
        seen.add(dot);
        return Ok(Some((entity, Work::Erase(change.envelope.kind, seen, prior))));
    }
    let work = match change.open() {
        Ok(change) => Work::Change(sync_id, Box::new(change)),
        Err(error @ (OpenError::Sealed(_) | OpenError::Unreadable { .. })) => {
            tracing::warn!(%household, %sync_id, %error, "a change is left to the log");
            Work::Stuck(sync_id)
        }
    };
    Ok(Some((entity, work)))
}

struct Brought {
    puts: Vec<Put>,
    /// How many entities there are more.
    more: i64,
}

fn bring_up(household: HouseholdId, todo: Vec<(EntityId, Option<String>, Vec<Work>)>) -> Result<Brought> {
    let mut brought = Brought { puts: Vec::with_capacity(todo.len()), more: 0 };
    for (id, line, work) in todo {
        let existed = line.is_some();
        let before = line.map(|line| state_of(id, &line)).transpose()?;
        let was_there = matches!(before, Some(BootstrapLine::Entity(_)));
        let Some(after) = after(household, id, before, work) else { continue };
        let is_there = matches!(after, BootstrapLine::Entity(_));
        brought.more += i64::from(is_there) - i64::from(was_there);
        let line =
            serde_json::to_string(&after).map_err(|error| internal("a state can't be written").because(error))?;
        brought.puts.push(Put { line: StateLine { id, line }, existed });
    }
    Ok(brought)
}

fn state_of(id: EntityId, line: &str) -> Result<BootstrapLine> {
    let damaged = || crate::store::corrupt(format!("the state of the entity {id} is damaged"));
    serde_json::from_str(line).map_err(|error| damaged().because(error))
}

/// The line after some work; `None` where there is none.
fn after(
    household: HouseholdId,
    id: EntityId,
    before: Option<BootstrapLine>,
    work: Vec<Work>,
) -> Option<BootstrapLine> {
    let mut line = before;
    for work in work {
        if matches!(line, Some(BootstrapLine::Erased(_))) {
            break;
        }
        let state = |kind, line: Option<BootstrapLine>| match line {
            Some(BootstrapLine::Entity(state)) => state,
            _ => Box::new(EntityState::new(id, kind)),
        };
        line = match work {
            Work::Erase(kind, seen, _) => Some(BootstrapLine::Erased(Erased { id, kind, seen })),
            Work::Stuck(_) => line,
            Work::State(theirs) => {
                let mut ours = state(theirs.kind, line);
                if let Err(error) = join(&mut ours, &theirs) {
                    tracing::warn!(%household, entity = %id, %error, "a state can't be joined");
                }
                Some(BootstrapLine::Entity(ours))
            }
            Work::Change(sync_id, change) => {
                let mut state = state(change.kind, line);
                match apply(&mut state, &change) {
                    Ok(Applied::Now | Applied::Already) => {}
                    // It builds on one that is left to the log, and so comes from there too.
                    Ok(Applied::Hold) => {
                        tracing::debug!(%household, %sync_id, "a change waits for one that can't be read")
                    }
                    Err(error) => {
                        // No replica can apply it; that it was here is known all the same, for those that come after.
                        tracing::warn!(%household, %sync_id, %error, "a change can't be applied");
                        state.applied.add(change.dot());
                    }
                }
                Some(BootstrapLine::Entity(state))
            }
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use altair_protocol::{ChangeId, DeviceId, Field, Op, Stamp, VersionVector};

    use super::*;

    fn id() -> EntityId {
        EntityId::v7(1, [0; 10])
    }

    fn title(at: u64, title: &str, seen: VersionVector) -> Change {
        Change {
            id: ChangeId::v7(at, [0; 10]),
            entity: id(),
            kind: Kind::Note,
            device: DeviceId::v7(1, [0; 10]),
            at: Stamp::new(at, 0),
            seen,
            erase: false,
            blobs: vec![],
            ops: vec![Op::Set { field: Field::TITLE, value: title.into() }],
        }
    }

    fn work(change: Change) -> Work {
        Work::Change(SyncId::ZERO, Box::new(change))
    }

    fn folded(before: Option<BootstrapLine>, work: Vec<Work>) -> Option<BootstrapLine> {
        after(HouseholdId::v7(1, [0; 10]), id(), before, work)
    }

    #[test]
    fn folding_again_changes_nothing() {
        let first = title(1, "Figs", VersionVector::new());
        let second = title(2, "Dates", [first.dot()].into_iter().collect());
        let once = folded(None, vec![work(first.clone()), work(second.clone())]);
        let Some(BootstrapLine::Entity(state)) = &once else { panic!("{once:?}") };
        assert_eq!(state.value(&Field::TITLE), Some(&"Dates".into()));
        assert_eq!(folded(once.clone(), vec![work(first), work(second)]), once);
    }

    #[test]
    fn an_erased_entity_stays_erased() {
        let change = title(1, "Figs", VersionVector::new());
        let seen: VersionVector = [change.dot()].into_iter().collect();
        let erased = folded(None, vec![work(change.clone()), Work::Erase(Kind::Note, seen.clone(), SyncId::ZERO)]);
        assert_eq!(erased, Some(BootstrapLine::Erased(Erased { id: id(), kind: Kind::Note, seen })));
        assert_eq!(folded(erased.clone(), vec![work(change)]), erased);
    }

    #[test]
    fn what_cant_be_applied_stops_nothing_that_comes_after() {
        let bad = Change {
            ops: vec![Op::Text { field: Field::BODY, update: altair_protocol::Bytes(vec![1, 2, 3]) }],
            ..title(1, "", VersionVector::new())
        };
        let good = title(2, "Figs", [bad.dot()].into_iter().collect());
        let Some(BootstrapLine::Entity(state)) = folded(None, vec![work(bad), work(good.clone())]) else {
            panic!("there is no state")
        };
        assert_eq!(state.value(&Field::TITLE), Some(&"Figs".into()));
        assert!(state.applied.covers(good.dot()));
    }
}
