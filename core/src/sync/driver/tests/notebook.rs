//! A store in memory: the model's, with blobs in a folder.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::sync::{Arc, Mutex, MutexGuard};

use altair_protocol::sync::{Acked, Item, SyncId, Unopened};
use altair_protocol::{ChangeId, EntityId, Hash, Incarnation};

use super::home::Bell;
use crate::error::{Error, Result};
use crate::sync::driver::{Moved, Reminted, Replica, StateLine, States, Token, Unsent};
use crate::sync::machine::tests::world::store::{Mint, Store};
use crate::sync::machine::{Fault, How, Outgoing, Position, Resume};

/// The wall clock of all changes, near the present.
pub(super) fn wall() -> i64 {
    i64::try_from(crate::Environment::default().now()).unwrap()
}

pub(super) struct Inside {
    pub(super) store: Store,
    pub(super) mint: Mint,
    pub(super) token: Token,
    /// How many batches of states were joined.
    pub(super) batches: usize,
    /// Whether nothing can be written.
    pub(super) broken: bool,
    /// Blobs that were asked for as such, and aren't there.
    pub(super) spoiled: usize,
    whole: BTreeSet<Hash>,
}

/// The store.
pub(super) struct Notebook {
    inside: Mutex<Inside>,
    folder: tempfile::TempDir,
    bell: Bell,
    /// Applying waits while somebody has this.
    pub(super) gate: tokio::sync::Mutex<()>,
}

impl Notebook {
    pub(super) fn new(token: Token, mint: Mint, bell: Bell) -> Arc<Self> {
        let inside = Inside {
            store: Store::new(token.device),
            mint,
            token,
            batches: 0,
            broken: false,
            spoiled: 0,
            whole: BTreeSet::new(),
        };
        let (inside, folder) = (Mutex::new(inside), tempfile::tempdir().unwrap());
        Arc::new(Self { inside, folder, bell, gate: tokio::sync::Mutex::new(()) })
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Writes something in a new entity, with blobs.
    pub(super) fn write(&self, edit: u64, blobs: Vec<Hash>) -> (EntityId, ChangeId) {
        let mut inside = self.inside();
        let Inside { store, mint, .. } = &mut *inside;
        let entity = mint.entity();
        (entity, store.edit(entity, edit, blobs, wall(), mint))
    }

    pub(super) fn keep_blob(&self, bytes: &[u8]) -> Hash {
        let hash = Hash::from(blake3::hash(bytes));
        std::fs::write(self.path(hash), bytes).unwrap();
        self.inside().whole.insert(hash);
        hash
    }

    pub(super) fn path(&self, hash: Hash) -> std::path::PathBuf {
        self.folder.path().join(hash.to_string())
    }

    pub(super) fn has(&self, hash: Hash) -> bool {
        self.inside().whole.contains(&hash)
    }

    /// Does something with the store, and has it be seen.
    fn with<T>(&self, act: impl FnOnce(&mut Inside) -> T) -> Result<T> {
        let mut inside = self.inside();
        if inside.broken {
            return Err(Error::internal("the disk is full"));
        }
        let result = act(&mut inside);
        drop(inside);
        self.bell.ring();
        Ok(result)
    }
}

impl Replica for Notebook {
    async fn unsent(&self, after: Position, changes: usize, _bytes: usize) -> Result<Unsent> {
        self.with(|inside| {
            let store = &inside.store;
            let mut found = store
                .outbox
                .iter()
                .filter(|entry| entry.position > after && !store.is_parked(entry.change.entity))
                .map(|entry| {
                    let change = Unopened::of(&entry.change).unwrap();
                    Outgoing { position: entry.position, change, bytes: 300 }
                });
            let entries = found.by_ref().take(changes).collect();
            let end = found.next().is_none();
            Unsent { entries, end }
        })
    }

    async fn apply(&self, items: Vec<Item>) -> Result<Moved> {
        let _gate = self.gate.lock().await;
        self.with(|Inside { store, mint, .. }| {
            let (cursor, copied, recreated) = store.apply(items, wall(), mint);
            Moved { cursor, copied, recreated }
        })
    }

    async fn acknowledge(&self, items: Vec<Acked>) -> Result<()> {
        self.with(|Inside { store, mint, .. }| {
            items.into_iter().for_each(|item| store.acknowledge(item.change, wall(), mint));
        })
    }

    async fn park(&self, fault: Fault) -> Result<()> {
        self.with(|inside| inside.store.park(fault))
    }

    async fn recreate(&self, entity: EntityId) -> Result<()> {
        self.with(|Inside { store, mint, .. }| store.recreate(entity, wall(), mint))
    }

    async fn remint(&self, token: Option<Token>) -> Result<Reminted> {
        self.with(|inside| {
            let device = token.as_ref().map(|token| token.device);
            let parked = inside.store.remint(device, wall(), &mut inside.mint);
            inside.token = token.unwrap_or_else(|| inside.token.clone());
            Reminted { device: inside.store.device, parked }
        })
    }

    async fn set_clock(&self, ahead: i64) -> Result<()> {
        self.with(|inside| inside.store.ahead = ahead)
    }

    async fn renew(&self, token: Token) -> Result<()> {
        self.with(|inside| inside.token = token)
    }

    async fn join(&self, lines: Vec<StateLine>, resume: Resume) -> Result<()> {
        assert!(lines.len() <= 500 && lines.iter().all(|line| line.id() <= resume.after));
        self.with(|Inside { store, mint, batches, .. }| {
            for line in lines {
                match line {
                    StateLine::Entity(state) => store.join(&state),
                    StateLine::Erased(erased) => {
                        store.was_erased(erased.id, erased.seen, wall(), mint);
                    }
                }
            }
            store.resume = Some(resume);
            *batches += 1;
        })
    }

    async fn bootstrapped(&self, cursor: SyncId, of: Incarnation, _how: How) -> Result<()> {
        self.with(|Inside { store, .. }| {
            (store.cursor, store.incarnation, store.resume) = (cursor, Some(of), None);
        })
    }

    async fn states(&self, after: Option<EntityId>, _bytes: usize) -> Result<States> {
        self.with(|Inside { store, .. }| {
            let mut rest = store.local.values().filter(|state| Some(state.id) > after);
            let states: Vec<_> = rest.by_ref().take(2).cloned().collect();
            let end = rest.next().is_none();
            let of = |id: EntityId| store.outbox.iter().filter(move |entry| entry.change.entity == id);
            States {
                unsent: states.iter().map(|state| state.id).filter(|id| of(*id).next().is_some()).collect(),
                blobs: states
                    .iter()
                    .flat_map(|state| of(state.id))
                    .flat_map(|entry| entry.change.blobs.clone())
                    .collect(),
                lines: states.into_iter().map(|state| StateLine::Entity(Box::new(state))).collect(),
                through: store.last_position(),
                total: store.local.len() as u64,
                end,
            }
        })
    }

    async fn carried(&self, entities: Vec<(EntityId, Position)>, _to: Incarnation) -> Result<()> {
        self.with(|Inside { store, .. }| {
            for (entity, through) in entities {
                let state = store.local[&entity].clone();
                store.met(&state, through);
            }
        })
    }

    async fn blob(&self, hash: Hash) -> Result<Option<(File, u64)>> {
        if !self.has(hash) {
            return Ok(None);
        }
        let file = File::open(self.path(hash)).unwrap();
        let length = file.metadata().unwrap().len();
        Ok(Some((file, length)))
    }

    async fn arriving(&self, hash: Hash) -> Result<File> {
        let mut options = OpenOptions::new();
        Ok(options.read(true).write(true).create(true).truncate(false).open(self.path(hash)).unwrap())
    }

    async fn arrived(&self, hash: Hash) -> Result<()> {
        self.with(|inside| {
            inside.whole.insert(hash);
        })
    }

    async fn spoiled(&self, hash: Hash) -> Result<()> {
        std::fs::remove_file(self.path(hash)).unwrap();
        self.with(|inside| inside.spoiled += 1)
    }
}
