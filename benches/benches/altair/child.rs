//! A child that measures on its side what it is asked to, line by line.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use altair_bench::{Failure, Outcome};

/// What a child is told to end it.
pub(crate) const END: &str = "end";

/// A child that is told a line, and says in a line how long each piece of work took: an array of nanoseconds.
pub(crate) struct Measuring {
    child: Child,
    tell: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Measuring {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(tell), Some(says)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the pipes to a child are missing"));
        };
        Ok(Self { child, tell, says: BufReader::new(says) })
    }

    pub(crate) fn measure(&mut self, line: &str) -> Outcome<Vec<Duration>> {
        writeln!(self.tell, "{line}")?;
        let mut said = String::new();
        if self.says.read_line(&mut said)? == 0 {
            return Err(Failure::from("a child that measures has ended"));
        }
        let nanos: Vec<u64> = serde_json::from_str(&said)?;
        Ok(nanos.into_iter().map(Duration::from_nanos).collect())
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        // It may have things to give back, so it ends by itself.
        let _ = writeln!(self.tell, "{END}");
        let _ = self.child.wait();
    }
}
