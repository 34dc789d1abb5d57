//! What a guest hears: answers, what its watches are told, and that the host is silent.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use altair_protocol::request::Progress;
use altair_protocol::rpc::{self, Fault, Incoming, Line, RequestId};
use tokio::time::{Instant, sleep_until};

use super::subscription::Subscription;
use super::{Answered, Lost, Shared, Stage, Waiting, silent};
use crate::host::SILENCE;
use crate::host::stream::ReadHalf;
use crate::host::wire::{Lines, line};

/// After so long without a word the host is asked whether it is there, if it owes an answer.
pub(super) const PING_AFTER: Duration = Duration::from_secs(1);
/// The same if there are only watches, which may have nothing to tell for long.
const PING_WATCHED_AFTER: Duration = Duration::from_secs(2);
/// How long it may take to say that it is.
const PATIENCE: Duration = SILENCE.saturating_sub(PING_AFTER);

impl Shared {
    /// Takes a message; whether it is one.
    fn take(self: &Arc<Self>, text: &[u8]) -> bool {
        let Ok(incoming) = serde_json::from_slice::<Incoming<'_>>(text) else { return false };
        match (incoming.id, incoming.method.as_deref()) {
            (Some(id), None) => {
                let answer = match (incoming.result, incoming.error) {
                    (_, Some(fault)) => Err(fault),
                    (result, None) => Ok(result.map_or("null", |result| result.get()).to_owned()),
                };
                self.take_answer(&id, answer);
                true
            }
            (None, Some(rpc::WATCHED)) => {
                let watched = incoming.params.and_then(|params| serde_json::from_str(params.get()).ok());
                let Some(rpc::Watched { watch, event }) = watched else { return false };
                let queue = self.state().watches.get(&watch).cloned();
                if let Some(queue) = queue {
                    queue.push(event);
                }
                true
            }
            (None, Some(rpc::PROGRESS)) => {
                let progressed = incoming.params.and_then(|params| serde_json::from_str(params.get()).ok());
                let Some(rpc::Progressed { id, done, total }) = progressed else { return false };
                if let Some(Waiting { progress: Some(progress), .. }) = self.state().waiting.get(&id) {
                    progress.send_replace(Progress { done, total });
                }
                true
            }
            (None, Some(rpc::CLOSING)) => {
                self.leave(Stage::Closing);
                true
            }
            // What a later version may tell.
            (None, Some(_)) => true,
            _ => false,
        }
    }

    fn take_answer(self: &Arc<Self>, id: &RequestId, answer: Result<String, Fault>) {
        let mut state = self.state();
        let Some(waiting) = state.waiting.remove(id) else { return };
        let answered = answer.map(|json| {
            let begun =
                waiting.watch.and_then(|queue| Some((queue, serde_json::from_str::<rpc::Watching>(&json).ok()?)));
            let subscription = begun.map(|(queue, begun)| {
                // Its first event may be the next line.
                state.watches.insert(begun.watch, Arc::clone(&queue));
                Subscription::new(Arc::clone(self), queue, begun)
            });
            Answered { json, subscription }
        });
        drop(state);
        if let Some(asker) = waiting.asker {
            // Dropped if nobody waits any more, and its subscription ends with it.
            let _ = asker.answer.send(Ok(answered));
        }
    }

    /// Tells those who wait that the host doesn't answer.
    fn fall_silent(&self) {
        self.silent.send_replace(true);
        let mut state = self.state();
        let mut askers = Vec::new();
        state.waiting.retain(|_, waiting| {
            askers.extend(waiting.asker.take());
            // The subscription may begin all the same, and has to be ended then.
            waiting.watch.is_some()
        });
        if !state.watches.is_empty() {
            tracing::warn!(pid = self.pid, "the store's host doesn't answer: its watches hear nothing");
        }
        drop(state);
        for asker in askers {
            let _ = asker.answer.send(Err(Lost::Silent(silent(self.pid))));
        }
    }
}

/// What is known of the host's being there.
#[derive(Clone, Copy)]
enum Heard {
    /// It said something then, or was asked something for the first time.
    At(Instant),
    /// It was asked then whether it is there.
    Pinged(Instant),
    /// It didn't say.
    Nothing,
}

impl Heard {
    /// What was asked since, when nothing was owed, begins the wait anew.
    fn and_asked(self, since: Option<Instant>) -> Self {
        match (self, since) {
            (Self::At(at) | Self::Pinged(at), Some(since)) if since > at => Self::At(since),
            (Self::Nothing, Some(since)) => Self::At(since),
            (heard, _) => heard,
        }
    }
}

impl Shared {
    /// Looks whether the host has been silent for too long, and does what there is to do about that. When to look again; `None` when nobody wants to know.
    fn look(self: &Arc<Self>, heard: &mut Heard) -> Option<Instant> {
        loop {
            let due = {
                let mut state = self.state();
                *heard = heard.and_asked(state.owed_since.take());
                let ping_after = match state.stage {
                    Stage::Open if state.is_owed() => Some(PING_AFTER),
                    Stage::Open if !state.watches.is_empty() => Some(PING_WATCHED_AFTER),
                    _ => None,
                };
                state.look = ping_after.and_then(|ping_after| match *heard {
                    Heard::At(at) => Some(at + ping_after),
                    Heard::Pinged(at) => Some(at + PATIENCE),
                    Heard::Nothing => None,
                });
                state.look
            };
            if due.is_none_or(|due| due > Instant::now()) {
                return due;
            }
            if let Heard::Pinged(_) = heard {
                *heard = Heard::Nothing;
                self.fall_silent();
            } else {
                *heard = Heard::Pinged(Instant::now());
                let id = RequestId::Text(rpc::PING.to_owned());
                self.tell(line(&Line::request(&id, rpc::PING, &serde_json::json!({}), false)));
            }
        }
    }
}

/// Reads what the host says until it is gone or wanted no more.
pub(super) async fn receive(stream: ReadHalf, shared: Arc<Shared>) {
    let mut lines = Lines::new(stream, rpc::MAX_ANSWER);
    let mut heard = Heard::At(Instant::now());
    let mut look = shared.look(&mut heard);
    // Not set anew for each message: when it ends it is seen how long there was none.
    let mut waiting = pin!(sleep_until(look.unwrap_or_else(Instant::now)));
    loop {
        let looks = tokio::select! {
            biased;
            () = shared.left.notified() => break,
            read = lines.next() => {
                match read {
                    Ok(Some(text)) if shared.take(text) => {}
                    Ok(Some(_)) => {
                        tracing::error!("the host says what is no message: the connection is given up");
                        break;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(?error, "the connection to the host failed");
                        break;
                    }
                }
                heard = Heard::At(Instant::now());
                shared.silent.send_if_modified(std::mem::take);
                look.is_none()
            }
            () = shared.asked.notified() => true,
            () = &mut waiting, if look.is_some() => true,
        };
        if looks {
            look = shared.look(&mut heard);
            if let Some(look) = look {
                waiting.as_mut().reset(look);
            }
        }
    }
    // Before anybody asks elsewhere: what is still on its way isn't to be done too.
    lines.stream().hang_up();
    shared.end();
}
