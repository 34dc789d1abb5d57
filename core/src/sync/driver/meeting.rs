//! All of this device's states, up, to a server whose log isn't the one that it knows.

use std::sync::Arc;

use altair_protocol::sync::{HttpCode, HttpError, JoinRefused};
use altair_protocol::{EntityId, Incarnation};

use super::blobs::{self, BlobError};
use super::message::Teller;
use super::replica::{Replica, States};
use super::running::store_failed;
use super::storing::Store;
use crate::error::Error;
use crate::sync::machine::{Event, Position, TransferFailure, TransferId};
use crate::sync::remote::{Remote, RemoteError, packed};

/// About so many bytes of states go in a request, before they are packed.
const MAX_BYTES: usize = 4 << 20;

/// A meeting under way.
pub(super) struct Meeting<R> {
    pub(super) transfer: TransferId,
    pub(super) remote: Remote,
    pub(super) secret: Arc<str>,
    pub(super) store: Store<R>,
    pub(super) replica: Arc<R>,
    pub(super) teller: Teller,
}

/// Why it has ended early.
enum Stopped {
    Store(Error),
    Transfer(TransferFailure),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<RemoteError> for Stopped {
    fn from(error: RemoteError) -> Self {
        Self::Transfer(match error {
            RemoteError::Refused(HttpError { code: HttpCode::Met, .. }) => TransferFailure::Met,
            error => TransferFailure::Trouble(error.into()),
        })
    }
}

/// What has gone up.
#[derive(Default)]
struct Brought {
    done: u64,
    carried: Vec<(EntityId, Position)>,
    refused: Vec<JoinRefused>,
    incarnation: Option<Incarnation>,
}

impl<R: Replica> Meeting<R> {
    /// Brings everything up. What the machine is told in the end.
    pub(super) async fn run(self) -> Event {
        let transfer = self.transfer;
        match self.bring().await {
            Ok((incarnation, refused)) => Event::Met { transfer, incarnation, refused },
            Err(Stopped::Store(error)) => store_failed(&error),
            Err(Stopped::Transfer(failure)) => Event::TransferFailed { transfer, failure },
        }
    }

    async fn bring(&self) -> Result<(Incarnation, Vec<JoinRefused>), Stopped> {
        let mut brought = Brought::default();
        let mut after = None;
        loop {
            let ask = move |replica: Arc<R>| -> futures::future::BoxFuture<'static, _> {
                Box::pin(async move { replica.states(after, MAX_BYTES).await })
            };
            let states = self.store.run(ask).await?;
            after = states.lines.last().map(super::StateLine::id).or(after);
            // A store without anything asks all the same: the log has to be known.
            let end = states.end || states.lines.is_empty();
            self.bring_some(states, &mut brought).await?;
            if end {
                break;
            }
        }
        let Brought { carried, refused, incarnation, .. } = brought;
        let Some(to) = incarnation else {
            return Err(Error::internal("a meeting has ended before it began").into());
        };
        // Only now, as nothing has arrived if the server turns out to be another one in between.
        self.store.run(move |replica| Box::pin(async move { replica.carried(carried, to).await })).await?;
        Ok((to, refused))
    }

    async fn bring_some(&self, states: States, brought: &mut Brought) -> Result<(), Stopped> {
        let States { lines, unsent, through, blobs, total, .. } = states;
        let done = brought.done;
        for blob in blobs {
            let progress = || self.progressed(done, total);
            match blobs::ensure(&self.remote, &self.secret, &*self.replica, blob, progress).await {
                Ok(()) => {}
                // The server says so of the state that names it.
                Err(BlobError::Remote(error @ (RemoteError::Unreachable(_) | RemoteError::Unauthorized))) => {
                    return Err(error.into());
                }
                Err(error) => tracing::warn!(%blob, %error, "a blob stays behind"),
            }
        }
        let count = lines.len() as u64;
        let body = tokio::task::spawn_blocking(move || packed(&lines)).await;
        let body = body
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| Error::internal(format!("states couldn't be written as JSON: {error}")))?;
        let joined = self.remote.bring(&self.secret, body).await?;
        if brought.incarnation.is_some_and(|earlier| earlier != joined.incarnation) {
            let message = "the server has been restored again in the middle of a meeting".to_owned();
            return Err(Stopped::Transfer(TransferFailure::Anew(message)));
        }
        brought.incarnation = Some(joined.incarnation);
        let taken = |id: &EntityId| !joined.refused.iter().any(|refused| refused.entity == *id);
        brought.carried.extend(unsent.into_iter().filter(taken).map(|id| (id, through)));
        brought.refused.extend(joined.refused);
        brought.done += count;
        self.progressed(brought.done, total).await;
        Ok(())
    }

    async fn progressed(&self, done: u64, total: u64) {
        let event = Event::Progressed { transfer: self.transfer, after: None, done, total: total.max(done) };
        self.teller.tell(event).await;
    }
}
