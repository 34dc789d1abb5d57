//! What processes take of the machine, where the system tells it in `/proc`.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The memory of a process, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// All that is resident.
    pub resident: f64,
    /// Its own part: heap and stacks.
    pub anonymous: f64,
    /// Pages of mapped files, the program among them; the system takes them back when it needs room.
    pub files: f64,
    /// The most that was resident at once.
    pub peak: f64,
}

impl Memory {
    /// This process's memory now; `None` on systems without `/proc`.
    pub fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/self/status").ok()?)
    }

    /// Another process's memory now.
    pub fn of(process: u32) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
    }

    /// This process's memory once it no longer shrinks: unchanged for two seconds, or after ten at the latest.
    pub fn at_rest() -> Option<Self> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut least = Self::now()?;
        let mut since = Instant::now();
        while since.elapsed() < Duration::from_secs(2) && Instant::now() < deadline {
            sleep(Duration::from_millis(100));
            let now = Self::now()?;
            if now.resident < least.resident - 0.5 {
                since = Instant::now();
                least = now;
            }
        }
        Self::now()
    }

    fn read(status: &str) -> Option<Self> {
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        Some(Self { resident: of("VmRSS")?, anonymous: of("RssAnon")?, files: of("RssFile")?, peak: of("VmHWM")? })
    }
}

/// The processor time that a process has taken so far, to a hundredth of a second.
pub fn cpu_time(process: u32) -> Option<Duration> {
    // The 14th and 15th value of the line, the 12th and 13th after the name, in hundredths of a second on every Linux.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut values = stat.rsplit_once(") ")?.1.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (values.next()?.ok()?, values.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// How many MiB the files under a folder have.
pub fn mebibytes_under(folder: &Path) -> f64 {
    fn bytes(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(found) if found.is_dir() => bytes(&entry.path()),
                Ok(found) => found.len(),
                Err(_) => 0,
            })
            .sum()
    }
    bytes(folder) as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn memory_is_read_in_mebibytes() {
        let status = "Name:\tx\nVmHWM:\t  4096 kB\nVmRSS:\t  2048 kB\nRssAnon:\t  1024 kB\nRssFile:\t  512 kB\n";
        let expected = Memory { resident: 2.0, anonymous: 1.0, files: 0.5, peak: 4.0 };
        assert_eq!(Memory::read(status), Some(expected));
        assert_eq!(Memory::read("Name:\tx\n"), None);
    }
}
