//! What is around an entity: where its links lead, what links to it, and what is attached to it.
//!
//! Links in a body are read from the body and resolved by name; edges tell what arrives, and what was linked by hand. However many links there are, the
//! database is asked four or five questions: each costs more than what comes back.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use altair_protocol::view::{Entity, LinkOrigin, Ref};
use altair_protocol::{EntityId, Kind};
use surrealdb::types::{Array, RecordId, SurrealValue as _, Value as DbValue};

use super::Database;
use super::database::failed;
use super::derive::{owned_list, relation};
use super::read::path_of;
use super::rows::{EdgeRow, KeyRow, entity_of, entity_record, first_entity, keys_under, last_entity, name_record};
use crate::error::{Error, Result};
use crate::markdown::Paths;
use crate::reading::{Edge, Reading, name_key};

/// How many entities are read at a time; with so many around it is quickly done.
const FEW: usize = 200;
/// How many names are looked up at a time.
const NAMES: usize = 64;

/// What is around an entity.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// The other ends of its links, those in its body first, unresolved ones too. What is in the trash is left out.
    pub(crate) links: Vec<Ref>,
    /// What links to it, by title.
    pub(crate) backlinks: Vec<Ref>,
    /// What is attached to it.
    pub(crate) attachments: Vec<Entity>,
}

/// The edges at an entity, by their ids.
#[derive(Debug, Default)]
struct Edges {
    out: Vec<RecordId>,
    into: Vec<RecordId>,
    /// Those that arrive at one of its names.
    named: Vec<RecordId>,
}

/// All that was found near an entity.
#[derive(Debug)]
struct Found {
    /// The edges of links by hand.
    hand: Vec<EdgeRow>,
    /// Whose bodies have a link to one of its names.
    sources: BTreeSet<EntityId>,
    /// Who may be called by a name that a link has.
    called: BTreeSet<EntityId>,
    attached: Vec<EntityId>,
    /// All of these.
    near: Vec<Reading>,
}

impl Database {
    /// What is around an entity. Where that is much it is put together elsewhere than on the database's thread, and read with others in between.
    pub(crate) async fn around(&self, reading: &Arc<Reading>) -> Result<Around> {
        let found = self.found_near(reading).await?;
        if found.near.len() <= FEW {
            return Ok(found.around(reading));
        }
        let reading = Arc::clone(reading);
        let putting = tokio::task::spawn_blocking(move || found.around(&reading));
        putting.await.map_err(|error| Error::internal("what is around an entity can't be put together").because(error))
    }

    async fn found_near(&self, reading: &Reading) -> Result<Found> {
        let id = reading.entity.id;
        let edges = self.edges_at(id, &reading.names).await?;
        // Edges in bodies begin with the entity that the body is of, those by hand with the link.
        let mut hand = Vec::new();
        for edge in edges.out {
            if first_entity(&edge)? != id {
                hand.push(edge);
            }
        }
        hand.extend(edges.into);
        let hand = self.edge_rows(hand).await?;
        let sources = edges.named.iter().map(first_entity).collect::<Result<BTreeSet<_>>>()?;
        let mut names: BTreeSet<String> = body_links(reading).map(|(target, _)| name_key(target)).collect();
        if !sources.is_empty() {
            names.extend(reading.names.iter().cloned());
        }
        let (called, attached) = self.called(names, id).await?;
        let ends = hand.iter().flat_map(|edge| [&edge.r#in, &edge.out]).filter_map(edge_entity);
        let mut ids: BTreeSet<EntityId> = ends.collect();
        ids.extend(sources.iter().chain(&called).chain(&attached));
        let ids: Vec<EntityId> = ids.into_iter().collect();
        let mut near = Vec::with_capacity(ids.len());
        for ids in ids.chunks(FEW) {
            if !near.is_empty() {
                tokio::task::yield_now().await;
            }
            near.extend(self.entities(ids).await?);
        }
        Ok(Found { hand, sources, called, attached, near })
    }

    async fn edges_at(&self, id: EntityId, names: &BTreeSet<String>) -> Result<Edges> {
        let names: Vec<RecordId> = names.iter().map(|name| name_record(name)).collect();
        let values = [("id", entity_record(id).into_value()), ("names", names.into_value())];
        let mut response = self.ask("RETURN [$id->edge, $id<-edge, $names<-edge]", values).await?;
        // Of a list the SDK would take the items for rows.
        let found: DbValue = response.take(0).map_err(|error| failed(&error))?;
        let found = Vec::<Vec<RecordId>>::from_value(found).ok().and_then(|found| found.try_into().ok());
        let strange = || Error::internal("the database tells an entity's edges in another shape than it was asked for");
        let [out, into, named] = found.ok_or_else(strange)?;
        Ok(Edges { out, into, named })
    }

    async fn edge_rows(&self, edges: Vec<RecordId>) -> Result<Vec<EdgeRow>> {
        if edges.is_empty() {
            return Ok(Vec::new());
        }
        let many = edges.len();
        self.rows("SELECT * FROM $id", edges, many).await
    }

    /// Who may be called by some names; and what is attached to an entity.
    async fn called(&self, names: BTreeSet<String>, owner: EntityId) -> Result<(BTreeSet<EntityId>, Vec<EntityId>)> {
        let range = |table, first| (table, keys_under(DbValue::String(first)));
        let mut ranges = vec![range("place", owned_list(owner))];
        ranges.extend(names.into_iter().map(|name| range("named", name)));
        let (mut called, mut attached) = (BTreeSet::new(), Vec::new());
        for ranges in ranges.chunks(NAMES) {
            let sources: Vec<String> = (0..)
                .zip(ranges)
                .map(|(n, (table, _))| format!("type::record('{table}', $keys[{n}][0]>..=$keys[{n}][1])"))
                .collect();
            let bounds = ranges
                .iter()
                .map(|(_, (after, until))| DbValue::Array(Array::from(vec![after.clone(), until.clone()])));
            let keys = DbValue::Array(Array::from(bounds.collect::<Vec<_>>()));
            let mut response = self.ask(format!("SELECT id FROM {}", sources.join(", ")), [("keys", keys)]).await?;
            let rows: Vec<KeyRow> = response.take(0).map_err(|error| failed(&error))?;
            for row in &rows {
                match row.id.table.as_str() {
                    "named" => drop(called.insert(last_entity(&row.id)?)),
                    _ => attached.push(last_entity(&row.id)?),
                }
            }
        }
        Ok((called, attached))
    }
}

impl Found {
    fn around(&self, reading: &Reading) -> Around {
        let id = reading.entity.id;
        let near: HashMap<EntityId, &Reading> = self.near.iter().map(|near| (near.entity.id, near)).collect();
        let there = |id: EntityId| near.get(&id).copied().filter(|reading| !reading.entity.deleted);

        let mut paths = Paths::new();
        for called in self.called.iter().filter_map(|id| near.get(id)) {
            if let Some(path) = path_of(&called.entity) {
                paths.insert(path, called.entity.id);
            }
            if called.entity.kind != Kind::Attachment {
                paths.insert_name(&called.entity.title, called.entity.id);
            }
        }
        let by_hand = |from: fn(&EdgeRow) -> &RecordId, to: fn(&EdgeRow) -> &RecordId| {
            let edges = self.hand.iter().filter(move |edge| edge_entity(from(edge)) == Some(id));
            let ends = edges.filter_map(move |edge| Some((edge_entity(to(edge))?, edge)));
            ends.filter_map(|(end, edge)| {
                Some(entity_ref(&there(end)?.entity, edge.relation.clone(), LinkOrigin::Hand))
            })
        };

        let in_body =
            body_links(reading).map(|(target, embed)| resolved(&paths, &near, &reading.entity, target, embed));
        let mut seen = HashSet::new();
        let links = in_body.chain(by_hand(|edge| &edge.r#in, |edge| &edge.out)).filter(|link| {
            // A note that is linked to in several spellings is one.
            link.id.is_none_or(|id| seen.insert((id, link.relation.clone(), link.origin == LinkOrigin::Hand)))
        });
        let links = links.collect();
        let mut backlinks: Vec<Ref> = by_hand(|edge| &edge.out, |edge| &edge.r#in).collect();
        for source in self.sources.iter().filter_map(|source| there(*source)) {
            let path = path_of(&source.entity).unwrap_or_default();
            let arriving = body_links(source).filter(|(target, _)| paths.resolve(target, path) == Some(id));
            backlinks.extend(
                arriving.map(|(_, embed)| entity_ref(&source.entity, relation(embed).to_owned(), LinkOrigin::Body)),
            );
        }
        // Two links to the same place are one backlink.
        backlinks.sort_by(|a, b| (&a.title, a.id, &a.relation).cmp(&(&b.title, b.id, &b.relation)));
        backlinks.dedup();
        let attachments = self.attached.iter().filter_map(|id| Some(there(*id)?.entity.clone())).collect();
        Around { links, backlinks, attachments }
    }
}

/// The links in a body that lead somewhere, as written, and whether they are embeds. In the trash nothing links.
fn body_links(reading: &Reading) -> impl Iterator<Item = (&str, bool)> {
    let edges = reading.edges.keys().filter(|_| !reading.entity.deleted);
    edges.filter_map(|edge| match edge {
        // A link to a heading of the same note leads nowhere else.
        Edge::Body { target, embed } => (!name_key(target).is_empty()).then_some((target.as_str(), *embed)),
        Edge::Hand { .. } => None,
    })
}

/// Where a link leads that stands in a body.
fn resolved(
    paths: &Paths<EntityId>,
    near: &HashMap<EntityId, &Reading>,
    from: &Entity,
    target: &str,
    embed: bool,
) -> Ref {
    let relation = relation(embed).to_owned();
    let found = paths.resolve(target, path_of(from).unwrap_or_default()).and_then(|id| near.get(&id));
    match found {
        Some(found) => entity_ref(&found.entity, relation, LinkOrigin::Body),
        None => Ref { id: None, kind: None, title: target.to_owned(), relation, origin: LinkOrigin::Body },
    }
}

fn edge_entity(record: &RecordId) -> Option<EntityId> {
    (record.table.as_str() == "entity").then(|| entity_of(record).ok()).flatten()
}

fn entity_ref(entity: &Entity, relation: String, origin: LinkOrigin) -> Ref {
    Ref { id: Some(entity.id), kind: Some(entity.kind), title: entity.title.clone(), relation, origin }
}
