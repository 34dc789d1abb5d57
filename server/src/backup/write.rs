//! Writing a backup, while the server goes on.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use altair_core::{Error, Result};
use altair_protocol::sync::Checksum;
use altair_protocol::{Bytes, Hash, HouseholdId};

use super::{BLOB_PIECE, FORMAT, Line, WHAT, time};
use crate::admin::BackedUp;
use crate::server::Server;
use crate::store::internal;

/// About how many bytes of states are read at once.
const PAGE_BYTES: usize = 1 << 20;

impl Server {
    /// Writes everything into one file, which is there whole or not at all.
    pub(crate) async fn backup(&self, file: &Path) -> Result<BackedUp> {
        if file.is_dir() {
            return Err(Error::invalid(format!("{} is a folder", file.display()), "name a file, like backup.ndjson"));
        }
        let mut out = Output::create(file)?;
        out.line(&Line::Header { altair: WHAT.to_owned(), format: FORMAT, created_at: time(self.environment.now()) })?;
        for record in self.store.households().await? {
            out.households += 1;
            self.write_household(record.id, &mut out).await?;
            let (blobs, household) = (self.store.blobs().clone(), record.id);
            let writing = tokio::task::spawn_blocking(move || {
                for hash in blobs.all(household).map_err(|error| internal("blobs can't be listed").because(error))? {
                    write_blob(&blobs.path(household, hash), hash, &mut out)?;
                }
                Ok::<_, Error>(out)
            });
            out = writing.await.map_err(|error| internal("the backup was cut off").because(error))??;
        }
        out.end()
    }

    async fn write_household(&self, id: HouseholdId, out: &mut Output) -> Result<()> {
        let household = self.households.get(id).await?;
        let folded = household.catch_up().await?;
        out.line(&Line::household(household.record(), folded.covers()))?;
        for device in self.store.devices(id).await? {
            out.line(&Line::device(device))?;
        }
        let mut after = None;
        loop {
            let lines = self.store.state_lines_after(id, after, PAGE_BYTES).await?;
            let Some(last) = lines.last() else { break };
            after = Some(last.id);
            for line in lines {
                out.entities += u64::from(!line.is_erased());
                out.text(&line.line)?;
            }
        }
        // What couldn't be folded, and what came with it: joined again, it changes nothing.
        let mut after = folded.covers();
        while after < folded.at {
            let entries = self.store.log_after(id, after, PAGE_BYTES).await?;
            let Some(last) = entries.last() else { break };
            after = last.sync_id;
            for entry in entries.into_iter().filter(|entry| entry.is_change() && !entry.json.is_empty()) {
                out.line(&Line::Logged { device: entry.device, change: entry.change, json: entry.json })?;
            }
        }
        Ok(())
    }
}

fn write_blob(path: &Path, hash: Hash, out: &mut Output) -> Result<()> {
    let failed = |error| Error::io("reading", path, error);
    let mut from = File::open(path).map_err(failed)?;
    let mut offset = 0;
    loop {
        let mut piece = Vec::with_capacity(BLOB_PIECE);
        let n = (&mut from).take(BLOB_PIECE as u64).read_to_end(&mut piece).map_err(failed)?;
        if n == 0 && offset > 0 {
            break;
        }
        out.line(&Line::Blob { hash, offset, data: Bytes(piece) })?;
        offset += n as u64;
        if n == 0 {
            break;
        }
    }
    out.blobs += 1;
    Ok(())
}

/// A file that appears under its name when it is whole and on disk.
struct Output {
    writer: BufWriter<File>,
    checksum: Checksum,
    bytes: u64,
    households: u64,
    entities: u64,
    blobs: u64,
    temporary: PathBuf,
    path: PathBuf,
}

impl Output {
    fn create(path: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let temporary = path.with_file_name(name);
        // Nobody else's to read: it holds everything.
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary);
        let writer = BufWriter::new(file.map_err(|error| Error::io("writing", path, error))?);
        let (path, checksum) = (path.to_owned(), Checksum::default());
        Ok(Self { writer, checksum, bytes: 0, households: 0, entities: 0, blobs: 0, temporary, path })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line).map_err(|error| internal("a line can't be written").because(error))?;
        self.text(&text)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.checksum.line(text);
        self.bytes += text.len() as u64 + 1;
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| Error::io("writing", &self.temporary, error))
    }

    fn end(mut self) -> Result<BackedUp> {
        let checksum = self.checksum.hash();
        let (households, entities, blobs) = (self.households, self.entities, self.blobs);
        self.line(&Line::Trailer { households, entities, blobs, checksum })?;
        let placed = self.writer.flush().and_then(|()| self.writer.get_ref().sync_all());
        let placed = placed.and_then(|()| std::fs::rename(&self.temporary, &self.path));
        placed.map_err(|error| Error::io("writing", &self.path, error))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        crate::store::sync_folder(folder).map_err(|error| Error::io("writing", &self.path, error))?;
        Ok(BackedUp { households, entities, blobs, bytes: self.bytes, checksum: checksum.to_string() })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Gone already when it has its name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}
