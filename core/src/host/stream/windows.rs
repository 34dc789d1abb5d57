//! The two halves of a named pipe.
//!
//! A pipe has no half that could be closed: who says no more has hung up. What it had written by then is still read by the other end, and not before that
//! does the other end learn of it. A write is taken by the system whole and goes on without us, so it is done in parts of [`PART`]: no more than that is ever
//! taken for written and isn't. For the same reason a pipe that is given up may stay open until its last part was read or the other end is gone.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use crate::host::socket::Stream;

/// How much is written at once, in bytes: what a pipe has room for.
const PART: usize = crate::host::socket::ROOM;

/// Both halves of a stream.
pub(crate) fn split(stream: Stream) -> io::Result<(ReadHalf, WriteHalf)> {
    let shared = Arc::new(Shared {
        pipe: RwLock::new(Some(stream)),
        ended: AtomicBool::new(false),
        hung_up: watch::Sender::new(false),
    });
    Ok((ReadHalf(Arc::clone(&shared)), WriteHalf(shared)))
}

#[derive(Debug)]
struct Shared {
    /// Taken away to hang up: only who closes a pipe lets the other end know.
    pipe: RwLock<Option<Stream>>,
    /// The other end is known to be gone.
    ended: AtomicBool,
    /// Whether this end has hung up, for who waits for room.
    hung_up: watch::Sender<bool>,
}

impl Shared {
    /// Does something with the pipe that doesn't wait; `None` when this end has hung up.
    fn with<T>(&self, work: impl FnOnce(&Stream) -> T) -> Option<T> {
        self.pipe.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let part = &bytes[..bytes.len().min(PART)];
        let written = self.with(|pipe| pipe.poll_write(cx, part));
        let written = written.unwrap_or_else(|| Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())));
        if matches!(written, Poll::Ready(Err(_))) {
            self.end();
        }
        written
    }
}

/// The half that is read.
#[derive(Debug)]
pub(crate) struct ReadHalf(Arc<Shared>);

impl ReadHalf {
    /// Whether the other end has hung up, as far as is known: a pipe tells only who has read everything, or writes.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Hangs up, so that the other end sees it before anything that is done about it.
    pub(crate) fn hang_up(&self) {
        self.0.end();
        self.0.pipe.write().unwrap_or_else(PoisonError::into_inner).take();
        self.0.hung_up.send_replace(true);
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        // Nothing is read of what was hung up: that is its end.
        let read = self.0.with(|pipe| pipe.poll_read(cx, buffer)).unwrap_or(Poll::Ready(Ok(())));
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before || buffer.capacity() == before => {}
            Poll::Ready(_) => self.0.end(),
            Poll::Pending => {}
        }
        read
    }
}

/// The half that is written. One who writes at a time is woken when there is room.
#[derive(Debug, Clone)]
pub(crate) struct WriteHalf(Arc<Shared>);

impl WriteHalf {
    /// Writes as much as there is room for, without waiting.
    pub(crate) fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        // Who waits for room asks again itself: nobody has to be woken for this.
        let mut unheard = Context::from_waker(Waker::noop());
        let mut written = 0;
        while written < bytes.len() {
            match self.0.poll_write(&mut unheard, &bytes[written..]) {
                Poll::Ready(Ok(0)) | Poll::Pending => break,
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(error)) if written == 0 => return Err(error),
                // It will be said again to whoever writes the rest.
                Poll::Ready(Err(_)) => break,
            }
        }
        Ok(written)
    }

    /// Writes everything, as there comes to be room.
    pub(crate) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut hung_up = self.0.hung_up.subscribe();
        let writing = async {
            let mut left = bytes;
            while !left.is_empty() {
                let written = poll_fn(|cx| self.0.poll_write(cx, left)).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                left = &left[written..];
            }
            Ok(())
        };
        tokio::select! {
            biased;
            _ = hung_up.wait_for(|hung_up| *hung_up) => Err(io::ErrorKind::BrokenPipe.into()),
            written = writing => written,
        }
    }

    /// Says that there is nothing more to come. Only hanging up would say that, and this end may still read: it is said when both halves are dropped.
    pub(crate) const fn end(&self) {}
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use altair_protocol::rpc::Host;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::host::socket::{Bound, connect, process_of};
    use crate::host::started;

    fn host(pid: u32) -> Host {
        Host { started: started(pid).unwrap_or(0), ..Host::of(pid) }
    }

    async fn pair() -> (Stream, Stream) {
        let bound = Bound::new(&PathBuf::from("stream-tests"), 1).unwrap();
        let us = host(std::process::id());
        let (ours, theirs) = tokio::join!(bound.accept(|_, _| {}), connect(bound.path(), Some(&us)));
        (ours.unwrap(), theirs.unwrap())
    }

    #[tokio::test]
    async fn who_is_at_the_other_end_is_known() {
        let (ours, theirs) = pair().await;
        assert_eq!(process_of(&ours), Some(std::process::id()));
        assert_eq!(process_of(&theirs), Some(std::process::id()));
        let bound = Bound::new(&PathBuf::from("stream-tests"), 2).unwrap();
        let refused = connect(bound.path(), Some(&host(u32::MAX))).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let earlier = Host { started: 1, ..host(std::process::id()) };
        let refused = connect(bound.path(), Some(&earlier)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn what_has_no_room_is_written_as_it_is_read() {
        let (ours, theirs) = pair().await;
        let (read_ours, write) = split(ours).unwrap();
        let (mut read, _write) = split(theirs).unwrap();
        let sent: Vec<u8> = (0..4 << 20).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let mut received = vec![0; sent.len()];
        let (written, heard) = tokio::join!(write.write_all(&sent), read.read_exact(&mut received));
        assert_eq!((written.is_ok(), heard.unwrap()), (true, sent.len()));
        assert!(sent == received);
        assert_eq!(write.write_some(b"last").unwrap(), 4);
        drop((read_ours, write));
        let mut last = Vec::new();
        read.read_to_end(&mut last).await.unwrap();
        assert_eq!(last, b"last", "what was written before hanging up is read");
        assert!(read.is_hung_up());
    }

    #[tokio::test]
    async fn who_is_gone_is_not_waited_for() {
        let (ours, theirs) = pair().await;
        let (read, write) = split(ours).unwrap();
        assert!(!read.is_hung_up());
        let waiting = tokio::spawn(async move { write.write_all(&[0; 4 << 20]).await.is_err() });
        tokio::task::yield_now().await;
        drop(theirs);
        assert!(waiting.await.unwrap());
        assert!(read.is_hung_up());
    }

    #[tokio::test]
    async fn who_hangs_up_no_longer_waits_for_room() {
        let (ours, theirs) = pair().await;
        let (read, write) = split(ours).unwrap();
        let (mut other, _write) = split(theirs).unwrap();
        let waiting = tokio::spawn(async move { write.write_all(&[0; 4 << 20]).await.is_err() });
        tokio::task::yield_now().await;
        read.hang_up();
        assert!(waiting.await.unwrap());
        let mut rest = Vec::new();
        other.read_to_end(&mut rest).await.unwrap();
    }
}
