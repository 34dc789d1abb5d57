//! What merging keeps true, whatever happens: the properties of every [`Story`].
//!
//! What the result must be is not computed by the merge code: the tests derive from the story which heads stay, what the counter says, what is
//! alive and which characters are in the text.
//!
//! The number of cases is `PROPTEST_CASES`, or else proptest's own. What a server refuses (stamps of the future, forged vectors, forked devices) is
//! not here: no device here makes it.

use std::collections::{BTreeMap, BTreeSet};

use altair_core::merge::{Applied, apply, conflicts, join};
use altair_protocol::{Bytes, Change, DeviceId, Dot, EntityState, Field, Head, Kind, Op, Total, Value, VersionVector};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};

use crate::common::{Portrait, Replica, applied_in_order, entity, joined, portrait};
use crate::story::{DEVICES, Story, acts, acts_that_only_insert, body, plan};

// What the rules of MERGE.md make of a set of changes, found without applying them.

fn expected_applied(changes: &[Change]) -> VersionVector {
    changes.iter().map(Change::dot).collect()
}

/// A setting stays unless another setting of the field had seen it.
fn expected_fields(changes: &[Change]) -> BTreeMap<Field, Vec<Head>> {
    let mut settings: BTreeMap<Field, Vec<(&Change, Value)>> = BTreeMap::new();
    for change in changes {
        for op in &change.ops {
            if let Op::Set { field, value } = op {
                let settings = settings.entry(field.clone()).or_default();
                settings.retain(|(other, _)| other.id != change.id);
                settings.push((change, value.clone()));
            }
        }
    }
    let heads = |settings: Vec<(&Change, Value)>| {
        let stays = |change: &Change| !settings.iter().any(|(other, _)| other.seen.covers(change.dot()));
        let mut heads: Vec<_> = settings
            .iter()
            .filter(|(change, _)| stays(change))
            .map(|(change, value)| Head { at: change.at, device: change.device, value: value.clone() })
            .collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.dot()));
        heads
    };
    settings.into_iter().map(|(field, settings)| (field, heads(settings))).collect()
}

fn expected_shares(changes: &[Change]) -> BTreeMap<DeviceId, Total> {
    let mut shares: BTreeMap<DeviceId, Total> = BTreeMap::new();
    for change in changes {
        for op in &change.ops {
            if let Op::Count { total, .. } = op {
                let share = shares.entry(change.device).or_insert(Total { at: change.at, total: *total });
                if change.at >= share.at {
                    *share = Total { at: change.at, total: *total };
                }
            }
        }
    }
    shares
}

/// Work on the content that no delete had seen, nor came before it on the same device.
fn work_unseen_by_deletes(changes: &[Change]) -> Vec<Dot> {
    let deletes: Vec<_> = changes.iter().filter(|change| change.ops.contains(&Op::Delete)).collect();
    let works = changes.iter().filter(|change| change.ops.iter().any(Op::is_content)).map(Change::dot);
    works.filter(|&work| !deletes.iter().any(|delete| delete.seen.covers(work))).collect()
}

/// Failures are kept beside this file, as proptest finds no place for them by itself.
fn config() -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { failure_persistence: Some(Box::new(persistence)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_delivery_of_the_same_changes_gives_the_same_state(acts in acts(), plans in vec(plan(), 2)) {
        let story = Story::told(&acts);
        let whole = portrait(&story.whole());
        for plan in &plans {
            prop_assert_eq!(portrait(&story.delivered(plan)), whole.clone());
        }
        for mut device in story.devices.clone() {
            device.receive_batch(&story.changes);
            prop_assert!(device.held.is_empty());
            prop_assert_eq!(portrait(&device.state), whole.clone());
        }
    }

    #[test]
    fn the_state_is_what_the_rules_make_of_the_changes(acts in acts(), plan in plan()) {
        let story = Story::told(&acts);
        let Portrait { applied, fields, counters, alive, .. } = portrait(&story.delivered(&plan));
        prop_assert_eq!(applied, expected_applied(&story.changes));
        prop_assert_eq!(fields, expected_fields(&story.changes));
        prop_assert_eq!(counters.get(&Field::QUANTITY).cloned().unwrap_or_default(), expected_shares(&story.changes));
        prop_assert_eq!(alive, !work_unseen_by_deletes(&story.changes).is_empty());
    }

    #[test]
    fn joining_is_commutative_associative_and_idempotent(acts in acts(), picks in prop::array::uniform3(any::<Index>())) {
        let story = Story::told(&acts);
        prop_assume!(!story.states.is_empty());
        let [a, b, c] = picks.map(|pick| pick.get(&story.states));
        let ab = joined(a, b);
        prop_assert_eq!(portrait(&ab), portrait(&joined(b, a)));
        prop_assert_eq!(portrait(&joined(&ab, c)), portrait(&joined(a, &joined(b, c))));
        prop_assert_eq!(&joined(a, a), a);
        prop_assert_eq!(portrait(&joined(&ab, b)), portrait(&ab));
        prop_assert_eq!(portrait(&joined(a, &ab)), portrait(&ab));
    }

    #[test]
    fn joining_states_equals_applying_their_changes(acts in acts(), picks in vec(any::<Index>(), 1..6)) {
        let story = Story::told(&acts);
        prop_assume!(!story.states.is_empty());
        let mut state = EntityState::new(entity(), Kind::Item);
        for pick in picks {
            join(&mut state, pick.get(&story.states)).unwrap();
        }
        let theirs = story.changes.iter().filter(|change| state.applied.covers(change.dot()));
        prop_assert_eq!(portrait(&applied_in_order(Kind::Item, theirs)), portrait(&state));
    }

    #[test]
    fn applying_a_change_again_changes_nothing(acts in acts()) {
        let story = Story::told(&acts);
        for mut state in story.states.iter().cloned().chain(story.devices.iter().map(|device| device.state.clone())) {
            let before = state.clone();
            for change in story.changes.iter().filter(|change| before.applied.covers(change.dot())) {
                prop_assert_eq!(apply(&mut state, change).unwrap(), Applied::Already);
            }
            prop_assert_eq!(state, before);
        }
    }

    #[test]
    fn no_text_that_anybody_typed_is_lost(acts in acts_that_only_insert(), plan in plan()) {
        let story = Story::told(&acts);
        let text = body(&story.delivered(&plan)).read();
        for word in &story.words {
            let mut rest = text.chars();
            prop_assert!(word.chars().all(|c| rest.any(|other| other == c)), "{word} is not in {text}");
        }
        let all: usize = story.words.iter().map(|word| word.chars().count()).sum();
        prop_assert_eq!(text.chars().count(), all, "something is twice in {}", text);
    }

    #[test]
    fn a_text_holds_exactly_what_was_typed_and_not_cut(acts in acts(), plan in plan()) {
        let story = Story::told(&acts);
        let text = body(&story.delivered(&plan)).read();
        let typed: BTreeSet<char> = story.words.iter().flat_map(|word| word.chars()).collect();
        let expected: Vec<char> = typed.difference(&story.cut).copied().collect();
        let mut found: Vec<char> = text.chars().collect();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn counters_sum(acts in acts(), plan in plan()) {
        let story = Story::told(&acts);
        prop_assert_eq!(story.delivered(&plan).count(&Field::QUANTITY), story.deltas);
    }

    #[test]
    fn a_stale_delete_never_wins_over_later_work(acts in acts(), plan in plan()) {
        let story = Story::told(&acts);
        let state = story.delivered(&plan);
        for work in work_unseen_by_deletes(&story.changes) {
            prop_assert!(state.is_alive(), "no delete had seen {work:?}");
        }
        // And a delete that has seen everything does win.
        let mut last = Replica::bootstrapped(1_000, state);
        last.delete();
        prop_assert!(!last.state.is_alive());
    }

    #[test]
    fn a_resolved_conflict_is_gone_wherever_the_resolution_arrives(acts in acts(), plan in plan()) {
        let mut story = Story::told(&acts);
        let mut resolver = Replica::bootstrapped(1_000, story.delivered(&plan));
        let open = conflicts(&resolver.state);
        prop_assert_eq!(&open, &conflicts(&story.whole()), "ids and heads are the same everywhere");
        for conflict in open {
            story.changes.push(resolver.set(Field::named(conflict.field), conflict.heads[0].value.clone()));
        }
        prop_assert_eq!(conflicts(&story.delivered(&plan)), vec![]);
    }

    #[test]
    fn a_damaged_update_is_refused_or_harmless(acts in acts(), pick in any::<Index>(), at in any::<Index>(), bit in 0..8_u8, cut: bool) {
        let story = Story::told(&acts);
        let texts = |change: &Change| change.ops.iter().any(|op| matches!(op, Op::Text { .. }));
        let numbers: Vec<_> = (0..story.changes.len()).filter(|&number| texts(&story.changes[number])).collect();
        prop_assume!(!numbers.is_empty());
        let number = *pick.get(&numbers);
        let before = applied_in_order(Kind::Item, &story.changes[..number]);
        let mut change = story.changes[number].clone();
        for op in &mut change.ops {
            if let Op::Text { update: Bytes(bytes), .. } = op {
                let at = at.index(bytes.len());
                if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            }
        }
        let mut state = before.clone();
        match apply(&mut state, &change) {
            Err(_) => prop_assert_eq!(state, before),
            Ok(_) => {
                let undamaged = applied_in_order(Kind::Item, &story.changes[..=number]);
                prop_assert_eq!(portrait(&state), portrait(&undamaged));
            }
        }
    }
}

/// The properties would hold of empty stories too: these aren't.
#[test]
fn the_stories_reach_every_corner() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    let count = 200;
    for _ in 0..count {
        let story = Story::told(&acts().new_tree(&mut runner).unwrap().current());
        let whole = story.whole();
        let mut backwards = Replica::new(999, Kind::Item);
        let held = story.changes.iter().rev().any(|change| backwards.receive(change) == Applied::Hold);
        let deletes = story.changes.iter().any(|change| change.ops.contains(&Op::Delete));
        let peers = portrait(&whole).texts.get(&Field::BODY).map_or(0, |text| text.operations.len());
        for (corner, is_there) in [
            ("held changes", held),
            ("conflicts", !conflicts(&whole).is_empty()),
            ("changes that had seen others'", story.changes.iter().any(|change| change.seen.iter().count() > 1)),
            ("in the trash", deletes && !whole.is_alive()),
            ("alive in spite of a delete", deletes && whole.is_alive()),
            ("counted on two devices", expected_shares(&story.changes).len() > 1),
            ("typed on two devices", peers > 1),
            ("cut text", !story.cut.is_empty()),
            ("edited outside", !story.outside.is_empty()),
            ("replaced devices", usize::from(story.met) > DEVICES),
        ] {
            *reached.entry(corner).or_default() += usize::from(is_there);
        }
    }
    for (corner, stories) in reached {
        assert!(stories >= count / 20, "only {stories} of {count} stories have this: {corner}");
    }
}
