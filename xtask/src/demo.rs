//! `cargo xtask demo`: the main job, done with the real `altair` on a temporary store.
//!
//! It shows each command as a person would type it, then what came out; after each part it checks through
//! `--json` that what it claims is so, and fails otherwise. It touches nothing but its own temporary folder.

use std::collections::BTreeMap;
use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use crate::workspace::{self, cargo, quoted};
use crate::{Failure, json};

/// The note that is edited in two places at once.
const NOTE: &str = "Vegetable beds";
const FILE: &str = "Garden/Vegetable beds.md";
const OUTSIDE_BEFORE: &str = "Water every second evening";
const OUTSIDE_AFTER: &str = "Water every evening while the heat lasts";
const INSIDE: &str = "Moved two bean rows nearer to the wall, where the morning sun is.";

/// Builds `altair` and walks through the main job.
pub(crate) fn run() -> Result<(), Failure> {
    println!("Building altair. The first build takes 10 to 30 minutes, later ones seconds.");
    workspace::run(&mut cargo(&["build", "-p", "altair-cli", "--bins"]))?;
    let altair = workspace::target_directory()?.join("debug").join(format!("altair{EXE_SUFFIX}"));

    let shipped = workspace::root().join("demo").join("vault");
    let session = Session::start(altair, &shipped)?;
    import(&session)?;
    search(&session)?;
    capture(&session)?;
    round_trip(&session)?;
    merge(&session)?;
    write_back(&session, &shipped)?;
    many_programs(&session)?;
    println!("\nDone. The store and the copies of the vault were temporary and are gone.");
    Ok(())
}

fn import(session: &Session) -> Result<(), Failure> {
    heading("Import a folder of Markdown notes");
    session.show(&["import", "vault"])?;
    let again = session.show(&["--json", "import", "vault"])?;
    holds(json::number(&again, "notes") == Some(0), "importing it again changes nothing")
}

fn search(session: &Session) -> Result<(), Failure> {
    heading("Search: without case and accents, by word beginnings, in any script");
    for (query, title) in [("tomato", "Seed list"), ("zoe", "Zoë's café"), ("抹茶", "旅のメモ")] {
        session.show(&["search", query])?;
        let found = session.ask(&["--json", "search", query])?;
        let holding = found.lines().any(|line| json::string(line, "title").as_deref() == Some(title));
        holds(holding, &format!("“{query}” finds {title}"))?;
    }
    Ok(())
}

fn capture(session: &Session) -> Result<(), Failure> {
    heading("Capture a thought, and find it at once");
    session.show(&["capture", "Buy", "twine", "for", "the", "beans", "before", "Saturday"])?;
    session.show(&["search", "twine", "--kind", "capture"])?;
    let found = session.ask(&["--json", "search", "twine", "--kind", "capture"])?;
    holds(json::string(&found, "id").is_some(), "what was just captured is found")
}

fn round_trip(session: &Session) -> Result<(), Failure> {
    heading("Export: the files as they came");
    session.show(&["export", "copy"])?;
    let same = tree(&session.folder.join("vault"))? == tree(&session.folder.join("copy"))?;
    holds(same, "the copy is the same as the vault, byte for byte")
}

fn merge(session: &Session) -> Result<(), Failure> {
    heading("Merge: one note, edited inside and outside");
    let id = session.note(NOTE)?;
    // Any unambiguous ending of an id will do, and eight characters are what a person would copy.
    let ending = &id[id.len().saturating_sub(8)..];
    session.show(&["edit", ending, "--append", INSIDE])?;

    println!("\nMeanwhile, another editor changes another paragraph of vault/{FILE}:");
    println!("- {OUTSIDE_BEFORE}\n+ {OUTSIDE_AFTER}");
    let file = session.folder.join("vault").join(FILE);
    let text = fs::read_to_string(&file).map_err(|error| Failure::of(format!("read {FILE}"), error))?;
    let edited = text.replacen(OUTSIDE_BEFORE, OUTSIDE_AFTER, 1);
    holds(edited != text, "the file holds the sentence to change")?;
    fs::write(&file, edited).map_err(|error| Failure::of(format!("write {FILE}"), error))?;

    session.show(&["import", "vault"])?;
    session.show(&["show", ending])?;
    let body = json::string(&session.ask(&["--json", "show", ending])?, "body").unwrap_or_default();
    holds(body.contains(OUTSIDE_AFTER) && body.contains(INSIDE), "both edits are in the note")?;
    holds(!body.contains(OUTSIDE_BEFORE), "and what was replaced is gone")
}

fn write_back(session: &Session, shipped: &Path) -> Result<(), Failure> {
    heading("Export into the vault: just the merged note is written");
    session.show(&["export", "vault"])?;
    let (before, after) = (tree(shipped)?, tree(&session.folder.join("vault"))?);
    let changed: Vec<&str> =
        after.iter().filter(|(path, bytes)| before.get(*path) != Some(*bytes)).map(|(path, _)| path.as_str()).collect();
    for path in &changed {
        println!("\nvault/{path}, against the one that came:");
        print_difference(before.get(*path), after.get(*path));
    }
    holds(before.len() == after.len() && changed == [FILE], "no other file differs")?;
    let merged = after.get(FILE).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    holds(merged.contains(OUTSIDE_AFTER) && merged.contains(INSIDE), "both edits are in the file")
}

fn many_programs(session: &Session) -> Result<(), Failure> {
    heading("One store, many programs: whoever hosts it may go, and the others carry on");
    session.show(&["daemon", "status"])?;
    let host = || session.ask(&["--json", "daemon", "status"]).map(|status| json::number(&status, "pid"));
    let before = host()?.ok_or_else(|| Failure::Failed("Nobody hosts the store.".to_owned()))?;
    println!("\n$ kill -9 {before}");
    let killed = Command::new("kill").args(["-9", &before.to_string()]).status();
    let killed = killed.map_err(|error| Failure::of("run kill", error))?;
    holds(killed.success(), "the daemon that the first command started is killed")?;
    session.show(&["search", "twine", "--kind", "capture"])?;
    let after = host()?;
    holds(after.is_some_and(|after| after != before), "another hosts by now, and nothing was lost")?;
    session.show(&["daemon", "stop"])?;
    Ok(())
}

/// A temporary folder with a copy of the vault and a store, and the `altair` that works there.
struct Session {
    altair: PathBuf,
    folder: PathBuf,
}

impl Session {
    fn start(altair: PathBuf, vault: &Path) -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("altair-demo-{}", process::id()));
        fs::create_dir(&folder).map_err(|error| Failure::of(format!("make {}", folder.display()), error))?;
        let session = Self { altair, folder };
        for (path, bytes) in tree(vault)? {
            let copy = session.folder.join("vault").join(path);
            copy.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&copy, bytes))
                .map_err(|error| Failure::of(format!("copy the vault to {}", copy.display()), error))?;
        }
        println!("\n$ cd {}", session.folder.display());
        println!("$ export ALTAIR_HOME=$PWD/store");
        Ok(session)
    }

    /// Runs `altair ARGS` for all to see; gives what it printed.
    fn show(&self, args: &[&str]) -> Result<String, Failure> {
        let typed: Vec<String> = args.iter().map(|word| quoted(word)).collect();
        println!("\n$ altair {}", typed.join(" "));
        let output = self.ask(args)?;
        print!("{output}");
        Ok(output)
    }

    /// Runs `altair ARGS` quietly; gives what it printed. Its messages still reach the terminal.
    fn ask(&self, args: &[&str]) -> Result<String, Failure> {
        let mut altair = Command::new(&self.altair);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ALTAIR_")) {
            altair.env_remove(name);
        }
        altair.args(args).current_dir(&self.folder).env("ALTAIR_HOME", self.folder.join("store"));
        let output = altair
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Failure::of(format!("run {}", self.altair.display()), error))?;
        if !output.status.success() {
            return Err(Failure::Failed(format!("`altair {}` failed ({}).", args.join(" "), output.status)));
        }
        String::from_utf8(output.stdout).map_err(|error| Failure::of("read what altair printed", error))
    }

    /// The id of the note called `title`.
    fn note(&self, title: &str) -> Result<String, Failure> {
        self.ask(&["--json", "list", "note", "--limit", "1000"])?
            .lines()
            .find(|line| json::string(line, "title").as_deref() == Some(title))
            .and_then(|line| json::string(line, "id"))
            .ok_or_else(|| Failure::Failed(format!("`altair list note` names no note called {title}.")))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where the demo failed, the daemon is still there.
        let _ = self.ask(&["--json", "daemon", "stop"]);
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}

/// Every file below `folder`, by its path with `/` between names.
fn tree(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    fn gather(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                gather(&entry.path(), &format!("{path}/"), files)?;
            } else {
                files.insert(path, fs::read(entry.path())?);
            }
        }
        Ok(())
    }
    let mut files = BTreeMap::new();
    gather(folder, "", &mut files).map_err(|error| Failure::of(format!("read {}", folder.display()), error))?;
    Ok(files)
}

/// The lines that only one side has. Enough to look at for a note or two; not a diff.
fn print_difference(before: Option<&Vec<u8>>, after: Option<&Vec<u8>>) {
    let text =
        |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let (before, after) = (text(before), text(after));
    for line in before.lines().filter(|line| !after.lines().any(|other| other == *line)) {
        println!("- {line}");
    }
    for line in after.lines().filter(|line| !before.lines().any(|other| other == *line)) {
        println!("+ {line}");
    }
}

fn heading(text: &str) {
    println!("\n── {text}");
}

/// Says that `claim` holds, or fails with it.
fn holds(so: bool, claim: &str) -> Result<(), Failure> {
    if so {
        println!("✓ {claim}");
        return Ok(());
    }
    Err(Failure::Failed(format!("This should hold and doesn't: {claim}.")))
}
