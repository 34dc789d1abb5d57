//! What callers ask of the engine, and what it reports: plain values, checked by the engine where they come in.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use crate::view::{Entity, Source};
use crate::{EntityId, Kind, Thousandths, Value};

/// A new note, quest, item or location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct New {
    /// Note, quest, item or location.
    pub kind: Kind,
    /// Its parts.
    pub fields: Fields,
}

/// A new capture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewCapture {
    /// The thought.
    pub text: String,
    /// How it came in.
    pub source: Source,
}

/// The parts of an entity that a caller can set. `None` leaves a part alone; the inner `None` of some clears it. In JSON a part that isn't
/// there is left alone, and null clears it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The title or name; a capture's text can't be set by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The whole Markdown body, or a capture's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// A quest's status: backlog, active, completed or abandoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// A quest's energy, 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cleared_or_set")]
    pub energy: Option<Option<i64>>,
    /// When a quest is due: `2026-12-24` or an RFC 3339 moment.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cleared_or_set")]
    pub due: Option<Option<String>>,
    /// The quest or location that this is part of.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cleared_or_set")]
    pub parent: Option<Option<EntityId>>,
    /// How much of an item there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Thousandths>,
    /// What an item is counted in.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cleared_or_set")]
    pub unit: Option<Option<String>>,
    /// Where an item is.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cleared_or_set")]
    pub location: Option<Option<EntityId>>,
}

/// Null clears a part, which is not the same as leaving it out.
fn cleared_or_set<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A change of an existing entity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Edit {
    /// The parts to set.
    pub fields: Fields,
    /// Text to add at the end of the body, on a line of its own.
    pub append: Option<String>,
    /// The body as it was read when the new one was begun. What others wrote since then is merged with it; without this it is written over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// Which entities to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Captures that aren't triaged.
    Inbox,
    /// All of a kind.
    Kind(Kind),
    /// All of a kind with a tag.
    Tagged(Kind, String),
    /// The trash.
    Trash,
}

/// Part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The things, in order.
    pub items: Vec<T>,
    /// Pass this as `after` for what follows; `None` at the end.
    pub next: Option<String>,
}

/// How to resolve a conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Take one of its heads, by its name.
    Head(String),
    /// Take another value.
    Value(Value),
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Words, phrases and filters, as `docs/search.md` has them.
    pub query: String,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// At most so many, 1 to 1000.
    pub limit: usize,
    /// Where the last page ended.
    pub after: Option<String>,
}

impl Search {
    /// The first fifty answers to a query.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into(), kind: None, tag: None, limit: 50, after: None }
    }
}

/// How far a long piece of work is: `done` of `total` files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What an import did. Notes and attachments count what was created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Imported {
    /// Notes created or changed.
    pub notes: u64,
    /// Attachments created or changed.
    pub attachments: u64,
    /// Links in the vault's notes.
    pub links: u64,
    /// Files that are as they were.
    pub unchanged: u64,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
}

/// What an export did. Notes and attachments count the files that were written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exported {
    /// Notes written.
    pub notes: u64,
    /// Other files written.
    pub attachments: u64,
    /// Files that are as they should be.
    pub unchanged: u64,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
}

/// A file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its path in the vault.
    pub path: String,
    /// Why: one of the words of `docs/vaults.md`.
    pub reason: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// How many entities.
    pub entities: u64,
    /// The file's size.
    pub bytes: u64,
    /// BLAKE3 over all its lines but the last.
    pub checksum: String,
}

/// The store at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The engine's version.
    pub version: String,
    /// The store's folder.
    pub store: PathBuf,
    /// This device's id.
    pub device: String,
    /// How many of each kind, in the trash, and in conflict.
    pub counts: serde_json::Map<String, Value>,
    /// Sizes on disk.
    pub bytes: Sizes,
    /// `ok`, or what is wrong.
    pub health: String,
    /// How syncing stands.
    pub sync: SyncStatus,
    /// Which process has the store.
    pub host: HostStatus,
}

/// Sizes on disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// The database.
    pub store: u64,
    /// The search index.
    pub search: u64,
    /// Attachments.
    pub blobs: u64,
}

/// How syncing stands. Until a server is known the state is `off` and what was written here is pending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// `off` until the device has joined a household.
    pub state: String,
    /// The server's address.
    pub server: Option<String>,
    /// The household's newest sync id.
    pub head: Option<u64>,
    /// The newest sync id that is here.
    pub cursor: Option<u64>,
    /// Changes made here that no server has acknowledged.
    pub pending: u64,
    /// Changes that wait for others.
    pub held: u64,
    /// Refused changes.
    pub faults: Vec<Value>,
    /// When the server last answered.
    pub last_contact: Option<String>,
}

/// Which process has the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Its process id.
    pub pid: u32,
    /// How many hosts there have been.
    pub epoch: u64,
    /// `host`, or `guest`.
    pub role: String,
}

/// What `doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Diagnosis {
    /// `ok` when nothing is wrong or everything was repaired, else `damaged`.
    pub health: String,
    /// How many entities were read and checked.
    pub entities: u64,
    /// How many changes.
    pub changes: u64,
    /// How many blobs.
    pub blobs: u64,
    /// What was wrong.
    pub problems: Vec<Problem>,
}

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: an entity's id, a file, the search index.
    pub at: String,
    /// What is wrong.
    pub problem: String,
    /// Whether it has been repaired.
    pub repaired: bool,
}

/// An open attachment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttachmentFile {
    /// Its entity.
    pub entity: Entity,
    /// Where its bytes are; content-addressed, never to be written to.
    pub path: PathBuf,
}
