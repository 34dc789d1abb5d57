//! What the engine needs from outside: the wall clock and randomness. Both come in with the configuration, so that a whole system can run
//! under a seed.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock and the source of randomness.
#[derive(Clone)]
pub struct Environment {
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    random: Arc<dyn Fn() -> [u8; 10] + Send + Sync>,
}

impl Environment {
    /// An environment of one's own: `now` gives Unix milliseconds, `random` ten unpredictable bytes.
    pub fn new(
        now: impl Fn() -> u64 + Send + Sync + 'static,
        random: impl Fn() -> [u8; 10] + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), random: Arc::new(random) }
    }

    /// Unix milliseconds.
    pub fn now(&self) -> u64 {
        (self.now)()
    }

    /// Ten random bytes.
    pub fn random(&self) -> [u8; 10] {
        (self.random)()
    }
}

impl Default for Environment {
    /// The machine's clock and its source of randomness.
    fn default() -> Self {
        let now = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        Self::new(now, rand::random)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}
