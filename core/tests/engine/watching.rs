use std::time::Duration;

use altair_core::{Edit, Watched};
use altair_protocol::Kind;
use altair_protocol::view::EventKind;

use super::Store;

const DEADLINE: Duration = Duration::from_secs(20);

async fn next(watch: &mut altair_core::Watch) -> Watched {
    tokio::time::timeout(DEADLINE, watch.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_watcher_sees_where_things_stand_and_then_every_change_in_order() {
    let store = Store::new().await;
    store.note("before", "").await;
    let mut watch = store.watch(None).await.unwrap();
    assert_eq!(next(&mut watch).await, Watched::Current { seq: 1 });
    let id = store.note("n", "").await;
    store.edit(id, Edit { append: Some("x".into()), ..Edit::default() }).await.unwrap();
    store.delete(id).await.unwrap();
    store.restore(id).await.unwrap();
    store.erase(id).await.unwrap();
    let kinds = [EventKind::Created, EventKind::Changed, EventKind::Deleted, EventKind::Restored, EventKind::Erased];
    for (n, kind) in kinds.into_iter().enumerate() {
        let Watched::Change(event) = next(&mut watch).await else { panic!() };
        assert_eq!((event.seq, event.entity, event.event), (n as u64 + 2, id, kind));
    }
}

#[tokio::test]
async fn a_watcher_of_one_kind_sees_that_kind() {
    let store = Store::new().await;
    let mut watch = store.watch(Some(Kind::Note)).await.unwrap();
    next(&mut watch).await;
    store.thought("not this").await;
    let id = store.note("this", "").await;
    let Watched::Change(event) = next(&mut watch).await else { panic!() };
    assert_eq!(event.entity, id);
}

#[tokio::test]
async fn a_slow_watcher_is_told_and_goes_on() {
    let store = Store::new().await;
    let mut watch = store.watch(None).await.unwrap();
    next(&mut watch).await;
    for n in 0..5000 {
        store.thought(&format!("{n}")).await;
    }
    let Watched::Lagged { mut seq } = next(&mut watch).await else {
        panic!("5000 commits are more than the bus holds")
    };
    let id = store.note("after", "").await;
    // From there on nothing is missing.
    loop {
        let Watched::Change(event) = next(&mut watch).await else { panic!() };
        seq += 1;
        assert_eq!(event.seq, seq);
        if event.entity == id {
            break;
        }
    }
}

#[tokio::test]
async fn past_changes_are_read_from_the_log() {
    let store = Store::new().await;
    store.note("one", "").await;
    let id = store.note("two", "").await;
    let events = store.events_after(1, 10).await.unwrap();
    assert_eq!((events.len(), events[0].entity, store.head()), (1, id, 2));
}

#[tokio::test]
async fn a_watch_ends_with_its_store() {
    let store = Store::new().await;
    let mut watch = store.watch(None).await.unwrap();
    next(&mut watch).await;
    let clone = store.altair.clone();
    store.close().await;
    assert_eq!(tokio::time::timeout(DEADLINE, watch.next()).await.unwrap(), None);
    drop(clone);
}
