//! A mount namespace of one's own, for disks that are full or can't be written to.
//!
//! What is mounted there is seen by no other process, and is gone with the process that holds it, which ends with its stdin: even a test
//! that is killed leaves nothing behind.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process::{Run, run};

/// A namespace, held open.
#[derive(Debug)]
pub struct Room {
    holder: Child,
    enter: Vec<OsString>,
}

impl Room {
    /// Makes a namespace and runs a shell script in it, `$1` being `folder`.
    ///
    /// # Errors
    /// Why this machine doesn't permit it.
    pub fn new(folder: &Path, script: &str) -> Result<Self, String> {
        let script = format!("{{ {script}; }} && echo ready && read -r _");
        let user = ["--user", "--map-root-user"];
        let mut why = String::new();
        // As root, or as anybody who may make a user namespace.
        for extra in [&[][..], &user[..]] {
            let mut command = Command::new("unshare");
            command.args(extra).args(["--mount", "sh", "-c", &script, "sh"]).arg(folder);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut holder = match command.spawn() {
                Ok(holder) => holder,
                Err(error) => return Err(format!("`unshare` can't be run: {error}")),
            };
            let mut line = String::new();
            let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
            if line.trim() == "ready" {
                let mut enter: Vec<OsString> =
                    ["--target".into(), holder.id().to_string().into(), "--mount".into()].into();
                if !extra.is_empty() {
                    enter.extend(["--user".into(), "--preserve-credentials".into()]);
                }
                return Ok(Self { holder, enter });
            }
            let status = holder.wait().unwrap();
            why = format!("mounting isn't permitted here ({status})");
        }
        Err(why)
    }

    /// The command, as it is run in the namespace.
    pub fn command(&self, inside: &Command) -> Command {
        let mut command = Command::new("nsenter");
        command.args(&self.enter);
        if let Some(folder) = inside.get_current_dir() {
            command.arg(wd_flag(folder));
        }
        command.arg("--").arg(inside.get_program()).args(inside.get_args());
        for (key, value) in inside.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command
    }

    /// Runs a shell script in the namespace, `$1` being `folder`.
    #[track_caller]
    pub fn shell(&self, script: &str, folder: &Path) -> Run {
        let mut shell = Command::new("sh");
        shell.args([OsStr::new("-c"), OsStr::new(script), OsStr::new("sh"), folder.as_os_str()]);
        run(&mut self.command(&shell), b"")
    }
}

fn wd_flag(folder: &Path) -> OsString {
    let mut flag = OsString::from("--wd=");
    flag.push(folder);
    flag
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
