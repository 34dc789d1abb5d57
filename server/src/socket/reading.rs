//! What comes from a device: frames, each of which is done or is the end.

use std::sync::Arc;
use std::time::Duration;

use altair_core::{ErrorKind, Result};
use altair_protocol::sync::{
    CloseCode, Closing, DEAD_MS, DeviceFrame, FrameError, MAX_PUSH_BYTES, MAX_PUSH_CHANGES, Push, Pushed as Sent,
    Refused,
};
use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt as _;
use futures::stream::SplitStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;

use super::{Ending, Visit};
use crate::household::{Answer, Pushed, Pusher, unreadable as refused_unread};

/// How many frames that cost nothing to send may come at once, and how many a second for long.
const SMALL_FRAMES: f64 = 200.0;
const SMALL_FRAMES_A_SECOND: f64 = 20.0;

/// What is to be said to the device.
#[derive(Debug)]
pub(super) enum Say {
    Pong(u64),
    Answers(Waiting),
}

/// A push whose answers are to come.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) answers: oneshot::Receiver<Result<Vec<Answer>>>,
    /// What was refused before it was queued.
    pub(super) refused: Vec<Refused>,
    /// The push's place among those under way, given back when it is answered.
    pub(super) _place: OwnedSemaphorePermit,
}

/// Reads until there is an end.
pub(super) async fn read(
    visit: &Visit,
    stream: &mut SplitStream<WebSocket>,
    say: mpsc::Sender<Say>,
    in_flight: &Arc<Semaphore>,
    end: &mut watch::Receiver<Option<Closing>>,
) -> Ending {
    let pusher = Pusher::new(visit.account.device);
    let mut reader = Reader { visit, pusher, say, in_flight, small: Allowance::new() };
    tokio::select! {
        ending = reader.frames(stream) => ending,
        closing = end.wait_for(Option::is_some) => match closing {
            Ok(closing) => closing.clone().map_or(Ending::Gone, Ending::Close),
            // Sessions are ended, or forgotten by their own connection.
            Err(_) => Ending::Gone,
        },
    }
}

struct Reader<'a> {
    visit: &'a Visit,
    pusher: Pusher,
    say: mpsc::Sender<Say>,
    in_flight: &'a Arc<Semaphore>,
    small: Allowance,
}

impl Reader<'_> {
    async fn frames(&mut self, stream: &mut SplitStream<WebSocket>) -> Ending {
        loop {
            let message = match tokio::time::timeout(Duration::from_millis(DEAD_MS), stream.next()).await {
                Err(_) => return Ending::close(CloseCode::Timeout, "nothing came for thirty seconds"),
                Ok(None | Some(Ok(Message::Close(_)))) => return Ending::Gone,
                Ok(Some(Err(error))) => return broken(error),
                Ok(Some(Ok(message))) => message,
            };
            let done = match message {
                Message::Text(text) => match DeviceFrame::parse(&text) {
                    Ok(frame) => {
                        drop(text);
                        self.frame(frame).await
                    }
                    Err(error) => Err(unreadable(&error)),
                },
                Message::Binary(_) => {
                    Err(Ending::close(CloseCode::Malformed, "frames are text, and this one is binary"))
                }
                // WebSocket's own, answered below us.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => self.small(),
            };
            if let Err(ending) = done {
                return ending;
            }
        }
    }

    async fn frame(&mut self, frame: DeviceFrame) -> Result<(), Ending> {
        match frame {
            DeviceFrame::Hello(_) => Err(Ending::close(CloseCode::Malformed, "hello comes once, at the beginning")),
            DeviceFrame::Ping(ping) => {
                self.small()?;
                self.say(Say::Pong(ping.n)).await
            }
            DeviceFrame::Applied(applied) => {
                self.small()?;
                if applied.cursor > self.visit.household.head() {
                    return Err(Ending::close(CloseCode::Malformed, "nobody can have applied what isn't in the log"));
                }
                self.visit.household.note_cursor(self.visit.account.device, applied.cursor);
                Ok(())
            }
            DeviceFrame::Push(push) => self.push(push).await,
        }
    }

    async fn push(&mut self, push: Push) -> Result<(), Ending> {
        let count = push.changes.len();
        if count == 0 {
            return self.small();
        }
        if count > MAX_PUSH_CHANGES {
            let reason = format!("a push may have {MAX_PUSH_CHANGES} changes at most");
            return Err(Ending::close(CloseCode::TooLarge, reason));
        }
        let (mut changes, mut refused, mut bytes) = (Vec::with_capacity(count), Vec::new(), 0);
        for sent in push.changes {
            match sent {
                Sent::Change(change) => {
                    let pushed = Pushed::of(*change).map_err(|error| {
                        tracing::error!(%error, "a change can't be written");
                        Ending::close(CloseCode::Internal, "the server has a fault of its own")
                    })?;
                    bytes += pushed.json.len();
                    changes.push(pushed);
                }
                Sent::Unreadable { id: Some(id), why } => {
                    let why = refused_unread(&why);
                    refused.push(Refused { change: id, code: why.code, message: why.message, until: None });
                }
                Sent::Unreadable { id: None, why: _ } => {
                    return Err(Ending::close(CloseCode::Malformed, "a change in a push has no id"));
                }
            }
        }
        if count > 1 && bytes > MAX_PUSH_BYTES {
            let reason = format!("a push of more than one change may have {MAX_PUSH_BYTES} bytes at most");
            return Err(Ending::close(CloseCode::TooLarge, reason));
        }
        // Nothing more is read until one of those under way is answered.
        let place = Arc::clone(self.in_flight).acquire_owned().await.map_err(|_| Ending::Gone)?;
        let answers = self.visit.household.push(self.pusher.clone(), changes).await.map_err(|error| failed(&error))?;
        self.say(Say::Answers(Waiting { answers, refused, _place: place })).await
    }

    async fn say(&self, say: Say) -> Result<(), Ending> {
        self.say.send(say).await.map_err(|_| Ending::Gone)
    }

    fn small(&mut self) -> Result<(), Ending> {
        match self.small.take(Instant::now()) {
            true => Ok(()),
            false => Err(Ending::close(CloseCode::TooMany, "too many frames came at once")),
        }
    }
}

/// What a failure to commit is for the connection: the device asks again, with the same ids.
pub(super) fn failed(error: &altair_core::Error) -> Ending {
    match error.kind() {
        ErrorKind::Closed => Ending::close(CloseCode::GoingAway, "the server is being stopped"),
        _ => Ending::close(CloseCode::Internal, "the server couldn't store the changes"),
    }
}

/// What a frame that can't be read is for the connection.
pub(super) fn unreadable(error: &FrameError) -> Ending {
    // serde quotes what it finds, which may be somebody's note.
    let reason = match error {
        FrameError::Unknown(_) => error.to_string(),
        FrameError::Malformed(cause) => {
            format!("a frame can't be read, from its line {} and column {} on", cause.line(), cause.column())
        }
    };
    Ending::close(CloseCode::Malformed, reason)
}

/// What a broken WebSocket is for the connection.
pub(super) fn broken(error: axum::Error) -> Ending {
    let Ok(error) = error.into_inner().downcast::<tungstenite::Error>() else { return Ending::Gone };
    match *error {
        tungstenite::Error::Capacity(_) => Ending::close(CloseCode::TooLarge, "the frame is too long"),
        tungstenite::Error::Utf8(_) => Ending::close(CloseCode::Malformed, "the frame is no UTF-8"),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Ending::Gone,
        tungstenite::Error::Protocol(_) => Ending::close(CloseCode::Malformed, "that is no WebSocket frame"),
        _ => Ending::Gone,
    }
}

/// How many small frames may still come: some at once, and few for long.
struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    fn new() -> Self {
        Self { left: SMALL_FRAMES, at: Instant::now() }
    }

    /// Takes one, if there is one left.
    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * SMALL_FRAMES_A_SECOND).min(SMALL_FRAMES) - 1.0;
        self.at = now;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_come_back_with_time() {
        let mut small = Allowance::new();
        let begun = Instant::now();
        assert!((0..200).all(|_| small.take(begun)));
        assert!(!small.take(begun));
        assert!(small.take(begun + Duration::from_secs(1)));
        let later = begun + Duration::from_secs(3600);
        assert!((0..200).all(|_| small.take(later)), "no more are saved up than at the beginning");
        assert!(!small.take(later));
    }
}
