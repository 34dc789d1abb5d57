//! An entity's history, read from its log, and going back to any version of it.

use std::collections::BTreeMap;

use altair_protocol::rpc;
use altair_protocol::view::{Entity, FieldChange, Time, Version};
use altair_protocol::{EntityId, EntityState, Field, Op, Thousandths, Value};

use super::create::{count_op, finish, set};
use super::{Act, Altair, Here, Inner, Page};
use crate::error::{Error, Result};
use crate::merge::Text;
use crate::merge::text::act_peer;
use crate::reading::shown_value;
use crate::store::read::is_shown;
use crate::store::sealed::{Before, Logged, alive_field};

/// What the texts of a page of versions may have together, in bytes. One version is a page however long it is.
const MAX_PAGE_BYTES: usize = 8 << 20;

impl Altair {
    /// An entity's versions, newest first. A page ends early where its texts get long; `next` goes on from there.
    pub async fn history(&self, id: EntityId, limit: usize, after: Option<&str>) -> Result<Page<Version>> {
        self.call(rpc::History { id, limit, after: after.map(str::to_owned) }).await
    }

    /// Makes an entity as it was right after a version, in a new version of its own. `version` may be an unambiguous ending.
    pub async fn revert(&self, id: EntityId, version: &str) -> Result<Entity> {
        self.call(rpc::Revert { id, version: version.to_owned() }).await
    }
}

impl Act for rpc::History {
    async fn act(self, here: Here) -> Result<Page<Version>> {
        let Self { id, limit, after } = self;
        super::finding::check_limit(limit)?;
        let staged = here.db.entity(id).await?;
        let staged = staged.ok_or_else(|| Error::not_found(format_args!("entity with the id {id}")))?;
        let mut seq = match after {
            Some(cursor) => here.history_cursor(id, &cursor).await?,
            None => staged.last,
        };
        let mut items = Vec::new();
        let mut bytes = 0;
        while seq != 0 && items.len() < limit {
            let Some((logged, prior)) = here.db.logged(seq).await? else {
                seq = 0;
                break;
            };
            let version = version(&staged.state, &logged)?;
            bytes += version.changes.iter().map(|change| bytes_in(&change.old) + bytes_in(&change.new)).sum::<usize>();
            if bytes > MAX_PAGE_BYTES && !items.is_empty() {
                break;
            }
            items.push(version);
            seq = prior;
        }
        let next = (seq != 0).then(|| format!("{id}.{seq}"));
        Ok(Page { items, next })
    }
}

impl Act for rpc::Revert {
    async fn act(self, here: Here) -> Result<Entity> {
        let Self { id, version } = self;
        let version = version.trim().to_lowercase();
        here.revert(id, &version).await
    }
}

impl Inner {
    async fn history_cursor(&self, id: EntityId, cursor: &str) -> Result<u64> {
        let wrong = || {
            Error::invalid(format!("\"{cursor}\" is not a cursor of this history"), "pass the `next` of a page of it")
        };
        let (of, seq) = cursor.split_once('.').ok_or_else(wrong)?;
        let seq = seq.parse().map_err(|_| wrong())?;
        match self.db.logged(seq).await? {
            Some((logged, _)) if of == id.to_string() && logged.change.entity == id => Ok(seq),
            _ => Err(wrong()),
        }
    }
}

impl Here {
    async fn revert(&self, id: EntityId, version: &str) -> Result<Entity> {
        if version.len() < 4 {
            return Err(Error::invalid(format!("\"{version}\" is not a version"), "`altair history` shows them"));
        }
        let mut unit = self.begin_quiet().await?;
        let staged = unit.require(id).await?.clone();
        let mut later: Vec<Logged> = Vec::new();
        let mut found = None;
        let mut seq = staged.last;
        while seq != 0 {
            let Some((logged, prior)) = self.db.logged(seq).await? else { break };
            if logged.change.id.to_string().ends_with(version) {
                if found.replace(later.len()).is_some() {
                    return Err(Error::invalid(
                        format!("several versions end in {version}"),
                        "give more of its characters",
                    ));
                }
                if version.len() == 36 {
                    break;
                }
            }
            later.push(logged);
            seq = prior;
        }
        let Some(found) = found else {
            return Err(Error::not_found(format_args!("version {version} of this entity")));
        };
        later.truncate(found);
        // What the oldest change after the version found is what the version had.
        let mut then: BTreeMap<Field, Before> = BTreeMap::new();
        for logged in later {
            then.extend(logged.before);
        }
        let steps = then
            .into_iter()
            .filter_map(|(field, before)| back_to(&staged.state, self, &field, before, false).transpose());
        let ops = steps.collect::<Result<Vec<_>>>()?;
        if !ops.is_empty() {
            unit.change(id, staged.state.kind, ops).await?;
        }
        finish(unit, id).await
    }
}

/// The step that brings one field back to what it was before a change. Taking back touches only the change's own part of a text or a
/// count; going back makes the whole what it was.
pub(super) fn back_to(
    state: &EntityState,
    inner: &Inner,
    field: &Field,
    before: Before,
    taking_back: bool,
) -> Result<Option<Op>> {
    Ok(match before {
        Before::Value(value) => {
            let same = state.value(field).cloned().unwrap_or(Value::Null) == value;
            (!same && *field != Field::CREATED).then(|| set(field.clone(), value))
        }
        Before::Count { from, to } => {
            let now = state.count(field);
            let delta = if taking_back { from.saturating_sub(to) } else { from.saturating_sub(now) };
            (delta != 0).then(|| count_op(Some(state), inner.device, Thousandths(delta))).transpose()?
        }
        Before::Text { from, to } => {
            let Some(held) = state.texts.get(field) else { return Ok(None) };
            let mut text = Text::open(Some(held))?;
            let old = match &from {
                Some(from) => text.read_at(from)?,
                None => String::new(),
            };
            let now = text.read();
            let peer = act_peer(&[b"back", inner.device.as_bytes(), &text.version().0, &to.0]);
            // Where nothing visible came since, the old text is exactly what is wanted; else only the change's own part is taken out.
            let edit = if taking_back && text.read_at(&to)? != now {
                text.edit_at(&to, &old, peer)?
            } else {
                text.edit(&old, peer)?
            };
            edit.filter(|_| text.read() != now).map(|edit| Op::Text { field: field.clone(), update: edit.update })
        }
        Before::Alive(alive) => match (alive.unwrap_or(false), state.is_alive()) {
            (true, false) => Some(Op::Restore),
            (false, true) => Some(Op::Delete),
            _ => None,
        },
    })
}

fn version(state: &EntityState, logged: &Logged) -> Result<Version> {
    let change = &logged.change;
    let mut changes = Vec::new();
    for (field, before) in logged.before.iter().filter(|(field, _)| is_shown(field)) {
        let (old, new) = match before {
            Before::Value(old) => {
                let new = change.ops.iter().rev().find_map(|op| match op {
                    Op::Set { field: set, value } if set == field => Some(value.clone()),
                    _ => None,
                });
                (shown_value(field, old.clone()), shown_value(field, new.unwrap_or(Value::Null)))
            }
            Before::Text { from, to } => {
                let held = state.texts.get(field);
                let text = Text::open(held)?;
                let old = from.as_ref().map(|from| text.read_at(from)).transpose()?;
                (old.map_or(Value::Null, Value::from), Value::from(text.read_at(to)?))
            }
            Before::Count { from, to } => (quantity(*from)?, quantity(*to)?),
            Before::Alive(None) => continue,
            Before::Alive(Some(alive)) => (Value::from(!alive), Value::from(*alive)),
        };
        // A delete of what was deleted, or a restore of what was there, changed nothing.
        if *field == alive_field() && old == new {
            continue;
        }
        changes.push(FieldChange { field: field.as_str().to_owned(), old, new });
    }
    Ok(Version { version: change.id, at: Time::from(change.at), device: change.device, changes })
}

/// About how much of a page a value is.
fn bytes_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes_in).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + bytes_in(value)).sum(),
        _ => 0,
    }
}

fn quantity(thousandths: i64) -> Result<Value> {
    serde_json::to_value(Thousandths(thousandths))
        .map_err(|error| Error::internal("a quantity can't be written").because(error))
}
