//! `conflicts` and `resolve` on a store without any: one needs two devices, which the engine's tests have.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Home;

#[test]
fn a_list_without_pages_is_empty() {
    let home = Home::new();
    assert!(home.lines(["conflicts"]).is_empty());
    assert_eq!(home.text(["conflicts"]), "");
}

#[test]
fn a_conflict_that_is_not_there_is_not_found() {
    let home = Home::new();
    home.error(["resolve", "abcd1234", "1790000000000-3"], 3);
    home.error(["resolve", "abcd1234", "--value", "-3"], 3);
    home.error(["resolve", "abcd1234", "--value", "text"], 3);
}
