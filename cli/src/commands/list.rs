//! `inbox` and `list`: entities, newest first.

use altair_core::List as Which;
use altair_protocol::Kind;
use altair_protocol::rpc;
use clap::Args;

use crate::args::{self, Paging};
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// List the captures that wait for triage
///
/// Newest first. `altair triage` turns one into a note, a quest, an item or a location.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair inbox --limit 10")]
pub(crate) struct Inbox {
    #[command(flatten)]
    paging: Paging,
}

impl Inbox {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        print(Which::Inbox, &self.paging, "The inbox is empty.", store, out).await
    }
}

/// List everything of a kind
///
/// Newest first, without what is in the trash.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair list note --tag garden\n  altair list quests --limit 10")]
pub(crate) struct List {
    /// Of which kind
    #[arg(value_name = "KIND", value_parser = args::any_kind())]
    kind: Kind,
    /// Only those with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

impl List {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let which = match self.tag {
            Some(tag) => Which::Tagged(self.kind, tag),
            None => Which::Kind(self.kind),
        };
        print(which, &self.paging, "There are none.", store, out).await
    }
}

/// Prints a page of entities.
pub(super) async fn print(
    which: Which,
    paging: &Paging,
    nothing: &str,
    store: &Store,
    out: &mut Output,
) -> Result<(), Failure> {
    let after = paging.after.clone();
    let page = store
        .with(async |altair| altair.call(rpc::ListEntities { list: which, limit: paging.limit, after }).await)
        .await?;
    out.page(&page, nothing)
}
