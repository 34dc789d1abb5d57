//! Why a server couldn't be asked, or said no.

use altair_protocol::sync::{ErrorBody, HttpCode, HttpError};
use reqwest::{Response, StatusCode};

use super::whole;

/// How many characters of a foreign answer's error are told.
const LONGEST: usize = 200;

/// A request that wasn't done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nobody is there, or not now: try again later.
    #[error("the server can't be reached: {0}")]
    Unreachable(String),
    /// It doesn't take the token.
    #[error("the server doesn't take this device's token any more: pair it again")]
    Unauthorized,
    /// What answers is no server of this protocol, or can't be trusted.
    #[error("what answers at that address is not a server of Altair's: {0}")]
    Foreign(String),
    /// It says no.
    #[error("{} ({})", .0.message, .0.hint)]
    Refused(HttpError),
}

impl RemoteError {
    /// A request that wasn't answered, or not to its end.
    pub(in crate::sync) fn of(error: reqwest::Error) -> Self {
        // The address has no token in it, but it is long and known.
        let error = error.without_url();
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            // Nobody who can't show who it is gets a token, however often it is tried.
            if message.contains("certificate") {
                return Self::Foreign(message);
            }
            cause = error.source();
        }
        Self::Unreachable(message)
    }

    /// A client that can't be made.
    pub(super) fn unusable(error: reqwest::Error) -> Self {
        Self::Unreachable(format!("this machine's certificates can't be read: {error}"))
    }
}

/// The answer, if it is a good one.
pub(super) async fn answered(response: Response) -> Result<Response, RemoteError> {
    let status = response.status();
    if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    let body = whole(response).await?;
    Err(refusal(status, serde_json::from_slice(&body).ok()))
}

/// What an answer says that isn't a good one. Proxies and captive portals answer too, in ways of their own.
pub(super) fn refusal(status: StatusCode, body: Option<ErrorBody>) -> RemoteError {
    match body.map(|body| body.error) {
        Some(HttpError { code: HttpCode::Unauthorized, .. }) => RemoteError::Unauthorized,
        Some(HttpError { code: HttpCode::Unavailable | HttpCode::TooMany | HttpCode::Internal, message, .. }) => {
            RemoteError::Unreachable(message.chars().take(LONGEST).collect())
        }
        Some(error) => RemoteError::Refused(error),
        None if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            RemoteError::Unreachable(format!("it answers {status}"))
        }
        None => RemoteError::Foreign(format!("it answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: HttpCode) -> Option<ErrorBody> {
        Some(ErrorBody { error: HttpError { code, message: "no".to_owned(), hint: "look".to_owned() } })
    }

    #[test]
    fn an_answer_says_whether_to_wait_to_pair_or_to_look() {
        let of = |status: u16, body| refusal(StatusCode::from_u16(status).unwrap(), body);
        assert_eq!(of(401, body(HttpCode::Unauthorized)), RemoteError::Unauthorized);
        assert!(matches!(of(503, body(HttpCode::Unavailable)), RemoteError::Unreachable(_)));
        assert!(matches!(of(409, body(HttpCode::Met)), RemoteError::Refused(error) if error.code == HttpCode::Met));
        // A proxy whose server is gone, a captive portal, and somebody else's login page.
        assert!(matches!(of(502, None), RemoteError::Unreachable(_)));
        assert!(matches!(of(302, None), RemoteError::Foreign(_)));
        assert!(matches!(of(401, None), RemoteError::Foreign(_)));
    }
}
