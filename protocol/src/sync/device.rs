//! What a device says.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::frame::{FrameError, parse};
use super::{SyncId, Unopened};
use crate::rpc::Protocol;
use crate::{ChangeId, DeviceId, Incarnation};

/// A frame from a device to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceFrame {
    /// Who it is and what it has: the first frame, and only that.
    Hello(Hello),
    /// Changes made here.
    Push(Push),
    /// How far it has applied the household's changes, durably.
    Applied(Applied),
    /// Asks for a `pong`.
    Ping(Ping),
}

impl DeviceFrame {
    /// The names of the frames.
    pub const NAMES: &[&str] = &["hello", "push", "applied", "ping"];

    /// Reads a frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        parse(text, Self::NAMES)
    }

    /// The text to send.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// A device's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions of this protocol that it speaks.
    pub protocol: Protocol,
    /// Which device: the token's.
    pub device: DeviceId,
    /// The last change that it has applied durably.
    pub cursor: SyncId,
    /// Whose log the cursor is of; none for a device that has nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<Incarnation>,
    /// The program's name and version, for people to read.
    pub version: String,
}

/// Changes, in the order in which they were made wherever they are of one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The changes.
    pub changes: Vec<Pushed>,
}

/// One change of a push, as it comes in. One that can't be read is refused by itself, and the others are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// A change.
    Change(Box<Unopened>),
    /// What is none.
    Unreadable {
        /// The id that it names, to refuse it by.
        id: Option<ChangeId>,
        /// Why it is none.
        why: String,
    },
}

impl From<Unopened> for Pushed {
    fn from(change: Unopened) -> Self {
        Self::Change(Box::new(change))
    }
}

impl Serialize for Pushed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Change(change) => change.serialize(serializer),
            Self::Unreadable { why, .. } => Err(serde::ser::Error::custom(why)),
        }
    }
}

impl<'de> Deserialize<'de> for Pushed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Id {
            id: ChangeId,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(serde_json::from_str(raw.get()).map_or_else(
            |error| Self::Unreadable {
                id: serde_json::from_str(raw.get()).ok().map(|Id { id }| id),
                why: error.to_string(),
            },
            Self::Change,
        ))
    }
}

/// How far a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The last change that it has applied durably.
    pub cursor: SyncId,
}

/// A question whether the server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back in the answer.
    pub n: u64,
}

#[cfg(test)]
mod tests {
    use super::super::envelope::tests::{ENVELOPE, change};
    use super::*;

    #[track_caller]
    fn is(frame: DeviceFrame, text: &str) {
        assert_eq!(frame.to_text().unwrap(), text);
        assert_eq!(DeviceFrame::parse(text).unwrap(), frame);
        let name = text[2..].split('"').next().unwrap();
        assert!(DeviceFrame::NAMES.contains(&name), "{name}");
    }

    #[test]
    fn a_devices_frames_are_readable_json() {
        let cursor = SyncId::try_from(1041).unwrap();
        let hello = Hello {
            protocol: super::super::OURS,
            device: DeviceId::v7(3, [0; 10]),
            cursor,
            incarnation: Some(Incarnation::v7(4, [0; 10])),
            version: "altair 0.1.0".to_owned(),
        };
        is(
            DeviceFrame::Hello(hello.clone()),
            concat!(
                r#"{"hello":{"protocol":{"min":1,"max":1},"device":"00000000-0003-7000-8000-000000000000","cursor":1041,"#,
                r#""incarnation":"00000000-0004-7000-8000-000000000000","version":"altair 0.1.0"}}"#
            ),
        );
        is(
            DeviceFrame::Hello(Hello { cursor: SyncId::ZERO, incarnation: None, ..hello }),
            concat!(
                r#"{"hello":{"protocol":{"min":1,"max":1},"device":"00000000-0003-7000-8000-000000000000","cursor":0,"#,
                r#""version":"altair 0.1.0"}}"#
            ),
        );
        let changes = vec![Unopened::of(&change()).unwrap().into()];
        is(
            DeviceFrame::Push(Push { changes }),
            &format!(r#"{{"push":{{"changes":[{ENVELOPE}[{{"set":{{"field":"title","value":"fig.jpg"}}}}]}}]}}}}"#),
        );
        is(DeviceFrame::Applied(Applied { cursor }), r#"{"applied":{"cursor":1041}}"#);
        is(DeviceFrame::Ping(Ping { n: 7 }), r#"{"ping":{"n":7}}"#);
    }

    #[test]
    fn one_change_that_cant_be_read_leaves_the_others_of_its_push() {
        let good = serde_json::to_string(&change()).unwrap();
        let bad = good.replace("attachment", "a kind of a newer version");
        let text = format!(r#"{{"push":{{"changes":[{good},{bad},{{"id":4}},{good}]}}}}"#);
        let Ok(DeviceFrame::Push(Push { changes })) = DeviceFrame::parse(&text) else { panic!("{text}") };
        assert!(matches!(&changes[0], Pushed::Change(read) if read.envelope.id == change().id));
        assert!(matches!(&changes[1], Pushed::Unreadable { id: Some(id), .. } if *id == change().id));
        assert!(matches!(&changes[2], Pushed::Unreadable { id: None, .. }));
        assert_eq!(changes[3], changes[0]);
    }
}
