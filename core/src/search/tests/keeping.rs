//! What stays: closing, reopening, other versions, small commits, threads, crashes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

const CHILD_DIR: &str = "ALTAIR_TEST_INDEX";

#[test]
fn a_closed_index_opens_as_it_was() {
    let (dir, index) = index_of([note(1, "a", "apple")]);
    assert_eq!(index.rebuilt(), Some("there was none yet"));
    index.put([note(2, "b", "apple")]).unwrap();
    index.close();
    let index = open(dir.path());
    assert_eq!((index.rebuilt(), index.holds(), index.len()), (None, 1, 1));
    assert_eq!(found(&index, "apple"), ["a"]);
    index.verify().unwrap();
    index.put([note(2, "b", "apple")]).unwrap();
    index.commit(7).unwrap();
    assert_eq!((index.holds(), index.len()), (7, 2));
}

#[test]
fn a_commit_without_documents_moves_what_it_holds() {
    let (dir, index) = index_of([]);
    index.commit(9).unwrap();
    drop(index);
    assert_eq!(open(dir.path()).holds(), 9);
}

#[test]
fn another_store_or_version_starts_anew() {
    let (dir, index) = index_of([note(1, "a", "apple")]);
    index.close();
    let other = SearchIndex::open(dir.path(), "store-b").unwrap();
    assert_eq!((other.rebuilt(), other.holds(), other.len()), (Some("it belongs to another store"), 0, 0));
}

#[test]
fn an_index_never_committed_starts_anew() {
    let dir = TempDir::new().unwrap();
    let index = open(dir.path());
    index.put([note(1, "a", "apple")]).unwrap();
    drop(index);
    assert_eq!(open(dir.path()).rebuilt(), Some("it was never filled"));
}

#[test]
fn many_small_commits_stay_few_segments() {
    let dir = TempDir::new().unwrap();
    for round in 0..8_u64 {
        // Opened and closed each time, like a command that writes one note.
        let index = open(dir.path());
        for n in 0..10 {
            index.put([note(round * 10 + n, "title", "apple")]).unwrap();
            index.commit(round * 10 + n + 1).unwrap();
        }
        index.close();
    }
    let index = open(dir.path());
    assert_eq!((index.len(), index.holds(), index.rebuilt()), (80, 80, None));
    assert_eq!(hits(&index, "apple").len(), 50);
    let segments = files(dir.path()).iter().filter(|file| file.to_string_lossy().ends_with(".store")).count();
    assert!(segments <= 24, "{segments} segments");
    index.verify().unwrap();
}

#[test]
fn a_second_writer_is_told_to_wait() {
    let (dir, index) = index_of([note(1, "a", "apple")]);
    let second = open(dir.path());
    assert_eq!(found(&second, "apple"), ["a"]);
    second.put([note(2, "b", "apple")]).unwrap();
    assert!(matches!(second.commit(2), Err(SearchError::Busy { .. })));
    assert_eq!(second.holds(), 1);
    index.close();
    second.put([note(2, "b", "apple")]).unwrap();
    second.commit(2).unwrap();
    assert_eq!(second.len(), 2);
}

#[test]
fn threads_share_an_index() {
    let (_dir, index) = index_of([note(1, "a", "apple")]);
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let index = &index;
            scope.spawn(move || {
                for n in 0..5 {
                    index.put([note(100 + thread * 10 + n, "b", "apple")]).unwrap();
                    index.commit(1).unwrap();
                    assert!(!found(index, "apple").is_empty());
                }
            });
        }
    });
    assert_eq!(index.len(), 16);
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    fs::write(dir.path().join(files::META), "{}").unwrap();
    let index = open(dir.path());
    assert!(index.rebuilt().is_some_and(|reason| reason.contains("couldn't be read")), "{:?}", index.rebuilt());
    assert_eq!(fs::read(dir.path().join("mine.txt")).unwrap(), b"mine");
    assert!(dir.path().join("folder").is_dir());
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = SearchIndex::open(&dir.path().join("file"), STORE).unwrap_err();
    assert!(matches!(error, SearchError::Io { .. }), "{error}");
}

#[test]
fn a_killed_writer_leaves_the_last_commit() {
    let dir = TempDir::new().unwrap();
    let mut told = 0;
    for round in 1..=8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "search::tests::keeping::writes_until_killed", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for _ in 0..round {
            let commit = lines.find_map(|line| line.strip_prefix("commit ")?.parse().ok());
            told = commit.expect("the child ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let index = open(dir.path());
        assert_eq!(index.rebuilt(), None);
        assert!(index.holds() >= told, "{} was answered, {told} is there", index.holds());
        assert_eq!(index.len(), index.holds());
        index.verify().unwrap();
    }
}

#[test]
#[ignore = "the child process of a_killed_writer_leaves_the_last_commit"]
fn writes_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let index = open(Path::new(&dir));
    let mut out = std::io::stdout();
    loop {
        let next = index.holds() + 1;
        index.put([note(next, "title", "apple")]).unwrap();
        index.commit(next).unwrap();
        // A line of its own, whatever the test harness has written before.
        writeln!(out, "\ncommit {next}").unwrap();
        out.flush().unwrap();
    }
}
