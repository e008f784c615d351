//! What waits for a code, as the browser keeps it between two pages: a sign-in, a confirmation of who
//! is signed in, or a new address.
//!
//! It decides nothing: the address, the limits and the tries are the rules of [`codes`](crate::codes), by the flow cookie
//! or the session. It says what the page shows, and so whoever clears or keeps it fools nobody but themselves.

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{arrival::Arrival, cookies::Kept, signed, visit::Visit};
use crate::{
    codes::Issued,
    error::Result,
    mail::Address,
    time::{Span, Timestamp},
};

/// Longer than any code, so that the page can say that one has expired.
const LIFETIME: Span = Span::hours(1);

/// An address that waits for its code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub email: Address,
    #[serde(default)]
    pub arrival: Arrival,
    expires_at: i64,
    sent_at: i64,
    /// How often a code was mailed.
    sent: u32,
    /// How often a wrong code was compared with the one that is under way.
    pub misses: u32,
    /// How many digits the code has; `None` for one of letters and digits.
    pub digits: Option<u8>,
}

impl Attempt {
    /// The attempt that begins when a code was mailed.
    pub(super) fn begun(email: Address, arrival: Arrival, issued: &Issued, now: Timestamp) -> Self {
        Self {
            email,
            arrival,
            expires_at: issued.expires_at.as_millis(),
            sent_at: now.as_millis(),
            sent: 1,
            misses: 0,
            digits: issued.digits,
        }
    }

    /// The attempt after a code was mailed once more; whether that was another code.
    pub(super) fn resent(&mut self, issued: &Issued, now: Timestamp) -> bool {
        let is_new = self.expires_at != issued.expires_at.as_millis();
        self.expires_at = issued.expires_at.as_millis();
        self.sent_at = now.as_millis();
        self.sent = self.sent.saturating_add(1);
        self.digits = issued.digits;
        if is_new {
            self.misses = 0;
        }
        is_new
    }

    /// How long the code still works.
    pub(super) fn left(&self, now: Timestamp) -> Span {
        Span::millis((self.expires_at - now.as_millis()).max(0))
    }

    /// How long until the page offers another one: the interval of addresses, twice it, four times it.
    pub(super) fn wait(&self, interval: Span, now: Timestamp) -> Span {
        let delay = interval.as_millis() << (self.sent.clamp(1, 3) - 1);
        Span::millis((self.sent_at + delay - now.as_millis()).max(0))
    }

    /// The attempt that the browser keeps in this cookie.
    pub(super) fn of(visit: &Visit, kept: Kept) -> Option<Self> {
        let doorward = &visit.doorward;
        let value = visit.kept(kept)?;
        let now = doorward.clock.now();
        signed::read(&doorward.keys.pages, &purpose(visit, kept), value, now)
    }

    pub(super) fn cookie(&self, visit: &Visit, kept: Kept) -> Result<HeaderValue> {
        let doorward = &visit.doorward;
        let until = doorward.clock.now() + LIFETIME;
        let value = signed::write(&doorward.keys.pages, &purpose(visit, kept), self, until);
        kept.set(&doorward.config, &value, LIFETIME)
    }
}

/// What someone who is signed in has begun is shown in the session that began it and in no other, which may be someone
/// else's.
fn purpose(visit: &Visit, kept: Kept) -> String {
    let purpose = match kept {
        Kept::EmailChange => "email change",
        Kept::Reauth => "reauth",
        _ => return "attempt".to_owned(),
    };
    match &visit.user {
        Some(user) => format!("{purpose} in {}", user.session().id),
        None => purpose.to_owned(),
    }
}
