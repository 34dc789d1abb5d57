//! An open server: its store and its households, without a network. What listens, and what administers, are made of this.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use altair_core::{Environment, Result};
use altair_protocol::sync::{CloseCode, Closing};

use crate::household::Households;
use crate::metrics::Metrics;
use crate::pairing::Pairing;
use crate::store::{Memory, Store};

/// How to open a server.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The data folder.
    pub data: PathBuf,
    /// The database's block cache, in bytes.
    pub block_cache_bytes: u64,
    /// What is written before it goes to a table file, in bytes; also the largest transaction.
    pub memtable_bytes: u64,
    /// The clock and randomness.
    pub environment: Environment,
}

impl Opening {
    /// The usual opening of a data folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            block_cache_bytes: 64 << 20,
            memtable_bytes: 64 << 20,
            environment: Environment::default(),
        }
    }
}

/// An open server.
#[derive(Debug)]
pub struct Server {
    pub(crate) data: PathBuf,
    pub(crate) store: Store,
    pub(crate) households: Households,
    pub(crate) pairing: Pairing,
    pub(crate) environment: Environment,
    pub(crate) metrics: Arc<Metrics>,
}

impl Server {
    /// Opens or makes the data folder. An error of the kind `Locked`: another process has it.
    pub async fn open(opening: Opening) -> Result<Self> {
        let Opening { data, block_cache_bytes, memtable_bytes, environment } = opening;
        let memory = Memory { block_cache: block_cache_bytes, memtable: memtable_bytes };
        crate::backup::check_whole(&data)?;
        let store = Store::open(&data, memory).await?;
        let metrics = Arc::new(Metrics::default());
        let households = Households::new(store.clone(), environment.clone(), Arc::clone(&metrics));
        let pairing = Pairing::default();
        Ok(Self { data, store, households, pairing, environment, metrics })
    }

    /// Where its data are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Tells everybody who is connected that the server goes.
    pub(crate) async fn send_away(&self) {
        let closing = Closing {
            code: CloseCode::GoingAway,
            reason: "the server is being stopped".to_owned(),
            retry_after_ms: Some(1000),
        };
        self.households.send_away(&closing).await;
    }

    /// Stores what is only noted so far.
    pub(crate) async fn tidy(&self) {
        for household in self.households.working().await {
            household.store_cursors().await;
        }
        if let Err(error) = self.store.drop_old_codes(self.environment.now()).await {
            tracing::warn!(%error, "old pairing codes can't be removed");
        }
    }

    /// Closes the server: what is queued is done first, and the folder is free when this returns.
    pub async fn close(self) -> Result<()> {
        let Self { store, households, .. } = self;
        households.stop().await;
        // Nobody else may hold the store while it is closed.
        drop(households);
        store.close().await
    }

    /// The same while somebody else still holds the server: the folder is free when they let go.
    pub(crate) async fn close_shared(&self) -> Result<()> {
        self.households.stop().await;
        self.store.clone().close().await
    }
}
