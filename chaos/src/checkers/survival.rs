//! C3: what was acknowledged survives: sessions, passkeys, roles, and a code that was mailed.

use std::collections::HashMap;

use super::{
    Facts, Rules, Violation,
    facts::{Session, group},
};
use crate::history::{Entry, Name, Op};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let sessions = facts
        .sessions()
        .filter_map(|session| lost_session(facts, &session));
    sessions
        .chain(lost_passkeys(facts))
        .chain(lost_roles(facts, rules))
        .chain(lost_codes(facts))
        .collect()
}

/// A session that is refused, or missing at the end, though nothing may have ended it.
fn lost_session<'a>(facts: &Facts<'a>, session: &Session<'a>) -> Option<Violation> {
    let may_have_ended = |until| facts.endings(session).any(|ending| ending.start < until);
    let refused = facts
        .checks(session.id)
        .iter()
        .find(|check| !check.may_have_happened() && !may_have_ended(check.end));
    if let Some(refused) = refused {
        let what = format!(
            "the session {} was refused, and nothing ended it",
            session.id
        );
        return Some(Violation::new("C3", what, [session.opening, *refused]));
    }
    let is_missing = facts
        .read
        .accounts
        .iter()
        .any(|account| account.user == *session.user && !account.sessions.contains(session.id));
    (is_missing && facts.endings(session).next().is_none()).then(|| {
        let what = format!("the session {} is missing at the end", session.id);
        Violation::new("C3", what, [session.opening])
    })
}

/// A passkey that is unknown, or missing at the end, though nothing may have removed it.
fn lost_passkeys(facts: &Facts<'_>) -> Vec<Violation> {
    let removed: HashMap<&Name, &Entry> = of_credentials(facts, |op| match op {
        Op::RemovePasskey { credential, .. } => Some(credential),
        _ => None,
    })
    .filter(|(_, entry)| entry.may_have_happened())
    .collect();
    let added: HashMap<&Name, (&Name, &Entry)> = facts
        .entries
        .iter()
        .filter_map(|entry| match &entry.op {
            Op::AddPasskey { user, credential } if entry.is_ok() => {
                Some((credential, (user, entry)))
            }
            _ => None,
        })
        .filter(|(credential, _)| !removed.contains_key(credential))
        .collect();
    let unknown = of_credentials(facts, |op| match op {
        Op::SignIn { credential, .. } => Some(credential),
        _ => None,
    })
    .filter(|(_, entry)| entry.said.as_deref() == Some("unknown_credential"))
    .filter_map(|(credential, entry)| {
        let (_, added) = added.get(credential)?;
        let what = format!("the passkey {credential} is not known any more");
        (added.end <= entry.start).then(|| Violation::new("C3", what, [*added, entry]))
    });
    let missing = added.iter().filter_map(|(credential, (user, entry))| {
        let mut accounts = facts.read.accounts.iter();
        let account = accounts.find(|account| account.user == **user)?;
        let what = format!("the passkey {credential} is missing at the end");
        (!account.passkeys.contains(credential)).then(|| Violation::new("C3", what, [*entry]))
    });
    unknown.chain(missing).collect()
}

fn of_credentials<'a>(
    facts: &Facts<'a>,
    credential: impl Fn(&'a Op) -> Option<&'a Name>,
) -> impl Iterator<Item = (&'a Name, &'a Entry)> {
    facts
        .entries
        .iter()
        .filter_map(move |entry| Some((credential(&entry.op)?, entry)))
}

/// A role that was given, and is not shown. One hand gives and takes roles, so they are in an order.
fn lost_roles(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let changes = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Grant { user } | Op::Revoke { user } if entry.may_have_happened() => {
            Some((user, entry))
        }
        _ => None,
    }));
    facts
        .entries
        .iter()
        .filter_map(|read| {
            let Op::ReadAccess {
                user,
                granted: false,
                ..
            } = &read.op
            else {
                return None;
            };
            let changes = changes.get(user)?;
            let given = changes
                .iter()
                .filter(|change| matches!(change.op, Op::Grant { .. }) && change.is_ok())
                // What is remembered of a user may be as old as what is remembered of a session.
                .filter(|change| change.end + rules.ceiling < read.start)
                .max_by_key(|change| change.start)?;
            let taken = changes.iter().any(|change| {
                matches!(change.op, Op::Revoke { .. })
                    && change.over() > given.start
                    && change.start < read.end
            });
            (read.is_ok() && !taken).then(|| {
                let what = format!("{user} was not shown a role that had been given");
                Violation::new("C3", what, [*given, read])
            })
        })
        .collect()
}

/// A code that was the only one ever mailed to its address, was shown once, and was refused.
fn lost_codes(facts: &Facts<'_>) -> Vec<Violation> {
    let of_addresses = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::RequestCode { address, .. } | Op::Guess { address, .. } => Some((address, entry)),
        _ => None,
    }));
    of_addresses
        .into_iter()
        .filter_map(|(address, entries)| {
            let [asked, shown] = entries[..] else {
                return None;
            };
            let is_lost = asked.is_ok()
                && matches!(shown.op, Op::Guess { right: true, .. })
                && shown.said.as_deref() == Some("invalid_code")
                && !facts.time_leapt(asked.start, shown.end);
            is_lost.then(|| {
                let what = format!("the one code that was mailed to {address} was refused");
                Violation::new("C3", what, [asked, shown])
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{
        Sample, add, checked, end, end_all, guess, name, opening, read_access, remove,
        request_code, sign_in,
    };
    use crate::history::{Fault, Op};

    #[test]
    fn what_lives_on_is_accepted() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(add("ada", "c"), 3, 4)
            .ok(checked("s"), 5, 6)
            .ok(sign_in("c", "ch", Some(("ada", "t"))), 7, 8)
            .account("ada", &["s", "t"], &["c"])
            .accepted_by("C3");
    }

    #[test]
    fn a_session_that_is_refused_without_a_reason_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .fail(checked("s"), 3, 4)
            .rejected_by("C3");
    }

    #[test]
    fn a_session_that_is_missing_at_the_end_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .account("ada", &[], &[])
            .rejected_by("C3");
    }

    #[test]
    fn an_end_that_may_have_happened_excuses() {
        for ending in [end("s"), end_all()] {
            Sample::default()
                .ok(opening(), 1, 2)
                .unknown(ending, 3, 4)
                .fail(checked("s"), 9, 10)
                .account("ada", &[], &[])
                .accepted_by("C3");
        }
    }

    #[test]
    fn an_end_from_before_or_after_does_not_excuse() {
        Sample::default()
            .ok(end_all(), 1, 2)
            .ok(opening(), 3, 4)
            .fail(checked("s"), 5, 6)
            .ok(end("s"), 7, 8)
            .rejected_by("C3");
    }

    #[test]
    fn a_passkey_that_is_not_known_any_more_is_rejected() {
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .fail(sign_in("c", "ch", None), 3, 4)
            .saying("unknown_credential")
            .rejected_by("C3");
    }

    #[test]
    fn a_passkey_that_is_missing_at_the_end_is_rejected() {
        let sample = || Sample::default().ok(add("ada", "c"), 1, 2);
        sample().account("ada", &[], &[]).rejected_by("C3");
        sample()
            .unknown(remove("c", "s"), 3, 4)
            .account("ada", &[], &[])
            .accepted_by("C3");
    }

    #[test]
    fn a_role_that_is_not_shown_is_rejected() {
        let sample = || Sample::default().ok(Op::Grant { user: name("ada") }, 1, 2);
        sample().ok(read_access(false), 33, 34).rejected_by("C3");
        sample()
            .ok(Op::Revoke { user: name("ada") }, 3, 4)
            .ok(read_access(false), 40, 41)
            .accepted_by("C3");
    }

    #[test]
    fn a_code_that_was_lost_is_rejected() {
        let sample = || Sample::default().ok(request_code("f"), 1, 2);
        sample()
            .fail(guess("f", true, None), 3, 4)
            .saying("invalid_code")
            .rejected_by("C3");
        sample()
            .fail(guess("f", false, None), 3, 4)
            .saying("invalid_code")
            .accepted_by("C3");
    }
    #[test]
    fn a_code_may_expire_where_time_leaps() {
        let sample = |kind, at| {
            Sample::default()
                .ok(request_code("f"), 2, 3)
                .ok(Op::Fault { kind }, at, at)
                .fail(guess("f", true, None), 4, 5)
                .saying("invalid_code")
        };
        sample(Fault::ClockLeap, 4).accepted_by("C3");
        sample(Fault::ClockStep, 4).rejected_by("C3");
        sample(Fault::ClockLeap, 1).rejected_by("C3");
        sample(Fault::ClockLeap, 6).rejected_by("C3");
    }
}
