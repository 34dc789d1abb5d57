//! Real typing, replayed through [`Text`]: every edit goes the way of a person's edit (the whole new text is given, the difference is
//! found), and a second replica that gets only the updates must say the same.
//!
//! The traces are `automerge-paper` and `friendsforever` of github.com/josephg/editing-traces, read from `$ALTAIR_DATA/traces`; where
//! that isn't set the tests print that they were skipped. The tier decides how finely `automerge-paper` is cut: in `ci` into some hundred
//! edits, in `nightly` into tens of thousands. It is one author's keystrokes in order, so any cut must end in the same text.
//!
//! `friendsforever` is replayed keystroke by keystroke in both tiers. Its format promises that nobody inserts at the same place at
//! the same time, so that any CRDT ends in its `endContent`, and that each author's transactions are in order, so that a peer per author
//! is enough; the second promise is checked here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use altair_core::merge::Text;
use altair_core::merge::text::device_peer;
use altair_protocol::{Bytes, DeviceId};
use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where, in characters; how many are deleted there; what is inserted there.
type Patch = (usize, usize, String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sequential {
    start_content: String,
    end_content: String,
    txns: Vec<SequentialTxn>,
}

#[derive(Deserialize)]
struct SequentialTxn {
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Concurrent {
    end_content: String,
    num_agents: u16,
    txns: Vec<ConcurrentTxn>,
}

#[derive(Deserialize)]
struct ConcurrentTxn {
    parents: Vec<usize>,
    agent: usize,
    patches: Vec<Patch>,
}

/// A trace by its name; `None`, and a line that says so, where there is no data.
fn trace<T: DeserializeOwned>(name: &str) -> Option<T> {
    let Some(data) = std::env::var_os("ALTAIR_DATA") else {
        println!("skipped: the trace {name} needs ALTAIR_DATA, the folder of real vaults and traces");
        return None;
    };
    let path = PathBuf::from(data).join("traces").join(format!("{name}.json.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_reader(BufReader::new(GzDecoder::new(BufReader::new(file)))).unwrap())
}

fn nightly() -> bool {
    std::env::var("ALTAIR_TEST_TIER").is_ok_and(|tier| tier == "nightly")
}

fn peer(number: u16) -> u64 {
    device_peer(DeviceId::v7(u64::from(number), [0; 10]))
}

/// A text under a cursor. Patches near each other are cheap, however long the text is.
struct Typed {
    before: Vec<char>,
    /// What comes after the cursor, last character first.
    after: Vec<char>,
}

impl Typed {
    fn new(text: &str) -> Self {
        Self { before: text.chars().collect(), after: Vec::new() }
    }

    fn patch(&mut self, (at, deleted, inserted): &Patch) {
        while self.before.len() > *at {
            self.after.extend(self.before.pop());
        }
        while self.before.len() < *at {
            self.before.push(self.after.pop().expect("a patch lies within the text"));
        }
        self.after.truncate(self.after.len().checked_sub(*deleted).expect("a patch lies within the text"));
        self.before.extend(inserted.chars());
    }

    fn text(&self) -> String {
        self.before.iter().chain(self.after.iter().rev()).collect()
    }
}

#[test]
fn the_keystrokes_of_one_author_end_in_their_text() {
    let Some(trace) = trace::<Sequential>("automerge-paper") else { return };
    let patches: Vec<&Patch> = trace.txns.iter().flat_map(|txn| &txn.patches).collect();
    let batch = if nightly() { 10 } else { 500 };

    let mut typed = Typed::new(&trace.start_content);
    let (text, mut other) = (Text::default(), Text::default());
    for patches in patches.chunks(batch) {
        for patch in patches {
            typed.patch(patch);
        }
        let new = typed.text();
        if let Some(edit) = text.edit(&new, peer(1)).unwrap() {
            other.import(&edit.update).unwrap();
        }
        assert!(text.read() == new, "an edit must give exactly the new text");
    }

    assert!(typed.text() == trace.end_content, "the trace was read wrongly");
    assert!(text.read() == trace.end_content);
    assert!(other.read() == trace.end_content, "a replica that gets the updates says the same");
    let stored = text.to_bytes().unwrap();
    assert!(Text::read_bytes(&stored).unwrap() == trace.end_content, "and so do the stored bytes");
}

/// One author's device: its text, and which transactions are in it.
struct Author {
    text: Text,
    has: Vec<bool>,
}

impl Author {
    /// Brings in a transaction with all that came before it.
    fn catch_up(&mut self, wanted: &[usize], txns: &[ConcurrentTxn], updates: &[Option<Bytes>]) {
        let mut missing = Vec::new();
        let mut ahead = wanted.to_vec();
        while let Some(txn) = ahead.pop() {
            if !self.has[txn] {
                self.has[txn] = true;
                missing.push(txn);
                ahead.extend(&txns[txn].parents);
            }
        }
        // A transaction's parents always have smaller numbers.
        missing.sort_unstable();
        for update in missing.iter().filter_map(|&txn| updates[txn].as_ref()) {
            self.text.import(update).unwrap();
        }
    }
}

#[test]
fn two_people_typing_at_the_same_time_end_in_their_text() {
    let Some(trace) = trace::<Concurrent>("friendsforever") else { return };
    let txns = &trace.txns;
    let author = || Author { text: Text::default(), has: vec![false; txns.len()] };
    let mut authors: Vec<Author> = (0..trace.num_agents).map(|_| author()).collect();
    let mut last_of: Vec<Option<usize>> = vec![None; authors.len()];
    let mut updates: Vec<Option<Bytes>> = Vec::with_capacity(txns.len());

    for (number, txn) in txns.iter().enumerate() {
        let author = &mut authors[txn.agent];
        // All that an author's text has came before its last transaction. So if that came before this one, the
        // text is now at the version of this one's parents: no more, no less.
        let own_last = last_of[txn.agent].replace(number);
        author.catch_up(&txn.parents, txns, &updates);
        assert!(own_last.is_none_or(|own| is_ancestor(own, number, txns)), "an author's transactions must be in order");
        let mut typed = Typed::new(&author.text.read());
        for patch in &txn.patches {
            typed.patch(patch);
        }
        let edit = author.text.edit(&typed.text(), peer(txn.agent as u16)).unwrap();
        author.has[number] = true;
        updates.push(edit.map(|edit| edit.update));
    }

    let all: Vec<usize> = (0..txns.len()).collect();
    for author in &mut authors {
        author.catch_up(&all, txns, &updates);
    }
    for (number, author) in authors.iter().enumerate() {
        assert_same_text(&author.text.read(), &trace.end_content, &format!("author {number}"));
    }
    // Somebody who was away for all of it gets one document from either.
    let (mut first, mut second) = (Text::default(), Text::default());
    first.import(&authors[0].text.to_bytes().unwrap()).unwrap();
    second.import(&authors[1].text.to_bytes().unwrap()).unwrap();
    second.import(&authors[0].text.to_bytes().unwrap()).unwrap();
    assert_same_text(&first.read(), &trace.end_content, "the first document");
    assert_same_text(&second.read(), &trace.end_content, "both documents");
}

/// Whether `old` came before `new`.
fn is_ancestor(old: usize, new: usize, txns: &[ConcurrentTxn]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let mut ahead = txns[new].parents.clone();
    while let Some(txn) = ahead.pop() {
        if txn == old {
            return true;
        }
        // Nothing that came after `old` has a smaller number.
        if txn > old && seen.insert(txn) {
            ahead.extend(&txns[txn].parents);
        }
    }
    false
}

#[track_caller]
fn assert_same_text(ours: &str, theirs: &str, whose: &str) {
    if ours != theirs {
        let at = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
        let around = |text: &str| {
            let bytes = text.as_bytes();
            String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 40).min(bytes.len())]).into_owned()
        };
        panic!("{whose} differs at byte {at}:\n  ours:   {:?}\n  theirs: {:?}", around(ours), around(theirs));
    }
}
