//! Signing up and in by mailed code, and guessing.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    Actor, Person,
    actor::{Done, Request, opened},
};
use crate::history::{Name, Op, Outcome};

/// How long whoever asked for a code waits for it. It may have to wait for a server to be started.
const PATIENCE: Duration = Duration::from_secs(4);

/// A code that was mailed.
struct Mailed {
    address: Name,
    /// The harness's name for it.
    name: Name,
    flow: Value,
    code: String,
}

impl Actor {
    /// Signs in by code, mostly right at once; `None` if it did not come to that.
    pub(crate) async fn sign_in_by_code(&mut self, person: &Person) -> Option<()> {
        let _turn = person.asking.try_lock().ok()?;
        let mailed = self.get_code(&person.address).await?;
        if self.chance.once_in(4) {
            for _ in 0..=self.chance.below(6) {
                self.guess(&mailed, false).await;
            }
        }
        let opened = if self.chance.once_in(4) {
            self.show_twice(&mailed).await
        } else {
            self.show(&mailed).await
        };
        let opened = opened?;
        person.opened(&opened.user, opened.session);
        Some(())
    }

    /// Signs in someone who has just been told of this service.
    pub(super) async fn sign_up_newcomer(&mut self) -> Option<()> {
        let address: Name = format!("newcomer{}@example.com", self.world.number()).into();
        let mailed = self.get_code(&address).await?;
        self.show(&mailed).await.map(drop)
    }

    /// Signs someone up with two codes at the same moment.
    pub(super) async fn sign_up_twice(&mut self) -> Option<()> {
        let address: Name = format!("twice{}@example.com", self.world.number()).into();
        let first = self.get_code(&address).await?;
        sleep(crate::world::ADDRESS_INTERVAL).await;
        let second = self.get_code(&address).await?;
        let mut twin = self.twin();
        tokio::join!(self.guess(&first, true), twin.guess(&second, true));
        Some(())
    }

    async fn get_code(&mut self, address: &Name) -> Option<Mailed> {
        let name = self.world.name("flow");
        let bound = !self.chance.once_in(10);
        let seen = self.world.sink.count();
        let request = Request {
            method: "POST",
            path: "/auth/verify",
            token: None,
            body: Some(json!({ "email": &**address, "bind": bound })),
        };
        let tell = |_: &Value| Op::RequestCode {
            address: address.clone(),
            flow: name.clone(),
            bound,
        };
        let mut done = self.perform(request, tell).await?;
        if done.outcome != Outcome::Ok {
            return None;
        }
        let code = self.world.sink.code(address, seen, PATIENCE).await?;
        Some(Mailed {
            address: address.clone(),
            name,
            flow: done.json["flow"].take(),
            code,
        })
    }

    /// Shows the right code; again, where no answer came.
    async fn show(&mut self, mailed: &Mailed) -> Option<crate::history::Opened> {
        for _ in 0..3 {
            match self.guess(mailed, true).await {
                Some(done) if done.outcome == Outcome::Ok => return opened(&done.json),
                Some(done) if done.outcome == Outcome::Fail => return None,
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
        None
    }

    /// Shows the right code from two places at once.
    async fn show_twice(&mut self, mailed: &Mailed) -> Option<crate::history::Opened> {
        let mut twin = self.twin();
        let (one, other) = tokio::join!(self.guess(mailed, true), twin.guess(mailed, true));
        [one, other]
            .into_iter()
            .flatten()
            .find_map(|done| opened(&done.json))
    }

    async fn guess(&mut self, mailed: &Mailed, right: bool) -> Option<Done> {
        let token = if right {
            mailed.code.clone()
        } else {
            wrong(&mailed.code)
        };
        let request = Request {
            method: "POST",
            path: "/auth/sessions",
            token: None,
            body: Some(json!({
                "method": "otp",
                "email": &*mailed.address,
                "token": token,
                "flow": mailed.flow,
            })),
        };
        let long = mailed.code.len() > 10;
        let tell = |json: &Value| Op::Guess {
            address: mailed.address.clone(),
            flow: mailed.name.clone(),
            right,
            long,
            opened: opened(json),
        };
        let done = self.perform(request, tell).await?;
        self.keep_token(&done.json);
        Some(done)
    }

    /// Keeps the token of a sign-in, for the checks to come.
    pub(super) fn keep_token(&self, json: &Value) {
        if let (Some(opened), Some(token)) = (opened(json), json["token"].as_str()) {
            self.world.tokens().insert(opened.session, token.into());
        }
    }
}

/// A code that is wrong by its last character, and looks like one.
fn wrong(code: &str) -> String {
    let mut wrong = code.to_owned();
    let last = wrong.pop();
    wrong.push(if last == Some('0') { '1' } else { '0' });
    wrong
}
