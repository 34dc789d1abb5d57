//! A named pipe of this user's alone, on this machine alone.
//!
//! The host makes the first pipe of a name that nobody can guess and keeps one open for as long as it listens, so the name is its own. The pipe's security
//! descriptor lets its owner in and nobody else: whoever connects has been checked before the host hears of it. A guest checks that the process which
//! made the pipe is the one that `host.json` names, and began when that did, and tells nobody more than who it is: it lets no server act in its name.
//!
//! What is made by a process that runs with an administrator's rights belongs to the administrators: only such processes can join it.

use std::env;
use std::fs;
use std::io;
use std::os::windows::io::AsHandle as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use altair_protocol::rpc::Host;
use interprocess::os::windows::ToWtf16 as _;
use interprocess::os::windows::named_pipe::{self, PipeListenerOptions, PipeMode, pipe_mode, tokio as asynchronous};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Privacy, mark};
use crate::error::{Error, Result};
use crate::host::started;

/// What the system has room for that the other end hasn't read, in bytes, each way.
pub(crate) const ROOM: usize = 64 << 10;
/// Where this machine's pipes are. Those of others (`\\SERVER\pipe\`) are never opened: that would send them this user's name and a proof of the password.
const PIPES: &str = r"\\.\pipe\";
/// Everything for the pipe's owner (`OW`), nothing for anybody else.
const OURS_ALONE: &str = "D:P(A;;GA;;;OW)";
/// The system's word for a pipe whose every end is taken (`ERROR_PIPE_BUSY`).
const BUSY: i32 = 231;
/// For how long a guest tries again then: the host makes an end for the next guest as soon as it has heard of the last.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(2);

type Listener = asynchronous::PipeListener<pipe_mode::Bytes, pipe_mode::Bytes>;

/// A socket that this process may have been handed to listen on. There are none here.
#[derive(Debug, Clone, Copy)]
pub enum Handed {}

/// A connection, on which nothing blocks.
#[derive(Debug)]
pub(crate) enum Stream {
    /// The host's end.
    Host(HostEnd),
    /// A guest's.
    Guest(NamedPipeClient),
}

/// The host's end of a connection.
#[derive(Debug)]
pub(crate) struct HostEnd(asynchronous::DuplexPipeStream<pipe_mode::Bytes>);

impl Drop for HostEnd {
    fn drop(&mut self) {
        // Else a thread would wait until the guest has read everything, which it needn't ever do. Closing the pipe leaves in it what is there to read.
        self.0.assume_flushed();
    }
}

impl Stream {
    /// Reads what is there; nothing at the end.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Host(HostEnd(pipe)) => Pin::new(&mut &*pipe).poll_read(cx, buffer),
            Self::Guest(pipe) => loop {
                ready!(pipe.poll_read_ready(cx))?;
                match pipe.try_read(buffer.initialize_unfilled()) {
                    Ok(read) => {
                        buffer.advance(read);
                        return Poll::Ready(Ok(()));
                    }
                    // It was not ready after all.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Poll::Ready(Ok(())),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            },
        }
    }

    /// Writes what there is room for. The system may take all of it and go on without us, however much it is.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Host(HostEnd(pipe)) => Pin::new(&mut &*pipe).poll_write(cx, bytes),
            Self::Guest(pipe) => loop {
                ready!(pipe.poll_write_ready(cx))?;
                match pipe.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    written => return Poll::Ready(written),
                }
            },
        }
    }
}

/// A pipe of which the host has an end that nobody is at yet. Dropping it lets nobody in any more.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: Listener,
    path: PathBuf,
}

impl Bound {
    /// Listens for the host of a store in an epoch.
    pub(crate) fn new(store: &Path, epoch: u64) -> Result<Self> {
        let random = Uuid::now_v7().as_u64_pair().1;
        let path = PathBuf::from(format!("{PIPES}altair-{}-{epoch}-{random:016x}", mark(store)));
        let listener = listen(&path).map_err(|error| Error::io("listening on", &path, error))?;
        Ok(Self { listener, path })
    }

    /// Listens on what this process was handed, which is nothing.
    pub(crate) fn adopt(given: &Handed) -> Result<Self> {
        match *given {}
    }

    /// Whether guests still find it: as long as it is open they do.
    pub(crate) const fn is_there(&self) -> bool {
        true
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection, of this user's. Others' were turned away by the system, which tells nobody.
    pub(crate) async fn accept(&self, _turned_away: impl Fn(Option<u32>, io::Error)) -> io::Result<Stream> {
        Ok(Stream::Host(HostEnd(self.listener.accept().await?)))
    }
}

fn listen(path: &Path) -> io::Result<Listener> {
    let descriptor = OURS_ALONE.to_wtf_16().map_err(io::Error::other)?;
    let room = u32::try_from(ROOM).unwrap_or(u32::MAX);
    // It has to be the first of its name, and its handle isn't handed on to other processes: both are so without being asked for.
    PipeListenerOptions::new()
        .path(path)
        .mode(PipeMode::Bytes)
        .accept_remote(false)
        .input_buffer_size_hint(room)
        .output_buffer_size_hint(room)
        .security_descriptor(Some(SecurityDescriptor::deserialize(&descriptor)?))
        .create_tokio_duplex()
}

/// Connects to a host's pipe, if the process that made it is the host's. Where that isn't known, whoever named the pipe has to know whose it is.
pub(crate) async fn connect(path: &Path, host: Option<&Host>) -> io::Result<Stream> {
    let refused = |why: String| io::Error::new(io::ErrorKind::PermissionDenied, why);
    if !path.as_os_str().as_encoded_bytes().starts_with(PIPES.as_bytes()) {
        return Err(refused(format!("it is no pipe of this machine's, which begin with {PIPES}")));
    }
    let deadline = Instant::now() + PATIENCE;
    let pipe = loop {
        // By itself it lets the other end know who this is, and not act as if it were.
        match ClientOptions::new().open(path) {
            Err(error) if error.raw_os_error() == Some(BUSY) && Instant::now() < deadline => sleep(AGAIN).await,
            opened => break opened?,
        }
    };
    if let Some(host) = host.filter(|host| host.pid != 0) {
        let theirs = server_of(&pipe)?;
        // A number may be another process's by now, and somebody may have waited for that.
        if theirs != host.pid || (host.started != 0 && started(theirs) != Some(host.started)) {
            return Err(refused(format!("process {theirs} made it, and that is not the host")));
        }
    }
    Ok(Stream::Guest(pipe))
}

/// The process at the other end, where the system tells.
pub(crate) fn process_of(stream: &Stream) -> Option<u32> {
    match stream {
        Stream::Host(HostEnd(pipe)) => pipe.client_process_id().ok(),
        Stream::Guest(pipe) => server_of(pipe).ok(),
    }
}

/// The process that made a pipe.
fn server_of(pipe: &NamedPipeClient) -> io::Result<u32> {
    // Asked of a second handle, which is closed again: this library has the question, and the other one the way to open a pipe.
    let handle = pipe.as_handle().try_clone_to_owned()?;
    let asked = named_pipe::DuplexPipeStream::<pipe_mode::Bytes>::try_from(handle);
    let asked = asked.map_err(|error| error.cause.unwrap_or_else(|| error.details.into()))?;
    let process = asked.server_process_id();
    asked.evade_limbo();
    process
}

/// The folder for the locks of those who start hosts, in the local application data of this user. Neither made nor trusted yet.
pub(crate) fn socket_folder() -> PathBuf {
    let data = env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|data| data.is_absolute());
    let data = data.or_else(|| env::home_dir().map(|home| home.join("AppData").join("Local")));
    data.unwrap_or_else(env::temp_dir).join("Altair").join("run")
}

/// Makes that folder where it isn't there, with the rights of the one that it is in: a user's profile is that user's.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Who may enter a folder: in this user's profile nobody else may, unless it was changed, which isn't looked at. Nothing in it is worth more than a wait.
pub(super) fn privacy(folder: &Path) -> io::Result<Privacy> {
    Ok(if fs::symlink_metadata(folder)?.is_dir() { Privacy::Private } else { Privacy::NoFolder })
}
