//! Search: a Tantivy index beside the store, fed by the store's commits and made anew from them at any time.
//!
//! The index is a cache, and that is its invariant: whatever it says is what the store said at the commit that
//! [`SearchIndex::holds`] names, and when it can't vouch for that (it is missing, damaged, of another version or of
//! another store) it throws itself away, holds commit 0 and waits to be fed. Nothing here reads the store.
//!
//! - the tokenizer cuts text into folded words, and Chinese, Japanese and Korean into bigrams;
//! - `Query` is what a person typed, parsed; compiling it to Tantivy's queries is a step of its own;
//! - `SearchIndex` is the index on disk: feeding, committing, searching, checking;
//! - snippets are cut from the stored text, for the hits of one page only.
//!
//! Everything is synchronous and blocks on the disk: call it from a thread that may.

mod compile;
mod files;
mod fold;
mod index;
mod opening;
mod query;
mod rank;
mod schema;
mod snippet;
mod stem;
mod terms;
mod tokenizer;
mod trust;
mod writer;

#[cfg(test)]
mod tests;

use altair_protocol::{EntityId, Kind};

pub(crate) use index::{SearchError, SearchIndex};
pub(crate) use query::{Query, QueryError};

/// What the index knows of one entity. Feeding a document replaces the one with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The entity.
    pub(crate) id: EntityId,
    /// Its kind.
    pub(crate) kind: Kind,
    /// Its title or name; a capture's first line. A match here weighs three times one in the body.
    pub(crate) title: String,
    /// Its text: snippets are cut from it.
    pub(crate) body: String,
    /// Its tags, with or without `#`, in any case.
    pub(crate) tags: Vec<String>,
    /// When it was made, in Unix milliseconds. Carried for the day that a search asks; nothing asks yet.
    pub(crate) created_ms: i64,
    /// When it last changed, in Unix milliseconds: what `after:`, `before:` and ties go by.
    pub(crate) updated_ms: i64,
}
