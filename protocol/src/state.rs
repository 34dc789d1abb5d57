//! An entity's state: everything that merging needs, and nothing else.
//!
//! Bootstrap, backup and repair carry exactly this. Joining two states gives the same as applying both their changes; the rules are
//! in `altair-core`'s `merge`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Bytes, DeviceId, Dot, EntityId, Field, Kind, Stamp, Value, VersionVector};

/// One of a register's concurrent values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// When it was set.
    pub at: Stamp,
    /// Who set it.
    pub device: DeviceId,
    /// What it was set to.
    pub value: Value,
}

impl Head {
    /// The setting's dot.
    pub const fn dot(&self) -> Dot {
        Dot { at: self.at, device: self.device }
    }
}

/// One device's share of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// When it was last set.
    pub at: Stamp,
    /// All that the device has added, in thousandths.
    pub total: i64,
}

/// The state of one entity on one replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityState {
    /// Which entity.
    pub id: EntityId,
    /// Its kind.
    pub kind: Kind,
    /// Device → last stamp applied.
    pub applied: VersionVector,
    /// Registers, each with its heads, the greatest dot first. Never an empty list.
    pub fields: BTreeMap<Field, Vec<Head>>,
    /// Counters: each device's share.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<Field, BTreeMap<DeviceId, Total>>,
    /// Texts: Loro documents, as the first update that made them or as a later export.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<Field, Bytes>,
    /// Device → last stamp of work on the content.
    pub content: VersionVector,
    /// What deletes had seen, and the deletes themselves.
    #[serde(default, skip_serializing_if = "VersionVector::is_empty")]
    pub deleted: VersionVector,
}

impl EntityState {
    /// An entity to which nothing has been applied yet.
    pub const fn new(id: EntityId, kind: Kind) -> Self {
        Self {
            id,
            kind,
            applied: VersionVector::new(),
            fields: BTreeMap::new(),
            counters: BTreeMap::new(),
            texts: BTreeMap::new(),
            content: VersionVector::new(),
            deleted: VersionVector::new(),
        }
    }

    /// The value of a register: its head with the greatest stamp.
    pub fn value(&self, field: &Field) -> Option<&Value> {
        self.fields.get(field).and_then(|heads| heads.first()).map(|head| &head.value)
    }

    /// Whether some content isn't covered by a delete.
    pub fn is_alive(&self) -> bool {
        self.content.iter().any(|dot| !self.deleted.covers(dot))
    }

    /// The sum of a counter's shares, in thousandths; saturating, as shares are checked when they are written.
    pub fn count(&self, field: &Field) -> i64 {
        let sum: i128 = self.counters.get(field).into_iter().flatten().map(|(_, share)| i128::from(share.total)).sum();
        sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}
