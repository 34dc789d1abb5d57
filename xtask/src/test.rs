//! `cargo xtask test`: everything that must hold before a change goes in.

mod kotlin;
mod rust;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::steps::Steps;
use crate::{Failure, tools, workspace};

/// What is tested and how far; from the words after `cargo xtask test`.
pub(crate) struct Scope {
    rust: bool,
    kotlin: bool,
    tier: Tier,
    data: Option<PathBuf>,
}

/// How far the tests go; they read it from `ALTAIR_TEST_TIER`.
#[derive(Clone, Copy, PartialEq)]
enum Tier {
    /// On every change.
    Ci,
    /// Every night: more seeds, more crashes, larger inputs.
    Nightly,
}

impl Scope {
    fn parse(args: &[&str]) -> Result<Self, Failure> {
        let mut scope = Self { rust: true, kotlin: true, tier: Tier::Ci, data: None };
        for &arg in args {
            match arg {
                "rust" => scope.kotlin = false,
                "kotlin" => scope.rust = false,
                "--nightly" => scope.tier = Tier::Nightly,
                _ => return Err(Failure::Usage(format!("Unknown: cargo xtask test {arg}"))),
            }
        }
        match scope.rust || scope.kotlin {
            true => Ok(scope),
            false => Err(Failure::Usage("`cargo xtask test` alone tests both sides.".to_owned())),
        }
    }

    /// Tells a test run how far to go and where real data is.
    fn tell(&self, tests: &mut Command) {
        tests.env("ALTAIR_TEST_TIER", if self.tier == Tier::Nightly { "nightly" } else { "ci" });
        if let Some(data) = &self.data {
            tests.env("ALTAIR_DATA", data);
        }
    }
}

/// Runs every check in order and stops at the first that fails.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let mut scope = Scope::parse(args)?;
    if scope.rust {
        tools::require()?;
    }
    if scope.kotlin {
        kotlin::require()?;
    }
    scope.data = real_data()?;
    let target = workspace::target_directory()?;

    let mut steps = Steps::default();
    let result = check(&mut steps, &scope, &target);
    println!("\n{steps}");
    result
}

fn check(steps: &mut Steps, scope: &Scope, target: &std::path::Path) -> Result<(), Failure> {
    if scope.rust {
        rust::check(steps, scope, target)?;
    }
    if scope.kotlin {
        kotlin::check(steps, scope, target)?;
    }
    if scope.data.is_none() {
        steps.note("real-data tests", NO_DATA);
    }
    Ok(())
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
