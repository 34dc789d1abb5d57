//! The writing half of an index: made when something is fed, because searching needs none of it.
//!
//! What is fed goes to the writer's thread in batches, and waits while that has enough to do. Between commits a writer
//! holds only its sleeping threads. An error while writing spoils the writer and all that was fed since the last
//! commit: it is dropped, and the caller feeds again from the commit that the index holds.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use altair_protocol::EntityId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, UserOperation};
use tantivy::{Index, IndexWriter, Searcher, TantivyDocument};

use super::Document;
use super::schema::Fields;

/// How much is gathered before it is written out as a segment, in bytes. More makes fewer and larger segments.
const MEMORY: usize = 64_000_000;
/// How many changes a batch has. Each batch wakes the writer's thread once.
const BATCH: usize = 256;
/// How many bytes of text a batch has, about.
const BATCH_BYTES: usize = 1 << 20;
/// How many bytes of text may wait for the writer's thread. Its own queue counts documents, of any size.
const WAITING_BYTES: usize = 8 << 20;
/// With no more than this, feeding goes on.
const ENOUGH_BYTES: usize = WAITING_BYTES / 2;
/// How long feeding waits for room. A thread that takes longer has failed, and the next batch will be told.
const PATIENCE: Duration = Duration::from_secs(10);
/// From this size on, a segment is only merged with others of about its size.
const SMALL_SEGMENT: u32 = 64;
/// How many segments of about one size become one: few enough for quick searches, many enough not to write the
/// same note over and over.
const MERGED: usize = 6;

/// The writer and what it has been fed since the last commit.
#[derive(Default)]
pub(super) struct Feed {
    writer: Option<IndexWriter<Row>>,
    /// Every id put since the last commit.
    fed: HashSet<EntityId>,
    batch: Vec<UserOperation<Row>>,
    batch_bytes: usize,
    room: Arc<Room>,
}

impl Feed {
    /// Puts documents in, each in place of the one with its id.
    pub(super) fn put(
        &mut self,
        index: &Index,
        fields: &Fields,
        searcher: &Searcher,
        documents: impl IntoIterator<Item = Document>,
    ) -> tantivy::Result<()> {
        for document in documents {
            // Looking for a note that was never there costs more at commit than asking here.
            if !self.fed.insert(document.id) || holds(searcher, fields, document.id)? {
                self.batch.push(UserOperation::Delete(fields.id_term(document.id)));
            }
            let bytes = document.title.len() + document.body.len();
            self.batch_bytes += bytes;
            let place = self.room.take(bytes);
            self.batch.push(UserOperation::Add(Row { row: fields.document(&document), _place: place }));
            self.send_if_full(index)?;
        }
        Ok(())
    }

    /// Takes documents out.
    pub(super) fn remove(
        &mut self,
        index: &Index,
        fields: &Fields,
        searcher: &Searcher,
        ids: &[EntityId],
    ) -> tantivy::Result<()> {
        for id in ids {
            if self.fed.contains(id) || holds(searcher, fields, *id)? {
                self.batch.push(UserOperation::Delete(fields.id_term(*id)));
                self.send_if_full(index)?;
            }
        }
        Ok(())
    }

    /// Writes everything out, durably, with a note of what it is.
    pub(super) fn commit(&mut self, index: &Index, payload: &str) -> tantivy::Result<()> {
        self.send(index)?;
        let mut prepared = self.writer(index)?.prepare_commit()?;
        prepared.set_payload(payload);
        prepared.commit()?;
        self.fed = HashSet::new();
        Ok(())
    }

    /// Drops the writer and what it was fed since the last commit.
    pub(super) fn abandon(&mut self) {
        *self = Self::default();
    }

    /// Ends the writer once the merges that it has begun are done. Without that, a program that writes one note and
    /// ends would leave one more segment behind each time.
    pub(super) fn finish(&mut self) -> tantivy::Result<()> {
        std::mem::take(self).writer.map_or(Ok(()), IndexWriter::wait_merging_threads)
    }

    fn send_if_full(&mut self, index: &Index) -> tantivy::Result<()> {
        if self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES { self.send(index) } else { Ok(()) }
    }

    fn send(&mut self, index: &Index) -> tantivy::Result<()> {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.batch_bytes = 0;
            self.writer(index)?.run(batch)?;
            self.room.wait();
        }
        Ok(())
    }

    fn writer(&mut self, index: &Index) -> tantivy::Result<&mut IndexWriter<Row>> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => new_writer(index)?,
        };
        Ok(self.writer.insert(writer))
    }
}

fn new_writer(index: &Index) -> tantivy::Result<IndexWriter<Row>> {
    let options = IndexWriterOptions::builder().memory_budget_per_thread(MEMORY).num_worker_threads(1);
    let writer = index.writer_with_options(options.num_merge_threads(1).build())?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_layer_size(SMALL_SEGMENT);
    policy.set_min_num_segments(MERGED);
    policy.set_level_log_size(2.0);
    policy.set_del_docs_ratio_before_merge(0.4);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

/// A document on its way to the writer's thread, holding its place in the waiting room.
struct Row {
    row: TantivyDocument,
    _place: Place,
}

impl tantivy::Document for Row {
    type Value<'a> = <TantivyDocument as tantivy::Document>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as tantivy::Document>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.row.iter_fields_and_values()
    }

    fn into_tantivy_document(self) -> TantivyDocument {
        self.row
    }
}

/// How many bytes are on their way.
#[derive(Default)]
struct Room {
    bytes: Mutex<usize>,
    left: Condvar,
}

/// Some of those bytes; they are let go with it.
struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    fn take(self: &Arc<Self>, bytes: usize) -> Place {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) += bytes;
        Place { room: Arc::clone(self), bytes }
    }

    /// Waits until there are few enough.
    fn wait(&self) {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *bytes > WAITING_BYTES {
            drop(self.left.wait_timeout_while(bytes, PATIENCE, |bytes| *bytes > ENOUGH_BYTES));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut bytes = self.room.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *bytes;
        *bytes = before.saturating_sub(self.bytes);
        // Waking the feeder for each document would cost as much as cutting it into words.
        if before > ENOUGH_BYTES && *bytes <= ENOUGH_BYTES {
            self.room.left.notify_all();
        }
    }
}

/// Whether the last commit has a document. One that was removed may still count, until its segment is merged.
fn holds(searcher: &Searcher, fields: &Fields, id: EntityId) -> tantivy::Result<bool> {
    let term = fields.id_term(id);
    for segment in searcher.segment_readers() {
        if segment.inverted_index(fields.key)?.get_term_info(&term)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
