//! What Kotlin asks for.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use altair_core::{Config, Edit, Fields};
use altair_protocol::{Thousandths, view};

use crate::entity::{Kind, QuestStatus};
use crate::error::AltairError;

/// How to open a store.
#[derive(Debug, Clone, uniffi::Record)]
pub struct OpenOptions {
    /// How long to wait for another process that has the store and can't be joined, in milliseconds.
    pub lock_wait: i64,
    /// The database's block cache, in bytes.
    pub cache_bytes: i64,
    /// Whether to open a store that has lost commits.
    pub repair: bool,
}

impl OpenOptions {
    /// The engine's configuration for a folder.
    pub(crate) fn config(&self, directory: String) -> Result<Config, AltairError> {
        let least = |name: &str, value: i64| {
            u64::try_from(value)
                .map_err(|_| AltairError::invalid(format!("{name} can't be {value}"), "use zero or more"))
        };
        let mut config = Config::new(folder(directory)?);
        config.lock_wait = Duration::from_millis(least("the wait for the lock", self.lock_wait)?);
        config.block_cache_bytes = least("the size of the cache", self.cache_bytes)?;
        config.repair = self.repair;
        Ok(config)
    }
}

/// A list that can be read page by page.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Listing {
    /// Captures that aren't triaged.
    Inbox,
    /// All of a kind, or all of a kind with a tag.
    OfKind {
        /// The kind.
        kind: Kind,
        /// The tag.
        tag: Option<String>,
    },
    /// The trash.
    Trash,
}

impl From<Listing> for altair_core::List {
    fn from(list: Listing) -> Self {
        match list {
            Listing::Inbox => Self::Inbox,
            Listing::OfKind { kind, tag: Some(tag) } => Self::Tagged(kind.into(), tag),
            Listing::OfKind { kind, tag: None } => Self::Kind(kind.into()),
            Listing::Trash => Self::Trash,
        }
    }
}

/// A part that can be cleared.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's fields")]
pub enum Clearable {
    Energy,
    Due,
    Parent,
    Unit,
    Location,
}

/// The parts of an entity to set: `None` leaves a part alone, and what is in `clear` is cleared.
#[derive(Debug, Clone, uniffi::Record)]
#[allow(missing_docs, reason = "as the engine's fields")]
pub struct Parts {
    pub title: Option<String>,
    pub body: Option<String>,
    pub append: Option<String>,
    pub base: Option<String>,
    pub status: Option<QuestStatus>,
    pub energy: Option<i64>,
    pub due: Option<String>,
    pub parent: Option<String>,
    pub thousandths: Option<i64>,
    pub unit: Option<String>,
    pub location: Option<String>,
    pub clear: Vec<Clearable>,
}

impl TryFrom<Parts> for Edit {
    type Error = AltairError;

    fn try_from(parts: Parts) -> Result<Self, AltairError> {
        let mut fields = Fields {
            title: parts.title,
            body: parts.body,
            status: parts.status.map(|status| view::Status::from(status).as_str().to_owned()),
            energy: parts.energy.map(Some),
            due: parts.due.map(Some),
            parent: parts.parent.map(|parent| id(&parent)).transpose()?.map(Some),
            quantity: parts.thousandths.map(Thousandths),
            unit: parts.unit.map(Some),
            location: parts.location.map(|location| id(&location)).transpose()?.map(Some),
        };
        for part in parts.clear {
            match part {
                Clearable::Energy => fields.energy = Some(None),
                Clearable::Due => fields.due = Some(None),
                Clearable::Parent => fields.parent = Some(None),
                Clearable::Unit => fields.unit = Some(None),
                Clearable::Location => fields.location = Some(None),
            }
        }
        Ok(Self { fields, append: parts.append, base: parts.base })
    }
}

/// A search.
#[derive(Debug, Clone, uniffi::Record)]
#[allow(missing_docs, reason = "as the engine's")]
pub struct Search {
    pub query: String,
    pub kind: Option<Kind>,
    pub tag: Option<String>,
    pub limit: i64,
    pub after: Option<String>,
}

impl TryFrom<Search> for altair_core::Search {
    type Error = AltairError;

    fn try_from(search: Search) -> Result<Self, AltairError> {
        Ok(Self {
            query: search.query,
            kind: search.kind.map(Into::into),
            tag: search.tag,
            limit: limit(search.limit)?,
            after: search.after,
        })
    }
}

/// An id of an entity, a device or a change.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, AltairError> {
    text.parse().map_err(|_| {
        AltairError::invalid(
            format!("\"{}\" is not an id", text.escape_debug().take(80).collect::<String>()),
            "use an id that the library gave",
        )
    })
}

/// How many things to read: the engine says what the most is.
pub(crate) fn limit(limit: i64) -> Result<usize, AltairError> {
    usize::try_from(limit)
        .map_err(|_| AltairError::invalid(format!("a limit of {limit} can't be"), "use a number from 1 to 1000"))
}

/// A file or folder. Relative ones are taken from where the process is.
pub(crate) fn folder(path: String) -> Result<PathBuf, AltairError> {
    match path.as_str() {
        "" => Err(AltairError::invalid("the path is empty", "name a file or folder")),
        text if text.contains('\0') => {
            Err(AltairError::invalid("the path holds a NUL character", "use a path without it"))
        }
        _ => Ok(PathBuf::from(path)),
    }
}
