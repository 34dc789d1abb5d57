//! `daemon` and `shutdown`: the process that hosts the store.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use altair_core::{Error, ErrorKind};
use altair_protocol::rpc::{self, Host, HostKind};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::service;
use crate::client::{self, Client, Hosting, LOOK};
use crate::failure::Failure;
use crate::output::Output;
use crate::spawn;
use crate::standing::LOG;
use crate::store::Store;

/// How long a host that is there may take to listen.
const LISTENING: Duration = Duration::from_secs(10);
/// How long it may take to say who it is.
const NAMING: Duration = Duration::from_secs(1);
const NOBODY: &str = "Nobody hosts the store.";
/// How much of the log is printed.
const LOG_BYTES: u64 = 64 << 10;

/// Start, stop and look at the process that hosts the store
///
/// Commands start a daemon where there is none, so there is nothing to manage; this is for when you want to know, or to decide yourself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair daemon status\n  altair daemon stop")]
pub(crate) struct Daemon {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Host the store here, in the foreground, until interrupted
    Run {
        /// End when nobody has been connected for so many minutes
        #[arg(long, value_name = "N")]
        idle_minutes: Option<u64>,
    },
    /// Start a daemon, unless somebody hosts the store already
    Start,
    /// Let the daemon finish what it does, and end
    Stop,
    /// Stop the daemon and start another
    Restart,
    /// Tell who hosts the store; ends with 3 when nobody does
    Status,
    /// Print the end of the daemon's log
    Logs,
    /// Have the system start the daemon when somebody connects (systemd) or logs in (launchd)
    Install,
    /// Take that back
    Uninstall,
}

/// End the daemon that hosts the store
///
/// It finishes what it has begun. The next command starts another.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  altair shutdown")]
pub(crate) struct Shutdown {}

/// What `daemon status` tells.
#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    pid: Option<u32>,
    version: Option<String>,
    protocol: Option<u32>,
    epoch: Option<u64>,
    socket: Option<PathBuf>,
    store: PathBuf,
    uptime_s: Option<u64>,
    clients: Option<u64>,
}

impl Status {
    fn nobody(store: &Store) -> Self {
        Self {
            running: false,
            pid: None,
            version: None,
            protocol: None,
            epoch: None,
            socket: None,
            store: store.path().to_owned(),
            uptime_s: None,
            clients: None,
        }
    }
}

impl Daemon {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        match self.what {
            What::Run { idle_minutes } => run(store, idle_minutes),
            What::Start => start(store, out).await,
            What::Stop => stop(store, out).await,
            What::Restart => {
                stop(store, out).await?;
                out.forget();
                start(store, out).await
            }
            What::Status => status(store, out).await,
            What::Logs => logs(store, out),
            What::Install => service::install(store, out),
            What::Uninstall => service::uninstall(store, out),
        }
    }
}

impl Shutdown {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        stop(store, out).await
    }
}

/// Becomes `altaird`.
fn run(store: &Store, idle_minutes: Option<u64>) -> Result<(), Failure> {
    let mut command = Command::new(spawn::program()?);
    command.arg("--store").arg(store.path());
    if let Some(minutes) = idle_minutes {
        command.arg("--idle-minutes").arg(minutes.to_string());
    }
    let error = spawn::turn_into(command);
    Err(Failure::internal(format!("altaird can't be started: {error}")))
}

async fn start(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let client = Client::connect(store).await?;
    let outcome = tell(&client, store, out).await;
    client.close().await;
    outcome
}

async fn stop(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let connection = loop {
        match client::hosting(store.path()).await? {
            Hosting::Joined(connection) => break connection,
            Hosting::Nobody => return out.answer(&json!({"stopped": null}), |_, _| NOBODY.to_owned()),
            // It is opening the store, or about to put its socket back.
            Hosting::Apart(_) if begun.elapsed() < LISTENING => tokio::time::sleep(LOOK).await,
            Hosting::Apart(host) => {
                let what =
                    host.map_or_else(|| "whoever hosts the store".to_owned(), |host| format!("process {}", host.pid));
                let message = format!("{what} can't be asked to go: it doesn't listen");
                return Err(Failure::opening(Error::new(ErrorKind::Locked, message, "`altair doctor` tells why")));
            }
        }
    };
    let host = connection.host().clone();
    if host.kind == HostKind::App {
        return Err(Error::refused(
            format!("the store is open in a program that isn't a daemon (process {})", host.pid),
            "close that program",
        )
        .into());
    }
    let asked: Result<_, _> = connection.command::<_, serde_json::Value>(rpc::SHUTDOWN, &json!({})).await;
    if let Ok(answer) = asked {
        answer?;
    }
    drop(connection);
    client::wait_until_gone(store.path(), &host).await?;
    out.answer(&json!({"stopped": host.pid}), |_, _| format!("The daemon (process {}) has ended.", host.pid))
}

async fn status(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        return match client::hosting(store.path()).await? {
            Hosting::Joined(connection) => {
                let host = connection.command(rpc::STATUS, &json!({})).await;
                let host = host.ok().and_then(Result::ok).unwrap_or_else(|| connection.host().clone());
                answer(host, store, out)
            }
            Hosting::Apart(Some(host)) => answer(host, store, out),
            // Who has just got the lock says in a moment who it is.
            Hosting::Apart(None) if begun.elapsed() < NAMING => {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            Hosting::Apart(None) => {
                let somebody = Status { running: true, ..Status::nobody(store) };
                out.answer(&somebody, |_, _| {
                    "A process hosts the store that doesn't say who it is: `altair doctor` tells more.".to_owned()
                })
            }
            Hosting::Nobody => {
                out.exits_with(3);
                out.answer(&Status::nobody(store), |_, _| NOBODY.to_owned())
            }
        };
    }
}

async fn tell(client: &Client<'_>, store: &Store, out: &mut Output) -> Result<(), Failure> {
    let host: Option<Host> = client.command(rpc::STATUS, &json!({})).await?;
    let gone = || Error::new(ErrorKind::Internal, "the host has just ended", "try again");
    answer(host.ok_or_else(gone)?, store, out)
}

fn answer(host: Host, store: &Store, out: &mut Output) -> Result<(), Failure> {
    let what = match host.kind {
        HostKind::Daemon => "A daemon",
        HostKind::Private => "A command",
        HostKind::App => "A program",
    };
    let status = Status {
        running: true,
        pid: Some(host.pid),
        version: Some(host.version),
        protocol: rpc::Protocol::OURS.common(host.protocol),
        epoch: Some(host.epoch),
        socket: host.socket,
        store: store.path().to_owned(),
        uptime_s: host.uptime_s,
        clients: host.clients,
    };
    out.answer(&status, |status, _| {
        let socket = status.socket.as_ref().map(|socket| socket.display().to_string()).unwrap_or_default();
        let since = match (status.uptime_s, status.clients) {
            (Some(uptime), Some(clients)) => format!("since {uptime} s, {clients} connected"),
            _ => "not to be joined yet; `altair doctor` tells more if it stays so".to_owned(),
        };
        format!(
            "{what} hosts {} (process {}, version {}, {since})\n{socket}",
            status.store.display(),
            host.pid,
            status.version.as_deref().unwrap_or_default(),
        )
    })
}

fn logs(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let path = store.path().join(LOG);
    let read = || {
        let mut file = std::fs::File::open(&path)?;
        let from = file.metadata()?.len().saturating_sub(LOG_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // Not half a line.
        let begin = if from == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        Ok(bytes.split_off(begin))
    };
    match read() {
        Ok(bytes) => out.bytes(bytes),
        Err(error) if std::io::Error::kind(&error) == std::io::ErrorKind::NotFound => {
            out.note("No daemon has written a log for this store.");
        }
        Err(error) => return Err(Error::io("reading", &path, error).into()),
    }
    Ok(())
}
