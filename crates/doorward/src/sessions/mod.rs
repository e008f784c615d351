//! Sessions: who is signed in, since when, from where, and for how long.
//!
//! A session lives in the database; memory only remembers it. It ends by its idle or absolute lifetime, by
//! revocation, or because its user's epoch has moved on (disabled, erased, signed out everywhere).
//! No acknowledged end of a session is ever followed by a check that accepts it.

mod activity;
mod alike;
mod cache;
mod check;
mod device;
mod follower;
mod freshness;
mod generations;
pub(crate) mod http;
mod lease;
mod lifetime;
mod proof;
mod refusals;
mod renewal;
mod store;
mod token;

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::Arc,
};

use futures_util::future::try_join;

pub use self::device::{Device, UserAgent};
use self::{activity::LastSeen, lifetime::Lifetime};
pub(crate) use self::{
    activity::{Activity, flush_activity},
    cache::{Cache, SHARDS, shard_of},
    check::{can_check, check},
    follower::Follower,
    freshness::{
        ByCode, PASSKEYS_THAT_END_CODES, Proofs, after_passkey, confirm, proofs_needed,
        require_fresh,
    },
    lease::{Progress, Subject},
    proof::Proof,
    renewal::Renewals,
    token::Token,
};
use crate::{
    Doorward,
    access::Access,
    audit::{self, Event, Kind},
    error::Result,
    forget,
    http::Client,
    ids::{self, SessionId, UserId},
    store::Tx,
    time::Timestamp,
    users::{self, Account, User},
};

/// How someone proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A mailed code.
    Otp,
    /// A passkey.
    Passkey,
}

impl Method {
    /// The name on the wire: `otp`, `passkey`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Passkey => "passkey",
        }
    }
}

/// One session, as stored.
#[derive(Debug, Clone)]
pub struct Session {
    /// Public: it selects the session and opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How its owner last proved who they are.
    pub method: Method,
    /// The passkey of that proof: its credential id.
    pub passkey: Option<Box<[u8]>>,
    /// The authenticator assurance level of that proof: 2 for a passkey that verified its user, 0 for a code.
    pub aal: u8,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    last_seen: LastSeen,
    /// The network address it was opened from.
    pub ip: Option<IpAddr>,
    /// The user agent it was opened with.
    pub user_agent: Option<Arc<UserAgent>>,
}

impl Session {
    /// Last use, by the minute, as far as this server knows of it.
    #[must_use]
    pub fn last_seen_at(&self) -> Timestamp {
        self.last_seen.at()
    }

    /// The browser and system that it was opened with.
    #[must_use]
    pub fn device(&self) -> Device {
        let device = self.user_agent.as_ref().map(|agent| agent.device());
        device.unwrap_or(Device::UNKNOWN)
    }
}

/// Who a session belongs to, as the cache keeps it: one for all sessions of a user.
#[derive(Debug)]
pub(crate) struct Person {
    account: Account,
    access: Arc<Access>,
    lifetime: Lifetime,
}

/// A session in memory.
#[derive(Debug)]
pub(crate) struct Live {
    pub session: Session,
    token_hash: [u8; 32],
    user_epoch: i64,
}

// In a set each is found by its id, which need not be stored beside it.

impl Borrow<SessionId> for Arc<Live> {
    fn borrow(&self) -> &SessionId {
        &self.session.id
    }
}

impl Hash for Live {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.session.id.hash(state);
    }
}

impl PartialEq for Live {
    fn eq(&self, other: &Self) -> bool {
        self.session.id == other.session.id
    }
}

impl Eq for Live {}

impl Borrow<UserId> for Arc<Person> {
    fn borrow(&self) -> &UserId {
        &self.account.user.id
    }
}

impl Hash for Person {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.account.user.id.hash(state);
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        self.account.user.id == other.account.user.id
    }
}

impl Eq for Person {}

/// Someone who is signed in, by a token that was checked.
#[derive(Debug, Clone)]
pub struct SignedIn {
    live: Arc<Live>,
    person: Arc<Person>,
}

impl SignedIn {
    /// Who.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.person.account.user
    }

    /// In which session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.live.session
    }

    /// What they may do.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.person.access
    }

    pub(crate) fn account(&self) -> &Account {
        &self.person.account
    }
}

/// Who a session is opened for, and what they may do, both as they are in the transaction that opens it.
#[derive(Debug)]
pub(crate) struct Holder {
    pub account: Account,
    pub access: Access,
}

/// A session that was just opened, with the one copy of its token.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub token: Token,
    pub user: User,
    pub session: Session,
}

/// Opens a session for a proof, in the transaction that consumed it.
///
/// The session that was presented with the request ends here: of the same user it is continued under its id with a
/// new token, and begins anew where a passkey had opened it and a code does now; of another it is gone.
pub(crate) async fn open(
    tx: &Tx,
    doorward: &Doorward,
    holder: &Holder,
    proof: &Proof,
    presented: Option<&SignedIn>,
    client: &Client,
    now: Timestamp,
) -> Result<NewSession> {
    let account = &holder.account;
    let user = account.user.id;
    let expires_at = Lifetime::of(&doorward.config.sessions, &holder.access).end(now, now);
    let mut session = Session {
        id: SessionId(ids::fresh(&doorward.entropy, now, user.shard())),
        user_id: user,
        method: proof.method(),
        passkey: proof.passkey().map(Box::from),
        aal: proof.aal(),
        created_at: now,
        authenticated_at: now,
        expires_at,
        last_seen: now.into(),
        ip: client.ip(),
        user_agent: client.user_agent().map(|text| Arc::new(text.into())),
    };
    let continued = presented.filter(|presented| presented.user().id == user);
    if let Some(presented) = continued {
        session.id = presented.session().id;
        // From a passkey down to a code: what takes a day without the passkey counts from here.
        let is_weaker =
            presented.session().method == Method::Passkey && session.method == Method::Otp;
        if !is_weaker {
            session.created_at = presented.session().created_at;
        }
    }
    let token = Token::new(&doorward.entropy, session.id);
    let row = store::NewRow {
        session: &session,
        token_hash: &token.hash(),
        user_epoch: account.auth_epoch,
        user_verified: proof.user_verified(),
        backup_eligible: proof.backup_eligible(),
        backed_up: proof.backed_up(),
    };
    let event = Event::own(Kind::SignedIn, user)
        .session(session.id)
        .method(proof.method().name());
    if let Some(own) = continued {
        if !store::renew_proof(tx, &row, &own.live.token_hash).await? {
            // It ended meanwhile, and must not come back to life under its id.
            return Box::pin(open(tx, doorward, holder, proof, None, client, now)).await;
        }
        forget::session(doorward, tx, &session.id).await?;
        audit::record(tx, doorward, client, event, now).await?;
    } else {
        let (beside, ()) = try_join(
            store::insert(tx, &row),
            audit::record(tx, doorward, client, event, now),
        )
        .await?;
        if let Some(other) = presented {
            end(tx, doorward, client, other.session(), Kind::SignedOut, now).await?;
        }
        if beside >= doorward.config.sessions.per_user {
            evict(tx, doorward, client, &session, now).await?;
        }
    }
    Ok(NewSession {
        token,
        user: account.user.clone(),
        session,
    })
}

/// Makes room for a new session: of those beyond the most that one account may have, the ones idle for longest go.
async fn evict(
    tx: &Tx,
    doorward: &Doorward,
    client: &Client,
    new: &Session,
    now: Timestamp,
) -> Result<()> {
    let user = &new.user_id;
    let beside = doorward.config.sessions.per_user - 1;
    for id in store::beyond(tx, user, &new.id, beside).await? {
        store::delete(tx, user, &id).await?;
        forget::session(doorward, tx, &id).await?;
        let event = Event::own(Kind::SessionEvicted, *user).session(id);
        audit::record(tx, doorward, client, event, now).await?;
    }
    Ok(())
}

/// The live sessions of a user, newest first.
///
/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable) when the database cannot be read.
pub async fn of_user(doorward: &Doorward, user: &UserId) -> Result<Vec<Session>> {
    let now = doorward.clock.now();
    let Some(account) = users::account(&mut &doorward.db, user).await? else {
        return Ok(Vec::new());
    };
    let mut sessions = store::of_user(&doorward.db, user, account.auth_epoch, now).await?;
    for session in &mut sessions {
        if let Some(seen) = doorward.activity.of(&session.id) {
            session.last_seen = seen.max(session.last_seen_at()).into();
        }
    }
    Ok(sessions)
}

/// Ends the session that the request was made with.
pub(crate) async fn sign_out(
    doorward: &Doorward,
    signed_in: &SignedIn,
    client: &Client,
) -> Result<()> {
    let now = doorward.clock.now();
    let session = signed_in.session();
    doorward
        .db
        .transaction(
            |tx| async move { end(&tx, doorward, client, session, Kind::SignedOut, now).await },
        )
        .await
}

/// Ends one of the caller's sessions; whatever else the id names is left alone, and nothing is told of it.
///
/// That there is nothing to end is confirmed as an end is, here and below: a server that was left with an old database knows
/// nothing of sessions that live on in the new one.
pub(crate) async fn revoke(
    doorward: &Doorward,
    caller: &SignedIn,
    id: &SessionId,
    client: &Client,
) -> Result<()> {
    let now = doorward.clock.now();
    let user = caller.user().id;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            if !store::delete(tx, &user, id).await? {
                tx.confirm();
                return Ok(());
            }
            forget::session(doorward, tx, id).await?;
            let event = Event::own(Kind::SessionRevoked, user).session(*id);
            audit::record(tx, doorward, client, event, now).await
        })
        .await
}

/// Ends all sessions of the caller but the one that the request was made with; how many.
pub(crate) async fn revoke_others(
    doorward: &Doorward,
    caller: &SignedIn,
    client: &Client,
) -> Result<usize> {
    let now = doorward.clock.now();
    let (user, own) = (caller.user().id, caller.session().id);
    doorward
        .db
        .transaction(|mut tx| async move {
            // Whoever changes the account from another of its sessions may hold that one and want this. One of the two is tried again.
            end_others(&mut tx, doorward, client, &user, &own, now).await
        })
        .await
}

/// Ends, in a transaction that changed what the user is known by, all sessions but the caller's own; how many.
pub(crate) async fn end_others(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    user: &UserId,
    own: &SessionId,
    now: Timestamp,
) -> Result<usize> {
    let ended = store::delete_others(tx, user, own).await?;
    tx.confirm();
    tell_ended(tx, doorward, client, user, &ended, now).await?;
    Ok(ended.len())
}

/// Ends all sessions of the caller, this one included.
pub(crate) async fn revoke_all(
    doorward: &Doorward,
    caller: &SignedIn,
    client: &Client,
) -> Result<()> {
    let user = caller.user().id;
    users::sign_out_everywhere(doorward, &user, Some(user), client).await
}

/// Ends, in the transaction that removed a passkey, the sessions that were opened with it, except the caller's own.
pub(crate) async fn end_those_of_passkey(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    user: &UserId,
    credential: &[u8],
    except: Option<&SessionId>,
    now: Timestamp,
) -> Result<()> {
    let except = except.copied().unwrap_or(SessionId([0; 16]));
    let ended = store::delete_of_passkey(tx, user, credential, &except).await?;
    tell_ended(tx, doorward, client, user, &ended, now).await
}

async fn tell_ended(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    user: &UserId,
    ended: &[SessionId],
    now: Timestamp,
) -> Result<()> {
    for id in ended {
        forget::session(doorward, tx, id).await?;
        audit::record(
            tx,
            doorward,
            client,
            Event::own(Kind::SessionRevoked, *user).session(*id),
            now,
        )
        .await?;
    }
    Ok(())
}

async fn end(
    tx: &Tx,
    doorward: &Doorward,
    client: &Client,
    session: &Session,
    kind: Kind,
    now: Timestamp,
) -> Result<()> {
    if !store::delete(tx, &session.user_id, &session.id).await? {
        tx.confirm();
        return Ok(());
    }
    forget::session(doorward, tx, &session.id).await?;
    let event = Event::own(kind, session.user_id).session(session.id);
    audit::record(tx, doorward, client, event, now).await
}

/// Deletes sessions that have ended; how many.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp) -> Result<u64> {
    doorward
        .db
        .transaction(|mut tx| async move { store::delete_expired(&mut tx, now).await })
        .await
}

#[cfg(test)]
mod tests;
