//! Entities as Kotlin gets them. Times are Unix milliseconds, ids are text, and JSON values are JSON.

use altair_protocol::view;

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum Kind {
    Capture,
    Note,
    Quest,
    Item,
    Location,
    Link,
    Attachment,
}

impl From<altair_protocol::Kind> for Kind {
    fn from(kind: altair_protocol::Kind) -> Self {
        match kind {
            altair_protocol::Kind::Capture => Self::Capture,
            altair_protocol::Kind::Note => Self::Note,
            altair_protocol::Kind::Quest => Self::Quest,
            altair_protocol::Kind::Item => Self::Item,
            altair_protocol::Kind::Location => Self::Location,
            altair_protocol::Kind::Link => Self::Link,
            altair_protocol::Kind::Attachment => Self::Attachment,
        }
    }
}

impl From<Kind> for altair_protocol::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Capture => Self::Capture,
            Kind::Note => Self::Note,
            Kind::Quest => Self::Quest,
            Kind::Item => Self::Item,
            Kind::Location => Self::Location,
            Kind::Link => Self::Link,
            Kind::Attachment => Self::Attachment,
        }
    }
}

/// How a capture came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum Source {
    Keyboard,
    Voice,
    Camera,
    Share,
    Widget,
    Cli,
    Api,
    Import,
}

impl From<view::Source> for Source {
    fn from(source: view::Source) -> Self {
        match source {
            view::Source::Keyboard => Self::Keyboard,
            view::Source::Voice => Self::Voice,
            view::Source::Camera => Self::Camera,
            view::Source::Share => Self::Share,
            view::Source::Widget => Self::Widget,
            view::Source::Cli => Self::Cli,
            view::Source::Api => Self::Api,
            view::Source::Import => Self::Import,
        }
    }
}

impl From<Source> for view::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Keyboard => Self::Keyboard,
            Source::Voice => Self::Voice,
            Source::Camera => Self::Camera,
            Source::Share => Self::Share,
            Source::Widget => Self::Widget,
            Source::Cli => Self::Cli,
            Source::Api => Self::Api,
            Source::Import => Self::Import,
        }
    }
}

/// How a quest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum QuestStatus {
    Backlog,
    Active,
    Completed,
    Abandoned,
}

impl From<view::Status> for QuestStatus {
    fn from(status: view::Status) -> Self {
        match status {
            view::Status::Backlog => Self::Backlog,
            view::Status::Active => Self::Active,
            view::Status::Completed => Self::Completed,
            view::Status::Abandoned => Self::Abandoned,
        }
    }
}

impl From<QuestStatus> for view::Status {
    fn from(status: QuestStatus) -> Self {
        match status {
            QuestStatus::Backlog => Self::Backlog,
            QuestStatus::Active => Self::Active,
            QuestStatus::Completed => Self::Completed,
            QuestStatus::Abandoned => Self::Abandoned,
        }
    }
}

/// One entity.
#[derive(Debug, Clone, uniffi::Record)]
#[allow(missing_docs, reason = "as the engine's")]
pub struct Entity {
    pub id: String,
    pub title: String,
    pub tags: Vec<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub created_by: String,
    pub deleted: bool,
    pub content: Content,
}

/// What each kind adds.
#[derive(Debug, Clone, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum Content {
    Capture { text: String, source: Source, captured_at: i64, triaged_into: Option<String> },
    Note { body: String, path: Option<String>, aliases: Vec<String>, properties: String },
    Quest { body: String, status: QuestStatus, energy: Option<u8>, due: Option<String>, parent: Option<String> },
    Item { body: String, thousandths: i64, unit: Option<String>, location: Option<String> },
    Location { parent: Option<String> },
    Link { from: Option<String>, to: Option<String>, relation: String, anchor: Option<String> },
    Attachment { media_type: String, size: i64, hash: Option<String>, owner: Option<String>, path: Option<String> },
}

impl From<view::Entity> for Entity {
    fn from(entity: view::Entity) -> Self {
        Self {
            id: entity.id.to_string(),
            title: entity.title,
            tags: entity.tags,
            created_at: entity.created_at.millis(),
            updated_at: entity.updated_at.millis(),
            created_by: entity.created_by.to_string(),
            deleted: entity.deleted,
            content: entity.content.into(),
        }
    }
}

impl From<view::Content> for Content {
    fn from(content: view::Content) -> Self {
        let text = |id: Option<altair_protocol::EntityId>| id.map(|id| id.to_string());
        match content {
            view::Content::Capture { text: words, source, captured_at, triaged_into } => Self::Capture {
                text: words,
                source: source.into(),
                captured_at: captured_at.millis(),
                triaged_into: text(triaged_into),
            },
            view::Content::Note { body, path, aliases, properties } => {
                Self::Note { body, path, aliases, properties: serde_json::Value::Object(properties).to_string() }
            }
            view::Content::Quest { body, status, energy, due, parent } => {
                Self::Quest { body, status: status.into(), energy, due: due.map(plain), parent: text(parent) }
            }
            view::Content::Item { body, quantity, unit, location } => {
                Self::Item { body, thousandths: quantity.0, unit, location: text(location) }
            }
            view::Content::Location { parent } => Self::Location { parent: text(parent) },
            view::Content::Link { from, to, relation, anchor } => {
                Self::Link { from: text(from), to: text(to), relation, anchor }
            }
            view::Content::Attachment { media_type, size, hash, owner, path } => Self::Attachment {
                media_type,
                size: number(size),
                hash: hash.map(|hash| hash.to_string()),
                owner: text(owner),
                path,
            },
        }
    }
}

/// A day as it is; a moment in the one form that Kotlin reads too, as the engine takes more of them.
fn plain(due: String) -> String {
    due.parse::<jiff::Timestamp>().map_or(due, |moment| moment.to_string())
}

/// A count for Kotlin's `Long`.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
