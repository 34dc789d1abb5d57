//! `delete`, `restore`, `trash` and `erase`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_entity};
use serde_json::json;

#[test]
fn what_is_deleted_is_in_the_trash_and_comes_back() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "Old"]);
    let deleted = home.json(["delete", &id]);
    assert_entity(&deleted, &["body", "path", "aliases", "properties"]);
    assert_eq!(deleted["deleted"], true);
    assert_eq!(home.lines(["list", "note"]), [json!({"next": null})]);
    let trash = home.lines(["trash"]);
    assert_eq!((&trash[0]["id"], &trash[1]), (&json!(id), &json!({"next": null})));
    assert_eq!(home.json(["restore", &id])["deleted"], false);
    assert_eq!(home.lines(["trash"]), [json!({"next": null})]);
}

#[test]
fn erasing_needs_a_yes() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "Secret"]);
    assert!(home.error(["erase", &id], 2)["hint"].as_str().unwrap().contains("--yes"));
    assert_eq!(home.json(["erase", &id, "--yes"])["id"], id.as_str());
    home.error(["show", &id], 3);
}

#[test]
fn purging_erases_only_what_is_old_enough() {
    let home = Home::new();
    let id = home.id(["capture", "young"]);
    home.json(["delete", &id]);
    assert_eq!(home.json(["trash", "--purge-older-than", "1", "--yes"]), json!({"erased": []}));
    assert_eq!(home.lines(["trash"]).len(), 2);
}
