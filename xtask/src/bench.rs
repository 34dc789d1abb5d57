//! `cargo xtask bench`: the benchmarks, side by side with their yardsticks.

use std::process::Command;

use crate::{Failure, workspace};

/// Runs the benchmarks, with `args` as they are.
///
/// In the profile that tests and demo have, not in cargo's own for benchmarks: that would compile SurrealDB a second time, 10 to 15
/// minutes for two cores. Only Altair's own crates are compiled again, as a release has them; dependencies, the yardsticks among them,
/// have `opt-level` 2 and no optimisation across crates.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    // Some of what is measured are whole commands.
    workspace::run(&mut as_released(&["build", "--workspace", "--bins"]))?;
    workspace::run(as_released(&["bench", "-p", "altair-bench", "--profile", "dev", "--"]).args(args))
}

fn as_released(args: &[&str]) -> Command {
    let mut cargo = workspace::cargo(args);
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "3").env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false");
    cargo.env("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false");
    cargo
}
