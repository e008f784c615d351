//! What the log tells, and what it never tells.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop like tests")]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::too_many_lines,
    reason = "short text, long stories"
)]

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, routing::get};
use doorward::{
    Allowed, Client, Doorward, Permission, Span, access,
    audit::Kind,
    mail::{Address, Mailer, Message, SendError},
    testing::{Authenticator, Caller, Cell, Counter, Held, Overrides, Reply, World},
    users,
};
use futures_util::future::{self, BoxFuture};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

// ── Events ──────────────────────────────────────────────────────────────────

/// One row of the log.
#[derive(Debug, Clone)]
struct Told {
    at: i64,
    kind: String,
    actor: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    request_id: Option<String>,
    method: Option<String>,
    success: bool,
    detail: Option<String>,
}

fn all_events(world: &World) -> Vec<Told> {
    fn next<T: Held>(row: &mut impl Iterator<Item = Cell>) -> T {
        T::of(row.next().unwrap()).unwrap()
    }
    let sql = "select at, kind, actor, subject, request_id, method, result, detail from events order by id";
    let rows = world.rows(sql).into_iter();
    rows.map(|row| {
        let row = &mut row.into_iter();
        Told {
            at: next(row),
            kind: next(row),
            actor: next(row),
            subject: next(row),
            request_id: next(row),
            method: next(row),
            success: next::<i64>(row) != 0,
            detail: next(row),
        }
    })
    .collect()
}

/// A log that is read step by step.
struct Log<'a> {
    world: &'a World,
    read: usize,
}

impl Log<'_> {
    /// What was told since the last look, sorted by kind. The clock moves on, so that steps keep their order.
    fn new_events(&mut self) -> Vec<Told> {
        let mut new = all_events(self.world).split_off(self.read);
        self.read += new.len();
        new.sort_by(|one, other| one.kind.cmp(&other.kind));
        let now = self.world.clock().now().as_millis();
        assert!(
            new.iter().all(|event| event.at == now),
            "in UTC, of the one clock: {new:?}"
        );
        self.world.advance(Span::seconds(1));
        new
    }

    /// Asserts what a step has told: each event as `kind`, `kind method` or `kind method: detail`.
    #[track_caller]
    fn tells(&mut self, expected: &[&str]) -> Vec<Told> {
        let new = self.new_events();
        let told: Vec<_> = new.iter().map(in_words).collect();
        assert_eq!(told, expected);
        let mut requests: Vec<_> = new.iter().map(|event| event.request_id.clone()).collect();
        requests.dedup();
        assert!(requests.len() <= 1, "one request, one name: {new:?}");
        new
    }
}

fn in_words(event: &Told) -> String {
    let method = event.method.as_ref().map(|method| format!(" {method}"));
    let detail = event.detail.as_ref().map(|detail| format!(": {detail}"));
    let failed = if event.success { "" } else { " failed" };
    format!(
        "{}{failed}{}{}",
        event.kind,
        method.unwrap_or_default(),
        detail.unwrap_or_default()
    )
}

/// A permission of an application.
struct ReadLibrary;

impl Permission for ReadLibrary {
    const NAME: &'static str = "library:read";
}

/// An application that lets in whoever may read its library.
fn library(doorward: &Doorward) -> Router {
    let read = async |reader: Allowed<ReadLibrary>| reader.user().email.to_string();
    Router::new()
        .route("/library", get(read))
        .with_state(doorward.clone())
        .merge(doorward.router())
}

/// Someone's id as the log keeps it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "to be compared with what may be absent"
)]
fn bytes(id: doorward::UserId) -> Option<Vec<u8>> {
    Some(id.as_bytes().to_vec())
}

/// Item 132: what someone does to their own account, and what strangers try: every event, and no other.
#[tokio::test]
async fn the_log_of_a_life_is_exact() {
    let world = World::new().await;
    let mut log = Log {
        world: &world,
        read: 0,
    };
    let ada = world.browser();
    let mut authenticator = Authenticator::new(1);

    ada.post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    let asked = log.tells(&["authn_code_requested otp"]);
    assert_eq!(
        (&asked[0].actor, &asked[0].subject),
        (&None, &None),
        "whose it is, is not looked up"
    );
    let code = world.inbox("ada@example.com").await.code();
    let form = |token: &str| json!({ "method": "otp", "email": "ada@example.com", "token": token });

    let wrong = ada.post("/auth/sessions", form("00000000")).await;
    wrong.problem(401, "invalid_code");
    let failed = log.tells(&["authn_login_fail failed otp"]);
    assert_eq!(
        failed[0].request_id.as_deref(),
        wrong.json()["requestId"].as_str()
    );

    ada.post("/auth/sessions", form(&code)).await.created();
    let id = bytes(world.user("ada@example.com").await);
    let opened = log.tells(&["authn_login_success otp", "user_created"]);
    assert!(
        opened
            .iter()
            .all(|event| event.actor == id && event.subject == id)
    );
    assert!(opened[0].request_id.is_some());

    // Not from the device that has just signed in, which has a budget of its own.
    let limited = world
        .native()
        .post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await;
    limited.problem(429, "rate_limited");
    let spent = log.tells(&["excess_rate_limit_exceeded failed otp"]);
    assert_eq!(
        spent[0].request_id.as_deref(),
        limited.json()["requestId"].as_str()
    );

    let passkey = world.add_passkey(&ada, &mut authenticator).await.created();
    let name = passkey["name"].as_str().unwrap();
    log.tells(&[&format!("authn_passkey_added: {name}")]);
    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
    ada.patch(&path, json!({ "name": "Blue key" })).await.ok();
    log.tells(&["authn_passkey_renamed: Blue key"]);
    ada.patch("/auth/me", json!({ "firstName": "Ada", "locale": "de" }))
        .await
        .ok();
    log.tells(&["user_updated: firstName locale"]);
    ada.delete("/auth/sessions").await.no_content();
    log.tells(&["session_logout"]);

    let options = ada
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let assertion = authenticator.get(&options, "https://auth.example.com");
    ada.post("/auth/passkeys/authenticate/verify", &assertion)
        .await
        .created();
    log.tells(&["authn_login_success passkey"]);
    // A client whose challenges no flow binds presents one again.
    let phone = world.native();
    let options = phone
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let assertion = authenticator.get(&options, "https://auth.example.com");
    phone
        .post("/auth/passkeys/authenticate/verify", &assertion)
        .await
        .created();
    log.tells(&["authn_login_success passkey"]);
    let replayed = phone
        .post("/auth/passkeys/authenticate/verify", &assertion)
        .await;
    replayed.problem(401, "challenge_expired");
    log.tells(&["authn_challenge_replayed failed passkey"]);

    ada.delete("/auth/sessions/others").await.no_content();
    log.tells(&["session_revoked"]);
    ada.delete(&path).await.no_content();
    log.tells(&["authn_passkey_removed: Blue key"]);

    ada.post("/auth/me/email", json!({ "email": "lovelace@example.com" }))
        .await
        .created();
    log.tells(&["authn_code_requested otp"]);
    let token = world.inbox("lovelace@example.com").await.code();
    let change = json!({ "email": "lovelace@example.com", "token": token });
    ada.post("/auth/me/email/confirm", change).await.ok();
    log.tells(&["user_email_changed"]);
    ada.delete("/auth/sessions/all").await.no_content();
    log.tells(&["session_revoked: all"]);
    world.advance(Span::seconds(30));
    world.sign_in(&ada, "lovelace@example.com").await;
    log.tells_several(&["authn_code_requested otp", "authn_login_success otp"]);
    ada.delete("/auth/me").await.no_content();
    let gone = log.tells(&["user_deleted"]);
    assert_eq!((&gone[0].actor, &gone[0].subject), (&id, &id));

    ada.get("/auth/sessions/current").await.no_content();
    ada.get("/auth/me").await.problem(401, "unauthenticated");
    log.tells(&[]);
}

impl Log<'_> {
    /// The same for a step of several requests.
    #[track_caller]
    fn tells_several(&mut self, expected: &[&str]) {
        let told: Vec<_> = self.new_events().iter().map(in_words).collect();
        assert_eq!(told, expected);
    }
}

/// Item 132: what administrators do, and what is denied to those who are none.
#[tokio::test]
async fn the_log_of_administration_is_exact() {
    let world = World::new().await;
    let doorward = world.doorward();
    let client = Client::command_line();
    let mut log = Log {
        world: &world,
        read: 0,
    };
    let ada = world.native().at(library(doorward));
    let root = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    world.sign_in(&root, "root@example.com").await;
    log.new_events();
    let (ada_id, root_id) = (
        world.user("ada@example.com").await,
        world.user("root@example.com").await,
    );
    let by = Some(root_id);

    access::grant(doorward, &root_id, "admin", None, &client)
        .await
        .unwrap();
    let granted = log.tells(&["privilege_granted: admin"]);
    assert_eq!(
        (&granted[0].actor, &granted[0].subject),
        (&None, &bytes(root_id))
    );
    access::create_permission(doorward, "library:read", None, by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_permissions_changed: permission library:read created"]);
    let role = access::NewRole {
        name: "reader".into(),
        permissions: vec!["library:read".into()],
        ..access::NewRole::default()
    };
    access::create_role(doorward, role, by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_permissions_changed: role reader created"]);

    let denied = ada.get("/library").await;
    assert_eq!(denied.status(), 403, "{denied}");
    let told = log.tells(&["authz_fail failed: library:read"]);
    assert_eq!(
        (&told[0].actor, &told[0].subject),
        (&bytes(ada_id), &bytes(ada_id))
    );
    access::grant(doorward, &ada_id, "reader", by, &client)
        .await
        .unwrap();
    let granted = log.tells(&["privilege_granted: reader"]);
    assert_eq!(
        (&granted[0].actor, &granted[0].subject),
        (&bytes(root_id), &bytes(ada_id))
    );
    assert_eq!(ada.get("/library").await.text(), "ada@example.com");
    log.tells(&[]);
    access::set_role_permissions(doorward, "reader", &[], by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_permissions_changed: role reader permits "]);
    assert_eq!(ada.get("/library").await.status(), 403);
    log.tells(&["authz_fail failed: library:read"]);
    access::revoke(doorward, &ada_id, "reader", by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_revoked: reader"]);
    access::delete_role(doorward, "reader", by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_permissions_changed: role reader removed"]);
    access::delete_permission(doorward, "library:read", by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_permissions_changed: permission library:read removed"]);

    users::disable(doorward, &ada_id, by, &client)
        .await
        .unwrap();
    let disabled = log.tells(&["user_disabled"]);
    assert_eq!(
        (&disabled[0].actor, &disabled[0].subject),
        (&bytes(root_id), &bytes(ada_id))
    );
    users::disable(doorward, &ada_id, by, &client)
        .await
        .unwrap();
    log.tells(&[]);
    users::enable(doorward, &ada_id, by, &client).await.unwrap();
    log.tells(&["user_enabled"]);
    users::sign_out_everywhere(doorward, &ada_id, by, &client)
        .await
        .unwrap();
    log.tells(&["session_revoked: all"]);
    users::erase(doorward, &root_id, by, &client)
        .await
        .unwrap_err();
    access::revoke(doorward, &root_id, "admin", by, &client)
        .await
        .unwrap_err();
    log.tells(&[]);
    let invitation = users::Invitation {
        address: Address::parse("guest@example.com").unwrap(),
        roles: vec!["admin".into()],
        first_name: None,
        last_name: None,
    };
    users::invite(doorward, &invitation, by, &client)
        .await
        .unwrap();
    log.tells(&["privilege_granted: admin", "user_invited"]);
    users::erase(doorward, &ada_id, by, &client).await.unwrap();
    log.tells(&["user_deleted"]);
}

/// Item 132: limits, evictions, and authenticators that may be copies.
#[tokio::test]
async fn the_log_of_attacks_is_exact() {
    let world = World::with(|config| {
        config.sessions.per_user = 1;
        config.limits.failures_before_long_codes = 2;
    })
    .await;
    let mut log = Log {
        world: &world,
        read: 0,
    };
    let ada = world.browser();
    let mut authenticator = Authenticator::new(1);
    authenticator.counter = Counter::Incrementing;
    world.sign_in(&ada, "ada@example.com").await;
    world.add_passkey(&ada, &mut authenticator).await;
    log.new_events();

    let phone = world.native();
    world.advance(Span::seconds(30));
    world.sign_in(&phone, "ada@example.com").await;
    log.tells_several(&[
        "authn_code_requested otp",
        "authn_login_success otp",
        "session_evicted",
    ]);

    let eve = world.native();
    world.advance(Span::seconds(30));
    eve.post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    log.tells(&["authn_code_requested otp"]);
    let guess = json!({ "method": "otp", "email": "ada@example.com", "token": "00000000" });
    eve.post("/auth/sessions", &guess)
        .await
        .problem(401, "invalid_code");
    log.tells(&["authn_login_fail failed otp"]);
    eve.post("/auth/sessions", &guess)
        .await
        .problem(401, "invalid_code");
    log.tells(&["authn_login_fail failed otp", "authn_login_fail_max"]);

    let options = ada
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let mut bad = authenticator.get(&options, "https://evil.example.com");
    ada.post("/auth/passkeys/authenticate/verify", &bad)
        .await
        .problem(401, "passkey_failed");
    let refused = log.new_events();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].kind, "authn_login_fail");
    assert!(
        refused[0].detail.as_ref().unwrap().contains("origin"),
        "{refused:?}"
    );
    bad["response"]["signature"] = json!("AAAA");
    ada.post("/auth/passkeys/authenticate/verify", &bad)
        .await
        .problem(401, "challenge_expired");
    log.tells(&["authn_challenge_replayed failed passkey"]);

    let options = ada
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let copied = Overrides {
        sign_count: Some(1),
        ..Overrides::default()
    };
    let copied = authenticator.get_with(&options, "https://auth.example.com", &copied);
    let reply = ada.post("/auth/passkeys/authenticate/verify", copied).await;
    reply.problem(401, "passkey_failed");
    let told = log.new_events();
    let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.contains(&"authn_counter_regression"), "{told:?}");
    assert_eq!(told[0].subject, bytes(world.user("ada@example.com").await));
    assert_eq!(
        told[0].request_id.as_deref(),
        reply.json()["requestId"].as_str()
    );
}

/// Item 132: the names are those that rules and alerts are written for.
#[test]
fn names_of_events_are_of_the_owasp_vocabulary() {
    const PREFIXES: [&str; 7] = [
        "authn_",
        "authz_",
        "session_",
        "user_",
        "privilege_",
        "excess_",
        "sys_",
    ];
    let kinds = [
        (Kind::SignedIn, "authn_login_success"),
        (Kind::SignInFailed, "authn_login_fail"),
        (Kind::LongCodes, "authn_login_fail_max"),
        (Kind::AccessDenied, "authz_fail"),
        (Kind::RateLimited, "excess_rate_limit_exceeded"),
        (Kind::AccessChanged, "privilege_permissions_changed"),
        (Kind::UserCreated, "user_created"),
        (Kind::UserUpdated, "user_updated"),
        (Kind::SignedOut, "session_logout"),
        (Kind::Restored, "sys_restored"),
    ];
    for (kind, name) in kinds {
        assert_eq!(kind.name(), name);
        assert!(PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    }
}

// ── What is never told ──────────────────────────────────────────────────────

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A mailer whose server takes nothing.
#[derive(Clone, Default)]
struct Refusing {
    says: String,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Mailer for Refusing {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        tracing::trace!(?message, "what a mailer might log");
        self.messages.lock().unwrap().push(message.text.clone());
        Box::pin(future::ready(Err(SendError::Temporary(self.says.clone()))))
    }
}

/// What must appear nowhere, and what was said.
#[derive(Default)]
struct Canaries {
    secrets: Vec<String>,
    problems: String,
}

impl Canaries {
    fn keep(&mut self, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{secret:?} would be found by chance");
        self.secrets.push(secret);
    }

    fn keep_of(&mut self, caller: &Caller) {
        self.secrets.extend(caller.token());
        for name in ["session", "flow", "device"] {
            self.secrets
                .extend(caller.cookie(&format!("__Host-doorward_{name}")));
        }
    }

    fn heard(&mut self, reply: &Reply) {
        if !reply.problem_code().is_empty() {
            self.problems += &reply.text();
        }
    }
}

/// Item 133: canaries through every door at the level of most detail; none sings.
#[tokio::test]
async fn no_secret_and_no_address_is_ever_told() {
    let memory = Memory::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(memory.clone())
        .finish();
    // For every thread, the one that commits included.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    let mut canaries = Canaries::default();
    let ada = world
        .browser()
        .with("user-agent", "Firefox/140.0 (X11; Linux x86_64)");
    for address in [
        "ada.canary@example.com",
        "new.canary@example.com",
        "typo.canary@example.com",
        "invalid canary@x",
    ] {
        canaries.keep(address);
    }

    // Codes: right, wrong, malformed.
    world.sign_in(&ada, "ada.canary@example.com").await;
    canaries.keep(world.inbox("ada.canary@example.com").await.code());
    canaries.keep_of(&ada);
    for (email, token) in [
        ("ada.canary@example.com", "31415926"),
        ("typo.canary@example.com", "27182818"),
        ("ada.canary@example.com", "not-a-code-canary"),
        ("invalid canary@x", "16180339"),
    ] {
        canaries.keep(token);
        let form = json!({ "method": "otp", "email": email, "token": token });
        canaries.heard(&world.native().post("/auth/sessions", form).await);
    }
    canaries.heard(
        &ada.post("/auth/verify", json!({ "email": "ada.canary@example.com" }))
            .await,
    );
    canaries.heard(
        &ada.post(
            "/auth/verify",
            json!({ "email": ["ada.canary@example.com"] }),
        )
        .await,
    );
    canaries.heard(
        &ada.post("/auth/verify", r#"{ "email": "ada.canary@example.com", "#)
            .await,
    );

    // Passkeys: added, used, refused, replayed.
    let mut authenticator = Authenticator::new(1);
    let options = ada.post("/auth/passkeys/register/options", ()).await.ok();
    canaries.keep(options["challenge"].as_str().unwrap());
    canaries.keep(options["user"]["id"].as_str().unwrap());
    let created = authenticator.create(&options, "https://auth.example.com");
    canaries.keep(created["response"]["attestationObject"].as_str().unwrap());
    ada.post("/auth/passkeys/register/verify", created.clone())
        .await
        .created();
    canaries.heard(&ada.post("/auth/passkeys/register/verify", created).await);
    for origin in ["https://auth.example.com", "https://evil.example.com"] {
        let options = ada
            .post("/auth/passkeys/authenticate/options", ())
            .await
            .ok();
        canaries.keep(options["challenge"].as_str().unwrap());
        let assertion = authenticator.get(&options, origin);
        for part in ["clientDataJSON", "signature", "userHandle"] {
            canaries.keep(assertion["response"][part].as_str().unwrap());
        }
        canaries.heard(
            &ada.post("/auth/passkeys/authenticate/verify", &assertion)
                .await,
        );
        canaries.heard(
            &ada.post("/auth/passkeys/authenticate/verify", &assertion)
                .await,
        );
        let text = assertion.to_string();
        let form =
            json!({ "method": "passkey", "email": "typo.canary@example.com", "token": text });
        canaries.heard(&ada.post("/auth/sessions", form).await);
        canaries.keep_of(&ada);
    }

    // Tokens and cookies that open nothing, in every place.
    let stranger = world.native();
    for token in [
        "dw_canary00000000000000000000000000000000000000000000000000000000000000000",
        "canary-bearer",
    ] {
        canaries.keep(token);
        stranger.set_token(Some(token));
        canaries.heard(&stranger.get("/auth/me").await);
        canaries.heard(&stranger.get(&format!("/auth/me?token={token}")).await);
        canaries.heard(&stranger.get(&format!("/auth/{token}")).await);
        let planted = world.browser();
        planted.set_cookie("__Host-doorward_session", token);
        planted.set_cookie("__Host-doorward_flow", token);
        canaries.heard(&planted.get("/auth/me").await);
    }

    // A change of address, a fault in the database, a panic.
    world.advance(Span::seconds(30));
    ada.post(
        "/auth/me/email",
        json!({ "email": "new.canary@example.com" }),
    )
    .await
    .created();
    let code = world.inbox("new.canary@example.com").await.code();
    canaries.keep(&code);
    let change = json!({ "email": "new.canary@example.com", "token": code });
    for fault in [
        doorward::testing::Fault::Unavailable,
        doorward::testing::Fault::Panic,
    ] {
        for point in ["update codes", "insert into user_emails", "commit"] {
            world.faults().arm_once(point, fault);
            canaries.heard(&ada.post("/auth/me/email/confirm", &change).await);
        }
    }
    ada.post("/auth/me/email/confirm", &change).await.ok();
    canaries.heard(&ada.post("/auth/me/email/confirm", &change).await);
    world.sweep().await;
    canaries.heard(&ada.delete("/auth/me").await);

    // Mail that does not leave.
    let other = World::new().await;
    let mailer = Refusing::default();
    let refused = Doorward::builder(other.doorward().config().clone())
        .clock(world.clock().clone())
        .mailer(Arc::new(mailer.clone()))
        .without_jobs()
        .open()
        .await
        .unwrap();
    let caller = world.native().at(refused.server());
    caller
        .post("/auth/verify", json!({ "email": "ada.canary@example.com" }))
        .await
        .created();
    refused.deliver_mail().await.unwrap();
    let unsent = mailer.messages.lock().unwrap()[0].clone();
    canaries.keep(unsent.lines().next().unwrap().trim());
    canaries.keep(
        std::fs::read_to_string(world.folder().join(doorward::ROOT_KEY_FILE))
            .unwrap()
            .trim(),
    );

    let mut said = memory.text();
    assert!(
        said.contains("answered") && said.contains("mail has to wait"),
        "the log was on"
    );
    said += &canaries.problems;
    said += &world.doorward().metrics_text();
    said += &refused.metrics_text();
    for message in world.mailbox().messages() {
        said += &format!("{message:?}");
    }
    said += &events_as_text(&world);
    assert!(canaries.problems.contains("invalid_code") && canaries.secrets.len() > 30);
    for secret in canaries.secrets {
        if let Some(at) = said.find(&secret) {
            let around: String = said[at.saturating_sub(200)..].chars().take(400).collect();
            panic!("{secret} was told: …{around}…");
        }
    }
}

/// Every cell of the log in the database, as text and in hexadecimal.
fn events_as_text(world: &World) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for cell in world.rows("select * from events").into_iter().flatten() {
        match cell {
            Cell::Text(held) => write!(text, "{held} ").unwrap(),
            Cell::Blob(bytes) => {
                write!(text, "{} ", String::from_utf8_lossy(&bytes)).unwrap();
                for byte in bytes {
                    write!(text, "{byte:02x}").unwrap();
                }
            }
            other => write!(text, "{other:?}").unwrap(),
        }
        text.push(' ');
    }
    assert!(text.contains("authn_login_success"));
    text
}

/// Item 130: what tests and applications print of things that hold secrets.
#[tokio::test]
async fn things_that_hold_secrets_print_none() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada.canary@example.com").await;
    let code = world.inbox("ada.canary@example.com").await.code();
    let smtp = doorward::config::Smtp {
        password: Some("smtp-canary".into()),
        ..doorward::config::Smtp::default()
    };
    let message = world.mailbox().messages()[0].clone();
    let notice = doorward::mail::Notice::SignInCode {
        code: code.clone(),
        minutes: 10,
    };

    let printed = format!(
        "{:?} {message:?} {notice:?} {smtp:?} {:?} {:?} {:?}",
        world.mailbox(),
        doorward::RootKey::generate(&doorward::Entropy::seeded(1)),
        Client::command_line(),
        Address::parse("ada.canary@example.com").unwrap(),
    );

    for secret in [code.as_str(), "smtp-canary", "ada.canary@example.com"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

// ── What is encoded ─────────────────────────────────────────────────────────

/// What a terminal or a reader of logs would obey.
const HOSTILE: [&str; 6] = [
    "\u{1b}[31mred\u{1b}[0m",
    "one\r\ntwo",
    "nul\0byte",
    "bell\u{7}",
    "csi\u{9b}31m",
    "rtl\u{202e}gpj.exe",
];

/// Whether text holds what a terminal obeys, line ends of the log itself apart.
fn is_hostile(text: &str) -> bool {
    text.chars()
        .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'))
}

/// Item 134: nothing that a stranger writes into a request reaches the log, the database's events or an answer as it was.
#[tokio::test]
async fn what_strangers_write_is_shown_harmless() {
    let memory = Memory::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(memory.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    let passkey = world
        .add_passkey(&ada, &mut Authenticator::new(1))
        .await
        .created();
    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
    let mut answers = String::new();

    for hostile in HOSTILE {
        for change in [
            json!({ "firstName": hostile }),
            json!({ "picture": hostile }),
            json!({ "locale": hostile }),
        ] {
            let reply = ada.patch("/auth/me", change).await;
            reply.problem(422, "invalid_request");
            answers += &reply.text();
        }
        let renamed = ada.patch(&path, json!({ "name": hostile })).await;
        renamed.problem(422, "invalid_request");
        answers += &renamed.text();
        for form in [
            json!({ "email": format!("{hostile}@example.com") }),
            json!({ hostile: "ada@example.com" }),
        ] {
            answers += &ada.post("/auth/verify", form).await.text();
        }
        // Only what HTTP lets through arrives at all: bytes from 0x80 on do, escape and line ends do not.
        let arrives = ["\u{9b}31m Firefox/140.0", "tab\tbed", "\u{202e}xoferiF"];
        for agent in arrives {
            let mut request = ada.request(
                http::Method::GET,
                "/auth/sessions/",
                axum::body::Body::empty(),
            );
            let value = http::HeaderValue::from_bytes(agent.as_bytes()).unwrap();
            request.headers_mut().insert("user-agent", value);
            let _ = ada.send(request).await;
        }
        let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        answers += &ada.get(&format!("/auth/{encoded}")).await.text();
        answers += &ada
            .delete(&format!("/auth/passkeys/{encoded}"))
            .await
            .text();
        answers += &ada
            .get(&format!("/auth/me/events?cursor={encoded}"))
            .await
            .text();
        say_in_mail(&world, hostile).await;
    }
    sign_in_with_agent(&world, "\u{9b}31m evil").await;
    drop(guard);

    let log = memory.text();
    assert!(log.contains("answered") && log.contains("mail has to wait"));
    for line in log.lines() {
        assert!(!is_hostile(line), "{line:?}");
    }
    assert!(!is_hostile(&answers), "{answers:?}");
    for sql in [
        "select coalesce(user_agent, '') || coalesce(detail, '') || coalesce(ip, '') from events",
        "select coalesce(user_agent, '') from sessions",
        "select name from passkeys",
    ] {
        for cell in world.rows(sql).into_iter().flatten() {
            assert!(!is_hostile(&String::of(cell).unwrap()), "{sql}");
        }
    }
}

/// Has a mail server answer this, which Doorward writes into its log.
async fn say_in_mail(world: &World, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = doorward::config::Config {
        data_dir: folder.path().into(),
        database: doorward::config::Database::default(),
        ..world.doorward().config().clone()
    };
    let mailer = Refusing {
        says: text.into(),
        ..Refusing::default()
    };
    let doorward = Doorward::builder(config)
        .clock(world.clock().clone())
        .mailer(Arc::new(mailer))
        .without_jobs()
        .open()
        .await
        .unwrap();
    let caller = world.native().at(doorward.server());
    caller
        .post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    doorward.deliver_mail().await.unwrap();
}

/// Item 134: a value in the log is escaped, or can hold nothing that needs it.
#[test]
fn what_is_logged_is_escaped() {
    const HARMLESS: [&str; 4] = ["Escaped(", "id", "self.method", "waiting.id"];
    fn look(folder: &std::path::Path) -> usize {
        let mut found = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found += look(&path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("tracing::").skip(1) {
                let call = call.split(");").next().unwrap();
                for value in call.split('%').skip(1) {
                    found += 1;
                    let harmless = HARMLESS.iter().any(|harmless| value.starts_with(harmless));
                    assert!(harmless, "{} logs {value}", path.display());
                }
            }
        }
        found
    }
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert!(look(&source) > 10);
}

async fn sign_in_with_agent(world: &World, agent: &str) {
    let caller = world.native();
    caller
        .post("/auth/verify", json!({ "email": "eve@example.com" }))
        .await
        .created();
    let token = world.inbox("eve@example.com").await.code();
    let form = json!({ "method": "otp", "email": "eve@example.com", "token": token }).to_string();
    let mut request = caller.request(http::Method::POST, "/auth/sessions", form.into());
    let headers = request.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        "user-agent",
        http::HeaderValue::from_bytes(agent.as_bytes()).unwrap(),
    );
    caller.send(request).await.created();
}

/// Item 134: the formatter is one that escapes (RUSTSEC-2025-0055).
#[test]
fn the_formatter_of_logs_escapes() {
    let lock = include_str!("../../../../Cargo.lock");
    let (_, after) = lock
        .split_once("name = \"tracing-subscriber\"\nversion = \"")
        .unwrap();
    let version: Vec<u32> = after
        .split('"')
        .next()
        .unwrap()
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!(version >= vec![0, 3, 20], "{version:?}");
}
