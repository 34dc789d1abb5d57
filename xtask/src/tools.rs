//! What the checks need besides the source: looked for first, installed or named with the command that installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Failure, workspace};

/// The version that `deny.toml` is written for; any 0.20 that is installed already will do.
const CARGO_DENY: &str = "0.20.2";
const CARGO_DENY_SERIES: &str = "cargo-deny 0.20.";

/// How long the advisory database may take to arrive before it counts as out of reach.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);

/// Fails with every missing tool and the command that installs it.
pub(crate) fn require() -> Result<(), Failure> {
    let mut missing = Vec::new();
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !answers(&mut workspace::cargo(&[subcommand, "--version"])) {
            missing.push(format!("{component}; install it with: rustup component add {component}"));
        }
    }
    if cfg!(unix) && !answers(Command::new("cc").arg("--version")) {
        let install = if cfg!(target_os = "macos") {
            "xcode-select --install"
        } else {
            "sudo apt-get install build-essential (Debian, Ubuntu) or sudo dnf install gcc (Fedora)"
        };
        missing.push(format!("a C compiler called `cc`; install it with: {install}"));
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::Failed(format!("Missing here:\n  {}", missing.join("\n  ")))),
    }
}

/// cargo-deny, wherever it is: installed by an earlier run, on the `PATH`, or else built now.
pub(crate) struct CargoDeny(PathBuf);

impl CargoDeny {
    /// Finds cargo-deny, or builds it under the target directory, which takes some minutes once.
    pub(crate) fn obtain(target: &Path) -> Result<Self, Failure> {
        let tools = target.join("tools");
        let ours = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
        for candidate in [ours.clone(), "cargo-deny".into()] {
            if version(&candidate).is_some_and(|version| version.starts_with(CARGO_DENY_SERIES)) {
                return Ok(Self(candidate));
            }
        }
        println!("cargo-deny 0.20 isn't installed: building {CARGO_DENY} under the target directory, once.");
        // Its own build folder: in ours, its features would mix with SurrealDB's. Unoptimised, it compiles in a
        // third of the time and still answers in seconds.
        let build = tools.join("build");
        workspace::run(
            workspace::cargo(&["install", "cargo-deny", "--locked", "--debug", "--quiet", "--version", CARGO_DENY])
                .arg("--root")
                .arg(&tools)
                .arg("--target-dir")
                .arg(&build),
        )?;
        // Hundreds of megabytes that nothing needs any more; failing to remove them harms nobody.
        let _ = fs::remove_dir_all(&build);
        Ok(Self(ours))
    }

    /// `cargo deny ARGS` in the checkout.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut deny = Command::new(&self.0);
        deny.args(args).current_dir(workspace::root());
        deny
    }

    /// Brings the advisory database up to date; whether that succeeded in reasonable time.
    pub(crate) fn fetch_advisories(&self) -> bool {
        let mut fetch = self.command(&["fetch", "db"]);
        fetch.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = fetch.spawn() else {
            return false;
        };
        let deadline = Instant::now() + DATABASE_PATIENCE;
        while Instant::now() < deadline {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => thread::sleep(Duration::from_millis(100)),
                Err(_) => break,
            }
        }
        // Killing can only fail when it has just ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        false
    }
}

fn answers(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
