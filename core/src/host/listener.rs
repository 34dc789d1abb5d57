//! Accepting guests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use altair_protocol::rpc::{AuditKind, Audited, Host};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::DRAIN;
use super::audit::Audit;
use super::grants::Grants;
use super::session::serve;
use super::socket::{Bound, Handed, Stream};
use crate::engine::Inner;
use crate::error::Result;

/// How many guests there may be at once.
const GUESTS: u64 = 512;
/// How often the host looks whether its socket can still be found.
const LOOK: Duration = Duration::from_secs(2);
/// How long the listener rests when the system can't give it a connection: mostly because too many files are open.
const REST: Duration = Duration::from_millis(100);

/// What the host's end of every connection shares.
#[derive(Debug)]
pub(crate) struct Service {
    /// Not held: a store whose last handle was dropped closes, guests or not.
    pub(crate) engine: Weak<Inner>,
    host: RwLock<Host>,
    since: Instant,
    guests: AtomicU64,
    pub(crate) closing: watch::Sender<bool>,
    /// A daemon was asked to go.
    shutdown: watch::Sender<bool>,
    pub(crate) grants: Grants,
    pub(crate) audit: Audit,
    /// How often all grants were ended.
    pub(crate) revoked: watch::Sender<u64>,
}

impl Service {
    /// Who the host is, now.
    pub(crate) fn host(&self) -> Host {
        Host {
            uptime_s: Some(self.since.elapsed().as_secs()),
            clients: Some(self.guests.load(Ordering::Acquire)),
            ..self.host.read().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    pub(crate) fn ask_to_go(&self) {
        self.shutdown.send_replace(true);
    }

    /// Listens anew where nobody finds the socket any more: the folder for sockets may be emptied under a host that outlives its session.
    fn renewed(&self) -> Result<Bound> {
        let mut host = self.host.read().unwrap_or_else(PoisonError::into_inner).clone();
        let bound = Bound::new(&host.store, host.epoch)?;
        host.socket = Some(bound.path().to_owned());
        if let Some(engine) = self.engine.upgrade().filter(|engine| engine.folder.is_ours()) {
            engine.folder.announce(&host)?;
        }
        *self.host.write().unwrap_or_else(PoisonError::into_inner) = host;
        Ok(bound)
    }
}

/// The host's ear.
#[derive(Debug)]
pub(crate) struct Listener {
    service: Arc<Service>,
    accepting: Option<tokio::task::JoinHandle<()>>,
}

impl Listener {
    /// Listens for a store's guests, on a socket that this process was handed or on one of its own. `host` comes back with the socket in it.
    pub(crate) fn begin(
        mut host: Host,
        given: Option<&Handed>,
        engine: &Arc<Inner>,
        runtime: &Handle,
    ) -> (Self, Host, Result<()>) {
        let bound = {
            // Binding asks for the runtime's reactor.
            let _inside = runtime.enter();
            given.map_or_else(|| Bound::new(&host.store, host.epoch), Bound::adopt)
        };
        host.socket = bound.as_ref().ok().map(|bound| bound.path().to_owned());
        let service = Arc::new(Service {
            engine: Arc::downgrade(engine),
            host: RwLock::new(host.clone()),
            since: Instant::now(),
            guests: AtomicU64::new(0),
            closing: watch::Sender::new(false),
            shutdown: watch::Sender::new(false),
            grants: Grants::new(engine.folder.root(), engine.writer.environment.clone()),
            audit: Audit::new(engine.folder.root()),
            revoked: watch::Sender::new(0),
        });
        let (accepting, outcome) = match bound {
            Ok(bound) => (Some(runtime.spawn(accept(bound, Arc::clone(&service)))), Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { service, accepting }, host, outcome)
    }

    /// Serves one more guest, that came some other way.
    #[cfg(unix)]
    pub(crate) fn serve(&self, stream: Stream, runtime: &Handle) -> Result<tokio::task::JoinHandle<()>> {
        let failed = |error| crate::error::Error::internal("the socket of a guest can't be used").because(error);
        stream.set_nonblocking(true).map_err(failed)?;
        Ok(runtime.spawn(guest(Arc::clone(&self.service), stream)))
    }

    /// Who the host is, now.
    pub(crate) fn host(&self) -> Host {
        self.service.host()
    }

    /// Becomes true when a daemon was asked to go.
    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        self.service.shutdown.subscribe()
    }

    pub(crate) fn ask_to_go(&self) {
        self.service.ask_to_go();
    }

    /// Takes no more requests, and waits until those that were taken are answered.
    pub(crate) async fn close(&self) {
        if let Some(accepting) = &self.accepting {
            // The socket's file goes with it.
            accepting.abort();
        }
        self.service.closing.send_replace(true);
        let deadline = tokio::time::Instant::now() + DRAIN;
        let mut left = self.service.closing.subscribe();
        while self.service.guests.load(Ordering::Acquire) > 0 {
            // Each that leaves says so.
            if tokio::time::timeout_at(deadline, left.changed()).await.is_err() {
                tracing::warn!("some guests were left without an answer; they ask the next host");
                return;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(mut bound: Bound, service: Arc<Service>) {
    let turned_away = |pid, error: std::io::Error| {
        tracing::warn!(%error, "a connection was turned away");
        let line = Audited::new(service.grants.now(), AuditKind::Refused);
        service.audit.note(Audited { pid, why: Some(error.to_string()), ..line });
    };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            accepted = bound.accept(turned_away) => accepted,
            _ = looks.tick() => {
                if !bound.is_there() {
                    match service.renewed() {
                        Ok(renewed) => bound = renewed,
                        Err(error) => tracing::warn!(%error, "the socket is gone, and there is no other"),
                    }
                }
                continue;
            }
        };
        match accepted {
            Ok(stream) if service.guests.load(Ordering::Acquire) < GUESTS => {
                tokio::spawn(guest(Arc::clone(&service), stream));
            }
            Ok(_) => tracing::warn!("a guest was turned away: there are {GUESTS} already"),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn guest(service: Arc<Service>, stream: Stream) {
    /// Counts out, however the connection ends.
    struct Present(Arc<Service>);
    impl Drop for Present {
        fn drop(&mut self) {
            self.0.guests.fetch_sub(1, Ordering::AcqRel);
            self.0.closing.send_modify(|_| {});
        }
    }
    service.guests.fetch_add(1, Ordering::AcqRel);
    let present = Present(service);
    serve(&present.0, stream).await;
}
