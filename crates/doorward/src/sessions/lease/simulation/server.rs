//! What one database server has, and what a transaction does to it.

#![expect(
    clippy::cast_possible_truncation,
    reason = "users and sessions are few"
)]

use super::super::log::{Position, Row, Subject};
use crate::ids::{IdBytes, SessionId, UserId};

pub(super) const SHARDS: usize = 2;
pub(super) const USERS: usize = 4;
pub(super) const SESSIONS: usize = 8;

/// Everything that is one user's is in one shard, as in the product.
const fn shard_of(user: usize) -> usize {
    user % SHARDS
}

const fn owner(session: usize) -> usize {
    session / 2
}

pub(super) const fn user_id(user: usize) -> UserId {
    let mut id = [user as u8; 16];
    id[6] = shard_of(user) as u8;
    UserId(id)
}

pub(super) const fn session_id(session: usize) -> SessionId {
    let mut id = [0x80 + session as u8; 16];
    id[6] = shard_of(owner(session)) as u8;
    SessionId(id)
}

pub(super) const fn owner_id(session: usize) -> UserId {
    user_id(owner(session))
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Open(usize),
    End(usize),
    SignOut(usize),
    SignOutAll,
}

impl Change {
    /// The sessions that it ends, if they are there.
    pub(super) fn ends(self) -> Vec<usize> {
        match self {
            Self::Open(_) => Vec::new(),
            Self::End(session) => vec![session],
            Self::SignOut(user) => vec![2 * user, 2 * user + 1],
            Self::SignOutAll => (0..SESSIONS).collect(),
        }
    }

    pub(super) fn subjects(self) -> Vec<(usize, Subject)> {
        match self {
            Self::Open(_) => Vec::new(),
            Self::End(session) => vec![(
                shard_of(owner(session)),
                Subject::Session(session_id(session)),
            )],
            Self::SignOut(user) => vec![(shard_of(user), Subject::User(user_id(user)))],
            Self::SignOutAll => (0..SHARDS)
                .map(|shard| (shard, Subject::Everyone))
                .collect(),
        }
    }
}

/// A transaction: a change, and what it writes into the log.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub change: Change,
    pub node: usize,
    pub rows: Vec<(usize, Row)>,
    /// The sessions that were over by the commit.
    pub ended: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Stored {
    /// The epoch that it was born in.
    born: Option<i64>,
    ended: bool,
}

/// What one server has.
#[derive(Debug, Clone)]
pub(super) struct Server {
    sessions: [Stored; SESSIONS],
    epochs: [i64; USERS],
    logs: Vec<Vec<Row>>,
    drawn: [i64; SHARDS],
}

impl Server {
    pub(super) fn new() -> Self {
        let beginning = Row {
            at: Position {
                seq: 0,
                id: [0; 16],
            },
            subject: Subject::Everyone,
        };
        Self {
            sessions: [Stored::default(); SESSIONS],
            epochs: [0; USERS],
            logs: vec![vec![beginning]; SHARDS],
            drawn: [0; SHARDS],
        }
    }

    /// The epochs of the session and of its user, while the session is there.
    pub(super) fn session(&self, session: usize) -> Option<(i64, i64)> {
        let stored = self.sessions[session];
        let born = stored.born.filter(|_| !stored.ended)?;
        Some((born, self.epochs[owner(session)]))
    }

    pub(super) fn is_live(&self, session: usize) -> bool {
        self.session(session)
            .is_some_and(|(born, epoch)| born == epoch)
    }

    pub(super) fn epoch(&self, session: usize) -> i64 {
        self.epochs[owner(session)]
    }

    pub(super) fn has_ended(&self, session: usize) -> bool {
        self.sessions[session].born.is_some() && !self.is_live(session)
    }

    /// The log from the row asked for to the newest; the newest alone where it does not reach the row.
    pub(super) fn log_from(&self, shard: usize, applied: Option<Position>) -> Vec<Row> {
        let log = &self.logs[shard];
        let newest = log.last().map_or(0, |row| row.at.seq);
        let from = applied
            .map(|position| position.seq)
            .filter(|seq| *seq <= newest)
            .unwrap_or(newest);
        log.iter()
            .filter(|row| row.at.seq >= from)
            .copied()
            .collect()
    }

    pub(super) fn row_at(&self, shard: usize, seq: i64) -> Option<IdBytes> {
        let row = self.logs[shard].iter().find(|row| row.at.seq == seq)?;
        Some(row.at.id)
    }

    /// Draws the numbers of the rows: the head of each log stays locked until the commit.
    pub(super) fn draw(&mut self, commit: &mut Commit) {
        for (shard, row) in &mut commit.rows {
            self.drawn[*shard] += 1;
            row.at.seq = self.drawn[*shard];
        }
    }

    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Open(session) => {
                let epoch = self.epochs[owner(session)];
                self.sessions[session].born.get_or_insert(epoch);
            }
            Change::End(session) => self.sessions[session].ended = true,
            Change::SignOut(user) => self.epochs[user] += 1,
            Change::SignOutAll => self.epochs.iter_mut().for_each(|epoch| *epoch += 1),
        }
    }

    pub(super) fn log(&mut self, rows: &[(usize, Row)]) {
        for (shard, row) in rows {
            self.drawn[*shard] = self.drawn[*shard].max(row.at.seq);
            let log = &mut self.logs[*shard];
            let place = log.partition_point(|other| other.at.seq < row.at.seq);
            log.insert(place, *row);
        }
    }

    pub(super) fn prune(&mut self, keep: usize) {
        for log in &mut self.logs {
            log.drain(..log.len().saturating_sub(keep));
        }
    }
}
