//! Backup and restore: NDJSON that a person can read.
//!
//! A header, one line per entity state (the form that bootstrap has), blobs in pieces of base64, and a trailer with the counts and a BLAKE3 checksum over
//! all lines before it. A restored store is a new device, so that it can never be mistaken for the one that was backed up.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use altair_protocol::rpc;
use altair_protocol::view::Content;
use altair_protocol::{Bytes, EntityId, EntityState, Hash};
use serde::{Deserialize, Serialize};

use super::{Act, Altair, BackedUp, Config, Here, Inner, absolute};
use crate::error::{Error, Result};
use crate::reading::read;
use crate::store::blobs::Blobs;
use crate::store::folder::sync_folder;
use crate::store::rows::{FileRow, entity_of, file_key, file_record};
use crate::store::sealed::open_state;
use crate::store::write::Undoing;

const FORMAT: u32 = 1;
const BLOB_PIECE: usize = 768 << 10;
/// How many entities are restored in one transaction, and how many bytes of them, at most.
const CHUNK: usize = 500;
const CHUNK_BYTES: usize = 4 << 20;
/// No line of a backup is longer: the longest is an entity with its texts.
const MAX_LINE: u64 = 256 << 20;

/// A line of a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header { altair: String, format: u32, created_at: altair_protocol::view::Time },
    Entity(Box<EntityState>),
    Erased(EntityId),
    File(Box<VaultFile>),
    Blob { hash: Hash, offset: u64, data: Bytes },
    Trailer { entities: u64, blobs: u64, checksum: String },
}

/// A vault's file as the store knows it: what an edit made outside is compared with.
#[derive(Debug, Serialize, Deserialize)]
struct VaultFile {
    folder: String,
    path: String,
    vault: String,
    entity: EntityId,
    hash: String,
    version: Option<Bytes>,
    front: Option<String>,
    links: i64,
}

impl Altair {
    /// Writes everything but the history into one file, which is there whole or not at all.
    pub async fn backup(&self, file: &Path) -> Result<BackedUp> {
        self.call(rpc::Backup { file: absolute(file)? }).await
    }

    /// Makes a store from a backup. The store has to be empty, and nothing is written before the whole backup has been checked.
    pub async fn restore_backup(config: Config, file: &Path) -> Result<BackedUp> {
        Self::check_backup(file).await?;
        let altair = Self::open(config).await?;
        let restored = altair.fill_from_backup(file).await;
        let closed = altair.close().await;
        let restored = restored?;
        closed?;
        Ok(restored)
    }

    /// Reads a whole backup through and compares its checksum.
    pub async fn check_backup(file: &Path) -> Result<BackedUp> {
        let (answer, checked) = tokio::sync::oneshot::channel();
        let file = file.to_owned();
        // A thread of its own: there may be no engine yet, and a backup is long.
        std::thread::spawn(move || answer.send(check(&file).map(|(backed_up, _)| backed_up)));
        checked.await.map_err(|error| Error::internal("checking the backup failed").because(error))?
    }

    /// Fills this store from a backup. It has to be empty, and nothing is written before the whole backup has been checked. A store whose
    /// restoring was interrupted is refused when it is next opened.
    pub async fn fill_from_backup(&self, file: &Path) -> Result<BackedUp> {
        self.call(rpc::FillFromBackup { file: absolute(file)? }).await
    }
}

impl Act for rpc::Backup {
    async fn act(self, here: Here) -> Result<BackedUp> {
        let Self { file } = self;
        here.backup(file).await
    }
}

impl Act for rpc::FillFromBackup {
    async fn act(self, here: Here) -> Result<BackedUp> {
        let Self { file } = self;
        let checking = file.clone();
        let checked = tokio::task::spawn_blocking(move || check(&checking)).await;
        let (backed_up, erased) =
            checked.map_err(|error| Error::internal("checking the backup failed").because(error))??;
        here.restore_backup(&file, &erased).await?;
        Ok(backed_up)
    }
}

impl Inner {
    async fn backup(&self, file: PathBuf) -> Result<BackedUp> {
        if file.is_dir() {
            return Err(Error::invalid(format!("{} is a folder", file.display()), "name a file, like backup.ndjson"));
        }
        // What is staged when the backup begins is in it.
        drop(self.writer.begin_quiet().await?);
        let mut out = Output::create(&file)?;
        out.line(&Line::Header {
            altair: "backup".to_owned(),
            format: FORMAT,
            created_at: altair_protocol::view::Time::from_millis(self.writer.environment.now().cast_signed()),
        })?;
        let mut entities = 0;
        let mut blobs = BTreeSet::new();
        let mut after = None;
        loop {
            let rows = self.db.entity_rows(after, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            after = Some(entity_of(&last.id)?);
            for row in &rows {
                let state = open_state(&row.state, entity_of(&row.id)?)?;
                if let Content::Attachment { hash: Some(hash), .. } = read(&state)?.entity.content {
                    blobs.insert(hash);
                }
                out.line(&Line::Entity(Box::new(state)))?;
                entities += 1;
            }
        }
        for id in self.db.erased_ids().await? {
            out.line(&Line::Erased(id))?;
        }
        for row in self.db.all_files().await? {
            out.line(&Line::File(Box::new(VaultFile::of(row)?)))?;
        }
        let (named, store) = (blobs.len() as u64, self.blobs.clone());
        let written = tokio::task::spawn_blocking(move || {
            write_blobs(&store, &blobs, out).and_then(|out| out.end(entities, named))
        });
        let (bytes, checksum) =
            written.await.map_err(|error| Error::internal("the backup can't be written").because(error))??;
        Ok(BackedUp { entities, bytes, checksum })
    }

    async fn restore_backup(&self, file: &Path, erased: &HashSet<EntityId>) -> Result<()> {
        if self.db.head_row().await?.is_some_and(|row| row.seq > 0) || !self.db.entity_rows(None, 1).await?.is_empty() {
            return Err(Error::refused("the store is not empty", "restore into a new folder with --store"));
        }
        if self.db.account().await?.is_some() {
            let hint = "restore into a new folder with --store, and log in from there";
            return Err(Error::refused("the store has been logged in to a server", hint));
        }
        self.folder.set_restoring(true)?;
        let mut states = Vec::new();
        let mut bytes = 0;
        let mut files = Vec::new();
        let mut blob: Option<(Hash, File, PathBuf)> = None;
        for line in lines(file)? {
            let (line, raw) = line?;
            match line {
                // Erased while the backup was being written.
                Line::Entity(state) if erased.contains(&state.id) => {}
                Line::Entity(state) => {
                    states.push(*state);
                    bytes += raw.len();
                    if states.len() >= CHUNK || bytes > CHUNK_BYTES {
                        bytes = 0;
                        self.join_all(std::mem::take(&mut states)).await?;
                    }
                }
                Line::Erased(id) => self.db.set_erased(id).await?,
                Line::File(file) => files.push(file.row()),
                Line::Blob { hash, offset, data } => {
                    if offset == 0 {
                        self.finish_blob(blob.take()).await?;
                        let path = self.folder.root().join(format!("restoring-{hash}"));
                        let open = File::create(&path).map_err(|error| Error::io("writing", &path, error))?;
                        blob = Some((hash, open, path));
                    }
                    if let Some((_, open, path)) = &mut blob {
                        open.write_all(&data.0).map_err(|error| Error::io("writing", path, error))?;
                    }
                }
                Line::Header { .. } | Line::Trailer { .. } => {}
            }
        }
        self.finish_blob(blob).await?;
        self.join_all(states).await?;
        for chunk in files.chunks(CHUNK) {
            let mut unit = self.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            for row in chunk {
                unit.remember_file(row.clone(), false);
            }
            unit.commit().await?;
        }
        self.folder.set_restoring(false)
    }

    async fn join_all(&self, states: Vec<EntityState>) -> Result<()> {
        let mut unit = self.writer.begin().await?;
        unit.set_act(Undoing::Keep);
        unit.in_bulk();
        unit.look_up(&states.iter().map(|state| state.id).collect::<Vec<_>>()).await?;
        for state in &states {
            unit.join(state).await?;
        }
        unit.commit().await
    }

    async fn finish_blob(&self, blob: Option<(Hash, File, PathBuf)>) -> Result<()> {
        let Some((hash, open, path)) = blob else { return Ok(()) };
        drop(open);
        let put = self.put_blob(path.clone()).await;
        let _ = std::fs::remove_file(&path);
        match put? {
            (found, _) if found == hash => Ok(()),
            _ => Err(Error::corrupt(format!("the backup's bytes for the attachment {hash} are damaged"))),
        }
    }
}

impl VaultFile {
    fn of(row: FileRow) -> Result<Self> {
        let (folder, path) = file_key(&row.id)?;
        let (folder, path) = (folder.to_owned(), path.to_owned());
        Ok(Self {
            folder,
            path,
            vault: row.vault,
            entity: EntityId::from(uuid::Uuid::from(row.entity)),
            hash: row.hash,
            version: row.version.map(|version| Bytes(version.to_vec())),
            front: row.front,
            links: row.links,
        })
    }

    fn row(self) -> FileRow {
        FileRow {
            id: file_record(&self.folder, &self.path),
            vault: self.vault,
            path: self.path,
            entity: self.entity.uuid().into(),
            hash: self.hash,
            version: self.version.map(|version| version.0.into()),
            front: self.front,
            links: self.links,
        }
    }
}

/// Writes blobs piece by piece.
fn write_blobs(store: &Blobs, blobs: &BTreeSet<Hash>, mut out: Output) -> Result<Output> {
    for &hash in blobs {
        let mut from = store.open(hash)?;
        let mut offset = 0;
        loop {
            let mut piece = Vec::new();
            let read = (&mut from).take(BLOB_PIECE as u64).read_to_end(&mut piece);
            let n = read.map_err(|error| Error::io("reading", &store.path(hash), error))? as u64;
            if n == 0 && offset > 0 {
                break;
            }
            out.line(&Line::Blob { hash, offset, data: Bytes(piece) })?;
            offset += n;
            if n == 0 {
                break;
            }
        }
    }
    Ok(out)
}

/// Reads a whole backup through and compares its checksum; also gives what had been erased.
fn check(file: &Path) -> Result<(BackedUp, HashSet<EntityId>)> {
    let damaged = |what: &str| {
        Error::invalid(format!("{} is no whole backup: {what}", file.display()), "take another backup file")
    };
    let bytes = std::fs::metadata(file).map_err(|error| Error::io("reading", file, error))?.len();
    let mut hasher = blake3::Hasher::new();
    let mut entities = 0;
    let mut trailer = None;
    let mut erased = HashSet::new();
    for (n, line) in lines(file)?.enumerate() {
        let (line, raw) = line?;
        if trailer.is_some() {
            return Err(damaged("it goes on after its end"));
        }
        match (n, &line) {
            (0, Line::Header { altair, format, .. }) if altair == "backup" && *format <= FORMAT => {}
            (0, Line::Header { altair, .. }) if altair == "backup" => {
                return Err(Error::new(
                    crate::ErrorKind::Unsupported,
                    format!("{} was written by a newer version", file.display()),
                    "update Altair, then restore it",
                ));
            }
            (0, _) => return Err(damaged("it doesn't begin with a header")),
            (_, Line::Entity(_)) => entities += 1,
            (_, Line::Erased(id)) => {
                erased.insert(*id);
            }
            (_, Line::Trailer { entities, checksum, .. }) => {
                trailer = Some((*entities, checksum.clone()));
                continue;
            }
            _ => {}
        }
        hasher.update(&raw);
    }
    match trailer {
        None => Err(damaged("its end is missing")),
        Some((count, checksum)) if count == entities && checksum == hasher.finalize().to_hex().as_str() => {
            Ok((BackedUp { entities, bytes, checksum }, erased))
        }
        Some(_) => Err(damaged("its checksum is wrong")),
    }
}

fn lines(file: &Path) -> Result<impl Iterator<Item = Result<(Line, Vec<u8>)>> + use<>> {
    let open = File::open(file).map_err(|error| Error::io("reading", file, error))?;
    let file = file.to_owned();
    let mut reader = BufReader::new(open);
    let mut n = 0;
    Ok(std::iter::from_fn(move || {
        let mut raw = Vec::new();
        n += 1;
        match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut raw) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&raw).map(|line| (line, raw)).map_err(|error| {
                Error::invalid(
                    format!("line {n} of {} is no line of a backup", file.display()),
                    "take another backup file",
                )
                .because(error)
            })),
            Err(error) => Some(Err(Error::io("reading", &file, error))),
        }
    }))
}

/// A file that appears under its name when it is whole and on disk.
struct Output {
    writer: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
    temporary: PathBuf,
    path: PathBuf,
    done: bool,
}

impl Output {
    fn create(path: &Path) -> Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(|error| Error::io("writing", path, error))?;
        Ok(Self {
            writer: BufWriter::new(file),
            hasher: blake3::Hasher::new(),
            bytes: 0,
            temporary,
            path: path.to_owned(),
            done: false,
        })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let mut raw =
            serde_json::to_vec(line).map_err(|error| Error::internal("a line can't be written").because(error))?;
        raw.push(b'\n');
        self.hasher.update(&raw);
        self.bytes += raw.len() as u64;
        self.writer.write_all(&raw).map_err(|error| Error::io("writing", &self.temporary, error))
    }

    fn checksum(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// Writes the end; gives the file's size and checksum.
    fn end(mut self, entities: u64, blobs: u64) -> Result<(u64, String)> {
        let checksum = self.checksum();
        self.line(&Line::Trailer { entities, blobs, checksum: checksum.clone() })?;
        Ok((self.finish()?, checksum))
    }

    fn finish(mut self) -> Result<u64> {
        let failed = |error| Error::io("writing", &self.path, error);
        self.writer.flush().map_err(failed)?;
        self.writer.get_ref().sync_all().map_err(failed)?;
        std::fs::rename(&self.temporary, &self.path).map_err(failed)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(folder).map_err(failed)?;
        self.done = true;
        Ok(self.bytes)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
