//! Watching: the current state first, then every change in the order of commits.
//!
//! A watcher never holds a writer up and never grows without bound: one that falls too far behind is told so, and reads again.

use std::sync::Arc;

use altair_protocol::Kind;
use altair_protocol::view::Event;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::Altair;
use crate::error::Result;
use crate::store::write::{Announced, event_of};

/// What a watcher sees next.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// Where the store stands: every change up to this number is in what the caller reads now. Always the first.
    Current {
        /// The number of the last commit.
        seq: u64,
    },
    /// One change.
    Change(Event),
    /// Some changes were passed over: read again. The watch goes on after this number.
    Lagged {
        /// The number of the last change that was passed over.
        seq: u64,
    },
}

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    kind: Option<Kind>,
    commits: Receiver<Arc<Announced>>,
    /// What of the newest commit is still to be given, in reverse.
    ready: Vec<Watched>,
    seq: u64,
}

impl Altair {
    /// Watches all changes, or those of one kind.
    pub async fn watch(&self, kind: Option<Kind>) -> Result<Watch> {
        self.run("watch", move |inner| async move {
            // Subscribed first, so that nothing falls between the current state and the first change.
            let commits = inner.writer.subscribe();
            let seq = inner.db.head_row().await?.map_or(0, |row| row.seq.unsigned_abs());
            Ok(Watch { kind, commits, ready: vec![Watched::Current { seq }], seq })
        })
        .await
    }

    /// The changes after a number, oldest first, at most so many.
    pub async fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<Event>> {
        self.run("events_after", move |inner| async move {
            let log = inner.db.log_after(seq, limit).await?;
            Ok(log.iter().map(|(seq, logged)| event_of(*seq, logged)).collect())
        })
        .await
    }
}

impl Watch {
    /// The next thing; `None` once the store is closed.
    pub async fn next(&mut self) -> Option<Watched> {
        loop {
            if let Some(next) = self.ready.pop() {
                return Some(next);
            }
            match self.commits.recv().await {
                Ok(committed) => self.take(&committed),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    // The commits that are still buffered come after those that were passed over.
                    let seq = loop {
                        match self.commits.try_recv() {
                            Ok(committed) => {
                                self.seq = self.seq.max(committed.seq);
                            }
                            Err(TryRecvError::Lagged(_)) => {}
                            Err(TryRecvError::Empty | TryRecvError::Closed) => break self.seq,
                        }
                    };
                    return Some(Watched::Lagged { seq });
                }
            }
        }
    }

    fn take(&mut self, committed: &Announced) {
        let new = committed.events.iter().filter(|event| event.seq > self.seq);
        let wanted = new.filter(|event| self.kind.is_none_or(|kind| kind == event.kind));
        self.ready = wanted.rev().cloned().map(Watched::Change).collect();
        self.seq = self.seq.max(committed.seq);
    }
}
