//! `import` and `export`: Markdown vaults in and out.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use altair_core::Progress;
use altair_protocol::rpc;
use clap::Args;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::client::Client;
use crate::failure::Failure;
use crate::human;
use crate::input::absolute;
use crate::output::Output;
use crate::store::Store;

/// Bring in a folder of Markdown notes, such as an Obsidian vault
///
/// Notes keep their path, front matter, tags and links; other files come in as attachments. Importing the same folder
/// again brings in only what was changed there, merged with what was changed here. Files that can't be read are named
/// and left out, and the rest comes in.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair import ~/Documents/vault")]
pub(crate) struct Import {
    /// The vault's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Import {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let bar = progress_bar("Importing");
        let work =
            async |altair: &Client<'_>| altair.call_with(rpc::Import { folder: absolute(&self.folder)? }, bar).await;
        let imported = store.with(work).await?;
        out.answer(&imported, |imported, _| human::imported(imported))?;
        imported.skipped.iter().for_each(|skipped| out.note(human::skipped(skipped)));
        Ok(())
    }
}

/// Write all notes and attachments out as a folder of Markdown
///
/// A vault that was imported comes out byte for byte the same. A file that was changed outside since the last import
/// or export is left alone and named: import it first, or overwrite it with --force.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair export ~/Documents/vault")]
pub(crate) struct Export {
    /// The folder to write to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Overwrite files that were changed outside
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let bar = progress_bar("Exporting");
        let work = async |altair: &Client<'_>| {
            altair.call_with(rpc::Export { folder: absolute(&self.folder)?, force: self.force }, bar).await
        };
        let exported = store.with(work).await?;
        out.answer(&exported, |exported, _| human::exported(exported))?;
        exported.skipped.iter().for_each(|skipped| out.note(human::skipped(skipped)));
        Ok(())
    }
}

/// Draws a bar on stderr if that is a terminal. The bar goes away with the closure.
fn progress_bar(what: &'static str) -> impl FnMut(Progress) + Send + 'static {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = std::io::stderr().is_terminal().then(|| {
        ProgressBar::new(0)
            .with_message(what)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_finish(ProgressFinish::AndClear)
    });
    move |progress: Progress| {
        if let Some(bar) = &bar {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        }
    }
}
