//! YAML in and out of JSON values, and where the top-level entries of a mapping stand.
//!
//! Parsing is saphyr's; this walks its events. The invariant: a value is never nested deeper than [`MAX_DEPTH`] and
//! aliases never add more than [`MAX_COPIED`] to what the source holds, however they are stacked; a value that
//! would is `null`. Scalars are typed by YAML 1.2's core schema (section 10.3.2), so dates stay strings.

use std::collections::HashMap;
use std::fmt::Write as _;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

const MAX_DEPTH: usize = 64;
/// Nodes and bytes of strings that aliases and their anchors may copy in one document.
const MAX_COPIED: usize = 1 << 20;
/// YAML looks for an implicit key's colon within 1024 characters only.
const MAX_IMPLICIT_KEY: usize = 1000;

/// What stands at the top of a YAML text.
pub(super) struct Outline {
    /// The entries of the top-level block mapping that could be read, in order.
    pub(super) entries: Vec<Entry>,
    pub(super) end: End,
}

/// How an outline ended.
pub(super) enum End {
    /// The mapping was read to its end.
    Complete,
    /// What comes after the entries can't be read; the line where that begins.
    Broken(usize),
    /// The text is no block mapping and can't be cut; its value.
    Whole(Value),
}

/// One entry of the top-level mapping. Places are bytes from the text's start.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    /// The start of the line that its key is in.
    pub(super) line: usize,
    /// The start of the first line after its content.
    pub(super) after: usize,
}

/// Reads the first document in `text`.
pub(super) fn outline(text: &str) -> Outline {
    let mut reader = Reader::new(text);
    let mut entries: Vec<Entry> = Vec::new();
    // Stays set when the entry that it belongs to can't be read to its end.
    let mut key_line = None;
    let end = match reader.top(&mut entries, &mut key_line) {
        Ok(end) => end,
        Err(error) => {
            let at = reader.byte(error.marker().index());
            // In `a: b: c` the error comes after `b` was given as a whole value: it is that entry's all the same.
            let own = key_line.is_none().then(|| entries.pop_if(|last| at < last.after)).flatten();
            let after = entries.last().map_or(0, |entry| entry.after);
            End::Broken(key_line.or(own.map(|entry| entry.line)).unwrap_or(after))
        }
    };
    Outline { entries, end }
}

/// A collection that is being read.
enum Frame {
    Sequence(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// A value that can be pointed at, and how much it holds and how deep.
struct Anchored {
    value: Value,
    size: usize,
    depth: usize,
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// Bytes by characters, since saphyr counts characters; not needed for ASCII.
    bytes: Option<Vec<usize>>,
    anchors: HashMap<usize, Anchored>,
    copied: usize,
    /// The end of the last content read, in bytes.
    content: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Reader { text, parser: Parser::new_from_str(text), bytes, anchors: HashMap::new(), copied: 0, content: 0 }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), ScanError> {
        self.parser.next_event().unwrap_or(Ok((Event::StreamEnd, Span::default())))
    }

    fn top(&mut self, entries: &mut Vec<Entry>, key_line: &mut Option<usize>) -> Result<End, ScanError> {
        let first = loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(End::Whole(Value::Null)),
                first => break first,
            }
        };
        // A flow mapping's start is its brace; a block mapping's has no length.
        if !(matches!(first.0, Event::MappingStart(..)) && first.1.is_empty()) {
            return Ok(End::Whole(self.node(first, false).unwrap_or_default()));
        }
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(End::Complete);
            }
            let line = self.line_start(self.byte(span.start.index()));
            *key_line = Some(line);
            let key = key_text(self.node((event, span), true)?);
            let first = self.next()?;
            let value = self.node(first, false)?;
            entries.push(Entry { key, value, line, after: self.line_after(self.content) });
            *key_line = None;
        }
    }

    /// Reads one node whose first event is given. As a key, a scalar is its text whatever its type.
    fn node(&mut self, first: (Event<'a>, Span), as_key: bool) -> Result<Value, ScanError> {
        let mut stack: Vec<(Frame, usize)> = Vec::new();
        let mut too_large = false;
        let (mut event, mut span) = first;
        loop {
            let is_key = stack.last().map_or(as_key, |(frame, _)| matches!(frame, Frame::Mapping(_, None)));
            let done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    self.saw(span);
                    let value =
                        if is_key { Value::String(text.into_owned()) } else { scalar(&text, style, tag.as_deref()) };
                    Some((value, anchor))
                }
                Event::Alias(anchor) => {
                    self.saw(span);
                    let copy = self.copy(anchor, stack.len());
                    too_large |= copy.is_none();
                    Some((copy.unwrap_or_default(), 0))
                }
                Event::SequenceStart(anchor, _) => {
                    stack.push((Frame::Sequence(Vec::new()), anchor));
                    None
                }
                Event::MappingStart(anchor, _) => {
                    stack.push((Frame::Mapping(Map::new(), None), anchor));
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if !span.is_empty() {
                        self.content = self.content.max(self.byte(span.start.index()) + 1);
                    }
                    stack.pop().map(|(frame, anchor)| (frame.close(too_large), anchor))
                }
                Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => None,
            };
            too_large |= stack.len() > MAX_DEPTH;
            if let Some((value, anchor)) = done {
                if anchor > 0 && !too_large {
                    too_large |= !self.keep(anchor, &value);
                }
                match stack.last_mut() {
                    None => return Ok(if too_large { Value::Null } else { value }),
                    Some((frame, _)) => frame.add(value),
                }
            }
            (event, span) = self.next()?;
        }
    }

    /// Remembers an anchor's value; false when too much is remembered already.
    fn keep(&mut self, anchor: usize, value: &Value) -> bool {
        let (size, depth) = measure(value);
        self.copied += size;
        if self.copied > MAX_COPIED {
            return false;
        }
        self.anchors.insert(anchor, Anchored { value: value.clone(), size, depth });
        true
    }

    /// The value that an alias stands for, unless copying it would nest too deep or come to too much.
    fn copy(&mut self, anchor: usize, depth: usize) -> Option<Value> {
        let anchored = self.anchors.get(&anchor)?;
        self.copied += anchored.size;
        (self.copied <= MAX_COPIED && anchored.depth + depth <= MAX_DEPTH).then(|| anchored.value.clone())
    }

    fn saw(&mut self, span: Span) {
        if !span.is_empty() {
            self.content = self.content.max(self.byte(span.end.index()));
        }
    }

    fn byte(&self, index: usize) -> usize {
        let byte = match &self.bytes {
            None => index,
            Some(bytes) => bytes.get(index).copied().unwrap_or(self.text.len()),
        };
        byte.min(self.text.len())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().rposition(|&b| b == b'\n').map_or(0, |found| found + 1)
    }

    fn line_after(&self, at: usize) -> usize {
        if self.line_start(at) == at {
            // A block scalar's span ends where the next line starts.
            return at;
        }
        self.text.as_bytes()[at..].iter().position(|&b| b == b'\n').map_or(self.text.len(), |found| at + found + 1)
    }
}

impl Frame {
    fn add(&mut self, value: Value) {
        match self {
            Frame::Sequence(items) => items.push(value),
            Frame::Mapping(map, key) => match key.take() {
                None => *key = Some(key_text(value)),
                Some(key) => {
                    map.insert(key, value);
                }
            },
        }
    }

    /// Dropping a value that is nested too deep would overflow the stack, so it is never built.
    fn close(self, too_large: bool) -> Value {
        match self {
            _ if too_large => Value::Null,
            Frame::Sequence(items) => Value::Array(items),
            Frame::Mapping(map, _) => Value::Object(map),
        }
    }
}

/// A value's number of nodes and bytes, and its depth.
fn measure(value: &Value) -> (usize, usize) {
    let add = |(size, depth): (usize, usize), (more, below): (usize, usize)| (size + more, depth.max(below + 1));
    match value {
        Value::String(text) => (1 + text.len(), 0),
        Value::Array(items) => items.iter().map(measure).fold((1, 1), add),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.len() + measure(value).0, measure(value).1)).fold((1, 1), add)
        }
        _ => (1, 0),
    }
}

fn key_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match core {
        Some("int" | "bool" | "null") => plain(text),
        Some("float") => match plain(text) {
            Value::Number(number) => number.as_f64().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
            other => other,
        },
        None if style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.handle != "!" || !tag.suffix.is_empty()) => {
            plain(text)
        }
        _ => Value::String(text.to_owned()),
    }
}

/// Types a plain scalar. What JSON has no number for (infinity, integers past 64 bits) stays a string.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let string = || Value::String(text.to_owned());
    let all = |digits: &str, is: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(is);
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let integer =
                all(digits, u8::is_ascii_alphanumeric).then(|| i64::from_str_radix(digits, radix).ok()).flatten();
            return integer.map_or_else(string, Value::from);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if all(unsigned, u8::is_ascii_digit) {
        return text.parse::<i64>().map_or_else(|_| string(), Value::from);
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let is_float = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent
            .is_none_or(|exponent| all(exponent.strip_prefix(['-', '+']).unwrap_or(exponent), u8::is_ascii_digit));
    let float = if is_float { text.parse().ok().and_then(Number::from_f64) } else { None };
    float.map_or_else(string, Value::Number)
}

/// Writes one entry of a block mapping.
pub(super) fn write_entry(key: &str, value: &Value) -> String {
    let mut out = String::new();
    block_entry(&mut out, key, value, 0);
    out
}

fn block_entry(out: &mut String, key: &str, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let key = if is_plain(key) { key.to_owned() } else { quoted(key) };
    if key.chars().count() > MAX_IMPLICIT_KEY {
        let _ = writeln!(out, "{indent}? {key}");
        let _ = write!(out, "{indent}:");
    } else {
        let _ = write!(out, "{indent}{key}:");
    }
    match value {
        Value::Array(items) if !items.is_empty() && depth < MAX_DEPTH => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{indent}  - ");
                scalar_or_flow(out, item, depth + 1);
                out.push('\n');
            }
        }
        Value::Object(map) if !map.is_empty() && depth < MAX_DEPTH => {
            out.push('\n');
            for (key, value) in map {
                block_entry(out, key, value, depth + 1);
            }
        }
        other => {
            out.push(' ');
            scalar_or_flow(out, other, depth);
            out.push('\n');
        }
    }
}

fn scalar_or_flow(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) if is_plain(text) && plain(text).is_string() => out.push_str(text),
        other => flow(out, other, depth),
    }
}

/// JSON, which is YAML too, with the escapes that YAML wants.
fn flow(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => out.push_str("null"),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                flow(out, item, depth + 1);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                let key = quoted(key);
                out.push_str(if key.chars().count() > MAX_IMPLICIT_KEY { "? " } else { "" });
                out.push_str(&key);
                out.push_str(": ");
                flow(out, value, depth + 1);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Whether a string can stand unquoted in block context. Stricter than YAML: what YAML 1.1 readers would take
/// for a boolean or a sexagesimal number is quoted too.
fn is_plain(text: &str) -> bool {
    let old = ["yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let sexagesimal = text.contains(':') && text.bytes().all(|b| b.is_ascii_digit() || b == b':');
    let mut chars = text.chars().peekable();
    let starts = text.starts_with(|c: char| c.is_alphanumeric());
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let fits = match c {
            ':' => chars.peek().is_some_and(|next| *next != ' '),
            '#' => before != ' ',
            ' ' => chars.peek().is_some(),
            '_' | '-' | '/' | '.' | '(' | ')' | '\'' | '&' | '+' | '!' | '?' | '@' | '=' | '%' | ',' | ';' => true,
            other => other.is_alphanumeric(),
        };
        if !fits {
            return false;
        }
        before = c;
    }
    starts && !old && !sexagesimal
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => {
                let _ = write!(out, "\\x{:02X}", u32::from(c));
            }
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
