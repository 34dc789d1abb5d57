//! All states, down: lines are gathered into batches, and the store joins one while the next is gathered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use altair_protocol::sync::{BootstrapLine, HttpCode, HttpError, Start};
use tokio::task::JoinHandle;

use super::message::Teller;
use super::replica::{Replica, StateLine};
use super::running::store_failed;
use super::storing::Store;
use crate::error::{Error, Result};
use crate::sync::machine::{Event, How, Resume, TransferFailure, TransferId};
use crate::sync::remote::{Lines, LinesError, Remote, RemoteError};

/// So many entities are joined at a time,
const MAX_LINES: usize = 500;
/// and about so many bytes of them.
const MAX_BYTES: u64 = 4 << 20;

/// A bootstrap under way.
pub(super) struct Bootstrap<R> {
    pub(super) transfer: TransferId,
    pub(super) remote: Remote,
    pub(super) secret: Arc<str>,
    pub(super) store: Store<R>,
    pub(super) teller: Teller,
    pub(super) how: How,
    pub(super) from: Option<Resume>,
    /// How many entities were joined before it was cut off.
    pub(super) joined: Arc<AtomicU64>,
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
            RemoteError::Refused(HttpError { code: HttpCode::Horizon, message, .. }) => TransferFailure::Anew(message),
            error => TransferFailure::Trouble(error.into()),
        })
    }
}

impl From<LinesError> for Stopped {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Remote(error) => error.into(),
            LinesError::Damaged(_) => Self::Transfer(TransferFailure::Anew(error.to_string())),
            LinesError::Newer(_) => Self::Transfer(TransferFailure::Newer(error.to_string())),
        }
    }
}

/// A batch that the store is joining; it is let go when this is dropped.
struct Joining(JoinHandle<Result<()>>);

impl Drop for Joining {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<R: Replica> Bootstrap<R> {
    /// Takes all states, or the rest. What the machine is told in the end.
    pub(super) async fn run(self) -> Event {
        let transfer = self.transfer;
        match self.take().await {
            Ok(start) => Event::Bootstrapped { transfer, cursor: start.head, incarnation: start.incarnation },
            Err(Stopped::Store(error)) => store_failed(&error),
            Err(Stopped::Transfer(failure)) => Event::TransferFailed { transfer, failure },
        }
    }

    async fn take(&self) -> std::result::Result<Start, Stopped> {
        let transfer = self.transfer;
        let after = self.from.map(|from| (from.after, from.head));
        let mut lines = self.remote.bootstrap(&self.secret, after).await?;
        let start = lines.start().await?;
        // States of another log aren't joined before it is met: if that is so, this ends here.
        self.teller.tell_and_wait(Event::Started { transfer, start }).await;
        if self.from.is_none() {
            self.joined.store(0, Ordering::Relaxed);
        }
        let total = start.entities.saturating_add(self.joined.load(Ordering::Relaxed));
        let mut joining: Option<(Joining, Resume, u64)> = None;
        let mut ended = None;
        while ended.is_none() || joining.is_some() {
            let Gathered { batch, entities, end } = match ended.take() {
                None => gather(&mut lines).await,
                end => Gathered { batch: Vec::new(), entities: 0, end },
            };
            if let Some((mut batch, resume, entities)) = joining.take() {
                (&mut batch.0).await.unwrap_or_else(|error| Err(Error::internal(error.to_string())))?;
                let done = self.joined.fetch_add(entities, Ordering::Relaxed).saturating_add(entities);
                let after = Some(resume.after);
                self.teller.tell_and_wait(Event::Progressed { transfer, after, done, total: total.max(done) }).await;
            }
            if let Some(last) = batch.last() {
                let Start { head, incarnation, .. } = start;
                let resume = Resume { after: last.id(), head, incarnation, how: self.how };
                let store = self.store.clone();
                let join = tokio::spawn(async move {
                    store.run(move |replica| Box::pin(async move { replica.join(batch, resume).await })).await
                });
                joining = Some((Joining(join), resume, entities));
            }
            ended = end;
        }
        // What has come before it is joined by now, so that the next bootstrap goes on there.
        ended.unwrap_or(Ok(()))?;
        let (cursor, of, how) = (start.head, start.incarnation, self.how);
        self.store.run(move |replica| Box::pin(async move { replica.bootstrapped(cursor, of, how).await })).await?;
        Ok(start)
    }
}

/// Lines that have come.
struct Gathered {
    batch: Vec<StateLine>,
    /// How many of them are entities.
    entities: u64,
    /// Whether nothing comes after them: as all that was sent has come, or for a reason.
    end: Option<std::result::Result<(), LinesError>>,
}

/// The next lines.
async fn gather(lines: &mut Lines) -> Gathered {
    let (mut batch, mut entities, mut end) = (Vec::new(), 0, None);
    let before = lines.taken();
    while end.is_none() && batch.len() < MAX_LINES && lines.taken() - before < MAX_BYTES {
        match lines.next().await {
            Ok(Some(BootstrapLine::Entity(state))) => {
                entities += 1;
                batch.push(StateLine::Entity(state));
            }
            Ok(Some(BootstrapLine::Erased(erased))) => batch.push(StateLine::Erased(erased)),
            Ok(Some(BootstrapLine::End(_)) | None) => end = Some(Ok(())),
            // It comes first, and once: the lines see to that.
            Ok(Some(BootstrapLine::Bootstrap(_))) => {}
            Err(error) => {
                if matches!(error, LinesError::Damaged(_)) {
                    // What is wrong may be in these.
                    batch.clear();
                    entities = 0;
                }
                end = Some(Err(error));
            }
        }
    }
    Gathered { batch, entities, end }
}
