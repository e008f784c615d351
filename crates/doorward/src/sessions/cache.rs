//! Sessions in memory, so that a check costs no statement.
//!
//! An entry is dropped after the commit that changes its truth and before anyone is told of that commit; where other
//! servers change the database as well, when the [log](super::lease) tells of it; and when someone was refused by what the
//! database holds, who would otherwise be let in by memory again.
//! A fill that read the database before such a change must not undo it: every shard counts its invalidations, a fill takes
//! the count before it reads, and is thrown away if the count has moved.
//! Entries live until they are dropped or make room; use never makes them truer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Live, Person, UserAgent,
    alike::Alike,
    generations::Generations,
    lease::{Followed, Permit, Position, Progress, Row, Step, Subject},
};
use crate::{
    access::Access,
    ids::{IdBytes, SessionId, UserId},
};

/// How many parts memory has, and the log of what it must forget.
pub(crate) const SHARDS: u8 = 64;

/// The shard of what has this byte in its id.
pub(crate) const fn shard_of(byte: u8) -> u8 {
    byte % SHARDS
}

/// The sessions in memory.
pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    pub(super) user_agents: Alike<UserAgent>,
    pub(super) accesses: Alike<Access>,
}

struct Shard {
    invalidations: u64,
    progress: Progress,
    sessions: Generations<Arc<Live>>,
    people: Generations<Arc<Person>>,
}

/// What a fill takes before it reads: how far memory is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    invalidations: u64,
    progress: Progress,
}

impl Ticket {
    /// The place of the log whose row the read must bring along, if there is a log to bring it from.
    pub(crate) const fn asks(&self) -> Option<Position> {
        match self.progress {
            Progress::At(position) => Some(position),
            Progress::Alone | Progress::Nowhere => None,
        }
    }

    /// Proves that the read saw all that memory has applied, by the row that it found in the place asked for.
    ///
    /// A read may have gone to a database that lags behind, or has another history. The number of its newest row would
    /// not tell: a primary that crashed alone comes back with rows that the fleet never had.
    pub(crate) fn proved_by(self, found: Option<IdBytes>, newest: i64) -> Option<Proven> {
        let (proven, saw_no_more) = match self.progress {
            Progress::Alone => (true, true),
            Progress::Nowhere => (false, false),
            Progress::At(applied) => (found == Some(applied.id), newest == applied.seq),
        };
        proven.then_some(Proven {
            saw_no_more,
            invalidations: self.invalidations,
        })
    }
}

/// A read that saw all that memory had applied when the read began: as good an answer as memory's.
#[derive(Debug)]
pub(crate) struct Proven {
    /// Whether it saw nothing that memory has not applied.
    saw_no_more: bool,
    invalidations: u64,
}

impl Cache {
    /// Memory for so many entries of either kind.
    pub(crate) fn new(entries: usize, progress: Progress) -> Self {
        Self::sharded(SHARDS.into(), entries, progress)
    }

    pub(super) fn sharded(shards: usize, entries: usize, progress: Progress) -> Self {
        let half = (entries / shards / 2).max(1);
        let shard = || Shard {
            invalidations: 0,
            progress,
            sessions: Generations::new(half),
            people: Generations::new(half),
        };
        Self {
            shards: (0..shards).map(|_| Mutex::new(shard())).collect(),
            user_agents: Alike::default(),
            accesses: Alike::default(),
        }
    }

    /// The session and its person, when both are in memory.
    pub(crate) fn get(&self, _permit: &Permit, id: &SessionId) -> Option<(Arc<Live>, Arc<Person>)> {
        let mut shard = self.shard(id.shard());
        let live = shard.sessions.get(id)?;
        let person = shard.people.get(&live.session.user_id)?;
        Some((live, person))
    }

    /// To be taken before the read that fills.
    pub(crate) fn ticket(&self, id: &SessionId) -> Ticket {
        let shard = self.shard(id.shard());
        Ticket {
            invalidations: shard.invalidations,
            progress: shard.progress,
        }
    }

    /// Keeps what was read, unless something in its shard was invalidated since the ticket was taken; whether it did.
    ///
    /// What has seen more of the log than memory has is not kept either: a failover may lose what it has seen, and the
    /// rows that come in its place say nothing about it.
    ///
    /// On a file what the command line has changed is read before memory hears of it. So a read from before the user's
    /// epoch moved may come after one from later, by which the user's sessions were refused; it must not take its place.
    pub(crate) fn fill(&self, proven: &Proven, live: &Arc<Live>, person: &Arc<Person>) -> bool {
        let mut shard = self.shard(live.session.id.shard());
        let known = shard.people.get(&live.session.user_id);
        let is_overtaken =
            known.is_some_and(|known| known.account.auth_epoch > person.account.auth_epoch);
        let keeps =
            proven.saw_no_more && shard.invalidations == proven.invalidations && !is_overtaken;
        if keeps {
            shard.sessions.insert(Arc::clone(live));
            shard.people.insert(Arc::clone(person));
        }
        keeps
    }

    pub(crate) fn forget_session(&self, id: &SessionId) {
        self.shard(id.shard()).forget(&Subject::Session(*id));
    }

    /// Forgets who the user is; the user's sessions are read again with the new epoch, roles and profile.
    pub(crate) fn forget_user(&self, user: &UserId) {
        self.shard(user.shard()).forget(&Subject::User(*user));
    }

    pub(crate) fn forget_everyone(&self) {
        for shard in &self.shards {
            locked(shard).forget(&Subject::Everyone);
        }
    }

    /// How far each shard has followed its log.
    pub(super) fn progress(&self) -> Vec<Progress> {
        let shards = self.shards.iter();
        shards.map(|shard| locked(shard).progress).collect()
    }

    /// Follows the log of every shard to the newest of the rows read of it. A shard of which nothing was read is dropped.
    pub(super) fn follow(&self, rows: &[Vec<Row>]) -> Followed {
        let mut followed = Followed::default();
        for (index, shard) in self.shards.iter().enumerate() {
            let rows = rows.get(index).map_or(&[][..], Vec::as_slice);
            let mut shard = locked(shard);
            let (progress, step) = shard.progress.follow(rows);
            shard.progress = progress;
            match step {
                Step::Forget(rows) => {
                    for row in rows {
                        shard.forget(&row.subject);
                    }
                    followed.rows.extend(rows);
                }
                Step::Drop => {
                    followed.drops += 1;
                    shard.forget(&Subject::Everyone);
                }
            }
        }
        followed
    }

    pub(crate) fn len(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| locked(shard).sessions.len()).sum()
    }

    fn shard(&self, shard: u8) -> MutexGuard<'_, Shard> {
        locked(&self.shards[usize::from(shard) % self.shards.len()])
    }
}

impl Shard {
    fn forget(&mut self, subject: &Subject) {
        self.invalidations += 1;
        match subject {
            Subject::Session(id) => self.sessions.remove(id),
            Subject::User(id) => self.people.remove(id),
            Subject::Everyone => {
                self.sessions.clear();
                self.people.clear();
            }
        }
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
