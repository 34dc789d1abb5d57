//! What crosses a boundary in Altair: the model, ids, stamps and changes.
//!
//! Everything here is a value. Nothing reads a clock, opens a file or decides a merge: the engine in
//! `altair-core` does that with these values, and so does the server. A type is in this crate when a
//! second process, a second device or a file has to understand it.
//!
//! JSON is the form that people read (the wire, backups); the same types have a compact binary form for
//! the store. Both come from one `serde` implementation that asks `is_human_readable`.

mod bytes;
mod change;
mod fault;
mod field;
mod id;
mod kind;
pub mod request;
pub mod rpc;
mod stamp;
mod state;
pub mod sync;
mod vector;
pub mod view;

pub use bytes::{Bytes, Hash, HashError};
pub use change::{Change, Op};
pub use fault::ErrorKind;
pub use field::{Field, FieldError, MAX_TAG_CHARS, Shape, TagName, Thousandths, exactly};
pub use id::{ChangeId, DeviceId, EntityId, HouseholdId, IdError, Incarnation};
pub use kind::{Kind, KindError};
pub use stamp::{Clock, Dot, Stamp, StampError, StampExhausted};
pub use state::{EntityState, Head, Total};
pub use vector::VersionVector;

/// What a register holds: any JSON value.
pub type Value = serde_json::Value;
