//! Folders as values: all their files by path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder's files, by their path in it.
pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// The regular files of a folder and below. Symbolic links and what isn't a file are left out.
pub fn tree(folder: &Path) -> Tree {
    let mut files = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Makes `to` a copy of a folder's regular files, and nothing else.
pub fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir_all(to).unwrap();
    for (path, content) in tree(from) {
        write(&to.join(path), content);
    }
}

/// A folder of the real data in `ALTAIR_DATA`; `None`, said on stderr, where that is unset.
pub fn data(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("ALTAIR_DATA") else {
        crate::skip("ALTAIR_DATA names no folder of real data");
        return None;
    };
    let folder = PathBuf::from(root).join(name);
    assert!(folder.is_dir(), "ALTAIR_DATA has no folder {name}");
    Some(folder)
}
