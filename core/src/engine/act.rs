//! One act of the engine's, whoever asks for it: this process directly, or a guest through the host.
//!
//! What has to happen once happens once though its guest asks again after its host died: the answer is written under the request's id in the transaction that
//! did the work, and who asks again is answered from there.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use altair_protocol::request::Progress;
use altair_protocol::rpc::{Call, Done};
use serde::Serialize;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Inner;
use crate::error::{Error, Result};
use crate::store::sealed::Kept;
use crate::store::write::Unit;

/// For how long what was answered is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(600);

/// What is called as a long act goes on.
pub(crate) type OnProgress = Box<dyn FnMut(Progress) + Send>;

/// How the engine does what is asked of it.
pub(crate) trait Act: Call {
    /// Does it, all of it or nothing.
    fn act(self, here: Here) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// A request of a guest's that has to happen once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    /// It was sent before, and no answer came.
    pub(crate) again: bool,
}

/// Where an act happens: the engine, and the request that it answers.
pub(crate) struct Here {
    inner: Arc<Inner>,
    asked: Option<Uuid>,
    progress: Mutex<Option<OnProgress>>,
}

impl std::ops::Deref for Here {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl Here {
    /// Begins a unit of this act's.
    pub(crate) async fn begin(&self) -> Result<Unit> {
        Ok(self.inner.writer.begin().await?.answering(self.asked))
    }

    /// Begins one when nothing else is under way.
    pub(crate) async fn begin_quiet(&self) -> Result<Unit> {
        Ok(self.inner.writer.begin_quiet().await?.answering(self.asked))
    }

    /// What to call as the act goes on.
    pub(crate) fn progress(&self) -> OnProgress {
        let given = self.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        given.unwrap_or_else(|| Box::new(|_| {}))
    }
}

/// Does what was asked, on the engine's runtime.
pub(crate) async fn perform<C: Act>(
    inner: Arc<Inner>,
    call: C,
    asked: Option<Asked>,
    progress: Option<OnProgress>,
) -> Result<C::Answer> {
    let Some(asked) = asked.filter(|_| C::DONE == Done::Once) else {
        return call.act(Here { inner, asked: None, progress: Mutex::new(progress) }).await;
    };
    check_time(asked.id, inner.writer.environment.now())?;
    // The first time may still be under way, for a guest whose connection broke.
    let running = Arc::clone(&inner.running);
    let _alone = running.enter(asked.id).await;
    if asked.again
        && let Some(kept) = inner.db.kept_answer(asked.id).await?
    {
        return given_again::<C>(&inner, kept).await;
    }
    call.act(Here { inner, asked: Some(asked.id), progress: Mutex::new(progress) }).await
}

async fn given_again<C: Call>(inner: &Inner, kept: Kept) -> Result<C::Answer> {
    let unreadable = |error| Error::corrupt("an answer that was kept can't be read").because(error);
    match kept {
        Kept::Entity(id) => {
            let entity = serde_json::to_value(inner.require(id).await?).map_err(unreadable)?;
            serde_json::from_value(entity).map_err(unreadable)
        }
        Kept::Json(json) => serde_json::from_str(&json).map_err(unreadable),
    }
}

/// A request's id tells when it was made, so that answers can be forgotten in that order.
fn check_time(id: Uuid, now: u64) -> Result<()> {
    let made = id.get_timestamp().filter(|_| id.get_version_num() == 7).map(|stamp| {
        let (seconds, nanos) = stamp.to_unix();
        seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000))
    });
    match made {
        Some(made) if u128::from(made.abs_diff(now)) < REMEMBERED.as_millis() => Ok(()),
        _ => Err(Error::invalid(
            format!("{id} is not the id of a request made now"),
            "use a new UUID of version 7 for each request, or a number, and look at the clock",
        )),
    }
}

/// The requests that are under way.
#[derive(Debug, Default)]
pub(crate) struct Running {
    ids: Mutex<HashSet<Uuid>>,
    ended: Notify,
}

impl Running {
    async fn enter(&self, id: Uuid) -> Entered<'_> {
        loop {
            let ended = self.ended.notified();
            if self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
                return Entered { running: self, id };
            }
            ended.await;
        }
    }
}

struct Entered<'a> {
    running: &'a Running,
    id: Uuid,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.running.ended.notify_waiters();
    }
}

/// An answer as it is kept.
pub(crate) fn kept<A: Serialize>(answer: &A) -> Result<Kept> {
    let json = serde_json::to_string(answer);
    json.map(Kept::Json).map_err(|error| Error::internal("an answer can't be written").because(error))
}
