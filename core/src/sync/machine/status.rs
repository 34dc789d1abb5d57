//! What people are told: a state in one word, and what is wrong where something is.
//!
//! It is published when it changes, but for [`Status::last_contact`], which would change with every frame: whoever shows that asks for [`Machine::status`].

use altair_protocol::sync::{Refusal, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{ChangeId, EntityId};
use serde::{Deserialize, Serialize};

use super::step::Step;
use super::{Effect, Machine, Phase};

/// How syncing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not logged in, or paused.
    #[default]
    Off,
    /// The server is being reached.
    Connecting,
    /// There is more to come.
    CatchingUp,
    /// What happens elsewhere is here at once.
    Live,
    /// The server can't be reached, or takes the token no more. It is tried again.
    Waiting,
    /// Something is wrong that somebody has to look at.
    Fault,
}

/// A word for why nothing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The server can't be reached.
    Unreachable,
    /// It said nothing for too long.
    Silent,
    /// It hung up.
    HungUp,
    /// A number of its log was missing.
    Gap,
    /// It doesn't take the token any more.
    SessionExpired,
    /// The same device has connected from elsewhere.
    Replaced,
    /// A transfer has to begin anew.
    Anew,
    /// The person wants no syncing for now.
    Paused,
    /// It is no server of this protocol, or another household's.
    Foreign,
    /// One of the two programs is too old for the other.
    Unsupported,
    /// One of the two programs has a fault.
    Protocol,
    /// The household has no room left.
    Quota,
    /// The store can't be written.
    Store,
}

/// Why nothing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// In one word.
    pub reason: Reason,
    /// For people: what happened, and what to do.
    pub message: String,
}

impl Why {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Something that the server didn't take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The change; none where it was a whole state.
    pub change: Option<ChangeId>,
    /// Its entity.
    pub entity: EntityId,
    /// Why, for programs.
    pub code: Refusal,
    /// Why, for people.
    pub message: String,
    /// When it would be accepted as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// How far a bootstrap, or a meeting, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// So many entities.
    pub done: u64,
    /// Of about so many.
    pub total: u64,
}

/// How syncing stands, in full.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// In one word.
    pub state: State,
    /// The server's last number, as far as is known.
    pub head: SyncId,
    /// The last one that is applied here.
    pub cursor: SyncId,
    /// While states come down or go up.
    pub progress: Option<Progress>,
    /// Why nothing goes on; also beside `live`, when changes come and none can go.
    pub why: Option<Why>,
    /// What the server didn't take.
    pub faults: Vec<Fault>,
    /// When it last said something.
    pub last_contact: Option<Time>,
}

impl Machine {
    /// How syncing stands.
    pub fn status(&self) -> Status {
        let cursor = self.account.as_ref().map(|account| account.cursor).unwrap_or_default();
        let (state, why, progress) = self.standing(cursor);
        let mut faults = self.outbox.faults();
        faults.extend(self.unmet.iter().cloned());
        Status { state, head: self.head, cursor, progress, why, faults, last_contact: self.last_contact }
    }

    fn standing(&self, cursor: SyncId) -> (State, Option<Why>, Option<Progress>) {
        match &self.phase {
            Phase::Off if self.paused && self.account.is_some() => {
                let why = Why::new(Reason::Paused, "syncing is paused: resume it when you like");
                (State::Off, Some(why), None)
            }
            Phase::Off => (State::Off, None, None),
            Phase::Opening { .. } | Phase::Opened { .. } | Phase::Greeted { .. } | Phase::Renaming { .. } => {
                (State::Connecting, None, None)
            }
            Phase::Session(session) => match self.receiving.stopped() {
                Some(why) => (State::Fault, Some(why.clone()), None),
                None if session.live.is_some_and(|head| cursor >= head) => (State::Live, self.outbox.halted(), None),
                None => (State::CatchingUp, self.outbox.halted(), None),
            },
            Phase::Transfer(transfer) => (State::CatchingUp, None, Some(transfer.progress)),
            Phase::Waiting { why, .. } => (State::Waiting, Some(why.clone()), None),
            Phase::Faulty { why, .. } => (State::Fault, Some(why.clone()), None),
        }
    }

    /// Publishes the status, if it is another one.
    pub(super) fn tell(&mut self, step: &mut Step) {
        let status = self.status();
        let last_contact = status.last_contact;
        if self.told.as_ref().is_none_or(|told| Status { last_contact, ..told.clone() } != status) {
            self.told = Some(status.clone());
            step.push(Effect::Publish(status));
        }
    }
}
