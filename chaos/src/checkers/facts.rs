//! The history in the order in which checkers ask for it.

use std::collections::HashMap;

use super::{Event, History, ReadBack};
use crate::history::{Entry, Fault, Moment, Name, Op};

/// What a node is called where no node was asked, but the command line.
pub(crate) const COMMAND: &str = "command";

/// What is broken where all nodes are cut off from the database.
pub(crate) const DATABASE: &str = "database";

/// A history, sorted.
pub(super) struct Facts<'a> {
    pub entries: &'a [Entry],
    pub read: &'a ReadBack,
    openings: HashMap<&'a Name, &'a Entry>,
    endings: HashMap<&'a Name, Vec<&'a Entry>>,
    checks: HashMap<&'a Name, Vec<&'a Entry>>,
    events: HashMap<u64, Vec<&'a Event>>,
    cuts: Vec<&'a Entry>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut facts = Self {
            entries: &history.entries,
            read: &history.read,
            openings: HashMap::new(),
            endings: HashMap::new(),
            checks: HashMap::new(),
            events: HashMap::new(),
            cuts: Vec::new(),
        };
        for entry in &history.entries {
            if let Some(opened) = entry.opened() {
                facts.openings.entry(&opened.session).or_insert(entry);
            }
            match &entry.op {
                Op::End { user, .. }
                | Op::EndOthers { user, .. }
                | Op::EndAll { user }
                | Op::RemovePasskey { user, .. }
                    if entry.may_have_happened() =>
                {
                    facts.endings.entry(user).or_default().push(entry);
                }
                Op::Check { session } => facts.checks.entry(session).or_default().push(entry),
                Op::Fault {
                    kind:
                        Fault::Partition
                        | Fault::KillDatabase
                        | Fault::HangDatabase
                        | Fault::Promotion
                        | Fault::Stall,
                } => facts.cuts.push(entry),
                _ => {}
            }
        }
        for event in &history.read.events {
            if let Some(number) = event.number {
                facts.events.entry(number).or_default().push(event);
            }
        }
        facts
    }

    /// Every session whose opening was acknowledged.
    pub(super) fn sessions(&self) -> impl Iterator<Item = Session<'a>> {
        self.openings.iter().filter_map(|(&id, &opening)| {
            let user = &opening.opened()?.user;
            let credential = match &opening.op {
                Op::SignIn { credential, .. } => Some(credential),
                _ => None,
            };
            Some(Session {
                id,
                user,
                credential,
                opening,
            })
        })
    }

    /// What may have ended a session: acknowledged or not, and not over before it was opened.
    pub(super) fn endings(&self, session: &Session<'a>) -> impl Iterator<Item = &'a Entry> {
        let session = *session;
        let of_user = self.endings.get(session.user).into_iter().flatten();
        of_user.copied().filter(move |ending| {
            ending.over() > session.opening.start && session.is_ended_by(&ending.op)
        })
    }

    /// What has ended a session for certain: acknowledged, and begun when its opening was.
    pub(super) fn certain_endings(&self, session: &Session<'a>) -> impl Iterator<Item = &'a Entry> {
        let opened = session.opening.end;
        self.endings(session)
            .filter(move |ending| ending.is_ok() && opened <= ending.start)
    }

    /// When a session's token was shown.
    pub(super) fn checks(&self, session: &Name) -> &[&'a Entry] {
        self.checks.get(session).map_or(&[], Vec::as_slice)
    }

    /// The events that tell of an operation.
    pub(super) fn events(&self, entry: &Entry) -> &[&'a Event] {
        self.events.get(&entry.number).map_or(&[], Vec::as_slice)
    }

    /// Whether a node could not reach the database at a moment, or not for sure.
    pub(super) fn is_cut_off(&self, node: &Name, at: Moment) -> bool {
        /// A connection that was cut may take so long to be noticed when the way is free again.
        const AFTERMATH: Moment = 2_000_000;
        /// Commits that waited are confirmed together, and the next leases with them.
        const AFTER_STALL: Moment = 1_000_000;
        self.cuts.iter().any(|cut| {
            let stalled = cut.op == Op::Fault { kind: Fault::Stall };
            let after = if stalled { AFTER_STALL } else { AFTERMATH };
            (cut.node == *node || &*cut.node == DATABASE)
                && cut.start <= at
                && at <= cut.end.saturating_add(after)
        })
    }

    /// Whether a server's clock was stepped at all.
    pub(super) fn time_was_stepped(&self) -> bool {
        self.steps(&[Fault::ClockStep, Fault::ClockLeap])
            .next()
            .is_some()
    }

    /// Whether a server's clock leapt between two moments: then codes may have expired.
    pub(super) fn time_leapt(&self, from: Moment, to: Moment) -> bool {
        self.steps(&[Fault::ClockLeap])
            .any(|leap| from <= leap.end && leap.start <= to)
    }

    fn steps(&self, kinds: &[Fault]) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| matches!(&entry.op, Op::Fault { kind } if kinds.contains(kind)))
    }

    /// The addresses, by the ids of their users.
    pub(super) fn addresses(&self) -> HashMap<&'a Name, &'a Name> {
        let users = self.read.users.iter();
        users.map(|user| (&user.id, &user.address)).collect()
    }
}

/// A session, as its opening tells of it.
#[derive(Clone, Copy)]
pub(super) struct Session<'a> {
    pub id: &'a Name,
    pub user: &'a Name,
    pub credential: Option<&'a Name>,
    pub opening: &'a Entry,
}

impl Session<'_> {
    fn is_ended_by(&self, ending: &Op) -> bool {
        match ending {
            Op::End { session, .. } => session == self.id,
            Op::EndOthers { own, .. } => own != self.id,
            Op::EndAll { .. } => true,
            Op::RemovePasskey {
                credential, own, ..
            } => self.credential == Some(credential) && own != self.id,
            _ => false,
        }
    }
}

/// Groups what is found under a key.
pub(super) fn group<K: std::hash::Hash + Eq, V>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
