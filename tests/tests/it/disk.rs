//! Disks that are full, folders that can't be written to, and paths that are something else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use altair_tests::{DEADLINE, Home, Room, Run, copy, error_of, lines_of, run, skip, tree, try_run, write};

/// Runs a command on a store inside of a room.
fn inside(home: &Home, room: &Room, store: &Path, arguments: &[&str]) -> Run {
    try_run(&mut room.command(&home.command_on(store, arguments)), b"", DEADLINE).unwrap()
}

#[test]
fn a_full_disk_loses_nothing_that_was_answered() {
    let home = Home::new();
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    let room = match Room::new(&disk, r#"mount -t tmpfs -o size=8m tmpfs "$1""#) {
        Ok(room) => room,
        Err(why) => return skip(why),
    };
    let store = disk.join("store");
    let mut answered = Vec::new();
    let mut capture = |text: &str| {
        let run = inside(&home, &room, &store, &["capture", text]);
        if run.code == Some(0) {
            answered.push(text.to_owned());
        }
        run
    };
    assert_eq!(capture("before it was full").code, Some(0));
    inside(&home, &room, &store, &["search", "full"]);
    let leave = |kb: u64| {
        room.shell(r#"cat /dev/zero >> "$1/filler" 2>/dev/null; true"#, &disk);
        room.shell(&format!(r#"truncate -s -{kb}k "$1/filler""#), &disk);
    };
    let mut unclear = Vec::new();
    // From no room at all to room for some of the work: the disk fills up at another place each time.
    for kb in [0, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384] {
        leave(kb);
        for round in 0..3 {
            let text = format!("with {kb} KiB round {round} {}", "and some more ".repeat(400));
            let run = capture(text.trim());
            if run.code != Some(0) {
                let code = run.code.unwrap();
                assert!(code == 1 || code == 5, "{kb} KiB free: exit {code}: {}", run.stderr);
                let error = error_of(&run, code).to_string();
                let clear = ["full", "room", "space"].iter().any(|word| error.contains(word));
                if !clear {
                    unclear.push(format!("{kb} KiB free: exit {code}: {error}"));
                }
            }
            for arguments in [&["search", "full"][..], &["list", "capture"]] {
                let run = inside(&home, &room, &store, arguments);
                assert!(matches!(run.code, Some(0 | 1 | 5)), "{kb} KiB free: {arguments:?}: {}", run.stderr);
            }
        }
    }
    room.shell(r#"rm -f "$1/filler""#, &disk);
    let list = inside(&home, &room, &store, &["list", "capture", "--limit", "1000"]);
    assert_eq!(list.code, Some(0), "with room again: {}", list.stderr);
    let there: Vec<String> =
        lines_of(&list).iter().filter_map(|line| line["text"].as_str().map(str::to_owned)).collect();
    for text in &answered {
        assert_eq!(there.iter().filter(|there| *there == text).count(), 1, "answered: {text}");
    }
    let doctor = inside(&home, &room, &store, &["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}{}", doctor.stderr, String::from_utf8_lossy(&doctor.stdout));
    assert_eq!(inside(&home, &room, &store, &["capture", "after it was full"]).code, Some(0));
    let found = inside(&home, &room, &store, &["search", "full"]);
    assert_eq!(lines_of(&found).len(), 3, "the two captures that say full, and the end of the page");
    assert!(unclear.is_empty(), "these don't say that the disk is full:\n{}", unclear.join("\n"));
}

#[test]
fn a_read_only_store_is_refused_clearly() {
    let home = Home::new();
    home.id(["capture", "kept"]);
    home.lines(["search", "kept"]);
    let before = tree(home.store());
    let room = match Room::new(home.store(), r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1""#) {
        Ok(room) => room,
        Err(why) => return skip(why),
    };
    for arguments in [&["capture", "x"][..], &["list", "capture"], &["doctor"]] {
        let error = error_of(&inside(&home, &room, home.store(), arguments), 5);
        let (message, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
        assert!(
            message.contains(home.store().to_str().unwrap()) && message.to_lowercase().contains("read-only"),
            "{error}"
        );
        assert!(hint.contains("right to write"), "{error}");
    }
    drop(room);
    assert!(before == tree(home.store()));
    assert_eq!(home.all(&["list", "capture"]).len(), 1);
}

#[test]
fn a_store_path_that_is_a_file_is_refused() {
    let home = Home::new();
    write(home.store(), "a file");
    let error = home.error(["capture", "x"], 5);
    assert!(error["message"].as_str().unwrap().contains(home.store().to_str().unwrap()), "{error}");
    assert_eq!(fs::read(home.store()).unwrap(), b"a file");
    // The same for a store that should be inside of a file.
    let inner = home.store().join("inner");
    error_of(&run(&mut home.command_on(&inner, ["capture", "x"]), b""), 5);
}

#[test]
fn a_folder_without_rights_is_refused() {
    let home = Home::new();
    home.id(["capture", "kept"]);
    // Rights don't bind root, so the command runs as somebody else.
    let program = home.path("altair");
    fs::set_permissions(home.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["altair", "altaird"] {
        fs::copy(altair_tests::altair().with_file_name(name), home.path(name)).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let closed = home.path("closed");
    copy(home.store(), &closed);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    let as_somebody = |store: &Path| {
        let mut command = std::process::Command::new(&program);
        command.args(["--json", "--no-daemon", "capture", "x"]).env("ALTAIR_HOME", store).current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        command
    };
    for store in [closed.clone(), closed.join("deeper")] {
        let run = run(&mut as_somebody(&store), b"");
        let error = error_of(&run, 5);
        assert!(error["hint"].as_str().unwrap().contains("right"), "{error}");
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}
