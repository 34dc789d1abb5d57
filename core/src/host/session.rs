//! One connection at the host.
//!
//! It is read as fast as it is answered: so many requests at a time, and then it waits. A guest that doesn't take its answers is let go of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use altair_protocol::ErrorKind;
use altair_protocol::request::Progress;
use altair_protocol::rpc::{self, Code, Done, Fault, HostKind, Incoming, Line, Request, RequestId, Success};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::answer::{answer, fault};
use super::listener::Service;
use super::socket::Stream;
use super::wire::{Lines, ReadError, line};
use crate::engine::{Asked, OnProgress, Watched};
use crate::error::Error;

/// How many requests of one connection are worked on at a time.
const AT_A_TIME: usize = 64;
/// How many requests may stand in one line.
const BATCH: usize = 64;
/// How many subscriptions a connection may have.
const WATCHES: usize = 64;
/// How long a guest may take to greet.
const GREETING: Duration = Duration::from_secs(10);
/// How long a guest may leave an answer unread.
const UNREAD: Duration = Duration::from_secs(30);
/// How often a guest hears how far a long request is, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

struct Session {
    service: Arc<Service>,
    out: tokio::sync::Mutex<OwnedWriteHalf>,
    /// The guest is gone, or doesn't read.
    broken: Notify,
    /// What may be given up in the middle.
    running: Mutex<HashMap<RequestId, AbortHandle>>,
    watches: Mutex<(u64, HashMap<u64, AbortHandle>)>,
}

/// Serves a connection to its end.
pub(crate) async fn serve(service: &Arc<Service>, stream: Stream) {
    let (read, write) = stream.into_split();
    let session = Arc::new(Session {
        service: Arc::clone(service),
        out: tokio::sync::Mutex::new(write),
        broken: Notify::new(),
        running: Mutex::default(),
        watches: Mutex::default(),
    });
    let mut lines = Lines::new(read, rpc::MAX_FRAME);
    let mut tasks = JoinSet::new();
    let mut closing = service.closing.subscribe();
    let gone = match timeout(GREETING, greet(&session, &mut lines)).await {
        Ok(true) => session.listen(&mut lines, &mut tasks, &mut closing).await,
        Ok(false) => true,
        Err(_) => {
            session.fail(None, greet_first()).await;
            true
        }
    };
    for watch in session.watches().1.values() {
        watch.abort();
    }
    if gone {
        // Nobody waits for these; what writes goes on to its end.
        session.running().values().for_each(AbortHandle::abort);
    }
    while tasks.join_next().await.is_some() {}
    let _ = timeout(UNREAD, session.out.lock()).await.map(async |mut out| out.shutdown().await);
}

fn greet_first() -> Fault {
    Fault::new(Code::HELLO, ErrorKind::Invalid, "a connection begins with hello, once", "docs/local-rpc.md shows it")
}

/// Whether the guest greeted as it should.
async fn greet<R: tokio::io::AsyncRead + Unpin>(session: &Arc<Session>, lines: &mut Lines<R>) -> bool {
    let text = match lines.next().await {
        Ok(Some(text)) => text,
        Ok(None) => return false,
        Err(error) => {
            session.unreadable(&error).await;
            return false;
        }
    };
    let incoming = match parse(text) {
        Ok(incoming) => incoming,
        Err(fault) => {
            session.fail(None, fault).await;
            return false;
        }
    };
    let Some(id) = incoming.id else {
        session.fail(None, greet_first()).await;
        return false;
    };
    if incoming.method.as_deref() != Some(rpc::HELLO) {
        session.fail(Some(&id), greet_first()).await;
        return false;
    }
    let hello: rpc::Hello = match params(incoming.params) {
        Ok(hello) => hello,
        Err(fault) => {
            session.fail(Some(&id), fault).await;
            return false;
        }
    };
    let host = session.service.host();
    match host.protocol.common(hello.protocol) {
        Some(protocol) => {
            session.succeed(&id, &rpc::Welcome { protocol, host }).await;
            true
        }
        None => {
            let (ours, theirs) = (host.protocol, hello.protocol);
            let (message, hint) = if theirs.min > ours.max {
                let message =
                    format!("the store is open in a program of version {}, which is older than this one", host.version);
                (message, format!("close that program (process {}), or update it", host.pid))
            } else {
                let message =
                    format!("the store is open in a program of version {}, which is newer than this one", host.version);
                (message, "update this program".to_owned())
            };
            session.fail(Some(&id), Fault::new(Code::HELLO, ErrorKind::Unsupported, message, hint)).await;
            false
        }
    }
}

fn parse(text: &[u8]) -> Result<Incoming<'_>, Fault> {
    serde_json::from_slice(text).map_err(|error| {
        let code = if error.is_data() { Code::REQUEST } else { Code::PARSE };
        let message = format!("this is no JSON-RPC 2.0 request: {error}");
        Fault::new(code, ErrorKind::Invalid, message, "send one request a line; docs/local-rpc.md shows some")
    })
}

fn params<T: serde::de::DeserializeOwned>(given: Option<&RawValue>) -> Result<T, Fault> {
    let given = given.map_or("{}", RawValue::get);
    serde_json::from_str(given).map_err(|error| rpc::MessageError::Params(error).into())
}

fn closing_fault() -> Fault {
    Fault::new(Code::CLOSING, ErrorKind::Closed, "the host is closing", "connect again: there is another host soon")
}

/// Ends when the host closes.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // The service holds the sender.
    let _ = closing.wait_for(|closing| *closing).await;
}

impl Session {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches(&self) -> std::sync::MutexGuard<'_, (u64, HashMap<u64, AbortHandle>)> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes requests until the guest leaves or the host closes. Whether the guest is gone.
    async fn listen<R: tokio::io::AsyncRead + Unpin>(
        self: &Arc<Self>,
        lines: &mut Lines<R>,
        tasks: &mut JoinSet<()>,
        closing: &mut watch::Receiver<bool>,
    ) -> bool {
        let slots = Arc::new(Semaphore::new(AT_A_TIME));
        loop {
            while tasks.try_join_next().is_some() {}
            let next = async {
                // Nobody closes it.
                let slot = Arc::clone(&slots).acquire_owned().await.ok();
                (slot, lines.next().await)
            };
            tokio::select! {
                biased;
                () = self.broken.notified() => return true,
                () = closed(closing) => {
                    self.write(&Line::notification(rpc::CLOSING, &serde_json::json!({}))).await;
                    return false;
                }
                (slot, read) = next => match read {
                    Ok(Some(text)) => self.take(text, slot, tasks).await,
                    Ok(None) => return true,
                    Err(error) => {
                        self.unreadable(&error).await;
                        return true;
                    }
                },
            }
        }
    }

    /// Begins what a line asks for.
    async fn take(self: &Arc<Self>, text: &[u8], slot: Option<OwnedSemaphorePermit>, tasks: &mut JoinSet<()>) {
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return self.take_batch(text, slot, tasks).await;
        }
        let incoming = match parse(text) {
            Ok(incoming) => incoming,
            Err(fault) => return self.fail(None, fault).await,
        };
        let Some(method) = incoming.method else {
            // An answer: we have asked nothing.
            return;
        };
        let Some(id) = incoming.id else { return self.take_notification(&method, incoming.params) };
        if method == rpc::WATCH {
            return self.begin_watch(id, params(incoming.params), tasks).await;
        }
        if let Some(answered) = self.command(&method, incoming.params) {
            return self.respond(&id, answered).await;
        }
        let request = match Request::parse(&method, incoming.params.map_or("{}", RawValue::get)) {
            Ok(request) => request,
            Err(error) => return self.fail(Some(&id), error.into()).await,
        };
        let (session, again) = (Arc::clone(self), incoming.again);
        let may_stop = request.done() == Done::Again;
        let name = id.clone();
        // Not before it is written down: it may end at once.
        let mut running = may_stop.then(|| self.running());
        let task = tasks.spawn(async move {
            let answered = session.ask(&id, request, again).await;
            session.running().remove(&id);
            session.respond(&id, answered).await;
            drop(slot);
        });
        if let Some(running) = &mut running {
            running.insert(name, task);
        }
    }

    /// Several requests in one line: done in order, answered in one.
    async fn take_batch(self: &Arc<Self>, text: &[u8], slot: Option<OwnedSemaphorePermit>, tasks: &mut JoinSet<()>) {
        let requests: Vec<Box<RawValue>> = match serde_json::from_slice(text) {
            Ok(requests) => requests,
            Err(error) => {
                let message = format!("this is no batch of requests: {error}");
                return self
                    .fail(None, Fault::new(Code::PARSE, ErrorKind::Invalid, message, "send a JSON array"))
                    .await;
            }
        };
        if requests.is_empty() || requests.len() > BATCH {
            let message = format!("a batch has 1 to {BATCH} requests, and this has {}", requests.len());
            return self.fail(None, Fault::new(Code::REQUEST, ErrorKind::Invalid, message, "send fewer at once")).await;
        }
        let session = Arc::clone(self);
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for request in requests {
                answers.extend(session.answer_in_batch(request.get()).await);
            }
            if !answers.is_empty() {
                session.write(&answers).await;
            }
            drop(slot);
        });
    }

    async fn answer_in_batch(self: &Arc<Self>, text: &str) -> Option<Box<RawValue>> {
        let (id, answered) = match parse(text.as_bytes()) {
            Err(fault) => (None, Err(fault)),
            Ok(incoming) => {
                let method = incoming.method?;
                let Some(id) = incoming.id else {
                    self.take_notification(&method, incoming.params);
                    return None;
                };
                let answered = match self.command(&method, incoming.params) {
                    Some(answered) => answered,
                    None => match Request::parse(&method, incoming.params.map_or("{}", RawValue::get)) {
                        Ok(request) => self.ask(&id, request, incoming.again).await,
                        Err(error) => Err(error.into()),
                    },
                };
                (Some(id), answered)
            }
        };
        let answer = answered.and_then(raw).map_or_else(
            |error| serde_json::to_string(&Failed { jsonrpc: "2.0", id: id.as_ref(), error }),
            |result| match &id {
                Some(id) => serde_json::to_string(&Success::new(id, &result)),
                None => Ok("null".to_owned()),
            },
        );
        RawValue::from_string(answer.ok()?).ok()
    }

    fn take_notification(&self, method: &str, given: Option<&RawValue>) {
        if method == rpc::CANCEL
            && let Ok(rpc::Cancel { id }) = params(given)
            && let Some(task) = self.running().remove(&id)
        {
            task.abort();
        }
    }

    /// What is the connection's and not the engine's, answered at once; `None` if it is none of that.
    fn command(self: &Arc<Self>, method: &str, given: Option<&RawValue>) -> Option<Result<String, Fault>> {
        let answered = match method {
            rpc::HELLO => Err(greet_first()),
            rpc::PING => Ok("{}".to_owned()),
            rpc::STATUS => json(&self.service.host()),
            rpc::SHUTDOWN => self.shutdown(),
            // What it tells begins after its answer, which in a batch is later.
            rpc::WATCH => Err(Fault::new(
                Code::REQUEST,
                ErrorKind::Invalid,
                "watch stands in no batch",
                "send it in a line of its own",
            )),
            rpc::UNWATCH => params(given).map(|rpc::Unwatch { watch }| {
                if let Some(task) = self.watches().1.remove(&watch) {
                    task.abort();
                }
                "{}".to_owned()
            }),
            _ => return None,
        };
        Some(answered)
    }

    fn shutdown(&self) -> Result<String, Fault> {
        let host = self.service.host();
        if host.kind == HostKind::App {
            return Err(Fault::new(
                Code::ENGINE,
                ErrorKind::Refused,
                format!("the store is open in a program that isn't a daemon (process {})", host.pid),
                "close that program",
            ));
        }
        self.service.ask_to_go();
        Ok("{}".to_owned())
    }

    async fn ask(self: &Arc<Self>, id: &RequestId, request: Request, again: bool) -> Result<String, Fault> {
        let engine = self.service.engine.upgrade().ok_or_else(closing_fault)?;
        let asked = id.uuid().map(|id| Asked { id, again });
        let progress = matches!(request, Request::Import(_) | Request::Export(_)).then(|| self.progress(id));
        answer(engine, request, asked, progress).await
    }

    /// Tells the guest now and then how far a request is.
    fn progress(self: &Arc<Self>, id: &RequestId) -> OnProgress {
        let (sender, mut latest) = watch::channel(Progress { done: 0, total: 0 });
        let (session, id) = (Arc::clone(self), id.clone());
        tokio::spawn(async move {
            // It ends with the request, which drops the sender.
            while latest.changed().await.is_ok() {
                let Progress { done, total } = *latest.borrow_and_update();
                let progressed = rpc::Progressed { id: id.clone(), done, total };
                session.write(&Line::notification(rpc::PROGRESS, &progressed)).await;
                tokio::time::sleep(PROGRESS_EVERY).await;
            }
        });
        Box::new(move |progress| {
            sender.send_replace(progress);
        })
    }

    /// Begins a subscription: its answer, and then what it tells.
    async fn begin_watch(self: &Arc<Self>, id: RequestId, watch: Result<rpc::Watch, Fault>, tasks: &mut JoinSet<()>) {
        let watch = match watch {
            Ok(watch) => watch,
            Err(fault) => return self.fail(Some(&id), fault).await,
        };
        let session = Arc::clone(self);
        let number = {
            let mut watches = self.watches();
            watches.0 += 1;
            (watches.1.len() < WATCHES).then_some(watches.0)
        };
        let Some(number) = number else {
            let message = format!("a connection has at most {WATCHES} subscriptions");
            let fault = Fault::new(Code::ENGINE, ErrorKind::Refused, message, "end one of them with unwatch");
            return self.fail(Some(&id), fault).await;
        };
        // Not before it is written down: it may end at once.
        let mut watches = self.watches();
        let task = tasks.spawn(async move {
            session.tell(&id, number, watch).await;
            session.watches().1.remove(&number);
        });
        watches.1.insert(number, task);
    }

    async fn tell(&self, id: &RequestId, number: u64, watch: rpc::Watch) {
        let Some(engine) = self.service.engine.upgrade() else { return self.fail(Some(id), closing_fault()).await };
        let begun = engine.watch(watch.kind, watch.after).await;
        drop(engine);
        let mut local = match begun {
            Ok(local) => local,
            Err(error) => return self.fail(Some(id), fault(&error)).await,
        };
        self.succeed(id, &rpc::Watching { watch: number, seq: local.seq() }).await;
        while let Some(next) = local.next().await {
            let event = match next {
                Watched::Current { .. } => continue,
                Watched::Change(event) => rpc::Event::Change(event),
                Watched::Lagged { seq } => rpc::Event::Lagged(seq),
            };
            self.write(&Line::notification(rpc::WATCHED, &rpc::Watched { watch: number, event })).await;
        }
    }

    async fn respond(&self, id: &RequestId, answered: Result<String, Fault>) {
        match answered.and_then(raw) {
            Ok(result) => self.succeed(id, &result).await,
            Err(fault) => self.fail(Some(id), fault).await,
        }
    }

    async fn succeed<T: Serialize>(&self, id: &RequestId, result: &T) {
        self.write(&Success::new(id, result)).await;
    }

    async fn fail(&self, id: Option<&RequestId>, error: Fault) {
        self.write(&Failed { jsonrpc: "2.0", id, error }).await;
    }

    async fn unreadable(&self, error: &ReadError) {
        match error {
            ReadError::TooLong => {
                let message = format!("a line has at most {} bytes", rpc::MAX_FRAME);
                self.fail(None, Fault::new(Code::PARSE, ErrorKind::Invalid, message, "send less at a time")).await;
            }
            ReadError::Failed(error) => tracing::debug!(%error, "a guest's connection failed"),
        }
    }

    /// Writes a message, or notices that nobody reads.
    async fn write<T: Serialize>(&self, message: &T) {
        let Ok(line) = line(message) else {
            tracing::error!("an answer can't be written as JSON");
            return;
        };
        let writing = async { self.out.lock().await.write_all(&line).await };
        if !matches!(timeout(UNREAD, writing).await, Ok(Ok(()))) {
            self.broken.notify_one();
        }
    }
}

/// A bad answer as it is written; the id is null where none could be read.
#[derive(Serialize)]
struct Failed<'a> {
    jsonrpc: &'static str,
    id: Option<&'a RequestId>,
    error: Fault,
}

fn raw(json: String) -> Result<Box<RawValue>, Fault> {
    let raw = RawValue::from_string(json);
    raw.map_err(|error| fault(&Error::internal("an answer can't be written as JSON").because(error)))
}

fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|error| fault(&Error::internal("an answer can't be written as JSON").because(error)))
}
