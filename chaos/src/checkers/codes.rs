//! C1: a code opens at most one session, and a wrong one none.

use std::collections::HashSet;

use super::{Facts, Violation, facts::group};
use crate::history::Op;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    [twice(facts), wrong(facts), in_the_log(facts)].concat()
}

fn twice(facts: &Facts<'_>) -> Vec<Violation> {
    let accepted = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Guess { flow, .. } if entry.is_ok() => Some((flow, entry)),
        _ => None,
    });
    group(accepted)
        .into_iter()
        .filter(|(_, opened)| opened.len() > 1)
        .map(|(flow, opened)| {
            let what = format!("the code {flow} opened {} sessions", opened.len());
            Violation::new("C1", what, opened)
        })
        .collect()
}

fn wrong(facts: &Facts<'_>) -> Vec<Violation> {
    let accepted = facts
        .entries
        .iter()
        .filter(|entry| entry.is_ok() && matches!(entry.op, Op::Guess { right: false, .. }));
    accepted
        .map(|entry| Violation::new("C1", "a wrong code opened a session", [entry]))
        .collect()
}

/// What opened without an answer is in the log: as many sessions as codes were shown, at most.
fn in_the_log(facts: &Facts<'_>) -> Vec<Violation> {
    let opened = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Guess {
            flow, right: true, ..
        } => {
            let events = facts.events(entry).iter();
            let count = events
                .filter(|event| &*event.kind == "authn_login_success")
                .count();
            Some((flow, vec![entry; count]))
        }
        _ => None,
    });
    let acknowledged: HashSet<_> = twice(facts)
        .into_iter()
        .flat_map(|violation| violation.history)
        .map(|entry| entry.number)
        .collect();
    group(opened)
        .into_iter()
        .map(|(flow, opened)| (flow, opened.concat()))
        .filter(|(_, opened)| opened.len() > 1)
        // Told already.
        .filter(|(_, opened)| !acknowledged.contains(&opened[0].number))
        .map(|(flow, opened)| {
            let what = format!(
                "the code {flow} opened {} sessions by the log",
                opened.len()
            );
            Violation::new("C1", what, opened)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, guess};

    #[test]
    fn a_code_that_opened_one_session_is_accepted() {
        Sample::default()
            .fail(guess("f", false, None), 1, 2)
            .ok(guess("f", true, Some(("ada", "s1"))), 3, 4)
            .event(2, "authn_login_success", "ada")
            .fail(guess("f", true, None), 5, 6)
            .ok(guess("g", true, Some(("ada", "s2"))), 7, 8)
            .event(4, "authn_login_success", "ada")
            .accepted_by("C1");
    }

    #[test]
    fn a_code_that_opened_two_sessions_is_rejected() {
        Sample::default()
            .ok(guess("f", true, Some(("ada", "s1"))), 1, 3)
            .ok(guess("f", true, Some(("ada", "s2"))), 2, 4)
            .rejected_by("C1");
    }

    #[test]
    fn a_wrong_code_that_opened_a_session_is_rejected() {
        Sample::default()
            .ok(guess("f", false, Some(("ada", "s1"))), 1, 2)
            .rejected_by("C1");
    }

    #[test]
    fn a_second_session_that_only_the_log_knows_is_rejected() {
        Sample::default()
            .unknown(guess("f", true, None), 1, 2)
            .event(1, "authn_login_success", "ada")
            .ok(guess("f", true, Some(("ada", "s2"))), 3, 4)
            .event(2, "authn_login_success", "ada")
            .rejected_by("C1");
    }
}
