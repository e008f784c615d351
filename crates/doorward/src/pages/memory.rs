//! What a browser remembers of the accounts that sign in in it, so that the offer of a passkey does not come too often.

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{cookies::Kept, signed, visit::Visit};
use crate::{
    error::Result,
    ids::UserId,
    time::{Span, Timestamp},
};

/// The most accounts of one browser: it all travels in a cookie.
const ACCOUNTS: usize = 4;

const LIFETIME: Span = Span::days(365);

/// How long "Not now" holds, and how close two sign-ins by code are to be a habit.
const A_MONTH: Span = Span::days(30);

const PURPOSE: &str = "memory";

/// The accounts of a browser, the latest first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Memory(Vec<Account>);

/// What is remembered of one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Account {
    #[serde(rename = "a")]
    user: String,
    /// When a code signed in: the last two times.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    codes: Vec<i64>,
    #[serde(rename = "s", default)]
    snoozed_until: i64,
    /// Whether it has a passkey on this device.
    #[serde(rename = "p", default)]
    pub has_passkey: bool,
}

impl Memory {
    pub(super) fn of(visit: &Visit) -> Self {
        let doorward = &visit.doorward;
        let now = doorward.clock.now();
        visit
            .kept(Kept::Memory)
            .and_then(|value| signed::read(&doorward.keys.pages, PURPOSE, value, now))
            .unwrap_or_default()
    }

    /// What is remembered of this account, which is the latest now.
    pub(super) fn of_account(&mut self, user: &UserId) -> &mut Account {
        let user = user.to_string();
        let known = self.0.iter().position(|account| account.user == user);
        let account = known.map(|at| self.0.remove(at)).unwrap_or(Account {
            user,
            ..Account::default()
        });
        self.0.insert(0, account);
        self.0.truncate(ACCOUNTS);
        &mut self.0[0]
    }

    pub(super) fn cookie(&self, visit: &Visit) -> Result<HeaderValue> {
        let doorward = &visit.doorward;
        let until = doorward.clock.now() + LIFETIME;
        let value = signed::write(&doorward.keys.pages, PURPOSE, self, until);
        Kept::Memory.set(&doorward.config, &value, LIFETIME)
    }
}

impl Account {
    /// A code has signed in. Whoever comes by again in the same sign-in has not used another one.
    pub(super) fn saw_code(&mut self, at: Timestamp) {
        let at = at.as_millis();
        if self.codes.first() != Some(&at) {
            self.codes.insert(0, at);
            self.codes.truncate(2);
        }
    }

    /// Whether codes have signed in twice lately.
    pub(super) fn uses_codes(&self, now: Timestamp) -> bool {
        let since = (now - A_MONTH).as_millis();
        self.codes.len() == 2 && self.codes.iter().all(|&at| since < at)
    }

    /// No offer for a month.
    pub(super) fn snooze(&mut self, now: Timestamp) {
        self.snoozed_until = (now + A_MONTH).as_millis();
    }

    pub(super) fn is_snoozed(&self, now: Timestamp) -> bool {
        now.as_millis() < self.snoozed_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn two_codes_in_thirty_days_are_a_habit() {
        let mut account = Account::default();
        account.saw_code(NOW);
        account.saw_code(NOW);
        assert!(!account.uses_codes(NOW), "one sign-in, seen twice");

        let later = NOW + Span::days(29);
        account.saw_code(later);
        assert!(account.uses_codes(later));
        assert!(
            !account.uses_codes(NOW + Span::days(30)),
            "the first is old"
        );
        account.saw_code(NOW + Span::days(31));
        assert!(account.uses_codes(NOW + Span::days(31)));
    }

    #[test]
    fn a_snooze_lasts_thirty_days() {
        let mut account = Account::default();
        assert!(!account.is_snoozed(NOW));
        account.snooze(NOW);
        assert!(account.is_snoozed(NOW + Span::days(30) - Span::millis(1)));
        assert!(!account.is_snoozed(NOW + Span::days(30)));
    }

    #[test]
    fn the_accounts_that_were_here_last_are_remembered() {
        let mut memory = Memory::default();
        let user = |number| UserId([number; 16]);
        for number in 0..5 {
            memory.of_account(&user(number)).snooze(NOW);
        }
        assert!(memory.of_account(&user(1)).is_snoozed(NOW));
        assert!(!memory.of_account(&user(0)).is_snoozed(NOW));
        assert!(memory.of_account(&user(4)).is_snoozed(NOW));
        assert_eq!(memory.0.len(), ACCOUNTS);
    }
}
