use std::io::Write;

use altair_core::ErrorKind;
use altair_protocol::Hash;

use super::Store;

#[tokio::test]
async fn an_attachment_keeps_its_bytes_and_its_name() {
    let store = Store::new().await;
    let note = store.note("Fence", "").await;
    let file = store.folder.path().join("plan é.png");
    std::fs::write(&file, b"pixels").unwrap();
    let attached = store.attach(note, &file).await.unwrap();
    assert_eq!((attached.name.as_str(), attached.media_type.as_str(), attached.size), ("plan é.png", "image/png", 6));
    assert_eq!(attached.hash, Some(Hash::of(b"pixels")));
    std::fs::remove_file(&file).unwrap();
    let store = store.reopen().await;
    let open = store.attachment(attached.id).await.unwrap();
    assert_eq!(std::fs::read(open.path).unwrap(), b"pixels");
    assert_eq!(store.show(note).await.unwrap().attachments, std::slice::from_ref(&attached));
    store.detach(note, attached.id).await.unwrap();
    assert_eq!(store.show(note).await.unwrap().attachments, vec![]);
    assert_eq!(store.detach(note, attached.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_hundred_megabytes_are_streamed() {
    let store = Store::new().await;
    let note = store.note("Film", "").await;
    let path = store.folder.path().join("film.mp4");
    let mut file = std::fs::File::create(&path).unwrap();
    let piece: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    for _ in 0..100 {
        file.write_all(&piece).unwrap();
    }
    let attached = store.attach(note, &path).await.unwrap();
    assert_eq!(attached.size, 100 << 20);
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let store = Store::new().await;
    let note = store.note("n", "").await;
    assert_eq!(store.attach(note, store.folder.path()).await.unwrap_err().kind(), ErrorKind::Invalid);
    let missing = store.folder.path().join("missing");
    assert_eq!(store.attach(note, &missing).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn damaged_bytes_are_found_by_the_doctor() {
    let store = Store::new().await;
    let note = store.note("n", "").await;
    let file = store.folder.path().join("a.txt");
    std::fs::write(&file, b"text").unwrap();
    let attached = store.attach(note, &file).await.unwrap();
    let open = store.attachment(attached.id).await.unwrap();
    std::fs::write(&open.path, b"tExt").unwrap();
    let found = store.doctor().await.unwrap();
    assert_eq!((found.health.as_str(), found.problems.len()), ("damaged", 1));
}

#[tokio::test]
async fn erased_bytes_go_unless_something_else_names_them() {
    let store = Store::new().await;
    let (a, b) = (store.note("a", "").await, store.note("b", "").await);
    let file = store.folder.path().join("a.txt");
    std::fs::write(&file, b"text").unwrap();
    let (on_a, on_b) = (store.attach(a, &file).await.unwrap(), store.attach(b, &file).await.unwrap());
    let path = store.attachment(on_a.id).await.unwrap().path;
    store.erase(on_a.id).await.unwrap();
    assert!(path.exists());
    store.erase(b).await.unwrap();
    assert_eq!(store.get(on_b.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!path.exists());
}

#[tokio::test]
async fn attaching_the_same_bytes_again_heals_them() {
    let store = Store::new().await;
    let note = store.note("n", "").await;
    let file = store.folder.path().join("a.txt");
    std::fs::write(&file, b"text").unwrap();
    let attached = store.attach(note, &file).await.unwrap();
    std::fs::write(store.attachment(attached.id).await.unwrap().path, b"tExt").unwrap();
    store.attach(note, &file).await.unwrap();
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn every_version_of_erased_bytes_goes_and_none_that_can_come_back() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    std::fs::create_dir(&vault).unwrap();
    let blob = |bytes: &[u8]| {
        let hash = Hash::of(bytes).to_string();
        store.config().store.join("blobs").join(&hash[..2]).join(&hash[2..])
    };
    for bytes in [b"first", b"other"] {
        std::fs::write(vault.join("a.bin"), bytes).unwrap();
        std::fs::write(vault.join("b.bin"), bytes).unwrap();
        store.import(&vault, |_| {}).await.unwrap();
    }
    let attachments = store.list(altair_core::List::Kind(altair_protocol::Kind::Attachment), 10, None).await.unwrap();
    let [a, b] = attachments.items.as_slice() else { panic!("{attachments:?}") };
    store.erase(a.id).await.unwrap();
    assert!(blob(b"first").is_file() && blob(b"other").is_file(), "the other one can be reverted to them");
    store.erase(b.id).await.unwrap();
    assert!(!blob(b"first").exists() && !blob(b"other").exists());
}

#[tokio::test]
async fn a_detached_attachment_of_an_erased_thing_is_not_found() {
    let store = Store::new().await;
    let note = store.note("n", "").await;
    let file = store.folder.path().join("a.txt");
    std::fs::write(&file, b"text").unwrap();
    let attached = store.attach(note, &file).await.unwrap();
    store.erase(note).await.unwrap();
    assert_eq!(store.detach(note, attached.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.attach(note, &file).await.unwrap_err().kind(), ErrorKind::NotFound);
}
