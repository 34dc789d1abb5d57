//! The audit log: every grant that was given and used, and everything that was refused for want of one.
//!
//! One JSON object a line, in `audit.ndjson` beside the store, the newest last. It isn't flushed line by line: a power cut may take the last of it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use altair_protocol::rpc::Audited;

use crate::error::{Error, Result};

const LOG: &str = "audit.ndjson";
/// The one before it.
const OLDER: &str = "audit.1.ndjson";
/// A log that has grown to this, in bytes, is put aside: some ten thousand lines.
const MOST: u64 = 4 << 20;
/// No text in a line has more characters: some of it comes from the program that was refused.
const LONGEST: usize = 200;

/// The audit log of a store that this process hosts.
#[derive(Debug)]
pub(crate) struct Audit {
    store: PathBuf,
    writing: Mutex<()>,
}

impl Audit {
    pub(crate) fn new(store: &Path) -> Self {
        Self { store: store.to_owned(), writing: Mutex::default() }
    }

    /// Writes something down. What was done is done whether or not that can be.
    pub(crate) fn note(&self, mut line: Audited) {
        for text in [&mut line.client, &mut line.name, &mut line.method, &mut line.why].into_iter().flatten() {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
                text.push('…');
            }
        }
        tracing::info!(what = ?line.what, grant = ?line.grant, name = ?line.name, method = ?line.method, "audited");
        if let Err(error) = self.write(&line) {
            tracing::error!(%error, ?line, "the audit log can't be written");
        }
    }

    fn write(&self, line: &Audited) -> io::Result<()> {
        let mut json = serde_json::to_vec(line)?;
        json.push(b'\n');
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.store.join(LOG);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() >= MOST) {
            fs::rename(&path, self.store.join(OLDER))?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(&json)
    }
}

/// The newest lines of a store's audit log, the newest first.
///
/// # Errors
/// When it is there and can't be read.
pub fn audited(store: &Path, limit: usize) -> Result<Vec<Audited>> {
    let mut lines = Vec::new();
    for name in [LOG, OLDER] {
        let path = store.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("reading", &path, error)),
        };
        // Half a line, after a crash, is none.
        let of_this = text.split(|byte| *byte == b'\n').rev().filter_map(|line| serde_json::from_slice(line).ok());
        lines.extend(of_this.take(limit - lines.len()));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use altair_protocol::rpc::AuditKind;
    use altair_protocol::view::Time;

    use super::*;

    fn line(n: i64, client: &str) -> Audited {
        Audited { client: Some(client.to_owned()), ..Audited::new(Time::from_millis(n), AuditKind::Refused) }
    }

    #[test]
    fn the_newest_lines_come_first_and_the_log_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(audited(folder.path(), 10).unwrap(), []);
        let audit = Audit::new(folder.path());
        fs::write(folder.path().join(LOG), "x".repeat(4 << 20) + "\n").unwrap();
        audit.note(line(1, "one"));
        fs::OpenOptions::new().append(true).open(folder.path().join(LOG)).unwrap().write_all(b"half\n").unwrap();
        audit.note(line(2, &"long".repeat(1000)));
        let lines = audited(folder.path(), 10).unwrap();
        assert_eq!(lines.iter().map(|line| line.at.millis()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(lines[0].client.as_ref().unwrap().chars().count(), LONGEST + 1);
        assert_eq!(audited(folder.path(), 1).unwrap().len(), 1);
        assert!(folder.path().join(OLDER).exists());
    }
}
