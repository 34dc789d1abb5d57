//! What callers see: one handle, [`Altair`], whose methods are whole acts (capture, triage, import).
//!
//! Invariant: every method either does all of what it says, durably, or nothing; what goes on for long (import, export, purging, restoring a backup)
//! does so part by part, and can be done again. Work runs on the engine's own runtime, whose stacks are as large as
//! SurrealDB wants them, so a caller's thread never polls the database and a caller that stops waiting leaves no act half done.
//!
//! Each file is one concept: opening and closing here, then `create`, `edit`, `links`, `trash`, `history`, `undo`, `conflicts`,
//! `attachments`, `finding`, `watching`, `backup`, `doctor` and `status`.

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

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use altair_protocol::view::Entity;
use altair_protocol::{DeviceId, EntityId};

pub use altair_protocol::request::{
    AttachmentFile, BackedUp, Diagnosis, Edit, Exported, Fields, HostStatus, Imported, List, New, NewCapture, Page,
    Problem, Progress, Resolution, Search, Sizes, Skipped, Status, SyncStatus,
};
pub(crate) use attachments::media_type;
pub use create::MAX_TEXT_BYTES;
pub(crate) use create::{created_op, set};
pub use watching::{Watch, Watched};

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
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

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's folder; it is made where it isn't there.
    pub store: PathBuf,
    /// How long to wait for another process that has the store open.
    pub lock_wait: Duration,
    /// The database's block cache, in bytes.
    pub block_cache_bytes: u64,
    /// What the database keeps in memory before it goes to a table file, in bytes. An act has to fit it.
    pub memtable_bytes: u64,
    /// The clock and the source of randomness.
    pub environment: Environment,
    /// Opens a store that has lost commits, which is refused otherwise: for [`Altair::doctor`] and [`Altair::accept_loss`].
    pub repair: bool,
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
        }
    }
}

/// An open store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Altair {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    runtime: Runtime,
    pub(crate) db: Database,
    pub(crate) writer: Arc<Writer>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) blobs: Blobs,
    pub(crate) finder: Arc<Finder>,
    pub(crate) device: DeviceId,
    /// One import or export at a time: what they know of a vault's files is then true until they end.
    pub(crate) vaults: Arc<tokio::sync::Mutex<()>>,
    closed: std::sync::atomic::AtomicBool,
    /// What was found wrong while opening for repair.
    pub(crate) found: Option<Found>,
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
struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Altair {
    /// Opens the store, making a new one where there is none.
    ///
    /// # Errors
    /// `Locked` when another process has it open for longer than [`Config::lock_wait`] or the folder can't be used, `Unsupported` when a newer
    /// version wrote it, `Corrupt` when part of it is missing or damaged. Nothing is changed then.
    pub async fn open(config: Config) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK_BYTES)
            .thread_name("altair")
            .enable_all()
            .build()
            .map_err(|error| Error::internal("the engine's threads can't be started").because(error))?;
        // Wrapped at once: a caller that stops waiting drops it wherever it is.
        let mut runtime = Runtime(Some(runtime));
        let kept = Arc::new(std::sync::Mutex::new(None));
        let Some(handle) = runtime.0.as_ref().map(|runtime| runtime.handle().clone()) else { return Err(closed()) };
        let opened = handle.spawn(open(config, Arc::clone(&kept)));
        let opened = opened.await.unwrap_or_else(|error| {
            Err(Error::corrupt("the database can't be opened: it is damaged in a way that stops its reader")
                .because(error))
        });
        let parts = match opened {
            Ok(parts) => parts,
            Err(error) => {
                if let Some(runtime) = runtime.0.take() {
                    put_back(runtime, &kept);
                }
                return Err(error);
            }
        };
        tracing::info!(device = %parts.device, seq = parts.folder.published(), "the store is open");
        Ok(Self { inner: Arc::new(Inner { runtime, ..parts }) })
    }

    /// Finishes what is under way and closes the store. Every clone of this handle is closed with it.
    pub async fn close(self) -> Result<()> {
        let runtime = self.inner.runtime.0.as_ref();
        let Some(handle) = runtime.map(|runtime| runtime.handle().clone()) else { return Ok(()) };
        let inner = Arc::clone(&self.inner);
        let closing = handle.spawn(async move {
            inner.writer.close().await;
            inner.finder.close().await;
            if inner.closed.swap(true, std::sync::atomic::Ordering::AcqRel) {
                return Ok(());
            }
            let closed = inner.db.clone().close().await;
            if closed.is_ok() {
                Safekeeping::note(inner.folder.root());
            }
            inner.folder.release();
            closed
        });
        closing.await.map_err(|error| Error::internal("closing the store failed").because(error))?
    }

    /// The number of the last commit.
    pub fn head(&self) -> u64 {
        self.inner.folder.published().unwrap_or(0)
    }

    /// The entity that an id or an unambiguous ending of one names.
    pub async fn find(&self, text: &str) -> Result<EntityId> {
        let text = text.trim().to_owned();
        self.run("find", move |inner| async move { inner.find(&text).await }).await
    }

    /// One entity.
    pub async fn get(&self, id: EntityId) -> Result<Entity> {
        self.run("get", move |inner| async move { inner.require(id).await }).await
    }

    /// Runs an act on the engine's runtime, to its end whatever becomes of the caller, in a span that has its name.
    pub(crate) async fn run<T, F, Fut>(&self, name: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Inner>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let Some(runtime) = &self.inner.runtime.0 else { return Err(closed()) };
        if inner.closed.load(std::sync::atomic::Ordering::Acquire) {
            return Err(closed());
        }
        let handle = runtime.handle().clone();
        let span = tracing::debug_span!("request", name);
        match handle.spawn(act(inner).instrument(span)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                Err(Error::corrupt("the engine stopped in the middle of this, most likely over damaged data")
                    .because(error))
            }
            Err(_) => Err(closed()),
        }
    }
}

impl Inner {
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

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store has been closed", "open it again")
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

/// Opens everything but the runtime, which is filled in by the caller.
async fn open(config: Config, kept: Kept) -> Result<Inner> {
    let (root, wait) = (config.store.clone(), config.lock_wait);
    let folder = tokio::task::spawn_blocking(move || Folder::lock(&root, wait))
        .await
        .map_err(|error| Error::internal("the store's folder can't be locked").because(error))??;
    let folder = Arc::new(folder);
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
    let writer = Writer::new(db.clone(), head, device, config.environment, on_commit, explain);
    Inner {
        runtime: Runtime(None),
        blobs,
        writer: Arc::new(writer),
        finder,
        db,
        folder,
        device,
        vaults: Arc::default(),
        closed: std::sync::atomic::AtomicBool::new(false),
        found,
    }
}
