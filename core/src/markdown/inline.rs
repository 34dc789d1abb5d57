//! Finding links and tags within one block of text.
//!
//! The invariant: the block is read from left to right, what opens first wins (so a link within code is code, and
//! code within a link is link), and no byte is searched through more than a fixed number of times. Where an
//! opening mark has no closing one, the block's end is remembered as «none from here» instead of being searched
//! for again at the next mark.

use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::scan::{BodyLink, LinkStyle};

/// Unclosed `[` beyond these are forgotten; real text has a handful.
const MAX_BRACKETS: usize = 256;
/// How deep parentheses nest in a link's destination (the bound that cmark has).
const MAX_PARENS: usize = 32;
/// The longest HTML tag that is recognised, in bytes.
const MAX_TAG: usize = 4096;

/// The bytes at which something may begin; all others are passed over.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"\\`$<%[]#";
    let mut i = 0;
    while i < marks.len() {
        table[marks[i] as usize] = true;
        i += 1;
    }
    table
};

/// Where `needle` begins in `src[from..to]`.
pub(super) fn find(src: &[u8], needle: &[u8], from: usize, to: usize) -> Option<usize> {
    let window = src.get(from..to)?;
    let (first, rest) = needle.split_first()?;
    let mut at = 0;
    while let Some(step) = window[at..].iter().position(|b| b == first) {
        at += step + 1;
        if window[at..].starts_with(rest) {
            return Some(from + at - 1);
        }
    }
    None
}

/// Reads blocks one after another and gathers what they hold.
pub(super) struct Inline<'a> {
    text: &'a str,
    src: &'a [u8],
    links: Vec<BodyLink>,
    tags: Vec<&'a str>,
    /// The block's tags with where they start: those within a Markdown link's text are dropped when it closes.
    block_tags: Vec<(usize, &'a str)>,
    /// Open `[` of the block, and whether each follows a `!`.
    brackets: Vec<(usize, bool)>,
    /// Runs of backticks in the block as (length, place), sorted, once a first one is met.
    backticks: Option<Vec<(usize, usize)>>,
    absent: Absent,
}

/// Closing marks known not to occur in the rest of the block.
#[derive(Default)]
struct Absent {
    dollar: bool,
    dollars: bool,
    percents: bool,
    comment: bool,
}

impl<'a> Inline<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Inline {
            text,
            src: text.as_bytes(),
            links: Vec::new(),
            tags: Vec::new(),
            block_tags: Vec::new(),
            brackets: Vec::new(),
            backticks: None,
            absent: Absent::default(),
        }
    }

    /// The links in order of their ends, and every tag in order.
    pub(super) fn finish(self) -> (Vec<BodyLink>, Vec<&'a str>) {
        (self.links, self.tags)
    }

    /// Reads one block; `row` says that it is a table's row, where a cell starts as a line does.
    pub(super) fn read(&mut self, block: Range<usize>, row: bool) {
        let Range { start, end } = block;
        self.brackets.clear();
        self.backticks = None;
        self.absent = Absent::default();
        let mut at = start;
        while at < end {
            let byte = self.src[at];
            if !SPECIAL[usize::from(byte)] {
                at += 1;
                continue;
            }
            at = match byte {
                // Whatever follows is plain; a multi-byte character's other bytes are plain too.
                b'\\' => at + 2,
                b'`' => self.code(at, end),
                b'$' => self.math(at, end),
                b'<' => self.html(at, end),
                b'%' => self.comment(at, end),
                b'[' => self.open_bracket(start, at, end),
                b']' => self.close_bracket(at, end),
                _ => self.tag(start, at, end, row),
            };
        }
        self.tags.extend(self.block_tags.drain(..).map(|(_, tag)| tag));
    }

    fn code(&mut self, at: usize, end: usize) -> usize {
        let src = self.src;
        let run = run_length(src, b'`', at, end);
        let runs = self.backticks.get_or_insert_with(|| {
            let mut runs = Vec::new();
            let mut next = at;
            while next < end {
                let length = run_length(src, b'`', next, end);
                if length > 0 {
                    runs.push((length, next));
                }
                next += length.max(1);
            }
            runs.sort_unstable();
            runs
        });
        let after = at + run;
        match runs.get(runs.partition_point(|&entry| entry < (run, after))) {
            Some(&(length, close)) if length == run => close + run,
            _ => after,
        }
    }

    fn math(&mut self, at: usize, end: usize) -> usize {
        if self.byte(at + 1, end) == Some(b'$') {
            return self.skip_to(b"$$", at + 2, end, |absent| &mut absent.dollars);
        }
        let opens = self.byte(at + 1, end).is_some_and(|b| !b.is_ascii_whitespace());
        if !opens || self.absent.dollar {
            return at + 1;
        }
        let mut next = at + 1;
        while next < end {
            match self.src[next] {
                b'\\' => next += 1,
                // A closing dollar follows no space and precedes no digit, so that prices are not math.
                b'$' if !self.src[next - 1].is_ascii_whitespace()
                    && !self.byte(next + 1, end).is_some_and(|b| b.is_ascii_digit()) =>
                {
                    return next + 1;
                }
                _ => {}
            }
            next += 1;
        }
        self.absent.dollar = true;
        at + 1
    }

    fn comment(&mut self, at: usize, end: usize) -> usize {
        if self.byte(at + 1, end) != Some(b'%') {
            return at + 1;
        }
        self.skip_to(b"%%", at + 2, end, |absent| &mut absent.percents)
    }

    /// The place after the closing mark, or `from` when there is none.
    fn skip_to(&mut self, close: &[u8], from: usize, end: usize, absent: fn(&mut Absent) -> &mut bool) -> usize {
        let none = absent(&mut self.absent);
        if *none {
            return from;
        }
        match find(self.src, close, from, end) {
            Some(found) => found + close.len(),
            None => {
                *none = true;
                from
            }
        }
    }

    /// An HTML comment, an autolink or a tag.
    fn html(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.src[at..end];
        if rest.starts_with(b"<!--") {
            return self.skip_to(b"-->", at + 4, end, |absent| &mut absent.comment);
        }
        let name_at = if rest.get(1) == Some(&b'/') { 2 } else { 1 };
        if !rest.get(name_at).is_some_and(u8::is_ascii_alphabetic) {
            return at + 1;
        }
        let mut quote = None;
        for (offset, &byte) in rest.iter().enumerate().take(MAX_TAG).skip(name_at) {
            match (quote, byte) {
                (None, b'>') => return at + offset + 1,
                (None, b'<') => break,
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
        }
        at + 1
    }

    fn open_bracket(&mut self, start: usize, at: usize, end: usize) -> usize {
        // An escaped `!` is no embed's: the backslash before it was passed over together with it.
        let embed = at > start && self.src[at - 1] == b'!' && !escaped(self.src, start, at - 1);
        if self.byte(at + 1, end) == Some(b'[')
            && let Some(link) = wiki_link(self.text, at, end, embed)
        {
            let next = link.range.end;
            self.links.push(link);
            return next;
        }
        if self.brackets.len() == MAX_BRACKETS {
            self.brackets.clear();
        }
        self.brackets.push((at, embed));
        at + 1
    }

    fn close_bracket(&mut self, at: usize, end: usize) -> usize {
        let Some((open, embed)) = self.brackets.pop() else { return at + 1 };
        if self.byte(at + 1, end) != Some(b'(') {
            return at + 1;
        }
        let Some((destination, next)) = destination(self.text, at + 2, end) else { return at + 1 };
        while self.block_tags.last().is_some_and(|&(tag, _)| tag > open) {
            self.block_tags.pop();
        }
        if !embed {
            // A link's text holds no other Markdown link: those opened before this one are just text.
            self.brackets.retain(|&(_, embed)| embed);
        }
        let range = open - usize::from(embed)..next;
        self.links.extend(markdown_link(destination, &self.text[open + 1..at], embed, range));
        next
    }

    fn tag(&mut self, start: usize, at: usize, end: usize, row: bool) -> usize {
        let before = self.text[start..at].chars().next_back();
        let free = match before {
            None => true,
            Some('|') => row,
            // A paragraph's further lines in a quote still have their marks.
            Some('>') => {
                let prefix = self.src[start..at].iter().rposition(|&b| !matches!(b, b'>' | b' ' | b'\t'));
                prefix.is_some_and(|found| self.src[start + found] == b'\n')
            }
            Some(other) => other.is_whitespace(),
        };
        let name = &self.text[at + 1..end];
        let length = name.find(|c: char| !is_tag_char(c)).unwrap_or(name.len());
        let next = at + 1 + length;
        let name = name[..length].trim_matches('/');
        if free && !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()) {
            self.block_tags.push((at, name));
        }
        next
    }

    fn byte(&self, at: usize, end: usize) -> Option<u8> {
        (at < end).then(|| self.src[at])
    }
}

fn run_length(src: &[u8], mark: u8, at: usize, end: usize) -> usize {
    src[at..end].iter().take_while(|&&b| b == mark).count()
}

fn escaped(src: &[u8], start: usize, at: usize) -> bool {
    src[start..at].iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1
}

/// What Obsidian takes into a tag: anything but white space and punctuation, save `-`, `_` and `/`.
fn is_tag_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
    }
    !c.is_whitespace() && !matches!(c, '\u{2000}'..='\u{206F}' | '\u{2E00}'..='\u{2E7F}')
}

/// The `[[link]]` whose brackets open at `at`, if it is one. The cost is the distance to the next `[[`, `]]` or
/// line end, and those are all places where a later attempt begins.
pub(super) fn wiki_link(text: &str, at: usize, end: usize, embed: bool) -> Option<BodyLink> {
    let src = text.as_bytes();
    let inner = at + 2;
    let mut next = inner;
    let close = loop {
        if next + 1 >= end {
            return None;
        }
        match (src[next], src[next + 1]) {
            (b']', b']') => break next,
            (b'[', b'[') | (b'\n' | b'\r', _) => return None,
            (b'[', _) if next == inner => return None,
            _ => next += 1,
        }
    };
    let (place, display) = match text[inner..close].split_once('|') {
        Some((place, display)) => (place, Some(display.trim().replace("\\|", "|"))),
        None => (&text[inner..close], None),
    };
    // In a table the bar is written `\|`.
    let place = if display.is_some() { place.strip_suffix('\\').unwrap_or(place) } else { place };
    let (target, subpath) = place.split_once('#').unwrap_or((place, ""));
    let (heading, block) = subpath_parts(subpath);
    let target = target.trim().to_owned();
    (!target.is_empty() || heading.is_some() || block.is_some()).then_some(BodyLink {
        range: at - usize::from(embed)..close + 2,
        style: LinkStyle::Wiki,
        embed,
        target,
        heading,
        block,
        display: display.filter(|display| !display.is_empty()),
    })
}

/// The headings and the block that follow a target's first `#`.
fn subpath_parts(subpath: &str) -> (Option<String>, Option<String>) {
    let mut headings: Vec<&str> = Vec::new();
    let mut block = None;
    for part in subpath.split('#').map(str::trim).filter(|part| !part.is_empty()) {
        match part.strip_prefix('^') {
            Some(id) => block = Some(id.to_owned()),
            None => headings.push(part),
        }
    }
    ((!headings.is_empty()).then(|| headings.join("#")), block)
}

/// Reads `destination "title")` from `at`, and gives the destination as written and the place after the `)`.
fn destination(text: &str, at: usize, end: usize) -> Option<(&str, usize)> {
    let src = text.as_bytes();
    let skip_space = |mut at: usize| {
        while at < end && src[at].is_ascii_whitespace() {
            at += 1;
        }
        at
    };
    let start = skip_space(at);
    let (found, mut next) = if start < end && src[start] == b'<' {
        let close = src[start + 1..end].iter().position(|b| matches!(b, b'>' | b'<' | b'\n'))? + start + 1;
        if src[close] != b'>' {
            return None;
        }
        (&text[start + 1..close], close + 1)
    } else {
        let mut depth = 0;
        let mut next = start;
        while next < end {
            match src[next] {
                b'\\' if next + 1 < end && src[next + 1].is_ascii_punctuation() => next += 1,
                b'(' if depth == MAX_PARENS => return None,
                b'(' => depth += 1,
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                byte if byte.is_ascii_whitespace() || byte.is_ascii_control() => break,
                _ => {}
            }
            next += 1;
        }
        (&text[start..next], next)
    };
    let spaced = skip_space(next);
    if spaced > next && spaced < end && matches!(src[spaced], b'"' | b'\'' | b'(') {
        next = title_end(src, spaced, end)?;
    }
    let close = skip_space(next);
    (close < end && src[close] == b')').then_some((found, close + 1))
}

/// The place after the link title that opens at `at`. A title never holds its own opening mark unescaped, so the
/// next title's opening is as far as this looks.
fn title_end(src: &[u8], at: usize, end: usize) -> Option<usize> {
    let close = if src[at] == b'(' { b')' } else { src[at] };
    let mut next = at + 1;
    while next < end {
        match src[next] {
            b'\\' => next += 1,
            byte if byte == close => return Some(next + 1),
            b'(' if close == b')' => return None,
            _ => {}
        }
        next += 1;
    }
    None
}

/// The internal link that a Markdown link's destination names; none when it leads out of the vault.
fn markdown_link(destination: &str, display: &str, embed: bool, range: Range<usize>) -> Option<BodyLink> {
    if has_scheme(destination) || destination.starts_with("//") {
        return None;
    }
    let destination = unescape(destination);
    // Split before decoding: `%23` is a `#` in a file's name.
    let (target, subpath) = destination.split_once('#').unwrap_or((&destination, ""));
    let (heading, block) = subpath_parts(&decode(subpath));
    let target = decode(target);
    (!target.is_empty() || heading.is_some() || block.is_some()).then(|| BodyLink {
        range,
        style: LinkStyle::Markdown,
        embed,
        target,
        heading,
        block,
        display: (!display.is_empty()).then(|| display.to_owned()),
    })
}

/// Whether a destination starts with a URL scheme (RFC 3986, section 3.1).
fn has_scheme(destination: &str) -> bool {
    destination.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
    })
}

/// Drops the backslashes that escape punctuation.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let next = chars.next();
        if !next.is_some_and(|next| next.is_ascii_punctuation()) {
            out.push(c);
        }
        out.extend(next);
    }
    out
}

/// Percent-decodes; what doesn't decode to UTF-8 is kept as written.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), |decoded| decoded.trim().to_owned())
}
