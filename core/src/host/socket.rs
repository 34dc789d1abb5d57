//! The socket that a host listens on: a Unix domain socket in a folder of this user's alone.
//!
//! The folder is checked with `lstat` before anything in it is trusted, and never changed when it isn't ours. Both ends ask the system whose process is at
//! the other. Each epoch has a socket of its own, so what an earlier host left is in nobody's way.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use altair_protocol::Hash;
use altair_protocol::rpc::Host;
use tokio::net::{UnixListener, UnixStream};

use crate::error::{Error, ErrorKind, Result};

/// A connection, on which nothing blocks.
pub(crate) type Stream = std::os::unix::net::UnixStream;

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
    pub(crate) fn adopt(given: &std::os::unix::net::UnixListener) -> Result<Self> {
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

/// Connects to a host's socket, if it is one of this user's in a folder of this user's alone.
pub(crate) async fn connect(path: &Path) -> io::Result<Stream> {
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

/// Where a system that starts the host for whoever connects has its socket for a store (`altair daemon install`).
///
/// # Errors
/// When the folder for sockets isn't this user's alone.
pub fn activation(store: &Path) -> Result<PathBuf> {
    Ok(private_folder()?.join(format!("{}.sock", mark(store))))
}

/// The file that is locked by who starts a host for a store, so that only one is started. Some stores share one, so that there are never many.
///
/// # Errors
/// When the folder for sockets isn't this user's alone.
pub fn spawn_lock(store: &Path) -> Result<PathBuf> {
    Ok(spawn_lock_in(&private_folder()?, &mark(store)))
}

pub(crate) fn spawn_lock_in(folder: &Path, mark: &str) -> PathBuf {
    folder.join(format!("{}.spawn", &mark[..2]))
}

/// What tells one store's sockets from another's: part of the hash of its real path.
pub fn mark(store: &Path) -> String {
    let real = store.canonicalize().unwrap_or_else(|_| store.to_owned());
    Hash::of(real.as_os_str().as_encoded_bytes()).to_string()[..16].to_owned()
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

/// The folder for sockets, made where it isn't there, if it is this user's alone.
fn private_folder() -> Result<PathBuf> {
    let folder = socket_folder();
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Error::io("making", &folder, error)),
        _ => {}
    }
    let privacy = Privacy::of(&folder).map_err(|error| Error::io("reading", &folder, error))?;
    privacy.refusal(&folder).map_or(Ok(folder), Err)
}

/// Who may enter a folder. Sockets are trusted where it is this user alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privacy {
    /// This user alone.
    Private,
    /// Nobody: it is no folder, or a link to one.
    NoFolder,
    /// The user with this number, whose it is.
    AnotherUsers(u32),
    /// Others as well, by its mode.
    Open(u32),
}

impl Privacy {
    /// Asks the system.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let meta = fs::symlink_metadata(folder)?;
        let ours = rustix::process::geteuid().as_raw();
        Ok(match meta.mode() & 0o7777 {
            _ if !meta.is_dir() => Self::NoFolder,
            _ if meta.uid() != ours => Self::AnotherUsers(meta.uid()),
            mode if mode & 0o077 != 0 => Self::Open(mode),
            _ => Self::Private,
        })
    }

    /// Why sockets in such a folder aren't trusted; `None` when they are.
    pub fn refusal(&self, folder: &Path) -> Option<Error> {
        let shown = folder.display();
        let (why, hint) = match self {
            Self::Private => return None,
            Self::NoFolder => ("it is no folder".to_owned(), "remove it, and a folder is made in its place".to_owned()),
            Self::AnotherUsers(user) => (
                format!("it belongs to the user {user}"),
                "look at who made it; remove it, or set XDG_RUNTIME_DIR to a folder of your own".to_owned(),
            ),
            Self::Open(mode) => (
                format!("others may enter it (mode {mode:04o})"),
                format!("look at what is in it, then `chmod 700 {shown}`; or set XDG_RUNTIME_DIR to another folder"),
            ),
        };
        let message = format!("{shown} is not a folder of this user's alone: {why}");
        Some(Error::new(ErrorKind::Internal, message, hint))
    }
}

/// Removes the sockets of a store's earlier hosts, who are gone: we have the lock.
fn sweep(folder: &Path, mark: &str, epoch: u64) {
    for socket in sockets_before(folder, mark, epoch.saturating_add(1)) {
        let _ = fs::remove_file(socket);
    }
}

/// Removes what earlier hosts of a store have left in the folder for sockets. `host` is who hosts it now, so they are gone.
pub fn clear(store: &Path, host: &Host) {
    if let Ok(folder) = private_folder()
        && let Some(last) = host.epoch.checked_sub(1)
    {
        sweep(&folder, &mark(store), last);
    }
}

/// The sockets of the hosts that a store had before an epoch.
pub(crate) fn sockets_before(folder: &Path, mark: &str, epoch: u64) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let earlier = entries.filter(|entry| {
        let name = entry.file_name();
        let of = name.to_str().and_then(|name| name.strip_suffix(".sock")?.strip_prefix(mark)?.strip_prefix('-'));
        of.and_then(|of| of.parse::<u64>().ok()).is_some_and(|of| of < epoch)
    });
    let mut paths: Vec<PathBuf> = earlier.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn who_may_enter_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("altair");
        assert!(Privacy::of(&path).is_err());
        fs::create_dir(&path).unwrap();
        for (mode, privacy) in [(0o700, Privacy::Private), (0o750, Privacy::Open(0o750)), (0o701, Privacy::Open(0o701))]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Privacy::of(&path).unwrap(), privacy);
            assert_eq!(privacy.refusal(&path).is_none(), mode == 0o700);
        }
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert_eq!(Privacy::of(&folder.path().join("link")).unwrap(), Privacy::NoFolder);
    }

    #[test]
    fn only_the_sockets_of_earlier_hosts_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let mark = "0123456789abcdef";
        for name in ["-1.sock", "-6.sock", "-7.sock", "-8.sock", ".sock", "-x.sock", "-1.spawn"] {
            fs::write(folder.path().join(format!("{mark}{name}")), "").unwrap();
        }
        fs::write(folder.path().join("fedcba9876543210-1.sock"), "").unwrap();
        sweep(folder.path(), mark, 6);
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        let kept = ["-1.spawn", "-7.sock", "-8.sock", "-x.sock", ".sock"].map(|name| format!("{mark}{name}"));
        assert_eq!(left[..5], kept.map(std::ffi::OsString::from));
        assert_eq!(left.len(), 6);
    }
}
