//! The log folded into states: for each entity the line that a bootstrap has of it, and up to where the log is folded.
//!
//! A line is `{"entity": …}`, or `{"erased": …}` once the entity was erased; so a bootstrap sends what is here, and reads none of it.

use std::collections::BTreeMap;

use altair_core::Result;
use altair_protocol::sync::SyncId;
use altair_protocol::{EntityId, HouseholdId};
use surrealdb::types::{Bytes, RecordId, SurrealValue};

use super::keys::{self, as_i64};
use super::{LARGE_BYTES, Store, corrupt};

/// How many lines are read at once, none longer than [`LARGE_BYTES`].
const PAGE: usize = 256;

#[derive(Debug, Clone, SurrealValue)]
struct StateRow {
    id: RecordId,
    /// `None`: it is in the table for large ones.
    body: Option<Bytes>,
}

#[derive(Debug, Clone, SurrealValue)]
struct LargeRow {
    id: RecordId,
    body: Bytes,
}

#[derive(Debug, Clone, SurrealValue)]
struct FoldRow {
    id: RecordId,
    at: i64,
    entities: i64,
    stuck: Option<i64>,
}

/// Up to where a household's log is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Folded {
    pub(crate) at: SyncId,
    /// How many entities there are, without the erased ones.
    pub(crate) entities: u64,
    /// The first change that couldn't be read: it is in no state, and has to come from the log.
    pub(crate) stuck: Option<SyncId>,
}

impl Folded {
    /// The number after which the log has what the states may lack.
    pub(crate) fn covers(&self) -> SyncId {
        let before = self.stuck.and_then(|stuck| SyncId::try_from(stuck.get().saturating_sub(1)).ok());
        before.map_or(self.at, |before| before.min(self.at))
    }
}

/// A line to be written.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) line: StateLine,
    /// Whether the entity had one.
    pub(crate) existed: bool,
}

/// An entity's line, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateLine {
    pub(crate) id: EntityId,
    pub(crate) line: String,
}

impl StateLine {
    /// Whether it says that the entity was erased.
    pub(crate) fn is_erased(&self) -> bool {
        self.line.starts_with(r#"{"erased""#)
    }
}

impl Store {
    /// Up to where a household's log is folded.
    pub(crate) async fn folded(&self, household: HouseholdId) -> Result<Folded> {
        let Some(row) = self.db.get::<FoldRow>(keys::of_household("fold", household)).await? else {
            return Ok(Folded::default());
        };
        let number = |n: i64| SyncId::try_from(n.unsigned_abs()).map_err(|_| corrupt("the fold's row is damaged"));
        let stuck = row.stuck.map(number).transpose()?;
        Ok(Folded { at: number(row.at)?, entities: row.entities.unsigned_abs(), stuck })
    }

    /// The lines of some entities; those that have none are left out.
    pub(crate) async fn state_lines(
        &self,
        household: HouseholdId,
        ids: &[EntityId],
    ) -> Result<BTreeMap<EntityId, String>> {
        let mut lines = BTreeMap::new();
        for ids in ids.chunks(PAGE) {
            let ids: Vec<RecordId> = ids.iter().map(|id| keys::state(household, *id)).collect();
            for row in self.db.rows::<StateRow>("SELECT * FROM $id", ids).await? {
                let StateLine { id, line } = self.line_of(household, row).await?;
                lines.insert(id, line);
            }
        }
        Ok(lines)
    }

    /// The lines of entities with ids after `after`, in their order: as many as have about `most_bytes` together, and one if there is one.
    pub(crate) async fn state_lines_after(
        &self,
        household: HouseholdId,
        after: Option<EntityId>,
        most_bytes: usize,
    ) -> Result<Vec<StateLine>> {
        let (mut lines, mut bytes, mut after) = (Vec::new(), 0, after);
        loop {
            let (from, until) = keys::keys_of(household, after.map(|id| keys::uuid_value(id.uuid())));
            let rows: Vec<StateRow> = self.db.scan("state", from, until, PAGE).await?;
            let all = rows.len() < PAGE;
            for row in rows {
                let line = self.line_of(household, row).await?;
                bytes += line.line.len();
                after = Some(line.id);
                lines.push(line);
                if bytes >= most_bytes {
                    return Ok(lines);
                }
            }
            if all {
                return Ok(lines);
            }
        }
    }

    /// Writes lines and moves the fold on, in one transaction.
    pub(crate) async fn put_state_lines(&self, household: HouseholdId, puts: Vec<Put>, folded: Folded) -> Result<()> {
        let (mut new, mut changed, mut large, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Put { line: StateLine { id, line }, existed } in puts {
            let (state, large_state) = (keys::state(household, id), keys::large_state(household, id));
            let is_large = line.len() > LARGE_BYTES;
            let body: Bytes = keys::seal(line.into_bytes()).into();
            let row = if is_large {
                large.push(LargeRow { id: large_state, body });
                StateRow { id: state, body: None }
            } else {
                gone.extend(existed.then_some(large_state));
                StateRow { id: state, body: Some(body) }
            };
            if existed { changed.push(row) } else { new.push(row) }
        }
        let fold = FoldRow {
            id: keys::of_household("fold", household),
            at: as_i64(folded.at.get()),
            entities: as_i64(folded.entities),
            stuck: folded.stuck.map(|stuck| as_i64(stuck.get())),
        };
        let mut query = String::from("BEGIN;");
        let mut add = |any: bool, statement: &str| {
            if any {
                query.push_str(statement);
            }
        };
        add(!new.is_empty(), "INSERT INTO state $new RETURN NONE;");
        add(!changed.is_empty(), "FOR $row IN $changed { UPDATE $row.id CONTENT $row RETURN NONE; };");
        add(!large.is_empty(), "FOR $row IN $large { UPSERT $row.id CONTENT $row RETURN NONE; };");
        add(!gone.is_empty(), "DELETE $gone RETURN NONE;");
        query.push_str("UPSERT $fold.id CONTENT $fold RETURN NONE; COMMIT;");
        let values = [
            ("new", new.into_value()),
            ("changed", changed.into_value()),
            ("large", large.into_value()),
            ("gone", gone.into_value()),
            ("fold", fold.into_value()),
        ];
        self.db.run(query, values).await
    }

    async fn line_of(&self, household: HouseholdId, row: StateRow) -> Result<StateLine> {
        let id = EntityId::from(keys::last_uuid(&row.id)?);
        let damaged = || corrupt(format!("the state of the entity {id} is damaged"));
        let body = match row.body {
            Some(body) => body,
            None => {
                let large: Option<LargeRow> = self.db.get(keys::large_state(household, id)).await?;
                large.ok_or_else(damaged)?.body
            }
        };
        let line = keys::open(&body, &format_args!("the state of the entity {id}"))?.to_vec();
        Ok(StateLine { id, line: String::from_utf8(line).map_err(|_| damaged())? })
    }
}
