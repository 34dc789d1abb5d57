//! One store, many processes: whoever gets the lock hosts, everybody else joins.
//!
//! The lock on `host.lock` elects, and the operating system frees it with the process that holds it (docs/adr/0007). A host serves local RPC on a socket, on Windows a named pipe;
//! `host.json` beside the store names it. A [`Connection`] is a guest's end. `seat` finds a process its place and finds it another one when its host is gone.
//!
//! Invariants: nobody robs a host; a request that its guest sends twice is done once; a connection can't hold the host up, nor make it grow.
//!
//! | file | what |
//! | --- | --- |
//! | `record` | `host.json`: who the host is |
//! | `socket` | the socket, the folder that it is in, and whose process is at its other end |
//! | `stream` | the two halves of a connection |
//! | `wire`, `outgoing` | lines in and out, bounded |
//! | `connection` | a guest's end |
//! | `listener`, `session`, `answer` | the host's end: accepting, one connection, one request |
//! | `grants`, `audit` | what a connection may do that was given a grant, and the log of that |
//! | `seat` | hosting or joining, and again when the host is gone |
//! | `surroundings` | what stands around a store, for whoever has to explain it |
//!
//! What differs between systems is in `socket`, `stream` and `surroundings`, each with a file for Unix and one for Windows (`docs/platforms.md` tells what has run).

mod answer;
mod audit;
mod connection;
mod grants;
mod listener;
mod outgoing;
mod record;
pub(crate) mod seat;
mod session;
mod socket;
mod stream;
mod surroundings;
mod wire;

pub use audit::audited;
pub use connection::{Connection, Guest, Lost, RemoteWatch};
pub(crate) use listener::Listener;
pub(crate) use record::read as read_record;
pub(crate) use record::write as write_record;
pub use record::{is_held, read_own};
pub use socket::{Handed, Privacy, activation, clear, mark, spawn_lock};
pub use surroundings::{Door, Lock, Pace, Process, Record, Surroundings, started};

/// How long a host may be silent while it owes an answer.
pub(crate) const SILENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a closing host waits for its guests to have their answers.
pub(crate) const DRAIN: std::time::Duration = std::time::Duration::from_secs(10);
