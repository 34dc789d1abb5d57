//! Colour, and the taming of text that somebody else wrote.
//!
//! Nothing from a store reaches a terminal raw: a control character in a title could move the cursor, rename the window or
//! type commands. Each becomes the picture of itself (`␛`), so that one sees that it is there.

use std::env;

/// Colours on, or off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };

    /// Colours on a terminal, unless `NO_COLOR` is set or the terminal can't show them.
    pub(crate) fn for_terminal(terminal: bool) -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { on: terminal && wanted && able }
    }

    fn with(self, code: &str, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For what stands back: dates, ids of others.
    pub(crate) fn dim(self, text: impl AsRef<str>) -> String {
        self.with("2", text)
    }

    /// For titles and headings.
    pub(crate) fn bold(self, text: impl AsRef<str>) -> String {
        self.with("1", text)
    }

    /// For ids.
    pub(crate) fn yellow(self, text: impl AsRef<str>) -> String {
        self.with("33", text)
    }

    /// For tags and hints.
    pub(crate) fn cyan(self, text: impl AsRef<str>) -> String {
        self.with("36", text)
    }

    /// For what is wrong.
    pub(crate) fn red(self, text: impl AsRef<str>) -> String {
        self.with("1;31", text)
    }
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// The text on one line: line ends and tabs become spaces.
pub(crate) fn safe_line(text: &str) -> String {
    let flat = text.trim().replace("\r\n", " ");
    flat.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { picture(c) }).collect()
}

/// The text on one line of at most `width` characters.
pub(crate) fn safe_short(text: &str, width: usize) -> String {
    // A body can be megabytes long: look only at what can be shown.
    let start: String = text.trim_start().chars().take(width * 2).collect();
    let line = safe_line(&start);
    if line.chars().count() <= width && start.len() == text.trim_start().len() {
        return line;
    }
    let cut: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The text with its lines and tabs kept.
pub(crate) fn safe_text(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    lines.chars().map(|c| if matches!(c, '\n' | '\t') { c } else { picture(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_shown_not_obeyed() {
        assert_eq!(safe_line("a\x1b[2Jb\u{9b}c\x07\nd"), "a␛[2Jb\u{fffd}c␇ d");
        assert_eq!(safe_text("one\r\n\ttwo\x1b]0;x"), "one\n\ttwo␛]0;x");
    }

    #[test]
    fn a_long_line_is_cut_with_a_sign() {
        assert_eq!(safe_short("abcdef", 6), "abcdef");
        assert_eq!(safe_short("abcdefg", 6), "abcde…");
        assert_eq!(safe_short(&"x ".repeat(1_000_000), 5), "x x…");
    }

    #[test]
    fn no_colours_without_a_terminal() {
        assert_eq!(Paint::for_terminal(false).bold("x"), "x");
    }
}
