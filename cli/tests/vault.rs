//! `import` and `export`: reports, skipped files, and a vault that comes out as it went in.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, assert_exit, keys, stderr, tree};
use serde_json::json;

fn vault(home: &Home) -> String {
    home.file("vault/Home.md", "See [[Seeds]].\r\n");
    home.file("vault/Garden/Seeds.md", "---\ntags: [garden]\n---\n![[plan.png]]\n");
    home.file("vault/plan.png", b"\x89PNG");
    home.file("vault/bad.md", b"ab\xff");
    home.path("vault").to_str().unwrap().to_owned()
}

#[test]
fn a_vault_goes_in_once_and_what_cannot_is_named() {
    let home = Home::new();
    let vault = vault(&home);
    let imported = home.json(["import", &vault]);
    assert_eq!(keys(&imported), ["notes", "attachments", "links", "unchanged", "skipped"]);
    assert_eq!((&imported["notes"], &imported["attachments"]), (&json!(2), &json!(1)));
    let skipped = imported["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(keys(&skipped[0]), ["path", "reason"]);
    assert_eq!(skipped[0]["path"], "bad.md");
    let again = home.json(["import", &vault]);
    assert_eq!((&again["notes"], &again["unchanged"]), (&json!(0), &json!(3)));
}

#[test]
fn people_read_the_skipped_files_on_stderr() {
    let home = Home::new();
    let output = home.run(["import", &vault(&home)]);
    assert_exit(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Imported 2 notes and 1 attachment"));
    let text = stderr(&output);
    assert!(text.contains("skipped bad.md (") && !text.contains('\x1b'), "no bar in a pipe: {text}");
}

#[test]
fn a_vault_comes_out_as_it_went_in_and_foreign_edits_stay() {
    let home = Home::new();
    let vault = vault(&home);
    std::fs::remove_file(home.path("vault/bad.md")).unwrap();
    home.json(["import", &vault]);
    let out = home.path("out");
    let exported = home.json(["export", out.to_str().unwrap()]);
    assert_eq!(keys(&exported), ["notes", "attachments", "unchanged", "skipped"]);
    assert_eq!((&exported["notes"], &exported["attachments"]), (&json!(2), &json!(1)));
    assert_eq!(tree(&out), tree(&home.path("vault")));

    home.file("out/Home.md", "changed outside");
    let again = home.json(["export", out.to_str().unwrap()]);
    assert_eq!(again["skipped"], json!([{"path": "Home.md", "reason": "changed_outside"}]));
    assert_eq!(std::fs::read_to_string(out.join("Home.md")).unwrap(), "changed outside");
    home.json(["export", out.to_str().unwrap(), "--force"]);
    assert_eq!(tree(&out), tree(&home.path("vault")));
}

#[test]
fn a_folder_that_is_not_there_is_not_found() {
    Home::new().error(["import", "nowhere"], 3);
}
