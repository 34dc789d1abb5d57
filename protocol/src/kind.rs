//! The kinds of entity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an entity is. The kind never changes: triage makes a new entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A thought as it came, untyped until triaged.
    Capture,
    /// A Markdown note.
    Note,
    /// Something to do.
    Quest,
    /// A thing the household has, with a quantity.
    Item,
    /// A place where items are.
    Location,
    /// A link between two entities, made by hand.
    Link,
    /// A file that belongs to an entity; its bytes are a content-addressed blob.
    Attachment,
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a kind: use capture, note, quest, item, location, link or attachment")]
pub struct KindError(pub String);

impl Kind {
    /// Every kind, in the order of the model's table.
    pub const ALL: [Self; 7] =
        [Self::Capture, Self::Note, Self::Quest, Self::Item, Self::Location, Self::Link, Self::Attachment];

    /// The kind's word, as in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Note => "note",
            Self::Quest => "quest",
            Self::Item => "item",
            Self::Location => "location",
            Self::Link => "link",
            Self::Attachment => "attachment",
        }
    }

    /// Whether entities of this kind have a Markdown body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Note | Self::Quest | Self::Item)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| KindError(text.to_owned()))
    }
}
