//! Links: made by hand as entities whose id follows from what they join, found in bodies as an index.

use std::sync::Arc;

use altair_protocol::rpc;
use altair_protocol::view::{Entity, LinkOrigin, Shown};
use altair_protocol::{EntityId, Field, Kind, Op};

use super::attachments::attachment_ref;
use super::create::{checked_line, created_op, finish, in_trash, set};
use super::{Act, Altair, Here, Inner};
use crate::error::{Error, Result};
use crate::store::around::Around;

/// What a link means when nobody says.
const RELATION: &str = "link";

impl Altair {
    /// One entity with its links, backlinks, attachments and conflicts.
    pub async fn show(&self, id: EntityId) -> Result<Shown> {
        self.call(rpc::Show { id }).await
    }

    /// Links one entity to another and gives the first. The same link made twice, or on two devices, is one link.
    pub async fn link(&self, from: EntityId, to: EntityId, relation: Option<&str>) -> Result<Entity> {
        self.call(rpc::Link { from, to, relation: relation.map(str::to_owned) }).await
    }

    /// Removes every link by hand from one entity to another, and gives the first.
    pub async fn unlink(&self, from: EntityId, to: EntityId) -> Result<Entity> {
        self.call(rpc::Unlink { from, to }).await
    }
}

impl Act for rpc::Show {
    fn is_short(&self) -> bool {
        true
    }

    async fn act(self, here: Here) -> Result<Shown> {
        let Self { id } = self;
        let staged = here.db.entity(id).await?;
        let staged = staged.ok_or_else(|| Error::not_found(format_args!("entity with the id {id}")))?;
        let Around { links, backlinks, attachments } = here.db.around(&staged.reading).await?;
        Ok(Shown {
            links,
            backlinks,
            attachments: attachments.iter().filter_map(attachment_ref).collect(),
            conflicts: here.conflicts_of(&staged.state).await?,
            entity: staged.reading.entity.clone(),
        })
    }
}

impl Act for rpc::Link {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { from, to, relation } = self;
        let relation = checked_line(relation.unwrap_or_else(|| RELATION.to_owned()), "a relation")?;
        if relation.trim().is_empty() {
            return Err(Error::invalid("a relation needs a word", "say what the link means, like \"part of\""));
        }
        if from == to {
            return Err(Error::invalid(format!("{from} can't be linked to itself"), "link it to something else"));
        }
        let mut unit = here.begin().await?;
        for end in [from, to] {
            let reading = &unit.require(end).await?.reading;
            if matches!(reading.entity.kind, Kind::Link | Kind::Attachment) {
                return Err(Error::invalid(
                    format!("{end} is a {}", reading.entity.kind),
                    "link captures, notes, quests, items and locations",
                ));
            }
            if reading.entity.deleted {
                return Err(in_trash(end));
            }
        }
        let mut id = link_id(from, to, &relation);
        // An erased id stays erased. The link that comes after it follows from it, so that it is one link on every device again.
        while !unit.erased(&[id]).await?.is_empty() {
            id = EntityId::derived("altair link v1", &[id.as_bytes()]);
        }
        let alive = unit.get(id).await?.map(|staged| !staged.reading.entity.deleted);
        let ops = match alive {
            Some(true) => Vec::new(),
            Some(false) => vec![Op::Restore],
            None => vec![
                created_op(&unit),
                set(Field::FROM, from.to_string()),
                set(Field::TO, to.to_string()),
                set(Field::RELATION, relation),
            ],
        };
        if !ops.is_empty() {
            unit.change(id, Kind::Link, ops).await?;
        }
        finish(unit, from).await
    }
}

impl Act for rpc::Unlink {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { from, to } = self;
        let mut unit = here.begin_quiet().await?;
        let reading = Arc::clone(&unit.require(from).await?.reading);
        let mut any = false;
        for (link, end) in here.hand_links(from).await? {
            if end == to {
                unit.change(link, Kind::Link, vec![Op::Delete]).await?;
                any = true;
            }
        }
        if !any {
            let links = here.db.around(&reading).await?.links;
            return Err(if links.iter().any(|link| link.id == Some(to) && link.origin == LinkOrigin::Body) {
                Error::refused(
                    format!("the link to {to} stands in the text"),
                    "take it out of the text with `altair edit`",
                )
            } else {
                Error::not_found(format_args!("link from {from} to {to}"))
            });
        }
        finish(unit, from).await
    }
}

impl Inner {
    /// The links made by hand that leave an entity: the link's id, and where it leads.
    pub(super) async fn hand_links(&self, from: EntityId) -> Result<Vec<(EntityId, EntityId)>> {
        let edges = self.db.edges_from(from).await?;
        let by_hand = edges.iter().filter(|edge| edge.out.table.as_str() == "entity");
        by_hand
            .map(|edge| {
                let link = edge.target.parse().map_err(|_| Error::corrupt("a link's edge doesn't name its link"))?;
                Ok((link, crate::store::rows::entity_of(&edge.out)?))
            })
            .collect()
    }
}

fn link_id(from: EntityId, to: EntityId, relation: &str) -> EntityId {
    EntityId::derived("altair link v1", &[from.as_bytes(), to.as_bytes(), relation.as_bytes()])
}
