//! The outbox, as it goes up: read in order, acknowledged, parked.

use std::collections::{BTreeMap, HashMap, HashSet};

use altair_protocol::ChangeId;
use altair_protocol::sync::{Acked, SyncId, Unopened};

use super::Replica;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::store::rows::seq_of;
use crate::store::sealed::{Logged, open};
use crate::store::write::{Head, Undoing};
use crate::sync::machine::{Fault, Outgoing, Position};

/// How many changes are read of the log at a time: each may have megabytes.
const CHUNK: usize = 64;
/// So many changes are remembered by their ids; the others are looked for in the log.
const MAX_REMEMBERED: usize = 1 << 16;
/// The longest reason that is kept of a refusal, in characters.
const MAX_REASON: usize = 1000;

/// Where the outbox has the changes that were read out of it.
#[derive(Debug, Default)]
pub(crate) struct Sent(HashMap<ChangeId, u64>);

impl Sent {
    fn remember(&mut self, change: ChangeId, seq: u64) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(change, seq);
    }

    pub(super) fn forget(&mut self, change: ChangeId) {
        self.0.remove(&change);
    }

    /// The numbers that these changes have in the outbox. One that was read out before, and has left it since, may be among them.
    pub(super) async fn find(&mut self, engine: &Inner, ids: &[ChangeId]) -> Result<BTreeMap<ChangeId, u64>> {
        let mut found: BTreeMap<ChangeId, u64> =
            ids.iter().filter_map(|id| self.0.get(id).map(|seq| (*id, *seq))).collect();
        let mut missing: HashSet<ChangeId> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
        let head = head(engine).await?;
        let mut after = head.outbox;
        while head.pending > 0 && !missing.is_empty() && after < head.seq {
            let (rows, looked) = engine.db.outbox(after, head.seq, CHUNK).await?;
            for row in &rows {
                let seq = seq_of(&row.id)?;
                let Ok(Logged { change, .. }) = open(&row.body, "a change") else { continue };
                self.remember(change.id, seq);
                if missing.remove(&change.id) {
                    found.insert(change.id, seq);
                }
            }
            after = looked;
        }
        Ok(found)
    }
}

/// The head of the log, as far as it is on disk.
pub(super) async fn head(engine: &Inner) -> Result<Head> {
    Ok(engine.db.head_row().await?.as_ref().map(Head::of).unwrap_or_default())
}

impl Replica {
    /// The outbox's changes after a position, in order, but those of entities of which one is parked: so many changes and bytes at most, and one at least if there is
    /// any. And whether there was nothing more.
    pub async fn read_outbox(&self, after: Position, changes: usize, bytes: usize) -> Result<(Vec<Outgoing>, bool)> {
        self.run(async move |engine, mut sent| {
            let head = head(&engine).await?;
            let parked: HashSet<_> = engine.db.parked().await?.into_iter().map(|fault| fault.entity).collect();
            let mut entries: Vec<Outgoing> = Vec::new();
            let (mut after, mut together) = (after.0.max(head.outbox), 0);
            while head.pending > 0 && after < head.seq {
                let wanted = CHUNK.min(changes.max(1) - entries.len() + parked.len());
                let (rows, looked) = engine.db.outbox(after, head.seq, wanted).await?;
                for row in &rows {
                    let seq = seq_of(&row.id)?;
                    let Logged { change, .. } = match open(&row.body, format_args!("the change {seq}")) {
                        Ok(logged) => logged,
                        Err(error) => {
                            // Nobody has it any more. What builds on it will be refused, and shown.
                            tracing::error!(seq, %error, "a change of the outbox can't be sent");
                            continue;
                        }
                    };
                    if parked.contains(&change.entity) {
                        continue;
                    }
                    let unwritable = |error| Error::internal("a change can't be written").because(error);
                    let unopened = Unopened::of(&change).map_err(unwritable)?;
                    let length = serde_json::to_string(&unopened).map_err(unwritable)?.len();
                    if !entries.is_empty() && (together + length > bytes || entries.len() >= changes) {
                        return Ok((entries, false));
                    }
                    together += length;
                    sent.remember(change.id, seq);
                    entries.push(Outgoing { position: Position(seq), change: unopened, bytes: length });
                }
                after = looked;
                if entries.len() >= changes.max(1) {
                    return Ok((entries, after >= head.seq));
                }
            }
            Ok((entries, true))
        })
        .await
    }

    /// These are accepted, and leave the outbox. One that isn't in it is passed over.
    pub async fn acknowledge(&self, items: Vec<Acked>) -> Result<()> {
        self.run(async move |engine, mut sent| {
            let ids: Vec<ChangeId> = items.iter().map(|acked| acked.change).collect();
            let found = sent.find(&engine, &ids).await?;
            let cursor = engine.db.account().await?.map_or(SyncId::ZERO, |account| account.cursor);
            let parked = engine.db.parked().await?;
            let mut unit = engine.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            let numbered = items.iter().filter_map(|acked| Some((*found.get(&acked.change)?, acked.sync_id.get())));
            let acknowledged = unit.acknowledge(&numbered.collect::<Vec<_>>()).await?;
            for Acked { change, sync_id } in &items {
                if found.get(change).is_some_and(|seq| acknowledged.contains(seq)) && *sync_id > cursor {
                    // The log brings it again, when the outbox doesn't have it any more.
                    unit.expect_own(*sync_id, *change)?;
                }
            }
            for fault in parked.iter().filter(|fault| fault.change.is_some_and(|change| ids.contains(&change))) {
                unit.unpark(fault.entity);
            }
            unit.commit().await?;
            ids.iter().for_each(|id| sent.forget(*id));
            Ok(())
        })
        .await
    }

    /// Keeps a refused change, behind which everything of its entity waits. An entity has one: of two the earlier.
    pub async fn park(&self, fault: Fault) -> Result<()> {
        self.run(async move |engine, mut sent| {
            let known = engine.db.parked_of(fault.entity).await?;
            let ids: Vec<ChangeId> =
                [fault.change, known.as_ref().and_then(|known| known.change)].into_iter().flatten().collect();
            let found = sent.find(&engine, &ids).await?;
            let unsent = engine.db.still_unsent(&found.values().copied().collect::<Vec<_>>()).await?;
            let place = |fault: &Fault| {
                fault.change.and_then(|change| found.get(&change)).copied().filter(|seq| unsent.contains(seq))
            };
            // What was acknowledged meanwhile, or lives on in another entity, isn't in the outbox any more.
            let Some(seq) = place(&fault) else { return Ok(()) };
            if known.as_ref().and_then(place).is_some_and(|known| known < seq) {
                return Ok(());
            }
            let message = fault.message.chars().take(MAX_REASON).collect();
            let mut unit = engine.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            unit.park(&Fault { message, ..fault })?;
            unit.commit().await
        })
        .await
    }
}
