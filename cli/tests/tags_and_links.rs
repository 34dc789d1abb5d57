//! `tag`, `link` and `unlink`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_entity};
use serde_json::json;

#[test]
fn tags_go_on_and_off_even_such_as_look_like_flags() {
    let home = Home::new();
    let id = home.id(["new", "location", "--title", "Shed"]);
    let tagged = home.json(["tag", &id, "+b", "+a", "+h", "+V"]);
    assert_entity(&tagged, &["parent"]);
    assert_eq!(tagged["tags"], json!(["a", "b", "h", "V"]));
    assert_eq!(home.json(["tag", &id, "-b", "-h", "-V", "+c"])["tags"], json!(["a", "c"]));
    assert_eq!(home.json(["tag", &id, "--", "-a"])["tags"], json!(["c"]));
}

#[test]
fn the_help_of_tag_is_there_without_its_short_form() {
    assert!(Home::new().text(["tag", "--help"]).contains("Usage: altair tag"));
}

#[test]
fn a_link_made_by_hand_comes_and_goes() {
    let home = Home::new();
    let shelf = home.id(["new", "location", "--title", "Shelf"]);
    let book = home.id(["new", "item", "--title", "Book"]);
    assert_eq!(home.json(["link", &book, &shelf, "--as", "belongs"])["id"], book.as_str());
    let link = json!({"id": book, "kind": "item", "title": "Book", "relation": "belongs", "origin": "hand"});
    assert_eq!(home.json(["show", &shelf])["backlinks"], json!([link]));
    assert_eq!(home.json(["unlink", &book, &shelf])["id"], book.as_str());
    assert_eq!(home.json(["show", &shelf])["backlinks"], json!([]));
    home.error(["unlink", &book, &shelf], 3);
}
