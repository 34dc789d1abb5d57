//! Undo and redo of this device's own last acts.
//!
//! An undo is a change like any other: it takes back what the act did and nothing that came after. A register that somebody set since
//! stays as they set it; a text loses the act's edit and keeps the others; a count is counted back.

use altair_protocol::rpc;
use altair_protocol::view::Undone;
use altair_protocol::{EntityState, Field, Op};

use super::history::back_to;
use super::{Act, Altair, Here, Inner};
use crate::error::Result;
use crate::store::sealed::{Before, Kept, Logged, alive_field};
use crate::store::write::{Span, Undoing};

impl Altair {
    /// Takes back this device's last act, and says what came back. Empty when there is nothing to undo.
    pub async fn undo(&self) -> Result<Vec<Undone>> {
        self.call(rpc::Undo {}).await
    }

    /// Does again what was undone last. Empty when there is nothing to redo.
    pub async fn redo(&self) -> Result<Vec<Undone>> {
        self.call(rpc::Redo {}).await
    }
}

impl Act for rpc::Undo {
    async fn act(self, here: Here) -> Result<Vec<Undone>> {
        here.take_back(Undoing::Undo).await
    }
}

impl Act for rpc::Redo {
    async fn act(self, here: Here) -> Result<Vec<Undone>> {
        here.take_back(Undoing::Redo).await
    }
}

impl Here {
    async fn take_back(&self, how: Undoing) -> Result<Vec<Undone>> {
        loop {
            let mut unit = self.begin_quiet().await?;
            let (undo, redo) = unit.acts();
            let Some((first, last)) = (if how == Undoing::Undo { undo } else { redo }) else { return Ok(Vec::new()) };
            unit.set_act(how);
            let mut undone = Vec::new();
            for logged in self.act((first, last)).await? {
                let change = &logged.change;
                let Some(staged) = unit.get(change.entity).await? else { continue };
                let (state, kind) = (staged.state.clone(), staged.state.kind);
                let mut ops = Vec::new();
                for (field, before) in logged.before.iter().rev() {
                    if !is_ours(&state, &logged, field) {
                        continue;
                    }
                    let Some(op) = back_to(&state, self, field, before.clone(), true)? else { continue };
                    ops.push(op);
                    undone.push(Undone { entity: change.entity, field: field.as_str().to_owned() });
                }
                if logged.before.iter().any(|(_, before)| *before == Before::Alive(None)) {
                    // The act made the thing: it goes to the trash as it is, so that redoing finds it whole.
                    ops.retain(|op| *op == Op::Delete);
                    undone.retain(|u| u.entity != change.entity || u.field == alive_field().as_str());
                }
                if !ops.is_empty() {
                    unit.change(change.entity, kind, ops).await?;
                }
            }
            if !undone.is_empty() {
                unit.answer(Kept::Undone(undone.clone()));
            }
            unit.commit().await?;
            if !undone.is_empty() {
                return Ok(undone);
            }
            // Everything of that act has been set by others since, or erased: the act before it is the one to take back.
        }
    }
}

impl Inner {
    /// The changes of an act, newest first.
    async fn act(&self, (first, last): Span) -> Result<Vec<Logged>> {
        let mut changes = Vec::new();
        for seq in (first..=last).rev() {
            changes.extend(self.db.logged(seq).await?.map(|(logged, _)| logged));
        }
        Ok(changes)
    }
}

/// Whether a register still says what this change made it say (set by it, or by an undo of what came after). Texts and counters take
/// back their own part whatever came since.
fn is_ours(state: &EntityState, logged: &Logged, field: &Field) -> bool {
    let given = logged.change.ops.iter().rev().find_map(|op| match op {
        Op::Set { field: set, value } if set == field => Some(value),
        _ => None,
    });
    given.is_none_or(|given| state.value(field) == Some(given))
}
