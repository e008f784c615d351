//! Small histories, for the checkers' tests.

use super::{About, Account, Budget, Event, History, Mail, Rules, User, Violation, check};
use crate::history::{Entry, Moment, Name, Op, Opened, Outcome};

pub(super) const SECOND: Moment = 1_000_000;

pub(super) fn rules() -> Rules {
    Rules {
        lease: SECOND,
        command: SECOND,
        ceiling: 30 * SECOND,
        budgets: vec![Budget {
            most: 1,
            every: 2 * SECOND,
        }],
        attempts: 5,
        failures: 10,
        sessions: 2,
        passkeys: 1,
    }
}

/// A history that is made step by step; times are seconds.
#[derive(Default)]
pub(super) struct Sample(pub History);

impl Sample {
    pub(super) fn with(mut self, op: Op, start: Moment, end: Moment, outcome: Outcome) -> Self {
        self.0.entries.push(Entry {
            number: self.0.entries.len() as u64 + 1,
            op,
            start: start * SECOND,
            end: end * SECOND,
            outcome,
            node: "n1".into(),
            said: None,
        });
        self
    }

    pub(super) fn ok(self, op: Op, start: Moment, end: Moment) -> Self {
        self.with(op, start, end, Outcome::Ok)
    }

    pub(super) fn fail(self, op: Op, start: Moment, end: Moment) -> Self {
        self.with(op, start, end, Outcome::Fail)
    }

    pub(super) fn unknown(self, op: Op, start: Moment, end: Moment) -> Self {
        self.with(op, start, end, Outcome::Unknown)
    }

    /// What the last entry was answered.
    pub(super) fn saying(mut self, code: &str) -> Self {
        self.0.entries.last_mut().unwrap().said = Some(code.into());
        self
    }

    /// The node of the last entry.
    pub(super) fn on(mut self, node: &str) -> Self {
        self.0.entries.last_mut().unwrap().node = node.into();
        self
    }

    pub(super) fn user(mut self, id: &str, address: &str) -> Self {
        let (id, address) = (id.into(), address.into());
        self.0.read.users.push(User { id, address });
        self
    }

    pub(super) fn account(mut self, user: &str, sessions: &[&str], passkeys: &[&str]) -> Self {
        let names = |list: &[&str]| list.iter().map(|&name| name.into()).collect();
        self.0.read.accounts.push(Account {
            user: user.into(),
            sessions: names(sessions),
            passkeys: names(passkeys),
        });
        self
    }

    pub(super) fn mail(mut self, id: &str, to: &str, about: About) -> Self {
        let (id, to) = (id.into(), to.into());
        self.0.read.mails.push(Mail { id, to, about });
        self
    }

    /// An event of the request with this number.
    pub(super) fn event(self, number: u64, kind: &str, subject: &str) -> Self {
        self.event_of(Some(number), kind, subject, None)
    }

    pub(super) fn event_of(
        mut self,
        number: Option<u64>,
        kind: &str,
        subject: &str,
        session: Option<&str>,
    ) -> Self {
        self.0.read.events.push(Event {
            kind: kind.into(),
            subject: Some(subject.into()),
            session: session.map(Into::into),
            number,
        });
        self
    }

    /// What one clause says against it.
    pub(super) fn against(&self, clause: &str) -> Vec<Violation> {
        let mut all = check(&self.0, &rules());
        all.retain(|violation| violation.clause == clause);
        all
    }

    #[track_caller]
    pub(super) fn accepted_by(&self, clause: &str) {
        let violations = self.against(clause);
        assert!(violations.is_empty(), "{violations:#?}");
    }

    #[track_caller]
    pub(super) fn rejected_by(&self, clause: &str) {
        assert_eq!(self.against(clause).len(), 1, "{clause} sees it once");
    }
}

pub(super) fn name(text: &str) -> Name {
    text.into()
}

pub(super) fn guess(flow: &str, right: bool, opened: Option<(&str, &str)>) -> Op {
    Op::Guess {
        address: "ada@example.com".into(),
        flow: flow.into(),
        right,
        long: false,
        opened: opened.map(|(user, session)| Opened {
            user: user.into(),
            session: session.into(),
        }),
    }
}

/// The session `s` of `ada`, opened by a code.
pub(super) fn opening() -> Op {
    guess("f", true, Some(("ada", "s")))
}

pub(super) fn sign_in(credential: &str, challenge: &str, opened: Option<(&str, &str)>) -> Op {
    Op::SignIn {
        user: "ada".into(),
        credential: credential.into(),
        challenge: challenge.into(),
        opened: opened.map(|(user, session)| Opened {
            user: user.into(),
            session: session.into(),
        }),
    }
}

pub(super) fn request_code(flow: &str) -> Op {
    Op::RequestCode {
        address: "ada@example.com".into(),
        flow: flow.into(),
        bound: true,
    }
}

pub(super) fn checked(session: &str) -> Op {
    Op::Check {
        session: session.into(),
    }
}

pub(super) fn end(session: &str) -> Op {
    Op::End {
        user: "ada".into(),
        session: session.into(),
    }
}

pub(super) fn end_all() -> Op {
    Op::EndAll { user: "ada".into() }
}

pub(super) fn add(user: &str, credential: &str) -> Op {
    Op::AddPasskey {
        user: user.into(),
        credential: credential.into(),
    }
}

pub(super) fn remove(credential: &str, own: &str) -> Op {
    Op::RemovePasskey {
        user: "ada".into(),
        credential: credential.into(),
        own: own.into(),
    }
}

pub(super) fn read_access(granted: bool) -> Op {
    Op::ReadAccess {
        user: "ada".into(),
        session: "s".into(),
        granted,
    }
}
