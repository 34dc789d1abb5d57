//! A connection with a grant: what is refused, when it ends, and what is written down of that.

use std::future::pending;

use altair_protocol::rpc::{self, AuditKind, Audited, Fault, Grant, Right};
use altair_protocol::{EntityId, ErrorKind};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Guest, Session};
use crate::error::Error;
use crate::host::answer::fault;
use crate::host::grants::{beyond, refusal};

impl Session {
    /// Writes down who the guest is, and gives its grant.
    pub(super) fn enter(&self, client: String, token: Option<&str>) -> Result<Option<Grant>, Fault> {
        let checked = token.map(|token| self.service.grants.check(token)).transpose();
        let guest = Guest { client, grant: checked.as_ref().ok().cloned().flatten() };
        // It greets once.
        let guest = self.guest.get_or_init(|| guest);
        let grant = checked.map_err(|error| self.refused(rpc::HELLO, None, &error))?;
        if guest.grant.is_some() {
            self.service.audit.note(self.audited(AuditKind::Used));
        }
        Ok(grant)
    }

    /// What the guest may do; `None` is everything.
    pub(super) fn grant(&self) -> Option<&Grant> {
        self.guest.get()?.grant.as_ref()
    }

    /// A line for the audit log, about this guest.
    fn audited(&self, what: AuditKind) -> Audited {
        let grant = self.grant();
        Audited {
            pid: self.pid,
            client: self.guest.get().map(|guest| guest.client.clone()),
            grant: grant.map(|grant| grant.id),
            name: grant.map(|grant| grant.name.clone()),
            ..Audited::new(self.service.grants.now(), what)
        }
    }

    /// What to answer to a request that the guest's grant doesn't allow, after writing that down.
    pub(super) fn refused(&self, method: &str, entity: Option<EntityId>, error: &Error) -> Fault {
        if error.kind() == ErrorKind::Refused {
            let (method, why) = (Some(method.to_owned()), Some(error.message().to_owned()));
            self.service.audit.note(Audited { method, entity, why, ..self.audited(AuditKind::Refused) });
        }
        refusal(error)
    }

    /// Ends when the guest's grant does, with what to tell it; never without one.
    pub(super) async fn ended(&self, revoked: &mut watch::Receiver<u64>) -> Fault {
        let Some(grant) = self.grant() else { return pending().await };
        let name = &grant.name;
        let message = tokio::select! {
            () = sleep(self.service.grants.left(grant)) => format!("the grant \"{name}\" ended at {}", grant.until),
            _ = revoked.changed() => format!("the grant \"{name}\" was ended, as all of them were"),
        };
        refusal(&Error::refused(message, "ask whoever gave it for another"))
    }

    /// A grant for somebody else.
    pub(super) fn give(&self, asked: &rpc::AskGrant) -> Result<rpc::Granted, Fault> {
        let given = self.service.grants.give(asked, self.grant());
        let granted = given.map_err(|error| self.refused(rpc::GRANT, None, &error))?;
        let rpc::Grant { id, name, may, kinds, until } = granted.grant.clone();
        self.service.audit.note(Audited {
            grant: Some(id),
            name: Some(name),
            may: Some(may),
            kinds,
            until: Some(until),
            ..self.audited(AuditKind::Granted)
        });
        Ok(granted)
    }

    pub(super) fn revoke(&self) -> Result<(), Fault> {
        self.needs_everything(rpc::REVOKE)?;
        self.service.grants.revoke().map_err(|error| fault(&error))?;
        self.service.revoked.send_modify(|times| *times += 1);
        self.service.audit.note(self.audited(AuditKind::Revoked));
        Ok(())
    }

    /// Refuses what no grant allows.
    pub(super) fn needs_everything(&self, method: &str) -> Result<(), Fault> {
        let Some(grant) = self.grant() else { return Ok(()) };
        Err(self.refused(method, None, &beyond(grant, &format!("ask for \"{method}\", which no grant does"))))
    }

    /// Refuses a subscription that the guest's grant doesn't allow.
    pub(super) fn may_watch(&self, watch: rpc::Watch) -> Result<rpc::Watch, Fault> {
        let Some(grant) = self.grant() else { return Ok(watch) };
        let beyond_it = if !grant.may.contains(&Right::Read) {
            Some("read".to_owned())
        } else {
            watch.kind.filter(|kind| !grant.covers(*kind)).map(|kind| format!("read a {kind}"))
        };
        match beyond_it {
            Some(what) => Err(self.refused(rpc::WATCH, None, &beyond(grant, &what))),
            None => Ok(watch),
        }
    }
}
