//! Altair's sync server: one more replica of a household, which numbers its changes and passes them on.
//!
//! The way in is [`Running::start`] with a [`Config`], or [`Server::open`] where nobody is to be listened to. `docs/protocol.md` is what devices say to it.
//!
//! Rooms: `store` keeps everything in SurrealDB, and blobs in files; `household` decides about changes, numbers them and tells everybody, one task for each household; `fold` makes states of the log, a step of its
//! own behind it; `socket` is a device's connection, `http` everything else that is asked of it, `listen` where connections come from; `pairing` and `secret` know who may; `admin` and `backup` are for whoever runs
//! it. What a change does is read by the fold alone, and where states are joined: everybody else goes by its envelope.

#[cfg(not(unix))]
compile_error!("altair-server administers itself through a Unix socket, and runs on Unix systems only");

mod admin;
mod backup;
mod config;
mod fold;
mod household;
mod http;
mod listen;
mod metrics;
mod pairing;
mod run;
mod secret;
mod server;
mod socket;
mod stop;
mod store;

pub use admin::{Answer, Ask, BackedUp, Collected, DeviceView, HouseholdView, MadeCode, Revoked, ask};
pub use backup::restore;
pub use config::{Config, LogFormat, Said, TlsFiles};
pub use run::Running;
pub use server::{Opening, Server};
