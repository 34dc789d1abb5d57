//! Making things: captures, triage, and new notes, quests, items and locations.
//!
//! Every value is checked here, at the edge, before anything is written.

use altair_protocol::view::{Entity, Status, Time};
use altair_protocol::{Bytes, EntityId, Field, Kind, Op, Thousandths, Value};

use super::{Altair, Fields, Inner, New, NewCapture};
use crate::error::{Error, Result};
use crate::merge::text::{act_peer, device_peer};
use crate::merge::{Text, counter};
use crate::store::write::Unit;

/// The longest body or capture, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 8 << 20;
/// The longest title, name or unit, in characters.
const MAX_TITLE_CHARS: usize = 1000;

impl Altair {
    /// Adds a thought to the inbox. When this returns it is on disk.
    pub async fn capture(&self, new: NewCapture) -> Result<Entity> {
        self.run("capture", move |inner| async move {
            let text = checked_text(new.text, "a capture")?;
            if text.trim().is_empty() {
                return Err(Error::invalid("a capture needs at least one word", "say what to remember"));
            }
            let mut unit = inner.writer.begin().await?;
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
        })
        .await
    }

    /// Makes a note, quest, item or location.
    pub async fn create(&self, new: New) -> Result<Entity> {
        self.run("create", move |inner| async move {
            check_makeable(new.kind)?;
            let mut unit = inner.writer.begin().await?;
            let id = unit.mint();
            let mut ops = vec![created_op(&unit)];
            let title = new.fields.title.clone().unwrap_or_default();
            let fields = Fields { title: Some(title), ..new.fields };
            ops.extend(inner.ops(&mut unit, id, new.kind, fields, None, device_peer(inner.device)).await?);
            unit.change(id, new.kind, ops).await?;
            finish(unit, id).await
        })
        .await
    }

    /// Makes a note, quest, item or location out of a capture, which keeps what it became. The new entity's id follows from the capture and
    /// the kind, so two devices that triage alike make one thing.
    pub async fn triage(&self, capture: EntityId, into: Kind, title: Option<String>) -> Result<Entity> {
        self.run("triage", move |inner| async move { inner.triage(capture, into, title).await }).await
    }
}

impl Inner {
    async fn triage(&self, capture: EntityId, into: Kind, title: Option<String>) -> Result<Entity> {
        use altair_protocol::view::Content;
        check_makeable(into)?;
        let mut unit = self.writer.begin().await?;
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
        let mut ops = vec![created_op(&unit), set(Field::ORIGIN, capture.to_string())];
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

    /// The steps that set these fields, after checking each. What already has the value needs no step. `peer` writes the body.
    pub(super) async fn ops(
        &self,
        unit: &mut Unit,
        id: EntityId,
        kind: Kind,
        fields: Fields,
        append: Option<String>,
        peer: u64,
    ) -> Result<Vec<Op>> {
        check_fit(kind, &fields)?;
        let now = unit.get(id).await?.map(|staged| staged.state.clone());
        let mut ops = Vec::new();
        let mut put = |field: Field, value: Value| {
            let same = now.as_ref().is_some_and(|state| {
                state.fields.get(&field).is_some_and(|heads| heads.len() == 1 && heads[0].value == value)
            });
            if !same {
                ops.push(Op::Set { field, value });
            }
        };
        if let Some(title) = fields.title {
            put(Field::TITLE, Value::from(checked_line(title, "a title")?));
        }
        if let Some(status) = fields.status {
            let status = Status::from_word(&status).ok_or_else(|| {
                Error::invalid(
                    format!("\"{}\" is not a status", status.escape_debug()),
                    format!("use one of {}", Status::WORDS.join(", ")),
                )
            })?;
            put(Field::STATUS, Value::from(status.as_str()));
        }
        if let Some(energy) = fields.energy {
            if energy.is_some_and(|energy| !(1..=5).contains(&energy)) {
                return Err(Error::invalid(
                    format!("{} is not an energy", energy.unwrap_or_default()),
                    "use a number from 1 to 5",
                ));
            }
            put(Field::ENERGY, Value::from(energy));
        }
        if let Some(due) = fields.due {
            put(Field::DUE, Value::from(due.map(checked_due).transpose()?));
        }
        if let Some(unit_of) = fields.unit {
            put(Field::UNIT, Value::from(unit_of.map(|text| checked_line(text, "a unit")).transpose()?));
        }
        if let Some(parent) = fields.parent {
            if let Some(parent) = parent {
                check_parent(unit, id, kind, parent).await?;
            }
            put(Field::PARENT, Value::from(parent.map(|id| id.to_string())));
        }
        if let Some(location) = fields.location {
            if let Some(location) = location {
                let found = unit.require(location).await?.reading.entity.kind;
                if found != Kind::Location {
                    return Err(Error::invalid(
                        format!("{location} is a {found}, not a location"),
                        "`altair list location` lists them",
                    ));
                }
            }
            put(Field::LOCATION, Value::from(location.map(|id| id.to_string())));
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

/// Commits the unit and gives the entity as it is now.
pub(super) async fn finish(mut unit: Unit, id: EntityId) -> Result<Entity> {
    let entity = unit.require(id).await?.reading.entity.clone();
    unit.commit().await?;
    Ok(entity)
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

fn check_makeable(kind: Kind) -> Result<()> {
    match kind {
        Kind::Note | Kind::Quest | Kind::Item | Kind::Location => Ok(()),
        Kind::Capture | Kind::Link | Kind::Attachment => {
            Err(Error::invalid(format!("a {kind} is not made this way"), "use note, quest, item or location"))
        }
    }
}

/// Refuses parts that the kind doesn't have.
fn check_fit(kind: Kind, fields: &Fields) -> Result<()> {
    let asked = [
        (Field::TITLE, fields.title.is_some()),
        (Field::STATUS, fields.status.is_some()),
        (Field::ENERGY, fields.energy.is_some()),
        (Field::DUE, fields.due.is_some()),
        (Field::PARENT, fields.parent.is_some()),
        (Field::QUANTITY, fields.quantity.is_some()),
        (Field::UNIT, fields.unit.is_some()),
        (Field::LOCATION, fields.location.is_some()),
        (Field::BODY, fields.body.is_some() && kind != Kind::Capture),
    ];
    match asked.into_iter().find(|(field, asked)| *asked && field.shape(kind).is_none()) {
        Some((field, _)) => {
            Err(Error::invalid(format!("a {kind} has no {field}"), "leave it out, or use a kind that has it"))
        }
        None => Ok(()),
    }
}

/// A parent must be of the same kind, and no thing may come to be inside itself.
async fn check_parent(unit: &mut Unit, id: EntityId, kind: Kind, parent: EntityId) -> Result<()> {
    use altair_protocol::view::Content;
    let mut at = Some(parent);
    let mut passed = std::collections::HashSet::new();
    while let Some(here) = at {
        if here == id {
            return Err(Error::invalid(format!("{id} can't be inside itself"), "choose another parent"));
        }
        if !passed.insert(here) {
            break;
        }
        let staged = unit.require(here).await?;
        if staged.reading.entity.kind != kind {
            return Err(Error::invalid(
                format!("{here} is a {}, and a {kind}'s parent is a {kind}", staged.reading.entity.kind),
                format!("`altair list {kind}` lists them"),
            ));
        }
        at = match &staged.reading.entity.content {
            Content::Quest { parent, .. } | Content::Location { parent } => *parent,
            _ => None,
        };
    }
    Ok(())
}

/// One line of text without control characters.
pub(super) fn checked_line(text: String, what: &str) -> Result<String> {
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(Error::invalid(
            format!("{what} can't hold the control character U+{:04X}", c as u32),
            "take it out",
        ));
    }
    if text.chars().count() > MAX_TITLE_CHARS {
        return Err(Error::invalid(
            format!("{what} has at most {MAX_TITLE_CHARS} characters"),
            "put the rest into the body",
        ));
    }
    Ok(text)
}

fn checked_text(text: String, what: &str) -> Result<String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::invalid(
            format!("{what} has at most {} MiB, and this has {} bytes", MAX_TEXT_BYTES >> 20, text.len()),
            "split it, or attach it as a file",
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid(
            format!("{what} can't hold a NUL character"),
            "take it out, or attach it as a file",
        ));
    }
    Ok(text)
}

/// A date, or a moment in RFC 3339.
fn checked_due(text: String) -> Result<String> {
    if text.parse::<jiff::Timestamp>().is_ok() || (text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()) {
        return Ok(text);
    }
    Err(Error::invalid(
        format!("\"{}\" is not a date", text.escape_debug()),
        "use a date like 2026-12-24, or a moment like 2026-12-24T18:00:00Z",
    ))
}
