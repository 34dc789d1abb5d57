//! The log: a household's accepted changes, numbered without holes, and the transaction that adds to it.
//!
//! Entries stand in packs ([`super::pack`]), in the order of their numbers.

use std::collections::BTreeMap;

use altair_core::Result;
use altair_protocol::sync::SyncId;
use altair_protocol::{EntityId, HouseholdId};
use surrealdb::types::{Bytes, RecordId, SurrealValue};

use super::entities::EntityRow;
use super::keys::{self, as_i64};
use super::pack::{self, Packed};
use super::{Entity, Entry, Store, accepted, corrupt};

/// How many packs are read at once, none of them long.
const PAGE: usize = 32;

#[derive(Debug, Clone, SurrealValue)]
struct BodyRow {
    id: RecordId,
    body: Bytes,
}

#[derive(Debug, Clone, SurrealValue)]
struct HeadRow {
    id: RecordId,
    sync_id: i64,
    horizon: i64,
}

/// Where a household's log ends and begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    /// The last number that was given.
    pub(crate) sync_id: SyncId,
    /// The log has what comes after it.
    pub(crate) horizon: SyncId,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    pub(crate) entries: Vec<Entry>,
    /// The entities that they leave behind, and whether the database had them before.
    pub(crate) entities: BTreeMap<EntityId, (Entity, bool)>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// It is on disk.
    Now,
    /// Something that was to be new was there before: nothing was written.
    Known,
}

impl Store {
    /// Where a household's log ends and begins.
    pub(crate) async fn head(&self, household: HouseholdId) -> Result<Head> {
        let Some(row) = self.db.get::<HeadRow>(keys::of_household("head", household)).await? else {
            return Ok(Head::default());
        };
        Ok(Head { sync_id: sync_id(row.sync_id)?, horizon: sync_id(row.horizon)? })
    }

    /// Adds to a household's log, in one transaction, and moves its head to `head`.
    pub(crate) async fn commit(&self, household: HouseholdId, commit: &Commit, head: Head) -> Result<Committed> {
        let (mut log, mut large) = (Vec::new(), Vec::new());
        let accepted = accepted::rows(household, &commit.entries);
        for entry in &commit.entries {
            if entry.is_large() {
                let body = keys::seal(entry.json.clone().into_bytes()).into();
                large.push(BodyRow { id: keys::large(household, entry.sync_id.get()), body }.into_value());
            }
        }
        for entries in pack::cut(&commit.entries) {
            let Some(last) = entries.last() else { continue };
            let body = pack::sealed(entries.iter().map(|entry| (entry, entry.is_large()))).into();
            log.push(BodyRow { id: keys::log(household, last.sync_id.get()), body }.into_value());
        }
        let (mut new, mut changed): (Vec<EntityRow>, Vec<EntityRow>) = (Vec::new(), Vec::new());
        for (id, (entity, existed)) in &commit.entities {
            let rows = if *existed { &mut changed } else { &mut new };
            rows.push(entity.row(household, *id));
        }
        let row = HeadRow {
            id: keys::of_household("head", household),
            sync_id: as_i64(head.sync_id.get()),
            horizon: as_i64(head.horizon.get()),
        };

        let mut query = String::from("BEGIN;");
        let mut add = |any: bool, statement: &str| {
            if any {
                query.push_str(statement);
            }
        };
        add(!log.is_empty(), "INSERT INTO log $log RETURN NONE;");
        add(!accepted.is_empty(), "INSERT INTO accepted $accepted RETURN NONE;");
        add(!large.is_empty(), "INSERT INTO large $large RETURN NONE;");
        add(!new.is_empty(), "INSERT INTO entity $new RETURN NONE;");
        add(!changed.is_empty(), "FOR $row IN $changed { UPDATE $row.id CONTENT $row RETURN NONE; };");
        query.push_str("UPSERT $head.id CONTENT $head RETURN NONE; COMMIT;");
        let values = [
            ("log", log.into_value()),
            ("accepted", accepted.into_value()),
            ("large", large.into_value()),
            ("new", new.into_value()),
            ("changed", changed.into_value()),
            ("head", row.into_value()),
        ];
        match self.db.run(query, values).await {
            Ok(()) => Ok(Committed::Now),
            Err(error) if error.kind() == altair_core::ErrorKind::Conflict => Ok(Committed::Known),
            Err(error) => Err(error),
        }
    }

    /// The entries after a number, in order: as many as have about `most_bytes` together, and one if there is one. They end where the log ends.
    pub(crate) async fn log_after(
        &self,
        household: HouseholdId,
        after: SyncId,
        most_bytes: usize,
    ) -> Result<Vec<Entry>> {
        let (mut entries, mut bytes, mut after) = (Vec::new(), 0, after);
        loop {
            let packs = self.packs_after(household, after, PAGE).await?;
            let all = packs.len() < PAGE;
            for Packed { mut entry, is_large } in packs.into_iter().flatten() {
                // The first pack may begin before it.
                if entry.sync_id <= after {
                    continue;
                }
                if is_large {
                    entry.json = self.large_json(household, entry.sync_id).await?;
                }
                after = entry.sync_id;
                bytes += entry.json.len() + entry.weight();
                entries.push(entry);
                if bytes >= most_bytes {
                    return Ok(entries);
                }
            }
            if all {
                return Ok(entries);
            }
        }
    }

    /// The packs that have something after a number.
    async fn packs_after(&self, household: HouseholdId, after: SyncId, limit: usize) -> Result<Vec<Vec<Packed>>> {
        let (from, until) = keys::keys_of(household, Some(keys::int_value(after.get())));
        let rows: Vec<BodyRow> = self.db.scan("log", from, until, limit).await?;
        let opened = |row: BodyRow| {
            let last = SyncId::try_from(keys::last_number(&row.id)?).map_err(|_| damaged(&row.id))?;
            pack::opened(last, &row.body).ok_or_else(|| damaged(&row.id))
        };
        rows.into_iter().map(opened).collect()
    }

    /// The pack that an entry is in.
    async fn pack_of(&self, household: HouseholdId, n: SyncId) -> Result<Option<Vec<Packed>>> {
        let before = SyncId::try_from(n.get().saturating_sub(1)).unwrap_or_default();
        let pack = self.packs_after(household, before, 1).await?.pop();
        // The log may begin later than that.
        Ok(pack.filter(|pack| pack.iter().any(|packed| packed.entry.sync_id == n)))
    }

    /// Forgets what the log says of an entity, from its entry `last` back.
    pub(crate) async fn forget(&self, household: HouseholdId, last: SyncId) -> Result<()> {
        let mut last = last;
        while last != SyncId::ZERO {
            // As many as a few packs have, so that what is held is bounded.
            let (mut packs, mut gone): (BTreeMap<SyncId, Vec<Packed>>, Vec<RecordId>) = (BTreeMap::new(), Vec::new());
            while last != SyncId::ZERO && packs.len() < PAGE {
                let held = packs.values_mut().find(|pack| pack.iter().any(|packed| packed.entry.sync_id == last));
                let pack = match held {
                    Some(pack) => pack,
                    None => {
                        let Some(pack) = self.pack_of(household, last).await? else {
                            last = SyncId::ZERO;
                            break;
                        };
                        let name = pack.last().map_or(last, |packed| packed.entry.sync_id);
                        packs.entry(name).or_insert(pack)
                    }
                };
                let Some(packed) = pack.iter_mut().find(|packed| packed.entry.sync_id == last) else { break };
                gone.extend(packed.is_large.then(|| keys::large(household, last.get())));
                last = packed.entry.prior;
                packed.entry.json.clear();
                packed.is_large = false;
            }
            let row = |(name, pack): (SyncId, Vec<Packed>)| {
                let body = pack::sealed(pack.iter().map(|packed| (&packed.entry, packed.is_large))).into();
                BodyRow { id: keys::log(household, name.get()), body }
            };
            let rows: Vec<BodyRow> = packs.into_iter().map(row).collect();
            let query = "BEGIN; FOR $row IN $rows { UPDATE $row.id CONTENT $row RETURN NONE; }; DELETE $gone RETURN NONE; COMMIT;";
            self.db.run(query, [("rows", rows.into_value()), ("gone", gone.into_value())]).await?;
        }
        Ok(())
    }

    async fn large_json(&self, household: HouseholdId, n: SyncId) -> Result<String> {
        let id = keys::large(household, n.get());
        let row = self.db.get::<BodyRow>(id.clone()).await?.ok_or_else(|| damaged(&id))?;
        let json = keys::open(&row.body, &format_args!("the log's entry {n}"))?.to_vec();
        String::from_utf8(json).map_err(|_| damaged(&id))
    }
}

fn sync_id(n: i64) -> Result<SyncId> {
    SyncId::try_from(n.unsigned_abs()).map_err(|_| corrupt("a number of the log is too great"))
}

fn damaged(record: &RecordId) -> altair_core::Error {
    corrupt(format!("a row of the table {} is damaged", record.table))
}
