//! `backup` and `restore-backup`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, keys};

#[test]
fn a_backup_is_restored_into_an_empty_store_only() {
    let home = Home::new();
    let id = home.id(["capture", "keep me"]);
    let file = home.path("all.backup");
    let file = file.to_str().unwrap();
    let made = home.json(["backup", file]);
    assert_eq!(keys(&made), ["entities", "bytes", "checksum"]);
    assert_eq!(made["entities"], 1);
    assert_eq!(made["bytes"].as_u64().unwrap(), std::fs::metadata(file).unwrap().len());

    assert_eq!(home.error(["restore-backup", file], 4)["kind"], "refused");
    let other = Home::new();
    assert_eq!(keys(&other.json(["restore-backup", file])), ["entities", "bytes", "checksum"]);
    assert_eq!(other.json(["show", &id])["text"], "keep me");
    assert_ne!(other.json(["status"])["device"], home.json(["status"])["device"]);
}

#[test]
fn a_backup_that_is_not_there_is_not_found() {
    let home = Home::new();
    home.error(["restore-backup", "nowhere.backup"], 3);
    assert!(!home.store().exists(), "no store is made for it");
}

#[test]
fn a_backup_that_is_not_whole_makes_no_store() {
    let home = Home::new();
    home.id(["capture", "keep me"]);
    let file = home.path("all.backup");
    home.json(["backup", file.to_str().unwrap()]);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let other = Home::new();
    other.error(["restore-backup", file.to_str().unwrap()], 2);
    assert!(!other.store().exists());
}
