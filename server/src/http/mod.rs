//! The requests that a server answers: one file each, behind one router.
//!
//! A request has an id, a span in the log and an answer, whatever it says; bodies are read up to a limit and no slower than a limit. Who asks is known by the token, which also says which
//! household they see: no request names one.

mod blobs;
mod bootstrap;
mod failure;
mod health;
mod pair;
mod states;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use altair_protocol::sync::HttpCode;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use futures::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use uuid::Uuid;

pub(crate) use failure::Failure;

use crate::household::Household;
use crate::secret::Token;
use crate::server::Server;
use crate::store::Account;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a body may take from one piece to the next.
const IDLE: Duration = Duration::from_secs(30);
/// How long a small body may take altogether.
const SMALL_BODY: Duration = Duration::from_secs(10);
/// How long it may be.
const SMALL_BYTES: usize = 64 << 10;

/// What every request is answered with.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) server: Arc<Server>,
    /// Whether a proxy that we trust says whom a request is from.
    pub(crate) behind_proxy: bool,
    /// Held by everything that answers, so that the server knows when nobody is left.
    pub(crate) _alive: tokio::sync::mpsc::Sender<()>,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Everything that is answered.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/v1/sync", get(crate::socket::upgrade))
        .route("/v1/pair", post(pair::pair))
        .route("/v1/token", post(pair::renew))
        .route("/v1/unpair", post(pair::unpair))
        .route("/v1/bootstrap", get(bootstrap::bootstrap))
        .route("/v1/states", post(states::states))
        .route("/v1/blobs/{hash}", put(blobs::put).get(blobs::get))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(any(nowhere))
        .method_not_allowed_fallback(nowhere)
        .layer(axum::middleware::from_fn_with_state(site.clone(), traced))
        .with_state(site)
}

async fn nowhere() -> Failure {
    Failure::new(HttpCode::NotFound, "there is nothing here", "docs/protocol.md lists the requests")
}

/// Gives a request its id and its span, and counts it.
async fn traced(State(site): State<Site>, request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()?.parse::<Uuid>().ok());
    let id = given.unwrap_or_else(|| {
        uuid::Builder::from_unix_timestamp_millis(site.server.environment.now(), &site.server.environment.random())
            .into_uuid()
    });
    // The route and not the path, which may hold what somebody searched for.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", %id, method = %request.method(), route);
    let begun = Instant::now();
    site.server.metrics.requests.add(1);
    async {
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        if status >= 500 {
            site.server.metrics.failures.add(1);
        }
        tracing::info!(status, millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), "answered");
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

impl Site {
    /// Whose request it is.
    pub(crate) async fn account(&self, headers: &HeaderMap) -> Result<(Account, Arc<Household>), Failure> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer =
            shown.and_then(|value| value.split_once(' ')).filter(|(how, _)| how.eq_ignore_ascii_case("bearer"));
        let token = bearer.and_then(|(_, token)| Token::parse(token.trim())).ok_or_else(Failure::unauthorized)?;
        let account = self.server.store.account(&token.hash()).await?.ok_or_else(Failure::unauthorized)?;
        let household = self.server.households.get(account.household).await?;
        Ok((account, household))
    }

    /// Where a request comes from: the connection's other end or, behind a proxy, the last address that it added.
    fn from(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        let told = if self.behind_proxy { forwarded() } else { None };
        told.unwrap_or_else(|| peer.0.ip())
    }
}

/// A value as a body.
fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer can't be written");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A small body, read whole. An empty one is an empty object.
async fn small_body<T: DeserializeOwned>(body: Body) -> Result<T, Failure> {
    let reading = async {
        let mut pieces = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| cut_off())?;
            if bytes.len() + piece.len() > SMALL_BYTES {
                let message = format!("the body may have {SMALL_BYTES} bytes at most");
                return Err(Failure::new(HttpCode::TooLarge, message, "docs/protocol.md says how it has to be"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    let bytes = tokio::time::timeout(SMALL_BODY, reading).await.map_err(|_| cut_off())??;
    let bytes = if bytes.is_empty() { b"{}" } else { bytes.as_slice() };
    serde_json::from_slice(bytes).map_err(|error| Failure::malformed(format!("the body can't be read: {error}")))
}

/// The next piece of a large body, which may take a while, but not for ever.
async fn next_piece(pieces: &mut axum::body::BodyDataStream) -> Result<Option<Bytes>, Failure> {
    match tokio::time::timeout(IDLE, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) | Err(_) => Err(cut_off()),
    }
}

fn cut_off() -> Failure {
    Failure::malformed("the body was cut off, or came too slowly")
}
