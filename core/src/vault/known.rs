//! What the store knows of a vault's files from earlier imports and exports.
//!
//! Invariants: all that is known of a folder comes from that folder, or from exactly one other that held the same vault; two files of a folder are
//! never the same note. What doesn't match is unknown: a note that comes in twice can be put right, two notes merged into one can't.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use altair_protocol::{EntityId, Hash};

use super::walk::{Entry, is_note};
use crate::error::{Error, Result};
use crate::store::Database;
use crate::store::rows::{FileRow, file_key, file_record};

pub(super) struct Known {
    folder: String,
    rows: Arc<HashMap<String, FileRow>>,
    /// The files whose entities were erased before the import began.
    left: Arc<HashSet<String>>,
    /// Files that are no longer where they were, by hash: a new file with the same content is one that was moved.
    gone: HashMap<String, Vec<FileRow>>,
    /// What the files that are here belong to.
    claimed: HashSet<EntityId>,
}

impl Known {
    /// What is known of the files in a folder, which are `entries`.
    pub(super) async fn of(db: &Database, folder: &str, vault: &str, entries: &[Entry]) -> Result<Self> {
        let mut rows = db.files_under(folder).await?;
        if rows.is_empty() {
            rows = elsewhere(db, vault, entries).await?;
        }
        let here: HashSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        let (here, mut gone): (Vec<_>, Vec<_>) = rows.iter().partition(|row| here.contains(row.path.as_str()));
        let claimed: HashSet<EntityId> = here.into_iter().map(entity_of).collect();
        gone.retain(|row| !claimed.contains(&entity_of(row)));
        gone.sort_by(|a, b| a.path.cmp(&b.path));
        let mut by_hash: HashMap<String, Vec<FileRow>> = HashMap::new();
        for row in gone {
            by_hash.entry(row.hash.clone()).or_default().push(row.clone());
        }
        let erased: HashSet<EntityId> = db.erased_ids().await?.into_iter().collect();
        let left = rows.iter().filter(|row| erased.contains(&entity_of(row))).map(|row| row.path.clone()).collect();
        let rows = rows.into_iter().map(|row| (row.path.clone(), row)).collect();
        Ok(Self { folder: folder.to_owned(), rows: Arc::new(rows), left: Arc::new(left), gone: by_hash, claimed })
    }

    /// The known files by path.
    pub(super) fn rows(&self) -> &Arc<HashMap<String, FileRow>> {
        &self.rows
    }

    /// The paths of files that aren't read: what they belonged to was erased.
    pub(super) fn left(&self) -> &Arc<HashSet<String>> {
        &self.left
    }

    /// What a file may belong to.
    pub(super) fn candidates(&self, path: &str, hash: Hash) -> impl Iterator<Item = EntityId> {
        self.rows.get(path).into_iter().chain(self.gone.get(&hash.to_string()).into_iter().flatten()).map(entity_of)
    }

    /// What is known of a file: by its path, or, when it is new here, as one of the same kind that was moved.
    pub(super) fn look(&self, path: &str, hash: Hash) -> Option<&FileRow> {
        self.rows.get(path).or_else(|| {
            let gone = self.gone.get(&hash.to_string())?;
            gone.get(moved_from(gone, path)?)
        })
    }

    /// [`Known::look`], and whether the file was moved. What is taken is no other file.
    pub(super) fn take(&mut self, path: &str, hash: Hash) -> Option<(FileRow, bool)> {
        if let Some(row) = self.rows.get(path) {
            return Some((row.clone(), false));
        }
        let gone = self.gone.get_mut(&hash.to_string())?;
        let n = moved_from(gone, path)?;
        Some((gone.remove(n), true))
    }

    /// Whether a row is of this folder, and not of another that held the vault.
    pub(super) fn is_here(&self, row: &FileRow) -> bool {
        row.id == file_record(&self.folder, &row.path)
    }

    /// Whether some file here belongs to this entity.
    pub(super) fn is_claimed(&self, entity: EntityId) -> bool {
        self.claimed.contains(&entity)
    }

    /// A file here belongs to this entity.
    pub(super) fn claim(&mut self, entity: EntityId) {
        self.claimed.insert(entity);
    }
}

/// Which of these files is now at `path`: one of the same name, if there is one.
fn moved_from(gone: &[FileRow], path: &str) -> Option<usize> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let alike = |row: &FileRow| is_note(&row.path) == is_note(path);
    gone.iter().position(|row| alike(row) && name(&row.path) == name(path)).or_else(|| gone.iter().position(alike))
}

/// The entity of a known file.
pub(super) fn entity_of(row: &FileRow) -> EntityId {
    EntityId::from(uuid::Uuid::from(row.entity))
}

/// What is known of another folder that held the same vault: one of the same name, whose notes are mostly here as they were.
async fn elsewhere(db: &Database, vault: &str, entries: &[Entry]) -> Result<Vec<FileRow>> {
    let mut folders: BTreeMap<String, Vec<FileRow>> = BTreeMap::new();
    for row in db.files_of_vault(vault).await? {
        folders.entry(file_key(&row.id)?.0.to_owned()).or_default().push(row);
    }
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let entries = entries.to_vec();
    tokio::task::spawn_blocking(move || best_match(folders, &entries))
        .await
        .map_err(|error| Error::internal("reading the vault failed").because(error))
}

fn best_match(folders: BTreeMap<String, Vec<FileRow>>, entries: &[Entry]) -> Vec<FileRow> {
    let notes_tell = folders.values().all(|rows| rows.iter().any(is_telling));
    let here: HashSet<String> =
        entries.iter().filter(|entry| entry.is_note || !notes_tell).filter_map(|entry| hash_of(&entry.file)).collect();
    let mut best: (usize, Vec<FileRow>) = (0, Vec::new());
    for (folder, rows) in folders {
        let mut telling: Vec<&FileRow> = rows.iter().filter(|row| is_telling(row)).collect();
        if telling.is_empty() {
            telling = rows.iter().collect();
        }
        let same = telling.iter().filter(|row| here.contains(&row.hash)).count();
        // A vault that was moved is gone from where it was, so half will do; a copy has to be one for the most part.
        let moved = Path::new(&folder).try_exists().is_ok_and(|there| !there);
        let known = if moved { same * 2 >= telling.len() } else { same * 2 > telling.len() };
        if known && same > best.0 {
            best = (same, rows);
        }
    }
    best.1
}

/// Whether a file tells one vault from another: settings, plugins and empty files are alike in many, and of an erased note's file nothing is known.
fn is_telling(row: &FileRow) -> bool {
    row.version.is_some() && row.hash != Hash::of(b"").to_string()
}

fn hash_of(file: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(file).ok()?).ok()?;
    Some(Hash::from(hasher.finalize()).to_string())
}
