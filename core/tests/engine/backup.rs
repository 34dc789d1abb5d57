use altair_core::{Altair, Config, ErrorKind, List, Search};
use altair_protocol::Kind;

use super::Store;

#[tokio::test]
async fn a_backup_restores_everything_as_a_new_device() {
    let store = Store::new().await;
    let note = store.note("Fence", "see [[Gate]] #paint").await;
    let gate = store.note("Gate", "").await;
    store.link(note, gate, Some("before")).await.unwrap();
    let trashed = store.note("Old", "").await;
    store.delete(trashed).await.unwrap();
    let erased = store.note("Secret", "").await;
    store.erase(erased).await.unwrap();
    let file = store.folder.path().join("a.bin");
    std::fs::write(&file, vec![7; 2 << 20]).unwrap();
    let attached = store.attach(note, &file).await.unwrap();

    let backup = store.folder.path().join("backup.ndjson");
    let written = store.backup(&backup).await.unwrap();
    assert_eq!(written.bytes, std::fs::metadata(&backup).unwrap().len());
    let config = Config::new(store.folder.path().join("restored"));
    let read = Altair::restore_backup(config.clone(), &backup).await.unwrap();
    assert_eq!(read, written);

    let restored = Altair::open(config.clone()).await.unwrap();
    assert_eq!(restored.show(note).await.unwrap(), store.show(note).await.unwrap());
    assert_eq!(restored.list(List::Trash, 10, None).await.unwrap().items.len(), 1);
    assert_eq!(std::fs::read(restored.attachment(attached.id).await.unwrap().path).unwrap().len(), 2 << 20);
    assert_eq!(restored.search(Search::new("paint kind:note")).await.unwrap().items.len(), 1);
    assert_ne!(restored.status().await.unwrap().device, store.status().await.unwrap().device);
    assert_eq!(restored.doctor().await.unwrap().problems, vec![]);
    // What was erased stays erased, though the old device still has it.
    let old = store.changes_after(0, 100).await.unwrap();
    restored.apply(old).await.unwrap();
    assert_eq!(restored.get(erased).await.unwrap_err().kind(), ErrorKind::NotFound);
    restored.close().await.unwrap();
    assert_eq!(Altair::restore_backup(config, &backup).await.unwrap_err().kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_made() {
    let store = Store::new().await;
    for n in 0..5 {
        store.note(&format!("note {n}"), "text").await;
    }
    let backup = store.folder.path().join("backup.ndjson");
    store.backup(&backup).await.unwrap();
    let whole = std::fs::read(&backup).unwrap();
    let lines = whole.iter().filter(|b| **b == b'\n').count();
    let mut damaged = vec![Vec::new(), whole[..whole.len() / 2].to_vec(), b"not json\n".to_vec()];
    for line in 0..lines {
        let kept: Vec<&[u8]> =
            whole.split_inclusive(|b| *b == b'\n').enumerate().filter(|(n, _)| *n != line).map(|(_, l)| l).collect();
        damaged.push(kept.concat());
    }
    let mut flipped = whole.clone();
    let at = flipped.windows(6).position(|w| w == b"note 3").unwrap();
    flipped[at + 5] = b'4';
    damaged.push(flipped);
    for bytes in damaged {
        std::fs::write(&backup, &bytes).unwrap();
        let target = store.folder.path().join("restored");
        let error = Altair::restore_backup(Config::new(&target), &backup).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(!target.exists());
    }
}

#[tokio::test]
async fn counting_on_from_a_restored_backup_never_goes_back() {
    use altair_core::Fields;
    use altair_protocol::Thousandths;
    use altair_protocol::view::Content;
    let store = Store::new().await;
    let eggs = store.make(Kind::Item, Fields { quantity: Some(Thousandths(12_000)), ..super::titled("Eggs") }).await.id;
    let backup = store.folder.path().join("b.ndjson");
    store.backup(&backup).await.unwrap();
    store.count(eggs, Thousandths(-1000)).await.unwrap();
    let config = Config::new(store.folder.path().join("restored"));
    Altair::restore_backup(config.clone(), &backup).await.unwrap();
    let restored = Altair::open(config).await.unwrap();
    restored.count(eggs, Thousandths(-1000)).await.unwrap();
    super::sync(&store, &restored).await;
    let Content::Item { quantity, .. } = restored.get(eggs).await.unwrap().content else { panic!() };
    assert_eq!(quantity, Thousandths(10_000));
}

#[tokio::test]
async fn a_restored_vault_is_known_again() {
    let store = Store::new().await;
    let vault = store.folder.path().join("vault");
    std::fs::create_dir(&vault).unwrap();
    for text in ["one\n", "one\ntwo\n"] {
        std::fs::write(vault.join("n.md"), text).unwrap();
        store.import(&vault, |_| {}).await.unwrap();
    }
    let backup = store.folder.path().join("backup.ndjson");
    store.backup(&backup).await.unwrap();
    let config = Config::new(store.folder.path().join("restored"));
    Altair::restore_backup(config.clone(), &backup).await.unwrap();
    let restored = Altair::open(config).await.unwrap();
    let again = restored.import(&vault, |_| {}).await.unwrap();
    assert_eq!((again.notes, again.unchanged), (0, 1));
}

#[tokio::test]
async fn a_restore_that_was_interrupted_is_refused() {
    let store = Store::new().await;
    store.note("n", "").await;
    store.close().await;
    let file = store.config().store.join("store.json");
    let marked = std::fs::read_to_string(&file).unwrap().replace("\"ready\":true", "\"ready\":true,\"restoring\":true");
    std::fs::write(&file, marked).unwrap();
    let error = Altair::open(store.config()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("interrupted"), "{error}");
}

#[tokio::test]
async fn what_is_erased_while_a_backup_is_written_stays_erased() {
    let store = Store::new().await;
    let (kept, erased) = (store.note("kept", "").await, store.note("erased", "").await);
    let backup = store.folder.path().join("backup.ndjson");
    store.backup(&backup).await.unwrap();
    // As it looks when it is erased between its line and the list of what is erased.
    let text = std::fs::read_to_string(&backup).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let trailer: serde_json::Value = serde_json::from_str(&lines.pop().unwrap()).unwrap();
    lines.push(serde_json::json!({ "erased": erased }).to_string());
    let mut trailer = trailer;
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    trailer["trailer"]["checksum"] = blake3::hash(body.as_bytes()).to_hex().to_string().into();
    std::fs::write(&backup, format!("{body}{trailer}\n")).unwrap();
    let config = Config::new(store.folder.path().join("restored"));
    Altair::restore_backup(config.clone(), &backup).await.unwrap();
    let restored = Altair::open(config).await.unwrap();
    assert_eq!(restored.get(kept).await.unwrap().title, "kept");
    assert_eq!(restored.get(erased).await.unwrap_err().kind(), ErrorKind::NotFound);
}
