//! What a value must be, whoever gives it: making, editing and resolving ask here, before anything is written.

use altair_protocol::view::{Content, Status};
use altair_protocol::{EntityId, Field, Kind, TagName, Value};

use super::in_trash;
use crate::engine::Fields;
use crate::error::{Error, Result};
use crate::store::write::Unit;

/// The longest body or capture, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 8 << 20;
/// The longest title, name or unit, in characters.
pub(super) const MAX_TITLE_CHARS: usize = 1000;

/// The value that a register of this entity may take, as it is to be written. Null clears what may be empty.
pub(in crate::engine) async fn checked_value(
    unit: &mut Unit,
    id: EntityId,
    kind: Kind,
    field: &Field,
    value: Value,
) -> Result<Value> {
    let name = field.as_str();
    let clearable = matches!(name, "energy" | "due" | "parent" | "unit" | "location" | "triaged_into");
    if value.is_null() && (clearable || field.is_tag() || field.property_key().is_some()) {
        return Ok(value);
    }
    match name {
        "title" => Ok(Value::from(checked_line(text_of(field, value)?, "a title")?)),
        "unit" => Ok(Value::from(checked_line(text_of(field, value)?, "a unit")?)),
        "text" => Ok(Value::from(checked_text(text_of(field, value)?, "a capture")?)),
        "due" => Ok(Value::from(checked_due(text_of(field, value)?)?)),
        "status" => match value.as_str().and_then(Status::from_word) {
            Some(status) => Ok(Value::from(status.as_str())),
            None => {
                let hint = format!("use one of {}", Status::WORDS.join(", "));
                Err(Error::invalid(format!("{value} is not a status"), hint))
            }
        },
        "energy" if value.as_i64().is_some_and(|energy| (1..=5).contains(&energy)) => Ok(value),
        "energy" => Err(Error::invalid(format!("{value} is not an energy"), "use a number from 1 to 5")),
        "parent" => {
            let parent = id_of(field, &value)?;
            check_parent(unit, id, kind, parent).await?;
            Ok(Value::from(parent.to_string()))
        }
        "location" => {
            let location = id_of(field, &value)?;
            let found = &unit.require(location).await?.reading.entity;
            if found.kind != Kind::Location {
                return Err(Error::invalid(
                    format!("{location} is a {}, not a location", found.kind),
                    "`altair list location` lists them",
                ));
            }
            if found.deleted {
                return Err(in_trash(location));
            }
            Ok(Value::from(location.to_string()))
        }
        _ if field.property_key().is_some() => Ok(value),
        _ if field.is_tag() => match TagName::parse(&text_of(field, value)?) {
            Ok(tag) if Field::tag(&tag) == *field => Ok(Value::from(tag.spelling())),
            _ => Err(Error::invalid(format!("that is another tag than {field}"), "spell the same tag, or use null")),
        },
        // What a person never types: where it came from, what it joins, which bytes it has.
        _ => Err(Error::invalid(format!("that is not a value for {field}"), "take one of the heads")),
    }
}

fn text_of(field: &Field, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid(format!("that is not a value for {field}"), "use a text")),
    }
}

fn id_of(field: &Field, value: &Value) -> Result<EntityId> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::invalid(format!("that is not a value for {field}"), "use an entity's whole id"))
}

pub(super) fn check_makeable(kind: Kind) -> Result<()> {
    match kind {
        Kind::Note | Kind::Quest | Kind::Item | Kind::Location => Ok(()),
        Kind::Capture | Kind::Link | Kind::Attachment => {
            Err(Error::invalid(format!("a {kind} is not made this way"), "use note, quest, item or location"))
        }
    }
}

/// Refuses parts that the kind doesn't have.
pub(super) fn check_fit(kind: Kind, fields: &Fields) -> Result<()> {
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

/// A parent must be there and of the same kind, and no thing may come to be inside itself.
async fn check_parent(unit: &mut Unit, id: EntityId, kind: Kind, parent: EntityId) -> Result<()> {
    let found = &unit.require(parent).await?.reading.entity;
    if found.kind != kind {
        return Err(Error::invalid(
            format!("{parent} is a {}, and a {kind}'s parent is a {kind}", found.kind),
            format!("`altair list {kind}` lists them"),
        ));
    }
    if found.deleted {
        return Err(in_trash(parent));
    }
    let mut at = Some(parent);
    let mut passed = std::collections::HashSet::new();
    while let Some(here) = at
        && passed.insert(here)
    {
        if here == id {
            return Err(Error::invalid(format!("{id} can't be inside itself"), "choose another parent"));
        }
        // An ancestor may have been erased: above it there is nothing.
        at = unit.get(here).await?.and_then(|staged| match &staged.reading.entity.content {
            Content::Quest { parent, .. } | Content::Location { parent } => *parent,
            _ => None,
        });
    }
    Ok(())
}

/// One line of text without control characters.
pub(in crate::engine) fn checked_line(text: String, what: &str) -> Result<String> {
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

pub(super) fn checked_text(text: String, what: &str) -> Result<String> {
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
