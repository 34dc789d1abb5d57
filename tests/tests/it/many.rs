//! Many processes on one store.

use std::collections::{HashMap, HashSet};
use std::io::BufRead as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use altair_tests::{DEADLINE, Home, error_of, lines, try_run, wait_until};
use serde_json::Value;

/// A process that has the store's lock, and can't be joined.
struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Holder {
    fn of(home: &Home) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_altair-load"));
        let child = child.arg(home.store()).args(["t", "lock"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "open\n");
        Self { stdin: child.stdin.take(), child }
    }

    fn let_go(&mut self) {
        drop(self.stdin.take());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.let_go();
        let _ = self.child.wait();
    }
}

#[test]
fn twenty_captures_at_once_are_all_kept() {
    let home = Home::new();
    let children: Vec<Child> = (0..20)
        .map(|n| {
            let mut command = home.command(["capture".to_owned(), format!("thought number {n}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let mut answered = HashMap::new();
    for (n, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "number {n}: {}", String::from_utf8_lossy(&output.stderr));
        let entity: Value = serde_json::from_slice(&output.stdout).unwrap();
        answered.insert(entity["id"].as_str().unwrap().to_owned(), entity["text"].as_str().unwrap().to_owned());
    }
    let there: Vec<(String, String)> = home
        .all(&["inbox"])
        .iter()
        .map(|entity| (entity["id"].as_str().unwrap().to_owned(), entity["text"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(there.len(), 20);
    assert_eq!(there.into_iter().collect::<HashMap<_, _>>(), answered);
    assert_eq!(home.json(["doctor"])["health"], "ok");
}

#[test]
fn a_store_that_stays_locked_is_refused_with_the_holders_pid() {
    let home = Home::new();
    let holder = Holder::of(&home);
    let head = home.head();
    let run = try_run(&mut home.command(["capture", "too late"]), b"", DEADLINE).unwrap();
    let error = error_of(&run, 5);
    assert_eq!(error["kind"], "locked");
    let pid = holder.child.id().to_string();
    assert!(error["message"].as_str().unwrap().contains(&pid), "{error} names process {pid}");
    assert!(run.took >= Duration::from_secs(9) && run.took < Duration::from_secs(20), "waited {:?}", run.took);
    assert_eq!(home.head(), head);
    drop(holder);
    assert_eq!(home.all(&["inbox"]).len(), 0, "what was refused isn't there");
}

/// The processes that a process has started.
fn children(of: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

#[test]
fn a_command_waits_for_another_to_let_go() {
    let home = Home::new();
    let mut holder = Holder::of(&home);
    let mut command = home.command(["capture", "patient"]);
    let waiting = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Its engine waits for the lock.
    if cfg!(target_os = "linux") {
        wait_until("the command to start an engine", || !children(waiting.id()).is_empty());
    }
    holder.let_go();
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(home.all(&["inbox"]).len(), 1);
}

#[test]
fn a_watch_sees_every_capture_of_other_processes_once_and_in_order() {
    let home = Home::new();
    let mut watch = home.command(["watch", "capture"]).stdout(Stdio::piped()).spawn().unwrap();
    let seen = lines(watch.stdout.take().unwrap());
    // Nothing says when a watch for programs is ready, so captures are made until the first is seen.
    let deadline = Instant::now() + DEADLINE;
    let mut events: Vec<Value> = loop {
        assert!(Instant::now() < deadline, "no event before the deadline");
        home.id(["capture", "is anybody there"]);
        if let Ok(line) = seen.recv_timeout(Duration::from_millis(200)) {
            break vec![serde_json::from_str(&line).unwrap()];
        }
    };
    let children: Vec<Child> = (0..12)
        .map(|n| home.command(["capture".to_owned(), format!("number {n}")]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut wanted: HashSet<String> = HashSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let entity: Value = serde_json::from_slice(&output.stdout).unwrap();
        wanted.insert(entity["id"].as_str().unwrap().to_owned());
    }
    while !wanted.is_empty() {
        let line = seen.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("not seen: {wanted:?}"));
        let event: Value = serde_json::from_str(&line).unwrap();
        wanted.remove(event["entity"].as_str().unwrap());
        events.push(event);
    }
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    assert!(events.iter().all(|event| event["event"] == "created" && event["kind"] == "capture"), "{events:?}");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
