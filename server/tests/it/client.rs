//! A client of a test's own: raw HTTP/1.1 over a socket, and a WebSocket that says and hears frames.

use std::net::SocketAddr;
use std::time::Duration;

use altair_protocol::rpc::Protocol;
use altair_protocol::sync::{
    Acked, Applied, Closing, DeviceFrame, Hello, Item, Ping, Push, Refused, Reset, ServerFrame, SyncId, Unopened,
    Welcome,
};
use altair_protocol::{Change, DeviceId, Incarnation};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than this, a server hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What is waited for, or a failure.
pub(crate) async fn soon<T>(what: &str, waited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, waited).await {
        Ok(done) => done,
        Err(_) => panic!("waited for {what} in vain"),
    }
}

/// Where to ask, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    }

    /// The word of an error.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, token: None }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[], body.as_bytes()).await
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: altair\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has answered already may not read the rest.
        let _ = stream.write_all(body).await;
        let mut raw = Vec::new();
        let _ = soon("an answer", stream.read_to_end(&mut raw)).await;
        Answer::read(&raw)
    }
}

impl Answer {
    pub(crate) fn read(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("the answer has no head");
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = &raw[end + 4..];
        let answer = Self { status, head, body: Vec::new() };
        let chunked = answer.header("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let body = if chunked { unchunked(body) } else { body.to_vec() };
        Self { body, ..answer }
    }
}

fn unchunked(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap(), 16).unwrap();
        if size == 0 || raw.len() < end + 4 + size {
            break;
        }
        body.extend_from_slice(&raw[end + 2..end + 2 + size]);
        raw = &raw[end + 4 + size..];
    }
    body
}

/// A connection to the sync socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) closing: Option<Closing>,
    /// The number of WebSocket's close frame.
    pub(crate) number: Option<u16>,
}

impl Socket {
    pub(crate) async fn open(http: &Http) -> Self {
        Self::try_open(http).await.expect("the socket doesn't open")
    }

    pub(crate) async fn try_open(http: &Http) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{}/v1/sync", http.address).into_client_request().unwrap();
        if let Some(token) = &http.token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let (stream, _) = soon("a socket", connect_async(request)).await?;
        Ok(Self { stream })
    }

    pub(crate) async fn say(&mut self, frame: &DeviceFrame) {
        self.raw(Message::text(frame.to_text().unwrap())).await;
    }

    pub(crate) async fn raw(&mut self, message: Message) {
        soon("a frame to be sent", self.stream.send(message)).await.unwrap();
    }

    pub(crate) async fn hello(&mut self, device: DeviceId, cursor: u64, incarnation: Option<Incarnation>) {
        let hello = Hello {
            protocol: Protocol { min: 1, max: 1 },
            device,
            cursor: SyncId::try_from(cursor).unwrap(),
            incarnation,
            version: "a test".to_owned(),
        };
        self.say(&DeviceFrame::Hello(hello)).await;
    }

    pub(crate) async fn push(&mut self, changes: &[Change]) {
        let changes = changes.iter().map(|change| Unopened::of(change).unwrap().into()).collect();
        self.say(&DeviceFrame::Push(Push { changes })).await;
    }

    pub(crate) async fn applied(&mut self, cursor: u64) {
        self.say(&DeviceFrame::Applied(Applied { cursor: SyncId::try_from(cursor).unwrap() })).await;
    }

    pub(crate) async fn ping(&mut self, n: u64) {
        self.say(&DeviceFrame::Ping(Ping { n })).await;
    }

    /// The next frame; `Err`: the connection ended.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, Ended> {
        loop {
            match soon("a frame", self.stream.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(ServerFrame::parse(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(Ended { closing: None, number: frame.map(|frame| frame.code.into()) });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Ended { closing: None, number: None }),
            }
        }
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        match self.next().await.unwrap() {
            ServerFrame::Welcome(welcome) => welcome,
            other => panic!("{other:?} instead of welcome"),
        }
    }

    pub(crate) async fn reset(&mut self) -> Reset {
        match self.next().await.unwrap() {
            ServerFrame::Reset(reset) => reset,
            other => panic!("{other:?} instead of reset"),
        }
    }

    /// The next pong; other frames are passed over.
    pub(crate) async fn pong(&mut self) -> u64 {
        loop {
            if let ServerFrame::Pong(pong) = self.next().await.unwrap() {
                return pong.n;
            }
        }
    }

    /// The end, with why.
    pub(crate) async fn end(&mut self) -> Ended {
        let mut closing = None;
        loop {
            match self.next().await {
                Ok(ServerFrame::Closing(said)) => closing = Some(said),
                Ok(_) => {}
                Err(ended) => return Ended { closing, ..ended },
            }
        }
    }

    /// Everything until `live`.
    pub(crate) async fn until_live(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            match self.next().await.unwrap() {
                ServerFrame::Changes(changes) => items.extend(changes.items),
                ServerFrame::Live(_) => return items,
                _ => {}
            }
        }
    }

    /// At least so many items.
    pub(crate) async fn items(&mut self, count: usize) -> Vec<Item> {
        let mut items = Vec::new();
        while items.len() < count {
            if let ServerFrame::Changes(changes) = self.next().await.unwrap() {
                items.extend(changes.items);
            }
        }
        items
    }

    /// The answers to so many changes, in any order.
    pub(crate) async fn answers(&mut self, count: usize) -> (Vec<Acked>, Vec<Refused>) {
        let (mut acked, mut refused) = (Vec::new(), Vec::new());
        while acked.len() + refused.len() < count {
            match self.next().await.unwrap() {
                ServerFrame::Ack(ack) => acked.extend(ack.items),
                ServerFrame::Refused(why) => refused.push(why),
                _ => {}
            }
        }
        (acked, refused)
    }

    /// Pushes changes and gives their numbers; none may be refused.
    pub(crate) async fn accepted(&mut self, changes: &[Change]) -> Vec<u64> {
        self.push(changes).await;
        let (acked, refused) = self.answers(changes.len()).await;
        assert!(refused.is_empty(), "{refused:?}");
        let number = |change: &Change| acked.iter().find(|acked| acked.change == change.id).unwrap().sync_id.get();
        changes.iter().map(number).collect()
    }

    /// Pushes one change that is refused.
    pub(crate) async fn refused(&mut self, change: &Change) -> Refused {
        self.push(std::slice::from_ref(change)).await;
        let (acked, mut refused) = self.answers(1).await;
        assert!(acked.is_empty(), "{change:?} was accepted");
        refused.remove(0)
    }
}
