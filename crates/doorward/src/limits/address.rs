//! What an address may spend: exact, in the database, one row an address.

use super::Rate;
use crate::{
    Doorward, config,
    error::{Error, Result},
    mail::Address,
    store::{Row, Tx, values},
    time::{Span, Timestamp},
};

/// Names an address in limits: keyed, so that the table tells nobody who was written to.
///
/// A device that has signed in to the address before has a budget of its own, which strangers cannot spend.
pub(crate) fn address_key(
    doorward: &Doorward,
    address: &Address,
    known_device: Option<&[u8]>,
) -> [u8; 32] {
    doorward
        .keys
        .addresses
        .mac(&[address.key(), known_device.unwrap_or_default()])
}

fn address_rates(limits: &config::Limits) -> [Rate; 4] {
    [
        Rate::every(limits.address_interval),
        Rate::new(limits.address_quarter, Span::minutes(15)),
        Rate::new(limits.address_hour, Span::hours(1)),
        Rate::new(limits.address_day, Span::days(1)),
    ]
}

// All four budgets or none: the guard refuses the whole row.
const SPEND: &str = "
    insert into address_limits (address_mac, failures, interval_tat, quarter_tat, hour_tat, day_tat, expires_at)
    values ($1, 0, $2, $3, $4, $5, $6)
    on conflict (address_mac) do update
       set interval_tat = case when address_limits.interval_tat < $7 then $7 else address_limits.interval_tat end + $8,
           quarter_tat = case when address_limits.quarter_tat < $7 then $7 else address_limits.quarter_tat end + $9,
           hour_tat = case when address_limits.hour_tat < $7 then $7 else address_limits.hour_tat end + $10,
           day_tat = case when address_limits.day_tat < $7 then $7 else address_limits.day_tat end + $11,
           expires_at = case when address_limits.expires_at < excluded.expires_at then excluded.expires_at else address_limits.expires_at end
     where address_limits.interval_tat - $7 <= $12
       and address_limits.quarter_tat - $7 <= $13
       and address_limits.hour_tat - $7 <= $14
       and address_limits.day_tat - $7 <= $15
 returning failures, (select failures from address_limits where address_mac = $16)";

const BUDGETS: &str = "
    select interval_tat, quarter_tat, hour_tat, day_tat from address_limits where address_mac = $1";

/// Spends one mailed code of an address's budgets, or of those that a known device has there; answers how many wrong codes in a
/// row the address has seen.
///
/// # Errors
/// [`Error::RateLimited`] when one of the budgets is spent; then none was touched.
pub(crate) async fn spend_code(
    tx: &mut Tx,
    limits: &config::Limits,
    address: &[u8; 32],
    device: Option<&[u8; 32]>,
    now: Timestamp,
) -> Result<u32> {
    let key = device.unwrap_or(address);
    let [interval, quarter, hour, day] = address_rates(limits);
    let first = |rate: Rate| rate.spent(0, now);
    let values = values![
        key,
        first(interval),
        first(quarter),
        first(hour),
        first(day),
        now + Span::days(1),
        now,
        interval.cost,
        quarter.cost,
        hour.cost,
        day.cost,
        interval.ahead,
        quarter.ahead,
        hour.ahead,
        day.ahead,
        address,
    ];
    let read = |row: &Row<'_>| match device {
        Some(_) => row.get::<Option<u32>>(1).map(Option::unwrap_or_default),
        // Of a row that is written the statement need not see more than itself.
        None => row.get(0),
    };
    if let Some(failures) = tx.optional(SPEND, values, read).await? {
        return Ok(failures);
    }
    let tats: Option<[i64; 4]> = tx
        .optional(BUDGETS, values![key], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })
        .await?;
    let waits = address_rates(limits)
        .into_iter()
        .zip(tats.unwrap_or_default())
        .map(|(rate, tat)| rate.wait(tat, now));
    Err(Error::RateLimited {
        retry_after: waits.max().unwrap_or(Span::ZERO),
    })
}

const COUNT_FAILURE: &str = "
    insert into address_limits (address_mac, failures, interval_tat, quarter_tat, hour_tat, day_tat, expires_at)
    values ($1, 1, 0, 0, 0, 0, $2)
    on conflict (address_mac) do update
       set failures = address_limits.failures + 1, expires_at = excluded.expires_at
 returning failures";

/// Counts a wrong code; answers how many there were in a row. Asking for another code does not reset the count.
pub(crate) async fn count_failure(tx: &mut Tx, key: &[u8; 32], now: Timestamp) -> Result<u32> {
    /// How long a row of wrong codes is remembered after the last of them.
    const MEMORY: Span = Span::days(30);
    Ok(tx
        .optional(COUNT_FAILURE, values![key, now + MEMORY], |row| row.get(0))
        .await?
        .unwrap_or(1))
}

const RESET_FAILURES: &str =
    "update address_limits set failures = 0 where address_mac = $1 and failures > 0";

/// Forgets the wrong codes of an address: its owner has signed in.
pub(crate) async fn reset_failures(tx: &Tx, key: &[u8; 32]) -> Result<()> {
    tx.execute(RESET_FAILURES, values![key]).await.map(drop)
}

// The guard twice: between the choice and the deletion another server may count against one.
const SWEEP: &str = "
    delete from address_limits
     where expires_at <= $1
       and address_mac in (select address_mac from address_limits where expires_at <= $1 order by expires_at limit 500)";

/// Deletes what has no bearing any more; how many rows.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp) -> Result<u64> {
    doorward.db.execute(SWEEP, values![now]).await
}
