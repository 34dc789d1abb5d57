//! Where a host listens, and whose process is at the other end: a Unix domain socket in a folder of this user's alone, on Windows a named pipe.
//!
//! The folder is checked before anything in it is trusted, and never changed when it isn't ours. Each epoch has a socket of its own, so what an earlier host
//! left is in nobody's way. The folder is there on Windows too, for the locks of those who start hosts: pipes are in none.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use altair_protocol::Hash;
use altair_protocol::rpc::Host;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;
#[cfg(windows)]
pub(crate) use windows::ROOM;

pub use system::Handed;
pub(crate) use system::{Bound, Stream, connect, process_of, socket_folder};

use crate::error::{Error, ErrorKind, Result};

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

/// The folder for sockets, made where it isn't there, if it is this user's alone.
fn private_folder() -> Result<PathBuf> {
    let folder = socket_folder();
    system::make(&folder).map_err(|error| Error::io("making", &folder, error))?;
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
        system::privacy(folder)
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
    use super::*;

    #[cfg(unix)]
    #[test]
    fn who_may_enter_a_folder() {
        use std::os::unix::fs::PermissionsExt as _;
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
