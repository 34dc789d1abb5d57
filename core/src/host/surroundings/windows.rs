//! What Windows tells of locks, processes and pipes.

use std::fs::File;
use std::path::Path;

use winsafe::guard::CloseHandleGuard;
use winsafe::{HPROCESS, SysResult, co};

use super::{Door, Pace, Process};

/// The exit code of a process that has none yet (`STILL_ACTIVE`).
const RUNS: u32 = 259;

/// Who has the lock of a file: that isn't told.
pub(super) const fn holder(_: &File) -> Option<Process> {
    None
}

/// The process with a number; `None` where there is none. Whether it was stopped isn't told.
pub(super) fn process(pid: u32) -> Option<Process> {
    let name = match open(pid) {
        Ok(process) if process.GetExitCodeProcess() != Ok(RUNS) => return None,
        Ok(process) => process.QueryFullProcessImageName(co::PROCESS_NAME::WIN32).unwrap_or_default(),
        Err(co::ERROR::INVALID_PARAMETER) => return None,
        // It is another user's.
        Err(_) => String::new(),
    };
    let name = Path::new(&name).file_name().map(|name| name.to_string_lossy().into_owned());
    Some(Process { pid, name: name.unwrap_or_default(), pace: Pace::Running })
}

/// When a process began, in tenths of microseconds since 1601.
pub(super) fn started(pid: u32) -> Option<u64> {
    let process = open(pid).ok()?;
    // One that has ended is there for as long as somebody looks at it.
    (process.GetExitCodeProcess() == Ok(RUNS)).then_some(())?;
    let (began, ..) = process.GetProcessTimes().ok()?;
    Some(u64::from(began.dwHighDateTime) << 32 | u64::from(began.dwLowDateTime))
}

fn open(pid: u32) -> SysResult<CloseHandleGuard<HPROCESS>> {
    HPROCESS::OpenProcess(co::PROCESS::QUERY_LIMITED_INFORMATION, false, pid)
}

/// What is in the place of a host's pipe: to look for that as a file would be to connect.
pub(super) const fn instead_of_socket(_: &Path) -> Option<Door> {
    None
}

/// Whether there is a socket: the system starts nobody for who connects to one.
pub(super) const fn is_socket(_: &Path) -> bool {
    false
}
