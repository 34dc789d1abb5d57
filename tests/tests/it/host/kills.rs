//! Hosts that are killed, again and again: the others carry on, nothing is lost and nothing is done twice.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use altair_tests::{DEADLINE, Home, Seed, lines, tier, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Hosted;

#[test]
fn a_killed_daemon_is_replaced_and_nothing_is_lost() {
    let home = Hosted::new();
    let mut texts = Vec::new();
    for n in 0..tier().of(5, 50) {
        let text = format!("before kill {n}");
        home.answer(&["capture", &text]);
        texts.push(text);
        let pid = home.signal(Signal::KILL);
        let begun = Instant::now();
        let mut there = home.texts();
        there.reverse();
        assert_eq!(there, texts, "after kill {n}, {:?}", begun.elapsed());
        assert!(home.pid() != pid);
    }
}

/// Commands whose host is killed while they work: every one is answered, and what was answered is there once.
#[test]
fn commands_outlive_the_hosts_that_are_killed_under_them() {
    let home = Hosted::new();
    home.answer(&["capture", "the first"]);
    let mut seed = Seed::of("commands_outlive_the_hosts_that_are_killed_under_them");
    let mut wanted = vec!["the first".to_owned()];
    for round in 0..tier().of(4, 40) {
        let children: Vec<(String, Child)> = (0..8)
            .map(|n| {
                let text = format!("round {round} number {n}");
                let mut command = home.joining(["capture", text.as_str()]);
                let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
                (text, child)
            })
            .collect();
        let until = Instant::now() + Duration::from_micros(seed.below(30_000));
        while Instant::now() < until {
            std::thread::yield_now();
        }
        let host =
            fs::read(home.store().join("host.json")).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        if let Some(pid) = host.and_then(|host| Pid::from_raw(host["pid"].as_i64()? as i32)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        for (text, child) in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
            wanted.push(text);
        }
    }
    let mut there = home.texts();
    there.sort();
    wanted.sort();
    assert_eq!(there, wanted);
    home.answer(&["daemon", "stop"]);
    assert_eq!(home.json(["doctor"])["health"], "ok");
}

/// A program that hosts or joins, and writes all the time.
struct Writer {
    child: Child,
    said: Receiver<String>,
}

impl Writer {
    fn start(home: &Home, tag: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_altair-load"));
        let mut child =
            command.arg(home.store()).arg(tag).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let said = lines(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Takes what it has answered so far.
    fn take(&self, answered: &mut HashMap<String, String>) {
        loop {
            match self.said.try_recv() {
                Ok(line) => note(&line, answered),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Waits for the next answer.
    fn next(&self, answered: &mut HashMap<String, String>) {
        note(&self.said.recv_timeout(DEADLINE).expect("a writer that isn't the host carries on"), answered);
    }
}

fn note(line: &str, answered: &mut HashMap<String, String>) {
    match line.split_once(' ') {
        Some(("MISSED", text)) => panic!("{text} was answered and then not found"),
        Some((id, text)) => {
            answered.insert(id.to_owned(), text.to_owned());
        }
        None => assert_eq!(line, "open"),
    }
}

/// Whoever hosts is killed, again and again, while three programs write; the others take over.
#[test]
fn a_thousand_kills_under_load_lose_nothing_and_double_nothing() {
    let home = Home::new();
    let mut seed = Seed::of("a_thousand_kills_under_load_lose_nothing_and_double_nothing");
    let mut answered = HashMap::new();
    let mut writers: Vec<Writer> = (0..3).map(|n| Writer::start(&home, &format!("w{n}"))).collect();
    for writer in &writers {
        writer.next(&mut answered);
    }
    let kills = tier().of(15, 1000);
    for n in 0..kills {
        let until = Instant::now() + Duration::from_micros(seed.below(60_000));
        while Instant::now() < until {
            writers.iter().for_each(|writer| writer.take(&mut answered));
        }
        let host = host_of(&home);
        let at = writers.iter().position(|writer| u64::from(writer.child.id()) == host).expect("one of them hosts");
        let mut killed = writers.swap_remove(at);
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        // What it had printed before it died was answered, too.
        killed.said.iter().for_each(|line| note(&line, &mut answered));
        // The others carry on with another host.
        writers.iter().for_each(|writer| writer.take(&mut answered));
        wait_until("another host", || host_of(&home) != host);
        for writer in &writers {
            writer.next(&mut answered);
        }
        writers.push(Writer::start(&home, &format!("k{n}")));
    }
    for mut writer in writers {
        writer.child.kill().unwrap();
        writer.child.wait().unwrap();
        writer.said.iter().for_each(|line| note(&line, &mut answered));
    }
    let there: Vec<(String, String)> = home
        .all(&["list", "capture"])
        .iter()
        .map(|capture| (capture["id"].as_str().unwrap().to_owned(), capture["text"].as_str().unwrap().to_owned()))
        .collect();
    let by_id: HashMap<&str, &str> = there.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    for (id, text) in &answered {
        assert_eq!(by_id.get(id.as_str()), Some(&text.as_str()), "answered, and gone");
    }
    let texts: HashSet<&str> = there.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts.len(), there.len(), "some were done twice");
    assert_eq!(home.json(["doctor"])["health"], "ok");
    eprintln!("{kills} kills, {} answered, {} there", answered.len(), there.len());
}

/// The process that `host.json` names; 0 while it names none.
fn host_of(home: &Home) -> u64 {
    let text = fs::read(home.store().join("host.json")).unwrap_or_default();
    let host: Value = serde_json::from_slice(&text).unwrap_or_default();
    // Until it listens it may still fail to open.
    host["socket"].as_str().and_then(|_| host["pid"].as_u64()).unwrap_or(0)
}
