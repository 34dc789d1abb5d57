//! `conflicts` and `resolve`: parts that two devices set to different values at once.

use altair_core::Resolution;
use altair_protocol::Value;
use altair_protocol::rpc;
use clap::Args;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// List the parts that devices changed at the same time
///
/// The first value of each holds until somebody resolves the conflict. Nothing is lost meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair conflicts")]
pub(crate) struct Conflicts {}

impl Conflicts {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let conflicts = store.with(async |altair| altair.call(rpc::Conflicts {}).await).await?;
        out.all(&conflicts, "There are no conflicts.")
    }
}

/// Choose the value of a part in conflict
///
/// Take one of the values by its head, as `altair conflicts` names it, or another one with --value: JSON (null clears
/// the part) or plain text.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  altair resolve 5e2a4b 1790000000000-3\n  altair resolve 5e2a4b --value 2026-10-01"
)]
#[command(group = clap::ArgGroup::new("choice").required(true).args(["head", "value"]))]
pub(crate) struct Resolve {
    /// The conflict, as `altair conflicts` names it
    #[arg(value_name = "CONFLICT")]
    conflict: String,
    /// The head whose value to take
    #[arg(value_name = "HEAD")]
    head: Option<String>,
    /// Another value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    value: Option<String>,
}

impl Resolve {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let choice = match (self.head, self.value) {
                (Some(head), _) => Resolution::Head(head),
                (None, Some(text)) => Resolution::Value(read_value(text, &self.conflict, altair).await?),
                (None, None) => return Err(Failure::usage("no value is chosen", "give a head or --value")),
            };
            altair.call(rpc::Resolve { conflict: self.conflict, resolution: choice }).await
        };
        let conflict = store.with(work).await?;
        out.one(&conflict)
    }
}

/// The value that a text means. A title may read `1984`, so a number stays text where a value in conflict is text.
async fn read_value(text: String, conflict: &str, altair: &Client<'_>) -> Result<Value, Failure> {
    let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    if !(value.is_number() || value.is_boolean()) {
        return Ok(value);
    }
    let conflicts = altair.call(rpc::Conflicts {}).await?;
    let meant = conflicts.iter().filter(|known| known.id.to_string().ends_with(conflict));
    let is_text = meant.flat_map(|known| &known.heads).any(|head| head.value.is_string());
    Ok(if is_text { Value::String(text) } else { value })
}
