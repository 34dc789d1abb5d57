//! Bootstrap, and meeting another log.

use std::io::{Read as _, Write as _};

use altair_core::merge::apply;
use altair_protocol::sync::{BootstrapLine, Checksum, End, Erased, Joined, Refusal, What};
use altair_protocol::{Change, EntityId, EntityState, Field, Kind};

use crate::client::Answer;
use crate::world::{Device, World};

struct Read {
    head: u64,
    lines: Vec<BootstrapLine>,
    end: Option<End>,
}

fn read(body: &str) -> Read {
    let (mut checksum, mut read) = (Checksum::default(), Read { head: 0, lines: Vec::new(), end: None });
    for line in body.lines() {
        match serde_json::from_str(line).unwrap() {
            BootstrapLine::Bootstrap(start) => read.head = start.head.get(),
            BootstrapLine::End(end) => {
                assert_eq!(end.checksum, checksum.hash());
                read.end = Some(end);
            }
            other => read.lines.push(other),
        }
        checksum.line(line);
    }
    read
}

fn titles(read: &Read) -> Vec<String> {
    let title = |line: &BootstrapLine| match line {
        BootstrapLine::Entity(state) => state.value(&Field::TITLE)?.as_str().map(str::to_owned),
        _ => None,
    };
    read.lines.iter().filter_map(title).collect()
}

fn ids(read: &Read) -> Vec<EntityId> {
    let id = |line: &BootstrapLine| match line {
        BootstrapLine::Entity(state) => Some(state.id),
        BootstrapLine::Erased(erased) => Some(erased.id),
        _ => None,
    };
    read.lines.iter().filter_map(id).collect()
}

fn joined(answer: &Answer) -> Joined {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

async fn fill(device: &Device, count: usize) -> Vec<Change> {
    let changes: Vec<Change> = (0..count).map(|n| device.note(&format!("note {n}"))).collect();
    let mut socket = device.connect().await;
    for some in changes.chunks(200) {
        socket.accepted(some).await;
    }
    changes
}

/// The state that changes make.
fn state_of(changes: &[&Change]) -> EntityState {
    let mut state = EntityState::new(changes[0].entity, changes[0].kind);
    for change in changes {
        apply(&mut state, change).unwrap();
    }
    state
}

fn lines_of(states: &[EntityState]) -> String {
    states.iter().map(|state| serde_json::json!({"entity": state}).to_string() + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_gets_everything_as_it_is() {
    let world = World::new().await;
    let device = world.device().await;
    let changes = fill(&device, 700).await;
    let mut socket = device.connect_at(700).await;
    let edit = device.titled(changes[5].entity, "Figs", &[changes[5].dot()]);
    let erase = Change { erase: true, ops: vec![], ..device.titled(changes[6].entity, "", &[changes[6].dot()]) };
    socket.accepted(&[edit, erase]).await;
    let all = read(&world.device().await.http.get("/v1/bootstrap").await.text());
    assert_eq!((all.head, all.lines.len()), (702, 700));
    assert_eq!(all.end.map(|end| (end.entities, end.erased)), Some((699, 1)));
    assert!(titles(&all).contains(&"Figs".to_owned()) && !titles(&all).contains(&"note 5".to_owned()));
    assert!(ids(&all).is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_goes_on_after_any_line() {
    let world = World::new().await;
    let device = world.device().await;
    fill(&device, 100).await;
    let all = read(&device.http.get("/v1/bootstrap").await.text());
    // What comes meanwhile is after the head that the device was told first.
    let late = device.note("late");
    device.connect_at(100).await.accepted(std::slice::from_ref(&late)).await;
    let after = ids(&all)[59];
    let rest = read(&device.http.get(&format!("/v1/bootstrap?after={after}&head={}", all.head)).await.text());
    assert_eq!((rest.head, ids(&rest)[0]), (100, ids(&all)[60]));
    assert!(ids(&rest).contains(&late.entity) && rest.end.is_some());
    assert_eq!(device.http.get(&format!("/v1/bootstrap?after={after}&head=9999")).await.code(), "horizon");
    assert_eq!(device.http.get(&format!("/v1/bootstrap?after={after}")).await.code(), "malformed");
    assert_eq!(device.http.get("/v1/bootstrap?after=figs&head=1").await.code(), "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_is_packed_for_who_can_unpack_it() {
    let world = World::new().await;
    let device = world.device().await;
    fill(&device, 300).await;
    let plain = device.http.get("/v1/bootstrap").await;
    let packed = device.http.ask("GET", "/v1/bootstrap", &[("accept-encoding", "gzip")], b"").await;
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding").as_deref()), (None, Some("gzip")));
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(ids(&read(&unpacked)), ids(&read(&plain.text())));
    assert!(packed.body.len() * 2 < plain.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folded_log_survives_a_restart() {
    let world = World::new().await;
    let device = world.device().await;
    fill(&device, 50).await;
    let before = read(&device.http.get("/v1/bootstrap").await.text());
    let world = world.restart().await;
    let http = world.http().with_token(&device.paired.token);
    let after = read(&http.get("/v1/bootstrap").await.text());
    assert_eq!((after.head, titles(&after)), (before.head, titles(&before)));
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_another_log_are_joined_and_passed_on() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let known = a.note("known");
    let mut on_a = a.connect().await;
    on_a.accepted(std::slice::from_ref(&known)).await;
    // A device that was here before the server's log was lost.
    let edited = b.titled(known.entity, "edited", &[known.dot()]);
    let lost = b.note("lost");
    let states = [state_of(&[&known, &edited]), state_of(&[&lost]), state_of(&[&known])];
    let told = joined(&b.http.post("/v1/states", &lines_of(&states)).await);
    assert_eq!((told.joined, told.unchanged, told.refused.len(), told.head.get()), (2, 1, 0, 3));
    let again = joined(&b.http.post("/v1/states", &lines_of(&states)).await);
    assert_eq!((again.joined, again.unchanged, again.head.get()), (0, 3, 3), "nothing is done twice");

    let items = on_a.items(3).await;
    assert!(matches!(&items[1].what, What::State(_)) && matches!(&items[2].what, What::State(_)), "{items:?}");
    let all = read(&a.http.get("/v1/bootstrap").await.text());
    let mut found = titles(&all);
    found.sort();
    assert_eq!((found, all.head), (vec!["edited".to_owned(), "lost".to_owned()], 3));
    // What the states brought may be built upon.
    let next = a.titled(known.entity, "next", &[known.dot(), edited.dot()]);
    assert_eq!(on_a.accepted(&[next]).await, [4]);
    b.connect_at(3).await;
    assert_eq!(b.http.post("/v1/states", &lines_of(&states)).await.code(), "met");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_before_the_log_was_lost_is_erased_again() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (note, unknown) = (a.note("a secret"), b.note("unknown"));
    let mut on_a = a.connect().await;
    on_a.accepted(std::slice::from_ref(&note)).await;
    let line = |change: &altair_protocol::Change, dots: &[altair_protocol::Dot]| {
        let seen = dots.iter().copied().collect();
        serde_json::json!({"erased": Erased { id: change.entity, kind: Kind::Note, seen }}).to_string() + "\n"
    };
    // What it doesn't cover was never erased.
    let less = joined(&b.http.post("/v1/states", &line(&note, &[unknown.dot()])).await);
    assert_eq!((less.joined, less.unchanged), (0, 1));
    let lines = line(&note, &[note.dot()]) + &line(&unknown, &[unknown.dot()]);
    let told = joined(&b.http.post("/v1/states", &lines).await);
    assert_eq!((told.joined, told.head.get(), told.incarnation), (2, 3, b.paired.incarnation));
    assert_eq!(joined(&b.http.post("/v1/states", &lines).await).unchanged, 2);
    let items = on_a.items(3).await;
    let erased =
        |item: &altair_protocol::sync::Item| matches!(&item.what, What::Erased(erased) if erased.id == note.entity);
    assert_eq!(items.iter().filter(|item| erased(item)).count(), 1, "{items:?}");
    let work = a.titled(note.entity, "late", &[note.dot()]);
    assert_eq!(on_a.refused(&work).await.code, Refusal::Erased);
    let all = a.http.get("/v1/bootstrap").await.text();
    assert_eq!((read(&all).end.map(|end| (end.entities, end.erased)), all.contains("secret")), (Some((0, 2)), false));
    let items = a.connect_at(0).await.until_live().await;
    assert!(matches!(items[0].what, What::Own(_)) && matches!(items[2].what, What::Erased(_)), "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_states_are_taken_and_others_refused_one_by_one() {
    let world = World::new().await;
    let (a, b) = (world.device().await, world.device().await);
    let (gone, note) = (a.note("gone"), a.note("note"));
    let erase = Change { erase: true, ops: vec![], ..a.titled(gone.entity, "", &[gone.dot()]) };
    a.connect().await.accepted(&[gone.clone(), erase, note.clone()]).await;
    let mut ahead = b.note("ahead");
    ahead.at = altair_protocol::Stamp::new(crate::world::now_ms() + 86_400_000, 0);
    let quest = Change { kind: Kind::Quest, ..b.titled(note.entity, "a quest", &[]) };
    let good = b.note("good");
    let late = b.titled(gone.entity, "late", &[gone.dot()]);
    let states = [state_of(&[&gone, &late]), state_of(&[&ahead]), state_of(&[&quest]), state_of(&[&good])];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines_of(&states).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let told = joined(&b.http.ask("POST", "/v1/states", &[("content-encoding", "gzip")], &packed).await);
    assert_eq!((told.joined, told.head.get()), (1, 4));
    let mut codes: Vec<Refusal> = told.refused.iter().map(|refused| refused.code).collect();
    codes.sort();
    assert_eq!(codes, [Refusal::ClockSkew, Refusal::Erased, Refusal::Malformed]);
    // Who hasn't heard of an erasing brings nothing that it doesn't cover.
    let told = joined(&b.http.post("/v1/states", &lines_of(&[state_of(&[&gone])])).await);
    assert_eq!((told.unchanged, told.refused.len()), (1, 0));
    let cut = &packed[..packed.len() - 9];
    assert_eq!(b.http.ask("POST", "/v1/states", &[("content-encoding", "gzip")], cut).await.code(), "malformed");
    assert_eq!(b.http.post("/v1/states", "figs\n").await.code(), "malformed");
}
