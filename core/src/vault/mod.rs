//! Vaults: folders of Markdown files, in and out, as Obsidian has them.
//!
//! Invariants: a vault imported into an empty store and exported is the same tree, byte for byte; importing it again changes nothing; an edit made outside
//! merges with the edits made inside; no file that changed outside is ever written over unless that was asked for; a file that can't be read is reported,
//! and the rest goes on. Notes are never deleted because a file is missing. What it doesn't do: it renders no Markdown, and it follows no folder by itself.
//!
//! Reasons for leaving a file out are words of [`Reason`], for programs to go by.

mod export;
mod import;
mod known;
mod note;
mod walk;

/// Why a file was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A note that is not UTF-8.
    NotUtf8,
    /// A note with NUL characters: not a text.
    NotText,
    /// A note over 8 MiB, or another file over 2 GiB.
    TooLarge,
    /// A symbolic link that leads out of the vault, or to a folder.
    Symlink,
    /// A folder of version control.
    Hidden,
    /// A name that is not UTF-8, or has a line break in it.
    Name,
    /// Neither a file nor a folder.
    NotAFile,
    /// The system doesn't let it be read, or written.
    Unreadable,
    /// It changed outside since the last import or export.
    ChangedOutside,
    /// A path that would lead out of the vault.
    UnsafePath,
    /// A folder stands where the file should be, or the other way round.
    InTheWay,
}

impl Reason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotText => "not_text",
            Self::TooLarge => "too_large",
            Self::Symlink => "symlink",
            Self::Hidden => "hidden",
            Self::Name => "name",
            Self::NotAFile => "not_a_file",
            Self::Unreadable => "unreadable",
            Self::ChangedOutside => "changed_outside",
            Self::UnsafePath => "unsafe_path",
            Self::InTheWay => "in_the_way",
        }
    }
}

pub(crate) fn skipped(path: &str, reason: Reason) -> crate::engine::Skipped {
    crate::engine::Skipped { path: path.to_owned(), reason: reason.as_str().to_owned() }
}

/// The ending of a file that an export is writing.
const PARTIAL: &str = ".altair-partial";

/// The name of a file while it is written. A vault's own files have none such.
fn partial_name(hash: &str) -> String {
    format!(".{}{PARTIAL}", hash.get(..16).unwrap_or(hash))
}

/// Whether an export that stopped left this file behind.
fn is_partial(name: &str) -> bool {
    let hash = name.strip_prefix('.').and_then(|name| name.strip_suffix(PARTIAL));
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}
