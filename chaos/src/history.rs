//! What was asked of the servers, and what they answered: all that the checkers go by.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    net::Ipv6Addr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// An id, an address, the name of a node.
pub(crate) type Name = Arc<str>;

/// Microseconds since the harness began, by its own monotonic clock.
pub(crate) type Moment = u64;

/// What a moment is that never comes.
pub(crate) const NEVER: Moment = Moment::MAX;

/// One thing that was done, from before the request left until after the answer was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its number, which is also the network address that it comes from: see [`client`].
    pub number: u64,
    #[serde(flatten)]
    pub op: Op,
    pub start: Moment,
    pub end: Moment,
    pub outcome: Outcome,
    pub node: Name,
    /// The `code` of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Name>,
}

/// What is known of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It was acknowledged.
    Ok,
    /// It was refused, and changed nothing.
    Fail,
    /// The connection died, the answer did not come in time or was a 5xx: it may have happened, or happen yet.
    Unknown,
}

/// The operations, each with what a checker needs to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", content = "details", rename_all = "snake_case")]
pub(crate) enum Op {
    /// A code is asked for; `flow` is the harness's name for it.
    RequestCode {
        address: Name,
        flow: Name,
        bound: bool,
    },
    /// A code is shown.
    Guess {
        address: Name,
        flow: Name,
        right: bool,
        /// Whether it was one of the long codes that an address gets that is guessed at.
        long: bool,
        opened: Option<Opened>,
    },
    /// A passkey signs in.
    SignIn {
        user: Name,
        credential: Name,
        /// The challenge that was answered; the same again is a replay.
        challenge: Name,
        opened: Option<Opened>,
    },
    /// A passkey is added.
    AddPasskey { user: Name, credential: Name },
    /// A passkey is removed, in the session `own`, which stays.
    RemovePasskey {
        user: Name,
        credential: Name,
        own: Name,
    },
    /// A session's token is shown.
    Check { session: Name },
    /// A session is ended, by itself or another of the same user.
    End { user: Name, session: Name },
    /// All sessions of a user but one are ended.
    EndOthers { user: Name, own: Name },
    /// All sessions of a user are ended.
    EndAll { user: Name },
    /// A profile is changed.
    Update { user: Name },
    /// A role is given.
    Grant { user: Name },
    /// A role is taken away.
    Revoke { user: Name },
    /// What a session's user may do is read: whether the role is among it.
    ReadAccess {
        user: Name,
        session: Name,
        granted: bool,
    },
    /// Something is broken on purpose; `end` is when it was whole again.
    Fault { kind: Fault },
}

/// A session that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub user: Name,
    pub session: Name,
}

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// `kill -9`, until it serves again.
    Kill,
    /// SIGSTOP until SIGCONT.
    Pause,
    /// The file system is full.
    DiskFull,
    /// The server's clock is stepped.
    ClockStep,
    /// The server's clock is stepped forward, by about as long as a code lives or more.
    ClockLeap,
    /// `kill -9` of the database server, until it answers again.
    KillDatabase,
    /// SIGSTOP of the whole database server until SIGCONT.
    HangDatabase,
    /// The node is cut off from the database.
    Partition,
    /// What goes between the node and the database is slow.
    Delay,
    /// Connections between the node and the database are reset.
    Reset,
    /// The database commits, and the node does not hear of it.
    SwallowedCommit,
    /// A standby becomes the primary.
    Promotion,
    /// The database confirms no commit, whatever the reason.
    Stall,
}

impl Entry {
    /// Whether it is acknowledged.
    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it may have had an effect.
    pub(crate) fn may_have_happened(&self) -> bool {
        self.outcome != Outcome::Fail
    }

    /// After this moment it has no effect that it has not had: never, where nobody knows.
    pub(crate) fn over(&self) -> Moment {
        if self.outcome == Outcome::Unknown {
            NEVER
        } else {
            self.end
        }
    }

    /// The session that it is known to have opened.
    pub(crate) fn opened(&self) -> Option<&Opened> {
        match &self.op {
            Op::Guess { opened, .. } | Op::SignIn { opened, .. } => opened.as_ref(),
            _ => None,
        }
    }
}

/// The network address that a request says it comes from, which the audit log writes down: so each event can be told
/// to its request, also where the answer was lost. Of the documentation range (RFC 3849).
pub(crate) fn client(number: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits((0x2001_0db8 << 96) | u128::from(number))
}

/// The number of the request that came from this address.
pub(crate) fn number_of(client: &str) -> Option<u64> {
    let bits = client.parse::<Ipv6Addr>().ok()?.to_bits();
    let number = u64::try_from(bits & u128::from(u64::MAX)).ok()?;
    (self::client(number).to_bits() == bits).then_some(number)
}

/// Writes the history down while it happens, one line of JSON for each entry.
pub(crate) struct Recorder {
    began: Instant,
    numbers: AtomicU64,
    written: Mutex<Written>,
}

struct Written {
    entries: Vec<Entry>,
    file: BufWriter<File>,
}

impl Recorder {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            began: instant(),
            numbers: AtomicU64::new(1),
            written: Mutex::new(Written {
                entries: Vec::new(),
                file: BufWriter::new(File::create(path)?),
            }),
        })
    }

    pub(crate) fn now(&self) -> Moment {
        micros(self.began.elapsed())
    }

    /// A number for the next request.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn write(&self, entry: Entry) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // The file is for people; what is checked is in memory.
        if let Ok(line) = serde_json::to_string(&entry) {
            let _ = writeln!(written.file, "{line}");
        }
        written.entries.push(entry);
    }

    /// Something broken from `start` until now.
    pub(crate) fn fault(&self, kind: Fault, node: &Name, start: Moment) {
        self.write(Entry {
            number: self.number(),
            op: Op::Fault { kind },
            start,
            end: self.now(),
            outcome: Outcome::Ok,
            node: node.clone(),
            said: None,
        });
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = written.file.flush();
        written.entries.clone()
    }
}

pub(crate) fn micros(time: Duration) -> Moment {
    u64::try_from(time.as_micros()).unwrap_or(NEVER)
}

/// The time of this process, which tests nothing but is what the servers are measured by.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness measures what servers of their own do"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_of_json() {
        let entry = Entry {
            number: 7,
            op: Op::Check {
                session: "s1".into(),
            },
            start: 1,
            end: 2,
            outcome: Outcome::Fail,
            node: "n1".into(),
            said: Some("unauthenticated".into()),
        };

        let line = serde_json::to_string(&entry).unwrap();

        assert_eq!(
            line,
            r#"{"number":7,"op":"check","details":{"session":"s1"},"start":1,"end":2,"outcome":"fail","node":"n1","said":"unauthenticated"}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }

    #[test]
    fn a_request_is_told_by_its_address() {
        for number in [1, 0xffff, u64::MAX] {
            assert_eq!(number_of(&client(number).to_string()), Some(number));
        }
        assert_eq!(number_of("127.0.0.1"), None);
        assert_eq!(number_of("2001:db8:1::1"), None);
    }
}
