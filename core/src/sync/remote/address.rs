//! Where a server is.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// A server's address: `https://` anywhere, `http://` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// An address that can't be a server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It can't be read.
    #[error("\"{0}\" is no address of a server: write it like https://altair.example.org")]
    Unreadable(String),
    /// It has a user, a password, a query or a fragment.
    #[error(
        "\"{0}\" has more in it than a server's address: leave out everything but the scheme, the name, the port and a path"
    )]
    TooMuch(String),
    /// A token would go over the network for everybody to read.
    #[error("{0} isn't encrypted, and not on this machine: use https://")]
    Plain(String),
}

impl Address {
    /// The address of something that the server has.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let unreadable = || AddressError::Unreadable(text.chars().take(200).collect());
        let url = Url::parse(text).map_err(|_| unreadable())?;
        let host = url.host_str().ok_or_else(unreadable)?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::TooMuch(text.chars().take(200).collect()));
        }
        let host = host.trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if here => Ok(Self(url)),
            "http" => Err(AddressError::Plain(url.to_string())),
            _ => Err(unreadable()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for (text, shown) in [
            ("https://altair.example.org", "https://altair.example.org"),
            (" https://altair.example.org:8443/home/ ", "https://altair.example.org:8443/home"),
            ("http://127.0.0.1:4117", "http://127.0.0.1:4117"),
            ("http://localhost:4117/", "http://localhost:4117"),
            ("http://[::1]:4117", "http://[::1]:4117"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        assert!(matches!("http://192.168.1.5:4117".parse::<Address>(), Err(AddressError::Plain(_))));
        assert!(matches!("http://localhost.example.org".parse::<Address>(), Err(AddressError::Plain(_))));
        for text in ["", "altair.example.org", "ftp://altair.example.org", "https://", "ws://127.0.0.1:4117"] {
            assert!(matches!(text.parse::<Address>(), Err(AddressError::Unreadable(_))), "{text}");
        }
        for text in ["https://zoe@altair.example.org", "https://a.example/?x=1", "https://a.example/#x"] {
            assert!(matches!(text.parse::<Address>(), Err(AddressError::TooMuch(_))), "{text}");
        }
    }

    #[test]
    fn what_a_server_has_is_below_its_address() {
        let of = |text: &str| text.parse::<Address>().unwrap().join("v1/pair").to_string();
        assert_eq!(of("https://altair.example.org"), "https://altair.example.org/v1/pair");
        assert_eq!(of("https://example.org/home/"), "https://example.org/home/v1/pair");
        assert_eq!(of("https://example.org/home"), "https://example.org/home/v1/pair");
    }
}
