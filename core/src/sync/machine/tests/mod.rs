//! The rules that the machine holds to, a test each; and in [`world`] many machines with a server, against everything that a network does.

mod bench;
mod connecting;
mod pushing;
mod receiving;
mod refusing;
mod reminting;
mod telling;
mod transferring;
pub(in crate::sync) mod world;
