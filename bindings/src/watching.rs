//! Subscriptions: a listener goes in, a handle comes out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use altair_core::Watch;
use tokio::task::AbortHandle;

use crate::error::{AltairError, ListenerError};
use crate::report::Event;
use crate::runtime;

/// What a watcher sees next.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Watched {
    /// Where the store stands.
    Current {
        /// The number of the last commit.
        seq: i64,
    },
    /// One change.
    Change {
        /// The change.
        event: Event,
    },
    /// Some changes were passed over.
    Lagged {
        /// The number of the last of them.
        seq: i64,
    },
}

impl From<altair_core::Watched> for Watched {
    fn from(watched: altair_core::Watched) -> Self {
        let number = crate::entity::number;
        match watched {
            altair_core::Watched::Current { seq } => Self::Current { seq: number(seq) },
            altair_core::Watched::Change(event) => Self::Change { event: event.into() },
            altair_core::Watched::Lagged { seq } => Self::Lagged { seq: number(seq) },
        }
    }
}

/// Takes what is watched, one thing after another. The next comes when it has returned; what it misses meanwhile it is told of as lagged.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait WatchListener: Send + Sync {
    /// The next thing.
    async fn on_watched(&self, watched: Watched) -> Result<(), ListenerError>;
    /// The store is closed: nothing more will come.
    async fn on_end(&self) -> Result<(), ListenerError>;
}

/// How many subscriptions there are in this process.
static SUBSCRIPTIONS: AtomicI64 = AtomicI64::new(0);

/// How many subscriptions there are in this process: for finding the ones that nobody ended.
#[uniffi::export]
pub fn subscriptions() -> i64 {
    SUBSCRIPTIONS.load(Ordering::Acquire)
}

/// A subscription. It ends when it is stopped, when it is dropped and when the store is closed.
#[derive(Debug, uniffi::Object)]
pub struct Subscription {
    task: AbortHandle,
}

#[uniffi::export]
impl Subscription {
    /// Ends it. A call that its listener is in the middle of is cancelled.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts a subscription for as long as its task lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        SUBSCRIPTIONS.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        SUBSCRIPTIONS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Gives a listener everything that a watch sees.
pub(crate) fn subscribe(mut watch: Watch, listener: Arc<dyn WatchListener>) -> Result<Arc<Subscription>, AltairError> {
    let counted = Counted::new();
    let task = runtime::handle()?.spawn(async move {
        let _counted = counted;
        while let Some(watched) = watch.next().await {
            if listener.on_watched(watched.into()).await.is_err() {
                tracing::warn!("a listener failed; its subscription ends");
                return;
            }
        }
        let _ = listener.on_end().await;
    });
    Ok(Arc::new(Subscription { task: task.abort_handle() }))
}
