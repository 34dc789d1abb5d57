//! The bodies of HTTP requests and answers, but for states and blobs.

use serde::{Deserialize, Serialize};

use crate::view::{Hit, Time};
use crate::{DeviceId, HouseholdId, Incarnation};

/// A household, as its devices know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Household {
    /// Its id: the same for as long as it exists.
    pub id: HouseholdId,
    /// What people call it.
    pub name: String,
}

/// `POST /v1/pair`: a new device shows the code that it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The one-time code.
    pub code: String,
    /// The device; without it the server makes up an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What people call the device.
    pub name: String,
}

/// `POST /v1/token`: a paired device asks for another token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Renew {
    /// The id that the device has from now on, if its store turned out to be a copy of another's; else the token is for the same device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

/// The answer to [`Pair`] and [`Renew`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// What the device shows with every request from now on. Nobody can read it again.
    pub token: String,
    /// The device that the token is for.
    pub device: DeviceId,
    /// Whose server it is.
    pub household: Household,
    /// Which log it has.
    pub incarnation: Incarnation,
    /// What its clock says.
    pub server_time: Time,
    /// When to ask for another token; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_at: Option<Time>,
}

/// Without the token, which belongs in no log.
impl std::fmt::Debug for Paired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paired")
            .field("device", &self.device)
            .field("household", &self.household.id)
            .finish_non_exhaustive()
    }
}

/// The answer to `GET /v1/search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The best first.
    pub items: Vec<Hit>,
}

/// The body of every answer that isn't a good one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: HttpError,
}

/// What is wrong: the command line's and local RPC's form of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpError {
    /// For programs.
    pub code: HttpCode,
    /// For people: what happened, to what.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What is wrong with a request, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpCode {
    /// The request can't be read.
    Malformed,
    /// No token, or one that isn't good any more.
    Unauthorized,
    /// The pairing code isn't one.
    WrongCode,
    /// There is no such thing.
    NotFound,
    /// That device is another household's, or has been revoked.
    DeviceTaken,
    /// The upload doesn't go on where the server stands.
    Offset,
    /// The log doesn't reach back to the head that was named.
    Horizon,
    /// States are for a device that hasn't met this log yet.
    Met,
    /// The pairing code was guessed at too often, used, or is too old.
    CodeEnded,
    /// Too long.
    TooLarge,
    /// The bytes aren't those that the hash names.
    Corrupt,
    /// Too many requests.
    TooMany,
    /// The server has a fault of its own.
    Internal,
    /// The server is starting, stopping or overloaded.
    Unavailable,
    /// The household has no room left.
    Quota,
    /// Something that a newer server says.
    #[serde(other)]
    Unknown,
}

impl HttpCode {
    /// Every one that a server of this version gives.
    pub const ALL: [Self; 15] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::WrongCode,
        Self::NotFound,
        Self::DeviceTaken,
        Self::Offset,
        Self::Horizon,
        Self::Met,
        Self::CodeEnded,
        Self::TooLarge,
        Self::Corrupt,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
        Self::Quota,
    ];

    /// The status that an answer with this code has.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthorized => 401,
            Self::WrongCode => 403,
            Self::NotFound => 404,
            Self::DeviceTaken | Self::Offset | Self::Horizon | Self::Met => 409,
            Self::CodeEnded => 410,
            Self::TooLarge => 413,
            Self::Corrupt => 422,
            Self::TooMany => 429,
            Self::Internal | Self::Unknown => 500,
            Self::Unavailable => 503,
            Self::Quota => 507,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairing_is_readable_json() {
        let device = DeviceId::v7(3, [0; 10]);
        let pair = Pair { code: "K7QM-2FXD".to_owned(), device: Some(device), name: "kitchen".to_owned() };
        let json = r#"{"code":"K7QM-2FXD","device":"00000000-0003-7000-8000-000000000000","name":"kitchen"}"#;
        assert_eq!(serde_json::to_string(&pair).unwrap(), json);
        assert_eq!(serde_json::from_str::<Pair>(json).unwrap(), pair);
        let paired = Paired {
            token: "secret".to_owned(),
            device,
            household: Household { id: HouseholdId::v7(5, [0; 10]), name: "Home".to_owned() },
            incarnation: Incarnation::v7(4, [0; 10]),
            server_time: Time::from_millis(1_790_000_000_000),
            renew_at: None,
        };
        let json = concat!(
            r#"{"token":"secret","device":"00000000-0003-7000-8000-000000000000","#,
            r#""household":{"id":"00000000-0005-7000-8000-000000000000","name":"Home"},"#,
            r#""incarnation":"00000000-0004-7000-8000-000000000000","server_time":"2026-09-21T14:13:20.000Z"}"#
        );
        assert_eq!(serde_json::to_string(&paired).unwrap(), json);
        assert_eq!(serde_json::from_str::<Paired>(json).unwrap(), paired);
        assert!(!format!("{paired:?}").contains("secret"));
    }

    #[test]
    fn an_error_has_the_form_that_errors_have_everywhere() {
        let error = HttpError { code: HttpCode::WrongCode, message: "no".to_owned(), hint: "look again".to_owned() };
        let json = r#"{"error":{"code":"wrong_code","message":"no","hint":"look again"}}"#;
        assert_eq!(serde_json::to_string(&ErrorBody { error }).unwrap(), json);
        assert_eq!(serde_json::from_str::<HttpCode>(r#""too_blue""#).unwrap(), HttpCode::Unknown);
    }
}
