//! A frame is one JSON object with one name in it, in a text message of its own.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;

/// A text that is no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A frame of a name that this side doesn't know.
    #[error("there is no frame \"{}\" in this version of the protocol", .0.escape_debug())]
    Unknown(String),
    /// No JSON, not one object with one name, or not what a frame of that name holds.
    #[error("a frame can't be read: {0}")]
    Malformed(#[source] serde_json::Error),
}

/// Reads a frame. Only one that can't be read is looked at a second time, for its name.
pub(super) fn parse<T: DeserializeOwned>(text: &str, names: &[&str]) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| match serde_json::from_str(text) {
        Ok(Named(name)) if !names.contains(&name.as_str()) => {
            FrameError::Unknown(name.chars().take(LONGEST_NAME).collect())
        }
        _ => FrameError::Malformed(error),
    })
}

/// As much of an unknown frame's name is kept, in characters.
const LONGEST_NAME: usize = 64;

/// The name of a frame.
struct Named(String);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Named;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with one name")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let one = |n| A::Error::invalid_length(n, &"one name");
                let (name, _) = map.next_entry::<String, &RawValue>()?.ok_or_else(|| one(0))?;
                match map.next_key::<String>()? {
                    None => Ok(Named(name)),
                    Some(_) => Err(one(2)),
                }
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DeviceFrame, ServerFrame};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_of_a_newer_version_is_named_and_not_malformed() {
        let error = DeviceFrame::parse(r#"{"dance":{"steps":[1,2]}}"#).unwrap_err();
        assert!(matches!(&error, FrameError::Unknown(name) if name == "dance"), "{error}");
        let long = format!(r#"{{"{}":1}}"#, "x".repeat(1000));
        assert!(matches!(ServerFrame::parse(&long), Err(FrameError::Unknown(name)) if name.len() == 64));
    }

    #[test]
    fn what_is_no_frame_is_malformed() {
        for text in [
            "",
            "[]",
            "{}",
            "1",
            r#""ping""#,
            r#"{"ping":{}}"#,
            r#"{"ping":{"n":-1}}"#,
            r#"{"ping":{"n":1},"applied":{"cursor":1}}"#,
            r#"{"dance":1,"sing":2}"#,
            r#"{"ping":{"n":1}} "#.repeat(2).as_str(),
        ] {
            let error = DeviceFrame::parse(text).unwrap_err();
            assert!(matches!(error, FrameError::Malformed(_)), "{text}: {error}");
        }
        let deep = format!(r#"{{"ping":{{"n":{}}}}}"#, "[".repeat(100_000));
        assert!(matches!(DeviceFrame::parse(&deep), Err(FrameError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_a_frame_or_an_error(text in "\\PC{0,80}|[\\[{\"a-z:,0-9}\\]]{0,80}") {
            let _ = DeviceFrame::parse(&text);
            let _ = ServerFrame::parse(&text);
        }
    }
}
