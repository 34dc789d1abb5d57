//! A process's seat at a store: its host, or a guest of whoever is. It finds one, and another one when the host is gone.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use altair_protocol::request::Progress;
use altair_protocol::rpc::{Host, Watch as WatchRequest};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::connection::{Connection, Lost, RemoteWatch};
use super::record;
use crate::engine::{Act, Asked, Config, Inner, LocalWatch, Runtime, closed};
use crate::error::{Error, ErrorKind, Result};
use crate::store::folder::{Folder, locked};

/// Between two tries for a seat.
const AGAIN: Duration = Duration::from_millis(10);
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
    moving: Mutex<()>,
    runtime: Runtime,
}

impl Seat {
    /// Hosts the store, or joins who does.
    pub(crate) async fn take(config: Config) -> Result<Self> {
        let runtime = Runtime::small()?;
        let handle = runtime.handle()?;
        let finding = find(config.clone(), 0, handle.clone());
        let place = on(&handle, finding).await?;
        Ok(Self { config, place: RwLock::new(place), moving: Mutex::new(()), runtime })
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
    pub(crate) async fn call<C: Act>(
        &self,
        call: C,
        mut progress: Option<Box<dyn FnMut(Progress) + Send>>,
    ) -> Result<C::Answer> {
        let mut asked = None;
        loop {
            match self.place() {
                Place::Nowhere => return Err(closed()),
                Place::Host(inner) => return inner.run(call, asked, progress).await,
                Place::Guest(connection) => {
                    let Asked { id, again } = *asked.get_or_insert_with(|| Asked { id: Uuid::now_v7(), again: false });
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

    /// Watches, from now on or after a number.
    pub(crate) async fn watch(&self, watch: WatchRequest) -> Result<Watching> {
        loop {
            match self.place() {
                Place::Nowhere => return Err(closed()),
                Place::Host(inner) => return Ok(Watching::Here(inner.watch(watch.kind, watch.after).await?)),
                Place::Guest(connection) => match connection.watch(&watch).await {
                    Ok(remote) => return Ok(Watching::There(remote?)),
                    Err(Lost::Silent(error)) => return Err(error),
                    Err(Lost::Gone) => self.change(&connection).await?,
                },
            }
        }
    }

    /// Takes another seat than with a host that is gone.
    async fn change(&self, gone: &Arc<Connection>) -> Result<()> {
        let _alone = self.moving.lock().await;
        if !matches!(self.place(), Place::Guest(now) if Arc::ptr_eq(&now, gone)) {
            // Somebody else has found one meanwhile, or left.
            return Ok(());
        }
        let handle = self.runtime.handle()?;
        let found = on(&handle, find(self.config.clone(), gone.host().epoch, handle.clone())).await?;
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Guest(_)) {
            *place = found;
        }
        Ok(())
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

/// Finds a seat: the lock, if nobody has it; else with a host later than the one that is gone.
async fn find(config: Config, gone: u64, runtime: Handle) -> Result<Place> {
    let deadline = Instant::now() + config.lock_wait;
    loop {
        let root = config.store.clone();
        let locking = tokio::task::spawn_blocking(move || Folder::try_lock(&root));
        let locking = locking.await.map_err(|error| Error::internal("the store can't be locked").because(error))?;
        if let Some(folder) = locking? {
            match crate::engine::host(config.clone(), folder).await {
                // Whoever closed it just now is not quite done.
                Err(error) if error.kind() == ErrorKind::Locked && Instant::now() < deadline => {}
                hosted => return Ok(Place::Host(hosted?)),
            }
            tokio::time::sleep(AGAIN).await;
            continue;
        }
        let host = record::read_own(&config.store).filter(|host| host.epoch > gone);
        if let (Some(host), false) = (host, config.repair)
            && let Some(connection) = join(&host, gone, &runtime).await?
        {
            return Ok(Place::Guest(Arc::new(connection)));
        }
        if Instant::now() >= deadline {
            return Err(locked(&config.store));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn join(host: &Host, gone: u64, runtime: &Handle) -> Result<Option<Connection>> {
    match Connection::join(host, CLIENT, runtime).await {
        Ok(found) => Ok(found.filter(|connection| connection.host().epoch > gone)),
        // Whoever can't be spoken to has the store all the same.
        Err(error) if error.kind() == ErrorKind::Internal => {
            tracing::warn!(%error, "the host can't be joined");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
