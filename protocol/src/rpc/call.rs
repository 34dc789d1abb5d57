//! Everything that can be asked of an engine, each with its method and its answer.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::MessageError;
use crate::request::{
    AttachmentFile, BackedUp, Diagnosis, Edit, Exported, Imported, List, New, NewCapture, Page, Resolution, Search,
    Status,
};
use crate::view::{AttachmentRef, Conflict, Entity, Event, Hit, Shown, Undone, Version};
use crate::{Change, EntityId, Kind, Thousandths};

/// One thing that can be asked of an engine.
pub trait Call: Serialize + DeserializeOwned + Send + 'static {
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
    /// Its name on the wire.
    const METHOD: &'static str;
    /// What asking it again does, when it isn't known whether the first time came through.
    const DONE: Done;
}

/// What doing a thing a second time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It reads, or goes on where it was: it is simply asked again, and may be given up in the middle.
    Again,
    /// It comes to the same, and once begun it runs to its end.
    Whole,
    /// It has to happen once: the host remembers what it answered to the request's id.
    Once,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($method:literal, $done:ident) { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? } -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[allow(missing_docs, reason = "the fields are what the method of the same name takes")]
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$attribute])* pub $field: $type),* }

            impl Call for $name {
                type Answer = $answer;
                const METHOD: &'static str = $method;
                const DONE: Done = Done::$done;
            }

            impl From<$name> for Request {
                fn from(call: $name) -> Self {
                    Self::$name(call)
                }
            }
        )*

        /// Any [`Call`].
        #[allow(missing_docs, reason = "each is the call of the same name")]
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request { $($name($name)),* }

        impl Request {
            /// Every method.
            pub const METHODS: &[&str] = &[$($method),*];

            /// Its method.
            pub const fn method(&self) -> &'static str {
                match self { $(Self::$name(_) => $method),* }
            }

            /// What doing it twice does.
            pub const fn done(&self) -> Done {
                match self { $(Self::$name(_) => Done::$done),* }
            }

            /// Reads a request.
            ///
            /// # Errors
            /// When there is no such method, or the parameters aren't its.
            pub fn parse(method: &str, params: &str) -> Result<Self, MessageError> {
                match method {
                    $($method => serde_json::from_str(params).map(Self::$name).map_err(MessageError::Params),)*
                    _ => Err(MessageError::Method(method.to_owned())),
                }
            }
        }
    };
}

calls! {
    /// The entity that an id or an unambiguous ending of one names.
    Find("find", Again) { text: String } -> EntityId;
    /// One entity.
    Get("get", Again) { id: EntityId } -> Entity;
    /// One entity with its links, backlinks, attachments and conflicts.
    Show("show", Again) { id: EntityId } -> Shown;
    /// A page of a list, newest first. It may end before its limit, where what is in it is long; `next` goes on from there.
    ListEntities("list", Again) { list: List, limit: usize, after: Option<String> } -> Page<Entity>;
    /// The best answers to a query.
    SearchEntities("search", Again) { search: Search } -> Page<Hit>;
    /// An entity's versions, newest first.
    History("history", Again) { id: EntityId, limit: usize, after: Option<String> } -> Page<Version>;
    /// Registers with concurrent values.
    Conflicts("conflicts", Again) {} -> Vec<Conflict>;
    /// Where an attachment's bytes are.
    AttachmentOf("attachment", Again) { id: EntityId } -> AttachmentFile;
    /// The store at a glance.
    StoreStatus("status", Again) {} -> Status;
    /// What happened after a number.
    EventsAfter("events_after", Again) { seq: u64, limit: usize } -> Vec<Event>;
    /// The changes after a number.
    ChangesAfter("changes_after", Again) { seq: u64, limit: usize } -> Vec<Change>;

    /// Adds a thought to the inbox.
    Capture("capture", Once) { new: NewCapture } -> Entity;
    /// Makes a note, quest, item or location.
    Create("create", Once) { new: New } -> Entity;
    /// Makes something out of a capture.
    Triage("triage", Once) { capture: EntityId, into: Kind, title: Option<String> } -> Entity;
    /// Changes what the edit names.
    EditEntity("edit", Once) { id: EntityId, edit: Edit } -> Entity;
    /// Adds to an item's quantity.
    Count("count", Once) { id: EntityId, delta: Thousandths } -> Entity;
    /// Adds and removes tags.
    Tag("tag", Once) { id: EntityId, add: Vec<String>, remove: Vec<String> } -> Entity;
    /// Links one entity to another.
    Link("link", Once) { from: EntityId, to: EntityId, relation: Option<String> } -> Entity;
    /// Removes the links by hand from one entity to another.
    Unlink("unlink", Once) { from: EntityId, to: EntityId } -> Entity;
    /// Attaches a copy of a file, by its absolute path.
    Attach("attach", Once) { owner: EntityId, file: PathBuf } -> AttachmentRef;
    /// Takes an attachment off an entity.
    Detach("detach", Once) { owner: EntityId, attachment: EntityId } -> AttachmentRef;
    /// Moves an entity to the trash.
    Delete("delete", Once) { id: EntityId } -> Entity;
    /// Brings an entity back from the trash.
    Restore("restore", Once) { id: EntityId } -> Entity;
    /// Removes an entity for good.
    Erase("erase", Once) { id: EntityId } -> Entity;
    /// Makes an entity as it was right after a version.
    Revert("revert", Once) { id: EntityId, version: String } -> Entity;
    /// Takes back this device's last act.
    Undo("undo", Once) {} -> Vec<Undone>;
    /// Does again what was undone last.
    Redo("redo", Once) {} -> Vec<Undone>;
    /// Resolves a conflict.
    Resolve("resolve", Once) { conflict: String, resolution: Resolution } -> Conflict;

    /// Erases what has been in the trash for longer than so many days.
    Purge("purge", Whole) { older_than_days: u32 } -> Vec<EntityId>;
    /// Applies changes made elsewhere.
    Apply("apply", Whole) { changes: Vec<Change> } -> u64;
    /// Imports a vault, by its folder's absolute path.
    Import("import", Again) { folder: PathBuf } -> Imported;
    /// Exports to a folder, by its absolute path.
    Export("export", Again) { folder: PathBuf, force: bool } -> Exported;
    /// Writes a backup, to an absolute path.
    Backup("backup", Again) { file: PathBuf } -> BackedUp;
    /// Fills an empty store from a backup, by its absolute path.
    FillFromBackup("restore_backup", Whole) { file: PathBuf } -> BackedUp;
    /// Checks everything, and repairs what can be repaired.
    Doctor("doctor", Whole) {} -> Diagnosis;
    /// Goes on with a store that has lost commits.
    AcceptLoss("accept_loss", Whole) {} -> Option<String>;
}
