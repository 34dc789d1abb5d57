//! `cargo bench -p altair-bench --profile dev -- [WHAT…] [--notes N] [--save FILE]`: Altair beside the same work done bare.
//!
//! docs/benchmarks.md says what the figures mean. Some figures need a process of their own: the program then runs itself as a child,
//! with `--child` (see `rest`, `rpc` and `talk`).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "talking to the person at the terminal is its job")]

mod capture;
mod child;
mod command;
mod read;
mod rest;
mod rpc;
mod search;
mod talk;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use altair_bench::Outcome;
use altair_bench::report::Report;
use serde_json::{Value, json};
use world::{Ground, World};

// As in the command line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
cargo bench -p altair-bench --profile dev -- [WHAT…] [--notes N] [--save FILE] [--no-subscriber]

WHAT is any of these; without one, all are run:
  capture   one durable capture after another, and 64 at a time
  import    a generated vault, and the search index over it
  get       one note by its id
  list      fifty notes
  search    twenty queries, at 1,000 and 10,000 notes and at N
  reopen    opening a store of N notes, and the first answers
  memory    what a process takes that has answered and waits
  rpc       one note by a guest of the store's host, over local RPC
  talk      the ways in which two processes can talk
  command   whole commands, the daemon that they start, and a host that is killed

  --notes N    how many notes the large store has (100000)
  --no-subscriber
               without a subscriber for `tracing`: what a program pays that sets none
  --save FILE  where the figures go as JSON (altair-bench/latest.json in the target directory)";

/// What can be measured.
const PARTS: [&str; 10] = ["capture", "import", "get", "list", "search", "reopen", "memory", "rpc", "talk", "command"];

/// What was asked for.
struct Wanted {
    parts: Vec<String>,
    notes: usize,
    save: PathBuf,
}

impl Wanted {
    /// Whether any of these parts is wanted.
    fn any(&self, parts: &[&str]) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| parts.contains(&part.as_str()))
    }
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says it to every benchmark.
    args.retain(|arg| arg != "--bench");
    let silent = !args.iter().any(|arg| arg == "--no-subscriber");
    args.retain(|arg| arg != "--no-subscriber");
    if silent {
        // Without any subscriber, `tracing` (with its feature `log`) puts the text of every span together, and SurrealDB has one for each
        // key that it reads or writes. It can't have been set before: nothing ran yet.
        let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
    }
    if args.first().is_some_and(|arg| arg == "--child") {
        return ended(match &args[1..] {
            [echo, asked, answered] if echo == "echo" => talk::echo(asked, answered),
            [host, store] if host == "host" => rpc::host(Path::new(store)),
            args => rest::child(args),
        });
    }
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match wanted(args) {
        Ok(wanted) => ended(run(&wanted, silent)),
        Err(message) => {
            eprintln!("{message}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn ended(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The benchmarks stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(args: Vec<String>) -> Result<Wanted, String> {
    let mut wanted = Wanted { parts: Vec::new(), notes: 100_000, save: target().join("altair-bench/latest.json") };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--notes" => {
                let notes = args.next().and_then(|text| text.replace(['_', ','], "").parse().ok());
                wanted.notes = notes.filter(|notes| *notes >= 100).ok_or("--notes needs a number, 100 or more")?;
            }
            "--save" => wanted.save = args.next().ok_or("--save needs a file")?.into(),
            part if PARTS.contains(&part) => wanted.parts.push(arg),
            _ => return Err(format!("Unknown: {arg}")),
        }
    }
    Ok(wanted)
}

/// The target directory: the folder over the one that cargo keeps there for benchmarks' files.
fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..")
}

fn run(wanted: &Wanted, silent: bool) -> Outcome {
    let about = about(wanted, silent);
    let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&scratch)?;
    let scratch = tempfile::Builder::new().prefix("altair-bench-").tempdir_in(scratch)?;
    let ground = Ground::new()?;
    let mut report = Report::default();

    if wanted.any(&["capture"]) {
        capture::measure(&ground, scratch.path(), &mut report)?;
    }
    if wanted.any(&["rpc"]) {
        rpc::measure(&ground, scratch.path(), &mut report)?;
    }
    if wanted.any(&["talk"]) {
        talk::measure(&mut report)?;
    }
    if wanted.any(&["command"]) {
        command::measure(&ground, scratch.path(), &mut report)?;
    }
    if wanted.any(&["import", "get", "list", "search", "reopen", "memory"]) {
        if wanted.any(&["search"]) {
            for notes in [1_000, 10_000].into_iter().filter(|notes| *notes < wanted.notes) {
                let world = World::make(&ground, &scratch.path().join(notes.to_string()), notes, false)?;
                search::measure(&ground, &world, &mut report)?;
            }
        }
        let world = World::make(&ground, &scratch.path().join("large"), wanted.notes, true)?;
        if wanted.any(&["search"]) {
            search::measure(&ground, &world, &mut report)?;
        }
        if wanted.any(&["import"]) {
            world.report(&mut report);
        }
        if wanted.any(&["get"]) {
            read::get(&ground, &world, &mut report)?;
        }
        if wanted.any(&["list"]) {
            read::list(&ground, &world, &mut report)?;
        }
        if wanted.any(&["reopen", "memory"]) {
            rest::measure(&ground, &world, wanted.any(&["reopen"]), wanted.any(&["memory"]), &mut report)?;
        }
    }

    report.save(&wanted.save, &about)?;
    println!("{}", report.table());
    let load: f64 = about["load"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    if load > 0.5 {
        println!(
            "The machine was busy when this began (load {load}): what is near a target may be on its other side on an idle one.\n"
        );
    }
    let saved = wanted.save.canonicalize().unwrap_or_else(|_| wanted.save.clone());
    println!("{} profile; saved to {}", about["profile"].as_str().unwrap_or_default(), saved.display());
    Ok(())
}

/// What there is to know of a run: no names of machines.
fn about(wanted: &Wanted, silent: bool) -> Value {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({
        "altair": env!("CARGO_PKG_VERSION"),
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "unix_seconds": at,
        "cores": cores,
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "subscriber": if silent { "none that listens" } else { "none at all" },
        "notes": wanted.notes,
        // What else the machine was doing when the run began, where the system tells it.
        "load": std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next().map(str::to_owned)),
        "note_bytes": altair_bench::notes::NOTE_BYTES,
    })
}
