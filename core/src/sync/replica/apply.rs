//! Numbers of the household's log: what stands there is applied, and the cursor moves there, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use altair_protocol::sync::{Erased, Item, SyncId, Unopened, What};
use altair_protocol::{Change, ChangeId, EntityId, EntityState, Hash, VersionVector};

use super::outbox::Sent;
use super::{Replica, account};
use crate::engine::{Inner, MAX_HELD, take_in};
use crate::error::{Error, Result};
use crate::merge::{Applied, MergeError, TextError};
use crate::store::account::Erasing;
use crate::store::write::{Removed, Undoing, Unit};

/// What came of a batch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The last number that is applied now.
    pub cursor: SyncId,
    /// The number after it is said to be this device's, which never made it: the store is a copy.
    pub copied: bool,
    /// Entities that were erased while something of them was in the outbox.
    pub recreated: Vec<EntityId>,
}

impl Replica {
    /// Applies what stands at these numbers. A batch that doesn't begin right after the cursor is passed over.
    ///
    /// # Errors
    /// When the batch has a hole, or the store can't be written. Nothing of it is applied then.
    pub async fn apply(&self, items: Vec<Item>) -> Result<Outcome> {
        self.run(async move |engine, mut sent| apply(&engine, &mut sent, items).await).await
    }

    /// The server has erased an entity on which there is work in the outbox: that lives on in another entity, and nothing of the old one stays.
    pub async fn recreate(&self, entity: EntityId) -> Result<()> {
        self.run(async move |engine, _| {
            let known = engine.db.erasings(&[entity]).await?.remove(&entity).flatten();
            let mut unit = engine.writer.begin_quiet().await?;
            unit.set_act(Undoing::Keep);
            let kind = match (unit.get(entity).await?, &known) {
                (Some(staged), _) => staged.state.kind,
                (None, Some(known)) => known.kind,
                (None, None) => return Ok(()),
            };
            // How much was erased comes with the log.
            let seen = known.map(|known| known.seen).unwrap_or_default();
            let removed = unit.remove(Erased { id: entity, kind, seen }, None).await?;
            unit.commit().await?;
            drop_blobs(&engine, removed.blobs).await
        })
        .await
    }
}

async fn apply(engine: &Inner, sent: &mut Sent, mut items: Vec<Item>) -> Result<Outcome> {
    let mut account = account(engine).await?;
    let mut outcome = Outcome { cursor: account.cursor, copied: false, recreated: Vec::new() };
    if items.is_empty() || items.first().map(|item| item.sync_id) != account.cursor.next() {
        return Ok(outcome);
    }
    if items.windows(2).any(|pair| pair[0].sync_id.next() != Some(pair[1].sync_id)) {
        return Err(Error::invalid("the server's log has a hole", "connect again: it is asked for from the cursor on"));
    }
    let own = Own::find(engine, sent, &items).await?;
    if let Some(at) = items.iter().position(|item| !own.knows(item) || matches!(item.what, What::Unreadable { .. })) {
        outcome.copied = !own.knows(&items[at]);
        items.truncate(at);
    }
    let Some(last) = items.last().map(|item| item.sync_id) else { return Ok(outcome) };

    let erases = |item: &Item| match &item.what {
        What::Change(change) => change.envelope.erase,
        What::Erased(_) => true,
        _ => false,
    };
    // What is staged can't be erased.
    let is_quiet = items.iter().any(erases);
    let mut unit = if is_quiet { engine.writer.begin_quiet().await? } else { engine.writer.begin().await? };
    unit.set_act(Undoing::Keep);
    unit.acknowledge(&own.numbered(&items)).await?;
    let ids: Vec<EntityId> = items.iter().filter_map(entity_of).collect();
    unit.look_up(&ids).await?;
    let mut arriving = Arriving { erasings: engine.db.erasings(&ids).await?, blobs: Vec::new(), unread: 0 };
    for Item { sync_id, what } in items {
        match what {
            What::Change(change) if change.envelope.erase => {
                let Unopened { envelope, .. } = *change;
                let erased = Erased { id: envelope.entity, kind: envelope.kind, seen: VersionVector::new() };
                let change = Change {
                    id: envelope.id,
                    entity: envelope.entity,
                    kind: envelope.kind,
                    device: envelope.device,
                    at: envelope.at,
                    seen: envelope.seen,
                    erase: true,
                    blobs: Vec::new(),
                    ops: Vec::new(),
                };
                let seen = Erasing::by(&change).seen;
                let removed = unit.remove(Erased { seen, ..erased }, Some(change)).await?;
                arriving.removed(erased.id, removed, &mut outcome);
            }
            What::Change(change) => arriving.change(&mut unit, *change).await?,
            What::State(state) => arriving.state(&mut unit, &state).await?,
            What::Erased(erased) => {
                let id = erased.id;
                let removed = unit.remove(erased, None).await?;
                arriving.removed(id, removed, &mut outcome);
            }
            What::Own(id) => {
                sent.forget(id);
                unit.pass(sync_id);
            }
            What::Gone => unit.pass(sync_id),
            What::Unreadable { .. } => {}
        }
    }
    arriving.end(engine, &mut unit, &ids).await?;
    account.cursor = last;
    unit.set_account(&account)?;
    unit.commit().await?;
    outcome.cursor = last;
    drop_blobs(engine, arriving.blobs).await?;
    Ok(outcome)
}

/// What is known of the changes that the log says are this device's.
struct Own {
    /// Those that are in the outbox, by their ids.
    found: BTreeMap<ChangeId, u64>,
    /// Those that aren't any more, by the server's numbers.
    acked: HashMap<u64, ChangeId>,
}

impl Own {
    async fn find(engine: &Inner, sent: &mut Sent, items: &[Item]) -> Result<Self> {
        let own: Vec<(SyncId, ChangeId)> = items
            .iter()
            .filter_map(|item| match &item.what {
                What::Own(id) => Some((item.sync_id, *id)),
                _ => None,
            })
            .collect();
        if own.is_empty() {
            return Ok(Self { found: BTreeMap::new(), acked: HashMap::new() });
        }
        let numbers: Vec<SyncId> = own.iter().map(|(number, _)| *number).collect();
        let acked = engine.db.acked(&numbers).await?;
        let unknown = own.iter().filter(|(number, id)| acked.get(&number.get()) != Some(id));
        let unknown: Vec<ChangeId> = unknown.map(|(_, id)| *id).collect();
        let found = sent.find(engine, &unknown).await?;
        Ok(Self { found, acked })
    }

    /// Whether this device has made what is said to be its own.
    fn knows(&self, item: &Item) -> bool {
        match &item.what {
            What::Own(id) => self.found.contains_key(id) || self.acked.get(&item.sync_id.get()) == Some(id),
            _ => true,
        }
    }

    /// Those in the outbox, with the server's numbers.
    fn numbered(&self, items: &[Item]) -> Vec<(u64, u64)> {
        let numbered = items.iter().filter_map(|item| match &item.what {
            What::Own(id) => Some((*self.found.get(id)?, item.sync_id.get())),
            _ => None,
        });
        numbered.collect()
    }
}

fn entity_of(item: &Item) -> Option<EntityId> {
    match &item.what {
        What::Change(change) => Some(change.envelope.entity),
        What::State(state) => Some(state.id),
        What::Erased(erased) => Some(erased.id),
        What::Own(_) | What::Gone | What::Unreadable { .. } => None,
    }
}

/// A batch while it is applied.
pub(super) struct Arriving {
    /// What was erased before.
    pub(super) erasings: HashMap<EntityId, Option<Erasing>>,
    /// Blobs of what is erased now.
    pub(super) blobs: Vec<Hash>,
    /// Changes that can't be read.
    pub(super) unread: usize,
}

impl Arriving {
    fn removed(&mut self, id: EntityId, removed: Removed, outcome: &mut Outcome) {
        self.blobs.extend(removed.blobs);
        if removed.left_outbox {
            outcome.recreated.push(id);
        }
        if let Some(new) = removed.recreated {
            tracing::warn!(entity = %id, %new, "an entity was erased elsewhere: the work on it lives on in a new one");
        }
    }

    async fn change(&mut self, unit: &mut Unit, change: Unopened) -> Result<()> {
        let (id, entity) = (change.envelope.id, change.envelope.entity);
        match change.clone().open() {
            Ok(change) => take_in(unit, change).await.map(drop),
            Err(error) => {
                tracing::warn!(change = %id, %entity, %error, "a change waits for a newer version");
                self.unread += 1;
                unit.keep_unread(&change)
            }
        }
    }

    /// Joins a state, unless all of it was erased here. What can't be merged is put aside.
    pub(super) async fn state(&self, unit: &mut Unit, theirs: &EntityState) -> Result<()> {
        if unit.get(theirs.id).await?.is_none() {
            match self.erasings.get(&theirs.id) {
                Some(Some(erasing)) if !erasing.seen.includes(&theirs.applied) => unit.bring_back(theirs.id),
                Some(_) => return Ok(()),
                None => {}
            }
        }
        let Err(error) = unit.join(theirs).await else { return Ok(()) };
        let why = match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<MergeError>()) {
            Some(MergeError::WrongEntity | MergeError::WrongKind { .. }) => "it is of another kind here",
            Some(MergeError::WrongShape { .. }) => "a field of it doesn't merge that way",
            Some(MergeError::Text(TextError::Unreadable(_) | TextError::Gap)) => "a text of it can't be read",
            // Damage here, or a failure of the machine: no fault of the state.
            _ => return Err(error),
        };
        tracing::warn!(entity = %theirs.id, why, "a state can't be merged and was put aside");
        Ok(())
    }

    /// Tries again what waited for these entities, and keeps what still has to.
    pub(super) async fn end(&self, engine: &Inner, unit: &mut Unit, ids: &[EntityId]) -> Result<()> {
        let touched: HashSet<EntityId> = ids.iter().copied().collect();
        let held = engine.db.held().await?;
        let before = held.len();
        let mut waiting = unit.take_held();
        if before + waiting.len() > MAX_HELD {
            return Err(Error::refused(
                "too many changes wait for others that never came",
                "let the server send its states once more: log out and in again",
            ));
        }
        if self.unread > 0
            && usize::try_from(engine.db.count_unread().await?).unwrap_or(MAX_HELD) + self.unread > MAX_HELD
        {
            return Err(Error::refused("too many changes wait for a newer version", "update this program"));
        }
        waiting.extend(held.into_iter().filter(|change| touched.contains(&change.entity)));
        loop {
            let mut still = Vec::new();
            let mut any = false;
            for change in waiting {
                match take_in(unit, change.clone()).await? {
                    Some(Applied::Hold) => still.push(change),
                    taken => {
                        unit.release(change.id);
                        any |= taken == Some(Applied::Now);
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
        Ok(())
    }
}

/// Tries changes again that an earlier version couldn't read, and lets go of those that a state has brought.
pub(super) async fn read_again(engine: &Inner) -> Result<()> {
    let unread = engine.db.unread().await?;
    if unread.is_empty() {
        return Ok(());
    }
    let mut unit = engine.writer.begin_quiet().await?;
    unit.set_act(Undoing::Keep);
    let arriving = Arriving { erasings: HashMap::new(), blobs: Vec::new(), unread: 0 };
    let mut ids = Vec::new();
    for change in unread {
        let (id, entity, dot) = (change.envelope.id, change.envelope.entity, change.envelope.dot());
        let covered = unit.get(entity).await?.is_some_and(|staged| staged.state.applied.covers(dot));
        if covered {
            unit.release_unread(id);
        } else if let Ok(change) = change.open() {
            take_in(&mut unit, change).await?;
            unit.release_unread(id);
            ids.push(entity);
        }
    }
    arriving.end(engine, &mut unit, &ids).await?;
    unit.commit().await
}

/// Removes the bytes of what was erased, where nothing else names them.
pub(super) async fn drop_blobs(engine: &Inner, mut blobs: Vec<Hash>) -> Result<()> {
    if blobs.is_empty() {
        return Ok(());
    }
    let _quiet = engine.writer.begin_quiet().await?;
    blobs.sort_unstable();
    blobs.dedup();
    engine.drop_unnamed_blobs(blobs).await
}
