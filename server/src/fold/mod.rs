//! Folding: a household's log made into entity states, with the merge that its devices have too.
//!
//! A step of its own behind the log: nothing that is pushed waits for it, and nothing is accepted or refused by what it finds. It is idempotent, so a crash in the middle costs nothing. It is the
//! only place that opens `ops`; a household whose ops are sealed could do without it.
//!
//! A change that can't be read (a newer device wrote it, or it is sealed) is in no state. The fold remembers the first such number, and a bootstrap tells its device to take the log from before it.

mod step;

use std::sync::Arc;
use std::time::Duration;

use altair_core::{Error, ErrorKind, Result};
use altair_protocol::HouseholdId;
use altair_protocol::sync::SyncId;
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::store::{Folded, Store};

/// How long a household is quiet before its log is folded without anybody asking.
const QUIET: Duration = Duration::from_secs(2);
/// How far the fold may be behind a household that is never quiet.
const BEHIND: u64 = 20_000;
/// How long to leave it after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A household's fold, as the rest of the server sees it.
#[derive(Debug)]
pub(crate) struct Fold {
    wanted: watch::Sender<SyncId>,
    folded: watch::Receiver<Folded>,
}

impl Fold {
    /// Begins to fold a household's log, whose head is told. It ends when the head's sender is gone.
    pub(crate) async fn start(
        store: Store,
        household: HouseholdId,
        head: watch::Receiver<SyncId>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, tokio::task::JoinHandle<()>)> {
        let mut folded = store.folded(household).await?;
        if folded.stuck.is_some() {
            // This version may be able to read what an earlier one couldn't; what was folded since is folded again, which changes nothing.
            folded.at = folded.covers();
            folded.stuck = None;
        }
        let (wanted, wants) = watch::channel(SyncId::ZERO);
        let (tell, told) = watch::channel(folded);
        let folder = Folder { store, household, head, wants, tell, metrics };
        Ok((Self { wanted, folded: told }, tokio::spawn(folder.run())))
    }

    /// Has the log folded up to a number at least, soon.
    pub(crate) fn hurry(&self, to: SyncId) {
        self.wanted.send_if_modified(|wanted| {
            let more = to > *wanted;
            *wanted = to.max(*wanted);
            more
        });
    }

    /// Has the log folded up to a number at least, and waits for that.
    pub(crate) async fn catch_up(&self, to: SyncId) -> Result<Folded> {
        self.hurry(to);
        let mut folded = self.folded.clone();
        let done = tokio::time::timeout(PATIENCE, folded.wait_for(|folded| folded.at >= to)).await;
        match done {
            Ok(Ok(folded)) => Ok(*folded),
            _ => Err(Error::new(
                ErrorKind::Internal,
                "the server couldn't bring its entity states up to date in time",
                "try again later; the server's log tells more",
            )),
        }
    }
}

struct Folder {
    store: Store,
    household: HouseholdId,
    head: watch::Receiver<SyncId>,
    wants: watch::Receiver<SyncId>,
    tell: watch::Sender<Folded>,
    metrics: Arc<Metrics>,
}

impl Folder {
    async fn run(mut self) {
        loop {
            let at = self.tell.borrow().at;
            let head = *self.head.borrow_and_update();
            let wanted = *self.wants.borrow_and_update();
            let due = wanted > at && head > at || head.get().saturating_sub(at.get()) > BEHIND;
            if !due && !self.wait(head > at).await {
                return;
            }
            if *self.head.borrow() <= at {
                continue;
            }
            let folded = *self.tell.borrow();
            match step::fold(&self.store, self.household, folded, &self.metrics).await {
                Ok(folded) => {
                    self.tell.send_replace(folded);
                }
                Err(error) => {
                    tracing::error!(household = %self.household, %error, "the log can't be folded");
                    tokio::select! {
                        () = tokio::time::sleep(AFTER_FAILURE) => {}
                        gone = gone(&mut self.head) => if gone { return },
                    }
                }
            }
        }
    }

    /// Waits until there is something to do; whether the server goes on.
    async fn wait(&mut self, behind: bool) -> bool {
        loop {
            tokio::select! {
                changed = self.head.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    if !behind {
                        return true;
                    }
                }
                // Without this sender there is nobody to wait for it any more.
                Ok(()) = self.wants.changed() => return true,
                () = tokio::time::sleep(QUIET), if behind => return true,
            }
        }
    }
}

async fn gone(head: &mut watch::Receiver<SyncId>) -> bool {
    loop {
        if head.changed().await.is_err() {
            return true;
        }
    }
}
