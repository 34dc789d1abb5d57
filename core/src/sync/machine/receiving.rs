//! What comes down: numbers of the log, each once and in order.
//!
//! A number that was there before is passed over; one that is further on than the next means that something was lost, and the connection ends: the next one
//! begins at the cursor. What is applied is the store's to say, so that the cursor is never ahead of what it stands for.

use altair_protocol::EntityId;
use altair_protocol::sync::{Item, SyncId, What};

use super::outbox::Reminting;
use super::step::Step;
use super::{Effect, Machine, Phase, Reason, Why};

/// So many batches may be with the store before the socket is left alone.
const MAX_APPLYING: usize = 4;

/// After so many applied numbers the server is told without waiting for the next heartbeat.
const TOLD_EVERY: u64 = 4096;

/// What has come on the present connection, and what the store still has to do with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Receiving {
    /// The last number that was handed to the store.
    received: SyncId,
    /// Batches that are with the store, of earlier connections too.
    applying: usize,
    /// Why nothing more is taken on this connection.
    stopped: Option<Stop>,
}

#[derive(Debug, Clone)]
enum Stop {
    /// A newer program's item, which stays until this one is updated.
    Newer(Why),
    /// The store is a copy, and becomes another device.
    Copied,
}

impl Receiving {
    /// Nothing has come since a cursor.
    pub(super) const fn after(cursor: SyncId) -> Self {
        Self { received: cursor, applying: 0, stopped: None }
    }

    /// Whether the store has nothing more to do.
    pub(super) const fn is_idle(&self) -> bool {
        self.applying == 0
    }

    pub(super) const fn stopped(&self) -> Option<&Why> {
        match &self.stopped {
            Some(Stop::Newer(why)) => Some(why),
            Some(Stop::Copied) | None => None,
        }
    }

    pub(super) fn hang_up(&mut self) {
        self.stopped = None;
    }

    /// The store does nothing more of what it was given.
    pub(super) const fn forget(&mut self) {
        self.applying = 0;
    }
}

impl Machine {
    pub(super) fn changes(&mut self, items: Vec<Item>, step: &mut Step) {
        let Phase::Session(session) = &mut self.phase else { return };
        if self.receiving.stopped.is_some() {
            return;
        }
        let mut fresh = Vec::with_capacity(items.len());
        let mut gap = None;
        for item in items {
            if item.sync_id <= self.receiving.received {
                continue;
            }
            if self.receiving.received.next() != Some(item.sync_id) {
                gap = Some(item.sync_id);
                break;
            }
            match &item.what {
                What::Unreadable { why } => {
                    let message = format!(
                        "number {} of the household's log can't be read ({why}): a newer version wrote it; update this program",
                        item.sync_id
                    );
                    self.receiving.stopped = Some(Stop::Newer(Why::new(Reason::Unsupported, message)));
                    break;
                }
                What::Own(change) => drop(self.outbox.answered(*change)),
                What::Change(_) | What::State(_) | What::Erased(_) | What::Gone => {}
            }
            self.receiving.received = item.sync_id;
            fresh.push(item);
        }
        self.head = self.head.max(self.receiving.received);
        if !fresh.is_empty() {
            self.receiving.applying += 1;
            step.push(Effect::Apply { items: fresh });
            if self.receiving.applying >= MAX_APPLYING && !session.held {
                session.held = true;
                step.push(Effect::Receive { connection: session.connection, on: false });
            }
        }
        if self.outbox.is_answered() {
            self.was_answered(step);
        }
        if let Some(found) = gap {
            let message = format!("the server went from number {} to {found}", self.receiving.received);
            self.wait(Why::new(Reason::Gap, message), step);
        }
    }

    pub(super) fn applied(&mut self, cursor: SyncId, copied: bool, recreated: &[EntityId], step: &mut Step) {
        self.receiving.applying = self.receiving.applying.saturating_sub(1);
        let Some(account) = &mut self.account else { return };
        account.cursor = account.cursor.max(cursor);
        for &entity in recreated {
            self.outbox.recreated(entity);
        }
        if copied && matches!(self.phase, Phase::Session(_)) {
            self.receiving.stopped = Some(Stop::Copied);
            self.outbox.remint(Reminting::AnotherDevice);
        }
        if let Phase::Session(session) = &mut self.phase
            && session.held
            && self.receiving.applying < MAX_APPLYING
        {
            session.listen(step.now.millis);
            step.push(Effect::Receive { connection: session.connection, on: true });
        }
        self.tell_applied(TOLD_EVERY, step);
        self.greet(step);
    }
}
