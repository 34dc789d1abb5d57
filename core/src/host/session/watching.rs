//! The subscriptions of a connection: each is answered, and then told until it is ended.

use std::sync::Arc;

use altair_protocol::ErrorKind;
use altair_protocol::rpc::{self, Code, Fault, RequestId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::JoinSet;

use super::{Session, closing_fault, stop};
use crate::engine::{LocalWatch, Watched};
use crate::host::answer::{fault, success};

/// How many subscriptions a connection may have.
const WATCHES: usize = 64;

impl Session {
    /// Begins a subscription: its answer, and then what it tells.
    pub(super) async fn begin_watch(
        self: &Arc<Self>,
        id: RequestId,
        watch: Result<rpc::Watch, Fault>,
        slot: Option<OwnedSemaphorePermit>,
        tasks: &mut JoinSet<()>,
    ) {
        let watch = match watch.and_then(|watch| self.may_watch(watch)) {
            Ok(watch) => watch,
            Err(fault) => return self.fail(Some(&id), fault).await,
        };
        let (ending, mut stopped) = oneshot::channel();
        let number = {
            let mut watches = self.watches();
            let fits = watches.open.len() < WATCHES;
            fits.then(|| {
                watches.last += 1;
                let number = watches.last;
                watches.open.insert(number, (id.clone(), ending));
                number
            })
        };
        let Some(number) = number else {
            let message = format!("a connection has at most {WATCHES} subscriptions");
            let fault = Fault::new(Code::ENGINE, ErrorKind::Refused, message, "end one of them with unwatch");
            return self.fail(Some(&id), fault).await;
        };
        let session = Arc::clone(self);
        tasks.spawn(async move {
            let begun = session.begun(&id, number, watch, &mut stopped).await;
            drop(slot);
            if let Some(local) = begun {
                tokio::select! {
                    biased;
                    _ = stop(&mut stopped) => {}
                    () = session.tell(number, local) => {}
                }
            }
            session.watches().open.remove(&number);
        });
    }

    /// A subscription whose beginning was answered.
    async fn begun(
        &self,
        id: &RequestId,
        number: u64,
        watch: rpc::Watch,
        stopped: &mut oneshot::Receiver<Fault>,
    ) -> Option<LocalWatch> {
        let beginning = async {
            let engine = self.service.engine.upgrade().ok_or_else(closing_fault)?;
            let local = engine.watch(watch.kind, watch.after).await;
            local.map_err(|error| fault(&error))
        };
        let begun = tokio::select! {
            biased;
            fault = stop(stopped) => Err(fault),
            begun = beginning => begun,
        };
        match begun {
            Ok(local) => {
                let watching = rpc::Watching { watch: number, seq: local.seq() };
                self.respond(id, success(id, &watching)).await;
                Some(local)
            }
            Err(fault) => {
                self.fail(Some(id), fault).await;
                None
            }
        }
    }

    async fn tell(&self, number: u64, mut local: LocalWatch) {
        while let Some(next) = local.next().await {
            let event = match next {
                Watched::Current { .. } => continue,
                Watched::Change(event) if self.grant().is_some_and(|grant| !grant.covers(event.kind)) => continue,
                Watched::Change(event) => rpc::Event::Change(event),
                Watched::Lagged { seq } => rpc::Event::Lagged(seq),
            };
            self.notify(rpc::WATCHED, &rpc::Watched { watch: number, event }).await;
        }
    }
}
