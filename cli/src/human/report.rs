//! Reports: the store's state, and what long work did.

use altair_core::{BackedUp, Diagnosis, Exported, Imported, Skipped, Status};

use super::{Human, bytes, counted};
use crate::checkup::HINDERED;
use crate::paint::{Paint, safe_line};

impl Human for Status {
    fn human(&self, paint: Paint) -> String {
        let mut out = String::new();
        let mut row = |name: &str, text: String| {
            out += &format!("{}  {}\n", paint.dim(format!("{name:<12}")), safe_line(&text));
        };
        row("store", self.store.display().to_string());
        row("version", self.version.clone());
        row("device", self.device.clone());
        row("health", self.health.clone());
        for (what, count) in &self.counts {
            row(what, count.to_string());
        }
        let sizes = &self.bytes;
        row(
            "on disk",
            format!("{} store, {} search, {} attachments", bytes(sizes.store), bytes(sizes.search), bytes(sizes.blobs)),
        );
        let sync = &self.sync;
        let server = sync.server.as_ref().map(|server| format!(" with {server}")).unwrap_or_default();
        row(
            "sync",
            format!("{}{server}; {} to send, {} on hold", sync.state, counted(sync.pending, "change"), sync.held),
        );
        for fault in &sync.faults {
            row("fault", fault.to_string());
        }
        if let Some(contact) = &sync.last_contact {
            row("last contact", contact.clone());
        }
        row("process", format!("{} ({}, epoch {})", self.host.pid, self.host.role, self.host.epoch));
        out
    }
}

impl Human for Diagnosis {
    fn human(&self, paint: Paint) -> String {
        let mut out = String::new();
        for problem in &self.problems {
            let state = if problem.repaired { paint.cyan("repaired") } else { paint.red("remains ") };
            out += &format!("{state}  {}: {}\n", safe_line(&problem.at), safe_line(&problem.problem));
        }
        let read = format!(
            "Checked {}, {} and {}.",
            if self.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", self.entities) },
            counted(self.changes, "change"),
            counted(self.blobs, "attachment"),
        );
        let verdict = match (self.health.as_str(), self.problems.is_empty()) {
            ("ok", true) => "The store is well.",
            ("ok", false) => "Everything has been repaired.",
            (HINDERED, _) => "The store is well; what remains keeps programs from using it together.",
            _ => "The store is damaged; `altair restore-backup` brings a backup back into an empty store.",
        };
        out + &format!("{read} {verdict}\n")
    }
}

/// What an import did.
pub(crate) fn imported(done: &Imported) -> String {
    format!(
        "Imported {} and {} with {}; {}, {} skipped.",
        counted(done.notes, "note"),
        counted(done.attachments, "attachment"),
        counted(done.links, "link"),
        unchanged(done.unchanged),
        done.skipped.len(),
    )
}

/// What an export did.
pub(crate) fn exported(done: &Exported) -> String {
    format!(
        "Exported {} and {}; {}, {} skipped.",
        counted(done.notes, "note"),
        counted(done.attachments, "attachment"),
        unchanged(done.unchanged),
        done.skipped.len(),
    )
}

fn unchanged(files: u64) -> String {
    if files == 1 { "1 file was unchanged".to_owned() } else { format!("{files} files were unchanged") }
}

/// A file that was left out.
pub(crate) fn skipped(file: &Skipped) -> String {
    format!("skipped {} ({})", file.path, file.reason.replace('_', " "))
}

/// What a backup holds.
pub(crate) fn backed_up(did: &str, backup: &BackedUp, paint: Paint) -> String {
    let entities = if backup.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", backup.entities) };
    let checksum = paint.dim(format!("checksum {}", safe_line(&backup.checksum)));
    format!("{did} {entities}, {}\n{checksum}", bytes(backup.bytes))
}
