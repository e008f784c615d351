//! The log of what memory must forget, as one server follows it.
//!
//! Every shard has a log of its own. Its rows are numbered without gaps, in the order of their commits: the statement
//! that draws the number locks the head of the shard until its transaction ends.

use crate::ids::{IdBytes, SessionId, UserId};

/// A place in the log of a shard: a number, and the row that has it.
///
/// The number alone does not tell the place: a database that lost its newest rows (a failover without synchronous
/// replication, a restored backup) gives their numbers to other rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Counts from 0 in steps of 1.
    pub seq: i64,
    /// Drawn at random by whoever wrote the row.
    pub id: IdBytes,
}

/// One row: at this place of the log, memory forgets this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub at: Position,
    pub subject: Subject,
}

/// What a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One session.
    Session(SessionId),
    /// Who a user is: epoch, roles, profile.
    User(UserId),
    /// All that the shard knows.
    Everyone,
}

/// How far memory has followed the log of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is no log: this process is the only one that changes the database.
    Alone,
    /// There is a log, and nothing is known of it yet: nothing may be kept.
    Nowhere,
    /// All rows up to this one have been applied.
    At(Position),
}

/// What memory does with what a poll has read of the log of a shard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Forgets what these rows name.
    Forget(&'a [Row]),
    /// Forgets all it knows of the shard: what was read does not continue what was applied.
    Drop,
}

impl Progress {
    /// Follows the log to the newest of these rows, in ascending order, which a poll has read.
    ///
    /// They continue what was applied if the row that was applied last is among them, itself and not just its number, and
    /// no number is missing after it. A gap is what the janitor leaves to a server that was away for too long.
    pub(crate) fn follow(self, rows: &[Row]) -> (Self, Step<'_>) {
        let head = rows.last().map_or(Self::Nowhere, |row| Self::At(row.at));
        let step = self.continuation(rows).map_or(Step::Drop, Step::Forget);
        (head, step)
    }

    fn continuation(self, rows: &[Row]) -> Option<&[Row]> {
        let Self::At(applied) = self else {
            return None;
        };
        let rest = &rows[rows.iter().position(|row| row.at == applied)?..];
        rest.windows(2)
            .all(|pair| pair[1].at.seq == pair[0].at.seq + 1)
            .then(|| &rest[1..])
    }
}
