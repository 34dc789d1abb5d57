//! `completions` and `man`: files for the shell and for `man`, made from the same definitions as the help.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// Print completions for a shell
///
/// Write them to where your shell looks for them, and Tab completes commands and flags.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  altair completions bash > ~/.local/share/bash-completion/completions/altair
  altair completions fish > ~/.config/fish/completions/altair.fish
  altair completions zsh > ~/.zfunc/_altair")]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, out: &mut Output) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "altair", &mut bytes);
        out.bytes(bytes);
        Ok(())
    }
}

/// Print the manual page
///
/// The page of the whole program, or of one command, in the format that `man` reads.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair man > ~/.local/share/man/man1/altair.1\n  altair man search | man -l -")]
pub(crate) struct Man {
    /// The command to describe
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(self, out: &mut Output) -> Result<(), Failure> {
        let mut program = Cli::command();
        program.build();
        let described = match &self.command {
            None => program,
            Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::usage(format!("there is no command {name}"), "`altair --help` lists the commands")
            })?,
        };
        let mut bytes = Vec::new();
        let written = clap_mangen::Man::new(described).render(&mut bytes);
        written.map_err(|error| Failure::internal(format!("the manual page can't be made: {error}")))?;
        out.bytes(bytes);
        Ok(())
    }
}
