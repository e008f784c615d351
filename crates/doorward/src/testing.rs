//! A world for tests: a real Doorward on a temporary database, with a clock that is moved by hand, captured mail and
//! a software authenticator.
//!
//! Nothing of Doorward itself is replaced: requests go through the real router into a real database, a SQLite file or one
//! on a PostgreSQL server.
//!
//! ```
//! use doorward::testing::World;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let world = World::new().await;
//! let ada = world.native();
//! ada.post("/auth/verify", json!({ "email": "ada@example.com" })).await.created();
//! let code = world.inbox("ada@example.com").await.code();
//! let form = json!({ "method": "otp", "email": "ada@example.com", "token": code });
//! ada.post("/auth/sessions", form).await.created();
//! # }
//! ```

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    reason = "a test that cannot go on stops with a word on why, and an answer may be looked at for that alone"
)]

mod caller;
pub(crate) mod database;
mod population;
mod post;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use axum::Router;
use http::StatusCode;

pub use doorward_webauthn::Algorithm;
pub use doorward_webauthn::testing::{
    Attestation, Authenticator, Counter, Hook, Overrides, Passkey, cbor,
};

pub use self::{
    caller::{Caller, IntoBody, Reply},
    database::{Cell, Held},
    population::{Person, Population},
    post::{Inbox, MailServer},
};
use self::{
    database::{Home, Kind},
    post::Post,
};
pub use crate::store::{Fault, Faults};
use crate::{
    Client, Doorward, access,
    config::Config,
    forget, jobs,
    mail::{Address, Mailbox, Mailer},
    outbox,
    time::{Clock, Span, Timestamp},
    users,
};

/// The origin that a world's pages have, unless its configuration says otherwise.
pub const ORIGIN: &str = "https://auth.example.com";

/// When every world begins: 2026-11-01T12:00:00Z.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_793_534_400_000);

/// A Doorward of one's own.
pub struct World {
    doorward: Doorward,
    router: Router,
    clock: Clock,
    mailbox: Mailbox,
    post: Arc<Post>,
    config: Config,
    /// Last, so that nobody is connected to a database that goes.
    home: Arc<Home>,
}

impl World {
    /// A world with the default configuration, at `https://auth.example.com`.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world with a configuration of one's own.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::on(Kind::usual(), configure).await
    }

    async fn on(kind: Kind, configure: impl FnOnce(&mut Config)) -> Self {
        let home = Arc::new(Home::new(kind));
        let mut config = Config {
            public_url: ORIGIN.into(),
            data_dir: home.folder().into(),
            database: home.settings(),
            ..Config::default()
        };
        configure(&mut config);
        if !config.mailbox() {
            // Never connected to: the mail of a world stays in its mailbox.
            config
                .mail
                .smtp
                .host
                .get_or_insert_with(|| "smtp.example.com".into());
        }
        let post = Arc::new(Post {
            mailbox: Mailbox::new(),
            server: Mutex::new(MailServer::Up),
        });
        // Boxed, so that tests that hold several worlds stay small.
        Box::pin(Self::open(config, Clock::manual(BEGINNING), post, home)).await
    }

    async fn open(config: Config, clock: Clock, post: Arc<Post>, home: Arc<Home>) -> Self {
        let mailbox = post.mailbox.clone();
        let mailer: Arc<dyn Mailer> = Arc::<Post>::clone(&post);
        let doorward = Doorward::builder(config.clone())
            .clock(clock.clone())
            .mailer(mailer)
            .mailbox(mailbox.clone())
            .without_jobs()
            // A world that is restarted stands beside the one before.
            .without_lock()
            .open()
            .await
            .expect("a world that opens");
        Self {
            router: doorward.server(),
            doorward,
            clock,
            mailbox,
            post,
            config,
            home,
        }
    }

    /// Another server on the same database, as after a restart: nothing of memory is left but the clock and the mailbox.
    pub async fn restarted(&self) -> Self {
        self.restarted_by(self.clock.clone()).await
    }

    /// The same by another clock, as after a restart of a machine whose clock was wrong.
    pub async fn restarted_by(&self, clock: Clock) -> Self {
        let world = Box::pin(Self::open(
            self.config.clone(),
            clock,
            Arc::clone(&self.post),
            Arc::clone(&self.home),
        ))
        .await;
        outbox::release_claims(&world.doorward)
            .await
            .expect("claims that are taken back, as at every start");
        world
    }

    /// Another server of the same database, beside this one: its memory is its own, clock and mailbox are shared.
    pub async fn beside(&self) -> Self {
        Box::pin(Self::open(
            self.config.clone(),
            self.clock.clone(),
            Arc::clone(&self.post),
            Arc::clone(&self.home),
        ))
        .await
    }

    /// How the mail server takes mail from now on.
    pub fn mail_server(&self, is: MailServer) {
        *self
            .post
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = is;
    }

    /// The Doorward of this world.
    #[must_use]
    pub fn doorward(&self) -> &Doorward {
        &self.doorward
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    /// The folder with the root key, and the database where that is a file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// The file of the database.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.home.file()
    }

    /// The names of the tables.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        self.home.tables()
    }

    /// The rows that a query answers, asked beside Doorward.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        self.home.rows(sql)
    }

    /// The one value that a query answers, asked beside Doorward.
    ///
    /// # Panics
    /// When it answers none, or one of another type.
    #[must_use]
    #[track_caller]
    pub fn value<T: Held>(&self, sql: &str) -> T {
        let rows = self.rows(sql).into_iter();
        let cell = rows.flatten().next().expect("a row");
        T::of(cell).expect("a value of this type")
    }

    /// Changes the database behind Doorward's back; how many rows.
    pub fn change(&self, sql: &str) -> u64 {
        self.home.change(sql)
    }

    /// All that the database holds: the bytes of its files, or, on a server, of every cell.
    #[must_use]
    pub fn stored_bytes(&self) -> Vec<u8> {
        self.home.bytes()
    }

    /// Faults of the database, to be injected.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.doorward.db.faults()
    }

    /// How many statements have been run.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.doorward.db.statements()
    }

    /// How many commits have reached the disk.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.doorward.db.commits()
    }

    /// How often a mailed code was compared.
    #[must_use]
    pub fn code_compares(&self) -> u64 {
        self.doorward.metrics.code_compares.get()
    }

    /// How many handlers have panicked.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.doorward.metrics.panics.get()
    }

    /// Deletes what has run out, and writes who was seen when, as the server does once a minute.
    pub async fn sweep(&self) {
        self.doorward.flush().await.expect("a flush");
        jobs::sweep(&self.doorward).await.expect("a sweep");
    }

    /// Looks for changes made beside the server, or by other servers of its database, as it does four times a second.
    pub async fn notice_outside_changes(&self) {
        let looked = match &self.doorward.follower {
            Some(follower) => follower.poll(&self.doorward).await,
            None => forget::look_outside(&self.doorward).await,
        };
        looked.expect("a look");
    }

    /// Sends the mail that is due, and answers all that this address has got, newest first.
    pub async fn inbox(&self, address: &str) -> Inbox {
        self.doorward
            .deliver_mail()
            .await
            .expect("mail that leaves");
        Inbox(self.mailbox.to(address))
    }

    /// All mail, newest first.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// A browser on a page of Doorward's own origin: it keeps cookies and says `Sec-Fetch-Site: same-origin`.
    #[must_use]
    pub fn browser(&self) -> Caller {
        self.caller()
            .with("sec-fetch-site", "same-origin")
            .with("origin", &self.config.public_url)
    }

    /// A client that is no browser: it keeps no cookies, and the token of a sign-in as its bearer token.
    #[must_use]
    pub fn native(&self) -> Caller {
        Caller::native(self.router.clone())
    }

    /// A client that keeps cookies and says nothing of where it is.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::new(self.router.clone())
    }

    /// Signs someone in with a mailed code, waiting as long as the limits ask for; signs them up, the first time.
    pub async fn sign_in(&self, caller: &Caller, address: &str) -> Reply {
        let verify = serde_json::json!({ "email": address });
        let mut asked = caller.post("/auth/verify", &verify).await;
        if asked.status() == StatusCode::TOO_MANY_REQUESTS {
            self.advance(Span::seconds(
                asked.json()["retryAfter"]
                    .as_i64()
                    .expect("seconds to wait"),
            ));
            asked = caller.post("/auth/verify", &verify).await;
        }
        asked.created();
        let token = self.inbox(address).await.code();
        let form = serde_json::json!({ "method": "otp", "email": address, "token": token });
        let reply = caller.post("/auth/sessions", form).await;
        reply.created();
        reply
    }

    /// Adds a passkey to the account of someone who is signed in.
    pub async fn add_passkey(&self, caller: &Caller, authenticator: &mut Authenticator) -> Reply {
        let options = caller.post("/auth/passkeys/register/options", ()).await;
        let response = authenticator.create(&options.ok(), &self.config.public_url);
        let reply = caller
            .post("/auth/passkeys/register/verify", response)
            .await;
        reply.created();
        reply
    }

    /// Signs someone in with a passkey.
    pub async fn sign_in_with_passkey(
        &self,
        caller: &Caller,
        authenticator: &mut Authenticator,
    ) -> Reply {
        let options = caller.post("/auth/passkeys/authenticate/options", ()).await;
        let response = authenticator.get(&options.ok(), &self.config.public_url);
        caller
            .post("/auth/passkeys/authenticate/verify", response)
            .await
    }

    /// Grants a role to whoever has this address.
    pub async fn grant(&self, address: &str, role: &str) {
        let user = self.user(address).await;
        access::grant(&self.doorward, &user, role, None, &Client::command_line())
            .await
            .expect("a role that is granted");
    }

    /// The id of whoever has this address.
    pub async fn user(&self, address: &str) -> crate::UserId {
        let address = Address::parse(address).expect("an address");
        let account = users::find_by_address(&self.doorward, &address)
            .await
            .expect("a look");
        account.expect("someone with this address").user.id
    }
}

/// Runs a test on every database that Doorward has a driver for and that is here: on PostgreSQL where
/// `DOORWARD_TEST_POSTGRES` names a server.
pub async fn on_every_database<F: Future<Output = ()>>(test: impl Fn(World) -> F) {
    on_every_database_with(|_| {}, test).await;
}

/// The same with another configuration.
pub async fn on_every_database_with<F: Future<Output = ()>>(
    configure: impl Fn(&mut Config),
    test: impl Fn(World) -> F,
) {
    for kind in Kind::all() {
        test(World::on(kind, &configure).await).await;
    }
}
