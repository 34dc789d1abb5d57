//! Pairing codes: good once, for ten minutes and for four wrong guesses.

use altair_core::Result;
use altair_protocol::HouseholdId;
use surrealdb::types::{Bytes, RecordId, SurrealValue, Uuid as DbUuid};
use uuid::Uuid;

use super::Store;
use super::keys::as_i64;
use crate::secret::{Code, Hashed};

/// How long a code is good for.
pub(crate) const LIFE_MS: u64 = 10 * 60 * 1000;
/// The wrong guess that ends a code.
const GUESSES: i64 = 5;

#[derive(Debug, Clone, SurrealValue)]
struct CodeRow {
    id: RecordId,
    household: DbUuid,
    hash: Bytes,
    made_ms: i64,
    wrong: i64,
    used: bool,
}

/// What became of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guess {
    /// It was the code, which is used up now.
    Right(HouseholdId),
    /// There is no such code.
    Wrong,
    /// There was one, which was used, is too old, or was guessed at too often.
    Ended,
}

impl Store {
    /// Keeps a code's hash.
    pub(crate) async fn put_code(&self, household: HouseholdId, code: &Code, now_ms: u64) -> Result<()> {
        let row = CodeRow {
            id: RecordId::new("code", code.name()),
            household: household.uuid().into(),
            hash: code.hash().as_bytes().to_vec().into(),
            made_ms: as_i64(now_ms),
            wrong: 0,
            used: false,
        };
        self.db.run("UPSERT $row.id CONTENT $row RETURN NONE;", [("row", row.into_value())]).await
    }

    /// Whether a code of this name is kept already.
    pub(crate) async fn has_code(&self, name: &str) -> Result<bool> {
        Ok(self.db.get::<CodeRow>(RecordId::new("code", name)).await?.is_some())
    }

    /// Tries a code, which the right guess uses up. `wronged_ms`: whoever guesses guessed wrong too often since then, and so codes that were there by then are ended for them.
    /// The caller lets one guess happen at a time.
    pub(crate) async fn guess(&self, code: &Code, now_ms: u64, wronged_ms: Option<u64>) -> Result<Guess> {
        let id = RecordId::new("code", code.name());
        let Some(mut row) = self.db.get::<CodeRow>(id).await? else { return Ok(Guess::Wrong) };
        let hash = Hashed::from_bytes(&row.hash).ok_or_else(|| super::corrupt("a pairing code's row is damaged"))?;
        let made_ms = row.made_ms.unsigned_abs();
        let old = now_ms >= made_ms.saturating_add(LIFE_MS);
        if old || row.used || row.wrong >= GUESSES || wronged_ms.is_some_and(|wronged| wronged >= made_ms) {
            return Ok(Guess::Ended);
        }
        let right = code.hash() == hash;
        row.used = right;
        row.wrong += i64::from(!right);
        let household = HouseholdId::from(Uuid::from(row.household));
        self.db.run("UPSERT $row.id CONTENT $row RETURN NONE;", [("row", row.into_value())]).await?;
        Ok(if right { Guess::Right(household) } else { Guess::Wrong })
    }

    /// Takes the codes away that are too old to be used.
    pub(crate) async fn drop_old_codes(&self, now_ms: u64) -> Result<()> {
        let oldest = as_i64(now_ms.saturating_sub(LIFE_MS)).into_value();
        self.db.run("DELETE code WHERE made_ms <= $oldest RETURN NONE;", [("oldest", oldest)]).await
    }
}
