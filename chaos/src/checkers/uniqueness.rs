//! C5: an address belongs to one user, and so does a passkey.

use std::collections::BTreeSet;

use super::{Facts, Violation, facts::group};
use crate::history::{Name, Op};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    [addresses(facts), credentials(facts)].concat()
}

fn addresses(facts: &Facts<'_>) -> Vec<Violation> {
    let answered = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Guess {
            address,
            opened: Some(opened),
            ..
        } => Some((address, (&opened.user, Some(entry)))),
        _ => None,
    });
    let read = facts.read.users.iter();
    let read = read.map(|user| (&user.address, (&user.id, None)));
    group(answered.chain(read))
        .into_iter()
        .filter(|(_, owners)| are_several(owners.iter().map(|(owner, _)| *owner)))
        .map(|(address, owners)| {
            let what = format!("the address {address} belongs to several users");
            Violation::new("C5", what, owners.iter().filter_map(|(_, entry)| *entry))
        })
        .collect()
}

fn credentials(facts: &Facts<'_>) -> Vec<Violation> {
    let answered = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::AddPasskey { user, credential } if entry.is_ok() => {
            Some((credential, (user, Some(entry))))
        }
        Op::SignIn {
            credential,
            opened: Some(opened),
            ..
        } => Some((credential, (&opened.user, Some(entry)))),
        _ => None,
    });
    let read = facts.read.accounts.iter().flat_map(|account| {
        let passkeys = account.passkeys.iter();
        passkeys.map(|credential| (credential, (&account.user, None)))
    });
    group(answered.chain(read))
        .into_iter()
        .filter(|(_, owners)| are_several(owners.iter().map(|(owner, _)| *owner)))
        .map(|(credential, owners)| {
            let what = format!("the passkey {credential} belongs to several users");
            Violation::new("C5", what, owners.iter().filter_map(|(_, entry)| *entry))
        })
        .collect()
}

fn are_several<'a>(owners: impl Iterator<Item = &'a Name>) -> bool {
    owners.collect::<BTreeSet<_>>().len() > 1
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, add, guess, opening, sign_in};

    #[test]
    fn one_owner_of_each_is_accepted() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(guess("g", true, Some(("ada", "t"))), 3, 4)
            .ok(add("ada", "c"), 5, 6)
            .fail(add("bob", "c"), 5, 6)
            .ok(sign_in("c", "ch", Some(("ada", "u"))), 7, 8)
            .user("ada", "ada@example.com")
            .account("ada", &["s", "t", "u"], &["c"])
            .accepted_by("C5");
    }

    #[test]
    fn an_address_with_two_users_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(guess("g", true, Some(("eve", "t"))), 1, 2)
            .rejected_by("C5");
        Sample::default()
            .user("ada", "ada@example.com")
            .user("eve", "ada@example.com")
            .rejected_by("C5");
    }

    #[test]
    fn a_passkey_with_two_users_is_rejected() {
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .ok(add("bob", "c"), 1, 2)
            .rejected_by("C5");
        Sample::default()
            .account("ada", &[], &["c"])
            .account("bob", &[], &["c"])
            .rejected_by("C5");
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .ok(sign_in("c", "ch", Some(("bob", "s"))), 3, 4)
            .rejected_by("C5");
    }
}
