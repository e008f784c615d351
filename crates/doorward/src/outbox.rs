//! The outbox: mail that a transaction promises, and that leaves after its commit.
//!
//! A message is written in the transaction that it belongs to, sealed under a key outside the database, and leaves
//! at least once: no commit without its mail, no mail without its commit. A code that was used or has expired is
//! dropped unsent. Whether a code may be mailed at all is decided here, after the answer to whoever asked has gone.

mod delivery;
mod queue;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    delivery::{deliver_due, deliver_promised, hand_over},
    queue::Queue,
};
use crate::{
    Doorward, Seat,
    config::Locale,
    error::{Error, Result},
    ids::{self, CodeId, MessageId},
    mail::{Address, Notice},
    store::{Row, Tx, Value, values},
    time::{Span, Timestamp},
    users::{self, Account},
};

/// How long a message is its sender's before another may try.
const CLAIM: Span = Span::minutes(2);

/// How long sending may take, with a connection that ends in the middle and another. It begins only while the message is its
/// sender's for longer than that.
const SENDING: Span = Span::seconds(80);

/// How far the clocks of servers may be apart.
const SKEW: Span = Span::minutes(1);

/// How long a message waits at most before it is tried again.
const LONGEST_PAUSE: Span = Span::minutes(10);

/// How long security notices are tried for.
const PATIENCE: Span = Span::days(3);

/// How many messages are claimed at a time.
const BATCH: u32 = 64;

/// How many messages one statement is about.
const AT_A_TIME: usize = 16;

/// A message that waits.
#[derive(Debug, Clone)]
struct Waiting {
    id: MessageId,
    kind: Kind,
    code: Option<CodeId>,
    payload: Vec<u8>,
    attempts: u32,
    expires_at: Timestamp,
    /// Until when nobody else sends it.
    claimed_until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A sign-in code: goes to who may sign in.
    SignIn,
    /// A code for a new address of an account that exists.
    NewAddress,
    /// A notice to an address that was proved.
    Notice,
    /// A notice for whoever holds the address, if anyone does.
    ToHolder,
}

impl Kind {
    const fn number(self) -> i64 {
        match self {
            Self::SignIn => 1,
            Self::NewAddress => 2,
            Self::Notice => 3,
            Self::ToHolder => 4,
        }
    }

    /// `None` for one that a newer Doorward has promised.
    fn from_number(number: i64) -> Option<Self> {
        [Self::SignIn, Self::NewAddress, Self::Notice, Self::ToHolder]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Payload {
    to: Address,
    notice: Notice,
    /// The language, where the recipient has chosen one.
    locale: Option<Locale>,
}

const INSERT: &str = "
    insert into outbox (id, kind, code_id, payload, available_at, claimed_until, attempts, expires_at)
    values ($1, $2, $3, $4, $5, $6, 0, $7)";

/// Promises a code.
#[expect(clippy::too_many_arguments, reason = "the parts of one message")]
pub(crate) async fn post_code(
    tx: &Tx,
    doorward: &Doorward,
    code: &CodeId,
    to: &Address,
    notice: &Notice,
    signs_in: bool,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let kind = if signs_in {
        Kind::SignIn
    } else {
        Kind::NewAddress
    };
    let payload = Payload {
        to: to.clone(),
        notice: notice.clone(),
        locale: None,
    };
    insert(tx, doorward, kind, Some(*code), &payload, expires_at, now).await
}

/// Promises a notice to an address that its owner has proved.
pub(crate) async fn post(
    tx: &Tx,
    doorward: &Doorward,
    to: &Address,
    notice: &Notice,
    locale: Option<Locale>,
    now: Timestamp,
) -> Result<()> {
    let payload = Payload {
        to: to.clone(),
        notice: notice.clone(),
        locale,
    };
    insert(
        tx,
        doorward,
        Kind::Notice,
        None,
        &payload,
        now + PATIENCE,
        now,
    )
    .await
}

/// Promises a notice to whoever holds an account with this address; nobody, if nobody does.
pub(crate) async fn post_to_holder(
    tx: &Tx,
    doorward: &Doorward,
    to: &Address,
    notice: &Notice,
    now: Timestamp,
) -> Result<()> {
    let payload = Payload {
        to: to.clone(),
        notice: notice.clone(),
        locale: None,
    };
    insert(
        tx,
        doorward,
        Kind::ToHolder,
        None,
        &payload,
        now + PATIENCE,
        now,
    )
    .await
}

async fn insert(
    tx: &Tx,
    doorward: &Doorward,
    kind: Kind,
    code: Option<CodeId>,
    payload: &Payload,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let id = MessageId(ids::fresh(
        &doorward.entropy,
        now,
        doorward.entropy.bytes::<1>()[0],
    ));
    let plain = serde_json::to_vec(payload).map_err(|error| Error::Internal(error.into()))?;
    let sealed = doorward
        .keys
        .outbox
        .seal(&doorward.entropy, id.as_bytes(), &plain);
    // What is promised beside a server is the server's to send, and due at once.
    let claimed_until = match doorward.seat {
        Seat::Server => now + CLAIM,
        Seat::Beside => now,
    };
    let values = values![
        &id,
        kind.number(),
        code.as_ref(),
        &sealed,
        now,
        claimed_until,
        expires_at
    ];
    tx.execute(INSERT, values).await?;
    if doorward.seat == Seat::Beside {
        return Ok(());
    }
    let waiting = Waiting {
        id,
        kind,
        code,
        payload: sealed,
        attempts: 0,
        expires_at,
        claimed_until,
    };
    let sender = doorward.clone();
    tx.after_commit(move || {
        sender.queue.push(waiting);
        sender.mail_due.notify_one();
    });
    Ok(())
}

// The guard stands twice: two who claim at once find the same rows, and the second must find them taken.
const CLAIM_DUE: &str = "
    update outbox
       set claimed_until = $1
     where claimed_until <= $2 and available_at <= $2
       and id in (select id
                    from outbox
                   where claimed_until <= $2 and available_at <= $2
                   order by claimed_until, available_at
                   limit $3)
 returning id, kind, code_id, payload, attempts, expires_at, claimed_until";

/// A message, where it is of a kind that is known here.
fn waiting(row: &Row<'_>) -> Result<Option<Waiting>> {
    let Some(kind) = Kind::from_number(row.get(1)?) else {
        return Ok(None);
    };
    Ok(Some(Waiting {
        id: row.get(0)?,
        kind,
        code: row.get(2)?,
        payload: row.get(3)?,
        attempts: row.get(4)?,
        expires_at: row.get(5)?,
        claimed_until: row.get(6)?,
    }))
}

const ANY_DUE: &str =
    "select 1 from outbox where claimed_until <= $1 and available_at <= $1 limit 1";

/// Claims messages that nobody is sending, the oldest first; none when there are none.
async fn claim_due(doorward: &Doorward) -> Result<Vec<Waiting>> {
    let now = doorward.clock.now();
    let db = &doorward.db;
    let any = db.optional(ANY_DUE, values![now], |_| Ok(())).await?;
    if any.is_none() {
        return Ok(Vec::new());
    }
    let claim = |tx: Tx| async move {
        tx.all(CLAIM_DUE, values![now + CLAIM, now, BATCH], waiting)
            .await
    };
    // What a newer Doorward has promised stays claimed for a while, and is not in the way of the rest.
    let claimed = db.transaction(claim).await?.into_iter();
    let mut claimed: Vec<_> = claimed.flatten().collect();
    claimed.sort_unstable_by_key(|waiting| waiting.id);
    Ok(claimed)
}

/// A code that still opens something, and who holds its address, if anyone does.
#[derive(Debug, Clone)]
struct Live {
    id: CodeId,
    holder: Option<Account>,
}

const LIVE: &str = "
    select c.id,
           u.id, u.status, u.auth_epoch, u.webauthn_handle, u.first_name, u.last_name, u.picture, u.locale, u.created_at,
           u.updated_at, u.last_sign_in_at, e.address, e.verified_at
      from codes c
      left join user_emails e on e.email_key = c.email_key
      left join users u on u.id = e.user_id
     where c.id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
       and c.consumed_at is null and c.attempts_left > 0 and c.expires_at > $17";

/// Which of these codes are live.
async fn live(doorward: &Doorward, codes: &[CodeId], now: Timestamp) -> Result<Vec<Live>> {
    let mut values = padded(codes);
    values.push(now.into());
    let read = |row: &Row<'_>| {
        let is_held = row.get::<Option<Vec<u8>>>(1)?.is_some();
        Ok(Live {
            id: row.get(0)?,
            holder: is_held.then(|| users::account_in(row, 1)).transpose()?,
        })
    };
    doorward.db.all(LIVE, &values, read).await
}

/// The ids for a statement that takes a fixed number of them: the last stands for those that are too few.
fn padded<'a, T>(ids: &'a [T]) -> Vec<Value<'a>>
where
    Value<'a>: From<&'a T>,
{
    let last = ids.last().into_iter().cycle();
    ids.iter()
        .chain(last)
        .take(AT_A_TIME)
        .map(Value::from)
        .collect()
}

const REMOVE: &str = "
    delete from outbox
     where id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

async fn remove(doorward: &Doorward, ids: &[MessageId]) -> Result<()> {
    doorward.db.execute(REMOVE, &padded(ids)).await.map(drop)
}

const DEFER: &str = "update outbox set available_at = $1, claimed_until = 0, attempts = $2 where id = $3 and claimed_until = $4";

/// Puts it off, unless the claim has run out and it is another's.
async fn defer(doorward: &Doorward, waiting: &Waiting, now: Timestamp) -> Result<()> {
    let attempts = waiting.attempts + 1;
    let pause = Span::seconds(5 << attempts.min(7)).min(LONGEST_PAUSE);
    doorward
        .db
        .execute(
            DEFER,
            values![now + pause, attempts, &waiting.id, waiting.claimed_until],
        )
        .await
        .map(drop)
}

const RELEASE_SOME: &str = "
    update outbox set claimed_until = 0
     where id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) and claimed_until <= $17";

/// Ends claims, those that have not run out. Whoever took over one that has, holds it for longer than any of these: a claim is
/// taken over when it ends, and lasts as long again.
async fn release(doorward: &Doorward, batch: &[Waiting]) -> Result<()> {
    let now = doorward.clock.now();
    let ours = batch.iter().filter(|waiting| now < waiting.claimed_until);
    let Some(last) = ours.clone().map(|waiting| waiting.claimed_until).max() else {
        return Ok(());
    };
    let ids: Vec<_> = ours.map(|waiting| waiting.id).collect();
    let mut values = padded(&ids);
    values.push(last.into());
    doorward.db.execute(RELEASE_SOME, &values).await.map(drop)
}

const RELEASE: &str = "
    update outbox
       set available_at = case when available_at < $1 then available_at else $1 end,
           claimed_until = 0
     where claimed_until > $2 or available_at > $3";

/// Takes back the claims of a server that has ended, where it was the only one of its database. What was to wait need not:
/// the clock of the server that ended may have been ahead, and mail would wait for as long as it was.
///
/// Where servers share a database others are at work, and a claim of theirs runs out by itself. So only those are taken back
/// that no clock which goes right has made.
pub(crate) async fn release_claims(doorward: &Doorward) -> Result<()> {
    let now = doorward.clock.now();
    let (claimed, waits) = if doorward.follower.is_some() {
        (now + CLAIM + SKEW, now + LONGEST_PAUSE + SKEW)
    } else {
        (Timestamp::from_millis(0), now)
    };
    let values = values![now, claimed, waits];
    doorward.db.execute(RELEASE, values).await.map(drop)
}
