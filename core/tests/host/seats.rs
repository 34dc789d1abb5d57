use std::sync::Arc;

use altair_core::{Altair, Config, ErrorKind, List, Watched};

use super::{config, open, thought, within};

#[tokio::test]
async fn the_first_hosts_and_the_others_join() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, third) = (open(&folder).await, open(&folder).await, open(&folder).await);
    assert_eq!([&first, &second, &third].map(Altair::is_guest), [false, true, true]);
    let id = thought(&second, "said by a guest").await;
    for altair in [&first, &second, &third] {
        assert_eq!(altair.get(id).await.unwrap().title, "said by a guest");
    }
    let roles = [first.status().await.unwrap().host, third.status().await.unwrap().host];
    assert_eq!(
        roles.map(|host| (host.pid, host.role)),
        ["host", "guest"].map(|role| (std::process::id(), role.to_owned()))
    );
    assert_eq!(first.host().unwrap().clients, Some(2));
}

#[tokio::test]
async fn an_error_is_the_same_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest) = (open(&folder).await, open(&folder).await);
    let missing = "01a1ff7f-1358-7987-981f-45f63c06a020".parse().unwrap();
    let errors = [host.get(missing).await.unwrap_err(), guest.get(missing).await.unwrap_err()];
    assert_eq!(errors[0].kind(), ErrorKind::NotFound);
    assert_eq!(errors[0].to_string(), errors[1].to_string());
}

#[tokio::test]
async fn a_host_that_closes_hands_over() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest, other) = (open(&folder).await, open(&folder).await, open(&folder).await);
    let id = thought(&guest, "before").await;
    host.close().await.unwrap();
    assert_eq!(within(guest.get(id)).await.unwrap().title, "before");
    assert!(!guest.is_guest(), "it is the host now");
    thought(&other, "after").await;
    assert!(other.is_guest());
    assert_eq!(guest.list(List::Inbox, 10, None).await.unwrap().items.len(), 2);
    assert_eq!(guest.host().unwrap().epoch, 2);
}

#[tokio::test]
async fn a_watch_goes_on_with_the_next_host_without_a_gap_or_a_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest, writer) = (open(&folder).await, open(&folder).await, open(&folder).await);
    let mut watch = guest.watch(None).await.unwrap();
    assert_eq!(within(watch.next()).await, Some(Watched::Current { seq: 0 }));
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.push(thought(&writer, &format!("{n}")).await);
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let Some(Watched::Change(event)) = within(watch.next()).await else { panic!() };
        seen.push(event.entity);
    }
    host.close().await.unwrap();
    for n in 5..10 {
        expected.push(within(thought(&writer, &format!("{n}"))).await);
    }
    while seen.len() < 10 {
        let Some(Watched::Change(event)) = within(watch.next()).await else { panic!() };
        seen.push(event.entity);
    }
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_asked_while_hosts_come_and_go_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let guest = Arc::new({
        let host = open(&folder).await;
        let guest = open(&folder).await;
        tokio::spawn(host.close());
        guest
    });
    let mut ids = Vec::new();
    for round in 0..6 {
        // Whoever hosts now closes in the middle of what the others ask.
        let leaving = open(&folder).await;
        let asking: Vec<_> = (0..20)
            .map(|n| {
                let guest = Arc::clone(&guest);
                tokio::spawn(async move { thought(&guest, &format!("{round} {n}")).await })
            })
            .collect();
        let next = open(&folder).await;
        leaving.close().await.unwrap();
        for one in asking {
            ids.push(within(one).await.unwrap());
        }
        next.close().await.unwrap();
    }
    let all = guest.list(List::Inbox, 1000, None).await.unwrap().items;
    let mut titles: Vec<String> = all.iter().map(|entity| entity.title.clone()).collect();
    titles.sort();
    titles.dedup();
    assert_eq!((all.len(), titles.len(), ids.len()), (120, 120, 120));
}

#[tokio::test]
async fn a_store_that_is_moved_from_under_its_host_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "kept").await;
    let (here, there) = (folder.path().join("store"), folder.path().join("moved"));
    std::fs::rename(&here, &there).unwrap();
    let error = host.capture(altair_core::NewCapture { text: "lost?".into(), ..Default::default() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    within(host.asked_to_go()).await;
    within(async {
        while host.get(id).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // It writes nothing more, wherever the store is now; the database's own lock goes with the process.
    let error = Altair::open(Config { lock_wait: std::time::Duration::ZERO, ..Config::new(&there) }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
}

#[tokio::test]
async fn a_copied_store_is_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    thought(&host, "in the first").await;
    let (here, there) = (folder.path().join("store"), folder.path().join("copy"));
    std::fs::create_dir(&there).unwrap();
    for file in ["host.json", "host.lock"] {
        std::fs::copy(here.join(file), there.join(file)).unwrap();
    }
    // Its host.json names the first one's host.
    let copy = Altair::open(Config::new(&there)).await.unwrap();
    assert!(!copy.is_guest());
    assert_eq!(copy.list(List::Inbox, 10, None).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn a_guest_whose_store_is_gone_makes_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest) = (open(&folder).await, open(&folder).await);
    thought(&guest, "kept").await;
    let (here, there) = (folder.path().join("store"), folder.path().join("moved"));
    std::fs::rename(&here, &there).unwrap();
    let new = altair_core::NewCapture { text: "for the one that is gone".into(), ..Default::default() };
    let error = within(guest.capture(new)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(!here.exists());
    // Nor does it take another one that has come in its place.
    let other = open(&folder).await;
    let new = altair_core::NewCapture { text: "for the one that is gone".into(), ..Default::default() };
    assert_eq!(within(guest.capture(new)).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(other.list(List::Inbox, 10, None).await.unwrap().items.len(), 0);
    drop(host);
}

#[tokio::test]
async fn a_handle_that_is_dropped_lets_go_of_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for n in 0..5 {
        let host = open(&folder).await;
        assert!(!host.is_guest(), "round {n}");
        thought(&host, &format!("{n}")).await;
        expected += 1;
        assert_eq!(host.list(List::Inbox, 50, None).await.unwrap().items.len(), expected);
        let guest = open(&folder).await;
        drop(host);
        // Its guest takes over.
        thought(&guest, &format!("{n} by the guest")).await;
        expected += 1;
        assert!(!guest.is_guest());
        drop(guest);
    }
}

#[tokio::test]
async fn callers_that_give_up_leave_a_seat_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest) = (open(&folder).await, open(&folder).await);
    let id = thought(&guest, "kept").await;
    host.close().await.unwrap();
    for _ in 0..20 {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), guest.get(id)).await;
    }
    assert_eq!(within(guest.get(id)).await.unwrap().title, "kept");
    assert_eq!(guest.host().unwrap().epoch, 2, "one took over, and stayed");
}

#[tokio::test]
async fn a_lost_host_json_makes_no_host_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let (host, guest) = (open(&folder).await, open(&folder).await);
    let id = thought(&guest, "kept").await;
    std::fs::remove_file(config(&folder).store.join("host.json")).unwrap();
    host.close().await.unwrap();
    let next = open(&folder).await;
    assert_eq!(within(guest.get(id)).await.unwrap().title, "kept");
    next.close().await.unwrap();
}
