//! The text CRDT: Markdown bodies as Loro documents, so that concurrent typing merges character by character.
//!
//! A [`Text`] is opened from stored bytes, edited by giving the whole new text (the difference is found here) and closed to bytes again. An edit
//! is deterministic: the same base, new text and peer give the same operations, so that two devices doing the same thing make one thing.
//!
//! A peer must never make two different operations with the same number. Whoever edits at the newest version it has may use its device's
//! [`device_peer`]; whoever edits at an older version ([`Text::edit_at`]) uses [`act_peer`], which names the act itself.

use std::borrow::Cow;

use altair_protocol::{Bytes, DeviceId};
use loro::{ExportMode, Frontiers, LoroDoc, LoroText, UpdateOptions};

const CONTAINER: &str = "text";
/// Above this many characters on both sides together, a difference is looked for by line.
const REFINED_CHARS: usize = 20_000;
/// An update of more bytes is taken in by replaying the document: Loro 1.17 takes time quadratic in the length of a text that is inserted into a
/// document that is open (14 s for a megabyte), and linear time to open one.
const REPLAYED_BYTES: usize = 8 << 10;
/// Above this many lines, what differs is replaced as a whole: a finer difference would take minutes.
const LINES: usize = 20_000;

/// A text that can't be read or merged.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The stored or received bytes are no Loro document or update.
    #[error("a text can't be read: it is damaged or was written by a newer version")]
    Unreadable(#[source] loro::LoroError),
    /// An update builds on operations that aren't here.
    #[error("an update of a text builds on edits that are missing here")]
    Gap,
    /// A version that names nothing in this document.
    #[error("a text's version can't be found in its history")]
    UnknownVersion,
    /// The document can't be written.
    #[error("a text can't be written: {0}")]
    Unwritable(String),
}

/// The Loro peer of a device.
pub fn device_peer(device: DeviceId) -> u64 {
    act_peer(&[b"device", device.as_bytes()])
}

/// The Loro peer of one act, for edits that several devices may make alike.
pub fn act_peer(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("altair loro peer v1");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0_u8; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    // The greatest number is reserved by Loro.
    u64::from_le_bytes(bytes) >> 1
}

/// What an edit gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The operations, to be put into a change: a Loro update.
    pub update: Bytes,
    /// The version at which the text is exactly what was asked for, without what others did at the same time.
    pub version: Bytes,
}

/// An open text.
#[derive(Debug)]
pub struct Text {
    doc: LoroDoc,
}

impl Default for Text {
    fn default() -> Self {
        Self { doc: LoroDoc::new() }
    }
}

impl Text {
    /// Opens stored bytes; `None` is the empty text.
    pub fn open(bytes: Option<&Bytes>) -> Result<Self, TextError> {
        let text = Self::default();
        if let Some(bytes) = bytes {
            text.take_in(bytes)?;
        }
        Ok(text)
    }

    /// The text.
    pub fn read(&self) -> String {
        self.container().to_string()
    }

    /// The text of stored bytes.
    pub fn read_bytes(bytes: &Bytes) -> Result<String, TextError> {
        Ok(Self::open(Some(bytes))?.read())
    }

    /// Brings in an update or another replica's document.
    pub fn import(&mut self, bytes: &Bytes) -> Result<(), TextError> {
        if bytes.0.len() < REPLAYED_BYTES || self.doc.len_ops() == 0 {
            return self.take_in(bytes);
        }
        self.doc.detach();
        let taken = self.take_in(bytes);
        let replayed = Self::default();
        replayed.take_in(&self.export(ExportMode::all_updates())?)?;
        *self = replayed;
        taken
    }

    fn take_in(&self, bytes: &Bytes) -> Result<(), TextError> {
        let status = self.doc.import(&bytes.0).map_err(TextError::Unreadable)?;
        if status.pending.is_some_and(|pending| !pending.is_empty()) { Err(TextError::Gap) } else { Ok(()) }
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> Result<Bytes, TextError> {
        self.export(ExportMode::Snapshot)
    }

    /// The version that the text is at, for a later [`Text::edit_at`].
    pub fn version(&self) -> Bytes {
        Bytes(self.doc.oplog_frontiers().encode())
    }

    /// The text at a version of its past.
    pub fn read_at(&self, version: &Bytes) -> Result<String, TextError> {
        Ok(Self { doc: self.at(version)? }.read())
    }

    /// Makes the text `new`; `None` when it already is.
    pub fn edit(&self, new: &str, peer: u64) -> Result<Option<Edit>, TextError> {
        let text = self.container();
        let old = text.to_string();
        if old == new {
            return Ok(None);
        }
        self.doc.set_peer_id(peer).map_err(TextError::Unreadable)?;
        let before = self.doc.oplog_vv();
        replace(&text, &old, new)?;
        self.doc.commit();
        let update = self.export(ExportMode::Updates { from: Cow::Owned(before) })?;
        Ok(Some(Edit { update, version: self.version() }))
    }

    /// Makes `new` out of the text as it was at `version`, and merges that with everything since.
    pub fn edit_at(&mut self, version: &Bytes, new: &str, peer: u64) -> Result<Option<Edit>, TextError> {
        let past = Self { doc: self.at(version)? };
        let edit = past.edit(new, peer)?;
        if let Some(edit) = &edit {
            self.import(&edit.update)?;
        }
        Ok(edit)
    }

    fn at(&self, version: &Bytes) -> Result<LoroDoc, TextError> {
        let frontiers = Frontiers::decode(&version.0).map_err(|_| TextError::UnknownVersion)?;
        if self.doc.frontiers_to_vv(&frontiers).is_none() {
            return Err(TextError::UnknownVersion);
        }
        self.doc.fork_at(&frontiers).map_err(|_| TextError::UnknownVersion)
    }

    fn container(&self) -> LoroText {
        self.doc.get_text(CONTAINER)
    }

    fn export(&self, mode: ExportMode<'_>) -> Result<Bytes, TextError> {
        self.doc.export(mode).map(Bytes).map_err(|error| TextError::Unwritable(error.to_string()))
    }
}

/// Turns `old` into `new` in steps that are as small as can be found in bounded time. No timeout decides: the same input gives the same steps.
fn replace(text: &LoroText, old: &str, new: &str) -> Result<(), TextError> {
    let unwritable = |error: &dyn std::fmt::Display| TextError::Unwritable(error.to_string());
    let options = UpdateOptions { timeout_ms: None, use_refined_diff: true };
    if old.is_empty() {
        return text.insert(0, new).map_err(|error| unwritable(&error));
    }
    let prefix = common_prefix(old, new);
    let suffix = common_suffix(&old[prefix..], &new[prefix..]);
    let (old_middle, new_middle) = (&old[prefix..old.len() - suffix], &new[prefix..new.len() - suffix]);
    if old_middle.is_empty() || new_middle.is_empty() {
        text.delete_utf8(prefix, old_middle.len()).map_err(|error| unwritable(&error))?;
        return text.insert_utf8(prefix, new_middle).map_err(|error| unwritable(&error));
    }
    if old_middle.len() + new_middle.len() <= REFINED_CHARS {
        return text.update(new, options).map_err(|error| unwritable(&error));
    }
    if old_middle.lines().count() + new_middle.lines().count() <= LINES {
        return text.update_by_line(new, options).map_err(|error| unwritable(&error));
    }
    text.delete_utf8(prefix, old_middle.len()).map_err(|error| unwritable(&error))?;
    text.insert_utf8(prefix, new_middle).map_err(|error| unwritable(&error))
}

fn common_prefix(a: &str, b: &str) -> usize {
    let mut at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(at) || !b.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn common_suffix(a: &str, b: &str) -> usize {
    let mut at = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(a.len() - at) || !b.is_char_boundary(b.len() - at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(content: &str) -> Text {
        let text = Text::default();
        text.edit(content, 1).unwrap();
        text
    }

    #[test]
    fn edits_in_different_places_both_stay() {
        let base = text("milk\nbread\n");
        let bytes = base.to_bytes().unwrap();
        let (mut a, mut b) = (Text::open(Some(&bytes)).unwrap(), Text::open(Some(&bytes)).unwrap());
        let from_a = a.edit("oat milk\nbread\n", 2).unwrap().unwrap();
        let from_b = b.edit("milk\nbread, sliced\n", 3).unwrap().unwrap();
        a.import(&from_b.update).unwrap();
        b.import(&from_a.update).unwrap();
        assert_eq!(a.read(), "oat milk\nbread, sliced\n");
        assert_eq!(a.read(), b.read());
    }

    #[test]
    fn an_edit_of_an_older_version_merges_with_what_came_since() {
        let mut base = text("one\ntwo\n");
        let version = base.version();
        base.edit("one\ntwo\nthree\n", 1).unwrap();
        base.edit_at(&version, "ONE\ntwo\n", 9).unwrap();
        assert_eq!(base.read(), "ONE\ntwo\nthree\n");
        assert_eq!(base.read_at(&version).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn the_same_act_on_two_devices_is_one_act() {
        let (mut a, b) = (text("Same."), text("Same."));
        a.import(&b.to_bytes().unwrap()).unwrap();
        assert_eq!(a.read(), "Same.");
    }

    #[test]
    fn a_large_update_is_replayed_into_the_same_text() {
        let base = text("begin\nend\n");
        let bytes = base.to_bytes().unwrap();
        let lines: String = (0..2000).map(|n| format!("line {n} of many\n")).collect();
        let (mut a, b) = (Text::open(Some(&bytes)).unwrap(), Text::open(Some(&bytes)).unwrap());
        a.edit("begin\nend, said a\n", 2).unwrap();
        let large = b.edit(&format!("begin\n{lines}end\n"), 3).unwrap().unwrap();
        assert!(large.update.0.len() >= REPLAYED_BYTES);
        a.import(&large.update).unwrap();
        assert_eq!(a.read(), format!("begin\n{lines}end, said a\n"));
        assert!(a.import(&Bytes(vec![7; REPLAYED_BYTES])).is_err());
        assert_eq!(a.read(), format!("begin\n{lines}end, said a\n"));
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(Text::open(Some(&Bytes(b"no document".to_vec()))).is_err());
        assert!(text("x").read_at(&Bytes(vec![255; 9])).is_err());
    }

    proptest! {
        #[test]
        fn an_edit_gives_exactly_the_new_text(old in "[ab\u{e9}\u{1f600}\n]{0,40}", new in "[ab\u{e9}\u{1f600}\n]{0,40}") {
            let text = text(&old);
            let before = text.to_bytes().unwrap();
            let edit = text.edit(&new, 2).unwrap();
            prop_assert_eq!(text.read(), new.clone());
            let mut elsewhere = Text::open(Some(&before)).unwrap();
            if let Some(edit) = edit {
                elsewhere.import(&edit.update).unwrap();
            }
            prop_assert_eq!(elsewhere.read(), new);
        }
    }
}
