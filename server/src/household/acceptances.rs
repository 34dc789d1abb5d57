//! Which ids were accepted lately. It knows whole seconds: of each that was looked up, every id that was minted in it and accepted, as all that are accepted from then on come by here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use altair_protocol::ChangeId;
use altair_protocol::sync::SyncId;

use crate::store::minted;

/// How many ids, and how many seconds, are remembered from one turn to the next.
const IDS: usize = 65_536;
const SECONDS: usize = 4096;

/// Accepted ids, by the second in which they were minted.
#[derive(Debug, Default)]
pub(super) struct Acceptances {
    seconds: BTreeMap<u64, HashMap<ChangeId, SyncId>>,
    ids: usize,
}

impl Acceptances {
    /// The seconds that have to be looked up before these ids are known.
    pub(super) fn unknown(&self, ids: impl Iterator<Item = ChangeId>) -> BTreeSet<u64> {
        ids.map(minted).filter(|second| !self.seconds.contains_key(second)).collect()
    }

    /// Takes in all that was accepted of a second.
    pub(super) fn learn(&mut self, second: u64, found: HashMap<ChangeId, SyncId>) {
        self.ids += found.len();
        let before = self.seconds.insert(second, found);
        self.ids -= before.map_or(0, |before| before.len());
    }

    /// The number that an id has; `None`: it wasn't accepted, as far as is known.
    pub(super) fn number(&self, id: ChangeId) -> Option<SyncId> {
        self.seconds.get(&minted(id))?.get(&id).copied()
    }

    /// Takes in an acceptance. Of a second that isn't known it would be half of what there is.
    pub(super) fn add(&mut self, id: ChangeId, number: SyncId) {
        if let Some(second) = self.seconds.get_mut(&minted(id)) {
            self.ids += usize::from(second.insert(id, number).is_none());
        }
    }

    /// Forgets what is too much, the earliest first.
    pub(super) fn trim(&mut self) {
        while self.ids > IDS || self.seconds.len() > SECONDS {
            let Some((_, earliest)) = self.seconds.pop_first() else { return };
            self.ids -= earliest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(second: u64, n: u64) -> ChangeId {
        ChangeId::v7(
            second * 1000,
            n.to_be_bytes()[..].iter().chain(&[0, 0]).copied().collect::<Vec<_>>().try_into().unwrap(),
        )
    }

    fn number(n: u64) -> SyncId {
        SyncId::try_from(n).unwrap()
    }

    #[test]
    fn a_second_is_known_as_a_whole_or_not_at_all() {
        let mut accepted = Acceptances::default();
        accepted.add(id(5, 1), number(1));
        assert_eq!(accepted.number(id(5, 1)), None, "who knows what else there is");
        assert_eq!(accepted.unknown([id(5, 1), id(6, 1)].into_iter()), [5, 6].into());
        accepted.learn(5, [(id(5, 1), number(1))].into());
        accepted.add(id(5, 2), number(2));
        assert_eq!((accepted.number(id(5, 1)), accepted.number(id(5, 2))), (Some(number(1)), Some(number(2))));
        assert_eq!(accepted.unknown([id(5, 3), id(6, 1)].into_iter()), [6].into());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut accepted = Acceptances::default();
        for second in 0..5000 {
            accepted.learn(second, HashMap::new());
        }
        accepted.trim();
        assert_eq!(accepted.seconds.len(), SECONDS);
        for n in 0..70_000 {
            accepted.add(id(4999, n), number(n));
        }
        accepted.trim();
        assert_eq!((accepted.ids, accepted.seconds.len()), (0, 0), "one second that is too large goes as a whole");
    }
}
