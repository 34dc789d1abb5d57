//! What comes over the socket, byte by byte: a host answers what it can and lets go of the rest.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use altair_core::Altair;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DEADLINE, open, thought, within};

struct Raw(BufReader<UnixStream>);

impl Raw {
    fn to(altair: &Altair) -> Self {
        let stream = UnixStream::connect(altair.host().unwrap().socket.unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn greeted(altair: &Altair) -> Self {
        let mut raw = Self::to(altair);
        let welcome = raw.ask(1, "hello", json!({"protocol": {"min": 1, "max": 1}, "client": "test", "version": "0"}));
        assert_eq!(welcome["result"]["protocol"], 1, "{welcome}");
        raw
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn ask(&mut self, id: impl Into<Value>, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params});
        self.send(&format!("{request}\n"));
        self.hear()
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

async fn with<T: Send + 'static>(altair: &Altair, test: impl FnOnce(Altair) -> T + Send + 'static) -> T {
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
        assert_eq!(code("{\"jsonrpc\": \"1.0\", \"id\": 1, \"method\": \"ping\"}\n"), -32600);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"fly\"}\n"), -32601);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"get\", \"params\": {\"id\": 7}}\n"), -32602);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"get\", \"params\": {\"x\": 7}}\n"), -32602);
        assert_eq!(code("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"hello\"}\n"), -32002);
        assert_eq!(code("[]\n"), -32600);
        assert_eq!(code(&format!("{}\n", "[".repeat(10_000))), -32700);
        assert_eq!(raw.ask(2, "ping", json!({}))["result"], json!({}));
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
        // It is as if it had never been asked: a thought is made anew rather than lost.
        assert_ne!(raw.hear()["result"]["id"], made);
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
