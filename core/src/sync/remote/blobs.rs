//! Blobs, up and down, from where they were cut off.

use altair_protocol::Hash;
use altair_protocol::sync::{HttpCode, HttpError, MAX_BLOB};
use reqwest::header::{HeaderMap, RANGE};
use reqwest::{Body, Method, Response, StatusCode};

use super::failure::answered;
use super::{Remote, RemoteError};

const OFFSET: &str = "upload-offset";
const LENGTH: &str = "upload-length";

/// What a server has of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// All of it.
    Whole,
    /// So many bytes from its beginning.
    Part(u64),
}

impl Remote {
    /// What the server has of a blob.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn stored(&self, token: &str, blob: Hash) -> Result<Stored, RemoteError> {
        let response = self.blob(Method::HEAD, token, blob).send().await.map_err(RemoteError::of)?;
        match response.status() {
            StatusCode::OK => Ok(Stored::Whole),
            StatusCode::NOT_FOUND => Ok(Stored::Part(offset(response.headers()).unwrap_or(0))),
            // There is no body to an answer to `HEAD` that would say more.
            StatusCode::UNAUTHORIZED => Err(RemoteError::Unauthorized),
            _ => answered(response).await.map(|_| Stored::Part(0)),
        }
    }

    /// Sends a blob's bytes from an offset on. What the server has then.
    ///
    /// # Errors
    /// `Refused` with `corrupt` when the bytes aren't the blob's, `quota` when there is no room; or the server can't be asked.
    pub async fn send_blob(
        &self,
        token: &str,
        blob: Hash,
        from: u64,
        length: u64,
        bytes: impl Into<Body>,
    ) -> Result<Stored, RemoteError> {
        let request = self.blob(Method::PUT, token, blob).header(OFFSET, from).header(LENGTH, length);
        let response = request.body(bytes).send().await.map_err(RemoteError::of)?;
        let at = offset(response.headers());
        match (answered(response).await, at) {
            (Ok(response), at) if response.status() == StatusCode::ACCEPTED => Ok(Stored::Part(at.unwrap_or(from))),
            (Ok(_), _) => Ok(Stored::Whole),
            // Somebody else of the household sends it too, or an earlier answer was lost.
            (Err(RemoteError::Refused(HttpError { code: HttpCode::Offset, .. })), Some(at)) => Ok(Stored::Part(at)),
            (Err(error), _) => Err(error),
        }
    }

    /// A blob's bytes from an offset on, as they come.
    ///
    /// # Errors
    /// `Refused` with `not_found` when the server doesn't have it; or it can't be asked.
    pub async fn fetch_blob(&self, token: &str, blob: Hash, from: u64) -> Result<Response, RemoteError> {
        let mut request = self.blob(Method::GET, token, blob);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let response = answered(request.send().await.map_err(RemoteError::of)?).await?;
        if from > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(RemoteError::Foreign("it doesn't go on where a download was cut off".to_owned()));
        }
        if response.content_length().is_some_and(|length| length > MAX_BLOB) {
            return Err(RemoteError::Foreign(format!("its blob is longer than {MAX_BLOB} bytes")));
        }
        Ok(response)
    }

    fn blob(&self, method: Method, token: &str, blob: Hash) -> reqwest::RequestBuilder {
        self.request(method, &format!("v1/blobs/{blob}"), Some(token))
    }
}

fn offset(headers: &HeaderMap) -> Option<u64> {
    headers.get(OFFSET)?.to_str().ok()?.parse().ok()
}
