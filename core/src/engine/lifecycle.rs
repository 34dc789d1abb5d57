//! Opening the engine, looking after it while it hosts, and closing it.
//!
//! Invariant: an opening that is refused leaves the files as they were, and nothing is written to a store that was moved away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use altair_protocol::DeviceId;
use altair_protocol::rpc::{Host, Protocol};

use super::finding::Finder;
use super::{Config, Found, Inner, Runtime, act, moved};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Listener, started};
use crate::store::Database;
use crate::store::blobs::Blobs;
use crate::store::database::{FORMAT, Memory};
use crate::store::folder::{Folder, Identity};
use crate::store::rows::{StoreRow, as_i64, store_id};
use crate::store::safekeeping::Safekeeping;
use crate::store::write::{Head, Writer};

/// How often a host looks after what it has to.
const KEEPING: Duration = Duration::from_secs(1);

impl Inner {
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
    // Guests are heard on the database's thread: what most of them ask is short.
    let hearing = engine.db.handle()?;
    let (listener, announced, listening) = Listener::begin(host, listener.as_deref(), &engine, &hearing);
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
        let over = if !engine.folder.is_ours() {
            Some("the store was moved or replaced while it was open")
        } else if engine.writer.has_stopped() {
            Some("the database can't be read any more")
        } else {
            None
        };
        if let Some(why) = over {
            tracing::error!(why, "the store is closed");
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
    let ahead = db.account().await?.map_or(0, |account| account.ahead);
    let inner = assemble(config, folder, db, &row, head, found);
    inner.writer.set_ahead(ahead);
    Ok(inner)
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
    let mut head_row = db.head_row().await?;
    if let Some(row) = head_row.as_mut().filter(|row| row.pending.is_none() || row.outbox.is_none()) {
        let counted = db.count_outbox(row.seq.unsigned_abs()).await?;
        db.set_outbox(counted).await?;
        (row.pending, row.outbox) = (Some(as_i64(counted.pending)), Some(as_i64(counted.before)));
    }
    let head = head_row.as_ref().map(Head::of).unwrap_or_default();
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
        replica: Arc::default(),
        listener: OnceLock::new(),
    }
}
