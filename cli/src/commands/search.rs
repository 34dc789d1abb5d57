//! `search`: the best matches first.

use altair_protocol::Kind;
use altair_protocol::rpc;
use clap::Args;

use crate::args::{self, Paging};
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Find things by their words
///
/// Words match without regard to case and accents, by their stem and by their beginning: frid finds Friday, zoe finds
/// Zoë. "words in quotes" are a phrase, -word leaves out what has the word, and kind:note, tag:garden,
/// after:2026-01-01 and before:2026-02-01 narrow the search. Quote the query for the shell when it has quotes or a
/// minus sign.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  altair search boiler pressure
  altair search '\"tomato seeds\" -cherry kind:note'
  altair search plumber --kind quest --limit 5")]
pub(crate) struct Search {
    /// What to look for
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    query: String,
    /// More words to look for.
    #[arg(value_name = "QUERY", hide = true)]
    more: Vec<String>,
    /// Only of this kind
    #[arg(long, value_name = "KIND", value_parser = args::any_kind())]
    kind: Option<Kind>,
    /// Only with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

impl Search {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        // A query may begin with a minus sign, so clap takes a flag that it doesn't know for one.
        if self.query.starts_with("--") {
            return Err(Failure::usage(
                format!("`altair search` has no flag {}", self.query),
                "`altair search --help` lists the flags; they may also stand after the query",
            ));
        }
        let mut words = vec![self.query];
        words.extend(self.more);
        let search = altair_core::Search {
            query: words.join(" "),
            kind: self.kind,
            tag: self.tag,
            limit: self.paging.limit,
            after: self.paging.after,
        };
        let page = store.with(async |altair| altair.call(rpc::SearchEntities { search }).await).await?;
        out.page(&page, "Nothing was found.")
    }
}
