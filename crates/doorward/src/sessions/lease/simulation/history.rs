//! What was acknowledged and what was answered, and the judgement of it.

use super::{
    database::{Database, Site},
    server::{Change, Commit, SESSIONS},
};

/// What a run has shown.
#[derive(Debug, Default)]
pub(super) struct History {
    /// When a session was opened, or ended, as far as anyone was told.
    opened: [Option<i64>; SESSIONS],
    ended: [Option<i64>; SESSIONS],
    /// Someone may have asked for its end, whether or not they were answered.
    doubtful: [bool; SESSIONS],
    ended_here: Vec<EndedHere>,
    pub violations: Vec<String>,
    pub counts: Counts,
}

#[derive(Debug)]
struct EndedHere {
    session: usize,
    node: usize,
    site: Site,
    at: i64,
}

/// How often what has happened.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub accepted: u32,
    pub stale: u32,
    pub refused: u32,
    pub unavailable: u32,
    pub ended: u32,
    pub followed: u32,
    pub dropped: u32,
    pub overtaken: u32,
    pub unproved: u32,
    pub unkept: u32,
    pub forked: u32,
    pub lost: u32,
    /// The longest time between the acknowledged end of a session and the start of a check that accepts it.
    pub latest: i64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.stale += other.stale;
        self.refused += other.refused;
        self.unavailable += other.unavailable;
        self.ended += other.ended;
        self.followed += other.followed;
        self.dropped += other.dropped;
        self.overtaken += other.overtaken;
        self.unproved += other.unproved;
        self.unkept += other.unkept;
        self.forked += other.forked;
        self.lost += other.lost;
        self.latest = self.latest.max(other.latest);
    }
}

/// An answer that accepts a session.
pub(super) struct Accepted {
    pub node: usize,
    pub session: usize,
    pub started: i64,
    /// How long ago an end may have been acknowledged that this answer has not heard of.
    pub bound: i64,
    pub is_stale: bool,
    /// Whether the server could reach the database all the time.
    pub could_reach: bool,
    /// Where the server reads, and since when.
    pub reads: (Site, i64),
}

impl History {
    pub(super) fn asked_for(&mut self, change: Change) {
        for session in change.ends() {
            self.doubtful[session] = true;
        }
    }

    /// The node that changed it has heard of its commit, and forgotten.
    pub(super) fn ended_here(&mut self, commit: &Commit, site: Site, at: i64, database: &Database) {
        for session in &commit.ended {
            if database.primary().has_ended(*session) {
                self.ended_here.push(EndedHere {
                    session: *session,
                    node: commit.node,
                    site,
                    at,
                });
            }
        }
    }

    /// Someone was told. What has been lost since does not count: nothing above the database can mend that.
    pub(super) fn acknowledged(&mut self, commit: &Commit, now: i64, database: &Database) {
        let primary = database.primary();
        if let Change::Open(session) = commit.change
            && primary.session(session).is_some()
        {
            self.opened[session].get_or_insert(now);
        }
        for session in &commit.ended {
            if primary.has_ended(*session) && self.ended[*session].is_none() {
                self.ended[*session] = Some(now);
                self.counts.ended += 1;
            }
        }
    }

    /// The newest commits are gone.
    pub(super) fn lost(&mut self, database: &Database) {
        let primary = database.primary();
        for session in 0..SESSIONS {
            if !primary.has_ended(session) && self.ended[session].take().is_some() {
                self.ended_here.retain(|ended| ended.session != session);
                self.counts.lost += 1;
            }
            if primary.session(session).is_none() && !primary.has_ended(session) {
                self.opened[session] = None;
            }
        }
    }

    pub(super) fn accepted(&mut self, answer: &Accepted) {
        let Accepted {
            node,
            session,
            started,
            bound,
            ..
        } = *answer;
        if answer.is_stale {
            self.counts.stale += 1;
            if answer.could_reach {
                self.violations.push(format!(
                    "node {node} accepts session {session} from {started} on as stale, and could have polled"
                ));
            }
        } else {
            self.counts.accepted += 1;
        }
        if let Some(ended) = self.ended[session] {
            self.counts.latest = self.counts.latest.max(started - ended);
            if ended < started - bound {
                self.violations.push(format!(
                    "node {node} accepts session {session} in a check of {started}; it ended at {ended}"
                ));
            }
        }
        let own = self.ended_here.iter().find(|ended| {
            (ended.session, ended.node, ended.site) == (session, node, answer.reads.0)
                && answer.reads.1 <= ended.at
                && ended.at < started
        });
        if let Some(own) = own {
            self.violations.push(format!(
                "node {node} accepts session {session} in a check of {started}, and ended it itself at {}",
                own.at
            ));
        }
    }

    /// The session is answered to be unknown, or to have ended.
    pub(super) fn refused(&mut self, node: usize, session: usize, started: i64) {
        self.counts.refused += 1;
        let was_open = self.opened[session].is_some_and(|opened| opened < started);
        if was_open && !self.doubtful[session] {
            self.violations.push(format!(
                "node {node} refuses session {session} in a check of {started}, and nobody ended it"
            ));
        }
    }
}
