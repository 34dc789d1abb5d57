//! One step: which event goes where, and the one timer.

use super::connection::GREETING_MS;
use super::transfer::TRANSFER_MS;
use super::{Effect, Event, Machine, Need, Now, Phase, Reason, Why};

/// What a step has to go by, and what has come of it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) now: Now,
    pub(super) effects: Vec<Effect>,
}

impl Step {
    pub(super) const fn new(now: Now) -> Self {
        Self { now, effects: Vec::new() }
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The moment in so many milliseconds.
    pub(super) const fn after(&self, ms: u64) -> u64 {
        self.now.millis.saturating_add(ms)
    }
}

impl Machine {
    pub(super) fn take(&mut self, event: Event, step: &mut Step) {
        match event {
            Event::Configured(account) => self.configure(*account, step),
            Event::LoggedOut => self.log_out(step),
            Event::Pause => self.pause(step),
            Event::Resume => self.resume(step),
            Event::SyncNow => self.sync_now(step),
            Event::NetworkBack => self.network_back(step),
            Event::Woke => self.woke(step),

            Event::Opened { connection } => self.opened(connection, step),
            Event::Failed { connection, trouble } => self.failed(connection, trouble, step),
            Event::Closed { connection, code, message } => self.closed(connection, code, message, step),
            Event::Received { connection, frame } => self.received(connection, frame, step),
            Event::Unreadable { connection, why } => self.unreadable(connection, why, step),
            Event::Written { connection } => self.written(connection),

            Event::Committed => self.outbox.grew(),
            Event::OutboxRead { read, entries, end } => self.outbox_read(read, entries, end, step),
            Event::BlobsEnsured { entity, change } => self.outbox.blobs_ensured(entity, change),
            Event::BlobsFailed { entity, change } => {
                self.outbox.blobs_failed(entity, change, step.after(super::outbox::BLOBS_AGAIN_MS));
            }
            Event::Parked { entity, change } => self.outbox.parked(entity, change),
            Event::Recreated { entity } => self.outbox.recreated(entity),
            Event::Unparked { entity } => self.outbox.unparked(entity),
            Event::NewDevice { device } => self.new_device(device, step),
            Event::NewDeviceFailed { trouble } => self.new_device_failed(trouble, step),
            Event::Reminted { device, parked } => self.reminted(device, parked, step),

            Event::Applied { cursor, copied, recreated } => self.applied(cursor, copied, &recreated, step),
            Event::Started { transfer, start } => self.transfer_started(transfer, start, step),
            Event::Progressed { transfer, after, done, total } => {
                self.progressed(transfer, after, done, total, step);
            }
            Event::Bootstrapped { transfer, cursor, incarnation } => {
                self.bootstrapped(transfer, cursor, incarnation, step);
            }
            Event::Met { transfer, incarnation, refused } => self.met(transfer, incarnation, refused, step),
            Event::TransferFailed { transfer, failure } => self.transfer_failed(transfer, failure, step),
            Event::StoreFailed { why } => self.store_failed(why, step),
        }
    }

    /// Begins whatever is due: the one way on from being ready.
    pub(super) fn begin(&mut self, step: &mut Step) {
        self.phase = Phase::Off;
        if self.account.is_none() || self.paused {
            return;
        }
        match self.need {
            Need::Nothing => self.connect(step),
            Need::Meet | Need::Bootstrap { .. } => self.transfer(step),
        }
    }

    /// Lets go of whatever is under way, without a word on what comes next.
    pub(super) fn drop_everything(&mut self, step: &mut Step) {
        match std::mem::take(&mut self.phase) {
            Phase::Opening { connection, .. }
            | Phase::Opened { connection, .. }
            | Phase::Greeted { connection, .. } => {
                step.push(Effect::Disconnect { connection });
            }
            Phase::Session(session) => step.push(Effect::Disconnect { connection: session.connection }),
            Phase::Transfer(transfer) => step.push(Effect::StopTransfer { transfer: transfer.id }),
            Phase::Off | Phase::Renaming { .. } | Phase::Waiting { .. } | Phase::Faulty { .. } => {}
        }
        self.outbox.hang_up();
        self.receiving.hang_up();
    }

    fn woke(&mut self, step: &mut Step) {
        self.wake = None;
        if self.deadline().is_none_or(|at| at > step.now.millis) {
            return;
        }
        match self.phase {
            Phase::Off => {}
            Phase::Waiting { .. } | Phase::Faulty { .. } => self.begin(step),
            Phase::Opening { .. } => self.wait(Why::new(Reason::Unreachable, "the server can't be reached"), step),
            // The store is slow, and the server not to blame.
            Phase::Opened { ref mut by, .. } => *by = step.after(GREETING_MS),
            Phase::Greeted { .. } => {
                self.wait(Why::new(Reason::Silent, "the server took the connection and said nothing"), step);
            }
            Phase::Session(_) => self.beat(step),
            Phase::Transfer(_) => {
                let message = format!("nothing has come for {} seconds", TRANSFER_MS / 1000);
                self.wait(Why::new(Reason::Silent, message), step);
            }
            Phase::Renaming { .. } => {
                self.wait(Why::new(Reason::Unreachable, "the server gave no token for another device"), step);
            }
        }
    }

    /// When something has to be done if nothing happens before.
    fn deadline(&self) -> Option<u64> {
        match &self.phase {
            Phase::Off => None,
            Phase::Renaming { by } => *by,
            Phase::Opening { by, .. } | Phase::Opened { by, .. } | Phase::Greeted { by, .. } => Some(*by),
            Phase::Session(session) => {
                Some(self.outbox.blobs_again().map_or(session.deadline(), |at| at.min(session.deadline())))
            }
            Phase::Transfer(transfer) => Some(transfer.by),
            Phase::Waiting { until, .. } | Phase::Faulty { until, .. } => Some(*until),
        }
    }

    pub(super) fn set_timer(&mut self, step: &mut Step) {
        let at = self.deadline();
        if at != self.wake {
            self.wake = at;
            step.push(Effect::Wake { at });
        }
    }
}
