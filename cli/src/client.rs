//! The engine as the command line sees it: in another process, always.
//!
//! A command joins whoever hosts the store. Where nobody does it starts `altaird`: a daemon that stays, or with `--no-daemon` one of its own that ends with
//! the command. When the host goes away in the middle, what was asked is asked of the next one, and happens once.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use altair_core::host::{Connection, Guest, Lock, Lost, Record, RemoteWatch, activation, is_held, read_own};
use altair_core::{Error, ErrorKind, Progress, store_id};
use altair_protocol::rpc::{self, Call, Host, HostKind};
use altair_protocol::{EntityId, rpc::Find};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::failure::Failure;
use crate::grant;
use crate::spawn::{self, Private, SpawnLock, Started};
use crate::store::{Manner, Store};

/// What this program calls itself to a host.
pub(crate) const CLIENT: &str = concat!("altair ", env!("CARGO_PKG_VERSION"));
/// How long a host that was asked to go may take to finish.
const LEAVING: Duration = Duration::from_secs(30);
/// For how long hosts may come and go before a command gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a host is started that ends at once.
const TRIES: u32 = 3;
/// Between two looks at whether something has happened.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// A connection to the host of a store, and the way to the next one.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    store: &'a Store,
    connection: RefCell<Arc<Connection>>,
    private: RefCell<Option<Private>>,
    /// Which store it is: its folder may come to hold another.
    id: Option<Uuid>,
}

impl<'a> Client<'a> {
    /// Joins the host of a store, starting one where there is none.
    pub(crate) async fn connect(store: &'a Store) -> Result<Self, Failure> {
        let (connection, private) = find(store).await?;
        let id = connection.host().id;
        Ok(Self { store, connection: RefCell::new(Arc::new(connection)), private: RefCell::new(private), id })
    }

    /// Asks for something.
    pub(crate) async fn call<C: Call>(&self, call: C) -> Result<C::Answer, Failure> {
        self.ask(call, None).await
    }

    /// Asks for something that takes long, and hears how far it is.
    pub(crate) async fn call_with<C: Call>(
        &self,
        call: C,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<C::Answer, Failure> {
        self.ask(call, Some(Box::new(progress))).await
    }

    /// The entity that an id or an ending of one names.
    pub(crate) async fn find(&self, text: &str) -> Result<EntityId, Failure> {
        self.call(Find { text: text.to_owned() }).await
    }

    async fn ask<C: Call>(
        &self,
        call: C,
        mut progress: Option<Box<dyn FnMut(Progress) + Send>>,
    ) -> Result<C::Answer, Failure> {
        let (id, mut again, begun) = (Uuid::now_v7(), false, Instant::now());
        loop {
            let connection = self.connection();
            match connection.ask(id, again, &call, progress.take()).await {
                Ok(answer) => return Ok(answer?),
                Err(Lost::Silent(error)) => return Err(Failure::opening(error)),
                Err(Lost::Gone) => self.find_another(begun).await?,
            }
            again = true;
        }
    }

    /// Watches from now on, or after a number.
    pub(crate) async fn watch(&self, watch: &rpc::Watch) -> Result<RemoteWatch, Failure> {
        let begun = Instant::now();
        loop {
            match self.connection().watch(watch).await {
                Ok(watch) => return Ok(watch?),
                Err(Lost::Silent(error)) => return Err(Failure::opening(error)),
                Err(Lost::Gone) => self.find_another(begun).await?,
            }
        }
    }

    /// Asks the host for something that is not the engine's. `None` when it went away over it.
    pub(crate) async fn command<P: Serialize, A: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &P,
    ) -> Result<Option<A>, Failure> {
        match self.connection().command(method, params).await {
            Ok(answer) => Ok(Some(answer?)),
            Err(Lost::Silent(error)) => Err(Failure::opening(error)),
            Err(Lost::Gone) => Ok(None),
        }
    }

    /// Hangs up, and waits for an engine of the command's own to close the store.
    pub(crate) async fn close(self) {
        drop(self.connection);
        if let Some(private) = self.private.into_inner() {
            private.end().await;
        }
    }

    /// Who the host is.
    pub(crate) fn host(&self) -> Host {
        self.connection().host().clone()
    }

    fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection.borrow())
    }

    /// Joins another host than the one that is gone.
    async fn find_another(&self, begun: Instant) -> Result<(), Failure> {
        if let Some(private) = self.private.take() {
            // It had nobody else to ask it: asking a second one would meet the same.
            return Err(private.failure().await);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::opening(Error::new(
                ErrorKind::Locked,
                "the store's hosts end as soon as they are asked",
                "`altair daemon logs` tells why; `altair doctor --no-daemon` checks the store",
            )));
        }
        let moved = || {
            Failure::opening(Error::new(
                ErrorKind::Closed,
                format!(
                    "the store {} was moved, deleted or replaced in the middle of this",
                    self.store.path().display()
                ),
                "look where it is, and whether this was done",
            ))
        };
        // Else a new one would be made in its place, and take what was meant for the other.
        if self.store.socket().is_none() && self.id != store_id(self.store.path()) {
            return Err(moved());
        }
        let (connection, private) = find(self.store).await?;
        if connection.host().id != self.id {
            return Err(moved());
        }
        self.connection.replace(Arc::new(connection));
        self.private.replace(private);
        Ok(())
    }
}

/// Who hosts a store.
#[derive(Debug)]
pub(crate) enum Hosting {
    /// Nobody.
    Nobody,
    /// Somebody who was joined.
    Joined(Connection),
    /// Somebody who can't be joined, or not yet: who, if that is known.
    Apart(Option<Host>),
}

/// Who hosts a store, going by its lock and `host.json` alone: for who asks and doesn't want one to be started. The system may start one for whoever
/// connects to its socket.
pub(crate) async fn hosting(store: &Path) -> Result<Hosting, Failure> {
    match (Lock::of(store), Record::of(store)) {
        (Lock::Held(_), Record::There(host, _)) => {
            let joined = join(&host).await?;
            Ok(joined.map_or(Hosting::Apart(Some(host)), Hosting::Joined))
        }
        // Not everybody can be seen from everywhere, a container for one. At a socket of a host's own nobody is started.
        (Lock::Held(_), Record::Gone(host) | Record::Reused(host))
            if host.socket.as_deref() != activation(store).ok().as_deref() =>
        {
            Ok(join(&host).await?.map_or(Hosting::Apart(None), Hosting::Joined))
        }
        (Lock::Held(_), _) => Ok(Hosting::Apart(None)),
        _ => Ok(Hosting::Nobody),
    }
}

/// The host of a store, if there is one, or the system starts one.
async fn probe(store: &Path) -> Result<Option<Connection>, Failure> {
    if let Some(host) = read_own(store) {
        match join(&host).await {
            Ok(None) => {}
            // Whoever it was that made a difficulty, the host has the lock.
            Err(_) if !is_held(store, host.epoch) => {}
            joined => return joined,
        }
    }
    // A system that starts the host for whoever connects; most have none.
    match activation(store) {
        Ok(socket) if socket.exists() => join(&Host::at(&socket)).await,
        _ => Ok(None),
    }
}

async fn join(host: &Host) -> Result<Option<Connection>, Failure> {
    let token = grant::held()?;
    let guest = Guest { client: CLIENT, grant: token.as_deref() };
    Connection::join(host, guest, &Handle::current()).await.map_err(Failure::opening)
}

/// Joins the host of a store, or starts one.
async fn find(store: &Store) -> Result<(Connection, Option<Private>), Failure> {
    if let Some(socket) = store.socket() {
        let host = Host::at(socket);
        let joined = join(&host).await?;
        let missing = || {
            Failure::opening(Error::new(
                ErrorKind::Locked,
                format!("nobody listens on {}", socket.display()),
                "start what should, or unset ALTAIR_SOCKET",
            ))
        };
        return Ok((joined.ok_or_else(missing)?, None));
    }
    // A store that is there and fits is the usual case, and the quickest.
    if let Some(connection) = probe(store.path()).await? {
        if store.manner() == Manner::Daemon && is_outdated(connection.host()) {
            replace(store.path(), connection).await?;
        } else {
            return Ok((connection, None));
        }
    }
    // One command starts a host, and the others wait for it. What keeps the doctor from that is what it is to tell.
    let _lock = match store.manner() {
        Manner::Repair => SpawnLock::wait_a_little(store.path()).await,
        Manner::Daemon | Manner::Private => Some(SpawnLock::wait(store.path()).await?),
    };
    let mut tries = 0;
    loop {
        if let Some(connection) = probe(store.path()).await? {
            return Ok((connection, None));
        }
        tries += 1;
        let started = match store.manner() {
            Manner::Daemon => spawn::daemon(store.path()).await,
            Manner::Private => spawn::private(store.path(), false).await,
            Manner::Repair => spawn::private(store.path(), true).await,
        };
        match started {
            Ok(Started::Private(connection, private)) => return Ok((*connection, Some(private))),
            // It may have been killed already, or the one that it found.
            Ok(Started::Host | Started::Died(_)) if tries < TRIES => {}
            Ok(Started::Host) => {
                let message = "the store's host ended as soon as it had begun";
                let hint = "`altair daemon logs` tells more; `altair doctor` checks the store";
                return Err(Failure::opening(Error::new(ErrorKind::Locked, message, hint)));
            }
            Ok(Started::Died(how)) => {
                let message = format!("altaird ended before it had opened the store ({how})");
                let hint = "`altair daemon logs` may tell why; `altair doctor` checks the store";
                return Err(Failure::opening(Error::new(ErrorKind::Corrupt, message, hint)));
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether a daemon is older than this program: then the one beside this program takes over. An app is left alone, however old.
fn is_outdated(host: &Host) -> bool {
    host.kind == HostKind::Daemon && version(&host.version) < version(env!("CARGO_PKG_VERSION"))
}

/// A version, to be compared.
pub(crate) fn version(text: &str) -> Vec<u64> {
    let plain = text.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// Has a daemon finish and go.
async fn replace(store: &Path, connection: Connection) -> Result<(), Failure> {
    let _: Result<_, Lost> = connection.command::<_, serde_json::Value>(rpc::SHUTDOWN, &serde_json::json!({})).await;
    wait_until_gone(store, connection.host()).await
}

/// Waits until a host has gone.
pub(crate) async fn wait_until_gone(store: &Path, host: &Host) -> Result<(), Failure> {
    let deadline = Instant::now() + LEAVING;
    while is_held(store, host.epoch) {
        if Instant::now() > deadline {
            return Err(Failure::opening(Error::new(
                ErrorKind::Locked,
                format!("the host (process {}) was asked to go and is still there", host.pid),
                "it may be finishing something long: wait, or end that process",
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("0.9.3") < version("0.10.0"));
        assert!(version("1.0.0-rc.1") == version("1.0.0"));
        assert!(version("") < version("0.1.0"));
    }
}
