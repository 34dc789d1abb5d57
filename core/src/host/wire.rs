//! Lines in, and values as lines.

use std::io;

use altair_protocol::exactly;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use super::stream::ReadHalf;

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

    /// How many bytes a line may have, with its end.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Lets the lines from here on have so many bytes.
    pub(crate) const fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// The next line without its end; `None` when the other end has closed. Half a line before that is none.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        Ok(self.read().await?.then(|| self.text()))
    }

    fn text(&self) -> &[u8] {
        self.line.strip_suffix(b"\r").unwrap_or(&self.line)
    }

    async fn read(&mut self) -> Result<bool, ReadError> {
        if self.whole {
            self.whole = false;
            self.line.clear();
            self.line.shrink_to(KEPT);
        }
        loop {
            let read = self.reader.fill_buf().await.map_err(ReadError::Failed)?;
            if read.is_empty() {
                return Ok(false);
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
                return Ok(true);
            }
        }
    }
}

impl Lines<ReadHalf> {
    /// As [`Lines::next`], but nothing more once the other end has hung up, whatever it has sent before: it may have asked for that somewhere else since.
    pub(crate) async fn next_while_there(&mut self) -> Result<Option<&[u8]>, ReadError> {
        Ok((self.read().await? && !self.stream().is_hung_up()).then(|| self.text()))
    }

    /// What they come from.
    pub(crate) fn stream(&self) -> &ReadHalf {
        self.reader.get_ref()
    }
}

/// A value as a line with its end.
pub(crate) fn line<T: serde::Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut line = exactly(|| serde_json::to_vec(value))?;
    line.push(b'\n');
    Ok(line)
}

/// A value as JSON; `None` when that is longer than so many bytes, and then no more than those were written.
pub(crate) fn at_most<T: serde::Serialize>(value: &T, most: usize) -> serde_json::Result<Option<Vec<u8>>> {
    struct Bounded {
        json: Vec<u8>,
        most: usize,
    }

    impl io::Write for Bounded {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            if part.len() > self.most - self.json.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.json.extend_from_slice(part);
            Ok(part.len())
        }

        // JSON comes in small parts: without a loop around each.
        fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
            self.write(part).map(drop)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut bounded = Bounded { json: Vec::new(), most };
    match exactly(|| serde_json::to_writer(&mut bounded, value)) {
        Ok(()) => Ok(Some(bounded.json)),
        Err(error) if error.is_io() => Ok(None),
        Err(error) => Err(error),
    }
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

    #[test]
    fn what_is_too_long_is_not_written_to_its_end() {
        assert_eq!(at_most(&"four", 6).unwrap().as_deref(), Some(&b"\"four\""[..]));
        assert_eq!(at_most(&"four", 5).unwrap(), None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn who_writes_no_more_has_not_hung_up() {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let (read, _write) = crate::host::stream::split(ours).unwrap();
        let mut lines = Lines::new(read, 100);
        std::io::Write::write_all(&mut &theirs, b"one\ntwo\n").unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(lines.next().await.unwrap(), Some(&b"one"[..]));
        assert!(!lines.stream().is_hung_up());
        drop(theirs);
        assert!(lines.stream().is_hung_up(), "though there is a line to read");
        assert_eq!(lines.next().await.unwrap(), Some(&b"two"[..]));
    }
}
