//! Starting `altaird` on Unix: a daemon without this process's descriptors, and an engine at the other end of a pair of sockets.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use altair_core::host::{Connection, Guest};
use tokio::runtime::Handle;

use super::{Private, Started, altaird, ending, standing, start};
use crate::client::CLIENT;
use crate::config::Config;
use crate::failure::Failure;
use crate::grant;
use crate::standing::Standing;

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
        Some(connection) => Ok(Started::Private(Box::new(connection), private)),
        None => Err(private.failure().await),
    }
}

/// Becomes another program. What comes back is why not.
pub(crate) fn turn_into(mut command: Command) -> std::io::Error {
    command.exec()
}
