//! `attach`, `detach` and `cat`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::process::Stdio;

use common::{Home, assert_exit, keys, stderr};
use serde_json::json;

#[test]
fn a_file_goes_in_and_its_bytes_come_out() {
    let home = Home::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let file = home.file("Zoë's photo.png", &bytes);
    let note = home.id(["new", "note", "--title", "Photos"]);
    let attached = home.json(["attach", &note, file.to_str().unwrap()]);
    assert_eq!(keys(&attached), ["id", "name", "media_type", "size", "hash"]);
    assert_eq!(attached["name"], "Zoë's photo.png");
    assert_eq!((&attached["media_type"], &attached["size"]), (&json!("image/png"), &json!(300_000)));
    assert_eq!(home.json(["show", &note])["attachments"], json!([attached]));

    let id = attached["id"].as_str().unwrap();
    for flags in [&[][..], &["--json"]] {
        let output = home.command(["cat", id]).args(flags).output().unwrap();
        assert_exit(&output, 0);
        assert!(output.stdout == bytes, "the bytes are the same");
    }
    let detached = home.json(["detach", &note, id]);
    assert_eq!(detached["id"], id);
    assert_eq!(home.json(["show", &note])["attachments"], json!([]));
}

#[test]
fn a_reader_that_goes_away_ends_cat_quietly() {
    let home = Home::new();
    let file = home.file("large.bin", vec![7; 1_000_000]);
    let note = home.id(["new", "note", "--title", "Large"]);
    let id = home.id(["attach", &note, file.to_str().unwrap()]);
    let mut child = home.command(["cat", &id]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 0);
    assert_eq!(stderr(&output), "");
}

#[test]
fn what_is_no_file_or_no_attachment_is_an_error() {
    let home = Home::new();
    let note = home.id(["new", "note", "--title", "x"]);
    home.error(["attach", &note, "nowhere.png"], 3);
    home.error(["cat", &note], 2);
    home.error(["cat", "abcd1234"], 3);
}
