//! Text from stdin, for `capture -` and `--body -`.

use std::io::{self, Read};

use altair_core::{Error, ErrorKind};

use crate::failure::Failure;

/// The most that is taken from stdin.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The text itself, or all of stdin when it is `-`.
pub(crate) fn text_or_stdin(text: String) -> Result<String, Failure> {
    if text == "-" { read_text(io::stdin().lock()) } else { Ok(text) }
}

/// All that the reader gives, without the line end at its end. Reads no further than the limit.
fn read_text(from: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
        let message = format!("stdin couldn't be read: {error}");
        Error::new(ErrorKind::Internal, message, "check what is piped in, then try again")
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(
            "the text on stdin is too large: 8 MiB is the most",
            "split it, or keep it as a file with `altair attach`",
        ));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        Failure::usage(
            format!("the text on stdin is not UTF-8: byte {} is wrong", error.utf8_error().valid_up_to() + 1),
            "convert it first, with `iconv -t utf-8` for instance",
        )
    })?;
    if text.ends_with('\n') {
        text.truncate(text.len() - if text.ends_with("\r\n") { 2 } else { 1 });
    }
    Ok(text)
}

/// A path as the host understands it, which may be in another folder.
pub(crate) fn absolute(path: &std::path::Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("the path {} can't be used: {error}", path.display()), "name another file or folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_trimmed() {
        assert_eq!(read_text(&b"a\n\n"[..]).unwrap(), "a\n");
        assert_eq!(read_text(&b"a\r\n"[..]).unwrap(), "a");
        assert_eq!(read_text(&b""[..]).unwrap(), "");
    }

    #[test]
    fn an_endless_reader_is_refused_at_the_limit() {
        assert!(read_text(io::repeat(b'x')).is_err());
        assert!(read_text(io::repeat(b'x').take(MAX_BYTES)).is_ok());
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(read_text(&b"ab\xff"[..]).is_err());
    }
}
