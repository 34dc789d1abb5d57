//! A process's seat at a store: its host, or a guest of whoever is. It finds one, and another one when the host is gone.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use altair_protocol::rpc::{Host, Watch as WatchRequest};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::DRAIN;
use super::connection::{Connection, Guest, Lost, RemoteWatch};
use super::record;
use crate::engine::{Act, Asked, Config, Inner, LocalWatch, OnProgress, Runtime, closed, moved};
use crate::error::{Error, ErrorKind, Result};
use crate::store::folder::{Folder, locked, store_id};

/// Between two tries for a seat.
const AGAIN: Duration = Duration::from_millis(10);
/// Between two tries for a watch that has lost its host.
const PAUSE: Duration = Duration::from_millis(200);
/// What this library calls itself to a host.
const CLIENT: &str = concat!("altair-core ", env!("CARGO_PKG_VERSION"));

/// Where a process sits.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// The engine is here.
    Host(Arc<Inner>),
    /// It is in another process.
    Guest(Arc<Connection>),
    /// The store was closed.
    Nowhere,
}

/// A seat at a store, and the way to another.
#[derive(Debug)]
pub(crate) struct Seat {
    config: Config,
    place: RwLock<Place>,
    /// One caller looks for another seat, and the others wait.
    moving: Arc<Mutex<()>>,
    /// Which store it is: its folder may come to hold another.
    store: OnceLock<Uuid>,
    runtime: Runtime,
}

impl Seat {
    /// Hosts the store, or joins who does.
    pub(crate) async fn take(config: Config) -> Result<Arc<Self>> {
        let runtime = Runtime::small()?;
        let seat = Arc::new(Self {
            config,
            place: RwLock::new(Place::Nowhere),
            moving: Arc::default(),
            store: OnceLock::new(),
            runtime,
        });
        let handle = seat.runtime.handle()?;
        let finding = find(seat.config.clone(), None, None, Instant::now() + seat.config.lock_wait, handle.clone());
        let place = on(&handle, finding).await?;
        seat.sit(place);
        Ok(seat)
    }

    fn sit(&self, place: Place) {
        let store = match &place {
            Place::Host(engine) => engine.store_id(),
            Place::Guest(connection) => connection.host().id,
            Place::Nowhere => None,
        };
        if let Some(store) = store {
            let _ = self.store.set(store);
        }
        *self.place.write().unwrap_or_else(PoisonError::into_inner) = place;
    }

    pub(crate) fn place(&self) -> Place {
        self.place.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn store(&self) -> &Path {
        &self.config.store
    }

    /// Gives the seat up.
    pub(crate) fn leave(&self) -> Place {
        std::mem::replace(&mut *self.place.write().unwrap_or_else(PoisonError::into_inner), Place::Nowhere)
    }

    /// Does what a call asks, here or where the engine is.
    pub(crate) async fn call<C: Act>(self: &Arc<Self>, call: C, mut progress: Option<OnProgress>) -> Result<C::Answer> {
        let mut asked = None;
        loop {
            match self.place() {
                Place::Nowhere => return Err(closed()),
                Place::Host(inner) => return inner.run(call, asked, progress).await,
                Place::Guest(connection) => {
                    let Asked { id, again } = *asked.get_or_insert_with(|| Asked { id: self.mint(), again: false });
                    match connection.ask(id, again, &call, progress.take()).await {
                        Ok(answer) => return answer,
                        Err(Lost::Silent(error)) => return Err(error),
                        Err(Lost::Gone) => self.change(&connection).await?,
                    }
                    asked = Some(Asked { id, again: true });
                }
            }
        }
    }

    /// An id for a request, of the time that the engine goes by.
    fn mint(&self) -> Uuid {
        let environment = &self.config.environment;
        altair_protocol::EntityId::v7(environment.now(), environment.random()).uuid()
    }

    /// Watches, from now on or after a number.
    pub(crate) async fn watch(self: &Arc<Self>, watch: WatchRequest) -> Result<Watching> {
        loop {
            match self.place() {
                Place::Nowhere => return Err(closed()),
                Place::Host(inner) => {
                    let handle = inner.handle()?;
                    let beginning = async move { inner.watch(watch.kind, watch.after).await };
                    return Ok(Watching::Here(on(&handle, beginning).await?));
                }
                Place::Guest(connection) => match connection.watch(&watch).await {
                    Ok(remote) => return Ok(Watching::There(remote?)),
                    Err(Lost::Silent(error)) => return Err(error),
                    Err(Lost::Gone) => self.change(&connection).await?,
                },
            }
        }
    }

    /// Takes another seat than with a connection that is gone. Begun, it is done to its end: a caller that stops waiting leaves a seat for the next.
    async fn change(self: &Arc<Self>, gone: &Arc<Connection>) -> Result<()> {
        let handle = self.runtime.handle()?;
        // Those who wait for their turn don't each wait as long.
        let deadline = Instant::now() + self.config.lock_wait + DRAIN;
        let (seat, gone) = (Arc::clone(self), Arc::clone(gone));
        let moving = async move {
            let _alone = Arc::clone(&seat.moving).lock_owned().await;
            if !matches!(seat.place(), Place::Guest(now) if Arc::ptr_eq(&now, &gone)) {
                // Somebody else has found one meanwhile, or left.
                return Ok(());
            }
            let runtime = seat.runtime.handle()?;
            let store = seat.store.get().copied();
            let found = find(seat.config.clone(), Some(gone.host().epoch), store, deadline, runtime).await?;
            if matches!(seat.place(), Place::Guest(_)) {
                seat.sit(found);
            } else if let Place::Host(engine) = found {
                engine.close().await?;
            }
            Ok(())
        };
        on(&handle, moving).await
    }

    /// Waits a little, wherever the caller runs.
    pub(crate) async fn pause(&self) {
        if let Ok(handle) = self.runtime.handle() {
            let _ = handle.spawn(tokio::time::sleep(PAUSE)).await;
        }
    }
}

/// A subscription, here or there.
#[derive(Debug)]
pub(crate) enum Watching {
    Here(LocalWatch),
    There(RemoteWatch),
}

/// Does something on a runtime, to its end.
async fn on<T: Send + 'static>(runtime: &Handle, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    runtime.spawn(work).await.unwrap_or_else(|_| Err(closed()))
}

/// Finds a seat: the lock, if nobody has it; else with whoever has. Who had one before (`gone`) wants the same store, and no earlier host.
async fn find(
    config: Config,
    gone: Option<u64>,
    wanted: Option<Uuid>,
    deadline: Instant,
    runtime: Handle,
) -> Result<Place> {
    loop {
        if let Some(wanted) = wanted
            && store_id(&config.store) != Some(wanted)
        {
            // Else a new one would be made in its place, and take what was meant for the other.
            return Err(moved(&config.store));
        }
        let root = config.store.clone();
        let locking = tokio::task::spawn_blocking(move || Folder::try_lock(&root));
        let locking = locking.await.map_err(|error| Error::internal("the store can't be locked").because(error))?;
        match locking? {
            Some(folder) => match crate::engine::host(config.clone(), folder).await {
                // Whoever closed it just now is not quite done.
                Err(error) if error.kind() == ErrorKind::Locked && Instant::now() < deadline => {}
                hosted => return Ok(Place::Host(hosted?)),
            },
            None => {
                let host = record::read_own(&config.store).filter(|_| !config.repair);
                if let Some(host) = host
                    && let Some(connection) = join(&host, &runtime).await?
                    && connection.host().epoch >= gone.unwrap_or(0)
                {
                    return Ok(Place::Guest(Arc::new(connection)));
                }
            }
        }
        if Instant::now() >= deadline {
            return Err(locked(&config.store));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn join(host: &Host, runtime: &Handle) -> Result<Option<Connection>> {
    match Connection::join(host, Guest { client: CLIENT, grant: None }, runtime).await {
        // Whoever can't be spoken to has the store all the same.
        Err(error) if error.kind() == ErrorKind::Internal => {
            tracing::warn!(%error, "the host can't be joined");
            Ok(None)
        }
        joined => joined,
    }
}
