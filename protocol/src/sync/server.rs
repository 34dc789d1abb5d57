//! What a server says.

use serde::{Deserialize, Serialize};

use super::frame::{FrameError, parse};
use super::http::Household;
use super::{CloseCode, Item, Refusal, ResetReason, SyncId};
use crate::view::Time;
use crate::{ChangeId, Incarnation};

/// A frame from the server to a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello` of a device that can go on from its cursor.
    Welcome(Welcome),
    /// The device can't go on from its cursor.
    Reset(Reset),
    /// The log's next numbers.
    Changes(Changes),
    /// The device has everything that there is.
    Live(Live),
    /// Pushed changes that are accepted and durable.
    Ack(Ack),
    /// A pushed change that isn't accepted.
    Refused(Refused),
    /// The answer to `ping`.
    Pong(Pong),
    /// The last frame before the server hangs up.
    Closing(Closing),
}

/// A frame as a device reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// One that it knows.
    Frame(ServerFrame),
    /// One of a newer version, to be passed over, with its name.
    Unknown(String),
}

impl ServerFrame {
    /// The names of the frames.
    pub const NAMES: &[&str] = &["welcome", "reset", "changes", "live", "ack", "refused", "pong", "closing"];

    /// Reads a frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        parse(text, Self::NAMES)
    }

    /// Reads a frame as a device does, which passes over those that it doesn't know.
    pub fn receive(text: &str) -> Result<Incoming, FrameError> {
        match Self::parse(text) {
            Ok(frame) => Ok(Incoming::Frame(frame)),
            Err(FrameError::Unknown(name)) => Ok(Incoming::Unknown(name)),
            Err(error) => Err(error),
        }
    }

    /// The text to send.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// A server's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol that both speak from here on.
    pub protocol: u32,
    /// The log's last number.
    pub head: SyncId,
    /// What its clock says.
    pub server_time: Time,
    /// Which log it is.
    pub incarnation: Incarnation,
    /// Whose it is.
    pub household: Household,
}

/// Why a device can't go on from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
}

/// Numbers of the log, in order, from the one after the device's cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// What stands at them.
    pub items: Vec<Item>,
}

/// The device has everything up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The log's last number.
    pub head: SyncId,
}

/// Changes that are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Which, and their numbers.
    pub items: Vec<Acked>,
}

/// One accepted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// The change.
    pub change: ChangeId,
    /// Its number.
    pub sync_id: SyncId,
}

/// A change that isn't accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The change.
    pub change: ChangeId,
    /// Why, for programs.
    pub code: Refusal,
    /// Why, for people.
    pub message: String,
    /// By the server's clock, when it would be accepted as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// The server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The number of the `ping`.
    pub n: u64,
    /// What the server's clock says.
    pub server_time: Time,
}

/// The server hangs up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Why, for programs.
    pub code: CloseCode,
    /// Why, for people.
    pub reason: String,
    /// How long to stay away, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HouseholdId;

    #[track_caller]
    fn is(frame: ServerFrame, text: &str) {
        assert_eq!(frame.to_text().unwrap(), text);
        assert_eq!(ServerFrame::parse(text).unwrap(), frame);
        let name = text[2..].split('"').next().unwrap();
        assert!(ServerFrame::NAMES.contains(&name), "{name}");
    }

    #[test]
    fn a_servers_frames_are_readable_json() {
        let head = SyncId::try_from(1042).unwrap();
        let change = ChangeId::v7(1, [0; 10]);
        let server_time = Time::from_millis(1_790_000_000_000);
        is(
            ServerFrame::Welcome(Welcome {
                protocol: 1,
                head,
                server_time,
                incarnation: Incarnation::v7(4, [0; 10]),
                household: Household { id: HouseholdId::v7(5, [0; 10]), name: "Home".to_owned() },
            }),
            concat!(
                r#"{"welcome":{"protocol":1,"head":1042,"server_time":"2026-09-21T14:13:20.000Z","#,
                r#""incarnation":"00000000-0004-7000-8000-000000000000","#,
                r#""household":{"id":"00000000-0005-7000-8000-000000000000","name":"Home"}}}"#
            ),
        );
        is(ServerFrame::Reset(Reset { reason: ResetReason::Horizon }), r#"{"reset":{"reason":"horizon"}}"#);
        is(
            ServerFrame::Changes(Changes {
                items: vec![Item { sync_id: head, what: super::super::What::Own(change) }],
            }),
            r#"{"changes":{"items":[{"sync_id":1042,"own":"00000000-0001-7000-8000-000000000000"}]}}"#,
        );
        is(ServerFrame::Live(Live { head }), r#"{"live":{"head":1042}}"#);
        is(
            ServerFrame::Ack(Ack { items: vec![Acked { change, sync_id: head }] }),
            r#"{"ack":{"items":[{"change":"00000000-0001-7000-8000-000000000000","sync_id":1042}]}}"#,
        );
        let refused =
            Refused { change, code: Refusal::ClockSkew, message: "too early".to_owned(), until: Some(server_time) };
        is(
            ServerFrame::Refused(refused.clone()),
            concat!(
                r#"{"refused":{"change":"00000000-0001-7000-8000-000000000000","code":"clock_skew","#,
                r#""message":"too early","until":"2026-09-21T14:13:20.000Z"}}"#
            ),
        );
        is(
            ServerFrame::Refused(Refused { code: Refusal::Malformed, until: None, ..refused }),
            concat!(
                r#"{"refused":{"change":"00000000-0001-7000-8000-000000000000","code":"malformed","#,
                r#""message":"too early"}}"#
            ),
        );
        is(
            ServerFrame::Pong(Pong { n: 7, server_time }),
            r#"{"pong":{"n":7,"server_time":"2026-09-21T14:13:20.000Z"}}"#,
        );
        let closing =
            Closing { code: CloseCode::GoingAway, reason: "restarting".to_owned(), retry_after_ms: Some(1500) };
        is(
            ServerFrame::Closing(closing.clone()),
            r#"{"closing":{"code":"going_away","reason":"restarting","retry_after_ms":1500}}"#,
        );
        is(
            ServerFrame::Closing(Closing { code: CloseCode::Internal, retry_after_ms: None, ..closing }),
            r#"{"closing":{"code":"internal","reason":"restarting"}}"#,
        );
    }

    #[test]
    fn a_device_passes_over_what_a_newer_server_says() {
        assert_eq!(ServerFrame::receive(r#"{"weather":"fine"}"#).unwrap(), Incoming::Unknown("weather".to_owned()));
        let more = r#"{"live":{"head":1,"since":"yesterday"}}"#;
        let head = SyncId::try_from(1).unwrap();
        assert_eq!(ServerFrame::receive(more).unwrap(), Incoming::Frame(ServerFrame::Live(Live { head })));
        assert!(matches!(ServerFrame::receive(r#"{"live":{}}"#), Err(FrameError::Malformed(_))));
    }
}
