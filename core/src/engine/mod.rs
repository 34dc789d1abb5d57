//! What callers see: one handle, [`Altair`], whose methods are whole acts (capture, triage, import).
//!
//! Invariant: every method either does all of what it says, durably, or nothing; what goes on for long (import, export, purging, restoring a backup)
//! does so part by part, and can be done again. Work runs on the engine's own runtime, whose stacks are as large as
//! SurrealDB wants them, so a caller's thread never polls the database and a caller that stops waiting leaves no act half done.
//!
//! A handle has a seat at its store ([`crate::host`]): the engine is here, or in another process that hosts. Each method is a call (`altair_protocol::rpc`) that the
//! seat takes to the engine, wherever it is; how the engine does it is the call's [`Act`].
//!
//! Each file is one concept: the handle here, opening and closing the engine in `lifecycle`, its threads in `runtime`, then `act`, `create`, `edit`, `links`, `trash`, `history`, `undo`, `conflicts`,
//! `attachments`, `finding`, `watching`, `backup`, `doctor` and `status`.

mod act;
mod attachments;
mod backup;
mod conflicts;
mod create;
mod doctor;
mod edit;
mod finding;
mod history;
mod lifecycle;
mod links;
mod runtime;
mod status;
mod trash;
mod undo;
mod watching;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use altair_protocol::rpc::{self, Host, HostKind};
use altair_protocol::view::Entity;
use altair_protocol::{DeviceId, EntityId};
use tokio::runtime::Handle;

use act::Running;
pub(crate) use act::{Act, Asked, Here, OnProgress, is_short, perform};
pub use altair_protocol::request::{
    AttachmentFile, BackedUp, Diagnosis, Edit, Exported, Fields, HostStatus, Imported, List, New, NewCapture, Page,
    Problem, Progress, Resolution, Search, Sizes, Skipped, Status, SyncStatus,
};
pub(crate) use attachments::media_type;
pub(crate) use conflicts::{MAX_HELD, take_in};
pub use create::MAX_TEXT_BYTES;
pub(crate) use create::{created_op, set};
pub(crate) use lifecycle::host;
pub(crate) use runtime::Runtime;
pub(crate) use watching::LocalWatch;
pub use watching::{Watch, Watched};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::host::seat::{Place, Seat};
use crate::host::{Handed, Listener};
use crate::store::Database;
use crate::store::blobs::Blobs;
use crate::store::folder::Folder;
use crate::store::write::Writer;
use crate::sync::replica::Sent;
use finding::Finder;
use tracing::Instrument as _;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's folder; it is made where it isn't there.
    pub store: PathBuf,
    /// How long to wait for another process that has the store and can't be joined: one that is just opening or closing it.
    pub lock_wait: Duration,
    /// The database's block cache, in bytes.
    pub block_cache_bytes: u64,
    /// What the database keeps in memory before it goes to a table file, in bytes. An act has to fit it.
    pub memtable_bytes: u64,
    /// The clock and the source of randomness.
    pub environment: Environment,
    /// Opens a store that has lost commits, which is refused otherwise: for [`Altair::doctor`] and [`Altair::accept_loss`]. Nobody is joined then.
    pub repair: bool,
    /// What sort of process this is, for those that find it hosting.
    pub kind: HostKind,
    /// The socket to listen on as host, where this process was handed one, which only Unix does; else it makes one.
    pub listener: Option<Arc<Handed>>,
}

impl Config {
    /// The defaults for a store in a folder.
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            store: store.into(),
            lock_wait: Duration::from_secs(10),
            block_cache_bytes: 32 << 20,
            memtable_bytes: 64 << 20,
            environment: Environment::default(),
            repair: false,
            kind: HostKind::App,
            listener: None,
        }
    }
}

/// An open store, hosted by this process or by another that it has joined. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Altair {
    seat: Arc<Seat>,
}

/// The engine: what a host has.
#[derive(Debug)]
pub(crate) struct Inner {
    runtime: Runtime,
    pub(crate) db: Database,
    pub(crate) writer: Arc<Writer>,
    pub(crate) blobs: Blobs,
    pub(crate) finder: Arc<Finder>,
    pub(crate) device: DeviceId,
    /// One import or export at a time: what they know of a vault's files is then true until they end.
    pub(crate) vaults: Arc<tokio::sync::Mutex<()>>,
    /// Whether it is closed; held while it closes.
    closing: Arc<tokio::sync::Mutex<bool>>,
    closed: Arc<AtomicBool>,
    /// What was found wrong while opening for repair.
    pub(crate) found: Option<Found>,
    pub(crate) running: Arc<Running>,
    /// What is known of the outbox by who syncs; held while the store does something for them.
    pub(crate) replica: Arc<tokio::sync::Mutex<Sent>>,
    listener: OnceLock<Listener>,
    /// Its lock goes last.
    pub(crate) folder: Arc<Folder>,
}

/// What was found wrong while opening for repair.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) problem: String,
    /// Whether commits are lost; else it is repaired already.
    pub(crate) lost: bool,
}

impl Altair {
    /// Opens the store, making a new one where there is none. If another process has it open, this one joins it, and takes over when that one is gone:
    /// callers can't tell the difference.
    ///
    /// # Errors
    /// `Locked` when another process has it and can't be joined within [`Config::lock_wait`], doesn't answer, or the folder can't be used; `Unsupported`
    /// when a newer version wrote it, or has it open and speaks another protocol; `Corrupt` when part of it is missing or damaged. Nothing is changed then.
    pub async fn open(config: Config) -> Result<Self> {
        // The host may be in another folder.
        let config = Config { store: absolute(&config.store)?, ..config };
        Ok(Self { seat: Seat::take(config).await? })
    }

    /// Finishes what is under way and closes the store. Every clone of this handle is closed with it. Guests of this process find another host.
    pub async fn close(self) -> Result<()> {
        match self.seat.leave() {
            Place::Host(engine) => engine.close().await,
            Place::Guest(connection) => {
                connection.close();
                Ok(())
            }
            Place::Nowhere => Ok(()),
        }
    }

    /// Who hosts the store; `None` once it is closed.
    pub fn host(&self) -> Option<Host> {
        match self.seat.place() {
            Place::Host(engine) => engine.listener.get().map(Listener::host),
            Place::Guest(connection) => Some(connection.host().clone()),
            Place::Nowhere => None,
        }
    }

    /// Whether another process hosts the store.
    pub fn is_guest(&self) -> bool {
        matches!(self.seat.place(), Place::Guest(_))
    }

    /// Where this process hosts: ends when it was asked to go, or the store was moved from under it. For a daemon, which then closes.
    pub async fn asked_to_go(&self) {
        let Place::Host(engine) = self.seat.place() else { return };
        let Some(mut shutdown) = engine.listener.get().map(Listener::shutdown) else { return };
        // The listener is as old as the engine, which is held.
        let _ = shutdown.wait_for(|asked| *asked).await;
    }

    /// Where this process hosts: serves a guest that came through a socket of its own, and ends when that guest has left.
    ///
    /// # Errors
    /// When this process doesn't host, or the socket can't be used.
    #[cfg(unix)]
    pub async fn serve(&self, stream: std::os::unix::net::UnixStream) -> Result<()> {
        let Place::Host(engine) = self.seat.place() else {
            return Err(Error::refused("this process doesn't host the store", "join the host"));
        };
        let Some(listener) = engine.listener.get() else { return Err(closed()) };
        listener.serve(stream, &engine.db.handle()?)?.await.map_err(|_| closed())
    }

    /// The number of the last commit.
    pub fn head(&self) -> u64 {
        match self.seat.place() {
            Place::Host(engine) => engine.folder.published(),
            Place::Guest(_) | Place::Nowhere => crate::store::folder::published_head(self.seat.store()),
        }
        .unwrap_or(0)
    }

    /// The entity that an id or an unambiguous ending of one names.
    pub async fn find(&self, text: &str) -> Result<EntityId> {
        self.call(rpc::Find { text: text.to_owned() }).await
    }

    /// One entity.
    pub async fn get(&self, id: EntityId) -> Result<Entity> {
        self.call(rpc::Get { id }).await
    }

    /// The engine, where this process hosts.
    pub(crate) fn engine(&self) -> Option<Arc<Inner>> {
        match self.seat.place() {
            Place::Host(engine) => Some(engine),
            Place::Guest(_) | Place::Nowhere => None,
        }
    }

    /// Does what a call asks, wherever the engine is.
    pub(crate) async fn call<C: Act>(&self, call: C) -> Result<C::Answer> {
        self.seat.call(call, None).await
    }

    /// The same for a call that goes on for long, and tells how far it is.
    pub(crate) async fn call_with<C: Act>(&self, call: C, progress: OnProgress) -> Result<C::Answer> {
        self.seat.call(call, Some(progress)).await
    }
}

impl Act for rpc::Find {
    fn is_short(&self) -> bool {
        true
    }

    async fn act(self, here: Here) -> Result<EntityId> {
        let Self { text } = self;
        here.find(text.trim()).await
    }
}

impl Act for rpc::Get {
    fn is_short(&self) -> bool {
        true
    }

    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id } = self;
        here.require(id).await
    }
}

impl Inner {
    /// Runs an act on the engine's threads, to its end whatever becomes of the caller, in a span that has its name.
    pub(crate) async fn run<C: Act>(
        self: Arc<Self>,
        call: C,
        asked: Option<Asked>,
        progress: Option<OnProgress>,
    ) -> Result<C::Answer> {
        if self.is_closed() {
            return Err(closed());
        }
        let handle = if call.is_short() { self.db.handle()? } else { self.runtime.handle()? };
        let span = tracing::debug_span!("request", name = C::METHOD);
        match handle.spawn(perform(self, call, asked, progress).instrument(span)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                Err(Error::corrupt("the engine stopped in the middle of this, most likely over damaged data")
                    .because(error))
            }
            Err(_) => Err(closed()),
        }
    }

    /// Which store it is.
    pub(crate) fn store_id(&self) -> Option<uuid::Uuid> {
        crate::store::folder::store_id(self.folder.root())
    }

    /// Where acts run that are not short.
    pub(crate) fn handle(&self) -> Result<Handle> {
        self.runtime.handle()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    async fn find(&self, text: &str) -> Result<EntityId> {
        if let Ok(id) = text.parse::<EntityId>() {
            return match self.db.entity(id).await? {
                Some(_) => Ok(id),
                None => Err(Error::not_found(format_args!("entity with the id {id}"))),
            };
        }
        let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
        if digits.len() < 4 || digits.len() > 31 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::invalid(
                format!("\"{}\" is not an id", text.escape_debug()),
                "use a whole id, or its last four or more characters, as `altair list` shows them",
            ));
        }
        match self.db.ending(&digits, 2).await?.as_slice() {
            [] => Err(Error::not_found(format_args!("entity whose id ends in {digits}"))),
            [id] => Ok(*id),
            _ => Err(Error::invalid(format!("several ids end in {digits}"), "give more of its characters")),
        }
    }

    /// An entity that must be there.
    pub(crate) async fn require(&self, id: EntityId) -> Result<Entity> {
        let found = self.db.entity(id).await?;
        let staged = found.ok_or_else(|| Error::not_found(format_args!("entity with the id {id}")))?;
        Ok(staged.reading.entity.clone())
    }
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store has been closed", "open it again")
}

pub(crate) fn moved(store: &Path) -> Error {
    Error::new(
        ErrorKind::Closed,
        format!("the store {} was moved, deleted or replaced while it was open", store.display()),
        "put it back and open it again; what was answered before is in it",
    )
}

/// A path as every process understands it.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("finding", path, error))
}
