//! Export: notes and attachments become files again.
//!
//! A file is written only where there is none, or where it still is what the last import or export left; each appears under its name when it is whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use altair_protocol::view::Content;
use altair_protocol::{EntityId, Field, Hash, Kind};

use super::note::{Parsed, file_text};
use super::{Reason, skipped};
use crate::engine::{Altair, Exported, Inner, Progress};
use crate::error::{Error, Result};
use crate::merge::Text;
use crate::reading::front_text;
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
        let folder = folder.to_owned();
        self.run("export", move |inner| async move {
            let _alone = Arc::clone(&inner.vaults).lock_owned().await;
            // What was written before the export began is in it.
            drop(inner.writer.begin_quiet().await?);
            Export::new(inner, &folder, force).await?.run(progress).await
        })
        .await
    }
}

struct Export {
    inner: Arc<Inner>,
    root: PathBuf,
    folder: String,
    vault: String,
    force: bool,
    known: HashMap<String, FileRow>,
    report: Exported,
    written_in: HashSet<PathBuf>,
}

enum Outcome {
    Written,
    Unchanged,
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
        let folder = root
            .to_str()
            .ok_or_else(|| Error::invalid(format!("the path {} is not UTF-8", root.display()), "rename the folder"))?;
        let known = inner.db.files_under(folder).await?.into_iter().map(|row| (row.path.clone(), row)).collect();
        Ok(Self {
            vault: root.file_name().and_then(|name| name.to_str()).unwrap_or("vault").to_owned(),
            folder: folder.to_owned(),
            inner,
            root,
            force,
            known,
            report: Exported::default(),
            written_in: HashSet::new(),
        })
    }

    async fn run(mut self, mut progress: impl FnMut(Progress)) -> Result<Exported> {
        let paths = self.paths().await?;
        let total = paths.len() as u64;
        let mut done = 0;
        progress(Progress { done, total });
        let all: Vec<(String, EntityId)> = paths.into_iter().collect();
        for chunk in all.chunks(CHUNK) {
            let mut unit = self.inner.writer.begin().await?;
            for (path, id) in chunk {
                let Some(staged) = self.inner.db.entity(*id).await? else { continue };
                match self.write(path, &staged)? {
                    Ok((outcome, row)) => {
                        match (outcome, staged.state.kind) {
                            (Outcome::Unchanged, _) => self.report.unchanged += 1,
                            (Outcome::Written, Kind::Note) => self.report.notes += 1,
                            (Outcome::Written, _) => self.report.attachments += 1,
                        }
                        let known = self.known.get(path);
                        if known != Some(&row) {
                            unit.remember_file(row, known.is_some());
                        }
                    }
                    Err(reason) => self.report.skipped.push(skipped(path, reason)),
                }
            }
            unit.commit().await?;
            done += chunk.len() as u64;
            progress(Progress { done, total });
        }
        for folder in &self.written_in {
            sync_folder(folder).map_err(|error| Error::io("writing", folder, error))?;
        }
        Ok(self.report)
    }

    /// Every note and every attachment of a vault, each with a path of its own.
    async fn paths(&self) -> Result<BTreeMap<String, EntityId>> {
        let of_entity: HashMap<EntityId, &str> =
            self.known.values().map(|row| (EntityId::from(uuid::Uuid::from(row.entity)), row.path.as_str())).collect();
        let mut taken: BTreeMap<String, EntityId> = BTreeMap::new();
        let mut homeless = Vec::new();
        for kind in [Kind::Note, Kind::Attachment] {
            let mut ids = self.inner.db.whole_list(kind.as_str()).await?;
            ids.sort_unstable();
            for chunk in ids.chunks(CHUNK) {
                for reading in self.inner.db.entities(chunk).await? {
                    let entity = &reading.entity;
                    // A file in this folder keeps its name, unless the note has been given another path.
                    let own = path_of(entity).or_else(|| of_entity.get(&entity.id).copied());
                    match own {
                        Some(path) if !taken.contains_key(path) => {
                            taken.insert(path.to_owned(), entity.id);
                        }
                        Some(path) => homeless.push((path.to_owned(), entity.id)),
                        None if matches!(entity.content, Content::Note { .. }) => {
                            homeless.push((format!("{}.md", file_name(&entity.title)), entity.id));
                        }
                        // What was attached by hand belongs to its entity, not to a vault.
                        None => {}
                    }
                }
            }
        }
        for (wanted, id) in homeless {
            let (stem, ending) = match wanted.rsplit_once('.') {
                Some((stem, ending)) if !ending.contains('/') => (stem.to_owned(), format!(".{ending}")),
                _ => (wanted.clone(), String::new()),
            };
            let mut path = wanted;
            let mut n = 1;
            while taken.contains_key(&path) {
                n += 1;
                path = format!("{stem} {n}{ending}");
            }
            taken.insert(path, id);
        }
        Ok(taken)
    }

    fn write(&mut self, path: &str, staged: &Staged) -> Result<Result<(Outcome, FileRow), Reason>> {
        let Some(target) = safe_target(&self.root, path) else { return Ok(Err(Reason::UnsafePath)) };
        let state = &staged.state;
        let (hash, version, front, links, text) = match &staged.reading.entity.content {
            Content::Attachment { hash: Some(hash), .. } => (*hash, None, None, 0, None),
            Content::Attachment { .. } => return Ok(Err(Reason::Unreadable)),
            _ => {
                let text = file_text(state)?;
                let version = Text::open(state.texts.get(&Field::BODY))?.version();
                let front = Some(front_text(state)).filter(|front| !front.is_empty());
                (Hash::of(text.as_bytes()), Some(version.0.into()), front, Parsed::of(&text).links, Some(text))
            }
        };
        let row = FileRow {
            id: file_record(&self.folder, path),
            vault: self.vault.clone(),
            path: path.to_owned(),
            entity: state.id.uuid().into(),
            hash: hash.to_string(),
            version,
            front,
            links,
        };
        match self.outside(path, &target) {
            Outside::Is(found) if found == hash => return Ok(Ok((Outcome::Unchanged, row))),
            Outside::Is(found)
                if !self.force && self.known.get(path).is_none_or(|known| known.hash != found.to_string()) =>
            {
                return Ok(Err(Reason::ChangedOutside));
            }
            Outside::Is(_) | Outside::Nothing => {}
            Outside::Not(reason) => return Ok(Err(reason)),
        }
        let folder = target.parent().unwrap_or(&self.root).to_owned();
        match fs::create_dir_all(&folder) {
            Ok(()) => {}
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists) =>
            {
                return Ok(Err(Reason::InTheWay));
            }
            Err(error) => return Err(Error::io("making", &folder, error)),
        }
        match text {
            Some(text) => replace_with(&target, &mut text.as_bytes()),
            None => replace_with(&target, &mut self.inner.blobs.open(hash)?),
        }
        .map_err(|error| Error::io("writing", &target, error))?;
        self.written_in.insert(folder);
        Ok(Ok((Outcome::Written, row)))
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

/// A title as a file's name: without the signs that some systems don't allow.
fn file_name(title: &str) -> String {
    let name: String =
        title.chars().map(|c| if c.is_control() || "/\\:*?\"<>|#^[]".contains(c) { ' ' } else { c }).collect();
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "Untitled".to_owned(),
        name => name.to_owned(),
    }
}

/// Writes a file under another name, brings it to disk and gives it its name.
fn replace_with(target: &Path, from: &mut dyn Read) -> std::io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(Hash::of(target.as_os_str().as_encoded_bytes()).to_string().get(..16).unwrap_or_default());
    name.push(".altair-partial");
    let temporary = target.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        std::io::copy(from, &mut file)?;
        file.flush()?;
        file.sync_data()?;
        fs::rename(&temporary, target)
    })();
    if written.is_err() {
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
    }
}
