//! `edit`: changes of what is named, and of nothing else.

use altair_protocol::rpc;
use altair_protocol::view::Status;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::fields::FieldArgs;
use crate::args::Thing;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Change parts of something
///
/// Only what is named changes. An empty value clears a due date, energy, unit, parent or location. For a capture,
/// --body is its text.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  altair edit 5e2a4b --status completed
  altair edit 5e2a4b --due \"\"
  altair edit 9b61d3 --append \"- tomatoes\"")]
pub(crate) struct Edit {
    #[command(flatten)]
    thing: Thing,
    #[command(flatten)]
    fields: FieldArgs,
    /// Text to add at the end of the body, on a line of its own
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    append: Option<String>,
    /// How a quest stands
    #[arg(long, value_name = "STATUS", value_parser = PossibleValuesParser::new(Status::WORDS))]
    status: Option<String>,
}

impl Edit {
    pub(crate) async fn run(mut self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        if self.fields.is_empty() && self.append.is_none() && self.status.is_none() {
            return Err(Failure::usage(
                "nothing is named that should change",
                "name a part, like --title; `altair edit --help` lists them",
            ));
        }
        self.fields.read_body()?;
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            let mut fields = self.fields.find(altair).await?;
            fields.status = self.status;
            let edit = altair_core::Edit { fields, append: self.append, base: None };
            altair.call(rpc::EditEntity { id, edit }).await
        };
        let entity = store.with(work).await?;
        out.done("Changed", &entity)
    }
}
