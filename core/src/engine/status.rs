//! The store at a glance.

use altair_protocol::{Kind, rpc};
use serde_json::{Map, Value};

use super::{Act, Altair, Here, HostStatus, Sizes, Status, SyncStatus};
use crate::error::Result;
use crate::store::derive::TRASH;
use crate::store::folder::bytes_under;

impl Altair {
    /// Counts, sizes, health, syncing, and who has the store.
    pub async fn status(&self) -> Result<Status> {
        let mut status = self.call(rpc::StoreStatus {}).await?;
        if self.is_guest() {
            status.host.role = "guest".to_owned();
        }
        Ok(status)
    }
}

impl Act for rpc::StoreStatus {
    async fn act(self, here: Here) -> Result<Status> {
        let mut counts = Map::new();
        for (kind, n) in here.db.kinds().await?.into_iter().filter(|(kind, _)| *kind != Kind::Link) {
            counts.insert(kind.as_str().to_owned(), Value::from(n));
        }
        counts.insert("trash".to_owned(), Value::from(here.db.list_length(TRASH).await?));
        counts.insert("conflicts".to_owned(), Value::from(here.all_conflicts().await?.len()));
        let folder = &here.folder;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: folder.root().to_owned(),
            device: here.device.to_string(),
            counts,
            bytes: Sizes {
                store: bytes_under(&folder.database()),
                search: bytes_under(&folder.search()),
                blobs: bytes_under(&folder.blobs()),
            },
            health: here.found.as_ref().map_or_else(|| "ok".to_owned(), |found| found.problem.clone()),
            sync: SyncStatus {
                state: "off".to_owned(),
                server: None,
                head: None,
                cursor: None,
                pending: here.db.pending().await?,
                held: here.db.held().await?.len() as u64 + here.db.count_unread().await?,
                faults: Vec::new(),
                last_contact: None,
            },
            host: HostStatus { pid: std::process::id(), epoch: folder.epoch, role: "host".to_owned() },
        })
    }
}
