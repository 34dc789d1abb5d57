//! The report: one line for each thing measured, as a table to read and as JSON to compare.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::measure::{Ratios, Spread};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// Pieces of work a second.
    #[serde(rename = "/s")]
    PerSecond,
    /// Mebibytes.
    #[serde(rename = "MiB")]
    Mebibytes,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Millis if value < 10.0 => format!("{value:.3} ms"),
            Self::Millis if value < 1000.0 => format!("{value:.1} ms"),
            Self::Millis => format!("{:.2} s", value / 1000.0),
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::Mebibytes => format!("{value:.1} MiB"),
        }
    }
}

/// The same work, done bare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Yardstick {
    /// What did it.
    pub name: &'static str,
    /// Its number, in the line's unit.
    pub value: f64,
    /// Altair's number divided by this one.
    pub ratio: f64,
}

/// What a number should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// In words.
    pub says: String,
    /// Whether it is.
    pub met: bool,
    /// Why that can't be said after this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Target {
    fn new(says: String, met: bool) -> Self {
        Self { says, met, doubt: None }
    }

    fn verdict(&self) -> String {
        match (&self.doubt, self.met) {
            (Some(doubt), _) => format!("**in doubt**: {doubt}"),
            (None, true) => "ok".to_owned(),
            (None, false) => "**MISS**".to_owned(),
        }
    }
}

/// One thing measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name in the JSON, the same in every run.
    pub id: String,
    /// What was done.
    pub what: String,
    /// What the numbers count.
    pub unit: Unit,
    /// Altair's number.
    pub altair: f64,
    /// The spread behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// The same work, done bare.
    pub beside: Vec<Yardstick>,
    /// What it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
}

impl Line {
    /// A line with nothing beside it yet.
    pub fn new(id: impl Into<String>, what: impl Into<String>, unit: Unit, altair: f64) -> Self {
        Self {
            id: id.into(),
            what: what.into(),
            unit,
            altair,
            spread: None,
            beside: Vec::new(),
            target: None,
            notes: Map::new(),
        }
    }

    /// Adds the spread that the number comes from.
    #[must_use]
    pub fn spread(mut self, spread: Spread) -> Self {
        self.spread = Some(spread);
        self
    }

    /// Adds the same work done bare.
    #[must_use]
    pub fn beside(mut self, name: &'static str, value: f64) -> Self {
        self.beside.push(Yardstick { name, value, ratio: self.altair / value });
        self
    }

    /// Sets a target: less than this.
    #[must_use]
    pub fn below(mut self, limit: f64) -> Self {
        self.target = Some(Target::new(format!("< {}", self.unit.show(limit)), self.altair < limit));
        self
    }

    /// Sets a target: this or more.
    #[must_use]
    pub fn at_least(mut self, limit: f64) -> Self {
        self.target = Some(Target::new(format!("≥ {}", self.unit.show(limit)), self.altair >= limit));
        self
    }

    /// Sets a target: at most so many times what a yardstick took, going by the ratios of the single turns. Where the limit lies
    /// within what their median may be, it is neither met nor missed.
    #[must_use]
    pub fn at_most_times(mut self, limit: f64, yardstick: &'static str, ratios: Ratios) -> Self {
        let mut target = Target::new(format!("≤ {limit}× {yardstick}"), ratios.median <= limit);
        if ratios.low <= limit && ratios.high > limit {
            target.doubt =
                Some(format!("the median is {:.2}×, and may be {:.2}–{:.2}×", ratios.median, ratios.low, ratios.high));
        }
        self.target = Some(target);
        self
    }

    /// Says that Altair's work holds a yardstick's in it, so that being quicker than that is an error of the measurement.
    #[must_use]
    pub fn never_quicker_than(mut self, yardstick: &'static str) -> Self {
        let quicker = self.beside.iter().any(|beside| beside.name == yardstick && beside.ratio < 1.0);
        if let Some(target) = self.target.as_mut().filter(|_| quicker) {
            target.doubt = Some(format!("it can't be quicker than {yardstick}, so the machine was in the way"));
        }
        self
    }

    /// Adds something to know.
    #[must_use]
    pub fn note(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.notes.insert(name.to_owned(), value.into());
        self
    }
}

/// All that was measured in a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The lines, in the order of the table.
    pub lines: Vec<Line>,
}

impl Report {
    /// The table, in Markdown. A ratio is Altair's number divided by the yardstick's: below 1 is quicker for a time, slower for a rate.
    pub fn table(&self) -> String {
        let mut table =
            String::from("| what | Altair | beside it | ratio | target | |\n| --- | ---: | --- | ---: | --- | --- |\n");
        for line in &self.lines {
            let beside: Vec<String> =
                line.beside.iter().map(|bare| format!("{} {}", bare.name, line.unit.show(bare.value))).collect();
            let ratios: Vec<String> = line.beside.iter().map(|bare| format!("{}×", short(bare.ratio))).collect();
            let (says, verdict) = match &line.target {
                Some(target) => (target.says.as_str(), target.verdict()),
                None => ("", String::new()),
            };
            // Writing to a text can't fail.
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {says} | {verdict} |",
                line.what,
                line.unit.show(line.altair),
                beside.join("<br>"),
                ratios.join("<br>"),
            );
        }
        table
    }

    /// Saves everything as JSON, with what `about` says of the run.
    pub fn save(&self, file: &Path, about: &Value) -> Outcome {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(&json!({ "about": about, "lines": self.lines }))?;
        std::fs::write(file, text + "\n")?;
        Ok(())
    }
}

fn short(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.1 => format!("{ratio:.3}"),
        ratio if ratio < 10.0 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.0}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_met_and_what_was_missed() {
        let lines = vec![
            Line::new("a", "capturing", Unit::Millis, 1.2).beside("SurrealDB", 1.0).at_most_times(
                1.5,
                "SurrealDB",
                ratios(1.1, 1.3),
            ),
            Line::new("b", "importing", Unit::PerSecond, 7999.0).beside("SQLite", 20_000.0).at_least(8000.0),
            Line::new("c", "resting", Unit::Mebibytes, 12.0),
        ];
        let table = Report { lines }.table();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| capturing | 1.200 ms | SurrealDB 1.000 ms | 1.20× | ≤ 1.5× SurrealDB | ok |",
                "| importing | 7,999/s | SQLite 20,000/s | 0.40× | ≥ 8,000/s | **MISS** |",
                "| resting | 12.0 MiB |  |  |  |  |",
            ]
        );
    }

    fn ratios(low: f64, high: f64) -> Ratios {
        Ratios { p10: low, low, median: (low + high) / 2.0, high, p90: high }
    }

    #[test]
    fn turns_on_both_sides_of_a_limit_leave_it_in_doubt() {
        let of = |low, high| {
            let line =
                Line::new("a", "capturing", Unit::Millis, 1.0).at_most_times(1.5, "SurrealDB", ratios(low, high));
            line.target.map(|target| (target.met, target.doubt.is_some()))
        };
        assert_eq!((of(1.0, 1.4), of(1.6, 2.0)), (Some((true, false)), Some((false, false))));
        assert_eq!(of(0.9, 2.0).map(|(_, doubt)| doubt), Some(true));
    }

    #[test]
    fn what_is_quicker_than_its_own_fsync_is_no_success() {
        let line = Line::new("a", "capturing", Unit::Millis, 0.842).beside("fsync", 3.999);
        let line = line.at_most_times(1.5, "SurrealDB", ratios(0.2, 0.3)).never_quicker_than("fsync");
        assert!(line.target.is_some_and(|target| target.doubt.is_some()));
    }
}
