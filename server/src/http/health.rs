//! Whether the server lives, whether it can work, and what it has counted. They need no token, and tell nothing about anybody.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Site;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers, too.
pub(super) async fn readyz(State(site): State<Site>) -> (StatusCode, &'static str) {
    if site.server.store.is_ready().await {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database doesn't answer\n")
    }
}

/// For Prometheus.
pub(super) async fn metrics(State(site): State<Site>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], site.server.metrics.text()).into_response()
}
