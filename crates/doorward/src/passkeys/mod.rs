//! Passkeys: registering, signing in, listing, naming, removing.
//!
//! Verification itself is `doorward-webauthn`'s. Here a challenge is handed out and taken back once, the account comes
//! from the session that a challenge is bound to or from the credential that was shown, never from what a client says,
//! and every effect is in the transaction that proves it.

mod challenge;
pub(crate) mod http;
mod providers;
mod store;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_webauthn::{
    self as webauthn, AssertionResponse, Credential, Refusal, RegistrationResponse,
    VerifiedAssertion,
    options::{CreationOptions, Descriptor, RequestOptions},
};
use serde::Serialize;
use utoipa::ToSchema;

use self::challenge::Purpose;
pub(crate) use self::providers::Providers;
use crate::{
    Doorward, access,
    audit::{self, Event, Kind},
    codes::Flow,
    config::{AfterPasskey, Config, CounterPolicy},
    error::{Error, Escaped, Result},
    http::Client,
    ids::UserId,
    limits::{self, Budget},
    mail::{Address, Notice},
    outbox,
    sessions::{self, Method, NewSession, Proof, SignedIn},
    store::Tx,
    time::Timestamp,
    users::{self, Account},
};

/// What this configuration accepts.
pub(crate) fn policy(config: &Config) -> webauthn::Policy {
    let mut policy = webauthn::Policy::new(config.rp_id(), config.all_origins());
    if !config.passkeys.top_origins.is_empty() {
        policy.cross_origin = webauthn::CrossOrigin::Allow {
            top_origins: config.passkeys.top_origins.clone(),
        };
    }
    policy.counter = match config.passkeys.counter {
        CounterPolicy::Refuse => webauthn::CounterPolicy::Refuse,
        CounterPolicy::Warn => webauthn::CounterPolicy::Warn,
    };
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

// ── Registration ────────────────────────────────────────────────────────────

/// The options for making a passkey, with a challenge that only this session can use.
pub(crate) async fn registration_options(
    doorward: &Doorward,
    caller: &SignedIn,
) -> Result<CreationOptions> {
    let now = doorward.clock.now();
    let account = caller.account();
    let existing = store::of_user(&mut &doorward.db, &account.user.id).await?;
    let challenge = challenge::mint(
        &doorward.keys.challenges,
        &doorward.entropy,
        Purpose::Register,
        Some(&registration_binding(caller)),
        now,
    );
    let user = webauthn::options::User {
        id: account.webauthn_handle().to_vec(),
        name: account.user.email.as_str().to_owned(),
        display_name: account.user.display_name(),
    };
    let exclude = existing
        .iter()
        .map(|passkey| Descriptor::from(&passkey.credential));
    Ok(
        CreationOptions::new(&doorward.policy, &doorward.config.app_name, user, challenge)
            .exclude(exclude),
    )
}

fn registration_binding(caller: &SignedIn) -> [u8; 32] {
    let mut binding = [0; 32];
    binding[..16].copy_from_slice(caller.session().id.as_bytes());
    binding[16..].copy_from_slice(caller.user().id.as_bytes());
    binding
}

/// Adds the passkey that was made, to the account of the session that asked for it.
pub(crate) async fn register(
    doorward: &Doorward,
    caller: &SignedIn,
    response: RegistrationResponse,
    name: Option<Name>,
    client: &Client,
) -> Result<Passkey> {
    let now = doorward.clock.now();
    let challenge = response
        .unauthenticated_challenge()
        .ok_or(Error::PasskeyFailed)?;
    take_back(
        doorward,
        &challenge,
        Purpose::Register,
        Some(&registration_binding(caller)),
        client,
        now,
    )
    .await?;
    let attachment = response.authenticator_attachment().map(str::to_owned);
    let credential = &match response.verify(&doorward.policy, &challenge) {
        Ok(verified) => verified.into_credential(),
        Err(refusal) => {
            return Err(refused(doorward, Some(caller.user().id), refusal, client, now).await);
        }
    };
    let user = caller.user().id;
    let given = &name;
    let default = &default_name(doorward, credential, attachment.as_deref(), client);
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            // The user's row is the lock under which passkeys are counted.
            users::lock(tx, &user, now).await?;
            sessions::confirm(tx, caller).await?;
            let existing = store::of_user(tx, &user).await?;
            if existing.len() >= doorward.config.passkeys.per_user as usize {
                return Err(Error::LimitReached);
            }
            let name = match given {
                Some(Name(name)) => name.clone(),
                None => distinct(default, &existing),
            };
            let passkey = Passkey {
                credential: credential.clone(),
                user_id: user,
                name,
                created_at: now,
                last_used_at: None,
            };
            if !store::insert(tx, &passkey).await? {
                return Err(Error::CredentialExists);
            }
            let added = Event::own(Kind::PasskeyAdded, user)
                .session(caller.session().id)
                .detail(&passkey.name);
            audit::record(tx, doorward, client, added, now).await?;
            let notice = Notice::PasskeyAdded {
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
            .await?;
            Ok(passkey)
        })
        .await
}

/// A name for a passkey, in the words that its owner would use.
///
/// Browsers keep the AAGUID of platform authenticators and password managers even without attestation, and
/// clear it for security keys.
fn default_name(
    doorward: &Doorward,
    credential: &Credential,
    attachment: Option<&str>,
    client: &Client,
) -> String {
    if let Some(provider) = doorward.providers.name(&credential.aaguid) {
        return provider.to_owned();
    }
    let has = |transport: &str| credential.transports.iter().any(|each| each == transport);
    let roaming = attachment == Some("cross-platform")
        || ["usb", "nfc", "ble", "smart-card"].into_iter().any(has);
    if roaming && !has("internal") && !has("hybrid") {
        return "Security key".to_owned();
    }
    match client.device() {
        device if device.browser.is_some() && device.os.is_some() => device.to_string(),
        _ => "Passkey".to_owned(),
    }
}

/// The name, with a number behind it when it is taken.
fn distinct(name: &str, existing: &[Passkey]) -> String {
    let taken = |name: &str| existing.iter().any(|passkey| passkey.name == name);
    if !taken(name) {
        return name.to_owned();
    }
    (2..=existing.len() + 1)
        .map(|number| format!("{name} ({number})"))
        .find(|name| !taken(name))
        .unwrap_or_else(|| name.to_owned())
}

/// What an owner calls a passkey: 1 to 64 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// # Errors
    /// [`Error::InvalidField`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let fine = (1..=64).contains(&text.chars().count()) && !text.chars().any(is_invisible);
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::field("name", "Use 1 to 64 characters."))
        }
    }
}

/// Characters that show nothing, or turn the text around them: a name made of them could pass for another.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}')
}

// ── Signing in ──────────────────────────────────────────────────────────────

/// The options for signing in: the same for everyone but for the challenge. Writes nothing.
pub(crate) fn authentication_options(doorward: &Doorward, flow: Option<&Flow>) -> RequestOptions {
    let binding = flow.map(|flow| flow.binding(&doorward.keys.flows));
    let challenge = challenge::mint(
        &doorward.keys.challenges,
        &doorward.entropy,
        Purpose::Authenticate,
        binding.as_ref().map(<[u8; 16]>::as_slice),
        doorward.clock.now(),
    );
    RequestOptions::new(&doorward.policy, challenge)
}

/// Trades an assertion for a session.
///
/// An address only narrows: it never selects the account, which is the credential's owner.
pub(crate) async fn sign_in(
    doorward: &Doorward,
    response: &AssertionResponse,
    address: Option<&Address>,
    presented: Option<&SignedIn>,
    client: &Client,
) -> Result<NewSession> {
    let now = doorward.clock.now();
    doorward
        .networks
        .check(client.ip(), Budget::Failures, now)?;
    let signed_in = verify_and_open(doorward, response, address, presented, client, now).await;
    match &signed_in {
        Ok(_) => doorward.metrics.signed_in("passkey"),
        Err(Error::PasskeyFailed | Error::UnknownCredential | Error::ChallengeExpired) => {
            doorward.networks.count(client.ip(), Budget::Failures, now);
            doorward.metrics.sign_in_failed("passkey");
        }
        Err(_) => {}
    }
    signed_in
}

async fn verify_and_open(
    doorward: &Doorward,
    response: &AssertionResponse,
    address: Option<&Address>,
    presented: Option<&SignedIn>,
    client: &Client,
    now: Timestamp,
) -> Result<NewSession> {
    let challenge = response
        .unauthenticated_challenge()
        .ok_or(Error::PasskeyFailed)?;
    let binding = client.flow().map(|flow| flow.binding(&doorward.keys.flows));
    take_back(
        doorward,
        &challenge,
        Purpose::Authenticate,
        binding.as_ref().map(<[u8; 16]>::as_slice),
        client,
        now,
    )
    .await?;
    // Whether a credential is known is told only to someone who went through a ceremony for this site.
    if let Err(refusal) = response.check_context(&doorward.policy, &challenge) {
        return Err(refused(doorward, None, refusal, client, now).await);
    }
    let Some(passkey) = store::find(&doorward.db, response.unauthenticated_credential_id()).await?
    else {
        tell_failure(doorward, None, "unknown_credential", client, now).await?;
        return Err(Error::UnknownCredential);
    };
    let owner = passkey.user_id;
    let account = users::account(&mut &doorward.db, &owner)
        .await?
        .ok_or(Error::PasskeyFailed)?;
    let verified = match response.verify(
        &doorward.policy,
        &challenge,
        &passkey.credential,
        account.webauthn_handle(),
    ) {
        Ok(verified) => verified,
        Err(refusal) => {
            if refusal == Refusal::CounterRegression {
                warn_of_copy(doorward, &account, &passkey, client, now).await?;
            }
            return Err(refused(doorward, Some(owner), refusal, client, now).await);
        }
    };
    if address.is_some_and(|address| *address != account.user.email) {
        tell_failure(doorward, Some(owner), "another address", client, now).await?;
        return Err(Error::PasskeyFailed);
    }
    if !account.is_active() {
        tell_failure(doorward, Some(owner), "disabled", client, now).await?;
        return Err(Error::PasskeyFailed);
    }
    if verified.counter_regressed() {
        warn_of_copy(doorward, &account, &passkey, client, now).await?;
    }
    let credential = &passkey.credential.id;
    let proof = &Proof::Passkey(verified, credential.clone());
    let opened = doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let Proof::Passkey(verified, _) = &proof else {
                return Err(Error::PasskeyFailed);
            };
            if !record_use(tx, credential, verified, now).await? {
                return Err(Error::PasskeyFailed);
            }
            // Read again under the writer: whoever was disabled meanwhile stays out, and nothing was counted.
            let account = users::signing_in(tx, &owner, now)
                .await?
                .ok_or(Error::PasskeyFailed)?;
            limits::reset_failures(
                tx,
                &limits::address_key(doorward, &account.user.email, None),
            )
            .await?;
            sessions::open(tx, doorward, &account, proof, presented, client, now).await
        })
        .await;
    if matches!(opened, Err(Error::PasskeyFailed)) {
        tell_failure(doorward, Some(owner), "overtaken", client, now).await?;
    }
    opened
}

/// Stores counter, backup state and time of use; `false` when another assertion with this or a later counter was
/// faster, or the passkey is gone.
async fn record_use(
    tx: &mut Tx,
    credential: &[u8],
    verified: &VerifiedAssertion,
    now: Timestamp,
) -> Result<bool> {
    let used = store::Used {
        credential,
        sign_count: verified.sign_count(),
        backed_up: verified.backed_up(),
        at: now,
    };
    if verified.counter_regressed() {
        // Policy lets it pass; the highest count stays the mark.
        store::used_again(tx, &used).await
    } else {
        store::used(tx, &used).await
    }
}

/// Takes a challenge back, once, whatever comes of it: written down and committed before any signature is looked at.
async fn take_back(
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
async fn refused(
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

async fn tell_failure(
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

/// Tells the owner that a counter went back: somebody may have a copy of the authenticator.
async fn warn_of_copy(
    doorward: &Doorward,
    account: &Account,
    passkey: &Passkey,
    client: &Client,
    now: Timestamp,
) -> Result<()> {
    let event = Event::to(Kind::CounterRegression, Some(account.user.id))
        .method("passkey")
        .detail(&passkey.name);
    let notice = &Notice::UnusualPasskeyUse {
        name: passkey.name.clone(),
    };
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            audit::record(tx, doorward, client, event, now).await?;
            outbox::post(
                tx,
                doorward,
                &account.user.email,
                notice,
                account.user.locale,
                now,
            )
            .await
        })
        .await
}

// ── Keeping ─────────────────────────────────────────────────────────────────

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

/// The arguments of the Signal API, for the answer to a sign-in that has happened: it does not fail for want of them.
pub(crate) async fn signals_if_known(doorward: &Doorward, user: &UserId) -> Option<Signals> {
    match signals(doorward, user).await {
        Ok(signals) => Some(signals),
        Err(error) => {
            tracing::warn!(error = %Escaped(&error), "a sign-in goes without signals");
            None
        }
    }
}

async fn signals(doorward: &Doorward, user: &UserId) -> Result<Signals> {
    let account = users::account(&mut &doorward.db, user)
        .await?
        .ok_or(Error::NotFound)?;
    let passkeys = of_user(doorward, user).await?;
    Ok(Signals {
        rp_id: doorward.policy.rp_id.clone(),
        user_id: URL_SAFE_NO_PAD.encode(account.webauthn_handle()),
        accepted_credential_ids: passkeys
            .iter()
            .map(|passkey| URL_SAFE_NO_PAD.encode(&passkey.credential.id))
            .collect(),
        name: account.user.email.as_str().to_owned(),
        display_name: account.user.display_name(),
    })
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
            sessions::confirm(tx, caller).await?;
            if !store::rename(tx, &user, credential, &name.0).await? {
                return Err(Error::NotFound);
            }
            let event = Event::own(Kind::PasskeyRenamed, user)
                .session(caller.session().id)
                .detail(&name.0);
            audit::record(tx, doorward, client, event, now).await?;
            store::find_in(tx, credential).await?.ok_or(Error::NotFound)
        })
        .await
}

/// Removes one of the caller's passkeys and ends the sessions that were opened with it, except the caller's own.
///
/// # Errors
/// [`Error::NotFound`] when it is not the caller's; [`Error::LastCredential`] when mailed codes no longer sign in and
/// too few passkeys would be left.
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
            users::lock(tx, &user, now).await?;
            sessions::confirm(tx, caller).await?;
            let existing = store::of_user(tx, &user).await?;
            let Some(passkey) = existing
                .iter()
                .find(|passkey| passkey.credential.id == credential)
            else {
                return Err(Error::NotFound);
            };
            let access = access::of_user(tx, &user).await?;
            // Whoever has it can make another first; whoever has lost it came by code, and has waited.
            if existing.len() == 1
                && sessions::after_passkey(doorward, &access) == AfterPasskey::Deny
                && caller.session().method == Method::Passkey
            {
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
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp, most: u32) -> Result<u64> {
    store::delete_expired_challenges(&doorward.db, now, most).await
}

#[cfg(test)]
mod tests;
