//! A guest's end of a connection.
//!
//! Two tasks serve it, on whatever runtime it was opened on; its methods may be awaited on any. A host that owes an answer and is silent for [`SILENCE`] is
//! reported, and heard again when it speaks. One that has said that it closes is asked nothing more, and not hurried.

mod subscription;

use std::collections::HashMap;
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
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::subscription::RemoteWatch;
use self::subscription::{Queue, Subscription};
use super::SILENCE;
use super::socket::{Stream, connect};
use super::wire::{Lines, line};
use crate::engine::OnProgress;
use crate::error::{Error, ErrorKind, Result};

/// After so long without a word the host is asked whether it is there, if it owes an answer.
const PING_AFTER: Duration = Duration::from_secs(1);
/// The same if there are only watches, which may have nothing to tell for long.
const PING_WATCHED_AFTER: Duration = Duration::from_secs(2);
/// How long it may take to say that it is.
const PATIENCE: Duration = SILENCE.saturating_sub(PING_AFTER);
/// How many requests may wait for their answers: fewer than a host takes at a time, so that it always hears a ping. One that was given up counts until the
/// host has answered it; only those of a host that was silent don't.
const AT_A_TIME: usize = 48;

/// Why there is no answer.
#[derive(Debug)]
pub enum Lost {
    /// The host is gone, or about to go: ask the next one.
    Gone,
    /// The host is there and doesn't answer.
    Silent(Error),
}

/// Who greets a host.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// What it calls itself.
    pub client: &'a str,
    /// The token of the grant that it has; without one it may do everything.
    pub grant: Option<&'a str>,
}

/// A connection to a host.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    host: Host,
}

#[derive(Debug)]
struct Shared {
    pid: u32,
    state: Mutex<State>,
    slots: Arc<Semaphore>,
    outgoing: mpsc::Sender<Vec<u8>>,
    runtime: Handle,
    /// A request has been sent while none was waiting.
    asked: Notify,
    /// The connection is wanted no more.
    left: Notify,
    /// Whether the host doesn't say a word.
    silent: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    waiting: HashMap<RequestId, Waiting>,
    watches: HashMap<u64, Arc<Queue>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// The host answers what it has begun, and takes nothing more.
    Closing,
    Over,
}

impl State {
    /// Whether somebody waits for an answer.
    fn is_owed(&self) -> bool {
        self.waiting.values().any(|waiting| waiting.asker.is_some())
    }
}

/// A request without an answer yet.
#[derive(Debug)]
struct Waiting {
    /// `None` once it was told that there is none.
    asker: Option<Asker>,
    progress: Option<watch::Sender<Progress>>,
    /// The events of the subscription that it asks for.
    watch: Option<Arc<Queue>>,
}

#[derive(Debug)]
struct Asker {
    answer: oneshot::Sender<Answer>,
    _slot: OwnedSemaphorePermit,
}

type Answer = Result<Result<Answered, Fault>, Lost>;

#[derive(Debug)]
struct Answered {
    json: String,
    /// What was begun with it.
    subscription: Option<Subscription>,
}

impl Connection {
    /// Joins the host that `host.json` names. `None` when nobody is there.
    ///
    /// # Errors
    /// `Locked` when somebody is there and doesn't answer, `Unsupported` when no version of the protocol is common to both.
    pub async fn join(host: &Host, guest: Guest<'_>, runtime: &Handle) -> Result<Option<Self>> {
        let Some(path) = &host.socket else { return Ok(None) };
        match Self::stream(path, runtime).await {
            Ok(stream) => Self::open(stream, host.pid, guest, runtime).await,
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
        guest: Guest<'_>,
        runtime: &Handle,
    ) -> Result<Option<Self>> {
        let failed = |error| Error::internal("the socket to the host can't be used").because(error);
        stream.set_nonblocking(true).map_err(failed)?;
        let stream = {
            let _inside = runtime.enter();
            Stream::from_std(stream).map_err(failed)?
        };
        Self::open(stream, pid, guest, runtime).await
    }

    async fn open(stream: Stream, pid: u32, guest: Guest<'_>, runtime: &Handle) -> Result<Option<Self>> {
        let (outgoing, lines) = mpsc::channel(AT_A_TIME);
        let shared = Arc::new(Shared {
            pid,
            state: Mutex::default(),
            slots: Arc::new(Semaphore::new(AT_A_TIME)),
            outgoing,
            runtime: runtime.clone(),
            asked: Notify::new(),
            left: Notify::new(),
            silent: watch::Sender::new(false),
        });
        let (read, write) = stream.into_split();
        runtime.spawn(send(write, lines));
        runtime.spawn(receive(read, Arc::clone(&shared)));
        let mut connection = Self { shared, host: Host::of(pid) };
        let hello = rpc::Hello {
            protocol: rpc::Protocol::OURS,
            client: guest.client.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            grant: guest.grant.map(str::to_owned),
        };
        match connection.command::<_, rpc::Welcome>(rpc::HELLO, &hello).await {
            Ok(welcome) => {
                let rpc::Welcome { host, grant, .. } = welcome?;
                if guest.grant.is_some() && grant.is_none() {
                    // It would do everything that it is asked.
                    let message = format!("the store's host (version {}) knows no grants", host.version);
                    let hint = "close that program, or update it";
                    return Err(Error::new(ErrorKind::Unsupported, message, hint));
                }
                connection.host = host;
            }
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
        progress: Option<OnProgress>,
    ) -> Result<Result<C::Answer>, Lost> {
        self.exchange(id.into(), again, C::METHOD, call, progress).await
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
        self.exchange(Uuid::now_v7().into(), false, method, params, None).await
    }

    async fn exchange<P: Serialize, A: DeserializeOwned>(
        &self,
        id: RequestId,
        again: bool,
        method: &'static str,
        params: &P,
        progress: Option<OnProgress>,
    ) -> Result<Result<A>, Lost> {
        let answered = self.send_and_wait(id, again, method, params, progress, None).await?;
        Ok(answered
            .and_then(|answered| serde_json::from_str(&answered.json).map_err(|error| unreadable().because(error))))
    }

    /// Watches, from now on or after a number.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn watch(self: &Arc<Self>, watch: &rpc::Watch) -> Result<Result<RemoteWatch>, Lost> {
        let (id, queue) = (Uuid::now_v7().into(), Arc::new(Queue::default()));
        let answered = self.send_and_wait(id, false, rpc::WATCH, watch, None, Some(queue)).await?;
        Ok(answered.and_then(|answered| {
            let subscription = answered.subscription.ok_or_else(unreadable)?;
            Ok(RemoteWatch::new(subscription, Arc::clone(self)))
        }))
    }

    async fn send_and_wait<P: Serialize>(
        &self,
        id: RequestId,
        again: bool,
        method: &'static str,
        params: &P,
        progress: Option<OnProgress>,
        watch: Option<Arc<Queue>>,
    ) -> Result<Result<Answered>, Lost> {
        let line = match line(&Line::request(&id, method, params, again)) {
            Ok(line) if line.len() <= rpc::MAX_FRAME => line,
            Ok(line) => return Ok(Err(too_long(line.len()))),
            Err(error) => {
                return Ok(Err(Error::invalid("a value can't be written as JSON", "leave it out").because(error)));
            }
        };
        let shared = &self.shared;
        // Closed when the host takes nothing more.
        let Ok(slot) = Arc::clone(&shared.slots).acquire_owned().await else { return Err(Lost::Gone) };
        let (sender, mut answer) = oneshot::channel();
        let (told, progress) = match progress {
            Some(progress) => {
                let (told, latest) = watch::channel(Progress { done: 0, total: 0 });
                (Some(told), Some((progress, latest)))
            }
            None => (None, None),
        };
        let asker = Some(Asker { answer: sender, _slot: slot });
        if !shared.wait_for(&id, Waiting { asker, progress: told, watch }) {
            return Err(Lost::Gone);
        }
        let mut asked = Asked { shared, id, sent: false };
        let answered = tokio::select! {
            biased;
            answered = &mut answer => answered,
            room = shared.outgoing.reserve() => {
                // When it can't be sent the connection is gone, and the answer says so.
                if let Ok(room) = room {
                    room.send(line);
                    asked.sent = true;
                }
                hear(answer, progress).await
            }
        };
        match answered.unwrap_or(Err(Lost::Gone))? {
            Ok(answered) => Ok(Ok(answered)),
            Err(fault) if fault.code == Code::CLOSING => Err(Lost::Gone),
            Err(fault) => Ok(Err(error_of(fault))),
        }
    }
}

/// Waits for an answer. What is told before it is called here, where the caller is: it may take its time, and ask for other things, and others aren't held
/// up by that.
async fn hear(
    mut answer: oneshot::Receiver<Answer>,
    progress: Option<(OnProgress, watch::Receiver<Progress>)>,
) -> Result<Answer, oneshot::error::RecvError> {
    let Some((mut progress, mut latest)) = progress else { return answer.await };
    loop {
        tokio::select! {
            biased;
            Ok(()) = latest.changed() => {
                let told = *latest.borrow_and_update();
                progress(told);
            }
            answered = &mut answer => return answered,
        }
    }
}

impl Connection {
    /// Hangs up: whoever waits is told that the host is gone.
    pub(crate) fn close(&self) {
        self.shared.left.notify_one();
        self.shared.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A request that waits. Dropped before its answer came, it says that nobody waits any more.
struct Asked<'a> {
    shared: &'a Shared,
    id: RequestId,
    sent: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let waiting = &mut self.shared.state().waiting;
        if !self.sent {
            waiting.remove(&self.id);
        } else if waiting.contains_key(&self.id) {
            // It goes on waiting, for its slot is the host's too.
            let id = self.id.clone();
            self.shared.tell(line(&Line::notification(rpc::CANCEL, &rpc::Cancel { id })));
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
        if state.stage != Stage::Open {
            return false;
        }
        if !state.is_owed() {
            self.asked.notify_one();
        }
        state.waiting.insert(id.clone(), new);
        true
    }

    /// Sends what nobody waits for, without waiting.
    fn tell(&self, line: serde_json::Result<Vec<u8>>) {
        let Ok(line) = line else { return };
        if let Err(mpsc::error::TrySendError::Full(line)) = self.outgoing.try_send(line) {
            let outgoing = self.outgoing.clone();
            // When it can't be sent the connection is gone, and all of this with it.
            self.runtime.spawn(async move { outgoing.send(line).await });
        }
    }

    /// After how long a silence the host is asked whether it is there; `None` when nobody wants to know.
    fn ping_after(&self) -> Option<Duration> {
        let state = self.state();
        match state.stage {
            Stage::Open if state.is_owed() => Some(PING_AFTER),
            Stage::Open if !state.watches.is_empty() => Some(PING_WATCHED_AFTER),
            _ => None,
        }
    }

    /// Takes a message; whether it is one.
    fn take(self: &Arc<Self>, text: &[u8]) -> bool {
        let Ok(incoming) = serde_json::from_slice::<Incoming<'_>>(text) else { return false };
        match (incoming.id, incoming.method.as_deref()) {
            (Some(id), None) => {
                let answer = match (incoming.result, incoming.error) {
                    (_, Some(fault)) => Err(fault),
                    (result, None) => Ok(result.map_or("null", |result| result.get()).to_owned()),
                };
                self.take_answer(&id, answer);
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
                if let Some(Waiting { progress: Some(progress), .. }) = self.state().waiting.get(&id) {
                    progress.send_replace(Progress { done, total });
                }
                true
            }
            (None, Some(rpc::CLOSING)) => {
                self.leave(Stage::Closing);
                true
            }
            // What a later version may tell.
            (None, Some(_)) => true,
            _ => false,
        }
    }

    fn take_answer(self: &Arc<Self>, id: &RequestId, answer: Result<String, Fault>) {
        let mut state = self.state();
        let Some(waiting) = state.waiting.remove(id) else { return };
        let answered = answer.map(|json| {
            let begun =
                waiting.watch.and_then(|queue| Some((queue, serde_json::from_str::<rpc::Watching>(&json).ok()?)));
            let subscription = begun.map(|(queue, begun)| {
                // Its first event may be the next line.
                state.watches.insert(begun.watch, Arc::clone(&queue));
                Subscription::new(Arc::clone(self), queue, begun)
            });
            Answered { json, subscription }
        });
        drop(state);
        if let Some(asker) = waiting.asker {
            // Dropped if nobody waits any more, and its subscription ends with it.
            let _ = asker.answer.send(Ok(answered));
        }
    }

    /// Tells those who wait that the host doesn't answer.
    fn fall_silent(&self) {
        self.silent.send_replace(true);
        let mut state = self.state();
        let mut askers = Vec::new();
        state.waiting.retain(|_, waiting| {
            askers.extend(waiting.asker.take());
            // The subscription may begin all the same, and has to be ended then.
            waiting.watch.is_some()
        });
        if !state.watches.is_empty() {
            tracing::warn!(pid = self.pid, "the store's host doesn't answer: its watches hear nothing");
        }
        drop(state);
        for asker in askers {
            let _ = asker.answer.send(Err(Lost::Silent(silent(self.pid))));
        }
    }

    /// Nothing more is asked on this connection, and nothing more is told to its watches.
    fn leave(&self, stage: Stage) {
        self.slots.close();
        let mut state = self.state();
        state.stage = stage;
        let watches = std::mem::take(&mut state.watches);
        drop(state);
        watches.into_values().for_each(|queue| queue.close());
    }

    /// The connection is gone.
    fn end(&self) {
        self.leave(Stage::Over);
        let waiting = std::mem::take(&mut self.state().waiting);
        for asker in waiting.into_values().filter_map(|waiting| waiting.asker) {
            let _ = asker.answer.send(Err(Lost::Gone));
        }
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

/// What is known of the host's being there.
#[derive(Clone, Copy)]
enum Heard {
    /// It said something then, or was asked something for the first time.
    At(Instant),
    /// It was asked then whether it is there.
    Pinged(Instant),
    /// It didn't say.
    Nothing,
}

async fn receive(stream: OwnedReadHalf, shared: Arc<Shared>) {
    let mut lines = Lines::new(stream, rpc::MAX_ANSWER);
    let mut heard = Heard::At(Instant::now());
    loop {
        let due = shared.ping_after().and_then(|ping_after| match heard {
            Heard::At(at) => Some(at + ping_after),
            Heard::Pinged(at) => Some(at + PATIENCE),
            Heard::Nothing => None,
        });
        tokio::select! {
            biased;
            () = shared.left.notified() => break,
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
                heard = Heard::At(Instant::now());
                shared.silent.send_if_modified(std::mem::take);
            }
            () = shared.asked.notified() => heard = Heard::At(Instant::now()),
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Heard::Pinged(_) = heard {
                    heard = Heard::Nothing;
                    shared.fall_silent();
                } else {
                    heard = Heard::Pinged(Instant::now());
                    let id = RequestId::Text(rpc::PING.to_owned());
                    shared.tell(line(&Line::request(&id, rpc::PING, &serde_json::json!({}), false)));
                }
            }
        }
    }
    // Before anybody asks elsewhere: what is still on its way isn't to be done too.
    lines.hang_up();
    shared.end();
}

/// A host's no, as an error of the engine's.
fn error_of(fault: Fault) -> Error {
    match fault.data {
        Some(data) => Error::new(data.kind, fault.message, data.hint),
        None => Error::internal(fault.message),
    }
}

fn unreadable() -> Error {
    Error::internal("the host's answer can't be read: it may be of another version")
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
