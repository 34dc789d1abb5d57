//! `altaird`: hosts a store for everybody on this machine who joins it.
//!
//! The engine is in here and not in `altair`, so that a command starts in a millisecond or two. It hosts or it ends: as a guest it would be of no use.

mod log;
#[path = "../standing.rs"]
mod standing;
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(unix, path = "unix.rs")]
mod system;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use altair_core::{Altair, Config, Error};
use altair_protocol::rpc::HostKind;
use clap::Parser;

use crate::standing::Standing;

// SurrealDB makes many small allocations: this one takes a quarter off the time of an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The least that a daemon stays without a guest.
const IDLE_LEAST: Duration = Duration::from_secs(2);
/// How often an idle daemon is looked at.
const IDLE_LOOK: Duration = Duration::from_secs(5);

/// Hosts an Altair store for the programs of this machine. `altair` starts it where it is needed.
#[derive(Debug, Parser)]
#[command(name = "altaird", version)]
struct Args {
    /// The store's folder
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// End when nobody has been connected for so many minutes
    #[arg(long, value_name = "N")]
    idle_minutes: Option<u64>,
    /// Leave the terminal, tell on stdout how it went, and log to altaird.log in the store's folder
    #[arg(long, conflicts_with = "private", hide = true)]
    detach: bool,
    /// Serve the socket that is standard input, and end with it; on Windows, end when standard input does
    #[arg(long, hide = true)]
    private: bool,
    /// Open a store that has lost commits
    #[arg(long, requires = "private", hide = true)]
    repair: bool,
    /// Tell in this file how it went, and not on stdout
    #[arg(long, value_name = "FILE", requires = "detach", hide = true)]
    told: Option<PathBuf>,
}

impl Args {
    fn log(&self) -> log::To {
        match (self.detach, self.private) {
            (true, _) => log::To::File,
            (_, true) => log::To::StderrIfAsked,
            _ => log::To::Stderr,
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.detach {
        system::detach();
    }
    let outcome = log::start(&args.store, args.log()).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Error::internal("the daemon can't start its event loop").because(error))?;
        runtime.block_on(run(&args))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "altaird ends");
            if args.detach || args.private {
                let (message, hint) = (error.message().to_owned(), error.hint().to_owned());
                say(&args, &Standing::Error { kind: error.kind(), message, hint });
            } else {
                let _ = writeln!(std::io::stderr(), "error: {}\nhint: {}", error.message(), error.hint());
            }
            ExitCode::from(5)
        }
    }
}

async fn run(args: &Args) -> Result<(), Error> {
    let signals = |error| Error::internal("signals can't be listened to").because(error);
    let told_to_end = system::told_to_end().map_err(signals)?;
    let kind = if args.private { HostKind::Private } else { HostKind::Daemon };
    let listener = system::handed_over();
    let listener =
        listener.map_err(|error| Error::internal("the socket that was handed over can't be used").because(error))?;
    let config = Config { kind, repair: args.repair, listener: listener.map(Arc::new), ..Config::new(&args.store) };
    let altair = Altair::open(config).await?;
    if altair.is_guest() {
        if args.detach || args.private {
            say(args, &Standing::Elsewhere);
            return Ok(());
        }
        let host = altair.host().map_or(0, |host| host.pid);
        return Err(Error::refused(
            format!("process {host} hosts the store already"),
            "`altair daemon status` tells which; `altair daemon stop` ends a daemon",
        ));
    }
    if args.detach || args.private {
        say(args, &Standing::Hosts);
    }
    tokio::select! {
        how = told_to_end => tracing::info!("{how}"),
        () = altair.asked_to_go() => tracing::info!("asked to go"),
        () = idle(&altair, args.idle_minutes) => tracing::info!("idle for long enough"),
        served = system::serve_stdin(&altair), if args.private => served?,
    }
    let closed = altair.close().await;
    tracing::info!("closed");
    closed
}

/// Ends when nobody has been connected for so long; never, if nobody said how long.
async fn idle(altair: &Altair, minutes: Option<u64>) {
    let Some(minutes) = minutes else { return std::future::pending().await };
    // Long enough for the command that started it to connect.
    let most = Duration::from_secs(minutes.saturating_mul(60)).max(IDLE_LEAST);
    let mut since = tokio::time::Instant::now();
    while since.elapsed() < most {
        tokio::time::sleep(IDLE_LOOK.min(most)).await;
        if altair.host().and_then(|host| host.clients).is_some_and(|clients| clients > 0) {
            since = tokio::time::Instant::now();
        }
    }
}

/// Tells whoever started this process how it stands.
fn say(args: &Args, standing: &Standing) {
    let Ok(line) = serde_json::to_string(standing) else { return };
    // Nobody may be listening any more.
    let _ = match &args.told {
        // Whole when it is there.
        Some(told) => {
            let part = told.with_extension("part");
            std::fs::write(&part, line).and_then(|()| std::fs::rename(&part, told))
        }
        None => writeln!(std::io::stdout(), "{line}"),
    };
}
