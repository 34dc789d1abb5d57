//! A note as a file and as an entity: the steps from one to the other. Pure.

use std::collections::BTreeMap;

use altair_protocol::{Bytes, EntityId, EntityState, Field, Op, Value};
use serde_json::json;

use crate::error::Result;
use crate::markdown::{FrontMatter, scan, split};
use crate::merge::text::act_peer;
use crate::merge::{MadeText, Text};
use crate::reading::{REPEATED, front_text};

/// The id of the thing that a vault's file becomes: the same on every device that imports it.
pub(super) fn imported_id(vault: &str, path: &str, content: &[u8]) -> EntityId {
    EntityId::derived("altair import v1", &[vault.as_bytes(), path.as_bytes(), content])
}

/// The id for a file that would be something that another file of its vault is already: a copy put where the other once was.
pub(super) fn imported_again(id: EntityId) -> EntityId {
    EntityId::derived("altair import v1, again", &[id.as_bytes()])
}

/// The title of a note: its file's name without `.md`.
pub(super) fn title_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.get(..name.len().saturating_sub(3)).filter(|_| name.to_ascii_lowercase().ends_with(".md")).unwrap_or(name)
}

/// A note as its file should be.
#[cfg(test)]
fn file_text(state: &EntityState) -> Result<String> {
    let body = state.texts.get(&Field::BODY).map(Text::read_bytes).transpose()?.unwrap_or_default();
    Ok(file_front(state, &body) + &body)
}

/// A note's front matter as its file should have it. Where the file ended in the closing fence and has a body since, the fence gets a line end.
pub(super) fn file_front(state: &EntityState, body: &str) -> String {
    let mut front = front_text(state);
    if !body.is_empty() && !front.is_empty() && !front.ends_with('\n') {
        let crlf = front.lines().next().is_some_and(|line| front[line.len()..].starts_with("\r\n"));
        front.push_str(if crlf { "\r\n" } else { "\n" });
    }
    front
}

/// A note's file, cut into its parts once.
pub(super) struct Parsed<'a> {
    front: Option<FrontMatter>,
    pub(super) front_text: Option<&'a str>,
    body: &'a str,
    /// How many links it has.
    pub(super) links: i64,
}

impl<'a> Parsed<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let document = split(text);
        let front = document.front.map(FrontMatter::parse);
        let in_front = front.iter().flat_map(|front| &front.properties).map(|property| links_in(&property.value));
        let links = in_front.sum::<usize>() + scan(document.body).links.len();
        Self { front, front_text: document.front, body: document.body, links: links as i64 }
    }
}

fn links_in(value: &Value) -> usize {
    match value {
        Value::String(text) => crate::markdown::scan_text_links(text).len(),
        Value::Array(values) => values.iter().map(links_in).sum(),
        Value::Object(map) => map.values().map(links_in).sum(),
        _ => 0,
    }
}

/// The steps that make a note of a file, and the body after them.
pub(super) fn new_note(vault: &str, path: &str, text: &str, document: &Parsed<'_>) -> Result<(Vec<Op>, MadeText)> {
    let mut ops = vec![set(Field::TITLE, title_of(path)), set(Field::PATH, path)];
    ops.extend(front_ops(None, None, document.front.as_ref()));
    let body = Text::default();
    let peer = act_peer(&[b"import", vault.as_bytes(), path.as_bytes(), text.as_bytes()]);
    if let Some(edit) = body.edit(document.body, peer)? {
        ops.push(Op::Text { field: Field::BODY, update: edit.update });
    }
    Ok((ops, MadeText { field: Field::BODY, version: body.version(), text: document.body.to_owned() }))
}

/// The steps that bring an edit made outside into a note: what the file was when it was last imported or exported is what the edit
/// started from, so edits made inside since stay. What the note says already is no edit: the file may come from an export that wasn't remembered.
pub(super) fn outside_edit(
    state: &EntityState,
    old_version: Option<&Bytes>,
    old_front: Option<&str>,
    text: &str,
) -> Result<(Vec<Op>, Bytes)> {
    let document = Parsed::of(text);
    let mut body = Text::open(state.texts.get(&Field::BODY))?;
    let current = body.read();
    let mut ops = match document.front_text.unwrap_or_default() == file_front(state, &current) {
        true => Vec::new(),
        false => front_ops(Some(state), old_front.map(FrontMatter::parse).as_ref(), document.front.as_ref()),
    };
    if document.body == current {
        return Ok((ops, body.version()));
    }
    let version = old_version.cloned().unwrap_or_else(|| body.version());
    let peer = act_peer(&[b"outside", state.id.as_bytes(), &version.0, document.body.as_bytes()]);
    let edit = body.edit_at(&version, document.body, peer)?;
    let version = edit.as_ref().map_or(version, |edit| edit.version.clone());
    ops.extend(edit.map(|edit| Op::Text { field: Field::BODY, update: edit.update }));
    Ok((ops, version))
}

/// The steps from one front matter to another: one for each property that differs. One that only has another place keeps what it says in the note
/// as it is now.
fn front_ops(state: Option<&EntityState>, old: Option<&FrontMatter>, new: Option<&FrontMatter>) -> Vec<Op> {
    let fences = |front: Option<&FrontMatter>| {
        front.map_or(Value::Null, |front| json!({ "open": front.open, "close": front.close }))
    };
    let mut ops = Vec::new();
    let (old_fences, new_fences) = (fences(old), fences(new));
    if old_fences != new_fences {
        ops.push(set(Field::FENCES, new_fences));
    }
    let (old, new) = (keyed(old), keyed(new));
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        ops.push(set(Field::property(key), Value::Null));
    }
    for (key, value) in new {
        let field = Field::property(&key);
        match old.get(&key) {
            Some(before) if *before == value => {}
            Some(before) if before["raw"] == value["raw"] => {
                let now = state.and_then(|state| state.value(&field)).cloned().unwrap_or(Value::Null);
                // What was taken out inside stays out.
                if now.is_object() {
                    ops.push(set(field, json!({ "raw": now["raw"], "order": value["order"] })));
                }
            }
            _ => ops.push(set(field, value)),
        }
    }
    ops
}

/// A front matter's properties by key: source and place. A key that comes several times is counted.
fn keyed(front: Option<&FrontMatter>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (order, property) in front.into_iter().flat_map(|front| &front.properties).enumerate() {
        let mut key = property.key.clone();
        let mut times = 1;
        while found.contains_key(&key) {
            times += 1;
            key = format!("{}{REPEATED}{times}", property.key);
        }
        found.insert(key, json!({ "raw": property.raw, "order": order }));
    }
    found
}

fn set(field: Field, value: impl Into<Value>) -> Op {
    Op::Set { field, value: value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use altair_protocol::{Change, ChangeId, DeviceId, Kind, Stamp};
    use proptest::prelude::*;

    fn made_of(text: &str) -> EntityState {
        let id = imported_id("v", "a/B.md", text.as_bytes());
        let mut state = EntityState::new(id, Kind::Note);
        apply(&mut state, 1, new_note("v", "a/B.md", text, &Parsed::of(text)).unwrap().0);
        state
    }

    fn apply(state: &mut EntityState, at: u64, ops: Vec<Op>) {
        let change = Change {
            id: ChangeId::v7(at, [0; 10]),
            entity: state.id,
            kind: Kind::Note,
            device: DeviceId::v7(1, [0; 10]),
            at: Stamp::new(at, 0),
            seen: state.applied.clone(),
            erase: false,
            blobs: vec![],
            ops,
        };
        assert_eq!(crate::merge::apply(state, &change).unwrap(), crate::merge::Applied::Now);
    }

    #[test]
    fn edits_inside_and_outside_are_both_in_the_file() {
        let before = "---\ntags: [a]\nstatus: open\n---\none\n\ntwo\n";
        let mut state = made_of(before);
        let version = Text::open(state.texts.get(&Field::BODY)).unwrap().version();
        let text = Text::open(state.texts.get(&Field::BODY)).unwrap();
        let edit = text.edit("one\n\ntwo, inside\n", 5).unwrap().unwrap();
        apply(&mut state, 2, vec![Op::Text { field: Field::BODY, update: edit.update }]);

        let outside = "---\ntags: [a, b]\nstatus: open\n---\none, outside\n\ntwo\n";
        let front = split(before).front;
        let (ops, _) = outside_edit(&state, Some(&version), front, outside).unwrap();
        apply(&mut state, 3, ops);
        assert_eq!(file_text(&state).unwrap(), "---\ntags: [a, b]\nstatus: open\n---\none, outside\n\ntwo, inside\n");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_byte_for_byte(text in "(---\r?\n([a-c]: ?[x\\[\\]\"'# \n-]{0,8}\r?\n){0,4}---\r?\n)?[a\u{e9}\n\\[\\]#-]{0,40}") {
            prop_assert_eq!(file_text(&made_of(&text)).unwrap(), text);
        }
    }
}
