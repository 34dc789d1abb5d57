//! Lines in and out.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// What a line buffer may keep for the next line.
const KEPT: usize = 64 << 10;

/// Why there is no next line.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It is longer than it may be.
    TooLong,
    /// The connection failed.
    Failed(io::Error),
}

/// The lines of a connection, none longer than it may be. Waiting for one may be given up and begun again: nothing is lost by that.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    whole: bool,
    most: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, most: usize) -> Self {
        Self { reader: BufReader::with_capacity(16 << 10, reader), line: Vec::new(), whole: false, most }
    }

    /// The next line without its end; `None` when the other end has closed. Half a line before that is none.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        if self.whole {
            self.whole = false;
            self.line.clear();
            self.line.shrink_to(KEPT);
        }
        loop {
            let read = self.reader.fill_buf().await.map_err(ReadError::Failed)?;
            if read.is_empty() {
                return Ok(None);
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            if self.line.len() + part.len() >= self.most {
                return Err(ReadError::TooLong);
            }
            self.line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                self.whole = true;
                return Ok(Some(self.line.strip_suffix(b"\r").unwrap_or(&self.line)));
            }
        }
    }
}

/// A value as a line with its end.
pub(crate) fn line<T: serde::Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_none_is_too_long() {
        let mut lines = Lines::new(&b"one\r\n\ntwo\nhalf"[..], 100);
        for expected in [&b"one"[..], b"", b"two"] {
            assert_eq!(lines.next().await.ok().flatten(), Some(expected));
        }
        assert!(matches!(lines.next().await, Ok(None)), "half a line is none");
        let mut lines = Lines::new(&b"12345\n123456\n"[..], 6);
        assert_eq!(lines.next().await.ok().flatten(), Some(&b"12345"[..]));
        assert!(matches!(lines.next().await, Err(ReadError::TooLong)));
    }
}
