//! All states, down.

use super::home::Home;
use super::server::{Trick, answer};
use crate::sync::machine::{Reason, State};

/// A server whose log begins later than a new device's cursor.
fn folded(entities: usize) -> Home {
    let home = Home::new();
    home.server.happens(entities);
    home.server.inside().model.fold(entities);
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_live_after_a_bootstrap() {
    let home = folded(1200);
    home.notebook.write(1, Vec::new());
    let syncing = home.open();
    home.live(&syncing).await;
    home.assert_in_step();
    // A batch has five hundred at most.
    assert_eq!(home.notebook.inside().batches, 3);
    assert_eq!(home.server.inside().model.states.len(), 1201);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_that_is_cut_in_the_middle_goes_on_there() {
    let home = folded(1200);
    home.server.trick("/v1/bootstrap", Trick::CutAfter(701));
    let syncing = home.open();
    home.live(&syncing).await;
    home.assert_in_step();
    let requests = home.server.inside().requests.clone();
    let asked: Vec<&str> =
        requests.iter().map(|(line, _)| line.as_str()).filter(|line| line.contains("bootstrap")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(!asked[0].contains("after=") && asked[1].contains("after=") && asked[1].contains("head=1200"), "{asked:?}");
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_goes_on_in_the_next_process_too() {
    let home = folded(1200);
    home.server.trick("/v1/bootstrap", Trick::CutAfter(701));
    home.server.trick("/v1/bootstrap", Trick::Stall);
    let syncing = home.open();
    home.until(&syncing, "it should have asked twice", |home, _| home.server.asked("bootstrap") == 2).await;
    let progress = syncing.status().borrow().progress;
    syncing.shut_down().await;
    assert!(home.notebook.inside().store.resume.is_some(), "{progress:?}");
    let syncing = home.open();
    home.live(&syncing).await;
    home.assert_in_step();
    assert!(home.server.inside().requests.iter().filter(|(line, _)| line.contains("after=")).count() == 2);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_wrong_checksum_it_begins_anew() {
    let home = folded(20);
    home.server.trick("/v1/bootstrap", Trick::Miscount);
    let syncing = home.open();
    home.live(&syncing).await;
    home.assert_in_step();
    syncing.shut_down().await;
    let inside = home.server.inside();
    assert_eq!(inside.requests.iter().filter(|(line, _)| line.contains("bootstrap")).count(), 2);
    assert!(!inside.requests.iter().any(|(line, _)| line.contains("after=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captive_portal_is_no_bootstrap() {
    let home = folded(20);
    let html = b"<html>\n<body>Welcome</body>\n</html>\n";
    home.server.trick("/v1/bootstrap", Trick::Say(answer("200 OK", "Content-Type: text/html\r\n", html)));
    let syncing = home.open();
    home.until(&syncing, "it should be a fault", |_, status| {
        status.state == State::Fault && status.why.as_ref().is_some_and(|why| why.reason == Reason::Foreign)
    })
    .await;
    assert!(home.notebook.inside().store.base.is_empty());
    syncing.sync_now();
    home.live(&syncing).await;
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_programs_line_stops_it_and_says_so() {
    let home = folded(1);
    let head = home.server.inside().model.head();
    let incarnation = home.server.inside().model.incarnation;
    let body = format!(
        "{{\"bootstrap\":{{\"head\":{head},\"incarnation\":\"{incarnation}\",\"server_time\":\"2026-11-21T20:04:18.693Z\",\"entities\":1}}}}\n{{\"hologram\":{{}}}}\n"
    );
    home.server.trick("/v1/bootstrap", Trick::Say(answer("200 OK", "", body.as_bytes())));
    let syncing = home.open();
    home.until(&syncing, "it should ask to be updated", |_, status| {
        status.why.as_ref().is_some_and(|why| why.reason == Reason::Unsupported)
    })
    .await;
    syncing.shut_down().await;
}
