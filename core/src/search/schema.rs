//! What the index keeps of a document, and in which form.
//!
//! | field | holds | for |
//! | --- | --- | --- |
//! | `id_high`, `id_low`, `updated` | columns | ties, cursors, `after:`, `before:` |
//! | `title`, `body` | words with places; stored | words, phrases, snippets |
//! | `stem` | stems of both that differ from their words | words by stem |
//! | `key` | everything that only is there or not, by [`Key`] | filters, beginnings, replacing |
//! | `kind` | stored | hits |
//!
//! One field for all keys, because each indexed field has a dictionary of its own, and making one takes longer than
//! indexing a short note.

use altair_protocol::{EntityId, Kind};
use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, STORED, Schema, SchemaBuilder, TextFieldIndexing, TextOptions, Value,
};
use tantivy::store::Compressor;
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{IndexSettings, TantivyDocument, Term};

use super::Document;
use super::fold::fold_tag;
use super::stem::Stems;
use super::terms::{KEYS, Key, KeyTokenizer, STEMS, StemTokenizer, WORDS, WordTokenizer};
use super::tokenizer::{Side, Words};

/// The version of everything that decides which terms a document gives: this schema, the tokenizers, folding and
/// stemming. An index of another version is made anew.
pub(super) const VERSION: u32 = 1;

/// The longest `whole` term in characters; a longer title is compared by its beginning.
pub(super) const MAX_WHOLE_CHARS: usize = 120;

/// The schema with its fields at hand.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    pub(super) id_high: Field,
    pub(super) id_low: Field,
    pub(super) updated: Field,
    pub(super) kind: Field,
    pub(super) title: Field,
    pub(super) body: Field,
    pub(super) stem: Field,
    pub(super) key: Field,
}

/// The columns' names, by which Tantivy opens them.
pub(super) const ID_HIGH: &str = "id_high";
/// See [`ID_HIGH`].
pub(super) const ID_LOW: &str = "id_low";
/// See [`ID_HIGH`].
pub(super) const UPDATED: &str = "updated";

impl Fields {
    /// The schema of [`VERSION`].
    pub(super) fn new() -> Self {
        let text = |tokenizer: &str, record: IndexRecordOption, norms: bool| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record);
            TextOptions::default().set_indexing_options(indexing.set_fieldnorms(norms))
        };
        let words = || text(WORDS, IndexRecordOption::WithFreqsAndPositions, true);
        let column = || NumericOptions::default().set_fast();

        let mut schema: SchemaBuilder = Schema::builder();
        let id_high = schema.add_u64_field(ID_HIGH, column());
        let id_low = schema.add_u64_field(ID_LOW, column());
        let updated = schema.add_i64_field(UPDATED, column());
        let title = schema.add_text_field("title", words() | STORED);
        let body = schema.add_text_field("body", words() | STORED);
        let stem = schema.add_text_field("stem", text(STEMS, IndexRecordOption::WithFreqs, true));
        let key = schema.add_text_field("key", text(KEYS, IndexRecordOption::Basic, false));
        let kind = schema.add_text_field("kind", STORED);
        let schema = schema.build();
        Self { schema, id_high, id_low, updated, kind, title, body, stem, key }
    }

    /// The form of a document in which Tantivy takes it.
    pub(super) fn document(&self, document: &Document) -> TantivyDocument {
        let mut row = TantivyDocument::default();
        let (high, low) = document.id.uuid().as_u64_pair();
        row.add_u64(self.id_high, high);
        row.add_u64(self.id_low, low);
        row.add_i64(self.updated, document.updated_ms);
        row.add_text(self.title, &document.title);
        row.add_text(self.body, &document.body);
        row.add_text(self.stem, &document.title);
        row.add_text(self.stem, &document.body);
        row.add_text(self.kind, document.kind.as_str());
        let mut key = |key: Key, text: &str| row.add_text(self.key, key.of(text));
        key(Key::Id, &document.id.uuid().simple().to_string());
        key(Key::Kind, document.kind.as_str());
        for tag in &document.tags {
            nested_in(&fold_tag(tag)).for_each(|tag| key(Key::Tag, tag));
        }
        key(Key::TitleStart, &document.title);
        key(Key::Start, &document.title);
        key(Key::Start, &document.body);
        let whole = whole(&document.title);
        if !whole.is_empty() {
            key(Key::Whole, &whole);
        }
        row
    }

    /// The term of a key.
    pub(super) fn key(&self, key: Key, text: &str) -> Term {
        Term::from_field_text(self.key, &key.of(text))
    }

    /// The term by which a document is replaced and removed.
    pub(super) fn id_term(&self, id: EntityId) -> Term {
        self.key(Key::Id, &id.uuid().simple().to_string())
    }

    /// What is stored of a document.
    pub(super) fn stored<'a>(&self, row: &'a TantivyDocument) -> Stored<'a> {
        let text = |field| row.get_first(field).and_then(|value| value.as_str()).unwrap_or_default();
        Stored { kind: text(self.kind).parse().ok(), title: text(self.title), body: text(self.body) }
    }
}

/// What a hit is made from.
pub(super) struct Stored<'a> {
    /// `None` where the index is damaged.
    pub(super) kind: Option<Kind>,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
}

/// The store of documents in small blocks: a page of hits reads one for each hit, and a block is decompressed whole.
pub(super) fn settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::Lz4,
        // A thread for each segment costs more than it saves on a commit of one note.
        docstore_compress_dedicated_thread: false,
        docstore_blocksize: 4096,
        ..IndexSettings::default()
    }
}

/// The tokenizers that the schema names.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, TextAnalyzer::from(WordTokenizer));
    manager.register(STEMS, TextAnalyzer::from(StemTokenizer(Stems::new())));
    manager.register(KEYS, TextAnalyzer::from(KeyTokenizer));
    manager
}

/// `garden`, `garden/beds` and `garden/beds/roses` of the last.
fn nested_in(tag: &str) -> impl Iterator<Item = &str> {
    let ends = tag.match_indices('/').map(|(at, _)| at).chain([tag.len()]);
    ends.map(|end| &tag[..end]).filter(|tag| !tag.is_empty())
}

/// A text's words run together: what a title and a query have to share to be the same.
pub(super) fn whole(text: &str) -> String {
    let mut words = Words::new(text, Side::Query);
    let mut out = String::new();
    let mut chars = 0;
    let mut after = 0;
    while let Some(word) = words.next() {
        // Bigrams overlap: of each that follows another, only the second character is new.
        let overlap = word.cjk && word.from < after;
        let new = word.text.char_indices().nth(usize::from(overlap)).map_or("", |(at, _)| &word.text[at..]);
        for c in new.chars().take(MAX_WHOLE_CHARS - chars) {
            out.push(c);
            chars += 1;
        }
        after = word.to;
        if chars == MAX_WHOLE_CHARS {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_tag_is_in_all_its_parents() {
        assert_eq!(nested_in("garden/beds/roses").collect::<Vec<_>>(), ["garden", "garden/beds", "garden/beds/roses"]);
        assert_eq!(nested_in("").count(), 0);
    }

    #[test]
    fn a_whole_title_is_its_letters() {
        assert_eq!(whole("Ham & Éggs"), "hameggs");
        assert_eq!(whole("東京都 Tower"), "東京都tower");
        assert_eq!(whole(&"long ".repeat(100)).len(), MAX_WHOLE_CHARS);
    }
}
