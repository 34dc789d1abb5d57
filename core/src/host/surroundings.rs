//! What stands around a store: its lock, `host.json`, the host's socket and the folder that it is in. For whoever has to explain why a store can't be used.
//!
//! Looking changes nothing. Nobody is started, asked or told to go, nothing is made or removed; a living host's socket is connected to for as long as it takes
//! the system to say who listens. A socket from which the system starts a host is not even connected to.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use altair_protocol::rpc::Host;

use super::record::{self, started};
use super::socket::{self, Privacy, socket_folder};

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
        let is_socket = fs::symlink_metadata(&activation).is_ok_and(|meta| meta.file_type().is_socket());
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
            Err(TryLockError::WouldBlock) => Self::Held(holder(&file)),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Self::Unsupported,
            Err(TryLockError::Error(error)) => Self::Unreadable(error.to_string()),
        }
    }
}

/// Who has the lock of a file, as Linux lists it.
fn holder(file: &File) -> Option<Process> {
    let meta = file.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    Process::of(locker(&fs::read_to_string("/proc/locks").ok()?, &file)?)
}

/// The process that has a lock on a file in a list of locks (`1: FLOCK ADVISORY WRITE 4242 fe:00:1234 0 EOF`). Those who wait have an arrow in their lines.
fn locker(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&file)).then(|| words.get(4)?.parse().ok()).flatten()
    })
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
        match (started(host.pid), Process::of(host.pid)) {
            (Some(began), _) if host.started != 0 && began != host.started => Self::Reused(host),
            (_, Some(process)) => Self::There(host, process),
            (_, None) => Self::Gone(host),
        }
    }
}

impl Process {
    /// The process with a number; `None` where there is none, or it has ended and nobody has taken note.
    fn of(pid: u32) -> Option<Self> {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            // Not every system has that; then it can be asked whether there is one at all.
            let known = Path::new("/proc/self/stat").exists();
            let there = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
            let there = there.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
            return (!known && there).then(|| Self { pid, name: String::new(), pace: Pace::Running });
        };
        Self::read(pid, &stat)
    }

    /// From Linux's line: the number, the name in parentheses, which may hold anything, and the state.
    fn read(pid: u32, stat: &str) -> Option<Self> {
        let (name, rest) = stat.rsplit_once(") ")?;
        let pace = match rest.chars().next()? {
            'Z' | 'X' | 'x' => return None,
            'T' => Pace::Stopped,
            't' => Pace::Traced,
            _ => Pace::Running,
        };
        Some(Self { pid, name: name.split_once('(')?.1.to_owned(), pace })
    }
}

impl Door {
    async fn of(host: &Host, activation: &Path) -> Self {
        let Some(path) = &host.socket else { return Self::None };
        let folder = path.parent().unwrap_or(Path::new("/"));
        match Privacy::of(folder) {
            Ok(Privacy::Private) | Err(_) => {}
            Ok(privacy) => return Self::Exposed(folder.to_owned(), privacy),
        }
        let kind = match fs::symlink_metadata(path) {
            Ok(meta) => meta.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Missing,
            Err(error) => return Self::Unreachable(error.to_string()),
        };
        match () {
            () if kind.is_file() => return Self::File,
            () if kind.is_dir() => return Self::Folder,
            () if kind.is_symlink() => return Self::Link,
            () if !kind.is_socket() => return Self::Other,
            // The system listens there itself.
            () if path == activation => return Self::Open,
            () => {}
        }
        match socket::connect(path).await {
            Ok(stream) => match socket::process_of(&stream) {
                Some(pid) if pid != host.pid => Self::Foreign(pid),
                _ => Self::Open,
            },
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Self::Deaf,
            Err(error) => Self::Unreachable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn host(store: &Path) -> Host {
        Host { store: store.to_owned(), epoch: 7, ..Host::of(std::process::id()) }
    }

    #[test]
    fn a_stopped_process_is_told_from_one_that_runs_and_one_that_is_gone() {
        let read = |stat| Process::read(7, stat).map(|process| (process.name, process.pace));
        assert_eq!(read("7 (altaird) S 1 7"), Some(("altaird".to_owned(), Pace::Running)));
        assert_eq!(read("7 (a) b (c)) T 1 7"), Some(("a) b (c)".to_owned(), Pace::Stopped)));
        assert_eq!(read("7 (x) t 1"), Some(("x".to_owned(), Pace::Traced)));
        assert_eq!(read("7 (x) Z 1"), None);
        assert_eq!(read("no such line"), None);
    }

    #[test]
    fn the_list_of_locks_names_who_has_one() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 12 fe:00:43 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 13 fe:00:42 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 14 fe:00:42 0 EOF\n";
        assert_eq!(locker(locks, "fe:00:42"), Some(13));
        assert_eq!(locker(locks, "fe:00:44"), None);
        assert_eq!(locker("", "fe:00:42"), None);
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

    #[tokio::test]
    async fn what_is_at_a_hosts_door() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let at = async |name: &str, pid: u32| {
            let socket = Some(folder.path().join(name));
            Door::of(&Host { socket, ..Host::of(pid) }, &folder.path().join("activation")).await
        };
        assert_eq!(Door::of(&Host::of(1), Path::new("/x")).await, Door::None);
        assert_eq!(at("nothing", 1).await, Door::Missing);
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(at("file", 1).await, Door::File);
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert_eq!(at("folder", 1).await, Door::Folder);
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        assert_eq!(at("link", 1).await, Door::Link);
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        assert_eq!(at("socket", std::process::id()).await, Door::Open);
        if started(1).is_some() {
            assert_eq!(at("socket", u32::MAX).await, Door::Foreign(std::process::id()));
        }
        drop(listener);
        assert_eq!(at("socket", 1).await, Door::Deaf);
        let waiting = UnixListener::bind(folder.path().join("activation")).unwrap();
        waiting.set_nonblocking(true).unwrap();
        assert_eq!(at("activation", 1).await, Door::Open);
        assert!(waiting.accept().is_err(), "whoever starts hosts for those who connect wasn't connected to");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(at("socket", 1).await, Door::Exposed(folder.path().to_owned(), Privacy::Open(0o755)));
    }
}
