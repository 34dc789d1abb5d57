//! Knowing that the files of an index are those that were written, without reading them at every open.
//!
//! Tantivy's files never change once written, and each ends in a checksum. A file is read whole and checked once;
//! then its length and time of change are noted in `checked.json`, and while they stay the same it is trusted. A
//! file that changed within the last seconds is never noted: a second change could leave its time the same. What this
//! can't see, a bit that flips on the disk without a write, is found by `verify`, or by a search that fails on it.
//! Both leave a mark, and the next open makes the index anew.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tantivy::directory::ManagedDirectory;
use tantivy::directory::error::OpenReadError;

use super::files::{Folder, Reading};

const CHECKED: &str = "checked.json";
const DAMAGED: &str = "damaged";
/// Older than this, a file's time of change is a good witness, on file systems that count in two seconds too.
const SETTLED: Duration = Duration::from_secs(3);

/// What tells a file from the same file after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Witness {
    bytes: u64,
    changed_ns: u64,
}

/// Why files can't be vouched for.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    /// One is missing, cut or changed.
    #[error("{file} is damaged")]
    Damaged {
        /// Its name.
        file: String,
    },
    /// One couldn't be read, which says nothing about what it holds.
    #[error("reading {file}: {source}")]
    Read {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
}

/// Checks all files by their checksums, trusting what was noted before, and notes them.
pub(super) fn check_changed(root: &Path, files: &[PathBuf]) -> Result<(), TrustError> {
    let known = noted(root);
    let mut witnesses = BTreeMap::new();
    for file in files {
        let name = name(file);
        let witness = witness(&root.join(file)).map_err(|source| read_error(&name, source))?;
        if known.get(&name) != Some(&witness) {
            check(root, file)?;
        }
        witnesses.insert(name, witness);
    }
    note(root, witnesses, &known);
    Ok(())
}

/// Checks all files by their checksums.
pub(super) fn check_all(root: &Path, files: &[PathBuf]) -> Result<(), TrustError> {
    files.iter().try_for_each(|file| check(root, file))
}

/// Leaves the mark that makes the next open start anew.
pub(super) fn mark_damaged(root: &Path, reason: &str) {
    if let Err(error) = fs::write(root.join(DAMAGED), reason) {
        tracing::warn!(%error, "couldn't mark the search index as damaged");
    }
}

/// The reason that the mark gives, if there is one.
pub(super) fn marked(root: &Path) -> Option<String> {
    fs::read(root.join(DAMAGED)).ok().map(|reason| String::from_utf8_lossy(&reason).into_owned())
}

/// The bytes at the end of each file of Tantivy's that say how long its footer is.
const FOOTER: u64 = 8;

fn check(root: &Path, file: &Path) -> Result<(), TrustError> {
    let damaged = || TrustError::Damaged { file: name(file) };
    // Tantivy panics over a file that is too short for the end that all its files have.
    if fs::metadata(root.join(file)).is_ok_and(|file| file.len() < FOOTER) {
        return Err(damaged());
    }
    let folder = Folder::new(root, Reading::Whole).map_err(|_| damaged())?;
    let folder = ManagedDirectory::wrap(Box::new(folder)).map_err(|_| damaged())?;
    match folder.validate_checksum(file) {
        Ok(true) => Ok(()),
        Ok(false) | Err(OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_)) => Err(damaged()),
        Err(OpenReadError::IoError { io_error, .. }) => {
            // A file without a readable footer comes as an error of these kinds, too.
            Err(read_error(&name(file), io::Error::new(io_error.kind(), io_error)))
        }
    }
}

fn read_error(file: &str, source: io::Error) -> TrustError {
    use io::ErrorKind::{InvalidData, NotFound, Other, UnexpectedEof};
    if matches!(source.kind(), NotFound | UnexpectedEof | InvalidData)
        || (source.kind() == Other && source.raw_os_error().is_none())
    {
        TrustError::Damaged { file: file.to_owned() }
    } else {
        TrustError::Read { file: file.to_owned(), source }
    }
}

fn name(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

fn witness(path: &Path) -> io::Result<Witness> {
    let file = fs::metadata(path)?;
    let changed_ns = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    Ok(Witness { bytes: file.len(), changed_ns: u64::try_from(changed_ns).unwrap_or(u64::MAX) })
}

fn noted(root: &Path) -> BTreeMap<String, Witness> {
    let content = fs::read(root.join(CHECKED)).unwrap_or_default();
    serde_json::from_slice(&content).unwrap_or_default()
}

/// Notes the files that have settled. A note that can't be written only costs a check at the next open.
fn note(root: &Path, mut witnesses: BTreeMap<String, Witness>, known: &BTreeMap<String, Witness>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let settled = u64::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or(0);
    witnesses.retain(|_, witness| witness.changed_ns < settled);
    if witnesses == *known {
        return;
    }
    let write = || -> io::Result<()> {
        let draft = root.join("checked.json.new");
        fs::write(&draft, serde_json::to_vec(&witnesses)?)?;
        fs::rename(draft, root.join(CHECKED))
    };
    if let Err(error) = write() {
        tracing::debug!(%error, "couldn't note the checked files of the search index");
    }
}
