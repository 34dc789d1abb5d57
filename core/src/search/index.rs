//! The index in use: feeding, committing, searching and checking it.
//!
//! Feeding and committing take turns; searching never waits for them and sees the last commit.

use std::any::Any;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use altair_protocol::EntityId;
use altair_protocol::view::Hit;
use tantivy::directory::error::{LockError, OpenReadError, OpenWriteError};
use tantivy::{Index, IndexReader, Searcher, TantivyDocument, TantivyError};

use super::compile::compile;
use super::files::META;
use super::opening::{Opened, Payload, Refusal, clear, existing, fresh, segment_files};
use super::rank::{After, AfterError, Best};
use super::schema::{Fields, VERSION};
use super::snippet::Marker;
use super::stem::Stems;
use super::trust::{self, TrustError};
use super::writer::Feed;
use super::{Document, Query, QueryError};

/// A search, or a change of the index, that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    /// The folder can't be used.
    #[error("the search index at {} can't be used: {source}; check the folder's permissions and the disk's space", dir.display())]
    Io {
        /// The index's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not what was written. The next open makes the index anew.
    #[error("the search index is damaged ({reason}): open the store again, and it is made anew from the notes")]
    Damaged {
        /// Which file, or what failed.
        reason: String,
    },
    /// Somebody else writes to it.
    #[error("the search index at {} is being written by another process: stop the other Altair, or wait for it", dir.display())]
    Busy {
        /// The index's folder.
        dir: PathBuf,
    },
    /// The cursor can't continue this search.
    #[error(transparent)]
    After(#[from] AfterError),
    /// The query can't be run as it is.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Something else in Tantivy.
    #[error("the search index failed: {0}; check the disk's space, and run `altair doctor` if it goes on")]
    Index(String),
}

/// One page of hits, best first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    /// The hits.
    pub(crate) hits: Vec<Hit>,
    /// Where the next page begins; `None` when this is the last.
    pub(crate) next: Option<After>,
}

/// A full-text index of one store.
///
/// It can be shared between threads: searches run side by side, feeding takes turns.
pub(crate) struct SearchIndex {
    dir: PathBuf,
    store: String,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    feed: Mutex<Feed>,
    /// Remembers the forms of words that snippets have met. A search takes it along; another at the same time starts
    /// without.
    stems: Mutex<Option<Stems>>,
    /// When `meta.json` was last replaced, as far as the reader knows: merges replace it, too.
    seen: Mutex<Option<SystemTime>>,
    holds: AtomicU64,
    rebuilt: Option<String>,
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchIndex").field("dir", &self.dir).field("holds", &self.holds()).finish_non_exhaustive()
    }
}

impl SearchIndex {
    /// Opens or makes the index in `dir` for the store with the id `store`.
    ///
    /// An index that is missing, damaged, of another version or of another store is made anew: then
    /// [`rebuilt`](Self::rebuilt) says why, [`holds`](Self::holds) is 0 and everything has to be fed again. It is an
    /// error only when the folder can't be read or written at all. Files that are none of an index's are left alone.
    pub(crate) fn open(dir: &Path, store: &str) -> Result<Self, SearchError> {
        let fields = Fields::new();
        let failed = |source| SearchError::Io { dir: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let seen = changed(dir);
        let existing = guarded(|| existing(dir, store, &fields)).unwrap_or_else(|panic| Err(Refusal::Stale(panic)));
        let (opened, rebuilt) = match existing {
            Ok(opened) => (opened, None),
            Err(Refusal::Failed(error)) => return Err(error),
            Err(Refusal::Stale(reason)) => {
                tracing::info!(%reason, "making the search index anew");
                clear(dir).map_err(failed)?;
                (fresh(dir, &fields).map_err(|error| from_tantivy(dir, error))?, Some(reason))
            }
        };
        let Opened { index, reader, holds } = opened;
        Ok(Self {
            dir: dir.to_owned(),
            store: store.to_owned(),
            fields,
            index,
            reader,
            feed: Mutex::default(),
            stems: Mutex::default(),
            seen: Mutex::new(seen),
            holds: AtomicU64::new(holds),
            rebuilt,
        })
    }

    /// The last commit of the store that is durably in the index; 0 for none.
    pub(crate) fn holds(&self) -> u64 {
        self.holds.load(Ordering::Acquire)
    }

    /// Why the index was made anew when it was opened; `None` when it was there.
    pub(crate) fn rebuilt(&self) -> Option<&str> {
        self.rebuilt.as_deref()
    }

    /// Puts documents in, each in place of the one with the same id. They are found after the next
    /// [`commit`](Self::commit).
    ///
    /// After an error, everything fed since the last commit is forgotten: feed again from [`holds`](Self::holds).
    pub(crate) fn put(&self, documents: impl IntoIterator<Item = Document>) -> Result<(), SearchError> {
        self.feeding(|feed, searcher| feed.put(&self.index, &self.fields, searcher, documents))
    }

    /// Takes documents out; ids that aren't in the index are passed over. Errors are as with [`put`](Self::put).
    pub(crate) fn remove(&self, ids: &[EntityId]) -> Result<(), SearchError> {
        self.feeding(|feed, searcher| feed.remove(&self.index, &self.fields, searcher, ids))
    }

    /// Makes what was fed durable and visible, as the state of the store at commit `holds`. Errors are as with
    /// [`put`](Self::put).
    pub(crate) fn commit(&self, holds: u64) -> Result<(), SearchError> {
        let payload = Payload { version: VERSION, store: self.store.clone(), holds };
        let payload = serde_json::to_string(&payload).map_err(|error| SearchError::Index(error.to_string()))?;
        self.feeding(|feed, _| {
            feed.commit(&self.index, &payload)?;
            // Asked before reading: a merge in between is then seen as a change later, not missed.
            let now = changed(&self.dir);
            self.reader.reload()?;
            *lock(&self.seen) = now;
            Ok(())
        })?;
        self.holds.store(holds, Ordering::Release);
        Ok(())
    }

    /// The best `limit` hits of a search, or those after a cursor that an earlier page gave.
    ///
    /// Sorted by score, then the newest first, then by id; by recency alone where the query has only filters. The
    /// cursor must come from the same search.
    pub(crate) fn search(&self, query: &Query, limit: usize, after: Option<&After>) -> Result<Page, SearchError> {
        if query.is_only_negative() {
            return Err(QueryError::OnlyNegative.into());
        }
        let fingerprint = query.fingerprint();
        if after.is_some_and(|after| after.query != fingerprint) {
            return Err(AfterError::OtherQuery.into());
        }
        self.catch_up();
        let found = guarded(|| self.page(query, fingerprint, limit, after));
        match found {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(error)) => Err(self.blame(error)),
            Err(panic) => Err(self.damaged(panic)),
        }
    }

    /// How many documents there are.
    pub(crate) fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Reads every file of the last commit and compares its checksum. After an error the next
    /// [`open`](Self::open) makes the index anew.
    pub(crate) fn verify(&self) -> Result<(), SearchError> {
        // Nobody may sweep a file between its name being read here and its checksum.
        let _turn = lock(&self.feed);
        let files = match guarded(|| segment_files(&self.index)) {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => return Err(self.damaged(error.to_string())),
            Err(panic) => return Err(self.damaged(panic)),
        };
        match trust::check_all(&self.dir, &files) {
            Ok(()) => Ok(()),
            // A merge that was under way may have replaced a file in the meantime.
            Err(_) if segment_files(&self.index).is_ok_and(|now| now != files) => {
                let files = segment_files(&self.index).map_err(|error| self.damaged(error.to_string()))?;
                trust::check_all(&self.dir, &files).map_err(|error| self.distrust(error))
            }
            Err(error) => Err(self.distrust(error)),
        }
    }

    /// Ends the writing; what was fed and not committed is forgotten. Waits for merges that are under way. Feeding
    /// again begins anew.
    pub(crate) fn close(&self) {
        if let Err(error) = lock(&self.feed).finish() {
            tracing::warn!(%error, "the search index's last merge failed; it will be done again");
        }
        if let Ok(files) = segment_files(&self.index)
            && let Err(error) = trust::check_changed(&self.dir, &files)
        {
            tracing::warn!(%error, "the search index was damaged while it was open");
        }
    }

    fn page(&self, query: &Query, fingerprint: u64, limit: usize, after: Option<&After>) -> tantivy::Result<Page> {
        let searcher = self.reader.searcher();
        let mut stems = lock(&self.stems).take().unwrap_or_else(Stems::new);
        let compiled = compile(query, &self.fields, &mut stems);
        // One more than asked for shows whether there is another page.
        let best =
            Best { limit: limit.saturating_add(1), after: after.map(|after| after.rank), scored: query.is_scored() };
        let mut found = searcher.search(&compiled, &best)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(rank, _)| After { rank: *rank, query: fingerprint });
        let mut marker = Marker::new(query, stems);
        let mut hits = Vec::with_capacity(found.len());
        for (rank, address) in found {
            let row: TantivyDocument = searcher.doc(address)?;
            let stored = self.fields.stored(&row);
            let kind =
                stored.kind.ok_or_else(|| TantivyError::InternalError("a stored document has no kind".to_owned()))?;
            let snippet = marker.snippet(stored.body);
            hits.push(Hit { id: rank.id(), kind, title: stored.title.to_owned(), score: rank.score(), snippet });
        }
        *lock(&self.stems) = Some(marker.into_stems());
        Ok(Page { hits, next })
    }

    /// Takes a turn at feeding. Any error spoils the turn and what was fed before it.
    fn feeding(&self, work: impl FnOnce(&mut Feed, &Searcher) -> tantivy::Result<()>) -> Result<(), SearchError> {
        let mut feed = lock(&self.feed);
        let searcher = self.reader.searcher();
        let done = guarded(|| work(&mut feed, &searcher));
        if !matches!(done, Ok(Ok(()))) {
            // The threads of a writer that failed end with it.
            feed.abandon();
        }
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.blame(error)),
            Err(panic) => Err(self.damaged(panic)),
        }
    }

    /// Lets the reader see what merges have done since the last commit, so that their old files can go.
    fn catch_up(&self) {
        let now = changed(&self.dir);
        let mut seen = lock(&self.seen);
        if *seen != now && self.reader.reload().is_ok() {
            *seen = now;
        }
    }

    fn blame(&self, error: TantivyError) -> SearchError {
        match from_tantivy(&self.dir, error) {
            SearchError::Damaged { reason } => self.damaged(reason),
            other => other,
        }
    }

    fn distrust(&self, error: TrustError) -> SearchError {
        match error {
            TrustError::Damaged { .. } => self.damaged(error.to_string()),
            TrustError::Read { source, .. } => SearchError::Io { dir: self.dir.clone(), source },
        }
    }

    fn damaged(&self, reason: String) -> SearchError {
        trust::mark_damaged(&self.dir, &reason);
        SearchError::Damaged { reason }
    }
}

/// When the list of segments was last replaced.
fn changed(dir: &Path) -> Option<SystemTime> {
    fs::metadata(dir.join(META)).and_then(|file| file.modified()).ok()
}

/// Runs what reads files that may be damaged in ways no checksum was asked about. Tantivy trusts its files, and a
/// wrong length in one ends in a panic.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| told(panic.as_ref()))
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("reading it failed").to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock has already spoilt and replaced what it guards, see `feeding`.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn from_tantivy(dir: &Path, error: TantivyError) -> SearchError {
    let by_kind = |source: &io::Error, error: &TantivyError| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => {
            SearchError::Damaged { reason: error.to_string() }
        }
        io::ErrorKind::Other if source.raw_os_error().is_none() => SearchError::Damaged { reason: error.to_string() },
        kind => SearchError::Io { dir: dir.to_owned(), source: io::Error::new(kind, source.to_string()) },
    };
    match &error {
        TantivyError::LockFailure(LockError::LockBusy, _) => SearchError::Busy { dir: dir.to_owned() },
        TantivyError::LockFailure(LockError::IoError(source), _)
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: source, .. }) => {
            SearchError::Io { dir: dir.to_owned(), source: io::Error::new(source.kind(), source.to_string()) }
        }
        TantivyError::IoError(source)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: source, .. }) => by_kind(source, &error),
        TantivyError::OpenReadError(_)
        | TantivyError::DataCorruption(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::InternalError(_)
        | TantivyError::SchemaError(_) => SearchError::Damaged { reason: error.to_string() },
        _ => SearchError::Index(error.to_string()),
    }
}
