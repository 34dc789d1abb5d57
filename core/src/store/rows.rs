//! The tables' rows, and how ids become record ids.

use altair_protocol::sync::SyncId;
use altair_protocol::{ChangeId, EntityId, Kind};
use surrealdb::types::{
    Array, Bytes, Number, RecordId, RecordIdKey, RecordIdKeyRange, SurrealValue, Uuid as DbUuid, Value as DbValue,
};
use uuid::Uuid;

use crate::error::{Error, Result};

/// `entity`.
#[derive(Debug, Clone, SurrealValue)]
pub(crate) struct EntityRow {
    pub(crate) id: RecordId,
    pub(crate) kind: String,
    /// The number of its last change.
    pub(crate) last: i64,
    pub(crate) state: Bytes,
}

/// `change`.
#[derive(Debug, Clone, SurrealValue)]
pub(crate) struct ChangeRow {
    pub(crate) id: RecordId,
    pub(crate) entity: DbUuid,
    /// The number of the entity's change before this one; 0 for its first.
    pub(crate) prior: i64,
    /// Whether it was made here.
    pub(crate) local: bool,
    /// The number that the server gave it, if it was made here; 0 for one that a state has brought to the server.
    pub(crate) sync_id: Option<i64>,
    pub(crate) body: Bytes,
}

/// `place` and `named`: all they hold is their id.
#[derive(Debug, Clone, SurrealValue)]
pub(crate) struct KeyRow {
    pub(crate) id: RecordId,
}

/// `edge`: `out` is an entity for a link by hand, a `name` for a link in a body.
#[derive(Debug, Clone, PartialEq, SurrealValue)]
pub(crate) struct EdgeRow {
    pub(crate) id: RecordId,
    pub(crate) r#in: RecordId,
    pub(crate) out: RecordId,
    /// The link's target as written, or the link's own id for one made by hand.
    pub(crate) target: String,
    pub(crate) relation: String,
    /// How often the body has this link.
    pub(crate) times: i64,
}

/// `file`. Once its entity is erased it has neither version nor front matter.
#[derive(Debug, Clone, PartialEq, SurrealValue)]
pub(crate) struct FileRow {
    pub(crate) id: RecordId,
    pub(crate) vault: String,
    pub(crate) path: String,
    pub(crate) entity: DbUuid,
    /// BLAKE3 of the file as it was last imported or exported.
    pub(crate) hash: String,
    /// The body's version at that moment.
    pub(crate) version: Option<Bytes>,
    /// The front matter at that moment.
    pub(crate) front: Option<String>,
    /// How many links the file has.
    pub(crate) links: i64,
}

/// `meta:head`.
#[derive(Debug, Clone, PartialEq, SurrealValue)]
pub(crate) struct HeadRow {
    pub(crate) id: RecordId,
    pub(crate) seq: i64,
    /// The clock's last stamp.
    pub(crate) stamp: i64,
    /// The undo stack: pairs of first and last change, the newest last.
    pub(crate) undo: Vec<i64>,
    pub(crate) redo: Vec<i64>,
    /// How many changes are in the outbox. Earlier versions wrote neither this nor what follows: then it is counted when the store is opened.
    pub(crate) pending: Option<i64>,
    /// Nothing up to this number is in the outbox.
    pub(crate) outbox: Option<i64>,
    /// The last number at which something became of an entity that the log doesn't tell: states were joined.
    pub(crate) joined: Option<i64>,
}

/// `meta:store`.
#[derive(Debug, Clone, PartialEq, SurrealValue)]
pub(crate) struct StoreRow {
    pub(crate) id: RecordId,
    pub(crate) format: i64,
    pub(crate) store: DbUuid,
    pub(crate) device: DbUuid,
}

/// All tables that hold one sealed value: `held`, `erased`, `answer`, `acked`, `parked`, `unread` and `meta:sync`.
#[derive(Debug, Clone, SurrealValue)]
pub(crate) struct BodyRow {
    pub(crate) id: RecordId,
    pub(crate) body: Bytes,
}

pub(crate) fn head_id() -> RecordId {
    RecordId::new("meta", "head")
}

pub(crate) fn store_id() -> RecordId {
    RecordId::new("meta", "store")
}

pub(crate) fn sync_record() -> RecordId {
    RecordId::new("meta", "sync")
}

/// A change of this device's that was acknowledged.
pub(crate) fn acked_record(number: SyncId) -> RecordId {
    RecordId::new("acked", as_i64(number.get()))
}

pub(crate) fn parked_record(entity: EntityId) -> RecordId {
    RecordId::new("parked", RecordIdKey::Uuid(DbUuid::from(reversed(entity.uuid()))))
}

pub(crate) fn unread_record(change: ChangeId) -> RecordId {
    RecordId::new("unread", RecordIdKey::Uuid(DbUuid::from(change.uuid())))
}

/// The record of an entity. Its digits stand in reverse, so that all ids with one ending lie together.
pub(crate) fn entity_record(id: EntityId) -> RecordId {
    RecordId::new("entity", RecordIdKey::Uuid(DbUuid::from(reversed(id.uuid()))))
}

pub(crate) fn erased_record(id: EntityId) -> RecordId {
    RecordId::new("erased", RecordIdKey::Uuid(DbUuid::from(reversed(id.uuid()))))
}

pub(crate) fn held_record(id: ChangeId) -> RecordId {
    RecordId::new("held", RecordIdKey::Uuid(DbUuid::from(id.uuid())))
}

pub(crate) fn answer_record(request: Uuid) -> RecordId {
    RecordId::new("answer", RecordIdKey::Uuid(DbUuid::from(request)))
}

pub(crate) fn change_record(seq: u64) -> RecordId {
    RecordId::new("change", as_i64(seq))
}

pub(crate) fn name_record(name: &str) -> RecordId {
    RecordId::new("name", name)
}

pub(crate) fn edge_record(entity: EntityId, n: i64) -> RecordId {
    RecordId::new("edge", RecordIdKey::Array(Array::from(vec![uuid_value(entity.uuid()), int_value(n)])))
}

pub(crate) fn named_record(name: &str, entity: EntityId) -> RecordId {
    let key = vec![DbValue::String(name.to_owned()), uuid_value(entity.uuid())];
    RecordId::new("named", RecordIdKey::Array(Array::from(key)))
}

pub(crate) fn file_record(folder: &str, path: &str) -> RecordId {
    let key = vec![DbValue::String(folder.to_owned()), DbValue::String(path.to_owned())];
    RecordId::new("file", RecordIdKey::Array(Array::from(key)))
}

/// The folder and path of a `file` record.
pub(crate) fn file_key(record: &RecordId) -> Result<(&str, &str)> {
    let RecordIdKey::Array(key) = &record.key else { return Err(strange(record)) };
    match (key.first(), key.get(1)) {
        (Some(DbValue::String(folder)), Some(DbValue::String(path))) => Ok((folder, path)),
        _ => Err(strange(record)),
    }
}

/// The place of an entity in a list: newest first.
pub(crate) fn place_record(list: &str, created_ms: i64, entity: EntityId) -> RecordId {
    let key = vec![DbValue::String(list.to_owned()), int_value(-created_ms), uuid_value(entity.uuid())];
    RecordId::new("place", RecordIdKey::Array(Array::from(key)))
}

/// An array key's value.
pub(crate) fn key(parts: Vec<DbValue>) -> DbValue {
    DbValue::Array(Array::from(parts))
}

/// Bounds around all array keys that begin with `first`: an object sorts after every number, text and UUID.
pub(crate) fn keys_under(first: DbValue) -> (DbValue, DbValue) {
    (key(vec![first.clone()]), key(vec![first, DbValue::Object(surrealdb::types::Object::default())]))
}

/// The range of a table's records with keys after `after` and up to `until`.
pub(crate) fn range_of(table: &str, after: DbValue, until: DbValue) -> Result<RecordId> {
    let wrong = |_| Error::internal("a range of records has a bound that is no key");
    let range = RecordIdKeyRange {
        start: std::ops::Bound::Excluded(RecordIdKey::from_value(after).map_err(wrong)?),
        end: std::ops::Bound::Included(RecordIdKey::from_value(until).map_err(wrong)?),
    };
    Ok(RecordId::new(table, RecordIdKey::Range(Box::new(range))))
}

/// Bounds around the entities whose ids end in these hexadecimal digits (lower case, 1 to 31).
pub(crate) fn ending_bounds(digits: &str) -> Option<(DbValue, DbValue)> {
    let reversed: String = digits.chars().rev().collect();
    let bound = |fill: char| {
        let text: String = reversed.chars().chain(std::iter::repeat(fill)).take(32).collect();
        Uuid::try_parse(&text).ok()
    };
    // The lower bound is exclusive, so it is one less; no id is all zeros.
    let low = Uuid::from_u128(bound('0')?.as_u128().saturating_sub(1));
    Some((uuid_value(low), uuid_value(bound('f')?)))
}

pub(crate) fn int_value(n: i64) -> DbValue {
    DbValue::Number(Number::Int(n))
}

pub(crate) fn uuid_value(uuid: Uuid) -> DbValue {
    DbValue::Uuid(DbUuid::from(uuid))
}

/// The entity of an `entity` or `erased` record.
pub(crate) fn entity_of(record: &RecordId) -> Result<EntityId> {
    match &record.key {
        RecordIdKey::Uuid(uuid) => Ok(EntityId::from(reversed(Uuid::from(*uuid)))),
        _ => Err(strange(record)),
    }
}

/// The entity at the beginning of an `edge` key: whose body it stands in, or the link that it is.
pub(crate) fn first_entity(record: &RecordId) -> Result<EntityId> {
    let RecordIdKey::Array(key) = &record.key else { return Err(strange(record)) };
    match key.first() {
        Some(DbValue::Uuid(uuid)) => Ok(EntityId::from(Uuid::from(*uuid))),
        _ => Err(strange(record)),
    }
}

/// The entity at the end of a `place` or `named` key.
pub(crate) fn last_entity(record: &RecordId) -> Result<EntityId> {
    let RecordIdKey::Array(key) = &record.key else { return Err(strange(record)) };
    match key.last() {
        Some(DbValue::Uuid(uuid)) => Ok(EntityId::from(Uuid::from(*uuid))),
        _ => Err(strange(record)),
    }
}

/// The number of a `change` record.
pub(crate) fn seq_of(record: &RecordId) -> Result<u64> {
    match record.key {
        RecordIdKey::Number(seq) if seq >= 0 => Ok(seq.unsigned_abs()),
        _ => Err(strange(record)),
    }
}

/// A row's kind.
pub(crate) fn kind_of(word: &str) -> Result<Kind> {
    word.parse().map_err(|_| Error::corrupt(format!("the store holds an entity of the unknown kind {word}")))
}

/// Counts in the database are signed; none comes near 2⁶³.
pub(crate) fn as_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn strange(record: &RecordId) -> Error {
    Error::corrupt(format!("the table {} has a key of the wrong shape", record.table))
}

fn reversed(uuid: Uuid) -> Uuid {
    let mut bytes = *uuid.as_bytes();
    bytes.reverse();
    for byte in &mut bytes {
        *byte = byte.rotate_left(4);
    }
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ids_digits_are_reversed_and_back() {
        let uuid = Uuid::parse_str("01234567-89ab-7cde-8f01-23456789abcd").unwrap();
        assert_eq!(reversed(uuid).simple().to_string(), "dcba9876543210f8edc7ba9876543210");
        assert_eq!(reversed(reversed(uuid)), uuid);
    }
}
