//! Parents that go round: A was put inside B while, elsewhere, B was put inside A. Both edges are kept, and readers ignore the one with the
//! lowest stamp, so that nobody walks in circles and every device sees the same tree.
//!
//! Things in the trash count too: what is restored must not change who is inside whom.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::view::{Conflict, ConflictHead, Time};
use altair_protocol::{Dot, EntityId, EntityState, Field, Head, Value};

use super::conflict::{conflict_id, head_name};

/// What the first head of a cycle's conflict is called: no parent, which is how it is read.
pub const NO_PARENT: &str = "none";

/// What a thing is inside of, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// The parent.
    pub parent: EntityId,
    /// The setting that says so.
    pub since: Dot,
}

/// Things with a parent, and that parent as it is kept.
pub type Parents = BTreeMap<EntityId, Inside>;

impl Inside {
    /// The parent that a state keeps, ignored or not.
    pub fn of(state: &EntityState) -> Option<Self> {
        Field::PARENT.shape(state.kind)?;
        let head = state.fields.get(&Field::PARENT)?.first()?;
        Some(Self { parent: head.value.as_str()?.parse().ok()?, since: head.dot() })
    }
}

/// The cycle that a thing is part of, from the one whose edge is ignored upwards. `None` for what is in no cycle, even when an ancestor is.
pub fn cycle_at(parents: &Parents, id: EntityId) -> Option<Vec<EntityId>> {
    let mut path = vec![id];
    let mut passed = BTreeSet::from([id]);
    let mut at = parents.get(&id)?.parent;
    while at != id {
        if !passed.insert(at) {
            return None;
        }
        path.push(at);
        at = parents.get(&at)?.parent;
    }
    let lowest = (0..path.len()).min_by_key(|n| since(parents, path[*n]))?;
    path.rotate_left(lowest);
    Some(path)
}

/// Every cycle, each once.
pub fn cycles(parents: &Parents) -> Vec<Vec<EntityId>> {
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for &start in parents.keys() {
        let mut at = start;
        let mut path = BTreeSet::new();
        while done.insert(at) {
            path.insert(at);
            let Some(inside) = parents.get(&at) else { break };
            at = inside.parent;
        }
        // Where the walk ended on itself, it went round.
        found.extend(path.contains(&at).then(|| cycle_at(parents, at)).flatten());
    }
    found
}

/// Whether readers ignore the parent of a thing.
pub fn is_ignored(parents: &Parents, id: EntityId) -> bool {
    cycle_at(parents, id).is_some_and(|cycle| cycle.first() == Some(&id))
}

/// Of a cycle, who leaves its parent if the edge that is ignored is to hold after all: the next lowest stamp.
pub fn next_to_leave(parents: &Parents, cycle: &[EntityId]) -> Option<EntityId> {
    cycle.iter().skip(1).copied().min_by_key(|id| since(parents, *id))
}

/// A cycle as people see it: a conflict at the thing whose edge is ignored, between no parent (the value, since the edge that closed
/// the cycle) and the parent that it was given.
pub fn cycle_conflict(parents: &Parents, cycle: &[EntityId]) -> Option<Conflict> {
    let entity = *cycle.first()?;
    let edges = cycle.iter().filter_map(|id| parents.get(id));
    let edges = edges.map(|inside| Head {
        at: inside.since.at,
        device: inside.since.device,
        value: Value::from(inside.parent.to_string()),
    });
    let edges: Vec<Head> = edges.collect();
    let (ignored, closing) = (edges.first()?, edges.iter().max_by_key(|head| head.dot())?);
    let head =
        |head: String, value: Value, of: &Head| ConflictHead { head, value, at: Time::from(of.at), device: of.device };
    Some(Conflict {
        id: conflict_id(entity, &Field::PARENT, &edges),
        entity,
        field: Field::PARENT.as_str().to_owned(),
        heads: vec![
            head(NO_PARENT.to_owned(), Value::Null, closing),
            head(head_name(ignored), ignored.value.clone(), ignored),
        ],
    })
}

fn since(parents: &Parents, id: EntityId) -> (Option<Dot>, EntityId) {
    (parents.get(&id).map(|inside| inside.since), id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use altair_protocol::{DeviceId, Stamp};
    use proptest::prelude::*;

    fn id(n: u64) -> EntityId {
        EntityId::v7(n, [0; 10])
    }

    /// Edges `(child, parent)` in the order in which they were set.
    fn parents(edges: &[(u64, u64)]) -> Parents {
        let device = DeviceId::v7(1, [0; 10]);
        let edge = |(n, &(child, parent)): (usize, &(u64, u64))| {
            let since = Dot { at: Stamp::from_u64(n as u64 + 1), device };
            (id(child), Inside { parent: id(parent), since })
        };
        edges.iter().enumerate().map(edge).collect()
    }

    #[test]
    fn the_edge_with_the_lowest_stamp_is_ignored_wherever_one_begins() {
        let parents = parents(&[(9, 1), (2, 3), (1, 2), (3, 1), (5, 4)]);
        let cycle = Some(vec![id(2), id(3), id(1)]);
        for n in 1..=3 {
            assert_eq!(cycle_at(&parents, id(n)), cycle);
        }
        assert_eq!(cycles(&parents), Vec::from_iter(cycle));
        assert_eq!(next_to_leave(&parents, &[id(2), id(3), id(1)]), Some(id(1)));
        // What hangs below a cycle, or beside it, keeps its parent.
        assert_eq!((cycle_at(&parents, id(9)), cycle_at(&parents, id(5))), (None, None));
    }

    #[test]
    fn a_thing_inside_itself_is_a_cycle_of_one() {
        let parents = parents(&[(1, 1)]);
        assert!(is_ignored(&parents, id(1)));
        assert_eq!(cycles(&parents), vec![vec![id(1)]]);
    }

    proptest! {
        #[test]
        fn without_the_ignored_edges_every_walk_ends(edges in proptest::collection::vec((0_u64..9, 0_u64..9), 0..20)) {
            let mut parents = parents(&edges);
            let found = cycles(&parents);
            let ignored: Vec<EntityId> = parents.keys().copied().filter(|id| is_ignored(&parents, *id)).collect();
            prop_assert_eq!(found.len(), ignored.len());
            parents.retain(|id, _| !ignored.contains(id));
            prop_assert_eq!(cycles(&parents), Vec::<Vec<EntityId>>::new());
        }
    }
}
