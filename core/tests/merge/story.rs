//! Stories: a few devices work on one entity, each exactly as a well-behaved device does, and receive some of each other's changes and
//! states in between. Then everything is delivered to replicas that saw nothing of how it came about, in any order, with repeats, in any
//! batches, mixed with states.
//!
//! [`Story`] keeps what was done, so that what must come of it can be told without the merge code. Every character that is ever typed is
//! unique, so a lost or doubled one is found.

use std::collections::BTreeSet;

use altair_core::merge::text::{act_peer, device_peer};
use altair_core::merge::{Text, conflicts, counter};
use altair_protocol::{Bytes, Change, EntityState, Field, Kind, Op, TagName, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::common::{Replica, applied_in_order, entity};

pub(crate) const DEVICES: usize = 4;
pub(crate) const TAGS: [&str; 3] = ["garden", "kitchen", "attic"];

/// Something that happens to one of the devices.
#[derive(Debug, Clone)]
pub(crate) enum Act {
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
pub(crate) enum Step {
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
pub(crate) enum Delivery {
    Batch(Vec<Index>),
    State(Index),
}

/// What everything was delivered as: some of it in some way, and then all changes, shuffled, in batches.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    before: Vec<Delivery>,
    keys: Vec<u8>,
    batch: usize,
}

/// What the devices did, and what came of it.
pub(crate) struct Story {
    pub(crate) devices: Vec<Replica>,
    pub(crate) changes: Vec<Change>,
    /// States that some device had at some time.
    pub(crate) states: Vec<EntityState>,
    /// Versions that the text had on some device, and what it said then.
    pub(crate) versions: Vec<(Bytes, String)>,
    /// Edits made outside: the version, and the whole new text.
    pub(crate) outside: Vec<(Bytes, String)>,
    pub(crate) deltas: i64,
    pub(crate) words: Vec<String>,
    pub(crate) cut: BTreeSet<char>,
    pub(crate) typed: u32,
    pub(crate) met: u16,
}

pub(crate) fn field(number: usize) -> Field {
    [Field::TITLE, Field::UNIT, Field::named("from_a_newer_version")][number].clone()
}

pub(crate) fn tag(number: usize) -> Field {
    Field::tag(&TagName::parse(TAGS[number]).unwrap())
}

impl Story {
    pub(crate) fn told(acts: &[Act]) -> Self {
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
    pub(crate) fn whole(&self) -> EntityState {
        applied_in_order(Kind::Item, &self.changes)
    }

    /// What a replica ends in to which everything is delivered as the plan says.
    pub(crate) fn delivered(&self, plan: &Plan) -> EntityState {
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

pub(crate) fn body(state: &EntityState) -> Text {
    Text::open(state.texts.get(&Field::BODY)).unwrap()
}

// How stories and plans are made up.

pub(crate) fn step(inserts_only: bool) -> impl Strategy<Value = Step> {
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

pub(crate) fn act(inserts_only: bool) -> impl Strategy<Value = Act> {
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

pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    vec(act(false), 1..30)
}

/// As [`acts`], but nobody ever takes anything out of the text.
pub(crate) fn acts_that_only_insert() -> impl Strategy<Value = Vec<Act>> {
    vec(act(true), 1..30)
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
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
