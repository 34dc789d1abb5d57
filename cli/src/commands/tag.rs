//! `tag`: tags on and off.

use altair_protocol::TagName;
use altair_protocol::rpc;
use clap::{ArgAction, Args};

use crate::args::Thing;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Add tags to something, or take them off
///
/// +tag adds and -tag takes off. A tag is one word; a / in it makes a hierarchy, as in garden/beds. A #tag that is
/// written in a note's body stays as long as it is written there.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
#[command(after_help = "Example:\n  altair tag 5e2a4b +garden +spring -someday")]
pub(crate) struct Tag {
    #[command(flatten)]
    thing: Thing,
    /// +tag to add, -tag to take off
    #[arg(required = true, num_args = 1.., value_name = "+TAG|-TAG", allow_hyphen_values = true)]
    changes: Vec<String>,
    /// Print help
    // Without its short form: `-h` takes off the tag h.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

impl Tag {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for change in &self.changes {
            match change.split_at_checked(1) {
                Some(("+", tag)) => add.push(tag_name(tag)?),
                Some(("-", tag)) if !tag.starts_with('-') => remove.push(tag_name(tag)?),
                _ => {
                    return Err(Failure::usage(
                        format!("\"{change}\" is no change of tags"),
                        "write +tag to add one and -tag to take one off",
                    ));
                }
            }
        }
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Tag { id, add, remove }).await
        };
        let entity = store.with(work).await?;
        out.done("Tagged", &entity)
    }
}

fn tag_name(text: &str) -> Result<String, Failure> {
    let tag = TagName::parse(text)
        .map_err(|error| Failure::usage(error.to_string(), "choose another word, like garden or garden/beds"))?;
    Ok(tag.spelling().to_owned())
}
