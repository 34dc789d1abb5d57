//! Search: twenty queries, over and over, beside FTS5 with the same notes.

use std::time::Instant;

use altair_bench::Outcome;
use altair_bench::measure::{Samples, Spread};
use altair_bench::report::{Line, Report, Unit};
use altair_bench::sqlite::Sqlite;
use altair_core::Search;
use serde_json::{Value, json};

use crate::world::{Ground, World};

/// How often each query is asked; the first time warms up.
const ROUNDS: usize = 25;
/// What p50 should stay below, in milliseconds, at however many notes.
const P50: f64 = 2.0;

/// What a query is like, the query as Altair reads it, and as FTS5 does.
const QUERIES: [(&str, &str, &str); 20] = [
    ("in nearly every note", "the", "the"),
    ("very common", "with", "with"),
    ("common", "garden", "garden"),
    ("common", "kettle", "kettle"),
    ("fairly rare", "yarrow", "yarrow"),
    ("rare", "gardenpaper", "gardenpaper"),
    ("rare", "kettlewindow", "kettlewindow"),
    ("two words", "garden water", "garden water"),
    ("two words", "kettle lantern", "kettle lantern"),
    ("two very common words", "the and", "the \"and\""),
    ("a word's beginning", "gard", "gard*"),
    ("a word's beginning", "lante", "lante*"),
    ("a short beginning", "ha", "ha*"),
    ("a phrase", "\"in the garden\"", "\"in the garden\""),
    ("a common phrase", "\"of the\"", "\"of the\""),
    ("a phrase", "\"kettle and\"", "\"kettle and\""),
    ("a word with a tag", "garden tag:travel", "garden AND tags:travel"),
    ("a tag", "tag:recipe", "tags:recipe"),
    ("a word without another", "garden -water", "garden NOT water"),
    ("common words, one not", "the -of", "the NOT of"),
];

pub(crate) fn measure(ground: &Ground, world: &World, report: &mut Report) -> Outcome {
    eprintln!("searching {} notes …", world.notes);
    let altair = ground.altair(&world.store)?;
    let sqlite = Sqlite::open(&world.sqlite)?;
    let mut ours: Vec<Samples> = vec![Samples::default(); QUERIES.len()];
    let mut theirs = ours.clone();
    let mut hits = vec![(0, 0); QUERIES.len()];
    for round in 0..=ROUNDS {
        for (n, (_, query, fts)) in QUERIES.iter().enumerate() {
            let asking = altair.clone();
            let (took, found) = ground.run(async move {
                let begun = Instant::now();
                let page = asking.search(Search::new(*query)).await?;
                Ok((begun.elapsed(), page.items.len()))
            })?;
            let begun = Instant::now();
            let theirs_found = sqlite.search(fts)?;
            let theirs_took = begun.elapsed();
            if round > 0 {
                ours[n].push(took);
                theirs[n].push(theirs_took);
            }
            hits[n] = (found, theirs_found);
        }
    }
    let each: Vec<Value> = (0..QUERIES.len())
        .map(|n| {
            let (kind, query, _) = QUERIES[n];
            let spread = |samples: &Samples| samples.spread();
            let (our, their): (Spread, Spread) = (spread(&ours[n]), spread(&theirs[n]));
            json!({
                "kind": kind, "query": query, "hits": hits[n].0, "p50": our.p50, "p99": our.p99,
                "fts5_hits": hits[n].1, "fts5_p50": their.p50, "fts5_p99": their.p99,
            })
        })
        .collect();
    let slowest =
        (0..QUERIES.len()).max_by(|a, b| ours[*a].spread().p50.total_cmp(&ours[*b].spread().p50)).unwrap_or_default();
    let (ours_all, theirs_all) = (pooled(&ours), pooled(&theirs));
    let (what, id) = (format!("search {} notes", world.notes), format!("search.{}", world.notes));
    let median = Line::new(format!("{id}.p50"), format!("{what}, p50"), Unit::Millis, ours_all.p50)
        .spread(ours_all)
        .beside("FTS5", theirs_all.p50)
        .below(P50)
        .note("queries", each);
    let slow = Line::new(format!("{id}.p99"), format!("{what}, p99"), Unit::Millis, ours_all.p99)
        .beside("FTS5", theirs_all.p99);
    let worst = Line::new(
        format!("{id}.slowest"),
        format!("{what}, p50 of the slowest query (`{}`)", QUERIES[slowest].1),
        Unit::Millis,
        ours[slowest].spread().p50,
    )
    .beside("FTS5", theirs[slowest].spread().p50);
    report.lines.extend([median, slow, worst]);

    // What was just written is found: the index takes it in first.
    let mut fresh = Samples::default();
    for n in 0..20 {
        let asking = altair.clone();
        fresh.push(ground.run(async move {
            let text = format!("freshly written {n}");
            asking.capture(altair_core::NewCapture { text, ..Default::default() }).await?;
            let begun = Instant::now();
            let page = asking.search(Search::new(format!("freshly {n}"))).await?;
            if page.items.is_empty() {
                return Err("what was just written was not found".into());
            }
            Ok(begun.elapsed())
        })?);
    }
    let fresh = fresh.spread();
    report.lines.push(
        Line::new(format!("{id}.fresh"), format!("{what} right after a capture, p50"), Unit::Millis, fresh.p50)
            .spread(fresh),
    );
    ground.close(altair)?;
    sqlite.close()
}

fn pooled(samples: &[Samples]) -> Spread {
    let mut all = Samples::default();
    for samples in samples {
        all.merge(samples);
    }
    all.spread()
}
