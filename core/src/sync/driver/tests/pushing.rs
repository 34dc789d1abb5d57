//! What is written here, on its way up.

use altair_protocol::sync::CloseCode;

use super::home::Home;
use crate::sync::machine::{Reason, State};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_acknowledged_and_leaves_the_outbox() {
    let home = Home::new();
    for edit in 0..300 {
        home.notebook.write(edit, Vec::new());
    }
    let syncing = home.open();
    home.live(&syncing).await;
    assert_eq!(home.server.inside().model.states.len(), 300);
    home.notebook.write(300, Vec::new());
    syncing.committed();
    home.live(&syncing).await;
    home.assert_in_step();
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_makes_one_change() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    home.notebook.write(1, Vec::new());
    syncing.committed();
    home.until(&syncing, "it should be pushed", |home, _| home.server.inside().pushes > 0).await;
    home.server.cut(None);
    home.live(&syncing).await;
    home.assert_in_step();
    assert_eq!(home.server.inside().model.head().get(), 1);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for_and_gets_everything() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    let gate = home.notebook.gate.lock().await;
    for _ in 0..20 {
        home.server.happens(50);
    }
    home.until(&syncing, "something should have come", |_, status| status.head.get() > 0).await;
    drop(gate);
    home.live(&syncing).await;
    home.assert_in_step();
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_a_fault_until_it_works_again() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    home.notebook.inside().broken = true;
    home.server.happens(1);
    home.until(&syncing, "it should be a fault of the store's", |_, status| {
        status.state == State::Fault && status.why.as_ref().is_some_and(|why| why.reason == Reason::Store)
    })
    .await;
    home.notebook.inside().broken = false;
    syncing.sync_now();
    home.live(&syncing).await;
    home.assert_in_step();
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_store_becomes_another_device_with_a_token_of_its_own() {
    let home = Home::new();
    let (entity, _) = home.notebook.write(1, Vec::new());
    let device = home.notebook.inside().store.device;
    let syncing = home.open();
    home.live(&syncing).await;
    // The other copy writes to the same entity, as the same device.
    home.server.forges(entity, device);
    home.until(&syncing, "it should be another device", |home, _| home.notebook.inside().store.device != device).await;
    home.notebook.write(2, Vec::new());
    syncing.committed();
    home.live(&syncing).await;
    home.assert_in_step();
    syncing.shut_down().await;
    let inside = home.notebook.inside();
    assert_eq!(inside.token.device, inside.store.device);
    let last = home.server.inside().requests.last().unwrap().1.clone();
    assert_eq!(last.as_deref(), Some(inside.token.secret.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_when_its_time_has_come() {
    let home = Home::new();
    home.notebook.inside().token.renew_at = Some(altair_protocol::view::Time::from_millis(0));
    let syncing = home.open();
    home.until(&syncing, "there should be another token", |home, _| home.notebook.inside().token.secret != "secret")
        .await;
    home.live(&syncing).await;
    home.server.inside().tokens.remove("secret");
    home.server.cut(Some((CloseCode::GoingAway, "restarting")));
    home.until(&syncing, "it should be back", |home, status| {
        home.server.inside().sockets == 2 && status.state == State::Live
    })
    .await;
    assert_eq!(home.server.asked("/v1/token"), 1);
    syncing.shut_down().await;
}
