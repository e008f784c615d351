//! Mailed one-time codes.
//!
//! A code signs in once, for at most ten minutes, to the address it was mailed to, and is compared at most five
//! times, whatever happens in parallel. Asking for one tells nobody whether an account exists. An address that is being
//! guessed at gets longer codes, and is never locked.

mod code;
mod device;
mod flow;
pub(crate) mod http;
mod store;

use self::code::Form;
pub(crate) use self::{code::Code, device::cookie as device_cookie, flow::Flow};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    config::AfterPasskey,
    error::{Error, Result},
    http::Client,
    ids::{self, CodeId, UserId},
    limits::{self, Budget, Spent},
    mail::{Address, Notice},
    outbox, passkeys,
    sessions::{self, NewSession, Proof, SignedIn},
    store::Tx,
    time::{Span, Timestamp},
    users,
};

/// How often a code may be compared.
pub(crate) const ATTEMPTS: u32 = 5;

/// While a code has this long to live it is sent again rather than replaced, so that late mail locks nobody out.
const WORTH_RESENDING: Span = Span::minutes(5);

/// The most codes of one address that no flow protects.
const UNBOUND: u32 = 3;

/// What a code is for. A code for one thing is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    SignIn,
    EmailChange,
}

impl Purpose {
    const fn number(self) -> i64 {
        match self {
            Self::SignIn => 1,
            Self::EmailChange => 2,
        }
    }
}

/// Proof that a code was redeemed. Only [`spend`] makes one.
#[derive(Debug)]
pub(crate) struct Redeemed(());

/// A code that is on its way, and the flow that it is bound to.
#[derive(Debug)]
pub(crate) struct Requested {
    pub issued: Issued,
    pub flow: Flow,
}

/// A code that was issued.
#[derive(Debug)]
pub(crate) struct Issued {
    pub expires_at: Timestamp,
    /// How many digits it has; `None` for one of letters and digits, where the address is being guessed at. That is
    /// counted by what was sent, so it tells nobody whether there is an account.
    pub digits: Option<u8>,
}

/// How the caller of [`request`] wants its code bound.
#[derive(Debug)]
pub(crate) enum Binding {
    /// To this flow.
    Flow(Flow),
    /// Not at all: the caller cannot keep a flow.
    None,
}

/// Mails a sign-in code.
///
/// No account is looked up here, so nothing can leak: whether there is one, and whether it may sign in, is the mail
/// worker's business, after the answer has gone.
pub(crate) async fn request(
    doorward: &Doorward,
    address: &Address,
    binding: Binding,
    client: &Client,
) -> Result<Requested> {
    let now = doorward.clock.now();
    doorward
        .networks
        .spend(client.ip(), Budget::Codes, now)?
        .keep();
    let (flow, bound) = match binding {
        Binding::Flow(flow) => (flow, true),
        Binding::None => (Flow::new(&doorward.entropy), false),
    };
    let binding = flow.binding(&doorward.keys.flows);
    let issue = Issue {
        purpose: Purpose::SignIn,
        address,
        binding: if bound { &binding } else { &[] },
    };
    let issued = issue_code(doorward, &issue, client, now).await?;
    Ok(Requested { issued, flow })
}

/// What a code is to be issued for.
#[derive(Clone, Copy)]
pub(crate) struct Issue<'a> {
    pub purpose: Purpose,
    pub address: &'a Address,
    /// What the code is bound to; empty for nothing.
    pub binding: &'a [u8],
}

/// Issues a code and has it mailed, within the address's budgets.
///
/// Tells the log of an address whose budget is spent. What a network's budget refuses comes before this and is not
/// written down: a flood would write.
pub(crate) async fn issue_code(
    doorward: &Doorward,
    issue: &Issue<'_>,
    client: &Client,
    now: Timestamp,
) -> Result<Issued> {
    let issued = doorward
        .db
        .transaction(|mut tx| async move { issue_in(&mut tx, doorward, issue, client, now).await })
        .await;
    if let Err(Error::RateLimited { .. }) = issued {
        let event = Event::to(Kind::RateLimited, None).method("otp");
        audit::alone(doorward, client, event, now).await?;
    }
    issued
}

async fn issue_in(
    tx: &mut Tx,
    doorward: &Doorward,
    issue: &Issue<'_>,
    client: &Client,
    now: Timestamp,
) -> Result<Issued> {
    let Issue {
        purpose, address, ..
    } = *issue;
    let key = limits::address_key(doorward, address, None);
    let known = client
        .device_cookie()
        .and_then(|cookie| device::known(&doorward.keys.devices, cookie, address));
    // Strangers cannot spend a known device's budget; their wrong codes are still counted against the address.
    let device = known.map(|device| limits::address_key(doorward, address, Some(&device)));
    let limits = &doorward.config.limits;
    let failures = limits::spend_code(tx, limits, &key, device.as_ref(), now).await?;
    let form = form(doorward, failures, device.is_some(), now);
    let (id, expires_at) = code_to_mail(tx, doorward, issue, form, now).await?;
    let code = Code::of(&doorward.keys.codes, &id, form).text().to_owned();
    let minutes = u32::try_from((expires_at - now).as_millis() / 60_000)
        .unwrap_or(1)
        .max(1);
    let notice = match purpose {
        Purpose::SignIn => Notice::SignInCode { code, minutes },
        Purpose::EmailChange => Notice::EmailChangeCode { code, minutes },
    };
    outbox::post_code(
        tx,
        doorward,
        &id,
        address,
        &notice,
        purpose == Purpose::SignIn,
        expires_at,
        now,
    )
    .await?;
    audit::record(
        tx,
        doorward,
        client,
        Event::to(Kind::CodeRequested, None).method("otp"),
        now,
    )
    .await?;
    Ok(Issued {
        expires_at,
        digits: match form {
            Form::Digits(digits) => Some(digits),
            Form::Long => None,
        },
    })
}

/// A code that lives long enough to be mailed: in a flow the one before, if it does, and else a new one, in place of those
/// that it replaces: in a flow the one before, without a flow the oldest.
async fn code_to_mail(
    tx: &mut Tx,
    doorward: &Doorward,
    issue: &Issue<'_>,
    form: Form,
    now: Timestamp,
) -> Result<(CodeId, Timestamp)> {
    let Issue {
        address, binding, ..
    } = *issue;
    let (purpose, email_key) = (issue.purpose.number(), address.key());
    let shard = doorward.entropy.bytes::<1>()[0];
    let id = CodeId(ids::fresh(&doorward.entropy, now, shard));
    let code = Code::of(&doorward.keys.codes, &id, form);
    let row = store::NewRow {
        id: &id,
        purpose,
        email_key,
        binding,
        form: store::form_number(form),
        code_mac: &code.mac(&doorward.keys.codes, purpose, email_key),
        attempts: ATTEMPTS,
        created_at: now,
        expires_at: now + doorward.config.codes.lifetime,
    };
    let until = now + WORTH_RESENDING;
    let (keep, beside) = if binding.is_empty() {
        (UNBOUND - 1, store::insert(tx, &row).await?)
    } else {
        match store::insert_unless_live(tx, &row, until).await? {
            Some(beside) => (0, beside),
            None => match store::live(tx, &row, until).await? {
                Some(live) => return Ok(live),
                // It has ended between the two statements.
                None => (0, store::insert(tx, &row).await?),
            },
        }
    };
    if beside > keep {
        store::make_room(tx, email_key, purpose, binding, Some(&id), keep).await?;
    }
    Ok((id, row.expires_at))
}

/// Long codes where the address, or the world, is being guessed at. A device that has signed in before is spared the
/// world's troubles, not its own.
fn form(doorward: &Doorward, failures: u32, known_device: bool, now: Timestamp) -> Form {
    let limits = &doorward.config.limits;
    let guessed_at = failures >= limits.failures_before_long_codes;
    let sprayed = !known_device && doorward.brake.holds(limits.brake, now);
    if guessed_at || sprayed {
        Form::Long
    } else {
        Form::Digits(doorward.config.codes.digits)
    }
}

/// How a code that was shown compares.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Accepted(T),
    /// It was the right one, in its time.
    Expired,
    Wrong,
}

/// Trades a code for a session, creating the account on first sign-in.
///
/// Wrong, spent and unknown codes are one error, so that the answer tells a guesser nothing.
pub(crate) async fn redeem(
    doorward: &Doorward,
    address: &Address,
    typed: &str,
    flow: Option<&Flow>,
    presented: Option<&SignedIn>,
    client: &Client,
) -> Result<NewSession> {
    let now = doorward.clock.now();
    let typed = read(doorward, typed, client, now)?;
    let binding = flow
        .map(|flow| flow.binding(&doorward.keys.flows))
        .unwrap_or_default();
    let guess = Guess {
        purpose: Purpose::SignIn,
        address,
        binding: &binding,
        or_unbound: true,
    };
    let outcome = spend(
        doorward,
        &guess,
        typed,
        now,
        |mut tx, redeemed, failures| async move {
            let tx = &mut tx;
            let Some(holder) = users::find_or_create(tx, doorward, client, address, now).await?
            else {
                return Ok(None);
            };
            if sessions::after_passkey(doorward, &holder.access) == AfterPasskey::Deny
                && passkeys::count_in(tx, &holder.account.user.id).await?
                    >= sessions::PASSKEYS_THAT_END_CODES
            {
                return Ok(None);
            }
            if failures > 0 {
                limits::reset_failures(tx, &limits::address_key(doorward, address, None)).await?;
            }
            let proof = Proof::Code(redeemed);
            sessions::open(tx, doorward, &holder, &proof, presented, client, now)
                .await
                .map(Some)
        },
    )
    .await?;
    match outcome {
        Outcome::Accepted(session) => {
            doorward.metrics.signed_in("otp");
            Ok(session)
        }
        Outcome::Expired => Err(Error::ExpiredCode),
        Outcome::Wrong => {
            count_failure(doorward, address, client, now).await?;
            Err(Error::InvalidCode)
        }
    }
}

/// A code that was typed, and what it costs its network if it is wrong.
pub(crate) struct Typed<'a> {
    code: Code,
    cost: Spent<'a>,
}

/// A code that someone shows.
pub(crate) struct Guess<'a> {
    pub purpose: Purpose,
    pub address: &'a Address,
    /// What it should be bound to.
    pub binding: &'a [u8],
    /// Whether a code that is bound to nothing will do.
    pub or_unbound: bool,
}

/// Reads a code that was typed.
///
/// What cannot be a code is no guess: it costs the network that sent it, and nothing of the address.
///
/// # Errors
/// [`Error::RateLimited`] when too much of the network has failed or is under way; [`Error::InvalidCode`] when no code looks like that.
pub(crate) fn read<'a>(
    doorward: &'a Doorward,
    typed: &str,
    client: &Client,
    now: Timestamp,
) -> Result<Typed<'a>> {
    let cost = doorward
        .networks
        .spend(client.ip(), Budget::Failures, now)?;
    let Some(code) = Code::parse(typed) else {
        cost.keep();
        doorward.metrics.sign_in_failed("otp");
        return Err(Error::InvalidCode);
    };
    Ok(Typed { code, cost })
}

/// Spends an attempt and, if the code is right, does what it was for in the same transaction, told how many wrong codes in a
/// row the address has seen.
///
/// The attempt is spent in the same statement that compares, so parallel guesses cannot outrun the limit; and what is
/// counted against a wrong guess is counted in transactions of its own, so nothing that fails there gives the
/// attempt back.
pub(crate) async fn spend<T, F>(
    doorward: &Doorward,
    guess: &Guess<'_>,
    typed: Typed<'_>,
    now: Timestamp,
    then: impl Fn(Tx, Redeemed, u32) -> F,
) -> Result<Outcome<T>>
where
    F: Future<Output = Result<Option<T>>>,
{
    let Typed { code, cost } = typed;
    let mac = code.mac(
        &doorward.keys.codes,
        guess.purpose.number(),
        guess.address.key(),
    );
    let unbound: &[u8] = if guess.or_unbound { b"" } else { guess.binding };
    let shown = store::Shown {
        mac: &mac,
        email_key: guess.address.key(),
        purpose: guess.purpose.number(),
        binding: guess.binding,
        unbound,
        limits_key: &limits::address_key(doorward, guess.address, None),
    };
    // The same where there is nothing to guess at: how long it takes must not tell whether a code is under way. The budget of
    // networks bounds how often.
    let (shown, then) = (&shown, &then);
    let outcome = doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let compared = store::spend_attempt(tx, shown, now).await?;
            if compared.is_empty() {
                // A server that was left with an old database must not say of a code that it knows nothing of that it is wrong.
                tx.confirm();
            }
            doorward.metrics.code_compares.inc_by(compared.len() as u64);
            if let Some(accepted) = compared.iter().find(|row| row.accepted) {
                let done = then(tx.clone(), Redeemed(()), accepted.failures).await?;
                return Ok(done.map_or(Outcome::Wrong, Outcome::Accepted));
            }
            let expired = compared.iter().any(|row| row.matched);
            Ok(if expired {
                Outcome::Expired
            } else {
                Outcome::Wrong
            })
        })
        .await;
    if matches!(outcome, Ok(Outcome::Wrong)) {
        cost.keep();
    }
    outcome
}

/// Counts a wrong code against its address and the world.
pub(crate) async fn count_failure(
    doorward: &Doorward,
    address: &Address,
    client: &Client,
    now: Timestamp,
) -> Result<()> {
    doorward.metrics.sign_in_failed("otp");
    let limits = &doorward.config.limits;
    if doorward.brake.count_failure(limits.brake, now) {
        tracing::error!(
            "codes are being guessed everywhere at once: new devices get long codes from now on"
        );
    }
    let key = limits::address_key(doorward, address, None);
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let failures = limits::count_failure(tx, &key, now).await?;
            if failures == limits.failures_before_long_codes {
                // What strangers can guess at dies; what a browser holds bound lives.
                let purpose = Purpose::SignIn.number();
                store::make_room(tx, address.key(), purpose, b"", None, 0).await?;
                audit::record(tx, doorward, client, Event::to(Kind::LongCodes, None), now).await?;
                outbox::post_to_holder(tx, doorward, address, &Notice::LongCodes, now).await?;
            }
            Ok(())
        })
        .await?;
    // Told apart, so that a log that cannot be written does not take the count back.
    let failed = Event::to(Kind::SignInFailed, None).method("otp");
    audit::alone(doorward, client, failed, now).await
}

/// Deletes the codes of someone who is being erased: those to their address, and those that their sessions have asked
/// for. What was asked for before an erasure brings nothing back.
pub(crate) async fn forget_user(tx: &mut Tx, user: &UserId, address: &Address) -> Result<()> {
    store::delete_of(tx, address.key(), user).await
}

/// How long codes are kept after their lifetime, for their owners to be told that they are too late: a code that was
/// used at once is gone within the hour.
const KEPT: Span = Span::minutes(45);

/// Deletes codes that ended a while ago; how many.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp) -> Result<u64> {
    doorward
        .db
        .transaction(|mut tx| async move { store::delete_old(&mut tx, now - KEPT).await })
        .await
}
