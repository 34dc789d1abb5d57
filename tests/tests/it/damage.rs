//! Damage in any file: answers stay right, or an error says what is damaged and what to do. Never a panic, a hang or a silent loss.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use altair_tests::{DEADLINE, Home, Run, Seed, Tree, copy, lines, lines_of, run, tier, tree, try_run, write};
use serde_json::Value;

/// Kills a process that writes, and gives the files as they are then. All that is in them was published: the last of what was written, but not yet answered when
/// the process was killed, may be lost with a damaged end of the log, and nobody was promised it.
fn kill_under_load(home: &Home) -> Tree {
    for tag in 0..20 {
        let mut load = Command::new(env!("CARGO_BIN_EXE_altair-load"));
        let mut load = load.arg(home.store()).arg(format!("k{tag}")).stdout(Stdio::piped()).spawn().unwrap();
        let said = lines(load.stdout.take().unwrap());
        for _ in 0..60 {
            said.recv_timeout(DEADLINE).unwrap();
        }
        load.kill().unwrap();
        load.wait().unwrap();
        let (files, published) = (tree(home.store()), home.head());
        // Opening publishes all that there is.
        home.lines(["status"]);
        if home.head() == published {
            return files;
        }
    }
    panic!("twenty times it was killed between writing and publishing");
}

/// A store with some of everything, and what it answers.
struct Sound {
    home: Home,
    files: Tree,
    note: String,
    attachment: String,
    answers: BTreeMap<&'static str, Vec<Value>>,
}

const COMMANDS: [&str; 5] = ["captures", "notes", "show", "search", "cat"];

impl Sound {
    /// A store that was closed, or one whose last process was killed under load.
    fn new(killed: bool) -> Self {
        let home = Home::new();
        for n in 0..12 {
            home.id(["capture".to_owned(), format!("thought w{n}w about figs {}", "and padding ".repeat(n))]);
        }
        let note =
            home.id(["new", "note", "--title", "A", "--body", &format!("[[B]] #tag1 {}", "long body. ".repeat(400))]);
        home.id(["new", "note", "--title", "B", "--body", "back to [[A]]"]);
        let file = home.path("manual.bin");
        write(&file, (0..5000_u32).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>());
        let attachment = home.id([Path::new("attach"), Path::new(&note), &file]);
        home.lines(["search", "figs"]);
        for n in 12..15 {
            home.id(["capture".to_owned(), format!("thought w{n}w about figs")]);
        }
        let mut files = tree(home.store());
        if killed {
            files = kill_under_load(&home);
        }
        let mut sound = Self { home, files, note, attachment, answers: BTreeMap::new() };
        for what in COMMANDS {
            let answer = sound.ask(sound.home.store(), what).unwrap();
            assert_eq!(answer.code, Some(0), "{what}: {}", answer.stderr);
            let values = sound.values(what, &answer);
            sound.answers.insert(what, values);
        }
        sound
    }

    fn ask(&self, store: &Path, what: &str) -> Result<Run, String> {
        let arguments: &[&str] = match what {
            "captures" => &["list", "capture", "--limit", "1000"],
            "notes" => &["list", "note"],
            "show" => &["show", &self.note],
            "search" => &["search", "figs"],
            "cat" => &["cat", &self.attachment],
            other => &[other],
        };
        try_run(&mut self.home.command_on(store, arguments), b"", DEADLINE)
    }

    /// An answer as values; the order of a search isn't looked at, and bytes are a value.
    fn values(&self, what: &str, answer: &Run) -> Vec<Value> {
        if what == "cat" {
            return vec![Value::from(answer.stdout.clone())];
        }
        let mut values = lines_of(answer);
        if what == "search" {
            values.iter_mut().for_each(|hit| *hit = hit["id"].take());
            values.sort_by_key(Value::to_string);
        }
        values
    }

    /// What is wrong with how a damaged store behaves; nothing, where it is as promised.
    fn judge(&self, store: &Path, damaged: &Path) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut refused = true;
        for what in COMMANDS {
            refused &= self.judge_one(store, what, damaged, &mut wrong);
            // One that hangs is enough: the others would take as long.
            if wrong.iter().any(|problem| problem.contains("didn't end")) {
                return wrong;
            }
        }
        if refused {
            // What was refused was left as it was: with the file put back, everything is there again.
            write(&store.join(damaged), &self.files[damaged]);
            for what in COMMANDS {
                match self.ask(store, what) {
                    Ok(run) if run.code == Some(0) && self.values(what, &run) == self.answers[what] => {}
                    Ok(run) => wrong
                        .push(format!("refused, then {what} with the file put back: {:?} {}", run.code, run.stderr)),
                    Err(problem) => wrong.push(problem),
                }
            }
            return wrong;
        }
        match self.ask(store, "doctor") {
            Err(problem) => wrong.push(problem),
            Ok(run) if run.code == Some(0) => {
                let report = lines_of(&run);
                if report[0]["health"] != "ok" {
                    wrong.push(format!("doctor ends with 0 and says {}", report[0]));
                }
                // All is well, says the doctor: then it is.
                for what in COMMANDS {
                    match self.ask(store, what) {
                        Ok(run) if run.code == Some(0) && self.values(what, &run) == self.answers[what] => {}
                        Ok(run) => wrong.push(format!("doctor says ok, then {what}: {:?} {}", run.code, run.stderr)),
                        Err(problem) => wrong.push(problem),
                    }
                }
            }
            Ok(run) if run.code == Some(1) && run.stderr.is_empty() => {
                let report = lines_of(&run);
                if report[0]["health"] != "damaged" || report[0]["problems"].as_array().is_none_or(Vec::is_empty) {
                    wrong.push(format!("doctor ends with 1 and names nothing: {}", report[0]));
                }
            }
            Ok(run) => check_error("doctor", &run, damaged, &mut wrong),
        }
        wrong
    }

    /// Whether the store was refused.
    fn judge_one(&self, store: &Path, what: &'static str, damaged: &Path, wrong: &mut Vec<String>) -> bool {
        match self.ask(store, what) {
            Err(problem) => wrong.push(problem),
            Ok(run) if run.code == Some(0) => {
                let got = self.values(what, &run);
                // An attachment's bytes are checked by the doctor, and `cat` gives them as they are.
                if got != self.answers[what] && !(what == "cat" && damaged.starts_with("blobs")) {
                    wrong.push(format!(
                        "{what} lost or changed something without a word: {} of {}",
                        got.len(),
                        self.answers[what].len()
                    ));
                }
            }
            Ok(run) => {
                check_error(what, &run, damaged, wrong);
                return run.code == Some(5);
            }
        }
        false
    }
}

/// An error names the file or the damage, and a way out.
fn check_error(what: &str, run: &Run, damaged: &Path, wrong: &mut Vec<String>) {
    let error = serde_json::from_str::<Value>(&run.stderr).map(|mut value| value["error"].take()).unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    let name = damaged.file_name().unwrap().to_string_lossy();
    let named =
        ["damage", "missing", "lost", "belongs to another", "incompletely", "can't be opened", "format", &*name]
            .iter()
            .any(|word| message.contains(word));
    let way_out = error["hint"]
        .as_str()
        .is_some_and(|hint| ["altair doctor", "restore-backup", "update Altair"].iter().any(|way| hint.contains(way)));
    if !named || !way_out || !matches!(run.code, Some(1 | 5)) {
        wrong.push(format!("{what}: {:?} {}", run.code, run.stderr.trim()));
    }
}

/// One way to damage one file.
#[derive(Debug, Clone)]
enum Fault {
    Delete,
    Cut(usize),
    Flip(usize, u8),
}

impl Fault {
    fn hit(&self, file: &Path) {
        if let Self::Delete = self {
            return fs::remove_file(file).unwrap();
        }
        let mut bytes = fs::read(file).unwrap();
        match *self {
            Self::Delete => {}
            Self::Cut(at) => bytes.truncate(at),
            Self::Flip(at, bit) => bytes[at] ^= 1 << bit,
        }
        fs::write(file, bytes).unwrap();
    }
}

/// Faults of every file: each is deleted, cut at several places and flipped at several.
fn faults(files: &Tree, seed: &mut Seed, cuts: usize, flips: usize) -> Vec<(PathBuf, Fault)> {
    let mut faults = Vec::new();
    for (path, content) in files {
        // A lock holds nothing.
        if path.ends_with("host.lock") {
            continue;
        }
        faults.push((path.clone(), Fault::Delete));
        let length = content.len() as u64;
        if length == 0 {
            continue;
        }
        let edges = [0, content.len() / 2, content.len() - 1];
        faults.push((path.clone(), Fault::Cut(edges[seed.below(3) as usize])));
        for _ in 1..cuts {
            faults.push((path.clone(), Fault::Cut(seed.below(length) as usize)));
        }
        for _ in 0..flips {
            faults.push((path.clone(), Fault::Flip(seed.below(length) as usize, seed.below(8) as u8)));
        }
    }
    faults
}

/// Tries all faults, each on a fresh copy, and fails with a list of all that went wrong.
fn try_all(sound: &Sound, faults: &[(PathBuf, Fault)]) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from).min(8) {
            let (next, wrong) = (&next, &wrong);
            scope.spawn(move || {
                let store = sound.home.path(&format!("damaged {worker}"));
                while let Some((path, fault)) = faults.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let _ = fs::remove_dir_all(&store);
                    sound.files.iter().for_each(|(path, content)| write(&store.join(path), content));
                    fault.hit(&store.join(path));
                    let problems = sound.judge(&store, path);
                    if !problems.is_empty() {
                        let mut wrong = wrong.lock().unwrap();
                        wrong.push(format!("{} {fault:?}:\n    {}", path.display(), problems.join("\n    ")));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} faults:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
}

#[test]
fn damage_in_a_closed_store_is_survived_or_reported() {
    let sound = Sound::new(false);
    let mut seed = Seed::of("damage_in_a_closed_store_is_survived_or_reported");
    let faults = faults(&sound.files, &mut seed, tier().of(1, 12), tier().of(2, 60));
    try_all(&sound, &faults);
}

#[test]
fn damage_in_a_store_whose_process_was_killed_is_survived_or_reported() {
    let sound = Sound::new(true);
    let mut seed = Seed::of("damage_in_a_store_whose_process_was_killed_is_survived_or_reported");
    let faults = faults(&sound.files, &mut seed, tier().of(1, 12), tier().of(2, 60));
    try_all(&sound, &faults);
}

#[test]
fn a_store_that_was_copied_in_part_is_refused_and_left_alone() {
    let sound = Sound::new(false);
    let store = sound.home.path("half");
    for part in ["db", "db/manifest", "db/sstables", "db/vlog", "store.json"] {
        copy(sound.home.store(), &store);
        sound.files.iter().for_each(|(path, content)| write(&store.join(path), content));
        for path in sound.files.keys().filter(|path| path.starts_with(part)) {
            fs::remove_file(store.join(path)).unwrap();
        }
        let path = store.join(part);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        }
        let before = kept(&store);
        for what in ["captures", "search", "doctor"] {
            if (part, what) == ("store.json", "doctor") {
                // The doctor makes it anew.
                continue;
            }
            let run = sound.ask(&store, what).unwrap();
            assert_eq!(run.code, Some(5), "{part} missing, {what}: {}", run.stderr);
            let mut wrong = Vec::new();
            check_error(what, &run, Path::new(part), &mut wrong);
            assert!(wrong.is_empty(), "{part} missing: {wrong:?}");
        }
        assert_eq!(
            before.keys().collect::<Vec<_>>(),
            kept(&store).keys().collect::<Vec<_>>(),
            "{part} missing: files came or went"
        );
        assert!(before == kept(&store), "{part} missing: files were changed");
        // The rest of the copy arrives.
        sound.files.iter().for_each(|(path, content)| write(&store.join(path), content));
        let run = sound.ask(&store, "captures").unwrap();
        assert_eq!(run.code, Some(0), "{part} came back: {}", run.stderr);
        assert_eq!(sound.values("captures", &run), sound.answers["captures"], "{part} came back");
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let sound = Sound::new(false);
    let path = sound.home.store().join("store.json");
    let mut identity: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    identity["format"] = 99.into();
    write(&path, identity.to_string());
    let before = kept(sound.home.store());
    for arguments in [&["list", "capture"][..], &["capture", "x"], &["search", "figs"], &["doctor"], &["status"]] {
        let error = sound.home.error(arguments, 5);
        assert_eq!(error["kind"], "unsupported");
        assert!(error["message"].as_str().unwrap().contains("99"), "{error}");
    }
    assert!(before == kept(sound.home.store()), "files were changed");
}

#[test]
fn a_folder_that_is_something_else_is_not_taken_for_a_store() {
    let home = Home::new();
    write(&home.store().join("store.json"), r#"{"name": "a program's own file"}"#);
    home.error(["capture", "x"], 5);
    let text = fs::read_to_string(home.store().join("store.json")).unwrap();
    assert_eq!(text, r#"{"name": "a program's own file"}"#);
}

/// A store's files but those that say who has it open.
fn kept(store: &Path) -> Tree {
    let mut files = tree(store);
    files.retain(|path, _| !path.ends_with("host.lock") && !path.ends_with("host.json"));
    files
}

#[test]
fn a_damaged_search_index_is_made_anew() {
    let sound = Sound::new(false);
    let index: Vec<&PathBuf> = sound.files.keys().filter(|path| path.starts_with("search")).collect();
    for path in index {
        fs::write(sound.home.store().join(path), "no index").unwrap();
    }
    let run = run(&mut sound.home.command(["search", "figs"]), b"");
    assert_eq!(sound.values("search", &run), sound.answers["search"]);
}
