//! Checking sessions, ending them, and what is done in them.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Actor, Person, ROLE, actor::Request};
use crate::{
    history::{Name, Op, Outcome, instant},
    http::Target,
};

/// How long a node that still accepts what was ended elsewhere is watched: longer than any bound but the ceiling.
const WATCH: Duration = Duration::from_millis(2500);

impl Actor {
    /// One of the sessions that are believed to live, with its token.
    pub(super) fn any_session(&mut self, person: &Person) -> Option<(Name, Arc<str>)> {
        let session = self.chance.pick(&person.known().live)?.clone();
        let token = self.world.token(&session)?;
        Some((session, token))
    }

    pub(super) async fn check_live(&mut self, person: &Person) -> Option<()> {
        let (session, token) = self.any_session(person)?;
        let node = self.node()?;
        if self.check(&node.target, &session, &token).await? == Outcome::Fail {
            person.ended(|ended| *ended == session);
        }
        Some(())
    }

    pub(super) async fn check_ended(&mut self, person: &Person) -> Option<()> {
        let session = self.chance.pick(&person.known().ended)?.clone();
        let token = self.world.token(&session)?;
        let node = self.node()?;
        self.check(&node.target, &session, &token).await.map(drop)
    }

    /// Shows a session's token to one node.
    pub(crate) async fn check(
        &mut self,
        target: &Target,
        session: &Name,
        token: &str,
    ) -> Option<Outcome> {
        let tell = |_: &Value| Op::Check {
            session: session.clone(),
        };
        let request = get("/auth/sessions/current", token);
        let done = self.perform_on(target, request, tell).await?;
        Some(done.outcome)
    }

    /// Ends one session from another, or itself, and watches how the other nodes learn of it.
    pub(super) async fn end_one(&mut self, person: &Person) -> Option<()> {
        let (ended, token) = self.any_session(person)?;
        let (_, own) = self.any_session(person)?;
        self.end(person, &ended, &own).await?;
        self.watch(&ended, &token).await;
        Some(())
    }

    /// Ends a session by the token of another.
    pub(crate) async fn end(&mut self, person: &Person, session: &Name, by: &str) -> Option<()> {
        let path = format!("/auth/sessions/{session}");
        self.end_by(person, &path, by, session).await
    }

    pub(super) async fn sign_out(&mut self, person: &Person) -> Option<()> {
        let (session, token) = self.any_session(person)?;
        self.end_by(person, "/auth/sessions", &token, &session)
            .await
    }

    async fn end_by(
        &mut self,
        person: &Person,
        path: &str,
        token: &str,
        session: &Name,
    ) -> Option<()> {
        let user = person.known().user.clone()?;
        let tell = |_: &Value| Op::End {
            user,
            session: session.clone(),
        };
        self.perform(delete(path, token), tell).await?;
        person.ended(|ended| ended == session);
        Some(())
    }

    pub(super) async fn end_others(&mut self, person: &Person) -> Option<()> {
        let user = person.known().user.clone()?;
        let (own, token) = self.any_session(person)?;
        let tell = |_: &Value| Op::EndOthers {
            user,
            own: own.clone(),
        };
        self.perform(delete("/auth/sessions/others", &token), tell)
            .await?;
        person.ended(|ended| *ended != own);
        Some(())
    }

    pub(super) async fn end_all(&mut self, person: &Person) -> Option<()> {
        let user = person.known().user.clone()?;
        let (_, token) = self.any_session(person)?;
        let tell = |_: &Value| Op::EndAll { user };
        self.perform(delete("/auth/sessions/all", &token), tell)
            .await?;
        person.ended(|_| true);
        Some(())
    }

    /// Asks every node in turn until all refuse.
    async fn watch(&mut self, session: &Name, token: &str) {
        let mut waiting = self.world.nodes.clone();
        if waiting.len() < 2 {
            return;
        }
        let since = instant();
        while !waiting.is_empty() && since.elapsed() < WATCH {
            let mut left = Vec::new();
            for node in waiting {
                if self.check(&node.target, session, token).await != Some(Outcome::Fail) {
                    left.push(node);
                }
            }
            waiting = left;
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The user, and the lists of their sessions and passkeys.
    pub(crate) async fn list(&mut self, person: &Person) -> Option<(Name, Value, Value)> {
        let user = person.known().user.clone()?;
        // The newest, which has just been opened.
        let session = person.known().live.last()?.clone();
        let token = self.world.token(&session)?;
        let sessions = self.look(get("/auth/sessions", &token)).await?;
        let passkeys = self.look(get("/auth/passkeys", &token)).await?;
        Some((user, sessions, passkeys))
    }

    pub(super) async fn update(&mut self, person: &Person) -> Option<()> {
        let user = person.known().user.clone()?;
        let (_, token) = self.any_session(person)?;
        let request = Request {
            method: "PATCH",
            path: "/auth/me",
            token: Some(&token),
            body: Some(json!({ "firstName": format!("Ada {}", self.chance.below(1000)) })),
        };
        self.perform(request, |_| Op::Update { user })
            .await
            .map(drop)
    }

    pub(super) async fn read_access(&mut self, person: &Person) -> Option<()> {
        let user = person.known().user.clone()?;
        let (session, token) = self.any_session(person)?;
        let request = get("/auth/sessions/current/permissions", &token);
        let tell = |json: &Value| Op::ReadAccess {
            user,
            session,
            granted: json["roles"]
                .as_array()
                .is_some_and(|roles| roles.iter().any(|role| role == ROLE)),
        };
        self.perform(request, tell).await.map(drop)
    }
}

fn get<'a>(path: &'a str, token: &'a str) -> Request<'a> {
    Request {
        method: "GET",
        path,
        token: Some(token),
        body: None,
    }
}

fn delete<'a>(path: &'a str, token: &'a str) -> Request<'a> {
    Request {
        method: "DELETE",
        path,
        token: Some(token),
        body: Some(json!({})),
    }
}
