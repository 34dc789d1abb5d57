//! The store's side of syncing: what a [`Machine`](super::machine::Machine) wants done with the store, done.
//!
//! Invariant: what the cursor, an acknowledgement or a bootstrap stands for is written with it in one transaction, so that a process that is killed anywhere goes on
//! as if it had never been away. The outbox is the log's own ([`Position`](super::machine::Position) is a change's number there); nothing is copied to be sent.
//!
//! It opens no socket, decides no merge, and does one thing after another. Each file is one concept: `account`, `outbox`, `apply` (numbers of the log), `states`
//! (a bootstrap down, a meeting up), and `effects`, which takes a machine's word for it.

mod account;
mod apply;
mod effects;
mod outbox;
mod states;

use std::future::Future;
use std::sync::{Arc, Weak};

use tokio::sync::OwnedMutexGuard;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

pub use account::LoggedIn;
pub use apply::Outcome;
pub(crate) use outbox::Sent;
pub use states::{Carried, Meeting};

use crate::engine::{Altair, Inner, closed};
use crate::error::{Error, Result};
use crate::store::account::Account;
use crate::store::write::Announced;

/// A device's store, as its household's server has to do with it. It doesn't keep the store open.
#[derive(Debug, Clone)]
pub struct Replica {
    engine: Weak<Inner>,
}

impl Altair {
    /// The store's side of syncing.
    ///
    /// # Errors
    /// `Refused` where another process hosts the store: whoever hosts it syncs it.
    pub fn replica(&self) -> Result<Replica> {
        let engine = self.engine().ok_or_else(|| {
            Error::refused("this process doesn't host the store", "sync where it is hosted, or open it there")
        })?;
        Ok(Replica { engine: Arc::downgrade(&engine) })
    }
}

/// Tells when something was added to the outbox.
#[derive(Debug)]
pub struct Growing {
    commits: Receiver<Arc<Announced>>,
}

impl Growing {
    /// Ends when there is more; `false` once the store is closed.
    pub async fn next(&mut self) -> bool {
        loop {
            match self.commits.recv().await {
                Ok(announced) if announced.is_outgoing => return true,
                Ok(_) => {}
                // Among what was missed there may have been some.
                Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}

impl Replica {
    /// What is added to the outbox from now on.
    pub fn growing(&self) -> Result<Growing> {
        Ok(Growing { commits: self.engine()?.writer.subscribe() })
    }

    fn engine(&self) -> Result<Arc<Inner>> {
        self.engine.upgrade().filter(|engine| !engine.is_closed()).ok_or_else(closed)
    }

    /// Does something on the engine's threads, to its end whatever becomes of the caller, and one thing at a time.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Inner>, OwnedMutexGuard<Sent>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let engine = self.engine()?;
        let handle = engine.handle()?;
        let working = handle.spawn(async move {
            let sent = Arc::clone(&engine.replica).lock_owned().await;
            work(engine, sent).await
        });
        match working.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                let message = "syncing stopped in the middle of something, most likely over damaged data";
                Err(Error::corrupt(message).because(error))
            }
            Err(_) => Err(closed()),
        }
    }
}

/// The account, which has to be there.
async fn account(engine: &Inner) -> Result<Account> {
    engine.db.account().await?.ok_or_else(|| {
        Error::refused("this store isn't logged in to a server", "`altair login SERVER CODE` logs it in")
    })
}
