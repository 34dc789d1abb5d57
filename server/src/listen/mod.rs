//! Listening: connections in, with or without TLS, each bounded in what it may take up before it has said anything.
//!
//! A connection that says nothing, says it slowly, or doesn't read what it asked for is closed after a while. There are so many connections at most; the next ones wait to be taken.

mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

pub(crate) use stream::Stream;
pub(crate) use tls::Tls;

use crate::http::{Peer, Site, router};
use crate::stop::Stop;

/// How long a request's head may take, from the end of the one before; and TLS its greeting.
const HEAD: Duration = Duration::from_secs(10);
/// How long a head may be.
const HEAD_BYTES: usize = 64 << 10;
const HEADERS: usize = 64;
/// How long to leave it when there is nothing left to take a connection with.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Takes connections until it is to stop, and then waits for none of them.
pub(crate) async fn accept(listener: TcpListener, site: Site, tls: Option<Arc<Tls>>, most: usize, mut stop: Stop) {
    let connections = Arc::new(Semaphore::new(most));
    let router = router(site.clone());
    loop {
        let taking = async {
            // The semaphore is never closed.
            let place = Arc::clone(&connections).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            taken = taking => taken,
            () = stop.said() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if is_ours(&error) {
                    tracing::error!(%error, "connections can't be taken");
                    tokio::time::sleep(EXHAUSTED).await;
                }
                continue;
            }
        };
        let held = site.server.metrics.connections.held();
        let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, address, router, tls, stop).await;
            drop((place, held));
        });
    }
}

/// Whether an error is this process's, and not one of a connection that was gone before it was taken.
fn is_ours(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, address: SocketAddr, router: Router, tls: Option<Arc<Tls>>, mut stop: Stop) {
    // Small frames go at once. Without it they go a little later.
    let _ = stream.set_nodelay(true);
    let stream = match tls {
        None => Stream::plain(stream),
        Some(tls) => match tokio::time::timeout(HEAD, tls.accept(stream)).await {
            Ok(Ok(stream)) => Stream::tls(stream),
            Ok(Err(error)) => return tracing::debug!(%error, "TLS failed"),
            Err(_) => return tracing::debug!("TLS took too long"),
        },
    };
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(address));
        router.clone().oneshot(request.map(Body::new))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop.said() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke");
    }
}
