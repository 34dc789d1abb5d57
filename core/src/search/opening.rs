//! Opening what is in the folder, or refusing it with the reason for making it anew.
//!
//! Whatever is opened here was written by this version for this store, and its files are those that were written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tantivy::index::SegmentComponent;
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyError};

use super::SearchError;
use super::files::{Folder, META, Reading, is_segment_file};
use super::index::from_tantivy;
use super::schema::{Fields, UPDATED, VERSION, settings, tokenizers};
use super::trust::{self, TrustError};

/// How many blocks of stored texts a segment keeps decompressed: a page's worth, a few hundred kilobytes in all.
const CACHED_BLOCKS: usize = 32;

/// What a commit says of itself, inside the file that makes it one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) version: u32,
    pub(super) store: String,
    pub(super) holds: u64,
}

/// An index that could be read.
pub(super) struct Opened {
    pub(super) index: Index,
    pub(super) reader: IndexReader,
    pub(super) holds: u64,
}

/// Why an index can't be used as it is.
pub(super) enum Refusal {
    /// It has to be made anew, for this reason.
    Stale(String),
    /// It might be fine, but can't be read now.
    Failed(SearchError),
}

/// Opens what is there.
pub(super) fn existing(dir: &Path, store: &str, fields: &Fields) -> Result<Opened, Refusal> {
    let stale = |reason: &str| Refusal::Stale(reason.to_owned());
    if !dir.join(META).exists() {
        return Err(stale("there was none yet"));
    }
    if let Some(reason) = trust::marked(dir) {
        return Err(Refusal::Stale(format!("it was found to be damaged: {reason}")));
    }
    let refused = |error: TantivyError| match from_tantivy(dir, error) {
        SearchError::Io { dir, source } => Refusal::Failed(SearchError::Io { dir, source }),
        other => Refusal::Stale(format!("it couldn't be read: {other}")),
    };
    let folder = Folder::new(dir, Reading::Mapped).map_err(refused)?;
    let mut index = Index::open(folder).map_err(refused)?;
    index.set_tokenizers(tokenizers());
    let payload = index.load_metas().map_err(refused)?.payload.ok_or_else(|| stale("it was never filled"))?;
    let payload: Payload = serde_json::from_str(&payload).map_err(|_| stale("it was made by another version"))?;
    if payload.version != VERSION || index.schema() != fields.schema || *index.settings() != settings() {
        return Err(stale("it was made by another version"));
    }
    if payload.store != store {
        return Err(stale("it belongs to another store"));
    }
    let files = segment_files(&index).map_err(refused)?;
    trust::check_changed(dir, &files).map_err(|error| match error {
        TrustError::Damaged { .. } => Refusal::Stale(error.to_string()),
        TrustError::Read { source, .. } => Refusal::Failed(SearchError::Io { dir: dir.to_owned(), source }),
    })?;
    let reader = reader(&index).map_err(refused)?;
    for segment in reader.searcher().segment_readers() {
        let column = segment.fast_fields().i64(UPDATED).map_err(refused)?;
        if column.num_docs() != segment.max_doc() {
            return Err(stale("its parts don't fit together"));
        }
    }
    Ok(Opened { index, reader, holds: payload.holds })
}

/// Makes an empty index in an empty folder.
pub(super) fn fresh(dir: &Path, fields: &Fields) -> tantivy::Result<Opened> {
    let folder = Folder::new(dir, Reading::Mapped)?;
    let index = Index::builder()
        .schema(fields.schema.clone())
        .settings(settings())
        .tokenizers(tokenizers())
        .open_or_create(folder)?;
    let reader = reader(&index)?;
    Ok(Opened { index, reader, holds: 0 })
}

fn reader(index: &Index) -> tantivy::Result<IndexReader> {
    // The index knows itself when it has changed; watching the folder would take a thread that polls it.
    index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(CACHED_BLOCKS).try_into()
}

/// The files of the last commit's segments.
pub(super) fn segment_files(index: &Index) -> tantivy::Result<Vec<PathBuf>> {
    use SegmentComponent::{Delete, FastFields, FieldNorms, Positions, Postings, Store, Terms};
    let mut files: Vec<PathBuf> = Vec::new();
    for segment in index.searchable_segment_metas()? {
        files.extend(
            [Postings, Positions, FastFields, FieldNorms, Terms, Store].map(|part| segment.relative_path(part)),
        );
        if segment.has_deletes() {
            files.push(segment.relative_path(Delete));
        }
    }
    files.sort();
    Ok(files)
}

/// Removes an index's files, and nothing else that somebody may have put there.
pub(super) fn clear(dir: &Path) -> io::Result<()> {
    const OURS: [&str; 7] = [
        META,
        ".managed.json",
        ".managed.json.new",
        "checked.json",
        "checked.json.new",
        "damaged",
        ".tantivy-writer.lock",
    ];
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if (OURS.contains(&name.as_str()) || is_segment_file(&name)) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
