//! What goes up: the outbox, read and pushed a batch at a time.

use altair_protocol::sync::{Acked, DeviceFrame, MAX_CHANGE, MAX_PUSH_BYTES, MAX_PUSH_CHANGES, Push, Refusal};

use super::outbox::{By, Reminting};
use super::step::Step;
use super::{ConnectionId, Effect, Fault, Machine, Outgoing, Phase, ReadId};

impl Machine {
    /// What goes on by itself on a connection, whatever has happened: reading the outbox on, and re-minting it once everything was answered.
    pub(super) fn settle(&mut self, step: &mut Step) {
        let Phase::Session(session) = &mut self.phase else { return };
        match self.outbox.settled() {
            Some(Reminting::SameDevice) => {
                session.reminted += 1;
                self.outbox.begin_reminting();
                step.push(Effect::Remint { device: None });
            }
            Some(Reminting::AnotherDevice) => self.rename(step),
            None => {
                if let Some(after) = self.outbox.wants() {
                    let read = ReadId(self.mint());
                    self.outbox.read(read);
                    step.push(Effect::ReadOutbox { read, after, changes: MAX_PUSH_CHANGES, bytes: MAX_PUSH_BYTES });
                }
            }
        }
    }

    pub(super) fn outbox_read(&mut self, read: ReadId, entries: Vec<Outgoing>, end: bool, step: &mut Step) {
        let last = entries.last().map(|entry| entry.position);
        if !self.outbox.has_read(read, last, end) {
            return;
        }
        let Phase::Session(session) = &self.phase else { return };
        let connection = session.connection;
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        for entry in entries {
            let Some(entry) = self.ready(entry, step) else { continue };
            if batch.len() == MAX_PUSH_CHANGES || (bytes + entry.bytes > MAX_PUSH_BYTES && !batch.is_empty()) {
                self.push(connection, std::mem::take(&mut batch), step);
                bytes = 0;
            }
            bytes += entry.bytes;
            batch.push(entry);
        }
        if !batch.is_empty() {
            self.push(connection, batch, step);
        }
    }

    /// The change, if it can go now; else its entity waits.
    fn ready(&mut self, entry: Outgoing, step: &mut Step) -> Option<Outgoing> {
        let envelope = &entry.change.envelope;
        let (change, entity) = (envelope.id, envelope.entity);
        if self.outbox.holds(change, entity, entry.position) {
            return None;
        }
        if entry.bytes > MAX_CHANGE {
            let message = format!(
                "the change {change} has {} bytes, and servers take no more than {MAX_CHANGE}: discard it, and make smaller ones",
                entry.bytes
            );
            let fault = Fault { change: Some(change), entity, code: Refusal::TooLarge, message, until: None };
            self.park(entry.position, fault, step);
            return None;
        }
        if !envelope.blobs.is_empty() && !self.outbox.take_ensured(change) {
            self.ensure_blobs(entity, entry.position, change, envelope.blobs.clone(), step);
            return None;
        }
        Some(entry)
    }

    fn push(&mut self, connection: ConnectionId, batch: Vec<Outgoing>, step: &mut Step) {
        let push = self.mint();
        let changes = batch.iter().map(|entry| {
            let envelope = &entry.change.envelope;
            (envelope.id, envelope.entity, entry.position, envelope.blobs.clone())
        });
        self.outbox.pushed(push, changes);
        if let Phase::Session(session) = &mut self.phase {
            session.owes(step.now.millis);
        }
        let changes = batch.into_iter().map(|entry| entry.change.into()).collect();
        step.push(Effect::Send { connection, frame: DeviceFrame::Push(Push { changes }) });
    }

    pub(super) fn written(&mut self, connection: ConnectionId) {
        if self.is_present(connection) {
            self.outbox.written();
        }
    }

    pub(super) fn acknowledged(&mut self, items: Vec<Acked>, step: &mut Step) {
        for item in &items {
            self.outbox.answered(item.change);
            self.head = self.head.max(item.sync_id);
        }
        if !items.is_empty() {
            step.push(Effect::Acknowledge { items });
        }
        self.was_answered(step);
    }

    /// Takes note that the server answers what is pushed.
    pub(super) fn was_answered(&mut self, step: &Step) {
        let more = !self.outbox.is_answered();
        if let Phase::Session(session) = &mut self.phase {
            session.has_answered(more, step.now.millis);
        }
    }

    /// Keeps a change that can't go, and lets what follows it for its entity wait.
    pub(super) fn park(&mut self, position: super::Position, fault: Fault, step: &mut Step) {
        self.outbox.block(fault.entity, position, By::Parked { fault: fault.clone(), kept: false });
        step.push(Effect::Park(fault));
    }
}
