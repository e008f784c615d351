//! C2: no check that starts later than the lease after an acknowledged end accepts; later than the ceiling, where the
//! node is cut off from the database.

use super::{
    Facts, Rules, Violation,
    facts::{COMMAND, Session, group},
};
use crate::history::{Entry, Moment, Op};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let sessions = facts
        .sessions()
        .flat_map(|session| accepted_after_its_end(facts, rules, &session));
    sessions.chain(roles(facts, rules)).collect()
}

fn accepted_after_its_end<'a>(
    facts: &Facts<'a>,
    rules: &Rules,
    session: &Session<'a>,
) -> Vec<Violation> {
    let accepted = |check: &&&Entry| check.is_ok();
    let late = |check: &Entry| {
        facts
            .certain_endings(session)
            .filter(|ending| ending.end + bound(facts, rules, ending, check) < check.start)
            .min_by_key(|ending| ending.end)
    };
    // The last is enough to show it.
    let mut checks: Vec<_> = facts
        .checks(session.id)
        .iter()
        .filter(accepted)
        .copied()
        .collect();
    checks.sort_unstable_by_key(|check| check.start);
    checks
        .into_iter()
        .rev()
        .find_map(|check| late(check).map(|ending| (check, ending)))
        .map(|(check, ending)| {
            let what = format!(
                "the session {} was accepted {} ms after its end was acknowledged",
                session.id,
                (check.start - ending.end) / 1000
            );
            Violation::new("C2", what, [session.opening, ending, check])
        })
        .into_iter()
        .collect()
}

/// How long after this end this check may accept.
fn bound(facts: &Facts<'_>, rules: &Rules, ending: &Entry, check: &Entry) -> Moment {
    let usual = if &*ending.node == COMMAND {
        rules.command
    } else {
        rules.lease
    };
    if facts.is_cut_off(&check.node, check.start) {
        usual.max(rules.ceiling)
    } else {
        usual
    }
}

/// A role that was taken away, and is still shown.
fn roles(facts: &Facts<'_>, rules: &Rules) -> Vec<Violation> {
    let changes = group(facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::Grant { user } | Op::Revoke { user } if entry.may_have_happened() => {
            Some((user, entry))
        }
        _ => None,
    }));
    let reads = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::ReadAccess {
            user,
            granted: true,
            ..
        } if entry.is_ok() => Some((user, entry)),
        _ => None,
    });
    reads
        .filter_map(|(user, read)| {
            let changes = changes.get(user)?;
            let revoked = changes
                .iter()
                .filter(|change| matches!(change.op, Op::Revoke { .. }) && change.is_ok())
                .filter(|change| change.end + bound(facts, rules, change, read) < read.start)
                .max_by_key(|change| change.start)?;
            let granted_again = changes.iter().any(|change| {
                matches!(change.op, Op::Grant { .. })
                    && change.over() > revoked.start
                    && change.start < read.end
            });
            (!granted_again).then(|| {
                let what = format!("{user} was shown a role that had been taken away");
                Violation::new("C2", what, [*revoked, read])
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::facts::DATABASE;
    use super::super::samples::{
        Sample, checked, end, end_all, name, opening, read_access, remove, sign_in,
    };
    use super::COMMAND;
    use crate::history::{Fault, Op};

    fn cut() -> Op {
        Op::Fault {
            kind: Fault::Partition,
        }
    }

    #[test]
    fn a_session_that_is_refused_within_the_lease_is_accepted() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(checked("s"), 3, 4)
            .ok(end("s"), 5, 6)
            .ok(checked("s"), 7, 8)
            .fail(checked("s"), 8, 9)
            .accepted_by("C2");
    }

    #[test]
    fn a_session_that_is_accepted_after_the_lease_is_rejected() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(end("s"), 5, 6)
            .ok(checked("s"), 8, 9)
            .rejected_by("C2");
    }

    #[test]
    fn every_way_to_end_it_counts() {
        let others = Op::EndOthers {
            user: name("ada"),
            own: name("t"),
        };
        for ending in [end_all(), others, remove("c", "t")] {
            Sample::default()
                .ok(sign_in("c", "ch", Some(("ada", "s"))), 1, 2)
                .ok(ending, 5, 6)
                .ok(checked("s"), 8, 9)
                .rejected_by("C2");
        }
    }

    #[test]
    fn what_spares_it_does_not_count() {
        let others = Op::EndOthers {
            user: name("ada"),
            own: name("s"),
        };
        for ending in [others, remove("c", "s"), remove("d", "t"), end("t")] {
            Sample::default()
                .ok(sign_in("c", "ch", Some(("ada", "s"))), 1, 2)
                .ok(ending, 5, 6)
                .ok(checked("s"), 8, 9)
                .accepted_by("C2");
        }
    }

    #[test]
    fn an_end_that_nobody_acknowledged_promises_nothing() {
        Sample::default()
            .ok(opening(), 1, 2)
            .unknown(end("s"), 5, 6)
            .ok(checked("s"), 9, 10)
            .accepted_by("C2");
    }

    #[test]
    fn a_session_that_was_opened_at_the_same_time_may_outlive_the_end_of_all() {
        Sample::default()
            .ok(opening(), 1, 6)
            .ok(end_all(), 5, 7)
            .ok(checked("s"), 9, 10)
            .accepted_by("C2");
    }

    #[test]
    fn a_node_that_is_cut_off_has_until_the_ceiling() {
        let sample = |checked_at| {
            Sample::default()
                .ok(opening(), 1, 2)
                .ok(cut(), 4, 60)
                .on("n2")
                .ok(end("s"), 5, 6)
                .ok(checked("s"), checked_at, checked_at + 1)
                .on("n2")
        };
        sample(35).accepted_by("C2");
        sample(37).rejected_by("C2");
    }

    #[test]
    fn nodes_of_a_database_that_confirms_nothing_have_until_the_ceiling() {
        let stall = Op::Fault { kind: Fault::Stall };
        let sample = |over, checked_at| {
            Sample::default()
                .ok(opening(), 1, 2)
                .ok(end("s"), 5, 6)
                .ok(stall.clone(), 7, over)
                .on(DATABASE)
                .ok(checked("s"), checked_at, checked_at + 1)
                .on("n2")
        };
        sample(9, 8).accepted_by("C2");
        sample(9, 11).rejected_by("C2");
        sample(60, 35).accepted_by("C2");
        sample(60, 37).rejected_by("C2");
    }

    #[test]
    fn another_node_is_not_excused() {
        Sample::default()
            .ok(opening(), 1, 2)
            .ok(cut(), 4, 60)
            .on("n2")
            .ok(end("s"), 5, 6)
            .ok(checked("s"), 9, 10)
            .on("n3")
            .rejected_by("C2");
    }

    #[test]
    fn a_role_that_was_taken_away_is_gone_after_the_lease() {
        let ada = || name("ada");
        let sample = || {
            Sample::default()
                .ok(Op::Grant { user: ada() }, 1, 2)
                .on(COMMAND)
                .ok(Op::Revoke { user: ada() }, 3, 4)
                .on(COMMAND)
        };
        sample().ok(read_access(true), 5, 6).accepted_by("C2");
        sample().ok(read_access(false), 6, 7).accepted_by("C2");
        sample().ok(read_access(true), 6, 7).rejected_by("C2");
        sample()
            .unknown(Op::Grant { user: ada() }, 5, 6)
            .ok(read_access(true), 7, 8)
            .accepted_by("C2");
    }
}
