use altair_core::{Edit, Fields};
use altair_protocol::view::Content;
use altair_protocol::{Kind, Thousandths};

use super::{Store, body_of, titled};

fn append(text: &str) -> Edit {
    Edit { append: Some(text.into()), ..Edit::default() }
}

#[tokio::test]
async fn acts_are_undone_and_redone_one_by_one() {
    let store = Store::new().await;
    let id = store.note("Fence", "a").await;
    store.edit(id, append("b")).await.unwrap();
    store.edit(id, Edit { fields: titled("The fence"), ..Edit::default() }).await.unwrap();
    let state = async || {
        let entity = store.get(id).await.unwrap();
        (entity.title.clone(), body_of(&entity).to_owned(), entity.deleted)
    };
    let full = ("The fence".to_owned(), "a\nb".to_owned(), false);
    let steps = [
        full.clone(),
        ("Fence".to_owned(), "a\nb".to_owned(), false),
        ("Fence".to_owned(), "a".to_owned(), false),
        ("Fence".to_owned(), "a".to_owned(), true),
    ];
    for step in &steps[1..] {
        assert!(!store.undo().await.unwrap().is_empty());
        assert_eq!(state().await, *step);
    }
    assert_eq!(store.undo().await.unwrap(), vec![]);
    for step in steps.iter().rev().skip(1) {
        assert!(!store.redo().await.unwrap().is_empty());
        assert_eq!(state().await, *step);
    }
    assert_eq!(store.redo().await.unwrap(), vec![]);
    assert!(!store.undo().await.unwrap().is_empty());
    store.thought("a new act ends redoing").await;
    assert_eq!(store.redo().await.unwrap(), vec![]);
}

#[tokio::test]
async fn undo_survives_reopening() {
    let store = Store::new().await;
    let id = store.note("Fence", "a").await;
    store.edit(id, append("b")).await.unwrap();
    let store = store.reopen().await;
    store.undo().await.unwrap();
    assert_eq!(body_of(&store.get(id).await.unwrap()), "a");
}

#[tokio::test]
async fn undo_leaves_what_others_did_since() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a
        .make(Kind::Item, Fields { body: Some("one\n".into()), quantity: Some(Thousandths(12_000)), ..titled("Eggs") })
        .await
        .id;
    a.edit(id, append("two")).await.unwrap();
    a.count(id, Thousandths(-1000)).await.unwrap();
    a.edit(id, Edit { fields: titled("Hens' eggs"), ..Edit::default() }).await.unwrap();
    super::sync(&a, &b).await;
    b.edit(
        id,
        Edit { fields: Fields { body: Some("zero\none\ntwo".into()), ..titled("Ducks' eggs") }, ..Edit::default() },
    )
    .await
    .unwrap();
    b.count(id, Thousandths(-3000)).await.unwrap();
    super::sync(&b, &a).await;
    // The title is somebody else's now, so the first undo takes back the count, the second the text.
    a.undo().await.unwrap();
    a.undo().await.unwrap();
    let entity = a.get(id).await.unwrap();
    assert_eq!((entity.title.as_str(), body_of(&entity)), ("Ducks' eggs", "zero\none\n"));
    assert!(matches!(entity.content, Content::Item { quantity: Thousandths(9000), .. }));
}

#[tokio::test]
async fn undoing_a_triage_puts_the_thought_back() {
    let store = Store::new().await;
    let capture = store.thought("Descale").await;
    let quest = store.triage(capture, Kind::Quest, None).await.unwrap().id;
    store.undo().await.unwrap();
    assert!(store.get(quest).await.unwrap().deleted);
    assert!(matches!(store.get(capture).await.unwrap().content, Content::Capture { triaged_into: None, .. }));
}

#[tokio::test]
async fn what_work_brought_back_goes_again_when_that_is_undone() {
    let store = Store::new().await;
    let capture = store.thought("zebra stripes").await;
    for _ in 0..2 {
        let quest = store.triage(capture, altair_protocol::Kind::Quest, None).await.unwrap();
        assert!(!store.get(quest.id).await.unwrap().deleted);
        store.undo().await.unwrap();
        assert!(store.get(quest.id).await.unwrap().deleted);
        assert_eq!(store.list(altair_core::List::Inbox, 10, None).await.unwrap().items.len(), 1);
    }
}
