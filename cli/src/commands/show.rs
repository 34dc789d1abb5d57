//! `show`: one entity with everything around it.

use altair_protocol::rpc;
use clap::Args;

use crate::args::Thing;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Show one thing with its text, links and attachments
///
/// Also shows what links to it (backlinks) and which of its parts are in conflict. What is in the trash can be shown
/// too.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair show 5e2a4b")]
pub(crate) struct Show {
    #[command(flatten)]
    thing: Thing,
}

impl Show {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = match self.thing.id.trim().parse() {
                // It needs no looking for: showing it says whether it is there.
                Ok(whole) => whole,
                Err(_) => altair.find(&self.thing.id).await?,
            };
            altair.call(rpc::Show { id }).await
        };
        let shown = store.with(work).await?;
        out.one(&shown)
    }
}
