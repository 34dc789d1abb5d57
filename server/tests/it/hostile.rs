//! Hostile clients: a clear end for them, bounded memory for us, and nothing for the others to notice.

use std::time::Duration;

use altair_protocol::rpc::Protocol;
use altair_protocol::sync::{DeviceFrame, Hello, SyncId};
use futures::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Answer, Socket, soon};
use crate::world::World;

/// How much memory this process has had at most, in bytes.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// What lies under the socket, to write what no WebSocket would.
fn raw(socket: &mut Socket) -> &mut TcpStream {
    match socket.stream.get_mut() {
        MaybeTlsStream::Plain(stream) => stream,
        _ => panic!("the socket isn't a plain one"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_a_gigabyte_is_refused_by_its_head() {
    let world = World::new().await;
    let (device, other) = (world.device().await, world.device().await);
    let mut good = other.connect().await;
    let mut socket = device.connect().await;
    let before = most_memory();
    let mut head = vec![0x81, 0xff];
    head.extend_from_slice(&(1_u64 << 30).to_be_bytes());
    head.extend_from_slice(&[1, 2, 3, 4]);
    head.extend_from_slice(&vec![b'x'; 1 << 16]);
    soon("writing", raw(&mut socket).write_all(&head)).await.unwrap();
    assert_eq!(socket.end().await.closing.unwrap().code.number(), 4413);
    assert!(most_memory() < before + (256 << 20));
    assert_eq!(good.accepted(&[other.note("Figs")]).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_small_frames_is_ended() {
    let world = World::new().await;
    let (device, other) = (world.device().await, world.device().await);
    let mut good = other.connect().await;
    let mut socket = device.connect().await;
    // Until the server hangs up.
    for n in 0..1_000_000_u64 {
        let ping = Message::text(format!(r#"{{"ping":{{"n":{n}}}}}"#));
        if soon("writing", socket.stream.send(ping)).await.is_err() {
            break;
        }
        if n % 50 == 0 {
            good.ping(n).await;
            if n >= 1000 {
                break;
            }
        }
    }
    assert_eq!(socket.end().await.closing.unwrap().code.number(), 4429);
    assert_eq!(good.accepted(&[other.note("Figs")]).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_ends_the_connection_with_a_reason() {
    let world = World::new().await;
    let device = world.device().await;
    let deep = format!(r#"{{"push":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let hello = Hello {
        protocol: Protocol { min: 1, max: 1 },
        device: device.id(),
        cursor: SyncId::ZERO,
        incarnation: None,
        version: String::new(),
    };
    let cases = [
        (Message::text("figs"), 4400),
        (Message::text(deep), 4400),
        (Message::text(r#"{"weather":"fine"}"#), 4400),
        (Message::text(r#"{"push":{"changes":[{"kind":"note"}]}}"#), 4400),
        (Message::text(r#"{"applied":{"cursor":7}}"#), 4400),
        (Message::text(DeviceFrame::Hello(hello).to_text().unwrap()), 4400),
        (Message::binary(vec![1, 2, 3]), 4400),
        (Message::text(format!(r#"{{"push":{{"changes":[{}]}}}}"#, vec!["{}"; 257].join(","))), 4413),
    ];
    for (message, number) in cases {
        let mut socket = device.connect().await;
        socket.raw(message.clone()).await;
        let ended = socket.end().await;
        assert_eq!(
            (ended.number, ended.closing.map(|said| said.code.number())),
            (Some(number), Some(number)),
            "{message:?}"
        );
    }
    let mut socket = device.connect().await;
    // A text frame that is no UTF-8, masked with zeros.
    raw(&mut socket).write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).await.unwrap();
    assert_eq!(socket.end().await.closing.unwrap().code.number(), 4400);
    let mut socket = device.connect().await;
    raw(&mut socket).write_all(&[0xff; 64]).await.unwrap();
    assert_eq!(socket.end().await.closing.unwrap().code.number(), 4400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cant_be_read_is_refused_alone() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let (good, odd) = (device.note("good"), device.note("odd"));
    let good_json = serde_json::to_string(&good).unwrap();
    let odd_json = serde_json::to_string(&odd).unwrap().replace(r#""kind":"note""#, r#""kind":"spaceship""#);
    socket.raw(Message::text(format!(r#"{{"push":{{"changes":[{odd_json},{good_json}]}}}}"#))).await;
    let (acked, refused) = socket.answers(2).await;
    assert_eq!((acked[0].change, refused[0].change), (good.id, odd.id));
    assert_eq!(refused[0].code, altair_protocol::sync::Refusal::Malformed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greeting_is_short_known_and_first() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = Socket::open(&device.http).await;
    socket.ping(1).await;
    assert_eq!(socket.end().await.number, Some(4400));
    let mut socket = Socket::open(&device.http).await;
    socket.raw(Message::text(format!(r#"{{"hello":{{"version":"{}"}}}}"#, "x".repeat(100_000)))).await;
    assert_eq!(socket.end().await.number, Some(4413));
    let mut socket = Socket::open(&device.http).await;
    let hello = Hello {
        protocol: Protocol { min: 7, max: 9 },
        device: device.id(),
        cursor: SyncId::ZERO,
        incarnation: None,
        version: "from the future".to_owned(),
    };
    socket.say(&DeviceFrame::Hello(hello)).await;
    let ended = socket.end().await;
    assert_eq!(ended.number, Some(4406));
    assert!(ended.closing.unwrap().reason.contains("the server is older"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_hung_up_on() {
    let world = World::new().await;
    let device = world.device().await;
    // Each waits for its own limit, all at once: ten seconds for a head, a greeting and a small body.
    let mut silent = TcpStream::connect(world.running.address()).await.unwrap();
    let mut slow = TcpStream::connect(world.running.address()).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: a").await.unwrap();
    let mut body = TcpStream::connect(world.running.address()).await.unwrap();
    body.write_all(b"POST /v1/pair HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut socket = Socket::open(&device.http).await;
    let mut greeted = device.connect().await;
    let (mut from_silent, mut from_slow, mut from_body) = (Vec::new(), Vec::new(), vec![0; 4096]);
    let (_, _, read, ended) = tokio::join!(
        soon("the silent one's end", silent.read_to_end(&mut from_silent)),
        soon("the slow one's end", slow.read_to_end(&mut from_slow)),
        soon("the body's end", body.read(&mut from_body)),
        soon("the greeting's end", socket.end()),
    );
    assert!(from_silent.is_empty() || Answer::read(&from_silent).status == 408);
    assert!(from_slow.is_empty() || Answer::read(&from_slow).status == 408);
    assert_eq!(Answer::read(&from_body[..read.unwrap()]).status, 400);
    assert_eq!(ended.number, Some(4408));
    greeted.ping(1).await;
    assert_eq!(greeted.pong().await, 1, "who was greeted has longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_device_is_hung_up_on_after_thirty_seconds() {
    let world = World::new().await;
    let device = world.device().await;
    let mut socket = device.connect().await;
    let ended = tokio::time::timeout(Duration::from_secs(45), async {
        loop {
            // Its own waiting ends before the server's: then it waits again.
            let next = tokio::time::timeout(Duration::from_secs(20), socket.end()).await;
            if let Ok(ended) = next {
                return ended;
            }
        }
    });
    assert_eq!(ended.await.unwrap().number, Some(4408));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused() {
    let world = World::new().await;
    let answer = world.http().post("/v1/pair", &"x".repeat(1 << 20)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"));
    let deep = format!(r#"{{"code":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(world.http().post("/v1/pair", &deep).await.code(), "malformed");
    let device = world.device().await;
    let line = format!(r#"{{"entity":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(device.http.post("/v1/states", &line).await.code(), "malformed");
    let mut head = b"GET /healthz HTTP/1.1\r\n".to_vec();
    for n in 0..200 {
        head.extend_from_slice(format!("x-{n}: y\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(world.running.address()).await.unwrap();
    stream.write_all(&head).await.unwrap();
    let mut raw = Vec::new();
    soon("an answer", stream.read_to_end(&mut raw)).await.unwrap();
    assert_eq!(Answer::read(&raw).status, 431);
    assert_eq!(world.http().get("/healthz").await.text(), "ok\n");
}
