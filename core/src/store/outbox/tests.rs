//! What every commit keeps of the outbox, against what the log holds.
#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use altair_protocol::Kind;
use tempfile::TempDir;

use super::Counted;
use crate::store::Database;
use crate::store::database::Memory;
use crate::{Altair, Config, Edit, Fields, New, NewCapture};

fn config(folder: &TempDir) -> Config {
    Config::new(folder.path().join("store"))
}

async fn thought(altair: &Altair, text: &str) -> altair_protocol::EntityId {
    altair.capture(NewCapture { text: text.into(), ..NewCapture::default() }).await.unwrap().id
}

async fn pending(altair: &Altair) -> u64 {
    altair.status().await.unwrap().sync.pending
}

/// Does something to the database of a store that is closed.
async fn behind_its_back(folder: &TempDir, query: &str) {
    let store = config(folder).store;
    let memory = Memory { block_cache: 8 << 20, memtable: 8 << 20 };
    let db = Database::open(Some(&store.join("db")), memory).await.unwrap();
    db.ask(query, []).await.unwrap();
    db.close().await.unwrap();
    // It was left as it is now.
    std::fs::remove_file(store.join("closed.json")).unwrap();
}

/// What is kept, and what there is.
async fn outbox(folder: &TempDir) -> (Counted, Counted) {
    let memory = Memory { block_cache: 8 << 20, memtable: 8 << 20 };
    let db = Database::open(Some(&config(folder).store.join("db")), memory).await.unwrap();
    let row = db.head_row().await.unwrap().unwrap();
    let counted = db.count_outbox(row.seq.unsigned_abs()).await.unwrap();
    db.close().await.unwrap();
    let _ = std::fs::remove_file(config(folder).store.join("closed.json"));
    (Counted { pending: row.pending.unwrap().unsigned_abs(), before: row.outbox.unwrap().unsigned_abs() }, counted)
}

#[tokio::test]
async fn every_commit_keeps_how_much_waits() {
    let folder = tempfile::tempdir().unwrap();
    let altair = Altair::open(config(&folder)).await.unwrap();
    let id = thought(&altair, "one").await;
    thought(&altair, "two").await;
    altair.tag(id, &["garden".to_owned()], &[]).await.unwrap();
    altair.delete(id).await.unwrap();
    assert_eq!(pending(&altair).await, 4);
    altair.undo().await.unwrap();
    assert_eq!(pending(&altair).await, 5);
    altair.redo().await.unwrap();
    assert_eq!(altair.doctor().await.unwrap().problems, vec![]);
    altair.close().await.unwrap();
    let (kept, counted) = outbox(&folder).await;
    assert_eq!((kept, counted), (Counted { pending: 6, before: 0 }, Counted { pending: 6, before: 0 }));
}

#[tokio::test]
async fn what_nobody_else_has_heard_of_is_erased_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let altair = Altair::open(config(&folder)).await.unwrap();
    thought(&altair, "kept").await;
    let id = thought(&altair, "gone").await;
    altair.delete(id).await.unwrap();
    assert_eq!(pending(&altair).await, 3);
    altair.erase(id).await.unwrap();
    assert_eq!(pending(&altair).await, 1);
    altair.close().await.unwrap();
    let (kept, counted) = outbox(&folder).await;
    assert_eq!(kept, counted);
}

#[tokio::test]
async fn what_came_from_elsewhere_is_erased_behind_the_work_on_it() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (a, b) = (Altair::open(config(&folders[0])).await.unwrap(), Altair::open(config(&folders[1])).await.unwrap());
    let fields = Fields { title: Some("Fence".into()), body: Some("secret".into()), ..Fields::default() };
    let id = a.create(New { kind: Kind::Note, fields }).await.unwrap().id;
    b.apply(a.changes_after(0, 10).await.unwrap()).await.unwrap();
    assert_eq!(pending(&b).await, 0);
    b.edit(id, Edit { append: Some("secret".into()), ..Edit::default() }).await.unwrap();
    let unsent = b.changes_after(1, 10).await.unwrap().remove(0);
    b.erase(id).await.unwrap();
    assert_eq!(pending(&b).await, 2);
    // The erasing names it as seen, so it goes first; and it says nothing any more.
    let left = b.changes_after(0, 10).await.unwrap();
    assert_eq!(
        left.iter().map(|change| (change.id == unsent.id, change.erase, change.ops.len())).collect::<Vec<_>>(),
        [(true, false, 0), (false, true, 0)]
    );
    assert!(left[1].seen.covers(left[0].dot()));
    b.close().await.unwrap();
    let (kept, counted) = outbox(&folders[1]).await;
    assert_eq!(kept, counted);
    a.close().await.unwrap();
}

#[tokio::test]
async fn a_store_made_before_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let altair = Altair::open(config(&folder)).await.unwrap();
    for n in 0..5 {
        thought(&altair, &n.to_string()).await;
    }
    altair.close().await.unwrap();
    let before = "UPDATE meta:head UNSET pending, outbox, joined; UPDATE change:1 SET sync_id = 7; UPDATE change:2 SET sync_id = 8";
    behind_its_back(&folder, before).await;
    let altair = Altair::open(config(&folder)).await.unwrap();
    assert_eq!(pending(&altair).await, 3);
    thought(&altair, "after").await;
    assert_eq!(altair.doctor().await.unwrap().problems, vec![]);
    altair.close().await.unwrap();
    let expected = Counted { pending: 4, before: 2 };
    assert_eq!(outbox(&folder).await, (expected, expected));
}

#[tokio::test]
async fn the_doctor_puts_a_wrong_count_right() {
    let folder = tempfile::tempdir().unwrap();
    let altair = Altair::open(config(&folder)).await.unwrap();
    thought(&altair, "one").await;
    altair.close().await.unwrap();
    behind_its_back(&folder, "UPDATE meta:head SET pending = 12, outbox = 1").await;
    let altair = Altair::open(config(&folder)).await.unwrap();
    let found = altair.doctor().await.unwrap();
    assert_eq!(
        (found.health.as_str(), found.problems[0].at.as_str(), found.problems[0].repaired),
        ("ok", "outbox", true)
    );
    assert_eq!(pending(&altair).await, 1);
    assert_eq!(altair.doctor().await.unwrap().problems, vec![]);
    altair.close().await.unwrap();
    let expected = Counted { pending: 1, before: 0 };
    assert_eq!(outbox(&folder).await, (expected, expected));
}

#[tokio::test]
async fn a_failed_transaction_leaves_the_count_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // So small that a long body doesn't fit.
    let small = Config { memtable_bytes: 64 << 10, ..config(&folder) };
    let altair = Altair::open(small).await.unwrap();
    thought(&altair, "one").await;
    let fields = Fields { body: Some("long ".repeat(100_000)), ..Fields::default() };
    altair.create(New { kind: Kind::Note, fields }).await.unwrap_err();
    assert_eq!(pending(&altair).await, 1);
    thought(&altair, "two").await;
    assert_eq!(pending(&altair).await, 2);
    altair.close().await.unwrap();
    let expected = Counted { pending: 2, before: 0 };
    assert_eq!(outbox(&folder).await, (expected, expected));
}
