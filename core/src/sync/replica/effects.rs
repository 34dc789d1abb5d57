//! A machine's effects, as far as they are the store's.

use super::{Outcome, Replica};
use crate::error::{Error, Result};
use crate::sync::machine::{Effect, Event};

impl Replica {
    /// Does what a machine wants done with the store, and gives the event that it waits for. What isn't the store's, or is a transfer's, is passed over: the driver
    /// does that, with [`Replica::join`], [`Replica::carry`] and their like.
    pub async fn carry_out(&self, effect: Effect) -> Option<Event> {
        match self.done(effect).await {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "the store couldn't do something for syncing");
                Some(Event::StoreFailed { why: error.to_string() })
            }
        }
    }

    async fn done(&self, effect: Effect) -> Result<Option<Event>> {
        Ok(match effect {
            Effect::ReadOutbox { read, after, changes, bytes } => {
                let (entries, end) = self.read_outbox(after, changes, bytes).await?;
                Some(Event::OutboxRead { read, entries, end })
            }
            Effect::Apply { items } => {
                let Outcome { cursor, copied, recreated } = self.apply(items).await?;
                Some(Event::Applied { cursor, copied, recreated })
            }
            Effect::Acknowledge { items } => {
                self.acknowledge(items).await?;
                None
            }
            Effect::Park(fault) => {
                let (entity, change) = (fault.entity, fault.change);
                self.park(fault).await?;
                Some(Event::Parked { entity, change })
            }
            Effect::Recreate { entity } => {
                self.recreate(entity).await?;
                Some(Event::Recreated { entity })
            }
            Effect::SetClock { ahead } => {
                self.set_clock(ahead).await?;
                None
            }
            Effect::Remint { .. } => {
                return Err(Error::refused(
                    "the server says that this store is a copy of another's, or was made by a clock that ran ahead",
                    "copy what was made here since, and make a new store from the server's",
                ));
            }
            _ => None,
        })
    }
}
