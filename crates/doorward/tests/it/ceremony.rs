//! What the tests of passkeys share: people with authenticators, and a look at what is stored.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use doorward::testing::{Authenticator, Caller, Cell, ORIGIN, Overrides, Reply, World};
use serde_json::Value;

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const BOB: &str = "bob@example.com";

/// Someone with an authenticator, in a browser that is signed in by a mailed code.
pub(crate) struct Person {
    pub(crate) browser: Caller,
    pub(crate) authenticator: Authenticator,
}

impl Person {
    pub(crate) async fn new(world: &World, address: &str, seed: u64) -> Self {
        let browser = world.browser();
        world.sign_in(&browser, address).await;
        Self {
            browser,
            authenticator: Authenticator::new(seed),
        }
    }

    pub(crate) async fn with_passkey(world: &World, address: &str, seed: u64) -> Self {
        let mut person = Self::new(world, address, seed).await;
        person.register(&Overrides::default()).await.created();
        person
    }

    /// Options for a new passkey.
    pub(crate) async fn creation_options(&self) -> Value {
        self.browser
            .post("/auth/passkeys/register/options", ())
            .await
            .ok()
    }

    /// A new passkey, not yet presented.
    pub(crate) async fn create(&mut self, overrides: &Overrides) -> Value {
        let options = self.creation_options().await;
        self.authenticator.create_with(&options, ORIGIN, overrides)
    }

    pub(crate) async fn present(&self, registration: &Value) -> Reply {
        self.browser
            .post("/auth/passkeys/register/verify", registration)
            .await
    }

    pub(crate) async fn register(&mut self, overrides: &Overrides) -> Reply {
        let registration = self.create(overrides).await;
        self.present(&registration).await
    }

    /// The caller's passkeys as the API lists them.
    pub(crate) async fn passkeys(&self) -> Vec<Value> {
        let listed = self.browser.get("/auth/passkeys/").await.ok();
        listed.as_array().unwrap().clone()
    }
}

/// An answer to options that anyone may ask for, not yet presented.
pub(crate) async fn assertion(
    caller: &Caller,
    authenticator: &mut Authenticator,
    overrides: &Overrides,
) -> Value {
    let options = caller
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    authenticator.get_with(&options, ORIGIN, overrides)
}

/// The number that a statement selects.
pub(crate) fn number(world: &World, sql: &str) -> i64 {
    world.value::<Option<i64>>(sql).unwrap_or(-1)
}

/// Everything that a registration or a sign-in could leave behind, but for the log and the spent challenges.
pub(crate) fn stored(world: &World) -> Vec<Vec<Cell>> {
    ["users", "user_emails", "passkeys", "sessions", "outbox"]
        .into_iter()
        .flat_map(|table| world.rows(&format!("select * from {table} order by 1")))
        .collect()
}

/// Which check refused last. The clock must have moved between two refusals.
pub(crate) fn refused_by(world: &World) -> String {
    let sql = "select detail from events where kind = 'authn_login_fail' order by at desc limit 1";
    world.value::<Option<String>>(sql).unwrap_or_default()
}

/// An answer without what names the request: equal faces tell nobody anything.
pub(crate) fn face(reply: &Reply) -> String {
    let json = reply.json();
    let id = json["requestId"].as_str().unwrap();
    let mut headers: Vec<_> = reply
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    format!("{} {headers:?} {}", reply.status(), reply.text()).replace(id, "…")
}

/// The subjects of all mail to an address, newest first.
pub(crate) async fn subjects(world: &World, address: &str) -> Vec<String> {
    let inbox = world.inbox(address).await;
    inbox
        .messages()
        .iter()
        .map(|message| message.subject.clone())
        .collect()
}
