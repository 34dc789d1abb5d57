//! The one door for checking, showing and measuring Altair: `cargo xtask help` lists what it can do.
//!
//! It needs nothing but std, so that it builds in a second, before the engine has. It stops at the first
//! failure, says what failed and how to go on, and leaves with 1; a wrong call leaves with 2. What can't be checked on
//! this machine is named, never passed over in silence.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "talking to the person at the terminal is its job")]

mod bench;
mod bindings;
mod demo;
mod desktop;
mod display;
mod gradle;
mod java;
mod json;
mod steps;
mod test;
mod tools;
mod workspace;

use std::fmt;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test [rust|kotlin] [--nightly]
                    check everything, or one side of it
                    rust: format, licences and bans, advisories, lints, docs, tests
                    kotlin: the library and its docs, the artifact and a consumer of it, the desktop app
                    --nightly runs more seeds, more crashes and larger inputs
  demo              the main job on a temporary store: import a vault, search, capture, merge, export
  desktop [STORE]   the desktop app, on a store
  bindings [--release] [--out DIR]
                    the engine's library for Kotlin, and its generated sources
  gradle [--in DIR] [ARG…]
                    Gradle, found or made, in gradle-sample or DIR
  bench [ARG…]      the benchmarks; what follows goes to `cargo bench -p altair-bench`
  help              this text

The first build takes 10 to 30 minutes on two cores: SurrealDB is large. CONTRIBUTING.md says how to pay only once.";

/// Why a command ended early, as a sentence for a person.
enum Failure {
    /// The command was called wrongly.
    Usage(String),
    /// Something that was checked or run did not succeed.
    Failed(String),
}

impl Failure {
    /// A failure of `doing` (what was attempted, as in "copy the vault"), for the reason given.
    fn of(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::Failed(format!("Can't {doing}: {cause}"))
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("{message}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("\n{message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<(), Failure> {
    match args {
        ["test", rest @ ..] => test::run(rest),
        ["demo"] => demo::run(),
        ["desktop"] => desktop::run(None),
        ["desktop", store] => desktop::run(Some(store)),
        ["bindings", rest @ ..] => bindings::run(rest),
        ["gradle", rest @ ..] => gradle::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [] => Err(Failure::Usage("Which command?".to_owned())),
        _ => Err(Failure::Usage(format!("Unknown: cargo xtask {}", args.join(" ")))),
    }
}
