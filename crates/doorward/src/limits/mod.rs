//! Budgets: what an address, a network and the whole world may spend.
//!
//! An address's budget is exact and lives in the database, one row an address, spent by one guarded statement.
//! A network's is counted in memory of a fixed size, so that a flood costs neither statements nor memory.
//! Over a budget the answer is the same whether or not an account exists: keys are made of what was sent.

mod address;
mod brake;
mod network;

pub(crate) use self::{
    address::{address_key, count_failure, reset_failures, spend_code, sweep},
    brake::Brake,
    network::{Budget, Networks, Spent},
};
use crate::time::{Span, Timestamp};

/// So many in a period: by GCRA, which remembers one moment, the *theoretical arrival time*.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// The time that each one costs.
    cost: i64,
    /// How far the arrival time may run ahead.
    ahead: i64,
}

impl Rate {
    /// `0` in a period is no limit.
    fn new(count: u32, period: Span) -> Self {
        match i64::from(count) {
            0 => Self {
                cost: 0,
                ahead: i64::MAX / 4,
            },
            count => Self {
                cost: period.as_millis() / count,
                ahead: period.as_millis() - period.as_millis() / count,
            },
        }
    }

    /// One in each interval.
    fn every(interval: Span) -> Self {
        match interval.as_millis() {
            0 => Self::new(0, interval),
            cost => Self { cost, ahead: 0 },
        }
    }

    /// The rate of a network so many times as wide.
    fn widened(self, width: i64) -> Self {
        let cost = self.cost / width;
        Self {
            cost,
            ahead: self.ahead + self.cost - cost,
        }
    }

    /// How long to wait from now; nothing when there is budget left.
    fn wait(self, tat: i64, now: Timestamp) -> Span {
        Span::millis((tat - now.as_millis() - self.ahead).max(0))
    }

    fn spent(self, tat: i64, now: Timestamp) -> i64 {
        tat.max(now.as_millis()) + self.cost
    }
}
