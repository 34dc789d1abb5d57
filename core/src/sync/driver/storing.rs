//! The store's task: one thing after another, each to its end. What the machine wants has precedence over what a transfer brings.

use std::sync::Arc;

use altair_protocol::EntityId;
use altair_protocol::sync::{Acked, Item};
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::replica::{Moved, Replica, Token, Unsent};
use crate::error::{Error, Result};
use crate::sync::machine::{Event, Fault, Position, ReadId, TransferId};

/// So many acknowledgements are one transaction.
const MAX_ACKED: usize = 4096;

/// What the machine wants of the store.
#[derive(Debug)]
pub(super) enum Work {
    Read {
        read: ReadId,
        after: Position,
        changes: usize,
        bytes: usize,
    },
    /// With the room that it takes in memory, here and below.
    Apply {
        items: Vec<Item>,
        room: Option<OwnedSemaphorePermit>,
    },
    Acknowledge {
        items: Vec<Acked>,
        room: Option<OwnedSemaphorePermit>,
    },
    Park(Fault),
    Recreate {
        entity: EntityId,
    },
    Remint {
        token: Option<Token>,
    },
    SetClock {
        ahead: i64,
    },
    /// What comes before a transfer is done.
    Begin {
        transfer: TransferId,
    },
}

impl Work {
    /// Takes the next piece of work along, if both are one transaction.
    pub(super) fn absorb(&mut self, next: &mut Work) -> bool {
        match (self, next) {
            (Self::Acknowledge { items, room }, Self::Acknowledge { items: more, room: taken })
                if items.len() + more.len() <= MAX_ACKED =>
            {
                items.append(more);
                match (room, taken.take()) {
                    (Some(room), Some(taken)) => room.merge(taken),
                    (room, taken) => *room = room.take().or(taken),
                }
                true
            }
            _ => false,
        }
    }
}

/// What has come of it.
#[derive(Debug)]
pub(super) enum Done {
    /// Something to tell, or nothing.
    Told(Option<Event>),
    /// The store is another device's now.
    Reminted(Event, Option<Token>),
    /// A transfer may begin.
    Begin(TransferId),
}

type Job<R> = Box<dyn FnOnce(Arc<R>) -> BoxFuture<'static, ()> + Send>;

/// The way in for whoever isn't the machine.
pub(super) struct Store<R> {
    jobs: mpsc::Sender<Job<R>>,
}

impl<R> Clone for Store<R> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone() }
    }
}

impl<R: Replica> Store<R> {
    /// What the store answers, when its turn has come. If nobody waits for it any more by then, it isn't asked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Arc<R>) -> BoxFuture<'static, Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job<R> = Box::new(move |replica| {
            Box::pin(async move {
                if !reply.is_closed() {
                    let _ = reply.send(ask(replica).await);
                }
            })
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn gone() -> Error {
    Error::internal("syncing was stopped")
}

/// The task's ends.
pub(super) struct Storing<R> {
    pub(super) work: mpsc::Sender<Work>,
    pub(super) done: mpsc::Receiver<Result<Done>>,
    pub(super) store: Store<R>,
}

/// The store's task, and its ends. There is one piece of work at a time, so that neither side ever waits for the other's queue.
pub(super) fn storing<R: Replica>(replica: Arc<R>) -> (Storing<R>, impl Future<Output = ()> + Send) {
    let (work, mut works) = mpsc::channel(1);
    let (said, done) = mpsc::channel(1);
    let (jobs, mut asked) = mpsc::channel::<Job<R>>(1);
    let task = async move {
        loop {
            tokio::select! {
                biased;
                work = works.recv() => {
                    let Some(work) = work else { return };
                    if said.send(carry_out(&*replica, work).await).await.is_err() {
                        return;
                    }
                }
                Some(job) = asked.recv() => job(Arc::clone(&replica)).await,
            }
        }
    };
    (Storing { work, done, store: Store { jobs } }, task)
}

async fn carry_out(replica: &impl Replica, work: Work) -> Result<Done> {
    let event = match work {
        Work::Read { read, after, changes, bytes } => {
            let Unsent { entries, end } = replica.unsent(after, changes, bytes).await?;
            Event::OutboxRead { read, entries, end }
        }
        Work::Apply { items, room } => {
            let Moved { cursor, copied, recreated } = replica.apply(items).await?;
            drop(room);
            Event::Applied { cursor, copied, recreated }
        }
        Work::Acknowledge { items, room } => {
            replica.acknowledge(items).await?;
            drop(room);
            return Ok(Done::Told(None));
        }
        Work::Park(fault) => {
            let (entity, change) = (fault.entity, fault.change);
            replica.park(fault).await?;
            Event::Parked { entity, change }
        }
        Work::Recreate { entity } => {
            replica.recreate(entity).await?;
            Event::Recreated { entity }
        }
        Work::Remint { token } => {
            let reminted = replica.remint(token.clone()).await?;
            return Ok(Done::Reminted(Event::Reminted { device: reminted.device, parked: reminted.parked }, token));
        }
        Work::SetClock { ahead } => {
            replica.set_clock(ahead).await?;
            return Ok(Done::Told(None));
        }
        Work::Begin { transfer } => return Ok(Done::Begin(transfer)),
    };
    Ok(Done::Told(Some(event)))
}
