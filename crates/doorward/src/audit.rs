//! The audit log: append-only, written in the transaction of what it tells of.
//!
//! Names follow the OWASP logging vocabulary. No code, token, key or full address is ever part of an event.

use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::{
    Doorward,
    error::Result,
    http::Client,
    ids::{self, EventId, SessionId, UserId},
    store::{Db, Row, Tx, values},
    time::Timestamp,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session was opened.
    SignedIn,
    /// A proof was refused.
    SignInFailed,
    /// A session was ended by its owner.
    SignedOut,
    /// A session was ended from elsewhere.
    SessionRevoked,
    /// The longest-idle session made room for a new one.
    SessionEvicted,
    /// A code was asked for.
    CodeRequested,
    /// An address has been guessed at so often that its codes are long now.
    LongCodes,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was renamed.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A signature counter did not increase: the authenticator may have been copied.
    CounterRegression,
    /// A challenge was presented again.
    ChallengeReplayed,
    /// An account was made.
    UserCreated,
    /// Someone was invited.
    UserInvited,
    /// A profile was changed.
    UserUpdated,
    /// An address was changed.
    EmailChanged,
    /// An account was disabled.
    UserDisabled,
    /// An account was enabled.
    UserEnabled,
    /// An account was erased.
    UserDeleted,
    /// A role was granted.
    RoleGranted,
    /// A role was taken away.
    RoleRevoked,
    /// A role or permission was made, changed or removed.
    AccessChanged,
    /// A permission was missing.
    AccessDenied,
    /// A budget was spent.
    RateLimited,
    /// A backup was restored, which ended every session.
    Restored,
}

impl Kind {
    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "authn_login_success",
            Self::SignInFailed => "authn_login_fail",
            Self::SignedOut => "session_logout",
            Self::SessionRevoked => "session_revoked",
            Self::SessionEvicted => "session_evicted",
            Self::CodeRequested => "authn_code_requested",
            Self::LongCodes => "authn_login_fail_max",
            Self::PasskeyAdded => "authn_passkey_added",
            Self::PasskeyRenamed => "authn_passkey_renamed",
            Self::PasskeyRemoved => "authn_passkey_removed",
            Self::CounterRegression => "authn_counter_regression",
            Self::ChallengeReplayed => "authn_challenge_replayed",
            Self::UserCreated => "user_created",
            Self::UserInvited => "user_invited",
            Self::UserUpdated => "user_updated",
            Self::EmailChanged => "user_email_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::UserDeleted => "user_deleted",
            Self::RoleGranted => "privilege_granted",
            Self::RoleRevoked => "privilege_revoked",
            Self::AccessChanged => "privilege_permissions_changed",
            Self::AccessDenied => "authz_fail",
            Self::RateLimited => "excess_rate_limit_exceeded",
            Self::Restored => "sys_restored",
        }
    }

    const fn succeeded(self) -> bool {
        !matches!(
            self,
            Self::SignInFailed
                | Self::AccessDenied
                | Self::RateLimited
                | Self::CounterRegression
                | Self::ChallengeReplayed
        )
    }
}

/// An event that is being told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub kind: Kind,
    /// Whose doing; `None` for a stranger and for the command line.
    pub actor: Option<UserId>,
    /// To whom.
    pub subject: Option<UserId>,
    pub session: Option<SessionId>,
    /// `otp` or `passkey`, where a proof was given.
    pub method: Option<&'static str>,
    /// A word or two for people: a role, a passkey's name, the step that refused.
    pub detail: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Something that a user did to their own account.
    pub(crate) fn own(kind: Kind, user: UserId) -> Self {
        Self {
            kind,
            actor: Some(user),
            subject: Some(user),
            session: None,
            method: None,
            detail: None,
        }
    }

    /// Something that happened to an account by nobody's session: the command line's doing, or a stranger's.
    pub(crate) fn to(kind: Kind, user: Option<UserId>) -> Self {
        Self {
            kind,
            actor: None,
            subject: user,
            session: None,
            method: None,
            detail: None,
        }
    }

    pub(crate) fn session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub(crate) fn method(self, method: &'static str) -> Self {
        Self {
            method: Some(method),
            ..self
        }
    }

    pub(crate) fn detail(self, detail: &'a str) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }
}

const INSERT: &str = "
    insert into events (id, at, kind, actor, subject, session_id, request_id, method, result, ip, user_agent, detail)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Tells of an event, in the transaction of what it tells of.
pub(crate) async fn record(
    tx: &Tx,
    doorward: &Doorward,
    client: &Client,
    event: Event<'_>,
    now: Timestamp,
) -> Result<()> {
    let shard = event
        .subject
        .or(event.actor)
        .map_or_else(|| doorward.entropy.bytes::<1>()[0], |user| user.shard());
    let mut id = ids::fresh(&doorward.entropy, now, shard);
    // Events of one millisecond stay in the order in which they happened.
    id[7..11].copy_from_slice(
        &doorward
            .events
            .fetch_add(1, Ordering::Relaxed)
            .to_be_bytes(),
    );
    let id = EventId(id);
    let (ip, device) = (client.ip_text(), client.device().to_string());
    let values = values![
        &id,
        now,
        event.kind.name(),
        event.actor.as_ref(),
        event.subject.as_ref(),
        event.session.as_ref(),
        client.request_id(),
        event.method,
        event.kind.succeeded(),
        ip.as_deref(),
        device.as_str(),
        event.detail,
    ];
    tx.execute(INSERT, values).await.map(drop)
}

/// Tells of an event in a transaction of its own: of something refused, which left nothing else behind.
pub(crate) async fn alone(
    doorward: &Doorward,
    client: &Client,
    event: Event<'_>,
    now: Timestamp,
) -> Result<()> {
    doorward
        .db
        .transaction(|tx| async move { record(&tx, doorward, client, event, now).await })
        .await
}

/// An event as its owner or an administrator sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// Its id.
    #[schema(value_type = String)]
    pub id: EventId,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened: `authn_login_success` and the like.
    pub kind: String,
    /// Whose doing.
    #[schema(value_type = Option<String>)]
    pub actor: Option<UserId>,
    /// To whom.
    #[schema(value_type = Option<String>)]
    pub subject: Option<UserId>,
    /// In which session.
    #[schema(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
    /// The request that it happened in.
    pub request_id: Option<String>,
    /// `otp` or `passkey`, where a proof was given.
    pub method: Option<String>,
    /// Whether it succeeded.
    pub success: bool,
    /// The network address it came from.
    pub ip: Option<String>,
    /// The browser and system it came from.
    pub device: Option<String>,
    /// A word or two for people.
    pub detail: Option<String>,
}

impl Recorded {
    /// Whether it is of this kind.
    #[must_use]
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind.name()
    }

    /// Whether it tells of someone who proved nothing, and may be anyone.
    #[must_use]
    pub fn is_strangers(&self) -> bool {
        self.actor.is_none() && (self.is(Kind::SignInFailed) || self.is(Kind::CounterRegression))
    }
}

fn recorded(row: &Row<'_>) -> Result<Recorded> {
    Ok(Recorded {
        id: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        actor: row.get(3)?,
        subject: row.get(4)?,
        session_id: row.get(5)?,
        request_id: row.get(6)?,
        method: row.get(7)?,
        success: row.get(8)?,
        ip: row.get(9)?,
        device: row.get(10)?,
        detail: row.get(11)?,
    })
}

const OF_USER: &str = "
    select id, at, kind, actor, subject, session_id, request_id, method, result, ip, user_agent, detail
      from events
     where subject = $1 and id < $2
     order by id desc
     limit $3";

/// The events of one user, newest first, from before the given one.
pub(crate) async fn of_user(
    db: &Db,
    user: &UserId,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let before = before.unwrap_or(EventId([0xff; 16]));
    db.all(OF_USER, values![user, &before, limit], recorded)
        .await
}

const ALL: &str = "
    select id, at, kind, actor, subject, session_id, request_id, method, result, ip, user_agent, detail
      from events
     where id < $1
     order by id desc
     limit $2";

/// Everyone's events, newest first, from before the given one.
///
/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable) when the database cannot be read.
pub async fn all(
    doorward: &Doorward,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let before = before.unwrap_or(EventId([0xff; 16]));
    doorward
        .db
        .all(ALL, values![&before, limit], recorded)
        .await
}

const FORGET_NAMES: &str = "
    update events set detail = null where subject = $1 and kind in ($2, $3, $4, $5)";

/// Forgets what someone called their passkeys, who is erased: their own words may say who they were.
pub(crate) async fn forget_names(tx: &Tx, user: &UserId) -> Result<()> {
    let [added, renamed, removed, copied] = [
        Kind::PasskeyAdded,
        Kind::PasskeyRenamed,
        Kind::PasskeyRemoved,
        Kind::CounterRegression,
    ]
    .map(Kind::name);
    let values = values![user, added, renamed, removed, copied];
    tx.execute(FORGET_NAMES, values).await.map(drop)
}

const DELETE_OLD: &str = "
    delete from events where id in (select id from events where id <= $1 order by id limit 500)";

/// Deletes events that are older than they may get; how many.
pub(crate) async fn sweep(db: &Db, before: Timestamp) -> Result<u64> {
    let last = EventId(ids::last_of(before));
    db.execute(DELETE_OLD, values![&last]).await
}
