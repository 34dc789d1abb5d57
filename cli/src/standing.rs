//! What `altair` and `altaird` agree on: what the one tells the other, and where it logs. Both programs have this file.

use altair_core::ErrorKind;
use serde::{Deserialize, Serialize};

/// The daemon's log in the store's folder; the one before it has `.1` at its end.
pub(crate) const LOG: &str = "altaird.log";

/// What `altaird` says in one line on its standard output, once it knows how it stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It hosts the store.
    Hosts,
    /// Somebody else does.
    Elsewhere,
    /// The store can't be opened.
    Error {
        /// What sort of thing went wrong.
        kind: ErrorKind,
        /// What happened.
        message: String,
        /// What to do next.
        hint: String,
    },
}
