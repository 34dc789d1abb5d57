//! The way out of a connection, at either end.
//!
//! Lines go whole, one after another. One that comes when none waits is written at once by whoever has it; a task writes what the other end doesn't take as
//! quickly, and whoever has the next line waits as long as too much waits before it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use altair_protocol::rpc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::stream::WriteHalf;

/// How many lines may wait for the other end to read them. Together they have no more bytes than one answer may have.
const UNREAD_LINES: usize = 64;

/// A line, how much of it is written, and the room in the queue that it takes.
type Queued = (Vec<u8>, usize, OwnedSemaphorePermit);

/// The way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    stream: WriteHalf,
    lines: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    waiting: Waiting,
}

/// How many lines are in the queue or half written. Held while a line is written at once or queued.
#[derive(Debug, Clone, Default)]
struct Waiting(Arc<Mutex<usize>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits to be written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    stream: WriteHalf,
    lines: mpsc::Receiver<Queued>,
    waiting: Waiting,
}

/// A place for one line.
pub(crate) struct Place<'a> {
    out: &'a Outgoing,
    place: mpsc::Permit<'a, Queued>,
    room: OwnedSemaphorePermit,
}

impl Outgoing {
    /// The way out, and what is to be written by a task of its own.
    pub(crate) fn new(stream: WriteHalf) -> (Self, Unwritten) {
        let (sender, lines) = mpsc::channel(UNREAD_LINES);
        let waiting = Waiting::default();
        let unwritten = Unwritten { stream: stream.clone(), lines, waiting: waiting.clone() };
        (Self { stream, lines: sender, room: Arc::new(Semaphore::new(rpc::MAX_ANSWER)), waiting }, unwritten)
    }

    /// A place for a line of so many bytes; `None` when the other end is gone.
    pub(crate) async fn place(&self, bytes: usize) -> Option<Place<'_>> {
        let bytes = u32::try_from(bytes.min(rpc::MAX_ANSWER)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok()?;
        let place = self.lines.reserve().await.ok()?;
        Some(Place { out: self, place, room })
    }

    /// Sends a message as a line, unless the other end is gone. Given up before its end, it has sent nothing.
    pub(crate) async fn send(&self, mut message: Vec<u8>) {
        message.push(b'\n');
        if let Some(place) = self.place(message.len()).await {
            place.send(message);
        }
    }

    /// Ends when the other end is gone, or doesn't read.
    pub(crate) async fn closed(&self) {
        self.lines.closed().await;
    }
}

impl Place<'_> {
    /// Sends a line, with its end.
    pub(crate) fn send(self, line: Vec<u8>) {
        let mut waiting = self.out.waiting.lock();
        let written = if *waiting == 0 {
            // Where that fails it will again, for whoever writes what waits.
            self.out.stream.write_some(&line).unwrap_or_default()
        } else {
            0
        };
        if written < line.len() {
            *waiting += 1;
            self.place.send((line, written, self.room));
        }
    }
}

impl Unwritten {
    /// Writes what waits until there is no way out any more and the last line was written, or one wasn't in time: `patience` ends then.
    pub(crate) async fn write<P: Future<Output = ()> + Send>(mut self, patience: impl Fn() -> P + Send) {
        while let Some((line, written, _room)) = self.lines.recv().await {
            tokio::select! {
                biased;
                written = self.stream.write_all(&line[written..]) => if written.is_err() { break },
                () = patience() => break,
            }
            *self.waiting.lock() -= 1;
        }
        self.stream.end();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::future::pending;
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use tokio::task::spawn_blocking;

    use super::*;
    use crate::host::stream::split;

    fn out() -> (Outgoing, Unwritten, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let (out, unwritten) = Outgoing::new(split(ours).unwrap().1);
        (out, unwritten, theirs)
    }

    #[tokio::test]
    async fn lines_go_whole_and_in_order_however_they_are_written() {
        let (out, unwritten, mut theirs) = out();
        out.send(b"at once".to_vec()).await;
        // No socket holds as much.
        out.send(vec![b'x'; 4 << 20]).await;
        out.send(b"after it".to_vec()).await;
        let writing = tokio::spawn(unwritten.write(pending));
        let hearing = spawn_blocking(move || {
            let mut heard = String::new();
            theirs.read_to_string(&mut heard).map(|_| heard)
        });
        out.send(b"last".to_vec()).await;
        drop(out);
        writing.await.unwrap();
        let heard = hearing.await.unwrap().unwrap();
        let lines: Vec<(usize, &str)> = heard.lines().map(|line| (line.len(), &line[..4])).collect();
        assert_eq!(lines, [(7, "at o"), (4 << 20, "xxxx"), (8, "afte"), (4, "last")]);
    }

    #[tokio::test]
    async fn who_reads_nothing_is_given_up() {
        let (out, unwritten, theirs) = out();
        tokio::spawn(unwritten.write(|| async {}));
        out.send(vec![b'x'; 4 << 20]).await;
        out.closed().await;
        // There is nobody to wait for any more.
        for _ in 0..100 {
            out.send(vec![b'x'; 4 << 20]).await;
        }
        drop(theirs);
    }
}
