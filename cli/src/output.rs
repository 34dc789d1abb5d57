//! The one place that writes to stdout: lines for people, or JSON for programs, never both.
//!
//! Output is gathered and written when the store is closed again. A reader that goes away early ends the program quietly.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use altair_core::{Error, Page};
use altair_protocol::view::Entity;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::human::{self, Human};
use crate::paint::{self, Paint};

/// What a command answers.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    paint: Paint,
    out: Vec<u8>,
    notes: Vec<String>,
    exit: u8,
}

impl Output {
    /// An empty answer.
    pub(crate) fn new(json: bool) -> Self {
        let paint = Paint::for_terminal(!json && io::stdout().is_terminal());
        Self { json, paint, out: Vec::new(), notes: Vec::new(), exit: 0 }
    }

    /// One object or, for people, what `human` makes of it.
    pub(crate) fn answer<T: Serialize>(
        &mut self,
        value: &T,
        human: impl FnOnce(&T, Paint) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            serde_json::to_writer(&mut self.out, value).map_err(|error| {
                Failure::from(Error::internal("the answer can't be written as JSON").because(error))
            })?;
            self.out.push(b'\n');
        } else {
            let text = human(value, self.paint);
            self.out.extend_from_slice(text.trim_end_matches('\n').as_bytes());
            self.out.push(b'\n');
        }
        Ok(())
    }

    /// Bytes as they are: a script, a manual page.
    pub(crate) fn bytes(&mut self, bytes: Vec<u8>) {
        self.out.extend(bytes);
    }

    /// One thing.
    pub(crate) fn one<T: Human>(&mut self, thing: &T) -> Result<(), Failure> {
        self.answer(thing, T::human)
    }

    /// An entity after something was done to it.
    pub(crate) fn done(&mut self, what: &str, entity: &Entity) -> Result<(), Failure> {
        self.answer(entity, |entity, paint| human::done(what, entity, paint))
    }

    /// A list without pages. `nothing` tells a person that it is empty.
    pub(crate) fn all<T: Human>(&mut self, things: &[T], nothing: &str) -> Result<(), Failure> {
        things.iter().try_for_each(|thing| self.one(thing))?;
        if things.is_empty() {
            self.note(nothing);
        }
        Ok(())
    }

    /// A part of a list, and where the next part begins.
    pub(crate) fn page<T: Human>(&mut self, page: &Page<T>, nothing: &str) -> Result<(), Failure> {
        self.all(&page.items, nothing)?;
        if self.json {
            self.answer(&json!({"next": page.next}), |_, _| String::new())?;
        } else if let Some(next) = &page.next {
            self.note(format!("There is more: add --after {next}"));
        }
        Ok(())
    }

    /// A line on stderr, for people only.
    pub(crate) fn note(&mut self, text: impl Display) {
        if !self.json {
            self.notes.push(paint::safe_line(&text.to_string()));
        }
    }

    /// Lets the program end with 1 though the command has an answer.
    pub(crate) const fn fails(&mut self) {
        self.exits_with(1);
    }

    /// Lets the program end with a code though the command has an answer.
    pub(crate) const fn exits_with(&mut self, code: u8) {
        self.exit = code;
    }

    /// Drops what was gathered for an answer that another takes the place of.
    pub(crate) fn forget(&mut self) {
        self.out.clear();
    }

    /// The exit code when nothing went wrong on the way.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// Writes what has been gathered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        self.out.clear();
        let mut stderr = io::stderr().lock();
        for note in self.notes.drain(..) {
            // A closed stderr takes nothing away from the answer.
            let _ = writeln!(stderr, "{note}");
        }
        Ok(written?)
    }
}
