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

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// All that the command line can do. The help text of each is with its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Capture(capture::Capture),
    Inbox(list::Inbox),
    Triage(triage::Triage),
    New(Box<new::New>),
    Edit(Box<edit::Edit>),
    Count(count::Count),
    Show(show::Show),
    List(list::List),
    Search(search::Search),
    Tag(tag::Tag),
    Link(link::Link),
    Unlink(link::Unlink),
    Attach(attach::Attach),
    Detach(attach::Detach),
    Cat(attach::Cat),
    Delete(trash::Delete),
    Restore(trash::Restore),
    Trash(trash::Trash),
    Erase(trash::Erase),
    History(history::History),
    Revert(history::Revert),
    Undo(history::Undo),
    Redo(history::Redo),
    Conflicts(conflicts::Conflicts),
    Resolve(conflicts::Resolve),
    Watch(watch::Watch),
    Import(vault::Import),
    Export(vault::Export),
    Backup(backup::Backup),
    RestoreBackup(backup::RestoreBackup),
    Grant(grant::Grant),
    Audit(audit::Audit),
    Daemon(daemon::Daemon),
    Shutdown(daemon::Shutdown),
    Status(status::Status),
    Doctor(status::Doctor),
    Completions(generate::Completions),
    Man(generate::Man),
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
