//! Several machines and a model server, with a network that delays, repeats, loses and cuts, processes that are killed, clocks that are off, stores that are
//! copied and a server that is restored. Everything comes from a seed. When it is over every replica has to be the same, and nothing that anybody wrote may be missing.
//!
//! What is applied is checked as it happens ([`store`]): nothing before what it builds on, and nothing twice.

mod device;
mod dice;
mod moving;
mod network;
pub(in crate::sync) mod server;
pub(in crate::sync) mod store;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::sync::Refusal;
use altair_protocol::{ChangeId, EntityId, EntityState, Field};
use proptest::prelude::*;

use super::bench::START;
use crate::sync::machine::{Event, Now, State};
use device::Device;
use dice::Dice;
use network::Link;
use server::Server;
use store::{Mint, Store, trace};

/// So much may happen until everybody is through, once nothing is broken any more.
const PATIENCE: usize = 200_000;

/// What may go wrong, beyond what a network does.
#[derive(Debug, Clone, Copy, Default)]
struct Troubles {
    /// A device's clock is a year ahead.
    skew: bool,
    /// The server refuses some changes for good, and people discard some of those.
    poison: bool,
    /// The log's beginning is folded away.
    folding: bool,
    /// Entities are erased.
    erasing: bool,
    /// A store is copied, and both are used.
    copying: bool,
    /// The server is restored from a backup.
    restoring: bool,
}

struct World {
    dice: Dice,
    mint: Mint,
    now: u64,
    troubles: Troubles,
    server: Server,
    backup: Option<Server>,
    devices: Vec<Device>,
    links: Vec<Link>,
    /// Changes that the server refuses for good.
    poison: BTreeSet<ChangeId>,
    edits: u64,
    /// What was erased, or discarded, and so needn't be found in the end.
    gone: BTreeSet<Field>,
}

impl World {
    fn new(seed: u64, devices: usize, troubles: Troubles) -> Self {
        let mut mint = Mint::default();
        let mut world = Self {
            dice: Dice::new(seed),
            server: Server::new(mint.incarnation()),
            mint,
            now: 0,
            troubles,
            backup: None,
            devices: Vec::new(),
            links: Vec::new(),
            poison: BTreeSet::new(),
            edits: 0,
            gone: BTreeSet::new(),
        };
        for number in 0..devices {
            let id = world.mint.device();
            world.server.devices.insert(id);
            let skew = if troubles.skew && number == 0 { 365 * 24 * 3600 * 1000 } else { 0 };
            let mut device = Device::new(Store::new(id), skew);
            device.restart(world.moment());
            world.devices.push(device);
        }
        world
    }

    fn moment(&mut self) -> Now {
        Now { millis: self.now, wall: self.wall(), random: self.dice.roll() }
    }

    /// What the server's clock says.
    fn wall(&self) -> i64 {
        START + i64::try_from(self.now).unwrap()
    }

    fn tell(&mut self, device: usize, event: Event) {
        let now = self.moment();
        self.devices[device].tell(now, event);
        self.carry(device);
    }

    /// Time goes on to the next moment at which somebody wants to be woken.
    fn sleep(&mut self) {
        if let Some(next) = self.devices.iter().filter_map(|device| device.wake).min() {
            self.now = self.now.max(next);
        }
        for device in 0..self.devices.len() {
            if self.devices[device].wake.is_some_and(|at| at <= self.now) {
                self.devices[device].wake = None;
                self.tell(device, Event::Woke);
            }
        }
    }

    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let actions = self.actions();
            match self.dice.below(10) {
                0 | 1 => self.edit(),
                2 => self.trouble(),
                3 => self.sleep(),
                _ => match self.dice.pick(&actions).copied() {
                    Some(action) => self.act(action, true),
                    None => self.sleep(),
                },
            }
            self.tidy();
        }
        for device in 0..self.devices.len() {
            if std::mem::take(&mut self.devices[device].paused) {
                self.tell(device, Event::Resume);
            }
        }
        for link in 0..self.links.len() {
            if self.links[link].lossy {
                self.cut(link);
            }
        }
        for _ in 0..PATIENCE {
            if self.is_through() {
                return;
            }
            let actions = self.actions();
            match self.dice.pick(&actions).copied() {
                Some(action) => self.act(action, false),
                None => self.sleep(),
            }
            self.tidy();
        }
        let standing: Vec<_> = self
            .devices
            .iter()
            .map(|device| {
                (device.machine.status(), &device.todo, &device.uploads, &device.store.outbox, &device.machine)
            })
            .collect();
        panic!("they never get through: {standing:#?}\nwith the head at {}", self.server.head());
    }

    fn is_through(&self) -> bool {
        let head = self.server.head();
        self.devices.iter().all(|device| {
            let store = &device.store;
            device.machine.status().state == State::Live
                && store.cursor == head
                && store.incarnation == Some(self.server.incarnation)
                && device.todo.is_empty()
                && device.uploads.is_empty()
                && store.outbox.iter().all(|entry| store.is_parked(entry.change.entity))
        })
    }

    /// What has to be true in the end.
    fn check(&self) {
        let mut left: BTreeSet<Field> = self.gone.clone();
        left.extend(self.server.states.values().flat_map(|state| state.fields.keys().cloned()));
        for (number, device) in self.devices.iter().enumerate() {
            let store = &device.store;
            assert_same(number, &store.base, &self.server.states);
            if store.outbox.is_empty() {
                assert_same(number, &store.local, &store.base);
            }
            let told: BTreeSet<_> = device.machine.status().faults.iter().map(|fault| fault.change).collect();
            for fault in store.parked() {
                assert!(told.contains(&fault.change), "{fault:?} isn't told");
                assert!(matches!(fault.code, Refusal::Malformed | Refusal::NotCovered), "{fault:?}");
            }
            left.extend(store.local.values().flat_map(|state| state.fields.keys().cloned()));
        }
        for edit in 1..=self.edits {
            assert!(left.contains(&trace(edit)), "edit {edit} is nowhere");
        }
    }
}

fn assert_same(device: usize, ours: &BTreeMap<EntityId, EntityState>, theirs: &BTreeMap<EntityId, EntityState>) {
    let (ours_ids, theirs_ids): (Vec<_>, Vec<_>) = (ours.keys().collect(), theirs.keys().collect());
    assert_eq!(ours_ids, theirs_ids, "device {device} has other entities than the server");
    for (id, state) in ours {
        assert_eq!(state, &theirs[id], "device {device} has another {id} than the server");
    }
}

fn happens(seed: u64, devices: usize, steps: usize, troubles: Troubles) -> BTreeSet<&'static str> {
    let mut world = World::new(seed, devices, troubles);
    world.run(steps);
    world.check();
    world.devices.into_iter().flat_map(|device| device.seen).collect()
}

#[test]
fn a_world_is_as_broken_as_it_is_meant_to_be() {
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let troubles = Troubles { poison: true, folding: true, erasing: true, ..Troubles::default() };
        seen.extend(happens(seed, 3, 400, Troubles { skew: true, ..troubles }));
        seen.extend(happens(seed, 2, 400, Troubles { copying: true, ..Troubles::default() }));
        seen.extend(happens(seed, 3, 400, Troubles { restoring: true, erasing: true, ..Troubles::default() }));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), device::KINDS);
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn replicas_come_together_over_a_broken_network(seed: u64, devices in 1_usize..4, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles::default());
    }

    #[test]
    fn refused_changes_stop_nobody_else(seed: u64, devices in 1_usize..4, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles { poison: true, ..Troubles::default() });
    }

    #[test]
    fn a_clock_that_is_a_year_ahead_costs_nothing(seed: u64, devices in 1_usize..4, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles { skew: true, poison: true, folding: true, ..Troubles::default() });
    }

    #[test]
    fn a_log_that_is_folded_away_costs_nothing(seed: u64, devices in 1_usize..4, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles { folding: true, erasing: true, ..Troubles::default() });
    }

    #[test]
    fn copied_stores_become_devices_of_their_own(seed: u64, devices in 1_usize..3, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles { copying: true, folding: true, ..Troubles::default() });
    }

    #[test]
    fn a_server_that_is_restored_gets_back_what_it_lost(seed: u64, devices in 1_usize..4, steps in 0_usize..600) {
        happens(seed, devices, steps, Troubles { restoring: true, folding: true, erasing: true, ..Troubles::default() });
    }
}
