//! The account: whose store this is, and with what it shows that at the server.
//!
//! A store has one household for good, as its notes are that household's: logging out takes the token away and nothing else.

use altair_protocol::sync::{Household, Paired, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, Incarnation};

use super::apply::read_again;
use super::{Replica, account};
use crate::error::{Error, Result};
use crate::store::account::{Account, Resumed, other_household};
use crate::store::write::Undoing;
use crate::sync::machine::{self, How, Resume};

/// The longest address of a server.
const MAX_SERVER: usize = 2000;

/// An account that is logged in, for whoever speaks to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The server's address.
    pub server: String,
    /// Whose server it is.
    pub household: Household,
    /// The device that the token is for.
    pub device: DeviceId,
    /// What the device shows with every request.
    pub token: String,
    /// When to ask for another token.
    pub renew_at: Option<Time>,
    /// The last number that is applied.
    pub cursor: SyncId,
    /// Whose number that is.
    pub incarnation: Option<Incarnation>,
    /// How far the server's clock is ahead, in milliseconds.
    pub ahead: i64,
    /// When the server last said something.
    pub last_contact: Option<Time>,
}

/// Without the token, which belongs in no log.
impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoggedIn")
            .field("household", &self.household.id)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

impl Replica {
    /// Takes an account into use, or a new token of the one that there is.
    ///
    /// # Errors
    /// `Refused` when the store belongs to another household, or the token is for another device than the store is.
    pub async fn log_in(&self, server: &str, paired: Paired) -> Result<()> {
        let server = server.to_owned();
        self.run(async move |engine, _| {
            if server.is_empty() || server.len() > MAX_SERVER {
                return Err(Error::invalid("that is no server's address", "give one like https://altair.example"));
            }
            let Paired { token, device, household, renew_at, .. } = paired;
            let known = engine.db.account().await?;
            if let Some(known) = known.as_ref().filter(|known| known.household.id != household.id) {
                return Err(other_household(&known.household));
            }
            if device != engine.device {
                return Err(Error::refused(
                    format!("the server's token is for the device {device}, and this store is {}", engine.device),
                    "pair again with another code, naming this store's device",
                ));
            }
            let mut unit = engine.writer.begin_quiet().await?;
            unit.set_act(Undoing::Keep);
            let account = match known {
                Some(known) => Account { server, household, token: Some(token), renew_at, ..known },
                None => Account {
                    server,
                    household,
                    device,
                    token: Some(token),
                    renew_at,
                    cursor: SyncId::ZERO,
                    incarnation: None,
                    resume: None,
                    // Whatever isn't in the outbox was joined, brought by hand or erased.
                    brings_states: unit.outbox().pending != unit.last_seq(),
                    ahead: 0,
                    last_contact: None,
                },
            };
            unit.set_account(&account)?;
            unit.commit().await
        })
        .await
    }

    /// Takes the token away. The store stays the household's, and what is made in it waits in the outbox.
    pub async fn log_out(&self) -> Result<()> {
        self.change_account(|account| (account.token, account.renew_at) = (None, None)).await
    }

    /// The account, if it is logged in.
    pub async fn logged_in(&self) -> Result<Option<LoggedIn>> {
        self.run(async move |engine, _| {
            let Some(account) = engine.db.account().await? else { return Ok(None) };
            let Account {
                server, household, device, token, renew_at, cursor, incarnation, ahead, last_contact, ..
            } = account;
            let logged_in = |token| LoggedIn {
                server,
                household,
                device,
                token,
                renew_at,
                cursor,
                incarnation,
                ahead,
                last_contact,
            };
            Ok(token.map(logged_in))
        })
        .await
    }

    /// What a machine begins with; `None` while nobody is logged in. What this version can read and the one before couldn't is applied first.
    pub async fn configuration(&self, program: &str) -> Result<Option<machine::Account>> {
        let program = program.to_owned();
        self.run(async move |engine, _| {
            let Some(account) = engine.db.account().await?.filter(|account| account.token.is_some()) else {
                return Ok(None);
            };
            read_again(&engine).await?;
            let resume = account.resume.map(|Resumed { after, head, incarnation, expired }| Resume {
                after,
                head,
                incarnation,
                how: if expired { How::Expired } else { How::Join },
            });
            Ok(Some(machine::Account {
                device: account.device,
                household: account.household.id,
                program,
                cursor: account.cursor,
                incarnation: account.incarnation,
                resume,
                brings_states: account.brings_states,
                parked: engine.db.parked().await?,
            }))
        })
        .await
    }

    /// Goes by the server's clock, which is so far ahead of this machine's, in milliseconds.
    pub async fn set_clock(&self, ahead: i64) -> Result<()> {
        self.change_account(move |account| account.ahead = ahead).await?;
        self.engine()?.writer.set_ahead(ahead);
        Ok(())
    }

    /// Remembers when the server last said something.
    pub async fn heard(&self, at: Time) -> Result<()> {
        self.change_account(move |account| account.last_contact = Some(at)).await
    }

    async fn change_account(&self, change: impl FnOnce(&mut Account) + Send + 'static) -> Result<()> {
        self.run(async move |engine, _| {
            let mut account = account(&engine).await?;
            change(&mut account);
            let mut unit = engine.writer.begin().await?;
            unit.set_act(Undoing::Keep);
            unit.set_account(&account)?;
            unit.commit().await
        })
        .await
    }
}
