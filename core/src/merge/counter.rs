//! The counter: each device's share counts once, so two people using one egg each leave two fewer eggs.
//!
//! A share is all that its device ever added. It only ever moves forward by stamp, so an old state that comes back never takes the total
//! back.

use std::collections::BTreeMap;

use altair_protocol::{DeviceId, Total};

/// Takes a device's share if it is newer than the one held.
pub fn set(shares: &mut BTreeMap<DeviceId, Total>, device: DeviceId, share: Total) {
    let held = shares.entry(device).or_insert(share);
    if (share.at, share.total) > (held.at, held.total) {
        *held = share;
    }
}

/// The share that `device` must write to add `delta` thousandths; `None` when the share or the sum of all shares would overflow.
pub fn add(shares: Option<&BTreeMap<DeviceId, Total>>, device: DeviceId, delta: i64) -> Option<i64> {
    let share = shares.and_then(|shares| shares.get(&device)).map_or(0, |share| share.total);
    let sum: i128 = shares.into_iter().flatten().map(|(_, share)| i128::from(share.total)).sum();
    i64::try_from(sum + i128::from(delta)).ok()?;
    share.checked_add(delta)
}
