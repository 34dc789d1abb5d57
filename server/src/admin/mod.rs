//! Administration: what whoever runs the server asks of it. The same acts are done on an open server by the commands, and through a socket while it runs, as the data folder is locked then.
//!
//! The socket is a file in the data folder that only its owner can open; whoever can open it could read the data, too. A line of JSON asks, a line of JSON answers.

mod act;
mod client;
mod listener;

use std::path::PathBuf;

use altair_core::{Error, ErrorKind};
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, HouseholdId};
use serde::{Deserialize, Serialize};

pub use client::ask;
pub(crate) use listener::listen;

/// No line on the socket is longer, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Makes a household, and a code for its first device.
    Init {
        /// What it is called.
        household: String,
    },
    /// Makes a code for another device.
    Pair {
        /// The household's name or id; without it the only one there is.
        household: Option<String>,
    },
    /// Lists households.
    Households {},
    /// Lists devices.
    Devices {
        /// The household's name or id; without it all of them.
        household: Option<String>,
    },
    /// Takes a device's token from it, and from its copies.
    Revoke {
        /// The device's id, or an ending of at least four characters.
        device: String,
    },
    /// Writes everything into a file.
    Backup {
        /// Which.
        file: PathBuf,
    },
    /// Removes what nobody needs any more.
    Collect {},
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Ask::Init`] and [`Ask::Pair`].
    Code(MadeCode),
    /// To [`Ask::Households`].
    Households(Vec<HouseholdView>),
    /// To [`Ask::Devices`].
    Devices(Vec<DeviceView>),
    /// To [`Ask::Revoke`].
    Revoked(Revoked),
    /// To [`Ask::Backup`].
    BackedUp(BackedUp),
    /// To [`Ask::Collect`].
    Collected(Collected),
}

/// A one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeCode {
    /// The household's name.
    pub household: String,
    /// The household's id.
    pub id: HouseholdId,
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub until: Time,
}

/// A household, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdView {
    /// Its id.
    pub id: HouseholdId,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
    /// How many devices have a token.
    pub devices: usize,
    /// The last number of its log.
    pub head: u64,
}

/// A device, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Its id.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// Its household's name.
    pub household: String,
    /// When it was paired.
    pub paired_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
    /// What it has said that it has applied.
    pub cursor: u64,
    /// When its token was taken from it.
    pub revoked_at: Option<Time>,
}

/// The devices that have lost their token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Their ids: the device, and its copies.
    pub revoked: Vec<DeviceId>,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// How many households.
    pub households: u64,
    /// How many entities.
    pub entities: u64,
    /// How many blobs.
    pub blobs: u64,
    /// How long the file is.
    pub bytes: u64,
    /// BLAKE3 over its lines but the last.
    pub checksum: String,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Ids of entities that were erased more than 400 days ago.
    pub erased: u64,
    /// Devices that were revoked more than 400 days ago.
    pub devices: u64,
    /// Uploads that nobody has gone on with for a day.
    pub uploads: u64,
}

/// An answer on the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Answer(Box<Answer>),
    Error { kind: ErrorKind, message: String, hint: String },
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        Self::Error { kind: error.kind(), message: error.message().to_owned(), hint: error.hint().to_owned() }
    }
}
