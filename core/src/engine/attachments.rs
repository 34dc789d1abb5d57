//! Attachments: entities that name a content-addressed blob and the thing it belongs to.

use std::fs::File;
use std::path::Path;

use altair_protocol::rpc;
use altair_protocol::view::{AttachmentRef, Content, Entity};
use altair_protocol::{EntityId, Field, Hash, Kind, Op};

use super::create::{checked_line, created_op, in_trash, set};
use super::{Act, Altair, AttachmentFile, Here, Inner, absolute};
use crate::error::{Error, Result};
use crate::store::blobs::{MAX_BYTES, too_large};
use crate::store::derive::{TRASH, owned_list};
use crate::store::sealed::Kept;

impl Altair {
    /// Attaches a copy of a file to an entity. The bytes are streamed to disk before anything names them.
    pub async fn attach(&self, owner: EntityId, file: &Path) -> Result<AttachmentRef> {
        self.call(rpc::Attach { owner, file: absolute(file)? }).await
    }

    /// Takes an attachment off an entity; it goes to the trash.
    pub async fn detach(&self, owner: EntityId, attachment: EntityId) -> Result<AttachmentRef> {
        self.call(rpc::Detach { owner, attachment }).await
    }

    /// Where an attachment's bytes are, to be read.
    pub async fn attachment(&self, id: EntityId) -> Result<AttachmentFile> {
        self.call(rpc::AttachmentOf { id }).await
    }
}

impl Act for rpc::Attach {
    async fn act(self, here: Here) -> Result<AttachmentRef> {
        let Self { owner, file } = self;
        let name = file.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Error::invalid(format!("{} has no name in UTF-8", file.display()), "rename the file, then attach it")
        })?;
        let name = checked_line(name.to_owned(), "a file's name")?;
        check_owner(&here.require(owner).await?)?;
        let (mut unit, hash, size) = loop {
            let (hash, size) = here.put_blob(file.clone()).await?;
            let unit = here.begin().await?;
            // Somebody may have erased another attachment of the same bytes meanwhile. Nobody does while the unit is open.
            if here.blobs.path(hash).is_file() {
                break (unit, hash, size);
            }
        };
        check_owner(&unit.require(owner).await?.reading.entity)?;
        let id = unit.mint();
        let ops = vec![
            created_op(&unit),
            set(Field::TITLE, name.clone()),
            set(Field::MEDIA_TYPE, media_type(&name)),
            set(Field::SIZE, size),
            set(Field::BLOB, hash.to_string()),
            set(Field::OWNER, owner.to_string()),
        ];
        unit.change(id, Kind::Attachment, ops).await?;
        let made = AttachmentRef { id, media_type: media_type(&name).to_owned(), name, size, hash: Some(hash) };
        unit.answer(Kept::Attachment(id));
        unit.commit().await?;
        Ok(made)
    }
}

impl Act for rpc::Detach {
    async fn act(self, here: Here) -> Result<AttachmentRef> {
        let Self { owner, attachment } = self;
        let mut unit = here.begin().await?;
        let entity = unit.require(attachment).await?.reading.entity.clone();
        match &entity.content {
            Content::Attachment { owner: Some(of), .. } if *of == owner && !entity.deleted => {}
            _ => return Err(Error::not_found(format_args!("attachment {attachment} of {owner}"))),
        }
        unit.change(attachment, Kind::Attachment, vec![Op::Delete]).await?;
        let taken_off =
            attachment_ref(&entity).ok_or_else(|| Error::not_found(format_args!("attachment {attachment}")))?;
        unit.answer(Kept::Attachment(attachment));
        unit.commit().await?;
        Ok(taken_off)
    }
}

impl Act for rpc::AttachmentOf {
    async fn act(self, here: Here) -> Result<AttachmentFile> {
        let Self { id } = self;
        let entity = here.require(id).await?;
        let Content::Attachment { hash, .. } = &entity.content else {
            return Err(Error::invalid(
                format!("{id} is a {}, not an attachment", entity.kind),
                "`altair show` lists an entity's attachments",
            ));
        };
        let hash = hash.ok_or_else(|| Error::corrupt(format!("the attachment {id} names no bytes")))?;
        here.blobs.open(hash)?;
        Ok(AttachmentFile { path: here.blobs.path(hash), entity })
    }
}

impl Inner {
    /// Streams a file into the blobs.
    pub(crate) async fn put_blob(&self, file: std::path::PathBuf) -> Result<(Hash, u64)> {
        let blobs = self.blobs.clone();
        let put = tokio::task::spawn_blocking(move || {
            let open = File::open(&file).map_err(|error| Error::io("reading", &file, error))?;
            let meta = open.metadata().map_err(|error| Error::io("reading", &file, error))?;
            if !meta.is_file() {
                return Err(Error::invalid(
                    format!("{} is not a file", file.display()),
                    "attach files, not folders or devices",
                ));
            }
            if meta.len() > MAX_BYTES {
                return Err(too_large(&file));
            }
            blobs.put(open, &file)
        });
        put.await.map_err(|error| Error::internal("storing the attachment failed").because(error))?
    }

    /// The attachments of an entity.
    pub(super) async fn attachments_of(&self, owner: EntityId) -> Result<Vec<AttachmentRef>> {
        let edges = self.db.whole_list(&owned_list(owner)).await?;
        Ok(self
            .db
            .entities(&edges)
            .await?
            .iter()
            .filter(|a| !a.entity.deleted)
            .filter_map(|a| attachment_ref(&a.entity))
            .collect())
    }

    /// Deletes blobs that were erased with an attachment, unless another attachment names them, now or in a version that can come back. For a
    /// caller that holds a quiet unit.
    pub(crate) async fn drop_unnamed_blobs(&self, mut blobs: Vec<Hash>) -> Result<()> {
        for list in [Kind::Attachment.as_str(), TRASH] {
            for id in self.db.whole_list(list).await? {
                if blobs.is_empty() {
                    return Ok(());
                }
                let Some(staged) = self.db.entity(id).await? else { continue };
                let heads = staged.state.fields.get(&Field::BLOB).into_iter().flatten();
                let mut named: Vec<Hash> =
                    heads.filter_map(|head| head.value.as_str().and_then(|hash| hash.parse().ok())).collect();
                let mut seq = if staged.state.kind == Kind::Attachment { staged.last } else { 0 };
                while seq != 0 {
                    let Some((logged, prior)) = self.db.logged(seq).await? else { break };
                    named.extend(logged.change.blobs);
                    seq = prior;
                }
                blobs.retain(|blob| !named.contains(blob));
            }
        }
        for blob in blobs {
            let path = self.blobs.path(blob);
            std::fs::remove_file(&path).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(Error::io("erasing", &path, error)),
            })?;
        }
        Ok(())
    }
}

/// Whether things can be attached to an entity.
fn check_owner(owner: &Entity) -> Result<()> {
    if owner.deleted {
        return Err(in_trash(owner.id));
    }
    if matches!(owner.kind, Kind::Link | Kind::Attachment) {
        return Err(Error::invalid(
            format!("{} is a {}", owner.id, owner.kind),
            "attach to captures, notes, quests, items and locations",
        ));
    }
    Ok(())
}

pub(crate) fn attachment_ref(entity: &Entity) -> Option<AttachmentRef> {
    let Content::Attachment { media_type, size, hash, .. } = &entity.content else { return None };
    Some(AttachmentRef {
        id: entity.id,
        name: entity.title.clone(),
        media_type: media_type.clone(),
        size: *size,
        hash: *hash,
    })
}

/// The media type that a file's name tells, for the types that notes have; everything else is bytes.
pub(crate) fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "bmp" => "image/bmp",
        "ico" => "image/vnd.microsoft.icon",
        "pdf" => "application/pdf",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" => "audio/ogg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        "flac" => "audio/flac",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "md" => "text/markdown",
        "txt" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" => "text/javascript",
        "json" | "canvas" => "application/json",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
