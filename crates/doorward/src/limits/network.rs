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
        // Each network has at most two slots for each of three rates; untouched slots take no memory.
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

    /// Spends one of a budget, so that what is under way counts: however many ask at once, no more get through.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when it is spent; then nothing was touched.
    pub(crate) fn spend(
        &self,
        ip: Option<IpAddr>,
        budget: Budget,
        now: Timestamp,
    ) -> Result<Spent<'_>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = self.keys(ip, budget).map(|(network, rate)| {
            let owed = find(set_mut(&mut slots, network), network).map_or(0, |slot| slot.1);
            rate.wait(owed, now)
        });
        let retry_after = waits.max().unwrap_or(Span::ZERO);
        if retry_after > Span::ZERO {
            return Err(Error::RateLimited { retry_after });
        }
        for (network, rate) in self.keys(ip, budget) {
            let slot = find_or_replace(set_mut(&mut slots, network), network);
            slot.1 = rate.spent(slot.1, now);
        }
        Ok(Spent {
            networks: self,
            ip,
            budget,
            kept: false,
        })
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

/// What a request has spent, for as long as it is under way. Unless it is kept it is given back: when what it was for did not
/// fail, could not be done, or panicked. Nobody who hangs up has it given back before: unsafe requests are done to their end.
#[must_use = "what is not kept is given back at once"]
pub(crate) struct Spent<'a> {
    networks: &'a Networks,
    ip: Option<IpAddr>,
    budget: Budget,
    kept: bool,
}

impl Spent<'_> {
    /// It stays spent.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let networks = self.networks;
        let mut slots = networks
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (network, rate) in networks.keys(self.ip, self.budget) {
            if let Some(slot) = find(set_mut(&mut slots, network), network) {
                slot.1 -= rate.cost;
            }
        }
    }
}

fn set_mut(slots: &mut [Slot], key: u64) -> &mut [Slot] {
    let start = start(slots.len(), key);
    &mut slots[start..start + WAYS]
}

fn find(set: &mut [Slot], network: u64) -> Option<&mut Slot> {
    set.iter_mut().find(|slot| slot.0 == network)
}

/// The slot of a network, or else that of the one that owes least, which is forgotten.
fn find_or_replace(set: &mut [Slot], network: u64) -> &mut Slot {
    let known = set.iter().position(|slot| slot.0 == network);
    let index = known.unwrap_or_else(|| {
        let owed = |index: &usize| set[*index].1;
        let poorest = (0..set.len()).min_by_key(owed).unwrap_or(0);
        set[poorest] = (network, 0);
        poorest
    });
    &mut set[index]
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
            .take_while(|_| {
                networks
                    .spend(ip, Budget::Codes, now)
                    .map(Spent::keep)
                    .is_ok()
            })
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
            let ip = Some(IpAddr::V4(Ipv4Addr::from_bits(number)));
            networks.spend(ip, Budget::Codes, NOW).unwrap().keep();
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
            let ip = Some(IpAddr::V4(Ipv4Addr::from_bits(number)));
            networks.spend(ip, Budget::Codes, NOW).unwrap().keep();
        }
        assert!(
            networks
                .spend(Some("192.0.2.1".parse().unwrap()), Budget::Codes, NOW)
                .is_err()
        );
    }

    /// Item 9: what is under way counts until it is given back, and then no longer.
    #[test]
    fn what_is_given_back_can_be_spent_again() {
        let networks = networks();
        let ip = Some("2001:db8::1".parse().unwrap());
        let spend = |now| networks.spend(ip, Budget::Failures, now);
        let mut under_way: Vec<_> = (0..100).map(|_| spend(NOW).unwrap()).collect();
        assert!(spend(NOW).is_err(), "a hundred are under way");
        under_way.truncate(97);
        for _ in 0..3 {
            spend(NOW).unwrap().keep();
        }
        assert!(spend(NOW).is_err());
        assert!(spend(NOW + Span::seconds(3)).is_ok(), "however many asked");
    }

    /// Item 9: a /48 gets back what one of its networks gives back, at its own rate.
    #[test]
    fn a_wide_network_gets_back_what_it_spent() {
        let networks = networks();
        let spend = |net: usize| {
            let ip = format!("2001:db8:0:{net:x}::1").parse().unwrap();
            networks.spend(Some(ip), Budget::Failures, NOW)
        };
        for number in 0..5000 {
            drop(spend(number % 50).unwrap());
        }
        let kept = (0..5000)
            .filter(|number| spend(number % 50).map(Spent::keep).is_ok())
            .count();
        // Sixteen times a hundred, and a few for whole milliseconds.
        assert!((1600..1605).contains(&kept), "{kept}");
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
