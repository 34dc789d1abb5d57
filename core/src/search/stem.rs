//! Stems: the part that an English word's forms share (garden, gardens, gardening).
//!
//! Only words of ASCII letters have one; in other languages, beginnings of words do most of the same work. Stems
//! are kept only where they differ from the word, which saves the index nearly half of them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer};

/// How many words a [`Stems`] remembers: notes repeat themselves, and looking up is ten times faster than stemming.
const REMEMBERED: usize = 16_384;

/// Finds stems and remembers them.
#[derive(Clone)]
pub(super) struct Stems {
    analyzer: TextAnalyzer,
    /// Where in `stems` a word's is.
    known: HashMap<String, usize, BuildHasherDefault<Fnv>>,
    stems: Vec<Option<String>>,
}

/// FNV-1a: of short words it is quicker than the standard hash, and a crowded table here can only make search slow.
#[derive(Clone, Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn finish(&self) -> u64 {
        // The table goes by the topmost bits, which the last letters hardly reach.
        self.0 ^ self.0.rotate_left(32)
    }
}

impl Stems {
    /// With nothing remembered.
    pub(super) fn new() -> Self {
        let analyzer = TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build();
        Self { analyzer, known: HashMap::default(), stems: Vec::new() }
    }

    /// The stem of a folded word, where it has one that differs from it.
    pub(super) fn stem(&mut self, word: &str) -> Option<&str> {
        if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return None;
        }
        let at = match self.known.get(word) {
            Some(at) => *at,
            None => self.learn(word),
        };
        self.stems.get(at)?.as_deref()
    }

    fn learn(&mut self, word: &str) -> usize {
        if self.stems.len() >= REMEMBERED {
            self.known.clear();
            self.stems.clear();
        }
        let stem = self.find(word);
        self.stems.push(stem);
        self.known.insert(word.to_owned(), self.stems.len() - 1);
        self.stems.len() - 1
    }

    fn find(&mut self, word: &str) -> Option<String> {
        let mut stream = self.analyzer.token_stream(word);
        let stem = stream.next()?.text.as_str();
        (stem != word && !stem.is_empty()).then(|| stem.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_stem() {
        let mut stems = Stems::new();
        assert_eq!(stems.stem("gardens"), Some("garden"));
        assert_eq!(stems.stem("gardening"), Some("garden"));
        assert_eq!(stems.stem("garden"), None);
        assert_eq!(stems.stem("is"), None);
        assert_eq!(stems.stem("2026s"), None);
    }
}
