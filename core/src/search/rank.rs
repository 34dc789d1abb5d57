//! The order of hits, and the place in it where a page ends.
//!
//! Best score first, then the newest, then the smallest id: a total order, so that a page can begin right after any
//! hit without counting those before it. Scores are rounded to a 4096th: they are sums of floats, whose last bits
//! depend on the order of adding.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use altair_protocol::EntityId;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, ColumnValues};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use super::schema::{ID_HIGH, ID_LOW, UPDATED};

const STEPS: f32 = 4096.0;

/// A hit's place: greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The score in steps.
    score: u32,
    updated: i64,
    id: Reverse<u128>,
}

impl Rank {
    /// The entity at this place.
    pub(super) fn id(&self) -> EntityId {
        EntityId::from(uuid::Uuid::from_u128(self.id.0))
    }

    /// Its score.
    pub(super) fn score(&self) -> f32 {
        self.score as f32 / STEPS
    }
}

fn in_steps(score: Score) -> u32 {
    // The cast saturates, and makes NaN zero.
    (score * STEPS + 0.5) as u32
}

/// Where the next page of a search begins. Opaque: give it back with the same search.
///
/// Paging is exact while the index doesn't change; what is written in between may move a hit across a page's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    pub(super) rank: Rank,
    pub(super) query: u64,
}

/// A text that is no cursor, or one of another search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AfterError {
    /// Not one of ours.
    #[error("\"{0}\" is not a cursor of a search: take the one that the page before gave")]
    Malformed(String),
    /// Made by a search with other words or filters.
    #[error("this cursor belongs to another search: start that search again, without a cursor")]
    OtherQuery,
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rank { score, updated, id } = self.rank;
        write!(f, "{:016x}{score:08x}{:016x}{:032x}", self.query, updated.cast_unsigned(), id.0)
    }
}

impl FromStr for After {
    type Err = AfterError;

    fn from_str(text: &str) -> Result<Self, AfterError> {
        let read = || {
            if text.len() != 72 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                return None;
            }
            let rank = Rank {
                score: u32::from_str_radix(&text[16..24], 16).ok()?,
                updated: u64::from_str_radix(&text[24..40], 16).ok()?.cast_signed(),
                id: Reverse(u128::from_str_radix(&text[40..], 16).ok()?),
            };
            Some(Self { rank, query: u64::from_str_radix(&text[..16], 16).ok()? })
        };
        read().ok_or_else(|| AfterError::Malformed(text.chars().take(100).collect()))
    }
}

/// Collects the best hits after a place.
pub(super) struct Best {
    pub(super) limit: usize,
    pub(super) after: Option<Rank>,
    pub(super) scored: bool,
}

/// One segment's share of [`Best`].
pub(super) struct SegmentBest {
    segment: SegmentOrdinal,
    limit: usize,
    after: Option<Rank>,
    updated: Arc<dyn ColumnValues<i64>>,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
    /// Up to twice as many as asked for; when it is full, the worse half goes. A heap would sift at every hit where
    /// documents come oldest first, which they mostly do.
    best: Vec<(Rank, DocId)>,
    /// Room for the times of a block of documents.
    times: Vec<i64>,
    /// The worst rank kept, once there were enough: most hits are turned away by it.
    floor: Option<Rank>,
}

impl SegmentBest {
    /// Keeps a document if it is among the best.
    fn weigh(&mut self, doc: DocId, score: u32) {
        let rank = self.rank(doc, score);
        if self.floor.is_some_and(|floor| rank <= floor) || self.after.is_some_and(|after| rank >= after) {
            return;
        }
        self.best.push((rank, doc));
        if self.best.len() >= self.limit.saturating_mul(2) {
            self.keep_best();
        }
    }

    fn keep_best(&mut self) {
        if self.limit > 0 && self.best.len() > self.limit {
            let (_, worst, _) = self.best.select_nth_unstable_by_key(self.limit - 1, |(rank, _)| Reverse(*rank));
            self.floor = Some(worst.0);
        }
        self.best.truncate(self.limit);
    }

    fn rank(&self, doc: DocId, score: u32) -> Rank {
        let id = u128::from(self.id_high.get_val(doc)) << 64 | u128::from(self.id_low.get_val(doc));
        Rank { score, updated: self.updated.get_val(doc), id: Reverse(id) }
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Vec<(Rank, DocAddress)>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let score = in_steps(score);
        // The columns are only read for hits whose score doesn't settle it.
        if self.floor.is_some_and(|floor| score < floor.score) || self.after.is_some_and(|after| score > after.score) {
            return;
        }
        if let Some(floor) = self.floor
            && score == floor.score
            && self.updated.get_val(doc) < floor.updated
        {
            return;
        }
        self.weigh(doc, score);
    }

    /// Without scores only times count, and a column gives them quicker by the block.
    fn collect_block(&mut self, docs: &[DocId]) {
        let mut times = std::mem::take(&mut self.times);
        times.resize(docs.len(), 0);
        self.updated.get_vals(docs, &mut times);
        for (doc, time) in docs.iter().zip(&times) {
            if self.floor.is_none_or(|floor| *time >= floor.updated) {
                self.weigh(*doc, 0);
            }
        }
        self.times = times;
    }

    fn harvest(mut self) -> Self::Fruit {
        self.keep_best();
        let segment = self.segment;
        self.best.into_iter().map(|(rank, doc)| (rank, DocAddress::new(segment, doc))).collect()
    }
}

/// A column's values, without the look-up that a column with gaps needs: every document has every column.
fn values<T>(column: Column<T>) -> Arc<dyn ColumnValues<T>>
where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    if column.get_cardinality().is_full() { column.values } else { column.first_or_default_col(T::default()) }
}

impl Collector for Best {
    type Fruit = Vec<(Rank, DocAddress)>;
    type Child = SegmentBest;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let columns = reader.fast_fields();
        Ok(SegmentBest {
            segment,
            limit: self.limit,
            after: self.after,
            updated: values(columns.i64(UPDATED)?),
            id_high: values(columns.u64(ID_HIGH)?),
            id_low: values(columns.u64(ID_LOW)?),
            best: Vec::new(),
            floor: None,
            times: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored
    }

    fn merge_fruits(&self, fruits: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        let mut all: Self::Fruit = fruits.into_iter().flatten().collect();
        all.sort_unstable_by_key(|(rank, _)| Reverse(*rank));
        all.truncate(self.limit);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(score: f32, updated: i64, id: u128) -> Rank {
        Rank { score: in_steps(score), updated, id: Reverse(id) }
    }

    #[test]
    fn score_then_recency_then_id() {
        assert!(rank(2.0, 0, 9) > rank(1.0, 5, 1));
        assert!(rank(1.0, 5, 9) > rank(1.0, -5, 1));
        assert!(rank(1.0, 5, 1) > rank(1.0, 5, 2));
        assert_eq!(rank(f32::NAN, 0, 0), rank(0.0, 0, 0));
        assert_eq!(rank(-0.0, 0, 0), rank(0.0, 0, 0));
    }

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        for rank in [rank(3.25, 1_767_225_600_000, 7), rank(0.0, -1, u128::MAX), rank(1.0, i64::MIN, 0)] {
            let after = After { rank, query: u64::MAX - 3 };
            assert_eq!(after.to_string().parse(), Ok(after));
        }
    }

    #[test]
    fn other_texts_are_no_cursors() {
        let good = After { rank: rank(1.0, 1, 1), query: 1 }.to_string();
        for bad in
            ["", "0192f0c1-7d2e-7c3a-9b61-0d3f6f1e2a4b", &good[1..], &good.replace('0', "é"), &good.replace('0', "+")]
        {
            assert!(matches!(bad.parse::<After>(), Err(AfterError::Malformed(_))), "{bad}");
        }
    }
}
