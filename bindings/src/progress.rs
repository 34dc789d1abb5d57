//! How far long work is: the newest figure is passed on as fast as the listener takes them, and never holds the work up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::{AltairError, ListenerError};
use crate::report::Progress;
use crate::runtime;

/// How long to wait for a listener when the work is done.
const PATIENCE: Duration = Duration::from_secs(1);

/// Is told how far it is.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait ProgressListener: Send + Sync {
    /// The newest figure.
    async fn on_progress(&self, progress: Progress) -> Result<(), ListenerError>;
}

/// What passes figures on until the work is done.
pub(crate) struct Passing(JoinHandle<()>);

impl Passing {
    /// Begins: the function is the engine's to call.
    pub(crate) fn begin(
        listener: Arc<dyn ProgressListener>,
    ) -> Result<(impl FnMut(altair_core::Progress) + Send + 'static, Self), AltairError> {
        let (figures, mut newest) = watch::channel(None);
        let task = runtime::handle()?.spawn(async move {
            while newest.changed().await.is_ok() {
                let progress = *newest.borrow_and_update();
                let Some(progress) = progress else { continue };
                if listener.on_progress(Progress::from(progress)).await.is_err() {
                    tracing::warn!("a listener of progress failed; it is told nothing more");
                    return;
                }
            }
        });
        let report = move |progress| {
            figures.send_replace(Some(progress));
        };
        Ok((report, Self(task)))
    }

    /// Waits until the last figure is passed on, unless the listener takes too long.
    pub(crate) async fn end(mut self) {
        if tokio::time::timeout(PATIENCE, &mut self.0).await.is_err() {
            self.0.abort();
        }
    }
}
