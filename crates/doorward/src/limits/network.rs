//! What a network may spend: in memory of a fixed size.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use super::Rate;
use crate::{
    config,
    error::{Error, Result},
    time::{Span, Timestamp},
};

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

/// A network and its theoretical arrival time. A pair rather than a struct: zeroed pairs are memory that the system
/// hands out when it is touched.
type Slot = (u64, i64);

const WAYS: usize = 8;

/// An IPv6 /48 holds 65,536 networks of /64 and may be one household: it gets 16 times the budget.
const WIDE: i64 = 16;

impl Networks {
    pub(crate) fn new(limits: &config::Limits) -> Self {
        // Each network has at most two slots for each of two rates; untouched slots take no memory.
        let slots = limits.networks.next_multiple_of(WAYS);
        Self {
            slots: Mutex::new(vec![(0, 0); slots]),
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
                .find(|slot| slot.0 == network)
                .map_or(0, |slot| slot.1);
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
            let index = set.iter().position(|slot| slot.0 == network);
            let index = index.unwrap_or_else(|| {
                let (poorest, _) = set
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, slot)| slot.1)
                    .unwrap_or((0, &set[0]));
                set[poorest] = (network, 0);
                poorest
            });
            set[index].1 = rate.spent(set[index].1, now);
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
