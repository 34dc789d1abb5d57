//! What people do, and what breaks.

use altair_protocol::{Hash, Op};

use super::World;
use super::device::Device;
use crate::sync::machine::Event;

impl World {
    pub(super) fn edit(&mut self) {
        let device = self.dice.below(self.devices.len());
        let now = self.moment();
        let wall = now.wall + self.devices[device].skew;
        let entities = self.devices[device].store.entities();
        let known = self.dice.pick(&entities).copied();
        let store = &mut self.devices[device].store;
        if let Some(entity) = known.filter(|_| self.troubles.erasing && self.dice.one_in(12)) {
            store.erase(entity, wall, &mut self.mint);
        } else {
            self.edits += 1;
            let entity = known.filter(|_| !self.dice.one_in(4)).unwrap_or_else(|| self.mint.entity());
            let blobs = if self.dice.one_in(8) { vec![Hash::of(&self.edits.to_le_bytes())] } else { Vec::new() };
            let id = store.edit(entity, self.edits, blobs, wall, &mut self.mint);
            if self.troubles.poison && self.dice.one_in(20) {
                self.poison.insert(id);
            }
        }
        self.tell(device, Event::Committed);
    }

    /// The person lets a refused change go.
    fn discard(&mut self) {
        let device = self.dice.below(self.devices.len());
        let now = self.moment();
        let wall = now.wall + self.devices[device].skew;
        let parked = self.devices[device].store.parked();
        // A store that is given something else to do at the same time does one after the other.
        let Some(fault) = self.dice.pick(&parked).filter(|_| self.devices[device].todo.is_empty()) else { return };
        let entity = fault.entity;
        if let Some(change) = self.devices[device].store.discard(entity, wall, &mut self.mint) {
            let fields = change.ops.into_iter().filter_map(|op| match op {
                Op::Set { field, .. } => Some(field),
                _ => None,
            });
            self.gone.extend(fields);
            self.tell(device, Event::Unparked { entity });
        }
    }

    /// Something breaks.
    pub(super) fn trouble(&mut self) {
        let device = self.dice.below(self.devices.len());
        match self.dice.below(12) {
            0..=2 if !self.links.is_empty() => {
                let link = self.dice.below(self.links.len());
                self.cut(link);
            }
            3 => {
                // Its process is killed; what it said may still arrive.
                for link in self.links.iter_mut().filter(|link| link.device == device) {
                    link.heard = false;
                }
                let now = self.moment();
                self.devices[device].restart(now);
                self.carry(device);
            }
            4 => {
                let paused = &mut self.devices[device].paused;
                *paused = !*paused;
                let event = if *paused { Event::Pause } else { Event::Resume };
                self.tell(device, event);
            }
            5 => self.tell(device, Event::NetworkBack),
            6 => self.tell(device, Event::SyncNow),
            7 => {
                self.devices[device].todo.clear();
                self.devices[device].moving = None;
                self.tell(device, Event::StoreFailed { why: "the model's disk is full".to_owned() });
            }
            8 if self.troubles.folding => {
                let count = self.dice.below(10);
                self.server.fold(count);
            }
            9 if self.troubles.copying && self.devices.len() < 5 => {
                let mut copy = Device::new(self.devices[device].store.clone(), self.devices[device].skew);
                let now = self.moment();
                copy.restart(now);
                self.devices.push(copy);
                self.carry(self.devices.len() - 1);
            }
            10 if self.troubles.restoring => self.restore(),
            11 if self.troubles.poison => self.discard(),
            _ => {}
        }
    }

    /// The server is backed up; or goes on from its backup, and everybody's connection ends.
    fn restore(&mut self) {
        match self.backup.take() {
            None => self.backup = Some(self.server.clone()),
            Some(backup) => {
                let devices = self.server.devices.clone();
                self.server = backup.restored(self.mint.incarnation(), devices);
                for link in 0..self.links.len() {
                    self.cut(link);
                }
                for device in 0..self.devices.len() {
                    self.fail_move(device);
                }
            }
        }
    }
}
