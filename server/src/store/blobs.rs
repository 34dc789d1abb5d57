//! Attachments' bytes: a household's content-addressed files, `blobs/HOUSEHOLD/ab/cdef…` by their BLAKE3 hash.
//!
//! A blob is whole, verified and on disk before it has its name; it is streamed, never whole in memory, and never written to again. What came of one before the connection broke stays in
//! `incoming/` under its hash, to be gone on with. Households share no blobs, so that nobody can find out what another has.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use altair_protocol::sync::MAX_BLOB;
use altair_protocol::{Hash, HouseholdId};
use tokio::io::AsyncWriteExt as _;

/// How many blobs of a household may be on their way, those that nobody sends at the moment included.
const MOST_INCOMING: usize = 256;
/// After how long what came of a blob is given up.
const INCOMING_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const INCOMING: &str = "incoming";

/// Why a blob can't be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    /// The upload doesn't go on where the server stands.
    #[error("the server has {have} bytes of this blob: go on from there")]
    Offset {
        /// How many bytes there are.
        have: u64,
    },
    /// Somebody else sends the same blob now.
    #[error("this blob is being sent already: wait for that to end, then look again")]
    Busy,
    /// Too many have been begun.
    #[error("{MOST_INCOMING} blobs have been begun and not ended: end some of those first")]
    TooMany,
    /// Longer than a blob may be.
    #[error("a blob may have {MAX_BLOB} bytes at most: keep larger files in a folder of their own")]
    TooLarge,
    /// The bytes are others than the hash says. They were thrown away.
    #[error("the bytes don't have the hash that names them: send the blob again from its beginning")]
    Corrupt,
    /// The disk failed.
    #[error("the server couldn't write the blob ({0}): try again later")]
    Io(#[from] io::Error),
}

/// All households' blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    root: PathBuf,
    /// What is being written now: two writers would ruin each other's bytes.
    busy: Arc<Mutex<BTreeSet<(HouseholdId, Hash)>>>,
}

impl Blobs {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, busy: Arc::default() }
    }

    /// Takes away what was begun long ago. How much that was.
    pub(crate) fn sweep(&self) -> u64 {
        let mut swept = 0;
        let old = |entry: &fs::DirEntry| {
            let age = entry.metadata().and_then(|meta| meta.modified()).map(|at| SystemTime::now().duration_since(at));
            age.is_ok_and(|age| age.is_ok_and(|age| age > INCOMING_LIFE))
        };
        for household in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            for entry in fs::read_dir(household.path().join(INCOMING)).into_iter().flatten().flatten() {
                if old(&entry) {
                    // One that can't be removed is tried again at the next start.
                    swept += u64::from(fs::remove_file(entry.path()).is_ok());
                }
            }
        }
        swept
    }

    /// Where a blob's bytes are.
    pub(crate) fn path(&self, household: HouseholdId, hash: Hash) -> PathBuf {
        let text = hash.to_string();
        self.root.join(household.to_string()).join(&text[..2]).join(&text[2..])
    }

    /// How many bytes a blob has; `None` when it isn't there.
    pub(crate) async fn size(&self, household: HouseholdId, hash: Hash) -> io::Result<Option<u64>> {
        size_of(&self.path(household, hash)).await
    }

    /// How many bytes have come of a blob that isn't whole yet.
    pub(crate) async fn received(&self, household: HouseholdId, hash: Hash) -> io::Result<u64> {
        Ok(size_of(&self.incoming(household, hash)).await?.unwrap_or(0))
    }

    /// Goes on with a blob from its byte `offset`. From 0 it begins anew.
    pub(crate) async fn upload(&self, household: HouseholdId, hash: Hash, offset: u64) -> Result<Upload, BlobError> {
        let claim = Claim::of(&self.busy, household, hash).ok_or(BlobError::Busy)?;
        let path = self.incoming(household, hash);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        tokio::fs::create_dir_all(&folder).await?;
        let have = self.received(household, hash).await?;
        if offset != 0 && offset != have {
            return Err(BlobError::Offset { have });
        }
        if have == 0 && entries_in(&folder).await? >= MOST_INCOMING {
            return Err(BlobError::TooMany);
        }
        let mut options = tokio::fs::File::options();
        options.append(offset > 0).write(true).create(true).truncate(offset == 0);
        let file = options.open(&path).await?;
        Ok(Upload { file, incoming: path, path: self.path(household, hash), hash, size: offset, _claim: claim })
    }

    /// The hashes of a household's blobs, for a backup.
    pub(crate) fn all(&self, household: HouseholdId) -> io::Result<Vec<Hash>> {
        let mut found = Vec::new();
        for folder in read(&self.root.join(household.to_string()))? {
            let (first, path) = (folder.file_name().to_string_lossy().into_owned(), folder.path());
            if first.len() != 2 {
                continue;
            }
            for file in read(&path)? {
                found.extend(format!("{first}{}", file.file_name().to_string_lossy()).parse::<Hash>());
            }
        }
        found.sort();
        Ok(found)
    }

    fn incoming(&self, household: HouseholdId, hash: Hash) -> PathBuf {
        self.root.join(household.to_string()).join(INCOMING).join(hash.to_string())
    }
}

/// A blob on its way. Dropped before its end, what came stays to be gone on with.
#[derive(Debug)]
pub(crate) struct Upload {
    file: tokio::fs::File,
    incoming: PathBuf,
    path: PathBuf,
    hash: Hash,
    size: u64,
    _claim: Claim,
}

impl Upload {
    /// Takes bytes in.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.size += bytes.len() as u64;
        if self.size > MAX_BLOB {
            tokio::fs::remove_file(&self.incoming).await?;
            return Err(BlobError::TooLarge);
        }
        Ok(self.file.write_all(bytes).await?)
    }

    /// Leaves off; gives how many bytes there are now.
    pub(crate) async fn pause(mut self) -> Result<u64, BlobError> {
        self.file.flush().await?;
        Ok(self.size)
    }

    /// Compares what came with its name, and has it on disk under that.
    pub(crate) async fn finish(mut self) -> Result<u64, BlobError> {
        self.file.flush().await?;
        let Self { file, incoming, path, hash, size, _claim } = self;
        let file = file.into_std().await;
        let placing = move || {
            file.sync_all()?;
            drop(file);
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(fs::File::open(&incoming)?)?;
            if Hash::from(hasher.finalize()) != hash {
                fs::remove_file(&incoming)?;
                return Err(BlobError::Corrupt);
            }
            let folder = path.parent().unwrap_or(&path);
            fs::create_dir_all(folder)?;
            fs::rename(&incoming, &path)?;
            super::sync_folder(folder)?;
            folder.parent().map_or(Ok(()), super::sync_folder)?;
            Ok(size)
        };
        tokio::task::spawn_blocking(placing).await.map_err(io::Error::other)?
    }
}

/// Who writes a blob at the moment.
#[derive(Debug)]
struct Claim {
    busy: Arc<Mutex<BTreeSet<(HouseholdId, Hash)>>>,
    what: (HouseholdId, Hash),
}

impl Claim {
    fn of(busy: &Arc<Mutex<BTreeSet<(HouseholdId, Hash)>>>, household: HouseholdId, hash: Hash) -> Option<Self> {
        let what = (household, hash);
        let free = busy.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
        free.then(|| Self { busy: Arc::clone(busy), what })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.what);
    }
}

async fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match tokio::fs::metadata(path).await {
        Ok(meta) => Ok(Some(meta.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn entries_in(folder: &Path) -> io::Result<usize> {
    let mut entries = tokio::fs::read_dir(folder).await?;
    let mut n = 0;
    while entries.next_entry().await?.is_some() {
        n += 1;
    }
    Ok(n)
}

fn read(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs, HouseholdId) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().join("blobs"));
        (folder, blobs, HouseholdId::v7(1, [0; 10]))
    }

    #[tokio::test]
    async fn a_blob_that_broke_off_is_gone_on_with() {
        let (_folder, blobs, household) = blobs();
        let hash = Hash::of(b"figs and dates");
        let mut upload = blobs.upload(household, hash, 0).await.unwrap();
        upload.write(b"figs and").await.unwrap();
        assert!(matches!(blobs.upload(household, hash, 0).await, Err(BlobError::Busy)));
        assert_eq!(upload.pause().await.unwrap(), 8);
        assert_eq!(blobs.received(household, hash).await.unwrap(), 8);
        assert!(matches!(blobs.upload(household, hash, 3).await, Err(BlobError::Offset { have: 8 })));
        let mut upload = blobs.upload(household, hash, 8).await.unwrap();
        upload.write(b" dates").await.unwrap();
        assert_eq!(upload.finish().await.unwrap(), 14);
        assert_eq!(blobs.size(household, hash).await.unwrap(), Some(14));
        assert_eq!(blobs.size(HouseholdId::v7(2, [0; 10]), hash).await.unwrap(), None, "of another household");
        assert_eq!(blobs.all(household).unwrap(), [hash]);
    }

    #[tokio::test]
    async fn bytes_of_another_hash_are_thrown_away() {
        let (_folder, blobs, household) = blobs();
        let hash = Hash::of(b"figs");
        let mut upload = blobs.upload(household, hash, 0).await.unwrap();
        upload.write(b"dates").await.unwrap();
        assert!(matches!(upload.finish().await, Err(BlobError::Corrupt)));
        assert_eq!(blobs.size(household, hash).await.unwrap(), None);
        assert_eq!(blobs.received(household, hash).await.unwrap(), 0);
    }
}
