//! The task that owns the machine: whatever happens is told to it, one thing after another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use altair_protocol::{ChangeId, Hash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::blobs::{BlobError, Upload};
use super::connection::{Line, ROOM};
use super::message::{Message, Teller, messages};
use super::replica::{Replica, Token};
use super::storing::{Done, Storing, Work, storing};
use super::{Asked, Login, Wishes};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::sync::machine::{Account, Effect, Event, Machine, Now, State, Status, TransferId};
use crate::sync::remote::Remote;

/// When so much waits for the store the socket is left alone.
const MUCH: usize = 64;

/// The driver, as it runs.
pub(super) struct Running<R> {
    pub(super) machine: Machine,
    account: Option<Account>,
    pub(super) replica: Arc<R>,
    pub(super) remote: Remote,
    pub(super) token: Token,
    /// The same, for whoever asks the server.
    pub(super) secret: watch::Sender<Arc<str>>,
    /// A token for another device, which isn't used before the store is that device.
    pub(super) named: Option<Token>,
    /// Whether another token is being asked for, and when to ask at the earliest.
    pub(super) renewing: bool,
    pub(super) renew_after: Option<Instant>,
    /// How far the server's clock is ahead, in milliseconds.
    pub(super) ahead: i64,
    pub(super) environment: Environment,
    began: Instant,
    pub(super) wake: Option<Instant>,
    pub(super) status: watch::Sender<Status>,

    pub(super) teller: Teller,
    told: mpsc::Receiver<Message>,
    pub(super) room: Arc<Semaphore>,
    pub(super) line: Option<Line>,
    /// Whether the machine wants the socket to be read.
    pub(super) reads: bool,
    pub(super) storing: Storing<R>,
    pub(super) queue: VecDeque<Work>,
    busy: bool,
    pub(super) transfer: Option<(TransferId, Effect, Option<AbortHandle>)>,
    /// How many entities of a bootstrap were joined before it was cut off.
    pub(super) joined: Arc<std::sync::atomic::AtomicU64>,
    pub(super) uploads: VecDeque<Upload>,
    pub(super) uploading: BTreeSet<ChangeId>,
    pub(super) fetches: BTreeMap<Hash, Vec<oneshot::Sender<Result<(), BlobError>>>>,
    pub(super) fetching: BTreeSet<Hash>,

    /// Connections: each ends by itself when it is let go.
    pub(super) lines: JoinSet<()>,
    /// What can be stopped at any moment.
    pub(super) tasks: JoinSet<()>,
    store_task: JoinSet<()>,
}

impl<R: Replica> Running<R> {
    pub(super) fn new(replica: Arc<R>, login: Login, environment: Environment, status: watch::Sender<Status>) -> Self {
        let Login { remote, token, account } = login;
        let (teller, told) = messages();
        let (storing, task) = storing(Arc::clone(&replica));
        let mut store_task = JoinSet::new();
        store_task.spawn(task);
        Self {
            machine: Machine::new(),
            account: Some(account),
            replica,
            remote,
            secret: watch::Sender::new(Arc::from(token.secret.as_str())),
            token,
            named: None,
            renewing: false,
            renew_after: None,
            ahead: 0,
            environment,
            began: Instant::now(),
            wake: None,
            status,
            teller,
            told,
            room: Arc::new(Semaphore::new(ROOM)),
            line: None,
            reads: true,
            storing,
            queue: VecDeque::new(),
            busy: false,
            transfer: None,
            joined: Arc::default(),
            uploads: VecDeque::new(),
            uploading: BTreeSet::new(),
            fetches: BTreeMap::new(),
            fetching: BTreeSet::new(),
            lines: JoinSet::new(),
            tasks: JoinSet::new(),
            store_task,
        }
    }

    pub(super) async fn run(mut self, mut wished: watch::Receiver<Wishes>, mut asking: mpsc::Receiver<Asked>) {
        let mut known = Wishes::default();
        if let Some(account) = self.account.take() {
            // Somebody may have paused it since.
            known = self.grant(known, *wished.borrow_and_update());
            self.tell(Event::Configured(Box::new(account)), None);
        }
        while !known.stopped {
            self.work();
            let (wake, renew) = (self.wake, self.renew_at());
            tokio::select! {
                changed = wished.changed() => match changed {
                    Ok(()) => known = self.grant(known, *wished.borrow_and_update()),
                    Err(_) => break,
                },
                Some(asked) = asking.recv() => self.answer(asked),
                Some(message) = self.told.recv() => self.hear(message),
                done = self.storing.done.recv() => match done {
                    Some(done) => self.done(done),
                    None => {
                        // Its task has panicked. Whatever that was about, nothing more can be kept here.
                        tracing::error!("the store's part of syncing has failed");
                        break;
                    }
                },
                () = until(wake) => {
                    self.wake = None;
                    self.tell(Event::Woke, None);
                }
                () = until(renew) => self.renew(),
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => self.reap(ended),
                Some(ended) = self.lines.join_next(), if !self.lines.is_empty() => self.reap(ended),
            }
        }
        self.end().await;
    }

    /// Tells the machine of wishes that are new.
    fn grant(&mut self, known: Wishes, wishes: Wishes) -> Wishes {
        if wishes.stopped {
            return wishes;
        }
        if wishes.paused != known.paused {
            self.tell(if wishes.paused { Event::Pause } else { Event::Resume }, None);
        }
        if wishes.commits != known.commits {
            self.tell(Event::Committed, None);
        }
        if wishes.networks != known.networks {
            self.tell(Event::NetworkBack, None);
        }
        if wishes.hurries != known.hurries {
            self.tell(Event::SyncNow, None);
        }
        wishes
    }

    fn answer(&mut self, asked: Asked) {
        match asked {
            Asked::Unparked(entity) => self.tell(Event::Unparked { entity }, None),
            Asked::Fetch(hash, reply) => self.fetch(hash, reply),
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Told { event, room, heard } => {
                self.tell(event, room);
                if let Some(heard) = heard {
                    let _ = heard.send(());
                }
            }
            Message::Ended { transfer, event } => {
                if self.transfer.as_ref().is_some_and(|(present, ..)| *present == transfer) {
                    self.transfer = None;
                    self.tell(event, None);
                }
            }
            Message::Named(result) => self.was_named(result),
            Message::Renewed(token) => self.was_renewed(token),
            Message::Uploaded { change, event } => {
                self.uploading.remove(&change);
                self.tell(event, None);
                self.upload();
            }
            Message::Fetched { hash, result } => self.was_fetched(hash, &result),
        }
    }

    fn done(&mut self, done: Result<Done>) {
        self.busy = false;
        match done {
            Ok(Done::Told(None)) => {}
            Ok(Done::Told(Some(event))) => self.tell(event, None),
            Ok(Done::Reminted(event, token)) => {
                if let Some(token) = token {
                    self.take_token(token);
                }
                self.tell(event, None);
            }
            Ok(Done::Begin(transfer)) => self.begin(transfer),
            Err(error) => self.tell(store_failed(&error), None),
        }
    }

    /// One step of the machine, and what it wants done.
    pub(super) fn tell(&mut self, event: Event, room: Option<OwnedSemaphorePermit>) {
        if matches!(event, Event::StoreFailed { .. }) {
            tracing::warn!("the store couldn't do what syncing wanted of it");
            self.queue.clear();
        }
        let heard = matches!(event, Event::Received { .. });
        let now = self.now();
        let (machine, effects) = std::mem::take(&mut self.machine).step(now, event);
        self.machine = machine;
        let mut room = room;
        for effect in effects {
            self.carry_out(effect, &mut room);
        }
        if heard {
            // The moment of the last contact is no news, but it is current.
            let status = self.machine.status();
            self.status.send_if_modified(|told| {
                *told = status;
                false
            });
        }
    }

    fn now(&self) -> Now {
        let mut random = [0; 8];
        random.copy_from_slice(&self.environment.random()[..8]);
        Now {
            millis: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            wall: i64::try_from(self.environment.now()).unwrap_or(i64::MAX),
            random: u64::from_le_bytes(random),
        }
    }

    /// The moment of the machine's clock, by ours.
    pub(super) fn moment(&self, millis: u64) -> Option<Instant> {
        self.began.checked_add(Duration::from_millis(millis))
    }

    /// Gives the store what comes next, and lets the socket be while there is too much of it.
    fn work(&mut self) {
        if !self.busy
            && let Some(mut next) = self.queue.pop_front()
        {
            while self.queue.front_mut().is_some_and(|after| next.absorb(after)) {
                self.queue.pop_front();
            }
            // There is room, as nothing is under way; where the task is gone, `done` tells.
            self.busy = self.storing.work.try_send(next).is_ok();
        }
        if let Some(line) = &self.line {
            line.read(self.reads && self.queue.len() < MUCH);
        }
    }

    fn reap(&mut self, ended: std::result::Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            // Deadlines of the machine's go on from here.
            tracing::error!("a task of syncing has failed");
        }
    }

    /// Ends everything.
    async fn end(mut self) {
        self.line = None;
        self.queue.clear();
        self.tasks.shutdown().await;
        let Storing { work, done, store } = self.storing;
        // Nobody listens any more, so whoever waits to tell something goes on.
        drop((self.told, work, done, store));
        while self.lines.join_next().await.is_some() {}
        while self.store_task.join_next().await.is_some() {}
        self.status.send_modify(|status| {
            *status = Status { state: State::Off, progress: None, why: None, ..std::mem::take(status) };
        });
    }
}

pub(super) fn store_failed(error: &Error) -> Event {
    Event::StoreFailed { why: error.to_string() }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
