//! What comes over the socket, byte by byte: a host answers what it can and lets go of the rest.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Instant;

use altair_core::{Altair, MAX_TEXT_BYTES};
use altair_protocol::rpc::MAX_ANSWER;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DEADLINE, open, thought, within};

pub(super) struct Raw(BufReader<UnixStream>);

impl Raw {
    pub(super) fn to(altair: &Altair) -> Self {
        let stream = UnixStream::connect(altair.host().unwrap().socket.unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(super) fn greeted(altair: &Altair) -> Self {
        let mut raw = Self::to(altair);
        let welcome = raw.ask(1, "hello", json!({"protocol": {"min": 1, "max": 1}, "client": "test", "version": "0"}));
        assert_eq!(welcome["result"]["protocol"], 1, "{welcome}");
        raw
    }

    pub(super) fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    pub(super) fn ask(&mut self, id: impl Into<Value>, method: &str, params: Value) -> Value {
        self.request(id, method, params);
        self.hear()
    }

    pub(super) fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        self.send(&format!("{}\n", request(id, method, params)));
    }

    fn cancel(&mut self, id: impl Into<Value>) {
        let cancel = json!({"jsonrpc": "2.0", "method": "$/cancel", "params": {"id": id.into()}});
        self.send(&format!("{cancel}\n"));
    }

    pub(super) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// A file that the engine waits for: who opens it for writing lets it go on.
pub(super) fn fifo(folder: &Path) -> PathBuf {
    let fifo = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fifo
}

pub(super) async fn with<T: Send + 'static>(altair: &Altair, test: impl FnOnce(Altair) -> T + Send + 'static) -> T {
    let altair = altair.clone();
    within(tokio::task::spawn_blocking(move || test(altair))).await.unwrap()
}

#[tokio::test]
async fn what_is_no_request_gets_an_error_and_the_next_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::greeted(&host);
        let mut code = |text: &str| {
            raw.send(text);
            let answer = raw.hear();
            assert!(answer["error"]["data"]["hint"].is_string(), "{answer}");
            answer["error"]["code"].as_i64().unwrap()
        };
        assert_eq!(code("not json\n"), -32700);
        assert_eq!(code("\n"), -32700);
        assert_eq!(code("{\"a\": 1}\n"), -32600);
        assert_eq!(code("{\"jsonrpc\": \"2.0\"}\n"), -32600);
        assert_eq!(code("{\"jsonrpc\": \"1.0\", \"id\": 1, \"method\": \"ping\"}\n"), -32600);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"fly\"}\n"), -32601);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"get\", \"params\": {\"id\": 7}}\n"), -32602);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"get\", \"params\": {\"x\": 7}}\n"), -32602);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"hello\"}\n"), -32002);
        assert_eq!(code("[]\n"), -32600);
        assert_eq!(code(&format!("{}\n", "[".repeat(10_000))), -32700);
        // Neither asked nor answered: its sender hears which it was.
        raw.send("{\"jsonrpc\": \"2.0\", \"id\": 3}\n");
        let answer = raw.hear();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(-32600)));
        raw.send("{\"jsonrpc\": \"2.0\", \"id\": 4, \"result\": 1}\n");
        assert_eq!(raw.ask(2, "ping", json!({}))["result"], json!({}));
        // What is said of nonsense is short, however long it is.
        let answer = raw.ask(5, &"\u{7f}".repeat(1 << 20), json!({}));
        assert!(answer["error"]["message"].as_str().unwrap().len() < 10_000);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_doesnt_greet_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::to(&host);
        assert_eq!(raw.ask(1, "ping", json!({}))["error"]["code"], -32002);
        assert!(raw.is_closed());
        let mut raw = Raw::to(&host);
        let old = json!({"protocol": {"min": 0, "max": 0}, "client": "test", "version": "0"});
        let answer = raw.ask(1, "hello", old);
        assert_eq!(answer["error"]["data"]["kind"], "unsupported", "{answer}");
        assert!(raw.is_closed());
        // Half a line, and then nothing: ten seconds, and it is let go.
        let mut raw = Raw::to(&host);
        raw.send("{\"jsonrpc\"");
        assert_eq!(raw.hear()["error"]["code"], -32002);
        assert!(raw.is_closed());
    })
    .await;
}

#[tokio::test]
async fn a_line_without_an_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::greeted(&host);
        let megabyte = vec![b'x'; 1 << 20];
        let sent = (0..100).take_while(|_| raw.0.get_mut().write_all(&megabyte).is_ok()).count();
        assert!(sent < 100, "a hundred megabytes were taken");
        // What it said may be lost with the connection; that it hung up isn't.
        while !raw.is_closed() {}
    })
    .await;
    thought(&host, "and the others don't notice").await;
}

#[tokio::test]
async fn a_batch_is_answered_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::greeted(&host);
        let capture = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "capture", "params": {"new": {"text": format!("t{id}"), "source": "api"}}});
        let notification = json!({"jsonrpc": "2.0", "method": "$/cancel", "params": {"id": 99}});
        raw.send(&format!("{}\n", json!([capture(7), notification, {"jsonrpc": "2.0", "id": 8, "method": "fly"}, capture(9), 5])));
        let answers = raw.hear();
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), 4, "a notification isn't answered");
        assert_eq!(answers[0]["result"]["title"], "t7");
        assert_eq!(answers[1]["error"]["code"], -32601);
        assert_eq!((&answers[2]["id"], &answers[2]["result"]["title"]), (&json!(9), &json!("t9")));
        assert_eq!((&answers[3]["id"], &answers[3]["error"]["code"]), (&Value::Null, &json!(-32600)));
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let item = host
        .create(altair_core::New {
            kind: altair_protocol::Kind::Item,
            fields: altair_core::Fields { title: Some("Eggs".into()), ..Default::default() },
        })
        .await
        .unwrap()
        .id;
    let again = move |host: Altair, method: &'static str, params: Value| {
        let id = Uuid::now_v7().to_string();
        let request =
            |again: bool| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params, "again": again});
        let mut answers = Vec::new();
        for again in [false, true, true] {
            // Each over a connection of its own, as a guest would after its host died.
            let mut raw = Raw::greeted(&host);
            raw.send(&format!("{}\n", request(again)));
            let answer = raw.hear();
            assert!(answer["error"].is_null(), "{answer}");
            answers.push(answer["result"].clone());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
        answers.remove(0)
    };
    with(&host, move |host| {
        let made = again(host.clone(), "capture", json!({"new": {"text": "once", "source": "api"}}));
        let counted = again(host.clone(), "count", json!({"id": item, "delta": 2}));
        assert_eq!(counted["quantity"], 2);
        let undone = again(host.clone(), "undo", json!({}));
        assert_eq!(undone.as_array().unwrap().len(), 1);
        let deleted = again(host.clone(), "delete", json!({"id": made["id"]}));
        assert_eq!(deleted["deleted"], true);
    })
    .await;
    let item = serde_json::to_value(host.get(item).await.unwrap()).unwrap();
    assert_eq!(item["quantity"], 0, "one count, undone once");
    assert_eq!(host.list(altair_core::List::Trash, 10, None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_is_sent_again_before_it_was_done_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let id = Uuid::now_v7().to_string();
        let mut raw = Raw::greeted(&host);
        raw.send(&format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "capture", "params": {"new": {"text": "x", "source": "api"}}, "again": true})));
        assert_eq!(raw.hear()["result"]["title"], "x");
        // An id of another time could not be told from one that was forgotten.
        let old = "01800000-0000-7000-8000-000000000000";
        let answer = raw.ask(old, "capture", json!({"new": {"text": "y", "source": "api"}}));
        assert_eq!(answer["error"]["data"]["kind"], "invalid");
    })
    .await;
    assert_eq!(host.list(altair_core::List::Inbox, 10, None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn an_erased_things_answers_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let id = Uuid::now_v7().to_string();
        let request = |again: bool| json!({"jsonrpc": "2.0", "id": id, "method": "capture", "params": {"new": {"text": "secret", "source": "api"}}, "again": again});
        let mut raw = Raw::greeted(&host);
        raw.send(&format!("{}\n", request(false)));
        let made = raw.hear()["result"]["id"].clone();
        assert_eq!(raw.ask(5, "erase", json!({"id": made}))["result"]["title"], "secret");
        raw.send(&format!("{}\n", request(true)));
        // What it was answered holds nothing of what was said.
        assert_eq!(raw.hear()["error"]["data"]["kind"], "not_found");
        // An erase that is asked again was done, and tells nothing of what it was.
        let id = Uuid::now_v7().to_string();
        let made = raw.ask(6, "capture", json!({"new": {"text": "another", "source": "api"}}))["result"]["id"].clone();
        for again in [false, true] {
            let erase = json!({"jsonrpc": "2.0", "id": id, "method": "erase", "params": {"id": made}, "again": again});
            raw.send(&format!("{erase}\n"));
            let erased = raw.hear();
            assert_eq!(erased["result"]["id"], made, "{erased}");
            assert_eq!(erased["result"]["title"], if again { "" } else { "another" });
        }
    })
    .await;
}

#[tokio::test]
async fn a_watch_is_told_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let mut raw = with(&host, |host| {
        let mut raw = Raw::greeted(&host);
        let begun = raw.ask(2, "watch", json!({"kind": "capture"}));
        assert_eq!(begun["result"]["seq"], 0, "{begun}");
        raw
    })
    .await;
    let id = thought(&host, "seen").await;
    with(&host, move |_| {
        let told = raw.hear();
        assert_eq!(told["method"], "watched");
        assert_eq!(told["params"]["change"]["entity"], id.to_string(), "{told}");
        let watch = told["params"]["watch"].clone();
        assert_eq!(raw.ask(3, "unwatch", json!({"watch": watch}))["result"], json!({}));
    })
    .await;
}

#[tokio::test]
async fn a_greeting_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::to(&host);
        // The host may hang up before it has all.
        let _ = raw.0.get_mut().write_all(&[b'x'; 100 << 10]);
        assert_eq!(raw.hear()["error"]["code"], -32700);
        assert!(raw.is_closed());
    })
    .await;
}

#[tokio::test]
async fn who_says_no_more_gets_its_answers() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, "asked for last").await;
    with(&host, move |host| {
        let mut raw = Raw::greeted(&host);
        raw.request(2, "watch", json!({}));
        raw.request(3, "get", json!({"id": id}));
        raw.0.get_mut().shutdown(Shutdown::Write).unwrap();
        let mut answers = [raw.hear(), raw.hear()];
        answers.sort_by_key(|answer| answer["id"].as_i64());
        assert_eq!(answers[1]["result"]["title"], "asked for last");
        assert!(raw.is_closed(), "its watch has ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_connection_has_sent_before_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let owner = thought(&host, "the only one").await;
    let fifo = fifo(folder.path());
    let file = fifo.clone();
    with(&host, move |host| {
        let mut raw = Raw::greeted(&host);
        // As many as are worked on at a time, so that what comes after them lies there unread.
        for id in 0..63 {
            raw.request(id, "attach", json!({"owner": owner, "file": file}));
        }
        assert_eq!(raw.ask(63, "ping", json!({}))["id"], 63);
        raw.request(64, "attach", json!({"owner": owner, "file": file}));
        raw.request(100, "capture", json!({"new": {"text": "late", "source": "api"}}));
    })
    .await;
    let opened = tokio::task::spawn_blocking(move || File::options().write(true).open(fifo));
    let _writer = within(opened).await.unwrap().unwrap();
    within(async {
        while host.host().unwrap().clients != Some(0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(host.list(altair_core::List::Inbox, 10, None).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_host_answers_pings_and_finishes_what_writes() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let owner = thought(&host, "owner").await;
    let fifo = fifo(folder.path());
    with(&host, move |host| {
        let mut raw = Raw::greeted(&host);
        raw.request(2, "attach", json!({"owner": owner, "file": fifo}));
        assert_eq!(raw.ask(3, "ping", json!({}))["id"], 3);
        let closing = tokio::runtime::Handle::current().spawn(host.close());
        assert_eq!(raw.hear()["method"], "$/closing");
        assert_eq!(raw.ask(4, "ping", json!({}))["result"], json!({}));
        for (method, params) in [("get", json!({"id": owner})), ("watch", json!({})), ("host", json!({}))] {
            assert_eq!(raw.ask(5, method, params)["error"]["code"], -32003, "{method}");
        }
        raw.send(&format!("{}\n", json!([request(6, "undo", json!({})), request(7, "ping", json!({}))])));
        let batch = raw.hear();
        assert_eq!((&batch[0]["error"]["code"], &batch[1]["result"]), (&json!(-32003), &json!({})));
        assert!(!closing.is_finished());
        drop(File::options().write(true).open(&fifo).unwrap());
        let answer = raw.hear();
        assert_eq!((&answer["id"], &answer["error"]["data"]["kind"]), (&json!(2), &json!("invalid")), "{answer}");
        assert!(raw.is_closed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_is_given_up_when_cancelled_and_when_the_host_closes() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let vault = tempfile::tempdir().unwrap();
    std::fs::write(vault.path().join("a.md"), "one\n").unwrap();
    // As long as the import waits here, an export waits for it.
    let (begun, beginning) = mpsc::channel();
    let (go_on, waiting) = mpsc::channel::<()>();
    let importing = {
        let (host, vault) = (host.clone(), vault.path().to_owned());
        tokio::spawn(async move {
            let told = move |_| {
                begun.send(()).unwrap();
                // Until the sender is gone.
                let _ = tokio::task::block_in_place(|| waiting.recv());
            };
            host.import(&vault, told).await
        })
    };
    with(&host, move |host| {
        beginning.recv().unwrap();
        let mut raw = Raw::greeted(&host);
        let out = json!({"folder": vault.path().join("out"), "force": false});
        raw.request(2, "export", out.clone());
        raw.cancel(2);
        let answer = raw.hear();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(-32800)));
        raw.request(3, "export", out);
        assert_eq!(raw.ask(4, "ping", json!({}))["id"], 4);
        tokio::runtime::Handle::current().spawn(host.close());
        let (one, other) = (raw.hear(), raw.hear());
        let answer = if one["id"].is_null() { other } else { one };
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(-32003)));
        assert!(raw.is_closed(), "nothing else holds it up");
        drop(go_on);
    })
    .await;
    // Whether it came to its end before the store was closed is all the same here.
    let _ = within(importing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_that_say_or_read_nothing_dont_hold_a_closing_host_up() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, &"long ".repeat(MAX_TEXT_BYTES / 5)).await;
    let guests = with(&host, move |host| {
        let silent = Raw::to(&host);
        let mut deaf = Raw::greeted(&host);
        for n in 0..8 {
            deaf.request(n, "get", json!({"id": id}));
        }
        // Something is written, and more waits.
        deaf.0.get_mut().read_exact(&mut [0; 1024]).unwrap();
        [silent, deaf]
    })
    .await;
    let begun = Instant::now();
    host.close().await.unwrap();
    // It would be ten seconds.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    drop(guests);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_in_its_time_is_given_up_or_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let vault = tempfile::tempdir().unwrap();
    std::fs::write(vault.path().join("a.md"), "one\n").unwrap();
    let (begun, beginning) = mpsc::channel();
    let (go_on, waiting) = mpsc::channel::<()>();
    let importing = {
        let (host, vault) = (host.clone(), vault.path().to_owned());
        tokio::spawn(async move {
            let told = move |_| {
                begun.send(()).unwrap();
                let _ = tokio::task::block_in_place(|| waiting.recv());
            };
            host.import(&vault, told).await
        })
    };
    with(&host, move |host| {
        beginning.recv().unwrap();
        let mut raw = Raw::greeted(&host);
        let mut timed = |id: u64, method: &str, params: Value, timeout: u64| {
            let mut request = request(id, method, params);
            request["timeout_ms"] = timeout.into();
            raw.send(&format!("{request}\n"));
            raw.hear()
        };
        // The import holds it up.
        let out = json!({"folder": vault.path().join("out"), "force": false});
        let late = timed(2, "export", out, 50);
        assert_eq!((&late["id"], &late["error"]["code"]), (&json!(2), &json!(-32001)), "{late}");
        let never = timed(3, "capture", json!({"new": {"text": "too late", "source": "api"}}), 0);
        assert_eq!(never["error"]["code"], -32001, "{never}");
        drop(go_on);
        let done = timed(4, "capture", json!({"new": {"text": "in time", "source": "api"}}), u64::MAX);
        assert_eq!(done["result"]["text"], "in time", "{done}");
        let wrong = request(5, "ping", json!({})).to_string().replace("}}", "},\"timeout_ms\":-1}");
        raw.send(&format!("{wrong}\n"));
        assert_eq!(raw.hear()["error"]["code"], -32600);
    })
    .await;
    within(importing).await.unwrap().unwrap();
    let inbox = host.list(altair_core::List::Inbox, 10, None).await.unwrap();
    assert_eq!(inbox.items.iter().map(|thought| thought.title.as_str()).collect::<Vec<_>>(), ["in time"]);
}

#[tokio::test]
async fn a_cancelled_watch_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    with(&host, |host| {
        let mut raw = Raw::greeted(&host);
        for id in 100..200 {
            raw.request(id, "watch", json!({}));
            raw.cancel(id);
            // Once, with its beginning or with its end.
            let answer = raw.hear();
            assert_eq!(answer["id"], id);
            assert!(answer["result"]["watch"].is_u64() || answer["error"]["code"] == -32800, "{answer}");
        }
        for id in 200..264 {
            assert!(raw.ask(id, "watch", json!({}))["result"]["watch"].is_u64());
        }
        assert_eq!(raw.ask(300, "watch", json!({}))["error"]["data"]["kind"], "refused", "there may be 64");
        assert_eq!(raw.ask(301, "ping", json!({}))["result"], json!({}));
    })
    .await;
}

#[tokio::test]
async fn a_cancel_tears_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, &"long ".repeat(MAX_TEXT_BYTES / 5)).await;
    with(&host, move |host| {
        let mut raw = Raw::greeted(&host);
        raw.request(2, "get", json!({"id": id}));
        // In the middle of its answer, for no socket holds as much.
        let mut beginning = [0; 1024];
        raw.0.get_mut().read_exact(&mut beginning).unwrap();
        raw.cancel(2);
        raw.request(3, "ping", json!({}));
        let mut line = String::from_utf8(beginning.to_vec()).unwrap();
        raw.0.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], 2);
        assert_eq!(raw.hear()["id"], 3);
    })
    .await;
}

#[tokio::test]
async fn the_answers_of_a_batch_are_no_longer_than_one() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let id = thought(&host, &"long ".repeat(MAX_TEXT_BYTES / 5)).await;
    with(&host, move |host| {
        let mut raw = Raw::greeted(&host);
        let get = |n: u32| request(n, "get", json!({"id": id}));
        raw.send(&format!("{}\n", Value::Array((0..12).map(get).collect())));
        let answers = raw.hear();
        assert!(answers.to_string().len() < MAX_ANSWER);
        let answers = answers.as_array().unwrap();
        let (given, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["result"].is_object());
        assert_eq!((given.is_empty(), given.len() + refused.len()), (false, 12));
        assert!(!refused.is_empty());
        for answer in refused {
            assert!(answer["error"]["data"]["hint"].as_str().unwrap().starts_with("ask for less"), "{answer}");
        }
        assert_eq!(raw.ask(20, "ping", json!({}))["result"], json!({}));
    })
    .await;
}
