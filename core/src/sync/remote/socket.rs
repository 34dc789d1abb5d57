//! The WebSocket: frames as texts, in both directions.
//!
//! It begins as a request like every other, so that proxies and certificates are the same for both; what has become of it is handed to tungstenite then.

use std::time::Duration;

use altair_protocol::sync::{CloseCode, MAX_SERVER_FRAME};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::header::{CONNECTION, UPGRADE};
use reqwest::{Method, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use super::failure::answered;
use super::{Remote, RemoteError};

/// How long a server may take to answer the request for a socket.
const ANSWERING: Duration = Duration::from_secs(10);
/// How long saying goodbye may take.
const LEAVING: Duration = Duration::from_secs(1);

/// A socket that was opened: its end to send to, and its end to read from.
#[derive(Debug)]
pub struct Socket {
    /// Where frames go.
    pub out: Out,
    /// Where frames come from.
    pub incoming: In,
}

/// The end to send to.
#[derive(Debug)]
pub struct Out(SplitSink<WebSocketStream<Upgraded>, Message>);

/// The end to read from.
#[derive(Debug)]
pub struct In(SplitStream<WebSocketStream<Upgraded>>);

/// Why there is no more to read or no way to send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// It was closed, by the other side or on the way.
    #[error("the connection has ended: {message}")]
    Closed {
        /// The number of the close frame, if there was one.
        code: Option<CloseCode>,
        /// For people.
        message: String,
    },
    /// What came is no frame of this protocol.
    #[error("the server said something that is no frame: {0}")]
    Unreadable(String),
}

impl Remote {
    /// Opens the socket on which a household's changes come and go.
    ///
    /// # Errors
    /// When the server can't be asked, or what answers doesn't speak WebSocket.
    pub async fn connect(&self, token: &str) -> Result<Socket, RemoteError> {
        let key = generate_key();
        let request = self
            .request(Method::GET, "v1/sync", Some(token))
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key);
        let late = |_| RemoteError::Unreachable("it didn't answer in time".to_owned());
        let response = tokio::time::timeout(ANSWERING, request.send()).await.map_err(late)?.map_err(RemoteError::of)?;
        let response = answered(response).await?;
        let accepted = response.headers().get("sec-websocket-accept").and_then(|accepted| accepted.to_str().ok());
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || accepted != Some(&derive_accept_key(key.as_bytes()))
        {
            return Err(RemoteError::Foreign(format!(
                "it answers {} where it should open a socket",
                response.status()
            )));
        }
        let upgraded = response.upgrade().await.map_err(RemoteError::of)?;
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_SERVER_FRAME)).max_frame_size(Some(MAX_SERVER_FRAME));
        let (out, incoming) = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await.split();
        Ok(Socket { out: Out(out), incoming: In(incoming) })
    }
}

impl Out {
    /// Sends a frame; it is out of our hands when this returns.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, frame: String) -> Result<(), SocketError> {
        self.0.send(Message::text(frame)).await.map_err(|error| ended(&error))
    }

    /// Says goodbye, if the other side still hears it.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(LEAVING, self.0.close()).await;
    }
}

impl In {
    /// The next frame.
    ///
    /// # Errors
    /// When there is none any more, or what came is none.
    pub async fn next(&mut self) -> Result<Utf8Bytes, SocketError> {
        loop {
            return match self.0.next().await {
                Some(Ok(Message::Text(text))) => Ok(text),
                // tungstenite answers the first itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Binary(_))) => Err(SocketError::Unreadable("it is binary".to_owned())),
                Some(Ok(Message::Close(close))) => {
                    let code = close.as_ref().map(|close| CloseCode::from_number(u16::from(close.code)));
                    let message = close.map(|close| close.reason.to_string()).unwrap_or_default();
                    Err(SocketError::Closed { code, message })
                }
                Some(Err(error)) => Err(ended(&error)),
                None => Err(SocketError::Closed { code: None, message: "the server hung up".to_owned() }),
            };
        }
    }
}

fn ended(error: &WsError) -> SocketError {
    match error {
        WsError::Capacity(_) | WsError::Utf8(_) | WsError::Protocol(_) => SocketError::Unreadable(error.to_string()),
        _ => SocketError::Closed { code: None, message: error.to_string() },
    }
}
