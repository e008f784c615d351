//! C8: an acknowledged change has exactly one event in the audit log; what was refused has none of success.

use super::{
    Event, Facts, Violation,
    facts::{COMMAND, group},
};
use crate::history::{Entry, Op, Outcome};

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    [
        by_request(facts),
        by_session(facts),
        by_command(facts),
        users(facts),
    ]
    .concat()
}

/// The event that a request's change leaves, where it always leaves one.
fn event_of(entry: &Entry) -> Option<&'static str> {
    if &*entry.node == COMMAND {
        return None;
    }
    match &entry.op {
        Op::RequestCode { .. } => Some("authn_code_requested"),
        Op::Guess { .. } | Op::SignIn { .. } => Some("authn_login_success"),
        Op::AddPasskey { .. } => Some("authn_passkey_added"),
        Op::RemovePasskey { .. } => Some("authn_passkey_removed"),
        Op::EndAll { .. } => Some("session_revoked"),
        Op::Update { .. } => Some("user_updated"),
        _ => None,
    }
}

fn by_request(facts: &Facts<'_>) -> Vec<Violation> {
    let told = |entry: &Entry, kind: &str| {
        let events = facts.events(entry).iter();
        // The end of all is told of once for all.
        let is_meant = |event: &&&Event| &*event.kind == kind && is_of(entry, event);
        events.filter(is_meant).count()
    };
    facts
        .entries
        .iter()
        .filter_map(|entry| {
            let kind = event_of(entry)?;
            let count = told(entry, kind);
            let expected = match entry.outcome {
                Outcome::Ok => 1..=1,
                Outcome::Fail => 0..=0,
                Outcome::Unknown => 0..=1,
            };
            (!expected.contains(&count)).then(|| {
                let outcome = entry.outcome;
                let what =
                    format!("{count} events {kind} for a change with the outcome {outcome:?}");
                Violation::new("C8", what, [entry])
            })
        })
        .collect()
}

fn is_of(entry: &Entry, event: &Event) -> bool {
    !matches!(entry.op, Op::EndAll { .. }) || event.session.is_none()
}

/// A session ends once, whoever ends it. After the end of all it is nobody's, and may be cleaned up in silence.
fn by_session(facts: &Facts<'_>) -> Vec<Violation> {
    let ends = facts.read.events.iter().filter_map(|event| {
        let is_end = matches!(&*event.kind, "session_revoked" | "session_logout");
        is_end.then_some((event.session.as_ref()?, event))
    });
    let ends = group(ends);
    facts
        .sessions()
        .filter_map(|session| {
            let count = ends.get(session.id).map_or(0, Vec::len);
            let endings: Vec<_> = facts.endings(&session).collect();
            let is_alone = |ending: &&&Entry| !matches!(ending.op, Op::EndAll { .. });
            let certain = facts
                .certain_endings(&session)
                .any(|ending| is_alone(&&ending));
            let least = usize::from(certain && endings.iter().all(|ending| is_alone(&ending)));
            let most = usize::from(!endings.is_empty());
            let what = format!("{count} events for the end of the session {}", session.id);
            (!(least..=most).contains(&count)).then(|| {
                let history = [session.opening].into_iter().chain(endings);
                Violation::new("C8", what, history)
            })
        })
        .collect()
}

/// What the command line did to a user: as many events as were acknowledged, and those that may have happened at most.
fn by_command(facts: &Facts<'_>) -> Vec<Violation> {
    let changes = facts.entries.iter().filter_map(|entry| {
        let (user, kind) = match &entry.op {
            Op::Grant { user } => (user, "privilege_granted"),
            Op::Revoke { user } => (user, "privilege_revoked"),
            Op::EndAll { user } => (user, "session_revoked"),
            _ => return None,
        };
        (&*entry.node == COMMAND).then_some(((user, kind), entry))
    });
    group(changes)
        .into_iter()
        .filter_map(|((user, kind), changes)| {
            let is_meant = |event: &&Event| {
                event.number.is_none()
                    && event.session.is_none()
                    && &*event.kind == kind
                    && event.subject.as_ref() == Some(user)
            };
            let count = facts.read.events.iter().filter(is_meant).count();
            let least = changes.iter().filter(|entry| entry.is_ok()).count();
            let possible = changes.iter().filter(|entry| entry.may_have_happened());
            let what = format!("{count} events {kind} of {user} by the command line");
            (!(least..=possible.count()).contains(&count))
                .then(|| Violation::new("C8", what, changes))
        })
        .collect()
}

/// A user is made once.
fn users(facts: &Facts<'_>) -> Vec<Violation> {
    let made = facts.read.events.iter().filter_map(|event| {
        (&*event.kind == "user_created").then_some((event.subject.as_ref()?, ()))
    });
    let made = group(made);
    let users = facts.read.users.iter();
    users
        .filter_map(|user| {
            let count = made.get(&user.id).map_or(0, Vec::len);
            let what = format!("{count} events for the making of {}", user.id);
            (count != 1).then(|| Violation::new("C8", what, []))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, add, end, end_all, guess, name, opening, request_code};
    use super::COMMAND;
    use crate::history::Op;

    #[test]
    fn an_event_for_each_change_is_accepted() {
        Sample::default()
            .ok(request_code("f"), 1, 2)
            .event(1, "authn_code_requested", "ada")
            .ok(opening(), 1, 2)
            .event(2, "authn_login_success", "ada")
            .fail(add("ada", "c"), 3, 4)
            .unknown(add("ada", "c"), 3, 4)
            .ok(end("s"), 5, 6)
            .event_of(Some(5), "session_revoked", "ada", Some("s"))
            .ok(end("s"), 7, 8)
            .ok(Op::Grant { user: name("ada") }, 7, 8)
            .on(COMMAND)
            .event_of(None, "privilege_granted", "ada", None)
            .user("ada", "ada@example.com")
            .event(2, "user_created", "ada")
            .accepted_by("C8");
    }

    #[test]
    fn a_change_without_its_event_is_rejected() {
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .rejected_by("C8");
        Sample::default()
            .ok(Op::Update { user: name("ada") }, 1, 2)
            .rejected_by("C8");
    }

    #[test]
    fn a_change_with_two_events_is_rejected() {
        Sample::default()
            .unknown(add("ada", "c"), 1, 2)
            .event(1, "authn_passkey_added", "ada")
            .event(1, "authn_passkey_added", "ada")
            .rejected_by("C8");
    }

    #[test]
    fn a_refusal_with_an_event_of_success_is_rejected() {
        Sample::default()
            .fail(guess("f", false, None), 1, 2)
            .event(1, "authn_login_success", "ada")
            .rejected_by("C8");
    }

    #[test]
    fn a_session_ends_exactly_once() {
        let sample = || {
            Sample::default()
                .ok(opening(), 1, 2)
                .event(1, "authn_login_success", "ada")
                .ok(end("s"), 3, 4)
        };
        let once = |sample: Sample| sample.event_of(Some(2), "session_revoked", "ada", Some("s"));
        sample().rejected_by("C8");
        once(sample()).accepted_by("C8");
        once(once(sample())).rejected_by("C8");
    }

    #[test]
    fn a_session_that_nobody_ended_has_no_end() {
        Sample::default()
            .ok(opening(), 1, 2)
            .event(1, "authn_login_success", "ada")
            .event_of(None, "session_revoked", "ada", Some("s"))
            .rejected_by("C8");
    }

    #[test]
    fn the_end_of_all_is_told_of_once() {
        let sample = || {
            Sample::default()
                .ok(opening(), 1, 2)
                .event(1, "authn_login_success", "ada")
                .ok(end_all(), 3, 4)
        };
        sample().rejected_by("C8");
        sample()
            .event(2, "session_revoked", "ada")
            .ok(end("s"), 5, 6)
            .accepted_by("C8");
    }

    #[test]
    fn what_the_command_line_did_is_told_of() {
        let sample = || {
            Sample::default()
                .ok(Op::Revoke { user: name("ada") }, 1, 2)
                .on(COMMAND)
        };
        sample().rejected_by("C8");
        sample()
            .unknown(Op::Revoke { user: name("ada") }, 3, 4)
            .on(COMMAND)
            .event_of(None, "privilege_revoked", "ada", None)
            .event_of(None, "privilege_revoked", "ada", None)
            .accepted_by("C8");
    }

    #[test]
    fn a_user_is_made_once() {
        Sample::default()
            .user("ada", "ada@example.com")
            .rejected_by("C8");
        Sample::default()
            .user("ada", "ada@example.com")
            .event(1, "user_created", "ada")
            .event(2, "user_created", "ada")
            .rejected_by("C8");
    }
}
