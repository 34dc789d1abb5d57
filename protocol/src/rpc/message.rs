//! The envelope: JSON-RPC 2.0, one message a line.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::ErrorKind;

/// What names a request: a number or a text that its sender chose. One that is a UUID also says, wherever it is sent again, that it is the same request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl RequestId {
    /// The UUID that it is.
    pub fn uuid(&self) -> Option<Uuid> {
        match self {
            // In one form only, or one request could have two names.
            Self::Text(text) if text.len() == 36 => text.parse().ok(),
            _ => None,
        }
    }
}

impl From<Uuid> for RequestId {
    fn from(id: Uuid) -> Self {
        Self::Text(id.to_string())
    }
}

/// A message as it is written.
#[derive(Debug, Serialize)]
pub struct Line<'a, T> {
    jsonrpc: Version,
    /// There for a request and its answer, not for a notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId>,
    method: &'static str,
    params: &'a T,
    /// It was sent before, and no answer came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

impl<'a, T: Serialize> Line<'a, T> {
    /// A request.
    pub const fn request(id: &'a RequestId, method: &'static str, params: &'a T, again: bool) -> Self {
        Self { jsonrpc: Version, id: Some(id), method, params, again }
    }

    /// A notification, which isn't answered.
    pub const fn notification(method: &'static str, params: &'a T) -> Self {
        Self { jsonrpc: Version, id: None, method, params, again: false }
    }
}

/// A good answer as it is written.
#[derive(Debug, Serialize)]
pub struct Success<'a, T> {
    jsonrpc: Version,
    id: &'a RequestId,
    result: &'a T,
}

impl<'a, T: Serialize> Success<'a, T> {
    /// The answer to a request.
    pub const fn new(id: &'a RequestId, result: &'a T) -> Self {
        Self { jsonrpc: Version, id, result }
    }
}

/// A message as it comes in, of any sort.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    /// Has to be there.
    #[serde(rename = "jsonrpc")]
    pub version: Version,
    /// Which request it is, or answers.
    #[serde(default)]
    pub id: Option<RequestId>,
    /// What is asked or told.
    #[serde(default)]
    pub method: Option<String>,
    /// With what.
    #[serde(default, borrow)]
    pub params: Option<&'a RawValue>,
    /// The good answer.
    #[serde(default, borrow)]
    pub result: Option<&'a RawValue>,
    /// The bad one.
    #[serde(default)]
    pub error: Option<Fault>,
    /// It was sent before, and no answer came.
    #[serde(default)]
    pub again: bool,
    /// In how many milliseconds it is to be done, from when it is read.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// `"2.0"`, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Version;

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("2.0")
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match std::borrow::Cow::<'de, str>::deserialize(deserializer)?.as_ref() {
            "2.0" => Ok(Self),
            _ => Err(serde::de::Error::custom("jsonrpc has to be \"2.0\"")),
        }
    }
}

/// A bad answer: JSON-RPC's error object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What sort, as JSON-RPC has it.
    pub code: Code,
    /// What happened, to what.
    pub message: String,
    /// What a program decides by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<FaultData>,
}

/// What Altair adds to an error object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultData {
    /// What sort of thing went wrong.
    pub kind: ErrorKind,
    /// What to do next.
    pub hint: String,
}

/// The codes of error objects. The first four are JSON-RPC's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub i32);

impl Code {
    /// Not JSON, or too long a line.
    pub const PARSE: Self = Self(-32700);
    /// JSON, and no request.
    pub const REQUEST: Self = Self(-32600);
    /// There is no such method.
    pub const METHOD: Self = Self(-32601);
    /// The parameters aren't the method's.
    pub const PARAMS: Self = Self(-32602);
    /// The engine said no: `data.kind` says in what way.
    pub const ENGINE: Self = Self(-32000);
    /// A connection begins with `hello`, once.
    pub const HELLO: Self = Self(-32002);
    /// The host is about to close: ask the next one.
    pub const CLOSING: Self = Self(-32003);
    /// The connection's grant doesn't allow it.
    pub const GRANT: Self = Self(-32004);
    /// It wasn't done in the time that its sender gave it.
    pub const TIMEOUT: Self = Self(-32001);
    /// It was cancelled.
    pub const CANCELLED: Self = Self(-32800);
}

impl Fault {
    /// A fault of the protocol's own.
    pub fn new(code: Code, kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Some(FaultData { kind, hint: hint.into() }) }
    }
}

/// Why a message is none.
#[derive(Debug)]
pub enum MessageError {
    /// There is no such method.
    Method(String),
    /// The parameters aren't the method's.
    Params(serde_json::Error),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(method) => write!(f, "there is no method \"{}\"", method.escape_debug()),
            Self::Params(error) => write!(f, "the parameters aren't the method's: {error}"),
        }
    }
}

impl std::error::Error for MessageError {}

impl From<MessageError> for Fault {
    fn from(error: MessageError) -> Self {
        let code = match error {
            MessageError::Method(_) => Code::METHOD,
            MessageError::Params(_) => Code::PARAMS,
        };
        Self::new(code, ErrorKind::Invalid, error.to_string(), "docs/local-rpc.md lists the methods and what they take")
    }
}
