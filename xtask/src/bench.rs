//! `cargo xtask bench`: the benchmarks, side by side with their yardsticks.

use crate::{Failure, workspace};

/// Runs the benchmarks, with `args` as they are.
///
/// In the profile that tests and demo have, not in cargo's own for benchmarks: that would compile SurrealDB a second time, 10 to 15
/// minutes for two cores. Dependencies are optimised in it (`opt-level` 2), Altair's own crates less so (1), so what is measured is a
/// little slower than a release would be, and never quicker. The yardsticks are dependencies, and so lose nothing.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    // Some of what is measured are whole commands.
    workspace::run(&mut workspace::cargo(&["build", "--workspace", "--bins"]))?;
    let mut bench = workspace::cargo(&["bench", "-p", "altair-bench", "--profile", "dev", "--"]);
    bench.args(args);
    workspace::run(&mut bench)
}
