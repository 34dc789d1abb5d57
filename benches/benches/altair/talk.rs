//! The ways in which two processes of one machine can talk, side by side: a message goes to a child, which sends back as much.
//!
//! Shared memory can't be had without unsafe code, which this workspace forbids. It is measured from Python, beside a socket that is used from Python
//! as well: what Python costs is in both.

use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use altair_bench::Outcome;
use altair_bench::measure::{Side, take_turns};
use altair_bench::report::{Line, Report, Unit};

use crate::child::Measuring;

/// What is sent there and back: its name, its bytes, and how often in a turn.
const MESSAGES: [(&str, usize, usize); 2] = [("100 B", 100, 200), ("1 MB", 1_000_000, 10)];
const TURNS: usize = 40;

const PYTHON: &str = include_str!("talk.py");

pub(crate) fn measure(report: &mut Report) -> Outcome {
    eprintln!("talking to a child …");
    let python = python()?.map(RefCell::new);
    for (name, bytes, times) in MESSAGES {
        let (mut unix, mut pipe, mut tcp) = (Peer::unix(bytes, bytes)?, Peer::pipe(bytes)?, Peer::tcp(bytes)?);
        let mut sides = vec![
            Side::new("Unix socket", || unix.trips(times)),
            Side::new("pipe", || pipe.trips(times)),
            Side::new("TCP loopback", || tcp.trips(times)),
        ];
        if let Some(python) = &python {
            let from = |way: &'static str| move || python.borrow_mut().measure(&format!("{way} {bytes} {times}"));
            sides.push(Side::new("Unix socket", from("socket")));
            sides.push(Side::new("shared memory, and a pipe to wake", from("shared")));
        }
        let done = take_turns(TURNS, sides)?;
        for (id, whose, sides) in [("rust", "", done.get(..3)), ("python", ", from Python", done.get(3..5))] {
            let Some([first, others @ ..]) = sides else { continue };
            let what = format!("{name} there and back over a {}{whose}, p50", first.name);
            let mut line =
                Line::new(format!("talk.{bytes}.{id}"), what, Unit::Millis, first.spread.p50).spread(first.spread);
            for other in others {
                line = line.beside(other.name, other.spread.p50).note(other.name, serde_json::to_value(other.spread)?);
            }
            report.lines.push(line);
        }
        for peer in [unix, pipe, tcp] {
            peer.end()?;
        }
    }
    Ok(())
}

/// A child that sends back what it is sent, and our ends of the way to it.
pub(crate) struct Peer {
    child: Child,
    there: File,
    back: File,
    asked: Vec<u8>,
    answered: Vec<u8>,
}

impl Peer {
    /// Answers so many bytes with so many.
    pub(crate) fn unix(asked: usize, answered: usize) -> Outcome<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        Self::new(
            [asked, answered],
            [ours.try_clone()?.into(), ours.into()],
            [theirs.try_clone()?.into(), theirs.into()],
        )
    }

    fn tcp(bytes: usize) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        let (theirs, _) = listener.accept()?;
        // A message isn't to wait for more to send along with it.
        ours.set_nodelay(true)?;
        theirs.set_nodelay(true)?;
        Self::new([bytes; 2], [ours.try_clone()?.into(), ours.into()], [theirs.try_clone()?.into(), theirs.into()])
    }

    fn pipe(bytes: usize) -> Outcome<Self> {
        let ((asked, ask), (answered, answer)) = (std::io::pipe()?, std::io::pipe()?);
        Self::new([bytes; 2], [ask.into(), answered.into()], [asked.into(), answer.into()])
    }

    /// Ours are the end to write to and the one to read from, theirs the one to read from and the one to write to.
    fn new([asked, answered]: [usize; 2], ours: [OwnedFd; 2], theirs: [OwnedFd; 2]) -> Outcome<Self> {
        let [there, back] = ours.map(File::from);
        let [read, write] = theirs;
        let child = Command::new(std::env::current_exe()?)
            .args(["--child", "echo", &asked.to_string(), &answered.to_string()])
            .stdin(read)
            .stdout(write)
            .stderr(Stdio::inherit())
            .spawn()?;
        Ok(Self { child, there, back, asked: vec![b'q'; asked], answered: vec![0; answered] })
    }

    pub(crate) fn trips(&mut self, times: usize) -> Outcome<Vec<Duration>> {
        let mut samples = Vec::with_capacity(times);
        for _ in 0..times {
            let begun = Instant::now();
            self.there.write_all(&self.asked)?;
            self.back.read_exact(&mut self.answered)?;
            samples.push(begun.elapsed());
        }
        Ok(samples)
    }

    pub(crate) fn end(self) -> Outcome {
        let Self { mut child, there, back, .. } = self;
        // Having nothing more to read it ends.
        drop((there, back));
        child.wait()?;
        Ok(())
    }
}

/// Answers each so many bytes with so many, until nothing more comes.
pub(crate) fn echo(asked: &str, answered: &str) -> Outcome {
    let mut read = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut write = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let (mut asked, answer) = (vec![0; asked.parse()?], vec![b'a'; answered.parse()?]);
    loop {
        match read.read_exact(&mut asked) {
            Ok(()) => write.write_all(&answer)?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A Python that talks to children of its own, and says how long that took; `None` where there is none.
fn python() -> Outcome<Option<Measuring>> {
    let sizes = MESSAGES.map(|(_, bytes, _)| bytes.to_string());
    match Measuring::start(Command::new("python3").args(["-c", PYTHON]).args(sizes)) {
        Ok(python) => Ok(Some(python)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("There is no python3 here: shared memory isn't measured.");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
