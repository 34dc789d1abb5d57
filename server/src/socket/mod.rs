//! A device's connection, from its greeting to its end.
//!
//! Reading and writing go on side by side, so that neither end can block the other for ever. Everything has a bound: the length of a frame, the pushes that wait for their answers, the small frames
//! of a second, the time of a silence. Whoever goes beyond one is told so, with a code, and hung up on; nobody else notices.

mod feed;
mod greeting;
mod reading;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use altair_protocol::sync::{CloseCode, Closing, MAX_FRAME, MAX_IN_FLIGHT, ServerFrame};
use axum::extract::State;
use axum::extract::ws::{
    CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::{Semaphore, mpsc};
use tracing::Instrument as _;

use crate::household::Household;
use crate::http::{Failure, Site};
use crate::store::Account;

/// What a socket keeps for reading. A frame that needs more takes it for as long as it is read.
const BUFFER: usize = 4 << 10;
/// How long a socket may take to send what is left to say.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A connected device.
#[derive(Debug)]
struct Visit {
    site: Site,
    account: Account,
    household: Arc<Household>,
}

/// Why a connection ends.
#[derive(Debug)]
enum Ending {
    /// The other end has gone.
    Gone,
    /// We hang up, and say why.
    Close(Closing),
}

impl Ending {
    fn close(code: CloseCode, reason: impl Into<String>) -> Self {
        Self::Close(Closing { code, reason: reason.into(), retry_after_ms: None })
    }
}

/// `GET /v1/sync`.
pub(crate) async fn upgrade(
    State(site): State<Site>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let (account, household) = site.account(&headers).await?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let span = tracing::info_span!("socket", household = %household.id(), device = %account.device);
    let visit = Visit { site, account, household };
    let upgrade =
        upgrade.read_buffer_size(BUFFER).write_buffer_size(0).max_frame_size(MAX_FRAME).max_message_size(MAX_FRAME);
    Ok(upgrade.on_upgrade(move |socket| visit.serve(socket).instrument(span)))
}

impl Visit {
    async fn serve(self, mut socket: WebSocket) {
        let held = self.site.server.metrics.sockets.held();
        let greeted = greeting::greet(&self, &mut socket).await;
        let (cursor, mut session) = match greeted {
            Ok(greeted) => greeted,
            Err(ending) => return self.end(socket, ending).await,
        };
        tracing::info!(%cursor, "connected");
        let (mut sink, mut stream) = socket.split();
        let (say, said) = mpsc::channel(MAX_IN_FLIGHT);
        let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        let ending = {
            let reading = reading::read(&self, &mut stream, say, &in_flight, &mut session.end);
            let writing = writing::write(&self, &mut sink, said, cursor);
            tokio::pin!(writing);
            tokio::select! {
                ending = reading => {
                    // What is queued is answered yet: it is durable, and would have to be asked for again.
                    let _ = tokio::time::timeout(LAST_WORDS, &mut writing).await;
                    ending
                }
                ending = &mut writing => ending,
            }
        };
        self.household.sessions().forget(&session);
        match sink.reunite(stream) {
            Ok(socket) => self.end(socket, ending).await,
            Err(_) => tracing::error!("the two halves of a socket don't fit"),
        }
        drop(held);
    }

    /// Says why it ends, as far as the other end still listens.
    async fn end(&self, mut socket: WebSocket, ending: Ending) {
        let Ending::Close(closing) = ending else {
            tracing::info!("disconnected");
            return;
        };
        tracing::info!(code = ?closing.code, reason = closing.reason, "hung up");
        if matches!(
            closing.code,
            CloseCode::Malformed
                | CloseCode::TooLarge
                | CloseCode::TooMany
                | CloseCode::WrongDevice
                | CloseCode::Timeout
        ) {
            self.site.server.metrics.turned_away.add(1);
        }
        let code = closing.code;
        let parting = async {
            // After `reset` there is nothing more to say.
            if code != CloseCode::Reset {
                send(&mut socket, &ServerFrame::Closing(closing)).await?;
            }
            let reason = serde_json::to_value(code).ok().and_then(|code| code.as_str().map(Utf8Bytes::from));
            let close = CloseFrame { code: code.number(), reason: reason.unwrap_or_default() };
            socket.send(Message::Close(Some(close))).await.map_err(|_| Ending::Gone)?;
            // Hanging up on what was sent but not read would take our last words away from the other end, too.
            while let Some(Ok(_)) = socket.recv().await {}
            Ok::<(), Ending>(())
        };
        let _ = tokio::time::timeout(LAST_WORDS, parting).await;
    }
}

/// Sends a frame.
async fn send<S>(sink: &mut S, frame: &ServerFrame) -> Result<(), Ending>
where
    S: futures::Sink<Message> + Unpin,
{
    let text = frame.to_text().map_err(|error| {
        tracing::error!(%error, "a frame can't be written");
        Ending::close(CloseCode::Internal, "the server has a fault of its own")
    })?;
    sink.send(Message::Text(text.into())).await.map_err(|_| Ending::Gone)
}
