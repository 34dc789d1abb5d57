//! Taking times: samples, their spread, and turns between the sides that are compared.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Outcome;
use crate::notes::Numbers;

/// How long one side's work took, time after time.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

/// The spread of samples, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many there were.
    pub samples: usize,
    /// The quickest.
    pub min: f64,
    /// A quarter are at most this. Far from `p75`, it tells that there are two kinds of samples and that `p50` may be of either.
    pub p25: f64,
    /// Half are at most this.
    pub p50: f64,
    /// Three quarters are at most this.
    pub p75: f64,
    /// 99 of a hundred are at most this.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Samples {
    /// Adds one.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Adds many.
    pub fn extend(&mut self, samples: impl IntoIterator<Item = Duration>) {
        self.0.extend(samples);
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Their spread, by the nearest rank; all zero when there are none.
    pub fn spread(&self) -> Spread {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.max(1) - 1).copied().map_or(0.0, millis)
        };
        Spread {
            samples: sorted.len(),
            min: at(0.0),
            p25: at(0.25),
            p50: at(0.5),
            p75: at(0.75),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// How long a step took, and what it gave.
pub fn timed<T>(step: impl FnOnce() -> Outcome<T>) -> Outcome<(Duration, T)> {
    let begun = Instant::now();
    let made = step()?;
    Ok((begun.elapsed(), made))
}

/// One of the sides that are compared: its name, and a turn of its work, with the time that each piece took.
pub struct Side<'a> {
    name: &'static str,
    turn: Box<dyn FnMut() -> Outcome<Vec<Duration>> + 'a>,
    samples: Samples,
    /// How long its turns took from beginning to end.
    elapsed: Duration,
    /// The median of each turn, in milliseconds.
    medians: Vec<f64>,
}

impl<'a> Side<'a> {
    /// A side that has not had a turn.
    pub fn new(name: &'static str, turn: impl FnMut() -> Outcome<Vec<Duration>> + 'a) -> Self {
        Self { name, turn: Box::new(turn), samples: Samples::default(), elapsed: Duration::ZERO, medians: Vec::new() }
    }
}

/// What one side did.
#[derive(Debug)]
pub struct Done {
    /// The side.
    pub name: &'static str,
    /// Its pieces of work.
    pub spread: Spread,
    /// How many pieces a second, over all its turns.
    pub rate: f64,
    medians: Vec<f64>,
}

/// How two sides compare turn by turn: what lay between them in time was milliseconds, so this holds on a busy machine, too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratios {
    /// A tenth of the turns had at most this ratio.
    pub p10: f64,
    /// Half.
    pub median: f64,
    /// Nine tenths.
    pub p90: f64,
    /// The median lies between this …
    pub low: f64,
    /// … and this, 95 times of a hundred (by the ranks of the turns, which asks for no shape of their spread).
    pub high: f64,
}

impl Done {
    /// This side's medians divided by another's, turn by turn.
    pub fn ratios(&self, other: &Self) -> Ratios {
        let ratios = self.medians.iter().zip(&other.medians).map(|(ours, theirs)| ours / theirs);
        Ratios::of(ratios.collect())
    }

    /// What this side's medians have beyond those of a side whose work is part of this one's, divided by another's, turn by turn.
    pub fn beyond(&self, part: &Self, other: &Self) -> Ratios {
        let beyond = self.medians.iter().zip(&part.medians).map(|(all, part)| all - part);
        Ratios::of(beyond.zip(&other.medians).map(|(beyond, other)| beyond / other).collect())
    }
}

impl Ratios {
    fn of(mut ratios: Vec<f64>) -> Self {
        ratios.sort_by(f64::total_cmp);
        let turns = ratios.len() as f64;
        let at =
            |rank: f64| ratios.get((rank.max(0.0) as usize).min(ratios.len().max(1) - 1)).copied().unwrap_or_default();
        let aside = 1.96 * turns.sqrt() / 2.0;
        Self {
            p10: at(turns * 0.1),
            median: at(turns * 0.5),
            p90: at(turns * 0.9),
            low: at(turns * 0.5 - aside),
            high: at(turns * 0.5 + aside),
        }
    }
}

/// Lets the sides work in turns. The first turn of each warms up and isn't counted. Each round has an order of its own, so that no side
/// always comes after the one that leaves the disk most to do.
pub fn take_turns(turns: usize, mut sides: Vec<Side<'_>>) -> Outcome<Vec<Done>> {
    let mut shuffle = Numbers::new(turns as u64);
    for turn in 0..=turns {
        let mut order: Vec<usize> = (0..sides.len()).collect();
        for n in (1..order.len()).rev() {
            order.swap(n, shuffle.below(n + 1));
        }
        for at in order {
            let side = &mut sides[at];
            let (elapsed, samples) = timed(|| (side.turn)())?;
            if turn > 0 {
                let mut of_turn = Samples::default();
                of_turn.extend(samples);
                side.elapsed += elapsed;
                side.medians.push(of_turn.spread().p50);
                side.samples.merge(&of_turn);
            }
        }
    }
    Ok(sides
        .into_iter()
        .map(|side| {
            let spread = side.samples.spread();
            let rate = spread.samples as f64 / side.elapsed.as_secs_f64();
            Done { name: side.name, spread, rate, medians: side.medians }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_takes_the_nearest_rank() {
        let mut samples = Samples::default();
        samples.extend((1..=200).rev().map(Duration::from_millis));
        let expected = Spread { samples: 200, min: 1.0, p25: 50.0, p50: 100.0, p75: 150.0, p99: 198.0, max: 200.0 };
        assert_eq!(samples.spread(), expected);
    }

    #[test]
    fn no_samples_have_no_spread() {
        let spread = Samples::default().spread();
        assert_eq!((spread.samples, spread.min, spread.p50, spread.max), (0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn more_turns_make_a_median_surer() {
        let width = |turns: usize| {
            let ratios = Ratios::of((0..turns).map(|n| 1.0 + n as f64 / turns as f64).collect());
            assert!(ratios.p10 <= ratios.low && ratios.low <= ratios.median && ratios.high <= ratios.p90, "{ratios:?}");
            ratios.high - ratios.low
        };
        assert!(width(200) < width(50));
    }

    #[test]
    fn what_lies_beyond_a_part_is_compared_turn_by_turn() {
        let done = |medians: [f64; 3]| Done {
            name: "a",
            spread: Samples::default().spread(),
            rate: 0.0,
            medians: medians.to_vec(),
        };
        let ratios = done([5.0, 9.0, 7.0]).beyond(&done([1.0, 3.0, 1.0]), &done([2.0, 2.0, 2.0]));
        assert_eq!((ratios.low, ratios.median, ratios.high), (2.0, 3.0, 3.0));
    }

    #[test]
    fn the_first_turn_only_warms_up() -> Outcome {
        let mut turns = 0;
        let side = Side::new("counting", || {
            turns += 1;
            Ok(vec![Duration::from_millis(turns)])
        });
        let done = take_turns(3, vec![side])?;
        assert_eq!((done[0].spread.samples, done[0].spread.min, done[0].spread.max), (3, 2.0, 4.0));
        Ok(())
    }
}
