//! All states, up, to a server that was restored.

use super::home::Home;
use crate::sync::machine::State;

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_gets_back_what_it_lost() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    let backup = home.server.inside().model.clone();
    for edit in 0..5 {
        home.notebook.write(edit, Vec::new());
    }
    syncing.committed();
    home.live(&syncing).await;
    let incarnation = home.notebook.inside().mint.incarnation();
    {
        let mut inside = home.server.inside();
        let devices = inside.model.devices.clone();
        inside.model = backup.restored(incarnation, devices);
    }
    // Something is in the outbox besides, and goes up with the states alone.
    home.notebook.write(5, Vec::new());
    home.server.cut(None);
    home.live(&syncing).await;
    home.assert_in_step();
    assert_eq!(home.server.inside().model.states.len(), 6);
    assert_eq!(home.notebook.inside().store.incarnation, Some(incarnation));
    // Two entities a request.
    assert_eq!(home.server.asked("/v1/states"), 3);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_go_up_before_the_states_that_name_them() {
    let home = Home::new();
    let syncing = home.open();
    home.live(&syncing).await;
    let incarnation = home.notebook.inside().mint.incarnation();
    {
        let mut inside = home.server.inside();
        let devices = inside.model.devices.clone();
        inside.model = inside.model.clone().restored(incarnation, devices);
    }
    syncing.pause();
    home.until(&syncing, "it should pause", |_, status| status.state == State::Off).await;
    let hash = home.notebook.keep_blob(&[7; 3 << 20]);
    home.notebook.write(1, vec![hash]);
    syncing.resume();
    home.live(&syncing).await;
    syncing.shut_down().await;
    let inside = home.server.inside();
    let at = |path: &str| inside.requests.iter().position(|(line, _)| line.contains(path)).unwrap();
    assert!(at("PUT /v1/blobs") < at("/v1/states"));
    assert!(inside.model.blobs.contains(&hash));
}
