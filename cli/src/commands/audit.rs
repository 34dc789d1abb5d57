//! `audit`: what was granted, and what was refused.

use altair_core::host::audited;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;

/// Tell what programs were granted, and what they were refused
///
/// Newest first: each grant that `altair grant` or a program gave, each connection that used one, and everything that was
/// refused for want of one. The log keeps some ten thousand lines, or more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altair audit\n  altair audit --limit 1000 --json")]
pub(crate) struct Audit {
    /// How many to print, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    limit: usize,
}

impl Audit {
    pub(crate) fn run(self, store: &Store, out: &mut Output) -> Result<(), Failure> {
        out.all(&audited(store.path(), self.limit)?, "Nothing was granted or refused.")
    }
}
