//! Follows the log of a database that servers share, so that the memory of this one may be believed: the lease, at work.
//!
//! The rules are in [`lease`](super::lease); here are the clock, the database and the order of things.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::{
    cache::SHARDS,
    lease::{Guarantee, Lease, Moment, Permit, Poll, Position, Row, Standing, Terms},
    refusals::Refusals,
    store,
};
use crate::{
    Doorward, config,
    error::{Error, Result},
    forget,
    ids::{IdBytes, SessionId},
    store::{Db, Replication},
    time::{Clock, Span},
};

/// How many connections are kept for following the log: one works, and one that hangs holds nobody up.
const CONNECTIONS: usize = 2;

/// Follows the log.
pub(crate) struct Follower {
    /// Connections of its own: a poll does not queue behind requests.
    db: Db,
    /// One more, for those who are to be refused: whoever is let in does not queue behind them.
    strict: Db,
    pub(super) refusals: Refusals,
    node: IdBytes,
    terms: Terms,
    patience: Duration,
    is_strict: bool,
    /// As far as it has been seen.
    replication: Mutex<Replication>,
    lease: Mutex<Lease>,
    turn: tokio::sync::Mutex<bool>,
    ended: AtomicU64,
    hint: Arc<Notify>,
}

impl Follower {
    pub(crate) fn new(
        db: &Db,
        config: &config::Database,
        replication: Replication,
        node: IdBytes,
    ) -> Self {
        let terms = if config.strict {
            Terms::strict(config.lease)
        } else {
            Terms::new(config.lease, config.ceiling)
        };
        Self {
            db: db.apart(CONNECTIONS),
            strict: db.apart(1),
            refusals: Refusals::default(),
            node,
            terms,
            // An answer that takes longer than a lease extends none.
            patience: config.lease.to_duration(),
            is_strict: config.strict,
            replication: Mutex::new(replication),
            lease: Mutex::new(Lease::new(terms)),
            turn: tokio::sync::Mutex::new(false),
            ended: AtomicU64::new(0),
            hint: Arc::default(),
        }
    }

    /// What is promised of sessions that end, as the database was last seen.
    pub(crate) fn guarantee(&self) -> Guarantee {
        Guarantee::of(*self.replication(), self.is_strict)
    }

    /// Looks how the database is replicated, which may change while servers run: a standby comes, or an operator's tool stops
    /// waiting for one.
    pub(crate) async fn look_at_replication(&self) -> Result<()> {
        let seen = self.db.replication().await?;
        let (before, now) = {
            let mut replication = self.replication();
            let before = *replication;
            *replication = before.then(seen);
            (before, *replication)
        };
        if now != before {
            tracing::warn!(
                revocation = self.guarantee().name(),
                replication = ?now,
                "the database is replicated in another way than before"
            );
        }
        Ok(())
    }

    fn replication(&self) -> MutexGuard<'_, Replication> {
        let replication = self.replication.lock();
        replication.unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the log polled soon.
    pub(crate) fn hint(&self) {
        self.hint.notify_one();
    }

    /// What is notified when the log should be polled soon.
    pub(crate) fn hints(&self) -> Arc<Notify> {
        Arc::clone(&self.hint)
    }

    /// Comes back when no server can still believe what was made untrue by now.
    pub(crate) async fn outlive(&self, clock: &Clock) {
        const LOOK: Duration = Duration::from_millis(10);
        let then = moment(clock);
        while !self.terms.have_run_out(then, moment(clock)) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How long ago the poll was sent that the lease counts from; `None` before the first.
    pub(crate) fn age(&self, clock: &Clock) -> Option<Span> {
        self.lease().age(moment(clock))
    }

    /// Looks for a session on the server that confirms commits: what ends with one fails, or waits, on any other.
    pub(super) async fn find(&self, id: &SessionId) -> Result<store::Found> {
        let found = self.strict.transaction(|mut tx| async move {
            // And holds nothing that a poll would wait for.
            tx.confirm();
            store::find(&mut tx, id, None).await
        });
        found.await
    }

    /// Polls the log. Whoever waits meanwhile for a turn shares what comes of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database did not answer as one that confirms its commits, in time.
    pub(crate) async fn poll(&self, doorward: &Doorward) -> Result<()> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut succeeded = self.turn.lock().await;
        if self.ended.load(Ordering::Acquire) == ended {
            let polled = self.try_poll(doorward).await;
            *succeeded = polled.is_ok();
            self.ended.fetch_add(1, Ordering::Release);
            polled
        } else if *succeeded {
            Ok(())
        } else {
            Err(Error::Unavailable("the log could not be polled".into()))
        }
    }

    async fn try_poll(&self, doorward: &Doorward) -> Result<()> {
        let Doorward(inner) = doorward;
        let (clock, cache, metrics) = (&inner.clock, &inner.cache, &inner.metrics);
        let poll = self.lease().poll(moment(clock), cache);
        let polled = timeout(self.patience, self.ask(&poll, clock)).await;
        let shards = polled
            .unwrap_or_else(|_| Err(Error::Unavailable("the log is not answered in time".into())))
            .inspect_err(|_| _ = metrics.polls_failed.inc())?;
        metrics.polls.inc();
        let answer = poll.answered(shards);
        let followed = self.lease().apply(&answer, cache);
        if let Some(followed) = followed {
            let now = clock.now();
            for row in &followed.rows {
                metrics.propagated(now - written_at(row));
            }
            metrics.shards_dropped.inc_by(followed.drops as u64);
        }
        Ok(())
    }

    async fn ask(&self, poll: &Poll, clock: &Clock) -> Result<Vec<Vec<Row>>> {
        // Of what is not known the newest is asked for.
        let from: Vec<_> = (0..SHARDS.into())
            .map(|shard| poll.applied(shard).map_or(i64::MAX, |at| at.seq))
            .collect();
        let mut shards = vec![Vec::new(); SHARDS.into()];
        let rows = self.db.poll(&self.node, clock.now(), &from, |row| {
            let at = Position {
                seq: row.get(1)?,
                id: row.get(2)?,
            };
            let subject = forget::subject(row.get(3)?, &row.get::<Vec<u8>>(4)?)?;
            Ok((row.get::<i64>(0)?, Row { at, subject }))
        });
        for (shard, row) in rows.await? {
            let shard = usize::try_from(shard)
                .ok()
                .and_then(|shard| shards.get_mut(shard));
            if let Some(shard) = shard {
                shard.push(row);
            }
        }
        Ok(shards)
    }

    fn standing(&self, clock: &Clock) -> Standing {
        self.lease().standing(moment(clock))
    }

    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to answer from memory, for which the log may have to be polled; where this is the only server, the word that the
/// command line leaves may have to be looked for.
///
/// # Errors
/// [`Error::Unavailable`] when the log cannot be polled and the ceiling is reached, or the word cannot be looked for.
pub(super) async fn permit(doorward: &Doorward) -> Result<Permit> {
    let Some(follower) = &doorward.follower else {
        forget::look_outside_if_due(doorward).await?;
        return Ok(Permit::alone());
    };
    if let Standing::Held(permit) = follower.standing(&doorward.clock) {
        return Ok(permit);
    }
    let polled = follower.poll(doorward).await;
    match follower.standing(&doorward.clock) {
        Standing::Held(permit) => Ok(permit),
        // Also an answer that took as long as the lease is none.
        Standing::Lapsed(lapsed) => Ok(lapsed.after_failed_poll()),
        Standing::Over => Err(polled
            .err()
            .unwrap_or_else(|| Error::Unavailable("the log is answered too slowly".into()))),
    }
}

fn moment(clock: &Clock) -> Moment {
    Moment::new(clock.since_boot(), clock.now())
}

/// When the row was written, as its id tells.
fn written_at(row: &Row) -> crate::Timestamp {
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&row.at.id[..6]);
    crate::Timestamp::from_millis(i64::from_be_bytes(millis))
}
