//! `capture`: words, stdin, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_entity, assert_exit, assert_time, error_of, json_lines};

const CAPTURE: [&str; 4] = ["text", "source", "captured_at", "triaged_into"];

#[test]
fn words_are_joined_and_the_whole_capture_is_answered() {
    let capture = Home::new().json(["capture", "call", "the", "plumber"]);
    assert_entity(&capture, &CAPTURE);
    assert_time(&capture["captured_at"]);
    assert_eq!(capture["kind"], "capture");
    assert_eq!(capture["text"], "call the plumber");
    assert_eq!(capture["title"], "call the plumber");
    assert_eq!(capture["source"], "cli");
    assert_eq!(capture["deleted"], false);
}

#[test]
fn people_read_one_line_with_an_id_that_works() {
    let home = Home::new();
    let line = home.text(["capture", "oat milk"]);
    assert!(line.starts_with("Captured ") && line.ends_with("  oat milk\n"), "{line}");
    let id = line.split_whitespace().nth(1).unwrap();
    assert_eq!(home.json(["show", id])["text"], "oat milk");
}

#[test]
fn a_negative_number_and_what_follows_two_hyphens_are_words() {
    let home = Home::new();
    assert_eq!(home.json(["capture", "-5", "degrees"])["text"], "-5 degrees");
    let output = home.run(["--json", "capture", "--", "--json", "is", "a", "flag"]);
    assert_exit(&output, 0);
    assert_eq!(json_lines(&output)[0]["text"], "--json is a flag");
}

#[test]
fn stdin_is_read_without_its_last_line_end() {
    let home = Home::new();
    let output = home.run_with(["capture", "-", "--json"], "first\nzweitens ✓\n".as_bytes());
    assert_exit(&output, 0);
    let capture = &json_lines(&output)[0];
    assert_eq!(capture["text"], "first\nzweitens ✓");
    assert_eq!(capture["title"], "first");
}

#[test]
fn nothing_no_text_and_too_much_are_refused() {
    let home = Home::new();
    let too_much = vec![b'x'; 8 * 1024 * 1024 + 1];
    for stdin in [&b""[..], b"\n", b" \n\t", b"ab\xff\xfe", &too_much] {
        let error = error_of(&home.run_with(["capture", "-", "--json"], stdin), 2);
        assert_eq!(error["kind"], "invalid");
    }
    home.error(["capture", ""], 2);
    home.error(["capture"], 2);
    assert!(!home.store().exists(), "nothing was written");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let bad = std::ffi::OsStr::from_bytes(b"ab\xff");
    Home::new().error([std::ffi::OsStr::new("capture"), bad], 2);
}
