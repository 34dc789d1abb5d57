//! Hybrid logical clocks: 48 bits of milliseconds, 16 bits of counter.
//!
//! A [`Clock`] gives a device stamps that only grow, stay close to the wall clock and are greater than every stamp
//! that the device made or saw. After Kulkarni et al., "Logical Physical Clocks" (2014). Ties between devices go to the device id:
//! a [`Dot`] is ordered by stamp first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::DeviceId;

/// A moment of one device: Unix milliseconds in the upper 48 bits, a counter in the lower 16.
///
/// In JSON it is the text `MILLIS-COUNTER` (`1790000000000-3`), because the whole number has more than the 53 bits that many
/// readers of JSON keep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(u64);

impl Stamp {
    /// Before every stamp that a device makes.
    pub const ZERO: Self = Self(0);
    /// The last millisecond that fits (in the year 10889).
    pub const MAX_MILLIS: u64 = (1 << 48) - 1;

    /// The stamp for a millisecond and a counter; milliseconds past [`Stamp::MAX_MILLIS`] become that.
    pub const fn new(millis: u64, counter: u16) -> Self {
        let millis = if millis > Self::MAX_MILLIS { Self::MAX_MILLIS } else { millis };
        Self((millis << 16) | counter as u64)
    }

    /// Unix milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 >> 16
    }

    /// The counter within the millisecond.
    pub const fn counter(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// Both parts in one number, in the order of time.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The stamp of [`Stamp::as_u64`].
    pub const fn from_u64(bits: u64) -> Self {
        Self(bits)
    }
}

/// A text that is no stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a stamp: a stamp is MILLIS-COUNTER, like 1790000000000-3")]
pub struct StampError(pub String);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis(), self.counter())
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stamp({self})")
    }
}

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.split_once('-')
            .filter(|(millis, counter)| digits(millis) && digits(counter))
            .and_then(|(millis, counter)| Some((millis.parse().ok()?, counter.parse().ok()?)))
            .filter(|(millis, _)| *millis <= Self::MAX_MILLIS)
            .map(|(millis, counter)| Self::new(millis, counter))
            .ok_or_else(|| StampError(text.to_owned()))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// One event: which device, and when by its clock. Ordered by stamp, then device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    /// The device's stamp.
    pub at: Stamp,
    /// The device.
    pub device: DeviceId,
}

/// The clock has no stamp left (the last millisecond that fits is used up).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock has run past the last moment it can name: set the machine's date and time")]
pub struct StampExhausted;

/// A device's clock. It holds the last stamp; the wall clock comes in with each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    last: Stamp,
}

impl Clock {
    /// A clock that has made or seen `last`.
    pub const fn starting_after(last: Stamp) -> Self {
        Self { last }
    }

    /// The greatest stamp made or seen.
    pub const fn last(&self) -> Stamp {
        self.last
    }

    /// A stamp greater than every one before, at `now` (Unix milliseconds) or as little later as possible.
    pub fn tick(&mut self, now: u64) -> Result<Stamp, StampExhausted> {
        let next = Stamp::new(now, 0).max(Stamp(self.last.0.checked_add(1).ok_or(StampExhausted)?));
        self.last = next;
        Ok(next)
    }

    /// Takes note of a stamp from elsewhere, so that the next tick is greater.
    pub fn observe(&mut self, seen: Stamp) {
        self.last = self.last.max(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_only_grow_and_pass_what_was_seen(steps in prop::collection::vec((0_u64..1 << 20, prop::option::of(0_u64..1 << 36)), 1..50)) {
            let mut clock = Clock::default();
            let mut last = Stamp::ZERO;
            for (now, seen) in steps {
                if let Some(seen) = seen {
                    clock.observe(Stamp::from_u64(seen));
                    last = last.max(Stamp::from_u64(seen));
                }
                let next = clock.tick(now).unwrap();
                prop_assert!(next > last);
                prop_assert!(next.millis() >= now.min(Stamp::MAX_MILLIS));
                last = next;
            }
        }

        #[test]
        fn a_stamp_survives_its_text(bits: u64) {
            let stamp = Stamp::from_u64(bits);
            prop_assert_eq!(stamp.to_string().parse::<Stamp>().unwrap(), stamp);
        }

        #[test]
        fn any_text_is_a_stamp_or_an_error(text in "\\PC{0,24}") {
            let _ = text.parse::<Stamp>();
        }
    }

    #[test]
    fn a_full_counter_goes_on_in_the_next_millisecond() {
        let mut clock = Clock::starting_after(Stamp::new(7, u16::MAX));
        assert_eq!(clock.tick(7).unwrap(), Stamp::new(8, 0));
    }

    #[test]
    fn the_last_stamp_is_an_error_and_no_panic() {
        let mut clock = Clock::starting_after(Stamp::from_u64(u64::MAX));
        assert_eq!(clock.tick(1), Err(StampExhausted));
    }
}
