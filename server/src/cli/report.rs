//! Answers and failures, for people and for programs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use altair_core::{Error, ErrorKind};
use altair_server::Answer;
use serde_json::json;

/// An answer as JSON: one object, or one a line for lists.
pub(super) fn json(answer: &Answer) -> Result<String, Error> {
    let text = match answer {
        Answer::Code(code) => serde_json::to_string(code),
        Answer::Revoked(revoked) => serde_json::to_string(revoked),
        Answer::BackedUp(backed_up) => serde_json::to_string(backed_up),
        Answer::Collected(collected) => serde_json::to_string(collected),
        Answer::Households(list) => lines(list),
        Answer::Devices(list) => lines(list),
    };
    text.map_err(|error| {
        Error::new(ErrorKind::Internal, "the answer can't be written", "try without --json").because(error)
    })
}

fn lines<T: serde::Serialize>(list: &[T]) -> serde_json::Result<String> {
    list.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map(|lines| lines.join("\n"))
}

/// An answer for people.
pub(super) fn human(answer: &Answer) -> String {
    let mut text = String::new();
    // Writing to a string never fails.
    let mut line = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}");
    };
    match answer {
        Answer::Code(made) => {
            line(format_args!("{}", made.code));
            line(format_args!(
                "pairs one device with \"{}\", until {}: altair login URL CODE",
                made.household, made.until
            ));
        }
        Answer::Households(list) => {
            for household in list {
                let (id, name, devices) = (household.id, &household.name, household.devices);
                line(format_args!("{id}  {devices} devices  {} changes  {name}", household.head));
            }
        }
        Answer::Devices(list) => {
            for device in list {
                let standing = match device.revoked_at {
                    Some(revoked) => format!("revoked {revoked}"),
                    None => format!("seen {}", device.seen_at),
                };
                line(format_args!("{}  {standing}  {} in {}", device.id, device.name, device.household));
            }
        }
        Answer::Revoked(revoked) if revoked.revoked.is_empty() => line(format_args!("it had no token")),
        Answer::Revoked(revoked) => {
            for device in &revoked.revoked {
                line(format_args!("revoked {device}"));
            }
        }
        Answer::BackedUp(done) => line(format_args!(
            "{} households, {} entities, {} blobs, {} bytes, checksum {}",
            done.households, done.entities, done.blobs, done.bytes, done.checksum
        )),
        Answer::Collected(done) => line(format_args!(
            "removed: {} erased ids, {} devices, {} uploads",
            done.erased, done.devices, done.uploads
        )),
    }
    text.trim_end().to_owned()
}

/// Tells on stderr what went wrong, and gives the exit code.
pub(super) fn failure(error: &Error, json: bool) -> ExitCode {
    tell(error.kind(), error.message(), error.hint(), json);
    ExitCode::from(match error.kind() {
        ErrorKind::Invalid => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::Refused | ErrorKind::Conflict => 4,
        ErrorKind::Locked | ErrorKind::Corrupt | ErrorKind::Unsupported => 5,
        ErrorKind::Internal | ErrorKind::Closed => 1,
    })
}

/// A usage error that clap found, in our own shape.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    tell(ErrorKind::Invalid, message, "`--help` after the command tells how to use it", true);
    ExitCode::from(2)
}

fn tell(kind: ErrorKind, message: &str, hint: &str, json: bool) {
    let mut stderr = std::io::stderr().lock();
    // When stderr is closed there is nobody left to tell; the exit code still says it.
    let _ = if json {
        writeln!(stderr, "{}", json!({"error": {"kind": kind, "message": message, "hint": hint}}))
    } else {
        writeln!(stderr, "error: {message}\nhint: {hint}")
    };
}
