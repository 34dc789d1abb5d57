//! Which store is meant, and using it for as short as can be.

use std::env;
use std::path::{Path, PathBuf};

use altair_protocol::Hash;
use directories::ProjectDirs;

use crate::args::Globals;
use crate::client::Client;
use crate::failure::Failure;

/// How to come by a host where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A daemon is started, and stays.
    Daemon,
    /// One is started for this command alone.
    Private,
    /// The same, opening a store that has lost something, which is refused otherwise.
    Repair,
}

/// The store that a command works on.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: PathBuf,
    socket: Option<PathBuf>,
    manner: Manner,
}

impl Store {
    /// The store given by `--store`, else by `ALTAIR_SOCKET`, `ALTAIR_HOME` or `ALTAIR_INSTANCE`, else the one in the platform's data folder.
    pub(crate) fn locate(globals: &Globals) -> Result<Self, Failure> {
        let path_from = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let usual = || ProjectDirs::from("", "", "Altair").map(|dirs| dirs.data_dir().to_owned());
        let instance = || match path_from("ALTAIR_INSTANCE") {
            None => Ok(None),
            Some(name) => instance(&name).map(|name| usual().map(|data| data.join("instances").join(name))),
        };
        let path = match globals.store.clone().or_else(|| path_from("ALTAIR_HOME")) {
            Some(path) => Some(path),
            None => instance()?.or_else(usual),
        };
        let path = path.ok_or_else(|| {
            Failure::usage("there is no home folder to keep a store in", "name a folder with --store or ALTAIR_HOME")
        })?;
        let path = std::path::absolute(&path).map_err(|error| {
            Failure::usage(
                format!("the store's folder {} can't be used: {error}", path.display()),
                "name another folder with --store or ALTAIR_HOME",
            )
        })?;
        let socket = path_from("ALTAIR_SOCKET").filter(|_| globals.store.is_none());
        let alone = globals.no_daemon || path_from("ALTAIR_NO_DAEMON").is_some_and(|value| value != Path::new("0"));
        Ok(Self { path, socket, manner: if alone { Manner::Private } else { Manner::Daemon } })
    }

    /// The store's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The socket that was named, whatever the store.
    pub(crate) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    pub(crate) const fn manner(&self) -> Manner {
        self.manner
    }

    /// Joins the store's host, works and leaves again.
    pub(crate) async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&Client<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let client = Client::connect(self).await?;
        let outcome = work(&client).await;
        client.close().await;
        outcome
    }

    /// The same with a store that may have lost something, which is refused otherwise.
    pub(crate) async fn with_damaged<T>(
        &self,
        work: impl AsyncFnOnce(&Client<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        Self { manner: Manner::Repair, ..self.clone() }.with(work).await
    }
}

/// The folder's name of an instance: a name, or for a folder (`.`, `../thesis`, `/srv/plan`) one that is that folder's alone.
fn instance(given: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| {
        Failure::usage(
            format!("ALTAIR_INSTANCE={} names no instance: {why}", given.display()),
            "use a name of letters, digits, - and _, or a folder, such as . for the one you are in",
        )
    };
    let text = given.to_str().ok_or_else(|| wrong("it is not UTF-8"))?;
    if text == "." || text == ".." || text.contains(std::path::is_separator) {
        let real = given.canonicalize().map_err(|error| wrong(&error.to_string()))?;
        return Ok(Hash::of(real.as_os_str().as_encoded_bytes()).to_string()[..16].to_owned());
    }
    if text.len() <= 64 && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        return Ok(text.to_owned());
    }
    Err(wrong("it has other characters, or too many"))
}
