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

pub(crate) mod database;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use futures_util::future::{self, BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub use doorward_webauthn::Algorithm;
pub use doorward_webauthn::testing::{
    Attestation, Authenticator, Counter, Hook, Overrides, Passkey, cbor,
};

pub use self::database::{Cell, Held};
use self::database::{Home, Kind};
pub use crate::store::{Fault, Faults};
use crate::{
    Client, Doorward, access,
    config::Config,
    jobs,
    mail::{Address, Mailbox, Mailer, Message, SendError},
    outbox, pages,
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
            None => jobs::notice_outside_changes(&self.doorward).await,
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
        Caller {
            keeps_cookies: false,
            ..self.caller()
        }
    }

    /// A client that keeps cookies and says nothing of where it is.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            router: self.router.clone(),
            jar: Mutex::default(),
            bearer: Mutex::default(),
            headers: HeaderMap::new(),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            keeps_cookies: true,
        }
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

/// How the mail server of a world takes mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailServer {
    /// It takes it into the mailbox.
    Up,
    /// It is away, and may be back.
    Away,
    /// It answers nothing at all.
    Silent,
    /// It refuses every message for good.
    Refusing,
}

/// The mailbox, behind a mail server.
struct Post {
    mailbox: Mailbox,
    server: Mutex<MailServer>,
}

impl Mailer for Post {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        let server = *self.server.lock().unwrap_or_else(PoisonError::into_inner);
        match server {
            MailServer::Up => self.mailbox.send(message),
            MailServer::Away => Box::pin(future::ready(Err(SendError::Temporary(
                "it is away".into(),
            )))),
            MailServer::Silent => Box::pin(future::pending()),
            MailServer::Refusing => {
                Box::pin(future::ready(Err(SendError::Permanent("refused".into()))))
            }
        }
    }
}

/// Runs a test on every database that Doorward has a driver for and that is here: on PostgreSQL where
/// `DOORWARD_TEST_POSTGRES` names a server.
pub async fn on_every_database<F: Future<Output = ()>>(test: impl Fn(World) -> F) {
    for kind in Kind::all() {
        test(World::on(kind, |_| {}).await).await;
    }
}

/// The mail of one address, newest first.
#[derive(Debug)]
pub struct Inbox(Vec<Message>);

impl Inbox {
    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0
    }

    /// The code in the newest message that holds one.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let code = self.0.iter().find_map(Message::code);
        code.expect("a message with a code").to_owned()
    }
}

/// Someone who calls.
pub struct Caller {
    router: Router,
    jar: Mutex<BTreeMap<String, String>>,
    bearer: Mutex<Option<String>>,
    headers: HeaderMap,
    ip: IpAddr,
    keeps_cookies: bool,
}

impl Caller {
    /// The same caller, from another network address.
    #[must_use]
    pub fn from(self, ip: &str) -> Self {
        Self {
            ip: ip.parse().expect("an address"),
            ..self
        }
    }

    /// The same caller, with a header on every request in place of any other of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.insert(
            name,
            HeaderValue::from_str(value).expect("a header's value"),
        );
        self
    }

    /// The same caller at another door: the router of an application that asks Doorward who is calling.
    #[must_use]
    pub fn at(self, router: Router) -> Self {
        Self { router, ..self }
    }

    /// A cookie that the caller holds.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Puts a cookie into the caller's jar.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), value.into());
    }

    /// The bearer token that the caller holds.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        self.bearer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Has the caller hold this bearer token.
    pub fn set_token(&self, token: Option<&str>) {
        *self.bearer.lock().unwrap_or_else(PoisonError::into_inner) = token.map(str::to_owned);
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, Body::empty()))
            .await
    }

    /// `POST` with a JSON body; `()` for none.
    pub async fn post(&self, path: &str, body: impl IntoBody) -> Reply {
        self.send_json(Method::POST, path, body).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: impl IntoBody) -> Reply {
        self.send_json(Method::PATCH, path, body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path, Body::empty()))
            .await
    }

    /// `POST` with a form, as a browser sends it.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", pages::encoded(value)))
            .collect();
        let mut request = self.request(Method::POST, path, Body::from(pairs.join("&")));
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let page = HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8");
        headers.entry(header::ACCEPT).or_insert(page);
        self.send(request).await
    }

    async fn send_json(&self, method: Method, path: &str, body: impl IntoBody) -> Reply {
        let request = match body.into_body() {
            Some(json) => {
                let mut request = self.request(method, path, Body::from(json));
                request.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                );
                request
            }
            None => self.request(method, path, Body::empty()),
        };
        self.send(request).await
    }

    /// A request of this caller's, to be changed before it is [sent](Self::send).
    #[must_use]
    pub fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        request.headers_mut().extend(self.headers.clone());
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(self.ip, 40_000)));
        if let Some(token) = self.token() {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
            request
                .headers_mut()
                .entry(header::AUTHORIZATION)
                .or_insert(bearer);
        }
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        if !jar.is_empty() {
            let cookies: Vec<_> = jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let cookies = HeaderValue::from_str(&cookies.join("; ")).expect("cookies");
            request
                .headers_mut()
                .entry(header::COOKIE)
                .or_insert(cookies);
        }
        drop(jar);
        request
    }

    /// Sends a request, and keeps what the answer gives to keep: cookies, or a token.
    ///
    /// # Panics
    /// When the answer shows a token that came with the request: only the answer that mints a token holds it.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let presented = tokens(request.headers());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        for token in &presented {
            assert!(!reply.shows(token), "the answer shows the token that asked");
        }
        if self.keeps_cookies {
            self.keep_cookies(&reply);
        } else if reply.status == StatusCode::CREATED
            && let Some(token) = serde_json::from_slice::<Value>(&reply.body)
                .ok()
                .and_then(|json| json["token"].as_str().map(str::to_owned))
        {
            self.set_token(Some(&token));
        }
        reply
    }

    fn keep_cookies(&self, reply: &Reply) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in reply.cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.into(), value.into());
            }
        }
    }
}

/// The tokens that a request comes with: whatever has their shape.
fn tokens(headers: &HeaderMap) -> Vec<String> {
    let values = [header::AUTHORIZATION, header::COOKIE]
        .into_iter()
        .flat_map(|name| headers.get_all(name))
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split([' ', '=', ';']))
        .filter(|word| word.len() == 73 && word.starts_with("dw_"))
        .map(str::to_owned)
        .collect()
}

/// What can be sent as a body.
pub trait IntoBody {
    /// The JSON text; `None` for no body.
    fn into_body(self) -> Option<String>;
}

impl IntoBody for () {
    fn into_body(self) -> Option<String> {
        None
    }
}

impl IntoBody for Value {
    fn into_body(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoBody for &Value {
    fn into_body(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoBody for String {
    fn into_body(self) -> Option<String> {
        Some(self)
    }
}

impl IntoBody for &str {
    fn into_body(self) -> Option<String> {
        Some(self.to_owned())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One header, as text; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The `Set-Cookie` headers.
    #[must_use]
    pub fn cookies(&self) -> Vec<String> {
        let values = self.headers.get_all(header::SET_COOKIE).iter();
        values
            .map(|value| value.to_str().expect("a cookie of ASCII").to_owned())
            .collect()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether this text is anywhere in the answer: in its body or a header.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        holds(&self.body) || self.headers.values().any(|value| holds(value.as_bytes()))
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error} in the body of {self}"),
        }
    }

    /// The `code` of a problem; empty when the answer is none.
    #[must_use]
    pub fn problem_code(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body, of an answer that must be 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(StatusCode::OK);
        self.json()
    }

    /// The body, of an answer that must be 201.
    #[track_caller]
    pub fn created(&self) -> Value {
        self.expect(StatusCode::CREATED);
        self.json()
    }

    /// Of an answer that must be 204.
    #[track_caller]
    pub fn no_content(&self) {
        self.expect(StatusCode::NO_CONTENT);
        assert!(self.body.is_empty(), "204 with a body: {self}");
    }

    /// Of an answer that must be this problem.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) {
        self.expect(StatusCode::from_u16(status).expect("a status"));
        assert_eq!(self.problem_code(), code, "{self}");
    }

    #[track_caller]
    fn expect(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{self}");
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.text())
    }
}
