//! Administration through the socket of a server that runs, and backup and restore.

use std::os::unix::fs::PermissionsExt as _;

use altair_core::ErrorKind;
use altair_protocol::Hash;
use altair_protocol::sync::ResetReason;
use altair_server::{Answer, Ask, Opening, Server, ask, restore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Socket, soon};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_its_owners_alone() {
    let world = World::new().await;
    let data = world.running.server().data().to_owned();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("admin.sock"))), (0o700, 0o600));
    let Err(error) = Server::open(Opening::new(&data)).await else { panic!("the data folder was opened twice") };
    assert_eq!(error.kind(), ErrorKind::Locked);
    let mut stream = tokio::net::UnixStream::connect(data.join("admin.sock")).await.unwrap();
    stream.write_all(b"figs\n").await.unwrap();
    let mut reply = vec![0; 4096];
    let n = soon("a reply", stream.read(&mut reply)).await.unwrap();
    assert!(String::from_utf8_lossy(&reply[..n]).starts_with(r#"{"error":{"kind":"invalid""#));
    let World { folder: _folder, running, .. } = world;
    running.stop().await.unwrap();
    assert!(!data.join("admin.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_household_is_made_once_and_named() {
    let world = World::new().await;
    let data = world.running.server().data();
    let again = ask(Opening::new(data), Ask::Init { household: "Home".to_owned() }).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Refused);
    world.act(Ask::Init { household: "Work".to_owned() }).await;
    let which = ask(Opening::new(data), Ask::Pair { household: None }).await.unwrap_err();
    assert!(which.hint().contains("--household"), "{which}");
    let Answer::Households(list) = world.act(Ask::Households {}).await else { panic!() };
    assert_eq!(list.iter().map(|household| household.name.as_str()).collect::<Vec<_>>(), ["Home", "Work"]);
    assert_eq!(world.code(Some(&list[1].id.to_string())).await.household, "Work");
    let unknown = ask(Opening::new(data), Ask::Pair { household: Some("Garden".to_owned()) }).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    for wrong in ["", "a\nb"] {
        let error = ask(Opening::new(data), Ask::Init { household: wrong.to_owned() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let nobody = ask(Opening::new(data), Ask::Revoke { device: "ffff".to_owned() }).await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_has_everything_and_is_another_log() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let (kept, gone) = (device.note("kept"), device.note("gone"));
    let erase = altair_protocol::Change { erase: true, ..device.titled(gone.entity, "", &[gone.dot()]) };
    let bytes = vec![7; 2_000_000];
    let blob = format!("/v1/blobs/{}", Hash::of(&bytes));
    assert_eq!(device.http.ask("PUT", &blob, &[], &bytes).await.status, 201);
    socket.accepted(&[kept.clone(), gone.clone(), erase]).await;
    let file = world.folder.path().join("backup.ndjson");
    let Answer::BackedUp(backed_up) = world.act(Ask::Backup { file: file.clone() }).await else { panic!() };
    assert_eq!((backed_up.households, backed_up.entities, backed_up.blobs), (1, 1, 1));
    // What is acknowledged after the backup, the server will have lost.
    socket.accepted(&[device.titled(kept.entity, "later", &[kept.dot()])]).await;

    let refused = restore(Opening::new(world.running.server().data()), &file).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let World { folder, running, .. } = world;
    running.stop().await.unwrap();
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    assert_eq!(restore(Opening::new(folder.path().join("data")), &file).await.unwrap(), backed_up);

    let world = World::start(folder).await;
    let http = world.http().with_token(&device.paired.token);
    assert!(http.get(&blob).await.body == bytes);
    let mut socket = Socket::open(&http).await;
    socket.hello(device.id(), 4, Some(device.paired.incarnation)).await;
    assert_eq!(socket.reset().await.reason, ResetReason::Incarnation);
    let lines = http.get("/v1/bootstrap").await.text();
    assert!(lines.contains("kept") && lines.contains("erased") && !lines.contains("later"), "{lines}");
    let mut socket = Socket::open(&http).await;
    socket.hello(device.id(), 0, None).await;
    assert_eq!(socket.reset().await.reason, ResetReason::Horizon, "the restored log doesn't begin at 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_nothing_is_written() {
    let world = World::new().await;
    let device = world.device().await;
    device.connect().await.accepted(&[device.note("Figs")]).await;
    let file = world.folder.path().join("backup.ndjson");
    world.act(Ask::Backup { file: file.clone() }).await;
    let whole = std::fs::read_to_string(&file).unwrap();
    let new = world.folder.path().join("new");
    let cut = whole.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
    for damaged in [whole.replace("Figs", "Fogs"), cut, format!("{whole}{{}}\n"), String::new(), "figs".to_owned()] {
        std::fs::write(&file, damaged).unwrap();
        let error = restore(Opening::new(&new), &file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(!new.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_long_ago_is_collected() {
    let world = World::new().await;
    let device = world.device().await;
    let note = device.note("Figs");
    let erase = altair_protocol::Change { erase: true, ..device.titled(note.entity, "", &[note.dot()]) };
    device.connect().await.accepted(&[note, erase]).await;
    assert!(device.http.get("/v1/bootstrap").await.text().contains("erased\":{\"id"));
    let Answer::Collected(collected) = world.act(Ask::Collect {}).await else { panic!() };
    assert_eq!(collected.erased, 0);
    world.later(401 * 24 * 60 * 60 * 1000);
    let Answer::Collected(collected) = world.act(Ask::Collect {}).await else { panic!() };
    assert_eq!(collected.erased, 1);
    assert!(!device.http.get("/v1/bootstrap").await.text().contains("erased\":{\"id"));
}
