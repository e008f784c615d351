//! Sessions in SQL.

use std::sync::Arc;

use super::{Live, Method, Session, cache::shard_of};
use crate::{
    access::Access,
    error::{Error, Result},
    ids::{IdBytes, SessionId, UserId},
    store::{Db, Executor, Row, Tx, values},
    time::Timestamp,
    users::{self, Account},
};

/// A session on its way into the database.
pub(super) struct NewRow<'a> {
    pub session: &'a Session,
    pub token_hash: &'a [u8; 32],
    pub user_epoch: i64,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

fn method_number(method: Method) -> i64 {
    match method {
        Method::Otp => 1,
        Method::Passkey => 2,
    }
}

fn method(number: i64) -> Result<Method> {
    match number {
        1 => Ok(Method::Otp),
        2 => Ok(Method::Passkey),
        other => Err(Error::Internal(
            format!("no method has the number {other}").into(),
        )),
    }
}

// Counts those beside it, so that nobody looks for what is too many where nothing is.
const INSERT: &str = "
    insert into sessions (id, user_id, token_hash, user_epoch, method, passkey, aal, user_verified, backup_eligible,
                          backed_up, created_at, authenticated_at, expires_at, ip, user_agent)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
 returning (select count(*) from sessions where user_id = $2 and id <> $1)";

/// Writes a session down; how many the user has beside it.
pub(super) async fn insert(tx: &Tx, row: &NewRow<'_>) -> Result<u32> {
    let session = row.session;
    let ip = session.ip.map(|ip| ip.to_string());
    let values = values![
        &session.id,
        &session.user_id,
        row.token_hash,
        row.user_epoch,
        method_number(session.method),
        session.passkey.as_deref(),
        u32::from(session.aal),
        row.user_verified,
        row.backup_eligible,
        row.backed_up,
        session.created_at,
        session.authenticated_at,
        session.expires_at,
        ip.as_deref(),
        session.user_agent.as_ref().map(|agent| agent.as_str()),
    ];
    let beside = tx.optional(INSERT, values, |row| row.get(0)).await?;
    Ok(beside.unwrap_or(0))
}

// The old hash in the guard: a session that ended meanwhile stays ended.
const RENEW_PROOF: &str = "
    update sessions
       set token_hash = $1, user_epoch = $2, method = $3, passkey = $4, aal = $5, user_verified = $6, backup_eligible = $7,
           backed_up = $8, authenticated_at = $9, expires_at = $10, ip = $11, user_agent = $12, created_at = $13
     where id = $14 and token_hash = $15 and user_epoch = $2";

/// Puts a new proof and token under a session; whether it was still there.
pub(super) async fn renew_proof(tx: &Tx, row: &NewRow<'_>, old_hash: &[u8; 32]) -> Result<bool> {
    let session = row.session;
    let ip = session.ip.map(|ip| ip.to_string());
    let values = values![
        row.token_hash,
        row.user_epoch,
        method_number(session.method),
        session.passkey.as_deref(),
        u32::from(session.aal),
        row.user_verified,
        row.backup_eligible,
        row.backed_up,
        session.authenticated_at,
        session.expires_at,
        ip.as_deref(),
        session.user_agent.as_ref().map(|agent| agent.as_str()),
        session.created_at,
        &session.id,
        old_hash,
    ];
    Ok(tx.execute(RENEW_PROOF, values).await? > 0)
}

// One statement, so that all of it is of one moment: the session, its user, the roles of that user beside every permission in
// each; and of the log of its shard the row asked for and the newest number.
const FIND: &str = "
    select s.id, s.user_id, s.method, s.passkey, s.aal, s.created_at, s.authenticated_at, s.expires_at, s.ip, s.user_agent,
           s.token_hash, s.user_epoch,
           u.id, u.status, u.auth_epoch, u.webauthn_handle, u.first_name, u.last_name, u.picture, u.locale, u.created_at,
           u.updated_at, u.last_sign_in_at, e.address, e.verified_at,
           r.name, p.permission_key,
           i.id, h.seq
      from invalidation_heads h
      left join invalidations i on i.shard = h.shard and i.seq = $1
      left join sessions s on s.id = $2
      left join users u on u.id = s.user_id
      left join user_emails e on e.user_id = u.id
      left join user_roles o on o.user_id = u.id
      left join roles r on r.id = o.role_id
      left join role_permissions p on p.role_id = o.role_id
     where h.shard = $3";

/// What a look for a session has found.
#[derive(Default)]
pub(super) struct Found {
    pub holder: Option<(Live, Account, Access)>,
    /// The row of the log that was asked for, and the newest number.
    pub row: Option<IdBytes>,
    pub newest: i64,
}

/// Looks for a session, and for a row in the log of its shard.
pub(super) async fn find(
    db: &mut impl Executor,
    id: &SessionId,
    asked: Option<i64>,
) -> Result<Found> {
    let mut found = Found::default();
    let mut holder = None;
    let (mut roles, mut permissions) = (Vec::new(), Vec::new());
    let read = |row: &Row<'_>| {
        (found.row, found.newest) = (row.get(27)?, row.get(28)?);
        // A session without an address was erased.
        if row.get::<Option<SessionId>>(0)?.is_none() || row.get::<Option<String>>(23)?.is_none() {
            return Ok(());
        }
        if holder.is_none() {
            holder = Some((live(row)?, users::account_in(row, 12)?));
        }
        roles.extend(row.get::<Option<String>>(25)?);
        permissions.extend(row.get::<Option<Vec<u8>>>(26)?);
        Ok(())
    };
    let shard = i64::from(shard_of(id.shard()));
    db.all(FIND, values![asked, id, shard], read).await?;
    if let Some((live, account)) = holder {
        found.holder = Some((live, account, Access::of_keys(roles, permissions)?));
    }
    Ok(found)
}

fn live(row: &Row<'_>) -> Result<Live> {
    let session = session(row, row.get(5)?)?;
    Ok(Live {
        token_hash: row.get(10)?,
        user_epoch: row.get(11)?,
        session,
    })
}

// Epoch and status: of a user who was disabled or signed out everywhere no session lives. Status 1 is active.
const HOLD: &str = "
    update sessions set token_hash = token_hash
     where id = $1 and token_hash = $2
       and user_epoch = (select auth_epoch from users where id = sessions.user_id and status = 1)";

/// Whether the session is live under this token. Where the user's row is held as well, it stays so until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: &SessionId, token_hash: &[u8; 32]) -> Result<bool> {
    Ok(tx.execute(HOLD, values![id, token_hash]).await? > 0)
}

const OF_USER: &str = "
    select s.id, s.user_id, s.method, s.passkey, s.aal, s.created_at, s.authenticated_at, s.expires_at, s.ip, s.user_agent,
           coalesce(a.last_seen_at, s.authenticated_at)
      from sessions s left join session_activity a on a.session_id = s.id
     where s.user_id = $1 and s.user_epoch = $2 and s.expires_at > $3
     order by s.created_at desc, s.id desc";

pub(super) async fn of_user(
    db: &Db,
    user: &UserId,
    epoch: i64,
    now: Timestamp,
) -> Result<Vec<Session>> {
    db.all(OF_USER, values![user, epoch, now], |row| {
        session(row, row.get(10)?)
    })
    .await
}

fn session(row: &Row<'_>, last_seen_at: Timestamp) -> Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user_id: row.get(1)?,
        method: method(row.get(2)?)?,
        passkey: row.get::<Option<Vec<u8>>>(3)?.map(Vec::into_boxed_slice),
        aal: u8::try_from(row.get::<u32>(4)?).unwrap_or(0),
        created_at: row.get(5)?,
        authenticated_at: row.get(6)?,
        expires_at: row.get(7)?,
        ip: row.get(8)?,
        user_agent: row
            .get::<Option<String>>(9)?
            .map(|text| Arc::new(text.into())),
        last_seen: last_seen_at.into(),
    })
}

const DELETE: &str = "delete from sessions where id = $1 and user_id = $2";

pub(super) async fn delete(tx: &Tx, user: &UserId, id: &SessionId) -> Result<bool> {
    Ok(tx.execute(DELETE, values![id, user]).await? > 0)
}

const DELETE_OTHERS: &str = "delete from sessions where user_id = $1 and id <> $2 returning id";

pub(super) async fn delete_others(
    tx: &mut Tx,
    user: &UserId,
    own: &SessionId,
) -> Result<Vec<SessionId>> {
    tx.all(DELETE_OTHERS, values![user, own], |row| row.get(0))
        .await
}

const DELETE_OF_PASSKEY: &str = "
    delete from sessions where user_id = $1 and passkey = $2 and id <> $3 returning id";

pub(super) async fn delete_of_passkey(
    tx: &mut Tx,
    user: &UserId,
    credential: &[u8],
    except: &SessionId,
) -> Result<Vec<SessionId>> {
    tx.all(
        DELETE_OF_PASSKEY,
        values![user, credential, except],
        |row| row.get(0),
    )
    .await
}

const BEYOND: &str = "
    select s.id
      from sessions s left join session_activity a on a.session_id = s.id
     where s.user_id = $1 and s.id <> $2
     order by coalesce(a.last_seen_at, s.authenticated_at) desc, s.id desc
     limit 1000 offset $3";

/// The user's sessions beyond the most there may be beside this one, those idle for longest.
pub(super) async fn beyond(
    tx: &Tx,
    user: &UserId,
    beside: &SessionId,
    most: u32,
) -> Result<Vec<SessionId>> {
    tx.all(BEYOND, values![user, beside, most], |row| row.get(0))
        .await
}

const RENEW: &str = "update sessions set expires_at = $1 where id = $2 and expires_at = $3";

pub(super) async fn renew(
    tx: &mut Tx,
    id: &SessionId,
    from: Timestamp,
    to: Timestamp,
) -> Result<()> {
    tx.execute(RENEW, values![to, id, from]).await.map(drop)
}

// The session may have ended meanwhile: then nobody was seen.
const SAW: &str = "
    insert into session_activity (session_id, last_seen_at)
    select id, $1 from sessions where id = $2
    on conflict (session_id) do update set last_seen_at = excluded.last_seen_at
     where session_activity.last_seen_at < excluded.last_seen_at";

pub(super) async fn saw(tx: &Tx, session: &SessionId, at: Timestamp) -> Result<()> {
    tx.execute(SAW, values![at, session]).await.map(drop)
}

// The guard twice: between the choice and the deletion another server may renew one.
const DELETE_EXPIRED: &str = "
    delete from sessions
     where expires_at <= $1 and id in (select id from sessions where expires_at <= $1 order by expires_at limit 500)";

pub(super) async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute(DELETE_EXPIRED, values![now]).await
}
