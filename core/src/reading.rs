//! What an entity's state says: the view that people get, and what the store's indexes are derived from. Pure.
//!
//! Everything here can be computed again from the state alone; nothing of it is ever merged or sent.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::view::{Content, Entity, Source, Status, Time};
use altair_protocol::{DeviceId, EntityId, EntityState, Field, Hash, Kind, TagName, Thousandths, Value};
use unicode_normalization::UnicodeNormalization;

use crate::error::Result;
use crate::markdown::{FrontMatter, property_yaml, scan, value_of};
use crate::merge::{Text, conflicts};

/// One link that an entity makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edge {
    /// In a body or front matter: what it says, and whether it is an embed.
    Body { target: String, embed: bool },
    /// Made by hand.
    Hand { to: EntityId, relation: String },
}

/// A state, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) entity: Entity,
    /// Text to be searched beside the title.
    pub(crate) text: String,
    /// What links may call it by: lower case, the last part of a path, without `.md`.
    pub(crate) names: BTreeSet<String>,
    /// Its links, each with how often it stands there. For a link entity the edge is its own.
    pub(crate) edges: BTreeMap<Edge, i64>,
    /// Whether some register is in conflict.
    pub(crate) in_conflict: bool,
    /// Whether it is a capture that waits for triage.
    pub(crate) untriaged: bool,
}

impl Reading {
    /// The reading of a thing whose parent is ignored, as it would be inside itself.
    pub(crate) fn leave_parent(&mut self) {
        if let Content::Quest { parent, .. } | Content::Location { parent } = &mut self.entity.content {
            *parent = None;
        }
    }
}

/// The name that a link's target or an entity's path or title goes by.
pub(crate) fn name_key(target: &str) -> String {
    let last = target.rsplit('/').next().unwrap_or(target).trim();
    let lower: String = last.nfc().flat_map(char::to_lowercase).collect();
    match lower.strip_suffix(".md") {
        Some(stem) => stem.to_owned(),
        None => lower,
    }
}

/// A note's front matter as it stands in a file; empty when it has none.
pub(crate) fn front_text(state: &EntityState) -> String {
    let properties = raw_properties(state);
    let fences = state.value(&Field::FENCES).filter(|value| !value.is_null());
    if fences.is_none() && properties.is_empty() {
        return String::new();
    }
    let fence = |end: &str| fences.and_then(|f| f.get(end)).and_then(Value::as_str).unwrap_or("---\n").to_owned();
    let mut text = fence("open");
    for raw in &properties {
        text.push_str(raw);
    }
    text.push_str(&fence("close"));
    text
}

/// Reads a state.
pub(crate) fn read(state: &EntityState) -> Result<Reading> {
    let body = match state.texts.get(&Field::BODY) {
        Some(bytes) => Text::read_bytes(bytes)?,
        None => String::new(),
    };
    Ok(read_with_body(state, body))
}

/// Reads a state whose body is known, so that the text needn't be opened again.
pub(crate) fn read_with_body(state: &EntityState, body: String) -> Reading {
    let text = |field: &Field| state.value(field).and_then(Value::as_str).map(str::to_owned);
    let id = |field: &Field| state.value(field).and_then(Value::as_str).and_then(|text| text.parse::<EntityId>().ok());
    let mut edges = BTreeMap::new();
    let mut tags = hand_tags(state);
    let mut names = BTreeSet::new();
    let title = match state.kind {
        Kind::Capture => {
            text(&Field::TEXT).unwrap_or_default().trim_start().lines().next().unwrap_or_default().to_owned()
        }
        _ => text(&Field::TITLE).unwrap_or_default(),
    };

    let content = match state.kind {
        Kind::Capture => Content::Capture {
            text: text(&Field::TEXT).unwrap_or_default(),
            source: text(&Field::SOURCE).and_then(|word| Source::from_word(&word)).unwrap_or_default(),
            captured_at: text(&Field::CAPTURED_AT)
                .and_then(|time| serde_json::from_value(Value::String(time)).ok())
                .unwrap_or_else(|| created(state).0),
            triaged_into: id(&Field::TRIAGED_INTO),
        },
        Kind::Note => {
            let front = FrontMatter::parse(&front_text(state));
            tags.extend(front.tags());
            let aliases = front.aliases();
            let named = front.properties.into_iter().filter(|property| !property.key.is_empty());
            let properties: serde_json::Map<_, _> = named.map(|property| (property.key, property.value)).collect();
            for value in properties.values() {
                front_links(value, &mut edges);
            }
            Content::Note { body: body.clone(), path: text(&Field::PATH), aliases, properties }
        }
        Kind::Quest => Content::Quest {
            body: body.clone(),
            status: text(&Field::STATUS).and_then(|word| Status::from_word(&word)).unwrap_or_default(),
            energy: state.value(&Field::ENERGY).and_then(Value::as_u64).and_then(|n| u8::try_from(n).ok()),
            due: text(&Field::DUE),
            parent: id(&Field::PARENT),
        },
        Kind::Item => Content::Item {
            body: body.clone(),
            quantity: Thousandths(state.count(&Field::QUANTITY)),
            unit: text(&Field::UNIT),
            location: id(&Field::LOCATION),
        },
        Kind::Location => Content::Location { parent: id(&Field::PARENT) },
        Kind::Link => Content::Link {
            from: id(&Field::FROM),
            to: id(&Field::TO),
            relation: text(&Field::RELATION).unwrap_or_else(|| "link".to_owned()),
            anchor: text(&Field::ANCHOR),
        },
        Kind::Attachment => Content::Attachment {
            media_type: text(&Field::MEDIA_TYPE).unwrap_or_default(),
            size: state.value(&Field::SIZE).and_then(Value::as_u64).unwrap_or(0),
            hash: text(&Field::BLOB).and_then(|hash| hash.parse::<Hash>().ok()),
            owner: id(&Field::OWNER),
            path: text(&Field::PATH),
        },
    };

    if state.kind.has_body() {
        let found = scan(&body);
        tags.extend(found.tags);
        for link in found.links {
            *edges.entry(Edge::Body { target: link.target, embed: link.embed }).or_insert(0) += 1;
        }
    }
    if let Content::Link { to: Some(to), relation, .. } = &content {
        edges.insert(Edge::Hand { to: *to, relation: relation.clone() }, 1);
    }
    if let Some(path) = text(&Field::PATH) {
        names.insert(name_key(&path));
    }
    if !title.is_empty() && !matches!(state.kind, Kind::Capture | Kind::Link) {
        names.insert(name_key(&title));
    }

    let (created_at, created_by) = created(state);
    let untriaged = matches!(content, Content::Capture { triaged_into: None, .. });
    let search_text = match &content {
        Content::Capture { text, .. } => text.clone(),
        _ => body,
    };
    Reading {
        entity: Entity {
            id: state.id,
            kind: state.kind,
            title,
            tags: unique_tags(tags),
            created_at,
            updated_at: state.applied.latest().map_or(created_at, |dot| Time::from(dot.at)),
            created_by,
            deleted: !state.is_alive(),
            content,
        },
        text: search_text,
        names,
        edges,
        in_conflict: !conflicts(state).is_empty(),
        untriaged,
    }
}

/// The value of `created`: when, and by whom.
fn created(state: &EntityState) -> (Time, DeviceId) {
    let value = state.value(&Field::CREATED);
    let at = value.and_then(|v| v.get("at")).and_then(Value::as_i64);
    let by = value.and_then(|v| v.get("by")).and_then(Value::as_str).and_then(|text| text.parse().ok());
    let first = || state.applied.iter().min();
    (
        at.map(Time::from_millis).or_else(|| first().map(|dot| Time::from(dot.at))).unwrap_or_default(),
        by.or_else(|| first().map(|dot| dot.device)).unwrap_or_else(|| DeviceId::from(uuid::Uuid::nil())),
    )
}

/// The tags given by hand, as spelled.
fn hand_tags(state: &EntityState) -> Vec<String> {
    let tags = state.fields.iter().filter(|(field, _)| field.is_tag());
    tags.filter_map(|(_, heads)| heads.first().and_then(|head| head.value.as_str()).map(str::to_owned)).collect()
}

fn unique_tags(tags: Vec<String>) -> Vec<String> {
    let mut by_key = BTreeMap::new();
    for tag in tags.iter().filter_map(|tag| TagName::parse(tag).ok()) {
        by_key.entry(tag.key().to_owned()).or_insert_with(|| tag.spelling().to_owned());
    }
    by_key.into_values().collect()
}

/// The sources of the front matter's entries, in order.
fn raw_properties(state: &EntityState) -> Vec<String> {
    let mut found: Vec<(i64, &str, &str)> = state
        .fields
        .iter()
        .filter_map(|(field, heads)| {
            let value = &heads.first()?.value;
            Some((value.get("order")?.as_i64()?, field.property_key()?, value.get("raw")?.as_str()?))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(.., raw)| raw.to_owned()).collect()
}

/// Between a property's key and its count where a front matter has the key several times.
pub(crate) const REPEATED: char = '\u{1}';

fn front_links(value: &Value, edges: &mut BTreeMap<Edge, i64>) {
    match value {
        Value::String(text) => {
            for link in crate::markdown::scan_text_links(text) {
                *edges.entry(Edge::Body { target: link.target, embed: link.embed }).or_insert(0) += 1;
            }
        }
        Value::Array(values) => values.iter().for_each(|value| front_links(value, edges)),
        Value::Object(map) => map.values().for_each(|value| front_links(value, edges)),
        _ => {}
    }
}

/// A register's value as people see it: a front-matter property is kept as its source.
pub(crate) fn shown_value(field: &Field, value: Value) -> Value {
    match (field.property_key(), value.get("raw").and_then(Value::as_str)) {
        (Some(_), Some(raw)) => value_of(raw),
        _ => value,
    }
}

/// The register's value for what somebody typed: a property is written as YAML, at the place that it has.
pub(crate) fn kept_value(state: &EntityState, field: &Field, value: Value) -> Value {
    let Some(key) = field.property_key().filter(|_| !value.is_null()) else { return value };
    let key = key.split(REPEATED).next().unwrap_or(key);
    let order = state.value(field).and_then(|held| held.get("order")).cloned().unwrap_or_else(|| Value::from(i32::MAX));
    serde_json::json!({ "raw": property_yaml(key, &value), "order": order })
}
