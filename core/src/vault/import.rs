//! Import: a vault's files become notes and attachments, or change those that they became before.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use altair_protocol::{Bytes, EntityId, Field, Hash, Kind, Op, Value, rpc};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::known::{Known, entity_of};
use super::note::{Parsed, imported_again, imported_id, new_note, outside_edit, title_of};
use super::walk::{Entry, walk};
use super::{Reason, skipped};
use crate::engine::{Act, Altair, Here, Imported, Inner, Progress, absolute};
use crate::error::{Error, Result};
use crate::merge::MadeText;
use crate::store::rows::{FileRow, as_i64, file_record};
use crate::store::write::{Staged, Undoing, Unit};

/// How many files are read and written at a time, at most.
const CHUNK_FILES: usize = 250;
/// How many bytes of notes: a chunk is one unit, and has to fit a transaction.
const CHUNK_BYTES: u64 = 2 << 20;

impl Altair {
    /// Imports a vault. What it doesn't have yet is made, what was edited outside is merged, and the rest is left alone.
    pub async fn import(&self, folder: &Path, progress: impl FnMut(Progress) + Send + 'static) -> Result<Imported> {
        self.call_with(rpc::Import { folder: absolute(folder)? }, Box::new(progress)).await
    }
}

impl Act for rpc::Import {
    async fn act(self, here: Here) -> Result<Imported> {
        let Self { folder } = self;
        let _alone = Arc::clone(&here.vaults).lock_owned().await;
        // What an import that failed had staged is written, and known, before this one looks.
        drop(here.writer.begin_quiet().await?);
        Import::new(Arc::clone(&here), &folder).await?.run(here.progress()).await
    }
}

/// A file as it was read.
enum Read {
    Unchanged { links: i64 },
    Note(Box<ReadNote>),
    Attachment { hash: Hash, size: u64, id: EntityId },
    Skipped(Reason),
}

impl Read {
    /// The hash of a file that isn't as it was.
    fn hash(&self) -> Option<Hash> {
        match self {
            Self::Note(note) => Some(note.hash),
            Self::Attachment { hash, .. } => Some(*hash),
            Self::Unchanged { .. } | Self::Skipped(_) => None,
        }
    }
}

/// A note's file as it was read.
struct ReadNote {
    text: String,
    front: Option<String>,
    hash: Hash,
    links: i64,
    /// The id that it has if it is new.
    id: EntityId,
    /// The steps that make it, if no file of this path is known.
    made: Option<(Vec<Op>, MadeText)>,
}

/// A file that was something before.
struct KnownFile {
    staged: Arc<Staged>,
    row: FileRow,
    moved: bool,
}

struct Import {
    inner: Arc<Inner>,
    vault: String,
    folder: String,
    entries: Vec<Entry>,
    known: Known,
    /// Of the ids in the chunk that is being taken, those that were erased.
    erased: HashSet<EntityId>,
    report: Imported,
    answers: Vec<oneshot::Receiver<Result<()>>>,
}

impl Import {
    async fn new(inner: Arc<Inner>, folder: &Path) -> Result<Self> {
        let root = folder.canonicalize().map_err(|error| Error::io("reading", folder, error))?;
        if !root.is_dir() {
            return Err(Error::invalid(format!("{} is not a folder", folder.display()), "name the vault's folder"));
        }
        let store = inner.folder.root();
        if root.starts_with(store) || store.starts_with(&root) {
            return Err(Error::invalid(
                format!("{} and the store {} lie one in the other", root.display(), store.display()),
                "keep the store outside the vault",
            ));
        }
        let folder = root
            .to_str()
            .ok_or_else(|| Error::invalid(format!("the path {} is not UTF-8", root.display()), "rename the folder"))?;
        let vault = root.file_name().and_then(|name| name.to_str()).unwrap_or("vault").to_owned();
        let walked = root.clone();
        let walked = tokio::task::spawn_blocking(move || walk(&walked)).await;
        let (entries, skipped) =
            walked.map_err(|error| Error::internal("reading the vault failed").because(error))??;
        let known = Known::of(&inner.db, folder, &vault, &entries).await?;
        Ok(Self {
            inner,
            vault,
            folder: folder.to_owned(),
            known,
            erased: HashSet::new(),
            report: Imported { skipped, ..Imported::default() },
            entries,
            answers: Vec::new(),
        })
    }

    async fn run(mut self, mut progress: impl FnMut(Progress)) -> Result<Imported> {
        let total = self.entries.len() as u64;
        let mut done = 0;
        progress(Progress { done, total });
        let mut chunks = self.read_ahead();
        while let Some(reading) = chunks.recv().await {
            let chunk = reading.await.map_err(|error| Error::internal("reading the vault failed").because(error))?;
            done += chunk.len() as u64;
            let span = tracing::debug_span!("chunk", files = chunk.len());
            self.take(chunk).instrument(span).await?;
            progress(Progress { done, total });
        }
        for answer in self.answers {
            answer.await.map_err(|error| Error::internal("the writer stopped").because(error))??;
        }
        self.report.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(self.report)
    }

    /// Reads chunk after chunk on other threads, a few ahead of the writer.
    fn read_ahead(&mut self) -> mpsc::Receiver<tokio::task::JoinHandle<Vec<(Entry, Read)>>> {
        let (send, receive) = mpsc::channel(2);
        let entries = std::mem::take(&mut self.entries);
        let reader = Arc::new(Reader {
            inner: Arc::clone(&self.inner),
            vault: self.vault.clone(),
            known: Arc::clone(self.known.rows()),
            left: Arc::clone(self.known.left()),
        });
        tokio::spawn(async move {
            for chunk in chunks(entries) {
                let reader = Arc::clone(&reader);
                let task = tokio::task::spawn_blocking(move || {
                    chunk
                        .into_iter()
                        .map(|entry| {
                            let read = reader.read(&entry);
                            (entry, read)
                        })
                        .collect()
                });
                if send.send(task).await.is_err() {
                    return;
                }
            }
        });
        receive
    }

    async fn take(&mut self, chunk: Vec<(Entry, Read)>) -> Result<()> {
        let ids: Vec<EntityId> = chunk
            .iter()
            .filter_map(|(_, read)| match read {
                Read::Note(note) => Some(note.id),
                Read::Attachment { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        let mut unit = self.inner.writer.begin().await?;
        unit.set_act(Undoing::Keep);
        unit.look_up(&ids).await?;
        let known = chunk.iter().filter_map(|(entry, read)| Some(self.known.candidates(&entry.path, read.hash()?)));
        let all: Vec<EntityId> = known.flatten().chain(ids.iter().copied()).collect();
        self.erased = unit.erased(&all).await?;
        for (entry, read) in chunk {
            if let Some(hash) = read.hash()
                && let Some(row) = self.known.look(&entry.path, hash)
                && self.erased.contains(&entity_of(row))
            {
                self.leave(&mut unit, &entry.path, hash);
                continue;
            }
            match read {
                Read::Unchanged { links } => {
                    self.report.unchanged += 1;
                    self.report.links += links.unsigned_abs();
                    self.adopt(&mut unit, &entry.path);
                }
                Read::Skipped(reason) => self.report.skipped.push(skipped(&entry.path, reason)),
                Read::Note(note) => {
                    self.report.links += note.links.unsigned_abs();
                    self.note(&mut unit, &entry.path, *note).await?;
                }
                Read::Attachment { hash, size, id } => self.attachment(&mut unit, &entry.path, hash, size, id).await?,
            }
        }
        self.answers.extend(unit.stage()?);
        Ok(())
    }

    /// A file that is known from another folder of the same vault is known here from now on.
    fn adopt(&self, unit: &mut Unit, path: &str) {
        let record = file_record(&self.folder, path);
        if let Some(row) = self.known.rows().get(path)
            && row.id != record
        {
            unit.remember_file(FileRow { id: record, ..row.clone() }, false);
        }
    }

    /// Erased is erased: a file whose note was erased stays where it is. Here are those that were moved, or whose note was erased a moment ago.
    fn leave(&mut self, unit: &mut Unit, path: &str, hash: Hash) {
        self.report.unchanged += 1;
        if let Some((row, moved)) = self.known.take(path, hash)
            && (moved || !self.known.is_here(&row))
        {
            if self.known.is_here(&row) {
                unit.forget_file(row.id.clone());
            }
            self.remember(unit, entity_of(&row), self.row(path, entity_of(&row), hash));
        }
    }

    /// What is remembered of a file whose content isn't: of an attachment, or of one whose note was erased.
    fn row(&self, path: &str, entity: EntityId, hash: Hash) -> FileRow {
        FileRow {
            id: file_record(&self.folder, path),
            vault: self.vault.clone(),
            path: path.to_owned(),
            entity: entity.uuid().into(),
            hash: hash.to_string(),
            version: None,
            front: None,
            links: 0,
        }
    }

    async fn note(&mut self, unit: &mut Unit, path: &str, note: ReadNote) -> Result<()> {
        let ReadNote { text, front, hash, links, id, made } = note;
        let known = self.known_of(unit, path, hash, Kind::Note).await?;
        let (entity, version) = match known {
            Some(KnownFile { staged, row, moved }) => {
                let (entity, state) = (staged.state.id, &staged.state);
                let old = row.version.as_ref().map(|version| Bytes(version.to_vec()));
                let (mut ops, version) = outside_edit(state, old.as_ref(), row.front.as_deref(), &text)?;
                if moved {
                    if state.value(&Field::TITLE).and_then(Value::as_str) == Some(title_of(&row.path)) {
                        ops.push(crate::engine::set(Field::TITLE, title_of(path)));
                    }
                    ops.push(crate::engine::set(Field::PATH, path));
                }
                self.changed(unit, entity, Kind::Note, ops).await?;
                (entity, version)
            }
            None => {
                let (mut ops, body) = match made {
                    Some(made) => made,
                    None => new_note(&self.vault, path, &text, &Parsed::of(&text))?,
                };
                let version = body.version.clone();
                let id = self.unclaimed(unit, id).await?;
                if unit.get(id).await?.is_some() {
                    // Another device, or another folder, brought the same file in.
                    self.report.unchanged += 1;
                } else if self.erased.contains(&id) {
                    self.report.unchanged += 1;
                    self.remember(unit, id, self.row(path, id, hash));
                    return Ok(());
                } else {
                    ops.insert(0, crate::engine::created_op(unit));
                    unit.make(id, Kind::Note, ops, Some(body)).await?;
                    self.report.notes += 1;
                }
                (id, version)
            }
        };
        let row = FileRow { version: Some(version.0.into()), front, links, ..self.row(path, entity, hash) };
        self.remember(unit, entity, row);
        Ok(())
    }

    async fn attachment(&mut self, unit: &mut Unit, path: &str, hash: Hash, size: u64, id: EntityId) -> Result<()> {
        let known = self.known_of(unit, path, hash, Kind::Attachment).await?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let id = if known.is_none() { self.unclaimed(unit, id).await? } else { id };
        let mut ops =
            vec![crate::engine::set(Field::SIZE, as_i64(size)), crate::engine::set(Field::BLOB, hash.to_string())];
        let entity = match known {
            Some(KnownFile { staged, moved, .. }) => {
                let entity = staged.state.id;
                if moved {
                    ops = vec![crate::engine::set(Field::PATH, path), crate::engine::set(Field::TITLE, name)];
                } else if staged.state.value(&Field::BLOB).and_then(Value::as_str) == Some(hash.to_string().as_str()) {
                    ops.clear();
                }
                self.changed(unit, entity, Kind::Attachment, ops).await?;
                entity
            }
            None if unit.get(id).await?.is_some() || self.erased.contains(&id) => {
                self.report.unchanged += 1;
                id
            }
            None => {
                ops.extend([
                    crate::engine::created_op(unit),
                    crate::engine::set(Field::TITLE, name),
                    crate::engine::set(Field::MEDIA_TYPE, crate::engine::media_type(name)),
                    crate::engine::set(Field::PATH, path),
                ]);
                unit.change(id, Kind::Attachment, ops).await?;
                self.report.attachments += 1;
                id
            }
        };
        self.remember(unit, entity, self.row(path, entity, hash));
        Ok(())
    }

    /// What is known of a file, if it still is of this kind. The place that it was moved from is forgotten.
    async fn known_of(&mut self, unit: &mut Unit, path: &str, hash: Hash, kind: Kind) -> Result<Option<KnownFile>> {
        let Some((row, moved)) = self.known.take(path, hash) else { return Ok(None) };
        let Some(staged) = unit.get(entity_of(&row)).await?.filter(|staged| staged.state.kind == kind).cloned() else {
            return Ok(None);
        };
        if moved && self.known.is_here(&row) {
            unit.forget_file(row.id.clone());
        }
        Ok(Some(KnownFile { staged, row, moved }))
    }

    /// This id, or one after it if another file of the vault is what has it.
    async fn unclaimed(&mut self, unit: &Unit, mut id: EntityId) -> Result<EntityId> {
        while self.known.is_claimed(id) {
            id = imported_again(id);
            self.erased.extend(unit.erased(&[id]).await?);
        }
        Ok(id)
    }

    fn remember(&mut self, unit: &mut Unit, entity: EntityId, row: FileRow) {
        self.known.claim(entity);
        let known = self.known.rows().get(&row.path).is_some_and(|known| known.id == row.id);
        unit.remember_file(row, known);
    }

    async fn changed(&mut self, unit: &mut Unit, entity: EntityId, kind: Kind, ops: Vec<Op>) -> Result<()> {
        if ops.is_empty() {
            self.report.unchanged += 1;
            return Ok(());
        }
        unit.change(entity, kind, ops).await?;
        match kind {
            Kind::Attachment => self.report.attachments += 1,
            _ => self.report.notes += 1,
        }
        Ok(())
    }
}

/// Cuts the files into chunks that are neither too many nor too large; a note that is too large by itself is a chunk.
fn chunks(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut chunks: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let size = if entry.is_note { entry.size } else { 0 };
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_FILES && bytes + size <= CHUNK_BYTES => {
                chunk.push(entry);
                bytes += size;
            }
            _ => {
                chunks.push(vec![entry]);
                bytes = size;
            }
        }
    }
    chunks
}

/// Reads files: all that needs no database, on other threads.
struct Reader {
    inner: Arc<Inner>,
    vault: String,
    known: Arc<HashMap<String, FileRow>>,
    left: Arc<HashSet<String>>,
}

impl Reader {
    fn read(&self, entry: &Entry) -> Read {
        match entry.is_note {
            _ if self.left.contains(&entry.path) => Read::Unchanged { links: 0 },
            true => self.note(entry),
            false => self.attachment(entry),
        }
    }

    fn note(&self, entry: &Entry) -> Read {
        let Ok(bytes) = std::fs::read(&entry.file) else { return Read::Skipped(Reason::Unreadable) };
        if bytes.len() > crate::engine::MAX_TEXT_BYTES {
            return Read::Skipped(Reason::TooLarge);
        }
        let hash = Hash::of(&bytes);
        let known = self.known.get(&entry.path);
        if let Some(row) = known.filter(|row| row.hash == hash.to_string()) {
            return Read::Unchanged { links: row.links };
        }
        let id = imported_id(&self.vault, &entry.path, &bytes);
        let Ok(text) = String::from_utf8(bytes) else { return Read::Skipped(Reason::NotUtf8) };
        if text.contains('\0') {
            return Read::Skipped(Reason::NotText);
        }
        let parsed = Parsed::of(&text);
        let (links, front) = (parsed.links, parsed.front_text.map(str::to_owned));
        let made = if known.is_none() { new_note(&self.vault, &entry.path, &text, &parsed).ok() } else { None };
        Read::Note(Box::new(ReadNote { text, front, hash, links, id, made }))
    }

    fn attachment(&self, entry: &Entry) -> Read {
        let hash = |path: &PathBuf| {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(path)?)?;
            std::io::Result::Ok(Hash::from(hasher.finalize()))
        };
        if let Some(row) = self.known.get(&entry.path) {
            match hash(&entry.file) {
                Ok(hash) if row.hash == hash.to_string() => return Read::Unchanged { links: 0 },
                Ok(_) => {}
                Err(_) => return Read::Skipped(Reason::Unreadable),
            }
        }
        let Ok(file) = std::fs::File::open(&entry.file) else { return Read::Skipped(Reason::Unreadable) };
        match self.inner.blobs.put(file, &entry.file) {
            Ok((hash, size)) => {
                Read::Attachment { hash, size, id: imported_id(&self.vault, &entry.path, hash.as_bytes()) }
            }
            Err(error) => {
                // Its message has the file's path, which has a note's title.
                tracing::warn!(kind = ?error.kind(), "a file of the vault could not be stored");
                Read::Skipped(Reason::Unreadable)
            }
        }
    }
}
