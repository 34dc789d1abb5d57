//! Blobs, up and down.

use altair_protocol::Hash;

use super::home::Home;
use super::server::{Trick, refusal};
use crate::sync::driver::BlobError;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// A blob that the server has.
fn elsewhere(home: &Home, bytes: &[u8]) -> Hash {
    let hash = Hash::from(blake3::hash(bytes));
    let mut inside = home.server.inside();
    inside.blobs.insert(hash, bytes.to_vec());
    inside.model.blobs.insert(hash);
    hash
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_arrives_before_the_change_that_names_it() {
    let home = Home::new();
    let hash = home.notebook.keep_blob(&bytes((2 << 20) + 5));
    home.notebook.write(1, vec![hash]);
    let syncing = home.open();
    home.live(&syncing).await;
    assert_eq!(home.server.inside().blobs[&hash], bytes((2 << 20) + 5));
    home.assert_in_step();
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_the_server_stands() {
    let home = Home::new();
    let hash = home.notebook.keep_blob(&bytes(2 << 20));
    home.server.inside().blobs.insert(hash, bytes(1000));
    home.server.trick("PUT", Trick::Part(0));
    home.server.trick("/v1/blobs", Trick::Part(0));
    home.server.trick("/v1/blobs", Trick::Part(77));
    home.notebook.write(1, vec![hash]);
    let syncing = home.open();
    home.live(&syncing).await;
    assert_eq!(home.server.inside().blobs[&hash], bytes(2 << 20));
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_blob_is_nowhere_is_kept_and_shown() {
    let home = Home::new();
    let nowhere = Hash::from(blake3::hash(b"nowhere"));
    home.notebook.write(1, vec![nowhere]);
    home.notebook.write(2, Vec::new());
    let syncing = home.open();
    home.until(&syncing, "one should be kept, and the other pushed", |home, status| {
        status.faults.len() == 1 && home.server.inside().model.states.len() == 1
    })
    .await;
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_fetched_when_somebody_asks() {
    let home = Home::new();
    let hash = elsewhere(&home, &bytes(3 << 20));
    let empty = elsewhere(&home, b"");
    let syncing = home.open();
    let (first, second, third) = tokio::join!(syncing.fetch(hash), syncing.fetch(hash), syncing.fetch(empty));
    for fetched in [first, second, third] {
        fetched.unwrap();
    }
    assert_eq!(std::fs::read(home.notebook.path(hash)).unwrap(), bytes(3 << 20));
    assert!(home.notebook.has(hash) && home.notebook.has(empty));
    assert_eq!(home.server.asked(&hash.to_string()), 1);
    // It is here now.
    syncing.fetch(hash).await.unwrap();
    assert_eq!(home.server.asked(&hash.to_string()), 1);
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_where_it_was_cut_off() {
    let home = Home::new();
    let hash = elsewhere(&home, &bytes(3 << 20));
    home.server.trick("/v1/blobs", Trick::Part(100_000));
    let syncing = home.open();
    let error = syncing.fetch(hash).await.unwrap_err();
    assert!(matches!(error, BlobError::Remote(_)), "{error}");
    assert!(!home.notebook.has(hash));
    let come = std::fs::metadata(home.notebook.path(hash)).unwrap().len();
    assert!(come > 0 && come <= 100_000);
    // It is cut off before its end again if it begins anew, and ends if it doesn't.
    home.server.trick("/v1/blobs", Trick::Part((3 << 20) - usize::try_from(come).unwrap()));
    syncing.fetch(hash).await.unwrap();
    assert_eq!(std::fs::read(home.notebook.path(hash)).unwrap(), bytes(3 << 20));
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_blob_isnt_stored() {
    let home = Home::new();
    let hash = elsewhere(&home, &bytes(1000));
    home.server.trick("/v1/blobs", Trick::Corrupt);
    let syncing = home.open();
    let error = syncing.fetch(hash).await.unwrap_err();
    assert!(matches!(error, BlobError::Corrupt(_)), "{error}");
    assert!(!home.notebook.has(hash) && !home.notebook.path(hash).exists());
    syncing.fetch(hash).await.unwrap();
    assert!(home.notebook.has(hash));
    syncing.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_the_server_hasnt_is_said_to_be_missing_there() {
    let home = Home::new();
    let syncing = home.open();
    let hash = Hash::from(blake3::hash(b"nowhere"));
    let error = syncing.fetch(hash).await.unwrap_err();
    assert!(error.to_string().contains("no (look again)"), "{error}");
    home.server.trick("/v1/blobs", Trick::Say(refusal("401 Unauthorized", "unauthorized")));
    let error = syncing.fetch(hash).await.unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
    syncing.shut_down().await;
    assert!(matches!(syncing.fetch(hash).await, Err(BlobError::Stopped)));
}
