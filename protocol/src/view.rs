//! Entities as people and programs read them: the shapes of the command line's contract.
//!
//! A view is made from an [`EntityState`](crate::EntityState) by the engine and is never written back. Serialised with
//! `serde_json` it is exactly the contract's JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, EntityId, Hash, Kind, Stamp, Thousandths, Value};

/// A moment in Unix milliseconds; RFC 3339 in UTC with milliseconds in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// The moment of Unix milliseconds, kept within the years 0 to 9999 that RFC 3339 can write.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(-62_167_219_200_000, 253_402_207_200_000))
    }

    /// Unix milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl From<Stamp> for Time {
    fn from(stamp: Stamp) -> Self {
        Self::from_millis(i64::try_from(stamp.millis()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{moment:.3}")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self::from_millis(moment.as_millisecond()))
    }
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Its id.
    pub id: EntityId,
    /// Its kind.
    pub kind: Kind,
    /// Its title or name; a capture's first line.
    pub title: String,
    /// Its tags: those given by hand, and a note's from its body and front matter. Sorted, without `#`.
    pub tags: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// The device that made it.
    pub created_by: DeviceId,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// What its kind adds.
    #[serde(flatten)]
    pub content: Content,
}

/// What each kind adds to an [`Entity`].
///
/// Read from JSON the first that fits is taken, so the location, which needs nothing, comes last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A capture's.
    Capture {
        /// Its words.
        text: String,
        /// How it came in.
        source: Source,
        /// When.
        captured_at: Time,
        /// What it became, once triaged.
        triaged_into: Option<EntityId>,
    },
    /// A note's.
    Note {
        /// Markdown.
        body: String,
        /// Its path in the vault that it came from.
        path: Option<String>,
        /// Its other names, from its front matter.
        aliases: Vec<String>,
        /// Its front matter, in order.
        properties: serde_json::Map<String, Value>,
    },
    /// A quest's.
    Quest {
        /// Markdown.
        body: String,
        /// How it stands.
        status: Status,
        /// 1 to 5.
        energy: Option<u8>,
        /// A date (`2026-12-24`) or a moment.
        due: Option<String>,
        /// The quest that this is part of.
        parent: Option<EntityId>,
    },
    /// An item's.
    Item {
        /// Markdown.
        body: String,
        /// How much there is.
        quantity: Thousandths,
        /// Of what unit.
        unit: Option<String>,
        /// Where.
        location: Option<EntityId>,
    },
    /// A link's.
    Link {
        /// Where it starts.
        from: Option<EntityId>,
        /// Where it ends.
        to: Option<EntityId>,
        /// What it means.
        relation: String,
        /// The heading or block that it points at.
        anchor: Option<String>,
    },
    /// An attachment's.
    Attachment {
        /// Its media type.
        media_type: String,
        /// In bytes.
        size: u64,
        /// The hash of its bytes.
        hash: Option<Hash>,
        /// The entity that it belongs to.
        owner: Option<EntityId>,
        /// Its path in the vault that it came from.
        path: Option<String>,
    },
    /// A location's.
    Location {
        /// The location that this is inside of.
        parent: Option<EntityId>,
    },
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// Every word, in order.
            pub const WORDS: &[&str] = &[$($text),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The value of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// How a capture came in.
    Source {
        /// Typed into an app.
        Keyboard = "keyboard",
        /// Spoken.
        Voice = "voice",
        /// Photographed.
        Camera = "camera",
        /// Shared from another app.
        Share = "share",
        /// From a home-screen widget.
        Widget = "widget",
        /// From the command line.
        #[default]
        Cli = "cli",
        /// From a program.
        Api = "api",
        /// Brought in from files.
        Import = "import",
    }
}

words! {
    /// How a quest stands.
    Status {
        /// Not yet begun.
        #[default]
        Backlog = "backlog",
        /// Being done.
        Active = "active",
        /// Done.
        Completed = "completed",
        /// Given up.
        Abandoned = "abandoned",
    }
}

/// Where a link was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrigin {
    /// Made by hand.
    Hand,
    /// Written in a body.
    Body,
}

/// The other end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    /// The entity; `None` for a link to something that doesn't exist yet.
    pub id: Option<EntityId>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// Its title, or what an unresolved link names.
    pub title: String,
    /// What the link means: the word given by hand, else `link` or `embed`.
    pub relation: String,
    /// Where the link was found.
    pub origin: LinkOrigin,
}

/// One attachment of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRef {
    /// The attachment's id.
    pub id: EntityId,
    /// Its file name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub hash: Option<Hash>,
}

/// An entity with everything around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The entity.
    #[serde(flatten)]
    pub entity: Entity,
    /// What it links to.
    pub links: Vec<Ref>,
    /// What links to it.
    pub backlinks: Vec<Ref>,
    /// Its attachments.
    pub attachments: Vec<AttachmentRef>,
    /// Its conflicts.
    pub conflicts: Vec<Conflict>,
}

/// A register with concurrent, different values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The same on every device.
    pub id: EntityId,
    /// The entity.
    pub entity: EntityId,
    /// The field.
    pub field: String,
    /// The values, the one that holds meanwhile first.
    pub heads: Vec<ConflictHead>,
}

/// One of a conflict's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConflictHead {
    /// What to name this value by when resolving.
    pub head: String,
    /// The value.
    pub value: Value,
    /// When it was set.
    pub at: Time,
    /// By which device.
    pub device: DeviceId,
}

/// One answer of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entity.
    pub id: EntityId,
    /// Its kind.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// BM25; greater is better.
    pub score: f32,
    /// A piece of its text with the matches between `«` and `»`.
    pub snippet: String,
}

/// One version in an entity's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// What `revert` takes: the id of the change that made it.
    pub version: crate::ChangeId,
    /// When.
    pub at: Time,
    /// By which device.
    pub device: DeviceId,
    /// What changed.
    pub changes: Vec<FieldChange>,
}

/// One field's old and new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// Its value before; null when there was none.
    pub old: Value,
    /// Its value after.
    pub new: Value,
}

/// A field that undo or redo set back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The entity.
    pub entity: EntityId,
    /// The field.
    pub field: String,
}

/// What happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It is new.
    Created,
    /// Some of its fields changed.
    Changed,
    /// It went to the trash.
    Deleted,
    /// It came back from the trash.
    Restored,
    /// It is gone for good.
    Erased,
}

/// One commit as a watcher sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The store's own count of changes.
    pub seq: u64,
    /// When the change was made.
    pub at: Time,
    /// By which device.
    pub device: DeviceId,
    /// Of which entity.
    pub entity: EntityId,
    /// Its kind.
    pub kind: Kind,
    /// What happened.
    pub event: EventKind,
    /// Which fields.
    pub fields: Vec<String>,
}
