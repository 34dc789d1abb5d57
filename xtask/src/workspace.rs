//! Where the checkout is, and how cargo is called in it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, json};

/// The checkout's root folder.
///
/// Asked for at run time: a target directory may be shared by several checkouts, and a path compiled into the
/// binary would then name the wrong one.
pub(crate) fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().map_or(xtask.clone(), Path::to_path_buf)
}

/// `cargo ARGS`, to be run in the checkout as a person would run it.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).current_dir(root());
    forget_crate(&mut cargo);
    cargo
}

/// Takes away what `cargo run` tells its child about the crate that it runs.
///
/// Passed on, those variables can make build scripts that watch them (ring's does) run again, and SurrealDB, which builds on ring, compile
/// again.
fn forget_crate(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    for name in ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"] {
        command.env_remove(name);
    }
}

/// Takes away all that `cargo run` tells its child, for a program that is not cargo but may start it.
///
/// Cargo's library search path in particular: on it, a JVM finds the engine's library in the target directory, whatever its age, before
/// the one that it was given.
pub(crate) fn forget_cargo(command: &mut Command) {
    forget_crate(command);
    for name in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        let Some(path) = env::var_os(name) else { continue };
        let others: Vec<PathBuf> = env::split_paths(&path).filter(|folder| !is_cargos(folder)).collect();
        match env::join_paths(&others) {
            Ok(path) if !path.is_empty() => command.env(name, path),
            _ => command.env_remove(name),
        };
    }
}

/// Whether `folder` is one that cargo adds to the library search path: where it built this program, or the toolchain's.
fn is_cargos(folder: &Path) -> bool {
    let built = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_path_buf()));
    let toolchain =
        env::var_os("CARGO").map(PathBuf::from).and_then(|cargo| Some(cargo.parent()?.parent()?.join("lib")));
    // One toolchain can be another's symbolic link.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = real(folder);
    [built, toolchain].into_iter().flatten().any(|base| folder.starts_with(real(&base)))
}

/// The folder that cargo builds into, wherever the environment or the configuration put it.
pub(crate) fn target_directory() -> Result<PathBuf, Failure> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| Failure::of("run `cargo metadata`", error))?;
    json::string(&String::from_utf8_lossy(&metadata.stdout), "target_directory")
        .map(PathBuf::from)
        .ok_or_else(|| Failure::of("find the target directory", String::from_utf8_lossy(&metadata.stderr)))
}

/// Shows `command` as it would be typed, runs it without input and waits for it to succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let typed = typed(command);
    println!("$ {typed}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed(format!("`{typed}` failed ({status}).\nWhat it said is above."))),
        Err(error) => Err(Failure::of(format!("run `{typed}`"), error)),
    }
}

/// `command` as it would be typed: the variables that were set for it, its name and its arguments.
fn typed(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy()))));
    let name = Path::new(command.get_program()).file_stem().unwrap_or_else(|| OsStr::new("?"));
    let words = std::iter::once(name).chain(command.get_args()).map(|word| quoted(&word.to_string_lossy()));
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// `word` as a shell would need it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+,./:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::{cargo, quoted, typed};

    #[test]
    fn a_command_reads_as_typed() {
        let mut doc = cargo(&["doc", "--no-deps"]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(typed(&doc), r#"RUSTDOCFLAGS="-D warnings" cargo doc --no-deps"#);
    }

    #[test]
    fn only_what_a_shell_would_split_is_quoted() {
        assert_eq!(quoted("Zoë"), "Zoë");
        assert_eq!(quoted("two words"), r#""two words""#);
        assert_eq!(quoted(""), r#""""#);
    }

    #[test]
    fn cargo_learns_nothing_of_the_crate_that_calls_it() {
        let kept = cargo(&["build"]).get_envs().any(|(_, value)| value.is_some());
        assert!(!kept);
    }
}
