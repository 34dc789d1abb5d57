//! Safekeeping: an open that is refused leaves the database's files as they were.
//!
//! SurrealKV repairs while it opens: it drops the end of a log that it can't read and deletes tables that its manifest doesn't name. Over
//! damaged files, or files that were copied in part, that destroys what could have been saved. So the files are kept aside until the database
//! has shown that it has every commit, and put back if it hasn't. Tables are never written to again, nor are value logs but the newest, nor logs
//! with something in them, as the database goes on in an empty one; so a hard link keeps them, and the rest is copied. Each step is on disk before the next: a power cut never brings an older one back. What is kept is complete once it has its name; an open that was killed is undone by the next.
//!
//! A clean close also notes every file's size and the small files' hashes: damage that came since is found, and named, before anything is opened.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use altair_protocol::Hash;
use serde::{Deserialize, Serialize};

use super::folder::{replace, sync_folder};
use crate::error::{Error, Result};

const KEPT: &str = "db.kept";
const NOTED: &str = "closed.json";
/// Files up to this size are hashed at a clean close; tables and values have checksums of their own.
const HASHED_BYTES: u64 = 1 << 20;

/// The database's files as they were before it was opened.
#[derive(Debug)]
pub(crate) struct Safekeeping {
    root: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    size: u64,
    hash: Option<Hash>,
}

impl Safekeeping {
    /// Puts back what an open that was killed left aside. Comes before anybody looks at the database.
    pub(crate) fn recover(root: &Path) -> Result<()> {
        let keeping = Self { root: root.to_owned() };
        keeping.put_back().map_err(|error| Error::io("putting back the database's files of", root, error))
    }

    /// Checks the files against the last clean close, and keeps them. `expected` says that there has to be a database.
    pub(crate) fn begin(root: &Path, expected: bool) -> Result<Self> {
        let keeping = Self { root: root.to_owned() };
        let failed = |error| Error::io("keeping the database's files of", root, error);
        if !expected {
            begin_next_log(&keeping.database().join("wal")).map_err(failed)?;
            return Ok(keeping);
        }
        keeping.check()?;
        let part = root.join("db.kept.part");
        remove(&part).map_err(failed)?;
        keep(&keeping.database(), &part).map_err(failed)?;
        fs::rename(&part, keeping.kept()).and_then(|()| sync_folder(root)).map_err(failed)?;
        begin_next_log(&keeping.database().join("wal")).map_err(failed)?;
        Ok(keeping)
    }

    /// The database is whole: what was kept can go.
    pub(crate) fn end(self) -> Result<()> {
        let failed = |error| Error::io("opening", &self.root, error);
        match fs::remove_file(self.root.join(NOTED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let old = self.root.join("db.kept.old");
        remove(&old).map_err(failed)?;
        match fs::rename(self.kept(), &old) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
        // Before anything is written: else a power cut could bring these files back over what was answered since.
        sync_folder(&self.root).and_then(|()| remove(&old)).map_err(failed)
    }

    /// Puts the files back as they were. The database must be closed.
    pub(crate) fn put_back(&self) -> io::Result<()> {
        if !self.kept().exists() {
            return Ok(());
        }
        remove(&self.database())?;
        fs::rename(self.kept(), self.database())?;
        sync_folder(&self.root)
    }

    /// Notes the files after a clean close.
    pub(crate) fn note(root: &Path) {
        let noted = files_under(&root.join("db")).and_then(|files| {
            let bytes = serde_json::to_vec(&files)?;
            replace(&root.join(NOTED), &bytes, false)
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "the database's files could not be noted");
        }
    }

    fn check(&self) -> Result<()> {
        let database = self.database();
        let manifests = fs::read_dir(database.join("manifest")).map(|entries| {
            entries
                .flatten()
                .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "manifest"))
                .count()
        });
        if manifests.unwrap_or(0) == 0 {
            return Err(damaged(&database.join("manifest"), "has no manifest: the store was copied in part"));
        }
        let noted = match fs::read(self.root.join(NOTED)) {
            Ok(noted) => noted,
            Err(_) => return Ok(()),
        };
        // A note that can't be read notes nothing.
        let Ok(noted) = serde_json::from_slice::<BTreeMap<PathBuf, Noted>>(&noted) else { return Ok(()) };
        for (path, noted) in noted {
            let file = database.join(&path);
            match note_of(&file) {
                Ok(found) if found == noted => {}
                Ok(found) if found.size != noted.size => {
                    let what = format!("has {} bytes and had {} when the store was closed", found.size, noted.size);
                    return Err(damaged(&file, &what));
                }
                Ok(_) => return Err(damaged(&file, "has changed since the store was closed")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged(&file, "is missing")),
                Err(error) => return Err(Error::io("reading", &file, error)),
            }
        }
        Ok(())
    }

    fn database(&self) -> PathBuf {
        self.root.join("db")
    }

    fn kept(&self) -> PathBuf {
        self.root.join(KEPT)
    }
}

/// Gives the database an empty log to go on in, so that it never writes behind what a killed process had half written.
///
/// SurrealKV 0.21 opens its newest log for writing, then reads it, and where its end is torn puts a repaired copy in its place by renaming: what is written from then on goes to the file that is no
/// more, and the next crash loses all of it. It goes on in the log with the highest number, so one that is empty is safe; the torn one is only read.
fn begin_next_log(logs: &Path) -> io::Result<()> {
    let mut newest = None;
    for entry in fs::read_dir(logs).into_iter().flatten() {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if ends_in(&path, "wal") {
            newest = newest.max(number.map(|number| (number, path)));
        }
    }
    let Some((number, path)) = newest else { return Ok(()) };
    if fs::metadata(path)?.len() == 0 {
        return Ok(());
    }
    fs::File::create_new(logs.join(format!("{:020}.wal", number.saturating_add(1))))?.sync_all()?;
    sync_folder(logs)
}

fn damaged(file: &Path, what: &str) -> Error {
    Error::new(
        crate::ErrorKind::Corrupt,
        format!("{} {what}", file.display()),
        "put the file back if you have it; else restore a backup into a new folder: `altair --store NEW restore-backup FILE`; \
         to try the files as they are, remove closed.json",
    )
}

/// Links or copies a folder's files, and has the copies on disk.
fn keep(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
    let newest_values = entries.iter().map(|entry| entry.path()).filter(|path| ends_in(path, "vlog")).max();
    for entry in entries {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            keep(&path, &target)?;
            continue;
        }
        let finished = ends_in(&path, "sst")
            || (ends_in(&path, "vlog") && Some(&path) != newest_values.as_ref())
            // Repairing one puts another in its place.
            || (ends_in(&path, "wal") && entry.metadata()?.len() > 0);
        if !finished || fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target)?;
            // Windows flushes only what may be written.
            fs::File::options().read(true).write(cfg!(windows)).open(&target)?.sync_all()?;
        }
    }
    sync_folder(to)
}

fn ends_in(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

fn files_under(root: &Path) -> io::Result<BTreeMap<PathBuf, Noted>> {
    fn walk(root: &Path, at: &Path, found: &mut BTreeMap<PathBuf, Noted>) -> io::Result<()> {
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                walk(root, &path, found)?;
            } else if entry.file_name() != "LOCK" {
                found.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), note_of(&path)?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found)?;
    Ok(found)
}

fn note_of(path: &Path) -> io::Result<Noted> {
    let size = fs::metadata(path)?.len();
    let hash = if size <= HASHED_BYTES { Some(Hash::of(&fs::read(path)?)) } else { None };
    Ok(Noted { size, hash })
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_written_again_is_linked_and_the_rest_copied() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("db"), folder.path().join("kept"));
        fs::create_dir_all(from.join("vlog")).unwrap();
        fs::create_dir_all(from.join("wal")).unwrap();
        for name in
            ["1.sst", "vlog/00000000000000000001.vlog", "vlog/00000000000000000002.vlog", "wal/1.wal", "manifest"]
        {
            fs::write(from.join(name), name).unwrap();
        }
        fs::write(from.join("wal/2.wal"), "").unwrap();
        keep(&from, &to).unwrap();
        let linked = |name: &str| fs::metadata(to.join(name)).unwrap().nlink() == 2;
        assert!(linked("1.sst") && linked("vlog/00000000000000000001.vlog") && linked("wal/1.wal"));
        assert!(!linked("vlog/00000000000000000002.vlog") && !linked("wal/2.wal") && !linked("manifest"));
    }
}
