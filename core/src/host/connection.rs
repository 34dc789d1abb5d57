//! A guest's end of a connection.
//!
//! Two tasks serve it, on whatever runtime it was opened on; its methods may be awaited on any. A host that owes an answer and is silent for [`SILENCE`] is
//! reported, and heard again when it speaks.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use altair_protocol::request::Progress;
use altair_protocol::rpc::{self, Call, Code, Fault, Host, Incoming, Line, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::SILENCE;
use super::socket::{Stream, connect};
use super::wire::{Lines, line};
use crate::error::{Error, ErrorKind, Result};

/// After so long without a word the host is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(1);
/// How many requests may wait for their answers: fewer than a host takes at a time, so that it always hears a ping.
const AT_A_TIME: usize = 48;
/// How many events a watcher may be behind.
const EVENTS: usize = 4096;

/// Why there is no answer.
#[derive(Debug)]
pub enum Lost {
    /// The host is gone, or about to go: ask the next one.
    Gone,
    /// The host is there and doesn't answer.
    Silent(Error),
}

/// What is called as a long request goes on.
pub(crate) type OnProgress = Box<dyn FnMut(Progress) + Send>;

/// A connection to a host.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Vec<u8>>,
    slots: Semaphore,
    host: Host,
    reading: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    pid: u32,
    state: Mutex<State>,
    /// A request has been sent while none was waiting.
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// `None` once the connection is gone.
    waiting: Option<HashMap<RequestId, Waiting>>,
    watches: HashMap<u64, Arc<Queue>>,
}

type Answer = Result<Result<String, Fault>, Lost>;

struct Waiting {
    answer: oneshot::Sender<Answer>,
    progress: Option<OnProgress>,
    /// The events of the subscription that it asks for.
    watch: Option<Arc<Queue>>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

impl Connection {
    /// Joins the host that `host.json` names. `None` when nobody is there.
    ///
    /// # Errors
    /// `Locked` when somebody is there and doesn't answer, `Unsupported` when no version of the protocol is common to both.
    pub async fn join(host: &Host, client: &str, runtime: &Handle) -> Result<Option<Self>> {
        let Some(path) = &host.socket else { return Ok(None) };
        match Self::stream(path, runtime).await {
            Ok(stream) => Self::open(stream, host.pid, client, runtime).await,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(Error::io("connecting to the host at", path, error))
            }
            // Its socket is gone, or nobody listens, or it is something else.
            Err(_) => Ok(None),
        }
    }

    async fn stream(path: &Path, runtime: &Handle) -> std::io::Result<Stream> {
        let path = path.to_owned();
        runtime.spawn(async move { connect(&path).await }).await.map_err(std::io::Error::other)?
    }

    /// Greets the host at the other end of a socket that this process was given.
    ///
    /// # Errors
    /// As [`Connection::join`].
    pub async fn over(
        stream: std::os::unix::net::UnixStream,
        pid: u32,
        client: &str,
        runtime: &Handle,
    ) -> Result<Option<Self>> {
        let failed = |error| Error::internal("the socket to the host can't be used").because(error);
        stream.set_nonblocking(true).map_err(failed)?;
        let stream = {
            let _inside = runtime.enter();
            Stream::from_std(stream).map_err(failed)?
        };
        Self::open(stream, pid, client, runtime).await
    }

    async fn open(stream: Stream, pid: u32, client: &str, runtime: &Handle) -> Result<Option<Self>> {
        let state = State { waiting: Some(HashMap::new()), watches: HashMap::new() };
        let shared = Arc::new(Shared { pid, state: Mutex::new(state), asked: Notify::new() });
        let (read, write) = stream.into_split();
        let (outgoing, lines) = mpsc::channel(AT_A_TIME);
        runtime.spawn(send(write, lines));
        let reading = runtime.spawn(receive(read, Arc::clone(&shared), outgoing.clone()));
        let mut connection = Self { shared, outgoing, slots: Semaphore::new(AT_A_TIME), host: Host::of(pid), reading };
        let hello = rpc::Hello {
            protocol: rpc::Protocol::OURS,
            client: client.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        match connection.command::<_, rpc::Welcome>(rpc::HELLO, &hello).await {
            Ok(welcome) => connection.host = welcome?.host,
            Err(Lost::Gone) => return Ok(None),
            Err(Lost::Silent(error)) => return Err(error),
        }
        Ok(Some(connection))
    }

    /// Who the host is.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Asks for something. `again` says that it was asked before, of this host or an earlier one, and no answer came.
    ///
    /// # Errors
    /// When there is no answer; inside, what the engine said.
    pub async fn ask<C: Call>(
        &self,
        id: Uuid,
        again: bool,
        call: &C,
        progress: Option<Box<dyn FnMut(Progress) + Send>>,
    ) -> Result<Result<C::Answer>, Lost> {
        self.send_and_wait(id.into(), again, C::METHOD, call, progress, None).await
    }

    /// Asks for something that is the connection's and not the engine's.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn command<P: Serialize, A: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &P,
    ) -> Result<Result<A>, Lost> {
        self.send_and_wait(Uuid::now_v7().into(), false, method, params, None, None).await
    }

    /// Watches, from now on or after a number.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn watch(self: &Arc<Self>, watch: &rpc::Watch) -> Result<Result<RemoteWatch>, Lost> {
        let queue = Arc::new(Queue::default());
        let begun: Result<rpc::Watching> =
            self.send_and_wait(Uuid::now_v7().into(), false, rpc::WATCH, watch, None, Some(Arc::clone(&queue))).await?;
        Ok(begun.map(|begun| RemoteWatch { connection: Arc::clone(self), queue, begun }))
    }

    async fn send_and_wait<P: Serialize, A: DeserializeOwned>(
        &self,
        id: RequestId,
        again: bool,
        method: &'static str,
        params: &P,
        progress: Option<OnProgress>,
        watch: Option<Arc<Queue>>,
    ) -> Result<Result<A>, Lost> {
        let line = match line(&Line::request(&id, method, params, again)) {
            Ok(line) if line.len() <= rpc::MAX_FRAME => line,
            Ok(line) => return Ok(Err(too_long(line.len()))),
            Err(error) => {
                return Ok(Err(Error::invalid("a value can't be written as JSON", "leave it out").because(error)));
            }
        };
        // Nobody closes it.
        let Ok(_slot) = self.slots.acquire().await else { return Err(Lost::Gone) };
        let (sender, mut answer) = oneshot::channel();
        if !self.shared.wait_for(&id, Waiting { answer: sender, progress, watch }) {
            return Err(Lost::Gone);
        }
        let mut asked = Asked { connection: self, id: Some(id) };
        let answered = tokio::select! {
            biased;
            answered = &mut answer => answered,
            // When it can't be sent the connection is gone, and the answer says so.
            _ = self.outgoing.send(line) => answer.await,
        };
        asked.id = None;
        match answered.unwrap_or(Err(Lost::Gone))? {
            Ok(json) => Ok(serde_json::from_str(&json).map_err(|error| {
                Error::internal("the host's answer can't be read: it may be of another version").because(error)
            })),
            Err(fault) if fault.code == Code::CLOSING => Err(Lost::Gone),
            Err(fault) => Ok(Err(error_of(fault))),
        }
    }
}

impl Connection {
    /// Hangs up: whoever waits is told that the host is gone.
    pub(crate) fn close(&self) {
        self.reading.abort();
        self.shared.end(&|| Lost::Gone);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A request that waits. Dropped before its answer came, it says that nobody waits any more.
struct Asked<'a> {
    connection: &'a Connection,
    id: Option<RequestId>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        if let Some(waiting) = &mut self.connection.shared.state().waiting {
            waiting.remove(&id);
        }
        if let Ok(line) = line(&Line::notification(rpc::CANCEL, &rpc::Cancel { id })) {
            // A host that has so much to read already may as well do this for nobody.
            let _ = self.connection.outgoing.try_send(line);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection is there to wait on.
    fn wait_for(&self, id: &RequestId, new: Waiting) -> bool {
        let mut state = self.state();
        let Some(waiting) = &mut state.waiting else { return false };
        if waiting.is_empty() {
            self.asked.notify_one();
        }
        waiting.insert(id.clone(), new);
        true
    }

    fn is_owed(&self) -> bool {
        self.state().waiting.as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Whether somebody still wants to hear of it.
    fn take(&self, text: &[u8]) -> bool {
        let Ok(incoming) = serde_json::from_slice::<Incoming<'_>>(text) else { return false };
        match (incoming.id, incoming.method.as_deref()) {
            (Some(id), None) => {
                let mut state = self.state();
                let Some(found) = state.waiting.as_mut().and_then(|waiting| waiting.remove(&id)) else { return true };
                let answer = match (incoming.result, incoming.error) {
                    (_, Some(fault)) => Err(fault),
                    (result, None) => Ok(result.map_or("null", |result| result.get()).to_owned()),
                };
                if let (Some(queue), Ok(json)) = (found.watch, &answer)
                    && let Ok(begun) = serde_json::from_str::<rpc::Watching>(json)
                {
                    // Its first event may be the next line.
                    state.watches.insert(begun.watch, queue);
                }
                drop(state);
                let _ = found.answer.send(Ok(answer));
                true
            }
            (None, Some(rpc::WATCHED)) => {
                let watched = incoming.params.and_then(|params| serde_json::from_str(params.get()).ok());
                let Some(rpc::Watched { watch, event }) = watched else { return false };
                let queue = self.state().watches.get(&watch).cloned();
                if let Some(queue) = queue {
                    queue.push(event);
                }
                true
            }
            (None, Some(rpc::PROGRESS)) => {
                let progressed = incoming.params.and_then(|params| serde_json::from_str(params.get()).ok());
                let Some(rpc::Progressed { id, done, total }) = progressed else { return false };
                let take = |waiting: &mut Waiting| waiting.progress.take();
                let found = self.state().waiting.as_mut().and_then(|waiting| waiting.get_mut(&id).and_then(take));
                if let Some(mut progress) = found {
                    // Not under the lock: it may do as it likes.
                    progress(Progress { done, total });
                    if let Some(waiting) = self.state().waiting.as_mut().and_then(|waiting| waiting.get_mut(&id)) {
                        waiting.progress = Some(progress);
                    }
                }
                true
            }
            // What a later version may tell.
            (None, Some(_)) => true,
            _ => false,
        }
    }

    /// Tells everybody who waits that no answer comes.
    fn fail(&self, lost: &dyn Fn() -> Lost) {
        let waiting = self.state().waiting.as_mut().map(std::mem::take).unwrap_or_default();
        for waiting in waiting.into_values() {
            let _ = waiting.answer.send(Err(lost()));
        }
    }

    /// The connection is gone.
    fn end(&self, lost: &dyn Fn() -> Lost) {
        self.fail(lost);
        let mut state = self.state();
        state.waiting = None;
        let watches = std::mem::take(&mut state.watches);
        drop(state);
        watches.into_values().for_each(|queue| queue.close());
    }
}

async fn send(mut stream: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stream.write_all(&line).await.is_err() {
            // The reader sees it too.
            return;
        }
    }
}

async fn receive(stream: OwnedReadHalf, shared: Arc<Shared>, outgoing: mpsc::Sender<Vec<u8>>) {
    let mut lines = Lines::new(stream, rpc::MAX_ANSWER);
    let mut heard = Instant::now();
    let mut pinged = false;
    loop {
        let owed = shared.is_owed();
        let patience = if pinged { SILENCE } else { PING_AFTER };
        tokio::select! {
            biased;
            read = lines.next() => {
                match read {
                    Ok(Some(text)) if shared.take(text) => {}
                    Ok(Some(_)) => {
                        tracing::error!("the host says what is no message: the connection is given up");
                        break;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(?error, "the connection to the host failed");
                        break;
                    }
                }
                (heard, pinged) = (Instant::now(), false);
            }
            () = shared.asked.notified(), if !owed => (heard, pinged) = (Instant::now(), false),
            () = tokio::time::sleep_until(heard + patience), if owed => {
                if pinged {
                    shared.fail(&|| Lost::Silent(silent(shared.pid)));
                } else {
                    pinged = true;
                    let id = RequestId::Text(rpc::PING.to_owned());
                    if let Ok(ping) = line(&Line::request(&id, rpc::PING, &serde_json::json!({}), false)) {
                        let _ = outgoing.try_send(ping);
                    }
                }
            }
        }
    }
    shared.end(&|| Lost::Gone);
}

/// What a subscription has told and nobody has read yet.
#[derive(Debug, Default)]
struct Queue {
    events: Mutex<(VecDeque<rpc::Event>, bool)>,
    more: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<rpc::Event>, bool)> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: rpc::Event) {
        let mut queue = self.lock();
        if queue.0.len() >= EVENTS {
            let seq = match &event {
                rpc::Event::Change(event) => event.seq,
                rpc::Event::Lagged(seq) => *seq,
            };
            queue.0.clear();
            queue.0.push_back(rpc::Event::Lagged(seq));
        } else {
            queue.0.push_back(event);
        }
        drop(queue);
        self.more.notify_one();
    }

    fn close(&self) {
        self.lock().1 = true;
        self.more.notify_one();
    }

    async fn next(&self) -> Option<rpc::Event> {
        loop {
            let more = self.more.notified();
            {
                let mut queue = self.lock();
                if let Some(event) = queue.0.pop_front() {
                    return Some(event);
                }
                if queue.1 {
                    return None;
                }
            }
            more.await;
        }
    }
}

/// A subscription at a host. Dropping it ends it.
#[derive(Debug)]
pub struct RemoteWatch {
    connection: Arc<Connection>,
    queue: Arc<Queue>,
    begun: rpc::Watching,
}

impl RemoteWatch {
    /// Where the store stood when it began.
    pub const fn seq(&self) -> u64 {
        self.begun.seq
    }

    /// What it tells next; `None` once the connection is gone.
    pub async fn next(&mut self) -> Option<rpc::Event> {
        self.queue.next().await
    }
}

impl Drop for RemoteWatch {
    fn drop(&mut self) {
        let watch = self.begun.watch;
        self.connection.shared.state().watches.remove(&watch);
        let id = Uuid::now_v7().into();
        if let Ok(line) = line(&Line::request(&id, rpc::UNWATCH, &rpc::Unwatch { watch }, false)) {
            // If there is no room for it, the connection is at its end or the host drops what nobody reads.
            let _ = self.connection.outgoing.try_send(line);
        }
    }
}

/// A host's no, as an error of the engine's.
fn error_of(fault: Fault) -> Error {
    match fault.data {
        Some(data) => Error::new(data.kind, fault.message, data.hint),
        None => Error::internal(fault.message),
    }
}

fn silent(pid: u32) -> Error {
    Error::new(
        ErrorKind::Locked,
        format!("process {pid} has the store open and doesn't answer"),
        format!(
            "it may be stopped or stuck: `kill -CONT {pid}` lets it go on, ending it lets others have the store. What was asked of it may still happen"
        ),
    )
}

fn too_long(bytes: usize) -> Error {
    Error::invalid(
        format!("this is too long for one message: {bytes} bytes, where {} fit", rpc::MAX_FRAME),
        "send less at a time",
    )
}
