//! What must hold whatever was broken. Each checker is a pure function of the history and of what was read back at the
//! end; each is shown, in its tests, a history that it accepts and others that it must reject.
//!
//! An operation whose outcome is unknown may have happened at any time from its start on, or never. A checker blames
//! only what no order of such operations explains.

mod audit;
mod codes;
mod facts;
mod limits;
mod mail;
mod resurrection;
mod revocation;
#[cfg(test)]
mod samples;
mod survival;
mod uniqueness;

use serde::{Deserialize, Serialize};

use self::facts::Facts;
pub(crate) use self::facts::{COMMAND, DATABASE};
use crate::history::{Entry, Moment, Name};

/// All that is known of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub entries: Vec<Entry>,
    pub read: ReadBack,
}

/// What the servers held at the end, after the last recovery.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadBack {
    pub users: Vec<User>,
    pub accounts: Vec<Account>,
    pub events: Vec<Event>,
    pub mails: Vec<Mail>,
}

/// A user, of all that there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub id: Name,
    pub address: Name,
}

/// What a user sees of their account; read for some of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub user: Name,
    pub sessions: Vec<Name>,
    pub passkeys: Vec<Name>,
}

/// An event of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub kind: Name,
    pub subject: Option<Name>,
    pub session: Option<Name>,
    /// The number of the request that it tells of; `None` for the command line.
    pub number: Option<u64>,
}

/// A message that was delivered, perhaps more than once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// Its `Message-ID`.
    pub id: Name,
    pub to: Name,
    pub about: About,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About {
    Code,
    PasskeyAdded,
    PasskeyRemoved,
    Other,
}

/// What the servers promise, as they are configured.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// How long a node may accept what was ended by a request to it or to another.
    pub lease: Moment,
    /// The same for what the command line ended.
    pub command: Moment,
    /// The same for a node that is cut off from the database.
    pub ceiling: Moment,
    /// What one address may ask for.
    pub budgets: Vec<Budget>,
    /// How often a code may be compared.
    pub attempts: usize,
    /// Wrong codes in a row before codes are long.
    pub failures: usize,
    pub sessions: usize,
    pub passkeys: usize,
}

/// So many at once, and one more whenever `every` has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub most: u64,
    pub every: Moment,
}

/// Something that must not be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Violation {
    /// `C1` to `C8`.
    pub clause: &'static str,
    pub what: String,
    /// The entries that show it.
    pub history: Vec<Entry>,
}

impl Violation {
    fn new<'a>(
        clause: &'static str,
        what: impl Into<String>,
        history: impl IntoIterator<Item = &'a Entry>,
    ) -> Self {
        Self {
            clause,
            what: what.into(),
            history: history.into_iter().cloned().collect(),
        }
    }
}

/// Everything that must not be, by clause.
pub(crate) fn check(history: &History, rules: &Rules) -> Vec<Violation> {
    let facts = Facts::of(history);
    [
        codes::check(&facts),
        revocation::check(&facts, rules),
        survival::check(&facts, rules),
        resurrection::check(&facts, rules),
        uniqueness::check(&facts),
        limits::check(&facts, rules),
        mail::check(&facts),
        audit::check(&facts),
    ]
    .concat()
}

/// Whether all mail that was promised has arrived.
pub(crate) fn is_all_mail_there(history: &History) -> bool {
    mail::check(&Facts::of(history)).is_empty()
}
