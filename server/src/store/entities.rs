//! What the server knows of an entity without reading what it says: what was applied to it, or when it was erased.

use std::collections::BTreeMap;

use altair_core::Result;
use altair_protocol::sync::SyncId;
use altair_protocol::{DeviceId, Dot, EntityId, HouseholdId, Kind, Stamp, VersionVector};
use surrealdb::types::{Bytes, RecordId, SurrealValue};
use uuid::Uuid;

use super::keys::{self, as_i64};
use super::{Store, corrupt};

/// Bytes of a vector's entry: a device and a stamp.
const ENTRY: usize = 24;
/// How many rows are read at once.
const PAGE: usize = 1000;

#[derive(Debug, Clone, SurrealValue)]
pub(super) struct EntityRow {
    pub(super) id: RecordId,
    pub(super) kind: String,
    pub(super) applied: Bytes,
    pub(super) last: i64,
    pub(super) bytes: i64,
    pub(super) erased_ms: Option<i64>,
}

/// An entity, as its changes' envelopes tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entity {
    pub(crate) kind: Kind,
    /// Device → last stamp accepted.
    pub(crate) applied: VersionVector,
    /// The number of its last change.
    pub(crate) last: SyncId,
    /// How long its changes are together.
    pub(crate) bytes: u64,
    /// When it was erased.
    pub(crate) erased_ms: Option<u64>,
}

impl Entity {
    /// An entity to which nothing was applied.
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, applied: VersionVector::new(), last: SyncId::ZERO, bytes: 0, erased_ms: None }
    }

    pub(super) fn row(&self, household: HouseholdId, id: EntityId) -> EntityRow {
        EntityRow {
            id: keys::entity(household, id),
            kind: self.kind.as_str().to_owned(),
            applied: packed(&self.applied).into(),
            last: as_i64(self.last.get()),
            bytes: as_i64(self.bytes),
            erased_ms: self.erased_ms.map(as_i64),
        }
    }
}

impl Store {
    /// Of these entities, those that the household has.
    pub(crate) async fn entities(
        &self,
        household: HouseholdId,
        ids: &[EntityId],
    ) -> Result<BTreeMap<EntityId, Entity>> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<RecordId> = ids.iter().map(|id| keys::entity(household, *id)).collect();
        let rows: Vec<EntityRow> = self.db.rows("SELECT * FROM $id", ids).await?;
        rows.iter().map(entity_of).collect()
    }

    /// Forgets the entities that were erased before a moment. How many that were.
    pub(crate) async fn drop_erased(&self, household: HouseholdId, before_ms: u64) -> Result<u64> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.entities_after(household, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(count) };
            after = Some(*last);
            let old = page.iter().filter(|(_, entity)| entity.erased_ms.is_some_and(|erased| erased < before_ms));
            let gone: Vec<RecordId> =
                old.flat_map(|(id, _)| [keys::entity(household, *id), keys::state(household, *id)]).collect();
            count += gone.len() as u64 / 2;
            if !gone.is_empty() {
                self.db.run("DELETE $gone RETURN NONE;", [("gone", gone.into_value())]).await?;
            }
        }
    }

    /// The entities with ids after `after`, at most `limit`.
    pub(crate) async fn entities_after(
        &self,
        household: HouseholdId,
        after: Option<EntityId>,
        limit: usize,
    ) -> Result<Vec<(EntityId, Entity)>> {
        let (after, until) = keys::keys_of(household, after.map(|id| keys::uuid_value(id.uuid())));
        let rows: Vec<EntityRow> = self.db.scan("entity", after, until, limit).await?;
        rows.iter().map(entity_of).collect()
    }
}

fn entity_of(row: &EntityRow) -> Result<(EntityId, Entity)> {
    let id = EntityId::from(keys::last_uuid(&row.id)?);
    let damaged = || corrupt(format!("the row of the entity {id} is damaged"));
    let entity = Entity {
        kind: row.kind.parse().map_err(|_| damaged())?,
        applied: unpacked(&row.applied).ok_or_else(damaged)?,
        last: SyncId::try_from(row.last.unsigned_abs()).map_err(|_| damaged())?,
        bytes: row.bytes.unsigned_abs(),
        erased_ms: row.erased_ms.map(i64::unsigned_abs),
    };
    Ok((id, entity))
}

fn packed(vector: &VersionVector) -> Vec<u8> {
    let mut bytes = Vec::new();
    for dot in vector.iter() {
        bytes.extend_from_slice(dot.device.as_bytes());
        bytes.extend_from_slice(&dot.at.as_u64().to_be_bytes());
    }
    keys::seal(bytes)
}

fn unpacked(bytes: &[u8]) -> Option<VersionVector> {
    let (entries, rest) = keys::open(bytes, &"a vector").ok()?.as_chunks::<ENTRY>();
    let dot = |entry: &[u8; ENTRY]| {
        let (device, at) = entry.split_at(16);
        let at = Stamp::from_u64(u64::from_be_bytes(at.try_into().ok()?));
        Some(Dot { at, device: DeviceId::from(Uuid::from_slice(device).ok()?) })
    };
    if !rest.is_empty() {
        return None;
    }
    entries.iter().map(dot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_packed_and_back() {
        for n in 0..4_u64 {
            let dot = |n| Dot { at: Stamp::new(1_790_000_000_000 + n, 3), device: DeviceId::v7(n, [7; 10]) };
            let vector: VersionVector = (0..n).map(dot).collect();
            assert_eq!(unpacked(&packed(&vector)), Some(vector));
        }
        assert_eq!(unpacked(&[0; 25]), None);
    }
}
