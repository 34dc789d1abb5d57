//! `kill -9` at any moment: what was answered is there, once, and found; what was half done can be done again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use altair_core::{Altair, Config, List, Search};
use altair_protocol::Kind;
use altair_protocol::view::Content;
use altair_tests::{DEADLINE, Home, Seed, Tree, lines, run, tier, tree, write};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

/// A writer, killed at a moment that the seed decides: what it answered.
fn load_and_kill(store: &Path, tag: &str, seed: &mut Seed) -> Vec<(String, String)> {
    let mut load = Command::new(env!("CARGO_BIN_EXE_altair-load"));
    let mut load = load.arg(store).arg(tag).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let complaints = lines(load.stderr.take().unwrap());
    let said = lines(load.stdout.take().unwrap());
    let mut answered = Vec::new();
    let mut take = |line: String| match line.split_once(' ') {
        Some(("MISSED", text)) => panic!("{text} was answered and then not found"),
        Some((id, text)) => answered.push((id.to_owned(), text.to_owned())),
        None => assert_eq!(line, "open"),
    };
    // Every fourth is killed while it opens the store, the others under load.
    if seed.below(4) != 0 {
        for _ in 0..=seed.below(4) {
            match said.recv_timeout(DEADLINE) {
                Ok(line) => take(line),
                Err(_) => panic!("the writer said nothing: {:?}", complaints.try_iter().collect::<Vec<_>>()),
            }
        }
    }
    let moment = Instant::now() + Duration::from_micros(seed.below(600_000));
    loop {
        match said.recv_timeout(moment.saturating_duration_since(Instant::now())) {
            Ok(line) => take(line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the writer ended by itself: {:?}", complaints.iter().collect::<Vec<_>>())
            }
        }
    }
    load.kill().unwrap();
    load.wait().unwrap();
    // What it had printed before it died was answered, too.
    said.iter().for_each(take);
    answered
}

/// What a capture is searched by: its first word, which no other has.
fn word(text: &str) -> &str {
    text.split(' ').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_capture_outlives_a_kill_exactly_once() {
    let home = Home::new();
    let mut seed = Seed::of("every_answered_capture_outlives_a_kill_exactly_once");
    let mut answered: HashMap<String, String> = HashMap::new();
    for n in 0..tier().of(10, 100) {
        let new = load_and_kill(home.store(), &format!("k{n}"), &mut seed);

        let altair =
            Altair::open(Config::new(home.store())).await.unwrap_or_else(|error| panic!("after kill {n}: {error}"));
        // What is new and a sample of what is old is searched for; everything is listed.
        let mut sample: Vec<String> = new.iter().rev().take(20).map(|(_, text)| text.clone()).collect();
        sample.extend(answered.values().take(10).cloned());
        answered.extend(new);
        let mut there = HashMap::new();
        let mut texts = HashSet::new();
        let mut cursor = None;
        loop {
            let page = altair.list(List::Kind(Kind::Capture), 1000, cursor.as_deref()).await.unwrap();
            for entity in page.items {
                let Content::Capture { text, .. } = entity.content else {
                    panic!("a list of captures has a {}", entity.kind)
                };
                assert!(texts.insert(text.clone()), "{text} is there twice after kill {n}");
                there.insert(entity.id.to_string(), text);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        for (id, text) in &answered {
            assert_eq!(there.get(id), Some(text), "answered, and gone after kill {n}");
        }
        for text in sample {
            let found = altair.search(Search::new(word(&text))).await.unwrap();
            assert_eq!(found.items.len(), 1, "{text} is found once after kill {n}");
            assert_eq!(answered.get(&found.items[0].id.to_string()), Some(&text), "after kill {n}");
        }
        let diagnosis = altair.doctor().await.unwrap();
        assert_eq!((diagnosis.health.as_str(), diagnosis.problems), ("ok", vec![]), "after kill {n}");
        assert_eq!(diagnosis.entities as usize, there.len(), "after kill {n}");
        altair.close().await.unwrap();
    }
    assert!(!answered.is_empty(), "the writers were killed before they wrote anything");
    // Kills leave no litter that grows with their number.
    let litter: Vec<_> =
        tree(home.store()).into_keys().filter(|path| path.to_string_lossy().contains(".tmp")).collect();
    assert!(litter.len() <= 2, "after {} kills: {litter:?}", tier().of(10, 100));
}

#[test]
fn a_store_that_was_killed_while_it_was_made_can_be_made() {
    let mut seed = Seed::of("a_store_that_was_killed_while_it_was_made_can_be_made");
    for n in 0..tier().of(12, 150) {
        let home = Home::new();
        let mut child = start(&home, &["capture", "first thought"]);
        let moment = Duration::from_micros(seed.below(300_000).min(seed.below(300_000)));
        let answered = kill_after(&mut child, moment);

        let second = home.id(["capture", "second thought"]);
        let texts: Vec<String> =
            home.all(&["list", "capture"]).iter().map(|capture| capture["text"].as_str().unwrap().to_owned()).collect();
        let first = texts.iter().filter(|text| *text == "first thought").count();
        assert!(first <= 1 && texts.len() == first + 1, "kill {n} after {moment:?}: {texts:?}");
        if answered {
            assert_eq!(first, 1, "kill {n} after {moment:?}: it was answered");
        }
        assert_eq!(home.lines(["search", "thought"]).len(), texts.len() + 1, "kill {n} after {moment:?}");
        assert_eq!(home.json(["show", &second])["text"], "second thought");
        assert_eq!(home.json(["doctor"])["health"], "ok", "kill {n} after {moment:?}");
    }
}

#[test]
fn an_import_that_was_killed_is_completed_by_the_next() {
    let mut seed = Seed::of("an_import_that_was_killed_is_completed_by_the_next");
    let home = Home::new();
    let vault = home.path("vault");
    let notes = generate(&vault, 1000);
    // How long it takes when nobody kills it.
    let whole = run(&mut home.command_on(&home.path("whole"), [Path::new("import"), &vault]), b"");
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    for n in 0..tier().of(3, 40) {
        let store = home.path(&format!("store {n}"));
        for again in 0..=seed.below(3) {
            let mut child = spawn(&mut home.command_on(&store, [Path::new("import"), &vault]));
            kill_after(&mut child, whole.took.mul_f64(seed.below(1000) as f64 / 1000.0 / (again + 1) as f64));
        }
        complete(&home, &store, &vault, &notes);
    }
}

/// Imports again, and checks that everything is there once.
fn complete(home: &Home, store: &Path, vault: &Path, notes: &Tree) {
    let import = run(&mut home.command_on(store, [Path::new("import"), vault]), b"");
    assert_eq!(import.code, Some(0), "{}", import.stderr);
    let again = run(&mut home.command_on(store, [Path::new("import"), vault]), b"");
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    let n = notes.len() as u64;
    assert_eq!(again["unchanged"], n, "{again}");
    assert_eq!((&again["notes"], &again["skipped"]), (&json!(0), &json!([])), "{again}");
    let doctor = run(&mut home.command_on(store, ["doctor"]), b"");
    let doctor: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(
        (&doctor["health"], &doctor["entities"], &doctor["problems"]),
        (&json!("ok"), &json!(n), &json!([])),
        "{doctor}"
    );
    let found = run(&mut home.command_on(store, ["search", "marker", "--limit", "1000"]), b"");
    assert_eq!(found.stdout.iter().filter(|b| **b == b'\n').count(), notes.len() + 1, "the index has all of them");
    let out = home.path("out");
    let _ = fs::remove_dir_all(&out);
    let export = run(&mut home.command_on(store, [Path::new("export"), &out]), b"");
    assert_eq!(export.code, Some(0), "{}", export.stderr);
    assert!(tree(&out) == *notes, "the export isn't the vault");
}

#[test]
fn an_export_that_was_killed_is_completed_by_the_next() {
    let mut seed = Seed::of("an_export_that_was_killed_is_completed_by_the_next");
    let home = Home::new();
    let vault = home.path("vault");
    let notes = generate(&vault, 700);
    home.json([Path::new("import"), &vault]);
    let whole = home.run([Path::new("export"), &home.path("whole")]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    for n in 0..tier().of(3, 40) {
        let out = home.path(&format!("out {n}"));
        let mut child = start(&home, &["export", out.to_str().unwrap()]);
        kill_after(&mut child, whole.took.mul_f64(seed.below(1000) as f64 / 1000.0));
        if out.exists() {
            // A file has its name only when it is whole.
            for (path, content) in tree(&out) {
                let partial = path.to_string_lossy().ends_with(".altair-partial");
                assert!(partial || notes.get(&path) == Some(&content), "{} is half written", path.display());
            }
        }
        let exported = home.json([Path::new("export"), &out]);
        assert_eq!(exported["skipped"], json!([]), "kill {n}: nothing was changed outside");
        assert!(tree(&out) == notes, "kill {n}: the export isn't the vault, or litter is left");
        assert_eq!(home.json(["doctor"])["health"], "ok");
    }
}

/// A vault of small notes in folders, each linking to the next.
fn generate(vault: &Path, notes: usize) -> Tree {
    for n in 0..notes {
        let text = format!("---\ntags: [t{}]\n---\nmarker note {n}, next is [[Note {}]]\n", n % 7, n + 1);
        write(&vault.join(format!("folder {}/Note {n}.md", n % 11)), text);
    }
    tree(vault)
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    spawn(&mut home.command(arguments))
}

/// Starts a command in a process group of its own, with the engine that it starts.
fn spawn(command: &mut Command) -> Child {
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a command and its engine after so long; whether it had answered by then.
fn kill_after(child: &mut Child, moment: Duration) -> bool {
    let said = lines(child.stdout.take().unwrap());
    let answered = said.recv_timeout(moment).is_ok();
    // Nobody has waited for it yet, so its id is still its own.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    child.wait().unwrap();
    answered || said.iter().next().is_some()
}
