//! Packs: entries of the log that follow one another, in one row. A row costs the database far more than its bytes do, and what is committed together is read together.
//!
//! A pack is named by its last number. Numbers have no holes, so that is where all its entries stand. Nobody needs to read an entry's JSON to pass it on.

use altair_protocol::sync::SyncId;
use altair_protocol::{ChangeId, DeviceId};
use uuid::Uuid;

use super::keys;

const VERSION: u8 = 1;
/// About how long a pack gets. What alone is longer stands in a row of its own, elsewhere, so that reading many packs reads little.
pub(super) const PACK_BYTES: usize = 64 << 10;
/// What stands before an entry's JSON: what it is, whose and which change, the number of the entity's entry before it, and how long the JSON is.
const HEADER: usize = 1 + 16 + 16 + 8 + 4;

/// What an entry of the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A change.
    Change,
    /// A state that a device brought from another incarnation.
    State,
    /// That an entity was erased there.
    Erased,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sync_id: SyncId,
    pub(crate) holds: Holds,
    /// Who made it, or brought it.
    pub(crate) device: DeviceId,
    /// The change's id; of what isn't one, an id of its own.
    pub(crate) change: ChangeId,
    /// The number of the entity's entry before this one.
    pub(crate) prior: SyncId,
    /// The JSON of what it holds; empty once it is to be forgotten.
    pub(crate) json: String,
}

impl Entry {
    /// Whether it holds a change.
    pub(crate) fn is_change(&self) -> bool {
        self.holds == Holds::Change
    }

    /// Whether its JSON stands elsewhere.
    pub(super) fn is_large(&self) -> bool {
        self.json.len() + HEADER > PACK_BYTES
    }

    /// About how much room it takes up.
    pub(super) fn weight(&self) -> usize {
        HEADER + if self.is_large() { 0 } else { self.json.len() }
    }
}

/// An entry as it stands in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) entry: Entry,
    /// Whether its JSON stands elsewhere.
    pub(super) is_large: bool,
}

/// Cuts entries that follow one another into packs.
pub(super) fn cut(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.weight();
            bytes <= PACK_BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (pack, others) = rest.split_at(count);
        rest = others;
        (!pack.is_empty()).then_some(pack)
    })
}

/// The row of a pack.
pub(super) fn sealed<'a>(entries: impl Iterator<Item = (&'a Entry, bool)>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for (entry, is_large) in entries {
        let holds = match entry.holds {
            Holds::Change => 0,
            Holds::State => 2,
            Holds::Erased => 4,
        };
        let json = if is_large { "" } else { entry.json.as_str() };
        bytes.push(holds | u8::from(is_large));
        bytes.extend_from_slice(entry.device.as_bytes());
        bytes.extend_from_slice(entry.change.as_bytes());
        bytes.extend_from_slice(&entry.prior.get().to_be_bytes());
        // Longer ones stand elsewhere.
        bytes.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(json.as_bytes());
    }
    keys::seal(bytes)
}

/// The entries of the pack that ends at `last`; `None`: the row is damaged.
pub(super) fn opened(last: SyncId, row: &[u8]) -> Option<Vec<Packed>> {
    let (&version, mut bytes) = keys::open(row, &"a pack").ok()?.split_first()?;
    if version != VERSION {
        return None;
    }
    let mut packed = Vec::new();
    while !bytes.is_empty() {
        let (&what, rest) = bytes.split_first()?;
        let (device, rest) = rest.split_first_chunk::<16>()?;
        let (change, rest) = rest.split_first_chunk::<16>()?;
        let (prior, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (json, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let holds = match what >> 1 {
            0 => Holds::Change,
            1 => Holds::State,
            2 => Holds::Erased,
            _ => return None,
        };
        let entry = Entry {
            sync_id: last,
            holds,
            device: DeviceId::from(Uuid::from_bytes(*device)),
            change: ChangeId::from(Uuid::from_bytes(*change)),
            prior: SyncId::try_from(u64::from_be_bytes(*prior)).ok()?,
            json: std::str::from_utf8(json).ok()?.to_owned(),
        };
        packed.push(Packed { entry, is_large: what & 1 == 1 });
        bytes = rest;
    }
    let before = last.get().checked_sub(packed.len() as u64)?;
    for (number, packed) in (before + 1..).zip(&mut packed) {
        packed.entry.sync_id = SyncId::try_from(number).ok()?;
    }
    Some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64, holds: Holds, json: &str) -> Entry {
        Entry {
            sync_id: SyncId::try_from(n).unwrap(),
            holds,
            device: DeviceId::v7(n, [1; 10]),
            change: ChangeId::v7(n, [2; 10]),
            prior: SyncId::try_from(n / 2).unwrap(),
            json: json.to_owned(),
        }
    }

    #[test]
    fn entries_survive_their_pack() {
        let entries =
            [entry(7, Holds::Change, r#"{"id":"ü"}"#), entry(8, Holds::State, ""), entry(9, Holds::Erased, "{}")];
        let row = sealed(entries.iter().map(|entry| (entry, false)));
        let found = opened(entries[2].sync_id, &row).unwrap();
        assert_eq!(found.iter().map(|packed| packed.entry.clone()).collect::<Vec<_>>(), entries);
        assert!(found.iter().all(|packed| !packed.is_large));
        let large = opened(entries[0].sync_id, &sealed([(&entries[0], true)].into_iter())).unwrap();
        assert_eq!((large[0].entry.json.as_str(), large[0].is_large), ("", true));
        for damaged in [&row[1..], b"nothing of the kind", b""] {
            assert_eq!(opened(entries[2].sync_id, damaged), None);
        }
        assert_eq!(opened(SyncId::try_from(2).unwrap(), &row), None, "there can't be three up to 2");
    }

    #[test]
    fn packs_are_short_and_leave_nothing_out() {
        let sizes = [10, 40_000, 30_000, 70_000, 10, 10, 65_000, 5, 64_000];
        let entries: Vec<Entry> =
            (1..).zip(sizes).map(|(n, size)| entry(n, Holds::Change, &"x".repeat(size))).collect();
        let packs: Vec<&[Entry]> = cut(&entries).collect();
        assert_eq!(packs.concat(), entries);
        assert!(packs.iter().all(|pack| pack.iter().map(Entry::weight).sum::<usize>() <= PACK_BYTES));
        assert!(packs.len() < 6, "{}", packs.len());
        assert_eq!(cut(&[]).count(), 0);
    }
}
