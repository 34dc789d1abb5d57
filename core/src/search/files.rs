//! The folder of an index, as Tantivy sees it.
//!
//! Two things differ from Tantivy's own. `meta.json`, which names the segments, has no checksum there, and a flipped
//! byte in it can bring a deleted note back; here it ends in a line with one. And `.managed.json`, the list of files to
//! sweep, is kept in memory: it can be told from the folder, and writing it before every file would be half the time
//! of a small commit.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    DirectoryLock, FileHandle, Lock, MmapDirectory, OwnedBytes, WatchCallback, WatchHandle, WritePtr,
};

/// The list of segments: what a commit replaces.
pub(super) const META: &str = "meta.json";
/// The list of files that Tantivy may sweep.
const MANAGED: &str = ".managed.json";

const MARK: &[u8] = b"\nfnv1a64 ";

/// 64-bit FNV-1a. Each byte permutes the state, so a single changed byte never goes unseen.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let seal = format!("{:016x}", fnv1a(content));
    [content, MARK, seal.as_bytes()].concat()
}

fn opened(mut content: Vec<u8>) -> Option<Vec<u8>> {
    let at = content.len().checked_sub(MARK.len() + 16)?;
    let (json, seal) = content.split_at(at);
    if seal.strip_prefix(MARK)? != format!("{:016x}", fnv1a(json)).as_bytes() {
        return None;
    }
    content.truncate(at);
    Some(content)
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Mapped: for searching.
    Mapped,
    /// Read whole and let go: for checking, which touches every page once and shouldn't keep it in memory.
    Whole,
}

/// A Tantivy directory over a folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    inner: MmapDirectory,
    reading: Reading,
    /// What `.managed.json` would hold, once it was asked for.
    managed: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Folder {
    /// The folder at `root`, which must exist.
    pub(super) fn new(root: &Path, reading: Reading) -> tantivy::Result<Self> {
        Ok(Self { root: root.to_owned(), inner: MmapDirectory::open(root)?, reading, managed: Arc::default() })
    }

    /// The names in the folder that are an index's.
    fn names(&self) -> io::Result<Vec<u8>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name == META || is_segment_file(&name) {
                names.push(name);
            }
        }
        Ok(serde_json::to_vec(&names)?)
    }
}

/// Whether a name is that of a segment's file: 32 hexadecimal digits and an extension.
pub(super) fn is_segment_file(name: &str) -> bool {
    name.split_once('.').is_some_and(|(id, _)| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        if self.reading == Reading::Mapped {
            return self.inner.get_file_handle(path);
        }
        match std::fs::read(self.root.join(path)) {
            Ok(bytes) => Ok(Arc::new(OwnedBytes::new(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(OpenReadError::FileDoesNotExist(path.to_owned()))
            }
            Err(error) => Err(OpenReadError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.inner.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let failed = |error| OpenReadError::wrap_io_error(error, path.to_owned());
        if path == Path::new(MANAGED) {
            let mut managed = self.managed.lock().unwrap_or_else(PoisonError::into_inner);
            return match &*managed {
                Some(names) => Ok(names.clone()),
                None => Ok(managed.insert(self.names().map_err(failed)?).clone()),
            };
        }
        let content = self.inner.atomic_read(path)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its checksum doesn't match");
        opened(content).ok_or_else(|| failed(damaged()))
    }

    fn atomic_write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if path == Path::new(MANAGED) {
            *self.managed.lock().unwrap_or_else(PoisonError::into_inner) = Some(content.to_vec());
            return Ok(());
        }
        self.inner.atomic_write(path, &sealed(content))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.inner.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_breaks_the_seal() {
        let whole = sealed(b"{\"segments\":[]}");
        assert_eq!(opened(whole.clone()).as_deref(), Some(b"{\"segments\":[]}".as_slice()));
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(opened(flipped), None, "byte {at}");
            assert_eq!(opened(whole[..at].to_vec()), None, "cut at {at}");
        }
    }

    #[test]
    fn segment_files_are_known_by_name() {
        assert!(is_segment_file("0123456789abcdef0123456789abcdef.12.del"));
        assert!(
            !is_segment_file("meta.json") && !is_segment_file(".tantivy-writer.lock") && !is_segment_file("notes.md")
        );
    }
}
