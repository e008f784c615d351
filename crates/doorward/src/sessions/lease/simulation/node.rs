//! A server: the real lease and the real memory, on clocks of its own, with connections that may lead to an old primary.

use std::sync::Arc;

use super::{
    super::{
        super::{
            Cache, Live, Method, Person, Session,
            cache::{Proven, Ticket},
            lifetime::Lifetime,
        },
        Lease, Moment, Poll, Standing, Terms,
        log::{Position, Progress, Row, Subject},
    },
    Fault,
    database::Site,
    server::{SHARDS, owner_id, session_id},
};
use crate::{
    ids::{IdBytes, SessionId},
    time::{Span, Timestamp},
    users::Account,
};

/// What stops while the machine sleeps. One clock at most: no protocol of time survives more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sleeper {
    Nothing,
    BootClock,
    WallClock,
}

pub(super) struct Node {
    pub lease: Lease,
    pub cache: Cache,
    pub polls: Site,
    pub reads: Site,
    pub polls_since: i64,
    pub reads_since: i64,
    pub is_paused: bool,
    pub resumed_at: i64,
    pub sleeper: Sleeper,
    pub boot_behind: i64,
    pub wall_behind: i64,
    pub last_accepted: Option<i64>,
    fault: Option<Fault>,
    /// When the poll was sent that was applied last, as the clocks of this server tell it; for faults only.
    valid: Option<Moment>,
    valid_at: i64,
}

impl Node {
    pub(super) fn new(terms: Terms, sleeper: Sleeper, fault: Option<Fault>) -> Self {
        Self {
            lease: Lease::new(terms),
            cache: Cache::sharded(SHARDS, 8, Progress::Nowhere),
            polls: Site::Old,
            reads: Site::Old,
            polls_since: 0,
            reads_since: 0,
            is_paused: false,
            resumed_at: 0,
            sleeper,
            boot_behind: 0,
            wall_behind: 0,
            last_accepted: None,
            fault,
            valid: None,
            valid_at: 0,
        }
    }

    pub(super) fn clocks(&self, now: i64) -> Moment {
        let (boot, wall) = (now - self.boot_behind, now - self.wall_behind);
        match self.fault {
            Some(Fault::BootClockOnly) => moment(boot, boot),
            Some(Fault::WallClockOnly) => moment(wall, wall),
            _ => moment(boot, wall),
        }
    }

    pub(super) fn standing(&self, now: i64, ceiling: i64) -> Standing {
        // What a lease that lacks a clause would take for the time that has passed since its poll.
        let age = now - self.valid_at;
        let taken_for = match self.fault {
            Some(Fault::NoLease | Fault::HintsOnly) => Some(0),
            Some(Fault::NoCeiling) => Some(age.min(ceiling - 1)),
            Some(Fault::UseExtendsTheLease) => self
                .last_accepted
                .map(|accepted| now - accepted.max(self.valid_at)),
            _ => None,
        };
        match (taken_for, self.valid) {
            (Some(age), Some(_)) => self.lease.standing(self.clocks(self.valid_at + age)),
            _ => self.lease.standing(self.clocks(now)),
        }
    }

    /// Applies what a poll has found.
    pub(super) fn answered(
        &mut self,
        poll: Poll,
        sent: i64,
        mut shards: Vec<Vec<Row>>,
        now: i64,
    ) -> Applied {
        if self.fault == Some(Fault::HintsOnly) && self.valid.is_some() {
            return Applied::Overtaken;
        }
        for (shard, rows) in shards.iter_mut().enumerate() {
            if let Some(applied) = poll.applied(shard) {
                match self.fault {
                    Some(Fault::GapsAreOverlooked) => fill_gaps(rows, applied),
                    Some(Fault::NumbersAreTrusted) => rename(rows, applied),
                    _ => {}
                }
            }
        }
        let (began, at) = match self.fault {
            Some(Fault::CountsFromTheReply) => (self.clocks(now), now),
            _ => (poll.began, sent),
        };
        let answer = Poll { began, ..poll }.answered(shards);
        let Some(followed) = self.lease.apply(&answer, &self.cache) else {
            return Applied::Overtaken;
        };
        (self.valid, self.valid_at) = (Some(began), at);
        if followed.drops > 0 {
            Applied::Dropped
        } else {
            Applied::Followed
        }
    }

    /// What the read proves, given the row that it found where it was asked to look.
    pub(super) fn proof(
        &self,
        session: usize,
        ticket: Ticket,
        found: Option<IdBytes>,
        newest: i64,
    ) -> Option<Proven> {
        // The proof that a read would give which found all that it was asked for, and nothing more.
        let perfect = |ticket: Ticket| match ticket.asks() {
            Some(asked) => ticket.proved_by(Some(asked.id), asked.seq),
            None => ticket.proved_by(None, 0),
        };
        let asked = ticket.asks().map_or(0, |asked| asked.seq);
        match self.fault {
            Some(Fault::FillsAreUnproved) => perfect(ticket),
            Some(Fault::FillsAreProvedByNumber) if asked <= newest => perfect(ticket),
            Some(Fault::FillsAheadAreKept) => ticket.proved_by(found, asked),
            Some(Fault::FillsInFlightAreKept) => {
                ticket.proved_by(found, newest)?;
                perfect(self.cache.ticket(&session_id(session)))
            }
            _ => ticket.proved_by(found, newest),
        }
    }

    pub(super) fn fill(&self, proven: &Proven, session: usize, (born, epoch): (i64, i64)) -> bool {
        self.cache
            .fill(proven, &live(session, born), &person(session, epoch))
    }

    pub(super) fn forget(&self, subject: &Subject) {
        match subject {
            Subject::Session(id) => self.cache.forget_session(id),
            Subject::User(id) => self.cache.forget_user(id),
            Subject::Everyone => self.cache.forget_everyone(),
        }
    }
}

pub(super) enum Applied {
    Followed,
    Dropped,
    Overtaken,
}

fn moment(boot: i64, wall: i64) -> Moment {
    Moment::new(Span::millis(boot), Timestamp::from_millis(wall))
}

/// Puts harmless rows where rows are missing.
fn fill_gaps(rows: &mut Vec<Row>, applied: Position) {
    let newest = rows.last().map_or(0, |row| row.at.seq);
    for seq in applied.seq..=newest {
        let place = rows.partition_point(|row| row.at.seq < seq);
        if rows[place].at.seq > seq {
            let harmless = Row {
                at: Position { seq, ..applied },
                subject: Subject::Session(SessionId([0xff; 16])),
            };
            rows.insert(place, harmless);
        }
    }
}

/// Takes whatever row has the number for the row that was applied.
fn rename(rows: &mut [Row], applied: Position) {
    for row in rows.iter_mut().filter(|row| row.at.seq == applied.seq) {
        row.at = applied;
    }
}

fn live(session: usize, born: i64) -> Arc<Live> {
    let epoch = Timestamp::from_millis(0);
    Arc::new(Live {
        session: Session {
            id: session_id(session),
            user_id: owner_id(session),
            method: Method::Otp,
            passkey: None,
            aal: 0,
            created_at: epoch,
            authenticated_at: epoch,
            expires_at: epoch,
            last_seen: epoch.into(),
            ip: None,
            user_agent: None,
        },
        token_hash: [0; 32],
        user_epoch: born,
    })
}

fn person(session: usize, epoch: i64) -> Arc<Person> {
    Arc::new(Person {
        account: Account::in_epoch(owner_id(session), epoch),
        access: Arc::default(),
        lifetime: Lifetime {
            idle: Span::ZERO,
            absolute: Span::ZERO,
        },
    })
}
