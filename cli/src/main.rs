//! The command line of Altair: arguments in, text or JSON out.
//!
//! It has no rules of its own: what can be wrong with a value is the engine's to say. What is decided here is how
//! arguments are read, what the output looks like and which exit code a failure has, as the contract lays down. The engine
//! is not in this program: it asks the process that hosts the store, and starts `altaird` where there is none.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the commands' docs are their help texts, where [[Title]] is a link of Altair's"
)]

mod args;
mod checkup;
mod client;
mod commands;
mod config;
mod failure;
mod grant;
mod human;
mod input;
mod output;
mod paint;
mod spawn;
mod standing;
mod store;

use std::process::ExitCode;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

fn main() -> ExitCode {
    let line = args::globals_first(std::env::args_os());
    let json = args::wants_json(&line);
    let outcome = match args::parse(line) {
        Ok(cli) => run(cli),
        Err(error) if error.use_stderr() && json => Err(Failure::usage_error(&error)),
        // Help, a version or a usage error, as clap prints it. Nobody is left to tell if that can't be written.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    outcome.unwrap_or_else(|failure| failure.report(json))
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let mut output = Output::new(cli.globals.json);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("the program can't start its event loop: {error}")))?;
    let store = || Store::locate(&cli.globals);
    let outcome = runtime.block_on(cli.command.run(store, &mut output));
    let written = output.flush();
    outcome?;
    written?;
    Ok(output.exit_code())
}
