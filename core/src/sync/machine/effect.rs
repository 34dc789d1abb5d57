//! What a machine wants done.

use altair_protocol::sync::{Acked, DeviceFrame, Item, SyncId};
use altair_protocol::{ChangeId, DeviceId, EntityId, Hash, Incarnation};

use super::{ConnectionId, Fault, Position, ReadId, Status, TransferId};

/// How a bootstrap meets what the store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// States are joined; the outbox stays.
    Join,
    /// Likewise, but the device was away for so long that texts may have been trimmed: unsent text comes in as the difference from its last acknowledged form.
    Expired,
}

/// Where a bootstrap goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The last id that is durable.
    pub after: EntityId,
    /// The head that the first answer named.
    pub head: SyncId,
    /// And the log.
    pub incarnation: Incarnation,
    /// How it meets what the store has.
    pub how: How,
}

/// Something to be done. What is the store's says so: that is done one after another, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make a connection; it is `Opened`, `Failed` or, later, `Closed`. The frames of a connection are handed over in order.
    Connect {
        /// Its name from now on.
        connection: ConnectionId,
    },
    /// End it, or stop trying. It needn't be reported.
    Disconnect {
        /// Which.
        connection: ConnectionId,
    },
    /// Say something. A push is reported as `Written`.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// What.
        frame: DeviceFrame,
    },
    /// Read the socket on, or let it be for now.
    Receive {
        /// Which connection's.
        connection: ConnectionId,
        /// Whether to read.
        on: bool,
    },

    /// Store: the outbox's changes after a position, in order, but those of entities of which one is parked; at least one if there is any. Answered `OutboxRead`.
    ReadOutbox {
        /// Which reading it is.
        read: ReadId,
        /// After here.
        after: Position,
        /// At most so many.
        changes: usize,
        /// And of no more bytes together, but for a single one.
        bytes: usize,
    },
    /// Have the server have a change's blobs. Answered `BlobsEnsured`, also when this device doesn't have one itself; or `BlobsFailed`.
    EnsureBlobs {
        /// Whose.
        entity: EntityId,
        /// For which change.
        change: ChangeId,
        /// Which.
        blobs: Vec<Hash>,
    },
    /// Store: apply what stands at these numbers and move the cursor there, in one transaction. What is this device's own is acknowledged. Answered `Applied`.
    /// A batch that doesn't begin right after the store's cursor is passed over, and answered with that cursor.
    ///
    /// What is erased goes whatever its `seen` says; work on it that is in the outbox lives on as with [`Effect::Recreate`]. A change whose ops can't be opened is kept, as one
    /// whose causes are missing is.
    Apply {
        /// The numbers, in order, without holes.
        items: Vec<Item>,
    },
    /// Store: these are accepted, and leave the outbox. One that isn't in it is passed over; one that erases takes its entity along, as with [`Effect::Apply`]. Not answered.
    Acknowledge {
        /// Which, with their numbers.
        items: Vec<Acked>,
    },
    /// Store: keep a refused change, and let what is behind it for the same entity wait. An entity has one at most: an earlier change takes a later one's place. Answered `Parked`.
    Park(Fault),
    /// Store: the entity was erased, and there is work on it that the erasing hadn't seen. Make a new entity of its whole local value, once, under an id that follows from the
    /// old one and this device, and remove the old one with what the outbox has of it. Answered `Recreated`.
    Recreate {
        /// Which.
        entity: EntityId,
    },
    /// Ask the server for a token for a device with a new id. Answered `NewDevice` or `NewDeviceFailed`.
    NewDevice,
    /// Store: give all of the outbox new ids and stamps, and the local state that it made, in one transaction; and make it another device's, whose token is taken into use. Answered `Reminted`.
    Remint {
        /// The device that it is from now on, if it is another one.
        device: Option<DeviceId>,
    },

    /// Take all states, after what the store was given before: `Started`, `Progressed`, and in the end `Bootstrapped` or `TransferFailed`. How far it has come is the store's to keep, with what was applied.
    Bootstrap {
        /// Which transfer it is.
        transfer: TransferId,
        /// How states meet what is here.
        how: How,
        /// Where to go on; else from the beginning. What was kept of an earlier one is replaced with the first states that are applied, and not before.
        from: Option<Resume>,
    },
    /// Bring all of this device's states up, after what the store was given before, with their blobs and with what it knows to be erased, and take out of the outbox what they carried: `Progressed`, and in the end `Met` or `TransferFailed`.
    Meet {
        /// Which transfer it is.
        transfer: TransferId,
    },
    /// Stop a transfer. It needn't be reported.
    StopTransfer {
        /// Which.
        transfer: TransferId,
    },

    /// Store: the server's clock is so far ahead of this device's, in milliseconds (less than nothing: behind). Stamps are made by the server's. Not answered.
    SetClock {
        /// How far.
        ahead: i64,
    },
    /// Report `Woke` at this moment, and not at the one asked for before.
    Wake {
        /// In [`super::Now::millis`].
        at: Option<u64>,
    },
    /// Tell whoever watches.
    Publish(Status),
}
