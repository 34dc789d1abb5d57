//! Steps of a long check: each says that it begins, passes or fails, and has a line in the table at the end.

use std::fmt;
use std::time::{Duration, Instant};

use crate::Failure;

/// The steps so far, and how each went.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    verdict: String,
    took: Duration,
}

impl Steps {
    /// Runs a step that passes or fails.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.attempt(name, || step().map(|()| None))
    }

    /// Runs a step that may find that it can't be done here: it then gives the reason.
    pub(crate) fn attempt(
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
    pub(crate) fn note(&mut self, name: &'static str, verdict: &str) {
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
