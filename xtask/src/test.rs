//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! What fails soonest comes first: seconds of formatting and licences, then the lints and docs (which share one
//! check-build of the dependencies), then the full build and its tests.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::tools::{self, CargoDeny};
use crate::workspace::{self, cargo};

/// How far the tests go; they read it from `ALTAIR_TEST_TIER`.
#[derive(Clone, Copy)]
pub(crate) enum Tier {
    /// On every change.
    Ci,
    /// Every night: more seeds, more crashes, larger inputs.
    Nightly,
}

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Nightly => "nightly",
        }
    }
}

/// Runs every check in order and stops at the first that fails.
pub(crate) fn run(tier: Tier) -> Result<(), Failure> {
    tools::require()?;
    let data = real_data()?;
    let target = workspace::target_directory()?;

    let mut steps = Steps::default();
    let result = check(&mut steps, tier, data, &target);
    println!("\n{steps}");
    result
}

fn check(steps: &mut Steps, tier: Tier, data: Option<PathBuf>, target: &std::path::Path) -> Result<(), Failure> {
    steps.run("format", || workspace::run(&mut cargo(&["fmt", "--all", "--check"])))?;

    let mut deny = None;
    steps.run("cargo-deny", || {
        deny = Some(CargoDeny::obtain(target)?);
        Ok(())
    })?;
    if let Some(deny) = deny {
        steps.run("licences, bans, sources", || {
            workspace::run(&mut deny.command(&["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
        })?;
        steps.attempt("advisories", || {
            if !deny.fetch_advisories() {
                return Ok(Some("the advisory database can't be reached"));
            }
            workspace::run(&mut deny.command(&["check", "--disable-fetch", "advisories"]))?;
            Ok(None)
        })?;
    }

    steps.run("clippy", || {
        workspace::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    steps.run("docs", || {
        workspace::run(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.run("tests", || workspace::run(&mut tests(tier, data.as_ref())))?;
    if data.is_none() {
        steps.note("real-data tests", NO_DATA);
    }
    Ok(())
}

/// Unit, property, integration and doc tests, told how far to go and where real data is.
fn tests(tier: Tier, data: Option<&PathBuf>) -> Command {
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.env("ALTAIR_TEST_TIER", tier.name());
    if let Some(data) = data {
        tests.env("ALTAIR_DATA", data);
    }
    if matches!(tier, Tier::Nightly) && env::var_os("PROPTEST_CASES").is_none() {
        tests.env("PROPTEST_CASES", "2048");
    }
    tests
}

const NO_DATA: &str = "skipped: set ALTAIR_DATA to the folder of real vaults and traces";

/// The folder of real vaults and traces: what `ALTAIR_DATA` names, or `../shared/data` beside the checkout.
fn real_data() -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = env::var_os("ALTAIR_DATA").map(PathBuf::from) {
        return match named.is_dir() {
            true => Ok(Some(named)),
            false => Err(Failure::of(format!("use ALTAIR_DATA={}", named.display()), "there is no such folder")),
        };
    }
    let beside = workspace::root().join("..").join("shared").join("data");
    match beside.canonicalize() {
        Ok(found) if found.is_dir() => Ok(Some(found)),
        _ if env::var_os("CI").is_some_and(|ci| ci == "true") => {
            println!("WARNING: this is CI, and there is no real data. Its tests are skipped: set ALTAIR_DATA.");
            Ok(None)
        }
        _ => {
            println!("Real-data tests are skipped: set ALTAIR_DATA to the folder of real vaults and traces.");
            Ok(None)
        }
    }
}

/// The steps so far, and how each went.
#[derive(Default)]
struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    verdict: String,
    took: Duration,
}

impl Steps {
    /// Runs a step that passes or fails.
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        self.attempt(name, || step().map(|()| None))
    }

    /// Runs a step that may find that it can't be done here: it then gives the reason.
    fn attempt(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<Option<&'static str>, Failure>,
    ) -> Result<(), Failure> {
        println!("\n── {name}");
        let start = Instant::now();
        let result = step();
        let took = start.elapsed();
        let verdict = match &result {
            Ok(None) => "passed".to_owned(),
            Ok(Some(reason)) => format!("NOT CHECKED: {reason}"),
            Err(_) => "FAILED".to_owned(),
        };
        println!("── {name}: {verdict} ({})", clock(took));
        self.0.push(Step { name, verdict, took });
        result.map(|_| ())
    }

    /// Adds a line for something that was not run at all.
    fn note(&mut self, name: &'static str, verdict: &str) {
        self.0.push(Step { name, verdict: verdict.to_owned(), took: Duration::ZERO });
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { name, verdict, took } in &self.0 {
            writeln!(f, "{name:<24} {:>8}  {verdict}", clock(*took))?;
        }
        let total = self.0.iter().map(|step| step.took).sum();
        write!(f, "{:<24} {:>8}", "in all", clock(total))
    }
}

/// A duration to read: `7.3 s`, `12:05`.
fn clock(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}:{:02}", seconds / 60, seconds % 60),
    }
}
