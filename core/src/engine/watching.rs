//! Watching: the current state first, then every change in the order of commits.
//!
//! A watcher never holds a writer up and never grows without bound: one that falls too far behind is told so, and reads again.

use std::sync::{Arc, Weak};

use altair_protocol::view::Event;
use altair_protocol::{Kind, rpc};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Act, Altair, Here, Inner};
use crate::error::{ErrorKind, Result};
use crate::host::seat::{Seat, Watching};
use crate::store::write::{Announced, Head, event_of};

/// More changes than this are not told one by one to a watch that was away.
const MISSED: u64 = 10_000;
/// The most that is read of the log at once.
pub(super) const MOST: usize = 10_000;

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

/// A subscription. Dropping it ends it. One at another process goes on with the next host when that one is gone, without a gap or a repeat.
#[derive(Debug)]
pub struct Watch {
    kind: Option<Kind>,
    source: Watching,
    /// Where a watch at another process finds the next host.
    seat: Weak<Seat>,
    /// Every change up to this number has been told.
    seq: u64,
    /// Where things stand has been told.
    begun: bool,
}

impl Altair {
    /// Watches all changes, or those of one kind.
    pub async fn watch(&self, kind: Option<Kind>) -> Result<Watch> {
        let source = self.seat.watch(rpc::Watch { kind, after: None }).await?;
        let (seq, there) = match &source {
            Watching::Here(local) => (local.seq, false),
            Watching::There(remote) => (remote.seq(), true),
        };
        let seat = if there { Arc::downgrade(&self.seat) } else { Weak::new() };
        Ok(Watch { kind, source, seat, seq, begun: false })
    }

    /// The changes after a number, oldest first, at most so many, and never more than 10,000.
    pub async fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<Event>> {
        self.call(rpc::EventsAfter { seq, limit }).await
    }
}

impl Act for rpc::EventsAfter {
    async fn act(self, here: Here) -> Result<Vec<Event>> {
        here.events_after(self.seq, self.limit.min(MOST)).await
    }
}

impl Watch {
    /// The next thing; `None` once the store is closed.
    pub async fn next(&mut self) -> Option<Watched> {
        if !self.begun {
            self.begun = true;
            return Some(Watched::Current { seq: self.seq });
        }
        loop {
            let next = match &mut self.source {
                Watching::Here(local) => local.next().await,
                Watching::There(remote) => remote.next().await.map(|event| match event {
                    rpc::Event::Change(event) => Watched::Change(event),
                    rpc::Event::Lagged(seq) => Watched::Lagged { seq },
                }),
            };
            match next {
                Some(Watched::Current { seq }) => self.seq = self.seq.max(seq),
                Some(next) => {
                    self.seq = match &next {
                        Watched::Change(event) => event.seq,
                        Watched::Current { seq } | Watched::Lagged { seq } => *seq,
                    };
                    return Some(next);
                }
                None => {
                    let seat = self.seat.upgrade()?;
                    match seat.watch(rpc::Watch { kind: self.kind, after: Some(self.seq) }).await {
                        Ok(source) => {
                            if let Watching::Here(_) = source {
                                // It ends with this process's engine.
                                self.seat = Weak::new();
                            }
                            self.source = source;
                        }
                        Err(error) if error.kind() == ErrorKind::Closed => return None,
                        Err(error) => {
                            tracing::warn!(%error, "a watch waits for another host");
                            seat.pause().await;
                        }
                    }
                }
            }
        }
    }
}

/// A subscription at the engine itself.
#[derive(Debug)]
pub(crate) struct LocalWatch {
    kind: Option<Kind>,
    commits: Receiver<Arc<Announced>>,
    /// What of the newest commit is still to be given, in reverse.
    ready: Vec<Watched>,
    seq: u64,
}

impl Inner {
    /// Watches from now on, or after a number as if the watch had never been away.
    pub(crate) async fn watch(&self, kind: Option<Kind>, after: Option<u64>) -> Result<LocalWatch> {
        // Subscribed first, so that nothing falls between the current state and the first change.
        let commits = self.writer.subscribe();
        let head = self.db.head_row().await?.as_ref().map(Head::of).unwrap_or_default();
        let seq = head.seq;
        let missed = match after {
            None => Vec::new(),
            // Of states that were joined the log knows nothing.
            Some(after) if after > seq || seq - after > MISSED || head.joined > after => vec![Watched::Lagged { seq }],
            Some(after) => {
                let events = self.events_after(after, MOST).await?;
                let wanted =
                    events.into_iter().filter(|event| event.seq <= seq && kind.is_none_or(|kind| kind == event.kind));
                wanted.rev().map(Watched::Change).collect()
            }
        };
        Ok(LocalWatch { kind, commits, ready: missed, seq })
    }

    async fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<Event>> {
        let log = self.db.log_after(seq, limit).await?;
        Ok(log.iter().map(|(seq, logged)| event_of(*seq, logged)).collect())
    }
}

impl LocalWatch {
    /// Where the store stood when it began.
    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    /// The next thing; `None` once the engine is closed.
    pub(crate) async fn next(&mut self) -> Option<Watched> {
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
        if committed.read_again {
            if committed.seq > self.seq {
                self.seq = committed.seq;
                self.ready = vec![Watched::Lagged { seq: committed.seq }];
            }
            return;
        }
        let new = committed.events.iter().filter(|event| event.seq > self.seq);
        let wanted = new.filter(|event| self.kind.is_none_or(|kind| kind == event.kind));
        self.ready = wanted.rev().cloned().map(Watched::Change).collect();
        self.seq = self.seq.max(committed.seq);
    }
}
