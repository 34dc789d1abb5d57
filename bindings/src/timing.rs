//! How long calls take on this side of the crossing: what the benchmark of the Kotlin library compares with.

use std::time::Instant;

use altair_core::{List, NewCapture, Search};

use crate::entity::number;
use crate::error::AltairError;
use crate::request::id;
use crate::runtime::run;
use crate::store::Store;

/// A call to time.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum TimedCall {
    /// Nothing: what measuring itself costs.
    Nothing,
    /// Gets an entity.
    Get {
        /// Its id.
        entity: String,
    },
    /// Lists the newest notes.
    List {
        /// How many.
        at_most: i64,
    },
    /// Captures a text.
    Capture {
        /// The text.
        text: String,
    },
    /// Searches.
    Search {
        /// For what.
        query: String,
    },
}

#[uniffi::export]
impl Store {
    /// Makes a call so many times, one after the other, and gives the nanoseconds that each took.
    pub async fn time(&self, call: TimedCall, times: i64) -> Result<Vec<i64>, AltairError> {
        let altair = self.altair();
        let entity = match &call {
            TimedCall::Get { entity } => Some(id(entity)?),
            _ => None,
        };
        run(async move {
            let mut nanos = Vec::new();
            for _ in 0..times {
                let start = Instant::now();
                match &call {
                    TimedCall::Nothing => {}
                    TimedCall::Get { .. } => {
                        if let Some(entity) = entity {
                            altair.get(entity).await?;
                        }
                    }
                    TimedCall::List { at_most } => {
                        let notes = List::Kind(altair_protocol::Kind::Note);
                        altair.list(notes, usize::try_from(*at_most).unwrap_or(0), None).await?;
                    }
                    TimedCall::Capture { text } => {
                        altair.capture(NewCapture { text: text.clone(), ..NewCapture::default() }).await?;
                    }
                    TimedCall::Search { query } => {
                        altair.search(Search::new(query.as_str())).await?;
                    }
                }
                nanos.push(number(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)));
            }
            Ok(nanos)
        })
        .await
    }
}
