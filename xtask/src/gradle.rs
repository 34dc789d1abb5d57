//! `cargo xtask gradle`: Gradle, wherever it can be had.
//!
//! In order: what `$GRADLE` names; a `gradle` on the `PATH` that fits; the wrapper, where its distribution is or can be
//! had; and one that is assembled from Maven Central (`xtask/gradle/`) and kept beside what cargo builds.

use std::env;
use std::fs;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Failure, java, workspace};

/// The version that is assembled and that the wrapper brings; on the `PATH`, newer ones with the same first number will do too.
const VERSION: (u32, u32) = (8, 8);

/// Where the wrapper's distribution comes from, and how long an answer may take.
const HOST: (&str, u16) = ("services.gradle.org", 443);
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it is remembered that the distribution could not be had.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs Gradle with what follows `cargo xtask gradle`.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let (directory, args) = match args {
        ["--in", directory, rest @ ..] => (PathBuf::from(directory), rest),
        ["--in"] => return Err(Failure::Usage("--in wants a directory.".to_owned())),
        _ => (workspace::root().join("gradle-sample"), args),
    };
    workspace::run(&mut command(&directory, args)?)
}

/// `gradle ARGS` in `directory`, as a person would run it there.
pub(crate) fn command(directory: &Path, args: &[&str]) -> Result<Command, Failure> {
    java::require()?;
    let mut gradle = Command::new(find(directory)?);
    workspace::forget_cargo(&mut gradle);
    gradle.current_dir(directory);
    if env::var_os("CI").is_some_and(|ci| ci == "true") {
        // A machine that is thrown away has no use for what stays behind.
        gradle.args(["--no-daemon", "--console=plain"]);
    }
    if let Some(aapt2) = android_packager() {
        gradle.arg(format!("-Pandroid.aapt2FromMavenOverride={}", aapt2.display()));
    }
    gradle.args(args);
    Ok(gradle)
}

fn find(directory: &Path) -> Result<PathBuf, Failure> {
    if let Some(named) = env::var_os("GRADLE").filter(|named| !named.is_empty()).map(PathBuf::from) {
        return match version(&named) {
            Some(_) => Ok(named),
            None => Err(Failure::of(format!("use GRADLE={}", named.display()), "it doesn't say its version")),
        };
    }
    if let Some((major, minor)) = version(Path::new("gradle"))
        && major == VERSION.0
        && minor >= VERSION.1
    {
        return Ok("gradle".into());
    }
    let tools = workspace::target_directory()?.join("tools");
    if let Some(wrapper) = wrapper(directory, &tools.join("gradle-out-of-reach"))? {
        return Ok(wrapper);
    }
    assemble(&tools.join(format!("gradle-{}.{}", VERSION.0, VERSION.1)))
}

/// The version of a Gradle, if it is one and starts.
fn version(gradle: &Path) -> Option<(u32, u32)> {
    let mut command = Command::new(gradle);
    workspace::forget_cargo(&mut command);
    parse(&java::said(command.arg("--version").stdin(Stdio::null()))?)
}

/// The 8 and 8 of a line `Gradle 8.8` or `Gradle 8.8.1`.
fn parse(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.lines().find_map(|line| line.strip_prefix("Gradle "))?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The wrapper in `directory` or above, when its distribution is here or can be brought.
///
/// That it can't is noted in the file `memory`, so that it isn't tried again and again.
fn wrapper(directory: &Path, memory: &Path) -> Result<Option<PathBuf>, Failure> {
    let name = if cfg!(windows) { "gradlew.bat" } else { "gradlew" };
    let directory = std::path::absolute(directory).map_err(|error| Failure::of("find the wrapper", error))?;
    let Some(wrapper) = directory.ancestors().map(|folder| folder.join(name)).find(|wrapper| wrapper.exists()) else {
        return Ok(None);
    };
    // A copy that another project brought from a host of its own is none for this wrapper: it says so itself.
    if is_unpacked() && version(&wrapper).is_some() {
        return Ok(Some(wrapper));
    }
    let remembered = fs::metadata(memory).and_then(|file| file.modified()).ok().and_then(|noted| noted.elapsed().ok());
    if remembered.is_some_and(|ago| ago < MEMORY) {
        return Ok(None);
    }
    if answers() {
        println!("Bringing Gradle {}.{}, once.", VERSION.0, VERSION.1);
        if version(&wrapper).is_some() {
            return Ok(Some(wrapper));
        }
    }
    println!("Gradle's own host is out of reach; this is remembered for a day.");
    memory
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(memory, "Gradle's own host could not be reached when this file was written.\n"))
        .map_err(|error| Failure::of(format!("write {}", memory.display()), error))?;
    Ok(None)
}

/// Whether the wrapper has its distribution already: it leaves a file beside it when it has unpacked it.
fn is_unpacked() -> bool {
    let user = env::var_os("GRADLE_USER_HOME").map(PathBuf::from);
    let Some(user) = user.or_else(|| Some(env::home_dir()?.join(".gradle"))) else {
        return false;
    };
    let name = format!("gradle-{}.{}-bin", VERSION.0, VERSION.1);
    let copies = fs::read_dir(user.join("wrapper").join("dists").join(&name)).into_iter().flatten();
    copies.flatten().any(|copy| copy.path().join(format!("{name}.zip.ok")).exists())
}

/// Whether Gradle's host takes a connection within a short time, looking up its name included.
fn answers() -> bool {
    let (report, outcome) = mpsc::channel();
    thread::spawn(move || {
        let connected = HOST
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .is_some_and(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok());
        // Nobody listens any more when it took too long.
        let _ = report.send(connected);
    });
    outcome.recv_timeout(PATIENCE).unwrap_or(false)
}

/// A Gradle of artifacts on Maven Central, in `home`; made now unless it is there.
fn assemble(home: &Path) -> Result<PathBuf, Failure> {
    let script = workspace::root().join("xtask").join("gradle").join("assemble.sh");
    let mut assemble = Command::new("bash");
    workspace::forget_cargo(&mut assemble);
    let status = assemble
        .arg(script)
        .arg(home)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::of("assemble Gradle from Maven Central", format!("bash doesn't run: {error}")))?;
    match status.success() {
        true => Ok(home.join("bin").join("gradle")),
        false => Err(Failure::Failed(
            "There is no Gradle: none in $GRADLE, none on the PATH that fits, and none could be assembled; what \
             stood in the way is above."
                .to_owned(),
        )),
    }
}

/// The aapt2 of the Android SDK. The Android plugin would bring one from a host of its own, and that one may be out of reach.
fn android_packager() -> Option<PathBuf> {
    let sdk = env::var_os("ANDROID_HOME").or_else(|| env::var_os("ANDROID_SDK_ROOT"))?;
    let mut found: Vec<PathBuf> = fs::read_dir(PathBuf::from(sdk).join("build-tools"))
        .ok()?
        .flatten()
        .map(|tools| tools.path().join(format!("aapt2{}", env::consts::EXE_SUFFIX)))
        .filter(|aapt2| aapt2.exists())
        .collect();
    found.sort();
    found.pop()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_version_is_found_among_the_rest() {
        let said = "\n------\nGradle 8.10.2\n------\n\nKotlin: 1.9.22\n";
        assert_eq!(parse(said), Some((8, 10)));
        assert_eq!(parse("Gradle 8.8"), Some((8, 8)));
        assert_eq!(parse("gradle: not found"), None);
    }
}
