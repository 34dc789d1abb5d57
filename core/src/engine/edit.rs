//! Changing what is there: fields, quantities, tags.

use altair_protocol::view::Entity;
use altair_protocol::{EntityId, Field, Kind, TagName, Thousandths, Value};

use super::create::{count_op, finish, in_trash, set};
use super::{Altair, Edit, Inner};
use crate::error::{Error, Result};
use crate::merge::text::{Text, act_peer, device_peer};
use crate::store::sealed::Before;
use crate::store::write::Unit;

/// How many of an entity's changes are looked through for the text that an edit began from.
const BASES: usize = 1000;

impl Altair {
    /// Changes what the edit names and nothing else.
    pub async fn edit(&self, id: EntityId, edit: Edit) -> Result<Entity> {
        self.run("edit", move |inner| async move {
            if edit == Edit::default() {
                return Err(Error::invalid("the edit changes nothing", "name at least one part to change"));
            }
            if edit.base.is_some() && edit.fields.body.is_none() {
                return Err(Error::invalid("the edit has a base and no body", "give the body that was made of it"));
            }
            // To find a base, all that was written has to be in the log.
            let mut unit = match edit.base {
                Some(_) => inner.writer.begin_quiet().await?,
                None => inner.writer.begin().await?,
            };
            let reading = unit.require(id).await?.reading.clone();
            if reading.entity.deleted {
                return Err(in_trash(id));
            }
            let kind = reading.entity.kind;
            if matches!(kind, Kind::Link | Kind::Attachment) {
                return Err(Error::invalid(format!("a {kind} is not edited"), "remove it and make another"));
            }
            let mut edit = edit;
            if let (Some(base), Some(body)) = (edit.base.take(), &edit.fields.body) {
                edit.fields.body = Some(inner.merged(&mut unit, id, &base, body).await?);
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

impl Inner {
    /// The body that comes of `new`, which was made of `base`, and what was written to the entity since it had that body.
    async fn merged(&self, unit: &mut Unit, id: EntityId, base: &str, new: &str) -> Result<String> {
        let staged = unit.require(id).await?.clone();
        let state = &staged.state;
        let stale = || {
            Error::refused(
                "the body that this edit began from is none that this entity has had lately",
                "read it again, and make the edit anew",
            )
        };
        if state.kind == Kind::Capture {
            // Its words are a register: there is nothing to merge them by.
            let same = state.value(&Field::TEXT).and_then(Value::as_str).unwrap_or_default() == base;
            return if same { Ok(new.to_owned()) } else { Err(stale()) };
        }
        let mut text = Text::open(state.texts.get(&Field::BODY))?;
        if text.read() == base {
            return Ok(new.to_owned());
        }
        let empty = Text::open(None)?.version();
        let mut seq = staged.last;
        for _ in 0..BASES {
            let Some((logged, prior)) = self.db.logged(seq).await? else { break };
            let texts = logged.before.iter().filter(|(field, _)| *field == Field::BODY);
            for (_, before) in texts {
                let Before::Text { from, .. } = before else { continue };
                let from = from.as_ref().unwrap_or(&empty);
                if text.read_at(from)? == base {
                    let peer = act_peer(&[b"edit", self.device.as_bytes(), &text.version().0, new.as_bytes()]);
                    text.edit_at(from, new, peer)?;
                    return Ok(text.read());
                }
            }
            if prior == 0 {
                break;
            }
            seq = prior;
        }
        Err(stale())
    }
}
