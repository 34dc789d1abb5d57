//! Changing what is there: fields, quantities, tags.

use altair_protocol::rpc;
use altair_protocol::view::Entity;
use altair_protocol::{Bytes, DeviceId, EntityId, EntityState, Field, Kind, TagName, Thousandths, Value};

use super::create::{count_op, finish, in_trash, set};
use super::{Act, Altair, Edit, Here, Inner};
use crate::error::{Error, Result};
use crate::merge::text::{Text, act_peer, device_peer};
use crate::store::sealed::Before;

/// How many of an entity's changes are looked through for the text that an edit began from.
const BASES: usize = 200;

impl Altair {
    /// Changes what the edit names and nothing else.
    pub async fn edit(&self, id: EntityId, edit: Edit) -> Result<Entity> {
        self.call(rpc::EditEntity { id, edit }).await
    }

    /// Adds to an item's quantity. Devices that count at the same time add up.
    pub async fn count(&self, id: EntityId, delta: Thousandths) -> Result<Entity> {
        self.call(rpc::Count { id, delta }).await
    }

    /// Adds and removes tags. Each tag merges by itself, so two devices adding tags both win.
    pub async fn tag(&self, id: EntityId, add: &[String], remove: &[String]) -> Result<Entity> {
        self.call(rpc::Tag { id, add: add.to_vec(), remove: remove.to_vec() }).await
    }
}

impl Act for rpc::EditEntity {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id, mut edit } = self;
        if edit == Edit::default() {
            return Err(Error::invalid("the edit changes nothing", "name at least one part to change"));
        }
        if edit.base.is_some() && edit.fields.body.is_none() {
            return Err(Error::invalid("the edit has a base and no body", "give the body that was made of it"));
        }
        let mut unit = here.begin().await?;
        if let (Some(base), Some(new)) = (edit.base.take(), edit.fields.body.as_deref())
            && !follows(&unit.require(id).await?.state, &base, new)?
        {
            // Looking for the version may take a while, so others go first.
            drop(unit);
            let version = here.version_of(id, &base).await?;
            unit = here.begin().await?;
            let merged = merged(&unit.require(id).await?.state, here.device, &version, new)?;
            edit.fields.body = Some(merged);
        }
        let reading = unit.require(id).await?.reading.clone();
        if reading.entity.deleted {
            return Err(in_trash(id));
        }
        let kind = reading.entity.kind;
        if matches!(kind, Kind::Link | Kind::Attachment) {
            return Err(Error::invalid(format!("a {kind} is not edited"), "remove it and make another"));
        }
        let ops = here.ops(&mut unit, id, kind, edit.fields, edit.append, device_peer(here.device)).await?;
        if !ops.is_empty() {
            unit.change(id, kind, ops).await?;
        }
        finish(unit, id).await
    }
}

impl Act for rpc::Count {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id, delta } = self;
        let mut unit = here.begin().await?;
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
            unit.change(id, kind, vec![count_op(Some(&staged.state), here.device, delta)?]).await?;
        }
        finish(unit, id).await
    }
}

impl Act for rpc::Tag {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id, add, remove } = self;
        let parse = |tags: &[String]| tags.iter().map(|tag| TagName::parse(tag)).collect::<Result<Vec<_>, _>>();
        let tags = parse(&add).and_then(|add| Ok((add, parse(&remove)?)));
        let (add, remove) =
            tags.map_err(|error| Error::invalid(error.to_string(), "use tags like garden or house/kitchen"))?;
        if let Some(tag) = add.iter().find(|tag| remove.iter().any(|other| other.key() == tag.key())) {
            return Err(Error::invalid(
                format!("the tag {} is to be added and taken away", tag.spelling()),
                "say one of the two",
            ));
        }
        let mut unit = here.begin().await?;
        let staged = unit.require(id).await?.clone();
        if staged.reading.entity.deleted {
            return Err(in_trash(id));
        }
        let held = |tag: &TagName| staged.state.value(&Field::tag(tag)).is_some_and(|value| !value.is_null());
        let shown = |tag: &TagName| staged.reading.entity.tags.iter().any(|known| known.to_lowercase() == tag.key());
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
    }
}

/// Whether `new`, which was made of `base`, can stand as it is: nobody wrote since, or what was written is just this.
fn follows(state: &EntityState, base: &str, new: &str) -> Result<bool> {
    if state.kind == Kind::Capture {
        // Its words are a register: there is nothing to merge them by.
        let now = state.value(&Field::TEXT).and_then(Value::as_str).unwrap_or_default();
        return if now == base || now == new { Ok(true) } else { Err(stale()) };
    }
    let now = Text::open(state.texts.get(&Field::BODY))?.read();
    Ok(now == base || now == new)
}

/// The body that comes of `new`, which was made of the one at `version`, and all that was written since.
fn merged(state: &EntityState, device: DeviceId, version: &Bytes, new: &str) -> Result<String> {
    let mut text = Text::open(state.texts.get(&Field::BODY))?;
    let peer = act_peer(&[b"edit", device.as_bytes(), &text.version().0, new.as_bytes()]);
    text.edit_at(version, new, peer)?;
    Ok(text.read())
}

fn stale() -> Error {
    Error::refused(
        "the body that this edit began from is none that this entity has had lately",
        "read it again, and make the edit anew",
    )
}

impl Inner {
    /// The newest version at which an entity's body was `base`. What somebody has read is in the database, so nothing has to be waited for.
    async fn version_of(&self, id: EntityId, base: &str) -> Result<Bytes> {
        let Some(staged) = self.db.entity(id).await? else { return Err(stale()) };
        let text = Text::open(staged.state.texts.get(&Field::BODY))?;
        if text.read() == base {
            return Ok(text.version());
        }
        let empty = Text::open(None)?.version();
        let mut seq = staged.last;
        for _ in 0..BASES {
            let Some((logged, prior)) = self.db.logged(seq).await? else { break };
            let found = logged.before.into_iter().find_map(|(field, before)| match before {
                Before::Text { from, .. } if field == Field::BODY => Some(from),
                _ => None,
            });
            if let Some(from) = found {
                let from = from.unwrap_or_else(|| empty.clone());
                if text.read_at(&from)? == base {
                    return Ok(from);
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
