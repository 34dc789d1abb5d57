//! A store of one's own, and `altair` working on it as a script would.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Run, altair, run};

/// A folder with a store in it that no other test knows.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    store: PathBuf,
}

impl Home {
    /// A home whose store isn't made yet.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("altair-tests-").unwrap();
        Self { store: folder.path().join("store"), folder }
    }

    /// The folder that everything of this test is in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path beside the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's folder.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// The number of the last commit, as the store publishes it.
    pub fn head(&self) -> u64 {
        altair_core::published_head(&self.store).unwrap_or(0)
    }

    /// The command with `--json`, ready to run.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.command_on(&self.store, arguments)
    }

    /// The same on another store.
    pub fn command_on<A: AsRef<OsStr>>(&self, store: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(altair());
        command.arg("--json").args(arguments).current_dir(self.folder.path());
        command.env("ALTAIR_HOME", store).env("ALTAIR_NO_DAEMON", "1").env_remove("ALTAIR_LOG");
        command
    }

    /// The command with `--json` as people use it: it joins the store's host, or starts a daemon.
    pub fn joining<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(arguments);
        command.env_remove("ALTAIR_NO_DAEMON");
        command
    }

    /// What the command did.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        run(&mut self.command(arguments), b"")
    }

    /// What `--json` prints, a value a line.
    #[track_caller]
    pub fn lines<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<Value> {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        lines_of(&run)
    }

    /// The one object that `--json` prints.
    #[track_caller]
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1, "one object, not {lines:?}");
        lines.remove(0)
    }

    /// The id of what the command made.
    #[track_caller]
    pub fn id<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        self.json(arguments)["id"].as_str().unwrap().to_owned()
    }

    /// The error of a command that fails with this exit code.
    #[track_caller]
    pub fn error<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, exit: i32) -> Value {
        error_of(&self.run(arguments), exit)
    }

    /// Everything in a list, page after page.
    #[track_caller]
    pub fn all(&self, list: &[&str]) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut command = self.command(list);
            command.args(["--limit", "1000"]).args(cursor.iter().flat_map(|cursor| ["--after", cursor]));
            let page = run(&mut command, b"");
            assert_eq!(page.code, Some(0), "{}", page.stderr);
            let mut page = lines_of(&page);
            let last = page.pop().unwrap();
            all.append(&mut page);
            match last["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return all,
            }
        }
    }
}

/// The values that a command printed, one a line.
#[track_caller]
pub fn lines_of(run: &Run) -> Vec<Value> {
    let text = std::str::from_utf8(&run.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// The error on stderr, after checking the exit code and the error's shape.
#[track_caller]
pub fn error_of(run: &Run, exit: i32) -> Value {
    assert_eq!(run.code, Some(exit), "stderr: {} stdout: {}", run.stderr, String::from_utf8_lossy(&run.stdout));
    assert!(run.stdout.is_empty(), "stdout of a failure: {}", String::from_utf8_lossy(&run.stdout));
    assert_eq!(run.stderr.lines().count(), 1, "one line, not {}", run.stderr);
    let error = serde_json::from_str::<Value>(&run.stderr).unwrap()["error"].take();
    for key in ["kind", "message", "hint"] {
        assert!(error[key].as_str().is_some_and(|text| !text.trim().is_empty()), "{key} of {error}");
    }
    assert_eq!(error.as_object().map(serde_json::Map::len), Some(3), "{error}");
    error
}
