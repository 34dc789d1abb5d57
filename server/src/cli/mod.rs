//! The commands: what they are asked, and how their answers look to people and to programs.

mod args;
mod report;
mod run;

use std::io::Write as _;
use std::process::ExitCode;

use altair_core::Error;
use altair_server::{Answer, Ask, Config, Opening, Said};
use clap::Parser as _;

use args::{Cli, Command, DeviceCommand, HouseholdCommand};

/// What a household is called that nobody gave a name.
const USUAL_NAME: &str = "Home";

/// Reads the command line, does it, and gives the exit code that the contract has for what came of it.
pub(crate) fn main() -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && json => return report::usage(&error),
        // Help, a version or a usage error, as clap prints it. Nobody is left to tell if that can't be written.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(done(cli)),
        Err(error) => Err(Error::new(
            altair_core::ErrorKind::Internal,
            format!("the program can't start its event loop: {error}"),
            "end other programs, then try again",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error, json),
    }
}

async fn done(cli: Cli) -> Result<(), Error> {
    let Cli { globals, command } = cli;
    let said = globals.said().or(Said::in_environment(|name| std::env::var(name).ok())?);
    let config = match &command {
        Command::Run(run) | Command::Config(run) => Config::of(run.said().or(said))?,
        _ => Config::of(said)?,
    };
    let ask = match command {
        Command::Run(_) => return run::run(&config).await,
        Command::Config(_) => return say(config.to_toml()?.trim_end()),
        Command::Restore { file } => {
            let restored = altair_server::restore(Opening::new(&config.data), &file).await?;
            return answer(&Answer::BackedUp(restored), globals.json);
        }
        Command::Init { household } => Ask::Init { household: household.unwrap_or_else(|| USUAL_NAME.to_owned()) },
        Command::Pair { household } => Ask::Pair { household },
        Command::Household(HouseholdCommand::List) => Ask::Households {},
        Command::Device(DeviceCommand::List { household }) => Ask::Devices { household },
        Command::Device(DeviceCommand::Revoke { device }) => Ask::Revoke { device },
        Command::Backup { file } => {
            // The server may be in another folder.
            let file = std::path::absolute(&file).map_err(|error| Error::io("writing", &file, error))?;
            Ask::Backup { file }
        }
        Command::Gc => Ask::Collect {},
    };
    answer(&altair_server::ask(Opening::new(&config.data), ask).await?, globals.json)
}

fn answer(answer: &Answer, json: bool) -> Result<(), Error> {
    match if json { report::json(answer)? } else { report::human(answer) } {
        text if text.is_empty() => Ok(()),
        text => say(&text),
    }
}

/// Prints. A reader that has gone, as `head` does, is no failure.
fn say(text: &str) -> Result<(), Error> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            altair_core::ErrorKind::Internal,
            format!("the output couldn't be written: {error}"),
            "check where the output goes, then try again",
        )),
        _ => Ok(()),
    }
}
