//! One machine, told by hand what happens to it.

use altair_protocol::sync::{
    Ack, Acked, Changes, CloseCode, Closing, DeviceFrame, Household, Item, Live, Pushed, Refusal, Refused, Reset,
    ResetReason, ServerFrame, SyncId, Unopened, Welcome, What,
};
use altair_protocol::view::Time;
use altair_protocol::{
    Change, ChangeId, DeviceId, EntityId, Field, Hash, HouseholdId, Incarnation, Kind, Op, Stamp, VersionVector,
};

use crate::sync::machine::{
    Account, ConnectionId, Effect, Event, Machine, Now, Outgoing, Position, ReadId, State, Status, TransferId,
};

pub(super) const START: i64 = 1_790_000_000_000;

pub(super) fn device(number: u64) -> DeviceId {
    DeviceId::v7(number, [0; 10])
}

pub(super) fn entity(number: u64) -> EntityId {
    EntityId::v7(number, [0; 10])
}

pub(super) fn change(number: u64) -> ChangeId {
    ChangeId::v7(number, [0; 10])
}

pub(super) fn log(number: u64) -> Incarnation {
    Incarnation::v7(number, [0; 10])
}

pub(super) fn home() -> HouseholdId {
    HouseholdId::v7(1, [0; 10])
}

pub(super) fn sync_id(number: u64) -> SyncId {
    SyncId::try_from(number).unwrap()
}

/// An account whose cursor is 10, in log 1.
pub(super) fn account() -> Account {
    Account {
        device: device(1),
        household: home(),
        program: "test".to_owned(),
        cursor: sync_id(10),
        incarnation: Some(log(1)),
        resume: None,
        brings_states: false,
        parked: Vec::new(),
    }
}

/// The outbox's change number `position`, of an entity.
pub(super) fn outgoing(position: u64, of: u64) -> Outgoing {
    with_blobs(position, of, &[])
}

pub(super) fn with_blobs(position: u64, of: u64, blobs: &[Hash]) -> Outgoing {
    let change = Change {
        id: change(position),
        entity: entity(of),
        kind: Kind::Note,
        device: device(1),
        at: Stamp::new(position, 0),
        seen: VersionVector::new(),
        erase: false,
        blobs: blobs.to_vec(),
        ops: vec![Op::Set { field: Field::TITLE, value: position.into() }],
    };
    Outgoing { position: Position(position), change: Unopened::of(&change).unwrap(), bytes: 300 }
}

/// Another device's change at a number of the log.
pub(super) fn theirs(number: u64) -> Item {
    let mut change = outgoing(1_000_000 + number, number).change;
    change.envelope.device = device(2);
    Item { sync_id: sync_id(number), what: What::Change(Box::new(change)) }
}

pub(super) fn own(number: u64, of: u64) -> Item {
    Item { sync_id: sync_id(number), what: What::Own(change(of)) }
}

/// A machine, and what it wanted done in its last step.
pub(super) struct Bench {
    pub(super) machine: Machine,
    pub(super) now: Now,
    pub(super) effects: Vec<Effect>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { machine: Machine::new(), now: Now { millis: 0, wall: START, random: 125 }, effects: Vec::new() }
    }

    /// Logged in, with an account.
    pub(super) fn with(account: Account) -> Self {
        let mut bench = Self::new();
        bench.tell(Event::Configured(Box::new(account)));
        bench
    }

    /// Connected and live at 10, with an outbox that was read and is empty.
    pub(super) fn live() -> Self {
        let mut bench = Self::welcomed();
        bench.reads(&[]);
        bench.hears(ServerFrame::Live(Live { head: sync_id(10) }));
        assert_eq!(bench.state(), State::Live);
        bench
    }

    /// Connected, with the outbox asked for.
    pub(super) fn welcomed() -> Self {
        let mut bench = Self::with(account());
        bench.connects();
        bench
    }

    /// Makes the connection that was asked for, and is welcomed.
    pub(super) fn connects(&mut self) {
        self.opens();
        self.hears(welcome());
    }

    pub(super) fn opens(&mut self) {
        let connection = self.connection();
        self.tell(Event::Opened { connection });
        assert!(matches!(self.said()[..], [DeviceFrame::Hello(_)]), "{:?}", self.effects);
    }

    /// One step.
    pub(super) fn tell(&mut self, event: Event) {
        let (machine, effects) = std::mem::take(&mut self.machine).step(self.now, event);
        self.machine = machine;
        self.effects = effects;
    }

    /// The connection that there is.
    pub(super) fn connection(&self) -> ConnectionId {
        (0..1000)
            .map(ConnectionId)
            .find(|connection| self.machine.is_present(*connection))
            .expect("there is a connection")
    }

    /// The connection that the last step asked for.
    #[track_caller]
    pub(super) fn asked(&self) -> ConnectionId {
        let asked = self.effects.iter().find_map(|effect| match effect {
            Effect::Connect { connection } => Some(*connection),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("no connection was asked for: {:?}", self.effects))
    }

    #[track_caller]
    pub(super) fn transfer(&self) -> TransferId {
        let asked = self.effects.iter().find_map(|effect| match effect {
            Effect::Bootstrap { transfer, .. } | Effect::Meet { transfer } => Some(*transfer),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("no transfer was asked for: {:?}", self.effects))
    }

    pub(super) fn hears(&mut self, frame: ServerFrame) {
        let connection = self.connection();
        self.tell(Event::Received { connection, frame });
    }

    pub(super) fn gets(&mut self, items: Vec<Item>) {
        self.hears(ServerFrame::Changes(Changes { items }));
    }

    pub(super) fn acks(&mut self, changes: &[u64]) {
        let items = changes.iter().map(|&number| Acked { change: change(number), sync_id: sync_id(100 + number) });
        self.hears(ServerFrame::Ack(Ack { items: items.collect() }));
    }

    pub(super) fn refuses(&mut self, number: u64, code: Refusal) {
        let refused = Refused { change: change(number), code, message: format!("{number} was refused"), until: None };
        self.hears(ServerFrame::Refused(refused));
    }

    pub(super) fn resets(&mut self, reason: ResetReason) {
        self.hears(ServerFrame::Reset(Reset { reason }));
    }

    pub(super) fn closes(&mut self, code: CloseCode, retry_after_ms: Option<u64>) {
        self.hears(ServerFrame::Closing(Closing { code, reason: "the server's reason".to_owned(), retry_after_ms }));
    }

    /// What was asked of the outbox: which reading, and after where.
    pub(super) fn reading(&self) -> Option<(ReadId, Position)> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::ReadOutbox { read, after, .. } => Some((*read, *after)),
            _ => None,
        })
    }

    /// Answers the reading that the last step asked for with all that is after where it begins, and has the socket take what comes of it.
    #[track_caller]
    pub(super) fn reads(&mut self, entries: &[Outgoing]) {
        let (read, after) = self.reading().unwrap_or_else(|| panic!("nothing was read: {:?}", self.effects));
        let entries = entries.iter().filter(|entry| entry.position > after).cloned().collect();
        self.tell(Event::OutboxRead { read, entries, end: true });
    }

    /// Has the socket take everything.
    pub(super) fn writes(&mut self) {
        let connection = self.connection();
        self.tell(Event::Written { connection });
    }

    /// The frames of the last step.
    pub(super) fn said(&self) -> Vec<&DeviceFrame> {
        let frames = self.effects.iter().filter_map(|effect| match effect {
            Effect::Send { frame, .. } => Some(frame),
            _ => None,
        });
        frames.collect()
    }

    /// The changes that the last step pushed, each push apart.
    pub(super) fn pushes(&self) -> Vec<Vec<ChangeId>> {
        let pushes = self.said().into_iter().filter_map(|frame| match frame {
            DeviceFrame::Push(push) => Some(push.changes.iter().map(id).collect()),
            _ => None,
        });
        pushes.collect()
    }

    pub(super) fn pushed(&self) -> Vec<ChangeId> {
        self.pushes().concat()
    }

    /// Lets the timer fire, as often as it has to, up to a moment; the effects are those of all steps.
    pub(super) fn sleeps(&mut self, ms: u64) {
        let until = self.now.millis + ms;
        let mut effects = Vec::new();
        while let Some(at) = self.machine.wake.filter(|at| *at <= until) {
            self.passes(at.saturating_sub(self.now.millis));
            self.tell(Event::Woke);
            effects.append(&mut self.effects);
        }
        self.passes(until - self.now.millis);
        self.effects = effects;
    }

    /// Time passes, and nothing happens.
    pub(super) fn passes(&mut self, ms: u64) {
        self.now.millis += ms;
        self.now.wall += i64::try_from(ms).unwrap();
    }

    pub(super) fn status(&self) -> Status {
        self.machine.status()
    }

    pub(super) fn state(&self) -> State {
        self.machine.status().state
    }

    #[track_caller]
    pub(super) fn wants(&self, effect: &Effect) {
        assert!(self.effects.contains(effect), "{effect:?} isn't among {:?}", self.effects);
    }

    /// How many of the last step's effects are of a sort.
    pub(super) fn count(&self, of: impl Fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|effect| of(effect)).count()
    }
}

pub(super) fn id(pushed: &Pushed) -> ChangeId {
    match pushed {
        Pushed::Change(change) => change.envelope.id,
        Pushed::Unreadable { why, .. } => panic!("{why}"),
    }
}

pub(super) fn welcome() -> ServerFrame {
    welcome_at(10, log(1), START)
}

pub(super) fn welcome_at(head: u64, incarnation: Incarnation, millis: i64) -> ServerFrame {
    ServerFrame::Welcome(Welcome {
        protocol: 1,
        head: sync_id(head),
        server_time: Time::from_millis(millis),
        incarnation,
        household: Household { id: home(), name: "Home".to_owned() },
    })
}
