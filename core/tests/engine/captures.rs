use altair_core::{Edit, ErrorKind, List, MAX_TEXT_BYTES, NewCapture};
use altair_protocol::Kind;
use altair_protocol::view::{Content, Source};

use super::{Store, body_of};

#[tokio::test]
async fn a_thought_is_in_the_inbox_until_it_is_triaged() {
    let store = Store::new().await;
    let capture = store.thought("Buy figs\nfor Zoë").await;
    store.tag(capture, &["market".into()], &[]).await.unwrap();
    assert_eq!(store.list(List::Inbox, 10, None).await.unwrap().items.len(), 1);

    let quest = store.triage(capture, Kind::Quest, None).await.unwrap();
    assert_eq!((quest.title.as_str(), body_of(&quest)), ("Buy figs", "for Zoë"));
    assert_eq!(quest.tags, ["market"]);
    assert_eq!(store.list(List::Inbox, 10, None).await.unwrap().items, vec![]);
    let Content::Capture { triaged_into, .. } = store.get(capture).await.unwrap().content else { panic!() };
    assert_eq!(triaged_into, Some(quest.id));
    assert_eq!(store.triage(capture, Kind::Note, None).await.unwrap_err().kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn two_devices_that_triage_alike_make_one_thing() {
    let (a, b) = (Store::new().await, Store::new().await);
    let capture = a.thought("Descale the kettle").await;
    super::sync(&a, &b).await;
    let from_a = a.triage(capture, Kind::Quest, None).await.unwrap();
    let from_b = b.triage(capture, Kind::Quest, None).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    assert_eq!(from_a.id, from_b.id);
    for store in [&a, &b] {
        assert_eq!(store.list(List::Kind(Kind::Quest), 10, None).await.unwrap().items.len(), 1);
        assert_eq!(store.conflicts().await.unwrap(), vec![]);
    }
}

#[tokio::test]
async fn two_devices_that_triage_alike_have_the_body_once() {
    let (a, b) = (Store::new().await, Store::new().await);
    let capture = a.thought("Shop\nmilk\neggs").await;
    a.tag(capture, &["market".into()], &[]).await.unwrap();
    super::sync(&a, &b).await;
    let note = a.triage(capture, Kind::Note, None).await.unwrap().id;
    b.triage(capture, Kind::Note, None).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    for store in [&a, &b] {
        let shown = store.show(note).await.unwrap();
        assert_eq!((shown.entity.title.as_str(), body_of(&shown.entity)), ("Shop", "milk\neggs"));
        assert_eq!(shown.entity.tags, ["market"]);
        assert_eq!(store.conflicts().await.unwrap(), vec![], "title, origin and tag are the same");
    }
    // Both go on typing, each after what it has.
    a.edit(note, Edit { append: Some("figs".into()), ..Edit::default() }).await.unwrap();
    b.edit(note, Edit { append: Some("tea".into()), ..Edit::default() }).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    let texts = [a.get(note).await.unwrap(), b.get(note).await.unwrap()];
    assert_eq!(body_of(&texts[0]), body_of(&texts[1]));
    assert_eq!(body_of(&texts[0]).matches("milk").count(), 1);
}

#[tokio::test]
async fn a_triage_that_was_undone_can_be_done_again() {
    let store = Store::new().await;
    let capture = store.thought("Shop\nmilk\neggs").await;
    let note = store.triage(capture, Kind::Note, None).await.unwrap();
    store.undo().await.unwrap();
    assert!(store.get(note.id).await.unwrap().deleted);
    let again = store.triage(capture, Kind::Note, None).await.unwrap();
    assert_eq!((again.id, again.deleted, body_of(&again)), (note.id, false, "milk\neggs"));
}

#[tokio::test]
async fn what_a_capture_became_stays_erased() {
    let store = Store::new().await;
    let capture = store.thought("Shop").await;
    let note = store.triage(capture, Kind::Note, None).await.unwrap().id;
    store.undo().await.unwrap();
    store.erase(note).await.unwrap();
    assert_eq!(store.triage(capture, Kind::Note, None).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(store.get(note).await.unwrap_err().kind(), ErrorKind::NotFound);
    store.triage(capture, Kind::Quest, None).await.unwrap();
}

#[tokio::test]
async fn every_source_is_kept() {
    let store = Store::new().await;
    for word in Source::WORDS {
        let source = Source::from_word(word).unwrap();
        let entity = store.capture(NewCapture { text: "x".into(), source }).await.unwrap();
        assert!(matches!(entity.content, Content::Capture { source: kept, .. } if kept == source));
    }
}

#[tokio::test]
async fn empty_and_enormous_thoughts_are_refused_and_leave_nothing() {
    let store = Store::new().await;
    for text in ["".to_owned(), " \n ".to_owned(), "x".repeat(MAX_TEXT_BYTES + 1), "nul \0".to_owned()] {
        let error = store.capture(NewCapture { text, ..NewCapture::default() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert_eq!(store.head(), 0);
}

#[tokio::test]
async fn a_hundred_at_once_are_all_kept() {
    let store = Store::new().await;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let altair = store.altair.clone();
            tokio::spawn(async move {
                altair.capture(NewCapture { text: format!("thought {n}"), ..NewCapture::default() }).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let store = store.reopen().await;
    let mut titles: Vec<_> =
        store.list(List::Inbox, 1000, None).await.unwrap().items.into_iter().map(|entity| entity.title).collect();
    titles.sort();
    let mut expected: Vec<_> = (0..100).map(|n| format!("thought {n}")).collect();
    expected.sort();
    assert_eq!(titles, expected);
}
