//! Reading Markdown notes as Obsidian does: front matter, links, tags, and where a link leads.
//!
//! Everything here is pure: text in, values out, with no disk, clock or database. Two invariants hold for any
//! input whatever, valid or hostile:
//!
//! - **Nothing is lost.** [`split`] and [`FrontMatter::parse`] cut a note into pieces that, put back together,
//!   are the note byte for byte; YAML that can't be understood is kept as its source.
//! - **Time is linear.** No note, however it is nested or left unclosed, makes reading it slower than its
//!   length, and none makes it panic.
//!
//! [`front_matter`] keeps the properties, [`scan()`] finds links and tags in a body, and [`Paths`] resolves a
//! link's target to a file. Rendering Markdown is not done here.

mod blocks;
pub mod front_matter;
mod inline;
pub mod resolve;
pub mod scan;
mod yaml;

pub use front_matter::{Document, FrontMatter, Property, property_yaml, split, value_of};
pub use resolve::Paths;
pub use scan::{BodyLink, LinkStyle, Scan, first_heading, scan, scan_text_links};
