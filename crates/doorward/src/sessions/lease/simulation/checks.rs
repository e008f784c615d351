//! Checks of sessions, as the product does them.

use super::{
    super::{Lapsed, Permit, Standing},
    Fault,
    history::Accepted,
    run::{CEILING, Check, Event, Found, LEASE, Read, Run, TIMEOUT},
    server::{SESSIONS, session_id},
};

impl Run {
    pub(super) fn check(&mut self, node: usize) {
        let pause = self.random.between(3, 20);
        self.after(pause, Event::Check(node));
        if self.nodes[node].is_paused {
            return;
        }
        let session = self.random.below(SESSIONS);
        self.checks.push(Check {
            node,
            session,
            started: self.now,
            waits_for_poll: false,
            tries: 0,
        });
        self.decide(self.checks.len() - 1, false);
    }

    pub(super) fn poll_is_over(&mut self, check: usize, failed: bool) {
        if std::mem::take(&mut self.checks[check].waits_for_poll) {
            self.decide(check, failed);
        }
    }

    fn decide(&mut self, check: usize, poll_has_failed: bool) {
        let node = self.checks[check].node;
        match self.nodes[node].standing(self.now, CEILING) {
            Standing::Held(permit) => self.look(check, permit),
            Standing::Lapsed(lapsed) if self.may_be_stale(poll_has_failed) => {
                self.look(check, Lapsed::after_failed_poll(lapsed));
            }
            Standing::Over if poll_has_failed => self.history.counts.unavailable += 1,
            Standing::Lapsed(_) | Standing::Over => {
                self.checks[check].waits_for_poll = true;
                self.send_poll(node, Some(check));
                self.after(TIMEOUT, Event::PollTimesOut(check));
            }
        }
    }

    fn may_be_stale(&self, poll_has_failed: bool) -> bool {
        poll_has_failed || self.setting.fault == Some(Fault::StaleWithoutPoll)
    }

    fn look(&mut self, check: usize, permit: Permit) {
        let Check { node, session, .. } = self.checks[check];
        let server = &self.nodes[node];
        let Some((live, person)) = server.cache.get(&permit, &session_id(session)) else {
            return self.send_read(check, permit);
        };
        let (epoch, known) = (
            person.account.auth_epoch,
            self.database.primary().epoch(session),
        );
        if epoch > known && self.database_since < self.now - LEASE && !permit.is_stale() {
            self.history.violations.push(format!(
                "node {node} remembers epoch {epoch} of session {session} at {}, and the database knows {known}",
                self.now
            ));
        }
        if live.user_epoch == epoch {
            self.accept(check, &permit);
        } else {
            self.refuse(check);
        }
    }

    fn send_read(&mut self, check: usize, permit: Permit) {
        let Check { node, session, .. } = self.checks[check];
        let server = &self.nodes[node];
        let read = Read {
            check,
            site: server.reads,
            ticket: server.cache.ticket(&session_id(session)),
            permit,
        };
        let delay = self.random.one_of(&[1, 3, 10, 40]);
        self.after(delay, Event::Reads(read));
    }

    fn found(&self, read: &Read) -> Found {
        let session = self.checks[read.check].session;
        let shard = usize::from(session_id(session).shard());
        let server = self.database.at(read.site);
        Found {
            session: server.session(session),
            row: read
                .ticket
                .asks()
                .and_then(|asked| server.row_at(shard, asked.seq)),
            newest: server
                .log_from(shard, None)
                .last()
                .map_or(0, |row| row.at.seq),
        }
    }

    pub(super) fn reads(&mut self, read: Read) {
        if self.database.reads(read.site) {
            let found = self.found(&read);
            let delay = self.random.one_of(&[1, 3, 10, 60]);
            self.after(delay, Event::Replies(read, found));
        } else {
            self.history.counts.unavailable += 1;
        }
    }

    pub(super) fn replies(&mut self, read: Read, found: &Found) {
        if found.session.is_none() && self.setting.fault != Some(Fault::UnknownWithoutHeartbeat) {
            let delay = self.random.delay();
            return self.after(delay, Event::StrictReads(read));
        }
        self.answer(read, found);
    }

    /// Looks again, and writes a heartbeat in the same transaction.
    pub(super) fn strict_reads(&mut self, read: Read) {
        let found = self.found(&read);
        let delay = self.random.delay();
        self.after(delay, Event::StrictCommits(read, found));
    }

    pub(super) fn strict_commits(&mut self, read: Read, found: &Found) {
        if self.database.commits(read.site) {
            self.answer(read, found);
        } else {
            self.history.counts.unavailable += 1;
        }
    }

    fn answer(&mut self, read: Read, found: &Found) {
        let Some(epochs) = found.session else {
            return self.refuse(read.check);
        };
        let Check { node, session, .. } = self.checks[read.check];
        let server = &self.nodes[node];
        let proven = server.proof(session, read.ticket, found.row, found.newest);
        if let Some(proven) = proven {
            if !server.fill(&proven, session, epochs) {
                self.history.counts.unkept += 1;
            }
            if epochs.0 == epochs.1 {
                self.accept(read.check, &read.permit);
            } else {
                self.refuse(read.check);
            }
        } else {
            self.history.counts.unproved += 1;
            self.checks[read.check].tries += 1;
            if self.checks[read.check].tries < 3 {
                self.send_read(read.check, read.permit);
            } else {
                self.history.counts.unavailable += 1;
            }
        }
    }

    fn accept(&mut self, check: usize, permit: &Permit) {
        let Check {
            node,
            session,
            started,
            ..
        } = self.checks[check];
        let server = &mut self.nodes[node];
        server.last_accepted = Some(self.now);
        let since = server
            .polls_since
            .max(server.resumed_at)
            .max(self.database_since);
        let bound = match (self.setting.is_strict, permit.is_stale()) {
            (true, _) => 0,
            (false, false) => LEASE,
            (false, true) => CEILING,
        };
        self.history.accepted(&Accepted {
            node,
            session,
            started,
            bound,
            is_stale: permit.is_stale(),
            could_reach: since < started && self.database.commits(server.polls),
            reads: (server.reads, server.reads_since),
        });
    }

    fn refuse(&mut self, check: usize) {
        let Check {
            node,
            session,
            started,
            ..
        } = self.checks[check];
        self.history.refused(node, session, started);
    }
}
