//! What the driver promises, a test each, over real sockets: with a server that does as docs/protocol.md says (the model of the machine's own tests) but where a test has it misbehave,
//! and a store in memory.

mod bootstrapping;
mod bringing;
mod connecting;
mod ending;
mod home;
mod moving_blobs;
mod notebook;
mod pushing;
mod server;
