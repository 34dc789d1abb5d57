//! The JDK that Gradle runs on: found as Gradle finds it, checked, and when missing named with the command that installs it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;

const AT_LEAST: u32 = 17;
/// The newest that Gradle 8.8 runs on.
const AT_MOST: u32 = 22;
const INSTALL: &str = "Install one, or set JAVA_HOME to one: sudo apt-get install openjdk-17-jdk (Debian, Ubuntu), sudo dnf install \
java-17-openjdk-devel (Fedora), brew install openjdk@17 (macOS)";

/// A JDK that is new enough.
pub(crate) struct Jdk {
    home: PathBuf,
}

/// The JDK of `JAVA_HOME`, or else of the `PATH`; fails unless it is one and new enough.
pub(crate) fn require() -> Result<Jdk, Failure> {
    let bin = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    let program = |name: &str| bin.as_ref().map_or_else(|| PathBuf::from(name), |bin| bin.join(name));
    let from = bin.as_ref().map_or_else(String::new, |bin| format!(" in {} (from JAVA_HOME)", bin.display()));

    // A runtime without a compiler won't do, so it is javac that is asked for its version.
    let javac = said(Command::new(program("javac")).arg("-version")).ok_or_else(|| {
        Failure::Failed(format!("There is no JDK{from}; one of {AT_LEAST} to {AT_MOST} is needed. {INSTALL}."))
    })?;
    if !major(&javac).is_some_and(|version| (AT_LEAST..=AT_MOST).contains(&version)) {
        let found = javac.trim();
        return Err(Failure::Failed(format!(
            "`{found}`{from} won't do: {AT_LEAST} to {AT_MOST} is needed. {INSTALL}."
        )));
    }
    let home = said(Command::new(program("java")).args(["-XshowSettings:properties", "-version"]))
        .and_then(|settings| property(&settings, "java.home").map(PathBuf::from))
        .ok_or_else(|| Failure::Failed(format!("`java`{from} doesn't say where it lives. {INSTALL}.")))?;
    Ok(Jdk { home })
}

/// The same, for whatever opens windows: Linux distributions have JDKs that can't.
pub(crate) fn require_desktop() -> Result<Jdk, Failure> {
    let jdk = require()?;
    if cfg!(target_os = "linux") && !jdk.home.join("lib").join("libawt_xawt.so").exists() {
        return Err(Failure::Failed(format!(
            "The JDK in {} is a headless one and can't open windows. {INSTALL}.",
            jdk.home.display()
        )));
    }
    Ok(jdk)
}

/// What a program prints, on whichever stream; `None` when it can't be run or fails.
pub(crate) fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// The 17 of `javac 17.0.15`; 1 of `javac 1.8.0_402`.
fn major(javac: &str) -> Option<u32> {
    let version = javac.lines().find_map(|line| line.strip_prefix("javac "))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A value of `java -XshowSettings:properties`.
fn property(settings: &str, key: &str) -> Option<String> {
    settings.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::{major, property};

    #[test]
    fn a_version_is_read_whatever_stands_before_it() {
        assert_eq!(major("javac 17.0.15\n"), Some(17));
        assert_eq!(major("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\njavac 21\n"), Some(21));
        assert_eq!(major("javac 1.8.0_402\n"), Some(1));
        assert_eq!(major("gcc 12"), None);
    }

    #[test]
    fn a_property_is_read_whole() {
        let settings = "Property settings:\n    java.home = /opt/a = b\n    java.home.other = x\n";
        assert_eq!(property(settings, "java.home").as_deref(), Some("/opt/a = b"));
    }
}
