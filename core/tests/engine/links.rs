use altair_core::{Edit, ErrorKind, Fields};
use altair_protocol::Kind;
use altair_protocol::view::LinkOrigin;

use super::{Store, titled};

#[tokio::test]
async fn a_link_is_read_from_both_its_ends() {
    let store = Store::new().await;
    let (cake, pantry) = (store.note("Cake", "").await, store.make(Kind::Location, titled("Pantry")).await.id);
    store.link(cake, pantry, Some("stored in")).await.unwrap();
    store.link(cake, pantry, Some("stored in")).await.unwrap();
    let links = store.show(cake).await.unwrap().links;
    assert_eq!(links.len(), 1);
    assert_eq!(
        (links[0].id, links[0].relation.as_str(), links[0].origin),
        (Some(pantry), "stored in", LinkOrigin::Hand)
    );
    assert_eq!(store.show(pantry).await.unwrap().backlinks[0].id, Some(cake));

    store.unlink(cake, pantry).await.unwrap();
    assert_eq!(store.show(pantry).await.unwrap().backlinks, vec![]);
    assert_eq!(store.unlink(cake, pantry).await.unwrap_err().kind(), ErrorKind::NotFound);
    store.link(cake, pantry, Some("stored in")).await.unwrap();
    assert_eq!(store.show(cake).await.unwrap().links.len(), 1);
}

#[tokio::test]
async fn a_link_to_a_note_that_does_not_exist_yet_resolves_when_it_appears() {
    let store = Store::new().await;
    let from = store.note("Plan", "see [[Crop rotation]]").await;
    let missing = store.show(from).await.unwrap().links;
    assert_eq!((missing[0].id, missing[0].title.as_str()), (None, "Crop rotation"));
    let to = store.note("Crop Rotation", "").await;
    assert_eq!(store.show(from).await.unwrap().links[0].id, Some(to));
    assert_eq!(store.show(to).await.unwrap().backlinks[0].id, Some(from));
    store.edit(to, Edit { fields: titled("Something else"), ..Edit::default() }).await.unwrap();
    assert_eq!(store.show(from).await.unwrap().links[0].id, None);
}

#[tokio::test]
async fn links_come_and_go_with_the_body() {
    let store = Store::new().await;
    let (a, b) = (store.note("A", "[[B]] and [[B]]").await, store.note("B", "").await);
    assert_eq!(store.show(b).await.unwrap().backlinks.len(), 1);
    store
        .edit(a, Edit { fields: Fields { body: Some("nothing".into()), ..Fields::default() }, ..Edit::default() })
        .await
        .unwrap();
    assert_eq!(store.show(b).await.unwrap().backlinks, vec![]);
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn a_link_goes_with_what_it_leads_to_and_comes_back_with_it() {
    let store = Store::new().await;
    let (a, b) = (store.note("A", "").await, store.note("B", "").await);
    store.link(a, b, None).await.unwrap();
    store.delete(b).await.unwrap();
    assert_eq!(store.show(a).await.unwrap().links, vec![]);
    store.restore(b).await.unwrap();
    assert_eq!(store.show(a).await.unwrap().links[0].id, Some(b));
    store.erase(b).await.unwrap();
    assert_eq!(store.show(a).await.unwrap().links, vec![]);
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn wrong_links_are_refused() {
    let store = Store::new().await;
    let (a, b) = (store.note("A", "[[B]]").await, store.note("B", "").await);
    assert_eq!(store.link(a, a, None).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.link(a, b, Some(" ")).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.unlink(a, b).await.unwrap_err().kind(), ErrorKind::Refused);
    store.delete(b).await.unwrap();
    assert_eq!(store.link(a, b, None).await.unwrap_err().kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_link_that_was_erased_is_another_link_when_it_is_made_again() {
    let (one, other) = (Store::new().await, Store::new().await);
    let (a, b) = (one.note("A", "").await, one.note("B", "").await);
    one.link(a, b, None).await.unwrap();
    let first = one.changes_after(0, 100).await.unwrap().last().unwrap().entity;
    super::sync(&one, &other).await;
    for store in [&one, &other] {
        store.erase(first).await.unwrap();
        assert_eq!(store.show(a).await.unwrap().links, vec![]);
        store.link(a, b, None).await.unwrap();
        store.link(a, b, None).await.unwrap();
        assert_eq!(store.get(first).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(store.show(a).await.unwrap().links.len(), 1);
    }
    super::sync(&one, &other).await;
    assert_eq!(other.show(a).await.unwrap().links.len(), 1, "both devices made the same one");
    one.unlink(a, b).await.unwrap();
    assert_eq!(one.show(a).await.unwrap().links, vec![]);
    assert_eq!(one.doctor().await.unwrap().problems, vec![]);
}

#[tokio::test]
async fn a_note_with_hundreds_of_links_each_way_shows_them_all() {
    const MANY: usize = 450;
    let store = Store::new().await;
    let body: String = (0..MANY).map(|n| format!("[[Leaf {n:03}]] and [[leaf {n:03}]]\n")).collect();
    let hub = store.note("Hub", &body).await;
    let leaf = async |n| store.note(&format!("Leaf {n:03}"), "see [[Hub]], ![[hub]] and [[Hub#Top]]").await;
    let leaves = futures::future::join_all((0..MANY).map(leaf)).await;
    store.link(leaves[0], hub, Some("part of")).await.unwrap();
    store.link(hub, leaves[1], Some("has")).await.unwrap();
    store.delete(leaves[2]).await.unwrap();

    let shown = store.show(hub).await.unwrap();
    let to = |origin| shown.links.iter().filter(move |link| link.origin == origin);
    let found: Vec<_> = to(LinkOrigin::Body).filter_map(|link| link.id).collect();
    let wanted: Vec<_> = leaves.iter().copied().filter(|leaf| *leaf != leaves[2]).collect();
    assert_eq!(found, wanted, "each once, in the order of the targets");
    // In both of its spellings: a link to what isn't there is shown as it is written.
    let missing: Vec<_> =
        to(LinkOrigin::Body).filter(|link| link.id.is_none()).map(|link| link.title.as_str()).collect();
    assert_eq!(missing, ["Leaf 002", "leaf 002"]);
    assert_eq!(
        to(LinkOrigin::Hand).map(|link| (link.id, link.relation.as_str())).collect::<Vec<_>>(),
        [(Some(leaves[1]), "has")]
    );
    let back: Vec<_> = shown.backlinks.iter().map(|link| (link.title.as_str(), link.relation.as_str())).collect();
    assert_eq!(back.len(), 2 * (MANY - 1) + 1);
    assert_eq!(
        back[..5],
        [
            ("Leaf 000", "embed"),
            ("Leaf 000", "link"),
            ("Leaf 000", "part of"),
            ("Leaf 001", "embed"),
            ("Leaf 001", "link")
        ]
    );
}
