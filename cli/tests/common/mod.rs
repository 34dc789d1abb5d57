//! Running `altair` on a store of its own, as a script would.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What every entity has, in order.
pub const ENTITY: [&str; 8] = ["id", "kind", "title", "tags", "created_at", "updated_at", "created_by", "deleted"];

/// A folder with a store in it that no other test knows.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A path beside the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file beside the store.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// The command, ready to run.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_altair"));
        command.args(arguments).current_dir(self.folder.path()).env("ALTAIR_HOME", self.store());
        command.env("ALTAIR_NO_DAEMON", "1").env_remove("ALTAIR_LOG").env("COLUMNS", "100").stdin(Stdio::null());
        command
    }

    /// What the command did.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the command did with this on stdin.
    pub fn run_with<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, stdin: &[u8]) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // The command may stop reading: then the rest has nowhere to go.
        let writer = std::thread::spawn(move || pipe.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        output
    }

    /// What people read.
    pub fn text<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let output = self.run(arguments);
        assert_exit(&output, 0);
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `--json` prints, a value a line.
    pub fn lines<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<Value> {
        let output = self.command(["--json"]).args(arguments).output().unwrap();
        assert_exit(&output, 0);
        assert_eq!(stderr(&output), "", "messages with --json");
        json_lines(&output)
    }

    /// The one object that `--json` prints.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1, "one object, not {lines:?}");
        lines.remove(0)
    }

    /// The id of what the command made.
    pub fn id<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        self.json(arguments)["id"].as_str().unwrap().to_owned()
    }

    /// The error of a command that fails with this exit code.
    pub fn error<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, exit: i32) -> Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        error_of(&output, exit)
    }
}

/// The error on stderr, after checking its shape.
pub fn error_of(output: &Output, exit: i32) -> Value {
    assert_exit(output, exit);
    assert!(output.stdout.is_empty(), "stdout of a failure: {}", String::from_utf8_lossy(&output.stdout));
    let text = stderr(output);
    assert_eq!(text.lines().count(), 1, "one line, not {text}");
    let error = serde_json::from_str::<Value>(&text).unwrap()["error"].take();
    assert_eq!(keys(&error), ["kind", "message", "hint"]);
    for key in keys(&error) {
        assert!(error[&key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {error}");
    }
    error
}

pub fn assert_exit(output: &Output, exit: i32) {
    assert_eq!(output.status.code(), Some(exit), "stderr: {}", stderr(output));
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json_lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// An object's keys, in order.
pub fn keys(value: &Value) -> Vec<String> {
    value.as_object().unwrap_or_else(|| panic!("an object, not {value}")).keys().cloned().collect()
}

/// An entity has the keys of all and of its kind, in order.
pub fn assert_entity(value: &Value, of_its_kind: &[&str]) {
    let expected: Vec<&str> = ENTITY.iter().chain(of_its_kind).copied().collect();
    assert_eq!(keys(value), expected);
    assert_time(&value["created_at"]);
    assert_time(&value["updated_at"]);
}

/// RFC 3339 in UTC with milliseconds.
pub fn assert_time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("a time, not {value}"));
    let pattern = "dddd-dd-ddTdd:dd:dd.dddZ";
    let digits = |c: char| if c.is_ascii_digit() { 'd' } else { c };
    assert_eq!(text.chars().map(digits).collect::<String>(), pattern, "{text}");
}

/// The files of a folder and below, by their path in it.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}
