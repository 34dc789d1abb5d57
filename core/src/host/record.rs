//! `host.json`: who hosts a store, where it listens, and how many hosts there have been.
//!
//! It is replaced whole, so a reader sees one host or the next. It is a hint: the lock says who the host is.

use std::fs;
use std::path::Path;

use altair_protocol::rpc::Host;

use super::surroundings::Lock;
use crate::store::folder::replace;

pub(super) const HOST: &str = "host.json";

/// What `host.json` beside a store says; `None` where it isn't there or can't be read.
pub(crate) fn read(store: &Path) -> Option<Host> {
    serde_json::from_slice(&fs::read(store.join(HOST)).ok()?).ok()
}

/// The same, if it speaks of this store: it may have been copied, or moved, with a store's folder.
pub fn read_own(store: &Path) -> Option<Host> {
    let real = store.canonicalize().ok()?;
    read(store).filter(|host| host.store == real)
}

/// Says who the host is.
pub(crate) fn write(store: &Path, host: &Host) -> std::io::Result<()> {
    replace(&store.join(HOST), &serde_json::to_vec(host)?, false)
}

/// Whether the host of an epoch still has its store.
pub fn is_held(store: &Path, epoch: u64) -> bool {
    if read(store).is_some_and(|host| host.epoch > epoch) {
        return false;
    }
    matches!(Lock::of(store), Lock::Held(_))
}
