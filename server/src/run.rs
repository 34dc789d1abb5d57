//! A server that listens: the open server with its socket for devices and its socket for administration, until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use altair_core::{Environment, Error, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::admin;
use crate::config::Config;
use crate::http::Site;
use crate::listen::{Tls, accept};
use crate::server::{Opening, Server};
use crate::stop::{Stop, Stopper};

/// How often is stored what is only noted meanwhile.
const TIDY: Duration = Duration::from_secs(15);
/// How long connections may take to end.
const DRAIN: Duration = Duration::from_secs(10);

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    server: Arc<Server>,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    stop: Stopper,
    tasks: Vec<JoinHandle<()>>,
    /// Ends when no connection is left.
    drained: mpsc::Receiver<()>,
}

impl Running {
    /// Opens the data folder and listens, as a configuration says.
    pub async fn start(config: &Config) -> Result<Self> {
        Self::start_in(config, Environment::default()).await
    }

    /// The same with a clock and randomness of one's own.
    pub async fn start_in(config: &Config, environment: Environment) -> Result<Self> {
        let listen = config.checked_listen()?;
        let tls = match &config.tls {
            Some(tls) => Some(Arc::new(Tls::read(&tls.cert, &tls.key)?)),
            None => None,
        };
        // Before the data folder, so that a wrong address touches nothing.
        let listener = TcpListener::bind(listen).await.map_err(|error| Self::cannot_listen(listen, &error))?;
        let address = listener.local_addr().map_err(|error| Self::cannot_listen(listen, &error))?;
        let server = Arc::new(Server::open(Opening { environment, ..config.opening() }).await?);
        let stop = Stopper::new();
        let (alive, drained) = mpsc::channel(1);
        let site = Site { server: Arc::clone(&server), behind_proxy: config.behind_proxy, _alive: alive };
        let administration = admin::listen(Arc::clone(&server), stop.heard())?;
        let tidying = tokio::spawn(tidy(Arc::clone(&server), stop.heard()));
        let accepting = tokio::spawn(accept(listener, site, tls.clone(), config.connections, stop.heard()));
        Ok(Self { server, address, tls, stop, tasks: vec![accepting, administration, tidying], drained })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server itself, to administer it from within the process.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Where devices find it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Reads the certificate again. If it can't be used the one before stays.
    pub fn reload(&self) -> Result<()> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// Stops: nobody new is let in, what is queued is done and answered, and everything is on disk when this returns.
    pub async fn stop(self) -> Result<()> {
        let Self { server, stop, tasks, mut drained, .. } = self;
        stop.say();
        server.send_away().await;
        for task in tasks {
            // A task that panicked has ended, too.
            let _ = task.await;
        }
        if tokio::time::timeout(DRAIN, drained.recv()).await.is_err() {
            tracing::warn!("some connections didn't end in time");
        }
        match Arc::try_unwrap(server) {
            Ok(server) => server.close().await,
            Err(held) => held.close_shared().await,
        }
    }

    fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> Error {
        let hint = "choose another address with --listen; port 0 takes one that is free";
        Error::new(altair_core::ErrorKind::Internal, format!("{listen} can't be listened on: {error}"), hint)
    }
}

async fn tidy(server: Arc<Server>, mut stop: Stop) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => server.tidy().await,
            () = stop.said() => return,
        }
    }
}
