use altair_core::{Altair, Config, ErrorKind};
use std::time::Duration;

use super::Store;

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let store = Store::new().await;
    let id = store.thought("Water the figs").await;
    let store = store.reopen().await;
    assert_eq!(store.get(id).await.unwrap().title, "Water the figs");
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_store() {
    let store = Store::new().await;
    // Who repairs joins nobody.
    let config = Config { lock_wait: Duration::ZERO, repair: true, ..store.config() };
    let error = Altair::open(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let store = Store::new().await;
    store.close().await;
    let error = store.capture(altair_core::NewCapture { text: "late".into(), ..Default::default() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let store = Store::new().await;
    store.thought("from the future").await;
    store.close().await;
    let file = store.config().store.join("store.json");
    let newer = std::fs::read_to_string(&file).unwrap().replace("\"format\":1", "\"format\":99");
    std::fs::write(&file, &newer).unwrap();
    let error = Altair::open(store.config()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
}

#[tokio::test]
async fn lost_commits_are_noticed() {
    let store = Store::new().await;
    store.thought("one").await;
    store.close().await;
    // An older copy of the database beside today's head: what a bad restore leaves.
    let old = store.folder.path().join("old");
    copy(&store.config().store.join("db"), &old);
    let altair = Altair::open(store.config()).await.unwrap();
    altair.capture(altair_core::NewCapture { text: "two".into(), ..Default::default() }).await.unwrap();
    altair.close().await.unwrap();
    std::fs::remove_dir_all(store.config().store.join("db")).unwrap();
    copy(&old, &store.config().store.join("db"));
    // What the clean close noted tells of the swap at once.
    let error = Altair::open(store.config()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("when the store was closed"), "{error}");
    std::fs::remove_file(store.config().store.join("closed.json")).unwrap();

    let error = Altair::open(store.config()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("lost"), "{error}");
    let repaired = Altair::open(Config { repair: true, ..store.config() }).await.unwrap();
    assert_eq!(repaired.doctor().await.unwrap().health, "damaged");
    repaired.close().await.unwrap();
    assert!(Altair::open(store.config()).await.is_err(), "looking is not accepting");
    let repaired = Altair::open(Config { repair: true, ..store.config() }).await.unwrap();
    assert!(repaired.accept_loss().await.unwrap().is_some());
    repaired.close().await.unwrap();
    Altair::open(store.config()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_no_act_half_done() {
    let store = Store::new().await;
    for n in 0..20 {
        let altair = store.altair.clone();
        let capture = tokio::spawn(async move {
            altair.capture(altair_core::NewCapture { text: format!("thought {n}"), ..Default::default() }).await
        });
        capture.abort();
    }
    let kept = store.thought("the last").await;
    let page = store.list(altair_core::List::Inbox, 50, None).await.unwrap();
    assert!(page.items.iter().any(|entity| entity.id == kept));
    assert_eq!(store.doctor().await.unwrap().problems, vec![]);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A process that is killed while it writes leaves half a record at the end of the database's log. What the next one writes must not go the way of that half.
#[tokio::test]
async fn what_is_written_after_a_torn_log_outlives_the_next_crash() {
    let folder = tempfile::tempdir().unwrap();
    let capture = async |altair: &Altair, text: &str| {
        altair.capture(altair_core::NewCapture { text: text.into(), ..Default::default() }).await.unwrap();
    };
    let (mut store, mut expected) = (folder.path().join("0"), 0);
    for crash in 1..5 {
        let altair = Altair::open(Config::new(&store)).await.unwrap();
        let page = altair.list(altair_core::List::Inbox, 50, None).await.unwrap();
        assert_eq!(page.items.len(), expected, "after crash {crash}");
        for n in 0..3 {
            capture(&altair, &format!("{crash} {n} {}", "and some words more ".repeat(300))).await;
            expected += 1;
        }
        // What the files are now is what a kill would leave.
        let after = folder.path().join(crash.to_string());
        copy(&store, &after);
        altair.close().await.unwrap();
        let logs = std::fs::read_dir(after.join("db/wal")).unwrap().map(|entry| entry.unwrap().path());
        let newest = logs.filter(|log| std::fs::metadata(log).unwrap().len() > 0).max().unwrap();
        let whole = std::fs::read(&newest).unwrap();
        // Half of what may come next, and the torn end of what never was answered.
        let torn: Vec<u8> = match crash {
            1 | 2 => whole[..whole.len().min(1000) / crash].to_vec(),
            _ => vec![0xa5; 700],
        };
        std::fs::write(&newest, [whole, torn].concat()).unwrap();
        store = after;
    }
    let altair = Altair::open(Config::new(&store)).await.unwrap();
    assert_eq!(altair.list(altair_core::List::Inbox, 50, None).await.unwrap().items.len(), expected);
    assert_eq!(altair.doctor().await.unwrap().problems, vec![]);
    altair.close().await.unwrap();
}

#[tokio::test]
async fn an_opening_that_was_killed_is_undone_wherever_it_was() {
    let store = Store::new().await;
    let id = store.thought("kept").await;
    store.close().await;
    let root = store.config().store;
    // Killed while it put the files back: the database is gone, and what was kept is whole.
    std::fs::rename(root.join("db"), root.join("db.kept")).unwrap();
    let store = store.reopen().await;
    assert_eq!(store.get(id).await.unwrap().title, "kept");
}

#[tokio::test]
async fn a_lost_store_json_is_made_anew_by_the_doctor() {
    let store = Store::new().await;
    let id = store.thought("kept").await;
    store.close().await;
    let file = store.config().store.join("store.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    for damage in [Some("garbage"), None] {
        match damage {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        assert_eq!(Altair::open(store.config()).await.unwrap_err().kind(), ErrorKind::Corrupt);
        let repaired = Altair::open(Config { repair: true, ..store.config() }).await.unwrap();
        let found = repaired.doctor().await.unwrap();
        assert_eq!((found.health.as_str(), found.problems[0].at.as_str()), ("ok", "store.json"));
        repaired.close().await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), whole);
        let altair = Altair::open(store.config()).await.unwrap();
        assert_eq!(altair.get(id).await.unwrap().title, "kept");
        altair.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_while_the_database_tidies_up() {
    let folder = tempfile::tempdir().unwrap();
    // So small that it is written out, and what was written out merged, all the time.
    let config = Config { memtable_bytes: 128 << 10, ..Config::new(folder.path().join("store")) };
    let altair = Altair::open(config).await.unwrap();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (altair, done) = (altair.clone(), std::sync::Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(std::sync::atomic::Ordering::Acquire) {
                    altair.list(altair_core::List::Inbox, 10, None).await.unwrap();
                }
            })
        })
        .collect();
    let writing = async {
        for n in 0..1500 {
            let text = format!("{n} {}", "figs and plums ".repeat(150));
            altair.capture(altair_core::NewCapture { text, ..Default::default() }).await.unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        for reader in readers {
            reader.await.unwrap();
        }
        altair.close().await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(120), writing).await.expect("the database stands still");
}
