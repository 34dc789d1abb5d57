//! What goes wrong, as it crosses a boundary.

use serde::{Deserialize, Serialize};

/// What sort of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is no such thing.
    NotFound,
    /// A value can't be: it is wrong whatever the state.
    Invalid,
    /// The thing stands in a way that rules this out (already triaged, in the trash).
    Refused,
    /// Concurrent values have to be resolved first.
    Conflict,
    /// Another process has the store open and doesn't let go.
    Locked,
    /// Something in the store is damaged.
    Corrupt,
    /// The store was written by a newer version.
    Unsupported,
    /// The engine has been closed.
    Closed,
    /// Everything else: I/O, a full disk, a bug.
    Internal,
}
