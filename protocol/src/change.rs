//! A change: the one form in which anything is ever written.
//!
//! Local edits, remote edits, imports, undo and restores are all this value, applied by one pure function in the engine.
//! All but `ops` is the *envelope*: a server orders, checks, answers and relays by it alone.

use serde::{Deserialize, Serialize};

use crate::{Bytes, ChangeId, DeviceId, Dot, EntityId, Field, Hash, Kind, Stamp, Value, VersionVector};

/// One device's change of one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Minted once and never again.
    pub id: ChangeId,
    /// What it changes.
    pub entity: EntityId,
    /// The entity's kind.
    pub kind: Kind,
    /// Who made it.
    pub device: DeviceId,
    /// The device's stamp: greater than every stamp that it had made or seen.
    pub at: Stamp,
    /// Everything of this entity that the writer had applied, its own last change included.
    pub seen: VersionVector,
    /// Whether this removes the entity for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erase: bool,
    /// Blobs that must be stored before this change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Hash>,
    /// What it does, in order.
    pub ops: Vec<Op>,
}

impl Change {
    /// The change's dot.
    pub const fn dot(&self) -> Dot {
        Dot { at: self.at, device: self.device }
    }
}

/// One step of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Gives a register a value; it supersedes what the writer had seen and nothing else.
    Set {
        /// Which register.
        field: Field,
        /// Its value.
        value: Value,
    },
    /// Brings edits into a text.
    Text {
        /// Which text.
        field: Field,
        /// Loro updates.
        update: Bytes,
    },
    /// Sets this device's share of a counter.
    Count {
        /// Which counter.
        field: Field,
        /// All that this device has ever added, in thousandths.
        total: i64,
    },
    /// Moves the entity to the trash, as far as the writer has seen it.
    Delete,
    /// Brings it back.
    Restore,
}

impl Op {
    /// Whether this is work on the entity's content, which a delete that hasn't seen it doesn't remove.
    pub fn is_content(&self) -> bool {
        match self {
            Self::Set { field, .. } => !field.is_tag(),
            Self::Text { .. } | Self::Count { .. } | Self::Restore => true,
            Self::Delete => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_readable_json() {
        let change = Change {
            id: ChangeId::v7(1, [0; 10]),
            entity: EntityId::v7(2, [0; 10]),
            kind: Kind::Item,
            device: DeviceId::v7(3, [0; 10]),
            at: Stamp::new(1_790_000_000_000, 3),
            seen: VersionVector::new(),
            erase: false,
            blobs: vec![],
            ops: vec![
                Op::Set { field: Field::TITLE, value: "Eggs".into() },
                Op::Text { field: Field::BODY, update: Bytes(vec![1, 2, 3]) },
                Op::Count { field: Field::QUANTITY, total: -1000 },
                Op::Delete,
            ],
        };
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"id":"00000000-0001-7000-8000-000000000000","entity":"00000000-0002-7000-8000-000000000000","#,
                r#""kind":"item","device":"00000000-0003-7000-8000-000000000000","at":"1790000000000-3","seen":{},"#,
                r#""ops":[{"set":{"field":"title","value":"Eggs"}},{"text":{"field":"body","update":"AQID"}},"#,
                r#"{"count":{"field":"quantity","total":-1000}},"delete"]}"#
            )
        );
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
    }
}
