//! Who was seen when: gathered in memory, written once a minute for everyone together.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use super::{Live, store};
use crate::{
    Doorward,
    error::Result,
    ids::SessionId,
    time::{Span, Timestamp},
};

/// The sessions that were seen, on their way to the database.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<Vec<Arc<Live>>>);

impl Activity {
    /// The grain of last use.
    const GRAIN: Span = Span::minutes(1);

    pub(super) fn saw(&self, live: &Arc<Live>, now: Timestamp) {
        let last = live.seen.load(Ordering::Relaxed);
        if now.as_millis() - last >= Self::GRAIN.as_millis() {
            live.seen.store(now.as_millis(), Ordering::Relaxed);
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(Arc::clone(live));
        }
    }

    /// The sessions and when each was seen, in order: of one that is there twice, the later comes last.
    fn take(&self) -> Vec<(SessionId, Timestamp)> {
        let seen = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let seen = seen
            .iter()
            .map(|live| (live.session.id, live.last_seen_at()));
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
