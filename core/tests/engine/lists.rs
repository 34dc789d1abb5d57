use altair_core::{ErrorKind, List};
use altair_protocol::Kind;

use super::Store;

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat() {
    let store = Store::new().await;
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(store.note(&format!("note {n}"), "").await);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(List::Kind(Kind::Note), 7, after.as_deref()).await.unwrap();
        seen.extend(page.items.iter().map(|entity| entity.id));
        // What is made meanwhile is newer, and doesn't disturb the pages.
        store.note("meanwhile", "").await;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    made.sort_by_key(|id| std::cmp::Reverse(*id));
    seen.sort_by_key(|id| std::cmp::Reverse(*id));
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_list_with_a_tag_has_its_nested_tags_too() {
    let store = Store::new().await;
    let inline = store.note("Beds", "dig over #garden/beds").await;
    let by_hand = store.note("Seeds", "").await;
    store.tag(by_hand, &["#Garden".into()], &[]).await.unwrap();
    store.note("Kitchen", "").await;
    let page = store.list(List::Tagged(Kind::Note, "garden".into()), 10, None).await.unwrap();
    let mut ids: Vec<_> = page.items.iter().map(|entity| entity.id).collect();
    ids.sort();
    assert_eq!(ids, [inline, by_hand]);
}

#[tokio::test]
async fn a_tag_in_the_text_is_not_removed_by_hand() {
    let store = Store::new().await;
    let note = store.note("Beds", "dig over #garden").await;
    assert_eq!(store.tag(note, &[], &["garden".into()]).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(store.tag(note, &["two words".into()], &[]).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn wrong_limits_and_foreign_cursors_are_refused() {
    let store = Store::new().await;
    for n in 0..3 {
        store.note(&format!("note {n}"), "").await;
        store.thought("thought").await;
    }
    for limit in [0, 1001] {
        assert_eq!(store.list(List::Inbox, limit, None).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let next = store.list(List::Kind(Kind::Note), 1, None).await.unwrap().next.unwrap();
    for cursor in [next.as_str(), "x", "", "é".repeat(28).as_str()] {
        assert_eq!(store.list(List::Inbox, 1, Some(cursor)).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
}
