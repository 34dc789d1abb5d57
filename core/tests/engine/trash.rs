use altair_core::{Edit, ErrorKind, List, Search};

use super::Store;

#[tokio::test]
async fn what_is_deleted_is_in_the_trash_and_comes_back_whole() {
    let store = Store::new().await;
    let id = store.note("Fence", "#paint").await;
    assert!(store.delete(id).await.unwrap().deleted);
    assert_eq!(store.list(List::Trash, 10, None).await.unwrap().items.len(), 1);
    assert_eq!(store.search(Search::new("fence")).await.unwrap().items, vec![]);
    assert_eq!(store.delete(id).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(
        store.edit(id, Edit { append: Some("x".into()), ..Edit::default() }).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    store.restore(id).await.unwrap();
    assert_eq!(store.search(Search::new("fence")).await.unwrap().items.len(), 1);
    assert_eq!(store.restore(id).await.unwrap_err().kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn work_that_a_delete_has_not_seen_brings_the_entity_back() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "").await;
    super::sync(&a, &b).await;
    a.delete(id).await.unwrap();
    b.edit(id, Edit { append: Some("two coats".into()), ..Edit::default() }).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    for store in [&a, &b] {
        assert!(!store.get(id).await.unwrap().deleted);
    }
}

#[tokio::test]
async fn what_is_erased_is_gone_from_every_part_of_the_store() {
    let store = Store::new().await;
    let id = store.note("Secret", "unrepeatable").await;
    store.search(Search::new("unrepeatable")).await.unwrap();
    store.erase(id).await.unwrap();
    assert_eq!(store.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.history(id, 10, None).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.search(Search::new("unrepeatable")).await.unwrap().items, vec![]);
    let log = store.changes_after(0, 100).await.unwrap();
    assert!(log.iter().all(|change| change.ops.is_empty()), "only the erasing itself is left");
    assert_eq!(store.undo().await.unwrap(), vec![]);
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn an_old_change_does_not_bring_back_what_was_erased() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Secret", "x").await;
    super::sync(&a, &b).await;
    b.erase(id).await.unwrap();
    super::sync(&a, &b).await;
    assert_eq!(b.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn purging_erases_only_what_has_been_in_the_trash_long_enough() {
    let store = Store::new().await;
    let (old, kept) = (store.note("old", "").await, store.note("kept", "").await);
    store.delete(old).await.unwrap();
    assert_eq!(store.purge(30).await.unwrap(), vec![]);
    assert_eq!(store.purge(0).await.unwrap(), vec![old]);
    assert!(store.get(kept).await.is_ok());
}

#[tokio::test]
async fn links_that_were_removed_go_with_what_is_erased() {
    let store = Store::new().await;
    let (a, b) = (store.note("a", "").await, store.note("b", "").await);
    store.link(a, b, Some("private word")).await.unwrap();
    store.unlink(a, b).await.unwrap();
    store.erase(a).await.unwrap();
    let backup = store.folder.path().join("backup.ndjson");
    store.backup(&backup).await.unwrap();
    assert!(!std::fs::read_to_string(&backup).unwrap().contains("private word"));
}
