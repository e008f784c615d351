//! Signing in with a passkey.

use doorward_webauthn::{
    AssertionResponse, Refusal, VerifiedAssertion,
    options::{Descriptor, RequestOptions},
};

use super::{
    Passkey,
    ceremony::{refused, take_back, tell_failure},
    challenge::{self, Purpose},
    store,
};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    codes::Flow,
    error::{Error, Result},
    http::Client,
    limits::{self, Budget},
    mail::{Address, Notice},
    outbox,
    sessions::{self, NewSession, Proof, SignedIn},
    store::Tx,
    time::Timestamp,
    users::{self, Account},
};

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

/// The options for confirming who someone is, with a passkey of theirs.
pub(crate) async fn confirmation_options(
    doorward: &Doorward,
    caller: &SignedIn,
    flow: Option<&Flow>,
) -> Result<RequestOptions> {
    let passkeys = store::of_user(&mut &doorward.db, &caller.user().id).await?;
    let theirs = passkeys
        .iter()
        .map(|passkey| Descriptor::from(&passkey.credential));
    Ok(authentication_options(doorward, flow).allow(theirs))
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
            // The user's row first, as everywhere: it is the lock. Whoever was disabled meanwhile stays out, and nothing is
            // counted.
            let account = users::signing_in(tx, &owner, now)
                .await?
                .ok_or(Error::PasskeyFailed)?;
            if !record_use(tx, credential, verified, now).await? {
                return Err(Error::PasskeyFailed);
            }
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
