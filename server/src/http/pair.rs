//! `POST /v1/pair`, `/v1/token` and `/v1/unpair`.

use altair_protocol::sync::{Pair, Renew};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{Failure, Peer, Site, json, small_body};

/// A new device shows the code that it was given, and gets a token.
pub(super) async fn pair(
    State(site): State<Site>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let asked: Pair = small_body(body).await?;
    let paired = site.server.pair(&asked, site.from(peer, &headers)).await?;
    Ok(json(&paired))
}

/// A paired device asks for another token.
pub(super) async fn renew(State(site): State<Site>, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let (account, _) = site.account(&headers).await?;
    let asked: Renew = small_body(body).await?;
    Ok(json(&site.server.renew(&account, &asked).await?))
}

/// A device goes.
pub(super) async fn unpair(State(site): State<Site>, headers: HeaderMap) -> Result<StatusCode, Failure> {
    let (account, _) = site.account(&headers).await?;
    site.server.unpair(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}
