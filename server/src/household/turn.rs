//! A turn: what is queued, decided and made ready for one transaction. Pure: what the store has comes in.
//!
//! Each change is decided after those before it, so that a chain of changes of one entity goes through in one turn.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use altair_protocol::sync::{Acked, Envelope, Refusal, Refused as RefusedFrame, SyncId, Unopened};
use altair_protocol::{ChangeId, DeviceId, EntityId, Hash};

use super::envelope::{Against, Refused, Verdict, check, forked};
use crate::store::{Commit, Entity, Entry, Holds};

/// Who pushes: a device, on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Pusher {
    pub(crate) device: DeviceId,
    /// Whether something of this connection was refused as forked. Nothing more of it is accepted then: two copies of a store may have made different
    /// changes at the same stamp, and what follows would be taken to build on the other's.
    pub(crate) forked: Arc<AtomicBool>,
}

impl Pusher {
    pub(crate) fn new(device: DeviceId) -> Self {
        Self { device, forked: Arc::default() }
    }
}

/// A pushed change, ready to be stored as it is.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) envelope: Envelope,
    /// The whole change as JSON.
    pub(crate) json: String,
}

impl Pushed {
    /// A change as it came.
    pub(crate) fn of(change: Unopened) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_string(&change)?;
        Ok(Self { envelope: change.envelope, json })
    }
}

/// What a pushed change is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted(Acked),
    Refused(RefusedFrame),
}

/// What the store has.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) entities: HashMap<EntityId, Entity>,
    /// Those that were taken for new, and not looked up.
    pub(crate) guessed: HashSet<EntityId>,
    pub(crate) missing: BTreeSet<Hash>,
    /// Those of the ids that were accepted before.
    pub(crate) accepted: BTreeMap<ChangeId, SyncId>,
}

/// What came of deciding.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) commit: Commit,
    /// For each push, for each of its changes.
    pub(crate) answers: Vec<Vec<Answer>>,
    /// Where the entries of the commit came from: push and change.
    pub(crate) origins: Vec<(usize, usize)>,
    /// Whether a change was refused of an entity that was only guessed to be new.
    pub(crate) doubtful: bool,
    /// The connections on which a change was refused as forked.
    pub(crate) forked: Vec<Arc<AtomicBool>>,
    /// Whether something was erased.
    pub(crate) erases: bool,
    /// The log's last number afterwards.
    pub(crate) head: SyncId,
    /// The log has no number left.
    pub(crate) full: bool,
}

/// Decides about what is queued, in its order. The JSON of what is accepted moves into the commit.
pub(crate) fn decide(pushes: &mut [(Pusher, Vec<Pushed>)], known: &Known, head: SyncId, now_ms: u64) -> Turn {
    let mut turn = Turn { head, ..Turn::default() };
    let mut fresh: HashMap<ChangeId, SyncId> = HashMap::new();
    for (p, (pusher, changes)) in pushes.iter_mut().enumerate() {
        let mut answers = Vec::with_capacity(changes.len());
        for (c, pushed) in changes.iter_mut().enumerate() {
            let Pushed { envelope, json } = pushed;
            let before = known.accepted.get(&envelope.id).or_else(|| fresh.get(&envelope.id));
            if let Some(&sync_id) = before
                && envelope.device == pusher.device
            {
                answers.push(Answer::Accepted(Acked { change: envelope.id, sync_id }));
                continue;
            }
            let staged = turn.commit.entities.get(&envelope.entity).map(|(entity, _)| entity);
            let entity = staged.or_else(|| known.entities.get(&envelope.entity));
            let against =
                Against { device: pusher.device, entity, missing: &known.missing, now_ms, bytes: json.len() as u64 };
            let refused = match check(envelope, against) {
                _ if turn.is_forked(pusher) => forked(),
                Verdict::Accepted => match turn.head.next() {
                    Some(number) => {
                        turn.accept(envelope, std::mem::take(json), number, known, now_ms);
                        turn.origins.push((p, c));
                        fresh.insert(envelope.id, number);
                        answers.push(Answer::Accepted(Acked { change: envelope.id, sync_id: number }));
                        continue;
                    }
                    None => {
                        turn.full = true;
                        Refused::new(Refusal::Quota, "the household's log has no number left")
                    }
                },
                // Its id wasn't accepted: it is another change that has this dot.
                Verdict::Covered => forked(),
                Verdict::Refused(refused) => refused,
            };
            if refused.code == Refusal::Forked && !turn.is_forked(pusher) {
                turn.forked.push(Arc::clone(&pusher.forked));
            }
            turn.doubtful |= known.guessed.contains(&envelope.entity);
            let Refused { code, message, until } = refused;
            answers.push(Answer::Refused(RefusedFrame { change: envelope.id, code, message, until }));
        }
        turn.answers.push(answers);
    }
    turn
}

impl Turn {
    fn is_forked(&self, pusher: &Pusher) -> bool {
        pusher.forked.load(Ordering::Relaxed) || self.forked.iter().any(|forked| Arc::ptr_eq(forked, &pusher.forked))
    }

    fn accept(&mut self, envelope: &Envelope, json: String, number: SyncId, known: &Known, now_ms: u64) {
        let (entity, _) = self.commit.entities.entry(envelope.entity).or_insert_with(|| {
            let held = known.entities.get(&envelope.entity);
            (held.cloned().unwrap_or_else(|| Entity::new(envelope.kind)), held.is_some())
        });
        let prior = entity.last;
        entity.last = number;
        entity.applied.add(envelope.dot());
        entity.bytes += json.len() as u64;
        if envelope.erase {
            entity.erased_ms = Some(now_ms);
            self.erases = true;
        }
        let (device, change) = (envelope.device, envelope.id);
        self.commit.entries.push(Entry { sync_id: number, holds: Holds::Change, device, change, prior, json });
        self.head = number;
    }

    /// Gives the JSON back that moved into the commit, so that it can be decided about again.
    pub(crate) fn undo(self, pushes: &mut [(Pusher, Vec<Pushed>)]) {
        for (entry, (p, c)) in self.commit.entries.into_iter().zip(self.origins) {
            if let Some(pushed) = pushes.get_mut(p).and_then(|(_, changes)| changes.get_mut(c)) {
                pushed.json = entry.json;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use altair_protocol::{Change, Dot, Kind, Stamp, VersionVector};

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn device() -> DeviceId {
        DeviceId::v7(1, [0; 10])
    }

    fn pusher() -> Pusher {
        Pusher::new(device())
    }

    /// A change of an entity, made `at` milliseconds after [`NOW`], having seen the device's one at `seen`.
    fn change(entity: u64, at: u64, seen: Option<u64>) -> Pushed {
        let dot = |at| Dot { at: Stamp::new(NOW + at, 0), device: device() };
        let change = Change {
            id: ChangeId::v7(entity * 1000 + at, [0; 10]),
            entity: EntityId::v7(entity, [0; 10]),
            kind: Kind::Note,
            device: device(),
            at: dot(at).at,
            seen: seen.into_iter().map(dot).collect::<VersionVector>(),
            erase: false,
            blobs: vec![],
            ops: vec![],
        };
        Pushed::of(Unopened::of(&change).unwrap()).unwrap()
    }

    fn numbers(turn: &Turn) -> Vec<Option<u64>> {
        let number = |answer: &Answer| match answer {
            Answer::Accepted(acked) => Some(acked.sync_id.get()),
            Answer::Refused(_) => None,
        };
        turn.answers.iter().flatten().map(number).collect()
    }

    #[test]
    fn a_chain_goes_through_in_one_turn() {
        let mut pushes = [(pusher(), vec![change(1, 1, None), change(1, 2, Some(1)), change(2, 3, None)])];
        let turn = decide(&mut pushes, &Known::default(), SyncId::try_from(6).unwrap(), NOW);
        assert_eq!(numbers(&turn), [Some(7), Some(8), Some(9)]);
        let priors: Vec<u64> = turn.commit.entries.iter().map(|entry| entry.prior.get()).collect();
        assert_eq!(priors, [0, 7, 0]);
        assert_eq!(turn.commit.entities.len(), 2);
    }

    #[test]
    fn one_refused_change_stops_only_what_follows_it_for_the_same_entity() {
        let mut changes: Vec<Pushed> = (1..=200).map(|n| change(n, n, None)).collect();
        changes[99] = change(100, 100, Some(99));
        changes.push(change(100, 300, Some(100)));
        let mut pushes = [(pusher(), changes)];
        let turn = decide(&mut pushes, &Known::default(), SyncId::ZERO, NOW);
        assert_eq!(numbers(&turn).iter().flatten().count(), 199);
        let codes: Vec<Refusal> = turn.answers[0]
            .iter()
            .filter_map(|answer| match answer {
                Answer::Refused(refused) => Some(refused.code),
                Answer::Accepted(_) => None,
            })
            .collect();
        assert_eq!(codes, [Refusal::Causality, Refusal::Causality]);
    }

    #[test]
    fn a_change_that_is_queued_twice_gets_one_number() {
        let mut pushes = [(pusher(), vec![change(1, 1, None)]), (pusher(), vec![change(1, 1, None)])];
        let turn = decide(&mut pushes, &Known::default(), SyncId::ZERO, NOW);
        assert_eq!(numbers(&turn), [Some(1), Some(1)]);
        assert_eq!(turn.commit.entries.len(), 1);
    }

    #[test]
    fn a_covered_change_is_acknowledged_again_or_forked() {
        let mut known = Known::default();
        let mut entity = Entity::new(Kind::Note);
        entity.applied.add(Dot { at: Stamp::new(NOW + 5, 0), device: device() });
        known.entities.insert(EntityId::v7(1, [0; 10]), entity);
        let mut pushes = [(pusher(), vec![change(1, 5, None)])];
        let turn = decide(&mut pushes, &known, SyncId::ZERO, NOW);
        assert!(matches!(&turn.answers[0][0], Answer::Refused(refused) if refused.code == Refusal::Forked));
        known.accepted.insert(pushes[0].1[0].envelope.id, SyncId::try_from(3).unwrap());
        assert_eq!(numbers(&decide(&mut pushes, &known, SyncId::ZERO, NOW)), [Some(3)]);
    }

    #[test]
    fn a_refusal_that_rests_on_a_guess_is_doubtful() {
        let entity = EntityId::v7(1, [0; 10]);
        let mut known = Known { guessed: [entity].into(), ..Known::default() };
        let mut pushes = [(pusher(), vec![change(2, 4, Some(3)), change(1, 1, None), change(1, 2, Some(1))])];
        let turn = decide(&mut pushes, &known, SyncId::ZERO, NOW);
        assert!(!turn.doubtful && turn.answers[0].len() == 3);
        turn.undo(&mut pushes);
        pushes[0].1.push(change(1, 9, Some(5)));
        assert!(decide(&mut pushes, &known, SyncId::ZERO, NOW).doubtful);
        known.guessed.clear();
        assert!(!decide(&mut pushes, &known, SyncId::ZERO, NOW).doubtful);
    }

    #[test]
    fn what_is_undone_can_be_decided_again() {
        let mut pushes = [(pusher(), vec![change(1, 1, None)])];
        let json = pushes[0].1[0].json.clone();
        let turn = decide(&mut pushes, &Known::default(), SyncId::ZERO, NOW);
        assert!(pushes[0].1[0].json.is_empty());
        turn.undo(&mut pushes);
        assert_eq!(pushes[0].1[0].json, json);
    }

    #[test]
    fn an_accepted_change_of_an_erased_entity_is_acknowledged_again() {
        let mut known = Known::default();
        let erased = Entity { erased_ms: Some(NOW), ..Entity::new(Kind::Note) };
        known.entities.insert(EntityId::v7(1, [0; 10]), erased);
        let mut pushes = [(pusher(), vec![change(1, 5, None)])];
        assert_eq!(numbers(&decide(&mut pushes, &known, SyncId::ZERO, NOW)), [None]);
        known.accepted.insert(pushes[0].1[0].envelope.id, SyncId::try_from(3).unwrap());
        assert_eq!(numbers(&decide(&mut pushes, &known, SyncId::ZERO, NOW)), [Some(3)]);
    }

    #[test]
    fn what_follows_a_fork_on_its_connection_is_forked_but_for_what_was_accepted() {
        let mut known = Known::default();
        let mut entity = Entity::new(Kind::Note);
        entity.applied.add(Dot { at: Stamp::new(NOW + 5, 0), device: device() });
        known.entities.insert(EntityId::v7(1, [0; 10]), entity);
        let (copy, accepted) = (pusher(), change(3, 2, None));
        known.accepted.insert(accepted.envelope.id, SyncId::try_from(2).unwrap());
        let mut pushes = [
            (copy.clone(), vec![change(2, 1, None), change(1, 5, None), change(2, 6, Some(1)), accepted]),
            (pusher(), vec![change(4, 7, None)]),
            (copy.clone(), vec![change(5, 8, None)]),
        ];
        let turn = decide(&mut pushes, &known, SyncId::try_from(6).unwrap(), NOW);
        assert_eq!(numbers(&turn), [Some(7), None, None, Some(2), Some(8), None]);
        assert_eq!(turn.forked.len(), 1);
        // Until it was committed nothing is known of it.
        assert!(!copy.forked.load(Ordering::Relaxed));
        turn.forked.iter().for_each(|forked| forked.store(true, Ordering::Relaxed));
        let mut pushes = [(copy, vec![change(6, 9, None)])];
        assert_eq!(numbers(&decide(&mut pushes, &known, SyncId::ZERO, NOW)), [None]);
    }
}
