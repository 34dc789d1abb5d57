use altair_core::{Edit, ErrorKind, Fields, New};
use altair_protocol::view::{Content, Status};
use altair_protocol::{EntityId, Kind, Thousandths};

use super::{Store, body_of, titled};

#[tokio::test]
async fn a_quest_keeps_what_it_is_given() {
    let store = Store::new().await;
    let parent = store.make(Kind::Quest, titled("House")).await.id;
    let fields = Fields {
        title: Some("Paint the fence".into()),
        body: Some("- white\n".into()),
        status: Some("active".into()),
        energy: Some(Some(4)),
        due: Some(Some("2026-12-24".into())),
        parent: Some(Some(parent)),
        ..Fields::default()
    };
    let quest = store.make(Kind::Quest, fields).await;
    let store = store.reopen().await;
    let read = store.get(quest.id).await.unwrap();
    assert_eq!(read, quest);
    let Content::Quest { status, energy, due, parent: of, .. } = read.content else { panic!() };
    assert_eq!((status, energy, due.as_deref(), of), (Status::Active, Some(4), Some("2026-12-24"), Some(parent)));
    let cleared =
        Edit { fields: Fields { due: Some(None), energy: Some(None), ..Fields::default() }, ..Edit::default() };
    let Content::Quest { energy, due, .. } = store.edit(quest.id, cleared).await.unwrap().content else { panic!() };
    assert_eq!((energy, due), (None, None));
}

#[tokio::test]
async fn wrong_values_are_refused_and_nothing_is_written() {
    let store = Store::new().await;
    let quest = store.make(Kind::Quest, titled("Q")).await.id;
    let place = store.make(Kind::Location, titled("Pantry")).await.id;
    let head = store.head();
    let none = Fields::default;
    let wrong = [
        (quest, Fields { energy: Some(Some(9)), ..none() }),
        (quest, Fields { energy: Some(Some(0)), ..none() }),
        (quest, Fields { due: Some(Some("soon".into())), ..none() }),
        (quest, Fields { due: Some(Some("2026-02-30".into())), ..none() }),
        (quest, Fields { status: Some("done".into()), ..none() }),
        (quest, Fields { quantity: Some(Thousandths(1000)), ..none() }),
        (quest, Fields { parent: Some(Some(place)), ..none() }),
        (quest, Fields { parent: Some(Some(quest)), ..none() }),
        (quest, titled("bell \u{7}")),
        (quest, titled(&"x".repeat(1001))),
        (place, Fields { body: Some("no body".into()), ..none() }),
        (place, Fields { parent: Some(Some(place)), ..none() }),
    ];
    for (id, fields) in wrong {
        let error = store.edit(id, Edit { fields: fields.clone(), ..Edit::default() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{fields:?}");
        assert!(!error.hint().is_empty());
    }
    let nowhere = Fields { parent: Some(Some(EntityId::v7(1, [0; 10]))), ..none() };
    let error = store.edit(quest, Edit { fields: nowhere, ..Edit::default() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(store.head(), head);
}

#[tokio::test]
async fn no_location_can_come_to_be_inside_itself() {
    let store = Store::new().await;
    let house = store.make(Kind::Location, titled("House")).await.id;
    let inside = |parent| Fields { parent: Some(Some(parent)), ..titled("x") };
    let kitchen = store.make(Kind::Location, inside(house)).await.id;
    let shelf = store.make(Kind::Location, inside(kitchen)).await.id;
    let edit = Edit { fields: Fields { parent: Some(Some(shelf)), ..Fields::default() }, ..Edit::default() };
    assert_eq!(store.edit(house, edit).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn captures_links_and_attachments_are_not_made_by_create() {
    let store = Store::new().await;
    for kind in [Kind::Capture, Kind::Link, Kind::Attachment] {
        assert_eq!(store.create(New { kind, fields: titled("x") }).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn eggs_used_on_two_devices_are_two_fewer() {
    let (a, b) = (Store::new().await, Store::new().await);
    let eggs = a.make(Kind::Item, Fields { quantity: Some(Thousandths(12_000)), ..titled("Eggs") }).await.id;
    super::sync(&a, &b).await;
    a.count(eggs, Thousandths(-1000)).await.unwrap();
    b.count(eggs, Thousandths(-1000)).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    for store in [&a, &b] {
        let Content::Item { quantity, .. } = store.get(eggs).await.unwrap().content else { panic!() };
        assert_eq!(quantity, Thousandths(10_000));
    }
}

#[tokio::test]
async fn a_count_that_would_overflow_is_refused() {
    let store = Store::new().await;
    let item = store.make(Kind::Item, Fields { quantity: Some(Thousandths(i64::MAX - 1)), ..titled("Sand") }).await.id;
    assert_eq!(store.count(item, Thousandths(2)).await.unwrap_err().kind(), ErrorKind::Invalid);
    store.count(item, Thousandths(1)).await.unwrap();
    let Content::Item { quantity, .. } = store.get(item).await.unwrap().content else { panic!("an item") };
    assert_eq!(quantity, Thousandths(i64::MAX), "to the last digit, also from another process");
    let quest = store.make(Kind::Quest, titled("Q")).await.id;
    assert_eq!(store.count(quest, Thousandths(1)).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn typing_on_two_devices_merges() {
    let (a, b) = (Store::new().await, Store::new().await);
    let note = a.note("List", "milk\nbread\n").await;
    super::sync(&a, &b).await;
    let body = |text: &str| Edit { fields: Fields { body: Some(text.into()), ..Fields::default() }, ..Edit::default() };
    a.edit(note, body("oat milk\nbread\n")).await.unwrap();
    b.edit(note, Edit { append: Some("figs".into()), ..Edit::default() }).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    for store in [&a, &b] {
        assert_eq!(body_of(&store.get(note).await.unwrap()), "oat milk\nbread\nfigs");
    }
}

#[tokio::test]
async fn an_id_is_found_by_its_ending() {
    let store = Store::new().await;
    let id = store.note("One", "").await;
    let text = id.to_string();
    assert_eq!(store.find(&text[text.len() - 8..]).await.unwrap(), id);
    assert_eq!(store.find(&text[19..]).await.unwrap(), id);
    assert_eq!(store.find(&text.to_uppercase()).await.unwrap(), id);
    assert_eq!(store.find("ab").await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.find("not an id").await.unwrap_err().kind(), ErrorKind::Invalid);
    let other = if text.ends_with("0000") { "1111" } else { "0000" };
    assert_eq!(store.find(other).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_ambiguous_ending_is_refused() {
    let store = Store::new().await;
    let random = |n: u8| [n, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd];
    drop(store);
    let folder = tempfile::tempdir().unwrap();
    let next = std::sync::atomic::AtomicU8::new(0);
    let environment = altair_core::Environment::new(
        || 1_790_000_000_000,
        move || random(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
    );
    let config = altair_core::Config { environment, ..altair_core::Config::new(folder.path().join("s")) };
    let altair = altair_core::Altair::open(config).await.unwrap();
    for _ in 0..2 {
        altair.capture(altair_core::NewCapture { text: "x".into(), ..Default::default() }).await.unwrap();
    }
    assert_eq!(altair.find("abcd").await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_parent_whose_own_parent_was_erased_takes_things_in() {
    let store = Store::new().await;
    let inside = |parent, title| Fields { parent: Some(Some(parent)), ..titled(title) };
    let house = store.make(Kind::Location, titled("House")).await.id;
    let room = store.make(Kind::Location, inside(house, "Room")).await.id;
    store.erase(house).await.unwrap();
    let shelf = store.make(Kind::Location, inside(room, "Shelf")).await;
    let Content::Location { parent } = shelf.content else { panic!() };
    assert_eq!(parent, Some(room));
    let under_nothing = New { kind: Kind::Location, fields: inside(house, "Cellar") };
    assert_eq!(store.create(under_nothing).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_is_put_into_what_is_in_the_trash() {
    let store = Store::new().await;
    let shed = store.make(Kind::Location, super::titled("Shed")).await.id;
    store.delete(shed).await.unwrap();
    for (kind, fields) in [
        (Kind::Item, Fields { location: Some(Some(shed)), ..super::titled("Rake") }),
        (Kind::Location, Fields { parent: Some(Some(shed)), ..super::titled("Shelf") }),
    ] {
        let error = store.create(altair_core::New { kind, fields }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }
}

/// An edit of a body that was read as `base`.
fn made_of(base: &str, body: &str) -> Edit {
    let fields = Fields { body: Some(body.into()), ..Fields::default() };
    Edit { fields, base: Some(base.into()), ..Edit::default() }
}

#[tokio::test]
async fn two_programs_that_write_one_body_at_once_keep_what_both_wrote() {
    let store = Store::new().await;
    let note = store.note("Figs", "one\ntwo\n").await;
    for (base, new, comes_of_it) in [
        ("one\ntwo\n", "ONE\ntwo\n", "ONE\ntwo\n"),
        ("one\ntwo\n", "one\ntwo\nthree\n", "ONE\ntwo\nthree\n"),
        ("ONE\ntwo\n", "ONE\n2\n", "ONE\n2\nthree\n"),
        // Done again, as after an answer that got lost, it is done once.
        ("ONE\ntwo\n", "ONE\n2\nthree\n", "ONE\n2\nthree\n"),
        // What changes nothing takes nothing away.
        ("one\ntwo\n", "one\ntwo\n", "ONE\n2\nthree\n"),
    ] {
        assert_eq!(body_of(&store.edit(note, made_of(base, new)).await.unwrap()), comes_of_it);
    }
    let stranger = store.edit(note, made_of("something else", "x")).await.unwrap_err();
    assert_eq!(stranger.kind(), ErrorKind::Refused, "{stranger}");
    let without_body = Edit { base: Some("one".into()), ..Edit::default() };
    assert_eq!(store.edit(note, without_body).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_empty_body_can_be_begun_by_two() {
    let store = Store::new().await;
    let note = store.make(Kind::Note, titled("Figs")).await.id;
    store.edit(note, made_of("", "water")).await.unwrap();
    let body = store.edit(note, made_of("", "prune")).await.unwrap();
    assert!(body_of(&body).contains("water") && body_of(&body).contains("prune"), "{body:?}");
}

#[tokio::test]
async fn a_captures_words_are_not_written_over_by_an_edit_of_older_ones() {
    let store = Store::new().await;
    let id = store.thought("figs").await;
    store.edit(id, made_of("figs", "water the figs")).await.unwrap();
    assert_eq!(store.edit(id, made_of("figs", "prune the figs")).await.unwrap_err().kind(), ErrorKind::Refused);
}
