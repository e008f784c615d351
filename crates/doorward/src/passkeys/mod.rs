//! Passkeys: registering, signing in, listing, naming, removing.
//!
//! Verification itself is `doorward-webauthn`'s. Here a challenge is handed out and taken back once, the account comes
//! from the session that a challenge is bound to or from the credential that was shown, never from what a client says,
//! and every effect is in the transaction that proves it.

mod authentication;
mod ceremony;
mod challenge;
pub(crate) mod http;
mod naming;
pub(crate) mod offer;
mod providers;
mod registration;
mod store;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_webauthn::{self as webauthn, Credential};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::{
    authentication::{authentication_options, confirmation_options, sign_in},
    naming::Name,
    providers::Providers,
    registration::{register, registration_options},
};
use crate::{
    Doorward,
    access::{self, Access},
    audit::{self, Event, Kind},
    config::{AfterPasskey, Config, CounterPolicy},
    error::{Error, Result},
    http::Client,
    ids::UserId,
    mail::Notice,
    outbox,
    sessions::{self, Method, SignedIn},
    store::Tx,
    time::{Span, Timestamp},
    users::{self, Account},
};

/// What this configuration accepts.
pub(crate) fn policy(config: &Config) -> webauthn::Policy {
    let apps = config.passkeys.app_origins.iter().map(String::as_str);
    let mut policy = webauthn::Policy::new(config.rp_id(), config.all_origins().chain(apps));
    if !config.passkeys.top_origins.is_empty() {
        policy.cross_origin = webauthn::CrossOrigin::Allow {
            top_origins: config.passkeys.top_origins.clone(),
        };
    }
    policy.counter = match config.passkeys.counter {
        CounterPolicy::Refuse => webauthn::CounterPolicy::Refuse,
        CounterPolicy::Warn => webauthn::CounterPolicy::Warn,
    };
    // Without the feature the configuration is refused, see `Config::check`.
    #[cfg(feature = "ml-dsa")]
    if config.passkeys.post_quantum {
        policy = policy.with_post_quantum();
    }
    policy
}

/// A passkey as stored.
#[derive(Debug, Clone)]
pub(crate) struct Passkey {
    pub credential: Credential,
    pub user_id: UserId,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// The user agent that it was made with.
    pub made_with: Option<String>,
}

/// The arguments of the WebAuthn Signal API, by which a browser learns which passkeys still work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signals {
    rp_id: String,
    /// The WebAuthn user handle, base64url: not the id of the user.
    user_id: String,
    accepted_credential_ids: Vec<String>,
    name: String,
    display_name: String,
}

impl Signals {
    /// For an account that has the passkeys with these ids.
    fn new<'a>(
        doorward: &Doorward,
        account: &Account,
        passkeys: impl IntoIterator<Item = &'a Vec<u8>>,
    ) -> Self {
        let ids = passkeys.into_iter().map(|id| URL_SAFE_NO_PAD.encode(id));
        Self {
            rp_id: doorward.policy.rp_id.clone(),
            user_id: URL_SAFE_NO_PAD.encode(account.webauthn_handle()),
            accepted_credential_ids: ids.collect(),
            name: account.user.email.as_str().to_owned(),
            display_name: account.user.display_name(),
        }
    }

    /// The same for an account that is gone: no passkey of it works any more.
    pub(crate) fn without_passkeys(self) -> Self {
        Self {
            accepted_credential_ids: Vec::new(),
            ..self
        }
    }

    /// As pages hold it for their script.
    pub(crate) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal(error.into()))
    }
}

/// The caller's passkeys, newest first.
pub(crate) async fn of_user(doorward: &Doorward, user: &UserId) -> Result<Vec<Passkey>> {
    store::of_user(&mut &doorward.db, user).await
}

/// How many passkeys a user has.
pub(crate) async fn count(doorward: &Doorward, user: &UserId) -> Result<u32> {
    store::count(&mut &doorward.db, user).await
}

/// How many passkeys a user has, seen from a transaction.
pub(crate) async fn count_in(tx: &mut Tx, user: &UserId) -> Result<u32> {
    store::count(tx, user).await
}

/// Drops every passkey of a user, without a word: they were nobody's.
pub(crate) async fn drop_all(tx: &mut Tx, user: &UserId) -> Result<()> {
    store::delete_all(tx, user).await
}

/// The arguments of the Signal API as they are now.
pub(crate) async fn signals(doorward: &Doorward, user: &UserId) -> Result<Signals> {
    let account = users::account(&mut &doorward.db, user)
        .await?
        .ok_or(Error::NotFound)?;
    let passkeys = of_user(doorward, user).await?;
    let ids = passkeys.iter().map(|passkey| &passkey.credential.id);
    Ok(Signals::new(doorward, &account, ids))
}

/// Renames one of the caller's passkeys.
///
/// # Errors
/// [`Error::NotFound`] when it is not the caller's.
pub(crate) async fn rename(
    doorward: &Doorward,
    caller: &SignedIn,
    credential: &[u8],
    name: &Name,
    client: &Client,
) -> Result<Passkey> {
    let now = doorward.clock.now();
    let user = caller.user().id;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            users::lock_own(tx, caller, now).await?;
            if !store::rename(tx, &user, credential, &name.0).await? {
                return Err(Error::NotFound);
            }
            let event = Event::own(Kind::PasskeyRenamed, user)
                .session(caller.session().id)
                .detail(&name.0);
            audit::record(tx, doorward, client, event, now).await?;
            store::find(tx, credential).await?.ok_or(Error::NotFound)
        })
        .await
}

/// Whether policy lets the caller remove one of this many passkeys.
///
/// Where mailed codes do not sign in the last one stays: whoever has it can make another first; whoever has lost it came
/// by code, and has waited.
pub(crate) fn may_remove(
    doorward: &Doorward,
    caller: &SignedIn,
    access: &Access,
    passkeys: usize,
) -> bool {
    passkeys > 1
        || sessions::after_passkey(doorward, access) != AfterPasskey::Deny
        || caller.session().method != Method::Passkey
}

/// Removes one of the caller's passkeys and ends the sessions that were opened with it, except the caller's own.
///
/// # Errors
/// [`Error::NotFound`] when it is not the caller's; [`Error::LastCredential`] when [policy keeps it](may_remove).
pub(crate) async fn remove(
    doorward: &Doorward,
    caller: &SignedIn,
    credential: &[u8],
    client: &Client,
) -> Result<()> {
    let now = doorward.clock.now();
    let user = caller.user().id;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            // The user's row is the lock: of two who remove the last two, one sees that it is the last.
            users::lock_own(tx, caller, now).await?;
            let existing = store::of_user(tx, &user).await?;
            let Some(passkey) = existing
                .iter()
                .find(|passkey| passkey.credential.id == credential)
            else {
                return Err(Error::NotFound);
            };
            let access = access::of_user(tx, &user).await?;
            if !may_remove(doorward, caller, &access, existing.len()) {
                return Err(Error::LastCredential);
            }
            store::delete(tx, credential).await?;
            let own = caller.session().id;
            sessions::end_those_of_passkey(
                tx,
                doorward,
                client,
                &user,
                credential,
                Some(&own),
                now,
            )
            .await?;
            let removed = Event::own(Kind::PasskeyRemoved, user)
                .session(own)
                .detail(&passkey.name);
            audit::record(tx, doorward, client, removed, now).await?;
            let notice = Notice::PasskeyRemoved {
                name: passkey.name.clone(),
            };
            outbox::post(
                tx,
                doorward,
                &caller.user().email,
                &notice,
                caller.user().locale,
                now,
            )
            .await
        })
        .await
}

/// Deletes spent challenges that would be refused as expired anyway; how many.
///
/// A challenge is spent some time after its age was looked at, perhaps by a server whose clock is behind. It is remembered
/// for longer than both together.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp) -> Result<u64> {
    const REMEMBERED: Span = Span::minutes(5);
    store::delete_expired_challenges(&doorward.db, now - REMEMBERED).await
}

#[cfg(test)]
mod tests;
