use altair_core::{Edit, ErrorKind, Fields, Resolution};
use altair_protocol::Kind;
use serde_json::json;

use super::{Store, titled};

fn title(text: &str) -> Edit {
    Edit { fields: titled(text), append: None }
}

#[tokio::test]
async fn concurrent_values_are_shown_alike_everywhere_and_resolved_once() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "").await;
    super::sync(&a, &b).await;
    a.edit(id, title("White fence")).await.unwrap();
    b.edit(id, title("Green fence")).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    let (on_a, on_b) = (a.conflicts().await.unwrap(), b.conflicts().await.unwrap());
    assert_eq!(on_a, on_b);
    assert_eq!(on_a.len(), 1);
    assert_eq!(on_a[0].heads[0].value, json!(a.get(id).await.unwrap().title), "the first head is the value");
    assert_eq!(a.show(id).await.unwrap().conflicts, on_a);

    let wanted = on_a[0].heads.iter().find(|head| head.value == json!("White fence")).unwrap();
    let conflict = on_a[0].id.to_string();
    a.resolve(&conflict[28..], Resolution::Head(wanted.head.clone())).await.unwrap();
    super::sync(&a, &b).await;
    for store in [&a, &b] {
        assert_eq!(store.conflicts().await.unwrap(), vec![]);
        assert_eq!(store.get(id).await.unwrap().title, "White fence");
    }
    let again = a.resolve(&conflict, Resolution::Head(wanted.head.clone())).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_conflict_can_be_resolved_with_another_value_of_the_right_form() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.make(Kind::Quest, titled("Q")).await.id;
    super::sync(&a, &b).await;
    let energy = |n| Edit { fields: Fields { energy: Some(Some(n)), ..Fields::default() }, append: None };
    a.edit(id, energy(1)).await.unwrap();
    b.edit(id, energy(5)).await.unwrap();
    super::sync(&b, &a).await;
    let conflict = a.conflicts().await.unwrap()[0].id.to_string();
    for value in [json!(9), json!("tired")] {
        assert_eq!(a.resolve(&conflict, Resolution::Value(value)).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    a.resolve(&conflict, Resolution::Value(json!(3))).await.unwrap();
    assert_eq!(a.conflicts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn the_same_value_twice_is_no_conflict() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "").await;
    super::sync(&a, &b).await;
    a.edit(id, title("Same")).await.unwrap();
    b.edit(id, title("Same")).await.unwrap();
    super::sync(&a, &b).await;
    assert_eq!(b.conflicts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn parents_in_a_circle_are_listed_as_a_conflict() {
    let (a, b) = (Store::new().await, Store::new().await);
    let (x, y) = (a.make(Kind::Location, titled("X")).await.id, a.make(Kind::Location, titled("Y")).await.id);
    super::sync(&a, &b).await;
    let inside = |parent| Edit { fields: Fields { parent: Some(Some(parent)), ..Fields::default() }, append: None };
    a.edit(x, inside(y)).await.unwrap();
    b.edit(y, inside(x)).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    let (on_a, on_b) = (a.conflicts().await.unwrap(), b.conflicts().await.unwrap());
    assert_eq!(on_a, on_b);
    assert_eq!((on_a.len(), on_a[0].field.as_str()), (1, "parent"));
    let cleared = Edit { fields: Fields { parent: Some(None), ..Fields::default() }, append: None };
    a.edit(on_a[0].entity, cleared).await.unwrap();
    assert_eq!(a.conflicts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn changes_that_come_out_of_order_wait_in_the_store() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "one").await;
    for n in 0..5 {
        a.edit(id, Edit { append: Some(n.to_string()), ..Edit::default() }).await.unwrap();
    }
    let mut changes = a.changes_after(0, 100).await.unwrap();
    let first = changes.remove(0);
    changes.reverse();
    assert_eq!(b.apply(changes.clone()).await.unwrap(), 0);
    assert_eq!(b.status().await.unwrap().sync.held, 5);
    let b = b.reopen().await;
    assert_eq!(b.apply(vec![first.clone(), first]).await.unwrap(), 6);
    assert_eq!(b.status().await.unwrap().sync.held, 0);
    assert_eq!(b.get(id).await.unwrap().content, a.get(id).await.unwrap().content);
    assert_eq!(b.apply(changes).await.unwrap(), 0);
}
