//! Making things: captures, triage, and new notes, quests, items and locations.
//!
//! Every value is checked (in `check`), at the edge, before anything is written.

mod check;

use std::sync::Arc;

use altair_protocol::rpc;
use altair_protocol::view::{Entity, Time};
use altair_protocol::{Bytes, EntityId, Field, Kind, Op, Thousandths, Value};

pub use self::check::MAX_TEXT_BYTES;
use self::check::{MAX_TITLE_CHARS, check_fit, check_makeable, checked_text};
pub(super) use self::check::{checked_line, checked_value};
use super::{Act, Altair, Fields, Here, Inner, New, NewCapture};
use crate::error::{Error, Result};
use crate::merge::cycle::{Inside, Parents, is_ignored};
use crate::merge::text::{act_peer, device_peer};
use crate::merge::{Text, counter};
use crate::store::sealed::Kept;
use crate::store::write::Unit;

impl Altair {
    /// Adds a thought to the inbox. When this returns it is on disk.
    pub async fn capture(&self, new: NewCapture) -> Result<Entity> {
        self.call(rpc::Capture { new }).await
    }

    /// Makes a note, quest, item or location.
    pub async fn create(&self, new: New) -> Result<Entity> {
        self.call(rpc::Create { new }).await
    }

    /// Makes a note, quest, item or location out of a capture, which keeps what it became. The new entity's id follows from the capture and
    /// the kind, so two devices that triage alike make one thing.
    pub async fn triage(&self, capture: EntityId, into: Kind, title: Option<String>) -> Result<Entity> {
        self.call(rpc::Triage { capture, into, title }).await
    }
}

impl Act for rpc::Capture {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { new } = self;
        let text = checked_text(new.text, "a capture")?;
        if text.trim().is_empty() {
            return Err(Error::invalid("a capture needs at least one word", "say what to remember"));
        }
        let mut unit = here.begin().await?;
        let id = unit.mint();
        let now = Time::from_millis(unit.now().cast_signed());
        let ops = vec![
            created_op(&unit),
            set(Field::TEXT, text),
            set(Field::SOURCE, new.source.as_str()),
            set(Field::CAPTURED_AT, now.to_string()),
        ];
        unit.change(id, Kind::Capture, ops).await?;
        finish(unit, id).await
    }
}

impl Act for rpc::Create {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { new } = self;
        check_makeable(new.kind)?;
        let mut unit = here.begin().await?;
        let id = unit.mint();
        let mut ops = vec![created_op(&unit)];
        let title = new.fields.title.clone().unwrap_or_default();
        let fields = Fields { title: Some(title), ..new.fields };
        ops.extend(here.ops(&mut unit, id, new.kind, fields, None, device_peer(here.device)).await?);
        unit.change(id, new.kind, ops).await?;
        finish(unit, id).await
    }
}

impl Act for rpc::Triage {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { capture, into, title } = self;
        here.triage(capture, into, title).await
    }
}

impl Here {
    async fn triage(&self, capture: EntityId, into: Kind, title: Option<String>) -> Result<Entity> {
        use altair_protocol::view::Content;
        check_makeable(into)?;
        let mut unit = self.begin().await?;
        let reading = unit.require(capture).await?.reading.clone();
        let Content::Capture { text, triaged_into, .. } = &reading.entity.content else {
            return Err(Error::invalid(
                format!("{capture} is a {}, and only captures are triaged", reading.entity.kind),
                "`altair inbox` lists the captures",
            ));
        };
        if let Some(made) = triaged_into {
            return Err(Error::refused(
                format!("this capture was triaged already, into {made}"),
                "show or edit what it became",
            ));
        }
        if reading.entity.deleted {
            return Err(in_trash(capture));
        }
        let id = EntityId::derived("altair triage v1", &[capture.as_bytes(), into.as_str().as_bytes()]);
        if !unit.erased(&[id]).await?.is_empty() {
            return Err(Error::refused(
                format!("the {into} that this capture became was erased"),
                "triage it into another kind, or make a new one with `altair new`",
            ));
        }
        let first_line = reading.entity.title.clone();
        let rest = text.trim_start().strip_prefix(first_line.as_str()).unwrap_or_default().trim();
        let body = match &title {
            // The title says something else, so the whole thought stays in the body.
            Some(title) if *title != first_line => text.trim().to_owned(),
            _ => rest.to_owned(),
        };
        let fields = Fields {
            title: Some(title.unwrap_or_else(|| first_line.chars().take(MAX_TITLE_CHARS).collect())),
            body: (into.has_body() && !body.is_empty()).then_some(body),
            ..Fields::default()
        };
        // The body has one writer, the act, on whatever device: else two devices' bodies would stand one after the other. What is there
        // already (a triage that was undone) is edited as any text.
        let peer = match unit.get(id).await? {
            Some(_) => device_peer(self.device),
            None => {
                let body = fields.body.as_deref().unwrap_or_default();
                act_peer(&[b"triage", capture.as_bytes(), into.as_str().as_bytes(), body.as_bytes()])
            }
        };
        let mut ops = match unit.get(id).await?.map(|staged| staged.reading.entity.deleted) {
            None => vec![created_op(&unit)],
            Some(true) => vec![Op::Restore],
            Some(false) => Vec::new(),
        };
        ops.push(set(Field::ORIGIN, capture.to_string()));
        ops.extend(self.ops(&mut unit, id, into, fields, None, peer).await?);
        unit.change(id, into, ops).await?;
        for tag in &reading.entity.tags {
            if let Ok(tag) = altair_protocol::TagName::parse(tag) {
                unit.change(id, into, vec![set(Field::tag(&tag), tag.spelling())]).await?;
            }
        }
        unit.change(capture, Kind::Capture, vec![set(Field::TRIAGED_INTO, id.to_string())]).await?;
        finish(unit, id).await
    }
}

impl Inner {
    /// The steps that set these fields, after checking each. What already has the value needs no step. `peer` writes the body.
    pub(super) async fn ops(
        &self,
        unit: &mut Unit,
        id: EntityId,
        kind: Kind,
        mut fields: Fields,
        append: Option<String>,
        peer: u64,
    ) -> Result<Vec<Op>> {
        check_fit(kind, &fields)?;
        let now = unit.get(id).await?.map(|staged| staged.state.clone());
        let mut ops = Vec::new();
        for (field, value) in named_registers(&mut fields) {
            let value = checked_value(unit, id, kind, &field, value).await?;
            let same = now.as_ref().is_some_and(|state| {
                state.fields.get(&field).is_some_and(|heads| heads.len() == 1 && heads[0].value == value)
            });
            if !same {
                ops.push(Op::Set { field, value });
            }
        }
        if let Some(quantity) = fields.quantity {
            let held = now.as_ref().map_or(0, |state| state.count(&Field::QUANTITY));
            let delta = quantity.0.checked_sub(held).ok_or_else(overflow)?;
            if delta != 0 || now.is_none() {
                ops.push(count_op(now.as_ref(), self.device, Thousandths(delta))?);
            }
        }
        if kind == Kind::Capture {
            if let Some(text) = fields.body {
                ops.push(set(Field::TEXT, checked_text(text, "a capture")?));
            }
            if let Some(more) = append {
                let held = now
                    .as_ref()
                    .and_then(|state| state.value(&Field::TEXT))
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                ops.push(set(Field::TEXT, checked_text(appended(held, &more), "a capture")?));
            }
        } else if fields.body.is_some() || append.is_some() {
            let held = now.as_ref().and_then(|state| state.texts.get(&Field::BODY));
            ops.extend(body_op(held, fields.body, append, peer)?);
        }
        Ok(ops)
    }
}

/// The registers that are to be set, taken out of what was asked for.
fn named_registers(fields: &mut Fields) -> Vec<(Field, Value)> {
    let id = |id: EntityId| id.to_string();
    let asked = [
        (Field::TITLE, fields.title.take().map(Value::from)),
        (Field::STATUS, fields.status.take().map(Value::from)),
        (Field::ENERGY, fields.energy.take().map(Value::from)),
        (Field::DUE, fields.due.take().map(Value::from)),
        (Field::UNIT, fields.unit.take().map(Value::from)),
        (Field::PARENT, fields.parent.take().map(|parent| Value::from(parent.map(id)))),
        (Field::LOCATION, fields.location.take().map(|location| Value::from(location.map(id)))),
    ];
    asked.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

/// Commits the unit and gives the entity as it is now.
pub(super) async fn finish(mut unit: Unit, id: EntityId) -> Result<Entity> {
    let mut reading = Arc::clone(&unit.require(id).await?.reading);
    let mut parents = Parents::new();
    let mut at = id;
    while !parents.contains_key(&at)
        && let Some(inside) = unit.get(at).await?.and_then(|staged| Inside::of(&staged.state))
    {
        parents.insert(at, inside);
        at = inside.parent;
    }
    if is_ignored(&parents, id) {
        Arc::make_mut(&mut reading).leave_parent();
    }
    unit.answer(Kept::Entity(id));
    unit.commit().await?;
    Ok(reading.entity.clone())
}

/// The register that says when a thing was made, and by whom.
pub(crate) fn created_op(unit: &Unit) -> Op {
    set(Field::CREATED, serde_json::json!({ "at": unit.now(), "by": unit.device().to_string() }))
}

pub(crate) fn set(field: Field, value: impl Into<Value>) -> Op {
    Op::Set { field, value: value.into() }
}

/// The step that adds to an item's quantity.
pub(super) fn count_op(
    state: Option<&altair_protocol::EntityState>,
    device: altair_protocol::DeviceId,
    delta: Thousandths,
) -> Result<Op> {
    let shares = state.and_then(|state| state.counters.get(&Field::QUANTITY));
    let total = counter::add(shares, device, delta.0).ok_or_else(overflow)?;
    Ok(Op::Count { field: Field::QUANTITY, total })
}

pub(super) fn in_trash(id: EntityId) -> Error {
    Error::refused(format!("{id} is in the trash"), "restore it first")
}

fn overflow() -> Error {
    Error::invalid("that is more than a quantity can hold", "use a smaller number or a larger unit")
}

fn body_op(held: Option<&Bytes>, body: Option<String>, append: Option<String>, peer: u64) -> Result<Option<Op>> {
    let text = Text::open(held)?;
    let mut new = match body {
        Some(body) => body,
        None => text.read(),
    };
    if let Some(more) = append {
        new = appended(&new, &more);
    }
    let edit = text.edit(&checked_text(new, "a body")?, peer)?;
    Ok(edit.map(|edit| Op::Text { field: Field::BODY, update: edit.update }))
}

/// Text with more on a line of its own.
fn appended(text: &str, more: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{more}")
}
