//! One request: whether it may be done, until when, and telling how far it is.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use altair_protocol::ErrorKind;
use altair_protocol::request::Progress;
use altair_protocol::rpc::{self, Code, Done, Fault, Request, RequestId};
use futures::FutureExt as _;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Session, closing_fault, stop};
use crate::engine::{Asked, OnProgress};
use crate::host::answer::{Question, answer};
use crate::host::grants::admit;

/// How often a guest hears how far a long request is, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// When a request that was read at one time is to be done.
pub(super) fn until(read_at: Instant, timeout_ms: Option<u64>) -> Option<Instant> {
    // One that is further off than a clock can say is none.
    timeout_ms.and_then(|timeout| read_at.checked_add(Duration::from_millis(timeout)))
}

/// How a request is to be answered.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// It was sent before, and no answer came.
    pub(super) again: bool,
    /// When it is to be done.
    pub(super) until: Option<Instant>,
    /// How many bytes the answer may have.
    pub(super) most: usize,
}

impl How {
    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Ends when it is too late.
    async fn late(&self) -> Fault {
        match self.until {
            Some(until) => {
                sleep_until(until).await;
                timed_out()
            }
            None => pending().await,
        }
    }
}

fn timed_out() -> Fault {
    let message = "this wasn't done in the time that the request gave it";
    Fault::new(Code::TIMEOUT, ErrorKind::Refused, message, "give it more time, or ask for less")
}

impl Session {
    /// Writes down that a request may be given up, if it may.
    pub(super) fn may_stop(&self, id: &RequestId, request: &Request) -> Option<oneshot::Receiver<Fault>> {
        if request.done() != Done::Again {
            return None;
        }
        let (stop, stopped) = oneshot::channel();
        self.running().insert(id.clone(), stop);
        Some(stopped)
    }

    /// Does what is asked, unless it may not be, or is given up before its end.
    pub(super) async fn ask(
        &self,
        id: &RequestId,
        request: Request,
        how: How,
        mut stopped: Option<oneshot::Receiver<Fault>>,
    ) -> Result<Vec<u8>, Fault> {
        let engine = self.service.engine.upgrade().ok_or_else(closing_fault)?;
        let asked = id.uuid().map(|id| Asked { id, again: how.again });
        let goes_on_for_long = matches!(request, Request::Import(_) | Request::Export(_));
        let (progress, mut latest) = if goes_on_for_long {
            let (sender, latest) = watch::channel(Progress { done: 0, total: 0 });
            let progress: OnProgress = Box::new(move |progress| {
                sender.send_replace(progress);
            });
            (Some(progress), Some(latest))
        } else {
            (None, None)
        };
        let may_stop = stopped.is_some();
        let stopping = async {
            match &mut stopped {
                Some(stopped) => tokio::select! {
                    fault = stop(stopped) => fault,
                    late = how.late() => late,
                },
                None => pending().await,
            }
        };
        let answering = async {
            if let Some(grant) = self.grant() {
                let admitted = admit(&engine, grant, &request).await;
                admitted.map_err(|(entity, error)| self.refused(request.method(), entity, &error))?;
            }
            // Begun too late it isn't begun; begun in time, what writes is done to its end.
            if how.is_late() {
                return Err(timed_out());
            }
            let grant = self.grant().cloned();
            answer(engine, Question { id: id.clone(), request, asked, progress, grant, most: how.most }).await
        };
        let telling = async {
            match &mut latest {
                Some(latest) => self.tell_progress(id, latest).await,
                None => pending().await,
            }
        };
        let answered = tokio::select! {
            biased;
            fault = stopping => Err(fault),
            answered = answering => answered,
            never = telling => match never {},
        };
        if may_stop {
            self.running().remove(id);
        }
        // How far it came at last, before the answer.
        if let Some(latest) = &mut latest
            && let Some(Ok(())) = latest.changed().now_or_never()
        {
            self.progressed(id, latest).await;
        }
        answered
    }

    /// Tells the guest now and then how far a request is.
    async fn tell_progress(&self, id: &RequestId, latest: &mut watch::Receiver<Progress>) -> Infallible {
        while latest.changed().await.is_ok() {
            self.progressed(id, latest).await;
            sleep(PROGRESS_EVERY).await;
        }
        // There is none, or it has ended.
        pending().await
    }

    async fn progressed(&self, id: &RequestId, latest: &mut watch::Receiver<Progress>) {
        let Progress { done, total } = *latest.borrow_and_update();
        self.notify(rpc::PROGRESS, &rpc::Progressed { id: id.clone(), done, total }).await;
    }
}
