//! What changed and what is found: history, events, conflicts, undo, and the answers of a search.

use altair_protocol::view::{Conflict, Event, EventKind, Hit, Undone, Version};

use super::{Human, WIDTH, ending, minute, short_id, value};
use crate::paint::{Paint, safe_line, safe_short};

impl Human for Hit {
    fn human(&self, paint: Paint) -> String {
        let title = safe_short(&self.title, WIDTH);
        let line = format!("{}  {:<10}  {}", short_id(self.id, paint), self.kind, paint.bold(title));
        let snippet = safe_line(&self.snippet);
        if snippet.is_empty() { line } else { format!("{line}\n          {}", paint.dim(snippet)) }
    }
}

impl Human for Version {
    fn human(&self, paint: Paint) -> String {
        let device = paint.dim(format!("on device {}", ending(self.device)));
        let mut out = format!("{}  {}  {device}", short_id(self.version, paint), minute(self.at));
        for change in &self.changes {
            out +=
                &format!("\n          {}: {} → {}", safe_line(&change.field), value(&change.old), value(&change.new));
        }
        out
    }
}

impl Human for Conflict {
    fn human(&self, paint: Paint) -> String {
        let (id, entity) = (short_id(self.id, paint), short_id(self.entity, paint));
        let mut out = format!("{id}  {} of {entity}", paint.bold(safe_line(&self.field)));
        for head in &self.heads {
            let from = paint.dim(format!("{} on device {}", minute(head.at), ending(head.device)));
            out += &format!("\n          {}  {}  {from}", safe_line(&head.head), value(&head.value));
        }
        out
    }
}

impl Human for Event {
    fn human(&self, paint: Paint) -> String {
        let event = match self.event {
            EventKind::Created => "created",
            EventKind::Changed => "changed",
            EventKind::Deleted => "deleted",
            EventKind::Restored => "restored",
            EventKind::Erased => "erased",
        };
        let fields = paint.dim(safe_line(&self.fields.join(", ")));
        let line = format!("{}  {:<10}  {event:<8}  {fields}", short_id(self.entity, paint), self.kind);
        line.trim_end().to_owned()
    }
}

/// The fields that undo or redo set back.
pub(crate) fn undone(did: &str, fields: &[Undone], paint: Paint) -> String {
    let lines =
        fields.iter().map(|field| format!("{did} {} of {}", safe_line(&field.field), short_id(field.entity, paint)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use altair_protocol::view::{ConflictHead, FieldChange, Time};
    use altair_protocol::{ChangeId, DeviceId, EntityId, Value};

    use super::*;

    const AT: i64 = 1_790_000_000_000;

    #[test]
    fn a_conflict_names_its_heads_and_their_values() {
        let head = |value: &str, stamp: &str| ConflictHead {
            head: stamp.into(),
            value: Value::from(value),
            at: Time::from_millis(AT),
            device: DeviceId::v7(1, [0xaa; 10]),
        };
        let conflict = Conflict {
            id: EntityId::v7(1, [0x11; 10]),
            entity: EntityId::v7(1, [0x22; 10]),
            field: "title".into(),
            heads: vec![head("Fig\n", "1-1"), head("Plum", "1-0")],
        };
        let expected = "\
11111111  title of 22222222
          1-1  “Fig”  2026-09-21 14:13 UTC on device aaaaaaaa
          1-0  “Plum”  2026-09-21 14:13 UTC on device aaaaaaaa";
        assert_eq!(conflict.human(Paint::PLAIN), expected);
    }

    #[test]
    fn a_version_tells_old_and_new() {
        let version = Version {
            version: ChangeId::v7(1, [0x33; 10]),
            at: Time::from_millis(AT),
            device: DeviceId::v7(1, [0xaa; 10]),
            changes: vec![FieldChange { field: "energy".into(), old: Value::Null, new: Value::from(2) }],
        };
        let expected = "33333333  2026-09-21 14:13 UTC  on device aaaaaaaa\n          energy: nothing → 2";
        assert_eq!(version.human(Paint::PLAIN), expected);
    }
}
