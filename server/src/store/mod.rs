//! What the server keeps: one SurrealDB database for all households, and blobs as files beside it.
//!
//! | table | key | what |
//! | --- | --- | --- |
//! | `household` | household | name, incarnation |
//! | `head` | household | the log's last number, and its horizon: whoever has less bootstraps |
//! | `device` | household, device | name, hash of its token, cursor, when it was revoked |
//! | `owner` | device | its household: a device has one for good |
//! | `token` | hash of a token | whose it is |
//! | `code` | a pairing code's name | hash of its secret, wrong guesses |
//! | `log` | household, last number | accepted changes that follow one another, as devices sent them |
//! | `large` | household, number | one that is too large to be read with others |
//! | `accepted` | household, second, last number | ids of changes that were minted in that second, with their numbers |
//! | `entity` | household, entity | what was applied to it, or when it was erased |
//! | `state` | household, entity | the log folded into the entity's state |
//! | `large_state` | household, entity | the same for a large one |
//! | `fold` | household | up to where the log is folded |
//!
//! All keys but an owner's, a token's and a code's begin with the household, so that no query reaches from one into another. It decides nothing: which changes are accepted is
//! the household's, and what they make of an entity is the fold's.

mod accepted;
mod accounts;
mod blobs;
mod codes;
mod database;
mod entities;
mod keys;
mod log;
mod pack;
mod states;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use altair_core::{Error, ErrorKind, Result};
use surrealdb::types::SurrealValue;

pub(crate) use accepted::minted;
pub(crate) use accounts::{Account, DeviceRecord, HouseholdRecord};
pub(crate) use blobs::{BlobError, Blobs, Upload};
pub(crate) use codes::{Guess, LIFE_MS as CODE_LIFE_MS};
use database::Database;
pub(crate) use database::Memory;
pub(crate) use entities::Entity;
pub(crate) use log::{Commit, Committed, Head};
pub(crate) use pack::{Entry, Holds};
pub(crate) use states::{Folded, Put, StateLine};

/// The newest format of the database that this version writes.
const FORMAT: i64 = 1;
/// States beyond this are kept in a table of their own, so that reading many rows at once reads little.
const LARGE_BYTES: usize = 64 << 10;

/// The open store. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    db: Database,
    blobs: Blobs,
    /// Held for its lock, which the OS frees with the process however it ends.
    lock: Arc<File>,
}

#[derive(Debug, Clone, SurrealValue)]
struct FormatRow {
    format: i64,
}

impl Store {
    /// Opens or makes the store in `folder`. Another process that has it is an error of the kind `Locked`.
    pub(crate) async fn open(folder: &Path, memory: Memory) -> Result<Self> {
        create_private(folder).map_err(|error| Error::io("making", folder, error))?;
        let lock = lock(folder)?;
        let db = Database::open(&folder.join("db"), memory).await?;
        let store = Self { db, blobs: Blobs::new(folder.join("blobs")), lock: Arc::new(lock) };
        match store.migrate().await {
            Ok(()) => {
                store.blobs.sweep();
                Ok(store)
            }
            Err(error) => {
                store.close().await?;
                Err(error)
            }
        }
    }

    /// Brings the database to [`FORMAT`]. A newer one is refused and left as it is.
    async fn migrate(&self) -> Result<()> {
        let tables = [
            "meta",
            "household",
            "head",
            "device",
            "owner",
            "token",
            "code",
            "log",
            "large",
            "accepted",
            "entity",
            "state",
            "large_state",
            "fold",
        ];
        self.db.run("DEFINE TABLE IF NOT EXISTS meta SCHEMALESS;", []).await?;
        let found: Option<FormatRow> = self.db.get(keys::meta()).await?;
        match found.map_or(0, |row| row.format) {
            FORMAT => Ok(()),
            0 => {
                let define = |table: &&str| format!("DEFINE TABLE IF NOT EXISTS {table} SCHEMALESS;");
                let tables: String = tables.iter().map(define).collect();
                self.db.run(format!("BEGIN; {tables} UPSERT meta:server SET format = {FORMAT}; COMMIT;"), []).await
            }
            found => Err(Error::new(
                ErrorKind::Unsupported,
                format!("the data folder has format {found}, and this version reads up to {FORMAT}"),
                "update altair-server; the folder was left as it is",
            )),
        }
    }

    /// The blobs.
    pub(crate) const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Whether the database answers.
    pub(crate) async fn is_ready(&self) -> bool {
        self.db.get::<FormatRow>(keys::meta()).await.is_ok_and(|row| row.is_some())
    }

    /// Closes the store: everything is on disk and the folder is free when this returns.
    pub(crate) async fn close(self) -> Result<()> {
        let Self { db, lock, .. } = self;
        let closed = db.close().await;
        drop(lock);
        closed
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("server.lock");
    let failed = |error| Error::io("locking", &path, error);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Locked,
            format!("another process has the data folder {} open", folder.display()),
            "end it, then try again; while a server runs, `altair-server` commands ask it",
        )),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a rename in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Where a data folder's administration socket is.
pub(crate) fn admin_socket(folder: &Path) -> PathBuf {
    folder.join("admin.sock")
}

/// A failure of the machine or of this program.
pub(crate) fn internal(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Internal, message, "try again; if it stays, the server's log tells more")
}

/// Damage in the store.
pub(crate) fn corrupt(message: impl Into<String>) -> Error {
    let hint = "keep the data folder as it is, and restore a backup into a new one: `altair-server restore`";
    Error::new(ErrorKind::Corrupt, message, hint)
}
