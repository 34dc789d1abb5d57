//! Finding: lists by cursor, and search over an index that follows the commits.
//!
//! Invariant: what was answered as written is found by every search that begins after. The index is brought up to date when somebody searches (and when much
//! waits), so that a capture never waits for it; after a crash it reads what it missed from the log.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use altair_protocol::rpc;
use altair_protocol::view::{Entity, Hit};
use altair_protocol::{EntityId, Kind, TagName};

use super::{Act, Altair, Here, List, Page, Search};
use crate::error::{Error, Result};
use crate::reading::Reading;
use crate::search::{Document, Query, SearchError, SearchIndex};
use crate::store::Database;
use crate::store::derive::{INBOX, TRASH, list_name};
use crate::store::read::Cursor;
use crate::store::write::{Committed, Head, Indexed};

/// The most that one page holds.
const MAX_LIMIT: usize = 1000;
/// What is read of a list without further ado: a screen.
const SHORT: usize = 100;
/// When so much waits for the index, it is taken in without waiting for a search.
const WAITING: usize = 4000;
/// The same, in bytes of text.
const WAITING_BYTES: usize = 32 << 20;
/// How many entities are read at a time to catch up.
const CHUNK: usize = 500;

impl Altair {
    /// A page of a list, newest first.
    pub async fn list(&self, list: List, limit: usize, after: Option<&str>) -> Result<Page<Entity>> {
        self.call(rpc::ListEntities { list, limit, after: after.map(str::to_owned) }).await
    }

    /// The best answers to a query. What was just written is found.
    pub async fn search(&self, search: Search) -> Result<Page<Hit>> {
        self.call(rpc::SearchEntities { search }).await
    }
}

impl Act for rpc::ListEntities {
    fn is_short(&self) -> bool {
        self.limit <= SHORT
    }

    async fn act(self, here: Here) -> Result<Page<Entity>> {
        let Self { list, limit, after } = self;
        check_limit(limit)?;
        let name = match &list {
            List::Inbox => INBOX.to_owned(),
            List::Trash => TRASH.to_owned(),
            List::Kind(kind) => list_name(*kind, None),
            List::Tagged(kind, tag) => {
                let tag =
                    TagName::parse(tag).map_err(|error| Error::invalid(error.to_string(), "use a tag like garden"))?;
                list_name(*kind, Some(&tag))
            }
        };
        let after = after.map(|text| Cursor::decode(&name, &text)).transpose()?;
        let (ids, next) = here.db.page(&name, limit, after.as_ref()).await?;
        let items = here.db.entities(&ids).await?.into_iter().map(|reading| reading.entity).collect();
        Ok(Page { items, next: next.map(|cursor| cursor.encode()) })
    }
}

impl Act for rpc::SearchEntities {
    async fn act(self, here: Here) -> Result<Page<Hit>> {
        let Self { search } = self;
        check_limit(search.limit)?;
        let mut query = Query::parse(&search.query)
            .map_err(|error| Error::invalid(error.to_string(), "see `altair search --help`"))?;
        if let Some(kind) = search.kind {
            query = query.with_kind(kind);
        }
        if let Some(tag) = &search.tag {
            TagName::parse(tag).map_err(|error| Error::invalid(error.to_string(), "use a tag like garden"))?;
            query = query.with_tag(tag);
        }
        let after = search.after.map(|text| {
            text.parse().map_err(|_| {
                Error::invalid(
                    format!("\"{text}\" is not a cursor of this search"),
                    "pass the `next` of a page of the same search",
                )
            })
        });
        let after = after.transpose()?;
        let index = here.finder.current().await?;
        let limit = search.limit;
        let found = tokio::task::spawn_blocking(move || index.search(&query, limit, after.as_ref()));
        let page =
            found.await.map_err(|error| Error::internal("searching failed").because(error))?.map_err(Error::from)?;
        Ok(Page { items: page.hits, next: page.next.map(|after| after.to_string()) })
    }
}

pub(super) fn check_limit(limit: usize) -> Result<()> {
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(());
    }
    Err(Error::invalid(format!("{limit} is not a limit"), format!("use a number from 1 to {MAX_LIMIT}")))
}

impl From<SearchError> for Error {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::After(_) | SearchError::Query(_) => {
                Self::invalid(error.to_string(), "see `altair search --help`")
            }
            _ => Self::internal(error.to_string()).because(error),
        }
    }
}

/// The search index of a store, opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Finder {
    folder: PathBuf,
    store: String,
    db: Database,
    /// Held while the index is brought up to date.
    index: tokio::sync::Mutex<Option<Arc<SearchIndex>>>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whether the index is open; until then commits are read from the log.
    open: bool,
    flushing: bool,
    /// A transaction failed: what it left in the database is read again before anything is answered.
    doubted: bool,
    seq: u64,
    /// The last word about each entity; `None` takes it out.
    documents: HashMap<EntityId, Option<Arc<Reading>>>,
    bytes: usize,
}

impl Waiting {
    fn note(&mut self, indexed: &Indexed) {
        let (id, reading) = match indexed {
            Indexed::Put(reading) => (reading.entity.id, Some(Arc::clone(reading))),
            Indexed::Remove(id) => (*id, None),
        };
        let weight = |reading: &Option<Arc<Reading>>| reading.as_ref().map_or(0, |reading| reading.text.len());
        self.bytes += weight(&reading);
        let before = self.documents.insert(id, reading);
        self.bytes -= before.as_ref().map_or(0, weight);
    }

    fn clear(&mut self) {
        self.documents.clear();
        self.bytes = 0;
    }
}

impl Finder {
    pub(crate) fn new(folder: PathBuf, store: String, db: Database) -> Self {
        Self { folder, store, db, index: tokio::sync::Mutex::new(None), waiting: Mutex::default() }
    }

    /// Takes note of a commit. Called in the order of commits, before they are answered.
    pub(crate) fn take(self: &Arc<Self>, committed: &Committed) {
        let mut waiting = self.waiting();
        if !waiting.open {
            return;
        }
        waiting.seq = committed.seq;
        for indexed in &committed.indexed {
            waiting.note(indexed);
        }
        let much = waiting.documents.len() > WAITING || waiting.bytes > WAITING_BYTES;
        if much && !waiting.flushing {
            waiting.flushing = true;
            let finder = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = finder.current().await {
                    tracing::warn!(%error, "the search index could not be brought up to date");
                }
                finder.waiting().flushing = false;
            });
        }
    }

    /// A transaction failed, and perhaps not all of it: the index reads the log again when it is next needed.
    pub(crate) fn doubt(&self) {
        self.waiting().doubted = true;
    }

    /// The index with everything that is committed. Begun, it is brought up to date to the end: what waits for it is taken out before it is written.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Arc<SearchIndex>> {
        let finder = Arc::clone(self);
        let bringing = tokio::spawn(async move { finder.bring_up_to_date().await });
        bringing.await.map_err(|error| Error::internal("the search index can't be written").because(error))?
    }

    async fn bring_up_to_date(self: &Arc<Self>) -> Result<Arc<SearchIndex>> {
        let mut open = self.index.lock().await;
        if std::mem::take(&mut self.waiting().doubted) {
            *open = None;
        }
        let index = match &*open {
            Some(index) => Arc::clone(index),
            None => {
                let index = self.open().await?;
                *open = Some(Arc::clone(&index));
                index
            }
        };
        let (seq, documents) = {
            let mut waiting = self.waiting();
            waiting.bytes = 0;
            (waiting.seq, std::mem::take(&mut waiting.documents))
        };
        if !documents.is_empty() || seq > index.holds() {
            let gone = documents.iter().filter(|(_, reading)| reading.is_none());
            let gone: Vec<EntityId> = gone.map(|(id, _)| *id).collect();
            let put: Vec<Arc<Reading>> = documents.into_values().flatten().collect();
            if let Err(error) = write(&index, put, gone, seq.max(index.holds())).await {
                // What was staged since the last commit is forgotten: the next to come opens the index again and reads the log.
                self.waiting().open = false;
                *open = None;
                return Err(error);
            }
        }
        Ok(index)
    }

    /// Writes what waits, if the index was in use, and lets go of it.
    pub(crate) async fn close(self: &Arc<Self>) {
        if self.index.lock().await.is_some()
            && let Err(error) = self.current().await
        {
            tracing::warn!(%error, "the search index will catch up when it is next opened");
        }
        self.waiting().open = false;
        if let Some(index) = self.index.lock().await.take()
            && let Err(error) = tokio::task::spawn_blocking(move || index.close()).await
        {
            tracing::warn!(%error, "the search index was not closed cleanly");
        }
    }

    /// Throws the index away and makes it anew.
    pub(crate) async fn rebuild(self: &Arc<Self>) -> Result<()> {
        let mut open = self.index.lock().await;
        self.waiting().open = false;
        *open = None;
        self.clear()?;
        *open = Some(self.open().await?);
        Ok(())
    }

    fn clear(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(Error::io("clearing", &self.folder, error)),
        })
    }

    async fn open_files(&self) -> Result<Arc<SearchIndex>> {
        let (folder, store) = (self.folder.clone(), self.store.clone());
        let opened = tokio::task::spawn_blocking(move || {
            sweep(&folder);
            SearchIndex::open(&folder, &store)
        });
        let opened = opened.await;
        Ok(Arc::new(opened.map_err(|error| Error::internal("the search index can't be opened").because(error))??))
    }

    /// Opens the index and brings it up to the database.
    async fn open(self: &Arc<Self>) -> Result<Arc<SearchIndex>> {
        let mut index = self.open_files().await?;
        if let Some(why) = index.rebuilt() {
            tracing::info!(why, "the search index is made anew");
        }
        // From here on commits are taken note of; what comes twice, from there and from the log, is the same.
        {
            let mut waiting = self.waiting();
            waiting.open = true;
            waiting.clear();
        }
        let Head { seq: head, joined, .. } = self.db.head_row().await?.as_ref().map(Head::of).unwrap_or_default();
        // Of states that were joined the log knows nothing.
        let holds = index.holds();
        if holds > head || holds < joined || holds == 0 || self.is_far_behind(&index, head) {
            if index.len() > 0 {
                // Filling adds and takes nothing out: what was erased meanwhile would stay.
                drop(index);
                self.clear()?;
                index = self.open_files().await?;
            }
            self.fill(&index, head).await?;
        } else {
            self.catch_up(&index, head).await?;
        }
        let mut waiting = self.waiting();
        waiting.seq = waiting.seq.max(head);
        drop(waiting);
        Ok(index)
    }

    /// Whether reading everything is less work than following the log.
    fn is_far_behind(&self, index: &SearchIndex, head: u64) -> bool {
        head - index.holds() > 2 * index.len().max(CHUNK as u64)
    }

    async fn catch_up(&self, index: &Arc<SearchIndex>, head: u64) -> Result<()> {
        let mut seq = index.holds();
        while seq < head {
            let log = self.db.log_after(seq, CHUNK).await?;
            let Some((last, _)) = log.last() else { break };
            seq = *last;
            let mut ids: Vec<EntityId> = log.iter().map(|(_, logged)| logged.change.entity).collect();
            ids.sort_unstable();
            ids.dedup();
            let readings = self.db.entities(&ids).await?;
            let (gone, put): (Vec<_>, Vec<_>) = readings.into_iter().partition(|reading| reading.entity.deleted);
            let mut gone: Vec<EntityId> = gone.iter().map(|reading| reading.entity.id).collect();
            gone.extend(ids.iter().filter(|id| !put.iter().any(|reading| reading.entity.id == **id)));
            write(index, put.into_iter().map(Arc::new).collect(), gone, seq).await?;
        }
        Ok(())
    }

    async fn fill(&self, index: &Arc<SearchIndex>, head: u64) -> Result<()> {
        let mut after = None;
        loop {
            let rows = self.db.entity_rows(after, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            after = Some(crate::store::rows::entity_of(&last.id)?);
            let put = tokio::task::spawn_blocking(move || {
                let readings = rows.iter().map(|row| {
                    let id = crate::store::rows::entity_of(&row.id)?;
                    crate::reading::read(&crate::store::sealed::open_state(&row.state, id)?)
                });
                // What can't be read is the doctor's business; everything else is to be found.
                readings
                    .filter_map(Result::ok)
                    .filter(|reading| !reading.entity.deleted)
                    .map(Arc::new)
                    .collect::<Vec<_>>()
            });
            let put = put.await.map_err(|error| Error::internal("the search index can't be filled").because(error))?;
            stage(index, put).await?;
        }
        write(index, Vec::new(), Vec::new(), head).await
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what a killed process had begun to write.
fn sweep(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".tmp") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn documents(readings: Vec<Arc<Reading>>) -> impl Iterator<Item = Document> {
    readings.into_iter().filter(|reading| !matches!(reading.entity.kind, Kind::Link | Kind::Attachment)).map(
        |reading| Document {
            id: reading.entity.id,
            kind: reading.entity.kind,
            title: reading.entity.title.clone(),
            body: reading.text.clone(),
            tags: reading.entity.tags.clone(),
            created_ms: reading.entity.created_at.millis(),
            updated_ms: reading.entity.updated_at.millis(),
        },
    )
}

async fn stage(index: &Arc<SearchIndex>, put: Vec<Arc<Reading>>) -> Result<()> {
    let index = Arc::clone(index);
    let staged = tokio::task::spawn_blocking(move || index.put(documents(put)));
    Ok(staged.await.map_err(|error| Error::internal("the search index can't be written").because(error))??)
}

async fn write(index: &Arc<SearchIndex>, put: Vec<Arc<Reading>>, gone: Vec<EntityId>, seq: u64) -> Result<()> {
    let index = Arc::clone(index);
    let written = tokio::task::spawn_blocking(move || {
        index.put(documents(put))?;
        index.remove(&gone)?;
        index.commit(seq)
    });
    Ok(written.await.map_err(|error| Error::internal("the search index can't be written").because(error))??)
}
