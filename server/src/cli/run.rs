//! `altair-server run`: the process around a running server: its log, its signals, and the line that says that it is ready.

use std::io::{self, Write as _};

use altair_core::{Error, ErrorKind};
use altair_server::{Config, LogFormat, Running};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until a signal says to stop.
pub(super) async fn run(config: &Config) -> Result<(), Error> {
    log(config)?;
    let signals = |error: io::Error| {
        let hint = "end other programs, then try again";
        Error::new(ErrorKind::Internal, format!("signals can't be listened to: {error}"), hint)
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(signals)?;
    let running = Running::start(config).await?;
    // Who started us waits for this line; without stderr there is nobody who does.
    let _ = writeln!(io::stderr(), "listening on {}", running.url());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => match running.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!(%error, "the certificate can't be read again: the one before stays"),
            },
        }
    }
    tracing::info!("stopping");
    let stopped = running.stop().await;
    tracing::info!("stopped");
    stopped
}

fn log(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| {
        let message = format!("\"{}\" is no log filter: {error}", config.log);
        Error::invalid(message, "use a level or a list like `info` or `warn,altair_server=debug`")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
