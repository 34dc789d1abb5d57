//! Where a daemon writes what it does: `altaird.log` in the store's folder, and the one before it beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use altair_core::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::standing::LOG;

/// A log that has grown to this is put aside.
const MOST: u64 = 4 << 20;
/// What a daemon logs when nobody says otherwise. The last two warn at each closing that was done in good order.
const USUAL: &str = "warn,altair_core=info,altaird=info,surrealkv::lsm=error,surrealdb::core::kvs::ds=off";

/// Where to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To stderr, if `ALTAIR_LOG` asks for it.
    StderrIfAsked,
    /// To stderr.
    Stderr,
    /// To the store's log.
    File,
}

/// Begins to log.
pub(crate) fn start(store: &Path, to: To) -> Result<(), Error> {
    let asked = std::env::var("ALTAIR_LOG").unwrap_or_default();
    if asked.is_empty() && to == To::StderrIfAsked {
        // With no subscriber at all, `tracing` puts the text of every span together for `log`, and SurrealDB has one for each key.
        let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
        return Ok(());
    }
    let filter = if asked.is_empty() { USUAL.to_owned() } else { most_detailed(&asked) };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Error::invalid(
            format!("ALTAIR_LOG is no log filter: {error}"),
            "use a level or a list like `info` or `altair_core=debug`",
        )
    })?;
    // A span tells when it ends, and how long it took.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_span_events(FmtSpan::CLOSE).with_ansi(false);
    if to == To::File {
        let file = Rotating { path: store.join(LOG), open: None };
        log.with_writer(Mutex::new(file)).init();
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    } else {
        log.with_writer(io::stderr).init();
    }
    Ok(())
}

/// The filter with `debug` for `trace`: SurrealDB leaves that level out when it is compiled for use, for everybody, and asking for it would only
/// bring a warning in colours.
fn most_detailed(filter: &str) -> String {
    let directive = |part: &str| match part.to_ascii_lowercase().strip_suffix("trace") {
        Some(rest) if rest.is_empty() || rest.ends_with('=') => format!("{}debug", &part[..rest.len()]),
        _ => part.to_owned(),
    };
    filter.split(',').map(|part| directive(part.trim())).collect::<Vec<_>>().join(",")
}

/// A log file that is put aside when it has grown. It is made when there is something to write and the store's folder is there.
struct Rotating {
    path: PathBuf,
    open: Option<(File, u64)>,
}

impl Rotating {
    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        if self.open.as_ref().is_some_and(|(_, size)| *size >= MOST) {
            self.open = None;
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        if self.open.is_none() {
            let file = File::options().create(true).append(true).open(&self.path)?;
            let size = file.metadata()?.len();
            self.open = Some((file, size));
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("the log isn't open"))
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A log that can't be written takes nothing away from what the daemon is for.
        if let Ok((file, size)) = self.file()
            && file.write_all(bytes).is_ok()
        {
            *size += bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rotating { path: folder.path().join(LOG), open: None };
        let line = vec![b'x'; 1 << 20];
        for _ in 0..9 {
            log.write_all(&line).unwrap();
        }
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert_eq!((size("altaird.log"), size("altaird.log.1")), (1 << 20, 4 << 20));
    }
}
