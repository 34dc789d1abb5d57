//! SurrealDB alone, opened as Altair opens it: the same engine, the same caches, every commit durable. Nothing of Altair's lies between.
//!
//! It is given Altair's own rows, read back from a store that Altair wrote, and the tables as that store defines them, so that both write
//! the same and a change of the store's format changes the yardstick with it.

use std::path::Path;
use std::sync::Arc;

use altair_core::Config;
use surrealdb::Surreal;
use surrealdb::engine::local::Db;
use surrealdb::types::{Array, Object, RecordId, Value};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;

use crate::{Failure, Outcome};

/// How many rows one transaction of a bulk insert has.
const CHUNK: usize = 1000;

/// An open database.
#[derive(Clone)]
pub struct Bare {
    datastore: Arc<Datastore>,
    sdk: Surreal<Db>,
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bare")
    }
}

/// One table of a store.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The statements that define it and its indexes.
    definitions: Vec<String>,
    /// Its rows.
    pub rows: Vec<Value>,
}

/// The rows that one capture writes.
#[derive(Debug, Clone)]
pub struct CaptureRows {
    /// The entity's row.
    pub entity: Value,
    /// The change's row.
    pub change: Value,
    /// The entity's places in lists.
    pub places: Vec<Value>,
    /// The head of the log, without its id.
    pub head: Value,
}

impl Bare {
    /// Opens or makes a database, with the caches that Altair has by default.
    pub async fn open(folder: &Path) -> Outcome<Self> {
        let defaults = Config::new("");
        let config = ConfigMap::empty()
            .with_key_value("datastore_sync", "every")
            .with_key_value("surrealkv_block_cache_capacity", defaults.block_cache_bytes.to_string())
            .with_key_value("surrealkv_max_memtable_size", defaults.memtable_bytes.to_string())
            .with_key_value("surrealkv_vlog_max_file_size", (64_u64 << 20).to_string());
        let path = format!("surrealkv://{}", folder.display());
        let datastore =
            Datastore::builder().with_config(config).without_maintenance_tasks().build_with_path(&path).await?;
        datastore.check_version().await?;
        datastore.bootstrap().await?;
        let sdk = Surreal::<Db>::unstable_from_datastore(Arc::clone(&datastore), None).await?;
        sdk.use_ns("altair").use_db("altair").await?;
        Ok(Self { datastore, sdk })
    }

    /// Closes it: the folder is free when this returns.
    pub async fn close(self) -> Outcome {
        drop(self.sdk);
        Ok(self.datastore.shutdown().await?)
    }

    /// A record as it is stored.
    pub async fn get(&self, id: RecordId) -> Outcome<Value> {
        let mut rows = self.ask("SELECT * FROM $id", Value::RecordId(id)).await?;
        rows.pop().ok_or_else(|| "the record isn't there".into())
    }

    /// `limit` entities after a key, in the order of their keys. The range stands in a function call, because 3.3 stops a scan at its limit
    /// only there.
    pub async fn entities_after(&self, key: Value, limit: usize) -> Outcome<Vec<Value>> {
        self.ask(&format!("SELECT * FROM type::record('entity', $id>..) LIMIT {limit}"), key).await
    }

    /// The ids of all entities.
    pub async fn entity_ids(&self) -> Outcome<Vec<RecordId>> {
        let rows = self.ask("SELECT VALUE id FROM entity", Value::None).await?;
        let ids = rows.into_iter().map(|row| match row {
            Value::RecordId(id) => Ok(id),
            _ => Err(Failure::from("an entity's id is none")),
        });
        ids.collect()
    }

    /// The tables of a store that Altair wrote and closed, without rows.
    pub async fn tables(&self) -> Outcome<Vec<Table>> {
        let mut tables = Vec::new();
        for (name, definition) in self.definitions("INFO FOR DB", "tables").await? {
            let indexes = self.definitions(&format!("INFO FOR TABLE {name}"), "indexes").await?;
            let definitions = std::iter::once(definition).chain(indexes.into_iter().map(|(_, index)| index)).collect();
            tables.push(Table { name, definitions, rows: Vec::new() });
        }
        Ok(tables)
    }

    /// All rows of a table.
    pub async fn rows(&self, table: &str) -> Outcome<Vec<Value>> {
        self.ask(&format!("SELECT * FROM {table}"), Value::None).await
    }

    /// Fills a table's rows in.
    pub async fn read(&self, table: &mut Table) -> Outcome {
        table.rows = self.rows(&table.name).await?;
        Ok(())
    }

    /// Defines tables as they were defined elsewhere.
    pub async fn define(&self, tables: &[Table]) -> Outcome {
        for definition in tables.iter().flat_map(|table| &table.definitions) {
            self.sdk.query(definition.as_str()).await?.check()?;
        }
        Ok(())
    }

    /// Inserts a table's rows, a thousand in a transaction.
    pub async fn insert(&self, table: Table) -> Outcome {
        let relation = if table.definitions.iter().any(|definition| definition.contains("TYPE RELATION")) {
            "RELATION "
        } else {
            ""
        };
        let query = format!("INSERT {relation}INTO {} $rows RETURN NONE", table.name);
        let mut rows = table.rows.into_iter();
        loop {
            let chunk: Vec<Value> = rows.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            self.sdk.query(query.as_str()).bind(("rows", chunk)).await?.check()?;
        }
    }

    /// Writes what a capture writes, in one transaction of the same statements. Transactions that run at the same time need slots of their
    /// own for the head of the log, or all but one would fail.
    pub async fn capture(&self, rows: CaptureRows, slot: &str) -> Outcome {
        let query = "BEGIN; INSERT INTO entity $new RETURN NONE; INSERT INTO change $changes RETURN NONE; \
            INSERT INTO place $places RETURN NONE; UPSERT $slot CONTENT $head RETURN NONE; COMMIT;";
        let bound = self
            .sdk
            .query(query)
            .bind(("new", vec![rows.entity]))
            .bind(("changes", vec![rows.change]))
            .bind(("places", rows.places))
            .bind(("slot", RecordId::new("meta", slot)))
            .bind(("head", rows.head));
        bound.await?.check()?;
        Ok(())
    }

    /// The rows that the captures of a store are made of, capture by capture.
    pub async fn capture_rows(&self) -> Outcome<Vec<CaptureRows>> {
        let (entities, changes) = (self.rows("entity").await?, self.rows("change").await?);
        let places = self.rows("place").await?;
        let mut others = 0;
        for table in ["named", "edge", "name", "file", "held", "erased"] {
            others += self.rows(table).await?.len();
        }
        if others > 0 || entities.len() != changes.len() || places.len() != 2 * entities.len() {
            return Err("a capture no longer is an entity, a change and two places: the yardstick has to follow".into());
        }
        let Value::Object(mut head) = self.get(RecordId::new("meta", "head")).await? else {
            return Err("the head of the log is no object".into());
        };
        head.remove("id");
        // The places of one list come before those of the other.
        let (first, second) = places.split_at(entities.len());
        let places = first.iter().zip(second).map(|(first, second)| vec![first.clone(), second.clone()]);
        let rows = entities.into_iter().zip(changes).zip(places).map(|((entity, change), places)| CaptureRows {
            entity,
            change,
            places,
            head: Value::Object(head.clone()),
        });
        Ok(rows.collect())
    }

    async fn definitions(&self, query: &str, part: &str) -> Outcome<Vec<(String, String)>> {
        let mut info = self.ask(query, Value::None).await?;
        let Some(Value::Object(mut info)) = info.pop() else { return Err(format!("{query} gave no object").into()) };
        let Some(Value::Object(part)) = info.remove(part) else { return Err(format!("{query} gave no {part}").into()) };
        let texts = part.into_iter().filter_map(|(name, text)| match text {
            Value::String(text) => Some((name, text)),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn ask(&self, query: &str, id: Value) -> Outcome<Vec<Value>> {
        let mut response = self.sdk.query(query).bind(("id", id)).await?.check()?;
        Ok(match response.take::<Value>(0)? {
            Value::Array(rows) => rows.into_vec(),
            Value::None | Value::Null => Vec::new(),
            row => vec![row],
        })
    }
}

/// A row's bytes under a name; empty if it has none.
pub fn bytes_of(row: &Value, name: &str) -> Vec<u8> {
    match row {
        Value::Object(row) => match row.get(name) {
            Some(Value::Bytes(bytes)) => bytes.to_vec(),
            Some(Value::Array(numbers)) => vec![0; 8 * numbers.len()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// About how many bytes rows have, their names left out.
pub fn weight(rows: &[Value]) -> usize {
    rows.iter().map(weight_of).sum()
}

fn weight_of(value: &Value) -> usize {
    let all = |array: &Array| array.iter().map(weight_of).sum();
    let fields = |object: &Object| object.values().map(weight_of).sum();
    match value {
        Value::None | Value::Null | Value::Bool(_) => 1,
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(array) => all(array),
        Value::Object(object) => fields(object),
        Value::Uuid(_) | Value::RecordId(_) => 16,
        _ => 8,
    }
}
