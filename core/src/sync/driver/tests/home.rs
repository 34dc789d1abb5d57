//! A home for a test: a server, a store, and what is between them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::notebook::Notebook;
use super::server::Server;
use crate::Environment;
use crate::sync::driver::{Login, Syncing, Token};
use crate::sync::machine::tests::world::server::home;
use crate::sync::machine::tests::world::store::Mint;
use crate::sync::machine::{Account, State, Status};
use crate::sync::remote::Remote;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Rings whenever something has happened that somebody may wait for.
#[derive(Debug, Clone, Default)]
pub(super) struct Bell(watch::Sender<u64>);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.send_modify(|times| *times += 1);
    }

    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

pub(super) struct Home {
    pub(super) server: Server,
    pub(super) notebook: Arc<Notebook>,
    pub(super) bell: Bell,
}

impl Home {
    pub(super) fn new() -> Self {
        let bell = Bell::default();
        let mut mint = Mint::default();
        let server = Server::start(mint.incarnation(), bell.clone());
        Self { notebook: Self::notebook(&server, mint, &bell), server, bell }
    }

    fn notebook(server: &Server, mut mint: Mint, bell: &Bell) -> Arc<Notebook> {
        let device = mint.device();
        server.inside().tokens.insert("secret".to_owned(), device);
        let token = Token { device, secret: "secret".to_owned(), renew_at: None };
        Notebook::new(token, mint, bell.clone())
    }

    /// A process that opens the store.
    pub(super) fn open(&self) -> Syncing {
        let inside = self.notebook.inside();
        let store = &inside.store;
        let account = Account {
            device: store.device,
            household: home(),
            program: "tests".to_owned(),
            cursor: store.cursor,
            incarnation: store.incarnation,
            resume: store.resume,
            brings_states: false,
            parked: store.parked(),
        };
        let remote = Remote::new(self.server.address().parse().unwrap()).unwrap();
        let login = Login { remote, token: inside.token.clone(), account };
        Syncing::start(Arc::clone(&self.notebook), login, Environment::default())
    }

    /// Waits until something is so.
    #[track_caller]
    pub(super) fn until<'a>(
        &'a self,
        syncing: &'a Syncing,
        what: &'a str,
        is: impl Fn(&Self, &Status) -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let (mut status, mut bell) = (syncing.status(), self.bell.listen());
            let waiting = async {
                loop {
                    let now = status.borrow_and_update().clone();
                    if is(self, &now) {
                        return;
                    }
                    tokio::select! {
                        _ = status.changed() => {}
                        _ = bell.changed() => {}
                    }
                }
            };
            if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
                panic!("{what}, says {caller}, and it is {:?}", *syncing.status().borrow());
            }
        }
    }

    #[track_caller]
    pub(super) fn live<'a>(&'a self, syncing: &'a Syncing) -> impl Future<Output = ()> + 'a {
        self.until(syncing, "it should be live, with nothing in the outbox", |home, status| {
            let inside = home.notebook.inside();
            let through = inside.store.outbox.is_empty() && inside.store.cursor == home.server.inside().model.head();
            status.state == State::Live && through && status.cursor == inside.store.cursor
        })
    }

    /// Says that both sides have the same.
    #[track_caller]
    pub(super) fn assert_in_step(&self) {
        let (inside, server) = (self.notebook.inside(), self.server.inside());
        assert_eq!(inside.store.local, server.model.states);
        assert_eq!(inside.store.base, server.model.states);
        assert!(inside.store.outbox.is_empty());
    }
}
