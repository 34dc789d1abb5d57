//! What the doctor reads and writes: whole tables, past everything that a caller may touch.

use surrealdb::types::{RecordId, SurrealValue as _};

use super::Database;
use super::rows::{ChangeRow, EdgeRow, EntityRow, KeyRow, as_i64, int_value, seq_of};
use crate::error::{Error, Result};

impl Database {
    /// Writes one row as it is.
    pub(crate) async fn put_row(&self, id: RecordId, row: EntityRow) -> Result<()> {
        let values = [("id", id.into_value()), ("row", row.into_value())];
        self.ask("UPDATE $id CONTENT $row RETURN NONE", values).await.map(drop)
    }

    /// All record ids of a table.
    pub(crate) async fn all_ids(&self, table: &str) -> Result<Vec<RecordId>> {
        let query = format!("SELECT VALUE id FROM {table}");
        self.ask(query, []).await?.take(0).map_err(|error| super::database::failed(&error))
    }

    /// All edges.
    pub(crate) async fn all_edges(&self) -> Result<Vec<EdgeRow>> {
        self.ask("SELECT * FROM edge", []).await?.take(0).map_err(|error| super::database::failed(&error))
    }

    /// Takes away and adds derived rows, in one transaction.
    pub(crate) async fn mend_derived(
        &self,
        extra: Vec<RecordId>,
        rows: Vec<KeyRow>,
        edges: Vec<EdgeRow>,
    ) -> Result<()> {
        let (places, names): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.id.table.as_str() == "place");
        let query = "BEGIN; DELETE $extra RETURN NONE; INSERT INTO place $places RETURN NONE; INSERT INTO named $names RETURN NONE;
                 INSERT RELATION INTO edge $edges RETURN NONE; COMMIT;";
        let values = [
            ("extra", extra.into_value()),
            ("places", places.into_value()),
            ("names", names.into_value()),
            ("edges", edges.into_value()),
        ];
        self.ask(query, values).await.map(drop)
    }

    /// The numbers of the logged changes after one, each with whether it can be read.
    pub(crate) async fn log_seqs_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, bool)>> {
        let rows: Vec<ChangeRow> = self.scan("change", int_value(as_i64(seq)), int_value(i64::MAX), limit).await?;
        let readable = |row: &ChangeRow| super::sealed::open::<super::sealed::Logged>(&row.body, "").is_ok();
        rows.iter().map(|row| Ok::<_, Error>((seq_of(&row.id)?, readable(row)))).collect()
    }
}
