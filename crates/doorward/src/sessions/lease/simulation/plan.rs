//! What will befall the fleet, and what people will do.

use super::{
    database::Site,
    run::{END, Event, NODES, POLL, Run},
    server::{Change, SESSIONS, USERS},
};

impl Run {
    /// Draws what will befall the fleet, and what people do.
    pub(super) fn plan(&mut self) {
        for node in 0..NODES {
            let (poll, check) = (self.random.between(0, POLL), self.random.between(0, 20));
            self.at(poll, Event::Poll(node));
            self.at(check, Event::Check(node));
            for _ in 0..6 {
                let (polls, reads) = (self.random.between(200, END), self.random.between(300, END));
                self.at(polls, Event::SwitchPolls(node));
                self.at(reads, Event::SwitchReads(node));
            }
            for _ in 0..2 {
                let (at, length) = (self.random.between(0, END), self.random.between(20, 300));
                self.at(at, Event::Pause(node, length));
            }
        }
        for session in 0..SESSIONS {
            let opened = if self.random.chance(50) {
                0
            } else {
                self.random.between(0, 900)
            };
            self.plan_change(opened, Change::Open(session));
            if self.random.chance(70) {
                let ended = self.random.between(50, END - 300);
                self.plan_change(ended, Change::End(session));
            }
        }
        for user in 0..USERS {
            if self.random.chance(40) {
                let at = self.random.between(50, END - 300);
                self.plan_change(at, Change::SignOut(user));
            }
        }
        if self.random.chance(15) {
            let at = self.random.between(50, END - 300);
            self.plan_change(at, Change::SignOutAll);
        }
        for _ in 0..6 {
            let at = self.random.between(0, END);
            self.at(at, Event::Prune);
        }
        let unlinked = self.random.between(100, 900);
        self.at(unlinked, Event::Unlink);
        if self.random.chance(50) {
            let cancelled = unlinked + self.random.between(10, 300);
            self.at(cancelled, Event::CancelWaits);
        }
        if self.random.chance(70) {
            let promoted = unlinked + self.random.between(10, 200);
            self.at(promoted, Event::Promote);
            // What is under way then is what may be lost.
            let (user, before) = (self.random.below(USERS), self.random.between(5, 60));
            self.plan_change(promoted - before, Change::SignOut(user));
        }
        let linked = unlinked + self.random.between(100, 500);
        self.at(linked, Event::Link);
    }

    /// A change is tried three times, as people do who get no answer.
    fn plan_change(&mut self, at: i64, change: Change) {
        self.history.asked_for(change);
        let pause = self.random.between(20, 200);
        for again in 0..3 {
            let node = self.random.below(NODES);
            let commit = self.database.prepare(change, node);
            let site = self.random.one_of(&[Site::Old, Site::New]);
            self.at(at + pause * again, Event::Changes(commit, site, true));
        }
    }
}
