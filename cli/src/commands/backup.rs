//! `backup` and `restore-backup`: the whole store in one file.

use std::path::PathBuf;

use altair_core::{Altair, BackedUp};
use altair_protocol::rpc;
use clap::Args;

use crate::client::Client;
use crate::failure::Failure;
use crate::human;
use crate::input::absolute;
use crate::output::Output;
use crate::store::Store;

/// Write the whole store to one file
///
/// The file has everything as it is now, with the trash and all attachments; not the history. Its checksum is verified
/// when it is restored.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair backup ~/altair-2026-03-14.backup")]
pub(crate) struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let work = async |altair: &Client<'_>| altair.call(rpc::Backup { file: absolute(&self.file)? }).await;
        let backed_up = store.with(work).await?;
        answer("Backed up", &backed_up, out)
    }
}

/// Make a store from a backup
///
/// The store must be empty; --store names a new folder for it. The restored store is a new device of the household.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair restore-backup ~/altair-2026-03-14.backup --store ~/altair-restored")]
pub(crate) struct RestoreBackup {
    /// The file that `altair backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl RestoreBackup {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        // Before a store is made.
        Altair::check_backup(&self.file).await?;
        let backed_up =
            store.with(async |altair| altair.call(rpc::FillFromBackup { file: absolute(&self.file)? }).await).await?;
        answer("Restored", &backed_up, out)
    }
}

fn answer(did: &str, backed_up: &BackedUp, out: &mut Output) -> Result<(), Failure> {
    out.answer(backed_up, |backed_up, paint| human::backed_up(did, backed_up, paint))
}
