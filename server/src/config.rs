//! How the server runs: flags before the environment before a TOML file before what is usual.
//!
//! Everything has a usual value. An address that others can reach is refused without TLS, unless a proxy in front of the server is said to bring it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use altair_core::{Error, Result};
use directories::ProjectDirs;
use serde::{Deserialize, Serialize};

use crate::server::Opening;

/// How the server runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where it listens. Port 0 takes one that is free.
    pub listen: SocketAddr,
    /// Whether a proxy stands in front of it, which brings TLS and says whom a request is from.
    pub behind_proxy: bool,
    /// How many connections there may be.
    pub connections: usize,
    /// The database's block cache, in bytes.
    pub block_cache_bytes: u64,
    /// What is written before it goes to a table file, in bytes; also the largest transaction.
    pub memtable_bytes: u64,
    /// What is logged: a level, or a list like `warn,altair_server=debug`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
}

/// Where the certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM: the certificate, with those that it is signed by.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What was said about it in flags, or in the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The data folder.
    pub data: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// The certificate.
    pub tls_cert: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// Whether a proxy stands in front.
    pub behind_proxy: Option<bool>,
    /// What to log.
    pub log: Option<String>,
    /// How to log.
    pub log_format: Option<LogFormat>,
    /// The TOML file.
    pub config: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        let usual = ProjectDirs::from("", "", "Altair").map(|dirs| dirs.data_dir().join("server"));
        let opening = Opening::new(usual.unwrap_or_else(|| PathBuf::from("altair-server")));
        Self {
            data: opening.data,
            listen: SocketAddr::from(([127, 0, 0, 1], 7464)),
            behind_proxy: false,
            connections: 10_000,
            block_cache_bytes: opening.block_cache_bytes,
            memtable_bytes: opening.memtable_bytes,
            log: "warn,altair_server=info".to_owned(),
            log_format: LogFormat::Text,
            tls: None,
        }
    }
}

impl Said {
    /// What the environment says, in variables that begin with `ALTAIR_SERVER_`.
    pub fn in_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let given = |name: &str| variable(&format!("ALTAIR_SERVER_{name}")).filter(|value| !value.is_empty());
        let wrong = |name: &str, value: &str, hint: &str| {
            Error::invalid(format!("ALTAIR_SERVER_{name} can't be \"{value}\""), hint)
        };
        let listen = given("LISTEN")
            .map(|value| value.parse().map_err(|_| wrong("LISTEN", &value, "it is like 127.0.0.1:7464")))
            .transpose()?;
        let behind_proxy = given("BEHIND_PROXY")
            .map(|value| match value.as_str() {
                "1" | "true" | "yes" => Ok(true),
                "0" | "false" | "no" => Ok(false),
                _ => Err(wrong("BEHIND_PROXY", &value, "it is true or false")),
            })
            .transpose()?;
        let log_format = given("LOG_FORMAT")
            .map(|value| match value.as_str() {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err(wrong("LOG_FORMAT", &value, "it is text or json")),
            })
            .transpose()?;
        Ok(Self {
            data: given("DATA").map(PathBuf::from),
            listen,
            tls_cert: given("TLS_CERT").map(PathBuf::from),
            tls_key: given("TLS_KEY").map(PathBuf::from),
            behind_proxy,
            log: given("LOG"),
            log_format,
            config: given("CONFIG").map(PathBuf::from),
        })
    }

    /// This, and the other where this says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            listen: self.listen.or(other.listen),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            behind_proxy: self.behind_proxy.or(other.behind_proxy),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            config: self.config.or(other.config),
        }
    }
}

impl Config {
    /// What was said, on top of the file that it names, on top of what is usual.
    pub fn of(said: Said) -> Result<Self> {
        let mut config = said.config.as_deref().map_or_else(|| Ok(Self::default()), Self::read)?;
        config.data = said.data.unwrap_or(config.data);
        config.listen = said.listen.unwrap_or(config.listen);
        config.behind_proxy = said.behind_proxy.unwrap_or(config.behind_proxy);
        config.log = said.log.unwrap_or(config.log);
        config.log_format = said.log_format.unwrap_or(config.log_format);
        let (cert, key) = config.tls.take().map_or((None, None), |tls| (Some(tls.cert), Some(tls.key)));
        config.tls = match (said.tls_cert.or(cert), said.tls_key.or(key)) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                return Err(Error::invalid(
                    "TLS needs a certificate and its key, and only one of them was named",
                    "name both: --tls-cert FILE --tls-key FILE",
                ));
            }
        };
        if config.connections == 0 {
            return Err(Error::invalid("with no connections there is no server", "give `connections` a number"));
        }
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("reading", path, error))?;
        toml::from_str(&text).map_err(|error| {
            let why = error.to_string();
            let message = format!("{} can't be used: {}", path.display(), why.trim_end());
            Error::invalid(message, "`altair-server config` shows what there is to set")
        })
    }

    /// The configuration as a TOML file.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self)
            .map_err(|error| crate::store::internal("the configuration can't be written").because(error))
    }

    pub(crate) fn opening(&self) -> Opening {
        Opening {
            block_cache_bytes: self.block_cache_bytes,
            memtable_bytes: self.memtable_bytes,
            ..Opening::new(&self.data)
        }
    }

    /// Where it listens, if nobody can listen in.
    pub(crate) fn checked_listen(&self) -> Result<SocketAddr> {
        if self.listen.ip().to_canonical().is_loopback() || self.tls.is_some() || self.behind_proxy {
            return Ok(self.listen);
        }
        Err(Error::invalid(
            format!(
                "{} can be reached from elsewhere, and without TLS everybody on the way could read along",
                self.listen
            ),
            "name a certificate (--tls-cert, --tls-key), or say --behind-proxy if a proxy in front brings TLS",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)]) -> Result<Said> {
        Said::in_environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flags_come_before_the_environment_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "data = \"/file\"\nlisten = \"127.0.0.1:1\"\nconnections = 5").unwrap();
        let environment = said(&[("ALTAIR_SERVER_DATA", "/env"), ("ALTAIR_SERVER_LISTEN", "127.0.0.1:2")]).unwrap();
        let flags = Said { data: Some("/flag".into()), config: Some(file), ..Said::default() };
        let config = Config::of(flags.or(environment)).unwrap();
        assert_eq!((config.data, config.listen.port(), config.connections), ("/flag".into(), 2, 5));
    }

    #[test]
    fn wrong_settings_are_named() {
        for (name, value) in [("LISTEN", "here"), ("BEHIND_PROXY", "perhaps"), ("LOG_FORMAT", "xml")] {
            let error = said(&[(&format!("ALTAIR_SERVER_{name}"), value)]).unwrap_err();
            assert!(error.message().contains(name) && error.message().contains(value), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        for wrong in ["dta = \"x\"", "listen = 3", "[tls]\ncert = \"x\"", "connections = 0"] {
            std::fs::write(&file, wrong).unwrap();
            let config = Config::of(Said { config: Some(file.clone()), ..Said::default() });
            assert!(config.is_err(), "{wrong}");
        }
        let half = Said { tls_cert: Some("cert.pem".into()), ..Said::default() };
        assert!(Config::of(half).unwrap_err().message().contains("only one"));
    }

    #[test]
    fn nobody_else_is_listened_to_without_tls() {
        let at = |listen: &str| Config { listen: listen.parse().unwrap(), ..Config::default() };
        for loopback in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            assert!(at(loopback).checked_listen().is_ok(), "{loopback}");
        }
        for open in ["0.0.0.0:0", "[::]:0", "192.168.0.1:80", "[::ffff:10.0.0.1]:0"] {
            assert!(at(open).checked_listen().is_err(), "{open}");
            assert!(Config { behind_proxy: true, ..at(open) }.checked_listen().is_ok());
            let tls = Some(TlsFiles { cert: "c".into(), key: "k".into() });
            assert!(Config { tls, ..at(open) }.checked_listen().is_ok());
        }
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        let config = Config { tls: Some(TlsFiles { cert: "c".into(), key: "k".into() }), ..Config::default() };
        std::fs::write(&file, config.to_toml().unwrap()).unwrap();
        assert_eq!(Config::of(Said { config: Some(file), ..Said::default() }).unwrap(), config);
    }
}
