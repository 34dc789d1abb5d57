//! The store: SurrealDB on disk, and everything that only it knows.
//!
//! Invariant: one transaction holds an entity's new state, the change, the head of the log and every row derived from the state: all or
//! none. All SurrealQL of the project is in this folder. What it doesn't do: it decides no merge and opens no socket.
//!
//! | table | id | what |
//! | --- | --- | --- |
//! | `entity` | the id with its digits reversed, so that an id's ending is a range | kind, state, the number of its last change |
//! | `change` | `seq`, the store's own count | one applied change with what was there before it |
//! | `place` | `[list, -created, entity]` | an entity's place in a list: its kind, inbox, trash, conflicts, a tag |
//! | `named` | `[name, entity]` | what a link may call an entity by |
//! | `edge` | `[entity, n]` | a graph edge: a link by hand to an entity, a link in a body to a `name` |
//! | `file` | `[folder, path]` | a vault's file as it was last imported or exported |
//! | `held` | the change's id | a change from elsewhere that waits for others |
//! | `answer` | a request's id | what a guest's request was answered, for some minutes |
//! | `erased` | as `entity` | an erased id, with what was erased |
//! | `acked` | the server's number | a change of this device's that was acknowledged ahead of the cursor |
//! | `parked` | as `entity` | why an entity's change was refused |
//! | `unread` | the change's id | a change from elsewhere that only a newer version can read |
//! | `meta` | `head`, `store`, `sync` | the head of the log with the clock, the undo stack and what the outbox holds; the store's identity; the account |

pub(crate) mod account;
pub(crate) mod around;
pub(crate) mod blobs;
pub(crate) mod database;
pub(crate) mod derive;
pub(crate) mod folder;
mod mend;
pub(crate) mod outbox;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod safekeeping;
pub(crate) mod sealed;
pub(crate) mod write;

pub(crate) use database::Database;
