//! Errors: the engine's kinds, each with what happened and what to do.

use altair_core::{Error, ErrorKind};

/// What went wrong, and what to do about it.
#[derive(Debug, thiserror::Error, uniffi::Error)]
#[allow(missing_docs, reason = "each has the same two parts: what happened, to what; and what to do next")]
pub enum AltairError {
    /// There is no such thing.
    #[error("{what}; {hint}")]
    NotFound { what: String, hint: String },
    /// A value can't be.
    #[error("{what}; {hint}")]
    Invalid { what: String, hint: String },
    /// Concurrent values have to be resolved first.
    #[error("{what}; {hint}")]
    Conflict { what: String, hint: String },
    /// Another process has the store, and can't be joined or doesn't answer.
    #[error("{what}; {hint}")]
    Locked { what: String, hint: String },
    /// Something in the store is damaged.
    #[error("{what}; {hint}")]
    Corrupt { what: String, hint: String },
    /// A newer version wrote the store.
    #[error("{what}; {hint}")]
    Unsupported { what: String, hint: String },
    /// The server can't be reached.
    #[error("{what}; {hint}")]
    Unreachable { what: String, hint: String },
    /// The thing stands in a way that rules this out.
    #[error("{what}; {hint}")]
    Refused { what: String, hint: String },
    /// The store has been closed.
    #[error("{what}; {hint}")]
    Closed { what: String, hint: String },
    /// Everything else.
    #[error("{what}; {hint}")]
    Internal { what: String, hint: String },
}

impl AltairError {
    /// A value that never reached the engine.
    pub(crate) fn invalid(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), hint: hint.into() }
    }
}

impl From<Error> for AltairError {
    fn from(error: Error) -> Self {
        let (what, hint) = (error.message().to_owned(), error.hint().to_owned());
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound { what, hint },
            ErrorKind::Invalid => Self::Invalid { what, hint },
            ErrorKind::Refused => Self::Refused { what, hint },
            ErrorKind::Conflict => Self::Conflict { what, hint },
            ErrorKind::Locked => Self::Locked { what, hint },
            ErrorKind::Corrupt => Self::Corrupt { what, hint },
            ErrorKind::Unsupported => Self::Unsupported { what, hint },
            ErrorKind::Closed => Self::Closed { what, hint },
            ErrorKind::Internal => Self::Internal { what, hint },
        }
    }
}

/// What a listener did wrong. Whatever it was, the listener is not called again.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// It threw.
    #[error("the listener failed")]
    Failed,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}
