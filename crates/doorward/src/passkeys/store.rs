//! Passkeys in SQL.

use doorward_webauthn::{Algorithm, Credential};

use super::{Passkey, challenge::Presented};
use crate::{
    error::{Error, Result},
    ids::UserId,
    store::{Db, Executor, Row, Tx, values},
    time::Timestamp,
    users::{self, Account},
};

const INSERT: &str = "
    insert into passkeys (credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified,
                          backup_eligible, backed_up, name, created_at, made_with)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (credential_id) do nothing";

/// Adds a passkey; `false` when the credential is known, to whomever it belongs.
pub(super) async fn insert(tx: &mut Tx, passkey: &Passkey) -> Result<bool> {
    let credential = &passkey.credential;
    let transports = credential.transports.join(",");
    let values = values![
        &credential.id,
        &passkey.user_id,
        &credential.public_key,
        credential.algorithm.cose_id(),
        credential.sign_count,
        &credential.aaguid,
        &transports,
        credential.user_verified,
        credential.backup_eligible,
        credential.backed_up,
        &passkey.name,
        passkey.created_at,
        passkey.made_with.as_ref(),
    ];
    Ok(tx.execute(INSERT, values).await? > 0)
}

const FIND: &str = "
    select credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified, backup_eligible,
           backed_up, name, created_at, last_used_at, made_with
      from passkeys
     where credential_id = $1";

pub(super) async fn find(tx: &Tx, credential: &[u8]) -> Result<Option<Passkey>> {
    tx.optional(FIND, values![credential], passkey).await
}

const FIND_WITH_OWNER: &str = "
    select p.credential_id, p.user_id, p.public_key, p.algorithm, p.sign_count, p.aaguid, p.transports, p.user_verified,
           p.backup_eligible, p.backed_up, p.name, p.created_at, p.last_used_at, p.made_with,
           u.id, u.status, u.auth_epoch, u.webauthn_handle, u.first_name, u.last_name, u.picture, u.locale, u.created_at,
           u.updated_at, u.last_sign_in_at, e.address, e.verified_at
      from passkeys p
      join users u on u.id = p.user_id
      join user_emails e on e.user_id = u.id
     where p.credential_id = $1";

/// A passkey and whose it is.
pub(super) async fn find_with_owner(
    db: &Db,
    credential: &[u8],
) -> Result<Option<(Passkey, Account)>> {
    db.optional(FIND_WITH_OWNER, values![credential], |row| {
        Ok((passkey(row)?, users::account_in(row, 14)?))
    })
    .await
}

const OF_USER: &str = "
    select credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified, backup_eligible,
           backed_up, name, created_at, last_used_at, made_with
      from passkeys
     where user_id = $1
     order by created_at desc, credential_id";

pub(super) async fn of_user(db: &mut impl Executor, user: &UserId) -> Result<Vec<Passkey>> {
    db.all(OF_USER, values![user], passkey).await
}

fn passkey(row: &Row<'_>) -> Result<Passkey> {
    let algorithm =
        Algorithm::try_from(row.get::<i64>(3)?).map_err(|error| Error::Internal(error.into()))?;
    let transports: String = row.get(6)?;
    Ok(Passkey {
        credential: Credential {
            id: row.get(0)?,
            public_key: row.get(2)?,
            algorithm,
            sign_count: row.get(4)?,
            aaguid: row.get(5)?,
            transports: transports
                .split(',')
                .filter(|transport| !transport.is_empty())
                .map(str::to_owned)
                .collect(),
            user_verified: row.get(7)?,
            backup_eligible: row.get(8)?,
            backed_up: row.get(9)?,
        },
        user_id: row.get(1)?,
        name: row.get(10)?,
        created_at: row.get(11)?,
        last_used_at: row.get(12)?,
        made_with: row.get(13)?,
    })
}

const IDS_OF_USER: &str = "
    select credential_id from passkeys where user_id = $1 order by created_at desc, credential_id";

/// The ids of a user's passkeys, newest first.
pub(super) async fn ids_of_user(tx: &Tx, user: &UserId) -> Result<Vec<Vec<u8>>> {
    tx.all(IDS_OF_USER, values![user], |row| row.get(0)).await
}

const COUNT: &str = "select count(*) from passkeys where user_id = $1";

pub(super) async fn count(db: &mut impl Executor, user: &UserId) -> Result<u32> {
    Ok(db
        .optional(COUNT, values![user], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

/// A use of a passkey.
pub(super) struct Used<'a> {
    pub credential: &'a [u8],
    pub sign_count: u32,
    pub backed_up: bool,
    pub at: Timestamp,
}

// The guard decides between two assertions that arrive at once (WebAuthn §7.2, signature counter): the later count wins.
const USED: &str = "
    update passkeys
       set sign_count = $1, backed_up = $2, last_used_at = $3
     where credential_id = $4 and (sign_count < $1 or ($1 = 0 and sign_count = 0))";

pub(super) async fn used(tx: &Tx, used: &Used<'_>) -> Result<bool> {
    Ok(tx
        .execute(
            USED,
            values![used.sign_count, used.backed_up, used.at, used.credential],
        )
        .await?
        > 0)
}

const USED_AGAIN: &str = "
    update passkeys
       set sign_count = case when sign_count < $1 then $1 else sign_count end, backed_up = $2, last_used_at = $3
     where credential_id = $4";

pub(super) async fn used_again(tx: &Tx, used: &Used<'_>) -> Result<bool> {
    Ok(tx
        .execute(
            USED_AGAIN,
            values![used.sign_count, used.backed_up, used.at, used.credential],
        )
        .await?
        > 0)
}

const RENAME: &str = "update passkeys set name = $1 where credential_id = $2 and user_id = $3";

pub(super) async fn rename(
    tx: &mut Tx,
    user: &UserId,
    credential: &[u8],
    name: &str,
) -> Result<bool> {
    Ok(tx.execute(RENAME, values![name, credential, user]).await? > 0)
}

const DELETE: &str = "delete from passkeys where credential_id = $1";

pub(super) async fn delete(tx: &mut Tx, credential: &[u8]) -> Result<()> {
    tx.execute(DELETE, values![credential]).await.map(drop)
}

const DELETE_ALL: &str = "delete from passkeys where user_id = $1";

pub(super) async fn delete_all(tx: &mut Tx, user: &UserId) -> Result<()> {
    tx.execute(DELETE_ALL, values![user]).await.map(drop)
}

const REFUSED: &str = "select refused from passkey_offers where user_id = $1";

/// How often a user has refused the offer of a passkey.
pub(super) async fn refused(db: &mut impl Executor, user: &UserId) -> Result<u32> {
    Ok(db
        .optional(REFUSED, values![user], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

const REFUSE: &str = "
    insert into passkey_offers (user_id, refused)
    select id, 1 from users where id = $1
    on conflict (user_id) do update set refused = passkey_offers.refused + 1";

pub(super) async fn refuse(db: &Db, user: &UserId) -> Result<()> {
    db.execute(REFUSE, values![user]).await.map(drop)
}

const SET_REFUSED: &str = "
    insert into passkey_offers (user_id, refused)
    select id, $1 from users where id = $2
    on conflict (user_id) do update set refused = excluded.refused";

pub(super) async fn set_refused(db: &Db, user: &UserId, refused: u32) -> Result<()> {
    db.execute(SET_REFUSED, values![refused, user])
        .await
        .map(drop)
}

const SPEND: &str = "
    insert into spent_challenges (nonce, expires_at) values ($1, $2)
    on conflict (expires_at, nonce) do nothing";

/// Writes down that a challenge came back; `false` when it had come back before.
pub(super) async fn spend(tx: &Tx, challenge: &Presented) -> Result<bool> {
    let values = values![&challenge.nonce, challenge.expires_at];
    Ok(tx.execute(SPEND, values).await? > 0)
}

/// The same in a transaction of its own, which finds out what became of a commit whose answer is lost: repeated without that, the
/// challenge would seem to have come back before.
pub(super) async fn spend_alone(db: &Db, challenge: &Presented) -> Result<bool> {
    db.transaction(|tx| async move { spend(&tx, challenge).await })
        .await
}

const DELETE_EXPIRED_CHALLENGES: &str = "
    delete from spent_challenges
     where (expires_at, nonce) in (
           select expires_at, nonce from spent_challenges where expires_at <= $1 order by expires_at, nonce limit 500)";

pub(super) async fn delete_expired_challenges(db: &Db, now: Timestamp) -> Result<u64> {
    db.execute(DELETE_EXPIRED_CHALLENGES, values![now]).await
}
