//! Which file a link's target means: Obsidian's shortest-path rule.
//!
//! [`Paths`] is an index over the paths of a vault. The invariant: [`Paths::resolve`] depends only on the paths that
//! are in it, never on the order in which they came, so that two devices with the same files follow a link to the
//! same file. Paths are compared without regard to case and Unicode composition, since that is what a vault on
//! macOS or Windows does.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// An index of vault paths, and of names without a path, for resolving links.
///
/// Paths are relative to the vault's root and use `/`. Resolving looks a target up by its last segment, so it
/// costs as much as there are files of that name, however many files there are.
#[derive(Debug, Clone)]
pub struct Paths<Id> {
    /// Ids by whole path; the first of a set is what the path means.
    by_path: HashMap<Arc<str>, Ids<Id>>,
    /// Whole paths by their last segment.
    by_name: HashMap<Box<str>, Vec<Arc<str>>>,
    titles: HashMap<Box<str>, Ids<Id>>,
}

impl<Id> Default for Paths<Id> {
    fn default() -> Self {
        Paths { by_path: HashMap::new(), by_name: HashMap::new(), titles: HashMap::new() }
    }
}

impl<Id: Copy + Ord> Paths<Id> {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. Adding it twice changes nothing.
    pub fn insert(&mut self, path: &str, id: Id) {
        let path = normal(path.trim_start_matches('/'));
        if let Some(ids) = self.by_path.get_mut(&*path) {
            ids.insert(id);
            return;
        }
        let path: Arc<str> = path.into();
        let name = last_segment(&path);
        match self.by_name.get_mut(name) {
            Some(paths) => paths.push(Arc::clone(&path)),
            None => {
                self.by_name.insert(name.into(), vec![Arc::clone(&path)]);
            }
        }
        self.by_path.insert(path, Ids::one(id));
    }

    /// Removes a file; does nothing when it isn't there under this id.
    pub fn remove(&mut self, path: &str, id: Id) {
        let path = normal(path.trim_start_matches('/'));
        if !remove_id(&mut self.by_path, &path, id) {
            return;
        }
        let name = last_segment(&path);
        if let Some(paths) = self.by_name.get_mut(name) {
            paths.retain(|known| **known != *path);
            if paths.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// Adds an entity that has no path (a quest, an item, a note made here) by its title.
    pub fn insert_name(&mut self, title: &str, id: Id) {
        let title = normal(title.trim());
        match self.titles.get_mut(&*title) {
            Some(ids) => ids.insert(id),
            None => {
                self.titles.insert(title.into(), Ids::one(id));
            }
        }
    }

    /// Removes an entity by its title; does nothing when it isn't there under this id.
    pub fn remove_name(&mut self, title: &str, id: Id) {
        remove_id(&mut self.titles, &normal(title.trim()), id);
    }

    /// The file that `target` means in a note at `from` (empty for a note without a path).
    ///
    /// `target` is a link's target without heading or block; a note's `.md` may be left out. An empty one is the
    /// note itself. In this order: the very path; the path from the linking note's folder; a file below that
    /// folder whose path ends with the target; any such file; an entity of that title. Among several the shortest
    /// path wins, then the first in order.
    pub fn resolve(&self, target: &str, from: &str) -> Option<Id> {
        let from = normal(from.trim_start_matches('/'));
        let folder = from.rfind('/').map_or("", |slash| &from[..slash]);
        let target = normal(target.trim());
        if target.is_empty() {
            return self.by_path.get(&*from).map(Ids::lowest);
        }
        if let Some(path) = target.strip_prefix('/') {
            return self.at(path);
        }
        if target.split('/').any(|segment| matches!(segment, "." | "..")) {
            return self.at(&join(folder, &target)?);
        }
        self.at(&target)
            .or_else(|| if folder.is_empty() { None } else { self.at(&format!("{folder}/{target}")) })
            .or_else(|| forms(&target).into_iter().find_map(|form| self.ending_with(&form, folder)))
            .or_else(|| self.titles.get(&*target).map(Ids::lowest))
    }

    /// The file at a whole path, with or without `.md`.
    fn at(&self, path: &str) -> Option<Id> {
        forms(path).into_iter().find_map(|form| self.by_path.get(&*form).map(Ids::lowest))
    }

    /// The best file whose path ends with `target` at a segment's start.
    fn ending_with(&self, target: &str, folder: &str) -> Option<Id> {
        let matches =
            |path: &str| path.strip_suffix(target).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        let below =
            |path: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let paths = self.by_name.get(last_segment(target))?;
        let candidates = paths.iter().filter(|path| matches(path));
        let best = candidates.min_by_key(|path| (!below(path), path.chars().count(), &***path))?;
        self.by_path.get(best).map(Ids::lowest)
    }
}

/// The ids at one path, the lowest apart so that there always is one. A set that is empty costs no allocation.
#[derive(Debug, Clone)]
struct Ids<Id> {
    lowest: Id,
    others: BTreeSet<Id>,
}

impl<Id: Copy + Ord> Ids<Id> {
    fn one(id: Id) -> Self {
        Ids { lowest: id, others: BTreeSet::new() }
    }

    fn insert(&mut self, id: Id) {
        if id < self.lowest {
            self.others.insert(std::mem::replace(&mut self.lowest, id));
        } else if id > self.lowest {
            self.others.insert(id);
        }
    }

    fn lowest(&self) -> Id {
        self.lowest
    }
}

/// Takes an id out of the set at `key`; true when it was the only one and the key is gone.
fn remove_id<K: Eq + Hash + Borrow<str>, Id: Copy + Ord>(map: &mut HashMap<K, Ids<Id>>, key: &str, id: Id) -> bool {
    let Some(ids) = map.get_mut(key) else { return false };
    if ids.lowest != id {
        ids.others.remove(&id);
        return false;
    }
    match ids.others.pop_first() {
        Some(next) => {
            ids.lowest = next;
            false
        }
        None => map.remove(key).is_some(),
    }
}

/// The paths that a target can name: a note's without its `.md`, or any file's whole.
fn forms(target: &str) -> [Cow<'_, str>; 2] {
    let (whole, note) = (Cow::Borrowed(target), Cow::Owned(format!("{target}.md")));
    if last_segment(target).contains('.') { [whole, note] } else { [note, whole] }
}

fn last_segment(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[slash + 1..])
}

/// Follows a relative target from a folder; none when it leaves the vault.
fn join(folder: &str, target: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

/// The form in which paths are compared: composed (NFC) and in lower case.
fn normal(path: &str) -> Cow<'_, str> {
    if path.is_ascii() {
        return if path.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(path.to_ascii_lowercase())
        } else {
            Cow::Borrowed(path)
        };
    }
    if is_nfc(path) {
        Cow::Owned(path.to_lowercase())
    } else {
        Cow::Owned(path.nfc().collect::<String>().to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vault(paths: &[&'static str]) -> Paths<&'static str> {
        let mut index = Paths::new();
        for path in paths {
            index.insert(path, *path);
        }
        index
    }

    #[test]
    fn the_very_path_wins_then_the_own_folder_then_the_shortest() {
        let index = vault(&[
            "Note.md",
            "a/Note.md",
            "a/b/c/Deep.md",
            "x/Deep.md",
            "a/b/Two.md",
            "zz/Two.md",
            "aa/Two.md",
            "q/long name/Same.md",
            "q/s/Same.md",
        ]);
        for (target, from, found) in [
            ("Note", "a/From.md", Some("Note.md")),
            ("note.MD", "", Some("Note.md")),
            ("a/note", "", Some("a/Note.md")),
            ("Deep", "a/From.md", Some("a/b/c/Deep.md")),
            ("Deep", "From.md", Some("x/Deep.md")),
            ("b/Two", "a/From.md", Some("a/b/Two.md")),
            ("b/Two", "zz/From.md", Some("a/b/Two.md")),
            ("Two", "", Some("aa/Two.md")),
            ("Two", "zz/From.md", Some("zz/Two.md")),
            ("Same", "", Some("q/s/Same.md")),
            ("ame", "", None),
            ("q/Same", "", None),
            ("", "a/note.md", Some("a/Note.md")),
            ("", "", None),
        ] {
            assert_eq!(index.resolve(target, from), found, "{target} from {from}");
        }
    }

    #[test]
    fn absolute_and_relative_targets_are_exact() {
        let index = vault(&["a/b/N.md", "N.md", "a/pic.png"]);
        for (target, from, found) in [
            ("/N", "a/b/x.md", Some("N.md")),
            ("/b/N", "", None),
            ("./N", "a/b/x.md", Some("a/b/N.md")),
            ("../../N", "a/b/x.md", Some("N.md")),
            ("../pic.png", "a/b/x.md", Some("a/pic.png")),
            ("../../../N", "a/b/x.md", None),
            ("../b/./N.md", "a/b/x.md", Some("a/b/N.md")),
            ("./M", "a/b/x.md", None),
        ] {
            assert_eq!(index.resolve(target, from), found, "{target} from {from}");
        }
    }

    #[test]
    fn only_notes_go_without_their_extension() {
        let index = vault(&["pic.png", "v1.2.md", "LICENSE", "license.md", "pic2.png.md"]);
        assert_eq!(index.resolve("pic", ""), None);
        assert_eq!(index.resolve("PIC.png", ""), Some("pic.png"));
        assert_eq!(index.resolve("v1.2", ""), Some("v1.2.md"));
        assert_eq!(index.resolve("license", ""), Some("license.md"));
        assert_eq!(index.resolve("pic2.png", ""), Some("pic2.png.md"));
    }

    #[test]
    fn case_and_composition_do_not_matter() {
        let index = vault(&["Caf\u{e9}/\u{c9}t\u{e9}.md"]);
        assert!(index.resolve("E\u{301}TE\u{301}", "").is_some());
        assert!(index.resolve("cafe\u{301}/\u{e9}t\u{e9}.md", "").is_some());
    }

    #[test]
    fn the_lowest_id_wins_at_one_path_and_names_come_last() {
        let mut index = Paths::new();
        for id in [3, 1, 2, 1] {
            index.insert("a/N.md", id);
        }
        index.insert_name("N", 0);
        index.insert_name("Quest", 9);
        index.insert_name("a/Quest", 8);
        assert_eq!(index.resolve("n", ""), Some(1));
        assert_eq!((index.resolve("quest", ""), index.resolve("A/quest", "")), (Some(9), Some(8)));
        for (id, next) in [(1, Some(2)), (7, Some(2)), (2, Some(3)), (3, Some(0))] {
            index.remove("A/n.md", id);
            assert_eq!(index.resolve("N", ""), next);
        }
        index.remove_name("n", 0);
        assert_eq!(index.resolve("N", ""), None);
    }

    proptest! {
        #[test]
        fn the_order_of_insertion_does_not_matter(
            files in prop::collection::vec("[aAb]{1,2}(/[ab]{1,2}){0,2}(\\.md|\\.p)?", 1..12),
            target in "[./ab]{0,5}", from in "[ab]{1,2}(/[ab]){0,2}",
        ) {
            let mut forth = Paths::new();
            let mut back = Paths::new();
            for (id, path) in files.iter().enumerate() {
                forth.insert(path, id);
            }
            for (id, path) in files.iter().enumerate().rev() {
                back.insert(path, id);
                back.insert(&format!("{path}x"), id);
                back.remove(&format!("{path}x"), id);
            }
            prop_assert_eq!(forth.resolve(&target, &from), back.resolve(&target, &from));
        }

        #[test]
        fn any_target_is_answered(target in any::<String>(), from in any::<String>(), path in any::<String>()) {
            let mut index = Paths::new();
            index.insert(&path, 1);
            index.resolve(&target, &from);
            index.remove(&path, 1);
            prop_assert!(index.by_path.is_empty() && index.by_name.is_empty());
        }
    }
}
