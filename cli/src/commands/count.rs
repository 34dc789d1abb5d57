//! `count`: more or less of an item.

use altair_protocol::Thousandths;
use altair_protocol::rpc;
use clap::Args;

use crate::args::Thing;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Add to the quantity of an item, or take away
///
/// Counts made on several devices add up, whereas of two quantities set with `altair edit --quantity` one wins.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair count 5e2a4b 6\n  altair count 5e2a4b -0.5")]
pub(crate) struct Count {
    #[command(flatten)]
    thing: Thing,
    /// How much more, or less with a minus sign; at most three decimal places
    #[arg(value_name = "DELTA", allow_hyphen_values = true)]
    delta: Thousandths,
}

impl Count {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Count { id, delta: self.delta }).await
        };
        let entity = store.with(work).await?;
        out.done("Counted", &entity)
    }
}
