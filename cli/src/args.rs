//! The command line as clap reads it: the commands, the flags that all of them have, and the values that several take.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use altair_protocol::Kind;
use clap::builder::{PossibleValue, PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, Parser};

use crate::commands::Command;

const AFTER_HELP: &str = "\
Getting started:
  altair capture call the plumber about the boiler
  altair inbox
  altair search plumber

Every thing has an id. Wherever a command takes one, its last characters will do, four or more.
`altair COMMAND --help` explains a command and shows an example.

Settings, all of them optional, are in config.toml in the platform's folder for settings:
  [daemon]
  idle_minutes = 30   the daemon ends after so long without a command or program; else it stays

Exit codes:
  0  done
  1  failed
  2  wrong usage or value
  3  not found
  4  refused in this state
  5  the store can't be opened";

/// Notes, quests and things at home, on your own disk.
#[derive(Debug, Parser)]
#[command(name = "altair", version, after_help = AFTER_HELP, max_term_width = 100, subcommand_required = true)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads a line from [`globals_first`].
pub(crate) fn parse(line: Vec<OsString>) -> Result<Cli, clap::Error> {
    // Making the tree of all commands takes longer than most of them do: one that is read alone is read. Where that fails, the whole tree says why.
    alone(&line).map_or_else(|| Cli::try_parse_from(line), Ok)
}

fn alone(line: &[OsString]) -> Option<Cli> {
    let mut at = 1;
    while let word = line.get(at)?.as_encoded_bytes()
        && word.starts_with(b"-")
    {
        at += if word == b"--store" { 2 } else { 1 };
    }
    let (before, others) = line.split_at(at);
    let (word, others) = others.split_first()?;
    Command::read_alone(word.to_str()?, &[before, others].concat())
}

/// One command, without the tree that it stands in.
#[derive(Debug, Parser)]
#[command(name = "altair")]
pub(crate) struct Alone<A: Args> {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(flatten)]
    pub(crate) arguments: A,
}

impl<A: Args> Alone<A> {
    pub(crate) fn read(line: &[OsString]) -> Option<Self> {
        Self::try_parse_from(line).ok()
    }
}

/// What may stand before or after any command.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The store's folder [default: $ALTAIR_HOME, else the platform's data folder]
    #[arg(long, value_name = "DIR", global = true, overrides_with = "store", display_order = 900)]
    pub(crate) store: Option<PathBuf>,
    /// Print JSON for programs: one object, or one a line for lists
    #[arg(long, global = true, overrides_with = "json", display_order = 901)]
    pub(crate) json: bool,
    /// Never start a daemon; join one that runs
    #[arg(long, global = true, overrides_with = "no_daemon", display_order = 902)]
    pub(crate) no_daemon: bool,
}

/// The thing that a command is about.
#[derive(Debug, Args)]
pub(crate) struct Thing {
    /// Its id, or an ending of at least four characters
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// How much of a list to print.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// How many to print, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub(crate) limit: usize,
    /// Go on where a page ended: the `next` of its last line
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Capture, "captures"),
    (Kind::Note, "notes"),
    (Kind::Quest, "quests"),
    (Kind::Item, "items"),
    (Kind::Location, "locations"),
    (Kind::Link, "links"),
    (Kind::Attachment, "attachments"),
];

fn kinds(allowed: fn(Kind) -> bool) -> impl TypedValueParser<Value = Kind> {
    let words = KINDS.into_iter().filter(move |(kind, _)| allowed(*kind));
    let values = words.map(|(kind, plural)| PossibleValue::new(kind.as_str()).alias(plural));
    PossibleValuesParser::new(values).try_map(|word| word.strip_suffix('s').unwrap_or(&word).parse::<Kind>())
}

/// Any kind, in the singular or plural.
pub(crate) fn any_kind() -> impl TypedValueParser<Value = Kind> {
    kinds(|_| true)
}

/// A kind that one makes by hand or by triage.
pub(crate) fn made_kind() -> impl TypedValueParser<Value = Kind> {
    kinds(|kind| matches!(kind, Kind::Note | Kind::Quest | Kind::Item | Kind::Location))
}

/// The command line with the flags of [`Globals`] in front.
///
/// Some arguments may begin with a hyphen (`tag ID -b`), and clap takes all that follows them for arguments too. The flags
/// that may stand anywhere are therefore moved out of their way; after `--` nothing is a flag any more.
pub(crate) fn globals_first(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = line.into_iter();
    let program = words.next();
    let (mut globals, mut others) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        if word == "--" {
            others.push(word);
            others.extend(words);
            break;
        } else if word == "--json" || word == "--no-daemon" || word.as_encoded_bytes().starts_with(b"--store=") {
            globals.push(word);
        } else if word == "--store" {
            let Some(folder) = words.next() else {
                others.push(word);
                break;
            };
            globals.extend([word, folder]);
        } else {
            others.push(word);
        }
    }
    program.into_iter().chain(globals).chain(others).collect()
}

/// Whether a line from [`globals_first`] asks for JSON, even when clap can't read the rest of it.
pub(crate) fn wants_json(line: &[OsString]) -> bool {
    let words = line.iter().map(OsString::as_os_str);
    words.take_while(|word| *word != OsStr::new("--")).any(|word| word == "--json")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn first(line: &[&str]) -> Vec<String> {
        globals_first(line.iter().map(OsString::from)).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn a_command_that_is_read_alone_is_read_as_in_the_tree() {
        for line in [
            "inbox",
            "capture call the plumber --tag home",
            "--json capture -- --not a flag",
            "new note Figs --body-file x --tag a --tag b",
            "--store x --no-daemon new quest Plan --energy 3 --due 2026-12-01",
            "edit 5e2a --title T --append more",
            "count 5e2a -- -2.5",
            "show 5e2a",
            "list notes --tag a --limit 3",
            "search figs -kind --limit 2",
            "trash --older-than 3",
            "restore-backup file",
            "daemon logs",
            "daemon run --idle-minutes 3",
            "grant --may read --kind note -- program --flag",
            "grant --revoke-all",
            "watch --kind quest",
            "completions bash",
            "frobnicate 5e2a",
            "help show",
            "show",
            "show --help",
            "show --version",
            "--store",
            "--help",
            "list notes --limit many",
            "",
        ] {
            let line = globals_first(std::iter::once("altair").chain(line.split_whitespace()).map(OsString::from));
            let whole = Cli::try_parse_from(&line);
            match (parse(line.clone()), whole) {
                (Ok(read), Ok(whole)) => {
                    assert_eq!(format!("{read:?}"), format!("{whole:?}"));
                    assert!(alone(&line).is_some(), "{line:?} was read by the whole tree");
                }
                (Err(read), Err(whole)) => assert_eq!(read.to_string(), whole.to_string()),
                (read, whole) => panic!("{line:?}: {read:?} and {whole:?}"),
            }
        }
    }

    #[test]
    fn clap_finds_the_commands_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_for_all_commands_stand_anywhere() {
        let line = ["altair", "tag", "x", "+a", "-b", "--json", "--store", "d"];
        assert_eq!(first(&line), ["altair", "--json", "--store", "d", "tag", "x", "+a", "-b"]);
        assert_eq!(first(&["altair", "capture", "--", "--json"]), ["altair", "capture", "--", "--json"]);
        assert_eq!(first(&["altair", "inbox", "--store"]), ["altair", "inbox", "--store"]);
    }

    #[test]
    fn every_command_has_help_and_an_example() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no short help");
            assert!(command.get_long_about().is_some(), "{name} has no long help");
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains(&format!("altair {name}")), "{name} has no example");
        }
    }
}
