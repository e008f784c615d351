//! Who was seen when: gathered in memory, written once a minute for everyone together.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use futures_util::future::try_join_all;

use super::{Live, store};
use crate::{
    Doorward,
    error::Result,
    ids::SessionId,
    store::Tx,
    time::{Span, Timestamp},
};

/// When a session was last used, by the minute. In memory it moves while the session is used.
#[derive(Debug)]
pub(super) struct LastSeen(AtomicI64);

impl LastSeen {
    /// The grain of last use.
    const GRAIN: Span = Span::minutes(1);

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Whether this use is told from the last.
    fn moves_to(&self, now: Timestamp) -> bool {
        let moves = now - self.at() >= Self::GRAIN;
        if moves {
            self.0.store(now.as_millis(), Ordering::Relaxed);
        }
        moves
    }
}

impl From<Timestamp> for LastSeen {
    fn from(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.as_millis()))
    }
}

impl Clone for LastSeen {
    fn clone(&self) -> Self {
        self.at().into()
    }
}

/// The sessions that were seen, on their way to the database.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<HashSet<Arc<Live>>>);

impl Activity {
    pub(super) fn saw(&self, live: &Arc<Live>, now: Timestamp) {
        if live.session.last_seen.moves_to(now) {
            self.seen().replace(Arc::clone(live));
        }
    }

    /// When a session was seen, if that is still on its way.
    pub(super) fn of(&self, id: &SessionId) -> Option<Timestamp> {
        let seen = self.seen();
        seen.get(id).map(|live| live.session.last_seen_at())
    }

    fn seen(&self) -> MutexGuard<'_, HashSet<Arc<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sessions that were seen, in the order of their ids: whoever writes them locks them in the same order.
    fn take(&self) -> Vec<Arc<Live>> {
        let mut seen: Vec<_> = mem::take(&mut *self.seen()).into_iter().collect();
        seen.sort_unstable_by_key(|live| live.session.id);
        seen
    }

    /// They are still on their way. Who was seen again meanwhile stays as seen.
    fn put_back(&self, unwritten: &[Arc<Live>]) {
        self.seen().extend(unwritten.iter().map(Arc::clone));
    }
}

/// How many of a transaction's statements go to a server together.
const TOGETHER: usize = 25;

/// How many sessions a transaction writes.
const BATCH: usize = 500;

/// Writes who was seen when. What could not be written stays for the next time.
pub(crate) async fn flush_activity(doorward: &Doorward) -> Result<()> {
    let seen = doorward.activity.take();
    for (at, batch) in seen.chunks(BATCH).enumerate() {
        let written = doorward
            .db
            .transaction(|tx| async move {
                for few in batch.chunks(TOGETHER) {
                    try_join_all(few.iter().map(|live| saw(&tx, live))).await?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            doorward.activity.put_back(&seen[at * BATCH..]);
            return Err(error);
        }
    }
    Ok(())
}

async fn saw(tx: &Tx, live: &Live) -> Result<()> {
    let session = &live.session;
    store::saw(tx, &session.id, session.last_seen_at()).await
}
