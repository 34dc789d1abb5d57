//! Which ids were accepted, and as which numbers: in rows by the second in which an id was minted, as its first 48 bits say (UUIDv7).
//!
//! A commit writes a row for each second that its ids are of: a few, where a row for each id would cost as much as the changes do. To look an id up, its second is read.

use std::collections::{BTreeMap, HashMap};

use altair_core::Result;
use altair_protocol::sync::SyncId;
use altair_protocol::{ChangeId, HouseholdId};
use surrealdb::types::{Bytes, RecordId, SurrealValue, Value as DbValue};
use uuid::Uuid;

use super::{Entry, Store, corrupt, keys};

/// Bytes of an id with its number.
const PAIR: usize = 24;
/// How many rows are read at once.
const PAGE: usize = 64;

#[derive(Debug, Clone, SurrealValue)]
struct AcceptedRow {
    id: RecordId,
    ids: Bytes,
}

/// The second in which an id was minted, if it is what it seems to be.
pub(crate) fn minted(id: ChangeId) -> u64 {
    let millis = id.as_bytes().iter().take(6).fold(0_u64, |millis, byte| millis << 8 | u64::from(*byte));
    millis / 1000
}

/// The rows that say what was accepted.
pub(super) fn rows(household: HouseholdId, entries: &[Entry]) -> Vec<DbValue> {
    let mut seconds: BTreeMap<u64, (SyncId, Vec<u8>)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_change()) {
        let (last, ids) = seconds.entry(minted(entry.change)).or_default();
        *last = entry.sync_id;
        ids.extend_from_slice(entry.change.as_bytes());
        ids.extend_from_slice(&entry.sync_id.get().to_be_bytes());
    }
    let row = |(second, (last, ids)): (u64, (SyncId, Vec<u8>))| {
        let id = keys::accepted(household, second, last.get());
        AcceptedRow { id, ids: keys::seal(ids).into() }.into_value()
    };
    seconds.into_iter().map(row).collect()
}

impl Store {
    /// All accepted ids that were minted in a second, with their numbers.
    pub(crate) async fn accepted_in(&self, household: HouseholdId, second: u64) -> Result<HashMap<ChangeId, SyncId>> {
        let mut found = HashMap::new();
        let (mut after, until) = keys::accepted_in(household, second);
        loop {
            let rows: Vec<AcceptedRow> = self.db.scan("accepted", after, until.clone(), PAGE).await?;
            let all = rows.len() < PAGE;
            let mut last = None;
            for row in rows {
                let pairs = opened(&row.ids).ok_or_else(|| corrupt("a row of the table accepted is damaged"))?;
                found.extend(pairs);
                last = Some(row.id);
            }
            match last {
                Some(last) if !all => after = keys::key_of(&last)?,
                _ => return Ok(found),
            }
        }
    }
}

fn opened(row: &[u8]) -> Option<Vec<(ChangeId, SyncId)>> {
    let (pairs, rest) = keys::open(row, &"accepted ids").ok()?.as_chunks::<PAIR>();
    let pair = |pair: &[u8; PAIR]| {
        let (id, number) = pair.split_first_chunk::<16>()?;
        let number = SyncId::try_from(u64::from_be_bytes(number.try_into().ok()?)).ok()?;
        Some((ChangeId::from(Uuid::from_bytes(*id)), number))
    };
    rest.is_empty().then(|| pairs.iter().map(pair).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_it_was_minted() {
        assert_eq!(minted(ChangeId::v7(1_790_000_000_999, [255; 10])), 1_790_000_000);
        assert_eq!(minted(ChangeId::v7(1_790_000_001_000, [0; 10])), 1_790_000_001);
    }

    #[test]
    fn a_damaged_row_is_found() {
        let mut row = keys::seal(vec![7; PAIR * 2]);
        assert!(opened(&row).is_none(), "there is no such number");
        row = keys::seal([[7; 16].as_slice(), &9_u64.to_be_bytes()].concat());
        assert_eq!(opened(&row).unwrap()[0].1.get(), 9);
        row[3] ^= 1;
        assert!(opened(&row).is_none());
        assert!(opened(&keys::seal(vec![0; PAIR + 1])).is_none());
    }
}
