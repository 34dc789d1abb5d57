//! Cutting a body into blocks of text, leaving out the blocks that hold none.
//!
//! The invariant: every byte that CommonMark (with tables, footnotes, Obsidian's `%%` and `$$`) reads as a
//! paragraph, heading or table row is handed out exactly once, in order, and no byte of a code, comment, math or
//! HTML block is. Lists and quotes are followed only as far as that needs: they decide what four spaces mean and
//! where a fence ends. Each line is looked at once against at most [`MAX_DEPTH`] open containers.

use std::ops::Range;

use super::inline::find;

/// Deeper quotes and lists are read as text, so that a line of ten million `>` costs its length and no more.
const MAX_DEPTH: usize = 64;

/// What a block of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A paragraph; lines after the first still carry their `>` and indentation.
    Text,
    /// A heading, without its `#`s or underline.
    Heading,
    /// One row of a table, its bars included.
    Row,
}

/// Calls `visit` with each block of text of `body`, in order.
pub(super) fn for_each_block(body: &str, visit: impl FnMut(Kind, Range<usize>)) {
    let src = body.as_bytes();
    let mut blocks =
        Blocks { src, open: Vec::new(), leaf: Leaf::None, bare_item: false, comment: (0, false), math_close: 0, visit };
    let mut start = 0;
    while start < src.len() {
        let next = src[start..].iter().position(|&b| b == b'\n').map_or(src.len(), |found| start + found + 1);
        let mut end = next;
        while end > start && matches!(src[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        blocks.line(start, end);
        start = next;
    }
    blocks.flush();
}

/// A list item's number is how many columns its content is indented by.
#[derive(Clone, Copy)]
enum Container {
    Quote,
    Item(usize),
}

#[derive(Clone, Copy)]
enum Leaf {
    None,
    Paragraph {
        start: usize,
        end: usize,
    },
    Table,
    Fence {
        mark: u8,
        len: usize,
    },
    /// Comment, math or raw HTML: everything up to a line that holds this.
    Until(&'static [u8]),
    /// An HTML block: everything up to a blank line.
    Html,
}

struct Blocks<'a, F> {
    src: &'a [u8],
    open: Vec<Container>,
    leaf: Leaf,
    /// Whether the line before opened a list item and put nothing into it: a blank line then closes it.
    bare_item: bool,
    /// How far the open paragraph's `%%` are counted, and whether their number is odd.
    comment: (usize, bool),
    /// Where the next `$$` was last found, so that looking for it again and again costs nothing.
    math_close: usize,
    visit: F,
}

impl<F: FnMut(Kind, Range<usize>)> Blocks<'_, F> {
    /// Closes the open leaf, handing out its text.
    fn flush(&mut self) {
        if let Leaf::Paragraph { start, end } = std::mem::replace(&mut self.leaf, Leaf::None) {
            (self.visit)(Kind::Text, start..end);
        }
    }

    fn line(&mut self, start: usize, end: usize) {
        let mut cursor = Cursor { src: self.src, pos: start, column: 0, spare: 0, end };
        let matched = self.match_containers(&mut cursor);
        let whole = matched == self.open.len();
        self.bare_item = false;
        if whole && self.inside_opaque(&cursor) {
            return;
        }
        if !matches!(self.leaf, Leaf::Paragraph { .. } | Leaf::Table) {
            self.leaf = Leaf::None;
        }
        self.start_blocks(&mut cursor, matched, whole);
    }

    /// Walks past the marks of the containers that go on in this line, and says how many do.
    fn match_containers(&self, cursor: &mut Cursor<'_>) -> usize {
        for (depth, container) in self.open.iter().enumerate() {
            let (indent, at) = cursor.indent();
            match *container {
                Container::Quote if indent <= 3 && cursor.byte(at) == Some(b'>') => cursor.pass_mark(at + 1, 1),
                Container::Item(_) if at == cursor.end => {
                    if self.bare_item && depth + 1 == self.open.len() {
                        return depth;
                    }
                }
                Container::Item(columns) if indent >= columns => cursor.eat(columns),
                _ => return depth,
            }
        }
        self.open.len()
    }

    /// Whether the line belongs to the open leaf that holds no text.
    fn inside_opaque(&mut self, cursor: &Cursor<'_>) -> bool {
        let (indent, at) = cursor.indent();
        match self.leaf {
            Leaf::Fence { mark, len } => {
                let rest = &self.src[at..cursor.end];
                let run = rest.iter().take_while(|&&b| b == mark).count();
                if indent <= 3 && run >= len && rest[run..].iter().all(u8::is_ascii_whitespace) {
                    self.leaf = Leaf::None;
                }
                true
            }
            Leaf::Until(close) => {
                if let Some(found) = find(self.src, close, cursor.pos, cursor.end) {
                    self.leaf = Leaf::None;
                    (self.visit)(Kind::Text, found + close.len()..cursor.end);
                }
                true
            }
            Leaf::Html => at < cursor.end,
            Leaf::None | Leaf::Paragraph { .. } | Leaf::Table => false,
        }
    }

    /// Opens what the rest of the line opens: containers, then one leaf.
    fn start_blocks(&mut self, cursor: &mut Cursor<'_>, mut matched: usize, whole: bool) {
        // True until this line opens a container: then the open leaf can go on in it.
        let mut goes_on = true;
        loop {
            let (indent, at) = cursor.indent();
            let Some(first) = cursor.byte(at) else {
                self.flush();
                self.open.truncate(matched);
                self.bare_item = !goes_on && matches!(self.open.last(), Some(Container::Item(_)));
                return;
            };
            let paragraph = goes_on && matches!(self.leaf, Leaf::Paragraph { .. });
            if indent >= 4 && !paragraph {
                self.flush();
                self.open.truncate(matched);
                return;
            }
            if indent >= 4 {
                self.text(at, cursor.end, matched, goes_on, whole);
                return;
            }
            let room = self.open.len().min(matched) < MAX_DEPTH;
            if first == b'>' && room {
                self.push(Container::Quote, &mut matched);
                cursor.pass_mark(at + 1, 1);
            } else if self.leaf_block(cursor, at, first, matched, paragraph, whole) {
                return;
            } else if let Some(item) = room.then(|| list_item(cursor, indent, at, paragraph && whole)).flatten() {
                self.push(Container::Item(item), &mut matched);
            } else {
                self.text(at, cursor.end, matched, goes_on, whole);
                return;
            }
            goes_on = false;
        }
    }

    fn push(&mut self, container: Container, matched: &mut usize) {
        self.flush();
        self.open.truncate(*matched);
        self.open.push(container);
        *matched += 1;
    }

    /// Opens or completes a block other than a paragraph, list or quote, if one starts at `at`.
    fn leaf_block(
        &mut self,
        cursor: &Cursor<'_>,
        at: usize,
        first: u8,
        matched: usize,
        paragraph: bool,
        whole: bool,
    ) -> bool {
        let rest = &self.src[at..cursor.end];
        if let (true, true, Leaf::Paragraph { start, end }) = (paragraph, whole, self.leaf)
            && is_underline(rest)
        {
            self.leaf = Leaf::None;
            (self.visit)(Kind::Heading, start..end);
            return true;
        }
        let run = rest.iter().take_while(|&&b| b == first).count();
        let leaf = match first {
            b'#' if run <= 6 && rest.get(run).is_none_or(|b| matches!(b, b' ' | b'\t')) => {
                self.flush();
                (self.visit)(Kind::Heading, at + run..cursor.end);
                Leaf::None
            }
            b'~' if run >= 3 => Leaf::Fence { mark: first, len: run },
            b'`' if run >= 3 && !rest[run..].contains(&b'`') => Leaf::Fence { mark: first, len: run },
            b'-' | b'*' | b'_' if is_rule(rest, first) => Leaf::None,
            b'<' => match html_block(rest) {
                Some(leaf) => leaf,
                None => return false,
            },
            b'%' if run >= 2 && self.opens_comment(at, cursor.end, paragraph) => Leaf::Until(b"%%"),
            b'$' if run >= 2 && !paragraph && self.opens_math(at + 2, cursor.end) => Leaf::Until(b"$$"),
            _ => return false,
        };
        self.flush();
        self.open.truncate(matched);
        self.leaf = leaf;
        true
    }

    /// A `%%` opens a block comment when it isn't closed in its line and doesn't itself close one that began
    /// earlier in the paragraph.
    fn opens_comment(&mut self, at: usize, end: usize, paragraph: bool) -> bool {
        if find(self.src, b"%%", at + 2, end).is_some() {
            return false;
        }
        let Leaf::Paragraph { start, .. } = self.leaf else { return true };
        if !paragraph {
            return true;
        }
        let (mut counted, mut odd) = self.comment;
        if counted < start {
            (counted, odd) = (start, false);
        }
        while let Some(found) = find(self.src, b"%%", counted, at) {
            (counted, odd) = (found + 2, !odd);
        }
        self.comment = (counted.max(at), odd);
        !odd
    }

    /// A `$$` opens block math when it is closed in a later line: prices must not swallow the rest of a note.
    fn opens_math(&mut self, from: usize, end: usize) -> bool {
        if find(self.src, b"$$", from, end).is_some() {
            return false;
        }
        if self.math_close < end {
            self.math_close = find(self.src, b"$$", end, self.src.len()).unwrap_or(usize::MAX);
        }
        self.math_close != usize::MAX
    }

    /// Adds a line of text to the open paragraph or table, or opens a paragraph with it.
    fn text(&mut self, at: usize, line_end: usize, matched: usize, goes_on: bool, whole: bool) {
        match self.leaf {
            Leaf::Paragraph { start, end } if goes_on => {
                if whole
                    && is_delimiter_row(&self.src[at..line_end])
                    && has_bar(&self.src[start..end], &self.src[at..line_end])
                {
                    self.leaf = Leaf::Table;
                    let single = !self.src[start..end].contains(&b'\n');
                    (self.visit)(if single { Kind::Row } else { Kind::Text }, start..end);
                } else {
                    self.leaf = Leaf::Paragraph { start, end: line_end };
                }
            }
            Leaf::Table if goes_on && whole => (self.visit)(Kind::Row, at..line_end),
            _ => {
                self.flush();
                self.open.truncate(matched);
                self.leaf = Leaf::Paragraph { start: at, end: line_end };
            }
        }
    }
}

/// A place in a line, counting columns with tabs every four.
struct Cursor<'a> {
    src: &'a [u8],
    pos: usize,
    column: usize,
    /// Columns left over of a tab that was eaten in part.
    spare: usize,
    end: usize,
}

impl Cursor<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        (at < self.end).then(|| self.src[at])
    }

    /// The columns of white space ahead, and where it ends.
    fn indent(&self) -> (usize, usize) {
        let (mut at, mut column) = (self.pos, self.column);
        loop {
            match self.byte(at) {
                Some(b' ') => column += 1,
                Some(b'\t') => column += 4 - column % 4,
                _ => return (self.spare + column - self.column, at),
            }
            at += 1;
        }
    }

    fn eat(&mut self, mut columns: usize) {
        let spare = self.spare.min(columns);
        self.spare -= spare;
        columns -= spare;
        while columns > 0 {
            let width = match self.byte(self.pos) {
                Some(b' ') => 1,
                Some(b'\t') => 4 - self.column % 4,
                _ => return,
            };
            self.pos += 1;
            self.column += width;
            self.spare = width.saturating_sub(columns);
            columns = columns.saturating_sub(width);
        }
    }

    /// Moves past a mark of `width` bytes that ends at `to`, and one column of white space after it.
    fn pass_mark(&mut self, to: usize, width: usize) {
        self.jump(to, width);
        self.eat(1);
    }

    fn jump(&mut self, to: usize, width: usize) {
        let (indent, _) = self.indent();
        self.column += indent - self.spare + width;
        self.spare = 0;
        self.pos = to;
    }
}

/// Reads a list item's (or footnote's) mark and gives the columns its content is indented by.
fn list_item(cursor: &mut Cursor<'_>, indent: usize, at: usize, interrupts: bool) -> Option<usize> {
    let rest = &cursor.src[at..cursor.end];
    let digits = rest.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
    let width = match rest.first()? {
        b'-' | b'+' | b'*' => 1,
        b'0'..=b'9' if digits <= 9 && matches!(rest.get(digits), Some(b'.' | b')')) => digits + 1,
        b'[' if rest.get(1) == Some(&b'^') => {
            let label = rest.iter().take(128).position(|&b| matches!(b, b']' | b' '))?;
            if label < 3 || rest.get(label..label + 2) != Some(b"]:") {
                return None;
            }
            cursor.jump(at + label + 2, label + 2);
            return Some(4);
        }
        _ => return None,
    };
    if rest.get(width).is_some_and(|b| !matches!(b, b' ' | b'\t')) {
        return None;
    }
    let empty = rest[width..].iter().all(|b| matches!(b, b' ' | b'\t'));
    if interrupts && (empty || (digits > 0 && &rest[..digits] != b"1")) {
        return None;
    }
    cursor.jump(at + width, width);
    let (space, _) = cursor.indent();
    let padding = if empty || space > 4 { 1 } else { space };
    cursor.eat(padding);
    Some(indent + width + padding)
}

/// `===` or `---` under a paragraph.
fn is_underline(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.iter().all(|&b| b == b'=') || line.iter().all(|&b| b == b'-')
}

/// A thematic break.
fn is_rule(line: &[u8], mark: u8) -> bool {
    let mut marks = 0;
    line.iter().all(|&b| {
        marks += usize::from(b == mark);
        b == mark || matches!(b, b' ' | b'\t')
    }) && marks >= 3
}

/// The `|---|:-:|` under a table's head.
fn is_delimiter_row(line: &[u8]) -> bool {
    line.contains(&b'-') && line.iter().all(|b| matches!(b, b'|' | b'-' | b':' | b' ' | b'\t'))
}

fn has_bar(head: &[u8], delimiter: &[u8]) -> bool {
    let line = head.iter().rposition(|&b| b == b'\n').map_or(head, |at| &head[at..]);
    line.contains(&b'|') && delimiter.contains(&b'|')
}

/// The HTML block that a line opens: CommonMark's kinds 1, 2 and 6.
fn html_block(line: &[u8]) -> Option<Leaf> {
    if line.starts_with(b"<!--") {
        // Closed in its own line it is left to the text around it.
        return find(line, b"-->", 4, line.len()).is_none().then_some(Leaf::Until(b"-->"));
    }
    let name_at = if line.get(1) == Some(&b'/') { 2 } else { 1 };
    let length = line[name_at..].iter().take(12).take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = line[name_at..name_at + length].to_ascii_lowercase();
    if line.get(name_at + length).is_some_and(|b| !matches!(b, b' ' | b'\t' | b'>' | b'/')) {
        return None;
    }
    let name = std::str::from_utf8(&name).ok()?;
    let raw: Option<&[u8]> = match name {
        "pre" => Some(b"</pre>"),
        "script" => Some(b"</script>"),
        "style" => Some(b"</style>"),
        "textarea" => Some(b"</textarea>"),
        _ => None,
    };
    match raw {
        // All within one line: the tags are skipped as inline HTML, but what is between them is not text.
        Some(close) if name_at == 1 => {
            Some(if find(line, close, 0, line.len()).is_some() { Leaf::None } else { Leaf::Until(close) })
        }
        _ => HTML_BLOCKS.binary_search(&name).is_ok().then_some(Leaf::Html),
    }
}

/// The elements that open an HTML block (CommonMark 0.31, section 4.6, kind 6), sorted.
#[rustfmt::skip]
const HTML_BLOCKS: &[&str] = &[
    "address", "article", "aside", "base", "basefont", "blockquote", "body", "caption", "center", "col", "colgroup",
    "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "iframe", "legend",
    "li", "link", "main", "menu", "menuitem", "nav", "noframes", "ol", "optgroup", "option", "p", "param", "search",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "track", "ul",
];
