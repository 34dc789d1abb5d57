//! Starting `altaird`: a daemon that outlives the command, or an engine of the command's own.
//!
//! A daemon inherits nothing that could keep a pipeline waiting. It says on its standard output, in one line, whether it hosts the store, somebody else does,
//! or why not; then it goes its own way.

use std::env;
use std::fs::{File, TryLockError};
use std::io::{BufRead as _, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use altair_core::host::{Connection, Guest};
use altair_core::{Error, ErrorKind};
use tokio::runtime::Handle;

use crate::client::CLIENT;
use crate::config::Config;
use crate::failure::Failure;
use crate::grant;
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
    Private(Connection, Private),
    /// It ended without a word.
    Died(String),
}

/// Starts a daemon that hosts the store.
pub(crate) async fn daemon(store: &Path) -> Result<Started, Failure> {
    let mut command = altaird(store)?;
    // Nothing that this process was given goes on to one that outlives it.
    close_fds::set_fds_cloexec(3, &[]);
    if let Some(minutes) = Config::load()?.daemon.idle_minutes {
        command.arg("--idle-minutes").arg(minutes.to_string());
    }
    command.arg("--detach").stdin(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    let mut child = start(command)?;
    match standing(&mut child).await? {
        Some(_) => Ok(Started::Host),
        None => Ok(Started::Died(ending(&mut child))),
    }
}

/// Starts an engine of this command's own, at the other end of a pair of sockets, unless somebody hosts the store by now.
pub(crate) async fn private(store: &Path, repair: bool) -> Result<Started, Failure> {
    let pair = |error| Failure::internal(format!("a pair of sockets can't be had: {error}"));
    let (ours, theirs) = UnixStream::pair().map_err(pair)?;
    let mut command = altaird(store)?;
    command.arg("--private").stdin(Stdio::from(OwnedFd::from(theirs)));
    if repair {
        command.arg("--repair");
    }
    let mut child = start(command)?;
    match standing(&mut child).await? {
        Some(Standing::Elsewhere) => return Ok(Started::Host),
        Some(_) => {}
        None => return Ok(Started::Died(ending(&mut child))),
    }
    let private = Private { child };
    let token = grant::held()?;
    let guest = Guest { client: CLIENT, grant: token.as_deref() };
    let joined = Connection::over(ours, private.child.id(), guest, &Handle::current()).await;
    match joined.map_err(Failure::opening)? {
        Some(connection) => Ok(Started::Private(connection, private)),
        None => Err(private.failure().await),
    }
}

/// An engine of the command's own.
#[derive(Debug)]
pub(crate) struct Private {
    child: Child,
}

impl Private {
    /// Waits until it has closed the store, which it does when the connection ends.
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
    command.spawn().map_err(|error| {
        Failure::opening(Error::new(
            ErrorKind::Internal,
            format!("altaird can't be started: {error}"),
            "check that there is room for another process, then try again",
        ))
    })
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
    let line = reading.await.unwrap_or_default();
    match serde_json::from_str(&line) {
        Ok(Standing::Error { kind, message, hint }) => {
            let _ = child.wait();
            Err(Failure::opening(Error::new(kind, message, hint)))
        }
        standing => Ok(standing.ok()),
    }
}

/// How a process ended that has nothing more to say.
fn ending(child: &mut Child) -> String {
    child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
}
