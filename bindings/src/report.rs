//! What the engine answers.

use altair_protocol::view;

use crate::entity::{Entity, Kind, number};

/// The mirror of a record of the engine: each field as it is there, or through its own `From`.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $of:path { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, uniffi::Record)]
        #[allow(missing_docs, reason = "as the engine's")]
        pub struct $name { $(pub $field: $type),* }

        impl From<$of> for $name {
            fn from(of: $of) -> Self {
                Self { $($field: Cross::cross(of.$field)),* }
            }
        }
    };
}

/// How a value crosses.
trait Cross<T> {
    fn cross(self) -> T;
}

macro_rules! cross {
    ($($from:ty => $to:ty: $with:expr),* $(,)?) => {
        $(impl Cross<$to> for $from {
            fn cross(self) -> $to {
                let with: fn($from) -> $to = $with;
                with(self)
            }
        })*
    };
}

cross! {
    String => String: |text| text,
    bool => bool: |yes| yes,
    f32 => f32: |number| number,
    u64 => i64: number,
    u32 => i64: i64::from,
    std::path::PathBuf => String: |path| path.display().to_string(),
    view::Time => i64: view::Time::millis,
    serde_json::Value => String: |value| value.to_string(),
    altair_protocol::EntityId => String: |id| id.to_string(),
    altair_protocol::DeviceId => String: |id| id.to_string(),
    altair_protocol::ChangeId => String: |id| id.to_string(),
    altair_protocol::Hash => String: |hash| hash.to_string(),
    altair_protocol::Kind => Kind: Kind::from,
    view::Entity => Entity: Entity::from,
    view::LinkOrigin => LinkOrigin: LinkOrigin::from,
    view::EventKind => EventKind: EventKind::from,
    view::Ref => Ref: Ref::from,
    view::AttachmentRef => AttachmentRef: AttachmentRef::from,
    view::Conflict => Conflict: Conflict::from,
    view::ConflictHead => ConflictHead: ConflictHead::from,
    view::FieldChange => FieldChange: FieldChange::from,
    altair_core::Skipped => Skipped: Skipped::from,
    altair_core::Problem => Problem: Problem::from,
    altair_core::Sizes => Sizes: Sizes::from,
    altair_core::HostStatus => HostStatus: HostStatus::from,
    altair_core::SyncStatus => SyncStatus: SyncStatus::from,
}

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(A::cross)
    }
}

impl<A: Cross<B>, B> Cross<Vec<B>> for Vec<A> {
    fn cross(self) -> Vec<B> {
        self.into_iter().map(A::cross).collect()
    }
}

/// Where a link was found.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum LinkOrigin {
    Hand,
    Body,
}

impl From<view::LinkOrigin> for LinkOrigin {
    fn from(origin: view::LinkOrigin) -> Self {
        match origin {
            view::LinkOrigin::Hand => Self::Hand,
            view::LinkOrigin::Body => Self::Body,
        }
    }
}

/// What happened to an entity.
#[derive(Debug, Clone, Copy, uniffi::Enum)]
#[allow(missing_docs, reason = "as the engine's")]
pub enum EventKind {
    Created,
    Changed,
    Deleted,
    Restored,
    Erased,
}

impl From<view::EventKind> for EventKind {
    fn from(event: view::EventKind) -> Self {
        match event {
            view::EventKind::Created => Self::Created,
            view::EventKind::Changed => Self::Changed,
            view::EventKind::Deleted => Self::Deleted,
            view::EventKind::Restored => Self::Restored,
            view::EventKind::Erased => Self::Erased,
        }
    }
}

mirror! {
    /// The other end of a link.
    Ref of view::Ref { id: Option<String>, kind: Option<Kind>, title: String, relation: String, origin: LinkOrigin }
}
mirror! {
    /// One attachment of an entity.
    AttachmentRef of view::AttachmentRef {
        id: String, name: String, media_type: String, size: i64, hash: Option<String>,
    }
}
mirror! {
    /// An open attachment.
    AttachmentFile of altair_core::AttachmentFile { entity: Entity, path: String }
}
mirror! {
    /// An entity with everything around it.
    Details of view::Shown {
        entity: Entity, links: Vec<Ref>, backlinks: Vec<Ref>, attachments: Vec<AttachmentRef>, conflicts: Vec<Conflict>,
    }
}
mirror! {
    /// A register with concurrent, different values.
    Conflict of view::Conflict { id: String, entity: String, field: String, heads: Vec<ConflictHead> }
}
mirror! {
    /// One of a conflict's values.
    ConflictHead of view::ConflictHead { head: String, value: String, at: i64, device: String }
}
mirror! {
    /// One answer of a search.
    Hit of view::Hit { id: String, kind: Kind, title: String, score: f32, snippet: String }
}
mirror! {
    /// One version in an entity's history.
    Version of view::Version { version: String, at: i64, device: String, changes: Vec<FieldChange> }
}
mirror! {
    /// One field's old and new value.
    FieldChange of view::FieldChange { field: String, old: String, new: String }
}
mirror! {
    /// A field that undo or redo set back.
    Undone of view::Undone { entity: String, field: String }
}
mirror! {
    /// One commit as a watcher sees it.
    Event of view::Event {
        seq: i64, at: i64, device: String, entity: String, kind: Kind, event: EventKind, fields: Vec<String>,
    }
}
mirror! {
    /// How far a long piece of work is.
    Progress of altair_core::Progress { done: i64, total: i64 }
}
mirror! {
    /// A file that was left out.
    Skipped of altair_core::Skipped { path: String, reason: String }
}
mirror! {
    /// What an import did.
    Imported of altair_core::Imported {
        notes: i64, attachments: i64, links: i64, unchanged: i64, skipped: Vec<Skipped>,
    }
}
mirror! {
    /// What an export did.
    Exported of altair_core::Exported { notes: i64, attachments: i64, unchanged: i64, skipped: Vec<Skipped> }
}
mirror! {
    /// What a backup holds.
    BackedUp of altair_core::BackedUp { entities: i64, bytes: i64, checksum: String }
}
mirror! {
    /// Sizes on disk.
    Sizes of altair_core::Sizes { store: i64, search: i64, blobs: i64 }
}
mirror! {
    /// How syncing stands.
    SyncStatus of altair_core::SyncStatus {
        state: String, server: Option<String>, pending: i64, held: i64, faults: Vec<String>,
    }
}
mirror! {
    /// Which process has the store, and whether it is this one.
    HostStatus of altair_core::HostStatus { pid: i64, epoch: i64, role: String }
}
mirror! {
    /// What a check found.
    Diagnosis of altair_core::Diagnosis {
        health: String, entities: i64, changes: i64, blobs: i64, problems: Vec<Problem>,
    }
}
mirror! {
    /// One thing that was wrong.
    Problem of altair_core::Problem { at: String, problem: String, repaired: bool }
}

/// The store at a glance.
#[derive(Debug, Clone, uniffi::Record)]
#[allow(missing_docs, reason = "as the engine's")]
pub struct Status {
    pub version: String,
    pub store: String,
    pub device: String,
    /// By kind, and `trash` and `conflicts`.
    pub counts: std::collections::HashMap<String, i64>,
    pub bytes: Sizes,
    pub health: String,
    pub sync: SyncStatus,
    pub host: HostStatus,
}

impl From<altair_core::Status> for Status {
    fn from(status: altair_core::Status) -> Self {
        let counts = status.counts.into_iter().map(|(name, count)| (name, count.as_i64().unwrap_or(0))).collect();
        Self {
            version: status.version,
            store: status.store.display().to_string(),
            device: status.device,
            counts,
            bytes: status.bytes.into(),
            health: status.health,
            sync: status.sync.into(),
            host: status.host.into(),
        }
    }
}

/// Part of a list of entities.
#[derive(Debug, Clone, uniffi::Record)]
pub struct EntityPage {
    /// What is on it.
    pub items: Vec<Entity>,
    /// Where the next begins.
    pub next: Option<String>,
}

/// Part of the answers to a search.
#[derive(Debug, Clone, uniffi::Record)]
pub struct HitPage {
    /// What is on it.
    pub items: Vec<Hit>,
    /// Where the next begins.
    pub next: Option<String>,
}

/// Part of a history.
#[derive(Debug, Clone, uniffi::Record)]
pub struct VersionPage {
    /// What is on it.
    pub items: Vec<Version>,
    /// Where the next begins.
    pub next: Option<String>,
}

macro_rules! page {
    ($($name:ident of $item:ty),*) => {
        $(impl From<altair_core::Page<$item>> for $name {
            fn from(page: altair_core::Page<$item>) -> Self {
                Self { items: page.items.into_iter().map(Into::into).collect(), next: page.next }
            }
        })*
    };
}

page!(EntityPage of view::Entity, HitPage of view::Hit, VersionPage of view::Version);
