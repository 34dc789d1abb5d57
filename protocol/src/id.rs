//! Typed ids: UUIDs that can't be mistaken for one another.
//!
//! Most ids are UUIDv7, so that they sort by the time they were minted. "Same act, same id": things that two
//! devices can make independently (an imported file's note, a triaged capture's quest, a link) have an id
//! derived from what they are, as a UUIDv8 over BLAKE3, so that both devices make one thing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an id: an id is a UUID like 0192f0c1-7d2e-7c3a-9b61-0d3f6f1e2a4b")]
pub struct IdError(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A UUIDv7 for the moment `millis` (Unix milliseconds) and ten random bytes. The caller brings both,
            /// so that a whole system can run under a seed.
            pub fn v7(millis: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The UUIDv8 of `parts` in the given domain: the same parts give the same id on every device.
            /// Each part is hashed with its length, so that ("ab", "c") and ("a", "bc") differ.
            pub fn derived(domain: &str, parts: &[&[u8]]) -> Self {
                let mut hasher = blake3::Hasher::new_derive_key(domain);
                for part in parts {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part);
                }
                let mut bytes = [0_u8; 16];
                bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
                Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
            }

            /// The id as a UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The id's sixteen bytes, most significant first.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
    };
}

id! {
    /// One entity of the model: a capture, note, quest, item, location, link or attachment.
    EntityId
}
id! {
    /// One change. Minted once and never again, so that a change sent twice is applied once.
    ChangeId
}
id! {
    /// One installed client. A copied or restored store must take a new one.
    DeviceId
}
id! {
    /// The people who share one server and one set of entities.
    HouseholdId
}
id! {
    /// One life of a server's log. A server that is restored from a backup takes a new one, because numbers that it gives again
    /// stand for other changes.
    Incarnation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_sort_by_time() {
        assert!(EntityId::v7(1, [255; 10]) < EntityId::v7(2, [0; 10]));
    }

    #[test]
    fn derived_ids_depend_on_where_a_part_ends() {
        let a = EntityId::derived("test", &[b"ab", b"c"]);
        assert_eq!(a, EntityId::derived("test", &[b"ab", b"c"]));
        assert_ne!(a, EntityId::derived("test", &[b"a", b"bc"]));
        assert_ne!(a, EntityId::derived("other", &[b"ab", b"c"]));
        assert_eq!(a.uuid().get_version_num(), 8);
    }

    #[test]
    fn a_text_that_is_no_id_is_named_in_the_error() {
        let error = "soon".parse::<EntityId>().map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("soon")));
    }
}
