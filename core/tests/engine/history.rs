use altair_core::{Edit, ErrorKind, Fields};
use altair_protocol::{Kind, Thousandths};
use serde_json::json;

use super::{Store, body_of, titled};

#[tokio::test]
async fn every_version_tells_who_when_and_what() {
    let store = Store::new().await;
    let id = store.note("Fence", "white").await;
    store
        .edit(id, Edit { fields: Fields { body: Some("green".into()), ..titled("The fence") }, ..Edit::default() })
        .await
        .unwrap();
    store.delete(id).await.unwrap();
    let versions = store.history(id, 10, None).await.unwrap().items;
    let changes: Vec<Vec<_>> = versions
        .iter()
        .map(|version| version.changes.iter().map(|c| (c.field.as_str(), c.old.clone(), c.new.clone())).collect())
        .collect();
    assert_eq!(changes[0], [("deleted", json!(false), json!(true))]);
    assert!(changes[1].contains(&("title", json!("Fence"), json!("The fence"))));
    assert!(changes[1].contains(&("body", json!("white"), json!("green"))));
    assert_eq!(changes.len(), 3);
    assert!(versions[0].at >= versions[1].at);
}

#[tokio::test]
async fn history_is_paged() {
    let store = Store::new().await;
    let id = store.note("n", "").await;
    for n in 0..5 {
        store.edit(id, Edit { append: Some(n.to_string()), ..Edit::default() }).await.unwrap();
    }
    let first = store.history(id, 4, None).await.unwrap();
    let rest = store.history(id, 4, first.next.as_deref()).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (4, 2, None));
    let other = store.note("m", "").await;
    assert_eq!(store.history(other, 4, first.next.as_deref()).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn any_version_can_be_gone_back_to() {
    let store = Store::new().await;
    let id = store
        .make(Kind::Item, Fields { body: Some("six".into()), quantity: Some(Thousandths(6000)), ..titled("Eggs") })
        .await
        .id;
    let then = store.get(id).await.unwrap();
    let version = store.history(id, 1, None).await.unwrap().items[0].version;
    store
        .edit(id, Edit { fields: Fields { body: Some("many".into()), ..titled("Hens' eggs") }, ..Edit::default() })
        .await
        .unwrap();
    store.count(id, Thousandths(-2000)).await.unwrap();
    store.tag(id, &["food".into()], &[]).await.unwrap();
    let text = version.to_string();
    let back = store.revert(id, &text[24..]).await.unwrap();
    assert_eq!(
        (&back.title, body_of(&back), &back.tags, &back.content),
        (&then.title, "six", &then.tags, &then.content)
    );
    assert_eq!(store.revert(id, "ffffffff").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_page_of_long_texts_ends_early_and_goes_on() {
    let store = Store::new().await;
    for (length, edits, expected) in [(1 << 20, 4, vec![3, 2]), (5 << 20, 1, vec![1, 1])] {
        let id = store.note("n", &"x".repeat(length)).await;
        for n in 0..edits {
            store.edit(id, Edit { append: Some(n.to_string()), ..Edit::default() }).await.unwrap();
        }
        let (mut sizes, mut versions, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = store.history(id, 1000, after.as_deref()).await.unwrap();
            sizes.push(page.items.len());
            versions.extend(page.items.into_iter().map(|version| version.version));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(sizes, expected);
        versions.dedup();
        assert_eq!(versions.len(), edits + 1);
    }
}
