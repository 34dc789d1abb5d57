//! Picks single values out of JSON that our own tools printed.
//!
//! Not a parser: it takes the first `"key":` that it meets, at whatever depth. That is enough for one flat line of
//! `altair --json` or for `cargo metadata`'s target directory, and it spares this crate a dependency.

/// The string under the first `key`, unescaped; `None` when there is no such key or its value is no string.
pub(crate) fn string(json: &str, key: &str) -> Option<String> {
    let mut rest = value(json, key)?.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = rest.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                itself => itself,
            }),
            plain => text.push(plain),
        }
    }
}

/// The whole number under the first `key`.
pub(crate) fn number(json: &str, key: &str) -> Option<u64> {
    let value = value(json, key)?;
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..digits].parse().ok()
}

/// What follows the first `"key":`.
fn value<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    json.match_indices(&quoted)
        .find_map(|(at, _)| json[at + quoted.len()..].trim_start().strip_prefix(':').map(str::trim_start))
}

#[cfg(test)]
mod tests {
    use super::{number, string};

    #[test]
    fn a_string_is_unescaped() {
        let json = r#"{"id":"01","path":"C:\\tmp\n\"caf\u00e9\"","n":12}"#;
        assert_eq!(string(json, "id").as_deref(), Some("01"));
        assert_eq!(string(json, "path").as_deref(), Some("C:\\tmp\n\"café\""));
    }

    #[test]
    fn a_key_is_not_taken_for_a_value() {
        let json = r#"{"kind": "title", "title" : "Notes"}"#;
        assert_eq!(string(json, "title").as_deref(), Some("Notes"));
    }

    #[test]
    fn what_is_missing_or_cut_short_is_none() {
        assert_eq!(string(r#"{"id":null}"#, "id"), None);
        assert_eq!(string(r#"{"id":"01"#, "id"), None);
        assert_eq!(string("", "id"), None);
        assert_eq!(number(r#"{"notes":null}"#, "notes"), None);
    }

    #[test]
    fn a_number_ends_where_its_digits_do() {
        assert_eq!(number(r#"{"notes": 10,"links":0}"#, "notes"), Some(10));
        assert_eq!(number(r#"{"notes": 10,"links":0}"#, "links"), Some(0));
    }
}
