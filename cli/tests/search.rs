//! `search`: how a query is given, and the answers' shape.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, keys};
use serde_json::{Value, json};

fn titles(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["title"].as_str()).collect()
}

fn garden() -> Home {
    let home = Home::new();
    home.id(["new", "note", "--title", "Tomatoes", "--body", "Sow the tomato seeds in March #garden"]);
    home.id(["new", "note", "--title", "Cherries", "--body", "No tomato here but a cherry tree"]);
    home.id(["new", "quest", "--title", "Buy tomato stakes"]);
    home
}

#[test]
fn an_answer_has_the_contracts_shape() {
    let lines = garden().lines(["search", "seeds"]);
    assert_eq!(lines.len(), 2);
    assert_eq!(keys(&lines[0]), ["id", "kind", "title", "score", "snippet"]);
    assert!(lines[0]["snippet"].as_str().unwrap().contains("«seeds»"), "{}", lines[0]);
    assert!(lines[0]["score"].as_f64().unwrap() > 0.0);
    assert_eq!(lines[1], json!({"next": null}));
}

#[test]
fn words_may_be_given_apart_and_flags_after_them() {
    let home = garden();
    assert_eq!(titles(&home.lines(["search", "tomato", "seeds", "--kind", "notes"])), ["Tomatoes"]);
    assert_eq!(titles(&home.lines(["search", "tomato", "--tag", "garden"])), ["Tomatoes"]);
    assert_eq!(home.lines(["search", "tomato", "--limit", "1"]).len(), 2);
    assert_eq!(titles(&home.lines(["search", "kind:quest tomato"])), ["Buy tomato stakes"]);
}

#[test]
fn a_query_may_begin_with_a_minus_sign() {
    let home = garden();
    assert_eq!(titles(&home.lines(["search", "-cherry tomato", "--kind", "note"])), ["Tomatoes"]);
}

#[test]
fn pages_go_on() {
    let home = garden();
    let first = home.lines(["search", "tomato", "--limit", "2"]);
    let next = first[2]["next"].as_str().unwrap();
    let second = home.lines(["search", "tomato", "--limit", "2", "--after", next]);
    let mut all = titles(&first);
    all.extend(titles(&second));
    all.sort_unstable();
    assert_eq!(all, ["Buy tomato stakes", "Cherries", "Tomatoes"]);
}
