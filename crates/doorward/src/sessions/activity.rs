//! Who was seen when: gathered in memory, written once a minute for everyone together.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError, atomic::Ordering},
};

use super::{Live, store};
use crate::{
    Doorward,
    error::Result,
    ids::SessionId,
    time::{Span, Timestamp},
};

/// Who was seen when, on its way to the database: written once a minute for everyone together.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<HashMap<SessionId, Timestamp>>);

impl Activity {
    /// The grain of last use.
    const GRAIN: Span = Span::minutes(1);

    pub(super) fn saw(&self, live: &Live, now: Timestamp) {
        let last = live.seen.load(Ordering::Relaxed);
        if now.as_millis() - last >= Self::GRAIN.as_millis() {
            live.seen.store(now.as_millis(), Ordering::Relaxed);
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(live.session.id, now);
        }
    }

    pub(super) fn of(&self, id: &SessionId) -> Option<Timestamp> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .copied()
    }

    pub(super) fn take(&self) -> Vec<(SessionId, Timestamp)> {
        let mut all: Vec<_> =
            mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
                .into_iter()
                .collect();
        all.sort_unstable();
        all
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
