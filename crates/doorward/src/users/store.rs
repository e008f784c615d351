//! People and their addresses in SQL.

use super::{Account, Filter, Name, Picture, ProfileChange, Status, User};
use crate::{
    access::Access,
    config::Locale,
    error::{Error, Result},
    ids::UserId,
    mail::{Address, NORM_VERSION},
    store::{Db, Executor, Row, Tx, values},
    time::Timestamp,
};

/// A row of `users`: an account without its address.
pub(super) struct UserRow {
    pub id: UserId,
    status: Status,
    auth_epoch: i64,
    webauthn_handle: [u8; 64],
    first_name: Option<String>,
    last_name: Option<String>,
    picture: Option<String>,
    locale: Option<Locale>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
}

impl UserRow {
    fn read(row: &Row<'_>) -> Result<Self> {
        Self::read_from(row, 0)
    }

    /// Reads the row where its columns begin with this one.
    fn read_from(row: &Row<'_>, first: usize) -> Result<Self> {
        Ok(Self {
            id: row.get(first)?,
            status: status(row.get(first + 1)?)?,
            auth_epoch: row.get(first + 2)?,
            webauthn_handle: row.get(first + 3)?,
            first_name: row.get(first + 4)?,
            last_name: row.get(first + 5)?,
            picture: row.get(first + 6)?,
            locale: row
                .get::<Option<String>>(first + 7)?
                .map(|text| locale(&text))
                .transpose()?,
            created_at: row.get(first + 8)?,
            updated_at: row.get(first + 9)?,
            last_sign_in_at: row.get(first + 10)?,
        })
    }

    /// The account with this address.
    pub(super) fn account(self, email: Address, email_verified: bool) -> Account {
        Account {
            user: User {
                id: self.id,
                email,
                email_verified,
                first_name: self.first_name,
                last_name: self.last_name,
                picture: self.picture,
                locale: self.locale,
                created_at: self.created_at,
                updated_at: self.updated_at,
            },
            status: self.status,
            last_sign_in_at: self.last_sign_in_at,
            auth_epoch: self.auth_epoch,
            webauthn_handle: self.webauthn_handle,
        }
    }
}

/// Whose an address is.
pub(super) struct Owner {
    pub user: UserId,
    /// As it was first given.
    pub address: Address,
    pub is_verified: bool,
}

/// A user on their way into the database.
pub(super) struct NewUser<'a> {
    pub id: UserId,
    pub webauthn_handle: [u8; 64],
    pub first_name: Option<&'a Name>,
    pub last_name: Option<&'a Name>,
    pub now: Timestamp,
}

// `access/store.rs` counts administrators by the number of an active user.
fn status_number(status: Status) -> i64 {
    match status {
        Status::Active => 1,
        Status::Disabled => 2,
    }
}

fn status(number: i64) -> Result<Status> {
    match number {
        1 => Ok(Status::Active),
        2 => Ok(Status::Disabled),
        other => Err(Error::Internal(
            format!("no status has the number {other}").into(),
        )),
    }
}

fn locale_text(locale: Locale) -> &'static str {
    match locale {
        Locale::En => "en",
        Locale::De => "de",
    }
}

fn locale(text: &str) -> Result<Locale> {
    match text {
        "en" => Ok(Locale::En),
        "de" => Ok(Locale::De),
        other => Err(Error::Internal(
            format!("no language is called {other}").into(),
        )),
    }
}

fn address(row: &Row<'_>, column: usize) -> Result<Address> {
    Address::parse(&row.get::<String>(column)?).map_err(|error| Error::Internal(error.into()))
}

/// Whether the column, a time of proof, holds one.
fn is_verified(row: &Row<'_>, column: usize) -> Result<bool> {
    Ok(row.get::<Option<Timestamp>>(column)?.is_some())
}

const OWNER: &str = "select user_id, address, verified_at from user_emails where email_key = $1";

pub(super) async fn owner(db: &mut impl Executor, wanted: &Address) -> Result<Option<Owner>> {
    db.optional(OWNER, values![wanted.key()], |row| {
        Ok(Owner {
            user: row.get(0)?,
            address: address(row, 1)?,
            is_verified: is_verified(row, 2)?,
        })
    })
    .await
}

const ADDRESS_OF: &str = "select address, verified_at from user_emails where user_id = $1";

/// The user's address, and whether it is proved.
pub(super) async fn address_of(
    db: &mut impl Executor,
    user: &UserId,
) -> Result<Option<(Address, bool)>> {
    db.optional(ADDRESS_OF, values![user], |row| {
        Ok((address(row, 0)?, is_verified(row, 1)?))
    })
    .await
}

// One statement, so that roles and permissions are of one moment.
const ADDRESS_AND_ACCESS: &str = "
    select e.address, e.verified_at, r.name, p.permission_key
      from user_emails e
      left join user_roles o on o.user_id = e.user_id
      left join roles r on r.id = o.role_id
      left join role_permissions p on p.role_id = o.role_id
     where e.user_id = $1";

/// The user's address, whether it is proved, and what they may do.
pub(super) async fn address_and_access(
    tx: &Tx,
    user: &UserId,
) -> Result<Option<(Address, bool, Access)>> {
    let mut known = None;
    let (mut roles, mut permissions) = (Vec::new(), Vec::new());
    let read = |row: &Row<'_>| {
        if known.is_none() {
            known = Some((address(row, 0)?, is_verified(row, 1)?));
        }
        roles.extend(row.get::<Option<String>>(2)?);
        permissions.extend(row.get::<Option<Vec<u8>>>(3)?);
        Ok(())
    };
    tx.all(ADDRESS_AND_ACCESS, values![user], read).await?;
    let access = Access::of_keys(roles, permissions)?;
    Ok(known.map(|(address, is_verified)| (address, is_verified, access)))
}

const USER: &str = "
    select id, status, auth_epoch, webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at,
           last_sign_in_at
      from users
     where id = $1";

pub(super) async fn user(db: &mut impl Executor, user: &UserId) -> Result<Option<UserRow>> {
    db.optional(USER, values![user], UserRow::read).await
}

const LIST: &str = "
    select u.id, u.status, u.auth_epoch, u.webauthn_handle, u.first_name, u.last_name, u.picture, u.locale, u.created_at,
           u.updated_at, u.last_sign_in_at, e.address, e.verified_at
      from users u
      join user_emails e on e.user_id = u.id
     where u.id < $1 and e.user_id < $1
       and ($2 is null or u.status = $2)
       and ($3 is null or exists (
             select 1 from user_roles h join roles r on r.id = h.role_id where h.user_id = u.id and r.name_key = $3))
     order by u.id desc
     limit $4";

// The same by the beginning of the address, which is a range of keys. The order within has those found first: by the order of
// ids PostgreSQL would go through everyone.
const LIST_BY_ADDRESS: &str = "
    select u.id, u.status, u.auth_epoch, u.webauthn_handle, u.first_name, u.last_name, u.picture, u.locale, u.created_at,
           u.updated_at, u.last_sign_in_at, e.address, e.verified_at
      from (select user_id, address, verified_at
              from user_emails
             where email_key >= $1 and email_key < $2
             order by email_key) e
      join users u on u.id = e.user_id
     where u.id < $3
       and ($4 is null or u.status = $4)
       and ($5 is null or exists (
             select 1 from user_roles h join roles r on r.id = h.role_id where h.user_id = u.id and r.name_key = $5))
     order by u.id desc
     limit $6";

/// The account in a row of another statement: from this column on all of `users` as above, then the address and its proof.
pub(super) fn account_in(row: &Row<'_>, first: usize) -> Result<Account> {
    let user = UserRow::read_from(row, first)?;
    Ok(user.account(address(row, first + 11)?, is_verified(row, first + 12)?))
}

/// Users from before the given one, newest first.
pub(super) async fn list(
    db: &Db,
    filter: &Filter,
    before: Option<UserId>,
    limit: u32,
) -> Result<Vec<Account>> {
    let before = before.unwrap_or(UserId([0xff; 16]));
    let status = filter.status.map(status_number);
    let role = filter.role.as_ref().map(String::as_bytes);
    let read = |row: &Row<'_>| account_in(row, 0);
    let Some(beginning) = &filter.address else {
        return db
            .all(LIST, values![&before, status, role, limit], read)
            .await;
    };
    let from = beginning.trim().to_ascii_lowercase().into_bytes();
    // Keys are ASCII, so that every one that begins so comes before this.
    let to = [from.as_slice(), &[0xff]].concat();
    db.all(
        LIST_BY_ADDRESS,
        values![&from, &to, &before, status, role, limit],
        read,
    )
    .await
}

const INSERT_USER: &str = "
    insert into users (id, status, auth_epoch, webauthn_handle, first_name, last_name, created_at, updated_at)
    values ($1, $2, 0, $3, $4, $5, $6, $6)";

pub(super) async fn insert_user(tx: &mut Tx, new: &NewUser<'_>) -> Result<()> {
    let values = values![
        &new.id,
        status_number(Status::Active),
        &new.webauthn_handle,
        new.first_name.map(Name::as_str),
        new.last_name.map(Name::as_str),
        new.now,
    ];
    tx.execute(INSERT_USER, values).await.map(drop)
}

const INSERT_ADDRESS: &str = "
    insert into user_emails (email_key, user_id, address, norm_version, verified_at)
    values ($1, $2, $3, $4, $5)
    on conflict (email_key) do nothing";

/// Whether the address was nobody's.
pub(super) async fn insert_address(
    tx: &mut Tx,
    user: &UserId,
    address: &Address,
    verified_at: Option<Timestamp>,
) -> Result<bool> {
    let values = values![
        address.key(),
        user,
        address.as_str(),
        NORM_VERSION,
        verified_at
    ];
    Ok(tx.execute(INSERT_ADDRESS, values).await? > 0)
}

const CLAIM_ADDRESS: &str = "
    insert into user_emails (email_key, user_id, address, norm_version, verified_at)
    values ($1, $2, $3, $4, $5)
    on conflict (email_key) do update
       set address = excluded.address, norm_version = excluded.norm_version, verified_at = excluded.verified_at
     where user_emails.user_id = excluded.user_id";

/// Whether the address was nobody's or the user's own; now it is theirs, and proved.
pub(super) async fn claim_address(
    tx: &mut Tx,
    user: &UserId,
    address: &Address,
    now: Timestamp,
) -> Result<bool> {
    let values = values![address.key(), user, address.as_str(), NORM_VERSION, now];
    Ok(tx.execute(CLAIM_ADDRESS, values).await? > 0)
}

const DELETE_OTHER_ADDRESSES: &str =
    "delete from user_emails where user_id = $1 and email_key <> $2";

pub(super) async fn delete_other_addresses(
    tx: &mut Tx,
    user: &UserId,
    address: &Address,
) -> Result<()> {
    tx.execute(DELETE_OTHER_ADDRESSES, values![user, address.key()])
        .await
        .map(drop)
}

const VERIFY: &str = "
    update user_emails set verified_at = $1 where email_key = $2 and verified_at is null";

/// Whether this was the first proof of the address.
pub(super) async fn verify(tx: &mut Tx, address: &Address, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(VERIFY, values![now, address.key()]).await? > 0)
}

const SIGN_IN: &str = "
    update users set last_sign_in_at = $1 where id = $2 and status = $3
 returning id, status, auth_epoch, webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at,
           last_sign_in_at";

/// The user, if they may sign in.
pub(super) async fn sign_in(tx: &Tx, user: &UserId, now: Timestamp) -> Result<Option<UserRow>> {
    tx.optional(
        SIGN_IN,
        values![now, user, status_number(Status::Active)],
        UserRow::read,
    )
    .await
}

// By the address, so that who has it and whether they may sign in is one question.
const SIGN_IN_AT: &str = "
    update users set last_sign_in_at = $1
     where id = (select user_id from user_emails where email_key = $2) and status = $3
 returning id, status, auth_epoch, webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at,
           last_sign_in_at,
           (select address from user_emails where email_key = $2),
           (select verified_at from user_emails where email_key = $2)";

/// The account of this address, if there is one that may sign in.
pub(super) async fn sign_in_at(
    tx: &mut Tx,
    address: &Address,
    now: Timestamp,
) -> Result<Option<Account>> {
    let values = values![now, address.key(), status_number(Status::Active)];
    tx.optional(SIGN_IN_AT, values, |row| account_in(row, 0))
        .await
}

const ADVANCE_EPOCH: &str = "
    update users set auth_epoch = auth_epoch + 1, updated_at = $1 where id = $2
 returning id, status, auth_epoch, webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at,
           last_sign_in_at";

/// The user in their new epoch.
pub(super) async fn advance_epoch(
    tx: &mut Tx,
    user: &UserId,
    now: Timestamp,
) -> Result<Option<UserRow>> {
    tx.optional(ADVANCE_EPOCH, values![now, user], UserRow::read)
        .await
}

const SET_STATUS: &str = "
    update users set status = $1, auth_epoch = auth_epoch + 1, updated_at = $2 where id = $3 and status <> $1";

/// Whether the user had another status. Their sessions end with it.
pub(super) async fn set_status(
    tx: &mut Tx,
    user: &UserId,
    status: Status,
    now: Timestamp,
) -> Result<bool> {
    Ok(tx
        .execute(SET_STATUS, values![status_number(status), now, user])
        .await?
        > 0)
}

const TOUCH: &str = "update users set updated_at = $1 where id = $2";

/// Whether there is such a user.
pub(super) async fn touch(tx: &mut Tx, user: &UserId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(TOUCH, values![now, user]).await? > 0)
}

const UPDATE_PROFILE: &str = "
    update users
       set first_name = case when $1 = 1 then $2 else first_name end,
           last_name = case when $3 = 1 then $4 else last_name end,
           picture = case when $5 = 1 then $6 else picture end,
           locale = case when $7 = 1 then $8 else locale end,
           updated_at = $9
     where id = $10
 returning id, status, auth_epoch, webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at,
           last_sign_in_at";

/// The user as changed.
pub(super) async fn update_profile(
    tx: &mut Tx,
    user: &UserId,
    change: &ProfileChange,
    now: Timestamp,
) -> Result<Option<UserRow>> {
    let values = values![
        change.first_name.is_change(),
        change.first_name.value().map(Name::as_str),
        change.last_name.is_change(),
        change.last_name.value().map(Name::as_str),
        change.picture.is_change(),
        change.picture.value().map(Picture::as_str),
        change.locale.is_change(),
        change.locale.value().copied().map(locale_text),
        now,
        user,
    ];
    tx.optional(UPDATE_PROFILE, values, UserRow::read).await
}

const DELETE_USER: &str = "delete from users where id = $1";

/// Deletes a user; addresses, passkeys, sessions and roles go with them.
pub(super) async fn delete_user(tx: &mut Tx, user: &UserId) -> Result<()> {
    tx.execute(DELETE_USER, values![user]).await.map(drop)
}
