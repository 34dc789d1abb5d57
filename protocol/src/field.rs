//! The names of an entity's parts, and which kind has which.
//!
//! A tag is a register of its own (`tag/garden`), so that two devices adding tags both win; so is each front-matter property
//! (`property/aliases`). [`Field::shape`] is the one place that says what a kind may have and how it merges.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// The name of a register, a text or a counter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(Cow<'static, str>);

/// How a field merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A multi-value register.
    Register,
    /// A text CRDT.
    Text,
    /// A counter per device.
    Counter,
}

/// A field or a tag that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A tag with nothing in it.
    #[error("a tag needs at least one letter or digit")]
    EmptyTag,
    /// A tag with white space, control characters or one of Markdown's own signs.
    #[error(
        "\"{0}\" can't be a tag: a tag is one word of letters, digits, - _ and /, with at least one that is no digit"
    )]
    TagCharacter(String),
    /// A tag of more than [`MAX_TAG_CHARS`].
    #[error("a tag has at most {MAX_TAG_CHARS} characters")]
    LongTag,
}

/// The longest tag, in characters.
pub const MAX_TAG_CHARS: usize = 100;

const TAG: &str = "tag/";
const PROPERTY: &str = "property/";

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Field {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*
        }
    };
}

fields! {
    /// The title of a note or quest, the name of an item, location or attachment.
    TITLE = "title";
    /// The Markdown body: a text.
    BODY = "body";
    /// A capture's words.
    TEXT = "text";
    /// How a capture came in.
    SOURCE = "source";
    /// When a capture was made, RFC 3339.
    CAPTURED_AT = "captured_at";
    /// What a capture became.
    TRIAGED_INTO = "triaged_into";
    /// The capture that this came from.
    ORIGIN = "origin";
    /// A note's path in its vault.
    PATH = "path";
    /// A quest's status.
    STATUS = "status";
    /// A quest's energy, 1 to 5.
    ENERGY = "energy";
    /// When a quest is due.
    DUE = "due";
    /// The quest or location that this is part of.
    PARENT = "parent";
    /// How much of an item there is: a counter.
    QUANTITY = "quantity";
    /// What an item is counted in.
    UNIT = "unit";
    /// Where an item is.
    LOCATION = "location";
    /// Where a link starts.
    FROM = "from";
    /// Where a link ends.
    TO = "to";
    /// What a link means.
    RELATION = "relation";
    /// The heading or block that a link points at.
    ANCHOR = "anchor";
    /// An attachment's media type.
    MEDIA_TYPE = "media_type";
    /// An attachment's size in bytes.
    SIZE = "size";
    /// The hash of an attachment's bytes.
    BLOB = "blob";
    /// The entity that an attachment belongs to.
    OWNER = "owner";
    /// The fences around a note's front matter, `{open, close}`.
    FENCES = "fences";
    /// When the entity was made, Unix milliseconds, and by whom: never in conflict.
    CREATED = "created";
}

impl Field {
    /// The register of a tag.
    pub fn tag(name: &TagName) -> Self {
        Self(Cow::Owned(format!("{TAG}{}", name.key())))
    }

    /// The register of a front-matter property.
    pub fn property(key: &str) -> Self {
        Self(Cow::Owned(format!("{PROPERTY}{key}")))
    }

    /// A field by its name, as it stands in a change from elsewhere.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a tag's register.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with(TAG)
    }

    /// The front-matter property whose register this is.
    pub fn property_key(&self) -> Option<&str> {
        self.0.strip_prefix(PROPERTY)
    }

    /// How this field of a kind merges; `None` where the kind has no such field.
    pub fn shape(&self, kind: Kind) -> Option<Shape> {
        use Kind::{Attachment, Capture, Item, Link, Location, Note, Quest};
        let has = |kinds: &[Kind]| kinds.contains(&kind);
        let known = match self.as_str() {
            "created" => true,
            "title" => has(&[Note, Quest, Item, Location, Attachment]),
            "body" => return has(&[Note, Quest, Item]).then_some(Shape::Text),
            "quantity" => return has(&[Item]).then_some(Shape::Counter),
            "text" | "source" | "captured_at" | "triaged_into" => has(&[Capture]),
            "origin" => has(&[Note, Quest, Item, Location]),
            "path" => has(&[Note, Attachment]),
            "fences" => has(&[Note]),
            "status" | "energy" | "due" => has(&[Quest]),
            "parent" => has(&[Quest, Location]),
            "unit" | "location" => has(&[Item]),
            "from" | "to" | "relation" | "anchor" => has(&[Link]),
            "media_type" | "size" | "blob" | "owner" => has(&[Attachment]),
            _ => self.is_tag() || (self.property_key().is_some() && has(&[Note])),
        };
        known.then_some(Shape::Register)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.0)
    }
}

/// A tag as somebody spelled it. Tags that differ only in case are the same tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagName {
    spelling: String,
    key: String,
}

impl TagName {
    /// Reads a tag; a leading `#` is dropped. Letters and digits of any script, `-`, `_` and `/`, as in Obsidian.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let spelling = text.strip_prefix('#').unwrap_or(text).trim_matches('/');
        if spelling.is_empty() {
            return Err(FieldError::EmptyTag);
        }
        if spelling.chars().count() > MAX_TAG_CHARS {
            return Err(FieldError::LongTag);
        }
        let bad = |c: char| {
            c.is_whitespace() || c.is_control() || (c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '/'))
        };
        if spelling.contains(bad) || spelling.chars().all(|c| c.is_ascii_digit()) {
            return Err(FieldError::TagCharacter(spelling.to_owned()));
        }
        Ok(Self { spelling: spelling.to_owned(), key: spelling.to_lowercase() })
    }

    /// The tag as it was spelled.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }

    /// The tag in lower case: what makes it the same tag.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A quantity in thousandths. On paper a decimal number with at most three places. In JSON a number, which beyond 9,007,199,254,740.991 is only as near
/// as a double comes; a text with the digits is read too, and is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Thousandths(pub i64);

impl std::str::FromStr for Thousandths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is not a quantity: use a number with at most three decimal places, like 2 or -0.5");
        let (negative, digits) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || !all_digits(whole)
            || !all_digits(fraction)
            || fraction.len() > 3
        {
            return Err(wrong());
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let thousandths: i64 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
        let total = whole.checked_mul(1000).and_then(|n| n.checked_add(thousandths)).ok_or_else(wrong)?;
        Ok(Self(if negative { -total } else { total }))
    }
}

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if rest == 0 {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
        }
    }
}

impl Serialize for Thousandths {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else if self.0.unsigned_abs() > Self::EXACT && EXACTLY.get() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Thousandths {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::String(text) => text,
            _ => return Err(serde::de::Error::custom("a quantity is a number, like 2 or -0.5")),
        };
        // The doubles next to the ends of the range lie beyond them.
        match text.as_str() {
            "9223372036854776.0" => Ok(Self(i64::MAX)),
            "-9223372036854776.0" => Ok(Self(-i64::MAX)),
            text => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl Thousandths {
    /// The greatest that a double holds to the last digit.
    const EXACT: u64 = 1 << 53;
}

thread_local! {
    /// Whether what is written on this thread now is for a program that reads it back.
    static EXACTLY: Cell<bool> = const { Cell::new(false) };
}

/// Writes values so that nothing is lost: a quantity is a text where a number would be rounded. People's JSON has numbers always; what
/// processes say to each other is written in here.
pub fn exactly<T>(write: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            EXACTLY.set(self.0);
        }
    }
    let _before = Before(EXACTLY.replace(true));
    write()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_that_differ_in_case_are_one_register() {
        let field = |text| Field::tag(&TagName::parse(text).unwrap());
        assert_eq!(field("#Garden/Beds"), field("garden/beds"));
    }

    #[test]
    fn tags_with_spaces_or_only_digits_are_refused() {
        for text in ["", "#", "two words", "2026", "a#b", "a\u{7}b", "[x]"] {
            assert!(TagName::parse(text).is_err(), "{text:?}");
        }
        for text in ["zoë", "y2026", "日記", "a-b_c/d"] {
            assert!(TagName::parse(text).is_ok(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quantity_survives_its_text(n: i64) {
            prop_assume!(n != i64::MIN);
            prop_assert_eq!(Thousandths(n).to_string().parse::<Thousandths>().unwrap(), Thousandths(n));
        }

        #[test]
        fn a_quantity_survives_json(n: i64) {
            prop_assume!(n != i64::MIN);
            let json = exactly(|| serde_json::to_string(&Thousandths(n))).unwrap();
            prop_assert_eq!(serde_json::from_str::<Thousandths>(&json).unwrap(), Thousandths(n));
            prop_assert!(serde_json::to_value(Thousandths(n)).unwrap().is_number());
            let rounded: Thousandths = serde_json::from_str(&serde_json::to_string(&Thousandths(n)).unwrap()).unwrap();
            // Doubles of this size lie up to two apart.
            prop_assert!(rounded.0.abs_diff(n) <= 2000);
        }

        #[test]
        fn any_text_is_a_quantity_or_an_error(text in "\\PC{0,24}") {
            let _ = text.parse::<Thousandths>();
        }
    }
}
