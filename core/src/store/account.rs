//! What the store keeps for its household's server: the account with the cursor, in one row, and beside it what was refused, what is acknowledged ahead of the
//! cursor, and what this version can't read.
//!
//! Invariant: whatever a cursor stands for is written with it, in one transaction. None of it is in a backup: a store that is made from one is another device.

use std::collections::HashMap;

use altair_protocol::sync::{Household, SyncId, Unopened};
use altair_protocol::view::Time;
use altair_protocol::{ChangeId, DeviceId, EntityId, Incarnation, Kind, VersionVector};
use serde::{Deserialize, Serialize};
use surrealdb::types::{RecordId, SurrealValue as _, Value as DbValue};

use super::Database;
use super::rows::{
    BodyRow, KeyRow, acked_record, entity_of, erased_record, parked_record, seq_of, sync_record, uuid_value,
};
use super::sealed::open;
use crate::error::{Error, Result};
use crate::sync::machine::Fault;

/// The most rows that are read of any of these tables: more are never written.
const MANY: usize = 1_000_000;

/// `meta:sync`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The server's address.
    pub(crate) server: String,
    /// Whose store this is. It stays so when the device is logged out.
    pub(crate) household: Household,
    /// The device that the token is for.
    pub(crate) device: DeviceId,
    /// What the device shows; none while it is logged out.
    pub(crate) token: Option<String>,
    /// When to ask for another one.
    pub(crate) renew_at: Option<Time>,
    /// The last number of the household's log that is applied.
    pub(crate) cursor: SyncId,
    /// Whose number that is; none before the first bootstrap.
    pub(crate) incarnation: Option<Incarnation>,
    /// A bootstrap that was interrupted.
    pub(crate) resume: Option<Resumed>,
    /// Whether there is something that neither the outbox nor the server has.
    pub(crate) brings_states: bool,
    /// How far the server's clock is ahead, in milliseconds.
    pub(crate) ahead: i64,
    /// When the server last said something.
    pub(crate) last_contact: Option<Time>,
}

/// Without the token, which belongs in no log.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("household", &self.household.id)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// How far a bootstrap has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resumed {
    pub(crate) after: EntityId,
    pub(crate) head: SyncId,
    pub(crate) incarnation: Incarnation,
    /// The device had been away for too long.
    pub(crate) expired: bool,
}

/// What is kept of an entity that was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erasing {
    pub(crate) kind: Kind,
    /// All that was erased.
    pub(crate) seen: VersionVector,
}

impl Erasing {
    /// What a row of `erased` tells; nothing if an earlier version wrote it.
    fn of(row: &BodyRow) -> Result<Option<Self>> {
        if row.body.is_empty() { Ok(None) } else { open(&row.body, "an erased id").map(Some) }
    }
}

impl Database {
    /// The account, if this store has ever had one.
    pub(crate) async fn account(&self) -> Result<Option<Account>> {
        let row: Option<BodyRow> = self.get(sync_record()).await?;
        row.map(|row| open(&row.body, "the account")).transpose()
    }

    /// Refused changes that are kept, one an entity at most.
    pub(crate) async fn parked(&self) -> Result<Vec<Fault>> {
        let rows: Vec<BodyRow> = self.rows("SELECT * FROM parked", DbValue::None, MANY).await?;
        rows.iter().map(|row| open(&row.body, "a refused change")).collect()
    }

    /// What is kept of an entity's refused change.
    pub(crate) async fn parked_of(&self, entity: EntityId) -> Result<Option<Fault>> {
        let row: Option<BodyRow> = self.get(parked_record(entity)).await?;
        row.map(|row| open(&row.body, "a refused change")).transpose()
    }

    /// Which changes are acknowledged at these numbers, ahead of the cursor.
    pub(crate) async fn acked(&self, numbers: &[SyncId]) -> Result<HashMap<u64, ChangeId>> {
        let records: Vec<RecordId> = numbers.iter().map(|number| acked_record(*number)).collect();
        let rows: Vec<BodyRow> = self.rows("SELECT * FROM $id WHERE body != NONE", records, numbers.len()).await?;
        rows.iter().map(|row| Ok((seq_of(&row.id)?, open(&row.body, "an acknowledgement")?))).collect()
    }

    /// All numbers at which a change is acknowledged.
    pub(crate) async fn acked_numbers(&self) -> Result<Vec<u64>> {
        let rows: Vec<KeyRow> = self.rows("SELECT id FROM acked", DbValue::None, MANY).await?;
        rows.iter().map(|row| seq_of(&row.id)).collect()
    }

    /// Changes that this version can't read.
    pub(crate) async fn unread(&self) -> Result<Vec<Unopened>> {
        let rows: Vec<BodyRow> = self.rows("SELECT * FROM unread", DbValue::None, MANY).await?;
        rows.iter().map(|row| open(&row.body, "a change that waits for a newer version")).collect()
    }

    /// How many they are.
    pub(crate) async fn count_unread(&self) -> Result<u64> {
        self.count("unread", uuid_value(uuid::Uuid::nil()), uuid_value(uuid::Uuid::max())).await
    }

    /// What was erased at these ids, where it is known.
    pub(crate) async fn erasings(&self, ids: &[EntityId]) -> Result<HashMap<EntityId, Option<Erasing>>> {
        let records: Vec<RecordId> = ids.iter().map(|id| erased_record(*id)).collect();
        let rows: Vec<BodyRow> = self.rows("SELECT * FROM $id WHERE body != NONE", records, ids.len()).await?;
        rows.iter().map(|row| Ok((entity_of(&row.id)?, Erasing::of(row)?))).collect()
    }

    /// The ids of all entities, in the order of their records.
    pub(crate) async fn entity_ids(&self) -> Result<Vec<EntityId>> {
        let mut response = self.ask("SELECT VALUE id FROM entity", []).await?;
        let ids: Vec<RecordId> = response.take(0).map_err(|error| super::database::failed(&error))?;
        ids.iter().map(entity_of).collect()
    }

    /// Which of these numbers of the log are in the outbox.
    pub(crate) async fn still_unsent(&self, seqs: &[u64]) -> Result<Vec<u64>> {
        let records: Vec<DbValue> = seqs.iter().map(|seq| super::rows::change_record(*seq).into_value()).collect();
        let query = "SELECT id FROM $id WHERE local = true AND sync_id IS NONE";
        let rows: Vec<KeyRow> = self.rows(query, records, seqs.len()).await?;
        rows.iter().map(|row| seq_of(&row.id)).collect()
    }
}

/// Refuses a second household.
pub(crate) fn other_household(ours: &Household) -> Error {
    Error::refused(
        format!("this store belongs to the household \"{}\"", ours.name.escape_debug()),
        "log in there again, or use another store (--store) for another household",
    )
}
