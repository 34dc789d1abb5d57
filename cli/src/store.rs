//! Which store is meant, and using it for as short as can be.
//!
//! One process at a time can have a store open, so a command opens it, does its work, closes it and only then writes
//! its answer: `altair list note | less` keeps nobody waiting.

use std::env;
use std::path::{Path, PathBuf};

use altair_core::{Altair, Config};
use directories::ProjectDirs;

use crate::failure::Failure;

/// The folder of the store that a command works on.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// The store given by `--store`, else by `ALTAIR_HOME`, else the one in the platform's data folder.
    pub(crate) fn locate(given: Option<PathBuf>) -> Result<Self, Failure> {
        let from_environment = || env::var_os("ALTAIR_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let usual = || ProjectDirs::from("", "", "Altair").map(|dirs| dirs.data_dir().to_owned());
        let path = given.or_else(from_environment).or_else(usual).ok_or_else(|| {
            Failure::usage("there is no home folder to keep a store in", "name a folder with --store or ALTAIR_HOME")
        })?;
        let path = std::path::absolute(&path).map_err(|error| {
            Failure::usage(
                format!("the store's folder {} can't be used: {error}", path.display()),
                "name another folder with --store or ALTAIR_HOME",
            )
        })?;
        Ok(Self { path })
    }

    /// The store's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How to open it.
    pub(crate) fn config(&self) -> Config {
        Config::new(&self.path)
    }

    /// Opens the store, works on it and closes it again.
    pub(crate) async fn with<T>(&self, work: impl AsyncFnOnce(&Altair) -> Result<T, Failure>) -> Result<T, Failure> {
        Self::with_opened(self.config(), work).await
    }

    /// The same with a store that has lost something, which is refused otherwise.
    pub(crate) async fn with_damaged<T>(
        &self,
        work: impl AsyncFnOnce(&Altair) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        Self::with_opened(Config { repair: true, ..self.config() }, work).await
    }

    async fn with_opened<T>(
        config: Config,
        work: impl AsyncFnOnce(&Altair) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let altair = Altair::open(config).await.map_err(Failure::opening)?;
        let outcome = work(&altair).await;
        // What was answered is durable already. Failing here would make a script repeat it.
        if let Err(error) = altair.close().await {
            tracing::warn!(%error, "closing the store failed");
        }
        outcome
    }
}
