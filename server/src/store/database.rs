//! The connection: SurrealKV opened with bounded memory, every commit durable, and a shutdown that can be awaited.
//!
//! It is made in the manner of the engine's own (`core/src/store/database.rs`, docs/adr/0004), whose reasons hold here too: SurrealDB runs on one thread, as SurrealKV can
//! deadlock with itself on two, and it goes on in an empty log after a crash ([`begin_next_log`]). The two are to become one; until then a change of one is a change of both.
//!
//! It knows no tables: those are its siblings'.

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use altair_core::{Error, ErrorKind, Result};
use surrealdb::engine::local::Db;
use surrealdb::types::{RecordId, SurrealValue, Value as DbValue};
use surrealdb::{IndexedResults, Surreal};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;

/// How long the database may take to show that it can be read: milliseconds on a sound one.
const START: Duration = Duration::from_secs(8);
/// How large the stack of the database's thread is: SurrealDB wants 10 MiB.
const STACK_BYTES: usize = 10 << 20;
/// How long the database's tasks may take to end when it couldn't be opened.
const END: Duration = Duration::from_secs(5);

/// How much memory the database may keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// The block cache, in bytes.
    pub(crate) block_cache: u64,
    /// What is written before it goes to a table file, in bytes; also the largest transaction.
    pub(crate) memtable: u64,
}

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
        let failed = |error| super::internal("the database's thread can't be started").because(error);
        Ok(Self(Some(runtime.map_err(failed)?)))
    }

    async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let stopped = || Error::new(ErrorKind::Closed, "the database has been closed", "start the server again");
        let Some(runtime) = &self.0 else { return Err(stopped()) };
        match runtime.spawn(work).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                Err(super::corrupt("the database stopped in the middle of this, most likely over damaged data")
                    .because(error))
            }
            Err(_) => Err(stopped()),
        }
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

impl Database {
    /// Opens or makes the database in `folder`.
    pub(crate) async fn open(folder: &Path, memory: Memory) -> Result<Self> {
        let config = ConfigMap::empty()
            .with_key_value("datastore_sync", "every")
            .with_key_value("surrealkv_block_cache_capacity", memory.block_cache.to_string())
            .with_key_value("surrealkv_max_memtable_size", memory.memtable.to_string())
            .with_key_value("surrealkv_vlog_max_file_size", (64_u64 << 20).to_string());
        let text = folder.to_str().filter(|text| !text.contains('?')).ok_or_else(|| {
            Error::invalid(
                format!("the data folder's path {} can't be used", folder.display()),
                "choose a path in UTF-8 without a question mark",
            )
        })?;
        begin_next_log(&folder.join("wal")).map_err(|error| Error::io("opening", folder, error))?;
        let path = format!("surrealkv://{text}");
        let thread = Thread::start()?;
        let shown = folder.to_owned();
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
    pub(crate) async fn ask<const N: usize>(
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

    /// Runs a query that answers nothing.
    pub(crate) async fn run<const N: usize>(
        &self,
        query: impl Into<String>,
        values: [(&'static str, DbValue); N],
    ) -> Result<()> {
        self.ask(query, values).await.map(drop)
    }

    /// One record.
    pub(crate) async fn get<T: SurrealValue>(&self, id: RecordId) -> Result<Option<T>> {
        Ok(self.rows("SELECT * FROM $id", id).await?.into_iter().next())
    }

    /// The records of a query over `$id`: a record or a list of records. Those that aren't there are left out.
    pub(crate) async fn rows<T: SurrealValue>(&self, query: &str, id: impl SurrealValue) -> Result<Vec<T>> {
        let mut response = self.ask(query, [("id", id.into_value())]).await?;
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
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).into_value();
        let mut response = self.ask(query, [("after", after), ("until", until), ("limit", limit)]).await?;
        response.take(0).map_err(|error| failed(&error))
    }

    /// Closes the database: everything is on disk and the folder is free when this returns.
    pub(crate) async fn close(self) -> Result<()> {
        let Self { datastore, sdk, thread, .. } = self;
        drop(sdk);
        let closed = thread
            .run(async move {
                let closed = datastore.shutdown().await;
                closed.map_err(|error| super::internal("closing the database failed").because(error.to_string()))
            })
            .await;
        if let Some(thread) = Arc::into_inner(thread) {
            thread.end().await;
        }
        closed
    }
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
    sdk.use_ns("altair").use_db("server").await.map_err(|error| failed(&error))?;
    Ok((datastore, sdk))
}

/// Gives the database an empty log to go on in, so that it never writes behind what a killed process had half written (docs/adr/0004).
fn begin_next_log(logs: &Path) -> io::Result<()> {
    let mut newest = None;
    for entry in fs::read_dir(logs).into_iter().flatten() {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if path.extension().is_some_and(|ending| ending == "wal") {
            newest = newest.max(number.map(|number| (number, path)));
        }
    }
    let Some((number, path)) = newest else { return Ok(()) };
    if fs::metadata(path)?.len() == 0 {
        return Ok(());
    }
    fs::File::create_new(logs.join(format!("{:020}.wal", number.saturating_add(1))))?.sync_all()?;
    super::sync_folder(logs)
}

/// A response without errors. Of several the one that tells most: the others only say that their transaction failed.
fn checked(mut response: IndexedResults) -> Result<IndexedResults, surrealdb::Error> {
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
    if text.contains("already exists") {
        return Error::new(ErrorKind::Conflict, "a row is there already", "look again, then write").because(text);
    }
    if ["orrupt", "hecksum", "CRC", "fetch record", "eserialize", "out of bounds"]
        .iter()
        .any(|word| text.contains(word))
    {
        return super::corrupt("the database is damaged").because(text);
    }
    super::internal("the database failed: its files may be damaged").because(text)
}

fn opening(folder: &Path, error: &dyn std::fmt::Display) -> Error {
    let folder = folder.display();
    let text = error.to_string();
    if let Some(full) = disk_full(&text) {
        return full;
    }
    if text.contains("already locked") {
        let message = format!("the database in {folder} is open in another process");
        return Error::new(ErrorKind::Locked, message, "end that process, then try again");
    }
    Error::new(
        ErrorKind::Corrupt,
        format!("the database in {folder} can't be opened: {text}"),
        "keep the folder as it is, and restore a backup into a new one: `altair-server restore --data NEW FILE`",
    )
}

fn disk_full(text: &str) -> Option<Error> {
    let full = ["No space left", "StorageFull", "os error 28"].iter().any(|sign| text.contains(sign));
    let make_room = "make room on the disk, then try again; what was acknowledged is kept";
    full.then(|| Error::new(ErrorKind::Internal, "the disk is full", make_room))
}
