//! The sync socket, as docs/protocol.md says that it is: what is accepted, numbered and passed on.

use altair_protocol::sync::{Item, MAX_AHEAD_MS, Refusal, ResetReason, ServerFrame, What};
use altair_protocol::{Change, Dot, EntityId, Hash, Incarnation, Kind, Stamp};
use altair_server::Ask;

use crate::client::Socket;
use crate::world::{World, now_ms};

fn numbers(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.sync_id.get()).collect()
}

fn opened(item: &Item) -> Change {
    match &item.what {
        What::Change(change) => change.as_ref().clone().open().unwrap(),
        other => panic!("{other:?} is no change"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_numbered_passed_on_and_comes_back_as_its_id() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (mut on_a, mut on_b) = (a.connect().await, b.connect().await);
    assert!(on_a.until_live().await.is_empty() && on_b.until_live().await.is_empty());
    let change = a.note("Figs");
    on_a.push(std::slice::from_ref(&change)).await;
    let passed = on_b.items(1).await;
    assert_eq!((numbers(&passed), opened(&passed[0])), (vec![1], change.clone()));
    let (mut own, mut acked) = (None, None);
    while own.is_none() || acked.is_none() {
        match on_a.next().await.unwrap() {
            ServerFrame::Changes(changes) => own = Some(changes.items[0].clone()),
            ServerFrame::Ack(ack) => acked = Some(ack.items[0]),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(own.unwrap().what, What::Own(change.id));
    assert_eq!((acked.unwrap().change, acked.unwrap().sync_id.get()), (change.id, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_go_through_byte_for_byte_whatever_they_are() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (mut on_a, mut on_b) = (a.connect().await, b.connect().await);
    for ops in [r#"[ {"set" : {"field":"title","value":"\u0041"}} ]"#, r#""c2VhbGVk""#, r#"[{"paint":1.50}]"#] {
        let change = a.note("x");
        let json = serde_json::to_string(&change).unwrap();
        let (envelope, _) = json.split_once(r#""ops":"#).unwrap();
        let text = format!(r#"{{"push":{{"changes":[{envelope}"ops":{ops}}}]}}}}"#);
        on_a.raw(tokio_tungstenite::tungstenite::Message::text(text)).await;
        assert_eq!(on_a.answers(1).await.0.len(), 1);
        match &on_b.items(1).await[0].what {
            What::Change(passed) => assert_eq!(passed.ops.as_str(), ops),
            other => panic!("{other:?}"),
        }
    }
    // What can't be folded has to come from the log.
    let head = world.http().with_token(&b.paired.token).get("/v1/bootstrap").await;
    assert!(head.text().starts_with(r#"{"bootstrap":{"head":1,"#), "{}", head.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ack_costs_nothing() {
    let world = World::new().await;
    let device = world.device().await;
    let changes: Vec<Change> = (0..50).map(|n| device.note(&format!("note {n}"))).collect();
    let first = device.connect().await.accepted(&changes).await;
    assert_eq!(first, (1..=50).collect::<Vec<u64>>());
    assert_eq!(device.connect().await.accepted(&changes).await, first, "the same ids, the same numbers");
    let world = world.restart().await;
    let http = world.http().with_token(&device.paired.token);
    let mut socket = Socket::open(&http).await;
    socket.hello(device.id(), 0, Some(device.paired.incarnation)).await;
    assert_eq!(socket.welcome().await.head.get(), 50);
    assert_eq!(socket.accepted(&changes).await, first, "and from the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_catches_up_in_order_and_then_goes_live() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let mut on_a = a.connect().await;
    let changes: Vec<Change> = (0..1500).map(|n| a.note(&format!("note {n}"))).collect();
    for some in changes.chunks(100) {
        on_a.accepted(some).await;
    }
    let items = b.connect_at(40).await.until_live().await;
    assert_eq!(numbers(&items), (41..=1500).collect::<Vec<u64>>());
    assert!(items.iter().zip(&changes[40..]).all(|(item, change)| opened(item) == *change));
    let own = a.connect_at(1490).await.until_live().await;
    assert!(own.iter().all(|item| matches!(item.what, What::Own(_))) && own.len() == 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_socket_goes_back_to_the_log_and_misses_nothing() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let mut on_b = b.connect().await;
    on_b.until_live().await;
    let mut on_a = a.connect().await;
    let text = "x".repeat(50_000);
    // More than lies between the two while nobody reads.
    let mut count = 0;
    for _ in 0..150 {
        let some: Vec<Change> = (0..10).map(|_| a.note(&text)).collect();
        count += on_a.accepted(&some).await.len();
    }
    let items = on_b.items(count).await;
    assert_eq!(numbers(&items), (1..=1500).collect::<Vec<u64>>());
    assert!(!world.http().get("/metrics").await.text().contains("altair_fell_behind_total 0"), "it has kept up");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_devices_at_once_get_one_order() {
    let world = World::new().await;
    let mut devices = Vec::new();
    for _ in 0..6 {
        let device = world.device().await;
        let socket = device.connect().await;
        devices.push((device, socket));
    }
    let tasks = devices.into_iter().map(|(device, mut socket)| {
        tokio::spawn(async move {
            let mut items = Vec::new();
            let changes: Vec<Change> = (0..40).map(|n| device.note(&format!("note {n}"))).collect();
            for some in changes.chunks(4) {
                socket.push(some).await;
            }
            while items.len() < 240 {
                if let ServerFrame::Changes(changes) = socket.next().await.unwrap() {
                    items.extend(changes.items);
                }
            }
            items
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut orders = Vec::new();
    for task in tasks {
        let items = task.await.unwrap();
        assert_eq!(numbers(&items), (1..=240).collect::<Vec<u64>>(), "each number once and in order");
        let id = |item: &Item| match &item.what {
            What::Change(change) => change.envelope.id,
            What::Own(id) => *id,
            other => panic!("{other:?}"),
        };
        orders.push(items.iter().map(id).collect::<Vec<_>>());
    }
    assert!(orders.windows(2).all(|two| two[0] == two[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_pushed_and_the_hundredth_refused() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let mut changes: Vec<Change> = (0..200).map(|n| device.note(&format!("note {n}"))).collect();
    let unseen = Dot { at: Stamp::new(now_ms(), 0), device: altair_protocol::DeviceId::v7(1, [1; 10]) };
    changes[99].seen.add(unseen);
    socket.push(&changes).await;
    let (acked, refused) = socket.answers(200).await;
    assert_eq!((acked.len(), refused.len()), (199, 1));
    assert_eq!((refused[0].change, refused[0].code), (changes[99].id, Refusal::Causality));
    let follows = device.titled(changes[99].entity, "again", &[changes[99].dot()]);
    assert_eq!(socket.refused(&follows).await.code, Refusal::Causality, "what follows it for the same entity");
    let elsewhere = device.titled(changes[98].entity, "again", &[changes[98].dot()]);
    assert_eq!(socket.accepted(&[elsewhere]).await, [200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_from_2031_is_refused_until_then() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let ahead = now_ms() + 5 * 365 * 24 * 60 * 60 * 1000;
    let change = Change { at: Stamp::new(ahead, 0), ..device.note("from 2031") };
    let refused = socket.refused(&change).await;
    assert_eq!(refused.code, Refusal::ClockSkew);
    assert_eq!(u64::try_from(refused.until.unwrap().millis()).unwrap(), ahead - MAX_AHEAD_MS);
    assert_eq!(socket.accepted(&[device.note("today")]).await, [1]);
    // Later it is a change like any other: refusals aren't remembered.
    world.later(5 * 365 * 24 * 60 * 60 * 1000);
    assert_eq!(socket.accepted(&[change]).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_store_is_told_that_it_is_one() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let first = device.note("Figs");
    let second = device.titled(first.entity, "Dates", &[first.dot()]);
    let copys = device.titled(first.entity, "Plums", &[first.dot()]);
    socket.accepted(&[first, second.clone()]).await;
    assert_eq!(socket.refused(&copys).await.code, Refusal::Forked);
    let same_stamp = Change { id: copys.id, at: second.at, ..copys };
    assert_eq!(socket.refused(&same_stamp).await.code, Refusal::Forked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_given_before_is_never_another_change() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let mut on_a = a.connect().await;
    let change = a.note("Figs");
    on_a.accepted(std::slice::from_ref(&change)).await;
    let forged = Change { id: change.id, ..b.note("forged") };
    let honest = b.note("honest");
    let mut on_b = b.connect().await;
    assert_eq!(on_b.accepted(&[forged, honest]).await, [1, 2], "the first is answered as what had the id");
    assert_eq!(numbers(&on_a.items(2).await), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_that_make_the_same_thing_make_one() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let first = a.note("from a");
    a.connect().await.accepted(std::slice::from_ref(&first)).await;
    // The server remembers nothing of it, and takes what has seen nothing for new.
    let world = world.restart().await;
    let b = crate::world::Device::of(b.paired, world.http());
    let mut on_b = b.connect().await;
    let (same, other) = (b.titled(first.entity, "from b", &[]), b.note("something else"));
    assert_eq!(on_b.accepted(&[other, same.clone()]).await, [2, 3]);
    let world = world.restart().await;
    let b = crate::world::Device::of(b.paired, world.http());
    let mut on_b = b.connect().await;
    let ahead = Change { at: Stamp::new(now_ms() + 86_400_000, 0), ..b.titled(first.entity, "ahead", &[]) };
    let good = b.titled(first.entity, "good", &[first.dot(), same.dot()]);
    on_b.push(&[ahead.clone(), good.clone()]).await;
    let (acked, refused) = on_b.answers(2).await;
    assert_eq!((acked[0].change, refused[0].change), (good.id, ahead.id), "what is refused first misleads nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unstored_blob_holds_its_change_up_and_nothing_else() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let bytes = b"the bytes of fig.jpg";
    let hash = Hash::of(bytes);
    let change = Change { kind: Kind::Attachment, blobs: vec![hash], ..device.note("fig.jpg") };
    assert_eq!(socket.refused(&change).await.code, Refusal::BlobMissing);
    assert_eq!(device.http.ask("PUT", &format!("/v1/blobs/{hash}"), &[], bytes).await.status, 201);
    assert_eq!(socket.accepted(&[change]).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_needs_to_have_seen_everything_and_then_is_for_good() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (mut on_a, mut on_b) = (a.connect().await, b.connect().await);
    let note = a.note("a secret");
    on_a.accepted(std::slice::from_ref(&note)).await;
    let others = b.titled(note.entity, "another secret", &[note.dot()]);
    on_b.accepted(std::slice::from_ref(&others)).await;
    let erase = |seen: &[Dot]| Change { erase: true, ops: vec![], ..a.titled(note.entity, "", seen) };
    assert_eq!(on_a.refused(&erase(&[note.dot()])).await.code, Refusal::NotCovered);
    let erasing = erase(&[note.dot(), others.dot()]);
    assert_eq!(on_a.accepted(std::slice::from_ref(&erasing)).await, [3]);
    let late = b.titled(note.entity, "late", &[note.dot(), others.dot()]);
    assert_eq!(on_b.refused(&late).await.code, Refusal::Erased);
    assert_eq!(on_a.accepted(&[erasing]).await, [3], "who lost the answer gets it again");
    assert_eq!(on_b.accepted(&[others]).await, [2]);
    // Once it is folded, the log doesn't say it any more.
    let http = world.http().with_token(&a.paired.token);
    let lines = http.get("/v1/bootstrap").await.text();
    assert!(
        lines.contains(&format!(r#"{{"erased":{{"id":"{}","kind":"note","seen":{{"#, note.entity))
            && !lines.contains("secret")
    );
    let items = world.device().await.connect().await.until_live().await;
    assert_eq!(numbers(&items), [1, 2, 3]);
    assert!(matches!((&items[0].what, &items[1].what), (What::Gone, What::Gone)), "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_the_log_cant_go_on_from_is_reset() {
    let world = World::new().await;
    let device = world.device().await;
    device.connect().await.accepted(&[device.note("Figs")]).await;
    let reset = async |cursor, incarnation| {
        let mut socket = Socket::open(&device.http).await;
        socket.hello(device.id(), cursor, incarnation).await;
        let reason = socket.reset().await.reason;
        assert_eq!(socket.end().await.number, Some(4205));
        reason
    };
    let ours = Some(device.paired.incarnation);
    assert_eq!(reset(2, ours).await, ResetReason::Ahead);
    assert_eq!(reset(1, Some(Incarnation::v7(1, [1; 10]))).await, ResetReason::Incarnation);
    assert_eq!(reset(1, None).await, ResetReason::Incarnation);
    device.connect_at(1).await;
    world.later(401 * 24 * 60 * 60 * 1000);
    assert_eq!(reset(1, ours).await, ResetReason::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_has_applied_is_remembered() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    socket.accepted(&[device.note("Figs"), device.note("Dates")]).await;
    socket.applied(2).await;
    socket.ping(1).await;
    socket.pong().await;
    let world = world.restart().await;
    let altair_server::Answer::Devices(devices) = world.act(Ask::Devices { household: None }).await else { panic!() };
    assert_eq!((devices.len(), devices[0].cursor), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_has_one_connection() {
    let world = World::new().await;
    let device = world.device().await;
    let mut first = device.connect().await;
    let mut second = device.connect().await;
    assert_eq!(first.end().await.number, Some(4409));
    second.ping(7).await;
    assert_eq!(second.pong().await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_was_pushed_and_says_goodbye() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let changes: Vec<Change> = (0..200).map(|n| device.note(&format!("note {n}"))).collect();
    socket.push(&changes).await;
    socket.ping(1).await;
    socket.pong().await;
    let folder = world.folder;
    let stopping = tokio::spawn(world.running.stop());
    let (mut acked, mut closing) = (0, None);
    loop {
        match socket.next().await {
            Ok(ServerFrame::Ack(ack)) => acked += ack.items.len(),
            Ok(ServerFrame::Closing(said)) => closing = Some(said),
            Ok(_) => {}
            Err(ended) => {
                assert_eq!(ended.number, Some(1001));
                break;
            }
        }
    }
    assert!(closing.unwrap().retry_after_ms.is_some());
    stopping.await.unwrap().unwrap();
    assert_eq!(acked, 200);
    let world = World::start(folder).await;
    let mut socket = Socket::open(&world.http().with_token(&device.paired.token)).await;
    socket.hello(device.id(), 0, None).await;
    assert_eq!(socket.welcome().await.head.get(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn households_see_nothing_of_each_other() {
    let world = World::new().await;
    world.act(Ask::Init { household: "Work".to_owned() }).await;
    let (home, work) = (world.device_of(Some("Home")).await, world.device_of(Some("Work")).await);
    let (mut at_home, mut at_work) = (home.connect().await, work.connect().await);
    let note = home.note("a secret");
    at_home.accepted(std::slice::from_ref(&note)).await;
    let bytes = b"a picture";
    let blob = format!("/v1/blobs/{}", Hash::of(bytes));
    assert_eq!(home.http.ask("PUT", &blob, &[], bytes).await.status, 201);

    assert!(at_work.until_live().await.is_empty());
    assert!(!work.http.get("/v1/bootstrap").await.text().contains("secret"));
    assert_eq!(work.http.get(&blob).await.status, 404);
    let names = Change { kind: Kind::Attachment, blobs: vec![Hash::of(bytes)], ..work.note("x") };
    assert_eq!(at_work.refused(&names).await.code, Refusal::BlobMissing);
    // The same entity id is another entity there.
    assert_eq!(at_work.accepted(&[work.titled(note.entity, "ours", &[])]).await, [1]);
    assert_eq!(at_home.accepted(&[home.titled(note.entity, "still ours", &[note.dot()])]).await, [2]);
    let mut foreign = Socket::open(&work.http).await;
    foreign.hello(work.id(), 0, Some(home.paired.incarnation)).await;
    assert_eq!(foreign.reset().await.reason, ResetReason::Incarnation);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_changes_go_through_and_larger_ones_dont() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (mut on_a, mut on_b) = (a.connect().await, b.connect().await);
    let large = a.note(&"x".repeat(7 << 20));
    assert_eq!(on_a.accepted(std::slice::from_ref(&large)).await, [1]);
    assert_eq!(opened(&on_b.items(1).await[0]), large);
    assert_eq!(opened(&world.device().await.connect().await.until_live().await[0]), large, "from the log, too");
    let refused = on_a.refused(&a.titled(EntityId::v7(now_ms(), [1; 10]), &"x".repeat(9 << 20), &[])).await;
    assert_eq!(refused.code, Refusal::TooLarge);
}
