//! Reopening, and memory at rest: both measured in a fresh process, which is this program again as a child.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use altair_bench::bare::Bare;
use altair_bench::measure::millis;
use altair_bench::process::Memory;
use altair_bench::report::{Line, Report, Unit};
use altair_bench::sqlite::{NoteId, Sqlite};
use altair_bench::{Failure, Outcome};
use altair_core::{List, Search};
use altair_protocol::{EntityId, Kind};
use serde::{Deserialize, Serialize};

use crate::world::{Ground, World};

/// How often a store is opened.
const OPENINGS: usize = 9;
/// What opening and the first answer should stay below, in milliseconds.
const REOPEN: f64 = 250.0;
/// What memory at rest should stay below, in MiB: 200 MB.
const REST: f64 = 200e6 / 1_048_576.0;

/// What a child found, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Found {
    open: f64,
    get: f64,
    list: f64,
    search: f64,
    /// Only if it was asked to wait.
    memory: Option<Memory>,
}

pub(crate) fn measure(ground: &Ground, world: &World, reopen: bool, memory: bool, report: &mut Report) -> Outcome {
    eprintln!("reopening …");
    let altair = ground.altair(&world.store)?;
    let listing = altair.clone();
    let id = ground.run(async move {
        let page = listing.list(List::Kind(Kind::Note), 50, None).await?;
        page.items.last().map(|note| note.id.to_string()).ok_or_else(|| Failure::from("there are no notes"))
    })?;
    ground.close(altair)?;
    let sides =
        [("altair", world.store.as_path()), ("surrealdb", world.bare.as_path()), ("sqlite", world.sqlite.as_path())];
    if reopen {
        let mut found = [const { Vec::new() }; 3];
        for _ in 0..OPENINGS {
            for (found, (side, path)) in found.iter_mut().zip(sides) {
                found.push(ask(side, path, &id, false)?);
            }
        }
        let [ours, bare, sqlite] = &found;
        let line = |id: &str, what: &str, of: fn(&Found) -> f64| {
            let mut values: Vec<f64> = ours.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            Line::new(format!("reopen.{id}"), what, Unit::Millis, median(ours, of))
                .note("least", values.first().copied().unwrap_or_default())
                .note("most", values.last().copied().unwrap_or_default())
                .note("openings", values.len())
                .beside("SurrealDB", median(bare, of))
                .beside("SQLite", median(sqlite, of))
        };
        let first =
            line("first_answer", &format!("reopen {} notes and get one", world.notes), |found| found.open + found.get);
        report.lines.push(first.below(REOPEN));
        report.lines.push(line("open", "of which opening", |found| found.open));
        report.lines.push(line("get", "of which the first get", |found| found.get));
        report.lines.push(line("list", "then the first list of 50", |found| found.list));
        let search =
            Line::new("reopen.search", "then the first search", Unit::Millis, median(ours, |found| found.search));
        report.lines.push(search.beside("FTS5", median(sqlite, |found| found.search)));
    }
    if memory {
        eprintln!("resting …");
        let mut at_rest = Vec::new();
        for (side, path) in sides.into_iter().chain([("nothing", Path::new(""))]) {
            at_rest.push(ask(side, path, &id, true)?.memory);
        }
        let [Some(ours), Some(bare), Some(sqlite), Some(nothing)] = at_rest.as_slice() else {
            eprintln!(
                "This system doesn't tell how much memory a process has (there is no /proc): memory isn't measured."
            );
            return Ok(());
        };
        let line =
            Line::new("memory", format!("memory at rest, {} notes", world.notes), Unit::Mebibytes, ours.resident)
                .beside("SurrealDB", bare.resident)
                .beside("SQLite", sqlite.resident)
                .beside("the same program with nothing open", nothing.resident)
                .below(REST)
                .note("altair", serde_json::to_value(ours)?)
                .note("surrealdb", serde_json::to_value(bare)?)
                .note("sqlite", serde_json::to_value(sqlite)?)
                .note("nothing", serde_json::to_value(nothing)?);
        report.lines.push(line);
        let own = Line::new("memory.own", "of which its own (heap and stacks)", Unit::Mebibytes, ours.anonymous)
            .beside("SurrealDB", bare.anonymous)
            .beside("SQLite", sqlite.anonymous)
            .beside("nothing open", nothing.anonymous);
        report.lines.push(own);
        report.lines.push(
            Line::new("memory.peak", "most at once", Unit::Mebibytes, ours.peak)
                .beside("SurrealDB", bare.peak)
                .beside("SQLite", sqlite.peak),
        );
    }
    Ok(())
}

fn median(found: &[Found], of: fn(&Found) -> f64) -> f64 {
    let mut values: Vec<f64> = found.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Starts this program as a child and reads what it found.
fn ask(side: &str, path: &Path, id: &str, wait: bool) -> Outcome<Found> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["--child", side]).arg(path).args([id, if wait { "wait" } else { "go" }]);
    if !tracing::dispatcher::has_been_set() {
        child.arg("--no-subscriber");
    }
    let child = child.stderr(Stdio::inherit()).output()?;
    if !child.status.success() {
        return Err(format!("the child for {side} failed").into());
    }
    Ok(serde_json::from_slice(&child.stdout)?)
}

/// Opens one side's store, asks, and prints what it found; after some rest, if it is to wait.
pub(crate) fn child(args: &[String]) -> Outcome {
    let [side, path, id, wait] = args else {
        return Err("a child needs a side, a path, an id and whether to wait".into());
    };
    let (path, wait) = (Path::new(path), wait == "wait");
    let found = match side.as_str() {
        "altair" => altair(path, id.parse()?, wait)?,
        "surrealdb" => surrealdb(path, wait)?,
        "sqlite" => sqlite(path, wait)?,
        _ => Found { open: 0.0, get: 0.0, list: 0.0, search: 0.0, memory: memory(wait) },
    };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

fn memory(wait: bool) -> Option<Memory> {
    if wait { Memory::at_rest() } else { None }
}

fn altair(store: &Path, id: EntityId, wait: bool) -> Outcome<Found> {
    let begun = Instant::now();
    let ground = Ground::new()?;
    let altair = ground.altair(store)?;
    let open = begun.elapsed();
    let asking = altair.clone();
    let mut found = ground.run(async move {
        let begun = Instant::now();
        asking.get(id).await?;
        let get = begun.elapsed();
        let begun = Instant::now();
        asking.list(List::Kind(Kind::Note), 50, None).await?;
        let list = begun.elapsed();
        let begun = Instant::now();
        asking.search(Search::new("garden")).await?;
        let search = begun.elapsed();
        Ok(Found { open: millis(open), get: millis(get), list: millis(list), search: millis(search), memory: None })
    })?;
    found.memory = memory(wait);
    ground.close(altair)?;
    Ok(found)
}

fn surrealdb(folder: &Path, wait: bool) -> Outcome<Found> {
    let begun = Instant::now();
    let ground = Ground::new()?;
    let folder = folder.to_owned();
    let bare = ground.run(async move { Bare::open(&folder).await })?;
    let open = begun.elapsed();
    let asking = bare.clone();
    let mut found = ground.run(async move {
        let begun = Instant::now();
        let first = asking.entities_after(surrealdb::types::Value::Uuid(surrealdb::types::Uuid::default()), 1).await?;
        let get = begun.elapsed();
        if first.is_empty() {
            return Err("there are no entities".into());
        }
        let begun = Instant::now();
        asking.entities_after(surrealdb::types::Value::Uuid(surrealdb::types::Uuid::default()), 50).await?;
        let list = begun.elapsed();
        Ok(Found { open: millis(open), get: millis(get), list: millis(list), search: 0.0, memory: None })
    })?;
    found.memory = memory(wait);
    ground.run(bare.close())?;
    Ok(found)
}

fn sqlite(file: &Path, wait: bool) -> Outcome<Found> {
    let begun = Instant::now();
    let sqlite = Sqlite::open(file)?;
    let open = begun.elapsed();
    let begun = Instant::now();
    let id: NoteId = sqlite.first()?;
    sqlite.get(&id)?;
    let get = begun.elapsed();
    let begun = Instant::now();
    sqlite.list((0, [0; 16]))?;
    let list = begun.elapsed();
    let begun = Instant::now();
    sqlite.search("garden")?;
    let search = begun.elapsed();
    let found = Found {
        open: millis(open),
        get: millis(get),
        list: millis(list),
        search: millis(search),
        memory: memory(wait),
    };
    sqlite.close()?;
    Ok(found)
}
