//! C7: what was acknowledged is mailed, and what was not committed is not.
//!
//! Whether something was committed that nobody acknowledged, the audit log tells: its event is of the same transaction.

use std::collections::HashSet;

use super::{About, Facts, Violation, facts::group};
use crate::history::{Entry, Moment, Name, Op};

/// How long a message may be on its way, over the start of a server.
const TO_SEND: Moment = 5_000_000;

pub(super) fn check(facts: &Facts<'_>) -> Vec<Violation> {
    let addresses = facts.addresses();
    let codes = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::RequestCode { address, bound, .. } => {
            // What has expired when its turn comes is not sent.
            let may_expire = facts.time_leapt(entry.start, entry.end + TO_SEND);
            Some((address, entry, *bound && !may_expire))
        }
        _ => None,
    });
    let added = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::AddPasskey { user, .. } => Some((*addresses.get(user)?, entry, true)),
        _ => None,
    });
    let removed = facts.entries.iter().filter_map(|entry| match &entry.op {
        Op::RemovePasskey { user, .. } => Some((*addresses.get(user)?, entry, true)),
        _ => None,
    });
    [
        counted(facts, About::Code, "authn_code_requested", codes),
        counted(facts, About::PasskeyAdded, "authn_passkey_added", added),
        counted(
            facts,
            About::PasskeyRemoved,
            "authn_passkey_removed",
            removed,
        ),
    ]
    .concat()
}

/// Holds, for each address, the messages of one kind against the operations that promise them. A code that is bound to
/// nothing may be replaced before it is sent, so it may stay without its message.
fn counted<'a>(
    facts: &Facts<'a>,
    about: About,
    event: &str,
    operations: impl Iterator<Item = (&'a Name, &'a Entry, bool)>,
) -> Vec<Violation> {
    let is_committed = |entry: &Entry| {
        let told = facts.events(entry);
        entry.is_ok() || told.iter().any(|told| &*told.kind == event)
    };
    let operations = group(
        operations
            .filter(|(_, entry, _)| is_committed(entry))
            .map(|(address, entry, always)| (address, (entry, always))),
    );
    let mails = facts.read.mails.iter().filter(|mail| mail.about == about);
    let mut mails = group(mails.map(|mail| (&mail.to, &mail.id)));
    let mut violations = Vec::new();
    for (address, operations) in operations {
        // At least once: the same message twice is one.
        let sent: HashSet<_> = mails.remove(address).into_iter().flatten().collect();
        let least = operations.iter().filter(|(_, always)| *always).count();
        let what = if sent.len() < least {
            "less mail than was promised"
        } else if sent.len() > operations.len() {
            "more mail than was promised"
        } else {
            continue;
        };
        let what = format!(
            "{what} to {address}: {} of {} ({about:?})",
            sent.len(),
            operations.len()
        );
        let entries = operations.into_iter().map(|(entry, _)| entry);
        violations.push(Violation::new("C7", what, entries));
    }
    violations.extend(mails.into_keys().map(|address| {
        let what = format!("mail to {address} that nothing promised ({about:?})");
        Violation::new("C7", what, [])
    }));
    violations
}

#[cfg(test)]
mod tests {
    use super::super::{
        About,
        samples::{Sample, add, request_code},
    };
    use crate::history::{Fault, Op};

    const ADA: &str = "ada@example.com";

    #[test]
    fn a_message_for_each_request_is_accepted() {
        Sample::default()
            .ok(request_code("f"), 1, 2)
            .fail(request_code("g"), 2, 3)
            .unknown(request_code("h"), 5, 6)
            .event(3, "authn_code_requested", "ada")
            .unknown(request_code("i"), 9, 9)
            .ok(add("ada", "c"), 10, 11)
            .user("ada", ADA)
            .mail("m1", ADA, About::Code)
            .mail("m1", ADA, About::Code)
            .mail("m2", ADA, About::Code)
            .mail("m3", ADA, About::PasskeyAdded)
            .mail("m4", ADA, About::Other)
            .accepted_by("C7");
    }

    #[test]
    fn a_request_without_its_message_is_rejected() {
        Sample::default()
            .ok(request_code("f"), 1, 2)
            .rejected_by("C7");
        Sample::default()
            .unknown(request_code("f"), 1, 2)
            .event(1, "authn_code_requested", "ada")
            .rejected_by("C7");
        Sample::default()
            .ok(add("ada", "c"), 1, 2)
            .user("ada", ADA)
            .rejected_by("C7");
    }

    #[test]
    fn a_code_may_expire_before_it_is_sent_where_time_leaps() {
        let sample = |kind, at| {
            Sample::default()
                .ok(Op::Fault { kind }, at, at)
                .ok(request_code("f"), 2, 3)
        };
        sample(Fault::ClockLeap, 4).accepted_by("C7");
        sample(Fault::ClockStep, 4).rejected_by("C7");
        sample(Fault::ClockLeap, 1).rejected_by("C7");
        sample(Fault::ClockLeap, 9).rejected_by("C7");
    }

    #[test]
    fn a_message_without_a_commit_is_rejected() {
        Sample::default()
            .unknown(request_code("f"), 1, 2)
            .mail("m1", ADA, About::Code)
            .rejected_by("C7");
        Sample::default()
            .ok(request_code("f"), 1, 2)
            .mail("m1", ADA, About::Code)
            .mail("m2", ADA, About::Code)
            .rejected_by("C7");
    }
}
