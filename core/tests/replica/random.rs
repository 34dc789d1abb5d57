//! Three devices, a server, and everything that may happen between them: acks that are lost, repetitions, processes that end anywhere, bootstraps in the middle
//! of unsent chains, erasing beside work. In the end all have the same, and nothing that was written is missing.

use std::collections::BTreeSet;

use altair_core::{Fields, New};
use altair_protocol::{EntityId, Field, Kind, Thousandths};

use super::server::Server;
use super::{Device, are_alike};

/// Numbers that follow from a seed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

struct World {
    server: Server,
    devices: Vec<Device>,
    dice: Dice,
    /// An item that everybody counts, and how much was added to it.
    eggs: EntityId,
    added: i64,
    /// Every word that was written and has to be there.
    words: BTreeSet<String>,
    erased: BTreeSet<EntityId>,
    written: usize,
}

impl World {
    async fn new(seed: u64) -> Self {
        let mut server = Server::new();
        let mut devices = Vec::new();
        for number in 1..=3 {
            devices.push(Device::of(&server, number).await);
        }
        let fields = Fields { title: Some("Eggs".into()), quantity: Some(Thousandths(0)), ..Fields::default() };
        let eggs = devices[0].create(New { kind: Kind::Item, fields }).await.unwrap().id;
        for device in &devices {
            device.settle(&mut server).await;
        }
        let (words, erased) = (BTreeSet::new(), BTreeSet::new());
        Self { server, devices, dice: Dice(seed), eggs, added: 0, words, erased, written: 0 }
    }

    /// A note that a device has.
    async fn some_note(&mut self, at: usize) -> Option<EntityId> {
        let states = self.devices[at].states().await;
        let notes: Vec<EntityId> =
            states.iter().filter(|state| state.kind == Kind::Note).map(|state| state.id).collect();
        if notes.is_empty() { None } else { Some(notes[self.dice.roll(notes.len())]) }
    }

    async fn write(&mut self, at: usize) {
        self.written += 1;
        let word = format!("word-{}-", self.written);
        let some = self.some_note(at).await;
        let what = self.dice.roll(10);
        let device = &self.devices[at];
        let trashed = match some {
            Some(id) => device.get(id).await.unwrap().deleted,
            None => false,
        };
        match (what, some) {
            (0, _) | (_, None) => {
                device.note(&word, &word).await;
                self.words.insert(word);
            }
            (1, Some(id)) if trashed => drop(device.restore(id).await.unwrap()),
            (1, Some(id)) => drop(device.delete(id).await.unwrap()),
            (2 | 3, _) => {
                device.count(self.eggs, Thousandths(1000)).await.unwrap();
                self.added += 1000;
            }
            (_, Some(_)) if trashed => {}
            (4, Some(id)) => drop(device.tag(id, &[format!("tag-{}", self.written)], &[]).await.unwrap()),
            (5, Some(id)) => {
                device.title(id, "taken back").await;
                device.undo().await.unwrap();
            }
            (6, Some(id)) => device.title(id, &word).await,
            (_, Some(id)) => {
                device.append(id, &word).await;
                self.words.insert(word);
            }
        }
    }

    /// Somebody who has seen everything that the server has erases a note. What others have written in it and not sent lives on.
    async fn erase(&mut self, at: usize) {
        let Some(id) = self.some_note(at).await else { return };
        self.devices[at].settle(&mut self.server).await;
        if self.devices[at].get(id).await.is_err() {
            return;
        }
        let seen = body(&self.devices[at], id).await;
        self.devices[at].erase(id).await.unwrap();
        let heard = self.dice.roll(2) == 0;
        self.devices[at].push(&mut self.server, 10, heard).await;
        self.words.retain(|word| !seen.contains(word.as_str()));
        self.erased.insert(id);
    }

    async fn step(&mut self) {
        let at = self.dice.roll(self.devices.len());
        let roll = self.dice.roll(16);
        match roll {
            0..=6 => self.write(at).await,
            // What was begun comes first, as the machine has it.
            7..=12 if self.devices[at].is_bootstrapping().await => self.devices[at].finish(&self.server).await,
            7..=9 => {
                let (changes, heard) = (1 + self.dice.roll(5), self.dice.roll(3) > 0);
                self.devices[at].push(&mut self.server, changes, heard).await;
            }
            10..=12 => {
                let numbers = 1 + self.dice.roll(6);
                self.devices[at].pull(&self.server, numbers).await;
            }
            13 => self.devices[at].restart().await,
            14 => {
                let (lines, dice) = (1 + self.dice.roll(4), &mut self.dice);
                self.devices[at].bootstrap(&self.server, lines, || dice.roll(4) > 0).await;
            }
            _ => self.erase(at).await,
        }
    }

    async fn end(mut self, seed: u64) {
        for _ in 0..3 {
            for device in &self.devices {
                device.settle(&mut self.server).await;
            }
        }
        let devices: Vec<&Device> = self.devices.iter().collect();
        are_alike(&devices, &self.server).await;
        for device in &devices {
            assert_eq!((device.pending().await, device.parked().await), (0, vec![]), "seed {seed}");
            device.is_sound().await;
        }
        assert_eq!(self.server.states[&self.eggs].count(&Field::QUANTITY), self.added, "seed {seed}: each count once");
        let mut bodies = String::new();
        for state in self.server.states.values().filter(|state| state.kind == Kind::Note) {
            bodies += &body(devices[0], state.id).await;
        }
        let missing: Vec<_> = self.words.iter().filter(|word| !bodies.contains(word.as_str())).collect();
        assert!(missing.is_empty(), "seed {seed}: {missing:?} of {:?}", self.erased);
        assert!(self.server.states.keys().all(|id| !self.erased.contains(id)), "seed {seed}");
    }
}

async fn body(device: &Device, id: EntityId) -> String {
    super::body_of(&device.get(id).await.unwrap()).to_owned()
}

#[tokio::test]
async fn whatever_happens_all_end_with_the_same_and_nothing_is_lost() {
    let is_nightly = std::env::var("ALTAIR_TEST_TIER").is_ok_and(|tier| tier == "nightly");
    let (worlds, steps) = if is_nightly { (100, 400) } else { (6, 120) };
    for seed in 0..worlds {
        let mut world = World::new(seed).await;
        for _ in 0..steps {
            world.step().await;
        }
        world.end(seed).await;
    }
}
