//! Who was seen when: gathered in memory, written once a minute for everyone together.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use super::{Live, store};
use crate::{
    Doorward,
    error::Result,
    ids::SessionId,
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

    /// The sessions and when each was seen, in order.
    #[expect(
        clippy::mutable_key_type,
        reason = "they are found by their ids, which stay"
    )]
    fn take(&self) -> Vec<(SessionId, Timestamp)> {
        let seen = mem::take(&mut *self.seen());
        let seen = seen
            .iter()
            .map(|live| (live.session.id, live.session.last_seen_at()));
        let mut seen: Vec<_> = seen.collect();
        seen.sort_unstable();
        seen
    }
}

/// Writes who was seen when.
pub(crate) async fn flush_activity(doorward: &Doorward) -> Result<()> {
    let seen = doorward.activity.take();
    for batch in seen.chunks(500) {
        doorward
            .db
            .transaction(|mut tx| async move {
                let tx = &mut tx;
                for (session, at) in batch {
                    store::saw(tx, session, *at).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}
