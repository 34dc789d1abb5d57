//! The engine's promises, tested on real stores through its public API: by the process that hosts, and again by one that has joined (`engine_as_guest`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test's failure is a panic")]

mod attachments;
mod backup;
mod captures;
mod conflicts;
mod history;
mod lifecycle;
mod links;
mod lists;
mod searching;
mod things;
mod trash;
mod undo;
mod vaults;
mod watching;

use altair_core::{Altair, Config, Fields, New, NewCapture};
use altair_protocol::view::Entity;
use altair_protocol::{EntityId, Kind};
use tempfile::TempDir;

/// An open store in a folder of its own.
struct Store {
    folder: TempDir,
    altair: Altair,
    /// Who hosts, where the tests are a guest's.
    host: Option<Altair>,
}

/// Whether the tests are a guest's.
fn as_guest() -> bool {
    env!("CARGO_CRATE_NAME") == "engine_as_guest"
}

impl std::ops::Deref for Store {
    type Target = Altair;

    fn deref(&self) -> &Altair {
        &self.altair
    }
}

impl Store {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (altair, host) = Self::open(Config::new(folder.path().join("store"))).await;
        Self { folder, altair, host }
    }

    async fn open(config: Config) -> (Altair, Option<Altair>) {
        let first = Altair::open(config.clone()).await.unwrap();
        assert!(!first.is_guest());
        if !as_guest() {
            return (first, None);
        }
        let second = Altair::open(config).await.unwrap();
        assert!(second.is_guest());
        (second, Some(first))
    }

    /// Closes the store, the host's end too.
    async fn close(&self) {
        self.altair.clone().close().await.unwrap();
        if let Some(host) = &self.host {
            host.clone().close().await.unwrap();
        }
    }

    fn config(&self) -> Config {
        Config::new(self.folder.path().join("store"))
    }

    async fn reopen(self) -> Self {
        self.close().await;
        let (altair, host) = Self::open(self.config()).await;
        Self { altair, host, ..self }
    }

    async fn note(&self, title: &str, body: &str) -> EntityId {
        self.make(Kind::Note, Fields { title: Some(title.into()), body: Some(body.into()), ..Fields::default() })
            .await
            .id
    }

    async fn make(&self, kind: Kind, fields: Fields) -> Entity {
        self.create(New { kind, fields }).await.unwrap()
    }

    async fn thought(&self, text: &str) -> EntityId {
        self.capture(NewCapture { text: text.into(), ..NewCapture::default() }).await.unwrap().id
    }
}

fn titled(title: &str) -> Fields {
    Fields { title: Some(title.into()), ..Fields::default() }
}

fn body_of(entity: &Entity) -> &str {
    use altair_protocol::view::Content;
    match &entity.content {
        Content::Note { body, .. } | Content::Quest { body, .. } | Content::Item { body, .. } => body,
        _ => panic!("a {} has no body", entity.kind),
    }
}

/// Brings everything that `from` logged to `to`, as a sync would.
async fn sync(from: &Altair, to: &Altair) {
    let changes = from.changes_after(0, 10_000).await.unwrap();
    to.apply(changes).await.unwrap();
}
