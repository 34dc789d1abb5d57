//! Durable capture: one after another, and 64 at a time.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use altair_bench::bare::{Bare, CaptureRows};
use altair_bench::measure::{Side, take_turns};
use altair_bench::notes::Notes;
use altair_bench::report::{Line, Report, Unit};
use altair_bench::sqlite::Sqlite;
use altair_bench::{Failure, Outcome};
use altair_core::{Altair, NewCapture, Search};
use tokio::task::JoinSet;

use crate::world::Ground;

/// Turns of each side, and how many captures a turn has.
const TURNS: usize = 200;
const TURN: usize = 5;
/// The same for captures at the same time: so many tasks, so many captures each.
const CROWD_TURNS: usize = 5;
const CROWD: usize = 64;
const EACH: usize = 20;

/// How many captures the bare sides need rows for: with the turn that warms up, and some to fill the undo stack.
const ROWS: usize = (TURNS + 1) * TURN + (CROWD_TURNS + 1) * CROWD * EACH + 200;

const SURREAL: &str = "SurrealDB";
const APPEND: &str = "4 KiB append and fsync";

pub(crate) fn measure(ground: &Ground, scratch: &Path, report: &mut Report) -> Outcome {
    eprintln!("capturing …");
    let rows = Arc::new(Mutex::new(rows(ground, &scratch.join("template"))?));
    let take = {
        let rows = Arc::clone(&rows);
        move || {
            rows.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()
                .ok_or_else(|| Failure::from("too few rows were prepared"))
        }
    };

    let altair = ground.altair(&scratch.join("captures"))?;
    // As in use: the index is open, so that each capture is handed to it, and the undo stack is full.
    let warm = altair.clone();
    ground.run(async move {
        warm.search(Search::new("garden")).await?;
        crowd(&warm, 16, 10).await.map(drop)
    })?;
    let bare = {
        let (folder, template) = (scratch.join("bare-captures"), scratch.join("template/db"));
        ground.run(async move {
            let (from, bare) = (Bare::open(&template).await?, Bare::open(&folder).await?);
            bare.define(&from.tables().await?).await?;
            from.close().await?;
            Ok(bare)
        })?
    };
    let mut sqlite = Sqlite::open(&scratch.join("captures.sqlite"))?;
    sqlite.define_captures()?;
    let mut file = OpenOptions::new().create(true).append(true).open(scratch.join("appended"))?;
    let notes = Notes::default();
    let mut n = 0;
    let mut inserted = 0;

    let alone = take_turns(
        TURNS,
        vec![
            Side::new("Altair", || {
                let texts: Vec<String> = (0..TURN).map(|at| notes.thought(n + at)).collect();
                n += TURN;
                let altair = altair.clone();
                ground.run(async move {
                    let mut samples = Vec::new();
                    for text in texts {
                        let begun = Instant::now();
                        altair.capture(NewCapture { text, ..NewCapture::default() }).await?;
                        samples.push(begun.elapsed());
                    }
                    Ok(samples)
                })
            }),
            Side::new(SURREAL, || {
                let rows = (0..TURN).map(|_| take()).collect::<Outcome<Vec<_>>>()?;
                let bare = bare.clone();
                ground.run(async move {
                    let mut samples = Vec::new();
                    for rows in rows {
                        let begun = Instant::now();
                        bare.capture(rows, "head").await?;
                        samples.push(begun.elapsed());
                    }
                    Ok(samples)
                })
            }),
            Side::new("SQLite", || {
                let like = peek(&rows)?;
                let mut samples = Vec::new();
                for _ in 0..TURN {
                    inserted += 1;
                    let begun = Instant::now();
                    sqlite.capture(&like, inserted)?;
                    samples.push(begun.elapsed());
                }
                Ok(samples)
            }),
            Side::new(APPEND, || {
                let mut samples = Vec::new();
                for _ in 0..TURN {
                    let begun = Instant::now();
                    file.write_all(&[b'a'; 4096])?;
                    file.sync_all()?;
                    samples.push(begun.elapsed());
                }
                Ok(samples)
            }),
        ],
    )?;
    let [ours, bares @ ..] = alone.as_slice() else { return Err("nobody captured".into()) };
    let mut median =
        Line::new("capture.p50", "durable capture, p50", Unit::Millis, ours.spread.p50).spread(ours.spread);
    let mut slow = Line::new("capture.p99", "durable capture, p99", Unit::Millis, ours.spread.p99);
    for bare in bares {
        median = median.beside(bare.name, bare.spread.p50);
        slow = slow.beside(bare.name, bare.spread.p99);
    }
    let [alone_bare, ..] = bares else { return Err("nobody captured bare".into()) };
    let ratios = ours.ratios(alone_bare);
    median = median.note("ratio_by_turn", serde_json::to_value(ratios)?);
    for bare in bares {
        median = median.note(bare.name, serde_json::to_value(bare.spread)?);
    }
    report.lines.push(median.at_most_times(1.5, SURREAL, ratios).never_quicker_than(APPEND));
    report.lines.push(slow);

    let together = take_turns(
        CROWD_TURNS,
        vec![
            Side::new("Altair", || {
                let altair = altair.clone();
                ground.run(async move { crowd(&altair, CROWD, EACH).await })
            }),
            Side::new("SurrealDB, 64 transactions at a time", || {
                let rows = (0..CROWD * EACH).map(|_| take()).collect::<Outcome<Vec<_>>>()?;
                let bare = bare.clone();
                ground.run(bare_crowd(bare, rows))
            }),
            Side::new("SQLite, one after another", || {
                let like = peek(&rows)?;
                for _ in 0..CROWD * EACH {
                    inserted += 1;
                    sqlite.capture(&like, inserted)?;
                }
                Ok(vec![Duration::ZERO; CROWD * EACH])
            }),
        ],
    )?;
    let [ours, bares @ ..] = together.as_slice() else { return Err("nobody captured".into()) };
    let mut line = Line::new("capture.crowd", "64 captures at a time", Unit::PerSecond, ours.rate).spread(ours.spread);
    for bare in bares {
        line = line.beside(bare.name, bare.rate);
    }
    report.lines.push(line);

    ground.close(altair)?;
    ground.run(bare.close())?;
    sqlite.close()
}

/// Makes captures in a store of Altair's and gives the rows that they left.
fn rows(ground: &Ground, folder: &Path) -> Outcome<Vec<CaptureRows>> {
    let altair = ground.altair(folder)?;
    let template = altair.clone();
    ground.run(async move { crowd(&template, CROWD, ROWS.div_ceil(CROWD)).await.map(drop) })?;
    ground.close(altair)?;
    let folder = folder.join("db");
    ground.run(async move {
        let bare = Bare::open(&folder).await?;
        let rows = bare.capture_rows().await?;
        bare.close().await?;
        Ok(rows)
    })
}

fn peek(rows: &Mutex<Vec<CaptureRows>>) -> Outcome<CaptureRows> {
    let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    rows.last().cloned().ok_or_else(|| "too few rows were prepared".into())
}

/// Captures from so many tasks at the same time, so often each.
async fn crowd(altair: &Altair, tasks: usize, each: usize) -> Outcome<Vec<Duration>> {
    let notes = Arc::new(Notes::default());
    let mut crowd = JoinSet::new();
    for task in 0..tasks {
        let (altair, notes) = (altair.clone(), Arc::clone(&notes));
        crowd.spawn(async move {
            let mut samples = Vec::new();
            for n in 0..each {
                let text = notes.thought(task * each + n);
                let begun = Instant::now();
                altair.capture(NewCapture { text, ..NewCapture::default() }).await?;
                samples.push(begun.elapsed());
            }
            Ok(samples)
        });
    }
    gathered(crowd).await
}

async fn bare_crowd(bare: Bare, mut rows: Vec<CaptureRows>) -> Outcome<Vec<Duration>> {
    let mut crowd = JoinSet::new();
    for task in 0..CROWD {
        let (bare, rows) = (bare.clone(), rows.split_off(rows.len() - EACH));
        crowd.spawn(async move {
            let slot = format!("head{task}");
            let mut samples = Vec::new();
            for rows in rows {
                let begun = Instant::now();
                bare.capture(rows, &slot).await?;
                samples.push(begun.elapsed());
            }
            Ok(samples)
        });
    }
    gathered(crowd).await
}

async fn gathered(mut crowd: JoinSet<Outcome<Vec<Duration>>>) -> Outcome<Vec<Duration>> {
    let mut all = Vec::new();
    while let Some(samples) = crowd.join_next().await {
        all.extend(samples??);
    }
    Ok(all)
}
