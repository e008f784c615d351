//! What was refused a moment ago, so that whoever shows it again and again costs nothing.
//!
//! Before a token is refused the server that confirms commits is asked, by the one connection that is kept for that. Without
//! this, a single token of a session that is over would keep that connection busy, and everyone else who is to be refused, as
//! all are who come back with an old cookie to sign in, would wait for it in vain.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::timeout;

use crate::{
    error::{Error, Result},
    time::{Clock, Span},
};

/// How long a refusal holds. What lets a token in again, as a role that lengthens its session does, takes as long to be heard of.
const HOLDS: Span = Span::seconds(1);

/// How many are kept, of 40 bytes each: tokens cannot be made up, and each of them was a sign-in.
const MOST: usize = 4096;

/// The hashes of tokens that were refused, and when, in time since boot.
#[derive(Default)]
pub(super) struct Refusals {
    turn: tokio::sync::Mutex<()>,
    lately: Mutex<HashMap<[u8; 32], Span>>,
}

impl Refusals {
    /// Whether this token was refused a moment ago.
    pub(super) fn include(&self, token: &[u8; 32], clock: &Clock) -> bool {
        let refused = self.lately().get(token).copied();
        refused.is_some_and(|then| holds(then, clock.since_boot()))
    }

    fn note(&self, token: &[u8; 32], clock: &Clock) {
        let (now, mut lately) = (clock.since_boot(), self.lately());
        if lately.len() >= MOST {
            lately.retain(|_, then| holds(*then, now));
        }
        if lately.len() < MOST {
            lately.insert(*token, now);
        }
    }

    /// Asks about one token at a time, and about none that another has asked about meanwhile; `None` for that.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the turn does not come in time.
    pub(super) async fn ask<T>(
        &self,
        token: &[u8; 32],
        clock: &Clock,
        patience: Duration,
        ask: impl Future<Output = Result<Option<T>>>,
    ) -> Result<Option<T>> {
        let turn = timeout(patience, self.turn.lock()).await;
        let _turn = turn.map_err(|_| Error::Unavailable("others are being refused".into()))?;
        if self.include(token, clock) {
            return Ok(None);
        }
        let found = ask.await?;
        if found.is_none() {
            self.note(token, clock);
        }
        Ok(found)
    }

    fn lately(&self) -> MutexGuard<'_, HashMap<[u8; 32], Span>> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holds(then: Span, now: Span) -> bool {
    now.as_millis().saturating_sub(then.as_millis()) < HOLDS.as_millis()
}
