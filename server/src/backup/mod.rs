//! Backup and restore: NDJSON that a person can read, whole or not at all.
//!
//! A header; for each household who it is, its devices, and its entities in the lines that a bootstrap has; the blobs in pieces of base64; and a trailer with the counts and a BLAKE3 checksum over all lines before it.
//! The log isn't in it, but for changes that are in no state. A restored server has another incarnation, so that its devices bring what it lacks.

mod read;
mod write;

use altair_core::{Error, ErrorKind};
use altair_protocol::sync::{Erased, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{Bytes, ChangeId, DeviceId, EntityState, Hash, HouseholdId};
use serde::{Deserialize, Serialize};

pub use read::restore;

use crate::store::{DeviceRecord, HouseholdRecord};

const FORMAT: u32 = 1;
/// What the header says that the file is.
const WHAT: &str = "server-backup";
/// How many bytes of a blob stand in a line.
const BLOB_PIECE: usize = 768 << 10;
/// No line is longer: the longest is an entity with its texts.
const MAX_LINE: u64 = 256 << 20;
/// Stands in the data folder while a backup is brought in.
const RESTORING: &str = "restoring";

/// A line. What follows a household is that household's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header { altair: String, format: u32, created_at: Time },
    Household { id: HouseholdId, name: String, created_at: Time, head: SyncId },
    Device(Box<Device>),
    Entity(Box<EntityState>),
    Erased(Erased),
    Logged { device: DeviceId, change: ChangeId, json: String },
    Blob { hash: Hash, offset: u64, data: Bytes },
    Trailer { households: u64, entities: u64, blobs: u64, checksum: Hash },
}

#[derive(Debug, Serialize, Deserialize)]
struct Device {
    id: DeviceId,
    name: String,
    /// The hash of its token.
    token: Hash,
    paired_at: Time,
    seen_at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<DeviceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
    #[serde(default)]
    left: bool,
}

impl Line {
    fn household(household: &HouseholdRecord, head: SyncId) -> Self {
        let (id, name) = (household.id, household.name.clone());
        Self::Household { id, name, created_at: time(household.created_ms), head }
    }

    fn device(device: DeviceRecord) -> Self {
        Self::Device(Box::new(Device {
            id: device.id,
            name: device.name,
            token: Hash::from(blake3::Hash::from_bytes(*device.token.as_bytes())),
            paired_at: time(device.paired_ms),
            seen_at: time(device.seen_ms),
            parent: device.parent,
            revoked_at: device.revoked_ms.map(time),
            left: device.left,
        }))
    }
}

fn time(ms: u64) -> Time {
    Time::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn millis(time: Time) -> u64 {
    u64::try_from(time.millis()).unwrap_or(0)
}

/// Refuses a folder into which a backup was brought in part.
pub(crate) fn check_whole(data: &std::path::Path) -> Result<(), Error> {
    if data.join(RESTORING).exists() {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!("a backup was restored into {} in part", data.display()),
            "remove the folder, and restore the backup again",
        ));
    }
    Ok(())
}
