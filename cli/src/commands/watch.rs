//! `watch`: changes as they happen.
//!
//! One process at a time can have the store open, so watching doesn't keep it open. The number of the last commit stands in
//! a file beside the store; when it moves, the store is opened for as long as it takes to read what is new.

use std::time::Duration;

use altair_core::{Altair, ErrorKind, published_head};
use altair_protocol::Kind;
use altair_protocol::view::Event;
use clap::Args;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::args;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

const EVERY: Duration = Duration::from_millis(50);

/// More events than this at once are not printed: the reader is told that it fell behind.
const MOST: usize = 10_000;

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
            outcome = self.follow(store, out) => outcome,
            () = interrupted => Ok(()),
        }
    }

    async fn follow(&self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        let mut published = published_head(store.path()).unwrap_or(0);
        let mut seq = published;
        out.note("watching; Ctrl-C ends it");
        out.flush()?;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = published_head(store.path()).unwrap_or(published);
            if now == published || now == seq {
                continue;
            }
            match store.with(async |altair| news(altair, seq).await).await {
                Ok((events, head)) => {
                    (published, seq) = (now, head);
                    self.print(events, out)?;
                }
                // Somebody else has it open for long: the news will still be there when they let go.
                Err(Failure::Failed { kind: ErrorKind::Locked, .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    fn print(&self, events: News, out: &mut Output) -> Result<(), Failure> {
        match events {
            News::Lagged => out.answer(&json!({"lagged": true}), |_, paint| {
                paint.dim("Much has changed at once; not every change is shown.")
            })?,
            News::Events(events) => {
                let wanted = |event: &&Event| self.kind.is_none_or(|kind| event.kind == kind);
                events.iter().filter(wanted).try_for_each(|event| out.one(event))?;
            }
        }
        out.flush()
    }
}

enum News {
    Events(Vec<Event>),
    Lagged,
}

/// What happened after an event, and the store's last event.
async fn news(altair: &Altair, after: u64) -> Result<(News, u64), Failure> {
    let head = altair.head();
    let events = altair.events_after(after, MOST + 1).await?;
    // A head before ours means that another store has taken this one's place.
    let news = if events.len() > MOST || head < after { News::Lagged } else { News::Events(events) };
    Ok((news, head))
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
