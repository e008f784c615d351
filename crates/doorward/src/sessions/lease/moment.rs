//! Moments on two clocks that fail in different ways.

use crate::time::{Span, Timestamp};

/// A moment on two clocks: the time since boot and the time of day.
///
/// Nobody sets the first, but some machines stop it while they sleep; the second goes on, but can be set back. What must
/// not be overlooked is measured on both, and the longer time counts. What must not be believed too early is measured on
/// the first alone: it never tells more than has passed, and comes to an end whatever is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    boot: Span,
    wall: Timestamp,
}

impl Moment {
    /// The moment that the two clocks show. The time since boot includes sleep (`CLOCK_BOOTTIME`).
    pub(crate) const fn new(boot: Span, wall: Timestamp) -> Self {
        Self { boot, wall }
    }

    /// How long ago `then` was, by the clock that counts more.
    pub(super) fn since(self, then: Self) -> Span {
        Span::millis(self.boot_since(then)).max(self.wall - then.wall)
    }

    /// Whether less than `span` has passed since `then` on both clocks.
    pub(super) fn is_within(self, span: Span, then: Self) -> bool {
        self.boot_since(then) < span.as_millis() && (self.wall - then.wall) < span
    }

    /// Whether `span` or more has passed since `then` for certain.
    pub(super) fn is_beyond(self, span: Span, then: Self) -> bool {
        self.boot_since(then) >= span.as_millis()
    }

    /// Whether it comes before the other; boot time decides, since nobody sets it.
    pub(super) fn is_before(self, other: Self) -> bool {
        self.boot < other.boot
    }

    fn boot_since(self, then: Self) -> i64 {
        self.boot.as_millis().saturating_sub(then.boot.as_millis())
    }
}
