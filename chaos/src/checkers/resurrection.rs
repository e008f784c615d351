//! C4: nothing that is over comes back: sessions, passkeys, challenges.

use std::collections::HashMap;

use super::{
    Facts, Rules, Violation,
    facts::{Session, group},
};
use crate::history::{Entry, Name, Op};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let sessions = facts
        .sessions()
        .filter_map(|session| came_back(facts, rules, &session));
    sessions
        .chain(passkeys(facts))
        .chain(challenges(facts))
        .collect()
}

/// A session that was refused, and later accepted; or that is listed although it has ended.
fn came_back<'a>(facts: &Facts<'a>, rules: &Rules, session: &Session<'a>) -> Option<Violation> {
    let checks = facts.checks(session.id);
    let refused = checks
        .iter()
        .filter(|check| !check.may_have_happened())
        .min_by_key(|check| check.end);
    let last = checks
        .iter()
        .filter(|check| check.is_ok())
        .max_by_key(|check| check.start);
    if let (Some(refused), Some(accepted)) = (refused, last) {
        let bound = if refused.node == accepted.node {
            0
        } else if facts.is_cut_off(&accepted.node, accepted.start) {
            rules.ceiling
        } else {
            rules.lease
        };
        if refused.end + bound < accepted.start {
            let what = format!("the session {} was refused, and then accepted", session.id);
            let history = [session.opening, *refused, *accepted];
            return Some(Violation::new("C4", what, history));
        }
    }
    let is_listed = facts
        .read
        .accounts
        .iter()
        .any(|account| account.user == *session.user && account.sessions.contains(session.id));
    let ending = facts.certain_endings(session).next()?;
    is_listed.then(|| {
        let what = format!("the session {} is listed after its end", session.id);
        Violation::new("C4", what, [session.opening, ending])
    })
}

/// A passkey that was removed, and then signed in or is listed.
fn passkeys(facts: &Facts<'_>) -> Vec<Violation> {
    let removed: HashMap<&Name, &Entry> = facts
        .entries
        .iter()
        .filter_map(|entry| match &entry.op {
            Op::RemovePasskey { credential, .. } if entry.is_ok() => Some((credential, entry)),
            _ => None,
        })
        .collect();
    let used = facts.entries.iter().filter_map(|entry| {
        let Op::SignIn { credential, .. } = &entry.op else {
            return None;
        };
        let removal = removed.get(credential)?;
        let what = format!("the passkey {credential} signed in after its removal");
        (entry.is_ok() && removal.end < entry.start)
            .then(|| Violation::new("C4", what, [*removal, entry]))
    });
    let listed = facts
        .read
        .accounts
        .iter()
        .flat_map(|account| &account.passkeys);
    let listed = listed.filter_map(|credential| {
        let removal = removed.get(credential)?;
        let what = format!("the passkey {credential} is listed after its removal");
        Some(Violation::new("C4", what, [*removal]))
    });
    used.chain(listed).collect()
}

/// A challenge that was accepted twice.
fn challenges(facts: &Facts<'_>) -> Vec<Violation> {
    let accepted = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::SignIn { challenge, .. } if entry.is_ok() => Some((challenge, entry)),
        _ => None,
    });
    group(accepted)
        .into_values()
        .filter(|entries| entries.len() > 1)
        .map(|entries| Violation::new("C4", "a challenge was accepted twice", entries))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, add, checked, end, opening, remove, sign_in};

    #[test]
    fn what_stays_away_is_accepted() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(add("ada", "c"), 3, 4)
            .ok(sign_in("c", "ch", Some(("ada", "t"))), 5, 6)
            .ok(remove("c", "s"), 7, 8)
            .fail(sign_in("c", "ch2", None), 9, 10)
            .fail(sign_in("c", "ch", None), 9, 10)
            .fail(checked("t"), 11, 12)
            .account("ada", &["s"], &[])
            .accepted_by("C4");
    }

    #[test]
    fn a_session_that_was_refused_and_then_accepted_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .unknown(end("s"), 3, 4)
            .fail(checked("s"), 5, 6)
            .ok(checked("s"), 8, 9)
            .rejected_by("C4");
    }

    #[test]
    fn another_node_may_learn_of_it_later() {
        let sample = |at| {
            Sample::default()
                .ok(opening(), 1, 2)
                .unknown(end("s"), 3, 4)
                .fail(checked("s"), 5, 6)
                .ok(checked("s"), at, at + 1)
                .on("n2")
        };
        sample(7).accepted_by("C4");
        sample(8).rejected_by("C4");
    }

    #[test]
    fn a_session_that_is_listed_after_its_end_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(end("s"), 3, 4)
            .account("ada", &["s"], &[])
            .rejected_by("C4");
    }

    #[test]
    fn a_passkey_that_signs_in_after_its_removal_is_rejected() {
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .ok(remove("c", "s"), 3, 4)
            .ok(sign_in("c", "ch", Some(("ada", "t"))), 5, 6)
            .rejected_by("C4");
    }

    #[test]
    fn a_passkey_that_is_listed_after_its_removal_is_rejected() {
        Sample::default()
            .ok(remove("c", "s"), 3, 4)
            .account("ada", &[], &["c"])
            .rejected_by("C4");
    }

    #[test]
    fn a_challenge_that_is_accepted_twice_is_rejected() {
        Sample::default()
            .ok(sign_in("c", "ch", Some(("ada", "s"))), 1, 2)
            .ok(sign_in("c", "ch", Some(("ada", "t"))), 3, 4)
            .rejected_by("C4");
    }
}
