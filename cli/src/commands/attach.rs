//! `attach`, `detach` and `cat`: files that belong to something.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use altair_core::Error;
use altair_protocol::rpc;
use clap::Args;

use crate::args::Thing;
use crate::client::Client;
use crate::failure::Failure;
use crate::human;
use crate::input::absolute;
use crate::output::Output;
use crate::store::Store;

/// Attach a file to something
///
/// The file is copied into the store; the original isn't needed any more. The same bytes are stored once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair attach 5e2a4b manual.pdf")]
pub(crate) struct Attach {
    #[command(flatten)]
    thing: Thing,
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Attach {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.thing.id).await?;
            altair.call(rpc::Attach { owner: id, file: absolute(&self.file)? }).await
        };
        let attachment = store.with(work).await?;
        out.answer(&attachment, |attachment, paint| human::attachment_done("Attached", attachment, paint))
    }
}

/// Take an attachment off
///
/// The attachment goes to the trash, from where it can be restored.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair detach 5e2a4b 9b61d3")]
pub(crate) struct Detach {
    #[command(flatten)]
    thing: Thing,
    /// The attachment's id, as `altair show` lists it
    #[arg(value_name = "ATTACHMENT")]
    attachment: String,
}

impl Detach {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let (id, attachment) = (altair.find(&self.thing.id).await?, altair.find(&self.attachment).await?);
            altair.call(rpc::Detach { owner: id, attachment }).await
        };
        let attachment = store.with(work).await?;
        out.answer(&attachment, |attachment, paint| human::attachment_done("Detached", attachment, paint))
    }
}

/// Write an attachment's bytes to stdout
///
/// Just the bytes, with --json too. Send them to a file or another program.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair cat 9b61d3 > manual.pdf")]
pub(crate) struct Cat {
    /// The attachment's id, as `altair show` lists it
    #[arg(value_name = "ATTACHMENT")]
    attachment: String,
}

impl Cat {
    pub(crate) async fn run(self, store: &Store) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| {
            let id = altair.find(&self.attachment).await?;
            let path = altair.call(rpc::AttachmentOf { id }).await?.path;
            // Opened while the store is held: an open file outlives even an erase.
            let file = File::open(&path).map_err(|error| Error::io("reading", &path, error))?;
            Ok((file, path))
        };
        let (mut file, path) = store.with(work).await?;
        let mut stdout = io::stdout().lock();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = io::Read::read(&mut file, &mut buffer).map_err(|error| Error::io("reading", &path, error))?;
            if read == 0 {
                return Ok(io::Write::flush(&mut stdout)?);
            }
            io::Write::write_all(&mut stdout, &buffer[..read])?;
        }
    }
}
