//! docs/local-rpc.md can be relied on: its examples run, its messages and shapes are those of the library, and no method is missing.

use std::any::type_name;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use altair_core::{Altair, ErrorKind, List};
use altair_protocol::request::{
    AttachmentFile, BackedUp, Diagnosis, Exported, Fields, Imported, Resolution, Status as StoreStatus,
};
use altair_protocol::rpc::{self, Call, Code, Done, Fault, Host, Incoming, Request};
use altair_protocol::view::{AttachmentRef, Conflict, Entity, Event, Hit, Shown, Source, Status, Undone, Version};
use altair_protocol::{Change, Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::{config, open, thought, within};

const PAGE: &str = "docs/local-rpc.md";

fn page() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    std::fs::read_to_string(path).unwrap()
}

/// The fenced blocks of a language, each with the rest of its info string.
fn blocks(language: &str) -> Vec<(String, String)> {
    let page = page();
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (of, name) = info.split_once(' ').unwrap_or((info, ""));
        if of == language {
            found.push((name.to_owned(), text.join("\n")));
        }
    }
    assert!(!found.is_empty(), "{PAGE} has no ```{language}");
    found
}

/// The example of a name.
fn example(language: &str, name: &str) -> String {
    let found = blocks(language).into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{PAGE} has no ```{language} {name}")).1
}

/// An example as a process that finds the store of `folder`.
fn process(program: &str, text: &str, folder: &TempDir) -> Command {
    let mut command = Command::new(program);
    command.args(["-c", text]).env("ALTAIR_HOME", config(folder).store);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What an example printed.
async fn printed(program: &str, text: &str, folder: &TempDir) -> String {
    let output = within(process(program, text, folder).output()).await;
    let output = output.unwrap_or_else(|error| panic!("{program} doesn't start ({error}): {}", missing(program)));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {}\n{stderr}", output.status);
    assert_eq!(stderr, "");
    String::from_utf8(output.stdout).unwrap()
}

fn missing(program: &str) -> String {
    format!("the examples of {PAGE} need it; as root: apt-get install {program}")
}

async fn inbox(altair: &Altair) -> Vec<String> {
    let page = altair.list(List::Inbox, 10, None).await.unwrap();
    page.items.into_iter().map(|thought| thought.title).collect()
}

#[tokio::test]
async fn the_example_with_socat_captures_a_thought() {
    let there = std::process::Command::new("socat").arg("-V").output();
    assert!(there.is_ok(), "there is no socat: {}", missing("socat"));
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let printed = printed("sh", &example("sh", "socat"), &folder).await;
    let mut answers: BTreeMap<u64, Value> = BTreeMap::new();
    for line in printed.lines() {
        let mut answer: Value = serde_json::from_str(line).unwrap();
        answers.insert(answer["id"].as_u64().unwrap(), answer["result"].take());
    }
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&1, &2, &3], "{printed}");
    assert_eq!(answers[&1]["protocol"], rpc::VERSION);
    assert_eq!(answers[&2]["pid"], std::process::id());
    assert_eq!(answers[&3]["title"], "Water the figs");
    assert_eq!(inbox(&host).await, ["Water the figs"]);
}

#[tokio::test]
async fn ten_lines_of_python_capture_a_thought() {
    let folder = tempfile::tempdir().unwrap();
    let host = open(&folder).await;
    let text = example("python", "capture");
    assert!(text.lines().count() <= 12, "this is to be short");
    let printed = printed("python3", &text, &folder).await;
    let thought = host.list(List::Inbox, 10, None).await.unwrap().items.remove(0);
    assert_eq!(printed, format!("{} Water the figs\n", thought.id));
}

#[tokio::test]
async fn the_python_that_hands_a_grant_on_hands_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = example("python", "grant");
    let output = within(process("python3", &text, &folder).arg("a.token").output()).await;
    let output = output.unwrap_or_else(|_| panic!("{}", missing("python3")));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a.token\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_python_that_watches_goes_on_with_the_next_host() {
    let folder = tempfile::tempdir().unwrap();
    let (host, next) = (open(&folder).await, open(&folder).await);
    let mut watching = process("python3", &example("python", "watch"), &folder)
        .spawn()
        .unwrap_or_else(|_| panic!("{}", missing("python3")));
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert_eq!(within(lines.next_line()).await.unwrap().unwrap(), "after 0");
    let mut expected = vec![thought(&host, "told by the first").await];
    let mut told: Vec<altair_protocol::EntityId> = Vec::new();
    for round in 0..2 {
        let line = within(lines.next_line()).await.unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        told.push(event["change"]["entity"].as_str().unwrap().parse().unwrap());
        if round == 0 {
            host.clone().close().await.unwrap();
            expected.push(within(thought(&next, "told by the next")).await);
        }
    }
    assert_eq!(told, expected);
    assert!(watching.try_wait().unwrap().is_none(), "it watches on");
}

/// What the library says of a method: its answer's type as the page writes it, and what asking again does.
fn calls() -> BTreeMap<&'static str, (String, &'static str)> {
    fn of<C: Call>() -> (&'static str, (String, &'static str)) {
        let path = type_name::<C::Answer>();
        let done = match C::DONE {
            Done::Again => "again",
            Done::Whole => "whole",
            Done::Once => "once",
        };
        (C::METHOD, (as_written(path), done))
    }
    macro_rules! each { ($($call:ident)*) => { BTreeMap::from([$(of::<rpc::$call>()),*]) }; }
    each! {
        Find Get Show ListEntities SearchEntities History Conflicts AttachmentOf StoreStatus EventsAfter ChangesAfter
        Capture Create Triage EditEntity Count Tag Link Unlink Attach Detach Delete Restore Erase Revert Undo Redo Resolve
        Purge Apply Import Export Backup FillFromBackup Doctor AcceptLoss
    }
}

/// `alloc::vec::Vec<altair_protocol::id::EntityId>` is `[ID]`.
fn as_written(path: &str) -> String {
    let mut short = String::new();
    for part in path.split_inclusive(['<', '>']) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    let of = |outer: &str| short.strip_prefix(outer).and_then(|rest| rest.strip_suffix('>')).map(str::to_owned);
    match (short.as_str(), of("Vec<")) {
        (_, Some(item)) => format!("`[{}]`", item.replace("EntityId", "ID")),
        ("EntityId", _) => "`ID`".to_owned(),
        ("u64", _) => "number".to_owned(),
        ("Option<String>", _) => "text or null".to_owned(),
        _ => format!("`{short}`"),
    }
}

/// The rows of the page's tables whose first cell is a word in code.
fn rows() -> Vec<Vec<String>> {
    let page = page();
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.strip_prefix("| `")?.strip_suffix('|')?;
        Some(format!("`{inner}").split(" | ").map(|cell| cell.trim().to_owned()).collect())
    };
    page.lines().filter_map(cells).collect()
}

fn code(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or_else(|| panic!("{cell} is no code"))
}

/// Parameters as the tables have them: with what may be left out, or without.
fn sent(value: Value, whole: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter_map(|(name, value)| match name.strip_suffix('?') {
                Some(name) => whole.then(|| (name.to_owned(), sent(value, whole))),
                None => Some((name, sent(value, whole))),
            });
            Value::Object(fields.collect())
        }
        value => value,
    }
}

/// Every way to leave out one of the names.
fn without_one(value: &Value) -> Vec<Value> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut less = Vec::new();
    for (name, value) in fields {
        let mut fields = fields.clone();
        fields.remove(name);
        less.push(Value::Object(fields.clone()));
        for value in without_one(value) {
            fields.insert(name.clone(), value);
            less.push(Value::Object(fields.clone()));
        }
    }
    less
}

#[test]
fn every_method_stands_in_the_table_as_it_is() {
    let (calls, rows) = (calls(), rows());
    let known: Vec<&str> = rows.iter().filter(|row| row.len() == 5).map(|row| code(&row[0])).collect();
    assert_eq!(known, Request::METHODS, "the methods, in the order of the library");
    for row in rows.iter().filter(|row| row.len() == 5) {
        let (method, params) = (code(&row[0]), code(&row[2]));
        let (answer, done) = &calls[method];
        assert_eq!((&row[3], row[4].as_str()), (answer, *done), "{method}");
        let params = params.replace(":ID", ":\"01a1ff7f-1358-7987-981f-45f63c06a020\"");
        let params: Value = serde_json::from_str(&params).unwrap_or_else(|error| panic!("{method}: {error}"));
        let read = |params: &Value| Request::parse(method, &params.to_string());
        let least = sent(params.clone(), false);
        for params in [&sent(params, true), &least] {
            read(params).unwrap_or_else(|error| panic!("{method} {params}: {error}"));
        }
        for less in without_one(&least) {
            assert!(read(&less).is_err(), "{method} takes {less} too");
        }
    }
}

#[test]
fn every_method_of_a_connection_stands_in_its_table() {
    let of_connections =
        [rpc::HELLO, rpc::PING, rpc::STATUS, rpc::SHUTDOWN, rpc::GRANT, rpc::REVOKE, rpc::WATCH, rpc::UNWATCH];
    let rows: Vec<_> = rows().into_iter().filter(|row| row.len() == 3 && row[1].starts_with("`{")).collect();
    assert_eq!(rows.iter().map(|row| code(&row[0])).collect::<Vec<_>>(), of_connections);
    for row in rows {
        let params: Value = serde_json::from_str(code(&row[1])).unwrap();
        for whole in [true, false] {
            check_command(code(&row[0]), &sent(params.clone(), whole));
        }
    }
}

fn parse<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// That a connection's own method takes these parameters.
fn check_command(method: &str, params: &Value) {
    match method {
        rpc::HELLO => drop(parse::<rpc::Hello>(params)),
        rpc::WATCH => drop(parse::<rpc::Watch>(params)),
        rpc::UNWATCH => drop(parse::<rpc::Unwatch>(params)),
        rpc::GRANT => drop(parse::<rpc::AskGrant>(params)),
        rpc::CANCEL => drop(parse::<rpc::Cancel>(params)),
        rpc::WATCHED => drop(parse::<rpc::Watched>(params)),
        rpc::PROGRESS => drop(parse::<rpc::Progressed>(params)),
        rpc::PING | rpc::STATUS | rpc::SHUTDOWN | rpc::REVOKE | rpc::CLOSING => assert_eq!(*params, json!({})),
        _ => panic!("there is no {method}"),
    }
}

#[test]
fn every_message_is_one_that_the_library_reads() {
    let examples = blocks("json").into_iter().filter(|(name, _)| name.is_empty());
    let by_hand = example("sh", "socat");
    let lines: Vec<String> = examples
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .chain(by_hand.lines().filter(|line| line.starts_with('{')).map(str::to_owned))
        .collect();
    let mut requests = 0;
    for line in &lines {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let batch = match message {
            Value::Array(batch) => batch,
            message => vec![message],
        };
        for message in batch {
            let text = message.to_string();
            let incoming: Incoming<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}"));
            let params = message.get("params").cloned().unwrap_or_else(|| json!({}));
            match incoming.method.as_deref() {
                Some(method) if Request::METHODS.contains(&method) => {
                    assert!(incoming.id.is_some(), "{line}");
                    Request::parse(method, &params.to_string()).unwrap_or_else(|error| panic!("{line}: {error}"));
                    requests += 1;
                }
                Some(method) => check_command(method, &params),
                None => match incoming.error {
                    Some(error) => is_all::<Fault>(&serde_json::to_value(error).unwrap()),
                    None if message["result"].get("host").is_some() => is_all::<rpc::Welcome>(&message["result"]),
                    None if message["result"].get("token").is_some() => is_all::<rpc::Granted>(&message["result"]),
                    None => is_all::<rpc::Watching>(&message["result"]),
                },
            }
        }
    }
    assert!(requests > 3, "the page shows some requests");
}

/// That a shape is a type's, with all of its names and no other.
fn is_all<T: DeserializeOwned + Serialize>(shape: &Value) {
    assert_eq!(serde_json::to_value(parse::<T>(shape)).unwrap(), *shape, "{}", type_name::<T>());
}

#[test]
fn every_shape_is_the_librarys() {
    type Check = fn(&Value);
    let checks: BTreeMap<&str, Check> = BTreeMap::from([
        ("AttachmentFile", is_all::<AttachmentFile> as Check),
        ("AttachmentRef", is_all::<AttachmentRef>),
        ("Audited", is_all::<rpc::Audited>),
        ("BackedUp", is_all::<BackedUp>),
        ("Change", is_all::<Change>),
        ("Conflict", is_all::<Conflict>),
        ("Diagnosis", is_all::<Diagnosis>),
        ("Entity", is_all::<Entity>),
        ("Event", is_all::<Event>),
        ("Exported", is_all::<Exported>),
        ("Fields", is_all::<Fields>),
        ("Hit", is_all::<Hit>),
        ("Host", is_all::<Host>),
        ("Imported", is_all::<Imported>),
        ("List", is_all::<List>),
        ("Resolution", is_all::<Resolution>),
        ("Shown", is_all::<Shown>),
        ("Status", is_all::<StoreStatus>),
        ("Undone", is_all::<Undone>),
        ("Version", is_all::<Version>),
    ]);
    let shapes: Vec<_> = blocks("json").into_iter().filter(|(name, _)| !name.is_empty()).collect();
    for (name, text) in &shapes {
        let check = checks.get(name.as_str()).unwrap_or_else(|| panic!("nobody checks {name}"));
        for shape in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            check(&shape.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
    }
    for name in checks.keys() {
        assert!(shapes.iter().any(|(shown, _)| shown == name), "{name} isn't shown");
    }
    // What the table's answers are made of is shown.
    for (method, (answer, _)) in calls() {
        let inner = answer.trim_matches(['`', '[', ']']).trim_start_matches("Page<").trim_end_matches('>');
        assert!(["ID", "number", "text or null"].contains(&inner) || checks.contains_key(inner), "{method}: {answer}");
    }
}

#[test]
fn every_word_and_limit_is_named() {
    let (page, rows) = (page(), rows());
    let first: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let used = [
        Code::PARSE,
        Code::REQUEST,
        Code::METHOD,
        Code::PARAMS,
        Code::ENGINE,
        Code::HELLO,
        Code::CLOSING,
        Code::CANCELLED,
        Code::GRANT,
        Code::TIMEOUT,
    ];
    for Code(code) in used {
        assert!(first.contains(&code.to_string().as_str()), "{code}");
    }
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::Invalid,
        ErrorKind::Refused,
        ErrorKind::Conflict,
        ErrorKind::Locked,
        ErrorKind::Corrupt,
        ErrorKind::Unsupported,
        ErrorKind::Closed,
        ErrorKind::Internal,
    ] {
        let word = serde_json::to_value(kind).unwrap();
        assert!(first.contains(&word.as_str().unwrap()), "{word}");
    }
    let listed = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    for words in [&Kind::ALL.map(Kind::as_str)[..], Source::WORDS, Status::WORDS] {
        assert!(page.contains(&listed(words)), "{words:?}");
    }
    for bytes in [rpc::MAX_FRAME, rpc::MAX_ANSWER] {
        assert!(page.contains(&format!("{} MiB", bytes >> 20)), "{bytes}");
    }
}
