//! Numbers of the log as devices get them: frames, written once for all devices that get the same.
//!
//! A device's own changes come to it as ids, so a batch with changes of its own is written for it alone. Frames keep to the protocol's limits.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use altair_protocol::DeviceId;
use altair_protocol::sync::{MAX_ITEMS, SyncId, changes_text};
use axum::extract::ws::Utf8Bytes;

use crate::store::{Entry, Holds};

/// About how long a frame gets, if it has more than one item.
const FRAME_BYTES: usize = 1 << 20;

/// Numbers that follow one another.
#[derive(Debug)]
pub(crate) struct Batch {
    items: Vec<Item>,
    authors: BTreeSet<DeviceId>,
    /// The frames for everybody who made none of it.
    common: OnceLock<Vec<Utf8Bytes>>,
}

#[derive(Debug)]
struct Item {
    sync_id: SyncId,
    /// Whose change it is: they get `own`.
    author: Option<DeviceId>,
    own: String,
    others: String,
}

impl Batch {
    /// The batch of entries in the order of their numbers.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let item = |entry: &Entry| {
            let n = entry.sync_id;
            let others = match (entry.json.is_empty(), entry.holds) {
                (true, _) => format!(r#"{{"sync_id":{n},"gone":true}}"#),
                (false, Holds::Change) => format!(r#"{{"sync_id":{n},"change":{}}}"#, entry.json),
                (false, Holds::State) => format!(r#"{{"sync_id":{n},"state":{}}}"#, entry.json),
                (false, Holds::Erased) => format!(r#"{{"sync_id":{n},"erased":{}}}"#, entry.json),
            };
            let author = (entry.holds == Holds::Change).then_some(entry.device);
            let own = author.map(|_| format!(r#"{{"sync_id":{n},"own":"{}"}}"#, entry.change)).unwrap_or_default();
            Item { sync_id: n, author, own, others }
        };
        let items: Vec<Item> = entries.iter().map(item).collect();
        let authors = items.iter().filter_map(|item| item.author).collect();
        Self { items, authors, common: OnceLock::new() }
    }

    /// The first number; `None` in an empty batch.
    pub(crate) fn first(&self) -> Option<SyncId> {
        self.items.first().map(|item| item.sync_id)
    }

    /// The last number.
    pub(crate) fn last(&self) -> Option<SyncId> {
        self.items.last().map(|item| item.sync_id)
    }

    /// What a device gets that has everything up to `after`.
    pub(crate) fn frames(&self, device: DeviceId, after: SyncId) -> Vec<Utf8Bytes> {
        let whole = self.first().is_some_and(|first| first > after);
        if whole && !self.authors.contains(&device) {
            return self.common.get_or_init(|| frames(self.items.iter().map(|item| item.others.as_str()))).clone();
        }
        let missing = self.items.iter().filter(|item| item.sync_id > after);
        frames(missing.map(|item| if item.author == Some(device) { item.own.as_str() } else { item.others.as_str() }))
    }
}

fn frames<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Utf8Bytes> {
    let (mut frames, mut gathered, mut bytes) = (Vec::new(), Vec::new(), 0);
    for text in texts {
        if gathered.len() >= MAX_ITEMS || (!gathered.is_empty() && bytes + text.len() > FRAME_BYTES) {
            frames.push(changes_text(&gathered).into());
            gathered.clear();
            bytes = 0;
        }
        bytes += text.len();
        gathered.push(text);
    }
    if !gathered.is_empty() {
        frames.push(changes_text(&gathered).into());
    }
    frames
}

#[cfg(test)]
mod tests {
    use altair_protocol::ChangeId;

    use super::*;

    fn entry(n: u64, device: u64, json: &str) -> Entry {
        Entry {
            sync_id: SyncId::try_from(n).unwrap(),
            holds: Holds::Change,
            device: DeviceId::v7(device, [0; 10]),
            change: ChangeId::v7(n, [0; 10]),
            prior: SyncId::ZERO,
            json: json.to_owned(),
        }
    }

    fn frames_of(batch: &Batch, device: u64, after: u64) -> Vec<String> {
        let frames = batch.frames(DeviceId::v7(device, [0; 10]), SyncId::try_from(after).unwrap());
        frames.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn own_changes_come_back_as_ids() {
        let batch = Batch::of(&[entry(7, 1, r#"{"a":1}"#), entry(8, 2, ""), entry(9, 2, r#"{"b":1}"#)]);
        let gone = r#"{"sync_id":8,"gone":true}"#;
        assert_eq!(
            frames_of(&batch, 3, 6),
            [format!(
                r#"{{"changes":{{"items":[{{"sync_id":7,"change":{{"a":1}}}},{gone},{{"sync_id":9,"change":{{"b":1}}}}]}}}}"#
            )]
        );
        assert_eq!(
            frames_of(&batch, 2, 7),
            [
                r#"{"changes":{"items":[{"sync_id":8,"own":"00000000-0008-7000-8000-000000000000"},{"sync_id":9,"own":"00000000-0009-7000-8000-000000000000"}]}}"#
            ]
        );
        assert!(frames_of(&batch, 3, 9).is_empty());
    }

    #[test]
    fn frames_keep_to_the_limits() {
        let many: Vec<Entry> = (1..=2500).map(|n| entry(n, 1, "{}")).collect();
        assert_eq!(frames_of(&Batch::of(&many), 2, 0).len(), 3);
        let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(700_000));
        assert_eq!(frames_of(&Batch::of(&[entry(1, 1, &large), entry(2, 1, &large)]), 2, 0).len(), 2);
    }
}
