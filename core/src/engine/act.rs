//! One act of the engine's, whoever asks for it: this process directly, or a guest through the host.
//!
//! What has to happen once happens once though its guest asks again after its host died: the answer is written under the request's id in the transaction that
//! did the work, and who asks again is answered from there.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use altair_protocol::request::Progress;
use altair_protocol::rpc::{Call, Done, Request};
use altair_protocol::view::{Conflict, Entity};
use altair_protocol::{EntityState, exactly};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Inner;
use super::attachments::attachment_ref;
use crate::error::{Error, Result};
use crate::reading::read;
use crate::store::sealed::Kept;
use crate::store::write::Unit;

/// For how long what was answered is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(600);

/// What is called as a long act goes on.
pub(crate) type OnProgress = Box<dyn FnMut(Progress) + Send>;

/// How the engine does what is asked of it.
pub(crate) trait Act: Call {
    /// Whether it asks the database a few short questions and does little else. Then it is done on the database's own thread: going there and back for each
    /// question takes longer than the answers do.
    fn is_short(&self) -> bool {
        false
    }

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

/// Whether a request is a short one ([`Act::is_short`]).
pub(crate) fn is_short(request: &Request) -> bool {
    match request {
        Request::Find(call) => call.is_short(),
        Request::Get(call) => call.is_short(),
        Request::Show(call) => call.is_short(),
        Request::ListEntities(call) => call.is_short(),
        _ => false,
    }
}

/// Does what was asked, where it is called.
pub(crate) async fn perform<C: Act>(
    inner: Arc<Inner>,
    call: C,
    asked: Option<Asked>,
    progress: Option<OnProgress>,
) -> Result<C::Answer> {
    let Some(asked) = asked.filter(|_| C::DONE == Done::Once) else {
        return call.act(Here { inner, asked: None, progress: Mutex::new(progress) }).await;
    };
    check_time(asked, inner.writer.environment.now())?;
    // The first time may still be under way, for a guest whose connection broke.
    let running = Arc::clone(&inner.running);
    let mut turn = running.enter(asked.id).await;
    if (asked.again || turn.was_done)
        && let Some(kept) = inner.db.kept_answer(asked.id).await?
    {
        turn.done();
        return given_again::<C>(&inner, kept).await;
    }
    let answer = call.act(Here { inner, asked: Some(asked.id), progress: Mutex::new(progress) }).await;
    if answer.is_ok() {
        turn.done();
    }
    answer
}

/// The answer to what was done before.
async fn given_again<C: Call>(inner: &Inner, kept: Kept) -> Result<C::Answer> {
    let unreadable = |error| Error::corrupt("an answer that was kept can't be read").because(error);
    let answer = match kept {
        Kept::Entity(id) => {
            let entity = inner.require(id).await?;
            exactly(|| serde_json::to_value(entity))
        }
        Kept::Attachment(id) => serde_json::to_value(attachment_ref(&inner.require(id).await?)),
        Kept::Erased(id, kind) => {
            // Of what it was nothing is left.
            let reading = read(&EntityState::new(id, kind))?;
            serde_json::to_value(Entity { deleted: true, ..reading.entity })
        }
        Kept::Undone(undone) => serde_json::to_value(undone),
        Kept::Resolved { conflict, entity, field } => {
            serde_json::to_value(Conflict { id: conflict, entity, field, heads: Vec::new() })
        }
    };
    serde_json::from_value(answer.map_err(unreadable)?).map_err(unreadable)
}

/// A request's id tells when it was made, so that answers can be forgotten in that order.
fn check_time(asked: Asked, now: u64) -> Result<()> {
    let id = asked.id;
    let made = id.get_timestamp().filter(|_| id.get_version_num() == 7).map(|stamp| {
        let (seconds, nanos) = stamp.to_unix();
        seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000))
    });
    match made {
        Some(made) if u128::from(made.abs_diff(now)) < REMEMBERED.as_millis() => Ok(()),
        Some(made) if asked.again && made < now => Err(Error::new(
            crate::ErrorKind::Internal,
            "this was asked so long ago that it isn't known whether it was done",
            "look whether it was, and ask anew if not",
        )),
        _ => Err(Error::invalid(
            format!("{id} is not the id of a request made now"),
            "use a new UUID of version 7 for each request, or a number, and look at the clock",
        )),
    }
}

/// The requests that have to happen once: those under way, and those that this host has done lately.
#[derive(Debug, Default)]
pub(crate) struct Running {
    ids: Mutex<(BTreeSet<Uuid>, BTreeSet<Uuid>)>,
    ended: Notify,
}

impl Running {
    fn ids(&self) -> MutexGuard<'_, (BTreeSet<Uuid>, BTreeSet<Uuid>)> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the same request isn't under way.
    async fn enter(&self, id: Uuid) -> Turn<'_> {
        loop {
            let ended = self.ended.notified();
            {
                let (running, done) = &mut *self.ids();
                if running.insert(id) {
                    return Turn { running: self, id, was_done: done.contains(&id) };
                }
            }
            ended.await;
        }
    }

    /// Forgets what was done of the requests made before one.
    pub(crate) fn forget(&self, before: Uuid) {
        let done = &mut self.ids().1;
        *done = done.split_off(&before);
    }
}

/// A request's turn.
struct Turn<'a> {
    running: &'a Running,
    id: Uuid,
    /// It was done before: an answer is kept.
    was_done: bool,
}

impl Turn<'_> {
    fn done(&mut self) {
        self.running.ids().1.insert(self.id);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.running.ids().0.remove(&self.id);
        self.running.ended.notify_waiters();
    }
}
