//! `grant`: runs a program that may do less.

use std::ffi::OsString;
use std::path::Path;

use altair_core::{Error, ErrorKind};
use altair_protocol::Kind;
use altair_protocol::rpc::{self, AskGrant, GRANT_MINUTES, Granted, MAX_GRANT_MINUTES, Right};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args};

use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Run a program that may do only some things with the store
///
/// The program and whatever it starts use the store through a grant, which they find in the descriptor that $ALTAIR_GRANT_FD
/// names; `altair` itself looks there. What the grant doesn't allow is refused, and `altair audit` tells of it. No grant
/// lets a program read or write files, erase for good, undo, or end the host. It guards against mistakes: a program that
/// means harm and can read your files needs a sandbox too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  altair grant --may read -- sh
  altair grant --may read --may write --kind note --name scribe -- ./agent
  altair grant --revoke-all")]
#[command(group = ArgGroup::new("what").required(true).args(["command", "revoke_all"]))]
pub(crate) struct Grant {
    /// What it may do: see things, add to the inbox, make and change things
    #[arg(long, value_name = "RIGHT", required_unless_present = "revoke_all", value_delimiter = ',', value_parser = rights())]
    may: Vec<Right>,
    /// Only with things of this kind
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = args::any_kind())]
    kind: Vec<Kind>,
    /// For how many minutes
    #[arg(long, value_name = "N", default_value_t = GRANT_MINUTES, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_GRANT_MINUTES)))]
    minutes: u32,
    /// What the audit log calls it [default: the program's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// End every grant that was given, and the connections that have one
    #[arg(long, conflicts_with_all = ["may", "kind", "minutes", "name"])]
    revoke_all: bool,
    /// The program, and its arguments
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<OsString>,
}

fn rights() -> impl clap::builder::TypedValueParser<Value = Right> {
    let all = [Right::Read, Right::Capture, Right::Write];
    PossibleValuesParser::new(all.map(Right::as_str))
        .map(move |word| all.into_iter().find(|right| right.as_str() == word).unwrap_or(Right::Read))
}

impl Grant {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        if self.revoke_all {
            let nothing = serde_json::json!({});
            store
                .with(async |altair| {
                    let ended: Option<serde_json::Value> = altair.command(rpc::REVOKE, &nothing).await?;
                    ended.ok_or_else(gone)
                })
                .await?;
            return out.answer(&serde_json::json!({"revoked": true}), |_, _| "Every grant has ended.".to_owned());
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no program to run", "put -- and the program at the end"));
        };
        if cfg!(windows) {
            // Before there is one that nobody uses.
            return Err(not_yet());
        }
        let name = self.name.unwrap_or_else(|| {
            let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy();
            name.chars().filter(|c| !c.is_control()).take(64).collect()
        });
        let kinds = (!self.kind.is_empty()).then_some(self.kind);
        let asked = AskGrant { name, may: self.may, kinds, minutes: Some(self.minutes) };
        let work = async |altair: &Client<'_>| altair.command(rpc::GRANT, &asked).await?.ok_or_else(gone);
        let granted: Granted = store.with(work).await?;
        Err(run(program, arguments, &granted.token, store))
    }
}

fn gone() -> Failure {
    Error::new(ErrorKind::Closed, "the host has just ended", "try again").into()
}

fn not_yet() -> Failure {
    let message = "a grant can't be handed to a program on Windows yet";
    Error::refused(message, "ask for one by local RPC, and greet the host with its token").into()
}

/// Becomes the program.
#[cfg(unix)]
fn run(program: &OsString, arguments: &[OsString], token: &str, store: &Store) -> Failure {
    use std::io::{Seek as _, Write as _};
    use std::os::fd::AsRawFd as _;
    use std::process::Command;

    use rustix::io::{FdFlags, fcntl_setfd};

    use crate::{grant, spawn};

    let failed = |error: std::io::Error| Failure::internal(format!("the grant can't be handed on: {error}"));
    let handed = (|| {
        // A file that has no name: nobody finds it but who inherits it.
        let mut file = tempfile::tempfile()?;
        writeln!(file, "{token}")?;
        file.rewind()?;
        fcntl_setfd(&file, FdFlags::empty())?;
        Ok(file)
    })();
    let file = match handed {
        Ok(file) => file,
        Err(error) => return failed(error),
    };
    let mut command = Command::new(program);
    command.args(arguments).env(grant::VARIABLE, file.as_raw_fd().to_string());
    // It means the same store, wherever that was named.
    match store.socket() {
        Some(socket) => command.env("ALTAIR_SOCKET", socket),
        None => command.env("ALTAIR_HOME", store.path()).env_remove("ALTAIR_INSTANCE"),
    };
    let error = spawn::turn_into(command);
    Failure::usage(
        format!("{} can't be run: {error}", Path::new(program).display()),
        "check its name, and that it may be run",
    )
}

/// There is no file here that a program could inherit and find.
#[cfg(windows)]
fn run(_: &OsString, _: &[OsString], _: &str, _: &Store) -> Failure {
    not_yet()
}
