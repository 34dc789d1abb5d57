//! The engine's promises, tested on real stores through its public API.
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
        let altair = Altair::open(Config::new(folder.path().join("store"))).await.unwrap();
        Self { folder, altair }
    }

    fn config(&self) -> Config {
        Config::new(self.folder.path().join("store"))
    }

    async fn reopen(self) -> Self {
        self.altair.clone().close().await.unwrap();
        let altair = Altair::open(self.config()).await.unwrap();
        Self { altair, ..self }
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
