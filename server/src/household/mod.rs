//! A household on this server: the task that orders its changes, the feed of what it committed, the fold behind it, and who is connected.
//!
//! Whoever has a [`Household`] can push to it, listen to it and read its log. A device has one connection: the next one takes the place of the one before.

mod acceptances;
mod batch;
mod envelope;
mod meet;
mod registry;
mod sessions;
mod task;
mod turn;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use altair_core::{Environment, Error, ErrorKind, Result};
use altair_protocol::sync::{Joined, MAX_CHANGE, SyncId};
use altair_protocol::{DeviceId, Hash, HouseholdId, Incarnation};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};

use acceptances::Acceptances;
pub(crate) use batch::Batch;
pub(crate) use envelope::unreadable;
pub(crate) use meet::Brought;
pub(crate) use registry::Households;
pub(crate) use sessions::{Session, Sessions};
use task::{Command, Meet, Push, Task};
pub(crate) use turn::{Answer, Pushed, Pusher};

use crate::fold::Fold;
use crate::metrics::Metrics;
use crate::stop::Stop;
use crate::store::{HouseholdRecord, Store};

/// How many pushes may be queued.
const QUEUE: usize = 64;
/// How many bytes of changes may be queued: a largest change, and then some.
const ROOM: usize = 2 * MAX_CHANGE;
/// How many batches a socket may be behind before it goes back to the log.
const FEED: usize = 32;

/// What the task and everybody else use.
#[derive(Debug)]
struct Shared {
    id: HouseholdId,
    incarnation: Incarnation,
    store: Store,
    environment: Environment,
    metrics: Arc<Metrics>,
    fold: Fold,
    head: watch::Sender<SyncId>,
    feed: broadcast::Sender<Arc<Batch>>,
}

/// A household. Shared by all who are connected to it.
#[derive(Debug)]
pub(crate) struct Household {
    record: HouseholdRecord,
    horizon: SyncId,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    sessions: Sessions,
    /// What devices have said that they have applied, and when they were last heard of, not yet noted in the store.
    cursors: Mutex<HashMap<DeviceId, (SyncId, u64)>>,
    task: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Household {
    /// Begins to order a household's changes, until `stop` says so.
    async fn start(
        record: HouseholdRecord,
        store: Store,
        environment: Environment,
        metrics: Arc<Metrics>,
        stop: Stop,
    ) -> Result<Arc<Self>> {
        let head = store.head(record.id).await?;
        let (queue, queued) = mpsc::channel(QUEUE);
        let (tell_head, told_head) = watch::channel(head.sync_id);
        let (feed, _) = broadcast::channel(FEED);
        let (fold, folding) = Fold::start(store.clone(), record.id, told_head, Arc::clone(&metrics)).await?;
        let (id, incarnation) = (record.id, record.incarnation);
        let shared = Arc::new(Shared { id, incarnation, store, environment, metrics, fold, head: tell_head, feed });
        let task = Task {
            shared: Arc::clone(&shared),
            queue: queued,
            head,
            stop,
            entities: HashMap::new(),
            accepted: Acceptances::default(),
        };
        let task = tokio::spawn(task.run());
        Ok(Arc::new(Self {
            record,
            horizon: head.horizon,
            shared,
            queue,
            room: Arc::new(Semaphore::new(ROOM)),
            sessions: Sessions::default(),
            cursors: Mutex::default(),
            task: Mutex::new(vec![task, folding]),
        }))
    }

    /// What is known of it.
    pub(crate) const fn record(&self) -> &HouseholdRecord {
        &self.record
    }

    /// Its id.
    pub(crate) const fn id(&self) -> HouseholdId {
        self.record.id
    }

    /// The log's last number.
    pub(crate) fn head(&self) -> SyncId {
        *self.shared.head.borrow()
    }

    /// The log has what comes after this number.
    pub(crate) const fn horizon(&self) -> SyncId {
        self.horizon
    }

    /// Who is connected.
    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What is committed from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.shared.feed.subscribe()
    }

    /// The log after a number, about so many bytes of it.
    pub(crate) async fn log_after(&self, after: SyncId, most_bytes: usize) -> Result<Batch> {
        Ok(Batch::of(&self.shared.store.log_after(self.record.id, after, most_bytes).await?))
    }

    /// Queues changes, when there is room for them. The answer comes when they are durable.
    pub(crate) async fn push(
        &self,
        pusher: Pusher,
        changes: Vec<Pushed>,
    ) -> Result<oneshot::Receiver<Result<Vec<Answer>>>> {
        let bytes = changes.iter().map(|pushed| pushed.json.len()).sum::<usize>().clamp(1, ROOM);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| stopping())?;
        let (answer, answered) = oneshot::channel();
        let push = Command::Push(Push { pusher, changes, answer, room });
        self.queue.send(push).await.map_err(|_| stopping())?;
        Ok(answered)
    }

    /// Joins what a device brings from another log.
    pub(crate) async fn meet(&self, device: DeviceId, brought: Vec<Brought>) -> Result<Joined> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Command::Meet(Meet { device, brought, answer })).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Has everything folded that is committed by now.
    pub(crate) async fn catch_up(&self) -> Result<crate::store::Folded> {
        self.shared.fold.catch_up(self.head()).await
    }

    /// Takes note of what a device has applied, to be stored some time later.
    pub(crate) fn note_cursor(&self, device: DeviceId, cursor: SyncId) {
        let now_ms = self.shared.environment.now();
        if let Ok(mut cursors) = self.cursors.lock() {
            cursors.insert(device, (cursor, now_ms));
        }
    }

    /// Stores what was noted. It is done again with the next if it fails.
    pub(crate) async fn store_cursors(&self) {
        let noted = self.cursors.lock().map(|mut cursors| std::mem::take(&mut *cursors)).unwrap_or_default();
        let rows = noted.into_iter().map(|(device, (cursor, now_ms))| (device, cursor, now_ms)).collect();
        if let Err(error) = self.shared.store.note_cursors(self.record.id, rows).await {
            tracing::warn!(household = %self.record.id, %error, "cursors can't be stored");
        }
    }

    /// Waits until everything queued is done, after `stop` was said.
    async fn ended(&self) {
        let tasks = self.task.lock().map(|mut tasks| std::mem::take(&mut *tasks)).unwrap_or_default();
        let mut tasks = tasks.into_iter();
        if let Some(ordering) = tasks.next() {
            // A task that panicked has ended, too.
            let _ = ordering.await;
        }
        // Folding is never waited for: it goes on where it was.
        tasks.for_each(|folding| folding.abort());
        self.store_cursors().await;
    }
}

impl Shared {
    /// Those of these blobs that the household doesn't have.
    async fn missing_blobs(&self, hashes: BTreeSet<Hash>) -> Result<BTreeSet<Hash>> {
        let mut missing = BTreeSet::new();
        for hash in hashes {
            let size = self.store.blobs().size(self.id, hash).await;
            if size.map_err(|error| crate::store::internal("a blob can't be looked up").because(error))?.is_none() {
                missing.insert(hash);
            }
        }
        Ok(missing)
    }
}

fn stopping() -> Error {
    Error::new(ErrorKind::Closed, "the server is stopping", "connect again in a moment")
}
