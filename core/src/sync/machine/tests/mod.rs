//! The rules that the machine holds to, a test each.

mod bench;
mod connecting;
mod pushing;
mod receiving;
mod refusing;
mod reminting;
mod telling;
mod transferring;
