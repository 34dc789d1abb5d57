//! Changing what is there: fields, quantities, tags.

use altair_protocol::view::Entity;
use altair_protocol::{EntityId, Field, Kind, TagName, Thousandths, Value};

use super::create::{count_op, finish, in_trash, set};
use super::{Altair, Edit};
use crate::error::{Error, Result};
use crate::merge::text::device_peer;

impl Altair {
    /// Changes what the edit names and nothing else.
    pub async fn edit(&self, id: EntityId, edit: Edit) -> Result<Entity> {
        self.run("edit", move |inner| async move {
            if edit == Edit::default() {
                return Err(Error::invalid("the edit changes nothing", "name at least one part to change"));
            }
            let mut unit = inner.writer.begin().await?;
            let reading = unit.require(id).await?.reading.clone();
            if reading.entity.deleted {
                return Err(in_trash(id));
            }
            let kind = reading.entity.kind;
            if matches!(kind, Kind::Link | Kind::Attachment) {
                return Err(Error::invalid(format!("a {kind} is not edited"), "remove it and make another"));
            }
            let ops = inner.ops(&mut unit, id, kind, edit.fields, edit.append, device_peer(inner.device)).await?;
            if !ops.is_empty() {
                unit.change(id, kind, ops).await?;
            }
            finish(unit, id).await
        })
        .await
    }

    /// Adds to an item's quantity. Devices that count at the same time add up.
    pub async fn count(&self, id: EntityId, delta: Thousandths) -> Result<Entity> {
        self.run("count", move |inner| async move {
            let mut unit = inner.writer.begin().await?;
            let staged = unit.require(id).await?.clone();
            let kind = staged.reading.entity.kind;
            if kind != Kind::Item {
                return Err(Error::invalid(
                    format!("{id} is a {kind}, and only items are counted"),
                    "`altair list item` lists them",
                ));
            }
            if staged.reading.entity.deleted {
                return Err(in_trash(id));
            }
            if delta.0 != 0 {
                unit.change(id, kind, vec![count_op(Some(&staged.state), inner.device, delta)?]).await?;
            }
            finish(unit, id).await
        })
        .await
    }

    /// Adds and removes tags. Each tag merges by itself, so two devices adding tags both win.
    pub async fn tag(&self, id: EntityId, add: &[String], remove: &[String]) -> Result<Entity> {
        let parse = |tags: &[String]| tags.iter().map(|tag| TagName::parse(tag)).collect::<Result<Vec<_>, _>>();
        let tags = parse(add).and_then(|add| Ok((add, parse(remove)?)));
        let tags = tags.map_err(|error| Error::invalid(error.to_string(), "use tags like garden or house/kitchen"));
        self.run("tag", move |inner| async move {
            let (add, remove) = tags?;
            if let Some(tag) = add.iter().find(|tag| remove.iter().any(|other| other.key() == tag.key())) {
                return Err(Error::invalid(
                    format!("the tag {} is to be added and taken away", tag.spelling()),
                    "say one of the two",
                ));
            }
            let mut unit = inner.writer.begin().await?;
            let staged = unit.require(id).await?.clone();
            if staged.reading.entity.deleted {
                return Err(in_trash(id));
            }
            let held = |tag: &TagName| staged.state.value(&Field::tag(tag)).is_some_and(|value| !value.is_null());
            let shown =
                |tag: &TagName| staged.reading.entity.tags.iter().any(|known| known.to_lowercase() == tag.key());
            if let Some(tag) = remove.iter().find(|tag| shown(tag) && !held(tag)) {
                return Err(Error::refused(
                    format!("the tag {} stands in the note's text", tag.spelling()),
                    "take it out of the text with `altair edit`",
                ));
            }
            let removed = remove.iter().filter(|tag| held(tag)).map(|tag| set(Field::tag(tag), Value::Null));
            let added = add.iter().filter(|tag| !held(tag)).map(|tag| set(Field::tag(tag), tag.spelling()));
            let ops: Vec<_> = removed.chain(added).collect();
            if !ops.is_empty() {
                unit.change(id, staged.state.kind, ops).await?;
            }
            finish(unit, id).await
        })
        .await
    }
}
