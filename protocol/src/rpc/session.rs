//! What belongs to a connection and not to the engine: greeting, watching, cancelling, ending.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::grant::Grant;
use super::message::RequestId;
use crate::{Kind, view};

/// The first request of every connection: [`Hello`], answered by [`Welcome`].
pub const HELLO: &str = "hello";
/// Asks whether the host is there; answered by an empty object.
pub const PING: &str = "ping";
/// Who the host is: answered by [`Host`].
pub const STATUS: &str = "host";
/// Asks the host to finish and to go. Only a daemon does; an app stays as long as its user wants.
pub const SHUTDOWN: &str = "shutdown";
/// A subscription: [`Watch`], answered by [`Watching`] and followed by [`WATCHED`].
pub const WATCH: &str = "watch";
/// Ends one: [`Unwatch`].
pub const UNWATCH: &str = "unwatch";
/// A notification of the host's: [`Watched`].
pub const WATCHED: &str = "watched";
/// A notification of the host's: [`Progressed`].
pub const PROGRESS: &str = "$/progress";
/// A notification of the guest's: [`Cancel`].
pub const CANCEL: &str = "$/cancel";
/// A notification of the host's: it is about to close, answers what it has begun and takes nothing more.
pub const CLOSING: &str = "$/closing";

/// The versions of the protocol that somebody speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

impl Protocol {
    /// What this library speaks.
    pub const OURS: Self = Self { min: super::VERSION, max: super::VERSION };

    /// The newest version that both speak.
    pub fn common(self, other: Self) -> Option<u32> {
        let newest = self.max.min(other.max);
        (newest >= self.min.max(other.min)).then_some(newest)
    }
}

/// A guest's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions that it speaks.
    pub protocol: Protocol,
    /// What program it is, for people to read.
    pub client: String,
    /// Its version.
    pub version: String,
    /// The token of a grant: then the connection may do what that says, and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// The host's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both speak from here on.
    pub protocol: u32,
    /// Who answers.
    pub host: Host,
    /// What the connection may do; without it, everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// A host: what `host.json` beside the store says, and the answer to `host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its process.
    pub pid: u32,
    /// When that process began, in the system's own count, so that a pid that was given again isn't mistaken for it. 0 where the system doesn't tell.
    #[serde(default)]
    pub started: u64,
    /// The store's folder, as its real path: a copied `host.json` speaks of another store.
    #[serde(default)]
    pub store: PathBuf,
    /// The store's id: a folder may come to hold another one.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// How many hosts the store has had. A later one is more than an earlier one.
    pub epoch: u64,
    /// What sort of process it is.
    #[serde(default)]
    pub kind: HostKind,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The versions of the protocol that it speaks.
    #[serde(default = "none")]
    pub protocol: Protocol,
    /// Where it listens; `None` while it doesn't yet, or can't.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// For how long it has been the host, in seconds. Only in an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u64>,
    /// How many connections it has. Only in an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u64>,
}

impl Host {
    /// A process of which no more is known.
    pub fn of(pid: u32) -> Self {
        Self {
            pid,
            started: 0,
            store: PathBuf::new(),
            id: None,
            epoch: 0,
            kind: HostKind::App,
            version: String::new(),
            protocol: none(),
            socket: None,
            uptime_s: None,
            clients: None,
        }
    }

    /// Somebody who listens at a socket.
    pub fn at(socket: &Path) -> Self {
        Self { socket: Some(socket.to_owned()), ..Self::of(0) }
    }
}

const fn none() -> Protocol {
    Protocol { min: 0, max: 0 }
}

/// What sort of process hosts a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// A program that uses the engine itself. It is never asked to go.
    #[default]
    App,
    /// `altaird`.
    Daemon,
    /// An `altaird` that ends with the command that started it.
    Private,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Only what is of this kind.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Goes on after this number, as if the watch had never been away; without it, from now.
    #[serde(default)]
    pub after: Option<u64>,
}

/// A subscription that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// Its number, on this connection.
    pub watch: u64,
    /// Every change up to this number is in what is read now.
    pub seq: u64,
}

/// Ends a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unwatch {
    /// Its number.
    pub watch: u64,
}

/// What a subscription tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Which subscription.
    pub watch: u64,
    /// What it tells.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// One change.
    Change(view::Event),
    /// Changes up to this number were passed over: read again.
    Lagged(u64),
}

/// How far a long request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progressed {
    /// Which request.
    pub id: RequestId,
    /// How many files are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// Says that nobody waits for a request any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// Which request.
    pub id: RequestId,
}
