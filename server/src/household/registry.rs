//! The households that are at work in this process. One begins when somebody asks for it and goes on until the server stops.

use std::collections::HashMap;
use std::sync::Arc;

use altair_core::{Environment, Error, ErrorKind, Result};
use altair_protocol::HouseholdId;
use altair_protocol::sync::Closing;
use tokio::sync::Mutex;

use super::Household;
use crate::metrics::Metrics;
use crate::stop::Stopper;
use crate::store::Store;

/// All households.
#[derive(Debug)]
pub(crate) struct Households {
    store: Store,
    environment: Environment,
    metrics: Arc<Metrics>,
    working: Mutex<HashMap<HouseholdId, Arc<Household>>>,
    stop: Stopper,
}

impl Households {
    pub(crate) fn new(store: Store, environment: Environment, metrics: Arc<Metrics>) -> Self {
        Self { store, environment, metrics, working: Mutex::default(), stop: Stopper::new() }
    }

    /// A household, at work.
    pub(crate) async fn get(&self, id: HouseholdId) -> Result<Arc<Household>> {
        // Whoever asks for the same one at the same time waits for it to have begun.
        let mut working = self.working.lock().await;
        if let Some(household) = working.get(&id) {
            return Ok(Arc::clone(household));
        }
        if self.stop.was_said() {
            return Err(super::stopping());
        }
        let gone = || Error::new(ErrorKind::NotFound, "there is no such household", "pair this device again");
        let record = self.store.household(id).await?.ok_or_else(gone)?;
        let (environment, metrics) = (self.environment.clone(), Arc::clone(&self.metrics));
        let stop = self.stop.heard();
        let household = Household::start(record, self.store.clone(), environment, metrics, stop).await?;
        working.insert(id, Arc::clone(&household));
        Ok(household)
    }

    /// Those that are at work.
    pub(crate) async fn working(&self) -> Vec<Arc<Household>> {
        self.working.lock().await.values().cloned().collect()
    }

    /// Tells everybody who is connected to go.
    pub(crate) async fn send_away(&self, closing: &Closing) {
        for household in self.working().await {
            household.sessions().end_all(closing);
        }
    }

    /// Ends all households, once they have done what is queued.
    pub(crate) async fn stop(&self) {
        self.stop.say();
        for household in std::mem::take(&mut *self.working.lock().await).into_values() {
            household.ended().await;
        }
    }
}
