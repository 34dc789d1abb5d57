//! `inbox` and `list`: pages, newest first.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_entity};
use serde_json::{Value, json};

fn titles(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["title"].as_str()).collect()
}

#[test]
fn the_inbox_is_newest_first_and_ends_with_a_cursor() {
    let home = Home::new();
    assert_eq!(home.lines(["inbox"]), [json!({"next": null})]);
    for text in ["one", "two", "three"] {
        home.id(["capture", text]);
    }
    let lines = home.lines(["inbox"]);
    assert_eq!(titles(&lines), ["three", "two", "one"]);
    assert_entity(&lines[0], &["text", "source", "captured_at", "triaged_into"]);
    assert_eq!(lines[3], json!({"next": null}));
}

#[test]
fn a_page_goes_on_where_the_last_one_ended() {
    let home = Home::new();
    for n in 1..=5 {
        home.id(["new", "note", "--title", &format!("n{n}")]);
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["list".to_owned(), "notes".to_owned(), "--limit".to_owned(), "2".to_owned()];
        arguments.extend(after.iter().flat_map(|cursor| ["--after".to_owned(), cursor.clone()]));
        let lines = home.lines(&arguments);
        seen.extend(titles(&lines).into_iter().map(str::to_owned));
        let Some(next) = lines.last().unwrap()["next"].as_str() else { break };
        after = Some(next.to_owned());
    }
    assert_eq!(seen, ["n5", "n4", "n3", "n2", "n1"]);
}

#[test]
fn a_list_has_one_kind_and_one_tag_if_asked() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "tagged"]);
    home.id(["new", "note", "--title", "plain"]);
    home.id(["new", "quest", "--title", "quest"]);
    home.json(["tag", &id, "+garden"]);
    assert_eq!(titles(&home.lines(["list", "note"])), ["plain", "tagged"]);
    assert_eq!(titles(&home.lines(["list", "note", "--tag", "garden"])), ["tagged"]);
    assert_eq!(titles(&home.lines(["list", "note", "--tag", "#Garden"])), ["tagged"]);
    for kind in ["capture", "captures", "item", "location", "link", "attachment"] {
        assert_eq!(home.lines(["list", kind]), [json!({"next": null})], "{kind}");
    }
}

#[test]
fn a_cursor_from_another_list_is_refused() {
    let home = Home::new();
    for n in 0..2 {
        home.id(["new", "note", "--title", &format!("n{n}")]);
        home.id(["new", "quest", "--title", &format!("q{n}")]);
    }
    let lines = home.lines(["list", "note", "--limit", "1"]);
    let next = lines[1]["next"].as_str().unwrap();
    home.error(["list", "quest", "--after", next], 2);
}

#[test]
fn people_read_aligned_lines_and_where_to_go_on() {
    let home = Home::new();
    assert_eq!(home.text(["inbox"]), "");
    home.id(["capture", "one"]);
    home.id(["capture", "two"]);
    let output = home.run(["inbox", "--limit", "1"]);
    let line = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(line.contains("  capture     20") && line.ends_with("  two\n"), "{line}");
    assert!(common::stderr(&output).contains("--after "));
}
