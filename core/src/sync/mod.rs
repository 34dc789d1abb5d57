//! Keeping a device in step with its household's server.
//!
//! [`machine`] decides, and is pure: it builds without the feature `engine`. Sockets, the store and the clock come in as events, and what is
//! to be done about them goes out as effects, which `driver` carries out; what of it is the store's, `replica` does. `remote` is the server as a device
//! asks it. `docs/protocol.md` is what goes over the wire.

#[cfg(feature = "engine")]
pub mod driver;
pub mod machine;
#[cfg(feature = "engine")]
pub mod remote;
#[cfg(feature = "engine")]
pub mod replica;
