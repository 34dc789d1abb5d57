//! Keeping in step, done: one task owns the [`Machine`](super::machine::Machine), tells it what happens, and carries out what it wants.
//!
//! What it keeps true:
//!
//! - That task never waits for anything but the next thing to happen. Sockets, the store, transfers and blobs have tasks of their own, and what lies between them is bounded: frames
//!   by their bytes, the rest by number.
//! - What the store is given is done one after another, each to its end, and nothing after a failure that was given before it.
//! - A task ends with what it is for, and all of them when [`Syncing`] is shut down or dropped; [`Syncing::shut_down`] returns when they have.
//!
//! It decides nothing: when to connect, what to push and how long to wait is the machine's. Nor does it merge or keep anything; that is the [`Replica`]'s.

mod blobs;
mod bootstrap;
mod connection;
mod effects;
mod meeting;
mod message;
mod replica;
mod running;
mod storing;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use altair_protocol::{EntityId, Hash};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

pub use blobs::BlobError;
pub use replica::{Moved, Reminted, Replica, StateLine, States, Token, Unsent};

use super::machine::{Account, Status, Trouble};
use super::remote::{Remote, RemoteError};
use crate::environment::Environment;
use running::Running;

/// So many requests may wait for the driver.
const WAITING: usize = 64;

/// Where a device syncs with, and as whom.
#[derive(Debug, Clone)]
pub struct Login {
    /// The server.
    pub remote: Remote,
    /// What is shown to it.
    pub token: Token,
    /// What the store has of the account.
    pub account: Account,
}

/// A device that keeps in step with its household's server, until it is shut down or dropped.
#[derive(Debug)]
pub struct Syncing {
    wishes: watch::Sender<Wishes>,
    asked: mpsc::Sender<Asked>,
    status: watch::Receiver<Status>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What somebody wants. Wishes are counted, so that a thousand of them are as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wishes {
    commits: u64,
    hurries: u64,
    networks: u64,
    paused: bool,
    stopped: bool,
}

/// What somebody asks for.
#[derive(Debug)]
enum Asked {
    /// The person has decided about an entity's refused change.
    Unparked(EntityId),
    /// A blob.
    Fetch(Hash, oneshot::Sender<Result<(), BlobError>>),
}

impl Syncing {
    /// Begins to keep a store in step, on the runtime that this is called on. A store has one at a time.
    pub fn start<R: Replica>(replica: Arc<R>, login: Login, environment: Environment) -> Self {
        let (wishes, wished) = watch::channel(Wishes::default());
        let (asked, asking) = mpsc::channel(WAITING);
        let (told, status) = watch::channel(Status::default());
        let running = Running::new(replica, login, environment, told);
        let task = tokio::spawn(running.run(wished, asking));
        Self { wishes, asked, status, task: Mutex::new(Some(task)) }
    }

    /// How it stands: always the present value, and a notice when it changes in more than [`Status::last_contact`].
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Something was added to the outbox.
    pub fn committed(&self) {
        self.wishes.send_modify(|wishes| wishes.commits = wishes.commits.wrapping_add(1));
    }

    /// Waits no longer, and tries again what the server had no room for.
    pub fn sync_now(&self) {
        self.wishes.send_modify(|wishes| wishes.hurries = wishes.hurries.wrapping_add(1));
    }

    /// There is a network, again or another one.
    pub fn network_back(&self) {
        self.wishes.send_modify(|wishes| wishes.networks = wishes.networks.wrapping_add(1));
    }

    /// Leaves the server alone until [`Self::resume`].
    pub fn pause(&self) {
        self.wishes.send_modify(|wishes| wishes.paused = true);
    }

    /// Goes on after [`Self::pause`].
    pub fn resume(&self) {
        self.wishes.send_modify(|wishes| wishes.paused = false);
    }

    /// The person has discarded an entity's refused change, or wants it pushed again; the store knows already.
    pub async fn unparked(&self, entity: EntityId) {
        let _ = self.asked.send(Asked::Unparked(entity)).await;
    }

    /// Has a blob's bytes in the store, from the server if they aren't there yet. A download that is cut off goes on where it was when it is asked for again.
    ///
    /// # Errors
    /// When the server hasn't got it or can't be asked, or the store can't keep it.
    pub async fn fetch(&self, hash: Hash) -> Result<(), BlobError> {
        let (reply, answer) = oneshot::channel();
        self.asked.send(Asked::Fetch(hash, reply)).await.map_err(|_| BlobError::Stopped)?;
        answer.await.map_err(|_| BlobError::Stopped)?
    }

    /// Ends everything, and returns when it has: a store's work that is under way is finished, and nothing is begun. What wasn't sent stays in the outbox.
    pub async fn shut_down(&self) {
        self.wishes.send_modify(|wishes| wishes.stopped = true);
        let mut task = self.task.lock().await;
        if let Some(running) = task.as_mut() {
            if let Err(error) = running.await {
                tracing::error!(%error, "syncing has failed");
            }
            *task = None;
        }
    }
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Unreachable(_) => Self::Unreachable(error.to_string()),
            RemoteError::Unauthorized => Self::Unauthorized,
            RemoteError::Foreign(_) | RemoteError::Refused(_) => Self::Foreign(error.to_string()),
        }
    }
}
