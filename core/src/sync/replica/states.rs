//! States as a whole: a bootstrap comes down, a meeting goes up.

use std::collections::{BTreeMap, HashSet};

use altair_protocol::sync::{BootstrapLine, Erased, JoinRefused, SyncId};
use altair_protocol::{EntityId, EntityState, Field, Hash, Head, Incarnation};

use super::apply::{Arriving, drop_blobs, read_again};
use super::outbox::head;
use super::{Replica, account};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::store::account::Resumed;
use crate::store::rows::{ChangeRow, EntityRow, change_record, entity_record};
use crate::store::sealed::open_state;
use crate::store::write::Undoing;
use crate::sync::machine::{How, Resume};

/// What a store has to bring to a server that has another log: its entities and what it knows to be erased, in the order of ids.
#[derive(Debug)]
pub struct Meeting {
    /// Each with whether it is erased.
    ids: Vec<(EntityId, bool)>,
    next: usize,
}

impl Meeting {
    /// How many there are.
    pub fn total(&self) -> u64 {
        self.ids.len() as u64
    }

    /// How many have been given out.
    pub const fn done(&self) -> u64 {
        self.next as u64
    }
}

/// Some of it, to go up together.
#[derive(Debug)]
pub struct Carried {
    /// The lines.
    pub lines: Vec<BootstrapLine>,
    /// The blobs that they name: they go before.
    pub blobs: Vec<Hash>,
    /// What of the outbox is in them, by the log's numbers.
    unsent: BTreeMap<EntityId, Vec<u64>>,
}

impl Replica {
    /// Joins some of a bootstrap's lines and remembers how far it has come, in one transaction: some megabytes at a time.
    pub async fn join(&self, lines: Vec<BootstrapLine>, so_far: Resume) -> Result<()> {
        self.run(async move |engine, _| {
            let mut account = account(&engine).await?;
            let mut states: Vec<EntityState> = Vec::new();
            let mut erased: Vec<Erased> = Vec::new();
            for line in lines {
                match line {
                    BootstrapLine::Entity(state) => states.push(*state),
                    BootstrapLine::Erased(line) => erased.push(line),
                    BootstrapLine::Bootstrap(_) | BootstrapLine::End(_) => {}
                }
            }
            let mut ids: Vec<EntityId> = states.iter().map(|state| state.id).collect();
            ids.extend(erased.iter().map(|erased| erased.id));
            let is_quiet = !erased.is_empty();
            let mut unit = if is_quiet { engine.writer.begin_quiet().await? } else { engine.writer.begin().await? };
            unit.set_act(Undoing::Keep);
            unit.in_bulk();
            unit.look_up(&ids).await?;
            let mut arriving = Arriving { erasings: engine.db.erasings(&ids).await?, blobs: Vec::new(), unread: 0 };
            for state in &states {
                arriving.state(&mut unit, state).await?;
            }
            for erased in erased {
                if unit.get(erased.id).await?.is_some() || !matches!(arriving.erasings.get(&erased.id), Some(Some(_))) {
                    arriving.blobs.extend(unit.remove(erased, None).await?.blobs);
                }
            }
            arriving.end(&engine, &mut unit, &ids).await?;
            let Resume { after, head, incarnation, how } = so_far;
            account.resume = Some(Resumed { after, head, incarnation, expired: how == How::Expired });
            unit.set_account(&account)?;
            unit.commit().await?;
            drop_blobs(&engine, arriving.blobs).await
        })
        .await
    }

    /// All of a bootstrap is joined: the cursor moves to its head.
    pub async fn bootstrapped(&self, cursor: SyncId, incarnation: Incarnation) -> Result<()> {
        self.run(async move |engine, _| {
            let mut account = account(&engine).await?;
            let is_another = account.incarnation != Some(incarnation);
            let numbers = engine.db.acked_numbers().await?;
            let mut unit = engine.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            for number in numbers.into_iter().filter(|number| is_another || *number <= cursor.get()) {
                unit.pass(SyncId::try_from(number).map_err(|error| Error::corrupt(error.to_string()))?);
            }
            account.cursor = cursor;
            account.incarnation = Some(incarnation);
            account.resume = None;
            account.brings_states = false;
            unit.set_account(&account)?;
            unit.commit().await?;
            read_again(&engine).await
        })
        .await
    }

    /// All that this store has to bring.
    pub async fn begin_meeting(&self) -> Result<Meeting> {
        self.run(async move |engine, _| {
            let mut ids: Vec<(EntityId, bool)> =
                engine.db.entity_ids().await?.into_iter().map(|id| (id, false)).collect();
            ids.extend(engine.db.erased_ids().await?.into_iter().map(|id| (id, true)));
            ids.sort_unstable();
            Ok(Meeting { ids, next: 0 })
        })
        .await
    }

    /// The next of it, about so many bytes and at most so many lines; `None` when there is no more. What was erased since it began is left out.
    pub async fn carry(&self, mut meeting: Meeting, lines: usize, bytes: usize) -> Result<(Meeting, Option<Carried>)> {
        self.run(async move |engine, _| {
            let mut carried = Carried { lines: Vec::new(), blobs: Vec::new(), unsent: BTreeMap::new() };
            let mut together = 0;
            while let Some(&(id, is_erased)) = meeting.ids.get(meeting.next) {
                if !carried.lines.is_empty() && (carried.lines.len() >= lines || together >= bytes) {
                    break;
                }
                meeting.next += 1;
                let line = if is_erased {
                    erased_line(&engine, id).await?
                } else {
                    state_line(&engine, id, &mut carried).await?
                };
                if let Some(line) = line {
                    let unwritable = |error| Error::internal("a state can't be written").because(error);
                    together += serde_json::to_string(&line).map_err(unwritable)?.len();
                    carried.lines.push(line);
                }
            }
            let any = !carried.lines.is_empty();
            Ok((meeting, any.then_some(carried)))
        })
        .await
    }

    /// The server has these, but for those that it refused: what of the outbox was in them has arrived.
    pub async fn met(&self, carried: Carried, refused: &[JoinRefused]) -> Result<()> {
        let refused: HashSet<EntityId> = refused.iter().map(|refused| refused.entity).collect();
        self.run(async move |engine, _| {
            let taken = carried.unsent.into_iter().filter(|(entity, _)| !refused.contains(entity));
            let arrived: Vec<(EntityId, Vec<u64>)> = taken.collect();
            if arrived.is_empty() {
                return Ok(());
            }
            let mut unit = engine.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            let numbers: Vec<(u64, u64)> = arrived.iter().flat_map(|(_, seqs)| seqs).map(|seq| (*seq, 0)).collect();
            unit.acknowledge(&numbers).await?;
            for (entity, _) in &arrived {
                unit.unpark(*entity);
            }
            unit.commit().await
        })
        .await
    }
}

async fn erased_line(engine: &Inner, id: EntityId) -> Result<Option<BootstrapLine>> {
    // What an earlier version erased can't be told: it didn't write down how much that was.
    let erasing = engine.db.erasings(&[id]).await?.remove(&id).flatten();
    Ok(erasing.map(|erasing| BootstrapLine::Erased(Erased { id, kind: erasing.kind, seen: erasing.seen })))
}

async fn state_line(engine: &Inner, id: EntityId, carried: &mut Carried) -> Result<Option<BootstrapLine>> {
    let Some(row) = engine.db.get::<EntityRow>(entity_record(id)).await? else { return Ok(None) };
    let state = open_state(&row.state, id)?;
    let named = |head: &Head| head.value.as_str().and_then(|hash| hash.parse::<Hash>().ok());
    let blobs = state.fields.get(&Field::BLOB).into_iter().flatten().filter_map(named);
    carried.blobs.extend(blobs);
    let unsent = unsent_in(engine, row.last.unsigned_abs()).await?;
    if !unsent.is_empty() {
        carried.unsent.insert(id, unsent);
    }
    Ok(Some(BootstrapLine::Entity(Box::new(state))))
}

/// What of the outbox a state has, which was read with the number of its last change.
async fn unsent_in(engine: &Inner, mut seq: u64) -> Result<Vec<u64>> {
    let head = head(engine).await?;
    let mut unsent = Vec::new();
    while head.pending > 0 && seq > head.outbox {
        let Some(row) = engine.db.get::<ChangeRow>(change_record(seq)).await? else { break };
        if row.local && row.sync_id.is_none() {
            unsent.push(seq);
        }
        seq = row.prior.unsigned_abs();
    }
    Ok(unsent)
}
