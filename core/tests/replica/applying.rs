use std::time::Duration;

use altair_core::sync::machine::{Effect, Event};
use altair_core::{Search, Watched};
use altair_protocol::EntityId;
use altair_protocol::sync::{Item, Ops, What};
use altair_protocol::view::EventKind;

use super::server::Server;
use super::{Device, are_alike, body_of, item, sync_id};

const DEADLINE: Duration = Duration::from_secs(20);

async fn next(watch: &mut altair_core::Watch) -> Watched {
    tokio::time::timeout(DEADLINE, watch.next()).await.unwrap().unwrap()
}

async fn changed(watch: &mut altair_core::Watch) -> (EntityId, EventKind) {
    let Watched::Change(event) = next(watch).await else { panic!("it was told one by one") };
    (event.entity, event.event)
}

#[tokio::test]
async fn numbers_are_applied_once_and_without_holes() {
    let mut server = Server::new();
    let (a, mut b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("Fence", "white").await;
    a.append(id, "green").await;
    a.settle(&mut server).await;
    let items = server.items(b.id().await, sync_id(0), 10);
    let hole = vec![items[0].clone(), item(3, What::Gone)];
    assert!(matches!(b.replica.carry_out(Effect::Apply { items: hole }).await, Some(Event::StoreFailed { .. })));
    assert_eq!(b.cursor().await, sync_id(0));
    // A batch that begins further on, and one that was there before, are passed over.
    assert_eq!(b.replica.apply(items[1..].to_vec()).await.unwrap().cursor, sync_id(0));
    for _ in 0..2 {
        assert_eq!(b.replica.apply(items.clone()).await.unwrap().cursor, sync_id(2));
    }
    b.restart().await;
    assert_eq!(b.cursor().await, sync_id(2));
    assert_eq!(body_of(&b.get(id).await.unwrap()), "white\ngreen");
    are_alike(&[&a, &b], &server).await;
    b.is_sound().await;
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_kept_as_it_came_with_what_builds_on_it() {
    let mut server = Server::new();
    let (a, mut b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("Fence", "white").await;
    a.append(id, "green").await;
    a.append(id, "blue").await;
    let other = a.note("Other", "").await;
    a.settle(&mut server).await;
    let mut items = server.items(b.id().await, sync_id(0), 10);
    let What::Change(newer) = &mut items[1].what else { panic!() };
    newer.ops = Ops::from_text(r#"[{"paint":{"colour":"green"}}]"#.to_owned()).unwrap();
    assert_eq!(b.replica.apply(items).await.unwrap().cursor, sync_id(4));
    b.restart().await;
    assert_eq!(b.status().await.unwrap().sync.held, 2);
    assert_eq!((body_of(&b.get(id).await.unwrap()), b.get(other).await.unwrap().title.as_str()), ("white", "Other"));
    // A state has it, and what waited is in it.
    assert!(b.bootstrap(&server, 10, || true).await);
    assert_eq!(b.status().await.unwrap().sync.held, 0);
    are_alike(&[&a, &b], &server).await;
}

#[tokio::test]
async fn what_was_erased_elsewhere_goes_without_a_word_of_ours() {
    let mut server = Server::new();
    let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("Fence", "white").await;
    a.settle(&mut server).await;
    b.settle(&mut server).await;
    let mut watch = b.watch(None).await.unwrap();
    next(&mut watch).await;
    a.erase(id).await.unwrap();
    a.settle(&mut server).await;
    let outcome = b.pull(&server, 10).await.unwrap();
    assert_eq!(outcome.recreated, vec![]);
    assert_eq!(changed(&mut watch).await, (id, EventKind::Erased));
    assert!(b.get(id).await.is_err());
    assert_eq!((b.pending().await, server.states.len()), (0, 0));
    assert_eq!(b.search(Search::new("fence")).await.unwrap().items, vec![]);
    are_alike(&[&a, &b], &server).await;
    b.is_sound().await;
}

#[tokio::test]
async fn work_on_what_was_erased_elsewhere_lives_on_in_a_new_entity() {
    for heard_by_refusal in [false, true] {
        let mut server = Server::new();
        let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
        let id = a.note("Fence", "white").await;
        a.tag(id, &["garden".to_owned()], &[]).await.unwrap();
        a.settle(&mut server).await;
        b.settle(&mut server).await;
        a.erase(id).await.unwrap();
        a.settle(&mut server).await;
        b.append(id, "green").await;
        let mut watch = b.watch(None).await.unwrap();
        next(&mut watch).await;
        if heard_by_refusal {
            b.push(&mut server, 10, true).await;
        } else {
            assert_eq!(b.pull(&server, 10).await.unwrap().recreated, vec![id]);
        }
        let mut events = vec![changed(&mut watch).await, changed(&mut watch).await];
        events.sort_unstable_by_key(|(entity, _)| *entity != id);
        let new = events[1].0;
        assert_eq!(events, [(id, EventKind::Erased), (new, EventKind::Created)]);
        let entity = b.get(new).await.unwrap();
        assert_eq!((entity.title.as_str(), body_of(&entity)), ("Fence", "white\ngreen"));
        assert_eq!(entity.tags, ["garden"]);
        assert!(b.get(id).await.is_err());
        // Once, whatever is said again.
        b.replica.recreate(id).await.unwrap();
        b.settle(&mut server).await;
        a.settle(&mut server).await;
        assert_eq!((server.states.len(), b.pending().await), (1, 0));
        are_alike(&[&a, &b], &server).await;
        b.is_sound().await;
    }
}

#[tokio::test]
async fn what_was_erased_before_it_was_sent_goes_up_as_an_envelope() {
    let mut server = Server::new();
    let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("secret", "secret").await;
    a.push(&mut server, 10, false).await;
    a.append(id, "secret").await;
    a.erase(id).await.unwrap();
    assert_eq!(a.pending().await, 3);
    let sent = a.outbox().await;
    assert!(sent.iter().all(|entry| entry.change.ops.as_str() == "[]"));
    a.settle(&mut server).await;
    b.settle(&mut server).await;
    assert_eq!((server.states.len(), a.pending().await), (0, 0));
    are_alike(&[&a, &b], &server).await;
    a.is_sound().await;
}

#[tokio::test]
async fn watchers_and_searches_learn_of_what_was_joined() {
    let mut server = Server::new();
    let (a, mut b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("Fence", "white").await;
    a.settle(&mut server).await;
    // The index is open, and closed in good order.
    assert_eq!(b.search(Search::new("fence")).await.unwrap().items.len(), 0);
    b.note("Mine", "").await;
    assert_eq!(b.search(Search::new("mine")).await.unwrap().items.len(), 1);
    b.restart().await;
    let mut watch = b.watch(None).await.unwrap();
    next(&mut watch).await;
    let state = server.states[&id].clone();
    let items = vec![Item { sync_id: sync_id(1), what: What::State(Box::new(state.clone())) }];
    b.replica.apply(items).await.unwrap();
    assert_eq!(changed(&mut watch).await, (id, EventKind::Created));
    a.delete(id).await.unwrap();
    a.settle(&mut server).await;
    let items = vec![
        Item { sync_id: sync_id(2), what: What::State(Box::new(state)) },
        Item { sync_id: sync_id(3), what: What::State(Box::new(server.states[&id].clone())) },
    ];
    // What brings nothing is told to nobody.
    b.replica.apply(items).await.unwrap();
    assert_eq!(changed(&mut watch).await, (id, EventKind::Deleted));
    let seq = b.head();
    // The index wasn't open meanwhile, and the log knows nothing of it.
    a.restore(id).await.unwrap();
    a.settle(&mut server).await;
    let state = server.states[&id].clone();
    b.replica.apply(vec![Item { sync_id: sync_id(4), what: What::State(Box::new(state)) }]).await.unwrap();
    assert_eq!(changed(&mut watch).await, (id, EventKind::Restored));
    assert!(b.head() > seq);
    b.restart().await;
    assert_eq!(b.search(Search::new("fence")).await.unwrap().items.len(), 1);
}
