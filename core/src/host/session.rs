//! One connection at the host.
//!
//! It is read as fast as it is answered: so many requests at a time, and then it waits. A guest that doesn't take its answers is let go of. When the host
//! closes, what only reads is given up, what writes is finished and answered, and whatever else the guest says until then is told to ask the next host.

mod asking;
mod granted;
mod watching;

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use altair_protocol::ErrorKind;
use altair_protocol::rpc::{self, Code, Fault, Grant, HostKind, Incoming, Line, Request, RequestId};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::asking::{How, until};
use super::answer::{failure, success};
use super::listener::Service;
use super::outgoing::Outgoing;
use super::socket::{Stream, process_of};
use super::stream::{ReadHalf, split};
use super::wire::{Lines, ReadError};

/// How many requests of one connection are worked on at a time.
const AT_A_TIME: usize = 64;
/// How many requests may stand in one line.
const BATCH: usize = 64;
/// How long a guest may take to greet.
const GREETING: Duration = Duration::from_secs(10);
/// The longest line before that, in bytes: who hasn't said who it is needn't be listened to for long.
const LONGEST_GREETING: usize = 64 << 10;
/// What the results of a batch may have, in bytes, of the one answer that they are: the rest is for ids and for what is refused.
const BATCH_RESULTS: usize = rpc::MAX_ANSWER - 2 * rpc::MAX_FRAME;

/// How long a guest may leave a line unread.
const UNREAD: Duration = Duration::from_secs(30);
/// How long it may when the host is closing: others wait for the store.
const UNREAD_AT_CLOSING: Duration = Duration::from_millis(200);

/// Gives up what is under way, which is then answered with this.
type Stop = oneshot::Sender<Fault>;

struct Session {
    service: Arc<Service>,
    out: Outgoing,
    /// Who is at the other end, once it has greeted.
    guest: OnceLock<Guest>,
    /// Its process, where the system tells.
    pid: Option<u32>,
    /// The requests that may be given up in the middle.
    running: Mutex<HashMap<RequestId, Stop>>,
    watches: Mutex<Watches>,
}

struct Guest {
    client: String,
    /// What it may do; `None` is everything.
    grant: Option<Grant>,
}

#[derive(Default)]
struct Watches {
    /// The number of the newest.
    last: u64,
    /// Each with the request that began it.
    open: HashMap<u64, (RequestId, Stop)>,
}

/// Serves a connection to its end.
pub(crate) async fn serve(service: &Arc<Service>, stream: Stream) {
    let pid = process_of(&stream);
    let mut revoked = service.revoked.subscribe();
    let (read, write) = match split(stream) {
        Ok(halves) => halves,
        Err(error) => return tracing::warn!(%error, "a connection can't be served"),
    };
    let (out, unwritten) = Outgoing::new(write);
    let hurry = service.closing.subscribe();
    let writing = tokio::spawn(unwritten.write(move || patience(hurry.clone())));
    let session = Arc::new(Session {
        service: Arc::clone(service),
        out,
        guest: OnceLock::new(),
        pid,
        running: Mutex::default(),
        watches: Mutex::default(),
    });
    let mut lines = Lines::new(read, LONGEST_GREETING);
    let mut closing = service.closing.subscribe();
    let greeted = tokio::select! {
        biased;
        () = closed(&mut closing) => false,
        greeted = timeout(GREETING, session.greet(&mut lines)) => match greeted {
            Ok(greeted) => greeted,
            Err(_) => {
                session.fail(None, greet_first()).await;
                false
            }
        },
    };
    if greeted {
        lines.allow(rpc::MAX_FRAME);
        session.listen(&mut lines, &mut closing, &mut revoked).await;
    }
    // Its writer ends with the session, and has all that was answered.
    drop(session);
    let _ = writing.await;
}

/// Ends when a line was left unread for too long.
async fn patience(mut closing: watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(UNREAD) => {}
        () = async {
            closed(&mut closing).await;
            sleep(UNREAD_AT_CLOSING).await;
        } => {}
    }
}

/// Ends when the host closes.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // Without a sender there is no host any more.
    let _ = closing.wait_for(|closing| *closing).await;
}

fn greet_first() -> Fault {
    Fault::new(Code::HELLO, ErrorKind::Invalid, "a connection begins with hello, once", "docs/local-rpc.md shows it")
}

fn closing_fault() -> Fault {
    Fault::new(Code::CLOSING, ErrorKind::Closed, "the host is closing", "connect again: there is another host soon")
}

fn cancelled() -> Fault {
    Fault::new(Code::CANCELLED, ErrorKind::Refused, "this was cancelled", "ask again if you want it after all")
}

/// Reads a message; where it is none, what to answer to which id.
fn parse(text: &[u8]) -> Result<Incoming<'_>, (Option<RequestId>, Fault)> {
    let hint = "send one request a line; docs/local-rpc.md shows some";
    let incoming: Incoming<'_> = serde_json::from_slice(text).map_err(|error| {
        let code = if error.is_data() { Code::REQUEST } else { Code::PARSE };
        let message = format!("this is no JSON-RPC 2.0 request: {error}");
        (None, Fault::new(code, ErrorKind::Invalid, message, hint))
    })?;
    if incoming.method.is_none() && incoming.result.is_none() && incoming.error.is_none() {
        let message = "this is no JSON-RPC 2.0 request: it has no method";
        return Err((incoming.id, Fault::new(Code::REQUEST, ErrorKind::Invalid, message, hint)));
    }
    Ok(incoming)
}

fn params<T: serde::de::DeserializeOwned>(given: Option<&RawValue>) -> Result<T, Fault> {
    let given = given.map_or("{}", RawValue::get);
    serde_json::from_str(given).map_err(|error| rpc::MessageError::Params(error).into())
}

/// Ends when something is to be given up, with what to answer.
async fn stop(stopped: &mut oneshot::Receiver<Fault>) -> Fault {
    match stopped.await {
        Ok(fault) => fault,
        // Nobody can give it up any more.
        Err(_) => pending().await,
    }
}

impl Session {
    fn running(&self) -> MutexGuard<'_, HashMap<RequestId, Stop>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closing(&self) -> bool {
        *self.service.closing.borrow()
    }

    /// Whether the guest greeted as it should.
    async fn greet(&self, lines: &mut Lines<ReadHalf>) -> bool {
        let most = lines.most();
        let text = match lines.next_while_there().await {
            Ok(Some(text)) => text,
            Ok(None) => return false,
            Err(error) => {
                self.unreadable(&error, most).await;
                return false;
            }
        };
        let incoming = match parse(text) {
            Ok(incoming) => incoming,
            Err((id, fault)) => {
                self.fail(id.as_ref(), fault).await;
                return false;
            }
        };
        let answered = match &incoming.id {
            Some(id) if incoming.method.as_deref() == Some(rpc::HELLO) => self.welcome(id, incoming.params),
            _ => Err(greet_first()),
        };
        let welcome = answered.is_ok();
        self.out.send(answered.unwrap_or_else(|fault| failure(incoming.id.as_ref(), fault))).await;
        welcome
    }

    fn welcome(&self, id: &RequestId, given: Option<&RawValue>) -> Result<Vec<u8>, Fault> {
        let hello: rpc::Hello = params(given)?;
        let host = self.service.host();
        if let Some(protocol) = host.protocol.common(hello.protocol) {
            let grant = self.enter(hello.client, hello.grant.as_deref())?;
            return success(id, &rpc::Welcome { protocol, host, grant });
        }
        let older = hello.protocol.min > host.protocol.max;
        let message = format!(
            "the store is open in a program of version {}, which is {} than this one",
            host.version,
            if older { "older" } else { "newer" }
        );
        let hint = if older {
            format!("close that program (process {}), or update it", host.pid)
        } else {
            "update this program".to_owned()
        };
        Err(Fault::new(Code::HELLO, ErrorKind::Unsupported, message, hint))
    }

    /// Takes requests until the guest leaves or the host closes, and finishes what was begun.
    async fn listen(
        self: &Arc<Self>,
        lines: &mut Lines<ReadHalf>,
        closing: &mut watch::Receiver<bool>,
        revoked: &mut watch::Receiver<u64>,
    ) {
        let slots = Arc::new(Semaphore::new(AT_A_TIME));
        let most = lines.most();
        let mut tasks = JoinSet::new();
        let (mut reading, mut takes) = (true, true);
        let ended = self.ended(revoked);
        tokio::pin!(ended);
        loop {
            while tasks.try_join_next().is_some() {}
            if tasks.is_empty() && !(reading && takes) {
                return;
            }
            let next = async {
                // Nobody closes it. What isn't begun needs none.
                let slot = if takes { Arc::clone(&slots).acquire_owned().await.ok() } else { None };
                (slot, lines.next_while_there().await)
            };
            tokio::select! {
                biased;
                () = self.out.closed() => break,
                fault = &mut ended => {
                    self.fail(None, fault).await;
                    break;
                }
                () = closed(closing), if takes => {
                    takes = false;
                    self.end_watches();
                    self.give_up(closing_fault);
                    self.notify(rpc::CLOSING, &serde_json::json!({})).await;
                }
                Some(_) = tasks.join_next(), if !(reading && takes) => {}
                (slot, read) = next, if reading => match read {
                    Ok(Some(text)) => self.take(text, slot, &mut tasks).await,
                    Ok(None) => {
                        reading = false;
                        self.end_watches();
                        // One that only says no more still wants its answers.
                        if lines.stream().is_hung_up() {
                            self.give_up(cancelled);
                        }
                    }
                    Err(error) => {
                        self.unreadable(&error, most).await;
                        break;
                    }
                },
            }
        }
        // Nobody waits for these; what writes goes on to its end.
        self.end_watches();
        self.give_up(cancelled);
        while tasks.join_next().await.is_some() {}
    }

    fn give_up(&self, why: fn() -> Fault) {
        for (_, stop) in self.running().drain() {
            // It may just have ended.
            let _ = stop.send(why());
        }
    }

    fn end_watches(&self) {
        for (_, (_, stop)) in self.watches().open.drain() {
            let _ = stop.send(closing_fault());
        }
    }

    /// Begins what a line asks for.
    async fn take(self: &Arc<Self>, text: &[u8], slot: Option<OwnedSemaphorePermit>, tasks: &mut JoinSet<()>) {
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return self.take_batch(text, slot, tasks).await;
        }
        let incoming = match parse(text) {
            Ok(incoming) => incoming,
            Err((id, fault)) => return self.fail(id.as_ref(), fault).await,
        };
        // An answer is nobody's: we have asked nothing.
        let Some(method) = incoming.method else { return };
        let Some(id) = incoming.id else { return self.take_notification(&method, incoming.params) };
        if method == rpc::WATCH && !self.is_closing() {
            return self.begin_watch(id, params(incoming.params), slot, tasks).await;
        }
        if let Some(answered) = self.command(&id, &method, incoming.params) {
            return self.respond(&id, answered).await;
        }
        let request = match Request::parse(&method, incoming.params.map_or("{}", RawValue::get)) {
            Ok(request) => request,
            Err(error) => return self.fail(Some(&id), error.into()).await,
        };
        // With room for the line's end.
        let until = until(Instant::now(), incoming.timeout_ms);
        let how = How { again: incoming.again, until, most: rpc::MAX_ANSWER - 1 };
        let session = Arc::clone(self);
        // Before the next line, which may cancel it.
        let stopped = self.may_stop(&id, &request);
        tasks.spawn(async move {
            let answered = session.ask(&id, request, how, stopped).await;
            session.respond(&id, answered).await;
            drop(slot);
        });
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
        let (session, read_at) = (Arc::clone(self), Instant::now());
        tasks.spawn(async move {
            let (mut answers, mut room) = (Vec::new(), BATCH_RESULTS);
            for request in requests {
                let Some(answer) = session.answer_in_batch(request.get(), read_at, room).await else { continue };
                room = room.saturating_sub(answer.len());
                answers.push(if answers.is_empty() { b'[' } else { b',' });
                answers.extend(answer);
            }
            if !answers.is_empty() {
                answers.push(b']');
                session.out.send(answers).await;
            }
            drop(slot);
        });
    }

    async fn answer_in_batch(self: &Arc<Self>, text: &str, read_at: Instant, room: usize) -> Option<Vec<u8>> {
        let incoming = match parse(text.as_bytes()) {
            Ok(incoming) => incoming,
            Err((id, fault)) => return Some(failure(id.as_ref(), fault)),
        };
        let how = How { again: incoming.again, until: until(read_at, incoming.timeout_ms), most: room };
        let method = incoming.method?;
        let Some(id) = incoming.id else {
            self.take_notification(&method, incoming.params);
            return None;
        };
        let answered = match self.command(&id, &method, incoming.params) {
            Some(answered) => answered,
            None => match Request::parse(&method, incoming.params.map_or("{}", RawValue::get)) {
                Ok(request) => {
                    let stopped = self.may_stop(&id, &request);
                    // Either it is seen here that the host closes, or what may stop is found when it does.
                    if self.is_closing() {
                        self.running().remove(&id);
                        Err(closing_fault())
                    } else {
                        self.ask(&id, request, how, stopped).await
                    }
                }
                Err(error) => Err(error.into()),
            },
        };
        Some(answered.unwrap_or_else(|fault| failure(Some(&id), fault)))
    }

    fn take_notification(&self, method: &str, given: Option<&RawValue>) {
        if method == rpc::CANCEL
            && let Ok(rpc::Cancel { id }) = params(given)
        {
            self.cancel(&id);
        }
    }

    fn cancel(&self, id: &RequestId) {
        let running = self.running().remove(id);
        let stop = running.or_else(|| {
            let open = &mut self.watches().open;
            let number = open.iter().find(|(_, (begun_by, _))| begun_by == id).map(|(number, _)| *number)?;
            open.remove(&number).map(|(_, stop)| stop)
        });
        if let Some(stop) = stop {
            let _ = stop.send(cancelled());
        }
    }

    /// What is the connection's and not the engine's, answered at once; `None` if it is none of that.
    fn command(&self, id: &RequestId, method: &str, given: Option<&RawValue>) -> Option<Result<Vec<u8>, Fault>> {
        let nothing = serde_json::json!({});
        let answered = match method {
            rpc::PING => success(id, &nothing),
            _ if self.is_closing() => Err(closing_fault()),
            rpc::HELLO => Err(greet_first()),
            rpc::STATUS => success(id, &self.service.host()),
            rpc::SHUTDOWN => self.shutdown().and_then(|()| success(id, &nothing)),
            rpc::GRANT => params(given).and_then(|asked| self.give(&asked)).and_then(|granted| success(id, &granted)),
            rpc::REVOKE => self.revoke().and_then(|()| success(id, &nothing)),
            // What it tells begins after its answer, which in a batch is later.
            rpc::WATCH => Err(Fault::new(
                Code::REQUEST,
                ErrorKind::Invalid,
                "watch stands in no batch",
                "send it in a line of its own",
            )),
            rpc::UNWATCH => params(given).and_then(|rpc::Unwatch { watch }| {
                if let Some((_, stop)) = self.watches().open.remove(&watch) {
                    let _ = stop.send(cancelled());
                }
                success(id, &nothing)
            }),
            _ => return None,
        };
        Some(answered)
    }

    fn shutdown(&self) -> Result<(), Fault> {
        self.needs_everything(rpc::SHUTDOWN)?;
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
        Ok(())
    }

    async fn respond(&self, id: &RequestId, answered: Result<Vec<u8>, Fault>) {
        self.out.send(answered.unwrap_or_else(|fault| failure(Some(id), fault))).await;
    }

    async fn fail(&self, id: Option<&RequestId>, error: Fault) {
        self.out.send(failure(id, error)).await;
    }

    async fn notify<T: Serialize>(&self, method: &'static str, params: &T) {
        match serde_json::to_vec(&Line::notification(method, params)) {
            Ok(message) => self.out.send(message).await,
            Err(error) => tracing::error!(%error, method, "this can't be written as JSON"),
        }
    }

    async fn unreadable(&self, error: &ReadError, most: usize) {
        match error {
            ReadError::TooLong => {
                let message = format!("a line has at most {most} bytes");
                self.fail(None, Fault::new(Code::PARSE, ErrorKind::Invalid, message, "send less at a time")).await;
            }
            ReadError::Failed(error) => tracing::debug!(%error, "a guest's connection failed"),
        }
    }
}
