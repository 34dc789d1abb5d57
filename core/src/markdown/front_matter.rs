//! A note's front matter, cut into one piece of source per top-level property.
//!
//! The invariant: nothing is lost. `front + body` is the note and [`FrontMatter::to_text`] is the front matter,
//! byte for byte, for any text at all. A property keeps its own source with its comments, quoting and order, so
//! that changing one property leaves the others as the person wrote them. What YAML can't read is kept as source
//! with the value `null`.
//!
//! Values are for asking (search, lists of tags); the source is what is stored and merged.

use serde_json::Value;

use super::yaml::{self, End};

/// After this many broken entries the rest of the front matter is kept in one piece: each costs a new parse.
const MAX_RECOVERIES: usize = 32;

/// A note's text in its two parts; `front` followed by `body` is the text, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The front matter with both fences and their line ends (and the byte order mark before it), if there is one.
    pub front: Option<&'a str>,
    /// Everything after it.
    pub body: &'a str,
}

/// Cuts a note's text after its front matter, by Obsidian's rule: the first line is `---` and a later one closes it.
pub fn split(text: &str) -> Document<'_> {
    let whole = Document { front: None, body: text };
    let Some(first) = lines(text).next().filter(|line| is_fence(line.trim_start_matches(BOM))) else { return whole };
    let mut end = first.len();
    for line in lines(&text[end..]) {
        end += line.len();
        if is_fence(line) {
            return Document { front: Some(&text[..end]), body: &text[end..] };
        }
    }
    whole
}

/// A parsed front matter: the fences and the properties between them, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontMatter {
    /// The opening fence's line, its line end (and a byte order mark before it) included.
    pub open: String,
    /// The top-level properties, in order. A key that is written twice is here twice.
    pub properties: Vec<Property>,
    /// The closing fence's line; its line end too, unless the note ends there.
    pub close: String,
}

/// One top-level property.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The key; one that isn't a scalar is given as JSON. Empty for source that can't be cut into properties.
    pub key: String,
    /// The entry's lines as written, with the comments and blank lines before it (and, for the last one, after it).
    pub raw: String,
    /// The value as JSON; `null` when it can't be read, is nested too deep or grows too large by its aliases.
    pub value: Value,
}

impl FrontMatter {
    /// Parses a front matter as [`split`] gives it. Any other text is taken too, and kept just as well.
    pub fn parse(front: &str) -> FrontMatter {
        let open = lines(front).next().filter(|line| is_fence(line.trim_start_matches(BOM))).unwrap_or("");
        let rest = &front[open.len()..];
        let close = lines(rest).next_back().filter(|line| is_fence(line)).unwrap_or("");
        let inner = &rest[..rest.len() - close.len()];
        FrontMatter { open: open.to_owned(), properties: properties(inner), close: close.to_owned() }
    }

    /// The front matter's text. After [`FrontMatter::parse`] it is the text that was parsed, byte for byte.
    pub fn to_text(&self) -> String {
        let raws = self.properties.iter().map(|property| property.raw.as_str());
        std::iter::once(self.open.as_str()).chain(raws).chain([self.close.as_str()]).collect()
    }

    /// The other names that the note goes by: `aliases` (or `alias`), a list or a string separated by commas.
    pub fn aliases(&self) -> Vec<String> {
        self.names(["aliases", "alias"], |c| c == ',')
    }

    /// The tags in the front matter: `tags` (or `tag`), a list or a string separated by commas or white space.
    /// Without the leading `#`; once each, whatever their case.
    pub fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for tag in self.names(["tags", "tag"], |c| c == ',' || c.is_whitespace()) {
            let tag = tag.trim_start_matches('#');
            if !tag.is_empty() && seen.insert(tag.to_lowercase()) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    fn names(&self, keys: [&str; 2], separator: fn(char) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        let mut add = |name: &str| {
            if !name.trim().is_empty() {
                names.push(name.trim().to_owned());
            }
        };
        for property in &self.properties {
            if !keys.iter().any(|key| property.key.eq_ignore_ascii_case(key)) {
                continue;
            }
            match &property.value {
                Value::String(text) => text.split(separator).for_each(&mut add),
                Value::Number(number) => add(&number.to_string()),
                Value::Array(items) => {
                    for item in items {
                        match item {
                            Value::String(text) => add(text),
                            Value::Number(number) => add(&number.to_string()),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        names
    }
}

/// The value of one property's source, as [`FrontMatter::parse`] gives it. An alias (`*name`) to an anchor in
/// another property can't be followed from here: the value is then `null`.
pub fn value_of(raw: &str) -> Value {
    let entries = properties(raw);
    match <[Property; 1]>::try_from(entries) {
        Ok([property]) => property.value,
        Err(_) => Value::Null,
    }
}

/// The source of a property that was set from inside: one entry, ending in a line feed. [`value_of`] it is `value`
/// again, save for values nested deeper than 64 (written as `null`).
pub fn property_yaml(key: &str, value: &Value) -> String {
    yaml::write_entry(key, value)
}

const BOM: char = '\u{FEFF}';

fn is_fence(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.trim_matches([' ', '\t', '\r', '\n']).is_empty())
}

fn lines(text: &str) -> std::str::SplitInclusive<'_, char> {
    text.split_inclusive('\n')
}

/// Cuts the text between the fences into properties; together their sources are the text.
fn properties(inner: &str) -> Vec<Property> {
    let mut found = Vec::new();
    let mut rest = inner;
    let mut recoveries = 0;
    while !rest.is_empty() {
        let outline = yaml::outline(rest);
        let broken = match outline.end {
            End::Whole(value) => {
                found.push(Property { key: String::new(), raw: rest.to_owned(), value });
                break;
            }
            End::Complete => None,
            End::Broken(line) => Some(line),
        };
        // Where each entry's source starts, then where the last one's ends.
        let mut starts = vec![0];
        let mut floor = 0;
        let lines = outline.entries.iter().map(|entry| (entry.line, entry.after));
        for (index, (line, after)) in lines.chain(broken.map(|line| (line, line))).enumerate() {
            if index > 0 {
                starts.push(before_comments(rest, line, floor));
            }
            floor = after;
        }
        let mut end = rest.len();
        if let Some(line) = broken {
            recoveries += 1;
            if recoveries < MAX_RECOVERIES {
                end = next_entry(rest, line);
            }
        }
        starts.push(end);
        let values = outline.entries.into_iter().map(|entry| Some((entry.key, entry.value)));
        for (range, entry) in starts.windows(2).zip(values.chain(std::iter::repeat(None))) {
            let raw = &rest[range[0]..range[1]];
            let (key, value) = entry.unwrap_or_else(|| (broken_key(raw), Value::Null));
            found.push(Property { key, raw: raw.to_owned(), value });
        }
        rest = &rest[end..];
    }
    found
}

/// The start of the comments and blank lines right before the line at `line`, going back no further than `floor`.
fn before_comments(text: &str, line: usize, floor: usize) -> usize {
    let mut start = line;
    for before in lines(text.get(floor..line).unwrap_or("")).rev() {
        let content = before.trim_start();
        if !(content.is_empty() || content.starts_with('#')) {
            break;
        }
        start -= before.len();
    }
    start
}

/// Where a line after the one at `broken` looks like a new top-level entry, its comments included.
fn next_entry(text: &str, broken: usize) -> usize {
    let mut at = broken;
    let mut floor = broken;
    for (index, line) in lines(&text[broken..]).enumerate() {
        if index == 0 {
            floor += line.len();
        } else if line.contains(':') && !line.starts_with([' ', '\t', '#', '-', ']', '}', '\r', '\n']) {
            return before_comments(text, at, floor);
        }
        at += line.len();
    }
    text.len()
}

/// The key of an entry whose value can't be read: what stands before its first colon, if that is a key.
fn broken_key(raw: &str) -> String {
    let line = lines(raw).find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let key = line.and_then(|line| line.find(':').map(|colon| yaml::outline(&line[..=colon])));
    key.and_then(|outline| outline.entries.into_iter().next()).map_or_else(String::new, |entry| entry.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(inner: &str) -> Vec<(String, String, Value)> {
        let text = format!("---\n{inner}---\n");
        let front = FrontMatter::parse(&text);
        assert_eq!(front.to_text(), text);
        front.properties.into_iter().map(|p| (p.key, p.raw, p.value)).collect()
    }

    fn values(inner: &str) -> Value {
        Value::Object(parse(inner).into_iter().map(|(key, _, value)| (key, value)).collect())
    }

    #[test]
    fn front_matter_is_split_by_obsidians_rule() {
        for (text, front) in [
            ("---\na: 1\n---\nbody", Some("---\na: 1\n---\n")),
            ("---  \r\na: 1\r\n---\t\r\nbody", Some("---  \r\na: 1\r\n---\t\r\n")),
            ("\u{FEFF}---\n---\n", Some("\u{FEFF}---\n---\n")),
            ("---\na: 1\n---", Some("---\na: 1\n---")),
            ("---\na: 1\n", None),
            ("\n---\na: 1\n---\n", None),
            ("----\na\n----\n", None),
            ("--- x\na: 1\n---\n", None),
            ("---", None),
            ("", None),
        ] {
            let document = split(text);
            assert_eq!(document.front, front, "{text:?}");
            assert_eq!(format!("{}{}", document.front.unwrap_or(""), document.body), text);
        }
    }

    #[test]
    fn each_entry_keeps_its_source_with_the_comments_before_it() {
        let inner = "# head\na: 1 # t\n\n# about b\n\"b c\":\n- x\n# in b\n- y\n  # for d\nd: |+\n  text\n\n  # text too\n\n? k\n: v\n# tail\n\n";
        let found = parse(inner);
        let raws: Vec<_> = found.iter().map(|(_, raw, _)| raw.as_str()).collect();
        assert_eq!(
            raws,
            [
                "# head\na: 1 # t\n",
                "\n# about b\n\"b c\":\n- x\n# in b\n- y\n",
                "  # for d\nd: |+\n  text\n\n  # text too\n\n",
                "? k\n: v\n# tail\n\n",
            ]
        );
        assert_eq!(values(inner), json!({"a": 1, "b c": ["x", "y"], "d": "text\n\n# text too\n\n", "k": "v"}));
        for (_, raw, value) in found {
            assert_eq!(value_of(&raw), value);
        }
    }

    #[test]
    fn scalars_follow_the_yaml_1_2_core_schema() {
        assert_eq!(
            values(
                "a: 007\nb: 0x1F\nc: 0o17\nd: -1.5e3\ne: .5\nf: 2024-01-02\ng: yes\nh: True\ni: ~\nj:\nk: '1'\nl: 9223372036854775808\n\
                 m: .inf\nn: .NaN\no: !!str 5\np: 12:30\nq: 1_000\nr: +3\ns: 1e999\nt: [[Note]]\nu: \"[[Note]]\"\nv: !!float 1\nw: 0x\nx: é\n"
            ),
            json!({
                "a": 7, "b": 31, "c": 15, "d": -1500.0, "e": 0.5, "f": "2024-01-02", "g": "yes", "h": true, "i": null, "j": null, "k": "1",
                "l": "9223372036854775808", "m": ".inf", "n": ".NaN", "o": "5", "p": "12:30", "q": "1_000", "r": 3, "s": "1e999",
                "t": [["Note"]], "u": "[[Note]]", "v": 1.0, "w": "0x", "x": "é",
            })
        );
    }

    #[test]
    fn odd_shapes_keep_all_that_can_be_read() {
        assert_eq!(
            values("a: &x [1]\nb: *x\n*x : 2\n1: y\n? [p, q]\n: z\n"),
            json!({"a": [1], "b": [1], "[1]": 2, "1": "y", "[\"p\",\"q\"]": "z"})
        );
        assert_eq!(parse("a: 1\na: 2\n").len(), 2);
        assert_eq!(
            values("title: one: two\ntags: [a]\nx: [1\ny: 2\n@z: 3\nq: \"open\nr: 4\n").as_object().map(|o| o.len()),
            Some(7)
        );
        assert_eq!(
            values("title: one: two\ntags: [a]\nb: *gone\nc: 3\n"),
            json!({"title": null, "tags": ["a"], "b": null, "c": 3})
        );
        assert_eq!(values("{a: 1, b: 2}\n"), json!({"": {"a": 1, "b": 2}}));
        assert_eq!(values("- a\n- b\n"), json!({"": ["a", "b"]}));
        assert_eq!(values("# only\n\n"), json!({"": null}));
        assert_eq!(values(" a: 1\n b:\n   c: 2\n"), json!({"a": 1, "b": {"c": 2}}));
        assert_eq!(values("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 3\r\n"), json!({"a": 1, "b": "x\ny\n", "c": 3}));
        assert_eq!(values("a: 1\n...\nb: 2\n"), json!({"a": 1}));
        assert_eq!(values(""), json!({}));
    }

    #[test]
    fn alias_bombs_and_deep_nesting_become_null() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..40 {
            let refs = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        bomb.push_str("after: 1\n");
        let found = parse(&bomb);
        assert_eq!((found.len(), &found[39].2, &found[40].2), (41, &Value::Null, &json!(1)));

        let chain: String = (1..3000).map(|i| format!("a{i}: &a{i} [*a{}]\n", i - 1)).collect();
        assert_eq!(parse(&format!("a0: &a0 [1]\n{chain}")).pop().map(|p| p.2), Some(Value::Null));
        for deep in ["[".repeat(50_000) + &"]".repeat(50_000), "{a: ".repeat(20_000), "- ".repeat(20_000)] {
            assert_eq!(values(&format!("a: {deep}\nb: 1\n"))["a"], Value::Null);
        }
    }

    #[test]
    fn hostile_front_matter_takes_linear_time() {
        let started = std::time::Instant::now();
        for piece in [
            "a: [\n",
            "a: \"x\n",
            "@\n",
            "a: b: c\n",
            "? ",
            "- ",
            "&a ",
            "#\n",
            "\n",
            "a: 1\n",
            "a: |\n",
            "a: 'x\nb: \"y\n",
            "---\n",
        ] {
            parse(&piece.repeat(100_000 / piece.len()));
        }
        assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
    }

    #[test]
    fn aliases_and_tags_come_in_every_spelling() {
        let front = FrontMatter::parse(
            "---\ntags: \"#a, b #A c/d\"\naliases: One name, Two\nTag:\n  - x y\n  - 2024\n  - null\nalias: [3]\n---\n",
        );
        assert_eq!(front.tags(), ["a", "b", "c/d", "x y", "2024"]);
        assert_eq!(front.aliases(), ["One name", "Two", "3"]);
    }

    #[test]
    fn a_property_set_from_inside_is_written_plainly() {
        for (key, value, yaml) in [
            ("title", json!("My note"), "title: My note\n"),
            ("due", json!("2024-01-02"), "due: 2024-01-02\n"),
            ("url", json!("https://x.y/a?b=c#d"), "url: https://x.y/a?b=c#d\n"),
            ("a b", json!("1"), "a b: \"1\"\n"),
            ("l", json!("[[Note]]"), "l: \"[[Note]]\"\n"),
            ("tags", json!(["a", "b: c", 1, null, true]), "tags:\n  - a\n  - \"b: c\"\n  - 1\n  - null\n  - true\n"),
            ("m", json!({"x": {"y": [1]}, "z": []}), "m:\n  x:\n    y:\n      - 1\n  z: []\n"),
            ("n", json!([[1, "a"], {"b": 2}]), "n:\n  - [1, \"a\"]\n  - {\"b\": 2}\n"),
            ("o", json!("two\nlines"), "o: \"two\\nlines\"\n"),
            ("yes", json!("no"), "\"yes\": \"no\"\n"),
            ("e", json!(""), "e: \"\"\n"),
            ("f", json!({}), "f: {}\n"),
        ] {
            assert_eq!(property_yaml(key, &value), yaml);
            assert_eq!(value_of(yaml), value);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z0-9:#,\\[\\]{}&*!|>'\" %@~.-]{0,12}".prop_map(Value::from),
            "(~|null|true|No|0x1|0o7|1e5|\\.inf|1:30|-|---|\\.\\.\\.|<<|=)".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,8}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_text_is_kept_byte_for_byte(inner in any::<String>(), text in any::<String>()) {
            for text in [format!("---\n{inner}\n---\n"), text, inner] {
                prop_assert_eq!(FrontMatter::parse(&text).to_text(), text.clone());
                let document = split(&text);
                prop_assert_eq!(format!("{}{}", document.front.unwrap_or(""), document.body), text);
            }
        }

        #[test]
        fn any_mix_of_yaml_marks_is_kept_byte_for_byte(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a: ", "b:", "\n", "\r\n", "\r", "  ", " ", "\t", "- ", "? ", ": ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "|+", "&x ", "*x", "# c",
                "é", "---", "...", "--- ", "!!str ", "%YAML 1.2", "@", "x", "1", "\0", "\u{85}", "\u{2028}", "\u{FEFF}",
            ]), 0..40),
        ) {
            let text = format!("---\n{}\n---\n", pieces.concat());
            let front = FrontMatter::parse(&text);
            prop_assert_eq!(front.to_text(), text);
            front.tags();
            for property in front.properties {
                value_of(&property.raw);
            }
        }

        #[test]
        fn written_properties_are_read_back(entries in prop::collection::vec(("\\PC{0,12}", any_json()), 0..6)) {
            let inner: String = entries.iter().map(|(key, value)| property_yaml(key, value)).collect();
            let found = parse(&inner);
            prop_assert_eq!(found.len(), entries.len());
            for ((key, value), (found_key, raw, found_value)) in entries.iter().zip(found) {
                prop_assert_eq!(key, &found_key);
                prop_assert_eq!(value, &found_value);
                prop_assert_eq!(&raw, &property_yaml(key, value));
                prop_assert_eq!(value, &value_of(&raw));
            }
        }
    }
}
