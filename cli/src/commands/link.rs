//! `link` and `unlink`: links made by hand.

use altair_protocol::rpc;
use clap::Args;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Both ends of a link.
#[derive(Debug, Args)]
struct Ends {
    /// The id of the thing that the link starts from
    #[arg(value_name = "FROM")]
    from: String,
    /// The id of the thing that it leads to
    #[arg(value_name = "TO")]
    to: String,
}

/// Link one thing to another
///
/// The other one shows it as a backlink. In a note's body, [[Title]] makes a link as well.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair link 5e2a4b 9b61d3 --as needs")]
pub(crate) struct Link {
    #[command(flatten)]
    ends: Ends,
    /// What the link means, in a word
    #[arg(long = "as", value_name = "RELATION")]
    relation: Option<String>,
}

impl Link {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let (from, to) = (altair.find(&self.ends.from).await?, altair.find(&self.ends.to).await?);
            altair.call(rpc::Link { from, to, relation: self.relation }).await
        };
        let entity = store.with(work).await?;
        out.done("Linked", &entity)
    }
}

/// Take away a link made by hand
///
/// Links that are written in a body go when the body is edited.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair unlink 5e2a4b 9b61d3")]
pub(crate) struct Unlink {
    #[command(flatten)]
    ends: Ends,
}

impl Unlink {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let (from, to) = (altair.find(&self.ends.from).await?, altair.find(&self.ends.to).await?);
            altair.call(rpc::Unlink { from, to }).await
        };
        let entity = store.with(work).await?;
        out.done("Unlinked", &entity)
    }
}
