//! How long other nodes go on accepting what one node has ended.

use std::collections::HashMap;

use crate::{
    checkers::History,
    history::{Entry, Moment, Name, Op},
};

/// A sentence of percentiles; `None` where there was only one node.
pub(crate) fn line(history: &History) -> Option<String> {
    let mut delays = delays(history);
    if delays.is_empty() {
        return None;
    }
    delays.sort_unstable();
    let at = |per_cent: usize| delays[(delays.len() - 1) * per_cent / 100];
    let milliseconds = |delay: Moment| format!("{}.{} ms", delay / 1000, delay % 1000 / 100);
    Some(format!(
        "Propagation from the acknowledgement on one node to the last acceptance on another, over {} pairs: p50 {}, p99 {}, most {}.",
        delays.len(),
        milliseconds(at(50)),
        milliseconds(at(99)),
        milliseconds(at(100)),
    ))
}

/// For each session that one node has ended and each other node that was watched until it refused it: from the
/// acknowledgement to the start of the last check that was accepted.
fn delays(history: &History) -> Vec<Moment> {
    let mut ends: HashMap<&Name, &Entry> = HashMap::new();
    for entry in &history.entries {
        if let Op::End { session, .. } = &entry.op
            && entry.is_ok()
        {
            ends.entry(session).or_insert(entry);
        }
    }
    let mut last: HashMap<(&Name, &Name), (Moment, bool)> = HashMap::new();
    for entry in &history.entries {
        let Op::Check { session } = &entry.op else {
            continue;
        };
        let Some(end) = ends.get(session) else {
            continue;
        };
        if entry.start < end.end || entry.node == end.node {
            continue;
        }
        let (accepted, refused) = last.entry((session, &entry.node)).or_default();
        if entry.is_ok() {
            *accepted = (*accepted).max(entry.start - end.end);
        } else if !entry.may_have_happened() {
            *refused = true;
        }
    }
    last.into_values()
        .filter_map(|(accepted, refused)| refused.then_some(accepted))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;

    fn entry(op: Op, node: &str, start: Moment, outcome: Outcome) -> Entry {
        Entry {
            number: 0,
            op,
            start,
            end: start + 1000,
            outcome,
            node: node.into(),
            said: None,
        }
    }

    #[test]
    fn a_delay_is_from_the_acknowledgement_to_the_last_acceptance() {
        let session = || "s".into();
        let check = || Op::Check { session: session() };
        let end = Op::End {
            user: "ada".into(),
            session: session(),
        };
        let entries = vec![
            entry(end, "n1", 0, Outcome::Ok),
            entry(check(), "n2", 5000, Outcome::Ok),
            entry(check(), "n2", 201_000, Outcome::Ok),
            entry(check(), "n2", 220_000, Outcome::Fail),
            entry(check(), "n3", 5000, Outcome::Fail),
            entry(check(), "n1", 5000, Outcome::Fail),
        ];
        let history = History {
            entries,
            ..History::default()
        };

        let mut delays = delays(&history);
        delays.sort_unstable();

        assert_eq!(delays, [0, 200_000]);
        assert!(
            line(&history)
                .unwrap()
                .contains("p50 0.0 ms, p99 0.0 ms, most 200.0 ms")
        );
    }
}
