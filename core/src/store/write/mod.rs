//! Writing: units of work, grouped into transactions.
//!
//! A caller begins a [`Unit`], makes changes in it and commits. Units are staged one after another, each seeing those before it, and whatever
//! is staged while a transaction is under way goes into the next one, so that a hundred concurrent captures share a few flushes.
//! A unit that is dropped leaves nothing. A unit that is answered is on disk.
//!
//! Invariant: `stage.head` is ahead of the database by exactly the staged units; when a transaction fails, every unit that was staged on top of it
//! fails with it and the stage goes back to what the database holds.

mod arriving;
mod batch;
mod erase;
mod unit;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use altair_protocol::{Clock, DeviceId, EntityId, Stamp};
use tokio::sync::{Mutex, OwnedMutexGuard, RwLock, broadcast, watch};
use tracing::Instrument as _;

use self::batch::Batch;
use super::Database;
use super::rows::{HeadRow, as_i64, head_id};
use crate::environment::Environment;
use crate::error::{Error, Result};

pub(crate) use self::batch::{Announced, Committed, Indexed, Staged, event_of, staged};
pub(crate) use self::erase::Removed;
pub(crate) use self::unit::Unit;

/// How many of one's own acts can be undone.
const UNDO_DEPTH: usize = 100;
/// A batch that has so many bytes is written before more is staged: a transaction has to fit the memtable.
const BATCH_BYTES: usize = 8 << 20;
/// How many changes a slow watcher may be behind.
const BUS: usize = 4096;

/// The first and last change of one act.
pub(crate) type Span = (u64, u64);

/// The head of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) clock: Clock,
    pub(crate) undo: Vec<Span>,
    pub(crate) redo: Vec<Span>,
    /// How many changes were made here and have no number from a server.
    pub(crate) pending: u64,
    /// None of them is at this number or before.
    pub(crate) outbox: u64,
    /// The last number that stands for a joined state.
    pub(crate) joined: u64,
}

impl Head {
    pub(crate) fn of(row: &HeadRow) -> Self {
        let acts = |flat: &[i64]| flat.chunks_exact(2).map(|p| (p[0].unsigned_abs(), p[1].unsigned_abs())).collect();
        Self {
            seq: row.seq.unsigned_abs(),
            clock: Clock::starting_after(Stamp::from_u64(row.stamp.unsigned_abs())),
            undo: acts(&row.undo),
            redo: acts(&row.redo),
            pending: row.pending.unwrap_or(0).unsigned_abs(),
            outbox: row.outbox.unwrap_or(0).unsigned_abs(),
            joined: row.joined.unwrap_or(0).unsigned_abs(),
        }
    }

    pub(crate) fn row(&self) -> HeadRow {
        let flat = |acts: &[Span]| acts.iter().flat_map(|&(a, b)| [as_i64(a), as_i64(b)]).collect();
        HeadRow {
            id: head_id(),
            seq: as_i64(self.seq),
            stamp: as_i64(self.clock.last().as_u64()),
            undo: flat(&self.undo),
            redo: flat(&self.redo),
            pending: Some(as_i64(self.pending)),
            outbox: Some(as_i64(self.outbox)),
            joined: Some(as_i64(self.joined)),
        }
    }
}

/// What a unit does to the undo stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undoing {
    /// It is an act of its own.
    Do,
    /// It undoes the newest act.
    Undo,
    /// It does again what was undone last.
    Redo,
    /// It can't be undone (imports of foreign changes, erasing).
    Keep,
}

struct Stage {
    head: Head,
    /// What is staged or being written, with the number of its batch. `None`: erased.
    overlay: HashMap<EntityId, (u64, Option<Arc<Staged>>)>,
    batch: Batch,
    number: u64,
    writing: bool,
    closed: bool,
}

/// The one writer of a store.
pub(crate) struct Writer {
    db: Database,
    pub(crate) device: DeviceId,
    pub(crate) environment: Environment,
    /// How far the server's clock is ahead of this machine's, in milliseconds.
    ahead: AtomicI64,
    stage: Arc<Mutex<Stage>>,
    /// Shut while somebody waits for quiet.
    gate: RwLock<()>,
    /// The number of the last batch that was written, or failed.
    written: watch::Sender<u64>,
    /// `None` once the writer is closed: watchers then end.
    bus: std::sync::Mutex<Option<broadcast::Sender<Arc<Announced>>>>,
    on_commit: Box<dyn Fn(&Committed) + Send + Sync>,
    stopped: AtomicBool,
    /// Whether this process may still write: the store may have been moved from under it.
    may_write: Box<dyn Fn() -> Result<()> + Send + Sync>,
    /// Says more of why a transaction failed, where the database doesn't.
    explain: Box<dyn Fn(Error) -> Error + Send + Sync>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("device", &self.device).finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(
        db: Database,
        head: Head,
        device: DeviceId,
        environment: Environment,
        on_commit: impl Fn(&Committed) + Send + Sync + 'static,
        may_write: impl Fn() -> Result<()> + Send + Sync + 'static,
        explain: impl Fn(Error) -> Error + Send + Sync + 'static,
    ) -> Self {
        let stage =
            Stage { head, overlay: HashMap::new(), batch: Batch::default(), number: 1, writing: false, closed: false };
        Self {
            db,
            device,
            environment,
            ahead: AtomicI64::new(0),
            stage: Arc::new(Mutex::new(stage)),
            gate: RwLock::new(()),
            written: watch::Sender::new(0),
            bus: std::sync::Mutex::new(Some(broadcast::Sender::new(BUS))),
            on_commit: Box::new(on_commit),
            stopped: AtomicBool::new(false),
            may_write: Box::new(may_write),
            explain: Box::new(explain),
        }
    }

    /// Unix milliseconds by the server's clock, as far as it is known.
    pub(crate) fn now(&self) -> u64 {
        self.environment.now().saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    /// Goes by the server's clock from now on.
    pub(crate) fn set_ahead(&self, millis: i64) {
        self.ahead.store(millis, Ordering::Relaxed);
    }

    /// Every committed transaction from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Announced>> {
        match &*self.bus() {
            Some(bus) => bus.subscribe(),
            // Of a bus that is gone already: it ends at once.
            None => broadcast::Sender::new(1).subscribe(),
        }
    }

    fn bus(&self) -> std::sync::MutexGuard<'_, Option<broadcast::Sender<Arc<Announced>>>> {
        self.bus.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Begins a unit.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<Unit> {
        let _open = self.gate.read().await;
        self.begin_staging().await
    }

    async fn begin_staging(self: &Arc<Self>) -> Result<Unit> {
        loop {
            let stage = Arc::clone(&self.stage).lock_owned().await;
            if stage.closed {
                return Err(Error::new(crate::ErrorKind::Closed, "the store has been closed", "open it again"));
            }
            if stage.batch.bytes < BATCH_BYTES {
                return Ok(Unit::new(Arc::clone(self), stage));
            }
            self.wait_for_batch(stage).await;
        }
    }

    /// Begins a unit when nothing is staged or under way, so that everything before it can be read from the database. Units that come later wait
    /// until then: an import stages without end.
    pub(crate) async fn begin_quiet(self: &Arc<Self>) -> Result<Unit> {
        let _shut = self.gate.write().await;
        loop {
            let unit = self.begin_staging().await?;
            if unit.stage.overlay.is_empty() && !unit.stage.writing {
                return Ok(unit);
            }
            let Unit { stage, .. } = unit;
            self.wait_for_batch(stage).await;
        }
    }

    /// Whether it has closed itself, as it doesn't know any more where the database stands.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Refuses further units and waits until all are written.
    pub(crate) async fn close(self: &Arc<Self>) {
        loop {
            let mut stage = Arc::clone(&self.stage).lock_owned().await;
            stage.closed = true;
            if !stage.writing {
                *self.bus() = None;
                return;
            }
            self.wait_for_batch(stage).await;
        }
    }

    async fn wait_for_batch(&self, stage: OwnedMutexGuard<Stage>) {
        let number = stage.number - 1;
        let mut written = self.written.subscribe();
        drop(stage);
        // The sender is in `self`, so this can't fail.
        let _ = written.wait_for(|done| *done >= number).await;
    }

    /// Writes batches until none is left.
    async fn write_batches(self: Arc<Self>) {
        loop {
            let mut stage = self.stage.lock().await;
            if stage.batch.waiting.is_empty() {
                stage.writing = false;
                self.written.send_replace(stage.number - 1);
                return;
            }
            let mut batch = std::mem::take(&mut stage.batch);
            let head = stage.head.clone();
            let number = stage.number;
            stage.number += 1;
            drop(stage);

            let waiting = std::mem::take(&mut batch.waiting);
            // In a task of its own: a panic of the database is an error of this batch, and the writer lives on.
            let db = self.db.clone();
            let row = head.row();
            let span = tracing::debug_span!("batch", number, seq = head.seq, changes = batch.changes());
            let allowed = (self.may_write)();
            let stop = allowed.is_err();
            let writing = async move {
                let written = match allowed {
                    Ok(()) => batch.write(&db, row).await,
                    Err(error) => Err(error),
                };
                (written, batch)
            };
            let writing = writing.instrument(span);
            let (written, batch) = match tokio::spawn(writing).await {
                Ok(done) => done,
                Err(error) => {
                    (Err(Error::internal("the database failed while writing").because(error)), Batch::default())
                }
            };

            let mut stage = self.stage.lock().await;
            match written {
                Ok(()) => {
                    stage.overlay.retain(|_, (staged_in, _)| *staged_in > number);
                    let (committed, announced) = batch.committed(head.seq);
                    drop(stage);
                    (self.on_commit)(&committed);
                    if let Some(bus) = &*self.bus() {
                        // No subscriber is no failure.
                        let _ = bus.send(Arc::new(announced));
                    }
                    self.written.send_replace(number);
                    for waiter in waiting {
                        let _ = waiter.send(Ok(()));
                    }
                }
                Err(error) => {
                    let error = (self.explain)(error);
                    tracing::error!(%error, number, "a transaction failed");
                    let later = std::mem::take(&mut stage.batch);
                    stage.overlay.clear();
                    stage.closed |= stop;
                    match self.db.head_row().await {
                        Ok(row) => {
                            let clock = stage.head.clock;
                            stage.head = row.as_ref().map(Head::of).unwrap_or_default();
                            stage.head.clock.observe(clock.last());
                        }
                        Err(error) => {
                            tracing::error!(%error, "the head of the log can't be read: the store closes itself");
                            stage.closed = true;
                            self.stopped.store(true, Ordering::Release);
                        }
                    }
                    drop(stage);
                    self.written.send_replace(number);
                    for waiter in waiting.into_iter().chain(later.waiting) {
                        let _ = waiter.send(Err(Error::new(error.kind(), error.message(), error.hint())));
                    }
                }
            }
        }
    }
}
