//! What people read instead of JSON: compact lines, aligned by putting what has a fixed width first.
//!
//! Everything that somebody wrote passes through [`paint`](crate::paint)'s safe texts.

mod audit;
mod change;
mod entity;
mod report;

use std::fmt::Display;

use altair_protocol::Value;
use altair_protocol::view::{AttachmentRef, Entity, Time};
use serde::Serialize;

pub(crate) use self::change::undone;
pub(crate) use self::report::{backed_up, exported, imported, skipped};
use crate::paint::{Paint, safe_line, safe_short};

/// Something that can be printed as JSON and for people.
pub(crate) trait Human: Serialize {
    /// One line, or several.
    fn human(&self, paint: Paint) -> String;
}

/// How much of a title or value is shown on a line.
const WIDTH: usize = 100;

/// What was done, and to what.
pub(crate) fn done(what: &str, entity: &Entity, paint: Paint) -> String {
    format!("{what} {}  {}", short_id(entity.id, paint), entity::summary(entity, paint))
}

/// What was done with an attachment.
pub(crate) fn attachment_done(what: &str, attachment: &AttachmentRef, paint: Paint) -> String {
    format!("{what} {}", attachment_line(attachment, paint))
}

fn attachment_line(attachment: &AttachmentRef, paint: Paint) -> String {
    let facts = format!("{} · {}", safe_line(&attachment.media_type), bytes(attachment.size));
    format!("{}  {}  {}", short_id(attachment.id, paint), safe_short(&attachment.name, WIDTH), paint.dim(facts))
}

/// The last eight characters of an id: enough for a command to find it.
fn short_id(id: impl Display, paint: Paint) -> String {
    paint.yellow(ending(id))
}

fn ending(id: impl Display) -> String {
    let id = id.to_string();
    let from = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    id.get(from..).unwrap_or_default().to_owned()
}

/// The day of a moment.
fn day(time: Time) -> String {
    time.to_string().chars().take_while(|c| *c != 'T').collect()
}

/// A moment to the minute.
fn minute(time: Time) -> String {
    let text = time.to_string().replace('T', " ");
    // The seconds are the last `:05.123Z`.
    let end = text.rfind(':').unwrap_or(text.len());
    format!("{} UTC", text.get(..end).unwrap_or(&text))
}

fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A field's value on one line.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) => format!("“{}”", safe_short(text, 60)),
        other => safe_short(&other.to_string(), 60),
    }
}

/// `1 note`, `2 notes`.
fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_ids_are_cut_to_what_one_needs() {
        let time = Time::from_millis(1_790_000_000_123);
        assert_eq!(day(time), "2026-09-21");
        assert_eq!(minute(time), "2026-09-21 14:13 UTC");
        assert_eq!(ending("0192f0c1-7d2e-7c3a-9b61-0d3f6f1e2a4b"), "6f1e2a4b");
    }

    #[test]
    fn values_stay_on_one_line() {
        assert_eq!(value(&Value::from("a\nb\x1b")), "“a b␛”");
        assert_eq!(value(&Value::Null), "nothing");
        assert_eq!(value(&Value::from(3)), "3");
    }
}
