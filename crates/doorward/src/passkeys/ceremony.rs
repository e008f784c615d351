//! What both ceremonies share: taking a challenge back once, and telling the log why something was refused.

use doorward_webauthn::Refusal;

use super::{
    challenge::{self, Purpose},
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

/// Takes a challenge back, once, whatever comes of it: written down and committed before any signature is looked at.
pub(super) async fn take_back(
    doorward: &Doorward,
    challenge: &[u8],
    purpose: Purpose,
    binding: Option<&[u8]>,
    client: &Client,
    now: Timestamp,
) -> Result<()> {
    let presented =
        match challenge::open(&doorward.keys.challenges, challenge, purpose, binding, now) {
            Ok(presented) => presented,
            Err(error) => {
                // Anyone can make challenges up, so these are logged, not written down.
                tracing::info!(error = %Escaped(&error), "a challenge was refused");
                return Err(error);
            }
        };
    if store::spend(&doorward.db, &presented.nonce, presented.expires_at).await? {
        doorward.metrics.challenges_spent.inc();
        return Ok(());
    }
    doorward.metrics.challenges_replayed.inc();
    let event = Event::to(Kind::ChallengeReplayed, None).method("passkey");
    audit::alone(doorward, client, event, now).await?;
    Err(Error::ChallengeExpired)
}

/// Tells the log which step refused, and the client nothing.
pub(super) async fn refused(
    doorward: &Doorward,
    user: Option<UserId>,
    refusal: Refusal,
    client: &Client,
    now: Timestamp,
) -> Error {
    match tell_failure(doorward, user, refusal.name(), client, now).await {
        Ok(()) => Error::PasskeyFailed,
        Err(error) => error,
    }
}

pub(super) async fn tell_failure(
    doorward: &Doorward,
    user: Option<UserId>,
    step: &str,
    client: &Client,
    now: Timestamp,
) -> Result<()> {
    let event = Event::to(Kind::SignInFailed, user)
        .method("passkey")
        .detail(step);
    audit::alone(doorward, client, event, now).await
}
