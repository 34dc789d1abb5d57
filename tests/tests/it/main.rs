//! The whole system under fault: processes that are killed, files that are damaged, disks that are full, vaults as they are out there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "all of this is test code")]

mod damage;
mod disk;
mod host;
mod input;
mod kills;
mod many;
mod vault;
