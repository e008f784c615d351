//! One run: what happens when, from a seed.

use super::{
    super::{super::cache::Ticket, Moment, Permit, Poll, Terms, log::Row},
    Fault,
    database::{Database, Replication, Site},
    history::History,
    node::{Node, Sleeper},
    random::Random,
    server::Commit,
    timetable::Timetable,
};
use crate::{ids::IdBytes, time::Span};

// Milliseconds; a tenth of what the product uses, so that much happens in a run.
pub(super) const POLL: i64 = 25;
pub(super) const LEASE: i64 = 100;
pub(super) const CEILING: i64 = 400;
pub(super) const TIMEOUT: i64 = 100;
pub(super) const END: i64 = 1500;
pub(super) const NODES: usize = 3;

#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub replication: Replication,
    pub is_strict: bool,
    pub fault: Option<Fault>,
}

pub(super) enum Event {
    // The servers.
    Poll(usize),
    Hint(usize),
    PollReads(Asked),
    PollCommits(Asked, Vec<Vec<Row>>),
    PollReplies(Asked, Vec<Vec<Row>>),
    Check(usize),
    PollTimesOut(usize),
    Reads(Read),
    Replies(Read, Found),
    StrictReads(Read),
    StrictCommits(Read, Found),
    Changes(Commit, Site, bool),
    Acknowledged(Commit, Site),
    Waits(Commit, Moment),
    // What befalls them.
    Unlink,
    Link,
    Promote,
    CancelWaits,
    Prune,
    Pause(usize, i64),
    Resume(usize, i64),
    SwitchPolls(usize),
    SwitchReads(usize),
    Forget(usize, Commit),
}

/// A poll under way; the check that waits for it, if one does.
pub(super) struct Asked {
    pub node: usize,
    pub site: Site,
    pub poll: Poll,
    pub sent: i64,
    pub check: Option<usize>,
}

/// A check that looks into the database.
pub(super) struct Read {
    pub check: usize,
    pub site: Site,
    pub ticket: Ticket,
    pub permit: Permit,
}

/// What such a look has found.
pub(super) struct Found {
    pub session: Option<(i64, i64)>,
    pub row: Option<IdBytes>,
    pub newest: i64,
}

pub(super) struct Check {
    pub node: usize,
    pub session: usize,
    pub started: i64,
    pub waits_for_poll: bool,
    pub tries: u32,
}

pub(super) struct Run {
    pub setting: Setting,
    pub terms: Terms,
    pub random: Random,
    pub now: i64,
    pub timetable: Timetable,
    pub database: Database,
    pub database_since: i64,
    pub nodes: Vec<Node>,
    pub checks: Vec<Check>,
    pub history: History,
}

pub(super) fn run(setting: Setting, seed: u64) -> History {
    let mut random = Random::seeded(seed);
    let terms = if setting.is_strict {
        Terms::strict(Span::millis(LEASE))
    } else {
        Terms::new(Span::millis(LEASE), Span::millis(CEILING))
    };
    let mut node = || {
        let sleepers = [Sleeper::Nothing, Sleeper::BootClock, Sleeper::WallClock];
        Node::new(terms, random.one_of(&sleepers), setting.fault)
    };
    let nodes = (0..NODES).map(|_| node()).collect();
    let mut run = Run {
        setting,
        terms,
        random,
        now: 0,
        timetable: Timetable::new(),
        database: Database::new(setting.replication, setting.fault),
        database_since: 0,
        nodes,
        checks: Vec::new(),
        history: History::default(),
    };
    run.plan();
    while let Some((at, event)) = run.timetable.next() {
        if at > END {
            break;
        }
        run.now = at;
        run.happens(event);
    }
    run.history
}

impl Run {
    pub(super) fn after(&mut self, delay: i64, event: Event) {
        self.at(self.now + delay, event);
    }

    pub(super) fn at(&mut self, at: i64, event: Event) {
        self.timetable.enter(at, event);
    }

    fn happens(&mut self, event: Event) {
        // Nothing reaches a server that is paused before it goes on.
        let asleep = match &event {
            Event::Hint(node) => Some(*node),
            Event::PollReplies(asked, _) => Some(asked.node),
            Event::PollTimesOut(check) => Some(self.checks[*check].node),
            Event::Replies(read, _) => Some(self.checks[read.check].node),
            Event::Acknowledged(commit, _) | Event::Waits(commit, _) => Some(commit.node),
            _ => None,
        };
        if asleep.is_some_and(|node| self.nodes[node].is_paused) {
            let delay = self.random.between(3, 9);
            return self.after(delay, event);
        }
        match event {
            Event::Poll(node) => {
                self.after(POLL, Event::Poll(node));
                if !self.nodes[node].is_paused {
                    self.send_poll(node, None);
                }
            }
            Event::Hint(node) => self.send_poll(node, None),
            Event::PollReads(asked) => self.poll_reads(asked),
            Event::PollCommits(asked, rows) => self.poll_commits(asked, rows),
            Event::PollReplies(asked, rows) => self.poll_replies(asked, rows),
            Event::Check(node) => self.check(node),
            Event::PollTimesOut(check) => self.poll_is_over(check, true),
            Event::Reads(read) => self.reads(read),
            Event::Replies(read, found) => self.replies(read, &found),
            Event::StrictReads(read) => self.strict_reads(read),
            Event::StrictCommits(read, found) => self.strict_commits(read, &found),
            Event::Changes(commit, site, is_new) => self.changes(commit, site, is_new),
            Event::Acknowledged(commit, site) => self.acknowledged(commit, site),
            Event::Waits(commit, since) => self.waits(commit, since),
            Event::Unlink => {
                self.database.unlink();
                self.database_since = self.now;
            }
            Event::Link => {
                for commit in self.database.link() {
                    self.tell(commit, Site::Old);
                }
                self.database_since = self.now;
            }
            Event::Promote => {
                let lost = 1 + self.random.below(3);
                self.database.promote(lost);
                self.database_since = self.now;
                if self.setting.replication == Replication::Asynchronous {
                    self.history.lost(&self.database);
                }
            }
            Event::CancelWaits => {
                if self.database.cancel_waits() {
                    self.history.counts.forked += 1;
                }
            }
            Event::Prune => {
                let keep = 1 + self.random.below(3);
                self.database.prune(keep);
            }
            Event::Pause(node, length) => {
                if !self.nodes[node].is_paused {
                    self.nodes[node].is_paused = true;
                    self.after(length, Event::Resume(node, length));
                }
            }
            Event::Resume(node, length) => {
                let now = self.now;
                let node = &mut self.nodes[node];
                node.is_paused = false;
                node.resumed_at = now;
                match node.sleeper {
                    Sleeper::Nothing => {}
                    Sleeper::BootClock => node.boot_behind += length,
                    Sleeper::WallClock => node.wall_behind += length,
                }
            }
            Event::SwitchPolls(node) => {
                if self.database.is_promoted && self.nodes[node].polls == Site::Old {
                    self.nodes[node].polls = Site::New;
                    self.nodes[node].polls_since = self.now;
                }
            }
            Event::SwitchReads(node) => {
                if self.database.is_promoted && self.nodes[node].reads == Site::Old {
                    self.nodes[node].reads = Site::New;
                    self.nodes[node].reads_since = self.now;
                }
            }
            Event::Forget(node, commit) => {
                for (_, row) in &commit.rows {
                    self.nodes[node].forget(&row.subject);
                }
            }
        }
    }
}
