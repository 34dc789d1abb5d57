//! docs/protocol.md can be relied on: its examples are what the library reads and writes, its tables name every code there is, and its limits are those that hold.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]

use std::any::type_name;
use std::collections::BTreeMap;

use altair_protocol::sync::{
    self, BootstrapLine, Checksum, CloseCode, DeviceFrame, ErrorBody, Found, HttpCode, Item, Joined, Pair, Paired,
    Pushed, Refusal, Renew, ResetReason, ServerFrame, SyncId, What,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// The lines of the page's examples, by what they are examples of.
fn examples() -> BTreeMap<String, Vec<String>> {
    let page = page();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let name = info.strip_prefix("json ").unwrap_or_else(|| panic!("an example of what? {line}"));
        let example = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned);
        found.entry(name.to_owned()).or_default().extend(example);
    }
    found
}

/// That a line is a value of the type, with all that it says and nothing else.
fn is_all<T: DeserializeOwned + Serialize>(line: &str) {
    let value: T = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let written = serde_json::to_value(&value).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert_eq!(written, serde_json::from_str::<Value>(line).unwrap(), "{}", type_name::<T>());
}

/// The table whose first row has these cells: its other rows.
fn table(header: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split(" | ").map(|cell| cell.trim().to_owned()).collect())
    };
    let page = page();
    let mut lines = page.lines().skip_while(|line| cells(line).is_none_or(|cells| cells != header)).skip(2);
    let rows: Vec<_> = lines.by_ref().map_while(cells).collect();
    assert!(!rows.is_empty(), "there is no table {header:?}");
    rows
}

fn word(code: impl Serialize) -> String {
    format!("`{}`", serde_json::to_value(code).unwrap().as_str().unwrap())
}

#[test]
fn every_example_is_what_the_library_reads_and_writes() {
    type Check = fn(&str);
    let checks: BTreeMap<&str, Check> = BTreeMap::from([
        ("Bootstrap", is_all::<BootstrapLine> as Check),
        ("Device", is_all::<DeviceFrame>),
        ("Error", is_all::<ErrorBody>),
        ("Found", is_all::<Found>),
        ("Joined", is_all::<Joined>),
        ("Pair", is_all::<Pair>),
        ("Paired", is_all::<Paired>),
        ("Renew", is_all::<Renew>),
        ("Server", is_all::<ServerFrame>),
        ("States", is_all::<BootstrapLine>),
    ]);
    let examples = examples();
    assert_eq!(examples.keys().collect::<Vec<_>>(), checks.keys().collect::<Vec<_>>());
    for (name, lines) in examples {
        lines.iter().for_each(|line| checks[name.as_str()](line));
    }
}

#[test]
fn every_frame_has_an_example() {
    let examples = examples();
    let shown = |name: &str, of: &str| {
        let begins = format!("{{\"{name}\":");
        assert!(examples[of].iter().any(|line| line.starts_with(&begins)), "no example of {name}");
    };
    DeviceFrame::NAMES.iter().for_each(|name| shown(name, "Device"));
    ServerFrame::NAMES.iter().for_each(|name| shown(name, "Server"));
    ["bootstrap", "entity", "erased", "end"].iter().for_each(|name| shown(name, "Bootstrap"));
}

#[test]
fn the_changes_of_the_examples_can_be_opened() {
    let mut opened = 0;
    for line in examples().remove("Device").unwrap() {
        let DeviceFrame::Push(push) = DeviceFrame::parse(&line).unwrap() else { continue };
        for change in push.changes {
            let Pushed::Change(change) = change else { panic!("{change:?}") };
            change.open().unwrap();
            opened += 1;
        }
    }
    for line in examples().remove("Server").unwrap() {
        let ServerFrame::Changes(changes) = ServerFrame::parse(&line).unwrap() else { continue };
        for Item { what, .. } in changes.items {
            if let What::Change(change) = what {
                change.open().unwrap();
                opened += 1;
            }
        }
    }
    assert_eq!(opened, 2);
}

#[test]
fn the_bootstraps_numbers_and_checksum_are_right() {
    let lines = examples().remove("Bootstrap").unwrap();
    let (last, before) = lines.split_last().unwrap();
    let mut checksum = Checksum::default();
    before.iter().for_each(|line| checksum.line(line));
    let BootstrapLine::End(end) = serde_json::from_str(last).unwrap() else { panic!("{last}") };
    assert_eq!(end.checksum, checksum.hash(), "write this one into the page: {}", checksum.hash());
    let count = |name: &str| before.iter().filter(|line| line.starts_with(name)).count() as u64;
    assert_eq!((end.entities, end.erased), (count("{\"entity\""), count("{\"erased\"")));
}

#[test]
fn the_tables_have_every_code_there_is() {
    let first = |rows: Vec<Vec<String>>| rows.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>();
    let refusals = table(&["code", "why", "what the client does"]);
    assert_eq!(first(refusals), Refusal::ALL.map(word));
    let resets = table(&["reason", "why", "what the client does"]);
    assert_eq!(first(resets), ResetReason::ALL.map(word));
    let closes = table(&["code", "number", "why", "what the client does"]);
    let closes: Vec<_> = closes.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(closes, CloseCode::ALL.map(|code| (word(code), code.number().to_string())));
    let errors = table(&["code", "status", "what"]);
    let errors: Vec<_> = errors.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(errors, HttpCode::ALL.map(|code| (word(code), code.status().to_string())));
}

#[test]
fn the_limits_are_those_that_hold() {
    let bytes = |n: usize| match n {
        n if n >= 1 << 30 => format!("{} GiB", n >> 30),
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n => format!("{} KiB", n >> 10),
    };
    let seconds = |ms: u64| format!("{} s", ms / 1000);
    let limits: Vec<String> = table(&["what", "limit", "beyond it"]).into_iter().map(|mut row| row.remove(1)).collect();
    let hold = [
        bytes(sync::MAX_FRAME),
        bytes(sync::MAX_HELLO),
        bytes(sync::MAX_SERVER_FRAME),
        bytes(sync::MAX_CHANGE),
        bytes(sync::MAX_ENTITY),
        bytes(sync::MAX_PUSH_BYTES),
        sync::MAX_PUSH_CHANGES.to_string(),
        sync::MAX_ITEMS.to_string(),
        sync::MAX_IN_FLIGHT.to_string(),
        bytes(sync::MAX_STATES),
        bytes(usize::try_from(sync::MAX_BLOB).unwrap()),
        seconds(sync::GREETING_MS),
        seconds(sync::DEAD_MS),
        SyncId::MAX.to_string(),
    ];
    assert_eq!(limits, hold);
}
