//! Local RPC: one note from the host, asked by a guest and by a client that has nothing but a socket, beside the engine's own time and a bare socket that
//! carries the same bytes. The host is a process of its own, as it is in life: this program as a child. So is the other end of the bare socket: two threads of one
//! process that wait for each other share a processor, which two processes may or may not.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use altair_bench::measure::{Done, Side, take_turns};
use altair_bench::notes::Notes;
use altair_bench::report::{Line, Report, Unit};
use altair_bench::{Failure, Outcome};
use altair_core::Altair;
use altair_protocol::EntityId;
use altair_protocol::rpc::{Call as _, Get, HELLO, Hello, Line as Request, PING, Protocol, RequestId, Success};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::child::{END, Measuring};
use crate::read::{all_ids, strided};
use crate::talk::Peer;
use crate::world::Ground;

/// How many notes the store has. More would make the engine's own part longer, and not the way to it.
const NOTES: usize = 1_000;
const TURNS: usize = 150;
/// How many notes a turn gets.
const GETS: usize = 30;
/// How many times a bare echo the way to the host and back may take.
const LIMIT: f64 = 3.0;

const ECHO: &str = "Unix-socket echo of the same bytes, by another process";
const TASK: &str = "the same echo by a task of tokio's in this process";

pub(crate) fn measure(ground: &Ground, scratch: &Path, report: &mut Report) -> Outcome {
    eprintln!("asking a host …");
    let folder = scratch.join("hosted");
    Notes::default().write_vault(&folder.join("vault"), NOTES)?;
    let store = folder.join("store");
    let mut host = Measuring::start(Command::new(std::env::current_exe()?).args(["--child", "host"]).arg(&store))?;
    host.measure("")?;
    let guest = ground.altair(&store)?;
    if !guest.is_guest() {
        return Err("the store is to be open in another process".into());
    }
    let (filling, vault) = (guest.clone(), folder.join("vault"));
    let ids = ground.run(async move {
        filling.import(&vault, |_| {}).await?;
        all_ids(&filling).await
    })?;
    let (asked, answered) = bytes(ground, &guest, ids[0])?;
    let (mut echo, mut task) = (Peer::unix(asked, answered)?, Task::new(ground, asked, answered)?);
    let client = RefCell::new(Client::greet(&guest)?);
    let (mut guests, mut hosts, mut clients) = (0, 0, 0);
    let done = take_turns(
        TURNS,
        vec![
            Side::new("guest", || get(ground, &guest, strided(&ids, &mut guests, GETS))),
            Side::new("client", || {
                strided(&ids, &mut clients, GETS).into_iter().map(|id| client.borrow_mut().get(id)).collect()
            }),
            Side::new("ping", || (0..GETS).map(|_| client.borrow_mut().ping()).collect()),
            Side::new("the engine's own get", || {
                let ids: Vec<String> = strided(&ids, &mut hosts, GETS).iter().map(EntityId::to_string).collect();
                host.measure(&ids.join(" "))
            }),
            Side::new(ECHO, || echo.trips(GETS)),
            Side::new(TASK, || (0..GETS).map(|_| task.trip()).collect()),
        ],
    )?;
    let [guests, clients, pings, here, bare, task] = done.as_slice() else { return Err("nobody asked".into()) };
    for (there, whose) in [(clients, "a client with a blocking socket"), (guests, "a guest, another `Altair`")] {
        report.lines.extend(lines(there, whose, here, [bare, task], (asked, answered))?);
    }
    report.lines.push(
        Line::new("rpc.ping", "ping by a client with a blocking socket, p50", Unit::Millis, pings.spread.p50)
            .spread(pings.spread)
            .beside(ECHO, bare.spread.p50),
    );
    echo.end()?;
    ground.close(guest)
}

/// Hosts a store, and measures what the notes take that it is told of.
pub(crate) fn host(store: &Path) -> Outcome {
    let ground = Ground::new()?;
    let altair = ground.altair(store)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        if line == END {
            break;
        }
        let ids = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let nanos: Vec<u128> = get(&ground, &altair, ids)?.iter().map(Duration::as_nanos).collect();
        println!("{}", serde_json::to_string(&nanos)?);
    }
    ground.close(altair)
}

fn lines(there: &Done, whose: &str, here: &Done, echoes: [&Done; 2], bytes: (usize, usize)) -> Outcome<[Line; 3]> {
    let [bare, task] = echoes;
    let line = |id: &str, what: String, of: fn(&Done) -> f64| {
        let line = Line::new(format!("rpc.{}.{id}", there.name), what, Unit::Millis, of(there));
        [here, bare, task].into_iter().fold(line, |line, beside| line.beside(beside.name, of(beside)))
    };
    let mut median = line("p50", format!("get by {whose}, p50"), |done| done.spread.p50)
        .spread(there.spread)
        .note("request_bytes", bytes.0)
        .note("answer_bytes", bytes.1);
    for beside in [here, bare, task] {
        median = median.note(beside.name, serde_json::to_value(beside.spread)?);
    }
    let (took, ratios) = (there.spread.p50 - here.spread.p50, there.beyond(here, bare));
    let way = Line::new(format!("rpc.{}.way", there.name), "of which the way there and back", Unit::Millis, took)
        .beside(bare.name, bare.spread.p50)
        .beside(task.name, task.spread.p50)
        .at_most_times(LIMIT, ECHO, ratios)
        .note("ratio_by_turn", serde_json::to_value(ratios)?);
    Ok([median, way, line("p99", format!("get by {whose}, p99"), |done| done.spread.p99)])
}

fn get(ground: &Ground, altair: &Altair, ids: Vec<EntityId>) -> Outcome<Vec<Duration>> {
    let altair = altair.clone();
    ground.run(async move {
        let mut samples = Vec::new();
        for id in ids {
            let begun = Instant::now();
            altair.get(id).await?;
            samples.push(begun.elapsed());
        }
        Ok(samples)
    })
}

/// How long the request for a note is, and its answer, line ends included.
fn bytes(ground: &Ground, altair: &Altair, note: EntityId) -> Outcome<(usize, usize)> {
    let id = RequestId::Text(note.to_string());
    let asking = altair.clone();
    let entity = ground.run(async move { Ok(asking.get(note).await?) })?;
    let request = serde_json::to_vec(&Request::request(&id, Get::METHOD, &Get { id: note }, false))?;
    let answer = serde_json::to_vec(&Success::new(&id, &entity))?;
    Ok((request.len() + 1, answer.len() + 1))
}

/// A client as `docs/local-rpc.md` has it: lines over a socket, one after another.
struct Client {
    stream: BufReader<UnixStream>,
    answer: String,
    asked: i64,
}

impl Client {
    fn greet(guest: &Altair) -> Outcome<Self> {
        let socket = guest.host().and_then(|host| host.socket).ok_or("the host doesn't listen")?;
        let stream = BufReader::new(UnixStream::connect(socket)?);
        let mut client = Self { stream, answer: String::new(), asked: 0 };
        let hello =
            Hello { protocol: Protocol::OURS, client: "altair-bench".to_owned(), version: String::new(), grant: None };
        client.ask(HELLO, &hello)?;
        Ok(client)
    }

    fn get(&mut self, id: EntityId) -> Outcome<Duration> {
        let begun = Instant::now();
        self.ask(Get::METHOD, &Get { id })?;
        Ok(begun.elapsed())
    }

    /// What the host answers without its engine.
    fn ping(&mut self) -> Outcome<Duration> {
        let begun = Instant::now();
        self.ask(PING, &serde_json::json!({}))?;
        Ok(begun.elapsed())
    }

    fn ask<P: Serialize>(&mut self, method: &'static str, params: &P) -> Outcome {
        self.asked += 1;
        let mut request = serde_json::to_vec(&Request::request(&RequestId::Number(self.asked), method, params, false))?;
        request.push(b'\n');
        self.stream.get_mut().write_all(&request)?;
        self.answer.clear();
        self.stream.read_line(&mut self.answer)?;
        if !self.answer.contains("\"result\"") {
            return Err(Failure::from(format!("{method} was answered {:?}", self.answer)));
        }
        Ok(())
    }
}

/// A task of tokio's at whose other end of a socket so many bytes are answered with so many.
struct Task {
    stream: UnixStream,
    asked: Vec<u8>,
    answered: Vec<u8>,
}

impl Task {
    fn new(ground: &Ground, asked: usize, answered: usize) -> Outcome<Self> {
        let (stream, other) = UnixStream::pair()?;
        other.set_nonblocking(true)?;
        ground.run(async move {
            let mut other = tokio::net::UnixStream::from_std(other)?;
            tokio::spawn(async move {
                let (mut asked, answered) = (vec![0; asked], vec![b'a'; answered]);
                while other.read_exact(&mut asked).await.is_ok() && other.write_all(&answered).await.is_ok() {}
            });
            Ok(())
        })?;
        Ok(Self { stream, asked: vec![b'q'; asked], answered: vec![0; answered] })
    }

    fn trip(&mut self) -> Outcome<Duration> {
        let begun = Instant::now();
        self.stream.write_all(&self.asked)?;
        self.stream.read_exact(&mut self.answered)?;
        Ok(begun.elapsed())
    }
}
