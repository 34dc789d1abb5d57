//! The engine's tests once more, by a process that has joined the one that hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test's failure is a panic")]

#[path = "engine/main.rs"]
mod engine;
