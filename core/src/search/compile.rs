//! From a parsed [`Query`] to Tantivy's queries.
//!
//! A word is looked for in four ways, and what it scores is the sum of those that match, so that the word itself
//! always beats a form of it, and that a mere beginning. A title's words count three times a body's.

use std::fmt;
use std::ops::Bound;

use tantivy::query::{
    AllQuery, BitSetDocSet, BooleanQuery, BoostQuery, ConstScoreQuery, ConstScorer, EmptyQuery, EnableScoring,
    Explanation, Occur, PhrasePrefixQuery, PhraseQuery, Query as TantivyQuery, RangeQuery, Scorer, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, Score, SegmentReader, Term as TantivyTerm};

use super::query::{Clause, Query, Term};
use super::schema::{Fields, MAX_WHOLE_CHARS};
use super::stem::Stems;
use super::terms::{Key, MAX_BEGINNING_CHARS};

/// A title's weight beside a body's.
const TITLE: Score = 3.0;
/// A stem's weight beside the word itself.
const STEM: Score = 0.5;
/// What a beginning scores: little beside BM25, which is around 1 for a common word and 10 for a rare one.
const BEGINNING: Score = 0.1;
/// What a title that was typed in full scores: more than a few words can otherwise.
const WHOLE_TITLE: Score = 100.0;
/// How many words of one beginning are joined, for each field and segment, in alphabetical order. Only the short
/// beginnings of a huge vocabulary have more, and those of up to two letters have lists of their own.
const MAX_WORDS: usize = 4_096;
/// The same for the last word of a phrase, where each costs far more.
const MAX_PHRASE_WORDS: u32 = 256;

type Boxed = Box<dyn TantivyQuery>;

/// Compiles a search.
pub(super) fn compile(query: &Query, fields: &Fields, stems: &mut Stems) -> Boxed {
    let mut parts: Vec<(Occur, Boxed)> = Vec::new();
    for clause in &query.find {
        parts.push((Occur::Must, find(clause, fields, stems)));
    }
    if let Some(kinds) = &query.kinds {
        let any = kinds.iter().map(|kind| exact(fields.key(Key::Kind, kind.as_str()))).collect();
        parts.push((Occur::Must, silent(any_of(any))));
    }
    for tag in &query.tags {
        parts.push((Occur::Must, silent(exact(fields.key(Key::Tag, tag)))));
    }
    if query.after.is_some() || query.before.is_some() {
        let term = |moment| TantivyTerm::from_field_i64(fields.updated, moment);
        let from = query.after.map_or(Bound::Unbounded, |moment| Bound::Included(term(moment)));
        let to = query.before.map_or(Bound::Unbounded, |moment| Bound::Excluded(term(moment)));
        parts.push((Occur::Must, silent(Box::new(RangeQuery::new(from, to)))));
    }
    if parts.is_empty() {
        parts.push((Occur::Must, silent(Box::new(AllQuery))));
    }
    if let Some(title) = typed_title(query) {
        let whole = Box::new(ConstScoreQuery::new(exact(fields.key(Key::Whole, &title)), WHOLE_TITLE));
        parts.push((Occur::Should, whole));
    }
    for clause in &query.avoid {
        parts.push((Occur::MustNot, avoid(clause, fields, stems)));
    }
    for kind in &query.not_kinds {
        parts.push((Occur::MustNot, exact(fields.key(Key::Kind, kind.as_str()))));
    }
    for tag in &query.not_tags {
        parts.push((Occur::MustNot, exact(fields.key(Key::Tag, tag))));
    }
    match parts.as_slice() {
        [(Occur::Must, _)] => parts.remove(0).1,
        _ => Box::new(BooleanQuery::new(parts)),
    }
}

/// The whole title that the words to find would be: what [`whole`](super::schema::whole) makes of it.
fn typed_title(query: &Query) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for clause in &query.find {
        match clause {
            Clause::Word(word) => words.push(word.text.clone()),
            Clause::Phrase { words: phrase, .. } => {
                let mut was_bigram = false;
                for word in phrase {
                    // Bigrams overlap; of each that follows another, only the second character is new.
                    let skip = usize::from(was_bigram && word.cjk);
                    words.push(word.text.chars().skip(skip).collect());
                    was_bigram = word.cjk;
                }
            }
        }
    }
    Some(words.concat().chars().take(MAX_WHOLE_CHARS).collect()).filter(|title: &String| !title.is_empty())
}

fn find(clause: &Clause, fields: &Fields, stems: &mut Stems) -> Boxed {
    match clause {
        Clause::Word(word) => {
            let mut ways = Vec::new();
            if !word.is_lone() {
                ways.extend(as_it_is(word, fields));
                ways.extend(by_stem(&word.text, fields, stems));
            }
            // A bigram begins no longer word.
            if !word.cjk || word.is_lone() {
                ways.extend(as_beginning(&word.text, fields));
            }
            any_of(ways)
        }
        Clause::Phrase { words, open } => phrase(words, *open, fields),
    }
}

/// What to leave out: the word and its forms, but not all that begins with it, which nobody who types `-car` means.
fn avoid(clause: &Clause, fields: &Fields, stems: &mut Stems) -> Boxed {
    match clause {
        Clause::Word(word) if word.is_lone() => any_of(as_beginning(&word.text, fields)),
        Clause::Word(word) => {
            let mut ways = as_it_is(word, fields);
            ways.extend(by_stem(&word.text, fields, stems));
            any_of(ways)
        }
        Clause::Phrase { words, open } => phrase(words, *open, fields),
    }
}

fn as_it_is(word: &Term, fields: &Fields) -> Vec<Boxed> {
    vec![boosted(counted(fields.title, &word.text), TITLE), counted(fields.body, &word.text)]
}

/// Finds other forms of the word: those whose stem is the same, and the stem where it is a word.
fn by_stem(word: &str, fields: &Fields, stems: &mut Stems) -> Vec<Boxed> {
    match stems.stem(word) {
        Some(stem) => vec![
            boosted(counted(fields.stem, stem), STEM),
            boosted(counted(fields.title, stem), STEM * TITLE),
            boosted(counted(fields.body, stem), STEM),
        ],
        None => vec![boosted(counted(fields.stem, word), STEM)],
    }
}

fn as_beginning(word: &str, fields: &Fields) -> Vec<Boxed> {
    let short = word.chars().nth(MAX_BEGINNING_CHARS).is_none();
    let [title, all]: [Boxed; 2] = if short {
        [exact(fields.key(Key::TitleStart, word)), exact(fields.key(Key::Start, word))]
    } else {
        [Box::new(Beginning::new(fields.title, word)), Box::new(Beginning::new(fields.body, word))]
    };
    // The list of beginnings counts a title's among all, so the title's own weighs less there.
    let weight = if short { TITLE - 1.0 } else { TITLE };
    vec![Box::new(ConstScoreQuery::new(title, BEGINNING * weight)), Box::new(ConstScoreQuery::new(all, BEGINNING))]
}

fn phrase(words: &[Term], open: bool, fields: &Fields) -> Boxed {
    let in_field = |field: Field| -> Boxed {
        let mut terms: Vec<TantivyTerm> =
            words.iter().map(|word| TantivyTerm::from_field_text(field, &word.text)).collect();
        match (terms.len(), open) {
            (1, true) => Box::new(Beginning::new(field, &words[0].text)),
            (1, false) => Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::WithFreqs)),
            (_, true) => {
                let mut query = PhrasePrefixQuery::new(terms);
                query.set_max_expansions(MAX_PHRASE_WORDS);
                Box::new(query)
            }
            (_, false) => Box::new(PhraseQuery::new(terms)),
        }
    };
    any_of(vec![boosted(in_field(fields.title), TITLE), in_field(fields.body)])
}

fn counted(field: Field, text: &str) -> Boxed {
    Box::new(TermQuery::new(TantivyTerm::from_field_text(field, text), IndexRecordOption::WithFreqs))
}

fn exact(key: TantivyTerm) -> Boxed {
    Box::new(TermQuery::new(key, IndexRecordOption::Basic))
}

fn boosted(query: Boxed, boost: Score) -> Boxed {
    Box::new(BoostQuery::new(query, boost))
}

/// A filter decides, but adds nothing to the score.
fn silent(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn any_of(mut ways: Vec<Boxed>) -> Boxed {
    match ways.len() {
        0 => Box::new(EmptyQuery),
        1 => ways.remove(0),
        _ => Box::new(BooleanQuery::union(ways)),
    }
}

/// Every document with a word that begins so. Each scores 1.
#[derive(Clone)]
struct Beginning {
    field: Field,
    beginning: String,
}

impl Beginning {
    fn new(field: Field, beginning: &str) -> Self {
        Self { field, beginning: beginning.to_owned() }
    }
}

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Beginning({:?})", self.field)
    }
}

impl TantivyQuery for Beginning {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Beginning {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let postings = reader.inverted_index(self.field)?;
        // No UTF-8 text has a byte 0xff, so this is past every word that begins so.
        let end = [self.beginning.as_bytes(), b"\xff"].concat();
        let mut words = postings.terms().range().ge(&self.beginning).lt(end).without_keys().into_stream()?;
        let mut docs = BitSet::with_max_value(reader.max_doc());
        for _ in 0..MAX_WORDS {
            if !words.advance() {
                break;
            }
            let mut list = postings.read_block_postings_from_terminfo(words.value(), IndexRecordOption::Basic)?;
            while !list.docs().is_empty() {
                for doc in list.docs() {
                    docs.insert(*doc);
                }
                list.advance();
            }
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(docs), boost)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Ok(Explanation::new("a word that begins so", 1.0))
    }
}
