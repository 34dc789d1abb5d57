//! What goes wrong with a request, as it is answered: a status, and the body that errors have everywhere.

use altair_core::{Error, ErrorKind};
use altair_protocol::sync::{ErrorBody, HttpCode, HttpError};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::pairing::PairingError;
use crate::store::BlobError;

/// Where an upload stands.
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// A request that isn't done.
#[derive(Debug)]
pub(crate) struct Failure {
    code: HttpCode,
    message: String,
    hint: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Failure {
    pub(super) fn new(code: HttpCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), header: None }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(HttpCode::Malformed, message, "docs/protocol.md says how it has to be")
    }

    pub(super) fn unauthorized() -> Self {
        let failure = Self::new(
            HttpCode::Unauthorized,
            "the token is missing, or isn't good any more",
            "pair this device again: `altair login SERVER CODE`",
        );
        failure.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// With where the upload stands.
    pub(super) fn at_offset(self, have: u64) -> Self {
        self.with(UPLOAD_OFFSET, have.into())
    }

    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Closed | ErrorKind::Locked => HttpCode::Unavailable,
            ErrorKind::NotFound => HttpCode::NotFound,
            ErrorKind::Invalid => HttpCode::Malformed,
            _ => HttpCode::Internal,
        };
        if code != HttpCode::Internal {
            return Self::new(code, error.message(), error.hint());
        }
        // What it says of files and rows is for the log alone.
        tracing::error!(%error, cause = ?std::error::Error::source(&error), "a request failed");
        let full = error.message().contains("disk is full");
        let code = if full { HttpCode::Quota } else { code };
        let message = if full { "the server's disk is full" } else { "the server has a fault of its own" };
        Self::new(code, message, "try again later; the server's log tells more")
    }
}

impl From<PairingError> for Failure {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::Failed(error) => error.into(),
            error => {
                let (code, hint) = error.code();
                Self::new(code, error.to_string(), hint)
            }
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        let hint = "ask with HEAD where the server stands";
        let code = match &error {
            BlobError::Offset { have } => {
                return Self::new(HttpCode::Offset, error.to_string(), hint).at_offset(*have);
            }
            BlobError::Busy | BlobError::TooMany => HttpCode::TooMany,
            BlobError::TooLarge => HttpCode::TooLarge,
            BlobError::Corrupt => HttpCode::Corrupt,
            BlobError::Io(io) => {
                tracing::error!(error = %io, "a blob can't be written");
                let full = matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
                return match full {
                    true => Self::new(HttpCode::Quota, "the server's disk is full", "try again when there is room"),
                    false => Self::new(HttpCode::Internal, "the server couldn't write the blob", "try again later"),
                };
            }
        };
        Self::new(code, error.to_string(), hint)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { code, message, hint, header } = self;
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = matches!(code, HttpCode::TooMany | HttpCode::Unavailable);
        let mut response =
            (status, super::json(&ErrorBody { error: HttpError { code, message, hint } })).into_response();
        if let Some((name, value)) = header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        if retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
