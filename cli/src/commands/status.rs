//! `status` and `doctor`: how the store is.

use altair_protocol::rpc;
use clap::Args;

use crate::failure::Failure;
use crate::output::Output;
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
/// Reads every entity, change and attachment. Ends with 1 if something stays damaged; what can't be repaired comes back
/// with `altair restore-backup`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair doctor")]
pub(crate) struct Doctor {
    /// Go on with a store that has lost commits (after a bad copy or a damaged disk), as it is now
    #[arg(long)]
    accept_loss: bool,
}

impl Doctor {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let diagnosis = store
            .with_damaged(async |altair| {
                if self.accept_loss {
                    altair.call(rpc::AcceptLoss {}).await?;
                }
                altair.call(rpc::Doctor {}).await
            })
            .await?;
        if diagnosis.health != "ok" {
            out.fails();
        }
        out.one(&diagnosis)
    }
}
