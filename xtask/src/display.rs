//! A screen for windows that nobody looks at, and the libraries that draw on it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::{Failure, java};

/// What Compose draws with on Linux, and where Debian keeps it.
const LIBRARIES: [(&str, &str); 7] = [
    ("libGL.so.1", "libgl1"),
    ("libX11.so.6", "libx11-6"),
    ("libXext.so.6", "libxext6"),
    ("libXrender.so.1", "libxrender1"),
    ("libXtst.so.6", "libxtst6"),
    ("libXi.so.6", "libxi6"),
    ("libfontconfig.so.1", "libfontconfig1"),
];

/// Fails unless windows can be opened and drawn here without a person's screen.
pub(crate) fn require() -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let known = ["ldconfig", "/sbin/ldconfig"]
        .iter()
        .find_map(|ldconfig| java::said(Command::new(ldconfig).arg("-p")))
        .ok_or_else(|| Failure::of("ask for the system's libraries", "there is no ldconfig"))?;
    let mut packages: Vec<&str> =
        LIBRARIES.iter().filter(|(library, _)| !known.contains(library)).map(|&(_, package)| package).collect();
    if Command::new("Xvfb").arg("-help").output().is_err() {
        packages.push("xvfb");
    }
    match packages.is_empty() {
        true => Ok(()),
        false => Err(Failure::Failed(format!(
            "Missing here to test windows: {0}. Install with: sudo apt-get install {1} (named as on Debian)",
            packages.join(", "),
            packages.join(" ")
        ))),
    }
}

/// An X server that draws into memory; it ends with this value.
pub(crate) struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one, on Linux; elsewhere windows open on the person's own screen.
    pub(crate) fn start() -> Result<Option<Self>, Failure> {
        if !cfg!(target_os = "linux") {
            return Ok(None);
        }
        // It picks a free number and says which on the descriptor named.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Failure::of("start Xvfb", error))?;
        let mut number = String::new();
        if let Some(output) = server.stdout.take() {
            // An X server that can't start closes its end, and nothing is read.
            let _ = BufReader::new(output).read_line(&mut number);
        }
        let display = Self { server, name: format!(":{}", number.trim()) };
        match number.trim().is_empty() {
            true => Err(Failure::of("start Xvfb", "it ended before it had a display")),
            false => Ok(Some(display)),
        }
    }

    /// As in `DISPLAY`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Both can only fail when it has ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
