//! The two halves of a connection's stream: of a socket, on Windows of a named pipe.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{ReadHalf, WriteHalf, split};
#[cfg(windows)]
pub(crate) use windows::{ReadHalf, WriteHalf, split};
