//! Lines of an answer as they come, unpacked: a bootstrap.

use std::io::Write as _;

use altair_protocol::sync::{BootstrapLine, Checksum, End, MAX_SERVER_FRAME, Start};
use flate2::write::GzDecoder;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

use super::RemoteError;

/// How many bytes of an answer are unpacked at a time: packed, a line may have a thousandth of its length.
const PIECE: usize = 16 << 10;

/// A bootstrap that couldn't be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinesError {
    /// It was cut off: ask for the rest.
    #[error(transparent)]
    Remote(RemoteError),
    /// What came isn't what was sent, or isn't all of it: begin anew.
    #[error("what the server sent is damaged: {0}")]
    Damaged(String),
    /// A line that this program can't read: a newer one wrote it.
    #[error("the server has something that this program can't read: {0}")]
    Newer(String),
}

/// A bootstrap's lines, in order: the first, the entities, the last. Each is read, counted and summed up here; nothing comes after the last.
#[derive(Debug)]
pub struct Lines {
    response: Response,
    unpacking: Unpacking,
    /// Up to here `unpacking`'s bytes were given.
    given: usize,
    ended: bool,
    stage: Stage,
    checksum: Checksum,
    counted: (u64, u64),
    /// How many bytes of lines were given, unpacked.
    taken: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    Entities,
    Over,
}

#[derive(Debug)]
enum Unpacking {
    Plain(Vec<u8>),
    Gzip(Box<GzDecoder<Vec<u8>>>),
}

impl Unpacking {
    fn bytes(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Gzip(decoder) => decoder.get_mut(),
        }
    }

    fn take(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(bytes) => bytes.extend_from_slice(chunk),
            Self::Gzip(decoder) => {
                decoder.write_all(chunk)?;
                decoder.flush()?;
            }
        }
        Ok(())
    }
}

impl Lines {
    pub(super) fn of(response: Response) -> Self {
        let packed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let unpacking =
            if packed { Unpacking::Gzip(Box::new(GzDecoder::new(Vec::new()))) } else { Unpacking::Plain(Vec::new()) };
        let (stage, checksum) = (Stage::First, Checksum::default());
        Self { response, unpacking, given: 0, ended: false, stage, checksum, counted: (0, 0), taken: 0 }
    }

    /// How long the lines are together that were given so far, in bytes.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// The first line.
    ///
    /// # Errors
    /// When it isn't there, or is none.
    pub async fn start(&mut self) -> Result<Start, LinesError> {
        match self.next().await? {
            Some(BootstrapLine::Bootstrap(start)) => Ok(start),
            _ => Err(LinesError::Damaged("it doesn't begin with its head".to_owned())),
        }
    }

    /// The next line; `None` after the last one, whose numbers and checksum are right then.
    ///
    /// # Errors
    /// When the answer was cut off, is damaged, or has a line that can't be read.
    pub async fn next(&mut self) -> Result<Option<BootstrapLine>, LinesError> {
        if self.stage == Stage::Over {
            return Ok(None);
        }
        let Some(text) = self.text().await? else {
            return Err(LinesError::Remote(RemoteError::Unreachable("the answer was cut off".to_owned())));
        };
        let line = serde_json::from_str(&text).map_err(|error| match (self.stage, error.is_data()) {
            // Somebody else answers: a captive portal, a proxy.
            (Stage::First, _) => LinesError::Remote(RemoteError::Foreign(format!("its answer can't be read: {error}"))),
            (_, true) => LinesError::Newer(error.to_string()),
            (_, false) => LinesError::Damaged(error.to_string()),
        })?;
        match (&line, self.stage) {
            (BootstrapLine::Bootstrap(_), Stage::First) => self.stage = Stage::Entities,
            (BootstrapLine::Entity(_), Stage::Entities) => self.counted.0 += 1,
            (BootstrapLine::Erased(_), Stage::Entities) => self.counted.1 += 1,
            (BootstrapLine::End(end), Stage::Entities) => {
                self.check(end)?;
                self.stage = Stage::Over;
                return Ok(Some(line));
            }
            _ => return Err(LinesError::Damaged("its lines are out of order".to_owned())),
        }
        self.checksum.line(&text);
        self.taken += text.len() as u64;
        Ok(Some(line))
    }

    fn check(&self, end: &End) -> Result<(), LinesError> {
        let (entities, erased) = self.counted;
        if (end.entities, end.erased) != (entities, erased) {
            let message =
                format!("{entities} and {erased} lines came, and {} and {} were sent", end.entities, end.erased);
            return Err(LinesError::Damaged(message));
        }
        if end.checksum != self.checksum.hash() {
            return Err(LinesError::Damaged("its checksum is wrong".to_owned()));
        }
        Ok(())
    }

    /// The next line's text, without its end.
    async fn text(&mut self) -> Result<Option<String>, LinesError> {
        let mut looked = self.given;
        loop {
            let bytes = self.unpacking.bytes();
            if let Some(at) = bytes[looked..].iter().position(|byte| *byte == b'\n') {
                let end = looked + at;
                let text = std::str::from_utf8(&bytes[self.given..end]).map(str::to_owned);
                self.given = end + 1;
                return text.map(Some).map_err(|error| LinesError::Damaged(error.to_string()));
            }
            looked = bytes.len();
            if looked - self.given > MAX_SERVER_FRAME {
                return Err(LinesError::Damaged(format!("a line is longer than {MAX_SERVER_FRAME} bytes")));
            }
            if self.ended {
                return Ok(None);
            }
            bytes.drain(..self.given);
            looked -= self.given;
            self.given = 0;
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), LinesError> {
        let Some(chunk) = self.response.chunk().await.map_err(|error| LinesError::Remote(RemoteError::of(error)))?
        else {
            self.ended = true;
            return Ok(());
        };
        for piece in chunk.chunks(PIECE) {
            self.unpacking
                .take(piece)
                .map_err(|error| LinesError::Damaged(format!("it can't be unpacked: {error}")))?;
        }
        Ok(())
    }
}
