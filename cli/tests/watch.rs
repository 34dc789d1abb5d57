//! `watch`: changes of other processes, as they happen.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{Home, assert_time, keys};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(30);

/// A running `altair watch` and the lines that it has printed.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

impl Watching {
    /// Starts it; a watch for people says on stderr when it is ready.
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(["watch"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = lines(child.stderr.take().unwrap());
        let watching = Self { lines: lines(child.stdout.take().unwrap()), child };
        if !arguments.contains(&"--json") {
            assert!(stderr.recv_timeout(DEADLINE).unwrap().starts_with("watching"));
        }
        watching
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line before the deadline")
    }

    /// Sends it a signal, and gives how it ended.
    fn end(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::yield_now();
        }
        panic!("watch didn't end");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_change_of_another_process_is_printed_as_it_happens() {
    let home = Home::new();
    home.id(["capture", "before"]);
    let watching = Watching::start(&home, &[]);
    let id = home.id(["capture", "during"]);
    let line = watching.line();
    assert!(line.starts_with(&id[28..]) && line.contains("capture") && line.contains("created"), "{line}");
    assert_eq!(watching.end("-INT").code(), Some(0));
}

#[test]
fn events_have_the_contracts_shape_and_come_in_order() {
    let home = Home::new();
    let watching = Watching::start(&home, &["--json"]);
    // Nothing says when a watch for programs is ready, so captures are made until the first is seen.
    let deadline = Instant::now() + DEADLINE;
    let first = loop {
        home.id(["capture", "is anybody there"]);
        if let Ok(line) = watching.lines.recv_timeout(Duration::from_millis(200)) {
            break line;
        }
        assert!(Instant::now() < deadline, "no event before the deadline");
    };
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(keys(&first), ["seq", "at", "device", "entity", "kind", "event", "fields"]);
    assert_time(&first["at"]);

    let note = home.id(["new", "note", "--title", "x"]);
    home.json(["edit", &note, "--title", "y"]);
    home.json(["delete", &note]);
    home.json(["restore", &note]);
    let mut seq = first["seq"].as_u64().unwrap();
    // Waits for the note's next event. The captures' are passed over, their order is looked at all the same.
    let mut next = || loop {
        let event: Value = serde_json::from_str(&watching.line()).unwrap();
        assert!(event["seq"].as_u64().unwrap() > seq, "{event} after {seq}");
        seq = event["seq"].as_u64().unwrap();
        if event["entity"] == note.as_str() {
            break event;
        }
    };
    for (expected, of_the_title) in [("created", true), ("changed", true), ("deleted", false), ("restored", false)] {
        let event = next();
        assert_eq!(event["event"], expected);
        assert_eq!(event["fields"].as_array().unwrap().contains(&json!("title")), of_the_title, "{event}");
    }
    // Erasing takes the entity's log away, and with it the events that nobody has read yet: so not before they are read.
    home.json(["erase", &note, "--yes"]);
    assert_eq!(next()["event"], "erased");
    assert_eq!(watching.end("-TERM").code(), Some(0));
}

#[test]
fn only_the_kind_that_was_asked_for_is_printed() {
    let home = Home::new();
    let watching = Watching::start(&home, &["quests"]);
    home.id(["new", "note", "--title", "note"]);
    let quest = home.id(["new", "quest", "--title", "quest"]);
    assert!(watching.line().starts_with(&quest[28..]));
}
