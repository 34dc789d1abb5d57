//! `history`, `revert`, `undo` and `redo`: what changed, and how to change it back.

use altair_core::Error;
use altair_protocol::rpc;
use altair_protocol::view::Undone;
use clap::Args;
use serde_json::json;

use crate::args::{Paging, Thing};
use crate::client::Client;
use crate::failure::Failure;
use crate::human;
use crate::output::Output;
use crate::store::Store;

/// Show what changed in something, and when
///
/// Newest first. The name that a version begins with is what `altair revert` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair history 5e2a4b")]
pub(crate) struct History {
    #[command(flatten)]
    thing: Thing,
    #[command(flatten)]
    paging: Paging,
}

impl History {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::History { id, limit: self.paging.limit, after: self.paging.after }).await
        };
        let page = store.with(work).await?;
        out.page(&page, "It has no history.")
    }
}

/// Set something back to an earlier version
///
/// This is a new change: what came after the version stays in the history and can be reverted to as well.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair revert 5e2a4b 0d3f6f1e")]
pub(crate) struct Revert {
    #[command(flatten)]
    thing: Thing,
    /// The version, as `altair history` names it
    #[arg(value_name = "VERSION")]
    version: String,
}

impl Revert {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Revert { id, version: self.version }).await
        };
        let entity = store.with(work).await?;
        out.done("Reverted", &entity)
    }
}

/// Undo the last change made on this device
///
/// Repeat it to go further back. What other devices changed stays.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair undo")]
pub(crate) struct Undo {}

impl Undo {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let undone = store.with(async |altair| altair.call(rpc::Undo {}).await).await?;
        answer("Undid", "undo", &undone, out)
    }
}

/// Do again what was undone
///
/// Possible until something else is changed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair redo")]
pub(crate) struct Redo {}

impl Redo {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let redone = store.with(async |altair| altair.call(rpc::Redo {}).await).await?;
        answer("Redid", "redo", &redone, out)
    }
}

fn answer(did: &str, verb: &str, fields: &[Undone], out: &mut Output) -> Result<(), Failure> {
    if fields.is_empty() {
        return Err(Error::refused(
            format!("there is nothing to {verb}"),
            "`altair history ID` shows the changes of one thing, and `altair revert` sets it back",
        )
        .into());
    }
    out.answer(&json!({"undone": fields}), |_, paint| human::undone(did, fields, paint))
}
