//! Bootstraps and meetings, a step at a time.

use std::collections::BTreeSet;

use altair_protocol::EntityId;
use altair_protocol::sync::Start;
use altair_protocol::view::Time;

use super::World;
use super::device::{Arrived, Moving, Started};
use crate::sync::machine::{Event, Resume, TransferFailure, Trouble};

impl World {
    pub(super) fn fail_move(&mut self, device: usize) {
        let Some(Moving::Bootstrap { transfer, .. } | Moving::Meet { transfer, .. }) =
            self.devices[device].moving.take()
        else {
            return;
        };
        let failure = TransferFailure::Trouble(Trouble::Unreachable("the model's network is broken".to_owned()));
        self.tell(device, Event::TransferFailed { transfer, failure });
    }

    /// A transfer's next step.
    pub(super) fn advance(&mut self, device: usize) {
        match self.devices[device].moving.clone() {
            Some(Moving::Bootstrap { transfer, how, from, started: None }) => {
                if from.is_some_and(|from| {
                    from.incarnation == self.server.incarnation && from.head.get() < self.server.horizon
                }) {
                    self.devices[device].moving = None;
                    let failure = TransferFailure::Anew("the log begins later".to_owned());
                    return self.tell(device, Event::TransferFailed { transfer, failure });
                }
                let head = from.map_or(self.server.head(), |from| from.head);
                let incarnation = self.server.incarnation;
                let after = from.map(|from| from.after);
                let started = Started { after, head, incarnation, done: 0 };
                self.devices[device].moving = Some(Moving::Bootstrap { transfer, how, from, started: Some(started) });
                let server_time = Time::from_millis(self.wall());
                let start = Start { head, incarnation, server_time, entities: self.server.states.len() as u64 };
                self.tell(device, Event::Started { transfer, start });
            }
            Some(Moving::Bootstrap { transfer, how, from, started: Some(mut started) }) => {
                let now = self.moment();
                let wall = now.wall + self.devices[device].skew;
                let ids: BTreeSet<EntityId> =
                    self.server.states.keys().chain(self.server.erased.keys()).copied().collect();
                let next: Vec<EntityId> = ids.into_iter().filter(|id| Some(*id) > started.after).take(3).collect();
                let store = &mut self.devices[device].store;
                for id in &next {
                    match self.server.states.get(id) {
                        Some(state) => store.join(state),
                        None => {
                            let seen = self.server.erased.get(id).cloned().unwrap_or_default();
                            store.was_erased(*id, seen, wall, &mut self.mint);
                        }
                    }
                }
                let Some(last) = next.last() else {
                    store.cursor = started.head;
                    store.incarnation = Some(started.incarnation);
                    store.resume = None;
                    self.devices[device].moving = None;
                    let (cursor, incarnation) = (started.head, started.incarnation);
                    return self.tell(device, Event::Bootstrapped { transfer, cursor, incarnation });
                };
                started.after = Some(*last);
                started.done += next.len() as u64;
                store.resume = Some(Resume { after: *last, head: started.head, incarnation: started.incarnation, how });
                self.devices[device].moving = Some(Moving::Bootstrap { transfer, how, from, started: Some(started) });
                let (after, done) = (started.after, started.done);
                self.tell(device, Event::Progressed { transfer, after, done, total: done });
            }
            Some(Moving::Meet { transfer, arrived: None }) => {
                let store = &self.devices[device].store;
                if !self.server.meets(store.device) {
                    self.devices[device].moving = None;
                    return self.tell(device, Event::TransferFailed { transfer, failure: TransferFailure::Met });
                }
                let (mut states, mut refused) = (Vec::new(), Vec::new());
                for (id, seen) in &store.erased {
                    self.server.join_erased(*id, seen, &mut self.gone);
                }
                for (id, state) in &store.local {
                    let of = store.outbox.iter().filter(|entry| entry.change.entity == *id);
                    self.server.blobs.extend(of.flat_map(|entry| entry.change.blobs.clone()));
                    match self.server.join(state) {
                        Ok(()) => states.push(state.clone()),
                        Err(error) => refused.push(error),
                    }
                }
                let (through, incarnation) = (store.last_position(), self.server.incarnation);
                let arrived = Some(Arrived { states, refused, through, incarnation });
                self.devices[device].moving = Some(Moving::Meet { transfer, arrived });
                self.tell(device, Event::Progressed { transfer, after: None, done: 1, total: 1 });
            }
            Some(Moving::Meet { transfer, arrived: Some(Arrived { states, refused, through, incarnation }) }) => {
                for state in &states {
                    self.devices[device].store.met(state, through);
                }
                self.devices[device].moving = None;
                self.tell(device, Event::Met { transfer, incarnation, refused });
            }
            None => {}
        }
    }
}
