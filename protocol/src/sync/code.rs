//! The words that programs decide by: why a change is refused, why a device has to begin anew, why a connection ends.
//!
//! Each is read with a word for all that a newer peer may say, so that a new code is no broken frame.

use serde::{Deserialize, Serialize};

/// Why a change is refused. What a client does about each is in `docs/protocol.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Its stamp is more than five minutes ahead of the server's clock.
    ClockSkew,
    /// Its `seen` names something that the server hasn't applied.
    Causality,
    /// Its `seen` is behind what the server has of its own device: two stores are the same device.
    Forked,
    /// The server doesn't have a blob that it names.
    BlobMissing,
    /// Its entity was erased.
    Erased,
    /// It erases, and hasn't seen all that the server has.
    NotCovered,
    /// It, or its entity with it, is too long.
    TooLarge,
    /// Its envelope can't be read, or can't be.
    Malformed,
    /// It was made by another device than the connection's.
    WrongDevice,
    /// The household has no room left.
    Quota,
    /// Something that a newer server says.
    #[serde(other)]
    Unknown,
}

impl Refusal {
    /// Every one that a server of this version gives.
    pub const ALL: [Self; 10] = [
        Self::ClockSkew,
        Self::Causality,
        Self::Forked,
        Self::BlobMissing,
        Self::Erased,
        Self::NotCovered,
        Self::TooLarge,
        Self::Malformed,
        Self::WrongDevice,
        Self::Quota,
    ];
}

/// Why a device can't go on from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The log begins after the cursor.
    Horizon,
    /// The log is another one than the device knows.
    Incarnation,
    /// The log ends before the cursor.
    Ahead,
    /// The device was silent for 400 days.
    Expired,
    /// Something that a newer server says.
    #[serde(other)]
    Unknown,
}

impl ResetReason {
    /// Every one that a server of this version gives.
    pub const ALL: [Self; 4] = [Self::Horizon, Self::Incarnation, Self::Ahead, Self::Expired];
}

/// Why a connection ends, as `closing` says it, and as the number that WebSocket's close frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseCode {
    /// The server is being stopped, or has to do something else first.
    GoingAway,
    /// After `reset` there is nothing more to say.
    Reset,
    /// A frame that can't be read, isn't known or doesn't belong there.
    Malformed,
    /// The token isn't good any more.
    Unauthorized,
    /// The token is another device's.
    WrongDevice,
    /// There is no version of the protocol that both speak.
    Unsupported,
    /// Nothing came for too long.
    Timeout,
    /// The same device has connected again.
    Replaced,
    /// A frame is too long.
    TooLarge,
    /// Too much came at once.
    TooMany,
    /// The server has a fault of its own.
    Internal,
    /// Something that a newer server says.
    #[serde(other)]
    Unknown,
}

impl CloseCode {
    /// Every one that a server of this version gives.
    pub const ALL: [Self; 11] = [
        Self::GoingAway,
        Self::Reset,
        Self::Malformed,
        Self::Unauthorized,
        Self::WrongDevice,
        Self::Unsupported,
        Self::Timeout,
        Self::Replaced,
        Self::TooLarge,
        Self::TooMany,
        Self::Internal,
    ];

    /// The number in WebSocket's close frame (RFC 6455, section 7.4: 4000 to 4999 are for private use; the last three digits are HTTP's
    /// where it has a status for the same).
    pub const fn number(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Reset => 4205,
            Self::Malformed => 4400,
            Self::Unauthorized => 4401,
            Self::WrongDevice => 4403,
            Self::Unsupported => 4406,
            Self::Timeout => 4408,
            Self::Replaced => 4409,
            Self::TooLarge => 4413,
            Self::TooMany => 4429,
            Self::Internal | Self::Unknown => 4500,
        }
    }

    /// The code of a number.
    pub fn from_number(number: u16) -> Self {
        Self::ALL.into_iter().find(|code| code.number() == number).unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_code_has_a_number_of_its_own() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_number(code.number()), code);
        }
        assert_eq!(CloseCode::from_number(1006), CloseCode::Unknown);
    }

    #[test]
    fn a_code_of_a_newer_peer_is_read() {
        assert_eq!(serde_json::from_str::<Refusal>(r#""too_blue""#).unwrap(), Refusal::Unknown);
        assert_eq!(serde_json::from_str::<ResetReason>(r#""too_blue""#).unwrap(), ResetReason::Unknown);
        assert_eq!(serde_json::from_str::<CloseCode>(r#""too_blue""#).unwrap(), CloseCode::Unknown);
    }
}
