//! Finding the links and tags of a note's body, as Obsidian counts them.
//!
//! The invariant: what a person sees as text is scanned and nothing else. Code, math, comments, HTML tags and
//! HTML blocks hold neither links nor tags; headings, lists, quotes, callouts and tables do. The body is read
//! once, block by block (`blocks`) and then within each block (`inline`), so time is linear in its length.
//!
//! This is not a CommonMark parser: it finds out what is *not* text and leaves emphasis, reference links and
//! rendering alone.

use std::collections::HashSet;
use std::ops::Range;

use super::blocks::{Kind, for_each_block};
use super::inline::{Inline, wiki_link};

/// What a body refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The internal links, in order of where they start.
    pub links: Vec<BodyLink>,
    /// The tags without their `#`, in the spelling met first, in order of appearance; `#Tag` and `#tag` are one.
    pub tags: Vec<String>,
}

/// How a link is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkStyle {
    /// `[[target]]`
    Wiki,
    /// `[text](target.md)`
    Markdown,
}

/// One internal link as written in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyLink {
    /// Where it stands in the body, in bytes, its `!` and brackets included.
    pub range: Range<usize>,
    /// How it is written.
    pub style: LinkStyle,
    /// Whether it is an embed (`![[…]]`, `![…](…)`).
    pub embed: bool,
    /// The note or file meant, percent-decoded in a Markdown link; empty for the note that holds the link.
    pub target: String,
    /// The heading meant; nested headings are joined by `#`.
    pub heading: Option<String>,
    /// The block id meant, without its `^`.
    pub block: Option<String>,
    /// The text shown instead of the target, as written. An embed's size (`|300`) stands here too.
    pub display: Option<String>,
}

/// Finds the internal links and the tags of a body (a note's text after its front matter).
///
/// Takes time linear in the body's length, for any input.
///
/// ```
/// let found = altair_core::markdown::scan("See [[Recipes#Soup|the soup]] #cooking");
/// assert_eq!(found.links[0].target, "Recipes");
/// assert_eq!(found.tags, ["cooking"]);
/// ```
pub fn scan(body: &str) -> Scan {
    let mut found = Scan::default();
    // Every link and tag needs one of these two bytes; many captures have neither.
    if !body.bytes().any(|byte| matches!(byte, b'[' | b'#')) {
        return found;
    }
    let mut inline = Inline::new(body);
    for_each_block(body, |kind, range| inline.read(range, kind == Kind::Row));
    let (mut links, tags) = inline.finish();
    // A Markdown link is known at its end, after those within its text.
    links.sort_by_key(|link| link.range.start);
    found.links = links;
    let mut seen = HashSet::new();
    for tag in tags {
        if seen.insert(tag.to_lowercase()) {
            found.tags.push(tag.to_owned());
        }
    }
    found
}

/// Finds the `[[wiki]]` links of a plain string, such as a front matter value, where nothing is code.
pub fn scan_text_links(text: &str) -> Vec<BodyLink> {
    let bytes = text.as_bytes();
    let mut links = Vec::new();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] != b'[' || bytes[at + 1] != b'[' {
            at += 1;
            continue;
        }
        let embed = at > 0 && bytes[at - 1] == b'!';
        match wiki_link(text, at, text.len(), embed) {
            Some(link) => {
                at = link.range.end;
                links.push(link);
            }
            None => at += 1,
        }
    }
    links
}

/// The text of a body's first heading of any level, as written (its inline markup kept), if it has one.
pub fn first_heading(body: &str) -> Option<String> {
    let mut heading = None;
    for_each_block(body, |kind, range| {
        if kind == Kind::Heading && heading.is_none() {
            let text = body[range].trim();
            // The closing sequence of `## Title ##` is no part of the title.
            let bare = text.trim_end_matches('#');
            let text = if bare.is_empty() || bare.ends_with([' ', '\t']) { bare.trim_end() } else { text };
            if !text.is_empty() {
                heading = Some(text.to_owned());
            }
        }
    });
    heading
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn targets(body: &str) -> Vec<String> {
        scan(body).links.into_iter().map(|link| link.target).collect()
    }

    fn tags(body: &str) -> Vec<String> {
        scan(body).tags
    }

    fn only(body: &str) -> BodyLink {
        let mut links = scan(body).links;
        assert_eq!(links.len(), 1, "{body:?} gave {links:?}");
        links.remove(0)
    }

    #[test]
    fn a_wiki_link_has_target_heading_block_and_display() {
        let link = only("x [[A note#Head|shown]] y");
        assert_eq!(link.range, 2..23);
        assert_eq!((link.target.as_str(), link.heading.as_deref()), ("A note", Some("Head")));
        assert_eq!((link.block, link.display.as_deref(), link.embed), (None, Some("shown"), false));
        assert_eq!(only("[[a#b#c]]").heading.as_deref(), Some("b#c"));
        assert_eq!(only("[[a#^id1]]").block.as_deref(), Some("id1"));
        let here = only("[[#Heading]]");
        assert_eq!((here.target.as_str(), here.heading.as_deref()), ("", Some("Heading")));
        let embed = only("![[pic.png|300]]");
        assert_eq!((embed.embed, embed.range, embed.display.as_deref()), (true, 0..16, Some("300")));
    }

    #[test]
    fn a_markdown_link_is_decoded_and_must_be_internal() {
        let link = only("[t](Note%20name.md#My%20head)");
        assert_eq!((link.style, link.target.as_str()), (LinkStyle::Markdown, "Note name.md"));
        assert_eq!((link.heading.as_deref(), link.display.as_deref()), (Some("My head"), Some("t")));
        assert_eq!(only("![alt](img.png \"title\")").range, 0..23);
        assert_eq!(only("[a](<with space.md>)").target, "with space.md");
        assert_eq!(only("[a](f(1).md)").target, "f(1).md");
        assert_eq!(only("[a](C%23.md)").target, "C#.md");
        assert_eq!(targets("[![i](b.png)](c.md)"), ["c.md", "b.png"]);
        for outside in [
            "[a](https://x.y)",
            "[a](mailto:a@b)",
            "[a](obsidian://x)",
            "[a]()",
            "[a](b c.md)",
            "[a](//h/x)",
            "[a] (b)",
        ] {
            assert_eq!(targets(outside), [] as [&str; 0], "{outside}");
        }
        assert_eq!(targets("[**[x](http://y)** [[in]]](z.md)"), ["in"]);
    }

    #[test]
    fn code_math_comments_and_html_hold_no_links() {
        for body in [
            "`[[a]]`",
            "``[[a]] ` #b``",
            "```\n[[a]] #b\n```",
            "~~~\n[[a]]",
            "> ```\n> [[a]]\n> ```",
            "- x\n  ```\n  [[a]]\n  ```",
            "    [[a]] #b",
            "\t[[a]]",
            "x\n\n    [[a]]",
            "- x\n\n      [[a]]",
            "<!-- [[a]] -->",
            "<!--\n[[a]]\n\n#b\n-->",
            "%% [[a]] %%",
            "%%\n[[a]]\n\n[[b]]\n%%",
            "x %%[[a]]%% y",
            "$[[a]]$",
            "$$[[a]]$$",
            "$$\n[[a]]\n\n#b\n$$",
            "<a href=\"[[a]]\" title=' #b '>",
            "<div>\n[[a]] #b\n</div>",
            "<style>\na { color: #fff }\n\n[[a]]\n</style>",
            "\\[[a]]",
            "[[]]",
            "[[|x]]",
            "[[a\nb]]",
            "<https://x.y/[[a]]>",
            "%%\n[[a]]",
        ] {
            assert_eq!(scan(body), Scan::default(), "{body:?}");
        }
    }

    #[test]
    fn what_only_looks_like_code_is_text() {
        for body in [
            "` [[a]]",
            "$5 [[a]]",
            "$5 and [[a]] $6",
            "x <!-- [[a]]",
            "- x\n    [[a]]",
            "para\n    [[a]]",
            "- x\n\t- [[a]]",
            "```\n```\n[[a]]",
            "> ```\n[[a]]",
            "%%\nx\n%% [[a]]",
            "<!--\n--> [[a]]",
            "$$\nx\n$$\n[[a]]",
            "<div>\n\n[[a]]",
            "1. x\n\n   [[a]]",
            "`x``[[a]]",
            "\\`[[a]]`",
            "[^1]: x\n\n    [[a]]",
            "[[[a]]]",
            "> [!note] [[a]]",
            "# H [[a]]",
            "[[b [[a]]",
            "$$ [[a]]",
            "| a | b |\n|--|--|\n| ` | [[a\\|b]] |\n| ` | x |",
            "text %%c\n%% [[a]]",
            "text\n%%\n\n[[b]]\n%%\n[[a]]",
            "<span x='>'>[[a]]</span>",
            "a < b [[a]]",
        ] {
            assert_eq!(targets(body), ["a"], "{body:?}");
        }
        assert_eq!(only("|a|\n|-|\n|[[a\\|b]]|").display.as_deref(), Some("b"));
    }

    #[test]
    fn tags_follow_white_space_and_are_not_numbers() {
        assert_eq!(
            tags("#a #B/c x #été #_x-y #Ａ #标签\n#b/C\n- #d\n>#e\n# #f"),
            ["a", "B/c", "été", "_x-y", "Ａ", "标签", "d", "e", "f"]
        );
        assert_eq!(
            tags("#1984 #y1984 a#b # h ## \\#c http://x/#d (#e) [[n#f]] [#g](x.md) `#h` #i, #j/ #💡"),
            ["y1984", "i", "j", "💡"]
        );
        assert_eq!(tags("| #a |#b|\n|--|--|\n|#c|`#d`|"), ["a", "b", "c"]);
    }

    #[test]
    fn the_first_heading_is_found_where_it_is_one() {
        assert_eq!(first_heading("```\n# no\n```\n## Yes [[x]] ##\n# Later").as_deref(), Some("Yes [[x]]"));
        assert_eq!(first_heading("Set\n===\n").as_deref(), Some("Set"));
        assert_eq!(first_heading("#no\n\ntext"), None);
        assert_eq!(first_heading("# C#\r\n").as_deref(), Some("C#"));
    }

    #[test]
    fn links_in_plain_strings_are_found() {
        let links = scan_text_links("`[[a|b]]` and [[c]]");
        assert_eq!(links.iter().map(|link| link.target.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn hostile_bodies_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in HOSTILE {
            // A link at the end, for otherwise a body without brackets isn't read at all.
            let body = format!("{}\n\n[[a]]", piece.repeat(300_000 / piece.len()));
            scan(&body);
            scan_text_links(&body);
            first_heading(&body);
        }
        let mixed = format!("{}{}", "- ".repeat(100_000), "\n".repeat(100_000));
        scan(&format!("{mixed}[[a]]"));
        // Quadratic would be hours; the bound is wide for a slow, busy machine.
        assert!(started.elapsed().as_secs() < 30, "took {:?}", started.elapsed());
    }

    const HOSTILE: &[&str] = &[
        "[[",
        "[",
        "]",
        ">",
        "> ",
        "`",
        "``a",
        "$",
        "$$",
        "$a",
        "$$\n",
        "$$\n\n",
        "%%",
        "%%\n",
        "a\n%%\n",
        "%% x %% y\n",
        "<!--",
        "<!--\n",
        "<!--\n\n",
        "<a ",
        "<a \"",
        "<a '\"",
        "<a '='",
        "<div\n",
        "![",
        "](",
        "[](",
        "[](<",
        "[](a '",
        "[](a \"",
        "[](a (",
        "[[a",
        "[[a]",
        "[[a|",
        "#",
        "#a",
        "# ",
        "#a ",
        ">#",
        "- ",
        "-\n",
        "1. ",
        "|a",
        "|a\n|-\n",
        "\\",
        "\t",
        "    a\n",
        "> a\n",
        "[^a]: ",
        "`a\n",
        "a `b` ``",
        "*\n",
        "[[a]](",
        "[a](b)",
        "~~~\n",
        "é[[",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_text_is_scanned_without_panic(body in "\\PC*") {
            check(&body);
        }

        #[test]
        fn any_mix_of_marks_is_scanned_without_panic(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "[[", "]]", "[", "]", "(", ")", "#", "a", "é", "|", "\\", "`", "```", "$", "$$", "%%", "<!--", "-->", "<div>", "<", ">", "> ",
                "- ", "1. ", "\n", "\n\n", "\r\n", "    ", "\t", " ", "!", "^", "\"", "'", "💡", "---", "|-|", "%20", "%ff", ":", "=", "~~~",
            ]), 0..60),
        ) {
            check(&pieces.concat());
        }
    }

    fn check(body: &str) {
        for link in scan(body).links.iter().chain(&scan_text_links(body)) {
            let source = &body[link.range.clone()];
            assert!(source.starts_with(if link.embed { "![" } else { "[" }), "{source:?}");
            assert!(source.ends_with(if link.style == LinkStyle::Wiki { "]]" } else { ")" }), "{source:?}");
            assert!(!link.target.is_empty() || link.heading.is_some() || link.block.is_some());
        }
        first_heading(body);
    }
}
