//! Offering a passkey after a sign-in: to whom, and how often.

use super::store;
use crate::{Doorward, error::Result, ids::UserId};

/// Whoever has refused so often is not asked again.
const REFUSALS: u32 = 3;

/// Whether someone wants to be offered a passkey when they have signed in without one.
pub(crate) async fn are_wanted(doorward: &Doorward, user: &UserId) -> Result<bool> {
    Ok(store::refused(&mut &doorward.db, user).await? < REFUSALS)
}

/// Refuses one offer. The last of [`REFUSALS`] ends them.
pub(crate) async fn refuse(doorward: &Doorward, user: &UserId) -> Result<()> {
    store::refuse(&doorward.db, user).await
}

/// Ends the offers, until they are wanted again.
pub(crate) async fn stop(doorward: &Doorward, user: &UserId) -> Result<()> {
    store::set_refused(&doorward.db, user, REFUSALS).await
}

/// Wants offers again, as if none had been refused.
pub(crate) async fn resume(doorward: &Doorward, user: &UserId) -> Result<()> {
    store::set_refused(&doorward.db, user, 0).await
}
