//! What the whole-system tests stand on: the real `altair` in processes of its own, each with a deadline, on stores that no other test
//! knows.
//!
//! Nothing here waits for time to pass: everything waits for a condition, and fails when its deadline goes by. Chance comes from [`Seed`],
//! so that what failed can be had again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "all of this is test code")]

mod home;
mod process;
mod room;
mod seed;
mod tree;

pub use home::{Home, error_of, lines_of};
pub use process::{DEADLINE, Run, altair, lines, run, try_run, wait_until};
pub use room::Room;
pub use seed::{Seed, Tier, tier};
pub use tree::{Tree, copy, data, tree, write};

/// Says on stderr why a test, or part of one, can't be had on this machine.
pub fn skip(why: impl std::fmt::Display) {
    eprintln!("SKIPPED: {why}");
}
