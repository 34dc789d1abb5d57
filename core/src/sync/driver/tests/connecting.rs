//! Reaching the server, losing it, and what it may say instead of itself.

use altair_protocol::sync::CloseCode;

use super::home::Home;
use super::server::{Trick, answer, refusal};
use crate::sync::machine::{Reason, State};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_elsewhere_is_here_at_once() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    home.server.happens(3);
    home.live(&syncing).await;
    home.assert_in_step();
    assert_eq!(home.notebook.inside().store.base.len(), 3);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_loses_nothing_and_is_made_again() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    for edit in 0..5 {
        home.server.cut(None);
        home.notebook.write(edit, Vec::new());
        syncing.committed();
        home.server.happens(1);
        home.live(&syncing).await;
    }
    home.assert_in_step();
    assert_eq!(home.server.inside().model.states.len(), 10);
    assert!(home.server.inside().sockets > 1);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_close_frame_is_heard() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    home.server.cut(Some((CloseCode::Unsupported, "this server speaks 2")));
    home.until(&syncing, "it should say which program is too old", |_, status| {
        status.why.as_ref().is_some_and(|why| why.reason == Reason::Unsupported && why.message.contains("speaks 2"))
    })
    .await;
    assert_eq!(syncing.status().borrow().state, State::Fault);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_is_waited_for_no_longer_when_the_network_comes_back() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    home.server.inside().stalled = true;
    home.bell.ring();
    let ends = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    // It has five seconds to answer then.
    syncing.network_back();
    home.until(&syncing, "it should notice", |_, status| {
        status.why.as_ref().is_some_and(|why| why.reason == Reason::Silent)
    })
    .await;
    assert!(tokio::time::Instant::now() >= ends);
    home.server.inside().stalled = false;
    home.live(&syncing).await;
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_a_quiet_wait() {
    let home = Home::new();
    home.server.inside().tokens.clear();
    let syncing = home.open();
    home.until(&syncing, "it should wait for the person", |_, status| {
        status.state == State::Waiting && status.why.as_ref().is_some_and(|why| why.reason == Reason::SessionExpired)
    })
    .await;
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captive_portal_is_a_fault_and_no_data() {
    let home = Home::new();
    let html = b"<html><body>Welcome to the hotel's network</body></html>";
    home.server.trick("/v1/sync", Trick::Say(answer("200 OK", "Content-Type: text/html\r\n", html)));
    let syncing = home.open();
    let foreign = |status: &crate::sync::machine::Status| {
        status.why.as_ref().is_some_and(|why| why.reason == Reason::Foreign) && status.state == State::Fault
    };
    home.until(&syncing, "it should be a fault", |_, status| foreign(status)).await;
    // The person has accepted the hotel's terms.
    syncing.sync_now();
    home.live(&syncing).await;
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_arent_followed_and_the_token_goes_nowhere_else() {
    let home = Home::new();
    let elsewhere = Home::new();
    let location = format!("Location: {}/v1/sync\r\n", elsewhere.server.address());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        home.server.trick("/v1/sync", Trick::Say(answer(status, &location, b"")));
    }
    let syncing = home.open();
    for times in 1..=4 {
        home.until(&syncing, "it should be a fault", |home, status| {
            home.server.asked("/v1/sync") == times && status.state == State::Fault
        })
        .await;
        syncing.sync_now();
    }
    home.live(&syncing).await;
    assert_eq!(elsewhere.server.asked(""), 0);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_end_is_given_up() {
    let home = Home::new();
    let remote = crate::sync::remote::Remote::new(home.server.address().parse().unwrap()).unwrap();
    home.server.trick("/v1/token", Trick::Endless);
    let error = remote.renew("secret", &Default::default()).await.unwrap_err();
    assert!(error.to_string().contains("is longer than"), "{error}");
    // Not even as a line that would be a bootstrap's first.
    home.server.trick("/v1/bootstrap", Trick::Endless);
    let mut lines = remote.bootstrap("secret", None).await.unwrap();
    let error = lines.start().await.unwrap_err();
    assert!(error.to_string().contains("is longer than"), "{error}");
    // A blob that is said to be longer than any is left alone from the start.
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000000\r\nConnection: close\r\n\r\n".to_vec();
    home.server.trick("/v1/blobs", Trick::Say(head));
    let hash = altair_protocol::Hash::from(blake3::hash(b""));
    let error = remote.fetch_blob("secret", hash, 0).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_is_waited_for() {
    let home = Home::new();
    home.server.trick("/v1/sync", Trick::Say(refusal("503 Service Unavailable", "unavailable")));
    home.server.trick("/v1/sync", Trick::Say(answer("502 Bad Gateway", "", b"<html>")));
    home.server.trick("/v1/sync", Trick::Say(Vec::new()));
    let syncing = home.open();
    home.live(&syncing).await;
    assert_eq!(home.server.asked("/v1/sync"), 4);
    syncing.shut_down().await;
}
