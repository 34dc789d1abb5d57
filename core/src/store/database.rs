//! The connection: SurrealKV opened with bounded memory, every commit durable, and a shutdown that can be awaited.
//!
//! Everything that SurrealDB does runs on one thread of its own ([`Thread`]). SurrealKV 0.21 takes the locks of its tables and its memtables in one order where it scans
//! and in the other where it ends a compaction: two threads that meet there wait for each other for ever. On one thread they can't meet, as neither waits for
//! anything between the two.
//!
//! The SDK's `connect` can do neither of the first and last in 3.3 (its URL parameters don't reach the caches, and it shuts down
//! in the background), so the datastore is built here and handed to the SDK. See docs/adr/0004.

use std::borrow::Cow;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::ThreadId;

use surrealdb::engine::local::Db;
use surrealdb::types::{RecordId, SurrealValue, ToSql as _, Value as DbValue};
use surrealdb::{IndexedResults, Surreal};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;
use tokio::runtime::Handle;

use super::rows::{HeadRow, StoreRow, head_id, store_id};
use crate::error::{Error, ErrorKind, Result};

/// The newest format of the database that this version writes.
pub(crate) const FORMAT: i64 = 1;

/// Migration `n` takes format `n` to `n + 1`; the first makes an empty database. Forward only, each in one transaction.
const MIGRATIONS: &[&str] = &["
    DEFINE TABLE IF NOT EXISTS entity SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS change SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS place SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS named SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS edge TYPE RELATION SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS name SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS file SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS held SCHEMALESS;
    DEFINE TABLE IF NOT EXISTS erased SCHEMALESS;
"];

/// How long the database may take to show that it can be read: milliseconds on a sound one.
const START: std::time::Duration = std::time::Duration::from_secs(8);

/// How much memory the database may keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// The block cache, in bytes.
    pub(crate) block_cache: u64,
    /// What is written before it goes to a table file, in bytes; also the largest transaction.
    pub(crate) memtable: u64,
}

/// How large the blocks of a table file are. SurrealKV 0.21 copies a whole block for each look into it, and has 64 KiB unless told: with this a note and what is
/// around it is read in seven eighths of the time, and five megabytes less are resident with 10,000 notes.
const BLOCK_BYTES: usize = 16 << 10;
/// How large the stack of the database's thread is: SurrealDB wants 10 MiB.
const STACK_BYTES: usize = 10 << 20;
/// How long the database's tasks may take to end when it couldn't be opened.
const END: std::time::Duration = std::time::Duration::from_secs(5);

/// The one thread that SurrealDB runs on.
#[derive(Debug)]
struct Thread(Option<tokio::runtime::Runtime>);

impl Thread {
    fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK_BYTES)
            .thread_name("altair-db")
            .enable_all()
            .build();
        let failed = |error| Error::internal("the database's thread can't be started").because(error);
        Ok(Self(Some(runtime.map_err(failed)?)))
    }

    /// Does something on it, to its end.
    async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        match self.handle()?.spawn(work).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                Err(Error::corrupt("the database stopped in the middle of this, most likely over damaged data")
                    .because(error))
            }
            Err(_) => Err(stopped()),
        }
    }

    fn handle(&self) -> Result<Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(stopped)
    }

    /// Ends it and waits for its tasks, so that nothing is written any more.
    async fn end(mut self) {
        let Some(runtime) = self.0.take() else { return };
        // Only waiting: when that fails, the runtime is gone all the same.
        let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(END)).await;
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Closed, "the store has been closed", "open it again")
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    datastore: Arc<Datastore>,
    // Cloning the SDK itself would begin a session each time.
    sdk: Arc<Surreal<Db>>,
    thread: Arc<Thread>,
    /// Which thread that is: who is on it already needn't be sent there.
    worker: ThreadId,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

/// A path without what Windows puts before real ones (`\\?\C:\notes`, `\\?\UNC\server\notes`): in the database's address a question mark has a meaning.
fn plain(path: &str) -> Cow<'_, str> {
    match (path.strip_prefix(r"\\?\UNC\"), path.strip_prefix(r"\\?\")) {
        (Some(share), _) => format!(r"\\{share}").into(),
        (None, Some(local)) => local.into(),
        (None, None) => path.into(),
    }
}

impl Database {
    /// Opens or makes the database in `folder`; `None` keeps it in memory.
    pub(crate) async fn open(folder: Option<&Path>, memory: Memory) -> Result<Self> {
        let config = ConfigMap::empty()
            .with_key_value("datastore_sync", "every")
            .with_key_value("surrealkv_block_cache_capacity", memory.block_cache.to_string())
            .with_key_value("surrealkv_max_memtable_size", memory.memtable.to_string())
            .with_key_value("surrealkv_block_size", BLOCK_BYTES.to_string())
            .with_key_value("surrealkv_vlog_max_file_size", (64_u64 << 20).to_string());
        let path = match folder {
            Some(folder) => {
                let text = folder.to_str().map(plain).filter(|text| !text.contains('?')).ok_or_else(|| {
                    Error::invalid(
                        format!("the store's path {} can't be used", folder.display()),
                        "choose a path in UTF-8 without a question mark",
                    )
                })?;
                format!("surrealkv://{text}")
            }
            None => "memory".to_owned(),
        };
        let thread = Thread::start()?;
        let shown = folder.unwrap_or(Path::new("memory")).to_owned();
        let started = thread.run(async move { Ok((start(path, config, shown).await?, std::thread::current().id())) });
        match started.await {
            Ok(((datastore, sdk), worker)) => {
                Ok(Self { datastore, sdk: Arc::new(sdk), thread: Arc::new(thread), worker })
            }
            Err(error) => {
                thread.end().await;
                Err(error)
            }
        }
    }

    /// Runs a query.
    pub(super) async fn ask<const N: usize>(
        &self,
        query: impl Into<String>,
        values: [(&'static str, DbValue); N],
    ) -> Result<IndexedResults> {
        let (sdk, query) = (Arc::clone(&self.sdk), query.into());
        let asking = async move {
            let mut asked = sdk.query(query);
            for value in values {
                asked = asked.bind(value);
            }
            asked.await.and_then(checked).map_err(|error| failed(&error))
        };
        if std::thread::current().id() == self.worker { asking.await } else { self.thread.run(asking).await }
    }

    /// The database's thread, for what asks it often and does little else: whoever is there already has no way to it. What takes long keeps everybody
    /// from the database there.
    pub(crate) fn handle(&self) -> Result<Handle> {
        self.thread.handle()
    }

    /// Brings the database to [`FORMAT`]. A newer one is refused and left as it is.
    pub(crate) async fn migrate(&self) -> Result<()> {
        // In a new database there is no table to ask.
        let tables = ["meta", "answer", "acked", "parked", "unread"];
        self.run(&tables.map(|table| format!("DEFINE TABLE IF NOT EXISTS {table} SCHEMALESS;")).concat()).await?;
        let found = self.store_row().await?.map_or(0, |row| row.format);
        if found > FORMAT {
            return Err(newer(found));
        }
        for (to, migration) in (1..).zip(MIGRATIONS).skip(usize::try_from(found).unwrap_or(0)) {
            // A new database has no row yet: it is given its format with its identity.
            self.run(&format!("BEGIN; {migration} UPDATE meta:store SET format = {to} RETURN NONE; COMMIT;")).await?;
        }
        Ok(())
    }

    async fn run(&self, query: &str) -> Result<()> {
        self.ask(query, []).await.map(drop)
    }

    /// The store's identity; `None` in a new database.
    pub(crate) async fn store_row(&self) -> Result<Option<StoreRow>> {
        self.get(store_id()).await
    }

    /// Sets the store's identity.
    pub(crate) async fn set_store_row(&self, row: StoreRow) -> Result<()> {
        self.ask("UPSERT meta:store CONTENT $row RETURN NONE", [("row", row.into_value())]).await.map(drop)
    }

    /// The head of the log; `None` in a new database.
    pub(crate) async fn head_row(&self) -> Result<Option<HeadRow>> {
        self.get(head_id()).await
    }

    /// One record.
    pub(crate) async fn get<T: SurrealValue>(&self, id: RecordId) -> Result<Option<T>> {
        Ok(self.rows("SELECT * FROM $id", id, 1).await?.into_iter().next())
    }

    /// The records of a query with `$id` (a record, a range or a list of records) and `$limit`.
    pub(crate) async fn rows<T: SurrealValue>(
        &self,
        query: &str,
        id: impl SurrealValue,
        limit: usize,
    ) -> Result<Vec<T>> {
        let values = [("id", id.into_value()), ("limit", most(limit).into_value())];
        let mut response = self.ask(query, values).await?;
        response.take(0).map_err(|error| failed(&error))
    }

    /// The records of a table with keys after `after` and up to `until`, at most `limit`. The range stands in a function call because
    /// 3.3 stops a scan at its limit only there; as a plain source it would read the range to its end.
    pub(crate) async fn scan<T: SurrealValue>(
        &self,
        table: &'static str,
        after: DbValue,
        until: DbValue,
        limit: usize,
    ) -> Result<Vec<T>> {
        let query = format!("SELECT * FROM type::record('{table}', $after>..=$until) LIMIT $limit");
        let values = [("after", after), ("until", until), ("limit", most(limit).into_value())];
        let mut response = self.ask(query, values).await?;
        response.take(0).map_err(|error| failed(&error))
    }

    /// How many records of a table have keys after `after` and up to `until`.
    pub(crate) async fn count(&self, table: &'static str, after: DbValue, until: DbValue) -> Result<u64> {
        let range = super::rows::range_of(table, after, until)?;
        let query = format!("SELECT count() FROM {} GROUP ALL", range.to_sql());
        let mut response = self.ask(query, []).await?;
        let counts: Vec<i64> = response.take((0, "count")).map_err(|error| failed(&error))?;
        Ok(counts.first().map_or(0, |n| n.unsigned_abs()))
    }

    /// Closes the database: everything is on disk and the folder is free when this returns.
    pub(crate) async fn close(self) -> Result<()> {
        let Self { datastore, sdk, thread, .. } = self;
        drop(sdk);
        let closed = thread
            .run(async move {
                let closed = datastore.shutdown().await;
                closed.map_err(|error| Error::internal("closing the store failed").because(error.to_string()))
            })
            .await;
        if let Some(thread) = Arc::into_inner(thread) {
            thread.end().await;
        }
        closed
    }
}

/// A limit as the database counts.
fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Opens the datastore and shows that it can be read.
async fn start(path: String, config: ConfigMap, folder: PathBuf) -> Result<(Arc<Datastore>, Surreal<Db>)> {
    let builder = Datastore::builder().with_config(config).without_maintenance_tasks();
    let datastore = builder.build_with_path(&path).await.map_err(|error| opening(&folder, &error))?;
    // SurrealDB tries these again for two minutes, over damage too, which never gets better.
    let started = tokio::time::timeout(START, async {
        datastore.check_version().await?;
        datastore.bootstrap().await
    });
    let started = match started.await {
        Ok(started) => started.map_err(|error| opening(&folder, &error)),
        Err(_) => Err(opening(&folder, &"its tables can't be read")),
    };
    if let Err(error) = started {
        let _ = datastore.shutdown().await;
        return Err(error);
    }
    let sdk = Surreal::<Db>::unstable_from_datastore(Arc::clone(&datastore), None).await.map_err(|e| failed(&e))?;
    sdk.use_ns("altair").use_db("altair").await.map_err(|error| failed(&error))?;
    Ok((datastore, sdk))
}

/// A database of a later version.
pub(crate) fn newer(found: i64) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the store has format {found}, and this version reads up to {FORMAT}"),
        "update Altair; the store was left as it is",
    )
}

/// A response without errors. Of several the one that tells most: the others only say that their transaction failed.
pub(crate) fn checked(mut response: IndexedResults) -> Result<IndexedResults, surrealdb::Error> {
    let mut errors: Vec<_> = response.take_errors().into_iter().collect();
    errors.sort_by_key(|(n, _)| *n);
    let telling = errors.iter().position(|(_, error)| !error.to_string().contains("not executed"));
    match errors.is_empty() {
        true => Ok(response),
        false => Err(errors.swap_remove(telling.unwrap_or(0)).1),
    }
}

/// An error of the database while it was in use.
pub(crate) fn failed(error: &surrealdb::Error) -> Error {
    let text = error.to_string();
    if let Some(full) = disk_full(&text) {
        return full;
    }
    if ["orrupt", "hecksum", "CRC", "fetch record", "eserialize", "out of bounds"]
        .iter()
        .any(|word| text.contains(word))
    {
        return Error::corrupt("the database is damaged").because(text);
    }
    // Its text may name records, and records are named by titles and tags: nothing for a message or a log.
    Error::internal("the database failed: its files may be damaged").because(text)
}

fn opening(folder: &Path, error: &dyn std::fmt::Display) -> Error {
    let folder = folder.display();
    let text = error.to_string();
    if let Some(full) = disk_full(&text) {
        return full;
    }
    // The lock of its own, which a process that has let go of ours may hold a little longer.
    if text.contains("already locked") {
        let message = format!("the database in {folder} is open in another process");
        return Error::new(ErrorKind::Locked, message, "wait until it is done, or end it, then try again");
    }
    Error::new(
        ErrorKind::Corrupt,
        format!("the database in {folder} can't be opened: {text}"),
        "keep the folder as it is, and restore a backup into a new one: `altair --store NEW restore-backup FILE`",
    )
}

fn disk_full(text: &str) -> Option<Error> {
    ["No space left", "StorageFull", "os error 28"].iter().any(|sign| text.contains(sign)).then(full)
}

/// A disk without room.
pub(crate) fn full() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the disk is full",
        "make room on the disk, then try again; what was answered is kept",
    )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn real_paths_of_windows_have_no_question_mark() {
        assert_eq!(plain(r"\\?\C:\My notes"), r"C:\My notes");
        assert_eq!(plain(r"\\?\UNC\server\notes"), r"\\server\notes");
        assert_eq!(plain("/home/zoe/notes"), "/home/zoe/notes");
    }
}
