//! Budgets: what an address, a network and the whole world may spend.
//!
//! An address's budget is exact and lives in the database, one row an address, spent by one guarded statement.
//! A network's is counted in memory of a fixed size, so that a flood costs neither statements nor memory.
//! Over a budget the answer is the same whether or not an account exists: keys are made of what was sent.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use crate::{
    Doorward, config,
    error::{Error, Result},
    mail::Address,
    store::{Tx, values},
    time::{Span, Timestamp},
};

/// So many in a period: by GCRA, which remembers one moment, the *theoretical arrival time*.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// The time that each one costs.
    cost: i64,
    /// How far the arrival time may run ahead.
    ahead: i64,
}

impl Rate {
    /// `0` in a period is no limit.
    fn new(count: u32, period: Span) -> Self {
        match i64::from(count) {
            0 => Self {
                cost: 0,
                ahead: i64::MAX / 4,
            },
            count => Self {
                cost: period.as_millis() / count,
                ahead: period.as_millis() - period.as_millis() / count,
            },
        }
    }

    /// One in each interval.
    fn every(interval: Span) -> Self {
        match interval.as_millis() {
            0 => Self::new(0, interval),
            cost => Self { cost, ahead: 0 },
        }
    }

    /// The rate of a network so many times as wide.
    fn widened(self, width: i64) -> Self {
        let cost = self.cost / width;
        Self {
            cost,
            ahead: self.ahead + self.cost - cost,
        }
    }

    /// How long to wait from now; nothing when there is budget left.
    fn wait(self, tat: i64, now: Timestamp) -> Span {
        Span::millis((tat - now.as_millis() - self.ahead).max(0))
    }

    fn spent(self, tat: i64, now: Timestamp) -> i64 {
        tat.max(now.as_millis()) + self.cost
    }
}

// ── An address ──────────────────────────────────────────────────────────────

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
 returning failures";

const BUDGETS: &str = "
    select interval_tat, quarter_tat, hour_tat, day_tat from address_limits where address_mac = $1";

/// Spends one mailed code of an address's budgets; answers how many wrong codes in a row the key has seen.
///
/// # Errors
/// [`Error::RateLimited`] when one of the budgets is spent; then none was touched.
pub(crate) async fn spend_code(
    tx: &mut Tx,
    limits: &config::Limits,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<u32> {
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
    ];
    if let Some(failures) = tx.optional(SPEND, values, |row| row.get(0)).await? {
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

const FAILURES: &str = "select failures from address_limits where address_mac = $1";

/// How many wrong codes in a row the address has seen.
pub(crate) async fn failures(tx: &mut Tx, key: &[u8; 32]) -> Result<u32> {
    Ok(tx
        .optional(FAILURES, values![key], |row| row.get(0))
        .await?
        .unwrap_or(0))
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
pub(crate) async fn reset_failures(tx: &mut Tx, key: &[u8; 32]) -> Result<()> {
    tx.execute(RESET_FAILURES, values![key]).await.map(drop)
}

const SWEEP: &str = "
    delete from address_limits
     where address_mac in (select address_mac from address_limits where expires_at <= $1 order by expires_at limit $2)";

/// Deletes what has no bearing any more; how many rows.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp, most: u32) -> Result<u64> {
    doorward.db.execute(SWEEP, values![now, most]).await
}

// ── A network ───────────────────────────────────────────────────────────────

/// What a network spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Budget {
    /// Codes asked for.
    Codes,
    /// Sign-ins that failed.
    Failures,
}

/// The budgets of networks, in memory of a fixed size.
///
/// A table of slots in sets of eight. A network that is new to a full set takes the slot that owes least, so that
/// forgetting favours no one who is near a limit.
pub(crate) struct Networks {
    slots: Mutex<Vec<Slot>>,
    hasher: RandomState,
    codes: [Rate; 2],
    failures: [Rate; 1],
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    network: u64,
    tat: i64,
}

const WAYS: usize = 8;

/// An IPv6 /48 holds 65,536 networks of /64 and may be one household: it gets 16 times the budget.
const WIDE: i64 = 16;

impl Networks {
    pub(crate) fn new(limits: &config::Limits) -> Self {
        // Each network has at most two slots for each of two rates; untouched slots take no memory.
        let slots = limits.networks.next_multiple_of(WAYS);
        Self {
            slots: Mutex::new(vec![Slot::default(); slots]),
            hasher: RandomState::new(),
            codes: [
                Rate::new(limits.network_quarter, Span::minutes(15)),
                Rate::new(limits.network_hour, Span::hours(1)),
            ],
            failures: [Rate::new(limits.network_failures, Span::minutes(5))],
        }
    }

    /// Spends one of a budget.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when it is spent; then nothing was touched.
    pub(crate) fn spend(&self, ip: Option<IpAddr>, budget: Budget, now: Timestamp) -> Result<()> {
        self.check(ip, budget, now)?;
        self.count(ip, budget, now);
        Ok(())
    }

    /// Looks whether a budget is spent.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when it is.
    pub(crate) fn check(&self, ip: Option<IpAddr>, budget: Budget, now: Timestamp) -> Result<()> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = self.keys(ip, budget).map(|(network, rate)| {
            let tat = set(&slots, network)
                .iter()
                .find(|slot| slot.network == network)
                .map_or(0, |slot| slot.tat);
            rate.wait(tat, now)
        });
        match waits.max() {
            Some(retry_after) if retry_after > Span::ZERO => {
                Err(Error::RateLimited { retry_after })
            }
            _ => Ok(()),
        }
    }

    /// Spends one of a budget, whether or not there is any left.
    pub(crate) fn count(&self, ip: Option<IpAddr>, budget: Budget, now: Timestamp) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for (network, rate) in self.keys(ip, budget) {
            let set = set_mut(&mut slots, network);
            let index = set.iter().position(|slot| slot.network == network);
            let index = index.unwrap_or_else(|| {
                let (poorest, _) = set
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, slot)| slot.tat)
                    .unwrap_or((0, &set[0]));
                set[poorest] = Slot { network, tat: 0 };
                poorest
            });
            set[index].tat = rate.spent(set[index].tat, now);
        }
    }

    /// The slots of a network: one for each rate, for the /64 and for the /48.
    fn keys(&self, ip: Option<IpAddr>, budget: Budget) -> impl Iterator<Item = (u64, Rate)> {
        let rates: &[Rate] = match budget {
            Budget::Codes => &self.codes,
            Budget::Failures => &self.failures,
        };
        let networks = networks_of(ip);
        rates.iter().enumerate().flat_map(move |(index, rate)| {
            networks.into_iter().flatten().map(move |(network, width)| {
                let key = self.hasher.hash_one((budget, index, network, width)).max(1);
                (key, rate.widened(width))
            })
        })
    }
}

fn set(slots: &[Slot], key: u64) -> &[Slot] {
    let start = start(slots.len(), key);
    &slots[start..start + WAYS]
}

fn set_mut(slots: &mut [Slot], key: u64) -> &mut [Slot] {
    let start = start(slots.len(), key);
    &mut slots[start..start + WAYS]
}

fn start(slots: usize, key: u64) -> usize {
    let sets = slots / WAYS;
    usize::try_from(key % sets as u64).unwrap_or(0) * WAYS
}

/// The networks that an address counts for, with how wide each is: an IPv4 address is its own, an IPv6 address
/// counts for its /64 and its /48. Mapped addresses are IPv4. Callers without an address are one network.
fn networks_of(ip: Option<IpAddr>) -> [Option<(u128, i64)>; 2] {
    match ip
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        .to_canonical()
    {
        IpAddr::V4(address) => [Some((address.to_ipv6_mapped().to_bits(), 1)), None],
        IpAddr::V6(address) => {
            let prefix =
                |bits: u32| Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> bits)).to_bits();
            [Some((prefix(64), 1)), Some((prefix(48), WIDE))]
        }
    }
}

// ── The world ───────────────────────────────────────────────────────────────

/// Notices when codes are being guessed everywhere at once, though nowhere often enough for a single budget.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<Hours>);

#[derive(Debug, Default)]
struct Hours {
    /// The hour, since 1970, of the last failure.
    hour: i64,
    /// Failures in that hour and in the 24 before it, latest first.
    failures: [u32; 25],
}

impl Hours {
    fn move_to(&mut self, now: Timestamp) {
        let hour = now.as_millis() / Span::hours(1).as_millis();
        let passed = usize::try_from(hour - self.hour)
            .unwrap_or(0)
            .min(self.failures.len());
        let hours = self.failures.len();
        self.failures.rotate_right(passed % hours);
        self.failures[..passed].fill(0);
        self.hour = self.hour.max(hour);
    }

    /// More than the threshold in this hour and the last, and ten times what an hour of the day before saw.
    fn spray(&self, threshold: u32) -> bool {
        let lately = u64::from(self.failures[0]) + u64::from(self.failures[1]);
        let before: u64 = self.failures[2..]
            .iter()
            .map(|&count| u64::from(count))
            .sum();
        let usual = before / (self.failures.len() as u64 - 2);
        threshold > 0 && lately > u64::from(threshold) && lately > 10 * usual
    }
}

impl Brake {
    /// Counts a wrong code; whether that is the one by which the brake takes hold.
    pub(crate) fn count_failure(&self, threshold: u32, now: Timestamp) -> bool {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.move_to(now);
        let before = hours.spray(threshold);
        hours.failures[0] = hours.failures[0].saturating_add(1);
        !before && hours.spray(threshold)
    }

    /// Whether all codes are to be long.
    pub(crate) fn holds(&self, threshold: u32, now: Timestamp) -> bool {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hours.move_to(now);
        hours.spray(threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn networks() -> Networks {
        Networks::new(&config::Limits::default())
    }

    fn allowed(networks: &Networks, ip: &str, now: Timestamp) -> usize {
        let ip = Some(ip.parse().unwrap());
        (0..100_000)
            .take_while(|_| networks.spend(ip, Budget::Codes, now).is_ok())
            .count()
    }

    /// Item 98: 60 in 15 minutes, 200 in an hour; then one every 15 s.
    #[test]
    fn a_network_spends_its_budget_and_earns_it_back() {
        let networks = networks();
        assert_eq!(allowed(&networks, "192.0.2.1", NOW), 60);
        assert_eq!(
            allowed(&networks, "192.0.2.2", NOW),
            60,
            "another network has its own"
        );
        assert_eq!(allowed(&networks, "192.0.2.1", NOW + Span::seconds(15)), 1);
        let hour: usize = (1..=4)
            .map(|quarter| allowed(&networks, "192.0.2.3", NOW + Span::minutes(15 * quarter)))
            .sum();
        assert!((200..=260).contains(&hour), "{hour}");
    }

    /// Item 99: all spellings of an address and all addresses of a /64 share a budget; a /48 has sixteen.
    #[test]
    fn networks_are_canonical() {
        let mapped = networks();
        assert_eq!(allowed(&mapped, "192.0.2.1", NOW), 60);
        assert_eq!(allowed(&mapped, "::ffff:192.0.2.1", NOW), 0);
        assert_eq!(allowed(&mapped, "::ffff:c000:201", NOW), 0);

        let narrow = networks();
        let spent: usize = (0..1 << 16)
            .map(|host| allowed(&narrow, &format!("2001:db8::{host:x}"), NOW))
            .sum();
        assert_eq!(spent, 60, "one /64");

        let wide = networks();
        let spent: usize = (0..100)
            .map(|net| allowed(&wide, &format!("2001:db8:0:{net:x}::1"), NOW))
            .sum();
        assert_eq!(spent, 60 * 16, "one /48");
    }

    /// Item 102: a million networks take no more memory than the first.
    #[test]
    fn memory_is_fixed() {
        let networks = networks();
        for number in 0..1_000_000_u32 {
            networks.count(
                Some(IpAddr::V4(Ipv4Addr::from_bits(number))),
                Budget::Codes,
                NOW,
            );
        }
        assert_eq!(
            networks.slots.lock().unwrap().capacity(),
            config::Limits::default().networks
        );
    }

    #[test]
    fn an_offender_is_not_forgotten_for_a_newcomer() {
        let networks = networks();
        assert_eq!(allowed(&networks, "192.0.2.1", NOW), 60);
        for number in 0..200_000_u32 {
            networks.count(
                Some(IpAddr::V4(Ipv4Addr::from_bits(number))),
                Budget::Codes,
                NOW,
            );
        }
        assert!(
            networks
                .check(Some("192.0.2.1".parse().unwrap()), Budget::Codes, NOW)
                .is_err()
        );
    }

    /// Item 101: the brake takes hold in a spray and lets go after it; a busy day is no spray.
    #[test]
    fn the_brake_holds_during_a_spray() {
        let brake = Brake::default();
        let took_hold = (0..2000).filter(|_| brake.count_failure(1000, NOW)).count();
        assert_eq!(took_hold, 1, "it takes hold once");
        assert!(brake.holds(1000, NOW));
        assert!(!brake.holds(1000, NOW + Span::hours(2)));

        let busy = Brake::default();
        for hour in 0..26 {
            for _ in 0..1100 {
                busy.count_failure(1000, NOW + Span::hours(hour));
            }
        }
        assert!(
            !busy.holds(1000, NOW + Span::hours(25)),
            "as many as every hour of the day"
        );
    }

    #[test]
    fn zero_is_no_limit() {
        let off = config::Limits {
            network_quarter: 0,
            network_hour: 0,
            ..config::Limits::default()
        };
        assert_eq!(allowed(&Networks::new(&off), "192.0.2.1", NOW), 100_000);
    }
}
