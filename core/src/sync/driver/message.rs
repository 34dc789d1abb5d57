//! What the driver's tasks tell the one that owns the machine.

use altair_protocol::{ChangeId, Hash};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::blobs::BlobError;
use super::replica::Token;
use crate::sync::machine::{Event, TransferId, Trouble};

/// So many messages may wait.
const WAITING: usize = 64;

/// A message to the task that owns the machine.
#[derive(Debug)]
pub(super) enum Message {
    /// Something for the machine.
    Told {
        event: Event,
        /// The room that it takes in memory, until the store has it.
        room: Option<OwnedSemaphorePermit>,
        /// Who waits until the machine's answer is being carried out.
        heard: Option<oneshot::Sender<()>>,
    },
    /// A transfer is over: what comes of it, which is nothing if another one has taken its place.
    Ended { transfer: TransferId, event: Event },
    /// The answer to asking for a token for another device.
    Named(Result<Token, Trouble>),
    /// The answer to asking for another token; none if there is none.
    Renewed(Option<Token>),
    /// A change's blobs are up, or not.
    Uploaded { change: ChangeId, event: Event },
    /// A blob is here, or not.
    Fetched { hash: Hash, result: Result<(), BlobError> },
}

/// The way in. Nothing that is told to a driver that has ended is an error: whoever tells it ends with it.
#[derive(Debug, Clone)]
pub(super) struct Teller(mpsc::Sender<Message>);

pub(super) fn messages() -> (Teller, mpsc::Receiver<Message>) {
    let (messages, told) = mpsc::channel(WAITING);
    (Teller(messages), told)
}

impl Teller {
    pub(super) async fn send(&self, message: Message) {
        let _ = self.0.send(message).await;
    }

    pub(super) async fn tell(&self, event: Event) {
        self.send(Message::Told { event, room: None, heard: None }).await;
    }

    /// Tells it, and waits until what the machine makes of it is being carried out: who is to be stopped doesn't come back.
    pub(super) async fn tell_and_wait(&self, event: Event) {
        let (heard, done) = oneshot::channel();
        self.send(Message::Told { event, room: None, heard: Some(heard) }).await;
        let _ = done.await;
    }
}
