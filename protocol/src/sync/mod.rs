//! What a device and its household's server say to each other: frames over a WebSocket, and the bodies of a few HTTP requests.
//!
//! `docs/protocol.md` is the same for people, with examples that a test compares with these types. A server orders, checks, answers and relays by a change's
//! [`Envelope`] alone; what it does is in [`Ops`], which go through byte for byte.
//!
//! Nothing here sends, waits or decides: when a frame is due is the client's state machine's to say, and what is accepted the server's.

mod bootstrap;
mod code;
mod device;
mod envelope;
mod frame;
mod http;
mod item;
mod server;
mod sync_id;

pub use bootstrap::{BootstrapLine, Checksum, End, Erased, JoinRefused, Joined, Start};
pub use code::{CloseCode, Refusal, ResetReason};
pub use device::{Applied, DeviceFrame, Hello, Ping, Push, Pushed};
pub use envelope::{Envelope, OpenError, Ops, OpsError, Unopened};
pub use frame::FrameError;
pub use http::{ErrorBody, Found, Household, HttpCode, HttpError, Pair, Paired, Renew};
pub use item::{Item, What, changes_text};
pub use server::{Ack, Acked, Changes, Closing, Incoming, Live, Pong, Refused, Reset, ServerFrame, Welcome};
pub use sync_id::{SyncId, SyncIdError};

use crate::rpc::Protocol;

/// The versions of the protocol that this library speaks.
pub const OURS: Protocol = Protocol { min: 1, max: 1 };

/// No frame of a device's is longer, in bytes.
pub const MAX_FRAME: usize = 16 << 20;
/// Nor is the first one, with which it says who it is.
pub const MAX_HELLO: usize = 64 << 10;
/// No frame of a server's is longer, in bytes, and no line of a bootstrap with its end.
pub const MAX_SERVER_FRAME: usize = 64 << 20;
/// No change is longer, in bytes of its JSON.
pub const MAX_CHANGE: usize = 8 << 20;
/// No entity's state, with the changes that the server hasn't folded into it yet, is longer, in bytes of its JSON.
pub const MAX_ENTITY: usize = 48 << 20;
/// A push of more than one change isn't longer, in bytes of the changes' JSON.
pub const MAX_PUSH_BYTES: usize = 1 << 20;
/// No push has more changes.
pub const MAX_PUSH_CHANGES: usize = 256;
/// Nor has a `changes` frame more items.
pub const MAX_ITEMS: usize = 1024;
/// How many pushes of a device may wait for their answers. Beyond it a server stops reading the socket.
pub const MAX_IN_FLIGHT: usize = 8;
/// No body of a request with states is longer, in bytes once it is unpacked.
pub const MAX_STATES: usize = 64 << 20;
/// No blob is longer, in bytes.
pub const MAX_BLOB: u64 = 2 << 30;
/// How often a device says `ping`, in milliseconds.
pub const HEARTBEAT_MS: u64 = 10_000;
/// After how long a silence a connection is dead, for both sides, in milliseconds.
pub const DEAD_MS: u64 = 30_000;
/// How long a device may take to say `hello`, and to be answered, in milliseconds.
pub const GREETING_MS: u64 = 10_000;
/// How far a stamp may be ahead of the server's clock, in milliseconds.
pub const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;
/// After how long a silence a device has expired, and for how long erased ids are kept, in days.
pub const EXPIRY_DAYS: u64 = 400;
