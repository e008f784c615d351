//! Who changes an account: its owner, from a session that must still be there, or someone else.

use super::lock_own;
use crate::{error::Result, ids::UserId, sessions::SignedIn, store::Tx, time::Timestamp};

/// Who changes an account.
pub(super) enum By<'a> {
    Owner(&'a SignedIn),
    Another(Option<UserId>),
}

impl By<'_> {
    /// Who that is, for the log. An owner's session is confirmed, and stays as it is until the transaction ends.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it has ended.
    pub(super) async fn confirm(
        &self,
        tx: &mut Tx,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<UserId>> {
        match self {
            By::Another(by) => Ok(*by),
            By::Owner(caller) => {
                // The user's row first, as everywhere but where a code is spent. Where those two meet, one is tried again.
                lock_own(tx, caller, now).await?;
                Ok(Some(*user))
            }
        }
    }
}
