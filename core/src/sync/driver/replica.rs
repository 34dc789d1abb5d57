//! What syncing asks of a device's store.

use std::fs::File;
use std::future::Future;

use altair_protocol::sync::{Acked, Erased, Item, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, EntityId, EntityState, Hash, Incarnation};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::sync::machine::{Fault, How, Outgoing, Position, Resume};

/// A device's store, as syncing sees it.
///
/// The driver calls one method at a time, but for those of blobs, in the order in which the state machine wants it, and lets each finish. Whatever returns `Ok` is durable. An
/// error leaves everything as it was; its text is shown to people, and has nothing of their notes in it.
pub trait Replica: Send + Sync + 'static {
    /// The outbox's changes after a position, in order, without those of entities of which one is parked: so many at most, and no more bytes together but for a
    /// single one. At least one if there is any.
    fn unsent(&self, after: Position, changes: usize, bytes: usize) -> impl Future<Output = Result<Unsent>> + Send;

    /// Applies what stands at these numbers and moves the cursor there, in one transaction. A batch that doesn't begin right after the cursor is passed over.
    /// [`Effect::Apply`](crate::sync::machine::Effect::Apply) has the rest.
    fn apply(&self, items: Vec<Item>) -> impl Future<Output = Result<Moved>> + Send;

    /// Takes what is accepted out of the outbox. What isn't in it is passed over.
    fn acknowledge(&self, items: Vec<Acked>) -> impl Future<Output = Result<()>> + Send;

    /// Keeps a refused change, in the place of a later one of the same entity. One that isn't in the outbox any more is passed over.
    fn park(&self, fault: Fault) -> impl Future<Output = Result<()>> + Send;

    /// Makes a new entity of the whole local value of one that was erased, once, and removes the old one with what the outbox has of it.
    fn recreate(&self, entity: EntityId) -> impl Future<Output = Result<()>> + Send;

    /// Gives all of the outbox new ids and stamps; with a token it is that token's device from now on, and keeps it with the rest, in one transaction.
    fn remint(&self, token: Option<Token>) -> impl Future<Output = Result<Reminted>> + Send;

    /// The server's clock is so many milliseconds ahead: stamps are made by it.
    fn set_clock(&self, ahead: i64) -> impl Future<Output = Result<()>> + Send;

    /// Keeps another token for the same device. One for another device than the store is by now is passed over.
    fn renew(&self, token: Token) -> impl Future<Output = Result<()>> + Send;

    /// Joins part of a bootstrap, and keeps how far it has come, in one transaction. Lines come in the order of ids.
    fn join(&self, lines: Vec<StateLine>, resume: Resume) -> impl Future<Output = Result<()>> + Send;

    /// All of a bootstrap is joined: the cursor is here, in this log, and there is nothing to resume.
    fn bootstrapped(&self, cursor: SyncId, of: Incarnation, how: How) -> impl Future<Output = Result<()>> + Send;

    /// Entities and erased ids after an id, in the order of ids: about so many bytes of JSON, and at least one if there is any.
    fn states(&self, after: Option<EntityId>, bytes: usize) -> impl Future<Output = Result<States>> + Send;

    /// The server has these entities' states, in this log, with every change up to the position beside each: those leave the outbox, in one transaction.
    fn carried(&self, entities: Vec<(EntityId, Position)>, to: Incarnation) -> impl Future<Output = Result<()>> + Send;

    /// A blob's bytes with their number, if they are here.
    fn blob(&self, hash: Hash) -> impl Future<Output = Result<Option<(File, u64)>>> + Send;

    /// What has come of a blob so far, to be read and written: an empty file if nothing has. It is no blob yet.
    fn arriving(&self, hash: Hash) -> impl Future<Output = Result<File>> + Send;

    /// All of it has come, and its hash was checked: it is a blob from now on.
    fn arrived(&self, hash: Hash) -> impl Future<Output = Result<()>> + Send;

    /// What has come is something else: it goes.
    fn spoiled(&self, hash: Hash) -> impl Future<Output = Result<()>> + Send;
}

/// A device's token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The device that it is for.
    pub device: DeviceId,
    /// What is shown to the server.
    pub secret: String,
    /// When to ask for another one, by the server's clock; never without it.
    pub renew_at: Option<Time>,
}

/// Without the secret, which belongs in no log.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("device", &self.device).field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

/// Part of the outbox.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unsent {
    /// Changes in the order of positions.
    pub entries: Vec<Outgoing>,
    /// Whether there is nothing more.
    pub end: bool,
}

/// What has come of applying.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// The last number that is applied now.
    pub cursor: SyncId,
    /// The next one is said to be of this device, which never made it. Nothing from there on was applied.
    pub copied: bool,
    /// Entities that were erased while there was work on them in the outbox, which lives on elsewhere.
    pub recreated: Vec<EntityId>,
}

/// What has come of re-minting.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminted {
    /// Whose changes they are now.
    pub device: DeviceId,
    /// What is parked, under the new ids.
    pub parked: Vec<Fault>,
}

/// Whole entities, on their way up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct States {
    /// A line for each.
    pub lines: Vec<StateLine>,
    /// Those of which the outbox has something.
    pub unsent: Vec<EntityId>,
    /// Their states have every change of the outbox up to here, and none that comes later.
    pub through: Position,
    /// The blobs that the states name.
    pub blobs: Vec<Hash>,
    /// How many entities there are in all, about.
    pub total: u64,
    /// Whether there is nothing more.
    pub end: bool,
}

/// An entity as a whole, as it goes up, and comes with a bootstrap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateLine {
    /// Its state.
    Entity(Box<EntityState>),
    /// It was erased.
    Erased(Erased),
}

impl StateLine {
    /// Whose it is.
    pub const fn id(&self) -> EntityId {
        match self {
            Self::Entity(state) => state.id,
            Self::Erased(erased) => erased.id,
        }
    }
}
