//! The server from outside: the library on a port of its own with real sockets, and the program as a real process. One binary for all, as each links the whole database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails here fails where it should"
)]

mod admin;
mod blobs;
mod bootstrap;
mod client;
mod hostile;
mod pairing;
mod process;
mod sync;
mod world;
