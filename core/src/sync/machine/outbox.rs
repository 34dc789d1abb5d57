//! What is known of the outbox: how far it was read, what is under way, and which entities have to wait.
//!
//! An entity that waits is blocked from its first change that can't go. What of it is under way already is refused by the server, and dropped here without a word: it
//! is behind the one that counts. When the reason is gone the entity stays blocked until all of that was answered, and the outbox is read again from there, so
//! that nothing of an entity overtakes anything else of it.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::sync::MAX_IN_FLIGHT;
use altair_protocol::{ChangeId, EntityId, Hash};

use super::step::Step;
use super::{Effect, Fault, Position, ReadId, Reason, Why};

/// When uploading blobs has failed it is tried again after so many milliseconds.
pub(super) const BLOBS_AGAIN_MS: u64 = 30_000;
/// So many entities may wait for their blobs before the rest of the outbox waits with them.
const MAX_WAITING: usize = 64;
/// So many faults are told at a time; the store has them all.
const MAX_TOLD: usize = 100;

/// What is known of the outbox.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    /// It was read up to here.
    after: Position,
    /// There may be more after that.
    more: bool,
    /// Something was added since it was looked at.
    grown: bool,
    reading: Option<ReadId>,
    /// Pushes that the socket hasn't taken yet.
    unwritten: usize,
    /// Changes that aren't answered.
    sent: BTreeMap<ChangeId, Sent>,
    /// How many of them an entity has.
    under_way: BTreeMap<EntityId, usize>,
    /// How many of them a push has.
    pushes: BTreeMap<u64, usize>,
    blocks: BTreeMap<EntityId, Block>,
    /// Changes whose blobs are with the server as far as they can be.
    ensured: BTreeSet<ChangeId>,
    /// Changes for which the server has missed blobs already.
    missed: BTreeSet<ChangeId>,
    /// The household has no room left.
    quota: Option<Fault>,
    /// What is under way has to be answered first, and then all is re-minted.
    remint: Option<Reminting>,
    /// The store is re-minting.
    reminting: bool,
    /// When blobs are tried again.
    blobs_again: Option<u64>,
}

/// A change that isn't answered.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) entity: EntityId,
    pub(super) position: Position,
    pub(super) blobs: Vec<Hash>,
    push: u64,
}

/// Why re-minting is due; the later one takes the earlier one along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reminting {
    /// Stamps were too far ahead.
    SameDevice,
    /// The store is a copy.
    AnotherDevice,
}

/// An entity that waits.
#[derive(Debug, Clone)]
struct Block {
    /// From its first change that can't go.
    since: Position,
    by: By,
    /// The reason is gone, and what is under way isn't answered yet.
    open: bool,
}

/// What an entity waits for.
#[derive(Debug, Clone)]
pub(super) enum By {
    /// The person: a change was refused.
    Parked {
        fault: Fault,
        /// The store has it.
        kept: bool,
    },
    /// Blobs.
    Blobs {
        change: ChangeId,
        blobs: Vec<Hash>,
        /// They couldn't be brought up, and have to be tried again.
        failed: bool,
    },
    /// Re-minting.
    Remint,
    /// The store, which makes another entity of it.
    Erased,
    /// Room on the server.
    Quota,
}

impl Outbox {
    /// Forgets everything but what is parked.
    pub(super) fn restart(&mut self, parked: &[Fault]) {
        *self = Self::default();
        self.park_all(parked);
    }

    fn park_all(&mut self, parked: &[Fault]) {
        for fault in parked {
            let by = By::Parked { fault: fault.clone(), kept: true };
            let block = Block { since: Position::ZERO, by, open: false };
            self.blocks.insert(fault.entity, block);
        }
    }

    /// A connection begins: all that is in the outbox goes up, or is asked for once more.
    pub(super) const fn begin(&mut self) {
        self.more = true;
    }

    /// A connection has ended: what isn't answered will be pushed again, from the beginning.
    pub(super) fn hang_up(&mut self) {
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.retain(|_, block| !block.open && matches!(block.by, By::Parked { .. } | By::Erased));
        *self = Self { blocks, reminting: self.reminting, ..Self::default() };
    }

    /// The store does nothing more of what it was given. What it didn't do the server will ask for again.
    pub(super) fn store_failed(&mut self) {
        self.reminting = false;
        self.blocks.retain(|_, block| !matches!(block.by, By::Erased | By::Parked { kept: false, .. }));
    }

    pub(super) const fn grew(&mut self) {
        self.grown = true;
    }

    /// Where to read on, if it is time to.
    pub(super) fn wants(&mut self) -> Option<Position> {
        // What a reading that is under way doesn't find is found by the next one.
        if self.grown && self.remint.is_none() && self.reading.is_none() {
            self.grown = false;
            self.more = true;
        }
        let waiting = self.blocks.values().filter(|block| matches!(block.by, By::Blobs { .. })).count();
        let may = self.quota.is_none()
            && !self.reminting
            && self.reading.is_none()
            && self.unwritten == 0
            && self.pushes.len() < MAX_IN_FLIGHT
            && waiting < MAX_WAITING;
        (may && self.more).then_some(self.after)
    }

    pub(super) const fn read(&mut self, read: ReadId) {
        self.reading = Some(read);
    }

    /// Whether these are the entries that were asked for last; the outbox is read up to the last of them then.
    pub(super) fn has_read(&mut self, read: ReadId, last: Option<Position>, end: bool) -> bool {
        if self.reading != Some(read) {
            return false;
        }
        self.reading = None;
        self.more = !end && last.is_some();
        self.after = last.unwrap_or(self.after);
        true
    }

    fn read_again(&mut self, from: Position) {
        self.after = self.after.min(from.before());
        self.more = true;
        self.reading = None;
    }

    /// Whether a change has to stay for now, because it is under way or its entity waits.
    pub(super) fn holds(&mut self, change: ChangeId, entity: EntityId, position: Position) -> bool {
        if let Some(block) = self.blocks.get_mut(&entity) {
            block.since = block.since.min(position);
            return true;
        }
        self.sent.contains_key(&change)
    }

    /// Whether a change's blobs are with the server; that is forgotten as the change goes.
    pub(super) fn take_ensured(&mut self, change: ChangeId) -> bool {
        self.ensured.remove(&change)
    }

    pub(super) fn pushed(
        &mut self,
        push: u64,
        changes: impl IntoIterator<Item = (ChangeId, EntityId, Position, Vec<Hash>)>,
    ) {
        self.unwritten += 1;
        for (change, entity, position, blobs) in changes {
            *self.pushes.entry(push).or_default() += 1;
            *self.under_way.entry(entity).or_default() += 1;
            self.sent.insert(change, Sent { entity, position, blobs, push });
        }
    }

    pub(super) const fn written(&mut self) {
        self.unwritten = self.unwritten.saturating_sub(1);
    }

    /// What was sent under an id, with whether its entity waits for an earlier change.
    pub(super) fn waits(&self, change: ChangeId) -> Option<bool> {
        let sent = self.sent.get(&change)?;
        Some(self.blocks.get(&sent.entity).is_some_and(|block| block.since < sent.position))
    }

    /// A change was answered, in whatever way.
    pub(super) fn answered(&mut self, change: ChangeId) -> Option<Sent> {
        let sent = self.sent.remove(&change)?;
        take_one(&mut self.pushes, &sent.push);
        take_one(&mut self.under_way, &sent.entity);
        self.release(sent.entity);
        Some(sent)
    }

    /// Whether nothing is under way.
    pub(super) fn is_answered(&self) -> bool {
        self.sent.is_empty()
    }

    pub(super) fn block(&mut self, entity: EntityId, since: Position, by: By) {
        self.blocks.insert(entity, Block { since, by, open: false });
    }

    /// Whether the server is told for the first time that it has to have these blobs.
    pub(super) fn misses(&mut self, change: ChangeId) -> bool {
        self.missed.insert(change)
    }

    /// The reason for which entities wait is gone.
    fn open(&mut self, which: impl Fn(EntityId, &By) -> bool) {
        let opened: Vec<EntityId> = self
            .blocks
            .iter_mut()
            .filter(|(entity, block)| which(**entity, &block.by))
            .map(|(entity, block)| {
                block.open = true;
                *entity
            })
            .collect();
        opened.into_iter().for_each(|entity| self.release(entity));
    }

    /// Lets an entity go whose reason to wait is gone, once nothing of it is under way.
    fn release(&mut self, entity: EntityId) {
        if !self.under_way.contains_key(&entity)
            && let Some(since) = self.blocks.get(&entity).filter(|block| block.open).map(|block| block.since)
        {
            self.blocks.remove(&entity);
            self.read_again(since);
        }
    }

    pub(super) fn blobs_ensured(&mut self, entity: EntityId, change: ChangeId) {
        let waits = |by: &By| matches!(by, By::Blobs { change: waiting, .. } if *waiting == change);
        if self.blocks.get(&entity).is_some_and(|block| waits(&block.by)) {
            self.ensured.insert(change);
            self.open(|of, _| of == entity);
        }
    }

    pub(super) fn blobs_failed(&mut self, entity: EntityId, change: ChangeId, again: u64) {
        if let Some(Block { by: By::Blobs { change: waiting, failed, .. }, .. }) = self.blocks.get_mut(&entity)
            && *waiting == change
        {
            *failed = true;
            self.blobs_again.get_or_insert(again);
        }
    }

    /// When blobs are tried again.
    pub(super) const fn blobs_again(&self) -> Option<u64> {
        self.blobs_again
    }

    pub(super) fn ensure_again(&mut self, step: &mut Step) {
        if self.blobs_again.is_none_or(|at| at > step.now.millis) {
            return;
        }
        self.blobs_again = None;
        for (entity, block) in &mut self.blocks {
            if let By::Blobs { change, blobs, failed: failed @ true } = &mut block.by {
                *failed = false;
                step.push(Effect::EnsureBlobs { entity: *entity, change: *change, blobs: blobs.clone() });
            }
        }
    }

    /// The store has an entity's refused change.
    pub(super) fn parked(&mut self, entity: EntityId, change: Option<ChangeId>) {
        if let Some(Block { by: By::Parked { fault, kept }, .. }) = self.blocks.get_mut(&entity)
            && fault.change == change
        {
            *kept = true;
        }
    }

    /// The person has decided about a refused change.
    pub(super) fn unparked(&mut self, entity: EntityId) {
        self.open(|of, by| of == entity && matches!(by, By::Parked { .. }));
    }

    /// Nothing more of an entity is answered, as nothing of it is in the outbox.
    pub(super) fn forget(&mut self, entity: EntityId) {
        let of: Vec<ChangeId> = self.sent.iter().filter(|(_, sent)| sent.entity == entity).map(|(id, _)| *id).collect();
        for change in of {
            self.answered(change);
        }
    }

    /// An erased entity's work is another entity's now.
    pub(super) fn recreated(&mut self, entity: EntityId) {
        self.blocks.remove(&entity);
        self.forget(entity);
        self.grown = true;
    }

    /// There is no room on the server: nothing goes until somebody has it tried again.
    pub(super) fn fill(&mut self, fault: Fault) {
        self.quota.get_or_insert(fault);
    }

    /// What the server had no room for, and blobs that it didn't get, go once more.
    pub(super) fn try_again(&mut self) {
        self.quota = None;
        self.blobs_again = self.blobs_again.map(|_| 0);
        self.open(|_, by| matches!(by, By::Quota));
    }

    pub(super) fn remint(&mut self, reminting: Reminting) {
        self.remint = self.remint.max(Some(reminting));
    }

    /// What is to be re-minted, once all that may have been accepted is answered.
    pub(super) fn settled(&self) -> Option<Reminting> {
        let waits = |block: &Block| matches!(block.by, By::Blobs { .. });
        let answered = !self.more && self.reading.is_none() && self.sent.is_empty();
        let settled = answered && self.quota.is_none() && !self.reminting && !self.blocks.values().any(waits);
        self.remint.filter(|_| settled)
    }

    pub(super) const fn begin_reminting(&mut self) {
        self.reminting = true;
    }

    pub(super) const fn is_reminting(&self) -> bool {
        self.reminting
    }

    pub(super) fn reminted(&mut self, parked: &[Fault]) {
        self.reminting = false;
        self.remint = None;
        self.blocks.retain(|_, block| !matches!(block.by, By::Remint | By::Parked { .. }));
        self.park_all(parked);
        self.read_again(Position::ZERO);
    }

    /// The first of the changes that the server didn't take.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let parked = self.blocks.values().filter_map(|block| match &block.by {
            By::Parked { fault, .. } => Some(fault),
            _ => None,
        });
        self.quota.iter().chain(parked).take(MAX_TOLD).cloned().collect()
    }

    /// Why nothing goes up.
    pub(super) fn halted(&self) -> Option<Why> {
        self.quota.as_ref().map(|fault| Why::new(Reason::Quota, fault.message.clone()))
    }
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}
