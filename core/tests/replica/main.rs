//! The store's side of syncing, tested on real stores against a server that is a model.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test's failure is a panic")]

mod accounts;
mod applying;
mod outbox;
mod random;
mod server;
mod states;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use altair_core::merge::Text;
use altair_core::sync::machine::{Fault, How, Outgoing, Position, Resume};
use altair_core::sync::replica::{Outcome, Replica};
use altair_core::{Altair, Config, Edit, Environment, Fields, New};
use altair_protocol::sync::{Acked, BootstrapLine, Item, Paired, Refusal, SyncId};
use altair_protocol::view::{Content, Entity, Time};
use altair_protocol::{DeviceId, EntityId, EntityState, Kind};
use serde_json::Value;
use server::Server;
use tempfile::TempDir;

/// The moment at which all tests begin, Unix milliseconds.
const START: u64 = 1_790_000_000_000;

/// A store of a household's device.
struct Device {
    folder: TempDir,
    altair: Altair,
    replica: Replica,
    /// What its clock says, and the source of its randomness.
    environment: Environment,
}

impl std::ops::Deref for Device {
    type Target = Altair;

    fn deref(&self) -> &Altair {
        &self.altair
    }
}

/// A clock that goes on by a millisecond whenever somebody looks, and randomness that follows from a number.
fn environment(number: u64) -> Environment {
    let (clock, dice) = (Arc::new(AtomicU64::new(START)), Arc::new(AtomicU64::new(0)));
    let random = move || {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&(number as u16).to_be_bytes());
        bytes[2..].copy_from_slice(&dice.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    };
    Environment::new(move || clock.fetch_add(1, Ordering::Relaxed), random)
}

impl Device {
    /// A new device that isn't logged in.
    async fn alone(number: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = environment(number);
        let altair = Altair::open(config(&folder, &environment)).await.unwrap();
        let replica = altair.replica().unwrap();
        Self { folder, altair, replica, environment }
    }

    /// A new device that is logged in, and has nothing yet.
    async fn of(server: &Server, number: u64) -> Self {
        let device = Self::alone(number).await;
        device.replica.log_in("http://localhost:1", device.paired(server).await).await.unwrap();
        device
    }

    async fn paired(&self, server: &Server) -> Paired {
        Paired {
            token: "a secret token".to_owned(),
            device: self.id().await,
            household: server.household.clone(),
            incarnation: server.incarnation,
            server_time: Time::from_millis(START.cast_signed()),
            renew_at: None,
        }
    }

    async fn id(&self) -> DeviceId {
        self.status().await.unwrap().device.parse().unwrap()
    }

    /// The process ends, and another one opens the store.
    async fn restart(&mut self) {
        self.altair.clone().close().await.unwrap();
        self.altair = Altair::open(config(&self.folder, &self.environment)).await.unwrap();
        self.replica = self.altair.replica().unwrap();
    }

    async fn pending(&self) -> u64 {
        self.status().await.unwrap().sync.pending
    }

    async fn cursor(&self) -> SyncId {
        self.replica.logged_in().await.unwrap().unwrap().cursor
    }

    async fn parked(&self) -> Vec<Fault> {
        self.replica.configuration("test").await.unwrap().unwrap().parked
    }

    /// All of the outbox that may go.
    async fn outbox(&self) -> Vec<Outgoing> {
        let (entries, end) = self.replica.read_outbox(Position::ZERO, 10_000, usize::MAX).await.unwrap();
        assert!(end);
        entries
    }

    /// Applies the log's next numbers; none are left if it says so.
    async fn pull(&self, server: &Server, at_most: usize) -> Option<Outcome> {
        let cursor = self.cursor().await;
        let items = server.items(self.id().await, cursor, at_most);
        let last = items.last()?.sync_id;
        let outcome = self.replica.apply(items).await.unwrap();
        assert_eq!((outcome.cursor, outcome.copied), (last, false));
        Some(outcome)
    }

    /// Pushes so many changes; with `heard`, the answers arrive.
    async fn push(&self, server: &mut Server, at_most: usize, heard: bool) -> usize {
        let (entries, _) = self.replica.read_outbox(Position::ZERO, at_most, usize::MAX).await.unwrap();
        let device = self.id().await;
        let mut acked = Vec::new();
        let mut refused: BTreeMap<EntityId, Fault> = BTreeMap::new();
        for Outgoing { change, .. } in &entries {
            let (id, entity) = (change.envelope.id, change.envelope.entity);
            if refused.contains_key(&entity) {
                continue;
            }
            match server.accept(change.clone(), device) {
                Ok(sync_id) => acked.push(Acked { change: id, sync_id }),
                Err(code) => {
                    let fault = Fault { change: Some(id), entity, code, message: format!("{code:?}"), until: None };
                    refused.insert(entity, fault);
                }
            }
        }
        if heard {
            self.replica.acknowledge(acked).await.unwrap();
            for (entity, fault) in refused {
                match fault.code {
                    Refusal::Erased => self.replica.recreate(entity).await.unwrap(),
                    _ => self.replica.park(fault).await.unwrap(),
                }
            }
        }
        entries.len()
    }

    /// Pushes and applies until there is nothing left to do.
    async fn settle(&self, server: &mut Server) {
        self.finish(server).await;
        loop {
            let pushed = self.push(server, 10_000, true).await;
            while self.pull(server, 1024).await.is_some() {}
            if pushed == 0 {
                return;
            }
        }
    }

    /// Takes all states of a server, so many lines at a time; with an answer of `false` it is cut off there, and goes on the next time.
    async fn bootstrap(&self, server: &Server, lines: usize, mut goes_on: impl FnMut() -> bool) -> bool {
        let resume = self.replica.configuration("test").await.unwrap().unwrap().resume;
        let resume = resume.filter(|resume| resume.incarnation == server.incarnation);
        let head = resume.map_or_else(|| server.head(), |resume| resume.head);
        let all = server.bootstrap(resume.map(|resume| resume.after));
        for chunk in all.chunks(lines) {
            let after = line_id(chunk.last().unwrap());
            let so_far = Resume { after, head, incarnation: server.incarnation, how: How::Join };
            self.replica.join(chunk.to_vec(), so_far).await.unwrap();
            if !goes_on() {
                return false;
            }
        }
        self.replica.bootstrapped(head, server.incarnation).await.unwrap();
        true
    }

    async fn is_bootstrapping(&self) -> bool {
        self.replica.configuration("test").await.unwrap().unwrap().resume.is_some()
    }

    /// Ends a bootstrap that was cut off.
    async fn finish(&self, server: &Server) {
        if self.is_bootstrapping().await {
            assert!(self.bootstrap(server, 7, || true).await);
        }
    }

    /// Brings all states to a server with another log, and takes its own.
    async fn meet(&self, server: &mut Server) {
        let mut meeting = self.replica.begin_meeting().await.unwrap();
        loop {
            let (rest, carried) = self.replica.carry(meeting, 3, 1 << 20).await.unwrap();
            meeting = rest;
            let Some(carried) = carried else { break };
            let refused = server.join(&carried.lines);
            self.replica.met(carried, &refused).await.unwrap();
            for refused in refused.iter().filter(|refused| refused.code == Refusal::Erased) {
                self.replica.recreate(refused.entity).await.unwrap();
            }
        }
        assert!(self.bootstrap(server, 7, || true).await);
    }

    /// Every state of the store.
    async fn states(&self) -> Vec<EntityState> {
        let meeting = self.replica.begin_meeting().await.unwrap();
        let (_, carried) = self.replica.carry(meeting, usize::MAX, usize::MAX).await.unwrap();
        let lines = carried.map(|carried| carried.lines).unwrap_or_default();
        let states = lines.into_iter().filter_map(|line| match line {
            BootstrapLine::Entity(state) => Some(*state),
            _ => None,
        });
        states.collect()
    }

    async fn note(&self, title: &str, body: &str) -> EntityId {
        let fields = Fields { title: Some(title.into()), body: Some(body.into()), ..Fields::default() };
        self.create(New { kind: Kind::Note, fields }).await.unwrap().id
    }

    async fn append(&self, id: EntityId, text: &str) {
        self.edit(id, Edit { append: Some(text.into()), ..Edit::default() }).await.unwrap();
    }

    async fn title(&self, id: EntityId, title: &str) {
        let fields = Fields { title: Some(title.into()), ..Fields::default() };
        self.edit(id, Edit { fields, ..Edit::default() }).await.unwrap();
    }

    async fn is_sound(&self) {
        assert_eq!(self.doctor().await.unwrap().problems, vec![]);
    }
}

fn config(folder: &TempDir, environment: &Environment) -> Config {
    Config { environment: environment.clone(), ..Config::new(folder.path().join("store")) }
}

fn line_id(line: &BootstrapLine) -> EntityId {
    match line {
        BootstrapLine::Entity(state) => state.id,
        BootstrapLine::Erased(erased) => erased.id,
        _ => panic!("{line:?} is about no entity"),
    }
}

fn body_of(entity: &Entity) -> &str {
    match &entity.content {
        Content::Note { body, .. } | Content::Item { body, .. } => body,
        _ => panic!("a {} has no body here", entity.kind),
    }
}

/// States as canonical JSON. Texts are compared by what they say: the same document has several forms.
fn portrait(states: &[EntityState]) -> Vec<Value> {
    let drawn = states.iter().map(|state| {
        let mut drawn = serde_json::to_value(state).unwrap();
        let texts =
            state.texts.iter().map(|(field, bytes)| (field.as_str().to_owned(), Text::read_bytes(bytes).unwrap()));
        drawn["texts"] = texts.collect::<BTreeMap<_, _>>().into_iter().collect();
        drawn
    });
    drawn.collect()
}

/// All devices have what the server has.
async fn are_alike(devices: &[&Device], server: &Server) {
    let expected = portrait(&server.states.values().cloned().collect::<Vec<_>>());
    for device in devices {
        assert_eq!(portrait(&device.states().await), expected, "on {}", device.id().await);
    }
}

fn sync_id(number: u64) -> SyncId {
    SyncId::try_from(number).unwrap()
}

fn item(number: u64, what: altair_protocol::sync::What) -> Item {
    Item { sync_id: sync_id(number), what }
}
