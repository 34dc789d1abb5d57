//! The piece of a text that shows why it was found: about 160 characters, with the matches between `«` and `»`.
//!
//! The text is cut into words once, by the same tokenizer as the index, so that whatever matched there is marked
//! here. Only then is the best place chosen: where the most different parts of the search are close together.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::query::{Clause, Query};
use super::stem::Stems;
use super::tokenizer::{Side, Word, Words};

/// How long a snippet is, in characters of the original text.
const CHARS: usize = 160;
/// How much of that is shown before the first match, at most.
const LEAD: usize = 40;
/// How far an end is moved to find a gap between words.
const SLACK: usize = 24;
/// How many matches are weighed. More only say that the word is everywhere.
const MAX_MATCHES: usize = 200;
/// How much of a text is looked at, in bytes. A match further on in a very long text is found, but not shown.
const MAX_BYTES: usize = 1 << 20;

/// What to mark, made once for a page of hits.
pub(super) struct Marker {
    needles: Vec<Needle>,
    stems: Stems,
}

enum Needle {
    Word { text: String, stem: String, lone: bool },
    Phrase { words: Vec<String>, open: bool },
}

/// A match: its bytes, and which part of the search it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Match {
    bytes: Range<usize>,
    needle: usize,
}

impl Marker {
    /// For the words that a search is to find.
    pub(super) fn new(query: &Query, mut stems: Stems) -> Self {
        let needle = |clause: &Clause| match clause {
            Clause::Word(word) => {
                let stem = stems.stem(&word.text).unwrap_or(&word.text).to_owned();
                Needle::Word { text: word.text.clone(), stem, lone: word.is_lone() }
            }
            Clause::Phrase { words, open } => {
                Needle::Phrase { words: words.iter().map(|word| word.text.clone()).collect(), open: *open }
            }
        };
        let needles = query.find.iter().map(needle).collect();
        Self { needles, stems }
    }

    /// What was learnt of the forms of words.
    pub(super) fn into_stems(self) -> Stems {
        self.stems
    }

    /// The snippet of a text.
    pub(super) fn snippet(&mut self, text: &str) -> String {
        let matches = self.matches(text);
        let (best, show) = match best(text, &matches) {
            Some(best) => (best, true),
            None => (0..0, false),
        };
        let window = window(text, best, show);
        let marks = merged(text, matches.into_iter().map(|found| found.bytes));
        render(text, window, &marks)
    }

    fn matches(&mut self, text: &str) -> Vec<Match> {
        let mut found = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        let mut phrases: Vec<Progress> = self.needles.iter().map(|_| Progress::default()).collect();
        let mut words = Words::new(text, Side::Text);
        while let Some(word) = words.next() {
            if found.len() >= MAX_MATCHES || word.from > MAX_BYTES {
                break;
            }
            for (at, needle) in self.needles.iter().enumerate() {
                match needle {
                    Needle::Word { text, stem, lone } => {
                        if let Some(to) = matches_word(word, text, stem, *lone, &mut self.stems) {
                            found.push(Match { bytes: word.from..to, needle: at });
                        }
                    }
                    Needle::Phrase { words, open } => {
                        phrases[at].read(word, words, *open, |bytes| found.push(Match { bytes, needle: at }));
                    }
                }
            }
        }
        found.sort_by_key(|found| (found.bytes.start, found.bytes.end));
        found
    }
}

/// How far the matches of a phrase have come that began before the current word, each with its count of words and
/// its start; and how far they had come one place earlier, which is where a word beside the last one goes on from.
#[derive(Default)]
struct Progress {
    earlier: Vec<(usize, usize)>,
    now: Vec<(usize, usize)>,
}

impl Progress {
    fn read(&mut self, word: &Word, phrase: &[String], open: bool, mut found: impl FnMut(Range<usize>)) {
        if !word.beside {
            std::mem::swap(&mut self.earlier, &mut self.now);
            self.now.clear();
        }
        for (count, from) in self.earlier.iter().copied().chain([(0, word.from)]) {
            let last = count + 1 == phrase.len();
            let to = match &phrase[count] {
                same if *same == word.text => word.to,
                start if last && open && word.text.starts_with(start.as_str()) => {
                    if word.cjk {
                        word.first_to
                    } else {
                        word.to
                    }
                }
                _ => continue,
            };
            if last {
                found(from..to);
            } else {
                self.now.push((count + 1, from));
            }
        }
    }
}

/// Where the match of a word ends, if it is one.
fn matches_word(word: &Word, text: &str, stem: &str, lone: bool, stems: &mut Stems) -> Option<usize> {
    // Forms of a word share its first letter, so most words are turned away here.
    if word.text.as_bytes().first() != text.as_bytes().first() {
        return None;
    }
    if word.text.starts_with(text) {
        // One character of a bigram was asked for: show that one.
        return Some(if lone { word.first_to } else { word.to });
    }
    let same_stem = !word.cjk && (word.text == stem || stems.stem(&word.text).is_some_and(|other| other == stem));
    same_stem.then_some(word.to)
}

/// The bytes of the best cluster of matches.
fn best(text: &str, matches: &[Match]) -> Option<Range<usize>> {
    // Distances are in characters; counting them from match to match reads the text once.
    let mut places = Vec::with_capacity(matches.len());
    let (mut byte, mut chars) = (0, 0);
    for found in matches {
        chars += text[byte..found.bytes.start].chars().count();
        byte = found.bytes.start;
        places.push(chars);
    }
    let mut best: Option<((usize, usize), Range<usize>)> = None;
    for (first, start) in matches.iter().enumerate() {
        let mut seen = Vec::new();
        let mut count = 0;
        let mut end = start.bytes.end;
        for (found, place) in matches[first..].iter().zip(&places[first..]) {
            if place - places[first] > CHARS - LEAD {
                break;
            }
            if !seen.contains(&found.needle) {
                seen.push(found.needle);
            }
            count += 1;
            end = end.max(found.bytes.end);
        }
        let score = (seen.len(), count.min(5));
        if best.as_ref().is_none_or(|(so_far, _)| score > *so_far) {
            best = Some((score, start.bytes.start..end));
        }
    }
    best.map(|(_, bytes)| bytes)
}

/// The bytes to show: around the cluster, or from the beginning. Ends are moved to gaps between words where one is near.
fn window(text: &str, best: Range<usize>, show: bool) -> Range<usize> {
    let mut start = 0;
    if show {
        let before = &text[..best.start];
        let span = text[best.clone()].chars().take(CHARS).count();
        let lead = LEAD.min((CHARS - span) / 2).max(1);
        if let Some((at, _)) = before.char_indices().rev().nth(lead) {
            let gap = before[at..].char_indices().take(SLACK).find(|(_, c)| c.is_whitespace());
            start = gap.map_or(at, |(gap, c)| at + gap + c.len_utf8());
        }
    }
    start += text[start..]
        .chars()
        .take_while(|c| c.is_whitespace() || is_combining_mark(*c))
        .map(char::len_utf8)
        .sum::<usize>();
    // White space counts once, however much of it there is, as it is shown.
    let mut chars = 0;
    let mut was_space = false;
    let rest = &text[start..];
    let cut = rest.char_indices().find(|(_, c)| {
        let space = c.is_whitespace();
        chars += usize::from(!(space && was_space));
        was_space = space;
        chars > CHARS
    });
    let end = match cut {
        None => text.len(),
        Some((cut, c)) if c.is_whitespace() => start + cut,
        Some((cut, _)) => {
            let gap = rest[..cut].char_indices().rev().take(SLACK).find(|(_, c)| c.is_whitespace());
            match gap {
                Some((gap, _)) if start + gap >= best.end => start + gap,
                _ => start + base(rest, cut),
            }
        }
    };
    start..end
}

/// The last boundary up to `cut` that doesn't part a letter from its accents.
fn base(text: &str, cut: usize) -> usize {
    let after = text[cut..].chars().next();
    if !after.is_some_and(is_combining_mark) {
        return cut;
    }
    text[..cut].char_indices().rev().find(|(_, c)| !is_combining_mark(*c)).map_or(cut, |(at, _)| at)
}

/// Matches that overlap or touch become one mark: the bigrams of a CJK run, mostly.
fn merged(text: &str, matches: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    for found in matches {
        match marks.last_mut() {
            Some(last) if found.start <= last.end => last.end = last.end.max(found.end),
            _ => marks.push(found),
        }
    }
    // An accent that follows a single character belongs inside.
    for mark in &mut marks {
        mark.end += text[mark.end..].chars().take_while(|c| is_combining_mark(*c)).map(char::len_utf8).sum::<usize>();
    }
    marks
}

fn render(text: &str, window: Range<usize>, marks: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(window.len() + 32);
    let shown = text[window.clone()].trim_end();
    let end = window.start + shown.len();
    if text[..window.start].chars().any(|c| !c.is_whitespace()) {
        out.push('…');
    }
    let mut at = window.start;
    for mark in marks.iter().filter(|mark| mark.end > window.start && mark.start < end) {
        let (from, to) = (mark.start.max(window.start), mark.end.min(end));
        fold_space(&text[at..from], &mut out);
        out.push('«');
        fold_space(&text[from..to], &mut out);
        out.push('»');
        at = to;
    }
    fold_space(&text[at..end], &mut out);
    if text[end..].chars().any(|c| !c.is_whitespace()) {
        out.push('…');
    }
    out
}

/// Adds a text with each run of white space, line ends too, as one space; control characters are dropped, and the text's own double guillemets
/// become single ones, so that a mark is always a match.
fn fold_space(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '«' => out.push('‹'),
            '»' => out.push('›'),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn snippet(query: &str, text: &str) -> String {
        Marker::new(&Query::parse(query).unwrap(), Stems::new()).snippet(text)
    }

    #[test]
    fn every_way_to_match_is_marked() {
        assert_eq!(snippet("frid", "On Friday, fried."), "On «Friday», fried.");
        assert_eq!(snippet("gardens", "A garden for gardening"), "A «garden» for «gardening»");
        assert_eq!(snippet("zoe", "Zoë and ZOE\u{308}."), "«Zoë» and «ZOE\u{308}».");
        assert_eq!(snippet("\"old shed\"", "old old shed, old\nshed; shed"), "old «old shed», «old shed»; shed");
        assert_eq!(snippet("e-ma", "e mail"), "«e mail»");
        assert_eq!(snippet("chat", "Le « chat » dort."), "Le ‹ «chat» › dort.");
    }

    #[test]
    fn cjk_is_marked_as_typed() {
        assert_eq!(snippet("京都", "東京都と京都"), "東«京都»と«京都»");
        assert_eq!(snippet("東京都", "ここは東京都です"), "ここは«東京都»です");
        assert_eq!(snippet("都", "東京都です"), "東京«都»です");
        assert_eq!(snippet("東京tow", "東京tower"), "«東京tower»");
        assert_eq!(snippet("\"京 tower\"", "東京tower"), "東«京tower»");
    }

    #[test]
    fn the_piece_with_most_of_the_search_is_shown() {
        let text =
            format!("garden first. {} Then the garden has a shed in it. {}", "word ".repeat(100), "more ".repeat(100));
        let piece = snippet("garden shed", &text);
        assert!(piece.starts_with('…') && piece.ends_with('…'), "{piece}");
        assert!(piece.contains("«garden» has a «shed»"), "{piece}");
        assert!((120..=172).contains(&piece.chars().count()), "{piece}");
    }

    #[test]
    fn cuts_are_between_words() {
        let text = "uncommon ".repeat(20) + "needle " + &"unusual ".repeat(40);
        let piece = snippet("needle", &text);
        assert!(piece.starts_with("…uncommon ") && piece.ends_with(" unusual…"), "{piece}");
    }

    #[test]
    fn without_a_match_the_beginning_is_shown() {
        assert_eq!(snippet("x", "\n\n# Title\r\n\r\n  text\t«here»\n"), "# Title text ‹here›");
        assert_eq!(snippet("x", " \n "), "");
        assert!(snippet("x", &"word ".repeat(100)).ends_with("word…"));
        assert_eq!(snippet("kind:note", "body"), "body");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "(\\PC|[\n\t a-c\u{301}ëガ東京都한]|ｶﾞ|カ\u{3099}|garden ){0,300}",
            query in "(\\PC|[ \"a-c東都]|garden){1,12}",
        ) {
            if let Ok(query) = Query::parse(&query) {
                let piece = Marker::new(&query, Stems::new()).snippet(&text);
                prop_assert!(piece.chars().filter(|c| !is_combining_mark(*c) && !matches!(c, '«' | '»' | '…')).count() <= CHARS);
            }
        }
    }
}
