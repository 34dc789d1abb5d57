//! Writing: units of work, grouped into transactions.
//!
//! A caller begins a [`Unit`], makes changes in it and commits. Units are staged one after another, each seeing those before it, and whatever
//! is staged while a transaction is under way goes into the next one, so that a hundred concurrent captures share a few flushes.
//! A unit that is dropped leaves nothing. A unit that is answered is on disk.
//!
//! Invariant: `stage.head` is ahead of the database by exactly the staged units; when a transaction fails, every unit that was staged on top of it
//! fails with it and the stage goes back to what the database holds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use altair_protocol::view::{Event, EventKind, Time};
use altair_protocol::{
    Change, ChangeId, Clock, DeviceId, EntityId, EntityState, Field, Hash, Kind, Op, Stamp, Value, VersionVector,
};
use surrealdb::types::RecordId;
use tokio::sync::{Mutex, OwnedMutexGuard, broadcast, oneshot, watch};

use super::Database;
use super::derive::Rows;
use super::rows::{
    BodyRow, ChangeRow, EdgeRow, EntityRow, FileRow, HeadRow, KeyRow, as_i64, change_record, entity_record,
    erased_record, head_id, held_record, named_record, place_record,
};
use super::sealed::{Before, Logged, alive_field, open_state, seal};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::merge::{Applied, apply_stepwise, join};
use crate::reading::{Reading, read, read_with_body};

/// How many of one's own acts can be undone.
const UNDO_DEPTH: usize = 100;
/// A batch that has so many bytes is written before more is staged: a transaction has to fit the memtable.
const BATCH_BYTES: usize = 8 << 20;
/// How many changes a slow watcher may be behind.
const BUS: usize = 4096;

/// The first and last change of one act.
pub(crate) type Act = (u64, u64);

/// The head of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) clock: Clock,
    pub(crate) undo: Vec<Act>,
    pub(crate) redo: Vec<Act>,
}

impl Head {
    pub(crate) fn of(row: &HeadRow) -> Self {
        let acts = |flat: &[i64]| flat.chunks_exact(2).map(|p| (p[0].unsigned_abs(), p[1].unsigned_abs())).collect();
        Self {
            seq: row.seq.unsigned_abs(),
            clock: Clock::starting_after(Stamp::from_u64(row.stamp.unsigned_abs())),
            undo: acts(&row.undo),
            redo: acts(&row.redo),
        }
    }

    pub(crate) fn row(&self) -> HeadRow {
        let flat = |acts: &[Act]| acts.iter().flat_map(|&(a, b)| [as_i64(a), as_i64(b)]).collect();
        HeadRow {
            id: head_id(),
            seq: as_i64(self.seq),
            stamp: as_i64(self.clock.last().as_u64()),
            undo: flat(&self.undo),
            redo: flat(&self.redo),
        }
    }
}

/// What a unit does to the undo stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undoing {
    /// It is an act of its own.
    Do,
    /// It undoes the newest act.
    Undo,
    /// It does again what was undone last.
    Redo,
    /// It can't be undone (imports of foreign changes, erasing).
    Keep,
}

/// What the search index has to learn.
#[derive(Debug, Clone)]
pub(crate) enum Indexed {
    Put(Arc<Reading>),
    Remove(EntityId),
}

/// One committed transaction, for the bus and the search index.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) seq: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) indexed: Vec<Indexed>,
}

/// An entity as it is staged.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) state: EntityState,
    pub(crate) reading: Arc<Reading>,
    /// The number of its last change; 0 for one that isn't in the store yet.
    pub(crate) last: u64,
    rows: Rows,
}

/// What one transaction does to one entity.
#[derive(Debug)]
struct Touched {
    before: Rows,
    existed: bool,
    /// `None`: erased.
    now: Option<Arc<Staged>>,
}

#[derive(Default)]
struct Batch {
    entities: BTreeMap<EntityId, Touched>,
    changes: Vec<ChangeRow>,
    events: Vec<Event>,
    files: Vec<FileRow>,
    /// Files that the store knew nothing of.
    new_files: Vec<FileRow>,
    erased: Vec<BodyRow>,
    held: Vec<BodyRow>,
    released: Vec<RecordId>,
    bytes: usize,
    waiting: Vec<oneshot::Sender<Result<()>>>,
}

struct Stage {
    head: Head,
    /// What is staged or being written, with the number of its batch. `None`: erased.
    overlay: HashMap<EntityId, (u64, Option<Arc<Staged>>)>,
    batch: Batch,
    number: u64,
    writing: bool,
    closed: bool,
}

/// The one writer of a store.
pub(crate) struct Writer {
    db: Database,
    pub(crate) device: DeviceId,
    pub(crate) environment: Environment,
    stage: Arc<Mutex<Stage>>,
    /// The number of the last batch that was written, or failed.
    written: watch::Sender<u64>,
    bus: broadcast::Sender<Arc<Committed>>,
    on_commit: Box<dyn Fn(&Committed) + Send + Sync>,
    /// Says more of why a transaction failed, where the database doesn't.
    explain: Box<dyn Fn(Error) -> Error + Send + Sync>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("device", &self.device).finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(
        db: Database,
        head: Head,
        device: DeviceId,
        environment: Environment,
        on_commit: impl Fn(&Committed) + Send + Sync + 'static,
        explain: impl Fn(Error) -> Error + Send + Sync + 'static,
    ) -> Self {
        let stage =
            Stage { head, overlay: HashMap::new(), batch: Batch::default(), number: 1, writing: false, closed: false };
        Self {
            db,
            device,
            environment,
            stage: Arc::new(Mutex::new(stage)),
            written: watch::Sender::new(0),
            bus: broadcast::Sender::new(BUS),
            on_commit: Box::new(on_commit),
            explain: Box::new(explain),
        }
    }

    /// Every committed transaction from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.bus.subscribe()
    }

    /// Begins a unit.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<Unit> {
        loop {
            let stage = Arc::clone(&self.stage).lock_owned().await;
            if stage.closed {
                return Err(Error::new(crate::ErrorKind::Closed, "the store has been closed", "open it again"));
            }
            if stage.batch.bytes < BATCH_BYTES {
                return Ok(Unit::new(Arc::clone(self), stage));
            }
            self.wait_for_batch(stage).await;
        }
    }

    /// Begins a unit when nothing is staged or under way, so that everything before it can be read from the database.
    pub(crate) async fn begin_quiet(self: &Arc<Self>) -> Result<Unit> {
        loop {
            let unit = self.begin().await?;
            if unit.stage.overlay.is_empty() && !unit.stage.writing {
                return Ok(unit);
            }
            let Unit { stage, .. } = unit;
            self.wait_for_batch(stage).await;
        }
    }

    /// Refuses further units and waits until all are written.
    pub(crate) async fn close(self: &Arc<Self>) {
        loop {
            let mut stage = Arc::clone(&self.stage).lock_owned().await;
            stage.closed = true;
            if !stage.writing {
                return;
            }
            self.wait_for_batch(stage).await;
        }
    }

    async fn wait_for_batch(&self, stage: OwnedMutexGuard<Stage>) {
        let number = stage.number - 1;
        let mut written = self.written.subscribe();
        drop(stage);
        // The sender is in `self`, so this can't fail.
        let _ = written.wait_for(|done| *done >= number).await;
    }

    /// Writes batches until none is left.
    async fn write_batches(self: Arc<Self>) {
        loop {
            let mut stage = self.stage.lock().await;
            if stage.batch.waiting.is_empty() {
                stage.writing = false;
                self.written.send_replace(stage.number - 1);
                return;
            }
            let mut batch = std::mem::take(&mut stage.batch);
            let head = stage.head.clone();
            let number = stage.number;
            stage.number += 1;
            drop(stage);

            let waiting = std::mem::take(&mut batch.waiting);
            // In a task of its own: a panic of the database is an error of this batch, and the writer lives on.
            let db = self.db.clone();
            let row = head.row();
            let (written, batch) = match tokio::spawn(async move { (write(&db, &mut batch, row).await, batch) }).await {
                Ok(done) => done,
                Err(error) => {
                    (Err(Error::internal("the database failed while writing").because(error)), Batch::default())
                }
            };

            let mut stage = self.stage.lock().await;
            match written {
                Ok(()) => {
                    stage.overlay.retain(|_, (staged_in, _)| *staged_in > number);
                    let committed = Arc::new(committed(head.seq, batch));
                    drop(stage);
                    (self.on_commit)(&committed);
                    // No subscriber is no failure.
                    let _ = self.bus.send(committed);
                    self.written.send_replace(number);
                    for waiter in waiting {
                        let _ = waiter.send(Ok(()));
                    }
                }
                Err(error) => {
                    let error = (self.explain)(error);
                    tracing::error!(%error, number, "a transaction failed");
                    let later = std::mem::take(&mut stage.batch);
                    stage.overlay.clear();
                    match self.db.head_row().await {
                        Ok(row) => {
                            let clock = stage.head.clock;
                            stage.head = row.as_ref().map(Head::of).unwrap_or_default();
                            stage.head.clock.observe(clock.last());
                        }
                        Err(error) => {
                            tracing::error!(%error, "the head of the log can't be read: the store closes itself");
                            stage.closed = true;
                        }
                    }
                    drop(stage);
                    self.written.send_replace(number);
                    for waiter in waiting.into_iter().chain(later.waiting) {
                        let _ = waiter.send(Err(Error::new(error.kind(), error.message(), error.hint())));
                    }
                }
            }
        }
    }
}

/// A unit of work: all of it or nothing.
pub(crate) struct Unit {
    writer: Arc<Writer>,
    stage: OwnedMutexGuard<Stage>,
    clock: Clock,
    entities: BTreeMap<EntityId, Option<Arc<Staged>>>,
    /// The entities as they were before this unit.
    before: HashMap<EntityId, Option<Arc<Staged>>>,
    logged: Vec<(Logged, bool)>,
    files: Vec<FileRow>,
    new_files: Vec<FileRow>,
    held: Vec<Change>,
    released: Vec<RecordId>,
    act: Undoing,
}

impl Unit {
    fn new(writer: Arc<Writer>, stage: OwnedMutexGuard<Stage>) -> Self {
        let clock = stage.head.clock;
        Self {
            writer,
            stage,
            clock,
            entities: BTreeMap::new(),
            before: HashMap::new(),
            logged: Vec::new(),
            files: Vec::new(),
            new_files: Vec::new(),
            held: Vec::new(),
            released: Vec::new(),
            act: Undoing::Do,
        }
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.writer.device
    }

    /// Unix milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.writer.environment.now()
    }

    /// A new id.
    pub(crate) fn mint(&self) -> EntityId {
        EntityId::v7(self.now(), self.writer.environment.random())
    }

    /// The newest act to undo, or to redo.
    pub(crate) fn acts(&self) -> (Option<Act>, Option<Act>) {
        (self.stage.head.undo.last().copied(), self.stage.head.redo.last().copied())
    }

    /// Says what this unit does to the undo stack; without this it is an act of its own.
    pub(crate) fn set_act(&mut self, act: Undoing) {
        self.act = act;
    }

    /// An entity as it stands in this unit; `None` if there is none.
    pub(crate) async fn get(&mut self, id: EntityId) -> Result<Option<&Arc<Staged>>> {
        if !self.entities.contains_key(&id) && !self.before.contains_key(&id) {
            let found = match self.stage.overlay.get(&id) {
                Some((_, staged)) => staged.clone(),
                None => match self.writer.db.get::<EntityRow>(entity_record(id)).await? {
                    Some(row) => Some(Arc::new(staged(&row, id)?)),
                    None => None,
                },
            };
            self.before.insert(id, found);
        }
        Ok(match self.entities.get(&id) {
            Some(changed) => changed.as_ref(),
            None => self.before.get(&id).and_then(Option::as_ref),
        })
    }

    /// Looks up which of these entities there are, all at once, so that those that are new needn't be looked up one by one.
    pub(crate) async fn look_up(&mut self, ids: &[EntityId]) -> Result<()> {
        let unknown = |id: &EntityId| !self.stage.overlay.contains_key(id) && !self.before.contains_key(id);
        let ids: Vec<EntityId> = ids.iter().copied().filter(unknown).collect();
        let existing: HashSet<EntityId> = self.writer.db.existing(&ids).await?.into_iter().collect();
        self.before.extend(ids.into_iter().filter(|id| !existing.contains(id)).map(|id| (id, None)));
        Ok(())
    }

    /// An entity that must be there.
    pub(crate) async fn require(&mut self, id: EntityId) -> Result<&Arc<Staged>> {
        self.get(id).await?.ok_or_else(|| Error::not_found(format_args!("entity with the id {id}")))
    }

    /// Makes a change of this device's and applies it.
    pub(crate) async fn change(&mut self, id: EntityId, kind: Kind, ops: Vec<Op>) -> Result<()> {
        let blobs = ops.iter().filter_map(blob_of).collect();
        let change = self.minted(id, kind, ops, blobs, false).await?;
        self.apply(change, true).await?;
        Ok(())
    }

    async fn minted(
        &mut self,
        id: EntityId,
        kind: Kind,
        ops: Vec<Op>,
        blobs: Vec<Hash>,
        erase: bool,
    ) -> Result<Change> {
        let seen = self.get(id).await?.map_or_else(VersionVector::new, |staged| staged.state.applied.clone());
        let now = self.now();
        let exhausted = |error| Error::internal("the clock has run out").because(error);
        Ok(Change {
            id: ChangeId::v7(now, self.writer.environment.random()),
            entity: id,
            kind,
            device: self.device(),
            at: self.clock.tick(now).map_err(exhausted)?,
            seen,
            erase,
            blobs,
            ops,
        })
    }

    /// Applies a change, made here or elsewhere. One that must wait is kept with the store.
    pub(crate) async fn apply(&mut self, change: Change, local: bool) -> Result<Applied> {
        let id = change.entity;
        let found = self.get(id).await?.cloned();
        let mut state = found.as_ref().map_or_else(|| EntityState::new(id, change.kind), |staged| staged.state.clone());
        let was_alive = found.as_ref().map(|staged| staged.state.is_alive());
        let mut before = before_of(&state, &change, was_alive);
        let (applied, steps) = apply_stepwise(&mut state, &change)?;
        match applied {
            Applied::Already => return Ok(applied),
            Applied::Hold => {
                self.held.push(change);
                return Ok(applied);
            }
            Applied::Now => {}
        }
        self.clock.observe(change.at);
        let mut body = None;
        for step in steps {
            if step.field == Field::BODY {
                body = Some(step.text);
            }
            before.push((step.field, Before::Text { from: step.from, to: step.to }));
        }
        for (field, then) in &mut before {
            if let Before::Count { to, .. } = then {
                *to = state.count(field);
            }
        }
        let event = match (was_alive, state.is_alive()) {
            (None, _) => EventKind::Created,
            (Some(true), false) => EventKind::Deleted,
            (Some(false), true) => EventKind::Restored,
            _ => EventKind::Changed,
        };
        // A body that the change left alone is known from before.
        let body = body.or_else(|| found.as_ref().filter(|s| s.state.kind.has_body()).map(|s| s.reading.text.clone()));
        let reading = read_with_body(&state, body.unwrap_or_default());
        self.put(state, reading, found.map_or(0, |staged| staged.last));
        self.logged.push((Logged { change, before, event }, local));
        Ok(applied)
    }

    /// Joins another replica's state. It leaves no change in the log: what it brought was logged where it was made.
    pub(crate) async fn join(&mut self, theirs: &EntityState) -> Result<()> {
        for dot in theirs.applied.iter() {
            self.clock.observe(dot.at);
        }
        let found = self.get(theirs.id).await?.cloned();
        let (mut state, last) = match found {
            Some(staged) => (staged.state.clone(), staged.last),
            None => (EntityState::new(theirs.id, theirs.kind), 0),
        };
        let before = state.clone();
        join(&mut state, theirs)?;
        if state != before {
            let reading = read(&state)?;
            self.put(state, reading, last);
        }
        Ok(())
    }

    /// Erases an entity for good: its state, its history and what it says anywhere in the store. Its id stays erased. For a unit that
    /// began quietly: what is staged can't be erased.
    pub(crate) async fn erase(&mut self, id: EntityId) -> Result<()> {
        let staged = self.require(id).await?;
        let (kind, mut seq) = (staged.state.kind, staged.last);
        while seq != 0 {
            let record = change_record(seq);
            let row: Option<ChangeRow> = self.writer.db.get(record.clone()).await?;
            self.released.push(record);
            seq = row.map_or(0, |row| row.prior.unsigned_abs());
        }
        let change = self.minted(id, kind, Vec::new(), Vec::new(), true).await?;
        self.entities.insert(id, None);
        self.logged.push((Logged { change, before: Vec::new(), event: EventKind::Erased }, true));
        self.act = Undoing::Keep;
        Ok(())
    }

    /// Remembers a vault's file. `known` tells whether the store has a row for it.
    pub(crate) fn remember_file(&mut self, row: FileRow, known: bool) {
        if known { self.files.push(row) } else { self.new_files.push(row) }
    }

    /// What waited for other changes so far: the caller tries again, or has it kept with [`Unit::hold`].
    pub(crate) fn take_held(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.held)
    }

    /// Keeps changes in the store until what they build on comes.
    pub(crate) fn hold(&mut self, changes: Vec<Change>) {
        self.held.extend(changes);
    }

    /// Takes a held change off the list.
    pub(crate) fn release(&mut self, change: ChangeId) {
        self.released.push(held_record(change));
    }

    /// Whether the unit does anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.entities.is_empty()
            && self.files.is_empty()
            && self.new_files.is_empty()
            && self.held.is_empty()
            && self.released.is_empty()
    }

    /// Commits, and answers when everything is on disk.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.stage()? {
            Some(answer) => answer.await.map_err(|error| Error::internal("the writer stopped").because(error))?,
            None => Ok(()),
        }
    }

    /// Stages the unit without waiting; the answer comes when it is on disk. `None`: there was nothing to do.
    pub(crate) fn stage(mut self) -> Result<Option<oneshot::Receiver<Result<()>>>> {
        if self.is_empty() && self.act == Undoing::Do {
            return Ok(None);
        }
        let number = self.stage.number;
        let first = self.stage.head.seq + 1;
        let mut rows = Vec::with_capacity(self.logged.len());
        let mut events = Vec::with_capacity(self.logged.len());
        let mut bytes = 0;
        for (n, (logged, local)) in std::mem::take(&mut self.logged).into_iter().enumerate() {
            let seq = first + n as u64;
            let entity = logged.change.entity;
            let prior = match self.entities.get_mut(&entity) {
                Some(Some(staged)) => std::mem::replace(&mut Arc::make_mut(staged).last, seq),
                _ => 0,
            };
            events.push(event_of(seq, &logged));
            let body = seal(&logged)?;
            bytes += body.len();
            rows.push(ChangeRow {
                id: change_record(seq),
                entity: entity.uuid().into(),
                prior: as_i64(prior),
                local,
                sync_id: None,
                body: body.into(),
            });
        }

        let rows_of_held =
            self.held.drain(..).map(|change| Ok(BodyRow { id: held_record(change.id), body: seal(&change)?.into() }));
        let mut held = rows_of_held.collect::<Result<Vec<_>>>()?;
        // A joined state leaves no change; a number is passed over, so that everybody sees that something was committed.
        let joined = rows.is_empty() && !self.entities.is_empty();
        let last = first + rows.len() as u64 + u64::from(joined) - 1;
        let head = &mut self.stage.head;
        head.seq = last;
        head.clock = self.clock;
        note_act(head, self.act, (first, last), !rows.is_empty());
        let batch_no = number;
        for (id, now) in std::mem::take(&mut self.entities) {
            let before = self.before.remove(&id).flatten();
            if now.is_none() {
                self.stage.batch.erased.push(BodyRow { id: erased_record(id), body: Vec::new().into() });
            }
            bytes += now
                .as_ref()
                .map_or(0, |staged| staged.state.texts.values().map(|text| text.0.len()).sum::<usize>() + 512);
            self.stage.overlay.insert(id, (batch_no, now.clone()));
            match self.stage.batch.entities.get_mut(&id) {
                Some(touched) => touched.now = now,
                None => {
                    let existed = before.is_some();
                    let rows = before.map(|staged| staged.rows.clone()).unwrap_or_default();
                    self.stage.batch.entities.insert(id, Touched { before: rows, existed, now });
                }
            }
        }
        let (answer, receiver) = oneshot::channel();
        let batch = &mut self.stage.batch;
        batch.changes.extend(rows);
        batch.events.extend(events);
        batch.files.append(&mut self.files);
        batch.new_files.append(&mut self.new_files);
        batch.held.append(&mut held);
        batch.released.append(&mut self.released);
        batch.bytes += bytes;
        batch.waiting.push(answer);
        if !std::mem::replace(&mut self.stage.writing, true) {
            let writer = Arc::clone(&self.writer);
            tokio::spawn(writer.write_batches());
        }
        Ok(Some(receiver))
    }

    fn put(&mut self, state: EntityState, reading: Reading, last: u64) {
        let rows = Rows::of(&reading);
        self.entities.insert(state.id, Some(Arc::new(Staged { state, reading: Arc::new(reading), last, rows })));
    }
}

fn note_act(head: &mut Head, act: Undoing, made: Act, any: bool) {
    match act {
        Undoing::Do if any => {
            head.undo.push(made);
            head.redo.clear();
        }
        Undoing::Undo => {
            head.undo.pop();
            if any {
                head.redo.push(made);
            }
        }
        Undoing::Redo => {
            head.redo.pop();
            if any {
                head.undo.push(made);
            }
        }
        Undoing::Do | Undoing::Keep => {}
    }
    let extra = head.undo.len().saturating_sub(UNDO_DEPTH);
    head.undo.drain(..extra);
}

/// Reads an entity's row.
pub(crate) fn staged(row: &EntityRow, id: EntityId) -> Result<Staged> {
    let state = open_state(&row.state, id)?;
    let reading = Arc::new(read(&state)?);
    let rows = Rows::of(&reading);
    Ok(Staged { state, reading, last: row.last.unsigned_abs(), rows })
}

/// What a change finds before it. Texts are added by whoever opens them.
fn before_of(state: &EntityState, change: &Change, was_alive: Option<bool>) -> Vec<(Field, Before)> {
    let mut before: Vec<(Field, Before)> = Vec::new();
    let mut add = |field: &Field, then: Before| {
        if !before.iter().any(|(known, _)| known == field) {
            before.push((field.clone(), then));
        }
    };
    for op in &change.ops {
        match op {
            Op::Set { field, .. } => add(field, Before::Value(state.value(field).cloned().unwrap_or(Value::Null))),
            Op::Count { field, .. } => add(field, Before::Count { from: state.count(field), to: 0 }),
            Op::Delete | Op::Restore => add(&alive_field(), Before::Alive(was_alive)),
            Op::Text { .. } => {}
        }
    }
    if was_alive.is_none() {
        add(&alive_field(), Before::Alive(None));
    }
    before
}

fn blob_of(op: &Op) -> Option<Hash> {
    match op {
        Op::Set { field, value } if *field == Field::BLOB => value.as_str().and_then(|hash| hash.parse().ok()),
        _ => None,
    }
}

/// What watchers see of a logged change.
pub(crate) fn event_of(seq: u64, logged: &Logged) -> Event {
    let change = &logged.change;
    let mut fields: Vec<String> = Vec::new();
    for (field, _) in logged.before.iter().filter(|(field, _)| *field != Field::CREATED && *field != alive_field()) {
        let name = match (field.is_tag(), field.property_key()) {
            (true, _) => "tags",
            (_, Some(_)) => "properties",
            _ => field.as_str(),
        };
        if !fields.iter().any(|known| known == name) {
            fields.push(name.to_owned());
        }
    }
    Event {
        seq,
        at: Time::from(change.at),
        device: change.device,
        entity: change.entity,
        kind: change.kind,
        event: logged.event,
        fields,
    }
}

fn committed(seq: u64, batch: Batch) -> Committed {
    let indexed = batch.entities.into_iter().map(|(id, touched)| match touched.now {
        Some(staged) if !staged.reading.entity.deleted => Indexed::Put(Arc::clone(&staged.reading)),
        _ => Indexed::Remove(id),
    });
    Committed { seq, indexed: indexed.collect(), events: batch.events }
}

/// One transaction.
async fn write(db: &Database, batch: &mut Batch, head: HeadRow) -> Result<()> {
    let mut new = Vec::new();
    let mut changed = Vec::new();
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    let mut gone: Vec<RecordId> = Vec::new();
    let mut edges: Vec<EdgeRow> = Vec::new();
    let mut erased_files: Vec<surrealdb::types::Uuid> = Vec::new();
    let nothing = Rows::default();
    for (&id, touched) in &batch.entities {
        let now = touched.now.as_ref().map_or(&nothing, |staged| &staged.rows);
        let before = &touched.before;
        let moved = before.created_ms != now.created_ms;
        let added = now.places.iter().filter(|list| moved || !before.places.contains(*list));
        keys.extend(added.map(|list| KeyRow { id: place_record(list, now.created_ms, id) }));
        let dropped = before.places.iter().filter(|list| moved || !now.places.contains(*list));
        gone.extend(dropped.map(|list| place_record(list, before.created_ms, id)));
        names.extend(now.names.difference(&before.names).map(|name| KeyRow { id: named_record(name, id) }));
        gone.extend(before.names.difference(&now.names).map(|name| named_record(name, id)));
        if before.edges != now.edges {
            gone.extend(before.edges.iter().map(|edge| edge.id.clone()));
            edges.extend(now.edges.iter().cloned());
        }
        match &touched.now {
            Some(staged) => {
                let row = EntityRow {
                    id: entity_record(id),
                    kind: staged.state.kind.as_str().to_owned(),
                    last: as_i64(staged.last),
                    state: seal(&staged.state)?.into(),
                };
                if touched.existed { changed.push(row) } else { new.push(row) }
            }
            None => {
                gone.push(entity_record(id));
                erased_files.push(id.uuid().into());
            }
        }
    }

    let mut query = String::from("BEGIN;");
    let mut add = |any: bool, statement: &str| {
        if any {
            query.push_str(statement);
        }
    };
    add(!erased_files.is_empty(), "DELETE file WHERE entity IN $erased_files RETURN NONE;");
    add(!gone.is_empty(), "DELETE $gone RETURN NONE;");
    add(!new.is_empty(), "INSERT INTO entity $new RETURN NONE;");
    add(!changed.is_empty(), "FOR $row IN $changed { UPDATE $row.id CONTENT $row RETURN NONE; };");
    add(!batch.changes.is_empty(), "INSERT INTO change $changes RETURN NONE;");
    add(!keys.is_empty(), "INSERT INTO place $places RETURN NONE;");
    add(!names.is_empty(), "INSERT INTO named $names RETURN NONE;");
    add(!edges.is_empty(), "INSERT RELATION INTO edge $edges RETURN NONE;");
    add(!batch.new_files.is_empty(), "INSERT INTO file $new_files ON DUPLICATE KEY UPDATE vault = $input.vault, path = $input.path, entity = $input.entity,
            hash = $input.hash, version = $input.version, front = $input.front, links = $input.links RETURN NONE;");
    add(!batch.files.is_empty(), "FOR $row IN $files { UPSERT $row.id CONTENT $row RETURN NONE; };");
    add(!batch.held.is_empty(), "FOR $row IN $held { UPSERT $row.id CONTENT $row RETURN NONE; };");
    add(!batch.released.is_empty(), "DELETE $released RETURN NONE;");
    add(!batch.erased.is_empty(), "FOR $row IN $erased { UPSERT $row.id CONTENT $row RETURN NONE; };");
    query.push_str("UPSERT meta:head CONTENT $head RETURN NONE; COMMIT;");

    let bound = db
        .sdk
        .query(query)
        .bind(("erased_files", erased_files))
        .bind(("gone", gone))
        .bind(("new", new))
        .bind(("changed", changed))
        .bind(("changes", std::mem::take(&mut batch.changes)))
        .bind(("places", keys))
        .bind(("names", names))
        .bind(("edges", edges))
        .bind(("new_files", std::mem::take(&mut batch.new_files)))
        .bind(("files", std::mem::take(&mut batch.files)))
        .bind(("held", std::mem::take(&mut batch.held)))
        .bind(("released", std::mem::take(&mut batch.released)))
        .bind(("erased", std::mem::take(&mut batch.erased)))
        .bind(("head", head));
    bound.await.and_then(super::database::checked).map(drop).map_err(|error| super::database::failed(&error))
}
