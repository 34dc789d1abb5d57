//! Pairing: how a device comes to have a token, gets another, and loses it.
//!
//! A guess is wrong for the code that it names; and whoever guesses wrong five times, whatever they name, has ended every code there was by then for themselves. So neither can
//! one code be tried for long, nor can a stranger end other people's codes by guessing at nothing.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use altair_core::{Error, ErrorKind};
use altair_protocol::sync::{CloseCode, Closing, Household as Named, HttpCode, Pair, Paired, Renew, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, HouseholdId};
use tokio::sync::Mutex;

use crate::secret::{Code, Token};
use crate::server::Server;
use crate::store::{Account, DeviceRecord, Guess, HouseholdRecord};

/// How many wrong guesses end codes for whoever made them.
const GUESSES: usize = 5;
/// How many guessers are remembered.
const GUESSERS: usize = 10_000;
/// How many characters a name may have.
const NAME_CHARS: usize = 100;

/// Who guessed wrong, and when.
#[derive(Debug, Default)]
pub(crate) struct Pairing {
    wrong: Mutex<HashMap<IpAddr, VecDeque<u64>>>,
}

/// Why pairing failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairingError {
    /// There is no such code.
    #[error("there is no such pairing code")]
    WrongCode,
    /// There was one.
    #[error("the pairing code was used, is too old, or was guessed at too often")]
    CodeEnded,
    /// The device can't be paired here.
    #[error("the device {0} belongs to another household, or was revoked")]
    DeviceTaken(DeviceId),
    /// A name that can't be.
    #[error("a name has 1 to {NAME_CHARS} characters, and no control characters")]
    Name,
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl PairingError {
    /// The word for programs, and what to do next.
    pub(crate) const fn code(&self) -> (HttpCode, &'static str) {
        match self {
            Self::WrongCode => {
                (HttpCode::WrongCode, "look at it again, or ask for another one with `altair-server pair`")
            }
            Self::CodeEnded => (HttpCode::CodeEnded, "ask for another one with `altair-server pair`"),
            Self::DeviceTaken(_) => (HttpCode::DeviceTaken, "pair with a new store: this one's notes would leak"),
            Self::Name => (HttpCode::Malformed, "give it a shorter name"),
            Self::Failed(_) => (HttpCode::Internal, "try again later; the server's log tells more"),
        }
    }
}

/// Checks a device's or household's name.
pub(crate) fn checked_name(name: &str) -> Result<String, PairingError> {
    let name = name.trim();
    let good = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
    if good { Ok(name.to_owned()) } else { Err(PairingError::Name) }
}

impl Server {
    /// Makes a one-time code for a household.
    pub(crate) async fn make_code(&self, household: HouseholdId) -> Result<Code, Error> {
        let now_ms = self.environment.now();
        self.store.drop_old_codes(now_ms).await?;
        loop {
            let code = Code::from_random(rand::random());
            if !self.store.has_code(&code.name()).await? {
                self.store.put_code(household, &code, now_ms).await?;
                return Ok(code);
            }
        }
    }

    /// Pairs a device that shows a code. `from` is where it does that.
    pub(crate) async fn pair(&self, pair: &Pair, from: IpAddr) -> Result<Paired, PairingError> {
        let name = checked_name(&pair.name)?;
        let household = self.try_code(&pair.code, from).await?;
        let record = self.household_record(household).await?;
        let now_ms = self.environment.now();
        let id = pair.device.unwrap_or_else(|| DeviceId::v7(now_ms, self.environment.random()));
        let before = match self.store.household_of(id).await? {
            Some(owner) if owner != household => return Err(PairingError::DeviceTaken(id)),
            Some(_) => self.store.device(household, id).await?,
            None => None,
        };
        if before.as_ref().is_some_and(|device| device.revoked_ms.is_some() && !device.left) {
            return Err(PairingError::DeviceTaken(id));
        }
        let token = Token::from_random(rand::random());
        let device = DeviceRecord {
            id,
            name,
            token: token.hash(),
            paired_ms: now_ms,
            seen_ms: now_ms,
            cursor: before.as_ref().map_or(SyncId::ZERO, |device| device.cursor),
            next: None,
            parent: before.as_ref().and_then(|device| device.parent),
            // It may bring what it has.
            met: None,
            revoked_ms: None,
            left: false,
        };
        self.store.put_device(household, &device).await?;
        tracing::info!(%household, device = %id, "a device was paired");
        Ok(paired(&token, id, &record, now_ms))
    }

    async fn try_code(&self, typed: &str, from: IpAddr) -> Result<HouseholdId, PairingError> {
        let guesser = guesser(from);
        let now_ms = self.environment.now();
        // One guess at a time: else many at once would count as one.
        let mut wrong = self.pairing.wrong.lock().await;
        let wronged_ms =
            wrong.get(&guesser).filter(|times| times.len() >= GUESSES).and_then(|times| times.front().copied());
        let guess = match Code::parse(typed) {
            Some(code) => self.store.guess(&code, now_ms, wronged_ms).await?,
            None => Guess::Wrong,
        };
        match guess {
            Guess::Right(household) => return Ok(household),
            Guess::Ended => return Err(PairingError::CodeEnded),
            Guess::Wrong => {}
        }
        self.metrics.wrong_codes.add(1);
        if wrong.len() >= GUESSERS && !wrong.contains_key(&guesser) {
            // The one who has been quiet for longest is forgotten.
            let oldest = wrong.iter().min_by_key(|(_, times)| times.back().copied()).map(|(guesser, _)| *guesser);
            oldest.map(|oldest| wrong.remove(&oldest));
        }
        let times = wrong.entry(guesser).or_default();
        times.push_back(now_ms);
        while times.len() > GUESSES {
            times.pop_front();
        }
        Err(PairingError::WrongCode)
    }

    /// Gives a device another token, or a token for the device that it turned out to be.
    pub(crate) async fn renew(&self, account: &Account, renew: &Renew) -> Result<Paired, PairingError> {
        let record = self.household_record(account.household).await?;
        let gone = || PairingError::DeviceTaken(account.device);
        let mut device = self.store.device(account.household, account.device).await?.ok_or_else(gone)?;
        let now_ms = self.environment.now();
        let token = Token::from_random(rand::random());
        let id = renew.device.unwrap_or(account.device);
        if id == account.device {
            device.next = Some(token.hash());
        } else {
            if self.store.household_of(id).await?.is_some() {
                return Err(PairingError::DeviceTaken(id));
            }
            let (paired_ms, seen_ms) = (now_ms, now_ms);
            device = DeviceRecord {
                id,
                token: token.hash(),
                next: None,
                parent: Some(account.device),
                paired_ms,
                seen_ms,
                ..device
            };
        }
        self.store.put_device(account.household, &device).await?;
        Ok(paired(&token, id, &record, now_ms))
    }

    /// Lets a device go that asks for it.
    pub(crate) async fn unpair(&self, account: &Account) -> Result<(), Error> {
        if let Some(mut device) = self.store.device(account.household, account.device).await? {
            device.revoked_ms = Some(self.environment.now());
            device.left = true;
            self.store.put_device(account.household, &device).await?;
        }
        self.end_sessions(account.household, &[account.device]).await
    }

    /// Takes their tokens from a device and its copies, and hangs up on them.
    pub(crate) async fn revoke(&self, household: HouseholdId, device: DeviceId) -> Result<Vec<DeviceId>, Error> {
        let revoked = self.store.revoke(household, device, self.environment.now()).await?;
        self.end_sessions(household, &revoked).await?;
        Ok(revoked)
    }

    async fn end_sessions(&self, household: HouseholdId, devices: &[DeviceId]) -> Result<(), Error> {
        let household = self.households.get(household).await?;
        let closing = Closing {
            code: CloseCode::Unauthorized,
            reason: "this device's token isn't good any more".to_owned(),
            retry_after_ms: None,
        };
        for device in devices {
            household.sessions().end(*device, &closing);
        }
        Ok(())
    }

    async fn household_record(&self, id: HouseholdId) -> Result<HouseholdRecord, Error> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such household", "pair this device again");
        self.store.household(id).await?.ok_or_else(gone)
    }
}

fn paired(token: &Token, device: DeviceId, household: &HouseholdRecord, now_ms: u64) -> Paired {
    Paired {
        token: token.to_string(),
        device,
        household: Named { id: household.id, name: household.name.clone() },
        incarnation: household.incarnation,
        server_time: Time::from_millis(now_ms.cast_signed()),
        renew_at: None,
    }
}

/// Whoever has one address of a network of version 6 has all of them.
fn guesser(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_printable() {
        assert_eq!(checked_name("  Zoë's laptop ").unwrap(), "Zoë's laptop");
        for wrong in ["", "  ", "a\nb", "\u{0}", &"x".repeat(101)] {
            assert!(checked_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_network_of_version_6_is_one_guesser() {
        let of = |text: &str| guesser(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
