//! `delete`, `restore`, `trash` and `erase`: out of sight, back again, or gone for good.

use altair_core::List;
use altair_protocol::rpc;
use clap::Args;
use serde_json::json;

use super::list;
use crate::args::{Paging, Thing};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Move something to the trash
///
/// It can be restored until it is erased.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair delete 5e2a4b")]
pub(crate) struct Delete {
    #[command(flatten)]
    thing: Thing,
}

impl Delete {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Delete { id }).await
        };
        let entity = store.with(work).await?;
        out.done("Moved to the trash:", &entity)
    }
}

/// Bring something back from the trash
///
/// It comes back with all that it had: text, tags, links and attachments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair restore 5e2a4b")]
pub(crate) struct Restore {
    #[command(flatten)]
    thing: Thing,
}

impl Restore {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Restore { id }).await
        };
        let entity = store.with(work).await?;
        out.done("Restored", &entity)
    }
}

/// List the trash, or erase what has long been in it
///
/// With --purge-older-than, erases for good what has been in the trash for more than so many days.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair trash\n  altair trash --purge-older-than 30 --yes")]
pub(crate) struct Trash {
    #[command(flatten)]
    paging: Paging,
    /// Erase what has been in the trash for more than so many days
    #[arg(long, value_name = "DAYS")]
    purge_older_than: Option<u32>,
    /// Really erase
    #[arg(long, requires = "purge_older_than")]
    yes: bool,
}

impl Trash {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let Some(days) = self.purge_older_than else {
            return list::print(List::Trash, &self.paging, "The trash is empty.", store, out).await;
        };
        if !self.yes {
            return Err(not_without_yes());
        }
        let erased = store.with(async |altair| altair.call(rpc::Purge { older_than_days: days }).await).await?;
        out.answer(&json!({"erased": erased}), |_, _| match erased.len() {
            0 => format!("Nothing has been in the trash for more than {days} days."),
            1 => "Erased one thing for good.".to_owned(),
            n => format!("Erased {n} things for good."),
        })
    }
}

/// Erase something for good
///
/// Its content and history go, here and on every device that syncs. There is no way back; `altair delete` moves to the
/// trash instead.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair erase 5e2a4b --yes")]
pub(crate) struct Erase {
    #[command(flatten)]
    thing: Thing,
    /// Really erase
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        if !self.yes {
            return Err(not_without_yes());
        }
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Erase { id }).await
        };
        let entity = store.with(work).await?;
        out.done("Erased", &entity)
    }
}

fn not_without_yes() -> Failure {
    Failure::usage("erasing can't be undone, so nothing was done yet", "add --yes to erase for good")
}
