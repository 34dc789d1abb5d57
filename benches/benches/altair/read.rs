//! Getting one note by its id, and listing fifty.

use std::time::Instant;

use altair_bench::Outcome;
use altair_bench::bare::Bare;
use altair_bench::measure::{Done, Side, take_turns};
use altair_bench::report::{Line, Report, Unit};
use altair_bench::sqlite::Sqlite;
use altair_core::{Altair, List};
use altair_protocol::{EntityId, Kind};
use surrealdb::types::{RecordId, RecordIdKey, Value};

use crate::world::{Ground, World};

const TURNS: usize = 20;
/// How many notes a turn gets, and how many lists it reads.
const GETS: usize = 100;
const LISTS: usize = 20;
/// A step through all ids that comes by most of them, far from the one before.
const STRIDE: usize = 7919;

/// The three holders of the same notes, open.
struct Open {
    altair: Altair,
    bare: Bare,
    sqlite: Sqlite,
}

impl Open {
    fn new(ground: &Ground, world: &World) -> Outcome<Self> {
        let folder = world.bare.clone();
        let bare = ground.run(async move { Bare::open(&folder).await })?;
        Ok(Self { altair: ground.altair(&world.store)?, bare, sqlite: Sqlite::open(&world.sqlite)? })
    }

    fn close(self, ground: &Ground) -> Outcome {
        ground.close(self.altair)?;
        ground.run(self.bare.close())?;
        self.sqlite.close()
    }
}

/// All notes' ids, page after page.
pub(crate) async fn all_ids(altair: &Altair) -> Outcome<Vec<EntityId>> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = altair.list(List::Kind(Kind::Note), 1000, after.as_deref()).await?;
        ids.extend(page.items.iter().map(|note| note.id));
        after = page.next;
        if after.is_none() {
            return Ok(ids);
        }
    }
}

pub(crate) fn get(ground: &Ground, world: &World, report: &mut Report) -> Outcome {
    eprintln!("getting notes by id …");
    let open = Open::new(ground, world)?;
    let altair = open.altair.clone();
    let ids = ground.run(async move { all_ids(&altair).await })?;
    let bare = open.bare.clone();
    let records = ground.run(async move { bare.entity_ids().await })?;
    let rows = open.sqlite.ids()?;
    if ids.len() != world.notes || records.len() != world.notes || rows.len() != world.notes {
        return Err("the stores don't hold the same notes".into());
    }
    let (mut ours, mut bares, mut sqlites) = (0, 0, 0);
    let done = take_turns(
        TURNS,
        vec![
            Side::new("Altair", || {
                let altair = open.altair.clone();
                let ids = strided(&ids, &mut ours, GETS);
                ground.run(async move {
                    let mut samples = Vec::new();
                    for id in ids {
                        let begun = Instant::now();
                        altair.get(id).await?;
                        samples.push(begun.elapsed());
                    }
                    Ok(samples)
                })
            }),
            Side::new("SurrealDB", || {
                let bare = open.bare.clone();
                let ids = strided(&records, &mut bares, GETS);
                ground.run(async move {
                    let mut samples = Vec::new();
                    for id in ids {
                        let begun = Instant::now();
                        bare.get(id).await?;
                        samples.push(begun.elapsed());
                    }
                    Ok(samples)
                })
            }),
            Side::new("SQLite", || {
                let mut samples = Vec::new();
                for id in strided(&rows, &mut sqlites, GETS) {
                    let begun = Instant::now();
                    open.sqlite.get(&id)?;
                    samples.push(begun.elapsed());
                }
                Ok(samples)
            }),
        ],
    )?;
    lines("get", &format!("get one of {} notes", world.notes), &done, report);
    open.close(ground)
}

pub(crate) fn list(ground: &Ground, world: &World, report: &mut Report) -> Outcome {
    eprintln!("listing …");
    let open = Open::new(ground, world)?;
    let bare = open.bare.clone();
    let records = ground.run(async move { bare.entity_ids().await })?;
    let (mut cursor, mut bares) = (None, 0);
    let mut place = (0, [0; 16]);
    let done = take_turns(
        TURNS,
        vec![
            Side::new("Altair", || {
                let altair = open.altair.clone();
                let mut after = cursor.take();
                let (samples, after) = ground.run(async move {
                    let mut samples = Vec::new();
                    for _ in 0..LISTS {
                        let begun = Instant::now();
                        let page = altair.list(List::Kind(Kind::Note), 50, after.as_deref()).await?;
                        samples.push(begun.elapsed());
                        after = page.next;
                    }
                    Ok((samples, after))
                })?;
                cursor = after;
                Ok(samples)
            }),
            Side::new("SurrealDB", || {
                let bare = open.bare.clone();
                // Not among the last, after which there are no fifty more.
                let keys: Vec<Value> = strided(&records[..records.len() - 50], &mut bares, LISTS)
                    .into_iter()
                    .map(key_of)
                    .collect::<Outcome<_>>()?;
                ground.run(async move {
                    let mut samples = Vec::new();
                    for key in keys {
                        let begun = Instant::now();
                        let rows = bare.entities_after(key, 50).await?;
                        samples.push(begun.elapsed());
                        if rows.len() != 50 {
                            return Err(format!("a list of 50 had {}", rows.len()).into());
                        }
                    }
                    Ok(samples)
                })
            }),
            Side::new("SQLite", || {
                let mut samples = Vec::new();
                for _ in 0..LISTS {
                    let begun = Instant::now();
                    let (found, last) = open.sqlite.list(place)?;
                    samples.push(begun.elapsed());
                    place = if found == 50 { last } else { (0, [0; 16]) };
                }
                Ok(samples)
            }),
        ],
    )?;
    lines("list", &format!("list 50 of {} notes", world.notes), &done, report);
    open.close(ground)
}

fn lines(id: &str, what: &str, done: &[Done], report: &mut Report) {
    let [ours, bares @ ..] = done else { return };
    let mut median =
        Line::new(format!("{id}.p50"), format!("{what}, p50"), Unit::Millis, ours.spread.p50).spread(ours.spread);
    let mut slow = Line::new(format!("{id}.p99"), format!("{what}, p99"), Unit::Millis, ours.spread.p99);
    for bare in bares {
        median = median.beside(bare.name, bare.spread.p50);
        slow = slow.beside(bare.name, bare.spread.p99);
    }
    report.lines.extend([median, slow]);
}

/// The next `count` of the things, far apart.
pub(crate) fn strided<T: Clone>(things: &[T], at: &mut usize, count: usize) -> Vec<T> {
    let taken = (0..count).map(|_| {
        *at = (*at + STRIDE) % things.len();
        things[*at].clone()
    });
    taken.collect()
}

fn key_of(record: RecordId) -> Outcome<Value> {
    match record.key {
        RecordIdKey::Uuid(uuid) => Ok(Value::Uuid(uuid)),
        _ => Err("an entity's key is no UUID".into()),
    }
}
