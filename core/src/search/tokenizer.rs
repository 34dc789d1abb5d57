//! Cutting text into words.
//!
//! A word is a run of letters and digits, folded (see [`fold`](super::fold)) and cut at 64 characters. A run of
//! Chinese, Japanese or Korean has no gaps to go by, so it is cut into overlapping bigrams: 東京都 is 東京 and 京都.
//! A text's run also ends with its last character alone, so that any single character of it is the beginning of some
//! word; a query's run doesn't, unless it is a single character.
//!
//! Offsets are byte offsets into the original text, always on character boundaries.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};

use super::fold::{Class, class, fold_into};

/// The longest word that the index keeps, in characters. Longer ones are cut in documents and queries alike, so
/// they are still found.
const MAX_WORD_CHARS: usize = 64;

/// Whose text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A document's.
    Text,
    /// A query's.
    Query,
}

/// One word of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The folded word.
    pub(super) text: String,
    /// Where it starts in the original.
    pub(super) from: usize,
    /// Where it ends.
    pub(super) to: usize,
    /// Where its first character ends: what a bigram shows when only its beginning matched.
    pub(super) first_to: usize,
    /// Whether it is a bigram, or a single character, of a CJK run.
    pub(super) cjk: bool,
    /// Whether it stands where the word before it stands: a run's last character, beside its last bigram. Phrases
    /// that go on behind the run need both at one place.
    pub(super) beside: bool,
}

/// A folded character of a CJK run, and where it comes from.
#[derive(Debug, Clone, Copy)]
struct Glyph {
    c: char,
    from: usize,
    to: usize,
}

/// A cursor over the words of a text. Its one [`Word`] is reused, so that a long text costs no allocation a word.
#[derive(Debug)]
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
    side: Side,
    run: Vec<Glyph>,
    run_at: usize,
    word: Word,
}

impl<'a> Words<'a> {
    /// The words of a text.
    pub(super) fn new(text: &'a str, side: Side) -> Self {
        Self { text, at: 0, side, run: Vec::new(), run_at: 0, word: Word::default() }
    }

    /// Goes to the next word.
    pub(super) fn next(&mut self) -> Option<&Word> {
        if self.advance() { Some(&self.word) } else { None }
    }

    /// The current word.
    pub(super) fn word(&self) -> &Word {
        &self.word
    }

    /// Goes to the next word; false at the end.
    pub(super) fn advance(&mut self) -> bool {
        loop {
            if self.next_bigram() || self.next_ascii() {
                return true;
            }
            let Some(c) = self.text[self.at..].chars().next() else { return false };
            match class(c) {
                Class::Gap | Class::Joiner => self.at += c.len_utf8(),
                Class::Cjk => self.read_run(),
                Class::Word => {
                    self.read_word();
                    if !self.word.text.is_empty() {
                        return true;
                    }
                }
            }
        }
    }

    /// Skips ASCII gaps and takes a word that is ASCII to its end: nearly all words of most notes.
    fn next_ascii(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && bytes[self.at].is_ascii() && !bytes[self.at].is_ascii_alphanumeric() {
            self.at += 1;
        }
        let start = self.at;
        let mut end = start;
        while end < bytes.len() && bytes[end].is_ascii_alphanumeric() {
            end += 1;
        }
        // What follows might be an accent on the last letter, so the slow way has to look.
        if end == start || (end < bytes.len() && !bytes[end].is_ascii()) {
            return false;
        }
        self.at = end;
        self.word.text.clear();
        self.word.text.push_str(&self.text[start..end.min(start + MAX_WORD_CHARS)]);
        self.word.text.make_ascii_lowercase();
        self.word.from = start;
        self.word.to = end;
        self.word.first_to = start + 1;
        self.word.cjk = false;
        self.word.beside = false;
        true
    }

    fn read_word(&mut self) {
        let start = self.at;
        let mut chars = 0;
        self.word.text.clear();
        self.word.first_to = start;
        for c in self.text[start..].chars() {
            if !matches!(class(c), Class::Word | Class::Joiner) {
                break;
            }
            if chars < MAX_WORD_CHARS {
                fold_into(c, &mut self.word.text);
            }
            chars += 1;
            self.at += c.len_utf8();
            if chars == 1 {
                self.word.first_to = self.at;
            }
        }
        self.word.from = start;
        self.word.to = self.at;
        self.word.cjk = false;
        self.word.beside = false;
    }

    /// Reads a CJK run: width variants become the plain character, and what was written in pieces (ガ as カ and a
    /// voiced mark, 한 as three jamo) becomes one.
    fn read_run(&mut self) {
        self.run.clear();
        self.run_at = 0;
        for c in self.text[self.at..].chars() {
            if class(c) != Class::Cjk {
                break;
            }
            let from = self.at;
            self.at += c.len_utf8();
            let to = self.at;
            let run = &mut self.run;
            decompose_compatible(c, |part| match run.last_mut() {
                Some(last) if let Some(whole) = compose(last.c, part) => {
                    last.c = whole;
                    last.to = to;
                }
                _ if canonical_combining_class(part) == 0 && part.is_alphanumeric() => {
                    run.push(Glyph { c: part, from, to })
                }
                Some(last) => last.to = to,
                None => {}
            });
        }
    }

    fn next_bigram(&mut self) -> bool {
        let left = &self.run[self.run_at..];
        let (first, second) = match (left, self.side) {
            ([first, second, ..], _) => (*first, Some(*second)),
            ([only], side) if side == Side::Text || self.run.len() == 1 => (*only, None),
            _ => {
                self.run.clear();
                self.run_at = 0;
                return false;
            }
        };
        self.run_at += 1;
        self.word.text.clear();
        self.word.text.push(first.c);
        if let Some(second) = second {
            self.word.text.push(second.c);
        }
        self.word.from = first.from;
        self.word.to = second.map_or(first.to, |second| second.to);
        self.word.first_to = first.to;
        self.word.cjk = true;
        self.word.beside = second.is_none() && self.run_at > 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str, side: Side) -> Vec<String> {
        let mut words = Words::new(text, side);
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            found.push(word.text.clone());
        }
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words("Don't PANIC: e-mail v2.10_x!", Side::Text),
            ["don", "t", "panic", "e", "mail", "v2", "10", "x"]
        );
        assert_eq!(words("", Side::Text), [""; 0]);
        assert_eq!(words(" —\n", Side::Text), [""; 0]);
    }

    #[test]
    fn accents_in_either_form_give_one_word() {
        assert_eq!(words("Zoe\u{308} naïve Zoë", Side::Text), ["zoe", "naive", "zoe"]);
    }

    #[test]
    fn cjk_is_cut_into_bigrams() {
        assert_eq!(words("東京都", Side::Text), ["東京", "京都", "都"]);
        assert_eq!(words("東京都", Side::Query), ["東京", "京都"]);
        assert_eq!(words("都", Side::Query), ["都"]);
        assert_eq!(words("iPhone15を買う", Side::Query), ["iphone15", "を買", "買う"]);
        assert_eq!(words("한국어 말", Side::Query), ["한국", "국어", "말"]);
    }

    #[test]
    fn pieces_and_width_variants_are_one_character() {
        assert_eq!(words("ｶﾞｽ", Side::Query), ["ガス"]);
        assert_eq!(words("カ\u{3099}ス", Side::Query), ["ガス"]);
        assert_eq!(words("\u{1112}\u{1161}\u{11ab}국", Side::Query), ["한국"]);
    }

    #[test]
    fn a_long_word_is_cut_on_both_sides() {
        let long = "x".repeat(500);
        assert_eq!(words(&long, Side::Text), words(&long, Side::Query));
        assert_eq!(words(&long, Side::Text)[0].len(), MAX_WORD_CHARS);
        assert_eq!(words(&"é".repeat(500), Side::Text)[0], "e".repeat(MAX_WORD_CHARS));
    }

    #[test]
    fn offsets_point_at_the_original() {
        let text = "¡Hola, señor Müller! 東京タワー";
        let mut words = Words::new(text, Side::Text);
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            found.push(&text[word.from..word.to]);
        }
        assert_eq!(found, ["Hola", "señor", "Müller", "東京", "京タ", "タワ", "ワー", "ー"]);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_on_character_boundaries(text in "(\\PC|[a-zé\u{301}가-힣ｦ-ﾟア-ンㄱ-ㅎ東京\u{1100}-\u{11ff} ]){0,60}") {
            for side in [Side::Text, Side::Query] {
                let mut words = Words::new(&text, side);
                let mut last = 0;
                while let Some(word) = words.next() {
                    prop_assert!(!word.text.is_empty());
                    prop_assert!(word.from >= last && word.from < word.to && word.first_to <= word.to);
                    prop_assert!(text.is_char_boundary(word.from) && text.is_char_boundary(word.to));
                    prop_assert!(text.is_char_boundary(word.first_to));
                    last = word.from;
                }
            }
        }

        #[test]
        fn a_words_own_text_is_cut_to_itself(text in "\\PC{0,40}") {
            let all = words(&text, Side::Query);
            for word in &all {
                prop_assert!(!words(word, Side::Query).is_empty(), "{word:?}");
            }
        }
    }
}
