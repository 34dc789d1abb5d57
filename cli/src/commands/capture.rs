//! `capture`: a thought into the inbox.

use altair_core::NewCapture;
use altair_protocol::rpc;
use altair_protocol::view::Source;
use clap::Args;

use crate::failure::Failure;
use crate::input;
use crate::output::Output;
use crate::store::Store;

/// Put a thought into the inbox
///
/// The thought is kept as it is; what becomes of it is for later (`altair triage`). Several words are joined by
/// spaces. With - the text is read from stdin, 8 MiB at most.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair capture call the plumber about the boiler\n  pbpaste | altair capture -")]
pub(crate) struct Capture {
    /// The thought, or - to read it from stdin
    #[arg(required = true, num_args = 1.., value_name = "TEXT", allow_negative_numbers = true)]
    text: Vec<String>,
}

impl Capture {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let text = input::text_or_stdin(self.text.join(" "))?;
        if text.trim().is_empty() {
            return Err(Failure::usage("there is nothing to capture", "give some words: altair capture buy oat milk"));
        }
        let new = NewCapture { text, source: Source::Cli };
        let entity = store.with(async |altair| altair.call(rpc::Capture { new }).await).await?;
        out.done("Captured", &entity)
    }
}
