//! Values on disk: MessagePack with a checksum, so that a flipped bit is an error and never a different note.

use altair_protocol::{EntityState, Field, Hash};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Bytes of the checksum at the end: enough to find damage, which is no adversary.
const SUM: usize = 8;

/// Seals a value. Fields go by name, so that later versions may add some.
pub(crate) fn seal<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes =
        rmp_serde::to_vec_named(value).map_err(|error| Error::internal("a value can't be written").because(error))?;
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    Ok(bytes)
}

/// Opens a sealed value; `what` names it in the error.
pub(crate) fn open<T: DeserializeOwned>(bytes: &[u8], what: impl std::fmt::Display) -> Result<T> {
    let damaged = || Error::corrupt(format!("{what} is damaged"));
    let at = bytes.len().checked_sub(SUM).ok_or_else(damaged)?;
    let (value, sum) = bytes.split_at(at);
    if checksum(value) != sum {
        return Err(damaged());
    }
    rmp_serde::from_slice(value).map_err(|error| damaged().because(error))
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Hash::of(bytes).as_bytes()[..SUM]);
    sum
}

/// What one change found before it, so that history, undo and revert need no replay.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub(crate) enum Before {
    /// A register's value; null when there was none.
    Value(altair_protocol::Value),
    /// A text's versions before and after the change. `None`: there was no text.
    Text {
        /// Before.
        from: Option<altair_protocol::Bytes>,
        /// After.
        to: altair_protocol::Bytes,
    },
    /// A counter's sum, before and after.
    Count {
        /// Before.
        from: i64,
        /// After.
        to: i64,
    },
    /// Whether the entity was out of the trash; `None`: it didn't exist.
    Alive(Option<bool>),
}

/// A change as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub(crate) struct Logged {
    /// The change.
    pub(crate) change: altair_protocol::Change,
    /// Per field, what was there.
    pub(crate) before: Vec<(Field, Before)>,
    /// What happened, as watchers see it.
    pub(crate) event: altair_protocol::view::EventKind,
}

/// What a request that has to happen once was answered. It holds nothing of what anybody wrote, so that erasing needn't look for it.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub(crate) enum Kept {
    /// An entity, as it is when it is asked for again.
    Entity(altair_protocol::EntityId),
    /// The same of an attachment.
    Attachment(altair_protocol::EntityId),
    /// An entity that is no more.
    Erased(altair_protocol::EntityId, altair_protocol::Kind),
    /// The fields that were set back.
    Undone(Vec<altair_protocol::view::Undone>),
    /// A conflict that was resolved.
    Resolved {
        /// Its id.
        conflict: altair_protocol::EntityId,
        /// The entity.
        entity: altair_protocol::EntityId,
        /// The field.
        field: String,
    },
}

/// The pseudo-field under which [`Before::Alive`] stands.
pub(crate) fn alive_field() -> Field {
    Field::named("deleted")
}

/// Opens an entity's state.
pub(crate) fn open_state(bytes: &[u8], id: altair_protocol::EntityId) -> Result<EntityState> {
    let state: EntityState = open(bytes, format_args!("the entity {id}"))?;
    if state.id != id {
        return Err(Error::corrupt(format!("the entity {id} holds another entity's state")));
    }
    Ok(state)
}
