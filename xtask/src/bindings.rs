//! `cargo xtask bindings`: the engine's library and its Kotlin, where Gradle finds them.
//!
//! Below the folder asked for: `kotlin/` has the generated sources, `native/` the library in the folder that JNA looks
//! for on this system. A file that would stay the same isn't written, so that nothing is built anew because of it.

use std::collections::BTreeSet;
use std::env::consts;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::workspace::{self, cargo};

/// What the compiler need not say of generated code: it is public where it must be, and not ours to improve. Its own list is longer by these.
const SUPPRESS: &str = "@file:Suppress(";
const SUPPRESSED: &str =
    "\"warnings\", \"NO_EXPLICIT_VISIBILITY_IN_API_MODE\", \"NO_EXPLICIT_RETURN_TYPE_IN_API_MODE\", ";

/// Builds, generates and copies, with what follows `cargo xtask bindings`.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let mut release = false;
    let mut out = workspace::root().join("bindings/kotlin/altair-core/build/altair");
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        match (arg, args.as_slice()) {
            ("--release", _) => release = true,
            ("--out", [folder, ..]) => {
                out = std::path::absolute(folder).map_err(|error| Failure::of(format!("use {folder}"), error))?;
                args.next();
            }
            _ => return Err(Failure::Usage(format!("Unknown: cargo xtask bindings {arg}"))),
        }
    }

    let mut build = cargo(&["build", "-p", "altair-ffi"]);
    if release {
        build.arg("--release");
    }
    workspace::run(&mut build)?;

    let target = workspace::target_directory()?;
    let built = target.join(if release { "release" } else { "debug" });
    let library = built.join(format!("{}altair_ffi{}", consts::DLL_PREFIX, consts::DLL_SUFFIX));
    // What the generator reads is stripped from the release's shared library, but not from the static one.
    let described = if release { built.join(static_library()) } else { library.clone() };
    let generated = target.join("tools").join("bindings");
    clear(&generated)?;
    generate(&described, &generated, release)?;
    mirror(&generated, &out.join("kotlin"))?;

    let file = library.file_name().unwrap_or_default();
    copy(&library, &out.join("native").join(jna_folder()).join(file))
}

fn generate(library: &Path, out: &Path, release: bool) -> Result<(), Failure> {
    let mut generate = cargo(&["run", "-p", "altair-ffi", "--bin", "uniffi-bindgen"]);
    if release {
        generate.arg("--release");
    }
    generate.args(["--", "generate", "--language", "kotlin", "--config", "bindgen.toml", "--no-format", "--out-dir"]);
    workspace::run(generate.arg(out).arg(library))
}

/// Makes `to` hold the Kotlin files of `from` and nothing else.
fn mirror(from: &Path, to: &Path) -> Result<(), Failure> {
    let doing = |error| Failure::of(format!("bring the generated Kotlin to {}", to.display()), error);
    let (sources, present) = (files(from).map_err(doing)?, files(to).map_err(doing)?);
    if sources.is_empty() {
        return Err(Failure::of("find the generated Kotlin", "nothing was generated"));
    }
    for source in &sources {
        let text = fs::read_to_string(from.join(source)).map_err(doing)?;
        if !text.contains(SUPPRESS) {
            return Err(Failure::of(format!("quieten {}", source.display()), format!("it has no `{SUPPRESS}…)`")));
        }
        let quiet = text.replacen(SUPPRESS, &format!("{SUPPRESS}{SUPPRESSED}"), 1);
        write(&to.join(source), quiet.as_bytes()).map_err(doing)?;
    }
    present.difference(&sources).try_for_each(|stale| fs::remove_file(to.join(stale))).map_err(doing)
}

/// Copies a file, unless the copy is there and the same.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = fs::read(from).and_then(|bytes| write(to, &bytes));
    copied.map_err(|error| Failure::of(format!("copy {} to {}", from.display(), to.display()), error))
}

/// Writes a file, unless it is there and the same. In one step: a reader finds the old one or the new one.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let same_length = fs::metadata(file).is_ok_and(|present| present.len() == bytes.len() as u64);
    if same_length && fs::read(file)? == bytes {
        return Ok(());
    }
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    let new = file.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, file)
}

/// Every file below `folder`, by its path from there; none when there is no such folder.
fn files(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop().filter(|next| next.exists()) {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                found.insert(relative.to_path_buf());
            }
        }
    }
    Ok(found)
}

fn clear(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(Failure::of(format!("clear {}", folder.display()), error)),
        _ => Ok(()),
    }
}

fn static_library() -> &'static str {
    if cfg!(target_env = "msvc") { "altair_ffi.lib" } else { "libaltair_ffi.a" }
}

/// Where JNA looks for this system's library: `linux-x86-64`, `darwin-aarch64`, `win32-x86-64`.
fn jna_folder() -> String {
    let system = match consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    format!("{system}-{}", consts::ARCH.replace("x86_64", "x86-64"))
}
