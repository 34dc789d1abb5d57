//! What the merge tests share: a replica that writes changes as a well-behaved device does, and the portrait of a state, by
//! which two states are compared.

use std::collections::BTreeMap;

use altair_core::merge::text::device_peer;
use altair_core::merge::{Applied, MergeError, Text, apply, counter, join};
use altair_protocol::{
    Bytes, Change, ChangeId, Clock, DeviceId, EntityId, EntityState, Field, Head, Kind, Op, TagName, Total, Value,
    VersionVector,
};

/// The moment at which all tests begin, Unix milliseconds.
pub(crate) const START: u64 = 1_790_000_000_000;

/// The device with a number. A greater number is a greater id.
pub(crate) fn device(number: u16) -> DeviceId {
    DeviceId::v7(u64::from(number), [0; 10])
}

/// The one entity that most tests are about.
pub(crate) fn entity() -> EntityId {
    EntityId::v7(1, [0; 10])
}

/// A device with its state of one entity, its clock, and what it holds until the causes are here.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) device: DeviceId,
    pub(crate) state: EntityState,
    pub(crate) clock: Clock,
    pub(crate) held: Vec<Change>,
    /// What its wall clock says, Unix milliseconds.
    pub(crate) wall: u64,
}

impl Replica {
    /// A device that has nothing yet.
    pub(crate) fn new(number: u16, kind: Kind) -> Self {
        Self::bootstrapped(number, EntityState::new(entity(), kind))
    }

    /// A new device that begins with another replica's state.
    pub(crate) fn bootstrapped(number: u16, state: EntityState) -> Self {
        let mut clock = Clock::default();
        observe(&mut clock, &state.applied);
        Self { device: device(number), state, clock, held: Vec::new(), wall: START }
    }

    /// Writes a change as a well-behaved device does: stamped after all that it saw, naming all that it has applied.
    pub(crate) fn write(&mut self, ops: Vec<Op>) -> Change {
        let at = self.clock.tick(self.wall).expect("the tests' clocks are far from their end");
        let mut random = [0; 10];
        random[..8].copy_from_slice(&at.as_u64().to_be_bytes());
        random[8..].copy_from_slice(&self.device.as_bytes()[4..6]);
        let change = Change {
            id: ChangeId::v7(at.millis(), random),
            entity: self.state.id,
            kind: self.state.kind,
            device: self.device,
            at,
            seen: self.state.applied.clone(),
            erase: false,
            blobs: Vec::new(),
            ops,
        };
        assert_eq!(apply(&mut self.state, &change).expect("a device's own change merges"), Applied::Now);
        change
    }

    /// Sets a register.
    pub(crate) fn set(&mut self, field: Field, value: impl Into<Value>) -> Change {
        self.write(vec![Op::Set { field, value: value.into() }])
    }

    /// Makes the body `new`.
    pub(crate) fn type_body(&mut self, new: &str) -> Change {
        let op = self.body_op(new);
        self.write(vec![op])
    }

    /// The step that makes the body `new`.
    pub(crate) fn body_op(&self, new: &str) -> Op {
        let text = Text::open(self.state.texts.get(&Field::BODY)).expect("a stored text opens");
        let edit = text.edit(new, device_peer(self.device)).expect("any text can be edited");
        Op::Text { field: Field::BODY, update: edit.expect("the new text differs").update }
    }

    /// Adds thousandths to the quantity.
    pub(crate) fn count(&mut self, delta: i64) -> Change {
        let shares = self.state.counters.get(&Field::QUANTITY);
        let total = counter::add(shares, self.device, delta).expect("the tests count in small numbers");
        self.write(vec![Op::Count { field: Field::QUANTITY, total }])
    }

    pub(crate) fn delete(&mut self) -> Change {
        self.write(vec![Op::Delete])
    }

    pub(crate) fn restore(&mut self) -> Change {
        self.write(vec![Op::Restore])
    }

    /// Receives one change; says what became of it. Held changes whose causes are here now are applied too.
    pub(crate) fn receive(&mut self, change: &Change) -> Applied {
        let applied = self.take(change);
        self.retry_held();
        applied
    }

    /// Receives changes in one batch: what had to be held is tried again at its end.
    pub(crate) fn receive_batch<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        for change in changes {
            self.take(change);
        }
        self.retry_held();
    }

    /// Joins another replica's state.
    pub(crate) fn join(&mut self, theirs: &EntityState) {
        join(&mut self.state, theirs).expect("states of one entity join");
        observe(&mut self.clock, &theirs.applied);
        self.retry_held();
    }

    pub(crate) fn body(&self) -> String {
        body(&self.state)
    }

    fn take(&mut self, change: &Change) -> Applied {
        self.clock.observe(change.at);
        let applied = apply(&mut self.state, change).expect("a well-made change merges");
        if applied == Applied::Hold {
            self.held.push(change.clone());
        }
        applied
    }

    fn retry_held(&mut self) {
        loop {
            let before = self.held.len();
            let state = &mut self.state;
            self.held.retain(|change| apply(state, change).expect("a well-made change merges") == Applied::Hold);
            if self.held.len() == before {
                return;
            }
        }
    }
}

fn observe(clock: &mut Clock, seen: &VersionVector) {
    if let Some(dot) = seen.iter().max() {
        clock.observe(dot.at);
    }
}

/// The body of a state.
pub(crate) fn body(state: &EntityState) -> String {
    Text::open(state.texts.get(&Field::BODY)).expect("a stored text opens").read()
}

/// The state that changes give when they are applied in the order of the list, in which causes come first.
pub(crate) fn applied_in_order<'a>(kind: Kind, changes: impl IntoIterator<Item = &'a Change>) -> EntityState {
    let mut state = EntityState::new(entity(), kind);
    for change in changes {
        assert_eq!(apply(&mut state, change).expect("a well-made change merges"), Applied::Now);
    }
    state
}

/// Two states joined into a third.
pub(crate) fn joined(ours: &EntityState, theirs: &EntityState) -> EntityState {
    let mut state = ours.clone();
    join(&mut state, theirs).expect("states of one entity join");
    state
}

/// All of a state that must be equal where the same changes were applied. Texts are compared by what they say and by which
/// operations they are made of: Loro's bytes depend on the order in which those came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Portrait {
    pub(crate) applied: VersionVector,
    pub(crate) fields: BTreeMap<Field, Vec<Head>>,
    pub(crate) counters: BTreeMap<Field, BTreeMap<DeviceId, Total>>,
    pub(crate) texts: BTreeMap<Field, TextPortrait>,
    pub(crate) content: VersionVector,
    pub(crate) deleted: VersionVector,
    pub(crate) alive: bool,
}

/// What a text says, and how many operations of each Loro peer are in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextPortrait {
    pub(crate) says: String,
    pub(crate) operations: BTreeMap<u64, i32>,
}

/// A state as it is compared.
pub(crate) fn portrait(state: &EntityState) -> Portrait {
    Portrait {
        applied: state.applied.clone(),
        fields: state.fields.clone(),
        counters: state.counters.clone(),
        texts: state.texts.iter().map(|(field, bytes)| (field.clone(), text_portrait(bytes))).collect(),
        content: state.content.clone(),
        deleted: state.deleted.clone(),
        alive: state.is_alive(),
    }
}

fn text_portrait(bytes: &Bytes) -> TextPortrait {
    let document = loro::LoroDoc::new();
    document.import(&bytes.0).expect("a stored text opens");
    let operations = document.oplog_vv().iter().map(|(&peer, &count)| (peer, count)).collect();
    TextPortrait { says: Text::read_bytes(bytes).expect("a stored text opens"), operations }
}

/// Three devices with nothing yet.
pub(crate) fn three(kind: Kind) -> (Replica, Replica, Replica) {
    (Replica::new(1, kind), Replica::new(2, kind), Replica::new(3, kind))
}

pub(crate) fn tag(name: &str) -> Field {
    Field::tag(&TagName::parse(name).unwrap())
}

/// The tags as they are read: a tag that was removed is null.
pub(crate) fn tags(state: &EntityState) -> Vec<&str> {
    let fields = state.fields.keys().filter(|field| field.is_tag());
    fields.filter_map(|field| state.value(field).and_then(Value::as_str)).collect()
}

pub(crate) fn values(state: &EntityState, field: &Field) -> Vec<Value> {
    state.fields.get(field).into_iter().flatten().map(|head| head.value.clone()).collect()
}

/// Every order of a few things.
pub(crate) fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(first);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

/// A change that a stranger made: nothing about it is checked.
pub(crate) fn stranger(state: &EntityState, ops: Vec<Op>) -> Change {
    let mut stranger = Replica::bootstrapped(99, state.clone());
    let mut change = stranger.write(Vec::new());
    change.ops = ops;
    change
}

#[track_caller]
pub(crate) fn assert_refused(state: &EntityState, change: &Change, expected: impl Fn(&MergeError) -> bool) {
    let mut tried = state.clone();
    let error = apply(&mut tried, change).expect_err("it must be refused");
    assert!(expected(&error), "refused, but as: {error}");
    assert_eq!(&tried, state, "a refused change must leave the state as it was");
}
