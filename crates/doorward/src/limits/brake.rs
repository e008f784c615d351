//! What the world may spend before everyone's codes get longer.

use std::sync::{Mutex, PoisonError};

use crate::time::{Span, Timestamp};

/// Notices when codes are being guessed everywhere at once, though nowhere often enough for a single budget.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<Hours>);

#[derive(Debug, Default)]
struct Hours {
    /// The hour, since 1970, of the last failure.
    hour: i64,
    /// Failures in that hour and in the 24 before it, latest first.
    failures: [u32; 25],
}

impl Hours {
    fn move_to(&mut self, now: Timestamp) {
        let hour = now.as_millis() / Span::hours(1).as_millis();
        let passed = usize::try_from(hour - self.hour)
            .unwrap_or(0)
            .min(self.failures.len());
        let hours = self.failures.len();
        self.failures.rotate_right(passed % hours);
        self.failures[..passed].fill(0);
        self.hour = self.hour.max(hour);
    }

    /// More than the threshold in this hour and the last, and ten times what an hour of the day before saw.
    fn spray(&self, threshold: u32) -> bool {
        let lately = u64::from(self.failures[0]) + u64::from(self.failures[1]);
        let before: u64 = self.failures[2..]
            .iter()
            .map(|&count| u64::from(count))
            .sum();
        let usual = before / (self.failures.len() as u64 - 2);
        threshold > 0 && lately > u64::from(threshold) && lately > 10 * usual
    }
}

impl Brake {
    /// Counts a wrong code; whether that is the one by which the brake takes hold.
    pub(crate) fn count_failure(&self, threshold: u32, now: Timestamp) -> bool {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.move_to(now);
        let before = hours.spray(threshold);
        hours.failures[0] = hours.failures[0].saturating_add(1);
        !before && hours.spray(threshold)
    }

    /// Whether all codes are to be long.
    pub(crate) fn holds(&self, threshold: u32, now: Timestamp) -> bool {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.move_to(now);
        hours.spray(threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// Item 101: the brake takes hold in a spray and lets go after it; a busy day is no spray.
    #[test]
    fn the_brake_holds_during_a_spray() {
        let brake = Brake::default();
        let took_hold = (0..2000).filter(|_| brake.count_failure(1000, NOW)).count();
        assert_eq!(took_hold, 1, "it takes hold once");
        assert!(brake.holds(1000, NOW));
        assert!(!brake.holds(1000, NOW + Span::hours(2)));

        let busy = Brake::default();
        for hour in 0..26 {
            for _ in 0..1100 {
                busy.count_failure(1000, NOW + Span::hours(hour));
            }
        }
        assert!(
            !busy.holds(1000, NOW + Span::hours(25)),
            "as many as every hour of the day"
        );
    }
}
