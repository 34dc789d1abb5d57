//! The rules of MERGE.md, tested: by the numbered counter-examples, by single promises, and by properties of made-up stories.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;
mod examples;
mod promises;
mod properties;
mod story;
