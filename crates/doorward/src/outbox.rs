//! The outbox: mail that a transaction promises, and that leaves after its commit.
//!
//! A message is written in the transaction that it belongs to, sealed under a key outside the database, and leaves
//! at least once: no commit without its mail, no mail without its commit. A code that was used or has expired is
//! dropped unsent. Whether a code may be mailed at all is decided here, after the answer to whoever asked has gone.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{
    Doorward, Seat,
    config::Locale,
    error::{Error, Escaped, Result},
    ids::{self, CodeId, MessageId},
    mail::{Address, Brand, Message, Notice, SendError},
    store::{Row, Tx, values},
    time::{Span, Timestamp},
    users,
};

/// How long a message is its sender's before another may try.
const CLAIM: Span = Span::minutes(2);

/// How long a message waits at most before it is tried again.
const LONGEST_PAUSE: Span = Span::minutes(10);

/// How long security notices are tried for.
const PATIENCE: Span = Span::days(3);

/// How many messages are sent at once, and how many are taken at a time.
const AT_ONCE: usize = 16;
const BATCH: u32 = 64;

/// Messages that this process has written and claimed, on their way out.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Whoever delivers; others wait, and find delivered what they waited for.
    turn: tokio::sync::Mutex<()>,
}

impl Queue {
    /// Beyond this many the rest stays in the database, to be taken in its turn.
    const MOST: usize = 1000;

    fn push(&self, waiting: Waiting) {
        let mut queue = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() < Self::MOST {
            queue.push_back(waiting);
        }
    }

    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = queue.len().min(BATCH as usize);
        queue.drain(..count).collect()
    }
}

/// A message that waits.
#[derive(Debug, Clone)]
struct Waiting {
    id: MessageId,
    kind: Kind,
    code: Option<CodeId>,
    payload: Vec<u8>,
    attempts: u32,
    expires_at: Timestamp,
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

    fn from_number(number: i64) -> Result<Self> {
        [Self::SignIn, Self::NewAddress, Self::Notice, Self::ToHolder]
            .into_iter()
            .find(|kind| kind.number() == number)
            .ok_or_else(|| {
                Error::Internal(format!("no kind of mail has the number {number}").into())
            })
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
 returning id, kind, code_id, payload, attempts, expires_at";

fn waiting(row: &Row<'_>) -> Result<Waiting> {
    Ok(Waiting {
        id: row.get(0)?,
        kind: Kind::from_number(row.get(1)?)?,
        code: row.get(2)?,
        payload: row.get(3)?,
        attempts: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

const ANY_DUE: &str =
    "select 1 from outbox where claimed_until <= $1 and available_at <= $1 limit 1";

/// Sends all mail that is due, and waits for what is on its way already; how many messages left.
pub(crate) async fn deliver_due(doorward: &Doorward) -> Result<usize> {
    let _turn = doorward.queue.turn.lock().await;
    let mut sent = 0;
    loop {
        let now = doorward.clock.now();
        let mut batch = doorward.queue.take();
        if batch.is_empty()
            && doorward
                .db
                .optional(ANY_DUE, values![now], |_| Ok(()))
                .await?
                .is_some()
        {
            batch = claim_due(doorward, now).await?;
        }
        if batch.is_empty() {
            return Ok(sent);
        }
        let outcomes: Vec<bool> = stream::iter(batch)
            .map(|waiting| deliver(doorward, waiting, now))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        sent += outcomes.into_iter().filter(|&left| left).count();
    }
}

async fn claim_due(doorward: &Doorward, now: Timestamp) -> Result<Vec<Waiting>> {
    let claim = |tx: Tx| async move {
        tx.all(CLAIM_DUE, values![now + CLAIM, now, BATCH], waiting)
            .await
    };
    doorward.db.transaction(claim).await
}

/// What became of a message.
enum Fate {
    Sent,
    /// It has no business any more, or never will: the reason.
    Dropped(&'static str),
    Later,
}

async fn deliver(doorward: &Doorward, waiting: Waiting, now: Timestamp) -> bool {
    let fate = match send(doorward, &waiting, now).await {
        Ok(fate) => fate,
        Err(error) => {
            tracing::warn!(message = %waiting.id, error = %Escaped(&error), "mail could not be prepared");
            Fate::Later
        }
    };
    let settled = match fate {
        Fate::Later => {
            doorward.metrics.mail_deferred.inc();
            defer(doorward, &waiting, now).await
        }
        Fate::Sent => {
            doorward.metrics.mail_sent.inc();
            remove(doorward, &waiting.id).await
        }
        Fate::Dropped(why) => {
            tracing::info!(message = %waiting.id, why, "mail was dropped");
            doorward.metrics.mail_dropped.inc();
            remove(doorward, &waiting.id).await
        }
    };
    if let Err(error) = settled {
        // The claim runs out, and it is tried again: twice rather than never.
        tracing::warn!(message = %waiting.id, error = %Escaped(&error), "what became of mail could not be written");
    }
    matches!(fate, Fate::Sent)
}

async fn send(doorward: &Doorward, waiting: &Waiting, now: Timestamp) -> Result<Fate> {
    if waiting.expires_at <= now {
        return Ok(Fate::Dropped("too late"));
    }
    if let Some(code) = &waiting.code
        && !code_is_live(doorward, code, now).await?
    {
        return Ok(Fate::Dropped("the code was used or replaced"));
    }
    let Some(plain) = doorward
        .keys
        .outbox
        .open(waiting.id.as_bytes(), &waiting.payload)
    else {
        return Ok(Fate::Dropped("sealed under another key"));
    };
    let payload: Payload =
        serde_json::from_slice(&plain).map_err(|error| Error::Internal(error.into()))?;
    let Some((to, notice, locale)) = letter(doorward, waiting.kind, payload).await? else {
        return Ok(Fate::Dropped("nobody to send it to"));
    };
    let brand = Brand::of(&doorward.config);
    let rendered = notice.render(&brand, locale.unwrap_or(doorward.config.locale));
    let message = Message {
        id: waiting.id.to_string(),
        to,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        at: now,
    };
    match doorward.mailer.send(&message).await {
        Ok(()) => Ok(Fate::Sent),
        Err(SendError::Permanent(why)) => {
            tracing::warn!(message = %waiting.id, why = %Escaped(&why), "mail was refused for good");
            Ok(Fate::Dropped("refused for good"))
        }
        Err(SendError::Temporary(why)) => {
            tracing::warn!(message = %waiting.id, why = %Escaped(&why), "mail has to wait");
            Ok(Fate::Later)
        }
    }
}

/// What is said to whom and in which language; `None` when nothing is said to anyone.
///
/// What is for an account goes to the address as it was proved, never to the spelling that someone typed.
async fn letter(
    doorward: &Doorward,
    kind: Kind,
    payload: Payload,
) -> Result<Option<(Address, Notice, Option<Locale>)>> {
    let Payload { to, notice, locale } = payload;
    if kind == Kind::Notice {
        return Ok(Some((to, notice, locale)));
    }
    let holder = users::by_address(&mut &doorward.db, &to).await?;
    Ok(match (kind, holder) {
        (Kind::SignIn | Kind::ToHolder, Some(holder)) if holder.is_active() => {
            Some((holder.user.email, notice, holder.user.locale))
        }
        (Kind::SignIn, None) if users::accepts_stranger(doorward, &to) => {
            Some((to, notice, locale))
        }
        (Kind::NewAddress, None) => Some((to, notice, locale)),
        (Kind::NewAddress, Some(holder)) => {
            Some((holder.user.email, Notice::EmailTaken, holder.user.locale))
        }
        _ => None,
    })
}

const CODE_IS_LIVE: &str = "select 1 from codes where id = $1 and consumed_at is null and attempts_left > 0 and expires_at > $2";

async fn code_is_live(doorward: &Doorward, code: &CodeId, now: Timestamp) -> Result<bool> {
    Ok(doorward
        .db
        .optional(CODE_IS_LIVE, values![code, now], |_| Ok(()))
        .await?
        .is_some())
}

const REMOVE: &str = "delete from outbox where id = $1";

async fn remove(doorward: &Doorward, id: &MessageId) -> Result<()> {
    doorward.db.execute(REMOVE, values![id]).await.map(drop)
}

const DEFER: &str =
    "update outbox set available_at = $1, claimed_until = 0, attempts = $2 where id = $3";

async fn defer(doorward: &Doorward, waiting: &Waiting, now: Timestamp) -> Result<()> {
    let attempts = waiting.attempts + 1;
    let pause = Span::seconds(5 << attempts.min(7)).min(LONGEST_PAUSE);
    doorward
        .db
        .execute(DEFER, values![now + pause, attempts, &waiting.id])
        .await
        .map(drop)
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
        (now + CLAIM, now + LONGEST_PAUSE)
    } else {
        (Timestamp::from_millis(0), now)
    };
    let values = values![now, claimed, waits];
    doorward.db.execute(RELEASE, values).await.map(drop)
}
