//! Moving the end of a session that is used.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Session, store};
use crate::{Doorward, error::Escaped, forget, ids::SessionId, time::Timestamp};

/// The sessions whose end is being moved.
#[derive(Debug, Default)]
pub(crate) struct Renewals(Mutex<HashSet<SessionId>>);

impl Renewals {
    /// One at a time: `None` where it is under way.
    fn begin(&self, id: SessionId) -> Option<Renewing<'_>> {
        let begun = self.under_way().insert(id);
        begun.then_some(Renewing { all: self, id })
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under way until it is dropped, also where the request that does it is given up half-way.
struct Renewing<'a> {
    all: &'a Renewals,
    id: SessionId,
}

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        self.all.under_way().remove(&self.id);
    }
}

/// Moves the end of a session. A database that cannot take it does not end the session: the next use tries again.
pub(super) async fn renew(doorward: &Doorward, session: &Session, end: Timestamp) {
    let id = session.id;
    let Some(_renewing) = doorward.renewals.begin(id) else {
        return;
    };
    let renewed = doorward.db.transaction(|mut tx| async move {
        let tx = &mut tx;
        store::renew(tx, &id, session.expires_at, end).await?;
        forget::renewed_session(doorward, tx, &id).await
    });
    if let Err(error) = renewed.await {
        tracing::warn!(error = %Escaped(&error), "a session could not be renewed");
    }
}
