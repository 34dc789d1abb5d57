//! Tokens: another one when its time has come, and one for another device when the store has turned out to be a copy.

use std::sync::Arc;
use std::time::Duration;

use altair_protocol::DeviceId;
use altair_protocol::sync::{Paired, Renew};
use tokio::time::Instant;

use super::message::Message;
use super::replica::{Replica, Token};
use super::running::Running;
use crate::sync::machine::Trouble;

/// How soon a token that couldn't be renewed is asked for again.
const AGAIN: Duration = Duration::from_secs(600);
/// The wall clock is looked at so often: it may be set, and the machine may sleep.
const LOOK: Duration = Duration::from_secs(3600);

impl From<Paired> for Token {
    fn from(paired: Paired) -> Self {
        Self { device: paired.device, secret: paired.token, renew_at: paired.renew_at }
    }
}

impl<R: Replica> Running<R> {
    /// When to look whether another token is due.
    pub(super) fn renew_at(&mut self) -> Option<Instant> {
        let at = self.token.renew_at.filter(|_| !self.renewing && self.named.is_none())?;
        if self.renew_after.is_none() {
            let wall = i64::try_from(self.environment.now()).unwrap_or(i64::MAX).saturating_add(self.ahead);
            let left = u64::try_from(at.millis().saturating_sub(wall)).unwrap_or(0);
            self.renew_after = Instant::now().checked_add(Duration::from_millis(left).min(LOOK));
        }
        self.renew_after
    }

    /// Asks for another token, if it is time to.
    pub(super) fn renew(&mut self) {
        self.renew_after = None;
        let wall = i64::try_from(self.environment.now()).unwrap_or(i64::MAX).saturating_add(self.ahead);
        if self.token.renew_at.is_none_or(|at| at.millis() > wall) {
            return;
        }
        self.renewing = true;
        let (remote, secret, teller) = (self.remote.clone(), self.secret(), self.teller.clone());
        let (device, store) = (self.token.device, self.storing.store.clone());
        self.tasks.spawn(async move {
            let token = match remote.renew(&secret, &Renew { device: None }).await {
                Ok(paired) if paired.device == device => {
                    let token = Token::from(paired);
                    let kept = token.clone();
                    // The old one is good until this one is used, so it is kept first.
                    match store.run(move |replica| Box::pin(async move { replica.renew(kept).await })).await {
                        Ok(()) => Some(token),
                        Err(error) => {
                            tracing::warn!(%error, "another token couldn't be kept");
                            None
                        }
                    }
                }
                Ok(_) => {
                    tracing::warn!("the server gave a token for another device");
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "there is no other token yet");
                    None
                }
            };
            teller.send(Message::Renewed(token)).await;
        });
    }

    pub(super) fn was_renewed(&mut self, token: Option<Token>) {
        self.renewing = false;
        match token {
            // It was for a device that this isn't any more.
            Some(token) if token.device != self.token.device => {}
            Some(token) => self.take_token(token),
            None => self.renew_after = Instant::now().checked_add(AGAIN),
        }
    }

    /// Shows another token from now on.
    pub(super) fn take_token(&mut self, token: Token) {
        self.secret.send_replace(Arc::from(token.secret.as_str()));
        self.token = token;
        self.renew_after = None;
    }

    /// Asks for a token for a device with a new id.
    pub(super) fn name(&mut self) {
        let device = DeviceId::v7(self.environment.now(), self.environment.random());
        let (remote, secret, teller) = (self.remote.clone(), self.secret(), self.teller.clone());
        self.tasks.spawn(async move {
            let named = match remote.renew(&secret, &Renew { device: Some(device) }).await {
                Ok(paired) if paired.device == device => Ok(paired.into()),
                Ok(_) => Err(Trouble::Foreign("the server gave a token for another device than was asked for".into())),
                Err(error) => Err(error.into()),
            };
            teller.send(Message::Named(named)).await;
        });
    }

    pub(super) fn was_named(&mut self, named: Result<Token, Trouble>) {
        use crate::sync::machine::Event;
        match named {
            Ok(token) => {
                let device = token.device;
                self.named = Some(token);
                self.tell(Event::NewDevice { device }, None);
                // If the machine didn't want it any more.
                self.named = None;
            }
            Err(trouble) => self.tell(Event::NewDeviceFailed { trouble }, None),
        }
    }
}
