//! What merging keeps true, whatever happens: a few devices work on one entity, each exactly as a well-behaved device does, and
//! receive some of each other's changes and states in between. Then everything is delivered to replicas that saw nothing of how it came
//! about, in any order, with repeats, in any batches, mixed with states.
//!
//! What the result must be is not computed by the merge code: [`Story`] keeps what was done, and the tests derive from it which heads stay,
//! what the counter says, what is alive and which characters are in the text. Every character that is ever typed is unique, so a lost or
//! doubled one is found.
//!
//! The number of cases is `PROPTEST_CASES`, or else proptest's own. What a server refuses (stamps of the future, forged vectors, forked devices) is not here:
//! no device here makes it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use altair_core::merge::text::{act_peer, device_peer};
use altair_core::merge::{Applied, Text, apply, conflicts, counter, join};
use altair_protocol::{
    Bytes, Change, DeviceId, Dot, EntityState, Field, Head, Kind, Op, TagName, Total, Value, VersionVector,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FileFailurePersistence, TestRunner};

use common::{Portrait, Replica, applied_in_order, entity, joined, portrait};

const DEVICES: usize = 4;
const TAGS: [&str; 3] = ["garden", "kitchen", "attic"];

/// Something that happens to one of the devices.
#[derive(Debug, Clone)]
enum Act {
    /// It writes one change, after its wall clock went on by some milliseconds.
    Write { who: usize, later: u64, steps: Vec<Step> },
    /// It moves the entity to the trash, perhaps after it received everything that there is.
    Delete { who: usize, caught_up: bool },
    /// It receives some of all changes that were ever made, in this order.
    Receive { who: usize, which: Vec<Index> },
    /// It joins the state that another device has now.
    Join { who: usize, from: usize },
    /// It joins a state that some device had at some time: a backup, say.
    JoinOld { who: usize, which: Index },
    /// It is replaced by a new device that begins with another one's state, and with nothing that only the old one had.
    Replace { who: usize, from: usize },
    /// An editor outside changes the text as it was at an earlier time, and the device brings that in. The same edit may come to another
    /// device as well.
    Outside { who: usize, version: Index, again: bool },
}

/// One step of a change.
#[derive(Debug, Clone)]
enum Step {
    Set { field: usize, value: u8 },
    Tag { tag: usize, on: bool },
    Count { delta: i16 },
    Type { at: Index, chars: usize },
    Cut { at: Index, chars: usize },
    Replace { at: Index, cut: usize, chars: usize },
    Resolve { conflict: Index, head: Index },
    Restore,
}

/// How a replica that saw nothing is told everything.
#[derive(Debug, Clone)]
enum Delivery {
    Batch(Vec<Index>),
    State(Index),
}

/// What everything was delivered as: some of it in some way, and then all changes, shuffled, in batches.
#[derive(Debug, Clone)]
struct Plan {
    before: Vec<Delivery>,
    keys: Vec<u8>,
    batch: usize,
}

/// What the devices did, and what came of it.
struct Story {
    devices: Vec<Replica>,
    changes: Vec<Change>,
    /// States that some device had at some time.
    states: Vec<EntityState>,
    /// Versions that the text had on some device, and what it said then.
    versions: Vec<(Bytes, String)>,
    /// Edits made outside: the version, and the whole new text.
    outside: Vec<(Bytes, String)>,
    deltas: i64,
    words: Vec<String>,
    cut: BTreeSet<char>,
    typed: u32,
    met: u16,
}

fn field(number: usize) -> Field {
    [Field::TITLE, Field::UNIT, Field::named("from_a_newer_version")][number].clone()
}

fn tag(number: usize) -> Field {
    Field::tag(&TagName::parse(TAGS[number]).unwrap())
}

impl Story {
    fn told(acts: &[Act]) -> Self {
        let mut devices: Vec<_> = (1..=DEVICES as u16).map(|number| Replica::new(number, Kind::Item)).collect();
        // One of the clocks is far behind, one far ahead.
        devices[1].wall -= 90_000;
        devices[2].wall += 60_000;
        let mut story = Self {
            devices,
            changes: Vec::new(),
            states: Vec::new(),
            versions: Vec::new(),
            outside: Vec::new(),
            deltas: 0,
            words: Vec::new(),
            cut: BTreeSet::new(),
            typed: 0,
            met: DEVICES as u16,
        };
        for act in acts {
            story.act(act);
        }
        story
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Write { who, later, steps } => {
                self.devices[*who].wall += later;
                let ops = self.ops(*who, steps);
                if !ops.is_empty() {
                    self.write(*who, ops);
                }
            }
            Act::Delete { who, caught_up } => {
                if *caught_up {
                    self.devices[*who].receive_batch(&self.changes);
                }
                self.write(*who, vec![Op::Delete]);
            }
            Act::Receive { who, which } => {
                for which in which {
                    if !self.changes.is_empty() {
                        self.devices[*who].receive(which.get(&self.changes));
                    }
                }
            }
            Act::Join { who, from } => {
                let theirs = self.devices[*from].state.clone();
                self.devices[*who].join(&theirs);
            }
            Act::JoinOld { who, which } => {
                if !self.states.is_empty() {
                    self.devices[*who].join(which.get(&self.states));
                }
            }
            Act::Replace { who, from } => {
                self.met += 1;
                self.devices[*who] = Replica::bootstrapped(self.met, self.devices[*from].state.clone());
            }
            Act::Outside { who, version, again } => self.edit_outside(*who, version, *again),
        }
    }

    fn write(&mut self, who: usize, ops: Vec<Op>) {
        let change = self.devices[who].write(ops);
        self.changes.push(change);
        let state = &self.devices[who].state;
        self.states.push(state.clone());
        if let Some(bytes) = state.texts.get(&Field::BODY) {
            let text = Text::open(Some(bytes)).unwrap();
            self.versions.push((text.version(), text.read()));
        }
    }

    /// The ops that a device makes of some steps; a field is set and counted at most once in a change, a text is edited as often as may be.
    fn ops(&mut self, who: usize, steps: &[Step]) -> Vec<Op> {
        let device = self.devices[who].device;
        let state = self.devices[who].state.clone();
        let mut text = None;
        let mut ops: Vec<Op> = Vec::new();
        for step in steps {
            let op = match step {
                Step::Set { field: number, value } => Op::Set { field: field(*number), value: Value::from(*value) },
                Step::Tag { tag: number, on } => {
                    Op::Set { field: tag(*number), value: if *on { TAGS[*number].into() } else { Value::Null } }
                }
                Step::Count { delta } => {
                    let counted = ops.iter().any(|op| matches!(op, Op::Count { .. }));
                    let shares = state.counters.get(&Field::QUANTITY);
                    match counter::add(shares, device, i64::from(*delta)) {
                        Some(total) if !counted => {
                            self.deltas += i64::from(*delta);
                            Op::Count { field: Field::QUANTITY, total }
                        }
                        _ => continue,
                    }
                }
                Step::Resolve { conflict, head } => {
                    let conflicts = conflicts(&state);
                    if conflicts.is_empty() {
                        continue;
                    }
                    let conflict = conflict.get(&conflicts);
                    Op::Set {
                        field: Field::named(conflict.field.clone()),
                        value: head.get(&conflict.heads).value.clone(),
                    }
                }
                Step::Restore => Op::Restore,
                Step::Type { at, chars } => {
                    match self.edit(who, text.get_or_insert_with(|| body(&state)), at, 0, *chars) {
                        Some(op) => op,
                        None => continue,
                    }
                }
                Step::Cut { at, chars } => {
                    match self.edit(who, text.get_or_insert_with(|| body(&state)), at, *chars, 0) {
                        Some(op) => op,
                        None => continue,
                    }
                }
                Step::Replace { at, cut, chars } => {
                    match self.edit(who, text.get_or_insert_with(|| body(&state)), at, *cut, *chars) {
                        Some(op) => op,
                        None => continue,
                    }
                }
            };
            ops.push(op);
        }
        ops
    }

    /// Cuts some characters out of a text and types others there.
    fn edit(&mut self, who: usize, text: &mut Text, at: &Index, cut: usize, chars: usize) -> Option<Op> {
        let old: Vec<char> = text.read().chars().collect();
        let at = at.index(old.len() + 1);
        let end = (at + cut).min(old.len());
        let word = self.word(chars);
        let new: String = old[..at].iter().copied().chain(word.chars()).chain(old[end..].iter().copied()).collect();
        let edit = text.edit(&new, device_peer(self.devices[who].device)).unwrap()?;
        assert_eq!(text.read(), new);
        self.cut.extend(&old[at..end]);
        Some(Op::Text { field: Field::BODY, update: edit.update })
    }

    /// A word of characters that nobody has typed yet.
    fn word(&mut self, chars: usize) -> String {
        // Chinese characters: thousands in one block, readable in a failure, and no escapes.
        let word: String = (0..chars as u32).filter_map(|i| char::from_u32(0x4e00 + self.typed + i)).collect();
        self.typed += chars as u32;
        if !word.is_empty() {
            self.words.push(word.clone());
        }
        word
    }

    fn edit_outside(&mut self, who: usize, version: &Index, again: bool) {
        let mut text = body(&self.devices[who].state);
        let readable = |version: &Bytes| text.read_at(version).is_ok();
        let same = self.outside.iter().rev().find(|(version, _)| again && readable(version)).cloned();
        let (version, new) = match same {
            Some(same) => same,
            None => {
                let readable: Vec<_> = self.versions.iter().filter(|(version, _)| readable(version)).cloned().collect();
                if readable.is_empty() {
                    return;
                }
                let (version, old) = version.get(&readable).clone();
                assert_eq!(text.read_at(&version).unwrap(), old);
                let new = old + &self.word(3);
                self.outside.push((version.clone(), new.clone()));
                (version, new)
            }
        };
        let peer = act_peer(&[b"outside", entity().as_bytes(), &version.0, new.as_bytes()]);
        if let Some(edit) = text.edit_at(&version, &new, peer).unwrap() {
            self.write(who, vec![Op::Text { field: Field::BODY, update: edit.update }]);
        }
    }

    /// The state that all changes give in the order in which they were made.
    fn whole(&self) -> EntityState {
        applied_in_order(Kind::Item, &self.changes)
    }

    /// What a replica ends in to which everything is delivered as the plan says.
    fn delivered(&self, plan: &Plan) -> EntityState {
        let mut replica = Replica::new(999, Kind::Item);
        for delivery in &plan.before {
            match delivery {
                Delivery::Batch(which) if !self.changes.is_empty() => {
                    replica.receive_batch(which.iter().map(|which| which.get(&self.changes)));
                }
                Delivery::State(which) if !self.states.is_empty() => replica.join(which.get(&self.states)),
                Delivery::Batch(_) | Delivery::State(_) => {}
            }
        }
        let mut shuffled: Vec<_> = self.changes.iter().enumerate().collect();
        shuffled.sort_by_key(|(number, _)| (plan.keys[number % plan.keys.len()], usize::MAX - number));
        for batch in shuffled.chunks(plan.batch) {
            replica.receive_batch(batch.iter().map(|(_, change)| *change));
        }
        assert!(replica.held.is_empty(), "everything is here, and these are still held: {:#?}", replica.held);
        replica.state
    }
}

fn body(state: &EntityState) -> Text {
    Text::open(state.texts.get(&Field::BODY)).unwrap()
}

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

// How stories and plans are made up.

fn step(inserts_only: bool) -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let text = if inserts_only {
        (index(), 1..6_usize).prop_map(|(at, chars)| Step::Type { at, chars }).boxed()
    } else {
        prop_oneof![
            2 => (index(), 1..6_usize).prop_map(|(at, chars)| Step::Type { at, chars }),
            1 => (index(), 1..5_usize).prop_map(|(at, chars)| Step::Cut { at, chars }),
            1 => (index(), 1..5_usize, 1..4_usize).prop_map(|(at, cut, chars)| Step::Replace { at, cut, chars }),
        ]
        .boxed()
    };
    prop_oneof![
        4 => text,
        3 => (0..3_usize, 0..4_u8).prop_map(|(field, value)| Step::Set { field, value }),
        2 => (0..TAGS.len(), any::<bool>()).prop_map(|(tag, on)| Step::Tag { tag, on }),
        2 => any::<i16>().prop_map(|delta| Step::Count { delta }),
        2 => (index(), index()).prop_map(|(conflict, head)| Step::Resolve { conflict, head }),
        1 => Just(Step::Restore),
    ]
}

fn act(inserts_only: bool) -> impl Strategy<Value = Act> {
    let who = || 0..DEVICES;
    prop_oneof![
        10 => (who(), 0..3_u64, vec(step(inserts_only), 1..4)).prop_map(|(who, later, steps)| Act::Write { who, later, steps }),
        3 => (who(), any::<bool>()).prop_map(|(who, caught_up)| Act::Delete { who, caught_up }),
        6 => (who(), vec(any::<Index>(), 1..6)).prop_map(|(who, which)| Act::Receive { who, which }),
        2 => (who(), who()).prop_map(|(who, from)| Act::Join { who, from }),
        1 => (who(), any::<Index>()).prop_map(|(who, which)| Act::JoinOld { who, which }),
        1 => (who(), who()).prop_map(|(who, from)| Act::Replace { who, from }),
        2 => (who(), any::<Index>(), any::<bool>()).prop_map(|(who, version, again)| Act::Outside { who, version, again }),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    vec(act(false), 1..30)
}

/// As [`acts`], but nobody ever takes anything out of the text.
fn acts_that_only_insert() -> impl Strategy<Value = Vec<Act>> {
    vec(act(true), 1..30)
}

fn plan() -> impl Strategy<Value = Plan> {
    let delivery = prop_oneof![
        3 => vec(any::<Index>(), 1..6).prop_map(Delivery::Batch),
        1 => any::<Index>().prop_map(Delivery::State),
    ];
    (vec(delivery, 0..8), vec(any::<u8>(), 1..30), 1..9_usize).prop_map(|(before, keys, batch)| Plan {
        before,
        keys,
        batch,
    })
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
