//! What people change.

use super::{
    super::Moment,
    Fault,
    database::{Outcome, Site},
    run::{Event, NODES, Run},
    server::{Change, Commit},
};

impl Run {
    pub(super) fn changes(&mut self, mut commit: Commit, site: Site, is_new: bool) {
        let is_late = match self.setting.fault {
            Some(Fault::NumbersWithoutLock) if is_new && self.database.commits(site) => {
                self.database.at_mut(site).draw(&mut commit);
                self.random.chance(50)
            }
            Some(Fault::LogsInItsOwnTransaction) if is_new => {
                self.database.log_alone(site, &mut commit);
                true
            }
            _ => false,
        };
        if is_late {
            let delay = self.random.between(1, 60);
            return self.after(delay, Event::Changes(commit, site, false));
        }
        if let Outcome::Acknowledged(commit) = self.database.commit(site, commit) {
            self.tell(commit, site);
        }
    }

    /// Tells whoever made the change, and gives the others a hint, which may be lost.
    pub(super) fn tell(&mut self, mut commit: Commit, site: Site) {
        commit.ended = commit.change.ends();
        let primary = self.database.primary();
        commit.ended.retain(|session| primary.has_ended(*session));
        for node in 0..NODES {
            if self.random.chance(80) {
                let delay = self.random.between(1, 20);
                let hint = if self.setting.fault == Some(Fault::HintsOnly) {
                    Event::Forget(node, commit.clone())
                } else {
                    Event::Hint(node)
                };
                self.after(delay, hint);
            }
        }
        let delay = self.random.delay();
        self.after(delay, Event::Acknowledged(commit, site));
    }

    pub(super) fn acknowledged(&mut self, commit: Commit, site: Site) {
        let node = &self.nodes[commit.node];
        if self.setting.fault != Some(Fault::OwnChangesByPoll) {
            for (_, row) in &commit.rows {
                node.forget(&row.subject);
            }
        }
        let since = node.clocks(self.now);
        self.history
            .ended_here(&commit, site, self.now, &self.database);
        self.waits(commit, since);
    }

    /// Where there is to be no window, the change is acknowledged when no lease can have missed it.
    pub(super) fn waits(&mut self, commit: Commit, since: Moment) {
        let is_over = !self.setting.is_strict
            || matches!(commit.change, Change::Open(_))
            || self.setting.fault == Some(Fault::DoesNotWait)
            || self
                .terms
                .have_run_out(since, self.nodes[commit.node].clocks(self.now));
        if is_over {
            self.history.acknowledged(&commit, self.now, &self.database);
        } else {
            self.after(5, Event::Waits(commit, since));
        }
    }
}
