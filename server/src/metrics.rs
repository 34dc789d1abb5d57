//! What the server counts, as Prometheus reads it. Numbers alone: no names, no ids, nothing of what people wrote.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, or a level that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// One more for as long as the answer lives.
    pub(crate) fn held(self: &std::sync::Arc<Self>) -> Held {
        self.add(1);
        Held(std::sync::Arc::clone(self))
    }

    /// What it is now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of a level.
#[derive(Debug)]
pub(crate) struct Held(std::sync::Arc<Count>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Connections that are open, and sockets among them.
    pub(crate) connections: std::sync::Arc<Count>,
    pub(crate) sockets: std::sync::Arc<Count>,
    /// Requests, and those answered with an error of the server's own.
    pub(crate) requests: Count,
    pub(crate) failures: Count,
    /// Changes.
    pub(crate) accepted: Count,
    pub(crate) refused: Count,
    pub(crate) commits: Count,
    pub(crate) commit_micros: Count,
    pub(crate) folded: Count,
    /// Frames that were sent, and how often a socket fell behind.
    pub(crate) frames_sent: Count,
    pub(crate) fell_behind: Count,
    /// Connections that were ended because of what came.
    pub(crate) turned_away: Count,
    /// Pairing codes that were wrong.
    pub(crate) wrong_codes: Count,
    /// Bytes of blobs that came.
    pub(crate) blob_bytes: Count,
}

impl Metrics {
    /// Prometheus's text format, version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut say = |name: &str, kind: &str, help: &str, value: u64| {
            // Writing to a string never fails.
            let _ = write!(text, "# HELP altair_{name} {help}\n# TYPE altair_{name} {kind}\naltair_{name} {value}\n");
        };
        say("connections", "gauge", "Open connections.", self.connections.get());
        say("sockets", "gauge", "Open sync sockets.", self.sockets.get());
        say("requests_total", "counter", "HTTP requests.", self.requests.get());
        say("failures_total", "counter", "Requests that the server failed.", self.failures.get());
        say("changes_accepted_total", "counter", "Changes that got a number.", self.accepted.get());
        say("changes_refused_total", "counter", "Changes that were refused.", self.refused.get());
        say("commits_total", "counter", "Transactions with changes.", self.commits.get());
        say("commit_microseconds_total", "counter", "Time spent in them.", self.commit_micros.get());
        say("changes_folded_total", "counter", "Changes folded into states.", self.folded.get());
        say("frames_sent_total", "counter", "Frames sent.", self.frames_sent.get());
        say("fell_behind_total", "counter", "Sockets moved back to the log.", self.fell_behind.get());
        say("turned_away_total", "counter", "Sockets closed for what came.", self.turned_away.get());
        say("wrong_codes_total", "counter", "Pairing codes that were wrong.", self.wrong_codes.get());
        say("blob_bytes_total", "counter", "Bytes of blobs received.", self.blob_bytes.get());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_every_line() {
        let metrics = Metrics::default();
        metrics.accepted.add(3);
        let held = metrics.sockets.held();
        let text = metrics.text();
        assert!(
            text.contains("\naltair_changes_accepted_total 3\n") && text.contains("\naltair_sockets 1\n"),
            "{text}"
        );
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once(' ').unwrap();
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && value.parse::<u64>().is_ok(), "{line}");
        }
        drop(held);
        assert!(metrics.text().contains("\naltair_sockets 0\n"));
    }
}
