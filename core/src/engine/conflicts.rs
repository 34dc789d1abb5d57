//! Conflicts: listed, compared, resolved. A resolution is a change that has seen all the heads.

use altair_protocol::view::{Conflict, ConflictHead, Content};
use altair_protocol::{Change, EntityId, EntityState, Field, Head, Kind, Value};

use super::create::set;
use super::{Altair, Inner, Resolution};
use crate::error::{Error, Result};
use crate::merge::conflict::{conflict_id, head_name};
use crate::merge::{Applied, conflicts};
use crate::reading::{kept_value, shown_value};
use crate::store::derive::CONFLICTS;
use crate::store::write::Undoing;

/// How many changes may wait for others. In practice none does: a server sends in order.
const MAX_HELD: usize = 10_000;

impl Altair {
    /// All registers with concurrent, different values, and parents that form a cycle.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>> {
        self.run("conflicts", |inner| async move { Ok(inner.all_conflicts().await?.into_iter().map(shown).collect()) })
            .await
    }

    /// Resolves a conflict, named by its id or an unambiguous ending, and gives it as it was.
    pub async fn resolve(&self, conflict: &str, resolution: Resolution) -> Result<Conflict> {
        let conflict = conflict.trim().to_lowercase();
        self.run("resolve", move |inner| async move {
            if conflict.len() < 4 {
                return Err(Error::invalid(
                    format!("\"{conflict}\" is not a conflict"),
                    "`altair conflicts` lists them",
                ));
            }
            let mut unit = inner.writer.begin_quiet().await?;
            let all = inner.all_conflicts().await?;
            let mut matching = all.into_iter().filter(|known| known.id.to_string().ends_with(&conflict));
            let found = match (matching.next(), matching.next()) {
                (Some(found), None) => found,
                (Some(_), Some(_)) => {
                    return Err(Error::invalid(
                        format!("several conflicts end in {conflict}"),
                        "give more of its characters",
                    ));
                }
                (None, _) => return Err(Error::not_found(format_args!("conflict {conflict}"))),
            };
            let field = Field::named(found.field.clone());
            let state = unit.require(found.entity).await?.state.clone();
            let value = match resolution {
                Resolution::Value(value) => {
                    check_value(state.kind, &field, &value)?;
                    kept_value(&state, &field, value)
                }
                Resolution::Head(name) => {
                    let mut heads = found.heads.iter().filter(|head| head.head == name || head.head.starts_with(&name));
                    match (heads.next(), heads.next()) {
                        (Some(head), None) => head.value.clone(),
                        (Some(_), Some(_)) => {
                            return Err(Error::invalid(
                                format!("several heads begin with {name}"),
                                "give the whole head",
                            ));
                        }
                        (None, _) => return Err(Error::not_found(format_args!("head {name} in this conflict"))),
                    }
                }
            };
            unit.change(found.entity, state.kind, vec![set(field, value)]).await?;
            unit.commit().await?;
            Ok(shown(found))
        })
        .await
    }

    /// Applies changes made elsewhere, in one transaction. Those that build on others which aren't here wait in the store until they are.
    /// It gives how many were new.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<u64> {
        self.run("apply", move |inner| async move { inner.apply(changes).await }).await
    }

    /// This device's and others' changes after a number, oldest first: what another replica has to be given.
    pub async fn changes_after(&self, seq: u64, limit: usize) -> Result<Vec<Change>> {
        self.run("changes_after", move |inner| async move {
            let log = inner.db.log_after(seq, limit).await?;
            Ok(log.into_iter().map(|(_, logged)| logged.change).collect())
        })
        .await
    }
}

impl Inner {
    pub(super) async fn all_conflicts(&self) -> Result<Vec<Conflict>> {
        let mut all = Vec::new();
        for id in self.db.whole_list(CONFLICTS).await? {
            if let Some(staged) = self.db.entity(id).await? {
                all.extend(conflicts(&staged.state));
            }
        }
        all.extend(self.cycles().await?);
        Ok(all)
    }

    /// Parents that form a cycle, each listed at the entity whose edge has the lowest stamp and is ignored by readers.
    async fn cycles(&self) -> Result<Vec<Conflict>> {
        let mut all = Vec::new();
        for kind in [Kind::Quest, Kind::Location] {
            let mut parents = std::collections::BTreeMap::new();
            for id in self.db.whole_list(kind.as_str()).await? {
                if let Some(staged) = self.db.entity(id).await?
                    && let Content::Quest { parent: Some(parent), .. } | Content::Location { parent: Some(parent) } =
                        &staged.reading.entity.content
                {
                    parents.insert(id, (*parent, staged.state));
                }
            }
            all.extend(cycles_among(&parents));
        }
        Ok(all)
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<u64> {
        let mut unit = self.writer.begin_quiet().await?;
        unit.set_act(Undoing::Keep);
        let mut waiting = self.db.held().await?;
        let already_held = waiting.len();
        let mut new = 0;
        let mut holding = 0;
        for change in changes {
            // Erasing is a server's decision, and what was erased here stays so.
            if change.erase
                || (unit.get(change.entity).await?.is_none() && !unit.erased(&[change.entity]).await?.is_empty())
            {
                continue;
            }
            match unit.apply(change, false).await? {
                Applied::Now => new += 1,
                Applied::Hold => holding += 1,
                Applied::Already => {}
            }
        }
        if already_held + holding > MAX_HELD {
            return Err(Error::refused(
                "too many changes wait for others that never came",
                "bring the missing changes first",
            ));
        }
        waiting.extend(unit.take_held());
        // Each round applies what the one before made possible.
        loop {
            let mut still = Vec::new();
            let mut any = false;
            for change in waiting {
                let id = change.id;
                match unit.apply(change.clone(), false).await? {
                    Applied::Hold => still.push(change),
                    applied => {
                        unit.release(id);
                        new += u64::from(applied == Applied::Now);
                        any = true;
                    }
                }
            }
            unit.take_held();
            waiting = still;
            if !any {
                break;
            }
        }
        unit.hold(waiting);
        unit.commit().await?;
        Ok(new)
    }
}

/// A conflict with its values as people see them.
pub(super) fn shown(mut conflict: Conflict) -> Conflict {
    let field = Field::named(conflict.field.clone());
    for head in &mut conflict.heads {
        head.value = shown_value(&field, std::mem::take(&mut head.value));
    }
    conflict
}

fn cycles_among(parents: &std::collections::BTreeMap<EntityId, (EntityId, EntityState)>) -> Vec<Conflict> {
    let mut done = std::collections::HashSet::new();
    let mut found = Vec::new();
    for &start in parents.keys() {
        let mut path = Vec::new();
        let mut at = start;
        while let Some((parent, _)) = parents.get(&at)
            && done.insert(at)
        {
            path.push(at);
            at = *parent;
        }
        let Some(begin) = path.iter().position(|id| *id == at) else { continue };
        let heads =
            path[begin..].iter().filter_map(|id| Some((*id, parents.get(id)?.1.fields.get(&Field::PARENT)?.first()?)));
        let mut heads: Vec<(EntityId, &Head)> = heads.collect();
        heads.sort_by_key(|(_, head)| std::cmp::Reverse(head.dot()));
        let Some(&(entity, _)) = heads.last() else { continue };
        let all: Vec<Head> = heads.iter().map(|(_, head)| (*head).clone()).collect();
        found.push(Conflict {
            id: conflict_id(entity, &Field::PARENT, &all),
            entity,
            field: Field::PARENT.as_str().to_owned(),
            heads: all
                .iter()
                .map(|head| ConflictHead {
                    head: head_name(head),
                    value: head.value.clone(),
                    at: head.at.into(),
                    device: head.device,
                })
                .collect(),
        });
    }
    found
}

/// A value that somebody typed to resolve a conflict must be one that the field can hold.
fn check_value(kind: Kind, field: &Field, value: &Value) -> Result<()> {
    use altair_protocol::view::Status;
    let wrong = |hint: &str| Err(Error::invalid(format!("that is not a value for {field}"), hint));
    if value.is_null() {
        return Ok(());
    }
    match field.as_str() {
        "energy" if !value.as_i64().is_some_and(|energy| (1..=5).contains(&energy)) => {
            wrong("use a number from 1 to 5")
        }
        "status" if value.as_str().is_none_or(|word| Status::from_word(word).is_none()) => {
            wrong(&format!("use one of {}", Status::WORDS.join(", ")))
        }
        "parent" | "location" | "origin" | "triaged_into" | "from" | "to" | "owner"
            if value.as_str().is_none_or(|id| id.parse::<EntityId>().is_err()) =>
        {
            wrong("use an entity's whole id")
        }
        "title" | "unit" | "path" | "due" | "text" | "relation" if !value.is_string() => wrong("use a text"),
        _ if field.shape(kind).is_none() => wrong("take one of the heads"),
        _ => Ok(()),
    }
}
