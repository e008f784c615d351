//! What is promised of ends that were acknowledged.

use crate::store::Replication;

/// Within what time a session that has ended is refused by every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guarantee {
    /// Within a lease, or the server that has not heard of it declines.
    Strict,
    /// Within a lease by each server that reaches the database; within the ceiling by one that does not.
    Bounded,
    /// As long as no standby takes the place of the primary: it may not have heard of the end. Nothing above a database can
    /// bring back what that has lost.
    BestEffort,
}

impl Guarantee {
    /// What can be promised on such a database.
    pub(crate) fn of(replication: Replication, is_strict: bool) -> Self {
        match replication {
            Replication::Asynchronous => Self::BestEffort,
            Replication::None | Replication::Synchronous if is_strict => Self::Strict,
            Replication::None | Replication::Synchronous => Self::Bounded,
        }
    }

    /// The name, as `/readyz` and the log tell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Bounded => "bounded",
            Self::BestEffort => "best_effort",
        }
    }
}
