//! The command line of Altair: arguments in, text or JSON out.
//!
//! It has no rules of its own: what can be wrong with a value is the engine's to say. What is decided here is how
//! arguments are read, what the output looks like and which exit code a failure has, as the contract lays down.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the commands' docs are their help texts, where [[Title]] is a link of Altair's"
)]

mod args;
mod commands;
mod failure;
mod human;
mod input;
mod output;
mod paint;
mod store;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;
use crate::paint::Paint;
use crate::store::Store;

// SurrealDB makes many small allocations: this one takes a quarter off the time of an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = args::globals_first(std::env::args_os());
    let json = args::wants_json(&line);
    let outcome = match Cli::try_parse_from(line) {
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
    start_log()?;
    let mut output = Output::new(cli.globals.json);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("the program can't start its event loop: {error}")))?;
    let store = || Store::locate(cli.globals.store);
    let outcome = runtime.block_on(cli.command.run(store, &mut output));
    let written = output.flush();
    outcome?;
    written?;
    Ok(output.exit_code())
}

/// The filter with `debug` for `trace`: SurrealDB leaves that level out when it is compiled for use, for everybody, and asking for it would only
/// bring a warning in colours.
fn most_detailed(filter: &str) -> String {
    let directive = |part: &str| match part.to_ascii_lowercase().strip_suffix("trace") {
        Some(rest) if rest.is_empty() || rest.ends_with('=') => format!("{}debug", &part[..rest.len()]),
        _ => part.to_owned(),
    };
    filter.split(',').map(|part| directive(part.trim())).collect::<Vec<_>>().join(",")
}

/// Logs go to stderr, and only when `ALTAIR_LOG` asks for them.
fn start_log() -> Result<(), Failure> {
    let filter = std::env::var("ALTAIR_LOG").unwrap_or_default();
    if filter.is_empty() {
        // With no subscriber at all, `tracing` puts the text of every span together for `log`, and SurrealDB has one for each key.
        let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
        return Ok(());
    }
    let filter = tracing_subscriber::EnvFilter::try_new(most_detailed(&filter)).map_err(|error| {
        Failure::usage(
            format!("ALTAIR_LOG is no log filter: {error}"),
            "use a level or a list like `info` or `altair_core=debug`",
        )
    })?;
    let colours = Paint::for_terminal(std::io::stderr().is_terminal()).is_on();
    // A span tells when it ends, and how long it took.
    let spans = tracing_subscriber::fmt::format::FmtSpan::CLOSE;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_span_events(spans);
    log.with_writer(std::io::stderr).with_ansi(colours).init();
    Ok(())
}
