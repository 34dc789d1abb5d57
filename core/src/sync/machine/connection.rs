//! Getting a connection, greeting, and what comes after it ends.
//!
//! A server that can't be reached and a token that isn't taken any more are waited for quietly. What one of the two programs gets wrong is a fault, and tried again
//! after ten minutes, because either may have been updated by then.

use altair_protocol::sync::{self, CloseCode, DeviceFrame, Hello, Reset, ResetReason, Welcome};

use super::outbox::Reminting;
use super::session::Session;
use super::step::Step;
use super::{Account, ConnectionId, Effect, How, Machine, Need, Phase, Reason, Receiving, Trouble, Why};

/// How long making a connection may take, in milliseconds.
const OPENING_MS: u64 = 10_000;
/// How long the server may take to answer `hello`.
pub(super) const GREETING_MS: u64 = sync::GREETING_MS;
/// How long to stay away when the same device has connected from elsewhere, at least: two copies of one store would else throw each other out all day.
const REPLACED_MS: u64 = 30_000;
/// So often in a row, and the store is one of two copies: once may have been a connection of our own that arrived late.
const REPLACED_TIMES: u8 = 3;
/// In a row: within so many milliseconds of each other.
const REPLACED_WITHIN_MS: u64 = 2 * 60 * 1000;
/// How long to stay away after a fault.
pub(super) const FAULT_MS: u64 = 10 * 60 * 1000;

impl Machine {
    pub(super) fn configure(&mut self, account: Account, step: &mut Step) {
        self.drop_everything(step);
        self.need = match (account.incarnation, account.resume) {
            (_, Some(from)) => Need::Bootstrap { how: from.how, of: Some(from.incarnation), from: Some(from) },
            (None, None) if account.brings_states => Need::Meet,
            (None, None) => Need::Bootstrap { how: How::Join, of: None, from: None },
            (Some(_), None) => Need::Nothing,
        };
        self.backoff.reset();
        self.ahead = None;
        self.head = account.cursor;
        self.unmet.clear();
        self.outbox.restart(&account.parked);
        self.receiving = Receiving::after(account.cursor);
        self.resets = 0;
        self.replaced = (0, 0);
        self.account = Some(account);
        self.begin(step);
    }

    pub(super) fn log_out(&mut self, step: &mut Step) {
        self.drop_everything(step);
        let minted = self.minted;
        let (told, wake) = (self.told.take(), self.wake);
        // Numbers go on, so that what comes late is recognised.
        *self = Self { minted, told, wake, ..Self::default() };
    }

    pub(super) fn pause(&mut self, step: &mut Step) {
        self.paused = true;
        self.drop_everything(step);
    }

    pub(super) fn resume(&mut self, step: &mut Step) {
        if std::mem::take(&mut self.paused) {
            self.backoff.reset();
            self.begin(step);
        }
    }

    /// Skips a wait; on a connection, asks whether the server is still there, and tries again what it had no room for.
    pub(super) fn sync_now(&mut self, step: &mut Step) {
        match &self.phase {
            Phase::Waiting { .. } | Phase::Faulty { .. } => {
                self.backoff.reset();
                self.begin(step);
            }
            Phase::Session(_) => {
                self.outbox.try_again();
                self.probe(step);
            }
            _ => {}
        }
    }

    /// Skips a wait, unless waiting helps nobody; a connection from before is probably dead, so it has to answer soon.
    pub(super) fn network_back(&mut self, step: &mut Step) {
        match &self.phase {
            Phase::Waiting { .. } => {
                self.backoff.reset();
                self.begin(step);
            }
            Phase::Session(_) => self.probe(step),
            _ => {}
        }
    }

    pub(super) fn connect(&mut self, step: &mut Step) {
        let connection = ConnectionId(self.mint());
        self.phase = Phase::Opening { connection, by: step.after(OPENING_MS) };
        step.push(Effect::Connect { connection });
    }

    pub(super) fn opened(&mut self, connection: ConnectionId, step: &mut Step) {
        match self.phase {
            Phase::Opening { connection: expected, .. } if expected == connection => {
                self.phase = Phase::Opened { connection, by: step.after(GREETING_MS) };
                self.greet(step);
            }
            _ => {}
        }
    }

    /// Says `hello` as soon as cursor and device are what they will be: what an earlier connection brought may still be on its way into the store.
    pub(super) fn greet(&mut self, step: &mut Step) {
        let (Phase::Opened { connection, .. }, Some(account)) = (&self.phase, &self.account) else { return };
        if !self.receiving.is_idle() || self.outbox.is_reminting() {
            return;
        }
        let connection = *connection;
        let hello = Hello {
            protocol: sync::OURS,
            device: account.device,
            cursor: account.cursor,
            incarnation: account.incarnation,
            version: account.program.clone(),
        };
        self.receiving = Receiving::after(account.cursor);
        self.phase = Phase::Greeted { connection, by: step.after(GREETING_MS) };
        step.push(Effect::Send { connection, frame: DeviceFrame::Hello(hello) });
    }

    pub(super) fn welcomed(&mut self, welcome: &Welcome, step: &mut Step) {
        let (Phase::Greeted { connection, .. }, Some(account)) = (&self.phase, &self.account) else { return };
        let connection = *connection;
        if welcome.household.id != account.household {
            let message = format!(
                "the server is that of another household, {}: log in there to sync with it, or find out who took the address",
                welcome.household.id
            );
            return self.fault(Why::new(Reason::Foreign, message), step);
        }
        if sync::OURS.common(altair_protocol::rpc::Protocol { min: welcome.protocol, max: welcome.protocol }).is_none()
        {
            let message =
                format!("the server speaks version {} of the protocol, and this program doesn't", welcome.protocol);
            return self.fault(Why::new(Reason::Unsupported, message), step);
        }
        let other_log = account.incarnation.is_some_and(|known| known != welcome.incarnation);
        let behind = account.cursor > welcome.head;
        self.clock_told(welcome.server_time, 0, step);
        self.head = welcome.head;
        if other_log || behind {
            // A server says `reset` by itself. Numbers of another log would be applied as this one's.
            return self.reset(Reset { reason: ResetReason::Incarnation }, step);
        }
        self.phase = Phase::Session(Session::new(connection, step.now.millis));
        self.outbox.begin();
        if self.replaced.0 >= REPLACED_TIMES {
            self.replaced = (0, 0);
            self.outbox.remint(Reminting::AnotherDevice);
        }
    }

    pub(super) fn reset(&mut self, reset: Reset, step: &mut Step) {
        self.drop_everything(step);
        let of = self.account.as_ref().and_then(|account| account.incarnation);
        self.need = match reset.reason {
            ResetReason::Horizon => Need::Bootstrap { how: How::Join, of, from: None },
            ResetReason::Expired => Need::Bootstrap { how: How::Expired, of, from: None },
            ResetReason::Incarnation | ResetReason::Ahead | ResetReason::Unknown => Need::Meet,
        };
        self.resets = self.resets.saturating_add(1);
        if self.resets > 1 {
            // It has just begun anew. Whatever the server's trouble is, beginning anew all day makes it no better.
            self.wait(Why::new(Reason::Anew, "the server has asked again to begin anew"), step);
        } else {
            self.begin(step);
        }
    }

    pub(super) fn failed(&mut self, connection: ConnectionId, trouble: Trouble, step: &mut Step) {
        if matches!(self.phase, Phase::Opening { connection: expected, .. } if expected == connection) {
            self.phase = Phase::Off;
            self.troubled(trouble, step);
        }
    }

    /// What to do when the server couldn't be asked.
    pub(super) fn troubled(&mut self, trouble: Trouble, step: &mut Step) {
        match trouble {
            Trouble::Unreachable(message) => self.wait(Why::new(Reason::Unreachable, message), step),
            Trouble::Unauthorized => self.wait(Why::session_expired(), step),
            Trouble::Foreign(message) => self.fault(Why::new(Reason::Foreign, message), step),
        }
    }

    pub(super) fn closed(
        &mut self,
        connection: ConnectionId,
        code: Option<CloseCode>,
        message: String,
        step: &mut Step,
    ) {
        if self.is_present(connection) {
            self.hung_up(code, message, None, step);
        }
    }

    /// What to do when the server has hung up, or says that it is about to.
    pub(super) fn hung_up(
        &mut self,
        code: Option<CloseCode>,
        message: String,
        retry_after: Option<u64>,
        step: &mut Step,
    ) {
        match code {
            Some(CloseCode::Unauthorized) => self.wait(Why::session_expired(), step),
            Some(CloseCode::Replaced) => {
                let (times, last) = self.replaced;
                let in_a_row = step.now.millis.saturating_sub(last) <= REPLACED_WITHIN_MS;
                self.replaced = (if in_a_row { times.saturating_add(1) } else { 1 }, step.now.millis);
                self.wait_at_least(REPLACED_MS, Why::new(Reason::Replaced, message), step);
            }
            Some(CloseCode::Unsupported) => self.fault(Why::new(Reason::Unsupported, message), step),
            Some(CloseCode::Malformed | CloseCode::WrongDevice | CloseCode::TooLarge) => {
                self.fault(Why::new(Reason::Protocol, message), step);
            }
            Some(
                CloseCode::GoingAway
                | CloseCode::Reset
                | CloseCode::Timeout
                | CloseCode::TooMany
                | CloseCode::Internal
                | CloseCode::Unknown,
            )
            | None => {
                self.wait_at_least(retry_after.unwrap_or(0).min(FAULT_MS), Why::new(Reason::HungUp, message), step)
            }
        }
    }

    /// Ends whatever is under way, and tries again after a while.
    pub(super) fn wait(&mut self, why: Why, step: &mut Step) {
        self.wait_at_least(0, why, step);
    }

    pub(super) fn wait_at_least(&mut self, ms: u64, why: Why, step: &mut Step) {
        self.drop_everything(step);
        let wait = self.backoff.next(step.now.random).max(ms);
        self.phase = Phase::Waiting { until: step.after(wait), why };
    }

    /// Ends whatever is under way: somebody has to look at it.
    pub(super) fn fault(&mut self, why: Why, step: &mut Step) {
        self.drop_everything(step);
        self.phase = Phase::Faulty { until: step.after(FAULT_MS), why };
    }

    pub(super) fn store_failed(&mut self, why: String, step: &mut Step) {
        self.receiving.forget();
        self.outbox.store_failed();
        // It may not have been told.
        self.ahead = None;
        if self.account.is_some() && !self.paused {
            self.drop_everything(step);
            let until = step.after(super::backoff::LAST_MS);
            self.phase = Phase::Faulty { until, why: Why::new(Reason::Store, why) };
        }
    }

    /// Whether this is the connection that there is.
    pub(super) fn is_present(&self, connection: ConnectionId) -> bool {
        match &self.phase {
            Phase::Opening { connection: present, .. }
            | Phase::Opened { connection: present, .. }
            | Phase::Greeted { connection: present, .. } => *present == connection,
            Phase::Session(session) => session.connection == connection,
            _ => false,
        }
    }
}

impl Why {
    fn session_expired() -> Self {
        Self::new(
            Reason::SessionExpired,
            "the server doesn't know this device any more: log in again with a new code; what you write is kept meanwhile",
        )
    }
}
