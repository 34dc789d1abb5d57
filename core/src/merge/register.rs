//! The multi-value register: concurrent values are all kept, the greatest stamp is the value meanwhile.
//!
//! Invariant: heads are sorted, greatest dot first; no two heads have the same dot; a head is gone only when a later setting
//! had seen it.

use altair_protocol::{Dot, Head, Value, VersionVector};

/// Adds a setting that had seen `seen`: the heads that it covers go, the others stay beside it.
pub fn set(heads: &mut Vec<Head>, dot: Dot, value: Value, seen: &VersionVector) {
    heads.retain(|head| !seen.covers(head.dot()) && head.dot() != dot);
    insert(heads, Head { at: dot.at, device: dot.device, value });
}

/// Joins another replica's heads: one that both have stays; one that a side lacks stays unless that side has applied it (and so
/// has seen it superseded).
pub fn join(ours: &mut Vec<Head>, our_applied: &VersionVector, theirs: &[Head], their_applied: &VersionVector) {
    let has = |heads: &[Head], dot: Dot| heads.iter().any(|head| head.dot() == dot);
    let new: Vec<Head> =
        theirs.iter().filter(|head| !has(ours, head.dot()) && !our_applied.covers(head.dot())).cloned().collect();
    ours.retain(|head| has(theirs, head.dot()) || !their_applied.covers(head.dot()));
    for head in new {
        insert(ours, head);
    }
}

/// Whether the heads hold different values.
pub fn in_conflict(heads: &[Head]) -> bool {
    heads.split_first().is_some_and(|(first, rest)| rest.iter().any(|head| head.value != first.value))
}

fn insert(heads: &mut Vec<Head>, head: Head) {
    let at = heads.partition_point(|other| other.dot() > head.dot());
    heads.insert(at, head);
}
