//! What a daemon has to do with the system, on Windows.

use std::future::pending;
use std::io;

use altair_core::host::Handed;
use altair_core::{Altair, Error};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
use tokio::sync::oneshot;

/// Leaves the console: who started this process has done that.
pub(crate) const fn detach() {}

/// Ends when the system or a person wants this process to end, with how that was said. A process without a console isn't told: it is ended when its user logs
/// off, and the store is left as a killed host leaves it.
pub(crate) fn told_to_end() -> io::Result<impl Future<Output = &'static str>> {
    /// Waits for what may not be there to wait for.
    macro_rules! wait {
        ($from:ident) => {
            async {
                match &mut $from {
                    Ok(from) => from.recv().await,
                    Err(_) => pending().await,
                }
            }
        };
    }
    let (mut c, mut pause, mut close, mut logoff, mut shutdown) =
        (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_logoff(), ctrl_shutdown());
    Ok(async move {
        tokio::select! {
            _ = wait!(c) => "interrupted",
            _ = wait!(pause) => "interrupted",
            _ = wait!(close) => "the console was closed",
            _ = wait!(logoff) => "the user logs off",
            _ = wait!(shutdown) => "the system shuts down",
        }
    })
}

/// What was handed over to listen on: nobody does that here.
pub(crate) const fn handed_over() -> io::Result<Option<Handed>> {
    Ok(None)
}

/// Waits for the end of the command that started this process, which holds the other end of standard input. It joins as everybody does.
pub(crate) async fn serve_stdin(_altair: &Altair) -> Result<(), Error> {
    let (ended, wait) = oneshot::channel();
    // On a thread that the end of this process doesn't wait for, as it would for tokio's.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = wait.await;
    Ok(())
}
