//! Conflicts: listed, compared, resolved. A resolution is a change that has seen all the heads.

use altair_protocol::rpc;
use altair_protocol::view::{Conflict, ConflictHead};
use altair_protocol::{Change, EntityId, EntityState, Field, Kind, Value};

use super::create::{checked_value, set};
use super::watching::MOST;
use super::{Act, Altair, Here, Inner, Resolution};
use crate::error::{Error, Result};
use crate::merge::cycle::{Inside, Parents, cycle_at, cycle_conflict, cycles, next_to_leave};
use crate::merge::{Applied, MergeError, TextError, conflicts};
use crate::reading::{kept_value, shown_value};
use crate::store::derive::CONFLICTS;
use crate::store::sealed::Kept;
use crate::store::write::{Undoing, Unit};

/// How many changes may wait for others. In practice none does: a server sends in order.
pub(crate) const MAX_HELD: usize = 10_000;

/// A conflict, and what resolving it may take.
#[derive(Debug)]
pub(super) struct Known {
    conflict: Conflict,
    /// Where parents form a cycle: who leaves its own parent if the one that is ignored is to hold.
    gives_way: Option<EntityId>,
}

impl Altair {
    /// All registers with concurrent, different values, and parents that form a cycle.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>> {
        self.call(rpc::Conflicts {}).await
    }

    /// Resolves a conflict, named by its id or an unambiguous ending, and gives it as it was.
    pub async fn resolve(&self, conflict: &str, resolution: Resolution) -> Result<Conflict> {
        self.call(rpc::Resolve { conflict: conflict.to_owned(), resolution }).await
    }

    /// Applies changes made elsewhere, in one transaction. Those that build on others which aren't here wait in the store until they are;
    /// one that can't be merged at all is put aside, and the log tells its id. It gives how many were new.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<u64> {
        self.call(rpc::Apply { changes }).await
    }

    /// This device's and others' changes after a number, oldest first: what another replica has to be given. Never more than
    /// 10,000.
    pub async fn changes_after(&self, seq: u64, limit: usize) -> Result<Vec<Change>> {
        self.call(rpc::ChangesAfter { seq, limit }).await
    }
}

impl Act for rpc::Conflicts {
    async fn act(self, here: Here) -> Result<Vec<Conflict>> {
        Ok(here.all_conflicts().await?.into_iter().map(|known| shown(known.conflict)).collect())
    }
}

impl Act for rpc::Resolve {
    async fn act(self, here: Here) -> Result<Conflict> {
        let Self { conflict, resolution } = self;
        let mut unit = here.begin_quiet().await?;
        let found = here.conflict_named(&conflict).await?;
        let id = found.conflict.entity;
        let field = Field::named(found.conflict.field.clone());
        let state = unit.require(id).await?.state.clone();
        let value = match resolution {
            Resolution::Value(value) => {
                let value = checked_value(&mut unit, id, state.kind, &field, value).await?;
                kept_value(&state, &field, value)
            }
            Resolution::Head(name) => {
                let value = found.head(&name)?.value.clone();
                // The parent that was ignored is to hold: who came next leaves its own, so that nothing goes round.
                if let (Some(leaving), false) = (found.gives_way, value.is_null()) {
                    unit.change(leaving, state.kind, vec![set(Field::PARENT, Value::Null)]).await?;
                }
                // A head was a sound value where it was set; whether a parent still is depends on the others.
                match field == Field::PARENT {
                    true => checked_value(&mut unit, id, state.kind, &field, value).await?,
                    false => value,
                }
            }
        };
        unit.change(id, state.kind, vec![set(field, value)]).await?;
        let resolved = shown(found.conflict);
        unit.answer(Kept::Resolved { conflict: resolved.id, entity: resolved.entity, field: resolved.field.clone() });
        unit.commit().await?;
        Ok(resolved)
    }
}

impl Act for rpc::Apply {
    async fn act(self, here: Here) -> Result<u64> {
        let Self { changes } = self;
        if here.db.account().await?.is_some() {
            // The server would never hear of them.
            let hint = "apply them on a device that isn't logged in, or let the server bring them";
            return Err(Error::refused("changes come to this store from its household's server", hint));
        }
        here.apply(changes).await
    }
}

impl Act for rpc::ChangesAfter {
    async fn act(self, here: Here) -> Result<Vec<Change>> {
        let Self { seq, limit } = self;
        let log = here.db.log_after(seq, limit.min(MOST)).await?;
        Ok(log.into_iter().map(|(_, logged)| logged.change).collect())
    }
}

impl Inner {
    /// The entity of a conflict, named by its id or an unambiguous ending.
    pub(crate) async fn entity_in_conflict(&self, conflict: &str) -> Result<EntityId> {
        Ok(self.conflict_named(conflict).await?.conflict.entity)
    }

    async fn conflict_named(&self, conflict: &str) -> Result<Known> {
        let conflict = conflict.trim().to_lowercase();
        if conflict.len() < 4 {
            return Err(Error::invalid(format!("\"{conflict}\" is not a conflict"), "`altair conflicts` lists them"));
        }
        let all = self.all_conflicts().await?;
        let mut matching = all.into_iter().filter(|known| known.conflict.id.to_string().ends_with(&conflict));
        match (matching.next(), matching.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => {
                Err(Error::invalid(format!("several conflicts end in {conflict}"), "give more of its characters"))
            }
            (None, _) => Err(Error::not_found(format_args!("conflict {conflict}"))),
        }
    }

    pub(super) async fn all_conflicts(&self) -> Result<Vec<Known>> {
        let mut all = Vec::new();
        for id in self.db.whole_list(CONFLICTS).await? {
            if let Some(staged) = self.db.entity(id).await? {
                let of_registers = conflicts(&staged.state).into_iter();
                all.extend(of_registers.map(|conflict| Known { conflict, gives_way: None }));
            }
        }
        // Any quest or location may be part of a cycle, and no list has them: the two kinds are read, though not their texts.
        let mut ids = self.db.whole_list(Kind::Quest.as_str()).await?;
        ids.extend(self.db.whole_list(Kind::Location.as_str()).await?);
        let parents = self.db.parents_of(&ids).await?;
        let parents = self.db.up_from(parents).await?;
        all.extend(cycles(&parents).iter().filter_map(|cycle| Known::of_cycle(&parents, cycle)));
        Ok(all)
    }

    /// An entity's conflicts, and the cycle that its parent is ignored for.
    pub(super) async fn conflicts_of(&self, state: &EntityState) -> Result<Vec<Conflict>> {
        let mut all = conflicts(state);
        if let Some(inside) = Inside::of(state) {
            let parents = self.db.up_from(Parents::from([(state.id, inside)])).await?;
            let cycle = cycle_at(&parents, state.id).filter(|cycle| cycle.first() == Some(&state.id));
            all.extend(cycle.and_then(|cycle| cycle_conflict(&parents, &cycle)));
        }
        Ok(all.into_iter().map(shown).collect())
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<u64> {
        let mut unit = self.writer.begin_quiet().await?;
        unit.set_act(Undoing::Keep);
        let mut waiting = self.db.held().await?;
        let already_held = waiting.len();
        let mut new = 0;
        let mut holding = 0;
        for change in changes {
            match take_in(&mut unit, change).await? {
                Some(Applied::Now) => new += 1,
                Some(Applied::Hold) => holding += 1,
                Some(Applied::Already) | None => {}
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
                match take_in(&mut unit, change.clone()).await? {
                    Some(Applied::Hold) => still.push(change),
                    taken => {
                        unit.release(change.id);
                        if taken == Some(Applied::Now) {
                            new += 1;
                            any = true;
                        }
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

/// Takes in a change that was made elsewhere. `None`: it was put aside, and the others go on as if it had never come. What may only be early is
/// held instead, so that nothing of a well-behaved device is lost.
pub(crate) async fn take_in(unit: &mut Unit, change: Change) -> Result<Option<Applied>> {
    let (id, entity, device) = (change.id, change.entity, change.device);
    // Erasing is a server's decision, and what was erased here stays so.
    if change.erase || (unit.get(entity).await?.is_none() && !unit.erased(&[entity]).await?.is_empty()) {
        return Ok(None);
    }
    let error = match unit.apply(change.clone(), false).await {
        Ok(applied) => return Ok(Some(applied)),
        Err(error) => error,
    };
    let why = match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<MergeError>()) {
        Some(MergeError::Text(TextError::Gap)) => {
            unit.hold(vec![change]);
            return Ok(Some(Applied::Hold));
        }
        Some(MergeError::WrongEntity | MergeError::WrongKind { .. }) => "it is about an entity of another kind",
        Some(MergeError::WrongShape { .. }) => "a field of it doesn't merge that way",
        Some(MergeError::Text(TextError::Unreadable(_))) => "a text of it can't be read",
        // Damage here, or a failure of the machine: no fault of the change.
        _ => return Err(error),
    };
    tracing::warn!(change = %id, %entity, %device, why, "a change can't be merged and was put aside");
    Ok(None)
}

impl Known {
    fn of_cycle(parents: &Parents, cycle: &[EntityId]) -> Option<Self> {
        Some(Self { conflict: cycle_conflict(parents, cycle)?, gives_way: next_to_leave(parents, cycle) })
    }

    /// The head that a name or its beginning means.
    fn head(&self, name: &str) -> Result<&ConflictHead> {
        let mut heads = self.conflict.heads.iter().filter(|head| head.head.starts_with(name));
        let exact = self.conflict.heads.iter().find(|head| head.head == name);
        match (exact, heads.next(), heads.next()) {
            (Some(head), ..) | (None, Some(head), None) => Ok(head),
            (None, Some(_), Some(_)) => {
                Err(Error::invalid(format!("several heads begin with {name}"), "give the whole head"))
            }
            (None, None, _) => Err(Error::not_found(format_args!("head {name} in this conflict"))),
        }
    }
}

/// A conflict with its values as people see them.
fn shown(mut conflict: Conflict) -> Conflict {
    let field = Field::named(conflict.field.clone());
    for head in &mut conflict.heads {
        head.value = shown_value(&field, std::mem::take(&mut head.value));
    }
    conflict
}
