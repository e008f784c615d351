//! Whether a sign-in is recent, and strong, enough for a sensitive change.

use super::{Method, Session, SignedIn, store};
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

/// Which proofs would make a sign-in fit for a sensitive change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proofs {
    /// Whether there is a passkey that would do.
    pub passkey: bool,
    pub code: ByCode,
}

/// When a mailed code will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByCode {
    From(Timestamp),
    /// A day after a sign-in by code, which this session's was not.
    AfterSignIn,
    Never,
}

impl Proofs {
    pub(crate) fn code_will_do(self, now: Timestamp) -> bool {
        matches!(self.code, ByCode::From(from) if from <= now)
    }

    fn methods(self, now: Timestamp) -> Vec<&'static str> {
        let passkey = self.passkey.then_some(Method::Passkey);
        let code = self.code_will_do(now).then_some(Method::Otp);
        passkey.into_iter().chain(code).map(Method::name).collect()
    }
}

/// Which proofs would make a sign-in recent, and strong, enough for a sensitive change; `None` when it is.
pub(crate) async fn proofs_needed(
    doorward: &Doorward,
    session: &Session,
    access: &Access,
    now: Timestamp,
) -> Result<Option<Proofs>> {
    /// How long someone without their passkey waits, while the owner can read the notices and object.
    const RECOVERY: Span = Span::days(1);
    let recent = now < session.authenticated_at + doorward.config.sessions.fresh;
    if recent && session.method == Method::Passkey {
        return Ok(None);
    }
    let passkeys = passkeys::count(doorward, &session.user_id).await?;
    let begun = session.created_at;
    let proofs = Proofs {
        passkey: passkeys > 0,
        code: match after_passkey(doorward, access) {
            // Whoever has lost their only passkey gets back in by code, also where two would end that.
            AfterPasskey::Deny if passkeys >= PASSKEYS_THAT_END_CODES => ByCode::Never,
            AfterPasskey::Recovery | AfterPasskey::Deny if passkeys > 0 => match session.method {
                // What began with the passkey says nothing of how long its owner has been without it.
                Method::Passkey => ByCode::AfterSignIn,
                Method::Otp => ByCode::From(begun + RECOVERY),
            },
            AfterPasskey::Allow | AfterPasskey::Recovery | AfterPasskey::Deny => {
                ByCode::From(begun)
            }
        },
    };
    Ok((!recent || !proofs.code_will_do(now)).then_some(proofs))
}

/// Whether the sign-in is recent, and strong, enough for a sensitive change.
///
/// # Errors
/// [`Error::ReauthRequired`] with the methods that would do.
pub(crate) async fn require_fresh(
    doorward: &Doorward,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<()> {
    let (session, access) = (signed_in.session(), signed_in.access());
    match proofs_needed(doorward, session, access, now).await? {
        None => Ok(()),
        Some(proofs) => Err(Error::ReauthRequired {
            methods: proofs.methods(now),
            max_age: doorward.config.sessions.fresh,
        }),
    }
}

/// Looks again, in the transaction that changes how someone gets in, whether the session that asks for it is live.
///
/// The session was checked when the request came, perhaps from memory. Whoever signed out everywhere since then did so
/// to keep this request out; where the user's row is held, whoever does so from now on waits for this transaction.
///
/// # Errors
/// [`Error::Unauthenticated`] when it ended meanwhile.
pub(crate) async fn confirm(tx: &mut Tx, caller: &SignedIn) -> Result<()> {
    if store::hold(tx, &caller.session().id, &caller.live.token_hash).await? {
        Ok(())
    } else {
        Err(Error::Unauthenticated)
    }
}
