//! A subscription at a host, as its guest has it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use altair_protocol::rpc::{self, Line};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Connection, Shared, silent};
use crate::error::Error;
use crate::host::wire::line;

/// How many events a watcher may be behind.
const EVENTS: usize = 4096;

/// What a subscription has told and nobody has read yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    events: Mutex<(VecDeque<rpc::Event>, bool)>,
    more: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<rpc::Event>, bool)> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, event: rpc::Event) {
        let mut queue = self.lock();
        if queue.0.len() >= EVENTS {
            let seq = match &event {
                rpc::Event::Change(event) => event.seq,
                rpc::Event::Lagged(seq) => *seq,
            };
            queue.0.clear();
            queue.0.push_back(rpc::Event::Lagged(seq));
        } else {
            queue.0.push_back(event);
        }
        drop(queue);
        self.more.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().1 = true;
        self.more.notify_one();
    }

    async fn next(&self) -> Option<rpc::Event> {
        loop {
            let more = self.more.notified();
            {
                let mut queue = self.lock();
                if let Some(event) = queue.0.pop_front() {
                    return Some(event);
                }
                if queue.1 {
                    return None;
                }
            }
            more.await;
        }
    }
}

/// A subscription that has begun. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Subscription {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    begun: rpc::Watching,
}

impl Subscription {
    pub(super) const fn new(shared: Arc<Shared>, queue: Arc<Queue>, begun: rpc::Watching) -> Self {
        Self { shared, queue, begun }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let watch = self.begun.watch;
        self.shared.state().watches.remove(&watch);
        let id = Uuid::now_v7().into();
        self.shared.tell(line(&Line::request(&id, rpc::UNWATCH, &rpc::Unwatch { watch }, false)));
    }
}

/// A subscription at a host. Dropping it ends it.
#[derive(Debug)]
pub struct RemoteWatch {
    subscription: Subscription,
    /// Held, as without it there is nothing to hear. Dropped last, so that the host hears of the end.
    connection: Arc<Connection>,
}

impl RemoteWatch {
    pub(super) const fn new(subscription: Subscription, connection: Arc<Connection>) -> Self {
        Self { subscription, connection }
    }

    /// Where the store stood when it began.
    pub const fn seq(&self) -> u64 {
        self.subscription.begun.seq
    }

    /// What it tells next; `None` once the host is gone or about to go.
    pub async fn next(&mut self) -> Option<rpc::Event> {
        self.subscription.queue.next().await
    }

    /// Ends when the host doesn't answer, with what there is to say about that. The watch stays, and goes on when the host does.
    pub fn silence(&self) -> impl Future<Output = Error> + Send + use<> {
        let (mut silence, pid) = (self.connection.shared.silent.subscribe(), self.connection.shared.pid);
        async move {
            if silence.wait_for(|silent| *silent).await.is_err() {
                // The connection is gone: that is no silence.
                std::future::pending::<()>().await;
            }
            silent(pid)
        }
    }
}
