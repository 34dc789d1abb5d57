//! `new`, `edit`, `count`, `triage` and `show`: the shapes of each kind, and how values are given.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_entity, assert_exit, json_lines, keys};
use serde_json::json;

const NOTE: [&str; 4] = ["body", "path", "aliases", "properties"];
const QUEST: [&str; 5] = ["body", "status", "energy", "due", "parent"];
const ITEM: [&str; 4] = ["body", "quantity", "unit", "location"];

#[test]
fn every_kind_is_made_with_its_parts() {
    let home = Home::new();
    let note = home.json(["new", "note", "--title", "Seeds", "--body", "- beans #garden"]);
    assert_entity(&note, &NOTE);
    assert_eq!((&note["title"], &note["body"]), (&json!("Seeds"), &json!("- beans #garden")));
    assert_eq!(note["tags"], json!(["garden"]));

    let parent = home.id(["new", "quest", "--title", "House"]);
    let line = ["new", "quest", "--title", "Boiler", "--energy", "2", "--due", "2026-12-24", "--parent", &parent[28..]];
    let quest = home.json(line);
    assert_entity(&quest, &QUEST);
    assert_eq!((&quest["status"], &quest["energy"]), (&json!("backlog"), &json!(2)));
    assert_eq!((&quest["due"], &quest["parent"]), (&json!("2026-12-24"), &json!(parent)));

    let location = home.json(["new", "location", "--title", "Pantry"]);
    assert_entity(&location, &["parent"]);
    let place = location["id"].as_str().unwrap();
    let line = ["new", "item", "--title", "Rice", "--quantity", "2.5", "--unit", "kg", "--location", place];
    let item = home.json(line);
    assert_entity(&item, &ITEM);
    assert_eq!((&item["quantity"], &item["unit"]), (&json!(2.5), &json!("kg")));
    assert_eq!(item["location"], location["id"]);
}

#[test]
fn a_body_may_come_from_stdin_or_begin_with_a_hyphen() {
    let home = Home::new();
    let output = home.run_with(["new", "note", "--title", "x", "--body", "-", "--json"], b"one\r\ntwo\n");
    assert_exit(&output, 0);
    assert_eq!(json_lines(&output)[0]["body"], "one\r\ntwo");
    assert_eq!(home.json(["new", "note", "--title", "y", "--body", "- beans"])["body"], "- beans");
}

#[test]
fn an_edit_changes_what_is_named_and_an_empty_value_clears() {
    let home = Home::new();
    let id = home.id(["new", "quest", "--title", "Boiler", "--energy", "2", "--due", "2026-12-24", "--body", "a"]);
    let quest = home.json(["edit", &id, "--status", "active", "--append", "- b"]);
    assert_eq!((&quest["status"], &quest["body"]), (&json!("active"), &json!("a\n- b")));
    assert_eq!((&quest["title"], &quest["energy"]), (&json!("Boiler"), &json!(2)));
    let quest = home.json(["edit", &id, "--due", "", "--energy", "", "--title", "Radiators"]);
    assert_eq!((&quest["due"], &quest["energy"]), (&json!(null), &json!(null)));
    assert_eq!(quest["title"], "Radiators");
}

#[test]
fn a_count_goes_up_and_down() {
    let home = Home::new();
    let id = home.id(["new", "item", "--title", "Eggs", "--quantity", "6", "--unit", "eggs"]);
    assert_eq!(home.json(["count", &id, "-1"])["quantity"], json!(5));
    assert_eq!(home.json(["count", &id, "-0.5"])["quantity"], json!(4.5));
    assert_eq!(home.json(["count", &id, "+1.5"])["quantity"], json!(6));
    assert_eq!(home.json(["count", "--", &id, "-1"])["quantity"], json!(5));
    assert_eq!(home.json(["edit", &id, "--quantity", "12", "--unit", ""])["quantity"], json!(12));
    home.error(["count", &id, "0.0001"], 2);
    let note = home.id(["new", "note", "--title", "x"]);
    home.error(["count", &note, "1"], 2);
}

#[test]
fn a_capture_is_triaged_once() {
    let home = Home::new();
    let capture = home.id(["capture", "call the plumber\nabout the boiler"]);
    let quest = home.json(["triage", &capture, "quest", "--title", "Plumber"]);
    assert_entity(&quest, &QUEST);
    assert_eq!(quest["title"], "Plumber");
    assert_eq!(home.lines(["inbox"]).len(), 1, "only the cursor");
    assert_eq!(home.json(["show", &capture])["triaged_into"], quest["id"]);
    assert_eq!(home.error(["triage", &capture, "note"], 4)["kind"], "refused");
}

#[test]
fn what_is_shown_has_everything_around_it() {
    let home = Home::new();
    let note = home.id(["new", "note", "--title", "Garden", "--body", "See [[Seeds]] and [[Nowhere]]."]);
    let seeds = home.id(["new", "note", "--title", "Seeds"]);
    home.json(["link", &seeds, &note, "--as", "for"]);
    let shown = home.json(["show", &note]);
    let around = ["links", "backlinks", "attachments", "conflicts"];
    let of_its_kind: Vec<&str> = NOTE.into_iter().chain(around).collect();
    assert_entity(&shown, &of_its_kind);
    let reference = ["id", "kind", "title", "relation", "origin"];
    let links = shown["links"].as_array().unwrap();
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| keys(link) == reference && link["origin"] == "body"));
    assert!(
        links.contains(&json!({"id": seeds, "kind": "note", "title": "Seeds", "relation": "link", "origin": "body"}))
    );
    assert!(links.iter().any(|link| link["id"].is_null() && link["title"] == "Nowhere"));
    let expected = json!([{"id": seeds, "kind": "note", "title": "Seeds", "relation": "for", "origin": "hand"}]);
    assert_eq!(shown["backlinks"], expected);

    let text = home.text(["show", &note]);
    assert!(text.starts_with("Garden\n") && text.contains("\nLinks\n") && text.contains("\nBacklinks\n"), "{text}");
}
