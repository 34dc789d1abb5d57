//! What a connection may do: everything, or what a grant lets it.
//!
//! A grant is a token that a host signs and any later host of the same store knows. A connection that greets with one may do what the grant says and no more.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::view::Time;
use crate::{EntityId, Kind};

/// Asks for a grant: [`AskGrant`], answered by [`Granted`].
pub const GRANT: &str = "grant";
/// Ends all grants of the store; answered by an empty object.
pub const REVOKE: &str = "revoke";

/// For how many minutes a grant lasts when nobody says: a day.
pub const GRANT_MINUTES: u32 = 24 * 60;
/// For how many it may last: a year.
pub const MAX_GRANT_MINUTES: u32 = 366 * 24 * 60;

/// Something that a grant may let its holder do.
///
/// What names files, what removes for good and what is about the store as a whole is in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To see, search and watch.
    Read,
    /// To add thoughts to the inbox, whatever the grant's kinds.
    Capture,
    /// To make and change. The answer to a change is the entity, so this sees what it changes.
    Write,
}

impl Right {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Capture => "capture",
            Self::Write => "write",
        }
    }
}

/// What a connection may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id, as the audit log has it.
    pub id: Uuid,
    /// Who it is for, for people to read.
    pub name: String,
    /// What it allows. Never empty.
    pub may: Vec<Right>,
    /// With what; `None` is everything.
    pub kinds: Option<Vec<Kind>>,
    /// Until when.
    pub until: Time,
}

impl Grant {
    /// Whether it covers a kind.
    pub fn covers(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// What a grant is to be. Who has one asks for less than its own only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskGrant {
    /// Who it is for, for people to read: 1 to 64 characters.
    pub name: String,
    /// What it is to allow: one at least.
    pub may: Vec<Right>,
    /// With what; without this, everything that who asks may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
    /// For how long, 1 to [`MAX_GRANT_MINUTES`]; without this [`GRANT_MINUTES`], or as long as who asks may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// A new grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// What to greet with. Whoever has it has the grant.
    pub token: String,
    /// What it allows.
    pub grant: Grant,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// When.
    pub at: Time,
    /// What happened.
    pub what: AuditKind,
    /// The process that asked, where the system tells.
    pub pid: Option<u32>,
    /// What it calls itself.
    pub client: Option<String>,
    /// The grant that it is about: for a `granted` the new one, and else what the connection has.
    pub grant: Option<Uuid>,
    /// Who that is for.
    pub name: Option<String>,
    /// What a new grant allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may: Option<Vec<Right>>,
    /// With what, if not with everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// What was asked and refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// About what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityId>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Audited {
    /// A line that tells no more than that.
    pub const fn new(at: Time, what: AuditKind) -> Self {
        Self {
            at,
            what,
            pid: None,
            client: None,
            grant: None,
            name: None,
            may: None,
            kinds: None,
            until: None,
            method: None,
            entity: None,
            why: None,
        }
    }
}

/// What the audit log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// A grant was given.
    Granted,
    /// A connection greeted with one.
    Used,
    /// Something was refused.
    Refused,
    /// All grants were ended.
    Revoked,
}
