//! Many handles on one store: hosting, joining, handing over, and what a connection may do. Processes that are killed are in the whole-system tests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test's failure is a panic")]

// These speak through a socket of their own.
#[cfg(unix)]
mod connections;
#[cfg(unix)]
mod documented;
#[cfg(unix)]
mod grants;
#[cfg(unix)]
mod raw;
mod seats;

use std::time::Duration;

use altair_core::{Altair, Config, NewCapture};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

fn config(folder: &TempDir) -> Config {
    Config::new(folder.path().join("store"))
}

async fn open(folder: &TempDir) -> Altair {
    Altair::open(config(folder)).await.unwrap()
}

async fn thought(altair: &Altair, text: &str) -> altair_protocol::EntityId {
    altair.capture(NewCapture { text: text.into(), ..NewCapture::default() }).await.unwrap().id
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("too slow")
}
