//! `GET /v1/bootstrap`: all entities as they are, in NDJSON, resumable after any line.
//!
//! The lines are those that the fold keeps, sent as they are. The head that is told first is where the fold was before the first line was read, so that a line may know of more than the head says and never
//! of less.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use altair_protocol::EntityId;
use altair_protocol::sync::{BootstrapLine, Checksum, End, HttpCode, Start, SyncId};
use altair_protocol::view::Time;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Failure, Site};
use crate::household::Household;
use crate::store::{Account, StateLine, internal};

/// About how much is read at once.
const PAGE_BYTES: usize = 512 << 10;
/// How many pieces may wait to be sent.
const WAITING: usize = 2;
/// How long a reader may take for one piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where to go on.
#[derive(Debug, Deserialize)]
pub(super) struct Rest {
    after: Option<EntityId>,
    head: Option<SyncId>,
}

type Pieces = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Answers with all entities, or the rest of them.
pub(super) async fn bootstrap(
    State(site): State<Site>,
    query: Result<Query<Rest>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (account, household) = site.account(&headers).await?;
    let Query(rest) = query.map_err(|error| Failure::malformed(error.to_string()))?;
    if rest.after.is_some() != rest.head.is_some() {
        return Err(Failure::malformed("to go on, both `after` and `head` are needed"));
    }
    let folded = household.catch_up().await?;
    let head = rest.head.unwrap_or_else(|| folded.covers());
    if head < household.horizon() || head > household.head() {
        let message = format!("the log doesn't reach back to {head}");
        return Err(Failure::new(HttpCode::Horizon, message, "begin the bootstrap anew"));
    }
    let start = Start {
        head,
        incarnation: household.record().incarnation,
        server_time: Time::from_millis(site.server.environment.now().cast_signed()),
        entities: folded.entities,
    };
    let gzip = accepts_gzip(&headers);
    let (send, receive) = mpsc::channel(WAITING);
    let sending = Sending { site, account, household, after: rest.after, packing: Packing::new(gzip), pieces: send };
    tokio::spawn(sending.run(start));
    let pieces = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|piece| (piece, receive)) });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (coding, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        matches!(coding.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}

struct Sending {
    site: Site,
    account: Account,
    household: Arc<Household>,
    after: Option<EntityId>,
    packing: Packing,
    pieces: Pieces,
}

/// Why a bootstrap ends before its end.
enum Stop {
    /// Nobody reads it any more.
    Gone,
    /// Something failed.
    Failed(altair_core::Error),
}

impl From<altair_core::Error> for Stop {
    fn from(error: altair_core::Error) -> Self {
        Self::Failed(error)
    }
}

impl Sending {
    async fn run(mut self, start: Start) {
        match self.send(start).await {
            Ok(()) => {}
            Err(Stop::Gone) => tracing::debug!(device = %self.account.device, "a bootstrap was broken off"),
            Err(Stop::Failed(error)) => {
                tracing::error!(household = %self.household.id(), %error, "a bootstrap failed");
                // Without its last line it isn't taken for whole.
                let _ = self.pieces.send(Err(std::io::Error::other("the server has a fault of its own"))).await;
            }
        }
    }

    async fn send(&mut self, start: Start) -> Result<(), Stop> {
        let (mut checksum, mut entities, mut erased) = (Checksum::default(), 0, 0);
        self.line(&written(&BootstrapLine::Bootstrap(start))?, &mut checksum).await?;
        let store = self.site.server.store.clone();
        loop {
            let lines = store.state_lines_after(self.household.id(), self.after, PAGE_BYTES).await?;
            let Some(last) = lines.last() else { break };
            self.after = Some(last.id);
            // Whose token was taken from them meanwhile gets no more.
            let device = store.device(self.household.id(), self.account.device).await?;
            if device.is_none_or(|device| device.revoked_ms.is_some()) {
                return Err(Stop::Gone);
            }
            for line in lines {
                if line.is_erased() {
                    erased += 1
                } else {
                    entities += 1
                }
                let StateLine { line, .. } = line;
                self.line(&line, &mut checksum).await?;
            }
        }
        let end = BootstrapLine::End(End { entities, erased, checksum: checksum.hash() });
        self.line(&written(&end)?, &mut checksum).await?;
        let rest = self.packing.end()?;
        self.piece(rest).await
    }

    async fn line(&mut self, line: &str, checksum: &mut Checksum) -> Result<(), Stop> {
        checksum.line(line);
        match self.packing.line(line)? {
            Some(piece) => self.piece(piece).await,
            None => Ok(()),
        }
    }

    async fn piece(&self, piece: Vec<u8>) -> Result<(), Stop> {
        let sent = self.pieces.send_timeout(Ok(piece.into()), PATIENCE).await;
        sent.map_err(|_| Stop::Gone)
    }
}

fn written(line: &BootstrapLine) -> altair_core::Result<String> {
    serde_json::to_string(line).map_err(|error| internal("a line can't be written").because(error))
}

/// Lines gathered into pieces, packed or not.
enum Packing {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Packing {
    /// How long a piece gets, about.
    const PIECE: usize = 64 << 10;

    fn new(gzip: bool) -> Self {
        if gzip { Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())) } else { Self::Plain(Vec::new()) }
    }

    /// Takes a line; a piece, when there is one.
    fn line(&mut self, line: &str) -> altair_core::Result<Option<Vec<u8>>> {
        let packed = match self {
            Self::Plain(piece) => {
                piece.extend_from_slice(line.as_bytes());
                piece.push(b'\n');
                piece
            }
            Self::Gzip(encoder) => {
                let packed = encoder.write_all(line.as_bytes()).and_then(|()| encoder.write_all(b"\n"));
                packed.map_err(|error| internal("a line can't be packed").because(error))?;
                encoder.get_mut()
            }
        };
        Ok((packed.len() >= Self::PIECE).then(|| std::mem::take(packed)))
    }

    /// The last piece.
    fn end(&mut self) -> altair_core::Result<Vec<u8>> {
        match std::mem::replace(self, Self::Plain(Vec::new())) {
            Self::Plain(piece) => Ok(piece),
            Self::Gzip(encoder) => encoder.finish().map_err(|error| internal("a line can't be packed").because(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_accepts_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::try_from(value).unwrap());
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip") && accepts("br, gzip;q=0.8") && accepts("*"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn pieces_make_up_the_lines() {
        use std::io::Read as _;
        for gzip in [false, true] {
            let mut packing = Packing::new(gzip);
            let (mut sent, mut expected) = (Vec::new(), String::new());
            for n in 0..20_000_u64 {
                let line = blake3::hash(&n.to_le_bytes()).to_hex().to_string();
                sent.extend(packing.line(&line).unwrap().unwrap_or_default());
                expected.push_str(&line);
                expected.push('\n');
            }
            sent.extend(packing.end().unwrap());
            let mut read = String::new();
            match gzip {
                true => flate2::read::GzDecoder::new(&sent[..]).read_to_string(&mut read).unwrap(),
                false => sent.as_slice().read_to_string(&mut read).unwrap(),
            };
            assert!(read == expected);
        }
    }
}
