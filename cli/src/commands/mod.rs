//! The commands, one module a group: each reads its arguments, asks the engine and hands the answer to the output.

mod attach;
mod audit;
mod backup;
mod capture;
mod conflicts;
mod count;
mod daemon;
mod edit;
mod fields;
mod generate;
mod grant;
mod history;
mod link;
mod list;
mod new;
mod search;
pub(crate) mod service;
mod show;
mod status;
mod tag;
mod trash;
mod triage;
mod vault;
mod watch;

use std::ffi::OsString;

use clap::Subcommand;

use crate::args::{Alone, Cli};
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// The commands by their words. The help text of each is with its arguments.
macro_rules! commands {
    ($($word:literal => $name:ident($arguments:ty),)*) => {
        /// All that the command line can do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $(#[command(name = $word)] $name($arguments),)*
        }

        impl Command {
            /// Reads a line whose command's word was taken out. `None`: there is no such command, or it can't be read so.
            pub(crate) fn read_alone(word: &str, line: &[OsString]) -> Option<Cli> {
                match word {
                    $($word => {
                        let Alone { globals, arguments } = Alone::<$arguments>::read(line)?;
                        Some(Cli { globals, command: Self::$name(arguments) })
                    })*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    "capture" => Capture(capture::Capture),
    "inbox" => Inbox(list::Inbox),
    "triage" => Triage(triage::Triage),
    "new" => New(Box<new::New>),
    "edit" => Edit(Box<edit::Edit>),
    "count" => Count(count::Count),
    "show" => Show(show::Show),
    "list" => List(list::List),
    "search" => Search(search::Search),
    "tag" => Tag(tag::Tag),
    "link" => Link(link::Link),
    "unlink" => Unlink(link::Unlink),
    "attach" => Attach(attach::Attach),
    "detach" => Detach(attach::Detach),
    "cat" => Cat(attach::Cat),
    "delete" => Delete(trash::Delete),
    "restore" => Restore(trash::Restore),
    "trash" => Trash(trash::Trash),
    "erase" => Erase(trash::Erase),
    "history" => History(history::History),
    "revert" => Revert(history::Revert),
    "undo" => Undo(history::Undo),
    "redo" => Redo(history::Redo),
    "conflicts" => Conflicts(conflicts::Conflicts),
    "resolve" => Resolve(conflicts::Resolve),
    "watch" => Watch(watch::Watch),
    "import" => Import(vault::Import),
    "export" => Export(vault::Export),
    "backup" => Backup(backup::Backup),
    "restore-backup" => RestoreBackup(backup::RestoreBackup),
    "grant" => Grant(grant::Grant),
    "audit" => Audit(audit::Audit),
    "daemon" => Daemon(daemon::Daemon),
    "shutdown" => Shutdown(daemon::Shutdown),
    "status" => Status(status::Status),
    "doctor" => Doctor(status::Doctor),
    "completions" => Completions(generate::Completions),
    "man" => Man(generate::Man),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(
        self,
        store: impl FnOnce() -> Result<Store, Failure>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        match self {
            Self::Completions(command) => command.run(out),
            Self::Man(command) => command.run(out),
            command => command.run_on(&store()?, out).await,
        }
    }

    async fn run_on(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Capture(command) => command.run(store, out).await,
            Self::Inbox(command) => command.run(store, out).await,
            Self::Triage(command) => command.run(store, out).await,
            Self::New(command) => command.run(store, out).await,
            Self::Edit(command) => command.run(store, out).await,
            Self::Count(command) => command.run(store, out).await,
            Self::Show(command) => command.run(store, out).await,
            Self::List(command) => command.run(store, out).await,
            Self::Search(command) => command.run(store, out).await,
            Self::Tag(command) => command.run(store, out).await,
            Self::Link(command) => command.run(store, out).await,
            Self::Unlink(command) => command.run(store, out).await,
            Self::Attach(command) => command.run(store, out).await,
            Self::Detach(command) => command.run(store, out).await,
            Self::Cat(command) => command.run(store).await,
            Self::Delete(command) => command.run(store, out).await,
            Self::Restore(command) => command.run(store, out).await,
            Self::Trash(command) => command.run(store, out).await,
            Self::Erase(command) => command.run(store, out).await,
            Self::History(command) => command.run(store, out).await,
            Self::Revert(command) => command.run(store, out).await,
            Self::Undo(command) => command.run(store, out).await,
            Self::Redo(command) => command.run(store, out).await,
            Self::Conflicts(command) => command.run(store, out).await,
            Self::Resolve(command) => command.run(store, out).await,
            Self::Watch(command) => command.run(store, out).await,
            Self::Import(command) => command.run(store, out).await,
            Self::Export(command) => command.run(store, out).await,
            Self::Backup(command) => command.run(store, out).await,
            Self::RestoreBackup(command) => command.run(store, out).await,
            Self::Grant(command) => command.run(store, out).await,
            Self::Audit(command) => command.run(store, out),
            Self::Daemon(command) => command.run(store, out).await,
            Self::Shutdown(command) => command.run(store, out).await,
            Self::Status(command) => command.run(store, out).await,
            Self::Doctor(command) => command.run(store, out).await,
            Self::Completions(command) => command.run(out),
            Self::Man(command) => command.run(out),
        }
    }
}
