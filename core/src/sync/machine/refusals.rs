//! What a refused change comes to. `docs/protocol.md` has the table.

use altair_protocol::sync::{Refusal, Refused};
use altair_protocol::{ChangeId, DeviceId, EntityId, Hash};

use super::outbox::{By, Reminting};
use super::step::Step;
use super::transfer::TRANSFER_MS;
use super::{Effect, Fault, Machine, Phase, Position, Trouble};

/// Stamps that are too far ahead are re-minted so often on one connection; then they are kept.
const MAX_REMINTED: u8 = 2;

impl Machine {
    pub(super) fn refused(&mut self, refused: Refused, step: &mut Step) {
        let Refused { change, code, message, until } = refused;
        // What is refused behind an earlier change waits with that, whatever the server says of it.
        let behind = self.outbox.waits(change).unwrap_or(false);
        let sent = self.outbox.answered(change);
        self.was_answered(step);
        let Some(sent) = sent.filter(|_| !behind) else { return };
        let (entity, position) = (sent.entity, sent.position);
        let fault = Fault { change: Some(change), entity, code, message, until };
        let reminted = match &self.phase {
            Phase::Session(session) => session.reminted,
            _ => 0,
        };
        match code {
            Refusal::ClockSkew if reminted < MAX_REMINTED => self.remint(entity, position, Reminting::SameDevice),
            Refusal::Forked => self.remint(entity, position, Reminting::AnotherDevice),
            Refusal::BlobMissing if !sent.blobs.is_empty() && self.outbox.misses(change) => {
                self.ensure_blobs(entity, position, change, sent.blobs, step);
            }
            Refusal::Erased => self.recreate(entity, position, step),
            Refusal::Quota => {
                self.outbox.block(entity, position, By::Quota);
                self.outbox.fill(fault);
            }
            Refusal::ClockSkew
            | Refusal::BlobMissing
            | Refusal::Causality
            | Refusal::NotCovered
            | Refusal::TooLarge
            | Refusal::Malformed
            | Refusal::WrongDevice
            | Refusal::Unknown => self.park(position, fault, step),
        }
    }

    pub(super) fn ensure_blobs(
        &mut self,
        entity: EntityId,
        position: Position,
        change: ChangeId,
        blobs: Vec<Hash>,
        step: &mut Step,
    ) {
        self.outbox.block(entity, position, By::Blobs { change, blobs: blobs.clone(), failed: false });
        step.push(Effect::EnsureBlobs { entity, change, blobs });
    }

    fn remint(&mut self, entity: EntityId, position: Position, reminting: Reminting) {
        self.outbox.block(entity, position, By::Remint);
        self.outbox.remint(reminting);
    }

    /// What of an erased entity is under way comes to nothing, as it leaves the outbox.
    pub(super) fn recreate(&mut self, entity: EntityId, position: Position, step: &mut Step) {
        self.outbox.forget(entity);
        self.outbox.block(entity, position, By::Erased);
        step.push(Effect::Recreate { entity });
    }

    /// The store is a copy of another device's, and all that the server may have accepted from it is answered: it becomes another device.
    pub(super) fn rename(&mut self, step: &mut Step) {
        self.drop_everything(step);
        self.phase = Phase::Renaming { by: Some(step.after(TRANSFER_MS)) };
        step.push(Effect::NewDevice);
    }

    pub(super) fn new_device(&mut self, device: DeviceId, step: &mut Step) {
        if let Phase::Renaming { by: by @ Some(_) } = &mut self.phase {
            *by = None;
            self.outbox.begin_reminting();
            step.push(Effect::Remint { device: Some(device) });
        }
    }

    pub(super) fn new_device_failed(&mut self, trouble: Trouble, step: &mut Step) {
        if matches!(self.phase, Phase::Renaming { by: Some(_) }) {
            self.troubled(trouble, step);
        }
    }

    pub(super) fn reminted(&mut self, device: DeviceId, parked: Vec<Fault>, step: &mut Step) {
        let Some(account) = &mut self.account else { return };
        account.device = device;
        self.outbox.reminted(&parked);
        match self.phase {
            Phase::Renaming { .. } => self.begin(step),
            _ => self.greet(step),
        }
    }
}
