//! `history`, `revert`, `undo` and `redo`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_time, keys};
use serde_json::json;

#[test]
fn a_version_is_shown_and_reverted_to() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "First"]);
    home.json(["edit", &id, "--title", "Second"]);
    let versions = home.lines(["history", &id]);
    assert_eq!(versions.len(), 3);
    assert_eq!(keys(&versions[0]), ["version", "at", "device", "changes"]);
    assert_time(&versions[0]["at"]);
    assert_eq!(versions[0]["changes"], json!([{"field": "title", "old": "First", "new": "Second"}]));
    assert_eq!(versions[2], json!({"next": null}));

    let first = versions[1]["version"].as_str().unwrap();
    assert_eq!(home.json(["revert", &id, first])["title"], "First");
    home.error(["revert", &id, "00000000-0000-7000-8000-000000000000"], 3);
    assert_eq!(home.lines(["history", &id, "--limit", "1"]).len(), 2);
}

#[test]
fn undo_and_redo_name_the_fields() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "First"]);
    home.json(["edit", &id, "--title", "Second"]);
    let expected = json!({"undone": [{"entity": id, "field": "title"}]});
    assert_eq!(home.json(["undo"]), expected);
    assert_eq!(home.json(["show", &id])["title"], "First");
    assert_eq!(home.json(["redo"]), expected);
    assert_eq!(home.json(["show", &id])["title"], "Second");
    assert!(home.text(["undo"]).starts_with("Undid title of "));
}

#[test]
fn nothing_to_undo_is_refused() {
    let home = Home::new();
    assert_eq!(home.error(["undo"], 4)["kind"], "refused");
    assert_eq!(home.error(["redo"], 4)["kind"], "refused");
}
