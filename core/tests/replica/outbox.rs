use altair_core::Watched;
use altair_core::sync::machine::{Effect, Event, Fault, Outgoing, Position, ReadId};
use altair_protocol::ChangeId;
use altair_protocol::sync::{Acked, Refusal, What};

use super::server::Server;
use super::{Device, item, sync_id};

fn fault(entry: &Outgoing) -> Fault {
    let envelope = &entry.change.envelope;
    let message = "no".repeat(5000);
    Fault { change: Some(envelope.id), entity: envelope.entity, code: Refusal::TooLarge, message, until: None }
}

#[tokio::test]
async fn the_outbox_is_read_in_order_and_within_bounds() {
    let device = Device::of(&Server::new(), 1).await;
    let id = device.note("One", "").await;
    device.append(id, "more").await;
    device.note("Two", "").await;
    let all = device.outbox().await;
    assert_eq!(all.iter().map(|entry| entry.position).collect::<Vec<_>>(), [1, 2, 3].map(Position));
    assert!(all.iter().all(|entry| entry.bytes == serde_json::to_string(&entry.change).unwrap().len()));
    // One at least, however long it is.
    for (changes, bytes) in [(1, usize::MAX), (10, 1), (0, 0)] {
        let (read, end) = device.replica.read_outbox(Position(1), changes, bytes).await.unwrap();
        assert_eq!((read.len(), read[0].position, end), (1, Position(2), false));
    }
    let (read, end) = device.replica.read_outbox(Position(1), 2, usize::MAX).await.unwrap();
    assert_eq!((read.len(), end), (2, true));
    let effect = Effect::ReadOutbox { read: ReadId(7), after: Position(3), changes: 10, bytes: 10 };
    let answer = device.replica.carry_out(effect).await;
    assert_eq!(answer, Some(Event::OutboxRead { read: ReadId(7), entries: vec![], end: true }));
}

#[tokio::test]
async fn what_is_acknowledged_leaves_the_outbox_and_is_known_when_it_comes() {
    let mut server = Server::new();
    let mut device = Device::of(&server, 1).await;
    for n in 0..5 {
        device.note(&n.to_string(), "").await;
    }
    // The first two answers arrive, the others are lost, and the process ends.
    device.push(&mut server, 2, true).await;
    device.push(&mut server, 5, false).await;
    assert_eq!(device.pending().await, 3);
    device.restart().await;
    assert_eq!((device.pending().await, device.outbox().await[0].position), (3, Position(3)));
    device.pull(&server, 1).await.unwrap();
    device.restart().await;
    device.pull(&server, 10).await.unwrap();
    assert_eq!((device.pending().await, device.cursor().await), (0, sync_id(5)));
    // An ack that comes after all, and one of nobody's.
    let late = server.items(device.id().await, sync_id(4), 1);
    let What::Own(change) = late[0].what else { panic!() };
    let strange = Acked { change: ChangeId::v7(9, [9; 10]), sync_id: sync_id(9) };
    device.replica.acknowledge(vec![Acked { change, sync_id: sync_id(5) }, strange]).await.unwrap();
    assert_eq!(device.replica.apply(late).await.unwrap().cursor, sync_id(5), "a repetition");
    device.is_sound().await;
}

#[tokio::test]
async fn what_this_device_never_made_tells_that_it_is_a_copy() {
    let mut server = Server::new();
    let device = Device::of(&server, 1).await;
    device.note("One", "").await;
    device.push(&mut server, 1, true).await;
    let mut items = server.items(device.id().await, sync_id(0), 1);
    items.push(item(2, What::Own(ChangeId::v7(9, [9; 10]))));
    items.push(item(3, What::Gone));
    let outcome = device.replica.apply(items).await.unwrap();
    assert_eq!((outcome.cursor, outcome.copied), (sync_id(1), true));
    assert_eq!(device.cursor().await, sync_id(1));
}

#[tokio::test]
async fn a_refused_change_stops_its_entity_alone_and_stays_over_a_restart() {
    let mut server = Server::new();
    let mut device = Device::of(&server, 1).await;
    let id = device.note("One", "").await;
    device.append(id, "more").await;
    device.note("Two", "").await;
    let all = device.outbox().await;
    // An entity has one: of two the earlier, whichever comes first.
    for n in [1, 0, 1] {
        device.replica.park(fault(&all[n])).await.unwrap();
    }
    device.restart().await;
    let parked = device.parked().await;
    assert_eq!((parked.len(), parked[0].change), (1, Some(all[0].change.envelope.id)));
    assert_eq!(parked[0].message.len(), 1000);
    assert_eq!(device.outbox().await.iter().map(|entry| entry.position).collect::<Vec<_>>(), [Position(3)]);
    assert_eq!(device.pending().await, 3);
    // It had been accepted after all.
    let sync_id = server.accept(all[0].change.clone(), device.id().await).unwrap();
    device.replica.acknowledge(vec![Acked { change: all[0].change.envelope.id, sync_id }]).await.unwrap();
    assert_eq!((device.parked().await, device.outbox().await.len()), (vec![], 2));
    // What isn't in the outbox can't be parked.
    device.replica.park(fault(&all[0])).await.unwrap();
    assert_eq!(device.parked().await, vec![]);
}

#[tokio::test]
async fn two_hundred_go_up_and_the_hundredth_is_refused() {
    let mut server = Server::new();
    let device = Device::of(&server, 1).await;
    for n in 0..200 {
        device.note(&n.to_string(), "").await;
    }
    let hundredth = device.outbox().await.remove(99);
    device.replica.park(fault(&hundredth)).await.unwrap();
    device.settle(&mut server).await;
    assert_eq!((server.states.len(), device.pending().await, device.cursor().await), (199, 1, sync_id(199)));
    device.is_sound().await;
}

#[tokio::test]
async fn who_pushes_is_told_of_what_is_made() {
    let mut server = Server::new();
    let (a, b) = (Device::of(&server, 1).await, Device::of(&server, 2).await);
    let mut growing = b.replica.growing().unwrap();
    a.note("One", "").await;
    a.settle(&mut server).await;
    let mut watch = b.watch(None).await.unwrap();
    b.settle(&mut server).await;
    b.note("Two", "").await;
    assert!(growing.next().await);
    assert!(matches!(watch.next().await, Some(Watched::Current { .. })));
    assert_eq!(b.pending().await, 1, "what came from elsewhere doesn't count");
    b.altair.clone().close().await.unwrap();
    assert!(!growing.next().await);
}
