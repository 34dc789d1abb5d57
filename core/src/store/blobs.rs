//! Attachments' bytes: content-addressed files, `blobs/ab/cdef…` by their BLAKE3 hash.
//!
//! A blob is whole and on disk before anything names it; it is streamed, never whole in memory; it is never written to again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use altair_protocol::Hash;

use super::folder::sync_folder;
use crate::error::{Error, Result};

/// The largest attachment: larger things belong in a folder of their own.
pub(crate) const MAX_BYTES: u64 = 2 << 30;
const CHUNK: usize = 256 << 10;
/// How the names of files begin that aren't blobs yet.
const INCOMING: &str = "incoming-";

/// The store's blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    root: PathBuf,
}

impl Blobs {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Takes away what a killed process had begun to write. For a host that begins.
    pub(crate) fn sweep(&self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(INCOMING) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Where a blob's bytes are.
    pub(crate) fn path(&self, hash: Hash) -> PathBuf {
        let text = hash.to_string();
        self.root.join(&text[..2]).join(&text[2..])
    }

    /// Takes bytes in and gives their hash and number. `name` stands in errors.
    pub(crate) fn put(&self, mut from: impl Read, name: &Path) -> Result<(Hash, u64)> {
        let writing = |error| Error::io("storing an attachment in", &self.root, error);
        if !self.root.is_dir() {
            fs::create_dir_all(&self.root).map_err(writing)?;
            self.root.parent().map_or(Ok(()), sync_folder).map_err(writing)?;
        }
        let mut temporary = tempfile_in(&self.root).map_err(writing)?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; CHUNK];
        let mut size = 0_u64;
        loop {
            let n = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("reading", name, error)),
            };
            size += n as u64;
            if size > MAX_BYTES {
                return Err(too_large(name));
            }
            hasher.update(&chunk[..n]);
            temporary.file.write_all(&chunk[..n]).map_err(writing)?;
        }
        let hash = Hash::from(hasher.finalize());
        let path = self.path(hash);
        // A blob of this name that is damaged is healed.
        if !path.is_file() || !self.verify(hash)? {
            temporary.file.sync_all().map_err(writing)?;
            let folder = path.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(writing)?;
            fs::rename(&temporary.path, &path).map_err(writing)?;
            temporary.kept = true;
            sync_folder(folder).and_then(|()| sync_folder(&self.root)).map_err(writing)?;
        }
        Ok((hash, size))
    }

    /// Opens a blob.
    pub(crate) fn open(&self, hash: Hash) -> Result<File> {
        let path = self.path(hash);
        File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::corrupt(format!("the bytes of an attachment are missing: {}", path.display()))
            }
            _ => Error::io("opening", &path, error),
        })
    }

    /// Reads a blob through and compares it with its name.
    pub(crate) fn verify(&self, hash: Hash) -> Result<bool> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(self.open(hash)?).map_err(|error| Error::io("reading", &self.path(hash), error))?;
        Ok(Hash::from(hasher.finalize()) == hash)
    }
}

pub(crate) fn too_large(name: &Path) -> Error {
    Error::invalid(
        format!("{} is larger than {} GiB", name.display(), MAX_BYTES >> 30),
        "keep it in a folder of its own and link to it",
    )
}

struct Temporary {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn tempfile_in(folder: &Path) -> std::io::Result<Temporary> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = folder.join(format!("{INCOMING}{}-{n}", std::process::id()));
    Ok(Temporary { file: File::create(&path)?, path, kept: false })
}
