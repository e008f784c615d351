//! What both ceremonies share: challenges that come back, and telling the log why something was refused.

use doorward_webauthn::Refusal;

use super::{
    challenge::{self, Presented, Purpose},
    store,
};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    error::{Error, Escaped, Result},
    http::Client,
    ids::UserId,
    time::Timestamp,
};

/// Looks at a challenge that came back, and asks nobody. It may have come back before: that only whoever spends it learns.
pub(super) fn receive(
    doorward: &Doorward,
    challenge: &[u8],
    purpose: Purpose,
    binding: Option<&[u8]>,
    now: Timestamp,
) -> Result<Presented> {
    let key = &doorward.keys.challenges;
    challenge::open(key, challenge, purpose, binding, now).inspect_err(|error| {
        // Anyone can make challenges up, so these are logged, not written down.
        tracing::info!(error = %Escaped(error), "a challenge was refused");
    })
}

/// Takes a challenge back, once, whatever comes of it: in a commit of its own, before anything else is looked at.
pub(super) async fn take_back(
    doorward: &Doorward,
    challenge: &[u8],
    purpose: Purpose,
    binding: Option<&[u8]>,
    client: &Client,
    now: Timestamp,
) -> Result<()> {
    let challenge = receive(doorward, challenge, purpose, binding, now)?;
    if store::spend_alone(&doorward.db, &challenge).await? {
        doorward.metrics.challenges_spent.inc();
        return Ok(());
    }
    Err(replayed(doorward, client, now).await)
}

/// Tells the log of a challenge that had been spent before.
pub(super) async fn replayed(doorward: &Doorward, client: &Client, now: Timestamp) -> Error {
    doorward.metrics.challenges_replayed.inc();
    match audit::alone(doorward, client, replay(), now).await {
        Ok(()) => Error::ChallengeExpired,
        Err(error) => error,
    }
}

/// Tells the log which step refused, and the client nothing.
pub(super) async fn refused(
    doorward: &Doorward,
    user: Option<UserId>,
    refusal: Refusal,
    client: &Client,
    now: Timestamp,
) -> Error {
    match audit::alone(doorward, client, failure(user, refusal.name()), now).await {
        Ok(()) => Error::PasskeyFailed,
        Err(error) => error,
    }
}

/// The event of a challenge that had been spent before.
pub(super) fn replay() -> Event<'static> {
    Event::to(Kind::ChallengeReplayed, None).method("passkey")
}

/// The event of a refusal by this step.
pub(super) fn failure(user: Option<UserId>, step: &str) -> Event<'_> {
    Event::to(Kind::SignInFailed, user)
        .method("passkey")
        .detail(step)
}
