//! States in NDJSON: down for a device that begins (`GET /v1/bootstrap`), up for one that meets a server with another log (`POST /v1/states`).

use serde::{Deserialize, Serialize};

use super::{Refusal, SyncId};
use crate::view::Time;
use crate::{EntityId, EntityState, Hash, Incarnation, Kind, VersionVector};

/// A line of a bootstrap. What goes up is `entity` and `erased`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootstrapLine {
    /// The first.
    Bootstrap(Start),
    /// An entity's state. These and the erased ones come in the order of ids.
    Entity(Box<EntityState>),
    /// An id whose entity was erased.
    Erased(Erased),
    /// The last.
    End(End),
}

/// An entity that was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Which.
    pub id: EntityId,
    /// What kind it was.
    pub kind: Kind,
    /// All that was erased with it: what the erasing had seen, and itself. What this doesn't cover was never erased, whatever a server that was restored makes of it.
    pub seen: VersionVector,
}

/// How a bootstrap begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The cursor that a device has when it has applied all lines.
    pub head: SyncId,
    /// Which log that is a number of.
    pub incarnation: Incarnation,
    /// What the server's clock says.
    pub server_time: Time,
    /// How many `entity` lines follow, for showing progress: while they are sent there may come to be more.
    pub entities: u64,
}

/// How a bootstrap ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many `entity` lines there were in this answer.
    pub entities: u64,
    /// How many `erased` lines.
    pub erased: u64,
    /// BLAKE3 over all lines before this one.
    pub checksum: Hash,
}

/// The checksum of an answer's lines.
#[derive(Debug, Clone, Default)]
pub struct Checksum(blake3::Hasher);

impl Checksum {
    /// Adds a line, which is given without its end and counts with it.
    pub fn line(&mut self, line: &str) {
        self.0.update(line.as_bytes()).update(b"\n");
    }

    /// The checksum of the lines so far.
    pub fn hash(&self) -> Hash {
        self.0.finalize().into()
    }
}

/// The answer to states that went up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// How many lines brought the server something.
    pub joined: u64,
    /// How many it had already.
    pub unchanged: u64,
    /// Those that it didn't take.
    pub refused: Vec<JoinRefused>,
    /// The log's last number.
    pub head: SyncId,
    /// Which log that is: the one that has been met now.
    pub incarnation: Incarnation,
}

/// A state that a server didn't take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRefused {
    /// Whose.
    pub entity: EntityId,
    /// Why, for programs.
    pub code: Refusal,
    /// Why, for people.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_is_readable_json() {
        let head = SyncId::try_from(1042).unwrap();
        let id = EntityId::v7(2, [0; 10]);
        let start = Start {
            head,
            incarnation: Incarnation::v7(4, [0; 10]),
            server_time: Time::from_millis(1_790_000_000_000),
            entities: 1,
        };
        let mut lines = vec![
            (
                BootstrapLine::Bootstrap(start),
                concat!(
                    r#"{"bootstrap":{"head":1042,"incarnation":"00000000-0004-7000-8000-000000000000","#,
                    r#""server_time":"2026-09-21T14:13:20.000Z","entities":1}}"#
                ),
            ),
            (
                BootstrapLine::Entity(Box::new(EntityState::new(id, Kind::Note))),
                r#"{"entity":{"id":"00000000-0002-7000-8000-000000000000","kind":"note","applied":{},"fields":{},"content":{}}}"#,
            ),
            (
                BootstrapLine::Erased(Erased { id, kind: Kind::Quest, seen: VersionVector::new() }),
                r#"{"erased":{"id":"00000000-0002-7000-8000-000000000000","kind":"quest","seen":{}}}"#,
            ),
        ];
        let mut checksum = Checksum::default();
        lines.iter().for_each(|(_, line)| checksum.line(line));
        lines.push((
            BootstrapLine::End(End { entities: 1, erased: 1, checksum: checksum.hash() }),
            r#"{"end":{"entities":1,"erased":1,"checksum":"6ed79262b8cc1aad1a81fbe42082089f7584f4f5ec5ee582af10c761df8a7c80"}}"#,
        ));
        for (line, text) in lines {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(serde_json::from_str::<BootstrapLine>(text).unwrap(), line);
        }
    }

    #[test]
    fn a_checksum_depends_on_every_byte_and_on_where_lines_end() {
        let of = |lines: &[&str]| {
            let mut checksum = Checksum::default();
            lines.iter().for_each(|line| checksum.line(line));
            checksum.hash()
        };
        assert_eq!(of(&["a", "b"]), Hash::of(b"a\nb\n"));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
    }
}
