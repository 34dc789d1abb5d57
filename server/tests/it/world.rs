//! A server for a test, with a clock that the test can move, and devices that are paired with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use altair_core::Environment;
use altair_protocol::sync::{Pair, Paired};
use altair_protocol::{Change, ChangeId, DeviceId, Dot, EntityId, Field, Kind, Op, Stamp, VersionVector};
use altair_server::{Answer, Ask, Config, MadeCode, Running, ask};
use tempfile::TempDir;

use crate::client::{Http, Socket};

/// A running server in a folder of its own.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) running: Running,
    clock: Arc<AtomicU64>,
}

/// A paired device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) paired: Paired,
    pub(crate) http: Http,
    stamps: Arc<AtomicU64>,
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

impl World {
    /// A server with one household, Home.
    pub(crate) async fn new() -> Self {
        let world = Self::start(tempfile::tempdir().unwrap()).await;
        world.act(Ask::Init { household: "Home".to_owned() }).await;
        world
    }

    /// A server on a folder.
    pub(crate) async fn start(folder: TempDir) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&ahead);
        let environment = Environment::new(move || now_ms() + clock.load(Ordering::Relaxed), rand::random);
        let config =
            Config { data: folder.path().join("data"), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
        let running = Running::start_in(&config, environment).await.unwrap();
        Self { folder, running, clock: ahead }
    }

    /// Stops the server, and starts it on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { folder, running, .. } = self;
        running.stop().await.unwrap();
        Self::start(folder).await
    }

    /// Lets the server's clock jump.
    pub(crate) fn later(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(self.running.address())
    }

    /// Asks through the administration socket, as the commands do.
    pub(crate) async fn act(&self, what: Ask) -> Answer {
        ask(altair_server::Opening::new(self.running.server().data()), what).await.unwrap()
    }

    pub(crate) async fn code(&self, household: Option<&str>) -> MadeCode {
        match self.act(Ask::Pair { household: household.map(str::to_owned) }).await {
            Answer::Code(code) => code,
            other => panic!("{other:?} is no code"),
        }
    }

    /// Pairs a device with the only household.
    pub(crate) async fn device(&self) -> Device {
        self.device_of(None).await
    }

    /// Pairs a device with a household.
    pub(crate) async fn device_of(&self, household: Option<&str>) -> Device {
        let code = self.code(household).await.code;
        let pair = Pair { code, device: None, name: "laptop".to_owned() };
        let answer = self.http().post("/v1/pair", &serde_json::to_string(&pair).unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let paired: Paired = serde_json::from_slice(&answer.body).unwrap();
        Device::of(paired, self.http())
    }
}

impl Device {
    pub(crate) fn of(paired: Paired, http: Http) -> Self {
        let http = http.with_token(&paired.token);
        Self { paired, http, stamps: Arc::new(AtomicU64::new(now_ms())) }
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.paired.device
    }

    /// A connection that has said hello as somebody new, and was welcomed.
    pub(crate) async fn connect(&self) -> Socket {
        self.connect_at(0).await
    }

    /// A connection that goes on after a cursor.
    pub(crate) async fn connect_at(&self, cursor: u64) -> Socket {
        let mut socket = Socket::open(&self.http).await;
        socket.hello(self.id(), cursor, Some(self.paired.incarnation)).await;
        socket.welcome().await;
        socket
    }

    /// Its next stamp: later than all before, and than what it has seen.
    fn stamp(&self, seen: &[Dot]) -> Stamp {
        let seen_ms = seen.iter().map(|dot| dot.at.millis()).max().unwrap_or_default();
        self.stamps.fetch_max(seen_ms, Ordering::Relaxed);
        Stamp::new(1 + self.stamps.fetch_add(1, Ordering::Relaxed), 0)
    }

    /// A change that gives an entity a title, having seen what `seen` says.
    pub(crate) fn titled(&self, entity: EntityId, title: &str, seen: &[Dot]) -> Change {
        Change {
            id: ChangeId::v7(now_ms(), rand::random()),
            entity,
            kind: Kind::Note,
            device: self.id(),
            at: self.stamp(seen),
            seen: seen.iter().copied().collect::<VersionVector>(),
            erase: false,
            blobs: vec![],
            ops: vec![Op::Set { field: Field::TITLE, value: title.into() }],
        }
    }

    /// The first change of a new note.
    pub(crate) fn note(&self, title: &str) -> Change {
        self.titled(EntityId::v7(now_ms(), rand::random()), title, &[])
    }
}
