//! What the processes of one machine say to each other: JSON-RPC 2.0, one message a line.
//!
//! [`Call`] is one thing that can be asked of an engine; [`Request`] is any of them, and names its [`Method`](Request::method). An engine takes them as the
//! values they are; a guest writes them as a [`Line`]. `docs/local-rpc.md` tells how to talk to a host with nothing but a socket and a text editor.

mod call;
mod grant;
mod message;
mod session;

pub use call::{
    AcceptLoss, Apply, Attach, AttachmentOf, Backup, Call, Capture, ChangesAfter, Conflicts, Count, Create, Delete,
    Detach, Doctor, Done, EditEntity, Erase, EventsAfter, Export, FillFromBackup, Find, Get, History, Import, Link,
    ListEntities, Purge, Redo, Request, Resolve, Restore, Revert, SearchEntities, Show, StoreStatus, Tag, Triage, Undo,
    Unlink,
};
pub use grant::{AskGrant, AuditKind, Audited, GRANT, GRANT_MINUTES, Grant, Granted, MAX_GRANT_MINUTES, REVOKE, Right};
pub use message::{Code, Fault, FaultData, Incoming, Line, MessageError, RequestId, Success};
pub use session::{
    CANCEL, CLOSING, Cancel, Event, HELLO, Hello, Host, HostKind, PING, PROGRESS, Progressed, Protocol, SHUTDOWN,
    STATUS, UNWATCH, Unwatch, WATCH, WATCHED, Watch, Watched, Watching, Welcome,
};

/// No line of a guest's is longer, in bytes with its end; a page of a list is cut to this too.
pub const MAX_FRAME: usize = 16 << 20;
/// No line of a host's is longer, in bytes with its end.
pub const MAX_ANSWER: usize = 64 << 20;
/// The version of the protocol that this library speaks.
pub const VERSION: u32 = 1;
