//! What a person has settled for good: `config.toml` in the platform's folder for settings, or the file that `ALTAIR_CONFIG` names.
//!
//! It is read only where something depends on it, so that a command that joins a host never opens it.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::Deserialize;

use crate::failure::Failure;

/// The settings.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Of the daemon.
    pub(crate) daemon: Daemon,
}

/// The daemon's settings.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Daemon {
    /// After how many minutes without a guest it ends. Without this it stays.
    pub(crate) idle_minutes: Option<u64>,
}

impl Config {
    /// Reads the settings; those that aren't there are as usual.
    pub(crate) fn load() -> Result<Self, Failure> {
        let given = env::var_os("ALTAIR_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = || ProjectDirs::from("", "", "Altair").map(|dirs| dirs.config_dir().join("config.toml"));
        match given.or_else(usual) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::usage(
                format!("{} can't be used: {why}", path.display()),
                "correct it, or remove it: it is optional",
            )
        };
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(wrong(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn settings_are_optional_and_wrong_ones_are_named() {
        assert_eq!(read("").unwrap(), Config::default());
        assert_eq!(read("[daemon]\nidle_minutes = 30").unwrap().daemon.idle_minutes, Some(30));
        assert_eq!(Config::read(Path::new("/nowhere/config.toml")).unwrap(), Config::default());
        for wrong in ["[daemon]\nidle_minuts = 30", "[daemon]\nidle_minutes = -1", "daemon", "\u{0}"] {
            let Err(Failure::Failed { code, message, .. }) = read(wrong) else { panic!("{wrong:?} was taken") };
            assert_eq!(code, 2);
            assert!(message.contains("config.toml"), "{message}");
        }
    }
}
