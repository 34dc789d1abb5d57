//! What stands around a store: its lock, `host.json`, the host's socket and the folder that it is in. For whoever has to explain why a store can't be used.
//!
//! Looking changes nothing. Nobody is started, asked or told to go, nothing is made or removed; a living host's socket is connected to for as long as it takes
//! the system to say who listens. A socket from which the system starts a host is not even connected to.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use altair_protocol::rpc::Host;

use super::record;
use super::socket::{self, Privacy, socket_folder};
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The store's folder: its real path, where there is one.
    pub store: PathBuf,
    /// The lock that its host has.
    pub lock: Lock,
    /// Whom `host.json` names.
    pub record: Record,
    /// What is where the host listens, if somebody who is there hosts.
    pub door: Option<Door>,
    /// The folder for sockets.
    pub folder: PathBuf,
    /// Who may enter that; `None` where there is none yet.
    pub privacy: Option<Privacy>,
    /// What hosts have left there that are gone.
    pub left: Vec<PathBuf>,
    /// The lock of who starts a host.
    pub starting: Lock,
    /// The socket from which the system starts a host for whoever connects.
    pub activation: Option<PathBuf>,
}

/// How a lock stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// Nobody has it.
    Free,
    /// Somebody has; who, if the system tells.
    Held(Option<Process>),
    /// The file system has none.
    Unsupported,
    /// It can't be looked at.
    Unreadable(String),
}

/// What `host.json` is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// There is none.
    Missing,
    /// It can't be read.
    Damaged,
    /// It speaks of a store elsewhere, and came with a copy of that.
    Elsewhere(Host),
    /// It names a process that is gone.
    Gone(Host),
    /// It names a process whose number another one has by now.
    Reused(Host),
    /// It names a process that is there.
    There(Host, Process),
}

/// A process, as the system tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What the system calls it; empty where it doesn't.
    pub name: String,
    /// Whether it runs.
    pub pace: Pace,
}

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It does, or could.
    Running,
    /// It was stopped, and runs when it is told to.
    Stopped,
    /// A debugger has stopped it.
    Traced,
}

/// What is at the path of a host's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// The host names no path: it doesn't listen yet, or can't.
    None,
    /// It is in a folder that isn't this user's alone, and nobody trusts it.
    Exposed(PathBuf, Privacy),
    /// Nothing.
    Missing,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Something else that is no socket.
    Other,
    /// A socket at which nobody listens.
    Deaf,
    /// A socket at which another process listens.
    Foreign(u32),
    /// A socket that can't be connected to.
    Unreachable(String),
    /// The host listens.
    Open,
}

impl Surroundings {
    /// Looks around a store. To be called on a runtime.
    pub async fn look(store: &Path) -> Self {
        let record = Record::of(store);
        let lock = Lock::of(store);
        let (folder, mark) = (socket_folder(), socket::mark(store));
        let privacy = Privacy::of(&folder).ok();
        let activation = folder.join(format!("{mark}.sock"));
        let host = match (&lock, &record) {
            (Lock::Held(_), Record::There(host, _)) => Some(host),
            _ => None,
        };
        let door = match host {
            Some(host) => Some(Door::of(host, &activation).await),
            None => None,
        };
        // Of a host that nobody knows it isn't known either what is its own.
        let before = match (&lock, host) {
            (Lock::Free, _) => u64::MAX,
            (_, Some(host)) => host.epoch,
            _ => 0,
        };
        let trusted = privacy == Some(Privacy::Private);
        let left = if trusted { socket::sockets_before(&folder, &mark, before) } else { Vec::new() };
        let starting = if trusted { Lock::at(&socket::spawn_lock_in(&folder, &mark)) } else { Lock::Free };
        let is_socket = system::is_socket(&activation);
        Self {
            store: store.canonicalize().unwrap_or_else(|_| store.to_owned()),
            lock,
            record,
            door,
            folder,
            privacy,
            left,
            starting,
            activation: (trusted && is_socket).then_some(activation),
        }
    }

    /// Who hosts the store, if it is somebody who is known.
    pub const fn host(&self) -> Option<(&Host, &Process)> {
        match (&self.lock, &self.record) {
            (Lock::Held(_), Record::There(host, process)) => Some((host, process)),
            _ => None,
        }
    }
}

impl Lock {
    /// How the lock of a store stands.
    pub fn of(store: &Path) -> Self {
        Self::at(&store.join("host.lock"))
    }

    fn at(path: &Path) -> Self {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Free,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        // Shared, so that two who look don't take each other for a holder. Whoever wants it meanwhile tries again.
        match file.try_lock_shared() {
            Ok(()) => Self::Free,
            Err(TryLockError::WouldBlock) => Self::Held(system::holder(&file)),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Self::Unsupported,
            Err(TryLockError::Error(error)) => Self::Unreadable(error.to_string()),
        }
    }
}

impl Record {
    /// What the `host.json` of a store is worth.
    pub fn of(store: &Path) -> Self {
        let host = match fs::read(store.join(record::HOST)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Missing,
            read => read.ok().and_then(|bytes| serde_json::from_slice::<Host>(&bytes).ok()),
        };
        let Some(host) = host else { return Self::Damaged };
        if store.canonicalize().is_ok_and(|real| real != host.store) {
            return Self::Elsewhere(host);
        }
        match (started(host.pid), system::process(host.pid)) {
            (Some(began), _) if host.started != 0 && began != host.started => Self::Reused(host),
            (_, Some(process)) => Self::There(host, process),
            (_, None) => Self::Gone(host),
        }
    }
}

/// When a process began, in the system's own count; `None` if there is no such process, or the system doesn't tell.
pub fn started(pid: u32) -> Option<u64> {
    system::started(pid)
}

impl Door {
    async fn of(host: &Host, activation: &Path) -> Self {
        let Some(path) = &host.socket else { return Self::None };
        if let Some(found) = system::instead_of_socket(path) {
            return found;
        }
        if path == activation {
            // The system listens there itself.
            return Self::Open;
        }
        match socket::connect(path, None).await {
            Ok(stream) => match socket::process_of(&stream) {
                Some(pid) if pid != host.pid => Self::Foreign(pid),
                _ => Self::Open,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Self::Deaf,
            Err(error) => Self::Unreachable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(store: &Path) -> Host {
        Host { store: store.to_owned(), epoch: 7, ..Host::of(std::process::id()) }
    }

    #[test]
    fn what_host_json_is_worth() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().canonicalize().unwrap();
        let write = |host: &Host| record::write(&store, host).unwrap();
        assert_eq!(Record::of(&store), Record::Missing);
        fs::write(store.join("host.json"), "{").unwrap();
        assert_eq!(Record::of(&store), Record::Damaged);
        write(&host(Path::new("/elsewhere")));
        assert!(matches!(Record::of(&store), Record::Elsewhere(_)));
        write(&Host { pid: u32::MAX, ..host(&store) });
        assert!(matches!(Record::of(&store), Record::Gone(_)));
        write(&host(&store));
        assert!(matches!(Record::of(&store), Record::There(_, process) if process.pid == std::process::id()));
        let began = started(std::process::id());
        if let Some(began) = began {
            write(&Host { started: began, ..host(&store) });
            assert!(matches!(Record::of(&store), Record::There(..)));
            write(&Host { started: began + 1, ..host(&store) });
            assert!(matches!(Record::of(&store), Record::Reused(_)));
        }
    }

    #[test]
    #[cfg(any(target_os = "linux", windows))]
    fn a_process_has_one_beginning() {
        let ours = started(std::process::id());
        assert!(ours.is_some());
        assert_eq!(ours, started(std::process::id()));
        assert_eq!(started(u32::MAX), None);
    }

    #[test]
    fn looking_at_a_lock_leaves_it_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lock::of(folder.path()), Lock::Free);
        assert!(!folder.path().join("host.lock").exists());
        let file = File::create(folder.path().join("host.lock")).unwrap();
        assert_eq!(Lock::of(folder.path()), Lock::Free);
        file.lock().unwrap();
        let Lock::Held(by) = Lock::of(folder.path()) else { panic!("it is held") };
        assert!(by.is_none_or(|by| by.pid == std::process::id()));
        drop(file);
        assert_eq!(Lock::of(folder.path()), Lock::Free);
    }
}
