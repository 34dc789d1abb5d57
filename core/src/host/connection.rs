//! A guest's end of a connection.
//!
//! Two tasks serve it, on whatever runtime it was opened on; its methods may be awaited on any. A host that owes an answer and is silent for [`SILENCE`](super::SILENCE) is
//! reported, and heard again when it speaks. One that has said that it closes is asked nothing more, and not hurried.

mod hearing;
mod subscription;

use std::collections::HashMap;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use altair_protocol::request::Progress;
use altair_protocol::rpc::{self, Call, Code, Fault, Host, Line, RequestId};
use futures::FutureExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

use self::hearing::{PING_AFTER, receive};
pub use self::subscription::RemoteWatch;
use self::subscription::{Queue, Subscription};
use super::outgoing::Outgoing;
use super::socket::{Stream, connect};
use super::stream::split;
use super::wire::line;
use crate::engine::OnProgress;
use crate::error::{Error, ErrorKind, Result};

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
    outgoing: Outgoing,
    runtime: Handle,
    /// The reader has to look earlier than it would.
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
    /// When a request was sent while none was waiting, if the reader hasn't looked since.
    owed_since: Option<Instant>,
    /// When the reader looks next whether the host has been silent for too long; `None` when nobody wants to know.
    look: Option<Instant>,
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
        match Self::stream(path, host, runtime).await {
            Ok(stream) => Self::open(stream, host.pid, guest, runtime).await,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(Error::io("connecting to the host at", path, error))
            }
            // Its socket is gone, or nobody listens, or it is something else.
            Err(_) => Ok(None),
        }
    }

    async fn stream(path: &Path, host: &Host, runtime: &Handle) -> std::io::Result<Stream> {
        let (path, host) = (path.to_owned(), host.clone());
        runtime.spawn(async move { connect(&path, Some(&host)).await }).await.map_err(std::io::Error::other)?
    }

    /// Greets the host at the other end of a socket that this process was given.
    ///
    /// # Errors
    /// As [`Connection::join`].
    #[cfg(unix)]
    pub async fn over(stream: Stream, pid: u32, guest: Guest<'_>, runtime: &Handle) -> Result<Option<Self>> {
        stream.set_nonblocking(true).map_err(unusable)?;
        Self::open(stream, pid, guest, runtime).await
    }

    async fn open(stream: Stream, pid: u32, guest: Guest<'_>, runtime: &Handle) -> Result<Option<Self>> {
        let (read, write) = {
            let _inside = runtime.enter();
            split(stream).map_err(unusable)?
        };
        let (outgoing, unwritten) = Outgoing::new(write);
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
        // How long the host may leave something unread is the reader's to know.
        runtime.spawn(unwritten.write(pending));
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
            place = shared.outgoing.place(line.len()) => {
                // When it can't be sent the connection is gone, and the answer says so.
                if let Some(place) = place {
                    place.send(line);
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
    shared: &'a Arc<Shared>,
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
            let now = Instant::now();
            state.owed_since = Some(now);
            // Else it looks soon enough, and needn't be woken for each request.
            if state.look.is_none_or(|look| look > now + PING_AFTER) {
                self.asked.notify_one();
            }
        }
        state.waiting.insert(id.clone(), new);
        true
    }

    /// Sends what nobody waits for, without waiting.
    fn tell(self: &Arc<Self>, line: serde_json::Result<Vec<u8>>) {
        let Ok(line) = line else { return };
        match self.outgoing.place(line.len()).now_or_never() {
            Some(Some(place)) => place.send(line),
            // The connection is gone, and all of this with it.
            Some(None) => {}
            None => {
                let shared = Arc::clone(self);
                self.runtime.spawn(async move {
                    if let Some(place) = shared.outgoing.place(line.len()).await {
                        place.send(line);
                    }
                });
            }
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

/// A host's no, as an error of the engine's.
fn error_of(fault: Fault) -> Error {
    match fault.data {
        Some(data) => Error::new(data.kind, fault.message, data.hint),
        None => Error::internal(fault.message),
    }
}

fn unusable(error: std::io::Error) -> Error {
    Error::internal("the socket to the host can't be used").because(error)
}

fn unreadable() -> Error {
    Error::internal("the host's answer can't be read: it may be of another version")
}

fn silent(pid: u32) -> Error {
    Error::new(
        ErrorKind::Locked,
        format!("process {pid} has the store open and doesn't answer"),
        format!(
            "it may be stopped or stuck: {}ending it lets others have the store. What was asked of it may still happen",
            if cfg!(unix) { format!("`kill -CONT {pid}` lets it go on, ") } else { String::new() }
        ),
    )
}

fn too_long(bytes: usize) -> Error {
    Error::invalid(
        format!("this is too long for one message: {bytes} bytes, where {} fit", rpc::MAX_FRAME),
        "send less at a time",
    )
}
