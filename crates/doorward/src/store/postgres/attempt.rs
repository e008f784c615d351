//! Whether a commit that was not answered has happened.
//!
//! Each transaction that writes leaves a row under an id of its own. Where the answer to a commit is missing, somebody
//! else asks for that row, by writing it: a transaction that is still under way is waited for, one that is over has left
//! its row or has not, and one that has not can never do so any more. Asking is a write also where the row is there, so
//! that its own commit is confirmed by whoever confirms commits here, and with it all that came before.

use super::{Postgres, fault::Fault, value::cell};
use crate::{
    error::Result,
    ids::{self, IdBytes},
    store::{Column, values},
    time::{Span, Timestamp},
};

/// How long rows are kept: much longer than anyone asks for them, where the clocks of two servers are an hour apart.
const KEPT: Span = Span::hours(2);

// Outcome 1: it was committed. 2: it was given up.
pub(super) const RECORD: &str = "insert into attempts (id, outcome) values ($1, 1)";

const SETTLE: &str = "
    insert into attempts (id, outcome) values ($1, 2)
    on conflict (id) do update set outcome = attempts.outcome
 returning outcome";

const FORGET: &str = "
    delete from attempts where id in (select id from attempts where id <= $1 order by id limit 500)";

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// Not committed, and from now on it cannot be.
    GivenUp,
}

impl Postgres {
    /// The name of an attempt to come; names are in the order of their making.
    pub(super) fn attempt(&self) -> IdBytes {
        let shard = self.entropy.bytes::<1>()[0];
        ids::fresh(&self.entropy, self.clock.now(), shard)
    }

    /// Finds out what became of an attempt, and settles it where that is open.
    pub(super) async fn settle(&self, attempt: &IdBytes) -> Result<Outcome, Fault> {
        let mut lease = self.pool.lease().await?;
        let answer = lease.run_alone(SETTLE, values![attempt]).await?;
        let outcome = answer.rows.first().and_then(|row| cell(row, 0).ok()?);
        match outcome.and_then(i64::read) {
            Some(1) => Ok(Outcome::Committed),
            _ => Ok(Outcome::GivenUp),
        }
    }

    /// Deletes attempts that nobody will ask for; how many.
    pub(in crate::store) async fn forget_attempts(&self, now: Timestamp) -> Result<u64> {
        let last = ids::last_of(now - KEPT);
        self.execute(FORGET, values![&last]).await
    }
}
