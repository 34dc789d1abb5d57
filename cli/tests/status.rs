//! `status` and `doctor`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Home, keys};

#[test]
fn the_status_has_the_contracts_shape() {
    let home = Home::new();
    home.id(["capture", "one"]);
    let status = home.json(["status"]);
    assert_eq!(keys(&status), ["version", "store", "device", "counts", "bytes", "health", "sync", "host"]);
    assert_eq!(status["store"].as_str().unwrap(), home.store().canonicalize().unwrap().to_str().unwrap());
    assert_eq!(status["health"], "ok");
    assert_eq!(status["counts"]["capture"], 1);
    for count in ["note", "quest", "item", "location", "trash", "conflicts"] {
        assert_eq!(status["counts"][count], 0, "{count}");
    }
    assert_eq!(keys(&status["bytes"]), ["store", "search", "blobs"]);
    let sync = ["state", "server", "head", "cursor", "pending", "held", "faults", "last_contact"];
    assert_eq!(keys(&status["sync"]), sync);
    assert_eq!(keys(&status["host"]), ["pid", "epoch", "role"]);
    assert!(home.text(["status"]).contains("health        ok\n"));
}

#[test]
fn a_healthy_store_passes_the_doctor() {
    let home = Home::new();
    home.id(["capture", "one"]);
    let diagnosis = home.json(["doctor"]);
    assert_eq!(keys(&diagnosis), ["health", "entities", "changes", "blobs", "problems"]);
    assert_eq!((&diagnosis["health"], &diagnosis["entities"]), (&"ok".into(), &1.into()));
    assert_eq!(home.text(["doctor"]), "Checked 1 entity, 1 change and 0 attachments. The store is well.\n");
}
