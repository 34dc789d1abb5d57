//! `POST /v1/states`: a device that knows of more than this log brings its entities' states.

use std::io::Write as _;
use std::sync::LazyLock;

use altair_protocol::sync::{BootstrapLine, HttpCode, Joined, MAX_STATES};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use flate2::write::MultiGzDecoder;
use tokio::sync::Semaphore;

use super::{Failure, Site, json, next_piece};
use crate::household::Brought;

/// How many states are joined before more is read, and about how many bytes of them.
const SOME: usize = 1000;
const SOME_BYTES: usize = 8 << 20;
/// How much is unpacked at once: gzip makes a thousand times as much of it at most.
const SIP: usize = 1 << 10;
/// How many requests with states are read at once: each may take up as much memory as a body may be long.
static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// Joins the states in the body.
pub(super) async fn states(State(site): State<Site>, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let (account, household) = site.account(&headers).await?;
    let device = site.server.store.device(household.id(), account.device).await?.ok_or_else(Failure::unauthorized)?;
    if device.met == Some(household.record().incarnation) {
        let message = "this device has been welcomed to this log: it brings changes, and no states";
        return Err(Failure::new(HttpCode::Met, message, "push what is in the outbox"));
    }
    let incarnation = household.record().incarnation;
    let _reader = READERS.acquire().await;
    let mut lines = Lines::new(gzipped(&headers)?);
    let (mut pieces, mut some, mut bytes) = (body.into_data_stream(), Vec::new(), 0);
    let mut told = Joined { joined: 0, unchanged: 0, refused: Vec::new(), head: household.head(), incarnation };
    loop {
        let piece = next_piece(&mut pieces).await?;
        let (ended, sips) = match &piece {
            Some(piece) => (false, piece.chunks(SIP)),
            None => (true, [].chunks(SIP)),
        };
        for sip in sips {
            lines.take(sip)?;
            while let Some(line) = lines.next() {
                bytes += line.len();
                some.push(read(&line)?);
            }
        }
        if ended {
            lines.end()?;
            while let Some(line) = lines.next() {
                some.push(read(&line)?);
            }
            if let Some(line) = lines.rest() {
                some.push(read(&line)?);
            }
        }
        if some.len() >= SOME || bytes >= SOME_BYTES || (ended && !some.is_empty()) {
            let joined = household.meet(account.device, std::mem::take(&mut some)).await?;
            told.joined += joined.joined;
            told.unchanged += joined.unchanged;
            told.refused.extend(joined.refused);
            told.head = joined.head;
            bytes = 0;
        }
        if ended {
            tracing::info!(household = %household.id(), device = %account.device, joined = told.joined, "states came");
            return Ok(json(&told));
        }
    }
}

fn gzipped(headers: &HeaderMap) -> Result<bool, Failure> {
    match headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => Err(Failure::malformed("the body is packed in a way that isn't known: use gzip")),
    }
}

fn read(line: &[u8]) -> Result<Brought, Failure> {
    match serde_json::from_slice(line) {
        Ok(BootstrapLine::Entity(state)) => Ok(Brought::State(state)),
        Ok(BootstrapLine::Erased(erased)) => Ok(Brought::Erased(erased)),
        Ok(_) => Err(Failure::malformed("only `entity` and `erased` lines go up")),
        Err(error) => Err(Failure::malformed(format!("a line can't be read: {error}"))),
    }
}

/// Lines of a body that comes in pieces, unpacked.
struct Lines {
    unpacking: Unpacking,
    /// Where the next line begins, and up to where there is no end of it.
    begin: usize,
    looked: usize,
    /// How many bytes came before what is held.
    before: usize,
}

enum Unpacking {
    Plain(Vec<u8>),
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl Lines {
    fn new(gzip: bool) -> Self {
        let unpacking = match gzip {
            true => Unpacking::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            false => Unpacking::Plain(Vec::new()),
        };
        Self { unpacking, begin: 0, looked: 0, before: 0 }
    }

    fn held(&mut self) -> &mut Vec<u8> {
        match &mut self.unpacking {
            Unpacking::Plain(bytes) => bytes,
            Unpacking::Gzip(decoder) => decoder.get_mut(),
        }
    }

    /// Takes a piece.
    fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let begin = std::mem::take(&mut self.begin);
        self.held().drain(..begin);
        self.before += begin;
        self.looked -= begin;
        let taken = match &mut self.unpacking {
            Unpacking::Plain(bytes) => bytes.write_all(piece),
            Unpacking::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
        };
        taken.map_err(|_| Failure::malformed("the body is no gzip"))?;
        if self.before + self.held().len() > MAX_STATES {
            let message = format!("a body with states may have {MAX_STATES} bytes at most");
            return Err(Failure::new(HttpCode::TooLarge, message, "bring them in several requests"));
        }
        Ok(())
    }

    /// The next whole line without its end.
    fn next(&mut self) -> Option<Vec<u8>> {
        let (begin, looked) = (self.begin, self.looked);
        let held = self.held();
        let Some(end) = held[looked..].iter().position(|byte| *byte == b'\n').map(|at| looked + at) else {
            self.looked = held.len();
            return None;
        };
        let line = held[begin..end].to_vec();
        self.begin = end + 1;
        self.looked = end + 1;
        Some(line)
    }

    /// The body has ended; a packed one has to be whole.
    fn end(&mut self) -> Result<(), Failure> {
        match &mut self.unpacking {
            Unpacking::Plain(_) => Ok(()),
            Unpacking::Gzip(decoder) => decoder.try_finish().map_err(|_| Failure::malformed("the body was cut off")),
        }
    }

    /// What comes after the last line's end.
    fn rest(&mut self) -> Option<Vec<u8>> {
        let begin = self.begin;
        let rest = self.held().split_off(begin);
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(mut lines: Lines, body: &[u8], sip: usize) -> Vec<String> {
        let mut found = Vec::new();
        for sip in body.chunks(sip) {
            lines.take(sip).unwrap();
            while let Some(line) = lines.next() {
                found.push(line);
            }
        }
        lines.end().unwrap();
        while let Some(line) = lines.next() {
            found.push(line);
        }
        found.extend(lines.rest());
        found.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_come_whole_however_the_body_is_cut() {
        let body = b"one\ntwo\n\nthree";
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(body).unwrap();
        let packed = packed.finish().unwrap();
        for sip in 1..packed.len() {
            assert_eq!(lines_of(Lines::new(false), body, sip), ["one", "two", "", "three"]);
            assert_eq!(lines_of(Lines::new(true), &packed, sip), ["one", "two", "", "three"]);
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_before_it_is_there() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b'x'; MAX_STATES + 1]).unwrap();
        let packed = packed.finish().unwrap();
        let mut lines = Lines::new(true);
        let refused = packed.chunks(SIP).find_map(|sip| {
            let taken = lines.take(sip);
            assert!(lines.held().len() <= MAX_STATES + (2 << 20));
            assert!(lines.next().is_none());
            taken.err()
        });
        assert!(refused.is_some());
    }
}
