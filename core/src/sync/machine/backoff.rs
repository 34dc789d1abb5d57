//! How long to stay away after a failure: a random time between nothing and a bound that doubles ("full jitter", Marc Brooker, "Exponential Backoff and
//! Jitter", AWS Architecture Blog, 2015), so that devices that lost their server together don't come back together.

/// The first bound, in milliseconds.
const FIRST_MS: u64 = 250;
/// The last one.
pub(super) const LAST_MS: u64 = 30_000;

/// How often it has failed in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next time to stay away, in milliseconds.
    pub(super) fn next(&mut self, random: u64) -> u64 {
        // From the seventh failure on the bound is the last one.
        let bound = FIRST_MS.checked_shl(self.failures).map_or(LAST_MS, |bound| bound.min(LAST_MS));
        self.failures = self.failures.saturating_add(1).min(7);
        random % (bound + 1)
    }

    /// It has gone well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_from_a_quarter_of_a_second_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let mut bounds = Vec::new();
        for _ in 0..9 {
            let mut probe = backoff;
            // The greatest of all outcomes is the bound.
            bounds.push((0..=LAST_MS).map(|random| Backoff { ..backoff }.next(random)).max().unwrap());
            probe.next(0);
            backoff = probe;
        }
        assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        backoff.reset();
        assert!(backoff.next(u64::MAX) <= FIRST_MS);
    }
}
