//! The store's folder: the lock that makes one process its host, the format that is asked before anything is opened, and the published
//! head of the log.
//!
//! | file | what |
//! | --- | --- |
//! | `host.lock` | an OS lock, held for the host's life |
//! | `host.json` | who the host is (`host::record`) |
//! | `store.json` | the format and the store's id; `ready` once the database was made |
//! | `head` | the number of the last commit, with a checksum. Written after each commit and not flushed: after a crash it is at most the database's own number, so a database that has less has lost commits |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use altair_protocol::Hash;
use altair_protocol::rpc::Host;
use serde::{Deserialize, Serialize};

use super::database::{FORMAT, newer};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{read_record, started, write_record};

const LOCK: &str = "host.lock";
const STORE: &str = "store.json";
const HEAD: &str = "head";

/// What `store.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) format: i64,
    pub(crate) store: uuid::Uuid,
    pub(crate) ready: bool,
    /// A backup is being restored into it: if nobody is at it any more, part of it is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) restoring: bool,
}

/// A store's folder, locked by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    head: std::sync::Mutex<File>,
    pub(crate) epoch: u64,
    /// Held for its lock, which the OS frees with the process however it ends.
    lock: std::sync::Mutex<Option<File>>,
}

impl Folder {
    /// Makes the folder where it isn't there, and locks it; `None` when another process has it.
    pub(crate) fn try_lock(root: &Path) -> Result<Option<Self>> {
        create(root).map_err(|error| cannot_open(root, error))?;
        let root = root.canonicalize().map_err(|error| cannot_open(root, error))?;
        let path = root.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // To be read and written, and neither removed nor renamed while it is open.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 3);
        let lock = options.open(&path);
        let lock = lock.map_err(|error| cannot_open(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!(
                        "{} is on a file system without locks, so nothing could keep two programs apart",
                        root.display()
                    ),
                    "keep the store on a local disk",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(cannot_open(&path, error)),
        }
        let epoch = match read_record(&root) {
            Some(host) => host.epoch,
            None if !root.join(STORE).exists() => 0,
            // How many there were is forgotten: seconds are more than any count, so that guests don't take us for an earlier one.
            None => std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        };
        let epoch = epoch.saturating_add(1);
        let head_path = root.join(HEAD);
        let head = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&head_path);
        let head = head.map_err(|error| cannot_open(&head_path, error))?;
        let folder = Self { root, head: std::sync::Mutex::new(head), epoch, lock: std::sync::Mutex::new(Some(lock)) };
        // The lock may have been taken on a file that was moved away in between.
        Ok(folder.is_ours().then_some(folder))
    }

    /// Whether the path still names the folder that was locked.
    pub(crate) fn is_ours(&self) -> bool {
        let Ok(lock) = self.lock.lock() else { return false };
        let Some(lock) = &*lock else { return false };
        is_same(lock, &self.root.join(LOCK))
    }

    /// Refuses a folder whose database another process still has open: it may have let go of our lock already, and be writing yet.
    pub(crate) fn check_database_is_free(&self) -> Result<()> {
        // SurrealKV's own.
        match File::open(self.database().join("LOCK")).map(|lock| lock.try_lock()) {
            Ok(Err(TryLockError::WouldBlock)) => Err(Error::new(
                ErrorKind::Locked,
                format!("the database in {} is open in another process", self.database().display()),
                "wait until it is done, or end it, then try again",
            )),
            _ => Ok(()),
        }
    }

    /// Says who the host is.
    pub(crate) fn announce(&self, host: &Host) -> Result<()> {
        write_record(&self.root, host).map_err(|error| cannot_open(&self.root, error))
    }

    /// Lets another process have the store. Nothing may be written after this.
    pub(crate) fn release(&self) {
        if let Ok(mut lock) = self.lock.lock() {
            *lock = None;
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("db")
    }

    pub(crate) fn search(&self) -> PathBuf {
        self.root.join("search")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// The store's identity; `None` in a new folder. Refuses a newer format and a folder of which a part is missing, and touches nothing.
    pub(crate) fn identity(&self) -> Result<Option<Identity>> {
        let path = self.root.join(STORE);
        let has_database = self.database().exists();
        let Some(identity) = read_json::<Identity>(&path)? else {
            if has_database {
                return Err(Error::corrupt(format!(
                    "{} is missing: the store was copied incompletely",
                    path.display()
                )));
            }
            return Ok(None);
        };
        if identity.format > FORMAT {
            return Err(newer(identity.format));
        }
        if identity.restoring {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("a backup was being restored into {}, and that was interrupted", self.root.display()),
                "remove the folder, then restore the backup again",
            ));
        }
        if identity.ready && !has_database {
            let path = self.database();
            return Err(Error::corrupt(format!("{} is missing: the store was copied incompletely", path.display())));
        }
        Ok(Some(identity))
    }

    /// Whether `store.json` is missing or can't be read, and a database is there.
    pub(crate) fn has_lost_identity(&self) -> bool {
        self.database().is_dir() && !matches!(read_json::<Identity>(&self.root.join(STORE)), Ok(Some(_)))
    }

    pub(crate) fn set_identity(&self, identity: &Identity) -> Result<()> {
        write_json(&self.root.join(STORE), identity, true)
    }

    /// Marks that a backup is being restored, or that it is done.
    pub(crate) fn set_restoring(&self, restoring: bool) -> Result<()> {
        let path = self.root.join(STORE);
        let Some(identity) = read_json::<Identity>(&path)? else {
            return Err(Error::corrupt(format!("{} is missing", path.display())));
        };
        self.set_identity(&Identity { restoring, ..identity })
    }

    /// The number of the last commit that was published; `None` if it never was, or the file is damaged.
    pub(crate) fn published(&self) -> Option<u64> {
        published_head(&self.root)
    }

    /// Whether the disk has so little room left that a write fails.
    pub(crate) fn is_full(&self) -> bool {
        const NEEDED: u64 = 256 << 10;
        #[cfg(unix)]
        let free = rustix::fs::statvfs(&self.root).map(|disk| disk.f_bavail * disk.f_frsize).ok();
        #[cfg(not(unix))]
        let free: Option<u64> = None;
        free.is_some_and(|free| free < NEEDED)
    }

    /// Publishes the number of the last commit.
    pub(crate) fn publish(&self, seq: u64) {
        let text = head_text(seq);
        let Ok(mut head) = self.head.lock() else { return };
        let written = head.seek(SeekFrom::Start(0)).and_then(|_| head.write_all(text.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, "the head of the log could not be published");
        }
    }
}

/// The id of the store in a folder, without opening it; `None` where there is none.
pub fn store_id(store: &Path) -> Option<uuid::Uuid> {
    read_json::<Identity>(&store.join(STORE)).ok()?.map(|identity| identity.store)
}

/// The number of a store's last commit, without opening the store: for those who only want to know whether something happened.
pub fn published_head(store: &Path) -> Option<u64> {
    let mut text = String::new();
    File::open(store.join(HEAD)).ok()?.take(64).read_to_string(&mut text).ok()?;
    let seq = text.split_whitespace().next()?.parse().ok()?;
    (head_text(seq) == text).then_some(seq)
}

/// Always of one length, so that a later number covers an earlier one.
fn head_text(seq: u64) -> String {
    let sum = Hash::of(&seq.to_be_bytes()).to_string();
    format!("{seq:020} {}\n", &sum[..16])
}

/// The bytes of all files under a folder.
pub(crate) fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Writes a file so that a reader sees the old one or the whole new one, and a power cut leaves one of the two.
pub(crate) fn replace(path: &Path, content: &[u8], durable: bool) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = folder.join(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)?;
        if durable { sync_folder(folder) } else { Ok(()) }
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes a rename in a folder durable. Only Unix can open a folder for that.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::corrupt(format!("{} is damaged", path.display())).because(error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_open(path, error)),
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T, durable: bool) -> Result<()> {
    let bytes =
        serde_json::to_vec(value).map_err(|error| Error::internal("a value can't be written").because(error))?;
    replace(path, &bytes, durable).map_err(|error| cannot_open(path, error))
}

fn create(root: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(root)
}

/// Whether an open file is the one that a path names. A disk that doesn't say is no other file.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata().map(of), fs::metadata(path).map(of)) {
        (Ok(ours), Ok(there)) => ours == there,
        (_, Err(error)) => error.kind() != std::io::ErrorKind::NotFound,
        (Err(_), Ok(_)) => true,
    }
}

/// Whether an open file is the one that a path names. Here the lock's file can't be moved while it is open, nor can a folder that it is in.
#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

/// A store that another process has.
pub(crate) fn locked(root: &Path) -> Error {
    // Not one that is gone, or whose number is another's by now.
    let named = read_record(root).filter(|host| host.started == 0 || started(host.pid) == Some(host.started));
    let holder = match named {
        Some(host) => format!("process {} has the store open", host.pid),
        None => "another process has the store open".to_owned(),
    };
    Error::new(ErrorKind::Locked, holder, "wait until it is done, or close it, then try again")
}

fn cannot_open(path: &Path, error: std::io::Error) -> Error {
    let io = Error::io("opening", path, error);
    let hint = io.hint().to_owned();
    Error::new(ErrorKind::Internal, format!("the store can't be opened: {}", io.message()), hint).because(io)
}
