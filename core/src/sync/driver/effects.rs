//! What the machine wants, and who does it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use super::blobs::Upload;
use super::connection::Line;
use super::message::Message;
use super::replica::Replica;
use super::running::Running;
use super::storing::Work;
use super::{bootstrap, meeting};
use crate::sync::machine::{ConnectionId, Effect, Event, Status, TransferId};

impl<R: Replica> Running<R> {
    pub(super) fn carry_out(&mut self, effect: Effect, room: &mut Option<OwnedSemaphorePermit>) {
        match effect {
            Effect::Connect { connection } => self.connect(connection),
            Effect::Disconnect { connection } => {
                self.line = self.line.take().filter(|line| line.id != connection);
            }
            Effect::Send { connection, frame } => {
                if let Some(line) = self.line.as_ref().filter(|line| line.id == connection)
                    && !line.send(frame)
                {
                    self.line = None;
                    self.say_closed(connection);
                }
            }
            Effect::Receive { connection, on } => {
                if self.line.as_ref().is_some_and(|line| line.id == connection) {
                    self.reads = on;
                }
            }
            Effect::ReadOutbox { read, after, changes, bytes } => {
                self.queue.push_back(Work::Read { read, after, changes, bytes });
            }
            Effect::Apply { items } => self.queue.push_back(Work::Apply { items, room: room.take() }),
            Effect::Acknowledge { items } => self.queue.push_back(Work::Acknowledge { items, room: room.take() }),
            Effect::Park(fault) => {
                tracing::warn!(change = ?fault.change, entity = %fault.entity, code = ?fault.code, "the server has refused something");
                self.queue.push_back(Work::Park(fault));
            }
            Effect::Recreate { entity } => self.queue.push_back(Work::Recreate { entity }),
            Effect::Remint { device } => {
                let token = self.named.take().filter(|token| Some(token.device) == device);
                self.queue.push_back(Work::Remint { token });
            }
            Effect::SetClock { ahead } => {
                self.ahead = ahead;
                self.queue.push_back(Work::SetClock { ahead });
            }
            Effect::EnsureBlobs { entity, change, blobs } => {
                // Every connection asks for what isn't up yet.
                if !self.uploads.iter().any(|waiting| waiting.change == change) {
                    self.uploads.push_back(Upload { entity, change, blobs });
                }
                self.upload();
            }
            Effect::NewDevice => self.name(),
            Effect::Bootstrap { transfer, .. } | Effect::Meet { transfer } => {
                self.stop_transfer();
                self.transfer = Some((transfer, effect, None));
                self.queue.push_back(Work::Begin { transfer });
            }
            Effect::StopTransfer { transfer } => {
                if self.transfer.as_ref().is_some_and(|(present, ..)| *present == transfer) {
                    self.stop_transfer();
                }
            }
            Effect::Wake { at } => self.wake = at.and_then(|at| self.moment(at)),
            Effect::Publish(status) => self.publish(status),
        }
    }

    fn connect(&mut self, connection: ConnectionId) {
        let secret = self.secret();
        let (line, task) =
            Line::new(connection, self.remote.clone(), secret, Arc::clone(&self.room), self.teller.clone());
        let span = tracing::info_span!("connection", number = connection.0, server = %self.remote.address());
        self.reads = true;
        self.line = Some(line);
        self.lines.spawn(task.instrument(span));
    }

    /// Tells the machine later, as it is being told something now.
    fn say_closed(&mut self, connection: ConnectionId) {
        let teller = self.teller.clone();
        let message = "the connection takes nothing any more".to_owned();
        self.tasks.spawn(async move { teller.tell(Event::Closed { connection, code: None, message }).await });
    }

    /// What the store was given before is done.
    pub(super) fn begin(&mut self, transfer: TransferId) {
        let Some((present, effect, task)) = &mut self.transfer else { return };
        if *present != transfer || task.is_some() {
            return;
        }
        let (secret, teller) = (self.secret.borrow().clone(), self.teller.clone());
        let span = tracing::info_span!("transfer", number = transfer.0, server = %self.remote.address());
        let moving = match *effect {
            Effect::Bootstrap { how, from, .. } => {
                let (remote, store) = (self.remote.clone(), self.storing.store.clone());
                let bootstrap = bootstrap::Bootstrap {
                    transfer,
                    remote,
                    secret,
                    store,
                    teller: teller.clone(),
                    how,
                    from,
                    joined: Arc::clone(&self.joined),
                };
                futures::future::Either::Left(bootstrap.run())
            }
            _ => {
                let (remote, store) = (self.remote.clone(), self.storing.store.clone());
                let replica = Arc::clone(&self.replica);
                let meeting = meeting::Meeting { transfer, remote, secret, store, replica, teller: teller.clone() };
                futures::future::Either::Right(meeting.run())
            }
        };
        *task = Some(
            self.tasks.spawn(
                async move {
                    let event = moving.await;
                    teller.send(Message::Ended { transfer, event }).await;
                }
                .instrument(span),
            ),
        );
    }

    fn stop_transfer(&mut self) {
        if let Some((_, _, Some(task))) = self.transfer.take() {
            task.abort();
        }
    }

    fn publish(&mut self, status: Status) {
        let before = self.status.borrow().state;
        if before != status.state {
            let reason = status.why.as_ref().map(|why| why.reason);
            tracing::info!(state = ?status.state, ?reason, cursor = %status.cursor, head = %status.head, "syncing");
        }
        self.status.send_replace(status);
    }

    pub(super) fn secret(&self) -> Arc<str> {
        self.secret.borrow().clone()
    }
}
