//! The streams of terms that a document gives: words, their stems, and keys.
//!
//! A key is a term that is there or not: an id, a kind, a tag, a whole title, or the beginning of a word. A letter in
//! front says which. Beginnings are the first one and two characters of each word. A search for `a` would otherwise have to join
//! thousands of words that begin with it; this way it reads one list, whatever the size of the index.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::stem::Stems;
use super::tokenizer::{Side, Word, Words};

/// The names under which the tokenizers are registered. A change to what they give needs a new
/// [`VERSION`](super::schema::VERSION).
pub(super) const WORDS: &str = "altair_words";
/// See [`WORDS`].
pub(super) const STEMS: &str = "altair_stems";
/// See [`WORDS`].
pub(super) const KEYS: &str = "altair_keys";

/// The longest beginning that is indexed, in characters.
pub(super) const MAX_BEGINNING_CHARS: usize = 2;

/// Gives every word, with its place for phrases.
#[derive(Clone)]
pub(super) struct WordTokenizer;

/// Gives the stems that differ from their words.
#[derive(Clone)]
pub(super) struct StemTokenizer(pub(super) Stems);

/// Gives the keys of a text that [`Key::of`] has marked.
#[derive(Clone)]
pub(super) struct KeyTokenizer;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// An entity's id.
    Id,
    /// A kind's name.
    Kind,
    /// A tag, folded.
    Tag,
    /// All words of the title, run together.
    Whole,
    /// The beginning of a word in the title or the body.
    Start,
    /// The beginning of a word in the title.
    TitleStart,
}

impl Key {
    const fn mark(self) -> char {
        match self {
            Self::Id => 'i',
            Self::Kind => 'k',
            Self::Tag => 't',
            Self::Whole => 'w',
            Self::Start => 's',
            Self::TitleStart => 'h',
        }
    }

    /// The text, marked. It is the term itself, but for texts whose words' beginnings are to be taken.
    pub(super) fn of(self, text: &str) -> String {
        let mut key = String::with_capacity(text.len() + 1);
        key.push(self.mark());
        key.push_str(text);
        key
    }
}

/// [`WordTokenizer`]'s stream.
pub(super) struct WordStream<'a> {
    words: Words<'a>,
    token: Token,
}

/// [`StemTokenizer`]'s stream.
pub(super) struct StemStream<'a> {
    words: Words<'a>,
    stems: &'a mut Stems,
    token: Token,
}

/// [`KeyTokenizer`]'s stream.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack while one text is read; a box would cost more")]
pub(super) enum KeyStream<'a> {
    /// The text is one key.
    One {
        /// Whether it has been given.
        given: bool,
        /// The key.
        token: Token,
    },
    /// The text's words give their beginnings.
    Starts(Starts<'a>),
}

/// The beginnings of a text's words.
pub(super) struct Starts<'a> {
    words: Words<'a>,
    mark: char,
    /// How many characters the next beginning of the current word has; 0 when a new word is due.
    next_chars: usize,
    /// The ASCII beginnings given so far. A list of documents names each document once, so repeats only cost time.
    given: [u64; 32],
    token: Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        WordStream { words: Words::new(text, Side::Text), token: Token::default() }
    }
}

impl Tokenizer for StemTokenizer {
    type TokenStream<'a> = StemStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> StemStream<'a> {
        StemStream { words: Words::new(text, Side::Text), stems: &mut self.0, token: Token::default() }
    }
}

impl Tokenizer for KeyTokenizer {
    type TokenStream<'a> = KeyStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> KeyStream<'a> {
        match text.chars().next() {
            Some(mark) if mark == Key::Start.mark() || mark == Key::TitleStart.mark() => {
                let words = Words::new(&text[mark.len_utf8()..], Side::Text);
                KeyStream::Starts(Starts { words, mark, next_chars: 0, given: [0; 32], token: Token::default() })
            }
            _ => KeyStream::One {
                given: false,
                token: Token { offset_to: text.len(), position: 0, text: text.to_owned(), ..Token::default() },
            },
        }
    }
}

fn set(token: &mut Token, word: &Word, text: &str) {
    token.position = token.position.wrapping_add(usize::from(!word.beside));
    token.offset_from = word.from;
    token.offset_to = word.to;
    token.text.clear();
    token.text.push_str(text);
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        set(&mut self.token, word, &word.text);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl TokenStream for StemStream<'_> {
    fn advance(&mut self) -> bool {
        while let Some(word) = self.words.next() {
            if let Some(stem) = self.stems.stem(&word.text) {
                set(&mut self.token, word, stem);
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl TokenStream for KeyStream<'_> {
    fn advance(&mut self) -> bool {
        match self {
            Self::One { given, .. } => !std::mem::replace(given, true),
            Self::Starts(starts) => starts.advance(),
        }
    }

    fn token(&self) -> &Token {
        match self {
            Self::One { token, .. } => token,
            Self::Starts(starts) => &starts.token,
        }
    }

    fn token_mut(&mut self) -> &mut Token {
        match self {
            Self::One { token, .. } => token,
            Self::Starts(starts) => &mut starts.token,
        }
    }
}

impl Starts<'_> {
    fn advance(&mut self) -> bool {
        loop {
            if self.next_chars == 0 {
                if !self.words.advance() {
                    return false;
                }
                self.next_chars = 1;
            }
            let word = self.words.word();
            let chars = self.next_chars;
            let beginning = beginning(&word.text, chars);
            // A bigram is its own two-character beginning, and the list of words has it already.
            self.next_chars = match beginning {
                Some(_) if chars < MAX_BEGINNING_CHARS && !word.cjk => chars + 1,
                _ => 0,
            };
            if let Some(beginning) = beginning
                && is_new(&mut self.given, beginning)
            {
                self.token.position = self.token.position.wrapping_add(1);
                self.token.offset_from = word.from;
                self.token.offset_to = word.to;
                self.token.text.clear();
                self.token.text.push(self.mark);
                self.token.text.push_str(beginning);
                return true;
            }
        }
    }
}

/// The first `chars` characters of a word, if it has as many.
fn beginning(word: &str, chars: usize) -> Option<&str> {
    let mut ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.nth(chars - 1).map(|end| &word[..end])
}

/// Notes an ASCII beginning and says whether it is the first of its kind; other scripts always are.
fn is_new(given: &mut [u64; 32], beginning: &str) -> bool {
    let place = |b: u8| match b {
        b'a'..=b'z' => Some(usize::from(b - b'a') + 1),
        b'0'..=b'9' => Some(usize::from(b - b'0') + 27),
        _ => None,
    };
    let index = match beginning.as_bytes() {
        [a] => place(*a),
        [a, b] => place(*a).zip(place(*b)).map(|(a, b)| b * 40 + a),
        _ => None,
    };
    let Some(index) = index else { return true };
    let (slot, bit) = (index / 64, 1_u64 << (index % 64));
    let new = given[slot] & bit == 0;
    given[slot] |= bit;
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut stream: impl TokenStream) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(token) = stream.next() {
            found.push(token.text.clone());
        }
        found
    }

    #[test]
    fn only_stems_that_differ_are_given() {
        let mut tokenizer = StemTokenizer(Stems::new());
        assert_eq!(all(tokenizer.token_stream("The gardens were growing in May")), ["garden", "grow"]);
    }

    #[test]
    fn beginnings_are_given_once() {
        let starts = |text| all(KeyTokenizer.token_stream(&Key::Start.of(text)));
        assert_eq!(starts("to Tom, a zebra; ze"), ["st", "sto", "sa", "sz", "sze"]);
        assert_eq!(starts("東京 éa"), ["s東", "s京", "se", "sea"]);
        assert_eq!(starts("99 z9 9z"), ["s9", "s99", "sz", "sz9", "s9z"]);
    }

    #[test]
    fn other_keys_are_one_term() {
        assert_eq!(all(KeyTokenizer.token_stream(&Key::Tag.of("garden/beds"))), ["tgarden/beds"]);
    }

    #[test]
    fn places_count_words() {
        let mut tokenizer = WordTokenizer;
        let mut stream = tokenizer.token_stream("one 東京 two");
        let mut places = Vec::new();
        while let Some(token) = stream.next() {
            places.push((token.position, token.text.clone()));
        }
        let expected = [(0, "one"), (1, "東京"), (1, "京"), (2, "two")];
        assert_eq!(places, expected.map(|(place, text)| (place, text.to_owned())));
    }
}
