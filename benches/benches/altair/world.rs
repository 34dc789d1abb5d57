//! The ground that benchmarks stand on: a runtime, and a world of notes that Altair and each yardstick hold alike.
//!
//! Making a world is itself a benchmark, the one of importing.

use std::fs::{self, File};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use altair_bench::Outcome;
use altair_bench::bare::{Bare, weight};
use altair_bench::measure::{millis, timed};
use altair_bench::notes::Notes;
use altair_bench::process::mebibytes_under;
use altair_bench::report::{Line, Report, Unit};
use altair_bench::sqlite::Sqlite;
use altair_core::{Altair, Config, Search};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// What import should reach, in notes a second.
const IMPORT: f64 = 8000.0;

/// Runs async work on threads with stacks as large as SurrealDB wants them.
pub(crate) struct Ground(Runtime);

impl Ground {
    pub(crate) fn new() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(10 << 20)
            .enable_all()
            .build()?;
        Ok(Self(runtime))
    }

    /// Runs work to its end, on the runtime's own threads.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = Outcome<T>> + Send + 'static) -> Outcome<T> {
        self.0.block_on(self.0.spawn(work))?
    }

    /// Opens a store of Altair's.
    pub(crate) fn altair(&self, store: &Path) -> Outcome<Altair> {
        let config = Config::new(store);
        self.run(async move { Ok(Altair::open(config).await?) })
    }

    /// Closes it.
    pub(crate) fn close(&self, altair: Altair) -> Outcome {
        self.run(async move { Ok(altair.close().await?) })
    }
}

/// The same notes in Altair, in bare SurrealDB and in SQLite; all closed.
pub(crate) struct World {
    pub(crate) notes: usize,
    pub(crate) store: PathBuf,
    pub(crate) bare: PathBuf,
    pub(crate) sqlite: PathBuf,
    imported: Duration,
    indexed: Duration,
    bare_inserted: Duration,
    /// What it was, table by table.
    bare_tables: Vec<Value>,
    sqlite_imported: Duration,
    sqlite_indexed: Duration,
}

impl World {
    /// Makes a world in a folder, bare SurrealDB only if it is wanted.
    pub(crate) fn make(ground: &Ground, folder: &Path, notes: usize, with_bare: bool) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        let (vault, store) = (folder.join("vault"), folder.join("store"));
        let (bare, sqlite) = (folder.join("bare"), folder.join("notes.sqlite"));
        eprintln!("writing a vault of {notes} notes …");
        Notes::default().write_vault(&vault, notes)?;
        // What is still to be written of the vault is not part of anybody's import.
        settle(folder)?;

        eprintln!("importing it into SQLite …");
        let mut database = Sqlite::open(&sqlite)?;
        database.define_notes()?;
        let (sqlite_imported, _) = timed(|| database.import(&vault))?;
        settle(folder)?;
        let (sqlite_indexed, ()) = timed(|| database.index())?;
        database.close()?;
        settle(folder)?;

        eprintln!("importing it into Altair …");
        let altair = ground.altair(&store)?;
        let (imported, report) = {
            let (altair, vault) = (altair.clone(), vault.clone());
            timed(|| ground.run(async move { Ok(altair.import(&vault, |_| {}).await?) }))?
        };
        if report.notes != notes as u64 || !report.skipped.is_empty() {
            return Err(format!("of {notes} notes {} were imported", report.notes).into());
        }
        settle(folder)?;
        // The index is made when somebody searches.
        let (indexed, _) = {
            let altair = altair.clone();
            timed(|| ground.run(async move { Ok(altair.search(Search::new("garden")).await?) }))?
        };
        ground.close(altair)?;
        settle(folder)?;

        let (mut bare_inserted, mut bare_tables) = (Duration::ZERO, Vec::new());
        if with_bare {
            eprintln!("inserting the same rows into SurrealDB …");
            // From a copy: Altair refuses a database that somebody else has opened since it was closed, and rightly so.
            let (from, to) = (folder.join("rows"), bare.clone());
            copy_folder(&store.join("db"), &from)?;
            (bare_inserted, bare_tables) = ground.run(copy(from, to))?;
        }
        // It is there only if there was something to read from it.
        let _ = fs::remove_dir_all(folder.join("rows"));
        fs::remove_dir_all(&vault)?;
        settle(folder)?;
        Ok(Self {
            notes,
            store,
            bare,
            sqlite,
            imported,
            indexed,
            bare_inserted,
            bare_tables,
            sqlite_imported,
            sqlite_indexed,
        })
    }

    /// How the import went.
    pub(crate) fn report(&self, report: &mut Report) {
        let rate = |took: Duration| self.notes as f64 / took.as_secs_f64();
        let line = Line::new(
            "import",
            format!("import a vault of {} notes", self.notes),
            Unit::PerSecond,
            rate(self.imported),
        )
        .beside("SurrealDB bulk insert", rate(self.bare_inserted))
        .beside("SQLite import", rate(self.sqlite_imported))
        .at_least(IMPORT)
        .note("seconds", self.imported.as_secs_f64())
        .note("tables", self.bare_tables.clone());
        report.lines.push(line);
        let line = Line::new(
            "index",
            format!("index {} notes (the first search)", self.notes),
            Unit::Millis,
            millis(self.indexed),
        )
        .beside("FTS5 rebuild", millis(self.sqlite_indexed));
        report.lines.push(line);
        let both = self.imported + self.indexed;
        let line = Line::new("import_and_index", "import and index together", Unit::PerSecond, rate(both))
            .beside("SQLite and FTS5", rate(self.sqlite_imported + self.sqlite_indexed));
        report.lines.push(line);
        let line = Line::new("disk", "on disk", Unit::Mebibytes, mebibytes_under(&self.store))
            .beside("SurrealDB", mebibytes_under(&self.bare))
            .beside(
                "SQLite and FTS5",
                self.sqlite.metadata().map_or(0.0, |file| file.len() as f64 / f64::from(1 << 20)),
            )
            .note("database", mebibytes_under(&self.store.join("db")))
            .note("search", mebibytes_under(&self.store.join("search")));
        report.lines.push(line);
    }
}

/// Copies all rows of a store of Altair's, table by table; says how long inserting took, in all and for each table.
async fn copy(from: PathBuf, to: PathBuf) -> Outcome<(Duration, Vec<Value>)> {
    let (source, target) = (Bare::open(&from).await?, Bare::open(&to).await?);
    let tables = source.tables().await?;
    target.define(&tables).await?;
    let (mut inserting, mut about) = (Duration::ZERO, Vec::new());
    for mut table in tables {
        source.read(&mut table).await?;
        let (name, rows, bytes) = (table.name.clone(), table.rows.len(), weight(&table.rows));
        let begun = Instant::now();
        target.insert(table).await?;
        let took = begun.elapsed();
        inserting += took;
        about.push(json!({ "table": name, "rows": rows, "bytes": bytes, "seconds": took.as_secs_f64() }));
    }
    source.close().await?;
    target.close().await?;
    Ok((inserting, about))
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Waits until the disk has what was written so far, so that the next step pays for its own writes only.
fn settle(folder: &Path) -> Outcome {
    // Without a portable `sync`, a small file that is flushed takes the journal with it; Linux's own does the rest.
    let probe = folder.join("settled");
    File::create(&probe)?.sync_all()?;
    fs::remove_file(probe)?;
    // Where there is no such program, the steps pay for each other as they do in life.
    let _ = std::process::Command::new("sync").status();
    Ok(())
}
