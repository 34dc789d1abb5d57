//! The number that a server gives each change of a household: 1, 2, 3 and so on, without holes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A change's number in its household's log; as a cursor, the last one that is applied, with [`SyncId::ZERO`] for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SyncId(u64);

/// A number that no change can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} can't be a sync id: the greatest is 9007199254740991")]
pub struct SyncIdError(pub u64);

impl SyncId {
    /// Before the first change.
    pub const ZERO: Self = Self(0);
    /// The greatest whole number that every reader of JSON keeps exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after; [`SyncId::MAX`] has none.
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0.saturating_add(1)).ok()
    }
}

impl TryFrom<u64> for SyncId {
    type Error = SyncIdError;

    fn try_from(number: u64) -> Result<Self, SyncIdError> {
        if number <= Self::MAX.0 { Ok(Self(number)) } else { Err(SyncIdError(number)) }
    }
}

impl fmt::Display for SyncId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for SyncId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for SyncId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(u64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_some_readers_would_round_is_refused() {
        assert_eq!(serde_json::from_str::<SyncId>("9007199254740991").unwrap(), SyncId::MAX);
        let error = serde_json::from_str::<SyncId>("9007199254740992").unwrap_err();
        assert!(error.to_string().contains("9007199254740992"), "{error}");
        assert_eq!(SyncId::MAX.next(), None);
    }
}
