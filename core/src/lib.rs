//! Altair's engine: a person's notes, quests, items and captures in one local store that is never lost and always found.
//!
//! The way in is [`Altair::open`]: it gives a handle that can be cloned and called from any executor, as the engine runs on threads of its own.
//!
#![cfg_attr(feature = "engine", doc = "```no_run")]
#![cfg_attr(not(feature = "engine"), doc = "```ignore")]
//! use altair_core::{Altair, Config, NewCapture, Search};
//!
//! # async fn example() -> Result<(), altair_core::Error> {
//! let altair = Altair::open(Config::new("/home/zoe/altair")).await?;
//! let thought = altair.capture(NewCapture { text: "Water the figs on Friday".into(), ..Default::default() }).await?;
//! // It is on disk now, and found at once.
//! let found = altair.search(Search::new("frid")).await?;
//! assert_eq!(found.items[0].id, thought.id);
//! altair.close().await
//! # }
//! ```
//!
//! Rooms: [`merge`] decides how changes come together and [`markdown`] reads notes, both pure; `store` keeps them in SurrealDB;
//! `search` finds them; `vault` brings Markdown folders in and out; [`sync`] keeps devices in step; `engine` is what callers see. Without the feature `engine` only
//! the pure rooms are built, in seconds.

#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod environment;
#[cfg(feature = "engine")]
mod error;
#[cfg(feature = "engine")]
pub mod host;
pub mod markdown;
pub mod merge;
#[cfg(feature = "engine")]
mod reading;
#[cfg(feature = "engine")]
mod search;
#[cfg(feature = "engine")]
mod store;
pub mod sync;
#[cfg(feature = "engine")]
mod vault;

#[cfg(feature = "engine")]
pub use engine::{
    Altair, AttachmentFile, BackedUp, Config, Diagnosis, Edit, Exported, Fields, HostStatus, Imported, List,
    MAX_TEXT_BYTES, New, NewCapture, Page, Problem, Progress, Resolution, Search, Sizes, Skipped, Status, SyncStatus,
    Watch, Watched,
};
#[cfg(feature = "engine")]
pub use environment::Environment;
#[cfg(feature = "engine")]
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "engine")]
pub use store::folder::{published_head, store_id};
