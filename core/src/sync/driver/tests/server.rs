//! A server on a port of this machine, on threads of its own: the model behind HTTP by hand, so that it can be as wrong as a test wants.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use altair_protocol::sync::{
    BootstrapLine, Checksum, CloseCode, DeviceFrame, End, Erased, Hello, Joined, OURS, Paired, Pong, Pushed, Renew,
    ServerFrame, Start, Unopened,
};
use altair_protocol::view::Time;
use altair_protocol::{Change, ChangeId, Clock, DeviceId, EntityId, Field, Hash, Incarnation, Kind, Op, VersionVector};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::home::Bell;
use super::notebook::wall;
use crate::Environment;
use crate::sync::driver::StateLine;
use crate::sync::machine::tests::world::server as model;

/// What the server does about a request instead of answering it.
#[derive(Debug, Clone)]
pub(super) enum Trick {
    /// These bytes, and hangs up.
    Say(Vec<u8>),
    /// A body without an end.
    Endless,
    /// Nothing, ever.
    Stall,
    /// The answer is cut off after so many lines.
    CutAfter(usize),
    /// The checksum is wrong.
    Miscount,
    /// A byte is turned.
    Corrupt,
    /// So many bytes of a blob are sent or taken.
    Part(usize),
}

pub(super) struct Inside {
    pub(super) model: model::Server,
    pub(super) tokens: BTreeMap<String, DeviceId>,
    /// What is in store for the next requests of a path.
    pub(super) tricks: VecDeque<(&'static str, Trick)>,
    /// First lines of requests, with the token.
    pub(super) requests: Vec<(String, Option<String>)>,
    pub(super) blobs: BTreeMap<Hash, Vec<u8>>,
    /// Connections with a number up to this end at once.
    pub(super) cut: usize,
    /// With this said first.
    pub(super) last_words: Option<(CloseCode, &'static str)>,
    pub(super) sockets: usize,
    /// Nothing is said on sockets any more, and nothing heard.
    pub(super) stalled: bool,
    pub(super) pushes: usize,
    stranger: DeviceId,
    clock: Clock,
}

impl Inside {
    /// A change of a device's, as if it had come from there.
    fn write(&mut self, entity: EntityId, device: DeviceId, seen: VersionVector) {
        let environment = Environment::default();
        let ops = vec![Op::Set { field: Field::TITLE, value: 1_u64.into() }];
        let change = Change {
            id: ChangeId::v7(environment.now(), environment.random()),
            entity,
            kind: Kind::Note,
            device,
            at: self.clock.tick(environment.now()).unwrap(),
            seen,
            erase: false,
            blobs: Vec::new(),
            ops,
        };
        let cursor = self.model.head();
        let hello = Hello { protocol: OURS, device, cursor, incarnation: None, version: "tests".to_owned() };
        let mut session = self.model.greet(&hello, wall()).1.unwrap();
        let change = Pushed::from(Unopened::of(&change).unwrap());
        let answers = self.model.push(&mut session, vec![change], &BTreeSet::new(), wall()).0;
        assert!(matches!(answers[..], [ServerFrame::Ack(_)]), "{answers:?}");
    }
}

pub(super) struct Server {
    inside: Arc<Mutex<Inside>>,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
    bell: Bell,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    pub(super) fn start(incarnation: Incarnation, bell: Bell) -> Self {
        let inside = Inside {
            model: model::Server::new(incarnation),
            tokens: BTreeMap::new(),
            tricks: VecDeque::new(),
            requests: Vec::new(),
            blobs: BTreeMap::new(),
            cut: 0,
            last_words: None,
            sockets: 0,
            stalled: false,
            pushes: 0,
            stranger: DeviceId::v7(8, [8; 10]),
            clock: Clock::default(),
        };
        let inside = Arc::new(Mutex::new(inside));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let visitor = Visitor { inside: Arc::clone(&inside), bell: bell.clone() };
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(visitor.clone().serve(stream));
            }
        });
        Self { inside, address, runtime: Some(runtime), bell }
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn trick(&self, path: &'static str, trick: Trick) {
        self.inside().tricks.push_back((path, trick));
    }

    /// Another device writes so many things.
    pub(super) fn happens(&self, things: usize) {
        let environment = Environment::default();
        for _ in 0..things {
            let entity = EntityId::v7(environment.now(), environment.random());
            let stranger = self.inside().stranger;
            self.inside().write(entity, stranger, VersionVector::new());
        }
        self.bell.ring();
    }

    /// Another copy of a device's store writes to an entity.
    pub(super) fn forges(&self, entity: EntityId, device: DeviceId) {
        let mut inside = self.inside();
        let seen = inside.model.states[&entity].applied.clone();
        inside.write(entity, device, seen);
        drop(inside);
        self.bell.ring();
    }

    /// Ends all sockets, after these words.
    pub(super) fn cut(&self, words: Option<(CloseCode, &'static str)>) {
        let mut inside = self.inside();
        (inside.cut, inside.last_words) = (inside.sockets, words);
        drop(inside);
        self.bell.ring();
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.inside().requests.iter().filter(|(line, _)| line.contains(path)).count()
    }
}

#[derive(Clone)]
struct Visitor {
    inside: Arc<Mutex<Inside>>,
    bell: Bell,
}

struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(super) fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = format!(r#"{{"error":{{"code":"{code}","message":"no","hint":"look again"}}}}"#);
    answer(status, "", body.as_bytes())
}

impl Visitor {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    async fn serve(self, mut stream: TcpStream) -> Option<()> {
        let request = read(&mut stream).await?;
        let token =
            request.headers.get("authorization").and_then(|token| token.strip_prefix("Bearer ")).map(str::to_owned);
        let (trick, device) = {
            let mut inside = self.inside();
            inside.requests.push((format!("{} {}", request.method, request.target), token.clone()));
            let at = inside.tricks.iter().position(|(path, _)| request.target.contains(path));
            let trick = at.and_then(|at| inside.tricks.remove(at)).map(|(_, trick)| trick);
            (trick, token.and_then(|token| inside.tokens.get(&token).copied()))
        };
        self.bell.ring();
        match trick {
            Some(Trick::Say(bytes)) => return stream.write_all(&bytes).await.ok(),
            Some(Trick::Endless) => {
                let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
                stream.write_all(head).await.ok()?;
                loop {
                    stream.write_all(&[b' '; 1 << 16]).await.ok()?;
                }
            }
            Some(Trick::Stall) => return std::future::pending().await,
            _ => {}
        }
        let Some(device) = device else {
            return stream.write_all(&refusal("401 Unauthorized", "unauthorized")).await.ok();
        };
        let path = request.target.split('?').next().unwrap();
        let bytes = match path {
            "/v1/sync" => return self.socket(stream, &request, device).await,
            "/v1/bootstrap" => self.bootstrap(&request, trick.as_ref()),
            "/v1/states" => self.states(&request, device),
            "/v1/token" => self.token(&request, device),
            _ => self.blob(&request, path, trick.as_ref()),
        };
        stream.write_all(&bytes).await.ok()?;
        self.bell.ring();
        stream.shutdown().await.ok()
    }

    fn token(&self, request: &Request, device: DeviceId) -> Vec<u8> {
        let renew: Renew = serde_json::from_slice(&request.body).unwrap();
        let mut inside = self.inside();
        let device = renew.device.unwrap_or(device);
        let token = format!("secret-{}", inside.tokens.len());
        inside.tokens.insert(token.clone(), device);
        let paired = Paired {
            token,
            device,
            household: altair_protocol::sync::Household { id: model::home(), name: "Home".to_owned() },
            incarnation: inside.model.incarnation,
            server_time: Time::from_millis(wall()),
            renew_at: None,
        };
        answer("200 OK", "", &serde_json::to_vec(&paired).unwrap())
    }

    fn bootstrap(&self, request: &Request, trick: Option<&Trick>) -> Vec<u8> {
        let inside = self.inside();
        let query: BTreeMap<&str, &str> = request
            .target
            .split_once('?')
            .map(|(_, query)| query.split('&').filter_map(|pair| pair.split_once('=')).collect())
            .unwrap_or_default();
        let after: Option<EntityId> = query.get("after").map(|after| after.parse().unwrap());
        let asked: Option<u64> = query.get("head").map(|head| head.parse().unwrap());
        if asked.is_some_and(|head| head < inside.model.horizon) {
            return refusal("409 Conflict", "horizon");
        }
        let head = asked.map_or(inside.model.head(), |head| head.try_into().unwrap());
        let start = Start {
            head,
            incarnation: inside.model.incarnation,
            server_time: Time::from_millis(wall()),
            entities: inside.model.states.keys().filter(|id| Some(**id) > after).count() as u64,
        };
        let mut lines = vec![BootstrapLine::Bootstrap(start)];
        let mut both: BTreeMap<EntityId, BootstrapLine> = inside
            .model
            .states
            .iter()
            .map(|(id, state)| (*id, BootstrapLine::Entity(Box::new(state.clone()))))
            .collect();
        for (id, seen) in &inside.model.erased {
            let erased = Erased { id: *id, kind: Kind::Note, seen: seen.clone() };
            both.insert(*id, BootstrapLine::Erased(erased));
        }
        lines.extend(both.into_iter().filter(|(id, _)| Some(*id) > after).map(|(_, line)| line));
        let count = |is: fn(&BootstrapLine) -> bool| lines.iter().filter(|line| is(line)).count() as u64;
        let entities = count(|line| matches!(line, BootstrapLine::Entity(_)));
        let erased = count(|line| matches!(line, BootstrapLine::Erased(_)));
        let (mut text, mut checksum) = (String::new(), Checksum::default());
        for (number, line) in lines.iter().enumerate() {
            if matches!(trick, Some(Trick::CutAfter(at)) if *at == number) {
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len() + 1000);
                return [head.as_bytes(), text.as_bytes()].concat();
            }
            let line = serde_json::to_string(line).unwrap();
            checksum.line(&line);
            text.push_str(&line);
            text.push('\n');
        }
        if matches!(trick, Some(Trick::Miscount)) {
            checksum.line("");
        }
        let end = BootstrapLine::End(End { entities, erased, checksum: checksum.hash() });
        text.push_str(&serde_json::to_string(&end).unwrap());
        text.push('\n');
        answer("200 OK", "", text.as_bytes())
    }

    fn states(&self, request: &Request, device: DeviceId) -> Vec<u8> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(request.body.as_slice()).read_to_string(&mut text).unwrap();
        let mut inside = self.inside();
        if !inside.model.meets(device) {
            return refusal("409 Conflict", "met");
        }
        let (mut refused, mut gone) = (Vec::new(), BTreeSet::new());
        for line in text.lines() {
            match serde_json::from_str(line).unwrap() {
                StateLine::Entity(state) => refused.extend(inside.model.join(&state).err()),
                StateLine::Erased(erased) => inside.model.join_erased(erased.id, &erased.seen, &mut gone),
            }
        }
        let (head, incarnation) = (inside.model.head(), inside.model.incarnation);
        let joined = Joined { joined: text.lines().count() as u64, unchanged: 0, refused, head, incarnation };
        answer("200 OK", "", &serde_json::to_vec(&joined).unwrap())
    }

    fn blob(&self, request: &Request, path: &str, trick: Option<&Trick>) -> Vec<u8> {
        let hash: Hash = path.rsplit('/').next().unwrap().parse().unwrap();
        let mut inside = self.inside();
        let whole = inside.model.blobs.contains(&hash);
        let kept = inside.blobs.entry(hash).or_default();
        match request.method.as_str() {
            "HEAD" if whole => answer("200 OK", "", b""),
            "HEAD" => answer("404 Not Found", &format!("Upload-Offset: {}\r\n", kept.len()), b""),
            "PUT" => {
                let number = |name: &str| request.headers[name].parse::<usize>().unwrap();
                if number("upload-offset") != kept.len() {
                    let header = format!("Upload-Offset: {}\r\n", kept.len());
                    let body = br#"{"error":{"code":"offset","message":"no","hint":"look"}}"#;
                    return answer("409 Conflict", &header, body);
                }
                let taken = match trick {
                    Some(Trick::Part(part)) => &request.body[..(*part).min(request.body.len())],
                    _ => &request.body,
                };
                kept.extend_from_slice(taken);
                let at = kept.len();
                if at < number("upload-length") {
                    return answer("202 Accepted", &format!("Upload-Offset: {at}\r\n"), b"");
                }
                if Hash::from(blake3::hash(kept)) != hash {
                    kept.clear();
                    return refusal("422 Unprocessable Content", "corrupt");
                }
                inside.model.blobs.insert(hash);
                answer("201 Created", "", b"")
            }
            _ if !whole => refusal("404 Not Found", "not_found"),
            _ => {
                let from = request
                    .headers
                    .get("range")
                    .map(|range| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap());
                let mut body = kept[from.unwrap_or(0)..].to_vec();
                let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
                match trick {
                    Some(Trick::Corrupt) => body[0] ^= 1,
                    Some(Trick::Part(part)) => {
                        let head =
                            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                        return [head.as_bytes(), &body[..*part]].concat();
                    }
                    _ => {}
                }
                answer(status, "", &body)
            }
        }
    }

    async fn socket(self, mut stream: TcpStream, request: &Request, device: DeviceId) -> Option<()> {
        let accept = derive_accept_key(request.headers["sec-websocket-key"].as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let number = {
            let mut inside = self.inside();
            inside.sockets += 1;
            inside.sockets
        };
        let mut bell = self.bell.listen();
        let mut session: Option<model::Session> = None;
        loop {
            let mut frames = Vec::new();
            if self.inside().stalled {
                return std::future::pending().await;
            }
            let (cut, words) = {
                let inside = self.inside();
                if let Some(session) = &mut session {
                    while inside.model.has_news(session) {
                        frames.push(inside.model.news(session, 100));
                    }
                }
                (inside.cut >= number, inside.last_words)
            };
            if cut {
                if let Some((code, reason)) = words {
                    let close = CloseFrame { code: code.number().into(), reason: reason.into() };
                    socket.close(Some(close)).await.ok()?;
                }
                return None;
            }
            for frame in frames {
                socket.send(Message::text(frame.to_text().unwrap())).await.ok()?;
            }
            let message = tokio::select! {
                message = socket.next() => message?.ok()?,
                _ = bell.changed() => continue,
            };
            let Message::Text(text) = message else { continue };
            let mut answers = Vec::new();
            match DeviceFrame::parse(&text).unwrap() {
                DeviceFrame::Hello(hello) => {
                    assert_eq!(hello.device, device);
                    let (frame, greeted) = self.inside().model.greet(&hello, wall());
                    session = greeted;
                    answers.push(frame);
                }
                DeviceFrame::Push(push) => {
                    let mut inside = self.inside();
                    inside.pushes += 1;
                    let nothing = BTreeSet::new();
                    answers = inside.model.push(session.as_mut()?, push.changes, &nothing, wall()).0;
                }
                DeviceFrame::Ping(ping) => {
                    answers.push(ServerFrame::Pong(Pong { n: ping.n, server_time: Time::from_millis(wall()) }));
                }
                DeviceFrame::Applied(_) => {}
            }
            // Whoever waits for what was accepted hears of it, and the acknowledgement may be cut off.
            self.bell.ring();
            if self.inside().cut >= number {
                continue;
            }
            for frame in answers {
                socket.send(Message::text(frame.to_text().unwrap())).await.ok()?;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, target, headers, body })
}
