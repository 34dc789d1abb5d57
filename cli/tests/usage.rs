//! What is the same for all commands: help, wrong usage, where the store is, and readers that go away.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::process::Stdio;

use common::{Home, assert_exit, error_of, stderr};

#[test]
fn the_help_is_as_written_down() {
    let expected = include_str!("help.txt");
    let help = Home::new().text(["--help"]);
    assert_eq!(help, expected, "if this is meant, write it down: altair --help > cli/tests/help.txt");
}

#[test]
fn no_command_is_wrong_usage_and_shows_the_help() {
    let output = Home::new().run::<&str>([]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("Commands:"));
    Home::new().error::<&str>([], 2);
}

#[test]
fn wrong_usage_ends_with_2_and_makes_no_store() {
    let home = Home::new();
    let cases: &[&[&str]] = &[
        &["frob"],
        &["inbox", "--frob"],
        &["inbox", "--limit", "0"],
        &["inbox", "--limit", "1001"],
        &["list"],
        &["list", "frobs"],
        &["new", "capture"],
        &["new", "quest", "--energy", "lots"],
        &["count", "abcd", "some"],
        &["tag", "abcd", "garden"],
        &["tag", "abcd", "+"],
        &["tag", "abcd", "+two words"],
        &["edit", "abcd"],
        &["edit", "abcd", "--status", "soon"],
        &["erase", "abcd"],
        &["trash", "--yes"],
        &["trash", "--purge-older-than", "30"],
        &["resolve", "abcd"],
        &["resolve", "abcd", "head", "--value", "1"],
        &["search", "--frob"],
        &["completions", "tcsh"],
        &["man", "frob"],
    ];
    for case in cases {
        let error = home.error(*case, 2);
        assert_eq!(error["kind"], "invalid", "{case:?}");
    }
    assert!(!home.store().exists());
}

#[test]
fn a_wrong_value_of_the_engines_ends_with_2_too() {
    let home = Home::new();
    let location = home.id(["new", "location", "--title", "Shelf"]);
    for case in [
        &["new", "quest", "--title", "x", "--energy", "9"][..],
        &["new", "quest", "--title", "x", "--due", "soon"],
        &["new", "note", "--title", "x", "--energy", "1"],
        &["inbox", "--after", "nonsense"],
        &["list", "note", "--after", "nonsense"],
        &["search", ""],
        &["link", &location, &location],
        &["edit", &location, "--parent", &location],
        &["show", "abc"],
    ] {
        assert_eq!(home.error(case, 2)["kind"], "invalid", "{case:?}");
    }
    for kind in ["note", "quest"] {
        assert_eq!(home.lines(["list", kind]).len(), 1, "only the cursor: nothing was written");
    }
}

#[test]
fn what_is_not_there_ends_with_3() {
    let home = Home::new();
    for case in [&["show", "abcd1234"][..], &["delete", "abcd1234"], &["cat", "abcd1234"], &["tag", "abcd1234", "+a"]] {
        assert_eq!(home.error(case, 3)["kind"], "not_found", "{case:?}");
    }
}

#[test]
fn an_id_is_found_by_its_ending() {
    let home = Home::new();
    let id = home.id(["capture", "one"]);
    assert_eq!(home.json(["show", &id[id.len() - 8..]])["id"], id.as_str());
    assert_eq!(home.json(["show", &id])["id"], id.as_str());
}

#[test]
fn flags_for_all_commands_stand_before_or_after() {
    let home = Home::new();
    let other = home.path("other");
    let other = other.to_str().unwrap();
    let id = home.id(["--store", other, "capture", "elsewhere"]);
    assert!(!home.store().exists(), "--store is stronger than ALTAIR_HOME");
    let tagged = home.json(["--no-daemon", "tag", &id, "+a", "--store", other]);
    assert_eq!(tagged["tags"], serde_json::json!(["a"]));
    assert_eq!(home.lines(["--json", "inbox", &format!("--store={other}")]).len(), 2);
}

#[test]
fn a_message_for_people_has_a_hint_and_no_colours() {
    let output = Home::new().run(["show", "abcd1234"]);
    assert_exit(&output, 3);
    let text = stderr(&output);
    assert!(text.starts_with("error: ") && text.contains("\nhint: ") && !text.contains('\x1b'), "{text}");
}

#[test]
fn a_store_that_cannot_be_opened_ends_with_5() {
    let home = Home::new();
    let file = home.file("a-file", "not a folder");
    home.error(["status", "--store", file.to_str().unwrap()], 5);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a folder");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let home = Home::new();
    let id = home.id(["new", "note", "--title", "Bell", "--body", "ring\u{7}\u{1b}[2J\u{9b}31m"]);
    let shown = home.text(["show", &id]);
    assert!(shown.contains("ring␇␛[2J"), "{shown}");
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let home = Home::new();
    for n in 0..3 {
        home.id(["capture", &format!("thought {n}")]);
    }
    for arguments in [&["inbox"][..], &["inbox", "--json"], &["completions", "bash"]] {
        let mut child = home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_exit(&output, 0);
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(home.text(["completions", shell]).contains("restore-backup"), "{shell}");
    }
    assert!(home.text(["man"]).contains(".TH altair 1"));
    assert!(home.text(["man", "search"]).contains("plumber"));
    assert!(!home.store().exists());
}

#[test]
fn a_log_filter_that_is_none_is_wrong_usage() {
    let output = Home::new().command(["inbox", "--json"]).env("ALTAIR_LOG", "a=b=c").output().unwrap();
    error_of(&output, 2);
}

#[test]
fn the_log_goes_to_stderr_and_leaves_the_json_alone() {
    let home = Home::new();
    let output = home.command(["capture", "x", "--json"]).env("ALTAIR_LOG", "trace").output().unwrap();
    assert_exit(&output, 0);
    assert_eq!(common::json_lines(&output).len(), 1);
    assert!(!stderr(&output).is_empty() && !stderr(&output).contains('\x1b'), "a log without colours");
}
