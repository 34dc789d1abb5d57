//! Export: notes and attachments become files again.
//!
//! A file is written only where there is none, or where it still is what the last import or export left; each appears under its name when it is whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use altair_protocol::view::Content;
use altair_protocol::{EntityId, Field, Hash, Kind, rpc};

use super::known::entity_of;
use super::note::{Parsed, file_front};
use super::{Reason, partial_name, skipped};
use crate::engine::{Act, Altair, Exported, Here, Inner, Progress, Skipped, absolute};
use crate::error::{Error, Result};
use crate::merge::Text;
use crate::store::blobs::Blobs;
use crate::store::folder::sync_folder;
use crate::store::read::path_of;
use crate::store::rows::{FileRow, file_record};
use crate::store::write::Staged;

const CHUNK: usize = 250;

impl Altair {
    /// Writes all notes and the attachments of vaults into a folder. A file that changed outside since the last import or export is left alone, unless
    /// `force` says to write over it.
    pub async fn export(
        &self,
        folder: &Path,
        force: bool,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Exported> {
        self.call_with(rpc::Export { folder: absolute(folder)?, force }, Box::new(progress)).await
    }
}

impl Act for rpc::Export {
    async fn act(self, here: Here) -> Result<Exported> {
        let Self { folder, force } = self;
        let _alone = Arc::clone(&here.vaults).lock_owned().await;
        // What was written before the export began is in it.
        drop(here.writer.begin_quiet().await?);
        Export::new(Arc::clone(&here), &folder, force).await?.run(here.progress()).await
    }
}

struct Export {
    inner: Arc<Inner>,
    folder: Arc<Folder>,
    report: Exported,
}

/// The folder that is written to, and what is known of it.
struct Folder {
    blobs: Blobs,
    root: PathBuf,
    name: String,
    vault: String,
    force: bool,
    known: HashMap<String, FileRow>,
}

enum Outcome {
    Written,
    Unchanged,
}

/// What became of a chunk's files, up to the first that failed.
#[derive(Default)]
struct Chunk {
    rows: Vec<(Kind, Outcome, FileRow)>,
    skipped: Vec<Skipped>,
    failed: Option<Error>,
}

impl Export {
    async fn new(inner: Arc<Inner>, folder: &Path, force: bool) -> Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(Error::invalid(
                format!("{} is not a folder", folder.display()),
                "name the folder to write the vault to",
            ));
        }
        fs::create_dir_all(folder).map_err(|error| Error::io("making", folder, error))?;
        let root = folder.canonicalize().map_err(|error| Error::io("reading", folder, error))?;
        let store = inner.folder.root();
        if root.starts_with(store) || store.starts_with(&root) {
            return Err(Error::invalid(
                format!("{} and the store {} lie one in the other", root.display(), store.display()),
                "export to a folder outside the store",
            ));
        }
        let name = root
            .to_str()
            .ok_or_else(|| Error::invalid(format!("the path {} is not UTF-8", root.display()), "rename the folder"))?
            .to_owned();
        let known = inner.db.files_under(&name).await?.into_iter().map(|row| (row.path.clone(), row)).collect();
        let vault = root.file_name().and_then(|name| name.to_str()).unwrap_or("vault").to_owned();
        let folder = Folder { blobs: inner.blobs.clone(), root, name, vault, force, known };
        Ok(Self { inner, folder: Arc::new(folder), report: Exported::default() })
    }

    async fn run(mut self, mut progress: impl FnMut(Progress)) -> Result<Exported> {
        let paths = self.paths().await?;
        let total = paths.len() as u64;
        let mut done = 0;
        progress(Progress { done, total });
        let all: Vec<(String, EntityId)> = paths.into_iter().collect();
        for chunk in all.chunks(CHUNK) {
            let mut files = Vec::with_capacity(chunk.len());
            for (path, id) in chunk {
                if let Some(staged) = self.inner.db.entity(*id).await? {
                    files.push((path.clone(), staged));
                }
            }
            // The disk is slow, and whoever writes to the store meanwhile doesn't wait for it.
            let folder = Arc::clone(&self.folder);
            let written = tokio::task::spawn_blocking(move || folder.write_all(files)).await;
            self.take(written.map_err(|error| Error::internal("writing the vault failed").because(error))?).await?;
            done += chunk.len() as u64;
            progress(Progress { done, total });
        }
        Ok(self.report)
    }

    /// Remembers the files that were written, those before a failure too: what is unknown would be taken for an edit made outside.
    async fn take(&mut self, chunk: Chunk) -> Result<()> {
        let mut unit = self.inner.writer.begin().await?;
        let ids: Vec<EntityId> = chunk.rows.iter().map(|(.., row)| entity_of(row)).collect();
        let erased = unit.erased(&ids).await?;
        for (kind, outcome, mut row) in chunk.rows {
            match (outcome, kind) {
                (Outcome::Unchanged, _) => self.report.unchanged += 1,
                (Outcome::Written, Kind::Note) => self.report.notes += 1,
                (Outcome::Written, _) => self.report.attachments += 1,
            }
            if erased.contains(&entity_of(&row)) {
                (row.version, row.front, row.links) = (None, None, 0);
            }
            let known = self.folder.known.get(&row.path);
            if known != Some(&row) {
                unit.remember_file(row, known.is_some());
            }
        }
        self.report.skipped.extend(chunk.skipped);
        unit.commit().await?;
        chunk.failed.map_or(Ok(()), Err)
    }

    /// Every note and every attachment of a vault, each with a path of its own.
    async fn paths(&self) -> Result<BTreeMap<String, EntityId>> {
        let mut files: Vec<&FileRow> = self.folder.known.values().collect();
        files.sort_by(|a, b| b.path.cmp(&a.path));
        let of_entity: HashMap<EntityId, &str> = files.iter().map(|row| (entity_of(row), row.path.as_str())).collect();
        let mut wanted = Vec::new();
        for kind in [Kind::Note, Kind::Attachment] {
            let mut ids = self.inner.db.whole_list(kind.as_str()).await?;
            ids.sort_unstable();
            for chunk in ids.chunks(CHUNK) {
                for reading in self.inner.db.entities(chunk).await? {
                    let entity = &reading.entity;
                    let file = of_entity.get(&entity.id).copied();
                    // A file in this folder keeps its name, unless the note has been given another path.
                    let path = match (path_of(entity).or(file), &entity.content) {
                        (Some(path), _) => path.to_owned(),
                        (None, Content::Note { .. }) => format!("{}.md", file_name(&entity.title)),
                        // What was attached by hand belongs to its entity, not to a vault.
                        (None, _) => continue,
                    };
                    wanted.push((entity.id, path, file));
                }
            }
        }
        Ok(self.placed(wanted))
    }

    /// Gives each of these a path: the one it wants, the one it has in this folder, or the next that is free. Of several that want one path, the one
    /// whose file stands there has it.
    fn placed(&self, wanted: Vec<(EntityId, String, Option<&str>)>) -> BTreeMap<String, EntityId> {
        let live: HashSet<EntityId> = wanted.iter().map(|(id, ..)| *id).collect();
        let holder = |path: &str| self.folder.known.get(path).map(entity_of);
        // The file of a note that is in the trash, or was erased, is left alone.
        let free = |taken: &BTreeMap<String, EntityId>, path: &str| {
            !taken.contains_key(path) && holder(path).is_none_or(|id| live.contains(&id))
        };
        let (settled, open): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(id, path, _)| holder(path) == Some(*id));
        let mut taken: BTreeMap<String, EntityId> = settled.into_iter().map(|(id, path, _)| (path, id)).collect();
        let mut homeless = Vec::new();
        for (id, path, file) in open {
            if free(&taken, &path) {
                taken.insert(path, id);
            } else {
                homeless.push((id, path, file));
            }
        }
        let (settled, homeless): (Vec<_>, Vec<_>) =
            homeless.into_iter().partition(|(_, _, file)| file.is_some_and(|file| free(&taken, file)));
        taken.extend(settled.into_iter().filter_map(|(id, _, file)| Some((file?.to_owned(), id))));
        for (id, wanted, _) in homeless {
            let (stem, ending) = match wanted.rsplit_once('.') {
                Some((stem, ending)) if !ending.contains('/') => (stem.to_owned(), format!(".{ending}")),
                _ => (wanted.clone(), String::new()),
            };
            let mut path = wanted;
            let mut n = 1;
            while !free(&taken, &path) {
                n += 1;
                path = format!("{stem} {n}{ending}");
            }
            taken.insert(path, id);
        }
        taken
    }
}

impl Folder {
    fn write_all(&self, files: Vec<(String, Staged)>) -> Chunk {
        let mut chunk = Chunk::default();
        let mut written_in = HashSet::new();
        for (path, staged) in files {
            match self.write(&path, &staged) {
                Ok(Ok((outcome, row))) => {
                    if let (Outcome::Written, Some(folder)) = (&outcome, self.root.join(&path).parent()) {
                        written_in.insert(folder.to_owned());
                    }
                    chunk.rows.push((staged.state.kind, outcome, row));
                }
                Ok(Err(reason)) => chunk.skipped.push(skipped(&path, reason)),
                Err(error) => {
                    chunk.failed = Some(error);
                    break;
                }
            }
        }
        for folder in &written_in {
            if let Err(error) = sync_folder(folder) {
                chunk.failed.get_or_insert(Error::io("writing", folder, error));
            }
        }
        chunk
    }

    fn write(&self, path: &str, staged: &Staged) -> Result<Result<(Outcome, FileRow), Reason>> {
        let Some(target) = safe_target(&self.root, path) else { return Ok(Err(Reason::UnsafePath)) };
        let state = &staged.state;
        let (hash, version, front, links, text) = match &staged.reading.entity.content {
            Content::Attachment { hash: Some(hash), .. } => (*hash, None, None, 0, None),
            Content::Attachment { .. } => return Ok(Err(Reason::Unreadable)),
            _ => {
                let body = Text::open(state.texts.get(&Field::BODY))?;
                let read = body.read();
                let front = file_front(state, &read);
                let text = front.clone() + &read;
                let front = Some(front).filter(|front| !front.is_empty());
                let links = Parsed::of(&text).links;
                (Hash::of(text.as_bytes()), Some(body.version().0.into()), front, links, Some(text))
            }
        };
        let row = FileRow {
            id: file_record(&self.name, path),
            vault: self.vault.clone(),
            path: path.to_owned(),
            entity: state.id.uuid().into(),
            hash: hash.to_string(),
            version,
            front,
            links,
        };
        let found = self.outside(path, &target);
        match found {
            Outside::Is(found) if found == hash => return Ok(Ok((Outcome::Unchanged, row))),
            Outside::Is(found)
                if !self.force && self.known.get(path).is_none_or(|known| known.hash != found.to_string()) =>
            {
                return Ok(Err(Reason::ChangedOutside));
            }
            Outside::Is(_) | Outside::Nothing => {}
            Outside::Not(reason) => return Ok(Err(reason)),
        }
        let folder = target.parent().unwrap_or(&self.root);
        match fs::create_dir_all(folder) {
            Ok(()) => {}
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists) =>
            {
                return Ok(Err(Reason::InTheWay));
            }
            Err(error) => return Err(Error::io("making", folder, error)),
        }
        let still = || self.outside(path, &target) == found;
        match text {
            Some(text) => replace_with(&target, &mut text.as_bytes(), still),
            None => replace_with(&target, &mut self.blobs.open(hash)?, still),
        }
        .map_err(|error| Error::io("writing", &target, error))
        .map(|written| if written { Ok((Outcome::Written, row)) } else { Err(Reason::ChangedOutside) })
    }

    /// What stands outside where a file is to be written.
    fn outside(&self, path: &str, target: &Path) -> Outside {
        // No folder on the way may be a symbolic link: the file would land somewhere else.
        let mut at = self.root.clone();
        let parts: Vec<&str> = path.split('/').collect();
        for (n, part) in parts.iter().enumerate() {
            at.push(part);
            match fs::symlink_metadata(&at) {
                Ok(meta) if meta.is_symlink() => return Outside::Not(Reason::Symlink),
                Ok(meta) if meta.is_dir() != (n + 1 < parts.len()) => return Outside::Not(Reason::InTheWay),
                // A pipe would be waited for.
                Ok(meta) if !meta.is_dir() && !meta.is_file() => return Outside::Not(Reason::NotAFile),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Outside::Nothing,
                Err(_) => return Outside::Not(Reason::Unreadable),
            }
        }
        let mut hasher = blake3::Hasher::new();
        match File::open(target).and_then(|file| hasher.update_reader(file).map(drop)) {
            Ok(()) => Outside::Is(Hash::from(hasher.finalize())),
            Err(_) => Outside::Not(Reason::Unreadable),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Outside {
    Nothing,
    Is(Hash),
    Not(Reason),
}

/// Where a path in a vault is on disk; `None` for one that leads out of it.
fn safe_target(root: &Path, path: &str) -> Option<PathBuf> {
    // A backslash is a letter like any other, but for Windows.
    let foreign = |c: char| c == '\0' || (cfg!(windows) && matches!(c, '\\' | ':'));
    let safe = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(foreign);
    path.split('/').all(safe).then(|| root.join(path))
}

/// How long a name may be in bytes: systems allow 255, and a number and an ending come after it.
const NAME_BYTES: usize = 240;

/// A title as a file's name: without the signs that some systems don't allow.
fn file_name(title: &str) -> String {
    let name: String =
        title.chars().map(|c| if c.is_control() || "/\\:*?\"<>|#^[]".contains(c) { ' ' } else { c }).collect();
    let mut name: String = name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
    name.truncate(name.floor_char_boundary(NAME_BYTES));
    match name.trim_matches(['.', ' ']) {
        "" => "Untitled".to_owned(),
        name => name.to_owned(),
    }
}

/// Writes a file under another name, brings it to disk and gives it its name, if at that moment what it replaces is `still` the same. The file keeps
/// the permissions of the one that it replaces.
fn replace_with(target: &Path, from: &mut dyn Read, still: impl Fn() -> bool) -> std::io::Result<bool> {
    let hash = Hash::of(target.as_os_str().as_encoded_bytes()).to_string();
    let temporary = target.with_file_name(partial_name(&hash));
    let written = (|| {
        // One that was left behind may be anybody's, a link too.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::create_new(&temporary)?;
        #[cfg(unix)]
        if let Ok(meta) = fs::symlink_metadata(target) {
            file.set_permissions(meta.permissions())?;
        }
        std::io::copy(from, &mut file)?;
        file.flush()?;
        file.sync_data()?;
        let unchanged = still();
        if unchanged {
            fs::rename(&temporary, target)?;
        }
        Ok(unchanged)
    })();
    if !matches!(written, Ok(true)) {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_of_the_vault_are_refused() {
        let root = Path::new("/vault");
        for path in ["", "../x.md", "a/../../x.md", "/etc/passwd", "a//b.md", "./a.md", "a\0.md"] {
            assert_eq!(safe_target(root, path), None, "{path:?}");
        }
        assert_eq!(safe_target(root, "a/b.md"), Some(PathBuf::from("/vault/a/b.md")));
    }

    #[test]
    fn titles_become_names_that_every_system_allows() {
        assert_eq!(file_name("What? A/B: [x]"), "What A B x");
        assert_eq!(file_name("..."), "Untitled");
        assert_eq!(file_name("日記"), "日記");
        assert_eq!(file_name(&"日".repeat(100)), "日".repeat(80));
        assert_eq!(file_name(&format!("a{}", "日".repeat(100))).len(), 238);
    }
}
