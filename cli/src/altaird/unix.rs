//! What a daemon has to do with the system, on Unix.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use altair_core::host::Handed;
use altair_core::{Altair, Error};
use tokio::signal::unix::{SignalKind, signal};

/// Takes a session of its own: the terminal that it was started from may go.
pub(crate) fn detach() {
    // That fails only for who has one already.
    let _ = rustix::process::setsid();
}

/// Ends when the system or a person wants this process to end, with how that was said.
pub(crate) fn told_to_end() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "asked to end by a signal",
            _ = interrupt.recv() => "interrupted",
        }
    })
}

/// The socket that somebody has connected to, if systemd hands one over.
pub(crate) fn handed_over() -> io::Result<Option<Handed>> {
    listenfd::ListenFd::from_env().take_unix_listener(0)
}

/// Serves the command that started this process, until that ends.
pub(crate) async fn serve_stdin(altair: &Altair) -> Result<(), Error> {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|error| Error::internal("standard input is no socket").because(error))?;
    altair.serve(UnixStream::from(stdin)).await
}
