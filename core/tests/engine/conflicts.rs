use altair_core::{Edit, ErrorKind, Fields, List, Resolution};
use altair_protocol::view::{Content, Entity};
use altair_protocol::{Bytes, Change, ChangeId, DeviceId, EntityId, Field, Kind, Op};
use serde_json::json;

use super::{Store, body_of, titled};

fn title(text: &str) -> Edit {
    Edit { fields: titled(text), ..Edit::default() }
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
    let energy = |n| Edit { fields: Fields { energy: Some(Some(n)), ..Fields::default() }, ..Edit::default() };
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

/// Two stores with the same quest, whose due date they set differently.
async fn two_due_dates() -> (Store, Store, EntityId, String) {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.make(Kind::Quest, titled("Q")).await.id;
    super::sync(&a, &b).await;
    let due =
        |day: &str| Edit { fields: Fields { due: Some(Some(day.into())), ..Fields::default() }, ..Edit::default() };
    a.edit(id, due("2026-12-24")).await.unwrap();
    b.edit(id, due("2026-12-31")).await.unwrap();
    super::sync(&b, &a).await;
    let conflict = a.conflicts().await.unwrap()[0].id.to_string();
    (a, b, id, conflict)
}

#[tokio::test]
async fn a_resolution_is_checked_as_an_edit_is() {
    let (a, b, id, conflict) = two_due_dates().await;
    for value in [json!("soon"), json!("2026-02-30"), json!(3), json!(true)] {
        assert_eq!(a.resolve(&conflict, Resolution::Value(value)).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    a.resolve(&conflict, Resolution::Value(json!(null))).await.unwrap();
    let Content::Quest { due, .. } = a.get(id).await.unwrap().content else { panic!() };
    assert_eq!(due, None);

    super::sync(&a, &b).await;
    a.edit(id, title("One")).await.unwrap();
    b.edit(id, title("Two")).await.unwrap();
    super::sync(&b, &a).await;
    let conflict = a.conflicts().await.unwrap()[0].id.to_string();
    for value in [json!("bell \u{7}"), json!("x".repeat(1001)), json!(7), json!(null)] {
        assert_eq!(a.resolve(&conflict, Resolution::Value(value)).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    a.resolve(&conflict, Resolution::Value(json!("Both"))).await.unwrap();
    assert_eq!(a.get(id).await.unwrap().title, "Both");
}

#[tokio::test]
async fn a_parent_is_resolved_to_a_thing_of_its_kind_that_is_not_inside() {
    let (a, b) = (Store::new().await, Store::new().await);
    let mut made = Vec::new();
    for name in ["X", "One", "Two", "Three"] {
        made.push(a.make(Kind::Location, titled(name)).await.id);
    }
    let [x, one, two, three] = made[..] else { panic!() };
    let (below, note) = (a.make(Kind::Location, titled("Below")).await.id, a.note("N", "").await);
    a.edit(below, inside(x)).await.unwrap();
    super::sync(&a, &b).await;
    a.edit(x, inside(one)).await.unwrap();
    b.edit(x, inside(two)).await.unwrap();
    super::sync(&b, &a).await;
    let conflicts = a.conflicts().await.unwrap();
    let conflict = conflicts[0].id.to_string();
    let head = a.head();
    let missing = EntityId::v7(1, [0; 10]);
    for (value, kind) in [
        (json!(x), ErrorKind::Invalid),
        (json!(below), ErrorKind::Invalid),
        (json!(note), ErrorKind::Invalid),
        (json!("cellar"), ErrorKind::Invalid),
        (json!(missing), ErrorKind::NotFound),
    ] {
        assert_eq!(a.resolve(&conflict, Resolution::Value(value)).await.unwrap_err().kind(), kind);
    }
    // A head that was sound when it was set no longer is: `One` has come to be inside `X`.
    a.edit(one, inside(below)).await.unwrap();
    let known = a.conflicts().await.unwrap().remove(0);
    let of_one = known.heads.iter().find(|head| head.value == json!(one)).unwrap().head.clone();
    let refused = a.resolve(&conflict, Resolution::Head(of_one)).await.unwrap_err();
    assert_eq!((refused.kind(), a.head()), (ErrorKind::Invalid, head + 1));
    a.resolve(&conflict, Resolution::Value(json!(three))).await.unwrap();
    assert_eq!((parent(&a, x).await, a.conflicts().await.unwrap()), (Some(three), vec![]));
}

fn inside(parent: EntityId) -> Edit {
    Edit { fields: Fields { parent: Some(Some(parent)), ..Fields::default() }, ..Edit::default() }
}

async fn parent(store: &Store, id: EntityId) -> Option<EntityId> {
    parent_in(&store.get(id).await.unwrap())
}

fn parent_in(entity: &Entity) -> Option<EntityId> {
    let Content::Location { parent } = entity.content else { panic!() };
    parent
}

/// Two stores in which `X` was put inside `Y` and, elsewhere and later, `Y` inside `X`.
async fn a_circle() -> (Store, Store, EntityId, EntityId) {
    let (a, b) = (Store::new().await, Store::new().await);
    let (x, y) = (a.make(Kind::Location, titled("X")).await.id, a.make(Kind::Location, titled("Y")).await.id);
    super::sync(&a, &b).await;
    a.edit(x, inside(y)).await.unwrap();
    b.edit(y, inside(x)).await.unwrap();
    super::sync(&a, &b).await;
    super::sync(&b, &a).await;
    (a, b, x, y)
}

#[tokio::test]
async fn parents_in_a_circle_are_listed_as_a_conflict() {
    let (a, b, ..) = a_circle().await;
    let (on_a, on_b) = (a.conflicts().await.unwrap(), b.conflicts().await.unwrap());
    assert_eq!(on_a, on_b);
    assert_eq!((on_a.len(), on_a[0].field.as_str()), (1, "parent"));
    assert_eq!(a.status().await.unwrap().counts["conflicts"], json!(1));
    let cleared = Edit { fields: Fields { parent: Some(None), ..Fields::default() }, ..Edit::default() };
    a.edit(on_a[0].entity, cleared).await.unwrap();
    assert_eq!(a.conflicts().await.unwrap(), vec![]);
}

#[tokio::test]
async fn readers_ignore_the_older_parent_of_a_circle() {
    let (a, b, x, y) = a_circle().await;
    for store in [&a, &b] {
        assert_eq!((parent(store, x).await, parent(store, y).await), (None, Some(x)));
        let listed = store.list(List::Kind(Kind::Location), 50, None).await.unwrap().items;
        let mut parents: Vec<_> = listed.iter().map(|entity| (entity.id, parent_in(entity))).collect();
        parents.sort_unstable();
        let mut expected = [(x, None), (y, Some(x))];
        expected.sort_unstable();
        assert_eq!(parents, expected);
        let shown = store.show(x).await.unwrap();
        assert_eq!((parent_in(&shown.entity), shown.conflicts), (None, store.conflicts().await.unwrap()));
        assert_eq!(store.show(y).await.unwrap().conflicts, vec![]);
        // What an edit gives is what is read.
        assert_eq!(parent_in(&store.edit(x, title("X again")).await.unwrap()), None);
    }
    // Others can be put inside, and still nothing comes to be inside itself.
    let z = a.make(Kind::Location, Fields { parent: Some(Some(x)), ..titled("Z") }).await.id;
    assert_eq!(a.edit(x, inside(z)).await.unwrap_err().kind(), ErrorKind::Invalid);
    a.delete(y).await.unwrap();
    assert_eq!((parent(&a, x).await, parent(&a, y).await, parent(&a, z).await), (None, Some(x), Some(x)));
    assert_eq!(a.conflicts().await.unwrap().iter().map(|known| known.entity).collect::<Vec<_>>(), [x]);
}

#[tokio::test]
async fn the_first_head_of_a_circle_leaves_it_as_it_is_read() {
    let (a, b, x, y) = a_circle().await;
    let known = a.conflicts().await.unwrap().remove(0);
    let values: Vec<_> = known.heads.iter().map(|head| head.value.clone()).collect();
    assert_eq!((known.entity, values), (x, vec![json!(null), json!(y)]));
    a.resolve(&known.id.to_string(), Resolution::Head(known.heads[0].head.clone())).await.unwrap();
    super::sync(&a, &b).await;
    for store in [&a, &b] {
        assert_eq!(store.conflicts().await.unwrap(), vec![]);
        assert_eq!((parent(store, x).await, parent(store, y).await), (None, Some(x)));
    }
}

#[tokio::test]
async fn the_second_head_of_a_circle_makes_the_ignored_parent_hold() {
    let (a, b, x, y) = a_circle().await;
    let known = a.conflicts().await.unwrap().remove(0);
    for value in [json!(x), json!(y)] {
        let id = known.id.to_string();
        assert_eq!(a.resolve(&id, Resolution::Value(value)).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    a.resolve(&known.id.to_string(), Resolution::Head(known.heads[1].head.clone())).await.unwrap();
    super::sync(&a, &b).await;
    for store in [&a, &b] {
        assert_eq!(store.conflicts().await.unwrap(), vec![]);
        assert_eq!((parent(store, x).await, parent(store, y).await), (Some(y), None));
    }
    a.undo().await.unwrap();
    assert_eq!(a.conflicts().await.unwrap().len(), 1, "it was one act");
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

/// A change that nobody's engine would make, by a device that has seen what `seen` made.
fn stranger(like: &Change, seen: bool, kind: Kind, ops: Vec<Op>) -> Change {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let device = DeviceId::v7(n, [7; 10]);
    let mut change = Change { id: ChangeId::v7(n, [7; 10]), device, kind, ops, ..like.clone() };
    if seen {
        change.seen.add(like.dot());
    }
    change
}

fn garbage() -> Op {
    Op::Text { field: Field::BODY, update: Bytes(b"no update of a text".to_vec()) }
}

#[tokio::test]
async fn a_change_that_cannot_be_merged_does_not_disturb_its_neighbours() {
    let (a, b) = (Store::new().await, Store::new().await);
    let first = a.note("First", "one").await;
    let mut changes = a.changes_after(0, 100).await.unwrap();
    let second = a.note("Second", "two").await;
    let later = a.changes_after(1, 100).await.unwrap();
    let wrong_kind = vec![Op::Set { field: Field::STATUS, value: json!("active") }];
    let wrong_shape = vec![Op::Set { field: Field::BODY, value: json!("no text") }];
    changes.push(stranger(&changes[0], false, Kind::Quest, wrong_kind));
    changes.push(stranger(&changes[0], true, Kind::Note, wrong_shape));
    changes.push(stranger(&changes[0], true, Kind::Note, vec![garbage()]));
    changes.extend(later);
    assert_eq!(b.apply(changes.clone()).await.unwrap(), 2);
    assert_eq!(b.apply(changes).await.unwrap(), 0);
    for id in [first, second] {
        assert_eq!(b.get(id).await.unwrap(), a.get(id).await.unwrap());
    }
    assert_eq!((b.status().await.unwrap().sync.held, b.changes_after(0, 100).await.unwrap().len()), (0, 2));
}

#[tokio::test]
async fn a_held_change_that_turns_out_bad_blocks_nobody() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "white").await;
    a.edit(id, Edit { append: Some("green".into()), ..Edit::default() }).await.unwrap();
    let changes = a.changes_after(0, 100).await.unwrap();
    let of_another_kind = stranger(&changes[1], true, Kind::Quest, Vec::new());
    let bad = vec![stranger(&changes[0], true, Kind::Note, vec![garbage()]), of_another_kind, changes[1].clone()];
    assert_eq!(b.apply(bad).await.unwrap(), 0);
    let b = b.reopen().await;
    assert_eq!(b.status().await.unwrap().sync.held, 3);
    assert_eq!(b.apply(vec![changes[0].clone()]).await.unwrap(), 2);
    assert_eq!(b.status().await.unwrap().sync.held, 0);
    assert_eq!(b.get(id).await.unwrap(), a.get(id).await.unwrap());
}

#[tokio::test]
async fn an_update_of_a_text_whose_beginning_is_missing_is_kept() {
    let (a, b) = (Store::new().await, Store::new().await);
    let id = a.note("Fence", "white").await;
    a.edit(id, Edit { append: Some("green".into()), ..Edit::default() }).await.unwrap();
    let changes = a.changes_after(0, 100).await.unwrap();
    // It says that it has seen nothing, and edits what it can't have known.
    let early = Change {
        seen: altair_protocol::VersionVector::new(),
        ..stranger(&changes[1], false, Kind::Note, changes[1].ops.clone())
    };
    assert_eq!(b.apply(vec![early]).await.unwrap(), 0);
    assert_eq!(b.status().await.unwrap().sync.held, 1);
    assert_eq!(b.apply(vec![changes[0].clone()]).await.unwrap(), 2);
    assert_eq!(body_of(&b.get(id).await.unwrap()), "white\ngreen");
}
