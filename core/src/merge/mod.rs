//! Merging: how changes and states come together. Pure: no I/O, no clock, no randomness.
//!
//! The invariant, proved by property tests: any set of changes, in any order, with repeats, cut into any batches, and mixed with
//! any states that were made from them, gives the same state. One concept a file: [`register`] (multi-value), [`counter`], [`text`] (the CRDT), and
//! [`entity`], which applies changes to a whole entity and joins two replicas' states of it. [`conflict`] and [`cycle`] say what people have to decide.
//!
//! What it doesn't do: it stores nothing, and it never decides *whether* a change is accepted (that is the store's, and a server's).

pub mod conflict;
pub mod counter;
pub mod cycle;
pub mod entity;
pub mod register;
pub mod text;

pub use conflict::{conflict_id, conflicts};
pub use entity::{Applied, MadeText, MergeError, TextStep, apply, apply_stepwise, join};
pub use text::{Edit, Text, TextError};
