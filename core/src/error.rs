//! The engine's public error: one type with a coarse, stable kind.
//!
//! Inside, each room has its own small enums; they become this at the border. The kind is what a program decides by; the message says
//! what happened to what, and the hint what to do next. Neither ever holds the content of somebody's notes.

use std::error::Error as StdError;
use std::fmt;

pub use altair_protocol::ErrorKind;

/// What went wrong, and what to do about it.
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind: what happened, and what to do next.
    pub fn new(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A wrong value.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message, hint)
    }

    /// Something that the state of things rules out.
    pub fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message, hint)
    }

    /// Something that isn't there.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("there is no {what}"),
            "`altair list` and `altair search` show what there is",
        )
    }

    /// Damage in the store.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            message,
            "run `altair doctor`; what it can't repair comes back with `altair restore-backup` into an empty store",
        )
    }

    /// A failure of the machine or of this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message, "try again; if it stays, `altair doctor` may tell more")
    }

    /// An I/O failure with a path. A full disk and missing rights have hints of their own.
    pub fn io(doing: &str, path: &std::path::Path, error: std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                "make room on the disk, then try again"
            }
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "give this user the right to write there, or choose another folder"
            }
            std::io::ErrorKind::NotFound => "check the path",
            _ => "check the disk and the path, then try again",
        };
        let kind = if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Internal };
        Self::new(kind, format!("{doing} {} failed: {error}", path.display()), hint).because(error)
    }

    /// What a program decides by.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, to what.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.hint)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<crate::merge::MergeError> for Error {
    fn from(error: crate::merge::MergeError) -> Self {
        Self::invalid(error.to_string(), "nothing of this change was applied").because(error)
    }
}

impl From<crate::merge::TextError> for Error {
    fn from(error: crate::merge::TextError) -> Self {
        Self::corrupt(error.to_string()).because(error)
    }
}
