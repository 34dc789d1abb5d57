//! What the benchmarks are made of: measuring, generated notes, the yardsticks, and the report.
//!
//! Each benchmark does the same work twice or more in one run, by Altair and bare (SurrealDB alone, SQLite, a plain file), in turns, so
//! that whatever the machine does meanwhile hits all of them. What a number says here is therefore its ratio, and only then its size.

pub mod bare;
pub mod measure;
pub mod notes;
pub mod process;
pub mod report;
pub mod sqlite;

/// What a benchmark can fail with: anything, for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The outcome of a step.
pub type Outcome<T = ()> = Result<T, Failure>;
