//! One connection: frames go out and come in until either side ends it. It is one task, which ends with the connection or as soon as nobody wants it any more.

use std::sync::Arc;
use std::time::Duration;

use altair_protocol::sync::{CloseCode, DeviceFrame, Incoming, MAX_SERVER_FRAME, ServerFrame};
use tokio::sync::{Semaphore, mpsc, watch};

use super::message::{Message, Teller};
use crate::sync::machine::{ConnectionId, Event};
use crate::sync::remote::{Remote, Socket, SocketError};

/// So many frames may wait for the socket: the machine lets a few pushes and a `ping` wait at most.
const WAITING: usize = 64;
/// How long what the server said last may take to be read, when nothing can be sent any more.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Texts of so many bytes are read on a thread of their own.
const LONG: usize = 1 << 20;

/// So many bytes of frames may be on their way from the socket into the store.
pub(super) const ROOM: usize = 2 * MAX_SERVER_FRAME;

/// A connection, as the driver holds it: it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: ConnectionId,
    frames: mpsc::Sender<DeviceFrame>,
    /// Whether the socket is read, as the machine and the driver want it.
    reads: watch::Sender<bool>,
}

impl Line {
    /// A connection, and the task that makes and keeps it.
    pub(super) fn new(
        id: ConnectionId,
        remote: Remote,
        token: Arc<str>,
        room: Arc<Semaphore>,
        teller: Teller,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (frames, waiting) = mpsc::channel(WAITING);
        let (reads, reading) = watch::channel(true);
        let ends = Ends { id, room, teller, reading };
        (Self { id, frames, reads }, ends.run(remote, token, waiting))
    }

    /// Hands a frame over. Whether there was room for it: a socket that takes nothing is as good as none.
    pub(super) fn send(&self, frame: DeviceFrame) -> bool {
        // One that has ended says so by itself.
        !matches!(self.frames.try_send(frame), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Reads the socket on, or lets it be.
    pub(super) fn read(&self, on: bool) {
        self.reads.send_replace(on);
    }
}

struct Ends {
    id: ConnectionId,
    room: Arc<Semaphore>,
    teller: Teller,
    reading: watch::Receiver<bool>,
}

impl Ends {
    async fn run(mut self, remote: Remote, token: Arc<str>, mut frames: mpsc::Receiver<DeviceFrame>) {
        let connection = self.id;
        let socket = tokio::select! {
            biased;
            // Nothing is said before it is open, so this is the end.
            _ = frames.recv() => return,
            socket = remote.connect(&token) => socket,
        };
        let Socket { mut out, mut incoming } = match socket {
            Ok(socket) => socket,
            Err(error) => {
                tracing::debug!("the connection couldn't be made");
                return self.teller.tell(Event::Failed { connection, trouble: error.into() }).await;
            }
        };
        tracing::debug!("connected");
        self.teller.tell(Event::Opened { connection }).await;
        let teller = self.teller.clone();
        let end = {
            let reading = self.read(&mut incoming);
            tokio::pin!(reading);
            let writing = write(connection, &mut out, &mut frames, &teller);
            tokio::pin!(writing);
            tokio::select! {
                end = &mut reading => Some(end),
                written = &mut writing => match written {
                    Ok(()) => None,
                    // Why the server has hung up says more than that it has.
                    Err(error) => Some(tokio::time::timeout(LAST_WORDS, reading).await.unwrap_or(error)),
                },
            }
        };
        match end {
            None => out.close().await,
            Some(SocketError::Closed { code, message }) => {
                tracing::debug!(code = code.map(CloseCode::number), "the connection has ended");
                teller.tell(Event::Closed { connection, code, message }).await;
            }
            Some(SocketError::Unreadable(why)) => {
                tracing::debug!("what came is no frame");
                teller.tell(Event::Unreadable { connection, why }).await;
            }
        }
    }

    /// Reads frames, as long as somebody wants them and there is room. Why it has ended.
    async fn read(&mut self, incoming: &mut crate::sync::remote::In) -> SocketError {
        loop {
            // Without anybody who could want it any more there is an end to writing too.
            if self.reading.wait_for(|on| *on).await.is_err() {
                return std::future::pending().await;
            }
            let text = match incoming.next().await {
                Ok(text) => text,
                Err(error) => return error,
            };
            let bytes = u32::try_from(text.len().min(ROOM)).unwrap_or(u32::MAX);
            let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await else {
                return std::future::pending().await;
            };
            let frame = if text.len() < LONG {
                ServerFrame::receive(&text)
            } else {
                match tokio::task::spawn_blocking(move || ServerFrame::receive(&text)).await {
                    Ok(frame) => frame,
                    Err(error) => return SocketError::Unreadable(error.to_string()),
                }
            };
            match frame {
                Ok(Incoming::Frame(frame)) => {
                    let event = Event::Received { connection: self.id, frame };
                    self.teller.send(Message::Told { event, room: Some(room), heard: None }).await;
                }
                Ok(Incoming::Unknown(name)) => {
                    tracing::debug!(frame = %name.escape_debug(), "a frame of a newer version is passed over");
                }
                Err(error) => return SocketError::Unreadable(error.to_string()),
            }
        }
    }
}

/// Sends what is handed over, until nothing more will be.
async fn write(
    connection: ConnectionId,
    out: &mut crate::sync::remote::Out,
    frames: &mut mpsc::Receiver<DeviceFrame>,
    teller: &Teller,
) -> Result<(), SocketError> {
    while let Some(frame) = frames.recv().await {
        let pushed = matches!(frame, DeviceFrame::Push(_));
        let text = frame.to_text().map_err(|error| SocketError::Closed {
            code: None,
            message: format!("a frame can't be written as JSON: {error}"),
        })?;
        out.send(text).await?;
        if pushed {
            teller.tell(Event::Written { connection }).await;
        }
    }
    Ok(())
}
