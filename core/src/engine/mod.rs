//! What callers see: one handle, [`Altair`], whose methods are whole acts (capture, triage, import).
//!
//! Invariant: every method either does all of what it says, durably, or nothing; what goes on for long (import, export, purging, restoring a backup)
//! does so part by part, and can be done again. Work runs on the engine's own runtime, whose stacks are as large as
//! SurrealDB wants them, so a caller's thread never polls the database and a caller that stops waiting leaves no act half done.
//!
//! A handle has a seat at its store ([`crate::host`]): the engine is here, or in another process that hosts. Each method is a call (`altair_protocol::rpc`) that the
//! seat takes to the engine, wherever it is; how the engine does it is the call's [`Act`].
//!
//! Each file is one concept: opening and closing here, then `act`, `create`, `edit`, `links`, `trash`, `history`, `undo`, `conflicts`,
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
mod links;
mod status;
mod trash;
mod undo;
mod watching;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use altair_protocol::rpc::{self, Host, HostKind, Protocol};
use altair_protocol::view::Entity;
use altair_protocol::{DeviceId, EntityId};
use tokio::runtime::Handle;

use act::Running;
pub(crate) use act::{Act, Asked, Here, OnProgress, perform};
pub use altair_protocol::request::{
    AttachmentFile, BackedUp, Diagnosis, Edit, Exported, Fields, HostStatus, Imported, List, New, NewCapture, Page,
    Problem, Progress, Resolution, Search, Sizes, Skipped, Status, SyncStatus,
};
pub(crate) use attachments::media_type;
pub use create::MAX_TEXT_BYTES;
pub(crate) use create::{created_op, set};
pub(crate) use watching::LocalWatch;
pub use watching::{Watch, Watched};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::host::seat::{Place, Seat};
use crate::host::{Listener, started};
use crate::store::Database;
use crate::store::blobs::Blobs;
use crate::store::database::{FORMAT, Memory};
use crate::store::folder::{Folder, Identity};
use crate::store::rows::{StoreRow, store_id};
use crate::store::safekeeping::Safekeeping;
use crate::store::write::{Head, Writer};
use finding::Finder;
use tracing::Instrument as _;

/// SurrealDB recurses deeply; with tokio's 2 MiB it can overflow the stack.
const STACK_BYTES: usize = 10 << 20;
/// How often a host looks after what it has to.
const KEEPING: Duration = Duration::from_secs(1);

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
    /// The socket to listen on as host, where this process was handed one; else it makes one.
    pub listener: Option<Arc<UnixListener>>,
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

/// A runtime that may be dropped anywhere, in async code too.
#[derive(Debug)]
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// For the engine.
    fn large() -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8);
        Self::new(threads, STACK_BYTES, "altair")
    }

    /// For a connection to a host.
    pub(crate) fn small() -> Result<Self> {
        Self::new(1, 2 << 20, "altair-seat")
    }

    fn new(threads: usize, stack: usize, name: &str) -> Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads).thread_stack_size(stack).thread_name(name).enable_all();
        let runtime = builder.build();
        // Wrapped at once: a caller that stops waiting drops it wherever it is.
        runtime
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::internal("the engine's threads can't be started").because(error))
    }

    pub(crate) fn handle(&self) -> Result<Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(closed)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
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
        listener.serve(stream)?.await.map_err(|_| closed())
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
    async fn act(self, here: Here) -> Result<EntityId> {
        let Self { text } = self;
        here.find(text.trim()).await
    }
}

impl Act for rpc::Get {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id } = self;
        here.require(id).await
    }
}

impl Inner {
    /// Runs an act on the engine's runtime, to its end whatever becomes of the caller, in a span that has its name.
    pub(crate) async fn run<C: Act>(
        self: Arc<Self>,
        call: C,
        asked: Option<Asked>,
        progress: Option<OnProgress>,
    ) -> Result<C::Answer> {
        if self.is_closed() {
            return Err(closed());
        }
        let handle = self.runtime.handle()?;
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

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lets guests have their answers, finishes what is under way and lets go of the store.
    pub(crate) async fn close(self: Arc<Self>) -> Result<()> {
        let Ok(handle) = self.runtime.handle() else { return Ok(()) };
        let closing = handle.spawn(async move {
            if let Some(listener) = self.listener.get() {
                listener.close().await;
            }
            self.parts().close().await
        });
        closing.await.map_err(|error| Error::internal("closing the store failed").because(error))?
    }

    /// What has to be closed.
    fn parts(&self) -> Closing {
        Closing {
            db: self.db.clone(),
            writer: Arc::clone(&self.writer),
            finder: Arc::clone(&self.finder),
            folder: Arc::clone(&self.folder),
            closing: Arc::clone(&self.closing),
            closed: Arc::clone(&self.closed),
        }
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

impl Drop for Inner {
    /// A handle that is dropped without a word leaves a store that is closed all the same: in the background, as dropping can't wait.
    fn drop(&mut self) {
        if self.is_closed() {
            return;
        }
        let parts = self.parts();
        let Some(runtime) = self.runtime.0.take() else { return };
        std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(parts.close()) {
                tracing::warn!(%error, "closing the store failed");
            }
            runtime.shutdown_background();
        });
    }
}

/// What has to be closed of an engine.
struct Closing {
    db: Database,
    writer: Arc<Writer>,
    finder: Arc<Finder>,
    folder: Arc<Folder>,
    closing: Arc<tokio::sync::Mutex<bool>>,
    closed: Arc<AtomicBool>,
}

impl Closing {
    /// Closes it, once. Who comes second waits for the first.
    async fn close(self) -> Result<()> {
        let mut done = self.closing.lock().await;
        if std::mem::replace(&mut *done, true) {
            return Ok(());
        }
        self.writer.close().await;
        if !self.folder.is_ours() {
            // What closing would write goes by its path, and that is another's now. What was answered is on disk, wherever that is.
            self.closed.store(true, Ordering::Release);
            std::mem::forget(self.db);
            self.folder.release();
            return Err(moved(self.folder.root()));
        }
        self.finder.close().await;
        self.closed.store(true, Ordering::Release);
        let closed = self.db.close().await;
        if closed.is_ok() {
            Safekeeping::note(self.folder.root());
        }
        self.folder.release();
        closed
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

/// What has to be put back if opening fails, with the folder, which stays locked as long.
type Kept = Arc<std::sync::Mutex<Option<(Safekeeping, Arc<Folder>)>>>;

/// Ends everything of a database that was refused, and puts its files back: what is left of it might still write. This blocks, for some seconds at
/// the most, and only here.
fn put_back(runtime: tokio::runtime::Runtime, kept: &Kept) {
    let Some((keeping, folder)) = kept.lock().ok().and_then(|mut kept| kept.take()) else {
        runtime.shutdown_background();
        return;
    };
    let ending = std::thread::spawn(move || {
        runtime.shutdown_timeout(Duration::from_secs(5));
        if let Err(failed) = keeping.put_back() {
            tracing::error!(error = %failed, "the database's files could not be put back; they are in db.kept");
        }
        drop(folder);
    });
    if ending.join().is_err() {
        tracing::error!("the database's files could not be put back; they are in db.kept");
    }
}

/// A path as every process understands it.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("finding", path, error))
}

/// Opens the engine on a folder that this process has the lock of, and lets guests in.
pub(crate) async fn host(config: Config, folder: Folder) -> Result<Arc<Inner>> {
    let mut runtime = Runtime::large()?;
    let handle = runtime.handle()?;
    let kept = Arc::new(std::sync::Mutex::new(None));
    let mut host = Host {
        started: started(std::process::id()).unwrap_or(0),
        store: folder.root().to_owned(),
        epoch: folder.epoch,
        kind: config.kind,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: Protocol::OURS,
        ..Host::of(std::process::id())
    };
    folder.announce(&host)?;
    let listener = config.listener.clone();
    let opened = handle.spawn(open(config, folder, Arc::clone(&kept))).await.unwrap_or_else(|error| {
        Err(Error::corrupt("the database can't be opened: it is damaged in a way that stops its reader").because(error))
    });
    let mut parts = match opened {
        Ok(parts) => parts,
        Err(error) => {
            if let Some(runtime) = runtime.0.take() {
                put_back(runtime, &kept);
            }
            return Err(error);
        }
    };
    parts.runtime = runtime;
    let engine = Arc::new(parts);
    host.id = engine.store_id();
    let (listener, announced, listening) = Listener::begin(host, listener.as_deref(), &engine, &handle);
    host = announced;
    match listening.and_then(|()| engine.folder.announce(&host)) {
        Ok(()) => {}
        Err(error) => tracing::warn!(%error, "other processes can't join this one: the store is this one's alone"),
    }
    if engine.listener.set(listener).is_err() {
        tracing::error!("the engine was given a second listener");
    }
    handle.spawn(keep(Arc::downgrade(&engine)));
    tracing::info!(device = %engine.device, seq = engine.folder.published(), epoch = host.epoch, "the store is open");
    Ok(engine)
}

/// What a host looks after, as long as it is one: that the store is still where it was, and that old answers are forgotten.
async fn keep(engine: std::sync::Weak<Inner>) {
    let mut ticks = tokio::time::interval(KEEPING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let forget_every = act::REMEMBERED.as_secs() / KEEPING.as_secs();
    for tick in 0_u64.. {
        ticks.tick().await;
        let Some(engine) = engine.upgrade().filter(|engine| !engine.is_closed()) else { return };
        if !engine.folder.is_ours() {
            tracing::error!("the store was moved or replaced while it was open: it is closed");
            if let Some(listener) = engine.listener.get() {
                listener.ask_to_go();
            }
            let _ = engine.close().await;
            return;
        }
        if engine.writer.has_stopped() {
            tracing::error!("the database can't be read any more: the store is closed, and others may try");
            if let Some(listener) = engine.listener.get() {
                listener.ask_to_go();
            }
            let _ = engine.close().await;
            return;
        }
        if tick % forget_every == 0 {
            let remembered = u64::try_from(act::REMEMBERED.as_millis()).unwrap_or(u64::MAX);
            let before = engine.writer.environment.now().saturating_sub(remembered);
            engine.running.forget(uuid::Builder::from_unix_timestamp_millis(before, &[0; 10]).into_uuid());
            if let Err(error) = engine.db.forget_answers(before).await {
                tracing::warn!(%error, "old answers could not be forgotten");
            }
        }
    }
}

/// Opens everything but the runtime, which is filled in by the caller.
async fn open(config: Config, folder: Folder, kept: Kept) -> Result<Inner> {
    let folder = Arc::new(folder);
    folder.check_database_is_free()?;
    Safekeeping::recover(folder.root())?;
    let identity = match folder.identity() {
        // The database knows what the file says.
        Err(error) if config.repair && error.kind() == ErrorKind::Corrupt && folder.has_lost_identity() => {
            Some(Identity { format: FORMAT, store: uuid::Uuid::nil(), ready: true, restoring: false })
        }
        identity => identity?,
    };
    let store = match &identity {
        Some(identity) => identity.clone(),
        None => {
            let environment = &config.environment;
            let store = DeviceId::v7(environment.now(), environment.random()).uuid();
            let identity = Identity { format: FORMAT, store, ready: false, restoring: false };
            folder.set_identity(&identity)?;
            identity
        }
    };
    let memory = Memory { block_cache: config.block_cache_bytes, memtable: config.memtable_bytes };
    let keeping = Safekeeping::begin(folder.root(), store.ready)?;
    if let Ok(mut kept) = kept.lock() {
        *kept = Some((keeping, Arc::clone(&folder)));
    }
    let (db, row, head, found) = open_database(&config, &folder, store, memory).await?;
    let keeping = kept.lock().ok().and_then(|mut kept| kept.take());
    if let Some((keeping, _)) = keeping {
        keeping.end()?;
    }
    Ok(assemble(config, folder, db, &row, head, found))
}

async fn open_database(
    config: &Config,
    folder: &Folder,
    identity: Identity,
    memory: Memory,
) -> Result<(Database, StoreRow, Head, Option<Found>)> {
    let db = Database::open(Some(&folder.database()), memory).await?;
    match prepare(config, folder, &db, identity).await {
        Ok((row, head, found)) => Ok((db, row, head, found)),
        Err(error) => {
            // The database has to let go of its files, so that they can be put back as they were.
            let _ = db.close().await;
            Err(error)
        }
    }
}

/// Migrates, and checks that the database is the one that the folder speaks of and has every commit.
async fn prepare(
    config: &Config,
    folder: &Folder,
    db: &Database,
    identity: Identity,
) -> Result<(StoreRow, Head, Option<Found>)> {
    db.migrate().await?;
    let row = match db.store_row().await? {
        Some(row) => row,
        None if identity.ready => {
            return Err(Error::corrupt(format!(
                "the database in {} has lost its contents",
                folder.database().display()
            )));
        }
        None => {
            let environment = &config.environment;
            let device = DeviceId::v7(environment.now(), environment.random());
            let row =
                StoreRow { id: store_id(), format: FORMAT, store: identity.store.into(), device: device.uuid().into() };
            db.set_store_row(row.clone()).await?;
            row
        }
    };
    let device_store = uuid::Uuid::from(row.store);
    let mut found = None;
    if identity.store.is_nil() {
        folder.set_identity(&Identity { store: device_store, ..identity.clone() })?;
        found = Some(Found { problem: "store.json was missing or damaged".to_owned(), lost: false });
    } else if device_store != identity.store {
        return Err(Error::corrupt(format!(
            "{} belongs to another store: it was copied in part",
            folder.database().display()
        )));
    }
    if !identity.ready {
        folder.set_identity(&Identity { ready: true, ..identity })?;
    }
    let head = db.head_row().await?.as_ref().map(Head::of).unwrap_or_default();
    let lost = folder.published().filter(|published| *published > head.seq);
    if let Some(published) = lost {
        let problem =
            format!("the database ends at change {}, and change {published} was committed: it has lost some", head.seq);
        if !config.repair {
            return Err(Error::corrupt(problem));
        }
        found = Some(Found { problem, lost: true });
    } else {
        folder.publish(head.seq);
    }
    Ok((row, head, found))
}

fn assemble(
    config: Config,
    folder: Arc<Folder>,
    db: Database,
    row: &StoreRow,
    head: Head,
    found: Option<Found>,
) -> Inner {
    let device = DeviceId::from(uuid::Uuid::from(row.device));
    let finder = Arc::new(Finder::new(folder.search(), uuid::Uuid::from(row.store).to_string(), db.clone()));
    let on_commit = {
        let (folder, finder) = (Arc::clone(&folder), Arc::clone(&finder));
        move |committed: &crate::store::write::Committed| {
            folder.publish(committed.seq);
            finder.take(committed);
        }
    };
    let explain = {
        let (folder, finder) = (Arc::clone(&folder), Arc::clone(&finder));
        move |error: Error| {
            finder.doubt();
            if folder.is_full() { crate::store::database::full() } else { error }
        }
    };
    let blobs = Blobs::new(folder.blobs());
    blobs.sweep();
    let may_write = {
        let folder = Arc::clone(&folder);
        move || if folder.is_ours() { Ok(()) } else { Err(moved(folder.root())) }
    };
    let writer = Writer::new(db.clone(), head, device, config.environment, on_commit, may_write, explain);
    Inner {
        runtime: Runtime(None),
        blobs,
        writer: Arc::new(writer),
        finder,
        db,
        folder,
        device,
        vaults: Arc::default(),
        closing: Arc::default(),
        closed: Arc::default(),
        found,
        running: Arc::default(),
        listener: OnceLock::new(),
    }
}
