//! What can happen to a device that syncs, and what the driver promises about it.

use altair_protocol::sync::{CloseCode, JoinRefused, ServerFrame, Start, SyncId, Unopened};
use altair_protocol::{ChangeId, DeviceId, EntityId, HouseholdId, Incarnation};

use super::{Fault, Resume};

/// The moment of a step, and its share of randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds by a clock that only goes forward, from any beginning.
    pub millis: u64,
    /// Unix milliseconds by the device's own clock, which may be wrong.
    pub wall: i64,
    /// Any number, another one each time.
    pub random: u64,
}

/// A connection: events of another one than the present are late, and passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A bootstrap, or a meeting with another log; likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// A reading of the outbox; likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u64);

/// A place in the outbox: greater for what was made later, never used twice, and kept when a change is re-minted or not as the store likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// Before the first.
    pub const ZERO: Self = Self(0);

    /// The one just before this.
    pub(super) const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A change of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Where it stands.
    pub position: Position,
    /// The change.
    pub change: Unopened,
    /// How long its JSON is, in bytes.
    pub bytes: usize,
}

/// All that a machine begins with: what the store has of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// This device, as the token has it.
    pub device: DeviceId,
    /// Whose server it is.
    pub household: HouseholdId,
    /// The program's name and version.
    pub program: String,
    /// The last number that is applied.
    pub cursor: SyncId,
    /// Whose number that is; none before the first bootstrap.
    pub incarnation: Option<Incarnation>,
    /// A bootstrap that was interrupted.
    pub resume: Option<Resume>,
    /// Whether there is content that is neither in the outbox nor the server's: the store was made from a backup.
    pub brings_states: bool,
    /// Refused changes that are kept, an entity's first one each.
    pub parked: Vec<Fault>,
}

/// Why the server couldn't be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It can't be reached, or answers that it can't just now.
    Unreachable(String),
    /// It doesn't take the token.
    Unauthorized,
    /// What answers is no server of this protocol, or can't be trusted (its certificate).
    Foreign(String),
}

/// Why a transfer ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferFailure {
    /// The server couldn't be asked, or the answer was cut off.
    Trouble(Trouble),
    /// It can't go on where it was: the log begins later, or a checksum is wrong.
    Anew(String),
    /// The server takes no states, as it has met this device.
    Met,
    /// A line that this program can't read: a newer one wrote it.
    Newer(String),
}

/// Something that happened. Store effects are carried out one after another, in the order in which they were given; each is answered by the event that its
/// documentation names, or by [`Event::StoreFailed`].
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The device is logged in, or the store with its account was opened. No effect of an earlier account is under way any more.
    Configured(Box<Account>),
    /// The account is gone.
    LoggedOut,
    /// The person wants no syncing for now.
    Pause,
    /// And now they do.
    Resume,
    /// Somebody wants it now.
    SyncNow,
    /// The system says that there is a network (again, or another one).
    NetworkBack,
    /// The timer of [`super::Effect::Wake`].
    Woke,

    /// The WebSocket is there.
    Opened {
        /// Which.
        connection: ConnectionId,
    },
    /// It couldn't be made.
    Failed {
        /// Which.
        connection: ConnectionId,
        /// Why.
        trouble: Trouble,
    },
    /// It has ended.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// The close frame's number, or what `closing` said.
        code: Option<CloseCode>,
        /// For people.
        message: String,
    },
    /// The server said something. Frames that aren't known don't come here.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// What.
        frame: ServerFrame,
    },
    /// The server said something that is no frame, or too long.
    Unreadable {
        /// On which connection.
        connection: ConnectionId,
        /// What is wrong with it.
        why: String,
    },
    /// A push is out of our hands: the socket has taken it.
    Written {
        /// On which connection.
        connection: ConnectionId,
    },

    /// Something was added to the outbox.
    Committed,
    /// The answer to [`super::Effect::ReadOutbox`].
    OutboxRead {
        /// Which reading.
        read: ReadId,
        /// What was found, in the order of positions.
        entries: Vec<Outgoing>,
        /// Whether there was nothing more.
        end: bool,
    },
    /// The answer to [`super::Effect::EnsureBlobs`]: the server has them, or this device hasn't, so that the server may say so.
    BlobsEnsured {
        /// Of which entity.
        entity: EntityId,
        /// For which change.
        change: ChangeId,
    },
    /// Or it couldn't be done just now.
    BlobsFailed {
        /// Of which entity.
        entity: EntityId,
        /// For which change.
        change: ChangeId,
    },
    /// The answer to [`super::Effect::Park`].
    Parked {
        /// Of which entity.
        entity: EntityId,
        /// Which change.
        change: Option<ChangeId>,
    },
    /// The answer to [`super::Effect::Recreate`].
    Recreated {
        /// The entity that was erased: there is nothing of it in the outbox any more.
        entity: EntityId,
    },
    /// The person has discarded an entity's refused change, or wants it pushed again. In the first case what follows it was minted again; what is before it wasn't,
    /// as that may have been accepted.
    Unparked {
        /// Which entity's.
        entity: EntityId,
    },
    /// The answer to [`super::Effect::NewDevice`]: a token that isn't used before [`super::Effect::Remint`] with this device.
    NewDevice {
        /// The new device's id.
        device: DeviceId,
    },
    /// Or there is none.
    NewDeviceFailed {
        /// Why.
        trouble: Trouble,
    },
    /// The answer to [`super::Effect::Remint`].
    Reminted {
        /// The device that the changes are of now.
        device: DeviceId,
        /// What is parked now, under the new ids.
        parked: Vec<Fault>,
    },

    /// The answer to [`super::Effect::Apply`].
    Applied {
        /// The last number that is applied now.
        cursor: SyncId,
        /// The number after it is said to be of this device, which never made it: the store is a copy of another's. Nothing from there on was applied.
        copied: bool,
        /// Entities that were erased while there was work of ours on them: it lives on elsewhere, and there is nothing of them in the outbox any more.
        recreated: Vec<EntityId>,
    },
    /// A bootstrap has begun to come.
    Started {
        /// Which.
        transfer: TransferId,
        /// Its first line.
        start: Start,
    },
    /// Part of a transfer is done, durably.
    Progressed {
        /// Which.
        transfer: TransferId,
        /// The last id of a bootstrap that is.
        after: Option<EntityId>,
        /// How many entities, since it was begun the first time.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// The answer to [`super::Effect::Bootstrap`]: all of it is applied, and the cursor has moved.
    Bootstrapped {
        /// Which.
        transfer: TransferId,
        /// To here.
        cursor: SyncId,
        /// In this log.
        incarnation: Incarnation,
    },
    /// The answer to [`super::Effect::Meet`]: all of this device's states are up. What they carried of the outbox has left it.
    Met {
        /// Which.
        transfer: TransferId,
        /// The log that was met.
        incarnation: Incarnation,
        /// What the server didn't take.
        refused: Vec<JoinRefused>,
    },
    /// A transfer has ended early.
    TransferFailed {
        /// Which.
        transfer: TransferId,
        /// Why.
        failure: TransferFailure,
    },
    /// The store couldn't do something. It does nothing more of what it was given before.
    StoreFailed {
        /// What happened, and what to do about it.
        why: String,
    },
}
