use altair_core::{Search, Watched};
use altair_protocol::sync::BootstrapLine;

use super::server::Server;
use super::{Device, are_alike, body_of, sync_id};

#[tokio::test]
async fn a_bootstrap_goes_on_where_it_was_cut_off() {
    let mut server = Server::new();
    let (a, mut b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    for n in 0..20 {
        a.note(&format!("Note {n}"), "figs").await;
    }
    let gone = a.note("gone", "").await;
    a.settle(&mut server).await;
    a.erase(gone).await.unwrap();
    a.settle(&mut server).await;
    let mut watch = b.watch(None).await.unwrap();
    assert!(matches!(watch.next().await, Some(Watched::Current { .. })));
    let mut batches = 0;
    loop {
        let done = b.bootstrap(&server, 3, || false).await;
        batches += 1;
        // It isn't told one by one.
        assert!(done || matches!(watch.next().await, Some(Watched::Lagged { .. })));
        if done {
            break;
        }
        b.restart().await;
        watch = b.watch(None).await.unwrap();
        watch.next().await;
        // Meanwhile others go on.
        a.note(&format!("Meanwhile {batches}"), "figs").await;
        a.settle(&mut server).await;
        if batches > 20 {
            assert!(b.bootstrap(&server, 100, || true).await);
            break;
        }
    }
    assert!(batches > 3);
    assert_eq!(b.cursor().await, sync_id(22), "the head of the first answer");
    b.settle(&mut server).await;
    are_alike(&[&a, &b], &server).await;
    let mut found = b.search(Search { limit: 100, ..Search::new("figs") }).await.unwrap().items.len();
    assert_eq!(found, server.states.len());
    b.restart().await;
    found = b.search(Search { limit: 100, ..Search::new("figs") }).await.unwrap().items.len();
    assert_eq!(found, server.states.len());
    b.is_sound().await;
}

#[tokio::test]
async fn a_bootstrap_in_the_middle_of_an_unsent_chain_loses_nothing() {
    let mut server = Server::new();
    let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let id = a.note("Fence", "white").await;
    a.settle(&mut server).await;
    b.settle(&mut server).await;
    for n in 0..5 {
        b.append(id, &format!("b{n}")).await;
    }
    // Two are accepted, of which one is heard of.
    b.push(&mut server, 1, true).await;
    b.push(&mut server, 1, false).await;
    a.append(id, "from a").await;
    a.settle(&mut server).await;
    for _ in 0..2 {
        assert!(b.bootstrap(&server, 1, || true).await);
    }
    assert_eq!(b.pending().await, 4);
    b.settle(&mut server).await;
    a.settle(&mut server).await;
    are_alike(&[&a, &b], &server).await;
    let body = body_of(&a.get(id).await.unwrap()).to_owned();
    assert!(
        ["white", "b0", "b1", "b2", "b3", "b4", "from a"].iter().all(|line| body.matches(line).count() == 1),
        "{body}"
    );
    b.is_sound().await;
}

#[tokio::test]
async fn a_server_that_was_restored_has_everything_again_after_all_have_met_it() {
    let mut server = Server::new();
    let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let (kept, erased) = (a.note("Kept", "white").await, a.note("Erased", "").await);
    a.settle(&mut server).await;
    b.settle(&mut server).await;
    for device in [&a, &b] {
        assert!(device.bootstrap(&server, 10, || true).await);
    }
    let yesterday = server.clone();
    // All of this was acknowledged.
    a.append(kept, "today").await;
    let new = b.note("New", "").await;
    b.settle(&mut server).await;
    a.settle(&mut server).await;
    a.erase(erased).await.unwrap();
    a.settle(&mut server).await;
    // And this not.
    b.append(kept, "unsent").await;
    let mut server = yesterday.restored(2);
    assert_eq!((server.states.len(), server.states.contains_key(&erased)), (2, true));
    a.meet(&mut server).await;
    b.meet(&mut server).await;
    assert_eq!(b.pending().await, 0, "it went up with the state");
    for device in [&a, &b, &a] {
        device.settle(&mut server).await;
    }
    are_alike(&[&a, &b], &server).await;
    assert!(server.states.contains_key(&new) && !server.states.contains_key(&erased));
    let body = body_of(&a.get(kept).await.unwrap()).to_owned();
    assert_eq!(body.lines().count(), 3, "{body}");
    a.is_sound().await;
    b.is_sound().await;
}

#[tokio::test]
async fn what_a_server_refuses_of_a_meeting_stays_in_the_outbox() {
    let server = Server::new();
    let device = Device::of(&server, 1).await;
    let (id, other) = (device.note("One", "").await, device.note("Two", "").await);
    let meeting = device.replica.begin_meeting().await.unwrap();
    assert_eq!(meeting.total(), 2);
    let (_, carried) = device.replica.carry(meeting, 10, 1 << 20).await.unwrap();
    let carried = carried.unwrap();
    let ids: Vec<_> = carried.lines.iter().map(super::line_id).collect();
    assert_eq!(ids, if id < other { [id, other] } else { [other, id] });
    assert!(carried.lines.iter().all(|line| matches!(line, BootstrapLine::Entity(_))));
    // Something is written while it is under way: that isn't in it.
    device.append(other, "later").await;
    let refused = altair_protocol::sync::JoinRefused {
        entity: id,
        code: altair_protocol::sync::Refusal::TooLarge,
        message: "too long".to_owned(),
    };
    device.replica.met(carried, &[refused]).await.unwrap();
    let left: Vec<_> = device.outbox().await.iter().map(|entry| entry.change.envelope.entity).collect();
    assert_eq!((left, device.pending().await), (vec![id, other], 2));
    device.is_sound().await;
}
