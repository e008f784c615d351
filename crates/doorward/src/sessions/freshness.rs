//! Whether a sign-in is recent, and strong, enough for a sensitive change.

use super::{Method, SignedIn, store};
use crate::{
    Doorward,
    access::Access,
    config::AfterPasskey,
    error::{Error, Result},
    passkeys,
    store::Tx,
    time::{Span, Timestamp},
};

/// What a mailed code is worth to this person: administrators are held to `recovery` at least.
pub(crate) fn after_passkey(doorward: &Doorward, access: &Access) -> AfterPasskey {
    let configured = doorward.config.codes.after_passkey;
    if access.is_administrative() {
        configured.max(AfterPasskey::Recovery)
    } else {
        configured
    }
}

/// With how many passkeys an account is beyond mailed codes, where policy denies those: one can be lost.
pub(crate) const PASSKEYS_THAT_END_CODES: u32 = 2;

/// Whether the sign-in is recent, and strong, enough for a sensitive change.
///
/// # Errors
/// [`Error::ReauthRequired`] with the methods that would do.
pub(crate) async fn require_fresh(
    doorward: &Doorward,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<()> {
    /// How long someone without their passkey waits, while the owner can read the notices and object.
    const RECOVERY: Span = Span::days(1);
    let session = signed_in.session();
    let max_age = doorward.config.sessions.fresh;
    let recent = now < session.authenticated_at + max_age;
    if recent && session.method == Method::Passkey {
        return Ok(());
    }
    let passkeys = passkeys::count(doorward, &signed_in.user().id).await?;
    let has_passkeys = passkeys > 0;
    let code_will_do = match after_passkey(doorward, signed_in.access()) {
        AfterPasskey::Allow => true,
        // Whoever has lost their only passkey gets back in by code, also where two would end that.
        AfterPasskey::Deny if passkeys >= PASSKEYS_THAT_END_CODES => false,
        AfterPasskey::Recovery | AfterPasskey::Deny => {
            !has_passkeys || session.created_at + RECOVERY <= now
        }
    };
    if recent && code_will_do {
        return Ok(());
    }
    let methods = match (has_passkeys, code_will_do) {
        (true, true) => vec!["passkey", "otp"],
        (true, false) => vec!["passkey"],
        (false, _) => vec!["otp"],
    };
    Err(Error::ReauthRequired { methods, max_age })
}

/// Looks again, in the transaction that changes how someone gets in, whether the session that asks for it is live.
///
/// The session was checked when the request came, perhaps from memory. Whoever signed out everywhere since then did so
/// to keep this request out.
///
/// # Errors
/// [`Error::Unauthenticated`] when it ended meanwhile.
pub(crate) async fn confirm(tx: &mut Tx, caller: &SignedIn) -> Result<()> {
    if store::is_live(tx, &caller.session().id, &caller.live.token_hash).await? {
        Ok(())
    } else {
        Err(Error::Unauthenticated)
    }
}
