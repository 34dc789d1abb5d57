//! Stopping: said once, heard by everybody.

use tokio::sync::watch;

/// Whoever says it.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

/// Whoever hears it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stopper {
    pub(crate) fn new() -> Self {
        Self(watch::channel(false).0)
    }

    /// Says it.
    pub(crate) fn say(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was said.
    pub(crate) fn was_said(&self) -> bool {
        *self.0.borrow()
    }

    /// Somebody who hears it, now or later.
    pub(crate) fn heard(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// Waits until it is said. Who could say it and is gone has said it, too.
    pub(crate) async fn said(&mut self) {
        let _ = self.0.wait_for(|said| *said).await;
    }
}
