//! A guest's end of a connection, with a host that is played by the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use altair_core::ErrorKind;
use altair_core::host::{Connection, Guest, Lost};
use altair_protocol::rpc::{self, Host};
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{DEADLINE, within};

const PID: u32 = 4711;

/// The host's end.
struct Played(BufReader<UnixStream>);

impl Played {
    /// What the guest says next.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// What it says next that is no ping; pings are answered.
    fn heed(&mut self) -> Value {
        loop {
            let heard = self.hear();
            if heard["method"] != "ping" {
                return heard;
            }
            self.answer(&heard, json!({}));
        }
    }

    fn say(&mut self, message: Value) {
        self.0.get_mut().write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    fn answer(&mut self, request: &Value, result: Value) {
        self.say(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.say(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }
}

async fn connect() -> (Arc<Connection>, Played) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_read_timeout(Some(DEADLINE)).unwrap();
    let greeting = spawn_blocking(move || {
        let mut host = Played(BufReader::new(theirs));
        let hello = host.hear();
        assert_eq!(hello["method"], "hello");
        host.answer(&hello, json!({"protocol": 1, "host": Host::of(PID)}));
        host
    });
    let connection =
        Connection::over(ours, PID, Guest { client: "test", grant: None }, &Handle::current()).await.unwrap().unwrap();
    (Arc::new(connection), greeting.await.unwrap())
}

/// The host's part goes on where blocking is no harm.
async fn play<T: Send + 'static>(
    mut host: Played,
    part: impl FnOnce(&mut Played) -> T + Send + 'static,
) -> (Played, T) {
    let playing = spawn_blocking(move || {
        let played = part(&mut host);
        (host, played)
    });
    within(playing).await.unwrap()
}

fn status(connection: &Arc<Connection>) -> tokio::task::JoinHandle<Result<altair_core::Result<Value>, Lost>> {
    let connection = Arc::clone(connection);
    tokio::spawn(async move { connection.command::<_, Value>(rpc::STATUS, &json!({})).await })
}

#[tokio::test]
async fn a_host_that_closes_is_asked_no_more_and_not_hurried() {
    let (connection, host) = connect().await;
    let watching = {
        let connection = Arc::clone(&connection);
        tokio::spawn(async move { connection.watch(&rpc::Watch::default()).await })
    };
    let (host, _) = play(host, |host| {
        let watch = host.heed();
        host.answer(&watch, json!({"watch": 1, "seq": 5}));
        host.notify("watched", json!({"watch": 1, "lagged": 6}));
    })
    .await;
    let mut watch = within(watching).await.unwrap().unwrap().unwrap();
    let outstanding = status(&connection);
    let (host, asked) = play(host, |host| {
        let asked = host.heed();
        host.notify("$/closing", json!({}));
        asked
    })
    .await;
    assert_eq!(within(watch.next()).await, Some(rpc::Event::Lagged(6)), "what was told before is heard");
    assert_eq!(within(watch.next()).await, None);
    let new = within(status(&connection)).await.unwrap();
    assert!(matches!(new, Err(Lost::Gone)), "{new:?}");
    // Longer than a host may be silent otherwise.
    let (host, said) = play(host, |host| {
        host.0.get_mut().set_read_timeout(Some(std::time::Duration::from_secs(7))).unwrap();
        drop(watch);
        let unwatch = host.hear();
        assert_eq!(unwatch["method"], "unwatch");
        let mut line = String::new();
        host.0.read_line(&mut line).is_ok()
    })
    .await;
    assert!(!said, "it was asked for something");
    assert!(!outstanding.is_finished());
    let (host, ()) = play(host, move |host| host.answer(&asked, json!("done"))).await;
    assert_eq!(within(outstanding).await.unwrap().unwrap().unwrap(), "done");
    drop(host);
}

#[tokio::test]
async fn a_watch_that_is_given_up_before_it_began_is_ended() {
    let (connection, host) = connect().await;
    let watching = {
        let connection = Arc::clone(&connection);
        tokio::spawn(async move { connection.watch(&rpc::Watch::default()).await })
    };
    let (host, watch) = play(host, Played::heed).await;
    watching.abort();
    let (host, ()) = play(host, move |host| {
        let cancel = host.heed();
        assert_eq!((&cancel["method"], &cancel["params"]["id"]), (&json!("$/cancel"), &watch["id"]));
        // It had begun when that came.
        host.answer(&watch, json!({"watch": 7, "seq": 0}));
        let unwatch = host.heed();
        assert_eq!((&unwatch["method"], &unwatch["params"]), (&json!("unwatch"), &json!({"watch": 7})));
    })
    .await;
    // And one whose answer nobody came to fetch.
    let mut watching = Box::pin(async { connection.watch(&rpc::Watch::default()).await });
    assert!(watching.as_mut().now_or_never().is_none());
    let asked = status(&connection);
    let (_host, ()) = play(host, move |host| {
        let watch = host.heed();
        host.answer(&watch, json!({"watch": 8, "seq": 0}));
        let other = host.heed();
        host.answer(&other, json!(null));
    })
    .await;
    within(asked).await.unwrap().unwrap().unwrap();
    drop(watching);
    let (_host, ()) = play(_host, |host| assert_eq!(host.heed()["params"], json!({"watch": 8}))).await;
}

#[tokio::test]
async fn what_was_given_up_keeps_its_place_until_the_host_has_answered() {
    let (connection, host) = connect().await;
    let all: Vec<_> = (0..48).map(|_| status(&connection)).collect();
    let (host, asked) = play(host, |host| (0..48).map(|_| host.heed()).collect::<Vec<_>>()).await;
    all.iter().for_each(tokio::task::JoinHandle::abort);
    let (host, cancelled) =
        play(host, |host| (0..48).map(|_| host.heed()["params"]["id"].clone()).collect::<Vec<_>>()).await;
    assert!(asked.iter().all(|asked| cancelled.contains(&asked["id"])));
    let params = json!({"n": "no room for this"});
    assert!(connection.command::<_, Value>(rpc::STATUS, &params).now_or_never().is_none());
    let (host, ()) = play(host, move |host| host.answer(&asked[0], json!({}))).await;
    let next = status(&connection);
    let (_host, ()) = play(host, |host| {
        let asked = host.heed();
        assert_eq!(asked["params"], json!({}), "what wasn't sent is neither asked nor cancelled");
        host.answer(&asked, json!(1));
    })
    .await;
    assert_eq!(within(next).await.unwrap().unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_may_ask_for_other_things_and_comes_before_the_answer() {
    let (connection, host) = connect().await;
    let (seen, told) = std::sync::mpsc::channel();
    let importing = {
        let (connection, inside) = (Arc::clone(&connection), Arc::clone(&connection));
        tokio::spawn(async move {
            let progress = move |progress: altair_core::Progress| {
                let nothing = json!({});
                let asking = inside.command::<_, Value>(rpc::STATUS, &nothing);
                let answer = tokio::task::block_in_place(|| futures::executor::block_on(asking)).unwrap().unwrap();
                seen.send((progress.done, answer)).unwrap();
            };
            let import = rpc::Import { folder: "/nowhere".into() };
            let answered = connection.ask(Uuid::now_v7(), false, &import, Some(Box::new(progress))).await;
            // With the progress dropped there is nothing more to come.
            (answered.is_ok(), told.iter().collect::<Vec<_>>())
        })
    };
    let (_host, ()) = play(host, |host| {
        let import = host.heed();
        host.notify("$/progress", json!({"id": import["id"], "done": 1, "total": 2}));
        let inside = host.heed();
        assert_eq!(inside["method"], rpc::STATUS);
        host.answer(&inside, json!("first"));
        host.notify("$/progress", json!({"id": import["id"], "done": 2, "total": 2}));
        host.answer(&import, json!({}));
        let inside = host.heed();
        host.answer(&inside, json!("last"));
    })
    .await;
    let (answered, told) = within(importing).await.unwrap();
    assert!(answered);
    assert_eq!(told, [(1, json!("first")), (2, json!("last"))]);
}

#[tokio::test]
async fn a_watch_notices_a_host_that_stands_still() {
    let (connection, host) = connect().await;
    let watching = {
        let connection = Arc::clone(&connection);
        tokio::spawn(async move { connection.watch(&rpc::Watch::default()).await })
    };
    let (host, ()) = play(host, |host| {
        let watch = host.hear();
        host.answer(&watch, json!({"watch": 1, "seq": 0}));
    })
    .await;
    let mut watch = within(watching).await.unwrap().unwrap().unwrap();
    let error = within(watch.silence()).await;
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&PID.to_string()), "{error}");
    // It is welcome back.
    let (_host, ()) = play(host, |host| {
        assert_eq!(host.hear()["method"], "ping");
        host.notify("watched", json!({"watch": 1, "lagged": 3}));
    })
    .await;
    assert_eq!(within(watch.next()).await, Some(rpc::Event::Lagged(3)));
    assert!(watch.silence().now_or_never().is_none());
}

#[tokio::test]
async fn a_host_is_told_of_the_end_before_others_are_asked() {
    let (connection, host) = connect().await;
    let asked = status(&connection);
    let (mut host, ()) = play(host, |host| {
        host.heed();
        host.0.get_mut().write_all(b"no message\n").unwrap();
    })
    .await;
    assert!(matches!(within(asked).await.unwrap(), Err(Lost::Gone)));
    let written = host.0.get_mut().write_all(b"x");
    assert!(written.is_err(), "the guest has hung up, though it still has the connection");
    drop(connection);
}
