//! Vaults as they are out there: in, linked, found, merged and out again, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use altair_core::{Altair, Config};
use altair_tests::{Home, Tree, copy, data, skip, tree, write};
use serde_json::{Value, json};

fn import(home: &Home, vault: &Path) -> Value {
    home.json([Path::new("import"), vault])
}

fn export(home: &Home, folder: &Path) -> Value {
    home.json([Path::new("export"), folder])
}

/// Fails with the names of what differs, not with megabytes.
#[track_caller]
fn assert_same(one: &Tree, other: &Tree) {
    let paths: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    let differ: Vec<_> = paths.into_iter().filter(|path| one.get(*path) != other.get(*path)).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
}

#[test]
fn the_real_vault_comes_out_as_it_went_in() {
    let Some(vault) = data("vault-en") else { return };
    let home = Home::new();
    let report = import(&home, &vault);
    assert_eq!(report, json!({"notes": 173, "attachments": 135, "links": 1811, "unchanged": 0, "skipped": []}));
    let head = home.head();
    let again = import(&home, &vault);
    assert_eq!(again, json!({"notes": 0, "attachments": 0, "links": 1811, "unchanged": 308, "skipped": []}));
    assert_eq!(home.head(), head, "importing it again writes nothing");
    let out = home.path("out");
    assert_eq!(export(&home, &out), json!({"notes": 173, "attachments": 135, "unchanged": 0, "skipped": []}));
    assert_same(&tree(&vault), &tree(&out));
    assert_eq!(export(&home, &out), json!({"notes": 0, "attachments": 0, "unchanged": 308, "skipped": []}));
    // Through a backup, too.
    let backup = home.path("backup");
    home.json([Path::new("backup"), &backup]);
    let other = Home::new();
    other.json([Path::new("restore-backup"), &backup]);
    export(&other, &other.path("out"));
    assert_same(&tree(&vault), &tree(&other.path("out")));
    assert_eq!(other.json(["doctor"])["health"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_vaults_links_lead_where_obsidian_leads_them() {
    let Some(vault) = data("vault-en") else { return };
    let home = Home::new();
    import(&home, &vault);
    let notes = home.all(&["list", "note"]);
    assert_eq!(notes.len(), 173);
    let altair = Altair::open(Config::new(home.store())).await.unwrap();
    let mut unresolved = BTreeSet::new();
    let (mut there, mut back) = (BTreeSet::new(), BTreeSet::new());
    for note in &notes {
        let id = altair.find(note["id"].as_str().unwrap()).await.unwrap();
        let shown = serde_json::to_value(altair.show(id).await.unwrap()).unwrap();
        let here = note["title"].as_str().unwrap().to_owned();
        for link in shown["links"].as_array().unwrap() {
            match link["id"].as_str() {
                Some(to) => there.insert((id.to_string(), to.to_owned())),
                None => unresolved.insert((here.clone(), link["title"].as_str().unwrap().to_owned())),
            };
        }
        for link in shown["backlinks"].as_array().unwrap() {
            back.insert((link["id"].as_str().unwrap().to_owned(), id.to_string()));
        }
    }
    altair.close().await.unwrap();
    // A note's links are told once for each target; these are all that lead nowhere, two of them examples of syntax.
    let wanted =
        [("Internal links", "Example"), ("Internal links", "Example.md"), ("Obsidian CLI", "obsidian-cli.mp4")];
    assert_eq!(unresolved, wanted.map(|(note, target)| (note.to_owned(), target.to_owned())).into());
    // Every link between notes is a backlink at its other end, and the other way round.
    let ids: BTreeSet<&str> = notes.iter().map(|note| note["id"].as_str().unwrap()).collect();
    there.retain(|(_, to)| ids.contains(to.as_str()));
    assert_eq!(there, back);
}

/// The titles of the notes whose text, in lower case, is as asked: read from the files, not from the store.
fn notes_where(vault: &Path, holds: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let files = tree(vault);
    let notes = files.iter().filter(|(path, _)| path.extension() == Some(OsStr::new("md")));
    let matching = notes.filter(|(path, content)| {
        let title = path.file_stem().unwrap().to_string_lossy().to_lowercase();
        holds(&format!("{title}\n{}", String::from_utf8_lossy(content).to_lowercase()))
    });
    matching.map(|(path, _)| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn ten_questions_to_the_real_vault_are_answered_as_reading_answers_them() {
    let Some(vault) = data("vault-en") else { return };
    let home = Home::new();
    import(&home, &vault);
    type Reader = fn(&str) -> bool;
    let questions: [(&str, &str, Reader); 10] = [
        // A phrase.
        ("\"headless sync\"", "Headless Sync", |text| text.contains("headless sync")),
        // A word, in any case.
        ("mathjax", "Advanced formatting syntax", |text| text.contains("mathjax")),
        ("EVERNOTE", "Import from Evernote", |text| text.contains("evernote")),
        ("wayland", "Troubleshoot Web Clipper", |text| text.contains("wayland")),
        // A beginning.
        ("zettelk", "Import Zettelkasten notes", |text| text.contains("zettelk")),
        // All words, and not another.
        ("zettelkasten -converter", "Import notes", |text| {
            text.contains("zettelkasten") && !text.contains("converter")
        }),
        ("wayland clipboard", "Troubleshoot Web Clipper", |text| {
            text.contains("wayland") && text.contains("clipboard")
        }),
        // Without accents: Côté.
        ("cote", "Credits", |text| text.contains("côté")),
        // Names in Chinese characters, by their pairs.
        ("拓海", "Credits", |text| text.contains("拓海")),
        ("你好", "Filters", |text| text.contains("你好")),
    ];
    for (query, best, reader) in questions {
        let mut hits = home.lines(["search", query, "--kind", "note", "--limit", "1000"]);
        assert_eq!(hits.pop().unwrap()["next"], Value::Null, "{query}");
        let titles: Vec<&str> = hits.iter().map(|hit| hit["title"].as_str().unwrap()).collect();
        let wanted = notes_where(&vault, reader);
        assert_eq!(titles.iter().map(|title| (*title).to_owned()).collect::<BTreeSet<_>>(), wanted, "{query}");
        assert_eq!(titles.len(), wanted.len(), "{query}: {titles:?}");
        assert_eq!(titles.first(), Some(&best), "{query}: {titles:?}");
    }
    let by_tag = home.lines(["search", "tag:camelCase"]);
    assert_eq!(by_tag.len(), 2, "{by_tag:?}");
    assert_eq!(by_tag[0]["title"], "Tags");
    let snippet = home.lines(["search", "wayland"])[0]["snippet"].as_str().unwrap().to_owned();
    assert!(snippet.to_lowercase().contains("«wayland»"), "{snippet}");
}

/// A vault with everything that is awkward and can be imported.
fn awkward(vault: &Path) {
    let files: &[(&str, &[u8])] = &[
        ("plain.md", b"plain [[Nested note]] and [[not there]]\n"),
        ("a/b/c/Nested note.md", b"back to [[plain]] ![[image.png]]"),
        ("crlf.md", b"---\r\ntags: [x]\r\n---\r\none\r\ntwo\r\n"),
        ("mixed ends.md", b"one\r\ntwo\nthree\rfour"),
        ("empty.md", b""),
        ("only a line end.md", b"\n"),
        ("spaces at the end.md", b"text   \n\n\n   "),
        ("bom.md", b"\xef\xbb\xbf# With a byte order mark\n"),
        ("bom and front.md", b"\xef\xbb\xbf---\ntags: [x]\n---\nbody"),
        ("日本語のノート.md", "京都の旅 [[plain]]\n".as_bytes()),
        ("ملاحظة.md", "مرحبا بالعالم\n".as_bytes()),
        ("🦀 crab.md", "🦀👩‍👩‍👧‍👦 and \u{202e}backwards\u{202c}\n".as_bytes()),
        ("composed \u{e9}.md", b"one character"),
        ("decomposed e\u{301}.md", b"two characters"),
        ("front/unclosed.md", b"---\ntags: [x\nno end"),
        ("front/not yaml.md", b"---\n: : {{{ [\n\t- ?\n---\nbody\n"),
        ("front/nested.md", b"---\na:\n  b:\n    - c: 1\n      d: [2, {e: f}]\nz: |\n  text\n   more\n# a comment\na: twice\n\"quoted key\": 'x'\n---\nbody\n"),
        ("front/empty front.md", b"---\n---\n"),
        ("front/only front.md", b"---\na: b\n---"),
        ("front/a list.md", b"---\n- one\n- two\n---\nbody"),
        ("front/dots.md", b"---\na: b\n...\nbody"),
        ("front/wide fence.md", b"--- \na: b\n---  \nbody"),
        ("front/anchors.md", b"---\na: &x [1]\nb: *x\nc: !tag v\nd: 2026-01-01\ne: ~\nf: 0o17\n---\n"),
        ("front/bomb.md", b"---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n---\n"),
        ("links.md", b"[[plain#head|shown]] [[a/b/c/Nested note]] [[#here]] [[]] [[ ]] [[|]] [[a|b|c]] [x](plain.md) [y](a%2Fb.md) [[../plain]] [[plain#^block]] ![[plain]] [[un\nclosed]] [[[plain]]]\n"),
        ("Case.md", b"upper"),
        ("case.md", b"lower"),
        ("folder/case.md", b"in a folder"),
        ("same.md", b"same content"),
        ("copy/same.md", b"same content"),
        (".obsidian/app.json", b"{\"theme\": 1}"),
        (".obsidian/workspace", b"x"),
        (".hidden.md", b"hidden"),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\r"),
        ("no ending", b"\0\x01\x02"),
        ("empty.bin", b""),
        ("UPPER.MD", b"upper ending"),
        (".md", b"no name"),
        ("folder.md/in a folder that ends in md.md", b"x"),
        ("what? a*b.md", b"signs"),
        (" leading space.md", b"x"),
        ("trailing space .md", b"x"),
        ("dots...md", b"x"),
        ("back\\slash.md", b"x"),
        ("percent %20.md", b"x"),
        ("hash # and ^ and [x].md", b"x"),
        ("-dash.md", b"x"),
        ("quote'\"`$(x).md", b"x"),
    ];
    for (path, content) in files {
        write(&vault.join(path), content);
    }
    write(&vault.join("d/".repeat(120)).join("deep.md"), "deep down [[plain]]");
    write(&vault.join(format!("{}.md", "n".repeat(240))), "a long name");
    write(&vault.join("long line.md"), "word ".repeat(100_000));
    write(&vault.join("brackets.md"), "[[".repeat(50_000));
    write(&vault.join("quotes.md"), "> ".repeat(20_000) + "deep");
    write(&vault.join("control.md"), "bell \u{7} escape \u{1b}[31m form feed \u{c} line separator \u{2028}");
    write(&vault.join("large.bin"), vec![7_u8; 3 << 20]);
}

#[test]
fn an_awkward_vault_comes_out_as_it_went_in() {
    let home = Home::new();
    let vault = home.path("vault");
    awkward(&vault);
    let before = tree(&vault);
    let report = import(&home, &vault);
    // A name that no export could write on every system may be left out, if the import says so.
    let left_out: BTreeSet<&str> =
        report["skipped"].as_array().unwrap().iter().filter_map(|s| s["path"].as_str()).collect();
    assert!(left_out.iter().all(|path| *path == "back\\slash.md"), "{report}");
    let head = home.head();
    let again = import(&home, &vault);
    assert_eq!((&again["notes"], &again["attachments"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(home.head(), head, "importing it again writes nothing");
    let out = home.path("out");
    let exported = export(&home, &out);
    let held_back: BTreeSet<&str> =
        exported["skipped"].as_array().unwrap().iter().filter_map(|s| s["path"].as_str()).collect();
    let mut wanted = before.clone();
    wanted.retain(|path, _| !left_out.contains(path.to_str().unwrap()) && !held_back.contains(path.to_str().unwrap()));
    assert_same(&wanted, &tree(&out));
    assert_eq!(home.json(["doctor"])["health"], "ok");
    assert_same(&before, &tree(&vault));
    // Found by what is in them.
    for (query, title) in [("京都", "日本語のノート"), ("مرحبا", "ملاحظة"), ("character -one", "decomposed e\u{301}")]
    {
        assert_eq!(home.lines(["search", query])[0]["title"], title, "{query}");
    }
    assert!(held_back.is_empty(), "this came in without a word and doesn't go out: {held_back:?}");
}

#[test]
fn files_that_cant_be_read_are_named_one_by_one_and_the_rest_comes_in() {
    let home = Home::new();
    let vault = home.path("vault");
    write(&vault.join("good.md"), "good");
    write(&vault.join("not utf-8.md"), b"caf\xe9");
    write(&vault.join("utf-16.md"), b"\xff\xfea\0");
    write(&vault.join("nul.md"), b"a\0b");
    write(&vault.join("nine megabytes.md"), "x".repeat(9 << 20));
    write(&vault.join("eight megabytes.md"), "eight words are in this note, again and ".repeat((8 << 20) / 40));
    write(&vault.join(".git/config"), "x");
    write(&vault.join("line\nbreak.md"), "x");
    write(&vault.join(OsStr::from_bytes(b"caf\xe9.md")), "x");
    write(&home.path("outside.md"), "a secret");
    fs::create_dir(vault.join("folder")).unwrap();
    for (target, link) in [
        ("../outside.md", "out.md"),
        ("..", "up"),
        ("loop.md", "loop.md"),
        ("nowhere.md", "dangling.md"),
        (".", "folder/self"),
        ("/etc/passwd", "passwd.md"),
        ("/dev/zero", "zero.md"),
    ] {
        symlink(target, vault.join(link)).unwrap();
    }
    symlink("good.md", vault.join("inside.md")).unwrap();
    assert!(Command::new("mkfifo").arg(vault.join("fifo.md")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(vault.join("socket")).unwrap();
    let mut wanted: BTreeMap<String, &str> = [
        ("not utf-8.md", "not_utf8"),
        ("utf-16.md", "not_utf8"),
        ("nul.md", "not_text"),
        ("nine megabytes.md", "too_large"),
        (".git", "hidden"),
        ("line\nbreak.md", "name"),
        ("caf\u{fffd}.md", "name"),
        ("out.md", "symlink"),
        ("up", "symlink"),
        ("loop.md", "symlink"),
        ("dangling.md", "symlink"),
        ("folder/self", "symlink"),
        ("passwd.md", "symlink"),
        ("zero.md", "symlink"),
        ("fifo.md", "not_a_file"),
        ("socket", "not_a_file"),
    ]
    .map(|(path, reason)| (path.to_owned(), reason))
    .into();
    if rustix::process::geteuid().is_root() {
        skip("a file without rights: they don't bind root");
    } else {
        write(&vault.join("closed.md"), "x");
        fs::set_permissions(vault.join("closed.md"), fs::Permissions::from_mode(0o000)).unwrap();
        wanted.insert("closed.md".to_owned(), "unreadable");
    }
    let report = import(&home, &vault);
    let skipped: BTreeMap<String, &str> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skipped| (skipped["path"].as_str().unwrap().to_owned(), skipped["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(skipped, wanted);
    assert_eq!(report["skipped"].as_array().unwrap().len(), wanted.len(), "each is named once");
    assert_eq!(report["notes"], 3, "good, inside and eight megabytes: {report}");
    assert_eq!(home.lines(["search", "secret"]).len(), 1, "nothing from outside came in");
    let out = home.path("out");
    export(&home, &out);
    let paths: Vec<PathBuf> = tree(&out).into_keys().collect();
    assert_eq!(paths, ["eight megabytes.md", "good.md", "inside.md"].map(PathBuf::from));
}

/// A store with a vault of three notes, and the vault.
fn with_vault() -> (Home, PathBuf) {
    let home = Home::new();
    let vault = home.path("vault");
    write(&vault.join("Garden.md"), "---\nstatus: open\ntags: [garden]\n---\nfirst line\n\nmiddle\n\nlast line\n");
    write(&vault.join("Other.md"), "see [[Garden]]\n");
    write(&vault.join("folder/Third.md"), "third\n");
    import(&home, &vault);
    (home, vault)
}

fn note_of(home: &Home, title: &str) -> String {
    let notes = home.all(&["list", "note"]);
    let mut found = notes.iter().filter(|note| note["title"] == title);
    let id = found.next().unwrap_or_else(|| panic!("no note {title}"))["id"].as_str().unwrap().to_owned();
    assert!(found.next().is_none(), "{title} is there twice");
    id
}

#[test]
fn edits_made_outside_and_inside_are_merged() {
    let (home, vault) = with_vault();
    let id = note_of(&home, "Garden");
    home.json(["edit", &id, "--append", "added inside"]);
    write(
        &vault.join("Garden.md"),
        "---\nstatus: closed\ntags: [garden]\n---\nfirst line, edited outside\n\nmiddle\n\nlast line\n",
    );
    let report = import(&home, &vault);
    assert_eq!((&report["notes"], &report["unchanged"]), (&json!(1), &json!(2)), "{report}");
    let merged = "first line, edited outside\n\nmiddle\n\nlast line\nadded inside";
    let note = home.json(["show", &id]);
    assert_eq!(note["body"].as_str().unwrap().trim_end(), merged);
    assert_eq!(note["properties"]["status"], "closed");
    assert_eq!(home.all(&["list", "note"]).len(), 3);
    // Out again: both edits are in the file, and the next import finds nothing new.
    let exported = export(&home, &vault);
    assert_eq!((&exported["notes"], &exported["skipped"]), (&json!(1), &json!([])), "{exported}");
    let file = fs::read_to_string(vault.join("Garden.md")).unwrap();
    assert_eq!(file.trim_end(), format!("---\nstatus: closed\ntags: [garden]\n---\n{merged}"));
    let head = home.head();
    assert_eq!(import(&home, &vault)["unchanged"], 3);
    assert_eq!(home.head(), head);
    // Outside again, with nothing done inside: what was exported is what the edit starts from.
    write(&vault.join("Garden.md"), file.replace("middle\n", ""));
    import(&home, &vault);
    export(&home, &vault);
    assert_eq!(fs::read_to_string(vault.join("Garden.md")).unwrap(), file.replace("middle\n", ""));
}

#[test]
fn a_file_that_changed_outside_is_never_written_over_unless_forced() {
    let (home, vault) = with_vault();
    let id = note_of(&home, "Garden");
    home.json(["edit", &id, "--body", "from inside"]);
    write(&vault.join("Garden.md"), "from outside");
    write(&vault.join("folder/Third.md"), "changed outside only");
    let before = tree(&vault);
    let report = export(&home, &vault);
    let skipped = json!([
        {"path": "Garden.md", "reason": "changed_outside"},
        {"path": "folder/Third.md", "reason": "changed_outside"},
    ]);
    assert_eq!(report["skipped"], skipped);
    assert_same(&before, &tree(&vault));
    // A folder with files of others that were never imported.
    let others = home.path("others");
    write(&others.join("Other.md"), "somebody else's");
    write(&others.join("Unrelated.md"), "somebody else's");
    let report = export(&home, &others);
    assert_eq!(report["skipped"], json!([{"path": "Other.md", "reason": "changed_outside"}]));
    assert_eq!(fs::read_to_string(others.join("Other.md")).unwrap(), "somebody else's");

    let forced = home.json([Path::new("export"), &vault, Path::new("--force")]);
    assert_eq!(forced["skipped"], json!([]));
    assert!(fs::read_to_string(vault.join("Garden.md")).unwrap().ends_with("from inside"));
    assert_eq!(fs::read_to_string(vault.join("folder/Third.md")).unwrap(), "third\n");
    home.json([Path::new("export"), &others, Path::new("--force")]);
    assert_eq!(fs::read_to_string(others.join("Unrelated.md")).unwrap(), "somebody else's");
}

#[test]
fn what_stands_in_the_way_of_an_export_is_named() {
    let (home, _) = with_vault();
    let out = home.path("out");
    write(&out.join("folder"), "a file where a folder should be");
    fs::create_dir_all(out.join("Other.md")).unwrap();
    write(&home.path("elsewhere.md"), "elsewhere");
    symlink("../elsewhere.md", out.join("Garden.md")).unwrap();
    for force in [&[][..], &["--force"]] {
        let mut command = home.command([Path::new("export"), &out]);
        let run = altair_tests::run(command.args(force), b"");
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(report["skipped"].as_array().unwrap().len(), 3, "{report}");
    }
    assert_eq!(fs::read_to_string(home.path("elsewhere.md")).unwrap(), "elsewhere");
    assert_eq!(fs::read_to_string(out.join("folder")).unwrap(), "a file where a folder should be");
}

#[test]
fn a_file_that_was_moved_keeps_its_note() {
    let (home, vault) = with_vault();
    let id = note_of(&home, "Garden");
    home.json(["tag", &id, "+favourite"]);
    home.json(["edit", &id, "--append", "added inside"]);
    fs::create_dir_all(vault.join("moved/deeper")).unwrap();
    fs::rename(vault.join("Garden.md"), vault.join("moved/deeper/Allotment.md")).unwrap();
    import(&home, &vault);
    assert_eq!(home.all(&["list", "note"]).len(), 3);
    let note = home.json(["show", &id]);
    assert_eq!((&note["title"], &note["path"]), (&json!("Allotment"), &json!("moved/deeper/Allotment.md")));
    assert!(note["tags"].as_array().unwrap().contains(&json!("favourite")), "{note}");
    assert!(note["body"].as_str().unwrap().contains("added inside"));
    // It goes back to where it is now, and not to where it was.
    export(&home, &vault);
    assert!(!vault.join("Garden.md").exists());
    assert!(fs::read_to_string(vault.join("moved/deeper/Allotment.md")).unwrap().contains("added inside"));
    let head = home.head();
    import(&home, &vault);
    assert_eq!(home.head(), head, "importing it again writes nothing");
}

#[test]
fn a_file_that_is_gone_takes_no_note_with_it() {
    let (home, vault) = with_vault();
    fs::remove_file(vault.join("Other.md")).unwrap();
    fs::remove_dir_all(vault.join("folder")).unwrap();
    import(&home, &vault);
    assert_eq!(home.all(&["list", "note"]).len(), 3);
    export(&home, &vault);
    assert_eq!(fs::read_to_string(vault.join("folder/Third.md")).unwrap(), "third\n");
}

#[test]
fn a_link_to_a_note_that_isnt_there_yet_resolves_when_it_appears() {
    let (home, vault) = with_vault();
    write(&vault.join("Plan.md"), "[[Shed]] and [[folder/Third|that]] and [[garden]]");
    import(&home, &vault);
    let plan = note_of(&home, "Plan");
    let ids = |home: &Home| -> BTreeMap<String, Value> {
        let shown = home.json(["show", &plan]);
        let links = shown["links"].as_array().unwrap().clone();
        links.iter().map(|link| (link["title"].as_str().unwrap().to_lowercase(), link["id"].clone())).collect()
    };
    let before = ids(&home);
    assert_eq!(before["shed"], Value::Null, "{before:?}");
    assert_eq!(before["garden"], note_of(&home, "Garden"), "{before:?}");
    assert_eq!(before["third"], note_of(&home, "Third"), "{before:?}");
    write(&vault.join("later/Shed.md"), "here it is");
    import(&home, &vault);
    let shed = note_of(&home, "Shed");
    assert_eq!(ids(&home)["shed"], shed);
    let backlinks = home.json(["show", &shed])["backlinks"].clone();
    assert_eq!(backlinks[0]["id"], plan);
}

#[test]
fn a_vault_that_is_imported_from_a_copy_is_the_same_vault() {
    let (home, vault) = with_vault();
    let elsewhere = home.path("elsewhere/vault");
    copy(&vault, &elsewhere);
    let head = home.head();
    let report = import(&home, &elsewhere);
    assert_eq!((&report["unchanged"], &report["notes"]), (&json!(3), &json!(0)), "{report}");
    assert_eq!(home.all(&["list", "note"]).len(), 3);
    assert_eq!(home.head(), head);
}
