//! How ids become record ids, and what a value on disk looks like: its bytes and a checksum, so that a flipped bit is an error and never another note.

use altair_core::Result;
use altair_protocol::{DeviceId, EntityId, Hash, HouseholdId};
use surrealdb::types::{Array, Number, Object, RecordId, RecordIdKey, Uuid as DbUuid, Value as DbValue};
use uuid::Uuid;

/// Bytes of the checksum at the end: enough to find damage, which is no adversary.
const SUM: usize = 8;

pub(super) fn meta() -> RecordId {
    RecordId::new("meta", "server")
}

pub(super) fn of_household(table: &str, household: HouseholdId) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(DbUuid::from(household.uuid())))
}

pub(super) fn device(household: HouseholdId, device: DeviceId) -> RecordId {
    under("device", household, uuid_value(device.uuid()))
}

pub(super) fn log(household: HouseholdId, sync_id: u64) -> RecordId {
    under("log", household, int_value(sync_id))
}

pub(super) fn large(household: HouseholdId, sync_id: u64) -> RecordId {
    under("large", household, int_value(sync_id))
}

pub(super) fn accepted(household: HouseholdId, second: u64, last: u64) -> RecordId {
    let key = vec![uuid_value(household.uuid()), int_value(second), int_value(last)];
    RecordId::new("accepted", RecordIdKey::Array(Array::from(key)))
}

/// Bounds around the rows of a second: an object sorts after every number.
pub(super) fn accepted_in(household: HouseholdId, second: u64) -> (DbValue, DbValue) {
    let from = vec![uuid_value(household.uuid()), int_value(second)];
    let until = from.iter().cloned().chain([DbValue::Object(Object::default())]).collect();
    (key(from), key(until))
}

/// The key of a record, to go on after it.
pub(super) fn key_of(record: &RecordId) -> Result<DbValue> {
    match &record.key {
        RecordIdKey::Array(key) => Ok(DbValue::Array(key.clone())),
        _ => Err(strange(record)),
    }
}

pub(super) fn entity(household: HouseholdId, entity: EntityId) -> RecordId {
    under("entity", household, uuid_value(entity.uuid()))
}

pub(super) fn state(household: HouseholdId, entity: EntityId) -> RecordId {
    under("state", household, uuid_value(entity.uuid()))
}

pub(super) fn large_state(household: HouseholdId, entity: EntityId) -> RecordId {
    under("large_state", household, uuid_value(entity.uuid()))
}

fn under(table: &str, household: HouseholdId, last: DbValue) -> RecordId {
    let key = vec![uuid_value(household.uuid()), last];
    RecordId::new(table, RecordIdKey::Array(Array::from(key)))
}

/// Bounds around a household's keys after `after` (`None`: all of them): an object sorts after every number and UUID.
pub(super) fn keys_of(household: HouseholdId, after: Option<DbValue>) -> (DbValue, DbValue) {
    let household = uuid_value(household.uuid());
    let after = std::iter::once(household.clone()).chain(after).collect::<Vec<_>>();
    (key(after), key(vec![household, DbValue::Object(Object::default())]))
}

fn key(parts: Vec<DbValue>) -> DbValue {
    DbValue::Array(Array::from(parts))
}

pub(super) fn int_value(n: u64) -> DbValue {
    DbValue::Number(Number::Int(as_i64(n)))
}

pub(super) fn uuid_value(uuid: Uuid) -> DbValue {
    DbValue::Uuid(DbUuid::from(uuid))
}

/// Counts in the database are signed; none comes near 2⁶³.
pub(super) fn as_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The UUID at the end of a key.
pub(super) fn last_uuid(record: &RecordId) -> Result<Uuid> {
    match last_part(record) {
        Some(DbValue::Uuid(uuid)) => Ok(Uuid::from(*uuid)),
        _ => Err(strange(record)),
    }
}

/// The number at the end of a key.
pub(super) fn last_number(record: &RecordId) -> Result<u64> {
    match last_part(record) {
        Some(DbValue::Number(Number::Int(n))) if *n >= 0 => Ok(n.unsigned_abs()),
        _ => Err(strange(record)),
    }
}

/// The household of a record that has no other key.
pub(super) fn household_of(record: &RecordId) -> Result<HouseholdId> {
    match &record.key {
        RecordIdKey::Uuid(uuid) => Ok(HouseholdId::from(Uuid::from(*uuid))),
        _ => Err(strange(record)),
    }
}

fn last_part(record: &RecordId) -> Option<&DbValue> {
    match &record.key {
        RecordIdKey::Array(key) => key.last(),
        _ => None,
    }
}

fn strange(record: &RecordId) -> altair_core::Error {
    super::corrupt(format!("the table {} has a key of the wrong shape", record.table))
}

/// Adds the checksum.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// Takes the checksum off; `what` names the value in the error.
pub(super) fn open<'a>(bytes: &'a [u8], what: &dyn std::fmt::Display) -> Result<&'a [u8]> {
    let split = bytes.len().checked_sub(SUM).map(|at| bytes.split_at(at));
    match split {
        Some((value, sum)) if checksum(value) == sum => Ok(value),
        _ => Err(super::corrupt(format!("{what} is damaged"))),
    }
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Hash::of(bytes).as_bytes()[..SUM]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_found() {
        let sealed = seal(b"figs".to_vec());
        assert_eq!(open(&sealed, &"it").unwrap(), b"figs");
        for n in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[n / 8] ^= 1 << (n % 8);
            assert!(open(&damaged, &"it").is_err());
        }
        assert!(open(b"short", &"it").is_err());
    }
}
