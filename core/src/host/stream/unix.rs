//! The two halves of a socket.
//!
//! Who waits at a socket is woken for everything that it is registered for. A socket that is registered for reading and writing, as tokio's own are, wakes its
//! process each time the other end has read something: so here the half that is read is registered for reading alone, and the other one only as long as there
//! is no room.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWriteExt as _, Interest, ReadBuf};
use tokio::net::UnixStream;

use crate::host::socket::Stream;

/// Apple's systems have no such flag, and no signal for a socket that the standard library made.
#[cfg(target_vendor = "apple")]
const QUIETLY: SendFlags = SendFlags::DONTWAIT;
#[cfg(not(target_vendor = "apple"))]
const QUIETLY: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Both halves of a stream. To be called on the runtime that reads it.
pub(crate) fn split(stream: Stream) -> io::Result<(ReadHalf, WriteHalf)> {
    let stream = Arc::new(stream);
    #[expect(
        deprecated,
        reason = "what takes its place is unsafe; a shared stream keeps its descriptor open, and the same"
    )]
    let read = AsyncFd::with_interest(Arc::clone(&stream), Interest::READABLE)?;
    Ok((ReadHalf(read), WriteHalf(stream)))
}

/// The half that is read.
#[derive(Debug)]
pub(crate) struct ReadHalf(AsyncFd<Arc<Stream>>);

impl ReadHalf {
    /// Whether the other end has hung up. One that only writes no more still reads, and has not.
    pub(crate) fn is_hung_up(&self) -> bool {
        // Nothing is sent. That it can't be is said all the same, however much there is still to read.
        let sent = rustix::net::send(self.0.get_ref(), &[], QUIETLY);
        matches!(sent, Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN))
    }

    /// Hangs up both ways at once, so that the other end sees it before anything that is done about it.
    pub(crate) fn hang_up(&self) {
        // The other end may have done it before.
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let free = buffer.initialize_unfilled();
            match ready.try_io(|stream| stream.get_ref().as_ref().read(free)) {
                Ok(Ok(read)) => {
                    // There was no more: without asking again it is waited for.
                    if 0 < read && read < free.len() {
                        ready.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                // It was not ready after all.
                Err(_) => {}
            }
        }
    }
}

/// The half that is written.
#[derive(Debug, Clone)]
pub(crate) struct WriteHalf(Arc<Stream>);

impl WriteHalf {
    /// Writes as much as there is room for, without waiting.
    pub(crate) fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.as_ref().write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                written => return written,
            }
        }
    }

    /// Writes everything, as there comes to be room.
    pub(crate) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let bytes = &bytes[self.write_some(bytes)?..];
        if bytes.is_empty() {
            return Ok(());
        }
        // The same socket can't be registered twice under one number.
        let mut room = UnixStream::from_std(self.0.try_clone()?)?;
        room.write_all(bytes).await
    }

    /// Says that there is nothing more to come.
    pub(crate) fn end(&self) {
        // The other end may have gone before.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn pair() -> (Stream, Stream) {
        let (ours, theirs) = Stream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        (ours, theirs)
    }

    #[tokio::test]
    async fn what_has_no_room_is_written_as_it_is_read() {
        let (ours, theirs) = pair();
        let (_, write) = split(ours).unwrap();
        let (mut read, _) = split(theirs).unwrap();
        let sent: Vec<u8> = (0..4 << 20).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let mut received = vec![0; sent.len()];
        let (written, heard) = tokio::join!(write.write_all(&sent), read.read_exact(&mut received));
        assert_eq!((written.is_ok(), heard.unwrap()), (true, sent.len()));
        assert!(sent == received);
        write.end();
        assert_eq!(read.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_is_gone_is_not_waited_for() {
        let (ours, theirs) = pair();
        let (read, write) = split(ours).unwrap();
        assert!(!read.is_hung_up());
        let waiting = tokio::spawn(async move { write.write_all(&[0; 4 << 20]).await.is_err() });
        tokio::task::yield_now().await;
        drop(theirs);
        assert!(waiting.await.unwrap());
        assert!(read.is_hung_up());
    }
}
