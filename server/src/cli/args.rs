//! The command line as clap reads it.

use std::net::SocketAddr;
use std::path::PathBuf;

use altair_server::{LogFormat, Said};
use clap::{Args, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Getting started:
  altair-server init --data DIR       makes a household, and prints a code for its first device
  altair-server run --data DIR        serves it; then, on the device: altair login URL CODE
  altair-server pair --data DIR       prints a code for the next device

Settings come from flags, from the environment (ALTAIR_SERVER_DATA and so on), and from the TOML file that --config names; `altair-server config` prints them.

Exit codes:
  0  done
  1  failed
  2  wrong usage or value
  3  not found
  4  refused in this state
  5  the data folder can't be opened";

/// Altair's sync server, which a household runs itself.
#[derive(Debug, Parser)]
#[command(name = "altair-server", version, after_help = AFTER_HELP, max_term_width = 100, subcommand_required = true)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What may stand before or after any command.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The data folder [default: the platform's data folder]
    #[arg(long, value_name = "DIR", global = true, display_order = 900)]
    data: Option<PathBuf>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE", global = true, display_order = 901)]
    config: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long, global = true, display_order = 902)]
    pub(crate) json: bool,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve, in the foreground, until it is told to stop
    ///
    /// SIGTERM and SIGINT stop it, once what is queued is stored and answered. SIGHUP reads the certificate again.
    Run(Run),
    /// Make a household, and print a code for its first device
    Init {
        /// What it is called [default: Home]
        #[arg(long, value_name = "NAME")]
        household: Option<String>,
    },
    /// Print a one-time code for another device
    ///
    /// It is good for ten minutes; five wrong guesses end it.
    Pair {
        /// The household's name or id, if there are several
        #[arg(long, value_name = "NAME")]
        household: Option<String>,
    },
    /// List devices, or take their tokens from them
    #[command(subcommand)]
    Device(DeviceCommand),
    /// List households
    #[command(subcommand)]
    Household(HouseholdCommand),
    /// Print the settings as a TOML file
    Config(Run),
    /// Write everything into one file, while the server runs or not
    Backup {
        /// Which
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a data folder from a backup
    Restore {
        /// Which
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove what nobody needs any more: ids erased and devices revoked 400 days ago, uploads that were given up
    Gc,
}

/// What is done with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices
    List {
        /// Of this household alone
        #[arg(long, value_name = "NAME")]
        household: Option<String>,
    },
    /// Take its token from a device, and from copies of it, and hang up on it
    Revoke {
        /// Its id, or an ending of at least four characters
        #[arg(value_name = "ID")]
        device: String,
    },
}

/// What is done with households.
#[derive(Debug, Subcommand)]
pub(crate) enum HouseholdCommand {
    /// List households
    List,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where to listen; port 0 takes one that is free [default: 127.0.0.1:7464]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A proxy in front brings TLS, and says whom a request is from (X-Forwarded-For)
    #[arg(long)]
    behind_proxy: bool,
    /// What to log: a level, or a list like `warn,altair_server=debug`
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How to log
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

impl Globals {
    pub(crate) fn said(&self) -> Said {
        Said { data: self.data.clone(), config: self.config.clone(), ..Said::default() }
    }
}

impl Run {
    pub(crate) fn said(&self) -> Said {
        Said {
            listen: self.listen,
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            behind_proxy: self.behind_proxy.then_some(true),
            log: self.log.clone(),
            log_format: self.log_format.map(|format| match format {
                Format::Text => LogFormat::Text,
                Format::Json => LogFormat::Json,
            }),
            ..Said::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn clap_finds_the_commands_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        }
    }
}
