//! What a person typed into the search field, parsed.
//!
//! ```text
//! query  = part (space part)*
//! part   = ["-"] (word | '"' words '"' | "tag:" tag | "kind:" kind) | "after:" when | "before:" when
//! when   = 2026-01-31 | 2026-01-31T08:00:00Z
//! ```
//!
//! All parts must hold. What looks like a filter and is none (`http://…`, `note:`) is words. A quote that is never
//! closed goes to the end. Parsing needs no index, and a parsed query always can be run.

use altair_protocol::{Kind, KindError};
use jiff::Timestamp;
use jiff::civil::Date;

use super::fold::fold_tag;
use super::tokenizer::{Side, Words};

/// The longest query, in characters.
pub(crate) const MAX_QUERY_CHARS: usize = 1_000;
/// The most words that a query may have, bigrams counted one by one.
pub(crate) const MAX_QUERY_WORDS: usize = 100;

/// A text that can't be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// Nothing, or punctuation only.
    #[error("there is nothing to search for: give a word, or a filter like kind:note, tag:garden or after:2026-01-31")]
    Empty,
    /// Only parts with a minus.
    #[error("this only says what to leave out: add a word to look for, or a filter like kind:note")]
    OnlyNegative,
    /// `kind:` with a word that is none.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// `tag:` with nothing behind it.
    #[error("tag: needs the tag right behind it, like tag:garden")]
    Tag,
    /// `after:` or `before:` with something that is neither a date nor a moment.
    #[error("\"{0}\" is not a date: use one like 2026-01-31, or a moment like 2026-01-31T08:00:00Z")]
    Date(String),
    /// More than [`MAX_QUERY_CHARS`].
    #[error("a search has at most {MAX_QUERY_CHARS} characters: look for a few words of the text instead")]
    TooLong,
    /// More than [`MAX_QUERY_WORDS`].
    #[error("a search has at most {MAX_QUERY_WORDS} words: look for a few of them instead")]
    TooManyWords,
}

/// Words to find.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Clause {
    /// One word: as it is, by its stem, or as a beginning.
    Word(Term),
    /// Several words in this order, unstemmed. `open` when the last may be a mere beginning: something
    /// typed without quotes that holds several words, like `e-mail` or a run of CJK.
    Phrase { words: Vec<Term>, open: bool },
}

/// A folded word of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Term {
    pub(super) text: String,
    pub(super) cjk: bool,
}

impl Term {
    /// Whether this is one CJK character: always a beginning, since longer runs are indexed as bigrams.
    pub(super) fn is_lone(&self) -> bool {
        self.cjk && self.text.chars().nth(1).is_none()
    }
}

/// A parsed search.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Query {
    pub(super) find: Vec<Clause>,
    pub(super) avoid: Vec<Clause>,
    /// Any of these; `None` is any kind at all.
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) not_kinds: Vec<Kind>,
    pub(super) tags: Vec<String>,
    pub(super) not_tags: Vec<String>,
    /// The earliest moment, in Unix milliseconds.
    pub(super) after: Option<i64>,
    /// The moment before which it must be.
    pub(super) before: Option<i64>,
}

impl Query {
    /// Parses what was typed.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        if text.chars().nth(MAX_QUERY_CHARS).is_some() {
            return Err(QueryError::TooLong);
        }
        let mut query = Self::default();
        let mut rest = text;
        while let Some(part) = next_part(&mut rest) {
            query.add(part)?;
        }
        let words = query.find.iter().chain(&query.avoid).map(Clause::len).sum::<usize>();
        if words + query.tags.len() + query.not_tags.len() > MAX_QUERY_WORDS {
            Err(QueryError::TooManyWords)
        } else if query == Self::default() {
            Err(QueryError::Empty)
        } else {
            Ok(query)
        }
    }

    /// The same search among entities of one kind.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: Kind) -> Self {
        let wanted = self.kinds.is_none_or(|kinds| kinds.contains(&kind));
        self.kinds = Some(if wanted { vec![kind] } else { Vec::new() });
        self
    }

    /// The same search among entities with a tag, or with one nested in it.
    #[must_use]
    pub(crate) fn with_tag(mut self, tag: &str) -> Self {
        self.tags.push(fold_tag(tag));
        self
    }

    /// Whether hits have a score; without words to find they are sorted by recency.
    pub(super) fn is_scored(&self) -> bool {
        !self.find.is_empty()
    }

    /// Whether it says nothing but what to leave out.
    pub(super) fn is_only_negative(&self) -> bool {
        let filtered = self.kinds.is_some() || !self.tags.is_empty() || self.after.is_some() || self.before.is_some();
        self.find.is_empty() && !filtered
    }

    /// A number that is the same for the same search, in any process: what a cursor belongs to.
    pub(super) fn fingerprint(&self) -> u64 {
        super::files::fnv1a(format!("{self:?}").as_bytes())
    }

    fn add(&mut self, part: Part<'_>) -> Result<(), QueryError> {
        let Part { minus, text, quoted } = part;
        if quoted {
            self.add_clause(minus, Clause::quoted(text));
            return Ok(());
        }
        let filter = text.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), unquoted(value)));
        match filter.as_ref().map(|(name, value)| (name.as_str(), *value)) {
            Some(("kind", value)) => {
                let kind: Kind = value.to_lowercase().parse()?;
                if minus {
                    self.not_kinds.push(kind);
                } else {
                    self.kinds.get_or_insert_default().push(kind);
                }
            }
            Some(("tag", value)) => {
                let tag = fold_tag(value);
                if tag.is_empty() {
                    return Err(QueryError::Tag);
                }
                if minus { self.not_tags.push(tag) } else { self.tags.push(tag) }
            }
            // Leaving out what came after a date is to take what came before it.
            Some(("after", value)) if !minus => self.after = self.after.max(Some(moment(value)?)),
            Some(("before", value)) if !minus => self.limit_before(moment(value)?),
            Some(("after", value)) => self.limit_before(moment(value)?),
            Some(("before", value)) => self.after = self.after.max(Some(moment(value)?)),
            _ => self.add_clause(minus, Clause::typed(text)),
        }
        Ok(())
    }

    fn limit_before(&mut self, moment: i64) {
        self.before = Some(self.before.map_or(moment, |before| before.min(moment)));
    }

    fn add_clause(&mut self, minus: bool, clause: Option<Clause>) {
        if let Some(clause) = clause {
            if minus { self.avoid.push(clause) } else { self.find.push(clause) }
        }
    }
}

impl Clause {
    fn typed(text: &str) -> Option<Self> {
        let mut words = words(text);
        match words.len() {
            0 => None,
            1 => words.pop().map(Self::Word),
            _ => Some(Self::Phrase { words, open: true }),
        }
    }

    fn quoted(text: &str) -> Option<Self> {
        let words = words(text);
        let open = words.last()?.is_lone();
        Some(Self::Phrase { words, open })
    }

    fn len(&self) -> usize {
        match self {
            Self::Word(_) => 1,
            Self::Phrase { words, .. } => words.len(),
        }
    }
}

fn words(text: &str) -> Vec<Term> {
    let mut words = Words::new(text, Side::Query);
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        found.push(Term { text: word.text.clone(), cjk: word.cjk });
    }
    found
}

struct Part<'a> {
    minus: bool,
    text: &'a str,
    quoted: bool,
}

/// Straight quotes, and the curly ones that phones make of them.
const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

fn next_part<'a>(rest: &mut &'a str) -> Option<Part<'a>> {
    let text = rest.trim_start();
    let bare = text.trim_start_matches('-');
    let minus = bare.len() < text.len();
    let (part, left, quoted) = if let Some(inside) = bare.strip_prefix(is_quote) {
        let end = inside.find(is_quote).unwrap_or(inside.len());
        (&inside[..end], inside[end..].strip_prefix(is_quote).unwrap_or_default(), true)
    } else {
        let end = bare.find(char::is_whitespace).unwrap_or(bare.len());
        (&bare[..end], &bare[end..], false)
    };
    *rest = left;
    (!text.is_empty()).then_some(Part { minus, text: part, quoted })
}

fn unquoted(value: &str) -> &str {
    value.trim_matches(is_quote)
}

/// A date is the beginning of its day, UTC.
fn moment(text: &str) -> Result<i64, QueryError> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_millisecond());
    }
    let date: Date = text.parse().map_err(|_| QueryError::Date(text.to_owned()))?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| QueryError::Date(text.to_owned()))?;
    Ok(midnight.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Clause {
        Clause::Word(Term { text: text.to_owned(), cjk: false })
    }

    fn phrase(words: &[&str], open: bool) -> Clause {
        let words = words.iter().map(|text| Term { text: (*text).to_owned(), cjk: !text.is_ascii() }).collect();
        Clause::Phrase { words, open }
    }

    #[test]
    fn every_part_is_read() {
        let text =
            "Zoë e-mail \"Raised  beds\" -weeds -\"old shed\" kind:note kind:Quest -kind:item tag:#Garden/Beds -tag:x";
        let query = Query::parse(text).unwrap();
        assert_eq!(query.find, [word("zoe"), phrase(&["e", "mail"], true), phrase(&["raised", "beds"], false)]);
        assert_eq!(query.avoid, [word("weeds"), phrase(&["old", "shed"], false)]);
        assert_eq!(query.kinds, Some(vec![Kind::Note, Kind::Quest]));
        assert_eq!(query.not_kinds, [Kind::Item]);
        assert_eq!(query.tags, ["garden/beds"]);
        assert_eq!(query.not_tags, ["x"]);
    }

    #[test]
    fn dates_and_moments_bound_the_time() {
        let query = Query::parse("after:2026-01-01 before:2026-02-01T12:00:00+01:00").unwrap();
        assert_eq!(query.after, Some(1_767_225_600_000));
        assert_eq!(query.before, Some(1_769_943_600_000));
        assert_eq!(Query::parse("after:soon"), Err(QueryError::Date("soon".to_owned())));
        assert_eq!(Query::parse("before:2026-02-30"), Err(QueryError::Date("2026-02-30".to_owned())));
    }

    #[test]
    fn an_unclosed_quote_goes_to_the_end() {
        assert_eq!(Query::parse("a \"b c").unwrap().find, [word("a"), phrase(&["b", "c"], false)]);
        assert_eq!(Query::parse("“b c” d").unwrap().find, [phrase(&["b", "c"], false), word("d")]);
    }

    #[test]
    fn cjk_without_spaces_is_a_phrase_of_bigrams() {
        assert_eq!(Query::parse("東京都").unwrap().find, [phrase(&["東京", "京都"], true)]);
    }

    #[test]
    fn what_cannot_be_searched_says_what_to_do() {
        for empty in ["", "  ", "-", "!? --", "\"\"", "\"!\""] {
            assert_eq!(Query::parse(empty), Err(QueryError::Empty), "{empty:?}");
        }
        let error = Query::parse("kind:foo").unwrap_err().to_string();
        assert!(error.contains("\"foo\"") && error.contains("quest"), "{error}");
        assert_eq!(Query::parse("tag:"), Err(QueryError::Tag));
        assert_eq!(Query::parse(&"x".repeat(1_001)), Err(QueryError::TooLong));
        assert_eq!(Query::parse(&"x ".repeat(101)), Err(QueryError::TooManyWords));
        assert_eq!(Query::parse(&"東".repeat(1_000)), Err(QueryError::TooManyWords));
    }

    #[test]
    fn what_only_looks_like_a_filter_is_words() {
        assert_eq!(Query::parse("https://example.org").unwrap().find, [phrase(&["https", "example", "org"], true)]);
    }

    #[test]
    fn a_kind_from_outside_narrows_the_kinds_typed() {
        assert_eq!(Query::parse("x kind:note").unwrap().with_kind(Kind::Quest).kinds, Some(Vec::new()));
        assert_eq!(Query::parse("x").unwrap().with_kind(Kind::Quest).kinds, Some(vec![Kind::Quest]));
    }

    #[test]
    fn the_fingerprint_tells_searches_apart() {
        let of = |text: &str| Query::parse(text).unwrap().fingerprint();
        assert_eq!(of("Garden  beds"), of("garden beds"));
        assert_ne!(of("garden beds"), of("beds garden"));
        assert_ne!(of("garden"), of("\"garden\""));
    }

    proptest! {
        #[test]
        fn any_string_parses_or_says_why(text in "(\\PC|[-:\" ]|kind:|tag:|after:|before:|2026-01-|東){0,50}") {
            match Query::parse(&text) {
                Ok(query) => prop_assert_ne!(query, Query::default()),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
