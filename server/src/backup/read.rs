//! Restoring a backup, into a folder in which there is nothing yet.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use altair_core::{Error, ErrorKind, Result};
use altair_protocol::sync::{Checksum, Erased, SyncId, Unopened};
use altair_protocol::{EntityId, HouseholdId, Incarnation};

use super::{FORMAT, Line, MAX_LINE, RESTORING, WHAT, millis};
use crate::admin::BackedUp;
use crate::secret::Hashed;
use crate::server::{Opening, Server};
use crate::store::{
    Commit, DeviceRecord, Entity, Entry, Folded, Head, Holds, HouseholdRecord, Put, StateLine, Upload, internal,
};

/// How many entities are written in one transaction, and how many bytes of them, at most.
const CHUNK: usize = 500;
const CHUNK_BYTES: usize = 4 << 20;

/// Makes a server's data folder from a backup. Nothing is written before the whole backup has been checked.
pub async fn restore(opening: Opening, file: &Path) -> Result<BackedUp> {
    let checking = file.to_owned();
    let checked = tokio::task::spawn_blocking(move || check(&checking)).await;
    let backed_up = checked.map_err(|error| internal("the backup can't be checked").because(error))??;
    if opening.data.join("db").exists() {
        return Err(Error::refused(
            format!("{} holds a server's data already", opening.data.display()),
            "restore into a new folder with --data",
        ));
    }
    let marker = opening.data.join(RESTORING);
    let server = Server::open(opening).await?;
    let marked = File::create(&marker).and_then(|file| file.sync_all());
    marked.map_err(|error| Error::io("writing", &marker, error))?;
    let restored = server.fill(file).await;
    server.close().await?;
    restored?;
    std::fs::remove_file(&marker).map_err(|error| Error::io("removing", &marker, error))?;
    Ok(backed_up)
}

/// A household that is being restored.
struct Restoring {
    id: HouseholdId,
    head: SyncId,
    folded: Folded,
    lines: Vec<(StateLine, Entity)>,
    bytes: usize,
    upload: Option<(altair_protocol::Hash, Upload)>,
}

impl Server {
    async fn fill(&self, file: &Path) -> Result<()> {
        let mut at: Option<Restoring> = None;
        let none = || Error::invalid("a line of the backup comes before its household", "take another backup file");
        for line in lines(file)? {
            let (line, text) = line?;
            match line {
                Line::Header { .. } | Line::Trailer { .. } => {}
                Line::Household { id, name, created_at, head } => {
                    if let Some(before) = at.take() {
                        self.finish(before).await?;
                    }
                    let incarnation = Incarnation::v7(self.environment.now(), self.environment.random());
                    let created_ms = millis(created_at);
                    self.store.put_household(&HouseholdRecord { id, name, incarnation, created_ms }).await?;
                    let folded = Folded { at: head, ..Folded::default() };
                    at = Some(Restoring { id, head, folded, lines: Vec::new(), bytes: 0, upload: None });
                }
                Line::Device(device) => {
                    let household = at.as_ref().ok_or_else(none)?.id;
                    let record = DeviceRecord {
                        id: device.id,
                        name: device.name,
                        token: Hashed::from_bytes(device.token.as_bytes()).ok_or_else(none)?,
                        paired_ms: millis(device.paired_at),
                        seen_ms: millis(device.seen_at),
                        cursor: SyncId::ZERO,
                        next: None,
                        parent: device.parent,
                        met: None,
                        revoked_ms: device.revoked_at.map(millis),
                        left: device.left,
                    };
                    self.store.put_device(household, &record).await?;
                }
                Line::Entity(state) => {
                    let entity =
                        Entity { applied: state.applied.clone(), bytes: text.len() as u64, ..Entity::new(state.kind) };
                    self.entity(at.as_mut().ok_or_else(none)?, state.id, entity, text).await?;
                }
                Line::Erased(Erased { id, kind, seen }) => {
                    let erased_ms = Some(self.environment.now());
                    let entity = Entity { applied: seen, erased_ms, ..Entity::new(kind) };
                    self.entity(at.as_mut().ok_or_else(none)?, id, entity, text).await?;
                }
                Line::Logged { device, change, json } => {
                    let at = at.as_mut().ok_or_else(none)?;
                    self.flush(at).await?;
                    let unopened: Unopened = serde_json::from_str(&json).map_err(|error| {
                        Error::invalid("a change of the backup can't be read", "take another backup file")
                            .because(error)
                    })?;
                    let envelope = unopened.envelope;
                    let known = self.store.entities(at.id, &[envelope.entity]).await?.remove(&envelope.entity);
                    let existed = known.is_some();
                    let mut entity = known.unwrap_or_else(|| Entity::new(envelope.kind));
                    let sync_id = self.store.head(at.id).await?.sync_id.max(at.head);
                    let sync_id = sync_id.next().ok_or_else(|| internal("the log has no number left"))?;
                    let prior = std::mem::replace(&mut entity.last, sync_id);
                    entity.applied.add(envelope.dot());
                    let entry = Entry { sync_id, holds: Holds::Change, device, change, prior, json };
                    let entities = [(envelope.entity, (entity, existed))].into();
                    let head = Head { sync_id, horizon: at.head };
                    self.store.commit(at.id, &Commit { entries: vec![entry], entities }, head).await?;
                }
                Line::Blob { hash, offset, data } => {
                    let at = at.as_mut().ok_or_else(none)?;
                    let failed = |error| internal("a blob can't be restored").because(error);
                    if offset == 0 {
                        end_upload(at).await?;
                        let upload = self.store.blobs().upload(at.id, hash, 0).await.map_err(failed)?;
                        at.upload = Some((hash, upload));
                    }
                    if let Some((_, upload)) = at.upload.as_mut().filter(|(of, _)| *of == hash) {
                        upload.write(&data.0).await.map_err(failed)?;
                    }
                }
            }
        }
        match at {
            Some(last) => self.finish(last).await,
            None => Ok(()),
        }
    }

    async fn entity(&self, at: &mut Restoring, id: EntityId, entity: Entity, line: String) -> Result<()> {
        at.bytes += line.len();
        at.folded.entities += u64::from(entity.erased_ms.is_none());
        at.lines.push((StateLine { id, line }, entity));
        if at.lines.len() >= CHUNK || at.bytes > CHUNK_BYTES {
            self.flush(at).await?;
        }
        Ok(())
    }

    /// Writes the entities that are gathered.
    async fn flush(&self, at: &mut Restoring) -> Result<()> {
        at.bytes = 0;
        let (mut puts, mut commit) = (Vec::new(), Commit::default());
        for (line, entity) in std::mem::take(&mut at.lines) {
            commit.entities.insert(line.id, (entity, false));
            puts.push(Put { line, existed: false });
        }
        let head = self.store.head(at.id).await?;
        let head = Head { sync_id: head.sync_id.max(at.head), horizon: at.head };
        self.store.commit(at.id, &commit, head).await?;
        self.store.put_state_lines(at.id, puts, at.folded).await
    }

    async fn finish(&self, mut at: Restoring) -> Result<()> {
        end_upload(&mut at).await?;
        self.flush(&mut at).await
    }
}

async fn end_upload(at: &mut Restoring) -> Result<()> {
    let Some((hash, upload)) = at.upload.take() else { return Ok(()) };
    let finished = upload.finish().await;
    let damaged = |error| {
        let message = format!("the backup's bytes for the blob {hash} are damaged");
        Error::invalid(message, "take another backup file").because(error)
    };
    finished.map(drop).map_err(damaged)
}

/// Reads a whole backup through and compares its checksum.
fn check(file: &Path) -> Result<BackedUp> {
    let damaged = |what: &str| {
        Error::invalid(format!("{} is no whole backup: {what}", file.display()), "take another backup file")
    };
    let bytes = std::fs::metadata(file).map_err(|error| Error::io("reading", file, error))?.len();
    let (mut checksum, mut found, mut end) = (Checksum::default(), (0, 0, 0), None);
    for (n, line) in lines(file)?.enumerate() {
        let (line, text) = line?;
        if end.is_some() {
            return Err(damaged("it goes on after its end"));
        }
        match (n, line) {
            (0, Line::Header { altair, format, .. }) if altair == WHAT && format <= FORMAT => {}
            (0, Line::Header { altair, .. }) if altair == WHAT => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("{} was written by a newer version", file.display()),
                    "update altair-server, then restore it",
                ));
            }
            (0, _) => return Err(damaged("it doesn't begin with a server's header")),
            (_, Line::Household { .. }) => found.0 += 1,
            (_, Line::Entity(_)) => found.1 += 1,
            (_, Line::Blob { offset: 0, .. }) => found.2 += 1,
            (_, Line::Trailer { households, entities, blobs, checksum }) => {
                end = Some(((households, entities, blobs), checksum));
                continue;
            }
            _ => {}
        }
        checksum.line(&text);
    }
    match end {
        None => Err(damaged("its end is missing")),
        Some((counts, sum)) if counts == found && sum == checksum.hash() => {
            let (households, entities, blobs) = counts;
            Ok(BackedUp { households, entities, blobs, bytes, checksum: sum.to_string() })
        }
        Some(_) => Err(damaged("its checksum is wrong")),
    }
}

fn lines(file: &Path) -> Result<impl Iterator<Item = Result<(Line, String)>> + use<>> {
    let open = File::open(file).map_err(|error| Error::io("reading", file, error))?;
    let file = file.to_owned();
    let mut reader = BufReader::new(open);
    let mut n = 0;
    Ok(std::iter::from_fn(move || {
        let mut text = String::new();
        n += 1;
        match (&mut reader).take(MAX_LINE).read_line(&mut text) {
            Ok(0) => None,
            Ok(_) => {
                if text.ends_with('\n') {
                    text.pop();
                }
                Some(serde_json::from_str(&text).map(|line| (line, text)).map_err(|error| {
                    let message = format!("line {n} of {} is no line of a backup", file.display());
                    Error::invalid(message, "take another backup file").because(error)
                }))
            }
            Err(error) => Some(Err(Error::io("reading", &file, error))),
        }
    }))
}
