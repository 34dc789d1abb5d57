//! A connection on which both sides have greeted: hearing the other side, and noticing that it is gone.

use altair_protocol::sync::{self, Applied, DeviceFrame, Ping, Pong, ServerFrame, SyncId};
use altair_protocol::view::Time;

use super::step::Step;
use super::{ConnectionId, Effect, Machine, Phase, Reason, Why};

/// How soon a connection has to answer that may be from another network, in milliseconds.
const PROBE_MS: u64 = 5000;
/// How long the server may owe answers to pushes, without giving one, in milliseconds.
const OWED_MS: u64 = 60_000;
/// A clock is told again when it has moved by so many milliseconds.
const CLOCK_MS: u64 = 1000;

/// A connection on which both sides have greeted.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) connection: ConnectionId,
    /// When the server last said something.
    heard: u64,
    /// When the next `ping` is due.
    beat: u64,
    /// The last `ping`, and when that was said.
    pinged: (u64, u64),
    /// When the connection is dead unless something comes before.
    probed: Option<u64>,
    /// Since when answers to pushes are owed, and none has come.
    owed: Option<u64>,
    /// The head up to which it is live, once that was said.
    pub(super) live: Option<SyncId>,
    /// What the server was last told of being applied.
    told: SyncId,
    /// Whether the socket is left alone until the store has caught up.
    pub(super) held: bool,
    /// How often the outbox was re-minted on this connection.
    pub(super) reminted: u8,
}

impl Session {
    pub(super) const fn new(connection: ConnectionId, now: u64) -> Self {
        Self {
            connection,
            heard: now,
            beat: now.saturating_add(sync::HEARTBEAT_MS),
            pinged: (0, now),
            probed: None,
            owed: None,
            live: None,
            told: SyncId::ZERO,
            held: false,
            reminted: 0,
        }
    }

    /// When it is dead. One that isn't read can't be.
    fn dead(&self) -> Option<u64> {
        let silent = self.heard.saturating_add(sync::DEAD_MS);
        (!self.held).then(|| self.probed.map_or(silent, |probed| probed.min(silent)))
    }

    /// When the server has owed answers for too long. It can't give any while it isn't heard.
    fn overdue(&self) -> Option<u64> {
        self.owed.filter(|_| !self.held).map(|since| since.saturating_add(OWED_MS))
    }

    pub(super) fn deadline(&self) -> u64 {
        [self.dead(), self.overdue()].into_iter().flatten().fold(self.beat, u64::min)
    }

    /// Something was pushed.
    pub(super) fn owes(&mut self, now: u64) {
        self.owed.get_or_insert(now);
    }

    /// An answer has come, and there are more to come or not.
    pub(super) fn has_answered(&mut self, more: bool, now: u64) {
        self.owed = more.then_some(now);
    }

    /// The socket is read again, after a time in which nothing could be heard.
    pub(super) const fn listen(&mut self, now: u64) {
        self.held = false;
        self.heard = now;
        if self.owed.is_some() {
            self.owed = Some(now);
        }
    }
}

impl Machine {
    pub(super) fn received(&mut self, connection: ConnectionId, frame: ServerFrame, step: &mut Step) {
        if !self.is_present(connection) {
            return;
        }
        self.last_contact = Some(Time::from_millis(step.now.wall));
        if let Phase::Session(session) = &mut self.phase {
            session.heard = step.now.millis;
            session.probed = None;
        }
        match (&self.phase, frame) {
            (Phase::Greeted { .. }, ServerFrame::Welcome(welcome)) => self.welcomed(&welcome, step),
            (Phase::Greeted { .. } | Phase::Session(_), ServerFrame::Reset(reset)) => self.reset(reset, step),
            (_, ServerFrame::Closing(closing)) => {
                self.hung_up(Some(closing.code), closing.reason, closing.retry_after_ms, step);
            }
            (Phase::Session(_), ServerFrame::Changes(changes)) => self.changes(changes.items, step),
            (Phase::Session(_), ServerFrame::Live(live)) => self.lives(live.head),
            (Phase::Session(_), ServerFrame::Ack(ack)) => self.acknowledged(ack.items, step),
            (Phase::Session(_), ServerFrame::Refused(refused)) => self.refused(refused, step),
            (Phase::Session(_), ServerFrame::Pong(pong)) => self.pong(pong, step),
            (_, frame) => {
                let message = format!("the server said {} where it makes no sense", name(&frame));
                self.fault(Why::new(Reason::Protocol, message), step);
            }
        }
    }

    pub(super) fn unreadable(&mut self, connection: ConnectionId, why: String, step: &mut Step) {
        if self.is_present(connection) {
            // A byte may have been turned on the way: so it is tried again, like any connection that ends.
            self.wait(Why::new(Reason::HungUp, why), step);
        }
    }

    fn lives(&mut self, head: SyncId) {
        if let Phase::Session(session) = &mut self.phase {
            session.live = Some(head);
            self.head = self.head.max(head);
            self.backoff.reset();
            self.resets = 0;
        }
    }

    fn pong(&mut self, pong: Pong, step: &mut Step) {
        if let Phase::Session(session) = &self.phase {
            let (n, at) = session.pinged;
            if n == pong.n {
                self.clock_told(pong.server_time, step.now.millis.saturating_sub(at), step);
            }
        }
    }

    /// The server's clock, as it was on the way back of a round trip of so many milliseconds.
    pub(super) fn clock_told(&mut self, server_time: Time, round_trip: u64, step: &mut Step) {
        let travelled = i64::try_from(round_trip / 2).unwrap_or(i64::MAX);
        let ahead = server_time.millis().saturating_add(travelled).saturating_sub(step.now.wall);
        if self.ahead.is_none_or(|told| told.abs_diff(ahead) >= CLOCK_MS) {
            self.ahead = Some(ahead);
            step.push(Effect::SetClock { ahead });
        }
    }

    /// Asks whether the server is there, which it has to say soon.
    pub(super) fn probe(&mut self, step: &mut Step) {
        if let Phase::Session(session) = &mut self.phase {
            session.probed.get_or_insert(step.now.millis.saturating_add(PROBE_MS));
            session.beat = step.now.millis;
            self.beat(step);
        }
    }

    /// What is due on a connection by now.
    pub(super) fn beat(&mut self, step: &mut Step) {
        let Phase::Session(session) = &mut self.phase else { return };
        let now = step.now.millis;
        if session.dead().is_some_and(|dead| dead <= now) {
            let seconds = now.saturating_sub(session.heard) / 1000;
            let message = format!("the server has said nothing for {seconds} seconds");
            return self.wait(Why::new(Reason::Silent, message), step);
        }
        if session.overdue().is_some_and(|overdue| overdue <= now) {
            return self.wait(Why::new(Reason::Silent, "the server hasn't answered what was pushed"), step);
        }
        if session.beat <= now {
            session.beat = now.saturating_add(sync::HEARTBEAT_MS);
            session.pinged = (session.pinged.0 + 1, now);
            let frame = DeviceFrame::Ping(Ping { n: session.pinged.0 });
            step.push(Effect::Send { connection: session.connection, frame });
            self.tell_applied(1, step);
        }
        self.outbox.ensure_again(step);
    }

    /// Tells the server how far this device is, if that is further by so many numbers than it knows.
    pub(super) fn tell_applied(&mut self, by: u64, step: &mut Step) {
        let (Phase::Session(session), Some(account)) = (&mut self.phase, &self.account) else { return };
        let cursor = account.cursor;
        if cursor.get().saturating_sub(session.told.get()) >= by {
            session.told = cursor;
            let frame = DeviceFrame::Applied(Applied { cursor });
            step.push(Effect::Send { connection: session.connection, frame });
        }
    }
}

fn name(frame: &ServerFrame) -> &'static str {
    match frame {
        ServerFrame::Welcome(_) => "welcome",
        ServerFrame::Reset(_) => "reset",
        ServerFrame::Changes(_) => "changes",
        ServerFrame::Live(_) => "live",
        ServerFrame::Ack(_) => "ack",
        ServerFrame::Refused(_) => "refused",
        ServerFrame::Pong(_) => "pong",
        ServerFrame::Closing(_) => "closing",
    }
}
