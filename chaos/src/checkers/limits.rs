//! C6: no limit is exceeded, whatever is lost and found in between.

use super::{Budget, Facts, Rules, Violation, facts::group};
use crate::history::{Entry, Moment, Name, Op};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let mut violations = [
        guesses(facts, rules),
        long_codes(facts, rules),
        holdings(facts, rules),
    ]
    .concat();
    // What may be asked for in a time cannot be told where the servers' time was stepped.
    if !facts.time_was_stepped() {
        violations.extend(budgets(facts, rules));
    }
    violations
}

/// A code that was accepted after all its attempts had been spent. A server that is cut off may not know of the code, and
/// what it has not compared costs no attempt.
fn guesses(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let of_flows = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Guess { flow, .. } => Some((flow, entry)),
        _ => None,
    }));
    let accepted = of_flows.values().filter_map(|guesses| {
        let accepted = guesses.iter().find(|guess| guess.is_ok())?;
        let spent: Vec<_> = guesses
            .iter()
            .filter(|guess| is_wrong_guess(guess) && guess.end < accepted.start)
            .filter(|guess| !facts.is_cut_off(&guess.node, guess.start))
            .copied()
            .collect();
        let what = format!("a code was accepted after {} wrong guesses", spent.len());
        (spent.len() >= rules.attempts)
            .then(|| Violation::new("C6", what, spent.into_iter().chain([*accepted])))
    });
    accepted.collect()
}

fn is_wrong_guess(entry: &Entry) -> bool {
    matches!(entry.op, Op::Guess { right: false, .. })
        && entry.said.as_deref() == Some("invalid_code")
}

/// A short code that was asked for after so many wrong ones in a row that it had to be long.
fn long_codes(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let of_addresses = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::RequestCode { address, .. } | Op::Guess { address, .. } => Some((address, entry)),
        _ => None,
    }));
    let by_passkey = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::SignIn { user, .. } => Some((user, entry)),
        _ => None,
    }));
    of_addresses
        .values()
        .filter_map(|entries| {
            entries.iter().find_map(|accepted| {
                let Op::Guess {
                    flow,
                    long: false,
                    opened: Some(opened),
                    ..
                } = &accepted.op
                else {
                    return None;
                };
                let asked = entries.iter().find(
                    |entry| matches!(&entry.op, Op::RequestCode { flow: of, .. } if of == flow),
                )?;
                let by_passkey = by_passkey.get(&opened.user).map_or(&[][..], Vec::as_slice);
                let in_a_row = failures_before(entries, by_passkey, asked);
                let what = format!(
                    "{} wrong codes in a row, and then a short one",
                    in_a_row.len()
                );
                (in_a_row.len() >= rules.failures).then(|| {
                    Violation::new("C6", what, in_a_row.into_iter().chain([*asked, *accepted]))
                })
            })
        })
        .collect()
}

/// The wrong guesses of an address since its owner may last have signed in, by a code or by passkey.
fn failures_before<'a>(
    entries: &[&'a Entry],
    by_passkey: &[&'a Entry],
    asked: &Entry,
) -> Vec<&'a Entry> {
    let by_code = entries
        .iter()
        .filter(|entry| matches!(entry.op, Op::Guess { right: true, .. }));
    let reset = by_code
        .chain(by_passkey)
        .filter(|entry| entry.may_have_happened() && entry.start < asked.end)
        .map(|entry| entry.over())
        .max();
    entries
        .iter()
        .filter(|entry| {
            is_wrong_guess(entry) && reset < Some(entry.start) && entry.end < asked.start
        })
        .copied()
        .collect()
}

/// More codes for one address than its budgets have.
fn budgets(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let of_addresses = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::RequestCode { address, .. } if entry.is_ok() => Some((address, entry)),
        _ => None,
    }));
    let mut violations = Vec::new();
    for (address, mut entries) in of_addresses {
        entries.sort_unstable_by_key(|entry| entry.start);
        let exceeded = rules
            .budgets
            .iter()
            .find_map(|budget| exceeds(&entries, *budget));
        if let Some(entries) = exceeded {
            let what = format!(
                "{} codes for {address}, more than its budget",
                entries.len()
            );
            violations.push(Violation::new("C6", what, entries.iter().copied()));
        }
    }
    violations
}

/// Servers tell the time by the millisecond: two moments of theirs may be one millisecond further apart than they were. In
/// microseconds, as all of the history.
const CLOCK_GRAIN: Moment = 1000;

/// A run of entries that no moments within them explain.
fn exceeds<'a, 'b>(entries: &'b [&'a Entry], budget: Budget) -> Option<&'b [&'a Entry]> {
    (0..entries.len()).find_map(|first| {
        (first + 1..entries.len()).find_map(|last| {
            let window = &entries[first..=last];
            let end = window.iter().map(|entry| entry.end).max()?;
            let longest = end - entries[first].start + CLOCK_GRAIN;
            let most = budget.most + longest / budget.every;
            (window.len() as u64 > most).then_some(window)
        })
    })
}

/// More sessions or passkeys of one user than there may be.
fn holdings(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let over = |what: &str, user: &Name, held: usize, most: usize| {
        let what = format!("{user} has {held} {what}, and may have {most}");
        (held > most).then(|| Violation::new("C6", what, []))
    };
    let accounts = facts.read.accounts.iter();
    accounts
        .flat_map(|account| {
            let sessions = account.sessions.len();
            let passkeys = account.passkeys.len();
            [
                over("sessions", &account.user, sessions, rules.sessions),
                over("passkeys", &account.user, passkeys, rules.passkeys),
            ]
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, guess, request_code, sign_in};
    use crate::history::{Fault, Op};

    fn wrong_guesses(count: u64) -> Sample {
        (0..count).fold(Sample::default(), |sample, at| {
            sample
                .fail(guess("f", false, None), at, at)
                .saying("invalid_code")
        })
    }

    #[test]
    fn a_code_may_be_guessed_at_four_times() {
        let right = || guess("f", true, Some(("ada", "s")));
        wrong_guesses(4).ok(right(), 10, 11).accepted_by("C6");
        wrong_guesses(5).ok(right(), 10, 11).rejected_by("C6");
    }

    #[test]
    fn what_a_server_that_was_cut_off_declined_costs_no_attempt() {
        let cut = || Op::Fault {
            kind: Fault::Partition,
        };
        let right = || guess("f", true, Some(("ada", "s")));
        let sample = |from| wrong_guesses(5).ok(cut(), from, 4).ok(right(), 10, 11);
        sample(3).accepted_by("C6");
        wrong_guesses(5)
            .ok(cut(), 7, 9)
            .ok(right(), 10, 11)
            .rejected_by("C6");
    }

    #[test]
    fn after_ten_wrong_codes_in_a_row_codes_are_long() {
        let sample = |count| {
            wrong_guesses(count).ok(request_code("g"), 20, 21).ok(
                guess("g", true, Some(("ada", "s"))),
                22,
                23,
            )
        };
        sample(9).accepted_by("C6");
        sample(10).rejected_by("C6");
    }

    #[test]
    fn a_sign_in_that_may_have_happened_breaks_the_row() {
        wrong_guesses(10)
            .unknown(guess("h", true, None), 15, 16)
            .ok(request_code("g"), 20, 21)
            .ok(guess("g", true, Some(("ada", "s"))), 22, 23)
            .accepted_by("C6");
    }

    #[test]
    fn so_does_one_by_passkey() {
        let sample = |signed_in| {
            wrong_guesses(10)
                .ok(sign_in("c", "ch", Some(("ada", "t"))), signed_in, signed_in)
                .ok(request_code("g"), 20, 21)
                .ok(guess("g", true, Some(("ada", "s"))), 22, 23)
        };
        sample(15).accepted_by("C6");
        sample(30).rejected_by("C6");
    }

    #[test]
    fn codes_keep_their_distance() {
        let sample = |first, second| {
            Sample::default()
                .ok(request_code("f"), first, first)
                .fail(request_code("x"), first, second)
                .ok(request_code("g"), second, second)
        };
        sample(1, 3).accepted_by("C6");
        sample(1, 2).rejected_by("C6");
    }

    #[test]
    fn a_stepped_clock_excuses() {
        Sample::default()
            .ok(request_code("f"), 1, 1)
            .ok(request_code("g"), 2, 2)
            .ok(
                Op::Fault {
                    kind: Fault::ClockStep,
                },
                1,
                2,
            )
            .accepted_by("C6");
    }

    #[test]
    fn nobody_has_more_than_they_may() {
        Sample::default()
            .account("ada", &["s", "t"], &["c"])
            .accepted_by("C6");
        Sample::default()
            .account("ada", &["s", "t", "u"], &["c"])
            .rejected_by("C6");
        Sample::default()
            .account("ada", &[], &["c", "d"])
            .rejected_by("C6");
    }
}
