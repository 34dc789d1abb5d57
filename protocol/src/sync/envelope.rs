//! A change as it travels: the envelope, and the ops as nobody on the way has opened them.
//!
//! Invariant: the bytes of [`Ops`] are those that the writer sent, whoever passed them on. Today they are the JSON array of a change's steps; sealed end to end they
//! will be a JSON string. Both go through everything here alike; only [`Unopened::open`] tells them apart.

use std::fmt;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::{Change, ChangeId, DeviceId, Dot, EntityId, Hash, Kind, Op, Stamp, VersionVector};

/// All of a change but what it does. The fields are those of [`Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Minted once and never again.
    pub id: ChangeId,
    /// What it changes.
    pub entity: EntityId,
    /// The entity's kind.
    pub kind: Kind,
    /// Who made it.
    pub device: DeviceId,
    /// The device's stamp.
    pub at: Stamp,
    /// Everything of this entity that the writer had applied, its own last change included.
    pub seen: VersionVector,
    /// Whether this removes the entity for good.
    pub erase: bool,
    /// Blobs that must be stored before this change.
    pub blobs: Vec<Hash>,
}

impl Envelope {
    /// The change's dot.
    pub const fn dot(&self) -> Dot {
        Dot { at: self.at, device: self.device }
    }
}

/// What a change does, as the bytes that its writer sent.
#[derive(Clone)]
pub struct Ops(Box<RawValue>);

/// Ops that can't be.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// Neither an array nor a string.
    #[error("a change's ops have to be an array, or a string once they are sealed")]
    Shape,
    /// No JSON at all.
    #[error("a change's ops are no JSON")]
    Json(#[source] serde_json::Error),
}

impl Ops {
    /// The JSON of some steps.
    pub fn of(ops: &[Op]) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(ops).map(Self)
    }

    /// Ops from the text that [`Ops::as_str`] gave.
    pub fn from_text(text: String) -> Result<Self, OpsError> {
        RawValue::from_string(text).map_err(OpsError::Json).and_then(Self::new)
    }

    fn new(raw: Box<RawValue>) -> Result<Self, OpsError> {
        if raw.get().starts_with(['[', '"']) { Ok(Self(raw)) } else { Err(OpsError::Shape) }
    }

    /// The JSON, exactly as it came.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether they are sealed, and so a string.
    pub fn are_sealed(&self) -> bool {
        self.as_str().starts_with('"')
    }
}

impl PartialEq for Ops {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Ops {}

/// How long they are and not what they say, which belongs in no log.
impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ops({} bytes)", self.as_str().len())
    }
}

impl Serialize for Ops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.serialize(serializer)
        } else {
            serializer.serialize_str(self.as_str())
        }
    }
}

impl<'de> Deserialize<'de> for Ops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::new(Box::<RawValue>::deserialize(deserializer)?).map_err(de::Error::custom)
        } else {
            Self::from_text(String::deserialize(deserializer)?).map_err(de::Error::custom)
        }
    }
}

/// A change whose ops nobody has opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Flat")]
pub struct Unopened {
    /// What it is decided by.
    pub envelope: Envelope,
    /// What it does.
    pub ops: Ops,
}

/// Why ops can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// They are sealed end to end.
    #[error(
        "the change {0} is sealed, and this program has no key for it: update it, or ask a device that has the key"
    )]
    Sealed(ChangeId),
    /// They are no steps that this program knows.
    #[error("the change {id} can't be read: it is damaged, or was written by a newer version; update this program")]
    Unreadable {
        /// Which change.
        id: ChangeId,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
}

impl Unopened {
    /// A change, closed.
    pub fn of(change: &Change) -> Result<Self, serde_json::Error> {
        Ok(Self {
            envelope: Envelope {
                id: change.id,
                entity: change.entity,
                kind: change.kind,
                device: change.device,
                at: change.at,
                seen: change.seen.clone(),
                erase: change.erase,
                blobs: change.blobs.clone(),
            },
            ops: Ops::of(&change.ops)?,
        })
    }

    /// The change that it is. For whoever applies it.
    pub fn open(self) -> Result<Change, OpenError> {
        let Self { envelope, ops } = self;
        let Envelope { id, entity, kind, device, at, seen, erase, blobs } = envelope;
        if ops.are_sealed() {
            return Err(OpenError::Sealed(id));
        }
        let ops = serde_json::from_str(ops.as_str()).map_err(|error| OpenError::Unreadable { id, error })?;
        Ok(Change { id, entity, kind, device, at, seen, erase, blobs, ops })
    }
}

/// As it is written: serde's own flattening would read the ops, and lose their bytes.
#[derive(Deserialize)]
struct Flat {
    id: ChangeId,
    entity: EntityId,
    kind: Kind,
    device: DeviceId,
    at: Stamp,
    seen: VersionVector,
    #[serde(default)]
    erase: bool,
    #[serde(default)]
    blobs: Vec<Hash>,
    ops: Ops,
}

impl From<Flat> for Unopened {
    fn from(flat: Flat) -> Self {
        let Flat { id, entity, kind, device, at, seen, erase, blobs, ops } = flat;
        Self { envelope: Envelope { id, entity, kind, device, at, seen, erase, blobs }, ops }
    }
}

impl Serialize for Unopened {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Envelope { id, entity, kind, device, at, seen, erase, blobs } = &self.envelope;
        let fields = 7 + usize::from(*erase) + usize::from(!blobs.is_empty());
        let mut flat = serializer.serialize_struct("Change", fields)?;
        flat.serialize_field("id", id)?;
        flat.serialize_field("entity", entity)?;
        flat.serialize_field("kind", kind)?;
        flat.serialize_field("device", device)?;
        flat.serialize_field("at", at)?;
        flat.serialize_field("seen", seen)?;
        if *erase {
            flat.serialize_field("erase", erase)?;
        }
        if !blobs.is_empty() {
            flat.serialize_field("blobs", blobs)?;
        }
        flat.serialize_field("ops", &self.ops)?;
        flat.end()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Field;

    /// A change with all of an envelope's parts.
    pub(in crate::sync) fn change() -> Change {
        let device = DeviceId::v7(3, [0; 10]);
        Change {
            id: ChangeId::v7(1, [0; 10]),
            entity: EntityId::v7(2, [0; 10]),
            kind: Kind::Attachment,
            device,
            at: Stamp::new(1_790_000_000_000, 3),
            seen: [Dot { at: Stamp::new(1_790_000_000_000, 0), device }].into_iter().collect(),
            erase: true,
            blobs: vec![Hash::of(b"fig.jpg")],
            ops: vec![Op::Set { field: Field::TITLE, value: "fig.jpg".into() }],
        }
    }

    /// Its JSON but for the ops.
    pub(in crate::sync) const ENVELOPE: &str = concat!(
        r#"{"id":"00000000-0001-7000-8000-000000000000","entity":"00000000-0002-7000-8000-000000000000","#,
        r#""kind":"attachment","device":"00000000-0003-7000-8000-000000000000","at":"1790000000000-3","#,
        r#""seen":{"00000000-0003-7000-8000-000000000000":"1790000000000-0"},"erase":true,"#,
        r#""blobs":["f382cc5d9af6c472cba8f784156614e4fe1b1ba90a060451e85100ab2abff609"],"ops":"#,
    );

    #[test]
    fn a_closed_change_is_written_as_the_change_is() {
        for change in [change(), Change { erase: false, blobs: vec![], ..change() }] {
            let closed = Unopened::of(&change).unwrap();
            let text = serde_json::to_string(&closed).unwrap();
            assert_eq!(text, serde_json::to_string(&change).unwrap());
            assert_eq!(serde_json::from_str::<Unopened>(&text).unwrap(), closed);
            assert_eq!(closed.open().unwrap(), change);
        }
    }

    #[test]
    fn ops_go_through_byte_for_byte() {
        for ops in [
            r#"[ {"set" : {"field":"title","value":"\u0041 fig"}} ]"#,
            r#"[{"from a newer version":1.50}]"#,
            r#""c2VhbGVk""#,
        ] {
            let text = format!("{ENVELOPE}{ops}}}");
            let closed: Unopened = serde_json::from_str(&text).unwrap();
            assert_eq!(closed.ops.as_str(), ops);
            assert_eq!(serde_json::to_string(&closed).unwrap(), text);
        }
    }

    #[test]
    fn sealed_and_newer_ops_say_so_when_they_are_opened() {
        let open = |ops: &str| serde_json::from_str::<Unopened>(&format!("{ENVELOPE}{ops}}}")).unwrap().open();
        assert!(matches!(open(r#""c2VhbGVk""#), Err(OpenError::Sealed(id)) if id == change().id));
        assert!(matches!(open(r#"[{"paint":{}}]"#), Err(OpenError::Unreadable { id, .. }) if id == change().id));
    }

    #[test]
    fn ops_that_are_neither_an_array_nor_a_string_are_refused() {
        for ops in ["null", "1", "{}", "true"] {
            let error = serde_json::from_str::<Unopened>(&format!("{ENVELOPE}{ops}}}")).unwrap_err();
            assert!(error.to_string().contains("ops have to be an array"), "{error}");
        }
        assert!(matches!(Ops::from_text("[".to_owned()), Err(OpsError::Json(_))));
    }

    #[test]
    fn deep_ops_go_through_and_are_refused_where_they_are_opened() {
        let ops = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let closed: Unopened = serde_json::from_str(&format!("{ENVELOPE}{ops}}}")).unwrap();
        assert_eq!(closed.ops.as_str(), ops);
        assert!(matches!(closed.open(), Err(OpenError::Unreadable { .. })));
    }

    #[test]
    fn a_log_doesnt_say_what_a_change_says() {
        let shown = format!("{:?}", Unopened::of(&change()).unwrap());
        assert!(!shown.contains("fig") && shown.contains("bytes"), "{shown}");
    }
}
