//! `watch`: changes as they happen.

use altair_protocol::Kind;
use altair_protocol::rpc::{self, Event};
use clap::Args;
use serde_json::json;

use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Print changes as they happen, until interrupted
///
/// One line for each change that any program makes in this store, from now on. With --json, a line {"lagged": true}
/// says that more changed at once than was worth printing: look at the lists again. Of what is erased at once, earlier
/// changes may be missing, as erasing takes them out of the store; that it was erased is always printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair watch\n  altair watch quest --json")]
pub(crate) struct Watch {
    /// Only things of this kind
    #[arg(value_name = "KIND", value_parser = args::any_kind())]
    kind: Option<Kind>,
}

impl Watch {
    pub(crate) async fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        // Listening for signals begins before anybody is told that watching has begun.
        let interrupted = interrupted()?;
        tokio::select! {
            outcome = store.with(async |client| self.follow(client, out).await) => outcome,
            () = interrupted => Ok(()),
        }
    }

    async fn follow(&self, client: &Client<'_>, out: &mut Output) -> Result<(), Failure> {
        let mut watch = client.watch(&rpc::Watch { kind: self.kind, after: None }).await?;
        let mut seq = watch.seq();
        out.note("watching; Ctrl-C ends it");
        out.flush()?;
        // Whether it was said that the host stands still.
        let mut told = false;
        loop {
            let silence = watch.silence();
            let next = tokio::select! {
                biased;
                next = watch.next() => next,
                silent = silence, if !told => {
                    told = true;
                    out.note(silent);
                    out.flush()?;
                    continue;
                }
            };
            told = false;
            match next {
                Some(Event::Change(event)) => {
                    seq = event.seq;
                    out.one(&event)?;
                }
                Some(Event::Lagged(passed_over)) => {
                    seq = passed_over;
                    out.answer(&json!({"lagged": true}), |_, paint| {
                        paint.dim("Much has changed at once; not every change is shown.")
                    })?;
                }
                // The host is gone: the next one goes on where it stopped.
                None => watch = client.watch(&rpc::Watch { kind: self.kind, after: Some(seq) }).await?,
            }
            out.flush()?;
        }
    }
}
/// Ends when the program is asked to end, by Ctrl-C or by a signal to terminate.
fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    let failed = |error| Failure::internal(format!("signals can't be listened to: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut ctrl_c = tokio::signal::windows::ctrl_c().map_err(failed)?;
        Ok(async move {
            ctrl_c.recv().await;
        })
    }
}
