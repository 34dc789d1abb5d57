//! The household's server, as a device asks it: over HTTP, and over a WebSocket ([`Socket`]). docs/protocol.md says what is asked.
//!
//! A token goes to the address that it was given for and nowhere else: redirects aren't followed, and beyond this machine only TLS is spoken. Proxies are taken from the environment, for
//! both. Nothing is tried again here, and what an answer means for syncing is the state machine's to say; every wait has an end, and nothing that comes is held without a limit.

mod address;
mod blobs;
mod failure;
mod lines;
mod socket;

use std::time::Duration;

use altair_protocol::EntityId;
use altair_protocol::sync::{Joined, Pair, Paired, Renew, SyncId};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use address::{Address, AddressError};
pub use blobs::Stored;
pub use failure::RemoteError;
pub use lines::{Lines, LinesError};
pub use socket::{In, Out, Socket, SocketError};

use failure::answered;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a server may be silent in the middle of an answer.
const SILENT: Duration = Duration::from_millis(altair_protocol::sync::DEAD_MS);
/// No answer that is read whole is longer, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// What a line of a body of states is.
const NDJSON: &str = "application/x-ndjson";

/// A server at an address.
#[derive(Debug, Clone)]
pub struct Remote {
    client: Client,
    address: Address,
}

impl Remote {
    /// The server at an address. Nothing is asked yet.
    ///
    /// # Errors
    /// When the system's certificates can't be read.
    pub fn new(address: Address) -> Result<Self, RemoteError> {
        let client = Client::builder()
            .user_agent(concat!("altair/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECTING)
            .read_timeout(SILENT)
            // What becomes a WebSocket begins as HTTP/1.1.
            .http1_only()
            .build()
            .map_err(RemoteError::unusable)?;
        Ok(Self { client, address })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Pairs a device by a one-time code.
    ///
    /// # Errors
    /// `Refused` with `wrong_code`, `code_ended` or `device_taken`; or the server can't be asked.
    pub async fn pair(&self, pair: &Pair) -> Result<Paired, RemoteError> {
        json(with_json(self.request(Method::POST, "v1/pair", None), pair)).await
    }

    /// Asks for another token.
    ///
    /// # Errors
    /// When there is none.
    pub async fn renew(&self, token: &str, renew: &Renew) -> Result<Paired, RemoteError> {
        json(with_json(self.request(Method::POST, "v1/token", Some(token)), renew)).await
    }

    /// Ends a device's token.
    ///
    /// # Errors
    /// When the server can't be asked. A token that isn't good any more is no error.
    pub async fn unpair(&self, token: &str) -> Result<(), RemoteError> {
        match send(self.request(Method::POST, "v1/unpair", Some(token))).await {
            Ok(_) | Err(RemoteError::Unauthorized) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All entities as they are; or the rest, after an id of the answer that named a head.
    ///
    /// # Errors
    /// `Refused` with `horizon` when it has to begin anew; or the server can't be asked.
    pub async fn bootstrap(&self, token: &str, after: Option<(EntityId, SyncId)>) -> Result<Lines, RemoteError> {
        let mut request = self.request(Method::GET, "v1/bootstrap", Some(token)).header(ACCEPT_ENCODING, "gzip");
        if let Some((after, head)) = after {
            request = request.query(&[("after", after.to_string()), ("head", head.to_string())]);
        }
        Ok(Lines::of(send(request).await?))
    }

    /// Brings states up: NDJSON, packed with gzip.
    ///
    /// # Errors
    /// `Refused` with `met` when this device has been welcomed already; or the server can't be asked.
    pub async fn bring(&self, token: &str, packed: Vec<u8>) -> Result<Joined, RemoteError> {
        let request = self.request(Method::POST, "v1/states", Some(token));
        json(request.header(CONTENT_TYPE, NDJSON).header(CONTENT_ENCODING, "gzip").body(packed)).await
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self.client.request(method, self.address.join(path));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// A request whose body is a JSON value.
fn with_json<T: Serialize>(request: RequestBuilder, body: &T) -> RequestBuilder {
    // There is nothing in it that JSON can't say.
    request.header(CONTENT_TYPE, "application/json").body(serde_json::to_vec(body).unwrap_or_default())
}

/// Sends a request, and gives a good answer.
async fn send(request: RequestBuilder) -> Result<Response, RemoteError> {
    answered(request.send().await.map_err(RemoteError::of)?).await
}

/// The same for an answer that is one JSON value.
async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, RemoteError> {
    let body = whole(send(request).await?).await?;
    serde_json::from_slice(&body).map_err(|error| RemoteError::Foreign(format!("its answer can't be read: {error}")))
}

/// An answer's body, if it is no longer than it may be.
async fn whole(mut response: Response) -> Result<Vec<u8>, RemoteError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(RemoteError::of)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(RemoteError::Foreign(format!("its answer is longer than {MAX_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Packs lines as [`Remote::bring`] takes them.
///
/// # Errors
/// When a line can't be written as JSON.
pub fn packed<T: Serialize>(lines: &[T]) -> std::io::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for line in lines {
        serde_json::to_writer(&mut packer, line)?;
        std::io::Write::write_all(&mut packer, b"\n")?;
    }
    packer.finish()
}
