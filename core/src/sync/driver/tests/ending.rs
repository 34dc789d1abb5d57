//! Whatever is going on: when it is shut down, everything ends.

use std::time::Duration;

use tokio::runtime::Handle;

use super::home::Home;
use super::server::Trick;
use crate::sync::driver::Syncing;
use crate::sync::machine::State;

/// Waits until there are no more tasks than this.
async fn tasks_are(count: usize) {
    let waiting = async {
        // What HTTP has behind its connections ends a moment after they do.
        while Handle::current().metrics().num_alive_tasks() > count {
            tokio::task::yield_now().await;
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    left.unwrap_or_else(|_| panic!("{} tasks are left", Handle::current().metrics().num_alive_tasks()));
}

/// Shuts it down in a state, and says that nothing is left of it.
async fn ends(home: &Home, reach: impl AsyncFnOnce(&Syncing)) {
    let before = Handle::current().metrics().num_alive_tasks();
    let syncing = home.open();
    reach(&syncing).await;
    tokio::time::timeout(Duration::from_secs(10), syncing.shut_down()).await.unwrap();
    assert_eq!(syncing.status().borrow().state, State::Off);
    // Once is enough.
    syncing.shut_down().await;
    tasks_are(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_in_any_state_ends_all_tasks() {
    let home = Home::new();
    home.server.happens(10);
    ends(&home, async |_| {}).await;
    home.server.trick("/v1/sync", Trick::Stall);
    ends(&home, async |syncing| {
        home.until(syncing, "it should connect", |home, _| home.server.inside().tricks.is_empty()).await;
    })
    .await;
    ends(&home, async |syncing| home.live(syncing).await).await;
    ends(&home, async |syncing| {
        syncing.pause();
        home.until(syncing, "it should pause", |_, status| status.state == State::Off && status.why.is_some()).await;
    })
    .await;
    home.server.inside().model.fold(5);
    home.notebook.inside().store.cursor = Default::default();
    home.server.trick("/v1/bootstrap", Trick::Stall);
    ends(&home, async |syncing| {
        home.until(syncing, "it should ask for states", |home, _| home.server.inside().tricks.is_empty()).await;
    })
    .await;
    home.server.trick("/v1/blobs", Trick::Stall);
    ends(&home, async |syncing| {
        let hash = home.notebook.keep_blob(b"a picture of figs");
        home.notebook.write(1, vec![hash]);
        syncing.committed();
        home.until(syncing, "it should upload", |home, _| home.server.inside().tricks.is_empty()).await;
    })
    .await;
    home.server.inside().tokens.clear();
    ends(&home, async |syncing| {
        home.until(syncing, "it should wait", |_, status| status.state == State::Waiting).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_is_doing_is_finished() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    let gate = home.notebook.gate.lock().await;
    home.server.happens(1);
    home.until(&syncing, "it should have come", |_, status| status.head.get() == 1).await;
    let mut ending = std::pin::pin!(syncing.shut_down());
    assert!(futures::poll!(&mut ending).is_pending());
    drop(gate);
    ending.await;
    assert_eq!(home.notebook.inside().store.cursor.get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_ends_too() {
    let before = Handle::current().metrics().num_alive_tasks();
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    drop(syncing);
    tasks_are(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    let before = Handle::current().metrics().num_alive_tasks();
    for times in 1..20 {
        home.server.cut(None);
        home.until(&syncing, "it should be back", |home, status| {
            status.state == State::Live && home.server.inside().sockets > times
        })
        .await;
    }
    tasks_are(before).await;
    syncing.shut_down().await;
}
