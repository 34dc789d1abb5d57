//! Processes with deadlines.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than this, a command hangs.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The program under test: `ALTAIR_BIN`, else `altair` in the target directory of this test.
///
/// Cargo doesn't build another package's program for a test, so `cargo test -p altair-tests` alone could find none, or an old one: both
/// are refused.
pub fn altair() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        if let Some(given) = env::var_os("ALTAIR_BIN") {
            return PathBuf::from(given);
        }
        let exe = env::current_exe().unwrap();
        let folder =
            exe.parent().map(|folder| if folder.ends_with("deps") { folder.parent().unwrap() } else { folder });
        let program = folder.unwrap().join(format!("altair{}", env::consts::EXE_SUFFIX));
        let build = "run `cargo build -p altair-cli` with the same CARGO_TARGET_DIR and profile, then try again";
        for program in [&program, &program.with_file_name(format!("altaird{}", env::consts::EXE_SUFFIX))] {
            assert!(program.is_file(), "there is no {}: {build}", program.display());
            if let Some(newer) = newer_source(program) {
                panic!("{} is older than {}: {build}", program.display(), newer.display());
            }
        }
        program
    })
}

/// A source that changed after the program was built. Cargo lists them beside it.
fn newer_source(program: &Path) -> Option<PathBuf> {
    let built = program.metadata().and_then(|meta| meta.modified()).ok()?;
    let list = fs::read_to_string(program.with_extension("d")).ok()?;
    let sources = list.split_once(": ")?.1.trim_end().replace("\\ ", "\0");
    let sources: BTreeSet<PathBuf> = sources.split(' ').map(|path| PathBuf::from(path.replace('\0', " "))).collect();
    sources
        .into_iter()
        .find(|path| path.metadata().and_then(|meta| meta.modified()).is_ok_and(|changed| changed > built))
}

/// What a process did.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// Runs a command to its end. A panic in it, and a command that doesn't end, fail the test.
#[track_caller]
pub fn run(command: &mut Command, stdin: &[u8]) -> Run {
    try_run(command, stdin, DEADLINE).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Runs a command to its end.
///
/// # Errors
/// That it panicked, was ended by a signal, or didn't end within the deadline (and was killed).
pub fn try_run(command: &mut Command, stdin: &[u8], deadline: Duration) -> Result<Run, String> {
    let begun = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = Pid::from_child(&child);
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // The command may stop reading: then the rest has nowhere to go.
    std::thread::spawn(move || pipe.write_all(&stdin));
    let (ended, end) = channel();
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(deadline) else {
        // Nobody has waited for it yet, so its id is still its own.
        let _ = kill_process(pid, Signal::KILL);
        return Err(format!("{command:?} didn't end within {} s", deadline.as_secs()));
    };
    let output = output.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if stderr.contains("panicked") || output.status.code().is_none() {
        return Err(format!("{command:?} ended with {}: {stderr}", output.status));
    }
    Ok(Run { code: output.status.code(), stdout: output.stdout, stderr, took: begun.elapsed() })
}

/// The whole lines that a process prints, as they come; a last line without an end is none.
pub fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = String::new();
        while from.read_line(&mut line).is_ok_and(|n| n > 0) && line.ends_with('\n') {
            line.pop();
            if send.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    receive
}

/// Waits until a condition holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {what} in vain");
        std::thread::yield_now();
    }
}
