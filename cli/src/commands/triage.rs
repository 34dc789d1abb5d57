//! `triage`: a capture becomes what it is.

use altair_protocol::Kind;
use altair_protocol::rpc;
use clap::Args;

use crate::args::{self, Thing};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Turn a capture into a note, quest, item or location
///
/// Makes the new thing from the capture's text and keeps where it came from. The capture leaves the inbox. A capture
/// can be triaged once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair triage 5e2a4b quest --title \"Call the plumber\"")]
pub(crate) struct Triage {
    #[command(flatten)]
    capture: Thing,
    /// What it becomes
    #[arg(value_name = "KIND", value_parser = args::made_kind())]
    kind: Kind,
    /// Its title; without it, the capture's first line
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    title: Option<String>,
}

impl Triage {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.capture.id).await?;
            altair.call(rpc::Triage { capture: id, into: self.kind, title: self.title }).await
        };
        let entity = store.with(work).await?;
        out.done("Triaged into", &entity)
    }
}
