//! The index as a whole: what is found and in which order, what survives damage, what doesn't.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use altair_protocol::view::Hit;
use altair_protocol::{EntityId, Kind};
use tempfile::TempDir;

use super::index::Page;
use super::rank::AfterError;
use super::*;

mod damage;
mod keeping;

const STORE: &str = "store-a";
const DAY: i64 = 86_400_000;
/// 2026-01-01.
const YEAR: i64 = 1_767_225_600_000;

fn id(n: u64) -> EntityId {
    EntityId::v7(n, [7; 10])
}

fn note(n: u64, title: &str, body: &str) -> Document {
    Document {
        id: id(n),
        kind: Kind::Note,
        title: title.to_owned(),
        body: body.to_owned(),
        tags: Vec::new(),
        created_ms: YEAR,
        updated_ms: YEAR,
    }
}

fn open(dir: &Path) -> SearchIndex {
    SearchIndex::open(dir, STORE).unwrap()
}

fn index_of(documents: impl IntoIterator<Item = Document>) -> (TempDir, SearchIndex) {
    let dir = TempDir::new().unwrap();
    let index = open(dir.path());
    index.put(documents).unwrap();
    index.commit(1).unwrap();
    (dir, index)
}

fn hits(index: &SearchIndex, query: &str) -> Vec<Hit> {
    index.search(&Query::parse(query).unwrap(), 50, None).unwrap().hits
}

fn found(index: &SearchIndex, query: &str) -> Vec<String> {
    hits(index, query).into_iter().map(|hit| hit.title).collect()
}

fn sorted(mut titles: Vec<String>) -> Vec<String> {
    titles.sort();
    titles
}

mod finding {
    use super::*;

    #[test]
    fn words_are_found_by_case_accent_stem_and_beginning() {
        let (_dir, index) = index_of([
            note(1, "Friday", "Call Zoë about the Straße."),
            note(2, "Garden", "We were gardening all day"),
            note(3, "Łódź", "naïve café"),
        ]);
        for (query, title) in [
            ("frid", "Friday"),
            ("FRIDAY", "Friday"),
            ("zoe", "Friday"),
            ("ZOË", "Friday"),
            ("strasse", "Friday"),
            ("f", "Friday"),
            ("zo", "Friday"),
            ("gardens", "Garden"),
            ("garden", "Garden"),
            ("days", "Garden"),
            ("lodz", "Łódź"),
            ("cafe naive", "Łódź"),
            ("cafe\u{301}", "Łódź"),
            ("na ca", "Łódź"),
        ] {
            assert_eq!(found(&index, query), [title], "{query}");
        }
        assert!(found(&index, "zoe garden").is_empty());
        assert!(found(&index, "riday").is_empty());
    }

    #[test]
    fn cjk_is_found_by_any_run_of_its_characters() {
        let (_dir, index) = index_of([
            note(1, "旅行", "東京都の観光、ガス代"),
            note(2, "여행", "한국어를 배우다"),
            note(3, "other", "京東 tower"),
        ]);
        for (query, title) in [
            ("東京", "旅行"),
            ("東京都", "旅行"),
            ("観光", "旅行"),
            ("光", "旅行"),
            ("ｶﾞｽ", "旅行"),
            ("旅行", "旅行"),
            ("\"東京都の\"", "旅行"),
            ("한국어", "여행"),
            ("한국", "여행"),
            ("배", "여행"),
            ("京東", "other"),
            ("京東tow", "other"),
        ] {
            assert_eq!(found(&index, query), [title], "{query}");
        }
        assert_eq!(found(&index, "東").len(), 2);
        assert_eq!(found(&index, "東 -都"), ["other"]);
        assert!(found(&index, "京都市").is_empty());
    }

    #[test]
    fn phrases_are_words_in_order_and_unstemmed() {
        let (_dir, index) = index_of([
            note(1, "a", "the old garden shed"),
            note(2, "b", "shed old garden"),
            note(3, "c", "old gardens shed"),
            note(4, "Old Garden", ""),
        ]);
        assert_eq!(sorted(found(&index, "\"old garden\"")), ["Old Garden", "a", "b"]);
        assert_eq!(found(&index, "\"OLD garden shed\""), ["a"]);
        assert_eq!(found(&index, "old garden -\"old garden\""), ["c"]);
        assert_eq!(found(&index, "\"gardens\""), ["c"]);
        assert_eq!(sorted(found(&index, "old-gar")), ["Old Garden", "a", "b", "c"]);
    }

    #[test]
    fn a_minus_leaves_out_the_word_and_its_forms_only() {
        let (_dir, index) =
            index_of([note(1, "a", "plan car"), note(2, "b", "plan cars"), note(3, "c", "plan carpet")]);
        assert_eq!(found(&index, "plan -car"), ["c"]);
        let only = index.search(&Query::parse("-car").unwrap(), 5, None);
        assert!(matches!(only, Err(SearchError::Query(QueryError::OnlyNegative))));
        assert_eq!(found(&index, "-car kind:note"), ["c"]);
    }

    #[test]
    fn filters_narrow_by_kind_tag_and_day() {
        let mut documents = vec![note(1, "one", "word"), note(2, "two", "word"), note(3, "three", "word")];
        documents[0].tags = vec!["Garden/Beds".to_owned(), "x".to_owned()];
        documents[1].kind = Kind::Quest;
        documents[1].tags = vec!["#garden".to_owned()];
        documents[1].updated_ms = YEAR + DAY;
        documents[2].tags = vec!["gardening".to_owned()];
        documents[2].updated_ms = YEAR + 2 * DAY;
        let (_dir, index) = index_of(documents);
        for (query, titles) in [
            ("word kind:quest", vec!["two"]),
            ("word -kind:quest", vec!["three", "one"]),
            ("kind:quest kind:note", vec!["three", "two", "one"]),
            ("tag:garden", vec!["two", "one"]),
            ("tag:GARDEN/beds", vec!["one"]),
            ("word -tag:garden", vec!["three"]),
            ("tag:garden tag:x", vec!["one"]),
            ("after:2026-01-02", vec!["three", "two"]),
            ("before:2026-01-02 word", vec!["one"]),
            ("after:2026-01-02 before:2026-01-02T00:00:00.001Z", vec!["two"]),
        ] {
            assert_eq!(found(&index, query), titles, "{query}");
        }
        let query = Query::parse("word").unwrap().with_kind(Kind::Note).with_tag("Garden");
        let titles: Vec<_> = index.search(&query, 9, None).unwrap().hits.into_iter().map(|hit| hit.title).collect();
        assert_eq!(titles, ["one"]);
    }

    #[test]
    fn replacing_and_removing_take_effect_at_the_commit() {
        let (_dir, index) = index_of([note(1, "first", "apple"), note(2, "second", "apple")]);
        index.put([note(1, "changed", "pear"), note(3, "third", "apple"), note(3, "third again", "plum")]).unwrap();
        index.remove(&[id(2), id(99)]).unwrap();
        assert_eq!(found(&index, "apple").len(), 2);
        index.commit(2).unwrap();
        assert!(found(&index, "apple").is_empty());
        assert_eq!(found(&index, "pear"), ["changed"]);
        assert_eq!(found(&index, "plum"), ["third again"]);
        assert_eq!((index.len(), index.holds()), (2, 2));
    }

    #[test]
    fn a_removed_document_can_come_back() {
        let (_dir, index) = index_of([note(1, "here", "apple")]);
        index.remove(&[id(1)]).unwrap();
        index.put([note(1, "back", "apple")]).unwrap();
        index.remove(&[id(1)]).unwrap();
        index.put([note(1, "back again", "apple")]).unwrap();
        index.commit(2).unwrap();
        assert_eq!(found(&index, "apple"), ["back again"]);
    }

    #[test]
    fn a_long_word_is_found_whole() {
        let long = "abc".repeat(200);
        let (_dir, index) = index_of([note(1, "long", &long)]);
        assert_eq!(found(&index, &long), ["long"]);
    }

    #[test]
    fn a_large_vocabulary_is_bounded_but_searched() {
        let words: String = (0..6_000).map(|n| format!("prefix{n:05} ")).collect();
        let (_dir, index) = index_of([note(1, "many", &words)]);
        assert_eq!(found(&index, "pref"), ["many"]);
        assert_eq!(found(&index, "prefix05999"), ["many"]);
    }
}

mod order {
    use super::*;

    #[test]
    fn the_word_beats_its_forms_and_beginnings() {
        let filler = "some other words of a text";
        let (_dir, index) = index_of([
            note(1, "beginning", &format!("walkway {filler}")),
            note(2, "form", &format!("walks {filler}")),
            note(3, "word", &format!("walk {filler}")),
            note(4, "Walk in the title", &format!("nothing {filler}")),
        ]);
        assert_eq!(found(&index, "walk"), ["Walk in the title", "word", "form", "beginning"]);
    }

    #[test]
    fn a_title_typed_in_full_comes_first() {
        let (_dir, index) = index_of([
            note(1, "Garden beds and garden sheds of the garden", &"garden beds ".repeat(50)),
            note(2, "Garden: Beds", "x"),
            note(3, "東京 tower", "x"),
            note(4, "東京 tower 東京 tower", "東京 tower"),
        ]);
        assert_eq!(found(&index, "garden beds")[0], "Garden: Beds");
        assert_eq!(found(&index, "\"garden beds\"")[0], "Garden: Beds");
        assert_eq!(found(&index, "東京tower")[0], "東京 tower");
    }

    #[test]
    fn ties_go_to_the_newest_and_then_by_id() {
        let mut documents: Vec<_> = (1..=4).map(|n| note(n, &format!("n{n}"), "same words")).collect();
        documents[1].updated_ms += DAY;
        let (_dir, index) = index_of(documents);
        assert_eq!(found(&index, "same"), ["n2", "n1", "n3", "n4"]);
        assert_eq!(found(&index, "kind:note"), ["n2", "n1", "n3", "n4"]);
    }

    #[test]
    fn pages_join_to_the_whole_list() {
        let dir = TempDir::new().unwrap();
        let index = open(dir.path());
        // Several segments, several scores and many ties.
        for part in 0..5_u64 {
            let documents = (0..20).map(|n| {
                let mut document =
                    note(part * 100 + n, &format!("t{part}-{n}"), &"garden ".repeat(1 + (n as usize) % 3));
                document.updated_ms += (n as i64 % 4) * DAY;
                document
            });
            index.put(documents).unwrap();
            index.commit(part + 1).unwrap();
        }
        for text in ["garden", "kind:note", "gar", "g"] {
            let query = Query::parse(text).unwrap();
            let whole = index.search(&query, 1_000, None).unwrap();
            assert_eq!((whole.hits.len(), whole.next), (100, None));
            let mut joined = Vec::new();
            let mut after = None;
            loop {
                let page = index.search(&query, 7, after.as_ref()).unwrap();
                joined.extend(page.hits);
                match page.next {
                    Some(next) => after = Some(next.to_string().parse().unwrap()),
                    None => break,
                }
            }
            assert_eq!(joined, whole.hits, "{text}");
        }
    }

    #[test]
    fn a_cursor_of_another_search_is_refused() {
        let (_dir, index) = index_of((0..5).map(|n| note(n, "garden", "beds")));
        let next = index.search(&Query::parse("garden").unwrap(), 2, None).unwrap().next.unwrap();
        let other = Query::parse("beds").unwrap();
        let refused = index.search(&other, 2, Some(&next));
        assert!(matches!(refused, Err(SearchError::After(AfterError::OtherQuery))));
    }

    #[test]
    fn a_page_of_nothing_is_empty() {
        let (_dir, index) = index_of([note(1, "a", "b")]);
        let page = index.search(&Query::parse("a").unwrap(), 0, None).unwrap();
        assert_eq!(page, Page { hits: Vec::new(), next: None });
    }

    #[test]
    fn hits_carry_snippets_with_marks() {
        let (_dir, index) =
            index_of([note(1, "Shed", "First.\n\nThe garden's beds"), note(2, "Garden", "no such word")]);
        let snippets: Vec<_> = hits(&index, "garden").into_iter().map(|hit| hit.snippet).collect();
        assert_eq!(snippets, ["no such word", "First. The «garden»'s beds"]);
    }
}

fn files(dir: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name())).collect()
}
