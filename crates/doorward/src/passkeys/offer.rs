//! Offering a passkey after a sign-in: to whom, and how often.

use super::store;
use crate::{
    Doorward, access,
    error::Result,
    ids::UserId,
    sessions::{self, Session},
    time::Timestamp,
};

/// Whoever has refused so often is not asked again.
const REFUSALS: u32 = 3;

/// A passkey that is offered. Each has words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// To someone who has none.
    First,
    /// To someone who signed in with another device's.
    OtherDevice,
    /// To someone who has some, but goes on using codes here.
    StillCodes,
}

impl Offer {
    /// The name in addresses.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::OtherDevice => "other-device",
            Self::StillCodes => "still-codes",
        }
    }

    /// The offer of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::First, Self::OtherDevice, Self::StillCodes]
            .into_iter()
            .find(|offer| offer.name() == name)
    }

    /// Whether it is for this very device, so that no other will do.
    pub(crate) fn is_for_this_device(self) -> bool {
        self != Self::First
    }
}

/// How someone has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Code,
    /// With a code, as before in the same browser.
    CodeAgain,
    Passkey,
    /// With a passkey of another device.
    OtherDevice,
}

/// What to offer to someone with so many passkeys who signed in so.
pub(super) fn offer(passkeys: u32, how: How) -> Option<Offer> {
    match how {
        _ if passkeys == 0 => Some(Offer::First),
        How::OtherDevice => Some(Offer::OtherDevice),
        How::CodeAgain => Some(Offer::StillCodes),
        How::Code | How::Passkey => None,
    }
}

/// What to offer after a sign-in, if anything: what is wanted, and can be taken up at once.
pub(crate) async fn due(
    doorward: &Doorward,
    session: &Session,
    how: How,
    now: Timestamp,
) -> Result<Option<Offer>> {
    let user = &session.user_id;
    let passkeys = super::count(doorward, user).await?;
    let has_room = passkeys < doorward.config.passkeys.per_user;
    let Some(offer) = offer(passkeys, how).filter(|_| has_room) else {
        return Ok(None);
    };
    if !are_wanted(doorward, user).await? {
        return Ok(None);
    }
    // Where a code is not proof enough for a passkey, the offer would begin with a refusal.
    let access = access::of_user(&mut &doorward.db, user).await?;
    let needed = sessions::proofs_needed(doorward, session, &access, now).await?;
    Ok(needed.is_none().then_some(offer))
}

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
