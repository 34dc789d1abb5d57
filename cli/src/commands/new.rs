//! `new`: something made outright, without a capture.

use altair_protocol::Kind;
use altair_protocol::rpc;
use clap::Args;

use super::fields::FieldArgs;
use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Make a note, quest, item or location
///
/// A note has a body. A quest has a body, energy, a due date and a parent quest. An item has a body, a quantity, a unit
/// and a location. A location can have a parent, the location that it is inside of.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  altair new note --title \"Seed list\" --body \"- beans #garden\"
  altair new quest --title \"Bleed the radiators\" --energy 2 --due 2026-10-01
  altair new item --title Rice --quantity 2.5 --unit kg --location 7c3a
  altair new note --title Minutes --body - < minutes.md")]
pub(crate) struct New {
    /// What to make
    #[arg(value_name = "KIND", value_parser = args::made_kind())]
    kind: Kind,
    #[command(flatten)]
    fields: FieldArgs,
}

impl New {
    pub(crate) async fn run(mut self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        self.fields.read_body()?;
        let work = async |altair: &Client<'_>| {
            let fields = self.fields.find(altair).await?;
            altair.call(rpc::Create { new: altair_core::New { kind: self.kind, fields } }).await
        };
        let entity = store.with(work).await?;
        out.done("Made", &entity)
    }
}
