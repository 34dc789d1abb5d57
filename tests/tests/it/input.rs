//! Bad input: a clear error with the contract's exit code, and nothing written.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use altair_tests::{DEADLINE, Home, error_of, run, write};

/// A store with one of each kind.
struct Filled {
    home: Home,
    capture: String,
    note: String,
    quest: String,
    item: String,
    location: String,
}

impl Filled {
    fn new() -> Self {
        let home = Home::new();
        Self {
            capture: home.id(["capture", "a thought"]),
            note: home.id(["new", "note", "--title", "Note", "--body", "text #garden"]),
            quest: home.id(["new", "quest", "--title", "Quest"]),
            item: home.id(["new", "item", "--title", "Item", "--quantity", "1"]),
            location: home.id(["new", "location", "--title", "Location"]),
            home,
        }
    }

    /// The command is refused with this exit code, and nothing is written.
    #[track_caller]
    fn refused<A: AsRef<OsStr>>(&self, exit: i32, arguments: impl IntoIterator<Item = A>) -> serde_json::Value {
        let head = self.home.head();
        let error = self.home.error(arguments, exit);
        assert_eq!(self.home.head(), head, "something was written: {error}");
        error
    }
}

#[test]
fn ids_that_name_nothing_are_not_found() {
    let filled = Filled::new();
    let unknown = "01a1fcc8-0000-7000-8000-00000000beef";
    for id in [unknown, "beefbeef"] {
        for arguments in [
            &["show", id][..],
            &["edit", id, "--title", "x"],
            &["triage", id, "note"],
            &["delete", id],
            &["restore", id],
            &["erase", id, "--yes"],
            &["history", id],
            &["count", id, "1"],
            &["tag", id, "+x"],
            &["link", id, &filled.note],
            &["link", &filled.note, id],
            &["unlink", id, &filled.note],
            &["cat", id],
            &["new", "quest", "--title", "x", "--parent", id],
            &["new", "item", "--title", "x", "--location", id],
        ] {
            assert_eq!(filled.refused(3, arguments)["kind"], "not_found", "{arguments:?}");
        }
    }
    filled.refused(3, ["revert", &filled.note, "01a1fcc8-0000-7000-8000-00000000beef"]);
    filled.refused(3, ["unlink", &filled.note, &filled.quest]);
    filled.refused(3, ["detach", &filled.note, &filled.quest]);
    filled.refused(3, [OsStr::new("attach"), OsStr::new(&filled.note), filled.home.path("no such file").as_os_str()]);
    filled.refused(3, [OsStr::new("import"), filled.home.path("no such folder").as_os_str()]);
    filled.refused(3, [OsStr::new("restore-backup"), filled.home.path("no such file").as_os_str()]);
}

#[test]
fn what_is_no_id_is_wrong_usage() {
    let filled = Filled::new();
    for id in [
        "",
        "x",
        "abc",
        "not-an-id",
        "zzzz",
        "../../etc/passwd",
        "01a1fcc8-0000-7000-8000-00000000beef00",
        "🦀🦀🦀🦀",
        "%00",
        "a b c d",
    ] {
        filled.refused(2, ["show", id]);
        filled.refused(2, ["delete", id]);
    }
}

#[test]
fn wrong_kinds_are_wrong_usage() {
    let filled = Filled::new();
    for arguments in [
        &["new", "thing", "--title", "x"][..],
        &["new", "capture", "--title", "x"],
        &["list", "thing"],
        &["watch", "thing"],
        &["triage", &filled.capture, "capture"],
        &["triage", &filled.note, "quest"],
        &["count", &filled.note, "1"],
        &["edit", &filled.note, "--energy", "3"],
        &["edit", &filled.note, "--status", "active"],
        &["edit", &filled.note, "--due", "2026-12-24"],
        &["edit", &filled.location, "--quantity", "3"],
        &["edit", &filled.location, "--body", "x"],
        &["new", "note", "--title", "x", "--parent", &filled.quest],
        &["new", "quest", "--title", "x", "--parent", &filled.location],
        &["new", "item", "--title", "x", "--location", &filled.quest],
        &["cat", &filled.note],
        &["search", "x", "--kind", "thing"],
        &["search", "kind:thing"],
    ] {
        filled.refused(2, arguments);
    }
}

#[test]
fn wrong_values_are_wrong_usage() {
    let filled = Filled::new();
    for arguments in [
        &["new", "quest", "--title", "x", "--energy", "9"][..],
        &["new", "quest", "--title", "x", "--energy", "0"],
        &["new", "quest", "--title", "x", "--energy", "-1"],
        &["new", "quest", "--title", "x", "--energy", "much"],
        &["edit", &filled.quest, "--energy", "99999999999999999999"],
        &["new", "quest", "--title", "x", "--due", "soon"],
        &["new", "quest", "--title", "x", "--due", "2026-02-30"],
        &["new", "quest", "--title", "x", "--due", "2026-13-01"],
        &["edit", &filled.quest, "--due", "tomorrow"],
        &["edit", &filled.quest, "--status", "done"],
        &["edit", &filled.item, "--quantity", "many"],
        &["edit", &filled.item, "--quantity", "1.2345"],
        &["edit", &filled.item, "--quantity", "NaN"],
        &["edit", &filled.item, "--quantity", "1e400"],
        &["count", &filled.item, "99999999999999999999999"],
        &["count", &filled.item, "--", ""],
        &["edit", &filled.note],
        &["tag", &filled.note, "+"],
        &["tag", &filled.note, "+two words"],
        &["tag", &filled.note, "garden"],
        &["list", "note", "--limit", "0"],
        &["list", "note", "--limit", "1001"],
        &["list", "note", "--limit", "-1"],
        &["inbox", "--limit", "0"],
        &["trash", "--limit", "0"],
        &["search", "x", "--limit", "0"],
        &["history", &filled.note, "--limit", "0"],
        &["search", ""],
        &["search", "   "],
        &["search", "\"\""],
        &["search", "after:soon"],
        &["search", "x", "before:2026-02-30"],
        &["list", "note", "--tag", ""],
        &["capture", ""],
        &["capture", " \n\t"],
        &["erase", &filled.note],
        &["frobnicate"],
        &["capture"],
        &[],
    ] {
        filled.refused(2, arguments);
    }
}

#[test]
fn control_characters_in_titles_are_refused() {
    let filled = Filled::new();
    for title in ["bell \u{7}", "two\nlines", "escape \u{1b}[31m", "delete \u{7f}", "next line \u{85}", "tab\t"] {
        filled.refused(2, ["new", "note", "--title", title]);
        filled.refused(2, ["edit", &filled.note, "--title", title]);
        filled.refused(2, ["triage", &filled.capture, "note", "--title", title]);
        filled.refused(2, ["new", "item", "--title", "x", "--unit", title]);
    }
    filled.refused(2, ["new".to_owned(), "note".into(), "--title".into(), "x".repeat(1001)]);
}

#[test]
fn a_cursor_from_another_list_is_refused() {
    let filled = Filled::new();
    for n in 0..3 {
        filled.home.id([
            "new".to_owned(),
            "note".into(),
            "--title".into(),
            format!("another {n}"),
            "--body".into(),
            "#garden".into(),
        ]);
        filled.home.id(["capture".to_owned(), format!("another {n}")]);
    }
    let next = |arguments: &[&str]| filled.home.lines(arguments).pop().unwrap()["next"].as_str().unwrap().to_owned();
    let lists = [
        &["list", "note"][..],
        &["list", "note", "--tag", "garden"],
        &["list", "capture"],
        &["inbox"],
        &["search", "another"],
    ];
    let cursors = lists.map(|list| next(&[list, &["--limit", "1"]].concat()));
    for (n, cursor) in cursors.iter().enumerate() {
        for (m, list) in lists.iter().enumerate() {
            let paged = [list, &["--after", cursor][..]].concat();
            if n == m {
                filled.home.lines(&paged);
            } else {
                filled.refused(2, &paged);
            }
        }
        filled.refused(2, ["search", "other words", "--after", if n == 4 { "0" } else { cursor }]);
        filled.refused(2, ["trash", "--after", cursor]);
        filled.refused(2, ["list", "note", "--after", &cursor[1..]]);
        filled.refused(2, ["history", &filled.note, "--after", cursor]);
    }
    for cursor in ["", "x", "-1", "é", "99999999999999999999999"] {
        filled.refused(2, ["list", "note", "--after", cursor]);
        filled.refused(2, ["search", "another", "--after", cursor]);
        filled.refused(2, ["history", &filled.note, "--after", cursor]);
    }
}

#[test]
fn nothing_leads_to_or_lies_inside_itself() {
    let filled = Filled::new();
    filled.refused(2, ["link", &filled.note, &filled.note]);
    filled.refused(2, ["edit", &filled.location, "--parent", &filled.location]);
    filled.refused(2, ["edit", &filled.quest, "--parent", &filled.quest]);
    let inner = filled.home.id(["new", "location", "--title", "Inner", "--parent", &filled.location]);
    let innermost = filled.home.id(["new", "location", "--title", "Innermost", "--parent", &inner]);
    filled.refused(2, ["edit", &filled.location, "--parent", &inner]);
    filled.refused(2, ["edit", &filled.location, "--parent", &innermost]);
    assert!(filled.home.json(["show", &filled.location])["parent"].is_null());
}

#[test]
fn what_the_state_rules_out_is_refused() {
    let filled = Filled::new();
    filled.home.id(["triage", &filled.capture, "note"]);
    assert_eq!(filled.refused(4, ["triage", &filled.capture, "quest"])["kind"], "refused");
    filled.home.id(["delete", &filled.note]);
    filled.refused(4, ["edit", &filled.note, "--title", "x"]);
    filled.refused(4, ["tag", &filled.note, "+x"]);
    filled.refused(4, ["link", &filled.note, &filled.quest]);
    let backup = filled.home.path("backup");
    filled.home.json([OsStr::new("backup"), backup.as_os_str()]);
    filled.refused(4, [OsStr::new("restore-backup"), backup.as_os_str()]);
    let empty = Home::new();
    empty.error(["undo"], 4);
    empty.error(["redo"], 4);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let filled = Filled::new();
    let wrong = OsStr::from_bytes(b"caf\xe9");
    for arguments in [
        vec![OsStr::new("capture"), wrong],
        vec![OsStr::new("search"), wrong],
        vec![OsStr::new("show"), wrong],
        vec![OsStr::new("new"), OsStr::new("note"), OsStr::new("--title"), wrong],
        vec![OsStr::new("edit"), OsStr::new(&filled.note), OsStr::new("--body"), wrong],
        vec![OsStr::new("tag"), OsStr::new(&filled.note), OsStr::from_bytes(b"+caf\xe9")],
    ] {
        filled.refused(2, arguments);
    }
    let head = filled.home.head();
    for (arguments, stdin) in [
        (vec!["capture", "-"], &b"caf\xe9"[..]),
        (vec!["capture", "-"], b"\xff\xfe\x00\x00"),
        (vec!["capture", "-"], b"cut \xf0\x9f\xa6"),
        (vec!["capture", "-"], b"surrogate \xed\xa0\x80"),
        (vec!["capture", "-"], b"nul \0 nul"),
        (vec!["capture", "-"], b""),
        (vec!["new", "note", "--title", "x", "--body", "-"], b"caf\xe9"),
        (vec!["edit", &filled.note, "--body", "-"], b"\0"),
    ] {
        error_of(&run(&mut filled.home.command(arguments), stdin), 2);
        assert_eq!(filled.home.head(), head);
    }
}

#[test]
fn a_note_of_five_gigabytes_is_refused_soon_and_in_little_memory() {
    let filled = Filled::new();
    let head = filled.home.head();
    for arguments in
        [&["capture", "-"][..], &["new", "note", "--title", "x", "--body", "-"], &["edit", &filled.note, "--body", "-"]]
    {
        let begun = Instant::now();
        let mut command = filled.home.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut pipe = child.stdin.take().unwrap();
        let text = "All work and no play makes a long note. ".repeat(26_215);
        let mut peak = 0;
        let mut written = 0_u64;
        // Written until nobody reads on; looked at after each mebibyte.
        while written < 5 << 30 && begun.elapsed() < DEADLINE {
            if pipe.write_all(text.as_bytes()).is_err() {
                break;
            }
            written += text.len() as u64;
            peak = peak.max(peak_kb(&status));
        }
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(written < 64 << 20, "{arguments:?} read {written} bytes");
        assert!(begun.elapsed() < Duration::from_secs(10), "{arguments:?} took {:?}", begun.elapsed());
        assert!(peak < 128 << 10, "{arguments:?} took {peak} KiB of memory");
        assert!(String::from_utf8_lossy(&output.stderr).contains("8 MiB"));
    }
    assert_eq!(filled.home.head(), head);
    // A sparse file costs no disk.
    let file = filled.home.path("huge.md");
    fs::File::create(&file).unwrap().set_len(5 << 30).unwrap();
    filled.refused(2, [Path::new("attach"), Path::new(&filled.note), &file]);
}

/// The most memory that a process has had, in KiB; 0 where the system doesn't say.
fn peak_kb(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn the_largest_text_is_taken_and_one_byte_more_is_not() {
    let filled = Filled::new();
    let most = 8 << 20;
    let run_with = |n: usize| run(&mut filled.home.command(["capture", "-"]), "x".repeat(n).as_bytes());
    assert_eq!(run_with(most).code, Some(0));
    let head = filled.home.head();
    error_of(&run_with(most + 1), 2);
    assert_eq!(filled.home.head(), head);
    let mut note = filled.home.command(["new", "note", "--title", "large", "--body", "-"]);
    let words = "Sie sagte „schön“ und ging. ".repeat(most / 33);
    let made = run(&mut note, words.as_bytes());
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let id = altair_tests::lines_of(&made)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(filled.home.json(["show", &id])["body"].as_str().map(str::len), Some(words.len()));
    // Nor does it grow past the limit piece by piece.
    let room = most - words.len();
    filled.refused(2, ["edit", &id, "--append", &"y".repeat(room)]);
    filled.home.json(["edit", &id, "--append", &"y".repeat(room - 1)]);
    filled.refused(2, ["edit", &id, "--append", "z"]);
}

#[test]
fn paths_that_lead_out_are_refused() {
    let filled = Filled::new();
    let vault = filled.home.path("vault");
    write(&vault.join("a.md"), "a");
    // A vault around the store, or inside it, by any way of saying so.
    for folder in [filled.home.folder().to_owned(), filled.home.store().to_owned(), vault.join("../store/blobs/..")] {
        fs::create_dir_all(filled.home.store().join("blobs")).unwrap();
        filled.refused(2, [Path::new("import"), &folder]);
        filled.refused(2, [Path::new("export"), &folder]);
    }
    filled.refused(2, [Path::new("import"), &vault.join("a.md")]);
    // A note's title never becomes a path out of the folder that it is exported to.
    for title in ["../../escaped", "..", "/etc/escaped", "a/../../escaped", "C:\\escaped", "..\\escaped"] {
        filled.home.id(["new", "note", "--title", title, "--body", "x"]);
    }
    let out = filled.home.path("deep/out");
    let before: Vec<_> = fs::read_dir(filled.home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let exported = filled.home.json([Path::new("export"), &out]);
    assert_eq!(exported["skipped"], serde_json::json!([]), "{exported}");
    assert_eq!(fs::read_dir(&out).unwrap().count() as u64, exported["notes"].as_u64().unwrap(), "{exported}");
    let mut after: Vec<_> =
        fs::read_dir(filled.home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    after.retain(|name| name != "deep");
    assert_eq!(before.len(), after.len(), "{after:?}");
    assert_eq!(fs::read_dir(filled.home.path("deep")).unwrap().count(), 1);
    // `..` on the way to a file that may be read is only a way.
    let file = filled.home.path("vault/../vault/a.md");
    let attached = filled.home.json([Path::new("attach"), Path::new(&filled.note), &file]);
    assert_eq!(attached["name"], "a.md");
}
