//! The rows that follow from an entity's state: its places in lists, its names, its edges.
//!
//! Invariant: the rows in the store are always those of [`Rows::of`] for the stored state; a commit writes the difference.

use std::collections::BTreeSet;

use altair_protocol::view::Content;
use altair_protocol::{EntityId, Kind, TagName};

use super::rows::{EdgeRow, edge_record, entity_record, name_record};
use crate::reading::{Edge, Reading, name_key};

/// The list of captures that wait for triage.
pub(crate) const INBOX: &str = "inbox";
/// The list of what is in the trash.
pub(crate) const TRASH: &str = "trash";
/// The list of links by hand that were removed: they are no thing of their own to be found in the trash.
pub(crate) const UNLINKED: &str = "unlinked";
/// The list of what is in conflict.
pub(crate) const CONFLICTS: &str = "conflicts";

/// The list of a kind, or of a kind with a tag.
pub(crate) fn list_name(kind: Kind, tag: Option<&TagName>) -> String {
    tag.map_or_else(|| kind.as_str().to_owned(), |tag| format!("{kind}#{}", tag.key()))
}

/// The list of what belongs to an entity.
pub(crate) fn owned_list(owner: EntityId) -> String {
    format!("of {owner}")
}

/// What is derived from one state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) created_ms: i64,
    pub(crate) places: BTreeSet<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) edges: Vec<EdgeRow>,
}

impl Rows {
    /// The rows of a state. What is in the trash has a place there and in no other list, and no names and edges.
    pub(crate) fn of(reading: &Reading) -> Self {
        let entity = &reading.entity;
        let created_ms = entity.created_at.millis();
        let mut places = BTreeSet::new();
        if reading.in_conflict {
            places.insert(CONFLICTS.to_owned());
        }
        if entity.deleted {
            places.insert(if entity.kind == Kind::Link { UNLINKED } else { TRASH }.to_owned());
            return Self { created_ms, places, ..Self::default() };
        }
        places.insert(list_name(entity.kind, None));
        if reading.untriaged {
            places.insert(INBOX.to_owned());
        }
        if let Content::Attachment { owner: Some(owner), .. } = &entity.content {
            places.insert(owned_list(*owner));
        }
        for tag in entity.tags.iter().filter_map(|tag| TagName::parse(tag).ok()) {
            places.insert(list_name(entity.kind, Some(&tag)));
            // A list of `garden` has what is tagged `garden/beds` too.
            for (at, _) in tag.key().match_indices('/') {
                places.insert(format!("{}#{}", entity.kind, &tag.key()[..at]));
            }
        }
        Self { created_ms, places, names: reading.names.clone(), edges: edges(reading) }
    }
}

fn edges(reading: &Reading) -> Vec<EdgeRow> {
    let id = reading.entity.id;
    let from = match &reading.entity.content {
        Content::Link { from, .. } => *from,
        _ => Some(id),
    };
    let Some(from) = from else { return Vec::new() };
    let rows = reading.edges.iter().filter_map(|(edge, &times)| edge_parts(edge, id).map(|parts| (parts, times)));
    rows.enumerate()
        .map(|(n, ((out, target, relation), times))| EdgeRow {
            id: edge_record(id, n as i64),
            r#in: entity_record(from),
            out,
            target,
            relation,
            times,
        })
        .collect()
}

/// What a link in a body is to what it links to.
pub(crate) fn relation(embed: bool) -> &'static str {
    if embed { "embed" } else { "link" }
}

fn edge_parts(edge: &Edge, id: EntityId) -> Option<(surrealdb::types::RecordId, String, String)> {
    match edge {
        Edge::Hand { to, relation } => Some((entity_record(*to), id.to_string(), relation.clone())),
        Edge::Body { target, embed } => {
            // A link to a heading of the same note leads nowhere else.
            let name = name_key(target);
            (!name.is_empty()).then(|| (name_record(&name), target.clone(), relation(*embed).to_owned()))
        }
    }
}
