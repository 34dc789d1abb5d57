//! Walking a vault's folder: every file with its path in the vault, in order, without leaving it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Reason, is_partial, skipped};
use crate::engine::{MAX_TEXT_BYTES, Skipped};
use crate::error::{Error, Result};
use crate::store::blobs::MAX_BYTES;

/// One file of a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path in the vault, with `/` between folders.
    pub(crate) path: String,
    /// Where it is.
    pub(crate) file: PathBuf,
    pub(crate) is_note: bool,
    /// In bytes.
    pub(crate) size: u64,
}

/// All files under `root`, in the order of their paths, and what was left out.
pub(crate) fn walk(root: &Path) -> Result<(Vec<Entry>, Vec<Skipped>)> {
    let mut found = (Vec::new(), Vec::new());
    let entries = fs::read_dir(root).map_err(|error| Error::io("reading", root, error))?;
    folder(root, entries, "", &mut found);
    found.0.sort_by(|a, b| a.path.cmp(&b.path));
    found.1.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn folder(root: &Path, entries: fs::ReadDir, prefix: &str, found: &mut (Vec<Entry>, Vec<Skipped>)) {
    for entry in entries {
        let Ok(entry) = entry else {
            found.1.push(skipped(prefix, Reason::Unreadable));
            continue;
        };
        let name = entry.file_name();
        if name.to_str().is_some_and(is_partial) {
            continue;
        }
        let path = format!("{prefix}{}", name.to_string_lossy());
        match classify(root, &entry, name.to_str()) {
            Ok(Some((is_note, size))) => found.0.push(Entry { path, file: entry.path(), is_note, size }),
            Ok(None) => match fs::read_dir(entry.path()) {
                Ok(entries) => folder(root, entries, &format!("{path}/"), found),
                Err(_) => found.1.push(skipped(&path, Reason::Unreadable)),
            },
            Err(reason) => found.1.push(skipped(&path, reason)),
        }
    }
}

/// Whether it is a note, and its size, for a file; `None` for a folder.
fn classify(root: &Path, entry: &fs::DirEntry, name: Option<&str>) -> Result<Option<(bool, u64)>, Reason> {
    let name = name.filter(|name| !name.contains(char::is_control)).ok_or(Reason::Name)?;
    if [".git", ".hg", ".svn"].contains(&name) {
        return Err(Reason::Hidden);
    }
    let kind = entry.file_type().map_err(|_| Reason::Unreadable)?;
    if kind.is_dir() {
        return Ok(None);
    }
    if kind.is_symlink() {
        let target = entry.path().canonicalize().map_err(|_| Reason::Symlink)?;
        if !target.starts_with(root) || target.is_dir() {
            return Err(Reason::Symlink);
        }
    }
    let meta = fs::metadata(entry.path()).map_err(|_| Reason::Unreadable)?;
    if !meta.is_file() {
        return Err(Reason::NotAFile);
    }
    let is_note = is_note(name);
    let most = if is_note { MAX_TEXT_BYTES as u64 } else { MAX_BYTES };
    if meta.len() > most { Err(Reason::TooLarge) } else { Ok(Some((is_note, meta.len()))) }
}

/// Whether a file is a note, by its path.
pub(super) fn is_note(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.len() > 3 && name.to_ascii_lowercase().ends_with(".md")
}
