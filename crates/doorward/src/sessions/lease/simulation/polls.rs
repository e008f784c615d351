//! Polls under way.

use super::{
    super::log::Row,
    Fault,
    node::Applied,
    run::{Asked, Event, Run},
    server::SHARDS,
};

impl Run {
    pub(super) fn send_poll(&mut self, node: usize, check: Option<usize>) {
        let server = &self.nodes[node];
        let asked = Asked {
            node,
            site: server.polls,
            poll: server.lease.poll(server.clocks(self.now), &server.cache),
            sent: self.now,
            check,
        };
        let delay = self.random.delay();
        self.after(delay, Event::PollReads(asked));
    }

    pub(super) fn poll_reads(&mut self, asked: Asked) {
        if self.database.reads(asked.site) {
            let server = self.database.at(asked.site);
            let rows = (0..SHARDS)
                .map(|shard| server.log_from(shard, asked.poll.applied(shard)))
                .collect();
            let delay = self.random.delay();
            self.after(delay, Event::PollCommits(asked, rows));
        }
    }

    /// The heartbeat is written in the transaction that has read.
    pub(super) fn poll_commits(&mut self, asked: Asked, rows: Vec<Vec<Row>>) {
        let counts = self.database.commits(asked.site)
            || match self.setting.fault {
                Some(Fault::NoHeartbeat) => self.database.reads(asked.site),
                Some(Fault::IgnoresTheWarning) => {
                    self.database.reads(asked.site) && self.random.chance(20)
                }
                _ => false,
            };
        if counts {
            let delay = self.random.delay();
            self.after(delay, Event::PollReplies(asked, rows));
        }
    }

    pub(super) fn poll_replies(&mut self, asked: Asked, rows: Vec<Vec<Row>>) {
        let Asked {
            node,
            poll,
            sent,
            check,
            ..
        } = asked;
        match self.nodes[node].answered(poll, sent, rows, self.now) {
            Applied::Followed => self.history.counts.followed += 1,
            Applied::Dropped => self.history.counts.dropped += 1,
            Applied::Overtaken => self.history.counts.overtaken += 1,
        }
        if let Some(check) = check {
            self.poll_is_over(check, false);
        }
    }
}
