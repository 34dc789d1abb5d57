//! Blobs: up before what names them, a piece at a time from where the server stands; down when somebody asks, from where an earlier download was cut off.

use std::io::SeekFrom;
use std::sync::Arc;

use altair_protocol::sync::{HttpCode, MAX_BLOB};
use altair_protocol::{ChangeId, EntityId, Hash};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::message::Message;
use super::replica::Replica;
use super::running::Running;
use crate::error::Error;
use crate::sync::machine::Event;
use crate::sync::remote::{Remote, RemoteError, Stored};

/// So many bytes go up in a request, which has to be answered while a connection may be silent: a slow line gets it through.
const PIECE: u64 = 1 << 20;
/// A server that doesn't move on for so many pieces is left alone.
const STUCK: u32 = 3;
/// So many changes' blobs go up at once, and so many blobs come down.
const AT_ONCE: usize = 4;
/// So many bytes are read from a file at a time.
const CHUNK: usize = 64 << 10;

/// A blob that isn't where it should be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// The server wasn't asked, or said no.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Here it isn't either.
    #[error("the blob {0} isn't on this device: another device may have it")]
    Missing(Hash),
    /// What came is something else.
    #[error("what the server sent for the blob {0} is damaged: ask for it again")]
    Corrupt(Hash),
    /// It came to nothing, over and over.
    #[error("the server doesn't take the blob {0} any further: try again later")]
    Stuck(Hash),
    /// The disk, or the store.
    #[error("the blob {hash} can't be kept or read: {message}")]
    Store {
        /// Which.
        hash: Hash,
        /// What happened, and what to do.
        message: String,
    },
    /// Syncing has ended.
    #[error("syncing was stopped: ask again when it goes on")]
    Stopped,
}

impl BlobError {
    fn store(hash: Hash, error: &Error) -> Self {
        Self::Store { hash, message: error.to_string() }
    }

    fn io(hash: Hash, error: &std::io::Error) -> Self {
        Self::Store { hash, message: error.to_string() }
    }
}

/// A change's blobs, which have to be up before it.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) entity: EntityId,
    pub(super) change: ChangeId,
    pub(super) blobs: Vec<Hash>,
}

impl<R: Replica> Running<R> {
    /// Begins uploads that wait, as long as there aren't too many.
    pub(super) fn upload(&mut self) {
        while self.uploading.len() < AT_ONCE {
            let Some(Upload { entity, change, blobs }) = self.uploads.pop_front() else { return };
            if !self.uploading.insert(change) {
                // Asked for again on another connection; the one that is under way answers.
                continue;
            }
            let (remote, secret, teller) = (self.remote.clone(), self.secret(), self.teller.clone());
            let replica = Arc::clone(&self.replica);
            let span = tracing::info_span!("upload", %change);
            let task = async move {
                let mut event = Event::BlobsEnsured { entity, change };
                for blob in blobs {
                    match ensure(&remote, &secret, &*replica, blob, || std::future::ready(())).await {
                        Ok(()) => {}
                        // The server says so of the change that names it.
                        Err(error) if is_final(&error) => tracing::warn!(%blob, %error, "a blob stays behind"),
                        Err(error) => {
                            tracing::info!(%blob, %error, "a blob has to wait");
                            event = Event::BlobsFailed { entity, change };
                            break;
                        }
                    }
                }
                teller.send(Message::Uploaded { change, event }).await;
            };
            self.tasks.spawn(task.instrument(span));
        }
    }

    /// Fetches a blob for whoever asks; those who ask for the same are answered together.
    pub(super) fn fetch(&mut self, hash: Hash, reply: oneshot::Sender<Result<(), BlobError>>) {
        self.fetches.entry(hash).or_default().push(reply);
        self.fetch_next();
    }

    fn fetch_next(&mut self) {
        // Who doesn't wait any more isn't served.
        self.fetches.retain(|hash, waiting| {
            waiting.retain(|reply| !reply.is_closed());
            !waiting.is_empty() || self.fetching.contains(hash)
        });
        while self.fetching.len() < AT_ONCE {
            let next = self.fetches.keys().find(|hash| !self.fetching.contains(hash)).copied();
            let Some(hash) = next else { return };
            self.fetching.insert(hash);
            let (remote, secret, teller) = (self.remote.clone(), self.secret(), self.teller.clone());
            let replica = Arc::clone(&self.replica);
            let span = tracing::info_span!("download", blob = %hash);
            let task = async move {
                let result = download(&remote, &secret, &*replica, hash).await;
                teller.send(Message::Fetched { hash, result }).await;
            };
            self.tasks.spawn(task.instrument(span));
        }
    }

    pub(super) fn was_fetched(&mut self, hash: Hash, result: &Result<(), BlobError>) {
        self.fetching.remove(&hash);
        for reply in self.fetches.remove(&hash).into_iter().flatten() {
            let _ = reply.send(result.clone());
        }
        self.fetch_next();
    }
}

/// Whether trying again helps nobody.
fn is_final(error: &BlobError) -> bool {
    match error {
        BlobError::Missing(_) | BlobError::Corrupt(_) => true,
        BlobError::Remote(RemoteError::Refused(error)) => {
            matches!(error.code, HttpCode::Corrupt | HttpCode::TooLarge | HttpCode::Malformed)
        }
        BlobError::Remote(_) | BlobError::Stuck(_) | BlobError::Store { .. } | BlobError::Stopped => false,
    }
}

/// Has the server have a blob. `progress` is told of every piece.
pub(super) async fn ensure<F: Future<Output = ()>>(
    remote: &Remote,
    secret: &str,
    replica: &impl Replica,
    hash: Hash,
    progress: impl Fn() -> F,
) -> Result<(), BlobError> {
    let Stored::Part(mut at) = remote.stored(secret, hash).await? else { return Ok(()) };
    let found = replica.blob(hash).await.map_err(|error| BlobError::store(hash, &error))?;
    let (file, length) = found.ok_or(BlobError::Missing(hash))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut stuck = 0;
    loop {
        // A server that has more than there is has something else.
        let left = length.checked_sub(at).ok_or(BlobError::Corrupt(hash))?;
        let mut piece = vec![0; usize::try_from(left.min(PIECE)).unwrap_or_default()];
        file.seek(SeekFrom::Start(at)).await.map_err(|error| BlobError::io(hash, &error))?;
        file.read_exact(&mut piece).await.map_err(|error| BlobError::io(hash, &error))?;
        let Stored::Part(next) = remote.send_blob(secret, hash, at, length, piece).await? else { return Ok(()) };
        stuck = if next > at { 0 } else { stuck + 1 };
        if stuck >= STUCK {
            return Err(BlobError::Stuck(hash));
        }
        at = next;
        progress().await;
    }
}

/// Has the store have a blob: what came before is summed up first, and what comes now with it.
async fn download(remote: &Remote, secret: &str, replica: &impl Replica, hash: Hash) -> Result<(), BlobError> {
    let store = |error: Error| BlobError::store(hash, &error);
    let io = |error: std::io::Error| BlobError::io(hash, &error);
    if replica.blob(hash).await.map_err(store)?.is_some() {
        return Ok(());
    }
    let mut file = tokio::fs::File::from_std(replica.arriving(hash).await.map_err(store)?);
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    file.seek(SeekFrom::Start(0)).await.map_err(io)?;
    loop {
        let n = file.read(&mut chunk).await.map_err(io)?;
        if n == 0 {
            break;
        }
        hasher.update(&chunk[..n]);
        at += n as u64;
    }
    if at == 0 || Hash::from(hasher.finalize()) != hash {
        let mut response = match remote.fetch_blob(secret, hash, at).await {
            Err(RemoteError::Refused(error)) if error.code == HttpCode::NotFound => {
                return Err(RemoteError::Refused(error).into());
            }
            // It has nothing from there on, so what is here is something else.
            Err(RemoteError::Refused(_) | RemoteError::Foreign(_)) if at > 0 => {
                replica.spoiled(hash).await.map_err(store)?;
                return Err(BlobError::Corrupt(hash));
            }
            response => response?,
        };
        loop {
            let bytes = match response.chunk().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(error) => {
                    // What has come is where the next download goes on.
                    file.flush().await.map_err(io)?;
                    return Err(RemoteError::of(error).into());
                }
            };
            at += bytes.len() as u64;
            if at > MAX_BLOB {
                replica.spoiled(hash).await.map_err(store)?;
                return Err(BlobError::Corrupt(hash));
            }
            hasher.update(&bytes);
            file.write_all(&bytes).await.map_err(io)?;
        }
    }
    file.flush().await.map_err(io)?;
    drop(file);
    if Hash::from(hasher.finalize()) != hash {
        replica.spoiled(hash).await.map_err(store)?;
        return Err(BlobError::Corrupt(hash));
    }
    replica.arrived(hash).await.map_err(store)
}
