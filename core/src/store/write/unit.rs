//! A unit of work: the changes that one request makes, all of them or none.
//!
//! Units are staged one after another, and each sees those before it. One that is dropped leaves nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use altair_protocol::view::EventKind;
use altair_protocol::{
    Change, ChangeId, Clock, DeviceId, EntityId, EntityState, Field, Hash, Kind, Op, Value, VersionVector,
};
use surrealdb::types::{RecordId, SurrealValue as _, Value as DbValue};
use tokio::sync::{OwnedMutexGuard, oneshot};
use uuid::Uuid;

use super::arriving::Told;
use super::batch::{NumberRow, Staged, Touched, event_of, staged};
use super::{Head, Span, Stage, UNDO_DEPTH, Undoing, Writer};
use crate::error::{Error, Result};
use crate::merge::{Applied, MadeText, apply_stepwise};
use crate::reading::{Reading, read_with_body};
use crate::store::account::Erasing;
use crate::store::derive::Rows;
use crate::store::outbox::Counted;
use crate::store::rows::{
    BodyRow, ChangeRow, EntityRow, FileRow, answer_record, as_i64, change_record, entity_record, erased_record,
    held_record,
};
use crate::store::sealed::{Before, Kept, Logged, alive_field, seal};

/// A change that this unit puts into the log.
pub(super) struct Made {
    pub(super) logged: Logged,
    /// Whether it goes into the outbox.
    pub(super) outgoing: bool,
}

/// A unit of work: all of it or nothing.
pub(crate) struct Unit {
    pub(super) writer: Arc<Writer>,
    pub(super) stage: OwnedMutexGuard<Stage>,
    pub(super) clock: Clock,
    pub(super) entities: BTreeMap<EntityId, Option<Arc<Staged>>>,
    /// The entities as they were before this unit.
    before: HashMap<EntityId, Option<Arc<Staged>>>,
    pub(super) logged: Vec<Made>,
    files: Vec<DbValue>,
    new_files: Vec<DbValue>,
    pub(super) held: Vec<Change>,
    /// Records that go.
    pub(super) released: Vec<RecordId>,
    /// Logged changes that are written anew.
    pub(super) rewritten: Vec<DbValue>,
    /// So many changes leave the outbox.
    pub(super) left_outbox: u64,
    /// Changes of the outbox with the numbers that a server gave them.
    pub(super) acked: Vec<(u64, u64)>,
    /// Nothing up to this number is in the outbox any more.
    pub(super) outbox: u64,
    /// What was erased.
    pub(super) erasing: BTreeMap<EntityId, Erasing>,
    /// Sealed values of other tables.
    pub(super) bodies: Vec<DbValue>,
    /// What became of entities that the log doesn't tell.
    pub(super) told: Vec<Told>,
    /// Watchers are told to read again, and not of each entity.
    pub(super) in_bulk: bool,
    /// Something became of entities that the log doesn't tell.
    pub(super) joined: bool,
    /// What the outbox holds after all, where it had been counted wrong.
    recounted: Option<Counted>,
    pub(super) act: Undoing,
    /// The request that this does, if it has to happen once.
    asked: Option<Uuid>,
    answer: Option<Kept>,
}

impl Unit {
    pub(super) fn new(writer: Arc<Writer>, stage: OwnedMutexGuard<Stage>) -> Self {
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
            rewritten: Vec::new(),
            left_outbox: 0,
            acked: Vec::new(),
            outbox: 0,
            erasing: BTreeMap::new(),
            bodies: Vec::new(),
            told: Vec::new(),
            in_bulk: false,
            joined: false,
            recounted: None,
            act: Undoing::Do,
            asked: None,
            answer: None,
        }
    }

    /// Does what a request asks for that has to happen once.
    pub(crate) fn answering(self, asked: Option<Uuid>) -> Self {
        Self { asked, ..self }
    }

    /// Says what the request is answered. It is kept with what the unit does.
    pub(crate) fn answer(&mut self, answer: Kept) {
        self.answer = Some(answer);
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.writer.device
    }

    /// Unix milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.writer.now()
    }

    /// A new id.
    pub(crate) fn mint(&self) -> EntityId {
        EntityId::v7(self.now(), self.writer.environment.random())
    }

    /// The newest act to undo, or to redo.
    pub(crate) fn acts(&self) -> (Option<Span>, Option<Span>) {
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

    /// Which of these ids were erased, by what is staged too.
    pub(crate) async fn erased(&self, ids: &[EntityId]) -> Result<HashSet<EntityId>> {
        let staged = ids.iter().filter(|id| matches!(self.stage.overlay.get(id), Some((_, None))));
        let mut erased: HashSet<EntityId> = staged.copied().collect();
        erased.extend(self.writer.db.erased(ids).await?);
        Ok(erased)
    }

    /// An entity that must be there.
    pub(crate) async fn require(&mut self, id: EntityId) -> Result<&Arc<Staged>> {
        self.get(id).await?.ok_or_else(|| Error::not_found(format_args!("entity with the id {id}")))
    }

    /// Makes a change of this device's and applies it.
    pub(crate) async fn change(&mut self, id: EntityId, kind: Kind, ops: Vec<Op>) -> Result<()> {
        self.make(id, kind, ops, None).await
    }

    /// [`Unit::change`] for something new, whose text the caller has just made: it needn't be opened to be read.
    pub(crate) async fn make(&mut self, id: EntityId, kind: Kind, ops: Vec<Op>, text: Option<MadeText>) -> Result<()> {
        let blobs = ops.iter().filter_map(blob_of).collect();
        let change = self.minted(id, kind, ops, blobs, false).await?;
        self.take(change, true, text).await?;
        Ok(())
    }

    pub(super) async fn minted(
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
        self.take(change, local, None).await
    }

    async fn take(&mut self, change: Change, local: bool, made: Option<MadeText>) -> Result<Applied> {
        let id = change.entity;
        let found = self.get(id).await?.cloned();
        let mut state = found.as_ref().map_or_else(|| EntityState::new(id, change.kind), |staged| staged.state.clone());
        let was_alive = found.as_ref().map(|staged| staged.state.is_alive());
        let mut before = before_of(&state, &change, was_alive);
        let (applied, steps) = apply_stepwise(&mut state, &change, made)?;
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
        if was_alive == Some(false) && state.is_alive() && !before.iter().any(|(field, _)| *field == alive_field()) {
            // Work brought it back, without a word of restoring.
            before.push((alive_field(), Before::Alive(Some(false))));
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
        self.logged.push(Made { logged: Logged { change, before, event }, outgoing: local });
        Ok(applied)
    }

    /// Remembers a vault's file. `known` tells whether the store has a row for it.
    pub(crate) fn remember_file(&mut self, row: FileRow, known: bool) {
        let files = if known { &mut self.files } else { &mut self.new_files };
        files.push(row.into_value());
    }

    /// Forgets a vault's file.
    pub(crate) fn forget_file(&mut self, record: RecordId) {
        self.released.push(record);
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

    /// Puts right how much the outbox holds. For a unit that began quietly.
    pub(crate) fn recount(&mut self, counted: Counted) {
        self.recounted = Some(counted);
    }

    /// How much the outbox holds, as every commit so far has kept it.
    pub(crate) fn outbox(&self) -> Counted {
        Counted { pending: self.stage.head.pending, before: self.stage.head.outbox }
    }

    /// The number of the last change before this unit.
    pub(crate) fn last_seq(&self) -> u64 {
        self.stage.head.seq
    }

    /// Whether the unit does anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.entities.is_empty()
            && self.files.is_empty()
            && self.new_files.is_empty()
            && self.held.is_empty()
            && self.released.is_empty()
            && self.rewritten.is_empty()
            && self.recounted.is_none()
            && self.acked.is_empty()
            && self.bodies.is_empty()
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
        let mut outgoing = Outgoing::default();
        for (n, Made { logged, outgoing: local }) in std::mem::take(&mut self.logged).into_iter().enumerate() {
            let seq = first + n as u64;
            let entity = logged.change.entity;
            let prior = match self.entities.get_mut(&entity) {
                Some(Some(staged)) => std::mem::replace(&mut Arc::make_mut(staged).last, seq),
                _ => 0,
            };
            events.push(event_of(seq, &logged));
            outgoing.add(seq, local);
            let body = seal(&logged)?;
            bytes += body.len();
            let row = ChangeRow {
                id: change_record(seq),
                entity: entity.uuid().into(),
                prior: as_i64(prior),
                local,
                sync_id: None,
                body: body.into(),
            };
            rows.push(row.into_value());
        }

        let kept = match (self.asked, self.answer.take()) {
            (Some(asked), Some(answer)) => {
                Some(BodyRow { id: answer_record(asked), body: seal(&answer)?.into() }.into_value())
            }
            _ => None,
        };
        let rows_of_held = self
            .held
            .drain(..)
            .map(|change| Ok(BodyRow { id: held_record(change.id), body: seal(&change)?.into() }.into_value()));
        let mut held = rows_of_held.collect::<Result<Vec<_>>>()?;
        // A joined state leaves no change; a number is passed over, so that everybody sees that something was committed.
        let next = first + rows.len() as u64;
        let told = std::mem::take(&mut self.told);
        let silent = rows.is_empty() && told.is_empty() && !self.entities.is_empty();
        let last = next + told.len() as u64 + u64::from(silent) - 1;
        events.extend((next..).zip(told).map(|(seq, told)| told.event(seq)));
        let erasing = std::mem::take(&mut self.erasing).into_iter();
        let erased = erasing.map(|(id, erasing)| {
            Ok((id, BodyRow { id: erased_record(id), body: seal(&erasing)?.into() }.into_value()))
        });
        let mut erased = erased.collect::<Result<HashMap<EntityId, DbValue>>>()?;
        let mut entities = Vec::with_capacity(self.entities.len());
        for (id, now) in std::mem::take(&mut self.entities) {
            let row = now.as_ref().map(|staged| staged.row()).transpose()?;
            entities.push((id, now, row));
        }
        // Nothing fails from here on: a unit is staged whole.
        let head = &mut self.stage.head;
        head.seq = last;
        head.clock = self.clock;
        if let Some(Counted { pending, before }) = self.recounted {
            (head.pending, head.outbox) = (pending, before);
        }
        if self.joined {
            head.joined = last;
        }
        head.pending = head.pending.saturating_sub(self.left_outbox);
        head.outbox = head.outbox.max(self.outbox);
        if let (0, Some(first)) = (head.pending, outgoing.first) {
            head.outbox = first - 1;
        }
        head.pending += outgoing.count;
        note_act(head, self.act, (first, last), !rows.is_empty());
        let batch_no = number;
        for (id, now, row) in entities {
            let before = self.before.remove(&id).flatten();
            if now.is_none() {
                self.stage.batch.erased.extend(erased.remove(&id));
            }
            bytes += now
                .as_ref()
                .map_or(0, |staged| staged.state.texts.values().map(|text| text.0.len()).sum::<usize>() + 512);
            self.stage.overlay.insert(id, (batch_no, now.clone()));
            match self.stage.batch.entities.get_mut(&id) {
                Some(touched) => touched.set(id, now, row),
                None => {
                    self.stage.batch.entities.insert(id, Touched::new(id, before, now, row));
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
        batch.answers.extend(kept);
        batch.released.append(&mut self.released);
        batch.rewritten.append(&mut self.rewritten);
        batch.bodies.append(&mut self.bodies);
        let number = |(seq, sync_id)| NumberRow { id: change_record(seq), sync_id: as_i64(sync_id) }.into_value();
        batch.acked.extend(self.acked.drain(..).map(number));
        batch.erased.extend(erased.into_values());
        batch.read_again |= self.in_bulk;
        batch.is_outgoing |= outgoing.count > 0;
        batch.bytes += bytes;
        batch.waiting.push(answer);
        if !std::mem::replace(&mut self.stage.writing, true) {
            let writer = Arc::clone(&self.writer);
            // Who isn't answered by then never was: the database has been closed.
            if let Ok(handle) = writer.db.handle() {
                handle.spawn(writer.write_batches());
            }
        }
        Ok(Some(receiver))
    }

    pub(super) fn put(&mut self, state: EntityState, reading: Reading, last: u64) {
        let rows = Rows::of(&reading);
        self.entities.insert(state.id, Some(Arc::new(Staged { state, reading: Arc::new(reading), last, rows })));
    }
}

/// What a unit adds to the outbox.
#[derive(Default)]
struct Outgoing {
    first: Option<u64>,
    count: u64,
}

impl Outgoing {
    fn add(&mut self, seq: u64, is_outgoing: bool) {
        if is_outgoing {
            self.first.get_or_insert(seq);
            self.count += 1;
        }
    }
}

fn note_act(head: &mut Head, act: Undoing, made: Span, any: bool) {
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
