//! What a connection may do that was given a grant: what that says, as long as it says, and it is written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use altair_core::host::audited;
use altair_core::{Altair, Config, Environment, Fields, New};
use altair_protocol::rpc::{AuditKind, Request};
use altair_protocol::{EntityId, Kind};
use serde_json::{Value, json};

use super::raw::{Raw, with};
use super::{config, open, thought};

const REFUSED: i64 = -32004;

fn token(host: &Altair, may: &[&str], kinds: Value) -> String {
    let asked = json!({"name": "a test", "may": may, "kinds": kinds});
    let given = Raw::greeted(host).ask(1, "grant", asked);
    given["result"]["token"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned()
}

fn greet(host: &Altair, token: &str) -> (Raw, Value) {
    let mut raw = Raw::to(host);
    let hello = json!({"protocol": {"min": 1, "max": 1}, "client": "guest", "version": "0", "grant": token});
    let welcome = raw.ask(1, "hello", hello);
    (raw, welcome)
}

fn guest(host: &Altair, may: &[&str], kinds: Value) -> Raw {
    let (raw, welcome) = greet(host, &token(host, may, kinds));
    assert_eq!(welcome["result"]["grant"]["name"], "a test", "{welcome}");
    raw
}

#[track_caller]
fn allowed(guest: &mut Raw, method: &str, params: Value) -> Value {
    let answer = guest.ask(2, method, params);
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].clone()
}

#[track_caller]
fn refused(guest: &mut Raw, method: &str, params: Value) {
    let answer = guest.ask(3, method, params);
    assert_eq!(answer["error"]["code"], REFUSED, "{method}: {answer}");
    assert_eq!(answer["error"]["data"]["kind"], "refused");
}

async fn made(altair: &Altair, kind: Kind, title: &str, body: &str) -> EntityId {
    let mut fields = Fields { title: Some(title.to_owned()), ..Fields::default() };
    fields.body = (!body.is_empty()).then(|| body.to_owned());
    altair.create(New { kind, fields }).await.unwrap().id
}

#[tokio::test]
async fn who_may_read_reads_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "one thing").await;
    let seq = host.changes_after(0, 100).await.unwrap().len();
    with(&host, move |host| {
        let mut guest = guest(&host, &["read"], Value::Null);
        assert_eq!(allowed(&mut guest, "get", json!({"id": id}))["text"], "one thing");
        assert_eq!(allowed(&mut guest, "list", json!({"list": "inbox", "limit": 9}))["items"][0]["id"], json!(id));
        assert_eq!(allowed(&mut guest, "find", json!({"text": id})), json!(id));
        allowed(&mut guest, "status", json!({}));
        allowed(&mut guest, "host", json!({}));
        allowed(&mut guest, "watch", json!({}));
        for (method, params) in [
            ("capture", json!({"new": {"text": "x", "source": "api"}})),
            ("create", json!({"new": {"kind": "note", "fields": {}}})),
            ("delete", json!({"id": id})),
            ("tag", json!({"id": id, "add": ["x"], "remove": []})),
            ("shutdown", json!({})),
            ("revoke", json!({})),
        ] {
            refused(&mut guest, method, params);
        }
        // A batch is no way round.
        let batch = json!([{"jsonrpc": "2.0", "id": 4, "method": "delete", "params": {"id": id}}]);
        guest.send(&format!("{batch}\n"));
        assert_eq!(guest.hear()[0]["error"]["code"], REFUSED);
    })
    .await;
    assert_eq!(host.changes_after(0, 100).await.unwrap().len(), seq);
    host.close().await.unwrap();
}

#[tokio::test]
async fn who_may_capture_adds_thoughts_and_sees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "mine").await;
    with(&host, move |host| {
        let mut guest = guest(&host, &["capture"], json!(["note"]));
        let answer = allowed(&mut guest, "capture", json!({"new": {"text": "a thought", "source": "api"}}));
        assert_eq!(answer["text"], "a thought");
        refused(&mut guest, "get", json!({"id": id}));
        refused(&mut guest, "get", json!({"id": answer["id"]}));
        refused(&mut guest, "list", json!({"list": "inbox", "limit": 9}));
        refused(&mut guest, "search", json!({"search": {"query": "thought", "limit": 9}}));
        refused(&mut guest, "watch", json!({}));
        refused(&mut guest, "triage", json!({"capture": id, "into": "note"}));
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_grant_by_kind_hides_all_other_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let note = made(&host, Kind::Note, "Figs", "in the [[Garden]], [[Nowhere]]").await;
    let quest = made(&host, Kind::Quest, "Garden", "figs, secretly").await;
    host.link(quest, note, None).await.unwrap();
    let file = folder.path().join("fig.txt");
    std::fs::write(&file, "a fig").unwrap();
    let attachment = host.attach(note, &file).await.unwrap().id;
    host.delete(made(&host, Kind::Quest, "gone", "").await).await.unwrap();
    with(&host, move |host| {
        let mut guest = guest(&host, &["read", "write"], json!(["note"]));
        assert_eq!(allowed(&mut guest, "get", json!({"id": note}))["title"], "Figs");
        let shown = allowed(&mut guest, "show", json!({"id": note}));
        assert_eq!(shown["links"].as_array().unwrap().len(), 1, "only the one that leads nowhere: {shown}");
        assert_eq!(shown["backlinks"], json!([]));
        let hits = allowed(&mut guest, "search", json!({"search": {"query": "figs", "limit": 9}}));
        assert_eq!(hits["items"].as_array().unwrap().iter().map(|hit| &hit["id"]).collect::<Vec<_>>(), [&json!(note)]);
        assert_eq!(allowed(&mut guest, "list", json!({"list": "trash", "limit": 9}))["items"], json!([]));
        for method in ["events_after", "changes_after"] {
            let all = allowed(&mut guest, method, json!({"seq": 0, "limit": 100}));
            assert!(!all.as_array().unwrap().is_empty());
            assert!(all.as_array().unwrap().iter().all(|one| one["kind"] == "note"), "{all}");
        }
        assert_eq!(guest.ask(5, "find", json!({"text": quest}))["error"]["data"]["kind"], "not_found");
        refused(&mut guest, "get", json!({"id": quest}));
        refused(&mut guest, "show", json!({"id": quest}));
        refused(&mut guest, "history", json!({"id": quest, "limit": 9}));
        refused(&mut guest, "list", json!({"list": {"kind": "quest"}, "limit": 9}));
        refused(&mut guest, "list", json!({"list": "inbox", "limit": 9}));
        refused(&mut guest, "edit", json!({"id": quest, "edit": {"fields": {"title": "mine"}}}));
        refused(&mut guest, "link", json!({"from": note, "to": quest}));
        refused(&mut guest, "create", json!({"new": {"kind": "quest", "fields": {}}}));
        assert_eq!(shown["attachments"], json!([]));
        refused(&mut guest, "attachment", json!({"id": attachment}));
        refused(&mut guest, "detach", json!({"owner": note, "attachment": attachment}));
        refused(&mut guest, "capture", json!({"new": {"text": "x", "source": "api"}}));
        refused(&mut guest, "watch", json!({"kind": "quest"}));
        let edited = allowed(&mut guest, "edit", json!({"id": note, "edit": {"fields": {"title": "Ficus"}}}));
        assert_eq!(edited["title"], "Ficus");

        // A watch tells of what is covered, and of nothing else.
        let watching = allowed(&mut guest, "watch", json!({}));
        let mut all = Raw::greeted(&host);
        allowed(&mut all, "tag", json!({"id": quest, "add": ["secret"], "remove": []}));
        allowed(&mut all, "tag", json!({"id": note, "add": ["open"], "remove": []}));
        let told = guest.hear();
        assert_eq!(told["params"]["watch"], watching["watch"]);
        assert_eq!(told["params"]["change"]["entity"], json!(note), "{told}");
    })
    .await;
    assert_eq!(host.get(quest).await.unwrap().title, "Garden");
    host.close().await.unwrap();
}

#[tokio::test]
async fn no_grant_lets_anyone_do_what_is_the_stores() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "stays").await;
    with(&host, move |host| {
        let mut guest = guest(&host, &["read", "capture", "write"], Value::Null);
        let calls = [
            ("attach", json!({"owner": id, "file": "/etc/passwd"})),
            ("erase", json!({"id": id})),
            ("undo", json!({})),
            ("redo", json!({})),
            ("purge", json!({"older_than_days": 0})),
            ("apply", json!({"changes": []})),
            ("import", json!({"folder": "/"})),
            ("export", json!({"folder": "/", "force": true})),
            ("backup", json!({"file": "/x"})),
            ("restore_backup", json!({"file": "/x"})),
            ("doctor", json!({})),
            ("accept_loss", json!({})),
        ];
        for (method, params) in calls {
            assert!(Request::METHODS.contains(&method));
            refused(&mut guest, method, params);
        }
        allowed(&mut guest, "delete", json!({"id": id}));
        allowed(&mut guest, "restore", json!({"id": id}));
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_grant_outlives_its_host_and_ends_when_all_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let token = with(&host, |host| token(&host, &["read"], Value::Null)).await;
    host.close().await.unwrap();
    let host = open(&folder).await;
    with(&host, move |host| {
        let (mut one, welcome) = greet(&host, &token);
        assert!(welcome["error"].is_null(), "{welcome}");
        allowed(&mut one, "status", json!({}));
        let mut full = Raw::greeted(&host);
        allowed(&mut full, "revoke", json!({}));
        assert_eq!(one.hear()["error"]["code"], REFUSED, "the connection is told");
        assert!(one.is_closed());
        allowed(&mut full, "status", json!({}));
        let (mut late, answer) = greet(&host, &token);
        assert_eq!(answer["error"]["code"], REFUSED, "{answer}");
        assert!(late.is_closed());
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_connection_ends_with_its_grant() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&ahead);
    let now = move || {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default() + Duration::from_millis(clock.load(Ordering::Relaxed));
        u64::try_from(now.as_millis()).unwrap()
    };
    let environment = Environment::new(now, || [5; 10]);
    let host = Altair::open(Config { environment, ..config(&folder) }).await.unwrap();
    with(&host, move |host| {
        let asked = json!({"name": "a minute", "may": ["read"], "minutes": 1});
        let given = Raw::greeted(&host).ask(1, "grant", asked);
        let token = given["result"]["token"].as_str().unwrap();
        // As if most of the minute were over.
        ahead.store(59_500, Ordering::Relaxed);
        let (mut guest, welcome) = greet(&host, token);
        assert!(welcome["error"].is_null(), "{welcome}");
        let told = guest.hear();
        assert!(told["error"]["message"].as_str().unwrap().contains("a minute"), "{told}");
        assert!(guest.is_closed());
        let (_, late) = greet(&host, token);
        assert_eq!(late["error"]["code"], REFUSED, "{late}");
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn who_has_a_grant_gives_narrower_ones_only() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut guest = guest(&host, &["read", "write"], json!(["note", "quest"]));
        refused(&mut guest, "grant", json!({"name": "more", "may": ["capture"]}));
        refused(&mut guest, "grant", json!({"name": "more", "may": ["read"], "kinds": ["item"]}));
        let less = allowed(&mut guest, "grant", json!({"name": "less", "may": ["read"], "kinds": ["note"]}));
        let (mut least, _) = greet(&host, less["token"].as_str().unwrap());
        refused(&mut least, "list", json!({"list": {"kind": "quest"}, "limit": 1}));
        allowed(&mut least, "list", json!({"list": {"kind": "note"}, "limit": 1}));
        let wrong = guest.ask(9, "grant", json!({"name": "", "may": ["read"]}));
        assert_eq!(wrong["error"]["data"]["kind"], "invalid", "{wrong}");
        let unknown = guest.ask(9, "grant", json!({"name": "x", "may": ["everything"]}));
        assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    })
    .await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn every_grant_and_refusal_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "one thing").await;
    with(&host, move |host| {
        refused(&mut guest(&host, &["read"], json!(["capture"])), "delete", json!({"id": id}));
        let (_, forged) = greet(&host, "forged");
        assert_eq!(forged["error"]["code"], REFUSED, "{forged}");
    })
    .await;
    let lines = audited(&folder.path().join("store"), 100).unwrap();
    let what: Vec<_> = lines.iter().map(|line| line.what).collect();
    assert_eq!(what, [AuditKind::Refused, AuditKind::Refused, AuditKind::Used, AuditKind::Granted]);
    let (forged, deleting, used, granted) = (&lines[0], &lines[1], &lines[2], &lines[3]);
    assert_eq!((forged.method.as_deref(), forged.grant), (Some("hello"), None));
    assert_eq!((deleting.method.as_deref(), deleting.entity), (Some("delete"), Some(id)));
    assert_eq!(deleting.why.as_deref(), Some("the grant \"a test\" doesn't allow to write"));
    assert!(granted.grant.is_some() && [deleting, used].iter().all(|line| line.grant == granted.grant));
    assert_eq!(granted.kinds.as_deref(), Some(&[Kind::Capture][..]));
    if cfg!(target_os = "linux") {
        assert!(lines.iter().all(|line| line.pid == Some(std::process::id())));
    }
    host.close().await.unwrap();
}
