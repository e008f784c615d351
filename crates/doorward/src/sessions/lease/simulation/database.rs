//! A primary and its standby: what is committed, what is seen, what is lost.

use super::{
    super::log::{Position, Row},
    Fault,
    server::{Change, Commit, Server},
};

/// How commits reach the standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replication {
    /// A commit is acknowledged when the standby has it. A primary that is cut off may live on beside its successor.
    Synchronous,
    /// The standby is somewhat behind, and is promoted when the primary is dead: its newest commits are lost.
    Asynchronous,
}

/// The first primary, or the one that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    Old,
    New,
}

/// What becomes of a transaction.
pub(super) enum Outcome {
    Acknowledged(Commit),
    /// Its commit waits for a standby that does not answer.
    Hangs,
    Refused,
}

pub(super) struct Database {
    pub replication: Replication,
    fault: Option<Fault>,
    pub old: Server,
    pub new: Server,
    /// What the first primary had before each of its latest commits: what a standby that lags may have.
    behind: Vec<Server>,
    hung: Vec<Commit>,
    pub is_linked: bool,
    pub is_promoted: bool,
    rows: u64,
}

impl Database {
    pub(super) fn new(replication: Replication, fault: Option<Fault>) -> Self {
        Self {
            replication,
            fault,
            old: Server::new(),
            new: Server::new(),
            behind: Vec::new(),
            hung: Vec::new(),
            is_linked: true,
            is_promoted: false,
            rows: 0,
        }
    }

    pub(super) fn primary(&self) -> &Server {
        if self.is_promoted {
            &self.new
        } else {
            &self.old
        }
    }

    pub(super) fn at(&self, site: Site) -> &Server {
        match site {
            Site::Old => &self.old,
            Site::New => &self.new,
        }
    }

    pub(super) fn at_mut(&mut self, site: Site) -> &mut Server {
        match site {
            Site::Old => &mut self.old,
            Site::New => &mut self.new,
        }
    }

    /// Whether the site answers reads.
    pub(super) fn reads(&self, site: Site) -> bool {
        match (site, self.replication) {
            (Site::New, _) => self.is_promoted,
            (Site::Old, Replication::Synchronous) => true,
            (Site::Old, Replication::Asynchronous) => !self.is_promoted,
        }
    }

    /// Whether the site acknowledges commits.
    pub(super) fn commits(&self, site: Site) -> bool {
        match (site, self.replication) {
            (Site::New, _) => self.is_promoted,
            (Site::Old, Replication::Synchronous) => self.is_linked && !self.is_promoted,
            (Site::Old, Replication::Asynchronous) => !self.is_promoted,
        }
    }

    pub(super) fn prepare(&mut self, change: Change, node: usize) -> Commit {
        let rows = change.subjects().into_iter().map(|(shard, subject)| {
            self.rows += 1;
            let mut id = [0; 16];
            id[8..].copy_from_slice(&self.rows.to_be_bytes());
            let at = Position { seq: 0, id };
            (shard, Row { at, subject })
        });
        Commit {
            change,
            node,
            rows: rows.collect(),
            ended: Vec::new(),
        }
    }

    /// Commits at a site: the numbers are drawn under the lock that the commit releases.
    pub(super) fn commit(&mut self, site: Site, mut commit: Commit) -> Outcome {
        if !self.reads(site) {
            return Outcome::Refused;
        }
        if !self.commits(site) {
            self.hung.push(commit);
            return Outcome::Hangs;
        }
        if site == Site::Old && self.replication == Replication::Asynchronous {
            self.behind.push(self.old.clone());
        }
        if commit.rows.iter().all(|(_, row)| row.at.seq == 0) {
            self.at_mut(site).draw(&mut commit);
        }
        let is_logged_already = self.fault == Some(Fault::LogsInItsOwnTransaction);
        for server in self.reached_from(site) {
            server.change(commit.change);
            if !is_logged_already {
                server.log(&commit.rows);
            }
        }
        Outcome::Acknowledged(commit)
    }

    /// The rows of the log alone, ahead of the change that they tell of; a fault.
    pub(super) fn log_alone(&mut self, site: Site, commit: &mut Commit) {
        if self.commits(site) {
            self.at_mut(site).draw(commit);
            for server in self.reached_from(site) {
                server.log(&commit.rows);
            }
        }
    }

    /// The servers that have what is committed at a site when the commit is acknowledged.
    fn reached_from(&mut self, site: Site) -> Vec<&mut Server> {
        match (site, self.replication) {
            (Site::Old, Replication::Synchronous) => vec![&mut self.old, &mut self.new],
            (Site::Old, Replication::Asynchronous) => vec![&mut self.old],
            (Site::New, _) => vec![&mut self.new],
        }
    }

    /// Gives up waiting for the standby: what hung is seen on the first primary, and nowhere else.
    pub(super) fn cancel_waits(&mut self) -> bool {
        !self.commit_hung().is_empty()
    }

    pub(super) fn unlink(&mut self) {
        self.is_linked = false;
    }

    /// The network heals: what hung is acknowledged, unless there is a new primary.
    pub(super) fn link(&mut self) -> Vec<Commit> {
        self.is_linked = true;
        if self.is_promoted || self.replication == Replication::Asynchronous {
            return Vec::new();
        }
        let acknowledged = self.commit_hung();
        self.new = self.old.clone();
        acknowledged
    }

    fn commit_hung(&mut self) -> Vec<Commit> {
        let mut hung = std::mem::take(&mut self.hung);
        for commit in &mut hung {
            self.old.draw(commit);
            self.old.change(commit.change);
            self.old.log(&commit.rows);
        }
        hung
    }

    /// The standby becomes the primary, without up to `lost` of the newest commits where it was behind.
    pub(super) fn promote(&mut self, lost: usize) {
        let is_possible = match self.replication {
            Replication::Synchronous => !self.is_linked,
            Replication::Asynchronous => true,
        };
        if self.is_promoted || !is_possible {
            return;
        }
        if self.replication == Replication::Asynchronous {
            let place = self.behind.len().saturating_sub(lost);
            self.new = self.behind.get(place).unwrap_or(&self.old).clone();
        }
        self.is_promoted = true;
    }

    /// Deletes old rows of the log, but the newest few.
    pub(super) fn prune(&mut self, keep: usize) {
        if self.is_promoted {
            self.new.prune(keep);
        } else if self.commits(Site::Old) {
            self.old.prune(keep);
            if self.replication == Replication::Synchronous {
                self.new.prune(keep);
            }
        }
    }
}
