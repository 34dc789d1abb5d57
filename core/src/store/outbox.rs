//! The outbox: those changes of the log that were made here and have no number from a server yet. A change's place in it is its number in the log.
//!
//! Invariant: `meta:head` has how many there are and a number up to which there is none, and every commit keeps both, so that nobody has to look through the log
//! for what isn't there. A look takes a window of the log at a time: the database's one thread is everybody's.

use altair_protocol::EntityId;
use surrealdb::types::{RecordId, SurrealValue, Uuid as DbUuid, Value as DbValue};

use super::Database;
use super::database::failed;
use super::rows::{ChangeRow, as_i64, head_id, int_value, seq_of};
use crate::error::Result;

/// How many numbers of the log are looked through at a time.
const WINDOW: u64 = 4096;

/// A change of the outbox without what it says.
#[derive(Debug, Clone, SurrealValue)]
struct PlaceRow {
    id: RecordId,
    entity: DbUuid,
}

/// What the outbox holds, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// How many changes.
    pub(crate) pending: u64,
    /// The number before the first of them; the head of the log if there is none.
    pub(crate) before: u64,
}

impl Database {
    /// The outbox's changes after a number, up to another, at most so many. It may give fewer than there are: the second value is the number up to which
    /// they were looked for.
    pub(crate) async fn outbox(&self, after: u64, until: u64, limit: usize) -> Result<(Vec<ChangeRow>, u64)> {
        let end = until.min(after.saturating_add(WINDOW));
        let rows: Vec<ChangeRow> = self.unsent("*", after, end, limit).await?;
        let looked = match rows.last() {
            Some(last) if rows.len() >= limit => seq_of(&last.id)?,
            _ => end,
        };
        Ok((rows, looked))
    }

    /// The numbers of an entity's changes in the outbox.
    pub(crate) async fn unsent_of(&self, entity: EntityId, mut after: u64, until: u64) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        while after < until {
            let end = until.min(after.saturating_add(WINDOW));
            let rows: Vec<PlaceRow> = self.unsent("id, entity", after, end, usize::MAX).await?;
            for row in rows.iter().filter(|row| uuid::Uuid::from(row.entity) == entity.uuid()) {
                found.push(seq_of(&row.id)?);
            }
            after = end;
        }
        Ok(found)
    }

    /// The number before the outbox's first change after a number, passing over some; `until` if there is none up to there.
    pub(crate) async fn before_unsent(&self, mut after: u64, until: u64, but: &[u64]) -> Result<u64> {
        while after < until {
            let end = until.min(after.saturating_add(WINDOW));
            let rows: Vec<PlaceRow> = self.unsent("id, entity", after, end, but.len().saturating_add(1)).await?;
            for row in &rows {
                let seq = seq_of(&row.id)?;
                if !but.contains(&seq) {
                    return Ok(seq - 1);
                }
            }
            after = end;
        }
        Ok(until)
    }

    /// Counts the outbox: it looks at every change, some 4 µs each.
    pub(crate) async fn count_outbox(&self, head: u64) -> Result<Counted> {
        let mut response =
            self.ask("SELECT count() FROM change WHERE local = true AND sync_id IS NONE GROUP ALL", []).await?;
        let counts: Vec<i64> = response.take((0, "count")).map_err(|error| failed(&error))?;
        let pending = counts.first().map_or(0, |n| n.unsigned_abs());
        let before = if pending == 0 { head } else { self.before_unsent(0, head, &[]).await? };
        Ok(Counted { pending, before })
    }

    /// Writes down what was counted.
    pub(crate) async fn set_outbox(&self, counted: Counted) -> Result<()> {
        let values = [
            ("id", head_id().into_value()),
            ("pending", int_value(as_i64(counted.pending))),
            ("outbox", int_value(as_i64(counted.before))),
        ];
        self.ask("UPDATE $id SET pending = $pending, outbox = $outbox RETURN NONE", values).await.map(drop)
    }

    /// How many changes are in the outbox.
    pub(crate) async fn pending(&self) -> Result<u64> {
        Ok(self.head_row().await?.and_then(|row| row.pending).unwrap_or(0).unsigned_abs())
    }

    async fn unsent<T: SurrealValue>(&self, what: &str, after: u64, until: u64, limit: usize) -> Result<Vec<T>> {
        let query = format!(
            "SELECT {what} FROM type::record('change', $after>..=$until) WHERE local = true AND sync_id IS NONE LIMIT $limit"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: [(&str, DbValue); 3] =
            [("after", int_value(as_i64(after))), ("until", int_value(as_i64(until))), ("limit", int_value(limit))];
        let mut response = self.ask(query, values).await?;
        response.take(0).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests;
