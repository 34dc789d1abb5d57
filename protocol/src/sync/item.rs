//! One number of the household's log, as a device gets it.
//!
//! Every number comes, in order and once, so that a device sees that none is missing. What stands at it may be a whole change, the id of a change of the
//! device's own, an entity's state or the erasing of one that another device brought after the server's log was lost, or nothing any more.

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::{Erased, SyncId, Unopened};
use crate::{ChangeId, EntityState};

/// One number of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The number.
    pub sync_id: SyncId,
    /// What stands there.
    pub what: What,
}

/// What stands at a number of the log.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Another device's change.
    Change(Box<Unopened>),
    /// A change that the device itself has pushed.
    Own(ChangeId),
    /// An entity's state, to be joined.
    State(Box<EntityState>),
    /// An entity that was erased, as another device knows.
    Erased(Erased),
    /// A change that was here: its entity has been erased since.
    Gone,
    /// What this program can't read: a newer one wrote it.
    Unreadable {
        /// Why it can't.
        why: String,
    },
}

#[derive(Deserialize)]
struct Flat {
    sync_id: SyncId,
    change: Option<Box<RawValue>>,
    own: Option<ChangeId>,
    state: Option<Box<RawValue>>,
    erased: Option<Box<RawValue>>,
    #[serde(default)]
    gone: bool,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Flat { sync_id, change, own, state, erased, gone } = Flat::deserialize(deserializer)?;
        let unreadable = |error: serde_json::Error| What::Unreadable { why: error.to_string() };
        let what = match (change, own, state, erased, gone) {
            (Some(change), None, None, None, false) => {
                serde_json::from_str(change.get()).map_or_else(unreadable, What::Change)
            }
            (None, Some(own), None, None, false) => What::Own(own),
            (None, None, Some(state), None, false) => {
                serde_json::from_str(state.get()).map_or_else(unreadable, What::State)
            }
            (None, None, None, Some(erased), false) => {
                serde_json::from_str(erased.get()).map_or_else(unreadable, What::Erased)
            }
            (None, None, None, None, true) => What::Gone,
            (None, None, None, None, false) => What::Unreadable { why: "it is of a sort that isn't known".to_owned() },
            _ => return Err(de::Error::custom(format_args!("two things stand at {sync_id}"))),
        };
        Ok(Self { sync_id, what })
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut flat = serializer.serialize_struct("Item", 2)?;
        flat.serialize_field("sync_id", &self.sync_id)?;
        match &self.what {
            What::Change(change) => flat.serialize_field("change", change)?,
            What::Own(id) => flat.serialize_field("own", id)?,
            What::State(state) => flat.serialize_field("state", state)?,
            What::Erased(erased) => flat.serialize_field("erased", erased)?,
            What::Gone => flat.serialize_field("gone", &true)?,
            What::Unreadable { why } => return Err(serde::ser::Error::custom(why)),
        }
        flat.end()
    }
}

/// The text of a `changes` frame from its items' texts, so that a change is written once for all devices that get it.
pub fn changes_text<T: AsRef<str>>(items: &[T]) -> String {
    const BEFORE: &str = r#"{"changes":{"items":["#;
    const AFTER: &str = "]}}";
    let length: usize = items.iter().map(|item| item.as_ref().len() + 1).sum();
    let mut text = String::with_capacity(BEFORE.len() + length + AFTER.len());
    text.push_str(BEFORE);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(item.as_ref());
    }
    text.push_str(AFTER);
    text
}

#[cfg(test)]
mod tests {
    use super::super::envelope::tests::{ENVELOPE, change};
    use super::super::{Changes, ServerFrame};
    use super::*;
    use crate::{EntityId, Kind, VersionVector};

    fn items() -> [(What, String); 5] {
        let entity = EntityId::v7(2, [0; 10]);
        let ops = r#"[{"set":{"field":"title","value":"fig.jpg"}}]"#;
        [
            (What::Change(Box::new(Unopened::of(&change()).unwrap())), format!(r#""change":{ENVELOPE}{ops}}}"#)),
            (What::Own(change().id), r#""own":"00000000-0001-7000-8000-000000000000""#.to_owned()),
            (
                What::State(Box::new(EntityState::new(entity, Kind::Note))),
                r#""state":{"id":"00000000-0002-7000-8000-000000000000","kind":"note","applied":{},"fields":{},"content":{}}"#.to_owned(),
            ),
            (
                What::Erased(Erased { id: entity, kind: Kind::Note, seen: VersionVector::new() }),
                r#""erased":{"id":"00000000-0002-7000-8000-000000000000","kind":"note","seen":{}}"#.to_owned(),
            ),
            (What::Gone, r#""gone":true"#.to_owned()),
        ]
    }

    #[test]
    fn what_stands_at_a_number_is_readable_json() {
        for (what, text) in items() {
            let item = Item { sync_id: SyncId::try_from(1042).unwrap(), what };
            let text = format!(r#"{{"sync_id":1042,{text}}}"#);
            assert_eq!(serde_json::to_string(&item).unwrap(), text);
            assert_eq!(serde_json::from_str::<Item>(&text).unwrap(), item);
        }
    }

    #[test]
    fn a_frame_from_texts_is_the_frame() {
        for count in 0..=5_u64 {
            let items: Vec<Item> = (1..=count)
                .zip(items())
                .map(|(number, (what, _))| Item { sync_id: SyncId::try_from(number).unwrap(), what })
                .collect();
            let texts: Vec<String> = items.iter().map(|item| serde_json::to_string(item).unwrap()).collect();
            assert_eq!(changes_text(&texts), ServerFrame::Changes(Changes { items }).to_text().unwrap());
        }
    }

    #[test]
    fn a_newer_item_is_seen_and_never_skipped() {
        let read = |rest: &str| serde_json::from_str::<Item>(&format!(r#"{{"sync_id":1{rest}}}"#));
        for rest in
            ["", r#","moved":{}"#, r#","change":{"id":"of another form"}"#, r#","state":{}"#, r#","erased":{"id":1}"#]
        {
            let item = read(rest).unwrap();
            assert!(matches!(item.what, What::Unreadable { .. }), "{rest}: {item:?}");
            assert!(serde_json::to_string(&item).is_err());
        }
        assert!(read(r#","own":"00000000-0001-7000-8000-000000000000","gone":true"#).is_err());
    }
}
