//! The calls: each one whole act of the engine, which is finished or was never begun when its caller goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use altair_core::{Altair, Edit, New, NewCapture, Resolution};

use crate::entity::{Entity, Kind, Source};
use crate::error::AltairError;
use crate::progress::{Passing, ProgressListener};
use crate::report::{
    AttachmentFile, AttachmentRef, BackedUp, Conflict, Details, Diagnosis, EntityPage, Exported, HitPage, Imported,
    Status, Undone, VersionPage,
};
use crate::request::{Listing, OpenOptions, Parts, Search, folder, id, limit};
use crate::runtime::run;
use crate::watching::{Subscription, WatchListener, subscribe};

/// An open store.
#[derive(Debug, uniffi::Object)]
pub struct Store {
    altair: Altair,
    closed: AtomicBool,
}

impl Store {
    pub(crate) fn altair(&self) -> Altair {
        self.altair.clone()
    }
}

/// Opens the store in a folder, making a new one where there is none.
#[uniffi::export]
pub async fn open(directory: String, options: OpenOptions) -> Result<Arc<Store>, AltairError> {
    let config = options.config(directory)?;
    let altair = run(async move { Altair::open(config).await }).await?;
    Ok(Arc::new(Store { altair, closed: AtomicBool::new(false) }))
}

/// Makes a new store out of a backup.
#[uniffi::export]
pub async fn restore_backup(file: String, directory: String) -> Result<BackedUp, AltairError> {
    let file = folder(file)?;
    let config = altair_core::Config::new(folder(directory)?);
    Ok(run(async move { Altair::restore_backup(config, &file).await }).await?.into())
}

/// Reads a backup to its end and checks that it is whole.
#[uniffi::export]
pub async fn check_backup(file: String) -> Result<BackedUp, AltairError> {
    let file = folder(file)?;
    Ok(run(async move { Altair::check_backup(&file).await }).await?.into())
}

#[uniffi::export]
#[allow(missing_docs, reason = "each is the engine's method of the same name")]
impl Store {
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the store. (`close` is what UniFFI calls letting go of the object.)
    pub async fn shutdown(&self) -> Result<(), AltairError> {
        self.closed.store(true, Ordering::Release);
        let altair = self.altair();
        run(altair.close()).await
    }

    pub async fn capture(&self, text: String, source: Source) -> Result<Entity, AltairError> {
        let new = NewCapture { text, source: source.into() };
        Ok(self.altair.capture(new).await?.into())
    }

    pub async fn create(&self, kind: Kind, parts: Parts) -> Result<Entity, AltairError> {
        let new = New { kind: kind.into(), fields: created(parts)? };
        Ok(self.altair.create(new).await?.into())
    }

    pub async fn triage(&self, capture: String, into: Kind, title: Option<String>) -> Result<Entity, AltairError> {
        let capture = id(&capture)?;
        Ok(self.altair.triage(capture, into.into(), title).await?.into())
    }

    /// Changes what is in the parts; an entity that is not of the kind is left as it is.
    pub async fn edit(&self, entity: String, kind: Kind, parts: Parts) -> Result<Entity, AltairError> {
        let altair = self.altair();
        let (entity, edit) = (id(&entity)?, Edit::try_from(parts)?);
        let wanted = altair_protocol::Kind::from(kind);
        let act = async move {
            // A kind never changes, so it need not be the same transaction that asks.
            let kind = altair.get(entity).await?.kind;
            if kind != wanted {
                return Err(altair_core::Error::invalid(
                    format!("{entity} is a {kind}, not a {wanted}"),
                    format!("edit it as what it is, a {kind}"),
                ));
            }
            altair.edit(entity, edit).await
        };
        Ok(run(act).await?.into())
    }

    pub async fn count(&self, item: String, thousandths: i64) -> Result<Entity, AltairError> {
        let item = id(&item)?;
        let delta = altair_protocol::Thousandths(thousandths);
        Ok(self.altair.count(item, delta).await?.into())
    }

    pub async fn tag(&self, entity: String, add: Vec<String>, remove: Vec<String>) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.tag(entity, &add, &remove).await?.into())
    }

    pub async fn get(&self, entity: String) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.get(entity).await?.into())
    }

    pub async fn find(&self, text: String) -> Result<String, AltairError> {
        Ok(self.altair.find(&text).await?.to_string())
    }

    pub async fn show(&self, entity: String) -> Result<Details, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.show(entity).await?.into())
    }

    pub async fn list(&self, list: Listing, at_most: i64, after: Option<String>) -> Result<EntityPage, AltairError> {
        let at_most = limit(at_most)?;
        Ok(self.altair.list(list.into(), at_most, after.as_deref()).await?.into())
    }

    pub async fn search(&self, search: Search) -> Result<HitPage, AltairError> {
        let search = search.try_into()?;
        Ok(self.altair.search(search).await?.into())
    }

    pub async fn link(&self, from: String, to: String, relation: Option<String>) -> Result<Entity, AltairError> {
        let (from, to) = (id(&from)?, id(&to)?);
        Ok(self.altair.link(from, to, relation.as_deref()).await?.into())
    }

    pub async fn unlink(&self, from: String, to: String) -> Result<Entity, AltairError> {
        let (from, to) = (id(&from)?, id(&to)?);
        Ok(self.altair.unlink(from, to).await?.into())
    }

    pub async fn delete(&self, entity: String) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.delete(entity).await?.into())
    }

    pub async fn restore(&self, entity: String) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.restore(entity).await?.into())
    }

    pub async fn erase(&self, entity: String) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.erase(entity).await?.into())
    }

    pub async fn purge(&self, older_than_days: i64) -> Result<Vec<String>, AltairError> {
        let days = u32::try_from(older_than_days).map_err(|_| {
            AltairError::invalid(format!("{older_than_days} days can't be"), "use a number of days, zero or more")
        })?;
        let erased = self.altair.purge(days).await?;
        Ok(erased.iter().map(ToString::to_string).collect())
    }

    pub async fn history(
        &self,
        entity: String,
        at_most: i64,
        after: Option<String>,
    ) -> Result<VersionPage, AltairError> {
        let (entity, at_most) = (id(&entity)?, limit(at_most)?);
        Ok(self.altair.history(entity, at_most, after.as_deref()).await?.into())
    }

    pub async fn revert(&self, entity: String, version: String) -> Result<Entity, AltairError> {
        let entity = id(&entity)?;
        Ok(self.altair.revert(entity, &version).await?.into())
    }

    pub async fn undo(&self) -> Result<Vec<Undone>, AltairError> {
        Ok(self.altair.undo().await?.into_iter().map(Into::into).collect())
    }

    pub async fn redo(&self) -> Result<Vec<Undone>, AltairError> {
        Ok(self.altair.redo().await?.into_iter().map(Into::into).collect())
    }

    pub async fn conflicts(&self) -> Result<Vec<Conflict>, AltairError> {
        Ok(self.altair.conflicts().await?.into_iter().map(Into::into).collect())
    }

    /// Settles a conflict for one of its heads.
    pub async fn resolve_with_head(&self, conflict: String, head: String) -> Result<Conflict, AltairError> {
        Ok(self.altair.resolve(&conflict, Resolution::Head(head)).await?.into())
    }

    /// Settles a conflict for another value, which is JSON.
    pub async fn resolve_with_value(&self, conflict: String, value: String) -> Result<Conflict, AltairError> {
        let value = serde_json::from_str(&value)
            .map_err(|error| AltairError::invalid(format!("the value is not JSON: {error}"), "give a JSON value"))?;
        Ok(self.altair.resolve(&conflict, Resolution::Value(value)).await?.into())
    }

    pub async fn attach(&self, owner: String, file: String) -> Result<AttachmentRef, AltairError> {
        let (owner, file) = (id(&owner)?, folder(file)?);
        Ok(self.altair.attach(owner, &file).await?.into())
    }

    pub async fn detach(&self, owner: String, attachment: String) -> Result<AttachmentRef, AltairError> {
        let (owner, attachment) = (id(&owner)?, id(&attachment)?);
        Ok(self.altair.detach(owner, attachment).await?.into())
    }

    pub async fn attachment(&self, attachment: String) -> Result<AttachmentFile, AltairError> {
        let attachment = id(&attachment)?;
        Ok(self.altair.attachment(attachment).await?.into())
    }

    pub async fn import_vault(
        &self,
        directory: String,
        listener: Arc<dyn ProgressListener>,
    ) -> Result<Imported, AltairError> {
        let altair = self.altair();
        let directory = folder(directory)?;
        let (progress, passing) = Passing::begin(listener)?;
        let act = async move {
            let imported = altair.import(&directory, progress).await;
            passing.end().await;
            imported
        };
        Ok(run(act).await?.into())
    }

    pub async fn export_vault(
        &self,
        directory: String,
        force: bool,
        listener: Arc<dyn ProgressListener>,
    ) -> Result<Exported, AltairError> {
        let altair = self.altair();
        let directory = folder(directory)?;
        let (progress, passing) = Passing::begin(listener)?;
        let act = async move {
            let exported = altair.export(&directory, force, progress).await;
            passing.end().await;
            exported
        };
        Ok(run(act).await?.into())
    }

    pub async fn backup(&self, file: String) -> Result<BackedUp, AltairError> {
        let altair = self.altair();
        let file = folder(file)?;
        Ok(run(async move { altair.backup(&file).await }).await?.into())
    }

    pub async fn fill_from_backup(&self, file: String) -> Result<BackedUp, AltairError> {
        let file = folder(file)?;
        Ok(self.altair.fill_from_backup(&file).await?.into())
    }

    pub async fn status(&self) -> Result<Status, AltairError> {
        Ok(self.altair.status().await?.into())
    }

    pub async fn doctor(&self) -> Result<Diagnosis, AltairError> {
        Ok(self.altair.doctor().await?.into())
    }

    /// Tells a listener of every change, until the handle is stopped.
    pub async fn watch(
        &self,
        kind: Option<Kind>,
        listener: Arc<dyn WatchListener>,
    ) -> Result<Arc<Subscription>, AltairError> {
        let altair = self.altair();
        let watch = run(async move { altair.watch(kind.map(Into::into)).await }).await?;
        subscribe(watch, listener)
    }
}

/// The fields of something new. There is no body yet to append to.
fn created(parts: Parts) -> Result<altair_core::Fields, AltairError> {
    let Edit { mut fields, append, .. } = Edit::try_from(parts)?;
    if let Some(append) = append {
        fields.body = Some(fields.body.map_or_else(|| append.clone(), |body| format!("{body}\n{append}")));
    }
    Ok(fields)
}
