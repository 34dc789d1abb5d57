//! `cargo xtask test rust`: the engine, its command line and its bindings.
//!
//! What fails soonest comes first: seconds of formatting and licences, then the lints and docs (which share one
//! check-build of the dependencies), then the full build and its tests.

use std::env;
use std::path::Path;
use std::process::Command;

use super::{Scope, Tier};
use crate::Failure;
use crate::steps::Steps;
use crate::tools::CargoDeny;
use crate::workspace::{self, cargo};

pub(crate) fn check(steps: &mut Steps, scope: &Scope, target: &Path) -> Result<(), Failure> {
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
    steps.run("tests", || workspace::run(&mut tests(scope)))?;
    Ok(())
}

/// Unit, property, integration and doc tests, told how far to go and where real data is.
fn tests(scope: &Scope) -> Command {
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    scope.tell(&mut tests);
    if matches!(scope.tier, Tier::Nightly) && env::var_os("PROPTEST_CASES").is_none() {
        tests.env("PROPTEST_CASES", "2048");
    }
    tests
}
