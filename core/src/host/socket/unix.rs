//! A Unix domain socket in a folder of this user's alone, which `lstat` tells. Both ends ask the system whose process is at the other.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use altair_protocol::rpc::Host;
use tokio::net::{UnixListener, UnixStream};

use super::{Privacy, mark, private_folder, sweep};
use crate::error::{Error, Result};

/// A connection, on which nothing blocks.
pub(crate) type Stream = std::os::unix::net::UnixStream;

/// A socket that this process may have been handed to listen on.
pub type Handed = std::os::unix::net::UnixListener;

/// The longest path of a socket that every system takes, with its NUL: macOS has 104.
const MAX_PATH: usize = 103;
/// What all have that is in a socket's name: `/altair-4294967295/0123456789abcdef-18446744073709551615.sock` and less.
const NAME: usize = 16 + 1 + 20 + 5;

/// A bound socket. Dropping it takes the file away, if it is still this one's.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file, if it is ours to take away: one that was handed to us is its giver's.
    file: Option<(u64, u64)>,
}

impl Bound {
    /// Listens for the host of a store in an epoch, and clears up after earlier ones.
    pub(crate) fn new(store: &Path, epoch: u64) -> Result<Self> {
        let folder = private_folder()?;
        let mark = mark(store);
        sweep(&folder, &mark, epoch);
        let path = folder.join(format!("{mark}-{epoch}.sock"));
        let listener = UnixListener::bind(&path).map_err(|error| Error::io("listening on", &path, error))?;
        Ok(Self { listener, file: file_at(&path), path })
    }

    /// Listens on a socket that this process was handed, by systemd for one.
    pub(crate) fn adopt(given: &Handed) -> Result<Self> {
        let wrong =
            |error| Error::internal("the socket that this process was handed can't be listened on").because(error);
        let address = given.local_addr().map_err(wrong)?;
        let path = address.as_pathname().ok_or_else(|| wrong(io::Error::other("it has no path")))?.to_owned();
        let listener = given.try_clone().map_err(wrong)?;
        listener.set_nonblocking(true).map_err(wrong)?;
        Ok(Self { listener: UnixListener::from_std(listener).map_err(wrong)?, path, file: None })
    }

    /// Whether guests still find it. The folder for sockets may be emptied under a host that outlives its session.
    pub(crate) fn is_there(&self) -> bool {
        self.file.is_none() || file_at(&self.path) == self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection, of this user's. `turned_away` is called for others', with their process and why.
    pub(crate) async fn accept(&self, turned_away: impl Fn(Option<u32>, io::Error)) -> io::Result<Stream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match check_peer(&stream) {
                Ok(()) => return stream.into_std(),
                Err(error) => turned_away(process_of(&stream), error),
            }
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // A store that was deleted and made anew counts its epochs anew: the name may be another host's by now.
        if self.file.is_some() && file_at(&self.path) == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Connects to a host's socket, if it is one of this user's in a folder of this user's alone: that is known without asking for the host's own process.
pub(crate) async fn connect(path: &Path, _host: Option<&Host>) -> io::Result<Stream> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    if let Some(refused) = Privacy::of(folder)?.refusal(folder) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused));
    }
    let stream = UnixStream::connect(path).await?;
    check_peer(&stream)?;
    stream.into_std()
}

/// The process at the other end, where the system tells.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn process_of(stream: impl std::os::fd::AsFd) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn process_of(_: impl std::os::fd::AsFd) -> Option<u32> {
    None
}

fn check_peer(stream: &UnixStream) -> io::Result<()> {
    let (peer, ours) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if peer == ours {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("the user {peer} is at the other end")))
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// The folder for sockets: `altair` in `XDG_RUNTIME_DIR`, else `/tmp/altair-UID`. Neither made nor trusted yet.
pub(crate) fn socket_folder() -> PathBuf {
    let runtime =
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute() && dir.is_dir());
    let fits = |folder: &PathBuf| folder.as_os_str().len() + 1 + NAME <= MAX_PATH;
    let user = rustix::process::geteuid().as_raw();
    let folder = runtime.map(|dir| dir.join("altair")).filter(fits);
    folder.unwrap_or_else(|| PathBuf::from(format!("/tmp/altair-{user}")))
}

/// Makes the folder for sockets where it isn't there.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Who may enter a folder, as the system tells.
pub(super) fn privacy(folder: &Path) -> io::Result<Privacy> {
    let meta = fs::symlink_metadata(folder)?;
    let ours = rustix::process::geteuid().as_raw();
    Ok(match meta.mode() & 0o7777 {
        _ if !meta.is_dir() => Privacy::NoFolder,
        _ if meta.uid() != ours => Privacy::AnotherUsers(meta.uid()),
        mode if mode & 0o077 != 0 => Privacy::Open(mode),
        _ => Privacy::Private,
    })
}
