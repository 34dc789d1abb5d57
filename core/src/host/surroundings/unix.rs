//! What Unix tells of locks, processes and sockets; Linux tells most.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use super::{Door, Pace, Process};
use crate::host::socket::Privacy;

/// Who has the lock of a file, as Linux lists it.
pub(super) fn holder(file: &File) -> Option<Process> {
    let meta = file.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    process(locker(&fs::read_to_string("/proc/locks").ok()?, &file)?)
}

/// The process that has a lock on a file in a list of locks (`1: FLOCK ADVISORY WRITE 4242 fe:00:1234 0 EOF`). Those who wait have an arrow in their lines.
fn locker(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&file)).then(|| words.get(4)?.parse().ok()).flatten()
    })
}

/// The process with a number; `None` where there is none, or it has ended and nobody has taken note.
pub(super) fn process(pid: u32) -> Option<Process> {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        // Not every system has that; then it can be asked whether there is one at all.
        let known = Path::new("/proc/self/stat").exists();
        let there = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        let there = there.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
        return (!known && there).then(|| Process { pid, name: String::new(), pace: Pace::Running });
    };
    read(pid, &stat)
}

/// When a process began, in clock ticks since the system did, where that is Linux.
pub(super) fn started(pid: u32) -> Option<u64> {
    // The 22nd value of the line, the 20th after the name, which stands in parentheses and may hold anything.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// From Linux's line: the number, the name in parentheses, which may hold anything, and the state.
fn read(pid: u32, stat: &str) -> Option<Process> {
    let (name, rest) = stat.rsplit_once(") ")?;
    let pace = match rest.chars().next()? {
        'Z' | 'X' | 'x' => return None,
        'T' => Pace::Stopped,
        't' => Pace::Traced,
        _ => Pace::Running,
    };
    Some(Process { pid, name: name.split_once('(')?.1.to_owned(), pace })
}

/// What is in the place of a host's socket, if that is no socket, or nobody trusts it where it is.
pub(super) fn instead_of_socket(path: &Path) -> Option<Door> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match Privacy::of(folder) {
        Ok(Privacy::Private) | Err(_) => {}
        Ok(privacy) => return Some(Door::Exposed(folder.to_owned(), privacy)),
    }
    let kind = match fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Door::Missing),
        Err(error) => return Some(Door::Unreachable(error.to_string())),
    };
    match () {
        () if kind.is_socket() => None,
        () if kind.is_file() => Some(Door::File),
        () if kind.is_dir() => Some(Door::Folder),
        () if kind.is_symlink() => Some(Door::Link),
        () => Some(Door::Other),
    }
}

/// Whether there is a socket.
pub(super) fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;

    use altair_protocol::rpc::Host;

    use super::*;

    #[test]
    fn a_stopped_process_is_told_from_one_that_runs_and_one_that_is_gone() {
        let read = |stat| super::read(7, stat).map(|process| (process.name, process.pace));
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
        if crate::host::started(1).is_some() {
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
