//! The task that orders a household's changes: it takes what is queued, decides, commits it as one transaction, answers and tells everybody.
//!
//! Whatever is queued while a transaction is on its way goes into the next one, so that many devices share a flush. The queue is bounded: who pushes faster than the disk takes it waits. Only
//! this task writes the log, so no two changes ever get one number.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use altair_core::Result;
use altair_protocol::sync::{Envelope, Joined, MAX_ENTITY};
use altair_protocol::{DeviceId, EntityId, Hash};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::Shared;
use super::acceptances::Acceptances;
use super::batch::Batch;
use super::meet::{self, Brought};
use super::turn::{Answer, Known, Pushed, Pusher, Turn, decide};
use crate::stop::Stop;
use crate::store::{Commit, Committed, Entity, Head, internal};

/// How many changes, and about how many bytes of them, go into one transaction.
const TURN_CHANGES: usize = 4096;
const TURN_BYTES: usize = 8 << 20;
/// How many entities are remembered from one turn to the next.
const REMEMBERED: usize = 8192;

/// What the task is asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Push(Push),
    Meet(Meet),
}

/// Changes of a device.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) pusher: Pusher,
    pub(crate) changes: Vec<Pushed>,
    pub(crate) answer: oneshot::Sender<Result<Vec<Answer>>>,
    /// The memory that they take up, given back when they are answered.
    pub(crate) room: OwnedSemaphorePermit,
}

/// What a device brings from another log.
#[derive(Debug)]
pub(crate) struct Meet {
    pub(crate) device: DeviceId,
    pub(crate) brought: Vec<Brought>,
    pub(crate) answer: oneshot::Sender<Result<Joined>>,
}

/// What is believed of a change before anything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// That one which has seen nothing makes its entity. Looking for what isn't there takes half as long as writing it; and where it is there, the transaction fails, or a refusal is doubted.
    First,
    /// Nothing.
    Nothing,
}

pub(super) struct Task {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Receiver<Command>,
    pub(super) head: Head,
    pub(super) stop: Stop,
    /// Entities that the database has, as it has them.
    pub(super) entities: HashMap<EntityId, Entity>,
    pub(super) accepted: Acceptances,
}

impl Task {
    pub(super) async fn run(mut self) {
        loop {
            let first = tokio::select! {
                first = self.queue.recv() => first,
                // What is queued by then is still done.
                () = self.stop.said(), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
            };
            let Some(first) = first else { return };
            match first {
                Command::Meet(meet) => self.meet(meet).await,
                Command::Push(push) => {
                    let (pushes, next) = self.gather(push);
                    self.push(pushes).await;
                    if let Some(meet) = next {
                        self.meet(meet).await;
                    }
                }
            }
        }
    }

    /// What is queued behind a push, as far as it goes into one transaction with it.
    fn gather(&mut self, first: Push) -> (Vec<Push>, Option<Meet>) {
        let weight = |push: &Push| push.changes.iter().map(|pushed| pushed.json.len()).sum::<usize>();
        let (mut changes, mut bytes) = (first.changes.len(), weight(&first));
        let mut pushes = vec![first];
        while changes < TURN_CHANGES && bytes < TURN_BYTES {
            match self.queue.try_recv() {
                Ok(Command::Push(push)) => {
                    changes += push.changes.len();
                    bytes += weight(&push);
                    pushes.push(push);
                }
                Ok(Command::Meet(meet)) => return (pushes, Some(meet)),
                Err(_) => break,
            }
        }
        (pushes, None)
    }

    async fn push(&mut self, pushes: Vec<Push>) {
        let (mut work, mut waiting) = (Vec::with_capacity(pushes.len()), Vec::with_capacity(pushes.len()));
        for Push { pusher, changes, answer, room } in pushes {
            work.push((pusher, changes));
            waiting.push((answer, room));
        }
        match self.turn(&mut work).await {
            Ok(answers) => {
                for ((answer, _room), answers) in waiting.into_iter().zip(answers) {
                    // Who has gone meanwhile asks again.
                    let _ = answer.send(Ok(answers));
                }
            }
            Err(error) => {
                // What the database has now is read again.
                self.forget();
                tracing::error!(household = %self.shared.id, %error, "changes can't be committed");
                for (answer, _room) in waiting {
                    let _ = answer.send(Err(internal("the server couldn't store the changes")));
                }
            }
        }
    }

    /// Decides, commits and tells. An error leaves the log as it was, but for a commit of which nobody knows how it ended: then the ids tell.
    async fn turn(&mut self, work: &mut [(Pusher, Vec<Pushed>)]) -> Result<Vec<Vec<Answer>>> {
        let now_ms = self.shared.environment.now();
        let mut known = self.look_up(work, Trust::First).await?;
        loop {
            let turn = decide(work, &known, self.head.sync_id, now_ms);
            if turn.doubtful {
                turn.undo(work);
                known = self.look_up(work, Trust::Nothing).await?;
                continue;
            }
            if self.commit(&turn.commit, turn.head).await? == Committed::Known {
                // An entity that was taken for new isn't.
                if known.guessed.is_empty() {
                    return Err(internal("the log has a number that nobody was given"));
                }
                turn.undo(work);
                known = self.look_up(work, Trust::Nothing).await?;
                continue;
            }
            turn.forked.iter().for_each(|forked| forked.store(true, Ordering::Relaxed));
            self.remember(known, &turn.commit);
            self.tell(&turn);
            return Ok(turn.answers);
        }
    }

    /// Reads what the changes are to be compared with.
    async fn look_up(&mut self, work: &[(Pusher, Vec<Pushed>)], trust: Trust) -> Result<Known> {
        let envelopes = || work.iter().flat_map(|(_, changes)| changes).map(|pushed| &pushed.envelope);
        let mut known = Known::default();
        let mut unread = HashSet::new();
        for envelope in envelopes() {
            let is_first = trust == Trust::First && envelope.seen.is_empty() && !unread.contains(&envelope.entity);
            match self.entities.get(&envelope.entity) {
                Some(entity) => {
                    known.entities.entry(envelope.entity).or_insert_with(|| entity.clone());
                }
                None if known.guessed.contains(&envelope.entity) => {}
                None if is_first => drop(known.guessed.insert(envelope.entity)),
                None => drop(unread.insert(envelope.entity)),
            }
        }
        for second in self.accepted.unknown(envelopes().map(|envelope| envelope.id)) {
            self.accepted.learn(second, self.shared.store.accepted_in(self.shared.id, second).await?);
        }
        let before = |envelope: &Envelope| Some((envelope.id, self.accepted.number(envelope.id)?));
        known.accepted = envelopes().filter_map(before).collect();
        let unread: Vec<EntityId> = unread.into_iter().collect();
        known.entities.extend(self.shared.store.entities(self.shared.id, &unread).await?);
        self.weigh(work, &mut known).await?;
        let hashes: BTreeSet<Hash> = envelopes().flat_map(|envelope| envelope.blobs.iter().copied()).collect();
        known.missing = self.shared.missing_blobs(hashes).await?;
        Ok(known)
    }

    /// Weighs entities again that would be too large: folded, their changes may take up less.
    async fn weigh(&self, work: &[(Pusher, Vec<Pushed>)], known: &mut Known) -> Result<()> {
        let mut more: BTreeMap<EntityId, u64> = BTreeMap::new();
        for pushed in work.iter().flat_map(|(_, changes)| changes) {
            *more.entry(pushed.envelope.entity).or_default() += pushed.json.len() as u64;
        }
        let heavy = |(id, more): (EntityId, u64)| {
            let bytes = known.entities.get(&id).filter(|entity| entity.erased_ms.is_none())?.bytes;
            (bytes > 0 && bytes.saturating_add(more) > MAX_ENTITY as u64).then_some(id)
        };
        let heavy: Vec<EntityId> = more.into_iter().filter_map(heavy).collect();
        if heavy.is_empty() {
            return Ok(());
        }
        self.shared.fold.catch_up(self.head.sync_id).await?;
        for id in heavy {
            if let (Some(line), Some(entity)) =
                (self.shared.store.state_lines(self.shared.id, &[id]).await?.get(&id), known.entities.get_mut(&id))
            {
                entity.bytes = line.len() as u64;
            }
        }
        Ok(())
    }

    /// Commits, and moves the head on.
    pub(super) async fn commit(&mut self, commit: &Commit, head: altair_protocol::sync::SyncId) -> Result<Committed> {
        if commit.entries.is_empty() {
            return Ok(Committed::Now);
        }
        let begun = Instant::now();
        let head = Head { sync_id: head, ..self.head };
        let committed = match self.shared.store.commit(self.shared.id, commit, head).await {
            Ok(committed) => committed,
            Err(error) => {
                // It may have been written all the same.
                self.head = self.shared.store.head(self.shared.id).await?;
                return Err(error);
            }
        };
        if committed == Committed::Now {
            self.head = head;
            let metrics = &self.shared.metrics;
            metrics.commits.add(1);
            metrics.commit_micros.add(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            metrics.accepted.add(commit.entries.len() as u64);
        }
        Ok(committed)
    }

    pub(super) fn remember(&mut self, known: Known, commit: &Commit) {
        if self.entities.len() > REMEMBERED {
            self.entities.clear();
        }
        self.entities.extend(known.entities);
        for entry in commit.entries.iter().filter(|entry| entry.is_change()) {
            self.accepted.add(entry.change, entry.sync_id);
        }
        self.accepted.trim();
        self.entities.extend(commit.entities.iter().map(|(id, (entity, _))| (*id, entity.clone())));
    }

    fn forget(&mut self) {
        self.entities.clear();
        self.accepted = Acceptances::default();
    }

    fn tell(&self, turn: &Turn) {
        let refused = turn.answers.iter().flatten().filter(|answer| matches!(answer, Answer::Refused(_))).count();
        self.shared.metrics.refused.add(refused as u64);
        self.publish(&turn.commit);
        if turn.erases {
            self.shared.fold.hurry(self.head.sync_id);
        }
    }

    /// Tells everybody what was committed.
    pub(super) fn publish(&self, commit: &Commit) {
        if commit.entries.is_empty() {
            return;
        }
        self.shared.head.send_replace(self.head.sync_id);
        // Nobody may be listening.
        let _ = self.shared.feed.send(Arc::new(Batch::of(&commit.entries)));
    }

    async fn meet(&mut self, meet: Meet) {
        let Meet { device, brought, answer } = meet;
        let joined = meet::join_all(self, device, brought).await;
        if let Err(error) = &joined {
            self.forget();
            tracing::error!(household = %self.shared.id, %error, "states can't be joined");
        }
        let _ = answer.send(joined);
    }
}
