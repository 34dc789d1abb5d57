//! Starting `altaird`: a daemon that outlives the command, or an engine of the command's own.
//!
//! A daemon inherits nothing that could keep a pipeline waiting. It says on its standard output, in one line, whether it hosts the store, somebody else does,
//! or why not; then it goes its own way.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::env;
use std::fs::{File, TryLockError};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use altair_core::host::Connection;
use altair_core::{Error, ErrorKind};

#[cfg(unix)]
pub(crate) use self::unix::{daemon, private, turn_into};
#[cfg(windows)]
pub(crate) use self::windows::{daemon, private, turn_into};
use crate::failure::Failure;
use crate::standing::Standing;

/// How long one command waits for another that starts a host.
const WAIT: Duration = Duration::from_secs(30);
/// The same for one that goes on without.
pub(crate) const LITTLE: Duration = Duration::from_secs(5);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(2);

/// Held by the one command that starts a host.
#[derive(Debug)]
pub(crate) struct SpawnLock {
    _file: File,
}

impl SpawnLock {
    /// Waits until nobody else is about to start one.
    pub(crate) async fn wait(store: &Path) -> Result<Self, Failure> {
        Self::wait_for(store, WAIT).await
    }

    /// The same for who can do without: `None` when it can't be had soon.
    pub(crate) async fn wait_a_little(store: &Path) -> Option<Self> {
        Self::wait_for(store, LITTLE).await.ok()
    }

    async fn wait_for(store: &Path, most: Duration) -> Result<Self, Failure> {
        let path = altair_core::host::spawn_lock(store).map_err(Failure::opening)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| Failure::opening(Error::io("opening", &path, error)))?;
        let deadline = Instant::now() + most;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(AGAIN).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::opening(Error::new(
                        ErrorKind::Locked,
                        "another command has been starting the store's host for long",
                        "wait until it is done, or end it, then try again",
                    )));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Failure::opening(Error::io("locking", &path, error)));
                }
            }
        }
    }
}

/// What came of starting `altaird`.
#[derive(Debug)]
pub(crate) enum Started {
    /// Somebody hosts the store, and can be joined.
    Host,
    /// An engine of this command's own, and the connection to it.
    Private(Box<Connection>, Private),
    /// It ended without a word.
    Died(String),
}

/// An engine of the command's own.
#[derive(Debug)]
pub(crate) struct Private {
    child: Child,
}

impl Private {
    /// Waits until it has closed the store, which it does when the connection ends, or its standard input where that is none.
    pub(crate) async fn end(mut self) {
        // What was answered is durable already: how it ends is of no account.
        let _ = tokio::task::spawn_blocking(move || self.child.wait()).await;
    }

    /// Why it is gone in the middle of the command.
    pub(crate) async fn failure(mut self) -> Failure {
        let ended = tokio::task::spawn_blocking(move || self.child.wait()).await;
        let how = match ended {
            Ok(Ok(status)) => status.to_string(),
            _ => "it could not be waited for".to_owned(),
        };
        Error::new(
            ErrorKind::Internal,
            format!("the engine ended in the middle of this ({how})"),
            "try again; if it stays, `altair doctor` may tell more",
        )
        .into()
    }
}

/// The program beside this one.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    let missing = |message: String| {
        Failure::opening(Error::new(
            ErrorKind::Internal,
            message,
            "install altair again: altair and altaird belong together",
        ))
    };
    let program = beside().map_err(|error| missing(format!("this program can't be found: {error}")))?;
    if program.is_file() {
        return Ok(program);
    }
    Err(missing(format!("there is no {}", program.display())))
}

/// Where that should be.
pub(crate) fn beside() -> std::io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(format!("altaird{}", env::consts::EXE_SUFFIX)))
}

fn altaird(store: &Path) -> Result<Command, Failure> {
    let mut command = Command::new(program()?);
    command.arg("--store").arg(store).stdout(Stdio::piped());
    Ok(command)
}

fn start(mut command: Command) -> Result<Child, Failure> {
    command.spawn().map_err(|error| unstarted(&error))
}

fn unstarted(error: &dyn std::fmt::Display) -> Failure {
    Failure::opening(Error::new(
        ErrorKind::Internal,
        format!("altaird can't be started: {error}"),
        "check that there is room for another process, then try again",
    ))
}

/// What the process says of itself, which may take as long as opening the store does; `None` when it ended without a word.
async fn standing(child: &mut Child) -> Result<Option<Standing>, Failure> {
    let stdout = child.stdout.take();
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        if let Some(stdout) = stdout {
            // No more than a message: whatever this is may not be altaird.
            let _ = BufReader::new(stdout.take(64 << 10)).read_line(&mut line);
        }
        line
    });
    let told = understood(&reading.await.unwrap_or_default());
    if told.is_err() {
        let _ = child.wait();
    }
    told
}

/// What a process says of itself; `None` when that is nothing.
fn understood(line: &str) -> Result<Option<Standing>, Failure> {
    match serde_json::from_str(line) {
        Ok(Standing::Error { kind, message, hint }) => Err(Failure::opening(Error::new(kind, message, hint))),
        standing => Ok(standing.ok()),
    }
}

/// How a process ended that has nothing more to say.
fn ending(child: &mut Child) -> String {
    child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
}
