//! Blobs: whole and right, or not there.

use altair_protocol::Hash;

use crate::world::World;

fn bytes(len: u32) -> Vec<u8> {
    (0..len).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_goes_up_and_comes_down() {
    let world = World::new().await;
    let device = world.device().await;
    let bytes = bytes(3_000_000);
    let path = format!("/v1/blobs/{}", Hash::of(&bytes));
    let missing = device.http.ask("HEAD", &path, &[], b"").await;
    assert_eq!((missing.status, missing.header("upload-offset").as_deref()), (404, Some("0")));
    assert_eq!(device.http.ask("PUT", &path, &[], &bytes).await.status, 201);
    assert_eq!(device.http.ask("PUT", &path, &[], &bytes).await.status, 200, "it is there already");
    let there = device.http.ask("HEAD", &path, &[], b"").await;
    assert_eq!((there.status, there.header("content-length").as_deref()), (200, Some("3000000")));
    assert!(device.http.get(&path).await.body == bytes);
    let rest = device.http.ask("GET", &path, &[("range", "bytes=2999990-")], b"").await;
    assert_eq!((rest.status, rest.header("content-range").as_deref()), (206, Some("bytes 2999990-2999999/3000000")));
    assert!(rest.body == bytes[2_999_990..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_goes_on_where_the_server_stands() {
    let world = World::new().await;
    let device = world.device().await;
    let bytes = bytes(100_000);
    let path = format!("/v1/blobs/{}", Hash::of(&bytes));
    let part = async |offset: usize, until: usize| {
        let offset_text = offset.to_string();
        let headers = [("upload-offset", offset_text.as_str()), ("upload-length", "100000")];
        device.http.ask("PUT", &path, &headers, &bytes[offset..until]).await
    };
    let first = part(0, 40_000).await;
    assert_eq!((first.status, first.header("upload-offset").as_deref()), (202, Some("40000")));
    let wrong = part(50_000, 60_000).await;
    assert_eq!((wrong.code().as_str(), wrong.header("upload-offset").as_deref()), ("offset", Some("40000")));
    let world = world.restart().await;
    let http = world.http().with_token(&device.paired.token);
    assert_eq!(http.ask("HEAD", &path, &[], b"").await.header("upload-offset").as_deref(), Some("40000"));
    let headers = [("upload-offset", "40000"), ("upload-length", "100000")];
    assert_eq!(http.ask("PUT", &path, &headers, &bytes[40_000..]).await.status, 201);
    assert!(http.get(&path).await.body == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_the_hash_says_are_never_kept() {
    let world = World::new().await;
    let device = world.device().await;
    let path = format!("/v1/blobs/{}", Hash::of(b"figs"));
    assert_eq!(device.http.ask("PUT", &path, &[], b"dates").await.code(), "corrupt");
    assert_eq!(device.http.get(&path).await.code(), "not_found");
    assert_eq!(device.http.ask("PUT", &path, &[], b"figs").await.status, 201);
    let too_long = [("upload-offset", "0"), ("upload-length", "3000000000")];
    let large = format!("/v1/blobs/{}", Hash::of(b"large"));
    assert_eq!(device.http.ask("PUT", &large, &too_long, b"").await.code(), "too_large");
    let more = [("upload-offset", "0"), ("upload-length", "3")];
    assert_eq!(device.http.ask("PUT", &large, &more, b"large").await.code(), "malformed");
    assert_eq!(device.http.ask("PUT", "/v1/blobs/figs", &[], b"figs").await.code(), "malformed");
    assert_eq!(device.http.ask("GET", "/v1/blobs/..%2f..%2fserver.lock", &[], b"").await.code(), "malformed");
}
