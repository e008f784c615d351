//! How long a session lives: pure rules, so that their tests need nothing.

use super::Session;
use crate::{
    access::Access,
    config,
    time::{Span, Timestamp},
};

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub idle: Span,
    pub absolute: Span,
}

impl Lifetime {
    /// The lifetime of sessions of someone with this access: shorter for administrators.
    pub(super) fn of(config: &config::Sessions, access: &Access) -> Self {
        if access.is_administrative() {
            Self {
                idle: config.admin_idle,
                absolute: config.admin_absolute,
            }
        } else {
            Self {
                idle: config.idle,
                absolute: config.absolute,
            }
        }
    }

    /// When a session ends that was proved at `authenticated_at` and is used now.
    pub(super) fn end(self, authenticated_at: Timestamp, now: Timestamp) -> Timestamp {
        (now + self.idle).min(authenticated_at + self.absolute)
    }
}

impl Session {
    /// Whether the session may still be used.
    pub(super) fn is_live(&self, lifetime: Lifetime, now: Timestamp) -> bool {
        now < self.expires_at && now < self.authenticated_at + lifetime.absolute
    }

    /// The new end of the session, if this use should move it.
    ///
    /// Renewing only in the second half of a session's idle life keeps active people signed in while writing at
    /// most once per half-life; the last renewal reaches the absolute end, however near that is. A session that
    /// would outlive its lifetime (its user has become an administrator) is cut short at once.
    pub(super) fn renewal(&self, lifetime: Lifetime, now: Timestamp) -> Option<Timestamp> {
        let end = lifetime.end(self.authenticated_at, now);
        let second_half = (self.expires_at - now).as_millis() < lifetime.idle.as_millis() / 2;
        let moves = end < self.expires_at || (end > self.expires_at && second_half);
        moves.then_some(end)
    }
}
