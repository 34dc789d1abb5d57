//! A whole entity: applying one change to its state, and joining two replicas' states.
//!
//! Both are all or nothing: an error leaves the state as it was.

use altair_protocol::{Bytes, Change, EntityState, Field, Kind, Op, Shape, Total};

use super::{Text, TextError, counter, register};

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in the state now.
    Now,
    /// It was in the state already.
    Already,
    /// It builds on changes that aren't here yet: keep it until they are.
    Hold,
}

/// A change or state that can't be merged into an entity.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// It is about another entity.
    #[error("a change for another entity was given to this one")]
    WrongEntity,
    /// The kind of an entity never changes.
    #[error("this is a {ours}, and the change says that it is a {theirs}")]
    WrongKind {
        /// The state's kind.
        ours: Kind,
        /// The change's.
        theirs: Kind,
    },
    /// The step doesn't fit the field (a text's update for a register, say).
    #[error("the field {field} of a {kind} doesn't merge that way")]
    WrongShape {
        /// The field.
        field: Field,
        /// The entity's kind.
        kind: Kind,
    },
    /// A text of the change or of the other state can't be read or merged.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The text that is here can't be read: no fault of what was to be merged.
    #[error("the text that is here is damaged")]
    Damaged(#[source] TextError),
}

/// What a change did to one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextStep {
    /// Which text.
    pub field: Field,
    /// Its version before; `None` where there was no text.
    pub from: Option<Bytes>,
    /// Its version after.
    pub to: Bytes,
    /// What it says now.
    pub text: String,
}

/// A text that this process has just made out of nothing, so that its first update needn't be opened to know what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeText {
    /// Which text.
    pub field: Field,
    /// Its version.
    pub version: Bytes,
    /// What it says.
    pub text: String,
}

/// Applies a change. The same change twice, or several in any order in which none is held, give the same state.
pub fn apply(state: &mut EntityState, change: &Change) -> Result<Applied, MergeError> {
    apply_stepwise(state, change, None).map(|(applied, _)| applied)
}

/// [`apply`], telling what became of the texts, so that nobody has to open them again. `made` is what the change's text says if the change makes it.
pub fn apply_stepwise(
    state: &mut EntityState,
    change: &Change,
    made: Option<MadeText>,
) -> Result<(Applied, Vec<TextStep>), MergeError> {
    check_identity(state, change.entity, change.kind)?;
    if state.applied.covers(change.dot()) {
        return Ok((Applied::Already, Vec::new()));
    }
    if !state.applied.includes(&change.seen) {
        return Ok((Applied::Hold, Vec::new()));
    }
    let (texts, steps) = merged_texts(state, change, made)?;

    let dot = change.dot();
    for op in &change.ops {
        match op {
            Op::Set { field, value } => {
                register::set(state.fields.entry(field.clone()).or_default(), dot, value.clone(), &change.seen);
            }
            Op::Count { field, total } => {
                let share = Total { at: change.at, total: *total };
                // Newer than every share that the device had, or a later step of this change: it holds.
                state.counters.entry(field.clone()).or_default().insert(change.device, share);
            }
            Op::Delete => {
                state.deleted.join(&change.seen);
                state.deleted.add(dot);
            }
            Op::Text { .. } | Op::Restore => {}
        }
    }
    state.texts.extend(texts);
    state.applied.add(dot);
    if change.ops.iter().any(Op::is_content) {
        state.content.add(dot);
    }
    Ok((Applied::Now, steps))
}

/// Joins another replica's state of the same entity into this one.
pub fn join(ours: &mut EntityState, theirs: &EntityState) -> Result<(), MergeError> {
    check_identity(ours, theirs.id, theirs.kind)?;
    let mut texts = Vec::new();
    for (field, bytes) in &theirs.texts {
        match ours.texts.get(field) {
            Some(held) if held == bytes => {}
            Some(held) => {
                let mut text = Text::open(Some(held)).map_err(MergeError::Damaged)?;
                text.import(bytes)?;
                texts.push((field.clone(), text.to_bytes()?));
            }
            None => {
                // Once taken, a text that can't be read could never be edited or merged again.
                Text::open(Some(bytes))?;
                texts.push((field.clone(), bytes.clone()));
            }
        }
    }

    for (field, heads) in &theirs.fields {
        let held = ours.fields.entry(field.clone()).or_default();
        register::join(held, &ours.applied, heads, &theirs.applied);
    }
    for (field, heads) in &mut ours.fields {
        if !theirs.fields.contains_key(field) {
            register::join(heads, &ours.applied, &[], &theirs.applied);
        }
    }
    ours.fields.retain(|_, heads| !heads.is_empty());
    for (field, shares) in &theirs.counters {
        let held = ours.counters.entry(field.clone()).or_default();
        for (&device, &share) in shares {
            counter::set(held, device, share);
        }
    }
    ours.texts.extend(texts);
    ours.applied.join(&theirs.applied);
    ours.content.join(&theirs.content);
    ours.deleted.join(&theirs.deleted);
    Ok(())
}

fn check_identity(state: &EntityState, id: altair_protocol::EntityId, kind: Kind) -> Result<(), MergeError> {
    if state.id != id {
        return Err(MergeError::WrongEntity);
    }
    if state.kind != kind {
        return Err(MergeError::WrongKind { ours: state.kind, theirs: kind });
    }
    Ok(())
}

/// Checks every step against its field and gives the texts as they will be. A field that this version doesn't know is kept as it
/// comes: a newer device wrote it.
#[allow(clippy::type_complexity, reason = "two parallel lists that only the caller above sees")]
fn merged_texts(
    state: &EntityState,
    change: &Change,
    made: Option<MadeText>,
) -> Result<(Vec<(Field, Bytes)>, Vec<TextStep>), MergeError> {
    let mut texts: Vec<Merging<'_>> = Vec::new();
    let updates_of =
        |field: &Field| change.ops.iter().filter(|op| matches!(op, Op::Text { field: of, .. } if of == field)).count();
    let made = made.filter(|made| !state.texts.contains_key(&made.field) && updates_of(&made.field) == 1);
    let mut first = None;
    for op in &change.ops {
        let (field, shape) = match op {
            Op::Set { field, .. } => (field, Shape::Register),
            Op::Text { field, .. } => (field, Shape::Text),
            Op::Count { field, .. } => (field, Shape::Counter),
            Op::Delete | Op::Restore => continue,
        };
        if field.shape(state.kind).is_some_and(|known| known != shape) {
            return Err(MergeError::WrongShape { field: field.clone(), kind: state.kind });
        }
        if let Op::Text { update, .. } = op {
            if made.as_ref().is_some_and(|made| made.field == *field) {
                first = Some(update);
                continue;
            }
            let at = match texts.iter().position(|merging| merging.field == field) {
                Some(at) => at,
                None => {
                    let held = state.texts.get(field);
                    let text = Text::open(held).map_err(MergeError::Damaged)?;
                    let from = held.map(|_| text.version());
                    texts.push(Merging { field, from, text, only: None, updates: 0 });
                    texts.len() - 1
                }
            };
            let merging = &mut texts[at];
            merging.text.import(update)?;
            merging.updates += 1;
            merging.only = (merging.from.is_none() && merging.updates == 1).then_some(update);
        }
    }
    let mut bytes = Vec::with_capacity(texts.len() + 1);
    let mut steps = Vec::with_capacity(texts.len() + 1);
    if let (Some(update), Some(MadeText { field, version, text })) = (first, made) {
        bytes.push((field.clone(), update.clone()));
        steps.push(TextStep { field, from: None, to: version, text });
    }
    for Merging { field, from, text, only, .. } in texts {
        // A text's first update is the whole document already.
        let document = only.map_or_else(|| text.to_bytes(), |update| Ok(update.clone()))?;
        bytes.push((field.clone(), document));
        steps.push(TextStep { field: field.clone(), from, to: text.version(), text: text.read() });
    }
    Ok((bytes, steps))
}

/// A text while a change is being applied.
struct Merging<'a> {
    field: &'a Field,
    from: Option<Bytes>,
    text: Text,
    /// The one update of a text that wasn't there before.
    only: Option<&'a Bytes>,
    updates: usize,
}
