//! Codes in SQL.

use super::Form;
use crate::{
    error::Result,
    ids::{CodeId, UserId},
    store::{Tx, Value, values},
    time::Timestamp,
};

/// How the form of a code is stored: its digits, or 0 for long ones.
pub(super) fn form_number(form: Form) -> i64 {
    match form {
        Form::Digits(digits) => digits.into(),
        Form::Long => 0,
    }
}

/// A code on its way into the database.
pub(super) struct NewRow<'a> {
    pub id: &'a CodeId,
    pub purpose: i64,
    pub email_key: &'a [u8],
    pub binding: &'a [u8],
    pub form: i64,
    pub code_mac: &'a [u8; 32],
    pub attempts: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl NewRow<'_> {
    fn values(&self) -> [Value<'_>; 9] {
        [
            self.id.into(),
            self.purpose.into(),
            self.email_key.into(),
            self.binding.into(),
            self.form.into(),
            self.code_mac.into(),
            self.attempts.into(),
            self.created_at.into(),
            self.expires_at.into(),
        ]
    }
}

// Counts those beside it, so that room is made only where it has to be.
const INSERT: &str = "
    insert into codes (id, purpose, email_key, binding, form, code_mac, attempts_left, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
 returning (select count(*) from codes where email_key = $3 and purpose = $2 and binding = $4 and id <> $1)";

/// Writes a code down; how many there are beside it with the same binding.
pub(super) async fn insert(tx: &mut Tx, row: &NewRow<'_>) -> Result<u32> {
    tx.optional(INSERT, &row.values(), |row| row.get(0))
        .await
        .map(Option::unwrap_or_default)
}

const INSERT_UNLESS_LIVE: &str = "
    insert into codes (id, purpose, email_key, binding, form, code_mac, attempts_left, created_at, expires_at)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9
     where not exists (select 1
                         from codes
                        where email_key = $3 and purpose = $2 and binding = $4 and form = $5
                          and consumed_at is null and attempts_left > 0 and expires_at >= $10)
 returning (select count(*) from codes where email_key = $3 and purpose = $2 and binding = $4 and id <> $1)";

/// The same, unless one of the same form lives until the given time: then `None`.
pub(super) async fn insert_unless_live(
    tx: &mut Tx,
    row: &NewRow<'_>,
    until: Timestamp,
) -> Result<Option<u32>> {
    let mut values = row.values().to_vec();
    values.push(until.into());
    tx.optional(INSERT_UNLESS_LIVE, &values, |row| row.get(0))
        .await
}

const LIVE: &str = "
    select id, expires_at
      from codes
     where email_key = $1 and purpose = $2 and binding = $3 and form = $4
       and consumed_at is null and attempts_left > 0 and expires_at >= $5
     order by id desc
     limit 1";

/// The newest code of the same binding and form that lives until the given time.
pub(super) async fn live(
    tx: &mut Tx,
    like: &NewRow<'_>,
    until: Timestamp,
) -> Result<Option<(CodeId, Timestamp)>> {
    let values = values![like.email_key, like.purpose, like.binding, like.form, until];
    tx.optional(LIVE, values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

const MAKE_ROOM: &str = "
    delete from codes
     where id in (select id
                    from codes
                   where email_key = $1 and purpose = $2 and binding = $3 and id <> $4
                   order by id desc
                   limit 1000 offset $5)";

/// Deletes all codes with this binding but the one given, if one is, and the newest `keep` beside it.
pub(super) async fn make_room(
    tx: &mut Tx,
    email_key: &[u8],
    purpose: i64,
    binding: &[u8],
    but: Option<&CodeId>,
    keep: u32,
) -> Result<()> {
    let but = but.copied().unwrap_or(CodeId([0; 16]));
    tx.execute(MAKE_ROOM, values![email_key, purpose, binding, &but, keep])
        .await
        .map(drop)
}

/// A code that someone shows.
pub(super) struct Shown<'a> {
    pub mac: &'a [u8; 32],
    pub email_key: &'a [u8],
    pub purpose: i64,
    pub binding: &'a [u8],
    pub unbound: &'a [u8],
    /// Names the address in limits.
    pub limits_key: &'a [u8; 32],
}

/// How one code compared.
pub(super) struct Compared {
    pub accepted: bool,
    pub matched: bool,
    /// How many wrong codes in a row the address has seen.
    pub failures: u32,
}

// Compares and counts in one statement. An expired code is compared, and counted, too: its owner is told to ask for another.
const SPEND_ATTEMPT: &str = "
    update codes
       set attempts_left = attempts_left - 1,
           consumed_at = case when code_mac = $1 and expires_at > $2 then $2 end
     where email_key = $3 and purpose = $4 and binding in ($5, $6)
       and consumed_at is null and attempts_left > 0
 returning consumed_at is not null, code_mac = $1,
           coalesce((select failures from address_limits where address_mac = $7), 0)";

pub(super) async fn spend_attempt(
    tx: &mut Tx,
    shown: &Shown<'_>,
    now: Timestamp,
) -> Result<Vec<Compared>> {
    let values = values![
        shown.mac,
        now,
        shown.email_key,
        shown.purpose,
        shown.binding,
        shown.unbound,
        shown.limits_key,
    ];
    tx.all(SPEND_ATTEMPT, values, |row| {
        Ok(Compared {
            accepted: row.get(0)?,
            matched: row.get(1)?,
            failures: row.get(2)?,
        })
    })
    .await
}

const DELETE_OLD: &str = "
    delete from codes where id in (select id from codes where expires_at <= $1 order by expires_at limit 500)";

pub(super) async fn delete_old(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(DELETE_OLD, values![before]).await
}

// A code for a new address is bound to the session that asked for it.
const DELETE_OF: &str = "
    delete from codes
     where email_key = $1 or binding in (select id from sessions where user_id = $2)";

pub(super) async fn delete_of(tx: &mut Tx, email_key: &[u8], user: &UserId) -> Result<()> {
    tx.execute(DELETE_OF, values![email_key, user])
        .await
        .map(drop)
}
