//! For how long memory may be believed where several servers share one database.
//!
//! Whoever ends a session appends a row to a [log](log) in the same transaction. Every server *polls* the log and forgets
//! what its rows name. Between its polls a server hears of nothing, so its memory is believed for a short time only, the
//! *lease*, counted from when the last poll that succeeded was sent. A server that cannot reach the database goes on for
//! somewhat longer, up to the *ceiling*, and then declines.
//!
//! What is promised: a check that starts at `s` accepts a session only if its end was acknowledged at `s` − lease or later;
//! at `s` − ceiling or later, where the server tried to reach the database and could not.
//!
//! Why it holds:
//!
//! 1. *What was acknowledged before a poll was sent is in its answer.* The row is committed with the change; the poll reads
//!    after it was sent, from a database that still commits ([`Poll::answered`] says what that takes).
//! 2. *The rows of a shard are found in the order of their commits, without gaps.* So whoever has applied the row `n` and
//!    finds rows after it without a gap has missed none; whoever finds anything else drops the shard ([`Progress`]).
//! 3. *Memory is what the log says it is, no older and no newer.* What is read to fill it comes with proof that the row
//!    which was applied last was the newest when it was read, and is thrown away if anything was applied meanwhile
//!    ([`Ticket`](super::cache::Ticket)).
//! 4. *Time is not overlooked.* It is measured on two clocks ([`Moment`]), from before the poll was sent; use makes
//!    nothing truer. Whoever answers from memory holds a [`Permit`], which is given before memory is looked at.
//!
//! There is neither input nor output here, and no clock: `simulation` runs this code through partitions, failovers, pauses
//! and late answers, and shows that each of these clauses is needed.

mod guarantee;
mod log;
mod moment;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub(super) use self::log::{Row, Step};
pub(crate) use self::{
    guarantee::Guarantee,
    log::{Position, Progress, Subject},
    moment::Moment,
};
use super::Cache;
use crate::time::Span;

/// For how long memory is believed after a poll was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    lease: Span,
    ceiling: Span,
}

impl Terms {
    /// Memory is believed for a lease; up to the ceiling while the database cannot be reached.
    pub(crate) fn new(lease: Span, ceiling: Span) -> Self {
        Self {
            lease,
            ceiling: ceiling.max(lease),
        }
    }

    /// Memory is believed for a lease, whether or not the database can be reached.
    pub(crate) fn strict(lease: Span) -> Self {
        Self::new(lease, lease)
    }

    /// Whether no server believes any longer what a change that was committed by `then` has made untrue.
    ///
    /// Whoever waits for this before it acknowledges the change leaves no time at all in which another server accepts what
    /// is known to have ended.
    pub(crate) fn have_run_out(&self, then: Moment, now: Moment) -> bool {
        now.is_beyond(self.ceiling, then)
    }
}

/// After how many leases without a poll that succeeded a server has been away for long.
const LONG_AWAY: i64 = 30;

/// The lease of this process.
#[derive(Debug)]
pub(crate) struct Lease {
    terms: Terms,
    /// When the poll was sent whose answer was applied last: what was acknowledged before it, memory has forgotten.
    valid: Option<Moment>,
}

/// What memory is worth now.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It may be believed.
    Held(Permit),
    /// The lease is over, the ceiling is not: to be polled first.
    Lapsed(Lapsed),
    /// It may not be believed: without a poll there is no answer.
    Over,
}

/// A lease that is over. Memory may still be believed if the database cannot be reached.
#[derive(Debug)]
pub(crate) struct Lapsed(());

impl Lapsed {
    /// Permits an answer that may be stale. Only after a poll that was sent since, and failed.
    pub(crate) const fn after_failed_poll(self) -> Permit {
        let Self(()) = self;
        Permit { stale: true }
    }
}

/// The right to answer one question from memory, or by a read that is proved to be as new as memory.
///
/// It comes before the look: memory that is looked at first may be older than the lease that is asked for then.
#[derive(Debug)]
pub(crate) struct Permit {
    stale: bool,
}

impl Permit {
    /// The only server hears of every change before it is acknowledged, and needs no lease.
    pub(crate) const fn alone() -> Self {
        Self { stale: false }
    }

    /// Whether the answer may be older than a lease.
    pub(crate) const fn is_stale(&self) -> bool {
        self.stale
    }
}

/// A poll that is about to be sent.
#[derive(Debug)]
pub(crate) struct Poll {
    began: Moment,
    applied: Vec<Progress>,
}

impl Poll {
    /// The row of a shard that was applied last: its log is to be read from there on, that row included. Where it is not
    /// known, or the log does not reach it, the newest row alone is to be read.
    pub(crate) fn applied(&self, shard: usize) -> Option<Position> {
        match self.applied.get(shard) {
            Some(Progress::At(position)) => Some(*position),
            _ => None,
        }
    }

    /// The poll with what it found: for every shard the rows of its log.
    ///
    /// Only for what was read from a database that was still the one that commits: where it is replicated
    /// synchronously, the transaction that read has also written, and its commit was acknowledged without a warning that
    /// the wait for the standby was given up. A primary that was cut off and replaced still answers reads.
    pub(crate) fn answered(self, shards: Vec<Vec<Row>>) -> Answer {
        Answer {
            began: self.began,
            shards,
        }
    }
}

/// A poll that was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    began: Moment,
    shards: Vec<Vec<Row>>,
}

/// What applying an answer has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The rows that were applied.
    pub rows: Vec<Row>,
    /// How many shards were dropped.
    pub drops: usize,
}

impl Lease {
    /// A lease that nothing has been heard for.
    pub(crate) const fn new(terms: Terms) -> Self {
        Self { terms, valid: None }
    }

    /// What memory is worth now. To be asked before memory is looked at.
    pub(crate) fn standing(&self, now: Moment) -> Standing {
        let within = |span| self.valid.is_some_and(|valid| now.is_within(span, valid));
        if within(self.terms.lease) {
            Standing::Held(Permit { stale: false })
        } else if within(self.terms.ceiling) {
            Standing::Lapsed(Lapsed(()))
        } else {
            Standing::Over
        }
    }

    /// Begins a poll. The moment is from before anything is sent.
    ///
    /// Who was away for long asks for the newest row of each shard only, and drops what has changed: to read all that was
    /// missed could take longer than a poll may, and the next would have to read still more.
    pub(crate) fn poll(&self, now: Moment, cache: &Cache) -> Poll {
        let long = Span::millis(self.terms.lease.as_millis().saturating_mul(LONG_AWAY));
        let was_away = |valid| !now.is_within(long, valid);
        let applied = if self.valid.is_some_and(was_away) {
            Vec::new()
        } else {
            cache.progress()
        };
        Poll {
            began: now,
            applied,
        }
    }

    /// How long ago the poll was sent that was applied last.
    pub(crate) fn age(&self, now: Moment) -> Option<Span> {
        Some(now.since(self.valid?))
    }

    /// Has memory forget what the rows name, and extends the lease; in this order.
    ///
    /// Nothing happens when a poll that was sent later has been applied already: its answer knew more.
    pub(crate) fn apply(&mut self, answer: &Answer, cache: &Cache) -> Option<Followed> {
        if self
            .valid
            .is_some_and(|valid| answer.began.is_before(valid))
        {
            return None;
        }
        let followed = cache.follow(&answer.shards);
        self.valid = Some(answer.began);
        Some(followed)
    }
}
