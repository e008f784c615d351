//! Signing in with a passkey.

use doorward_webauthn::{
    AssertionResponse, Refusal, VerifiedAssertion,
    options::{Descriptor, RequestOptions},
};
use futures_util::future::try_join3;

use super::{
    Passkey, Signals,
    ceremony::{failure, receive, replay, replayed},
    challenge::{self, Presented, Purpose},
    store,
};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    codes::Flow,
    error::{Error, Result},
    http::Client,
    ids::UserId,
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

/// Trades an assertion for a session, and what the browser may be told of the account's passkeys.
///
/// An address only narrows: it never selects the account, which is the credential's owner.
pub(crate) async fn sign_in(
    doorward: &Doorward,
    response: &AssertionResponse,
    address: Option<&Address>,
    presented: Option<&SignedIn>,
    client: &Client,
) -> Result<(NewSession, Signals)> {
    let now = doorward.clock.now();
    let cost = doorward
        .networks
        .spend(client.ip(), Budget::Failures, now)?;
    let signed_in = verify_and_open(doorward, response, address, presented, client, now).await;
    match &signed_in {
        Ok(_) => doorward.metrics.signed_in("passkey"),
        Err(Error::PasskeyFailed | Error::UnknownCredential | Error::ChallengeExpired) => {
            cost.keep();
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
) -> Result<(NewSession, Signals)> {
    let challenge = &response
        .unauthenticated_challenge()
        .ok_or(Error::PasskeyFailed)?;
    let binding = client.flow().map(|flow| flow.binding(&doorward.keys.flows));
    let binding = binding.as_ref().map(<[u8; 16]>::as_slice);
    let attempt = Attempt {
        doorward,
        challenge: &receive(doorward, challenge, Purpose::Authenticate, binding, now)?,
        client,
        now,
    };
    match verify(doorward, response, challenge, address, presented).await? {
        Ok(proven) => attempt.open(&proven, presented).await,
        Err(declined) => Err(attempt.decline(declined).await),
    }
}

/// What an assertion has proved.
struct Proven {
    passkey: Passkey,
    account: Account,
    verified: VerifiedAssertion,
}

/// Why an assertion opens nothing.
struct Declined {
    /// Whose passkey it is, where that is known.
    user: Option<UserId>,
    /// What the log is told.
    step: &'static str,
    /// What the client is told.
    error: Error,
    /// The id of a passkey that nobody has, as far as was seen.
    unknown: Option<Vec<u8>>,
    /// The passkey and its owner, where its counter went back.
    copied: Option<Box<(Passkey, Account)>>,
}

impl Declined {
    fn by(step: &'static str, user: Option<UserId>) -> Self {
        Self {
            user,
            step,
            error: Error::PasskeyFailed,
            unknown: None,
            copied: None,
        }
    }
}

/// Looks whether an assertion is all that it should be. Writes nothing.
async fn verify(
    doorward: &Doorward,
    response: &AssertionResponse,
    challenge: &[u8],
    address: Option<&Address>,
    presented: Option<&SignedIn>,
) -> Result<Result<Proven, Declined>> {
    // Whether a credential is known is told only to someone who went through a ceremony for this site.
    if let Err(refusal) = response.check_context(&doorward.policy, challenge) {
        return Ok(Err(Declined::by(refusal.name(), None)));
    }
    let credential = response.unauthenticated_credential_id();
    let Some((passkey, account)) = store::find_with_owner(&doorward.db, credential).await? else {
        return Ok(Err(Declined {
            error: Error::UnknownCredential,
            unknown: Some(credential.to_vec()),
            ..Declined::by("unknown_credential", None)
        }));
    };
    let owner = Some(account.user.id);
    // Whoever confirms who they are was identified by their session.
    let is_identified = presented.is_some_and(|own| own.user().id == account.user.id);
    let verify = if is_identified {
        AssertionResponse::verify_identified
    } else {
        AssertionResponse::verify
    };
    let verified = verify(
        response,
        &doorward.policy,
        challenge,
        &passkey.credential,
        account.webauthn_handle(),
    );
    Ok(match verified {
        Err(refusal) => Err(Declined {
            copied: (refusal == Refusal::CounterRegression).then(|| Box::new((passkey, account))),
            ..Declined::by(refusal.name(), owner)
        }),
        Ok(_) if address.is_some_and(|address| *address != account.user.email) => {
            Err(Declined::by("another address", owner))
        }
        Ok(_) if !account.is_active() => Err(Declined::by("disabled", owner)),
        Ok(verified) => Ok(Proven {
            passkey,
            account,
            verified,
        }),
    })
}

/// One presentation of an assertion. Its challenge is ours and in time; it is spent with whatever comes of it, and before
/// anyone is told what that is.
struct Attempt<'a> {
    doorward: &'a Doorward,
    challenge: &'a Presented,
    client: &'a Client,
    now: Timestamp,
}

impl Attempt<'_> {
    /// Spends the challenge and opens a session, both or neither.
    async fn open(
        &self,
        proven: &Proven,
        presented: Option<&SignedIn>,
    ) -> Result<(NewSession, Signals)> {
        let metrics = &self.doorward.metrics;
        let credential = proven.passkey.credential.id.clone();
        let proof = &Proof::Passkey(proven.verified.clone(), credential);
        let opened = self
            .doorward
            .db
            .transaction(|tx| async move { self.open_in(&tx, proven, proof, presented).await })
            .await;
        match opened {
            Ok(opened) => {
                metrics.challenges_spent.inc();
                Ok(opened)
            }
            // Undone, and with it the spending of the challenge.
            Err(Error::PasskeyFailed) => Err(self.decline(proven.overtaken()).await),
            Err(Error::ChallengeExpired) => {
                Err(replayed(self.doorward, self.client, self.now).await)
            }
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// [`Error::ChallengeExpired`] when the challenge had been spent before; [`Error::PasskeyFailed`] when what was
    /// verified is so no more.
    async fn open_in(
        &self,
        tx: &Tx,
        proven: &Proven,
        proof: &Proof,
        presented: Option<&SignedIn>,
    ) -> Result<(NewSession, Signals)> {
        let Self {
            doorward,
            client,
            now,
            ..
        } = *self;
        let owner = &proven.account.user.id;
        // The challenge first: whoever presents it at the same time waits for it, and holds nothing that others wait for.
        // Then the user's row, as everywhere: it is the lock.
        let (unspent, holder, used) = try_join3(
            store::spend(tx, self.challenge),
            users::signing_in(tx, owner, now),
            proven.record_use(tx, now),
        )
        .await?;
        if !unspent {
            return Err(Error::ChallengeExpired);
        }
        // Whoever was disabled meanwhile stays out, and nothing is counted.
        let holder = holder.filter(|_| used).ok_or(Error::PasskeyFailed)?;
        let account = &holder.account;
        if proven.verified.counter_regressed() {
            self.warn_of_copy(tx, &proven.passkey, account).await?;
        }
        let address = limits::address_key(doorward, &account.user.email, None);
        let ((), passkeys, session) = try_join3(
            limits::reset_failures(tx, &address),
            store::ids_of_user(tx, owner),
            sessions::open(tx, doorward, &holder, proof, presented, client, now),
        )
        .await?;
        Ok((session, Signals::new(doorward, account, &passkeys)))
    }

    /// Spends the challenge of an assertion that opens nothing, and tells the log why, both or neither; what the client is
    /// to be told.
    async fn decline(&self, declined: Declined) -> Error {
        let metrics = &self.doorward.metrics;
        let why = &declined;
        let spent = self
            .doorward
            .db
            .transaction(|tx| async move { self.decline_in(&tx, why).await })
            .await;
        match spent {
            Ok(true) => {
                metrics.challenges_spent.inc();
                declined.error
            }
            Ok(false) => {
                metrics.challenges_replayed.inc();
                Error::ChallengeExpired
            }
            Err(error) => error,
        }
    }

    /// Whether the challenge had not been spent before.
    async fn decline_in(&self, tx: &Tx, declined: &Declined) -> Result<bool> {
        let unspent = store::spend(tx, self.challenge).await?;
        let event = if unspent {
            failure(declined.user, declined.step)
        } else {
            replay()
        };
        // A browser that is told so forgets the passkey. So it is looked for once more, in the transaction whose commit is
        // confirmed: a server that was left with an old database would not know of new ones.
        if let (true, Some(credential)) = (unspent, &declined.unknown)
            && store::find(tx, credential).await?.is_some()
        {
            return Err(Error::Unavailable("the passkey is known by now".into()));
        }
        if let (true, Some(copied)) = (unspent, &declined.copied) {
            self.warn_of_copy(tx, &copied.0, &copied.1).await?;
        }
        audit::record(tx, self.doorward, self.client, event, self.now).await?;
        Ok(unspent)
    }

    /// Tells the owner that a counter went back: somebody may have a copy of the authenticator.
    async fn warn_of_copy(&self, tx: &Tx, passkey: &Passkey, account: &Account) -> Result<()> {
        let Self {
            doorward,
            client,
            now,
            ..
        } = *self;
        let user = &account.user;
        let event = Event::to(Kind::CounterRegression, Some(user.id))
            .method("passkey")
            .detail(&passkey.name);
        audit::record(tx, doorward, client, event, now).await?;
        let notice = Notice::UnusualPasskeyUse {
            name: passkey.name.clone(),
        };
        outbox::post(tx, doorward, &user.email, &notice, user.locale, now).await
    }
}

impl Proven {
    /// Stores counter, backup state and time of use; `false` when another assertion with this or a later counter was
    /// faster, or the passkey is gone.
    async fn record_use(&self, tx: &Tx, now: Timestamp) -> Result<bool> {
        let used = store::Used {
            credential: &self.passkey.credential.id,
            sign_count: self.verified.sign_count(),
            backed_up: self.verified.backed_up(),
            at: now,
        };
        if self.verified.counter_regressed() {
            // Policy lets it pass; the highest count stays the mark.
            store::used_again(tx, &used).await
        } else {
            store::used(tx, &used).await
        }
    }

    /// What was proved is so no more: someone was faster.
    fn overtaken(&self) -> Declined {
        let copied = || Box::new((self.passkey.clone(), self.account.clone()));
        Declined {
            copied: self.verified.counter_regressed().then(copied),
            ..Declined::by("overtaken", Some(self.account.user.id))
        }
    }
}
