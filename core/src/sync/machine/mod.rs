//! The client's state machine: [`Machine::step`] takes a state and an [`Event`], and gives the state after it and what is to be done ([`Effect`]s). It
//! reads no clock, has no randomness and does no I/O: [`Now`] brings the first two along.
//!
//! What it keeps true, whatever comes in which order:
//!
//! - What is of one entity goes up in the order in which it was made, and what was refused stops what follows it for that entity alone (`outbox`).
//! - Every number of the log is handed to the store once and in order; the cursor is the store's to move, with what it stands for (`receiving`).
//! - What may have been accepted is never minted again: re-minting waits until every change was answered (`outbox`).
//! - There is one thing that it waits for at any time (a connection, a transfer, a moment), each with a deadline (`connection`, `transfer`).
//! - All that it holds is bounded: pushes in flight, batches being applied, entities that wait for blobs. What is parked is the store's to bound.
//!
//! What it doesn't do: it knows no merge rules and opens no change; what is durable is in the store, and a machine that is made anew from there goes on
//! as if it had never been away.

mod backoff;
mod connection;
mod effect;
mod event;
mod outbox;
mod pushing;
mod receiving;
mod refusals;
mod session;
mod status;
mod step;
#[cfg(test)]
pub(in crate::sync) mod tests;
mod transfer;

use altair_protocol::Incarnation;
use altair_protocol::sync::SyncId;
use altair_protocol::view::Time;

pub use effect::{Effect, How, Resume};
pub use event::{Account, ConnectionId, Event, Now, Outgoing, Position, ReadId, TransferFailure, TransferId, Trouble};
pub use status::{Fault, Progress, Reason, State, Status, Why};

use backoff::Backoff;
use outbox::Outbox;
use receiving::Receiving;
use session::Session;
use step::Step;
use transfer::Transfer;

/// A device's syncing, as it stands.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Who this device is, once it is logged in.
    account: Option<Account>,
    paused: bool,
    phase: Phase,
    need: Need,
    backoff: Backoff,
    /// How often in a row the same device has connected from elsewhere, and when it last did.
    replaced: (u8, u64),
    /// How often the server has asked to begin anew since the last connection that was live.
    resets: u8,
    /// The last number given to a connection, a transfer or a read.
    minted: u64,
    outbox: Outbox,
    receiving: Receiving,
    /// States that the server didn't take when it was met.
    unmet: Vec<Fault>,
    /// How far the server's clock is ahead of this device's, as the store was told, in milliseconds.
    ahead: Option<i64>,
    head: SyncId,
    last_contact: Option<Time>,
    /// What was published last.
    told: Option<Status>,
    /// The moment for which the timer is set.
    wake: Option<u64>,
}

/// What is going on.
#[derive(Debug, Clone, Default)]
enum Phase {
    /// Not logged in, or paused.
    #[default]
    Off,
    /// A connection is being made, up to a moment.
    Opening { connection: ConnectionId, by: u64 },
    /// It is made; the store is still applying what an earlier one brought.
    Opened { connection: ConnectionId, by: u64 },
    /// `hello` is said, and not answered.
    Greeted { connection: ConnectionId, by: u64 },
    /// Frames go both ways.
    Session(Session),
    /// States are coming down or going up.
    Transfer(Transfer),
    /// The store turned out to be a copy: the server is asked, up to a moment, for a token for another device; then the store re-mints, however long that takes.
    Renaming { by: Option<u64> },
    /// The next try is due at a moment.
    Waiting { until: u64, why: Why },
    /// So it is here, but somebody should know.
    Faulty { until: u64, why: Why },
}

/// What has to be done before the log can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Need {
    /// Nothing.
    #[default]
    Nothing,
    /// To bring this device's states up: the server's log isn't the one that it knows.
    Meet,
    /// To take all states.
    Bootstrap {
        how: How,
        /// The log that they have to be of; none for a device that knows no log.
        of: Option<Incarnation>,
        /// Where to go on.
        from: Option<Resume>,
    },
}

impl Machine {
    /// Not logged in.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state after an event, and what is to be done, in order.
    #[must_use]
    pub fn step(mut self, now: Now, event: Event) -> (Self, Vec<Effect>) {
        let mut step = Step::new(now);
        self.take(event, &mut step);
        self.settle(&mut step);
        self.tell(&mut step);
        self.set_timer(&mut step);
        (self, step.effects)
    }

    fn mint(&mut self) -> u64 {
        self.minted += 1;
        self.minted
    }
}
