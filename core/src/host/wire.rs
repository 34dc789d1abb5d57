//! Lines in and out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use altair_protocol::{exactly, rpc};
use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::sleep;

/// What a line buffer may keep for the next line.
const KEPT: usize = 64 << 10;
/// How many lines may wait for a guest to read them. Together they have no more bytes than one answer may have.
const UNREAD_LINES: usize = 64;
/// How long a guest may leave a line unread.
const UNREAD: Duration = Duration::from_secs(30);
/// How long it may when the host is closing: others wait for the store.
const UNREAD_AT_CLOSING: Duration = Duration::from_millis(200);
/// Apple's systems have no such flag, and no signal for a socket that the standard library made.
#[cfg(target_vendor = "apple")]
const QUIETLY: SendFlags = SendFlags::DONTWAIT;
#[cfg(not(target_vendor = "apple"))]
const QUIETLY: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

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

impl Lines<OwnedReadHalf> {
    /// As [`Lines::next`], but nothing more once the other end has hung up, whatever it has sent before: it may have asked for that somewhere else since.
    pub(crate) async fn next_while_there(&mut self) -> Result<Option<&[u8]>, ReadError> {
        Ok((self.read().await? && !self.is_hung_up()).then(|| self.text()))
    }

    /// Whether the other end has hung up. One that only writes no more still reads, and has not.
    pub(crate) fn is_hung_up(&self) -> bool {
        // Nothing is sent. That it can't be is said all the same, however much there is still to read.
        let sent = rustix::net::send(self.reader.get_ref().as_ref(), &[], QUIETLY);
        matches!(sent, Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN))
    }

    /// Hangs up both ways at once, so that the other end sees it before anything that is done about it.
    pub(crate) fn hang_up(&self) {
        // The other end may have done it before.
        let _ = rustix::net::shutdown(self.reader.get_ref().as_ref(), Shutdown::Both);
    }
}

/// A line, and the room in the queue that it takes.
type Queued = (Vec<u8>, OwnedSemaphorePermit);

/// The way out of a connection at its host: lines go whole, one after another, and whoever has one waits as long as too much waits before it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    lines: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl Outgoing {
    /// The way out, and what [`write_lines`] takes from it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Queued>) {
        let (lines, queue) = mpsc::channel(UNREAD_LINES);
        (Self { lines, room: Arc::new(Semaphore::new(rpc::MAX_ANSWER)) }, queue)
    }

    /// Sends a message as a line, unless the guest is gone. Given up before its end, it has sent nothing.
    pub(crate) async fn send(&self, mut message: Vec<u8>) {
        message.push(b'\n');
        let bytes = u32::try_from(message.len().min(rpc::MAX_ANSWER)).unwrap_or(u32::MAX);
        // Nobody closes it.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await else { return };
        let _ = self.lines.send((message, room)).await;
    }

    /// Ends when the guest is gone, or doesn't read.
    pub(crate) async fn closed(&self) {
        self.lines.closed().await;
    }
}

/// Writes lines until the last was written, or one wasn't read in time.
pub(crate) async fn write_lines(
    mut out: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Queued>,
    mut closing: watch::Receiver<bool>,
) {
    while let Some((line, _room)) = queue.recv().await {
        tokio::select! {
            biased;
            written = out.write_all(&line) => if written.is_err() { return },
            () = sleep(UNREAD) => return,
            () = async {
                closed(&mut closing).await;
                sleep(UNREAD_AT_CLOSING).await;
            } => return,
        }
    }
    // The guest may have gone before.
    let _ = out.shutdown().await;
}

/// Ends when the host closes.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // Without a sender there is no host any more.
    let _ = closing.wait_for(|closing| *closing).await;
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

    #[tokio::test]
    async fn who_writes_no_more_has_not_hung_up() {
        let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
        let (read, _write) = ours.into_split();
        let mut lines = Lines::new(read, 100);
        let theirs = theirs.into_std().unwrap();
        std::io::Write::write_all(&mut &theirs, b"one\ntwo\n").unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(lines.next().await.unwrap(), Some(&b"one"[..]));
        assert!(!lines.is_hung_up());
        drop(theirs);
        assert!(lines.is_hung_up(), "though there is a line to read");
        assert_eq!(lines.next().await.unwrap(), Some(&b"two"[..]));
    }
}
