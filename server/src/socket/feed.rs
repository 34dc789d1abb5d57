//! What a socket is to be sent of the log: first from the log itself, then as it is committed, and from the log again when the socket doesn't keep up.
//!
//! It holds one page of the log at most, however far behind the device is, and every number goes out once and in order.

use std::sync::{Arc, LazyLock};

use altair_core::Result;
use altair_protocol::DeviceId;
use altair_protocol::sync::SyncId;
use axum::extract::ws::Utf8Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::household::{Batch, Household};
use crate::metrics::Metrics;

/// About how much of the log is read at once.
const PAGE_BYTES: usize = 256 << 10;
/// How many sockets read the log at the same time.
static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(16));

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// Frames to send.
    Frames(Vec<Utf8Bytes>),
    /// Everything up to here was sent.
    Live(SyncId),
}

/// A device's feed.
pub(super) struct Feed {
    household: Arc<Household>,
    metrics: Arc<Metrics>,
    device: DeviceId,
    /// The last number that was given out.
    sent: SyncId,
    from: From,
}

enum From {
    /// The log, which is read whatever else the socket does meanwhile. Who listens since before that misses nothing when it has been read to its end.
    Log { page: BoxFuture<'static, Result<Batch>>, live: Option<broadcast::Receiver<Arc<Batch>>> },
    /// What is committed.
    Live(broadcast::Receiver<Arc<Batch>>),
}

fn from_log(household: &Arc<Household>, after: SyncId) -> From {
    let live = Some(household.listen());
    if household.head() <= after {
        return From::Log { page: std::future::ready(Ok(Batch::of(&[]))).boxed(), live };
    }
    let household = Arc::clone(household);
    let page = async move {
        // The semaphore is never closed.
        let _reader = READERS.acquire().await;
        household.log_after(after, PAGE_BYTES).await
    };
    From::Log { page: page.boxed(), live }
}

impl Feed {
    /// A device's feed after its cursor.
    pub(super) fn new(household: Arc<Household>, metrics: Arc<Metrics>, device: DeviceId, cursor: SyncId) -> Self {
        let from = from_log(&household, cursor);
        Self { household, metrics, device, sent: cursor, from }
    }

    /// The next frames, when there are some. Waiting for them may be given up and begun again: nothing is lost by that.
    pub(super) async fn next(&mut self) -> Result<Next> {
        loop {
            match &mut self.from {
                From::Log { page, live } => {
                    let batch = page.await?;
                    match (batch.last(), live.take()) {
                        (None, Some(live)) => {
                            self.from = From::Live(live);
                            return Ok(Next::Live(self.sent));
                        }
                        (None, None) => self.from = from_log(&self.household, self.sent),
                        (Some(last), _) => {
                            let frames = batch.frames(self.device, self.sent);
                            self.sent = last;
                            self.from = from_log(&self.household, last);
                            return Ok(Next::Frames(frames));
                        }
                    }
                }
                From::Live(live) => match live.recv().await {
                    Ok(batch) => {
                        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { continue };
                        if last <= self.sent {
                            continue;
                        }
                        if Some(first) > self.sent.next() {
                            self.from = from_log(&self.household, self.sent);
                            continue;
                        }
                        let frames = batch.frames(self.device, self.sent);
                        self.sent = last;
                        return Ok(Next::Frames(frames));
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.metrics.fell_behind.add(1);
                        self.from = from_log(&self.household, self.sent);
                    }
                    // The household has stopped; the socket is told so in another way.
                    Err(RecvError::Closed) => return std::future::pending().await,
                },
            }
        }
    }
}
