//! The trash: deleting moves there, restoring brings back with links and all, erasing is the only thing that truly removes.

use altair_protocol::rpc;
use altair_protocol::view::{Content, Entity};
use altair_protocol::{EntityId, Hash, Kind, Op};

use super::create::finish;
use super::{Act, Altair, Here, Inner};
use crate::error::{Error, Result};
use crate::store::derive::{TRASH, UNLINKED};
use crate::store::sealed::Kept;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Altair {
    /// Moves an entity to the trash. Work on it that this device hasn't seen will bring it back.
    pub async fn delete(&self, id: EntityId) -> Result<Entity> {
        self.call(rpc::Delete { id }).await
    }

    /// Brings an entity back from the trash.
    pub async fn restore(&self, id: EntityId) -> Result<Entity> {
        self.call(rpc::Restore { id }).await
    }

    /// Removes an entity for good, with its history and its links. It gives the entity as it last was.
    pub async fn erase(&self, id: EntityId) -> Result<Entity> {
        self.call(rpc::Erase { id }).await
    }

    /// Erases what has been in the trash for longer than so many days, and gives the ids.
    pub async fn purge(&self, older_than_days: u32) -> Result<Vec<EntityId>> {
        self.call(rpc::Purge { older_than_days }).await
    }
}

impl Act for rpc::Delete {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id } = self;
        let mut unit = here.begin().await?;
        let reading = unit.require(id).await?.reading.clone();
        if reading.entity.deleted {
            return Err(Error::refused(format!("{id} is in the trash already"), "`altair erase` removes it for good"));
        }
        unit.change(id, reading.entity.kind, vec![Op::Delete]).await?;
        finish(unit, id).await
    }
}

impl Act for rpc::Restore {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id } = self;
        let mut unit = here.begin().await?;
        let reading = unit.require(id).await?.reading.clone();
        if !reading.entity.deleted {
            return Err(Error::refused(format!("{id} is not in the trash"), "`altair trash` lists what is"));
        }
        unit.change(id, reading.entity.kind, vec![Op::Restore]).await?;
        finish(unit, id).await
    }
}

impl Act for rpc::Erase {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id } = self;
        here.erase(id).await
    }
}

impl Act for rpc::Purge {
    async fn act(self, here: Here) -> Result<Vec<EntityId>> {
        let Self { older_than_days } = self;
        let now = here.writer.now().cast_signed();
        let mut erased = Vec::new();
        let mut all = here.db.whole_list(TRASH).await?;
        all.extend(here.db.whole_list(UNLINKED).await?);
        for id in all {
            // Erasing one may have taken its attachments along.
            let Some(staged) = here.db.entity(id).await? else { continue };
            let entity = staged.reading.entity.clone();
            if now.saturating_sub(entity.updated_at.millis()) >= i64::from(older_than_days) * DAY_MS {
                here.erase(id).await?;
                erased.push(id);
            }
        }
        Ok(erased)
    }
}

impl Here {
    async fn erase(&self, id: EntityId) -> Result<Entity> {
        let mut unit = self.begin_quiet().await?;
        let entity = unit.require(id).await?.reading.entity.clone();
        let mut links: Vec<EntityId> = self.hand_links(id).await?.into_iter().map(|(link, _)| link).collect();
        for edge in self.db.hand_edges_to(id).await? {
            links.extend(edge.target.parse::<EntityId>());
        }
        links.extend(self.removed_links_of(id).await?);
        for link in links {
            if entity.kind != Kind::Link && unit.get(link).await?.is_some() {
                unit.erase(link).await?;
            }
        }
        let mut blobs = Vec::from_iter(blob_of(&entity));
        for attachment in self.attachments_of(id).await? {
            blobs.extend(attachment.hash);
            blobs.extend(unit.erase(attachment.id).await?);
        }
        blobs.extend(unit.erase(id).await?);
        unit.answer(Kept::Erased(id, entity.kind));
        unit.commit().await?;
        if blobs.is_empty() {
            return Ok(entity);
        }
        // Only when nothing names them any more: the transaction that took the names away is on disk. Nobody stages a name meanwhile.
        let _quiet = self.writer.begin_quiet().await?;
        blobs.sort_unstable();
        blobs.dedup();
        self.drop_unnamed_blobs(blobs).await?;
        Ok(entity)
    }
}

impl Inner {
    /// Links by hand from or to an entity that were removed: they are no edges any more.
    async fn removed_links_of(&self, id: EntityId) -> Result<Vec<EntityId>> {
        let mut found = Vec::new();
        for chunk in self.db.whole_list(UNLINKED).await?.chunks(500) {
            let readings = self.db.entities(chunk).await?;
            let of = |content: &Content| matches!(content, Content::Link { from, to, .. } if [*from, *to].contains(&Some(id)));
            found
                .extend(readings.iter().filter(|reading| of(&reading.entity.content)).map(|reading| reading.entity.id));
        }
        Ok(found)
    }
}

fn blob_of(entity: &Entity) -> Option<Hash> {
    match &entity.content {
        Content::Attachment { hash, .. } => *hash,
        _ => None,
    }
}
