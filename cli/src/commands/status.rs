//! `status` and `doctor`: how the store is.

use std::time::Instant;

use altair_core::{Diagnosis, ErrorKind};
use altair_protocol::rpc::{self, Host};
use clap::Args;

use crate::checkup::{self, Checkup, HINDERED};
use crate::failure::Failure;
use crate::output::Output;
use crate::spawn;
use crate::store::Store;

/// Show how much there is, its size and its health
///
/// Also names the store's folder, this device and how syncing stands.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair status")]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let mut status = store.with(async |altair| altair.call(rpc::StoreStatus {}).await).await?;
        // The host says who it is, and this program never is.
        status.host.role = "guest".to_owned();
        out.one(&status)
    }
}

/// Check the whole store and repair what can be rebuilt
///
/// Reads every entity, change and attachment, and looks at the processes around the store: who hosts it, what keeps others
/// from joining, what is left of those who are gone. Ends with 1 if something stays wrong; what can't be repaired comes
/// back with `altair restore-backup`. Ends with 5 if the store can't be opened, and says why.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair doctor")]
pub(crate) struct Doctor {
    /// Go on with a store that has lost commits (after a bad copy or a damaged disk), as it is now
    #[arg(long)]
    accept_loss: bool,
}

impl Doctor {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        if store.socket().is_some() {
            // What is around that store is for its host to know.
            let (host, diagnosis) = self.examine(store).await?;
            out.note(checkup::hosted(&host));
            return tell(&diagnosis, out);
        }
        let (before, begun) = (Checkup::look(store.path()).await, Instant::now());
        before.told().iter().for_each(|line| out.note(line));
        if let Some(obstacle) = before.obstacle().filter(|obstacle| obstacle.lasts) {
            before.lines_beside(&obstacle).iter().for_each(|line| out.note(line));
            return Err(obstacle.failure(ErrorKind::Locked));
        }
        let mut examined = self.examine(store).await;
        // A host that couldn't be joined may listen by now.
        if hinders(&examined).is_some() && !before.can_be_joined() && Checkup::look(store.path()).await.can_be_joined()
        {
            examined = self.examine(store).await;
        }
        if let (Ok((host, _)), Some(_)) = (&examined, before.host()) {
            // A host does it when it begins; this one may have been there before those that left something.
            altair_core::host::clear(store.path(), host);
        }
        let after = Checkup::look(store.path()).await;
        let kind = hinders(&examined);
        let (_, mut diagnosis) = match (examined, kind, after.obstacle()) {
            (Err(_), Some(kind), Some(obstacle)) => {
                after.lines_beside(&obstacle).iter().for_each(|line| out.note(line));
                return Err(obstacle.failure(kind));
            }
            (examined, ..) => examined?,
        };
        let mut around = after.since(&before);
        if begun.elapsed() >= spawn::LITTLE {
            around.extend(after.stuck_start(&before));
        }
        if diagnosis.health == "ok" && around.iter().any(|problem| !problem.repaired) {
            diagnosis.health = HINDERED.to_owned();
        }
        diagnosis.problems.extend(around);
        tell(&diagnosis, out)
    }

    /// Has the host check the store.
    async fn examine(&self, store: &Store) -> Result<(Host, Diagnosis), Failure> {
        store
            .with_damaged(async |altair| {
                if self.accept_loss {
                    altair.call(rpc::AcceptLoss {}).await?;
                }
                let diagnosis = altair.call(rpc::Doctor {}).await?;
                Ok((altair.host(), diagnosis))
            })
            .await
    }
}

/// What kind of failure it is, if what is around the store may be the reason for it.
fn hinders<T>(examined: &Result<T, Failure>) -> Option<ErrorKind> {
    match examined {
        Err(Failure::Failed { code: 5, kind: kind @ (ErrorKind::Locked | ErrorKind::Internal), .. }) => Some(*kind),
        _ => None,
    }
}

fn tell(diagnosis: &Diagnosis, out: &mut Output) -> Result<(), Failure> {
    if diagnosis.health != "ok" {
        out.fails();
    }
    out.one(diagnosis)
}
