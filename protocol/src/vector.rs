//! Version vectors: per device, the last stamp that somebody has applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Dot, Stamp};

/// Device → last stamp. A device that isn't there counts as [`Stamp::ZERO`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionVector(BTreeMap<DeviceId, Stamp>);

impl VersionVector {
    /// The empty vector.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The last stamp of a device.
    pub fn get(&self, device: DeviceId) -> Stamp {
        self.0.get(&device).copied().unwrap_or_default()
    }

    /// Whether the entry for the dot's device is at least the dot's stamp.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.device) >= dot.at
    }

    /// Whether every dot that `other` covers is covered here too.
    pub fn includes(&self, other: &Self) -> bool {
        other.iter().all(|dot| self.covers(dot))
    }

    /// Raises the entry of the dot's device to the dot's stamp, if that is greater.
    pub fn add(&mut self, dot: Dot) {
        let entry = self.0.entry(dot.device).or_default();
        *entry = (*entry).max(dot.at);
    }

    /// The maximum per device.
    pub fn join(&mut self, other: &Self) {
        for dot in other.iter() {
            self.add(dot);
        }
    }

    /// The entries, in the order of device ids.
    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().map(|(&device, &at)| Dot { at, device })
    }

    /// The greatest entry, by stamp and then device.
    pub fn latest(&self) -> Option<Dot> {
        self.iter().max()
    }

    /// Whether no device has an entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Dot> for VersionVector {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut vector = Self::new();
        for dot in dots {
            vector.add(dot);
        }
        vector
    }
}
