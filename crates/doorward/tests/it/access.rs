//! Who may do what: every operation against every caller, roles and permissions, the last administrator.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop like tests")]
#![expect(
    clippy::format_collect,
    clippy::too_many_lines,
    reason = "short text, long stories"
)]

use std::{collections::BTreeSet, fs, path::Path};

use axum::body::Body;
use doorward::{
    Client, Doorward, Span, UserId, access,
    testing::{Authenticator, Caller, Held, Reply, World},
    users,
};
use http::{HeaderValue, Method, header};
use proptest::{sample::subsequence, test_runner::TestRunner};
use serde_json::{Value, json};

// ── Every operation, every caller ───────────────────────────────────────────

/// What each caller is answered: the status, and the code of a problem.
struct Verdict {
    operation: &'static str,
    body: &'static str,
    anonymous: &'static str,
    owner: &'static str,
    other: &'static str,
    admin: &'static str,
}

const NOBODY: &str = "401 unauthenticated";

const fn everyone(operation: &'static str, body: &'static str, answer: &'static str) -> Verdict {
    Verdict {
        operation,
        body,
        anonymous: answer,
        owner: answer,
        other: answer,
        admin: answer,
    }
}

const fn signed_in(operation: &'static str, body: &'static str, answer: &'static str) -> Verdict {
    Verdict {
        anonymous: NOBODY,
        ..everyone(operation, body, answer)
    }
}

const fn owner(operation: &'static str, body: &'static str, answer: &'static str) -> Verdict {
    Verdict {
        other: "404 not_found",
        admin: "404 not_found",
        ..signed_in(operation, body, answer)
    }
}

const WRONG_CODE: &str = r#"{ "method": "otp", "email": "new@example.com", "token": "00000000" }"#;

/// The declared verdicts. What is not in here is denied to the whole test: an operation without a line fails it.
const VERDICTS: [Verdict; 22] = [
    everyone(
        "POST /auth/verify",
        r#"{ "email": "new@example.com" }"#,
        "201",
    ),
    everyone("POST /auth/sessions/", WRONG_CODE, "401 invalid_code"),
    signed_in("GET /auth/sessions/", "", "200"),
    everyone("DELETE /auth/sessions/", "", "204"),
    Verdict {
        anonymous: "204",
        ..everyone("GET /auth/sessions/current", "", "200")
    },
    signed_in("GET /auth/sessions/current/permissions", "", "200"),
    // The same to whoever is signed in; that it ends only what is the caller's is looked at below.
    signed_in("DELETE /auth/sessions/{id}", "", "204"),
    signed_in("DELETE /auth/sessions/others", "", "204"),
    signed_in("DELETE /auth/sessions/all", "", "204"),
    signed_in("POST /auth/passkeys/register/options", "", "200"),
    signed_in(
        "POST /auth/passkeys/register/verify",
        "{}",
        "422 invalid_request",
    ),
    everyone("POST /auth/passkeys/authenticate/options", "", "200"),
    everyone(
        "POST /auth/passkeys/authenticate/verify",
        "{}",
        "422 invalid_request",
    ),
    signed_in("GET /auth/passkeys/", "", "200"),
    owner(
        "PATCH /auth/passkeys/{id}",
        r#"{ "name": "Renamed" }"#,
        "200",
    ),
    owner("DELETE /auth/passkeys/{id}", "", "204"),
    signed_in("GET /auth/me", "", "200"),
    signed_in("PATCH /auth/me", "{}", "200"),
    Verdict {
        admin: "409 last_admin",
        ..signed_in("DELETE /auth/me", "", "204")
    },
    signed_in(
        "POST /auth/me/email",
        r#"{ "email": "new@example.com" }"#,
        "201",
    ),
    signed_in(
        "POST /auth/me/email/confirm",
        r#"{ "email": "new@example.com", "token": "00000000" }"#,
        "401 invalid_code",
    ),
    signed_in("GET /auth/me/events", "", "200"),
];

/// The operations of the `OpenAPI` document: `GET /auth/me`.
fn documented() -> BTreeSet<String> {
    let document = doorward::openapi::document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Anonymous,
    Owner,
    Other,
    Admin,
}

/// A world with Ada, who has a passkey and two sessions, Eve, and an administrator.
struct Town {
    world: World,
    ada: Caller,
    adas_phone: Caller,
    eve: Caller,
    admin: Caller,
    nobody: Caller,
    adas_session: String,
    adas_passkey: String,
}

impl Town {
    async fn new() -> Self {
        let world = World::new().await;
        let [ada, adas_phone, eve, admin, nobody] = [(); 5].map(|()| world.native());
        world.sign_in(&ada, "ada@example.com").await;
        let phone = world
            .sign_in(&adas_phone, "ada@example.com")
            .await
            .created();
        world.sign_in(&eve, "eve@example.com").await;
        world.sign_in(&admin, "admin@example.com").await;
        world.grant("admin@example.com", "admin").await;
        let passkey = world
            .add_passkey(&ada, &mut Authenticator::new(1))
            .await
            .created();
        Self {
            adas_session: phone["session"]["id"].as_str().unwrap().into(),
            adas_passkey: passkey["id"].as_str().unwrap().into(),
            world,
            ada,
            adas_phone,
            eve,
            admin,
            nobody,
        }
    }

    fn caller(&self, who: Who) -> &Caller {
        match who {
            Who::Anonymous => &self.nobody,
            Who::Owner => &self.ada,
            Who::Other => &self.eve,
            Who::Admin => &self.admin,
        }
    }

    /// The path of an operation, about what is Ada's.
    fn path(&self, operation: &str) -> String {
        let id = if operation.contains("/passkeys/") {
            &self.adas_passkey
        } else {
            &self.adas_session
        };
        let (_, path) = operation.split_once(' ').unwrap();
        path.replace("{id}", id)
    }

    async fn call(&self, who: Who, operation: &str, body: &str) -> Reply {
        let (method, _) = operation.split_once(' ').unwrap();
        call(self.caller(who), method, &self.path(operation), body).await
    }
}

async fn call(caller: &Caller, method: &str, path: &str, body: &str) -> Reply {
    let mut request = caller.request(method.parse().unwrap(), path, Body::from(body.to_owned()));
    if !body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    caller.send(request).await
}

/// `401 unauthenticated`, `204`.
fn answer(reply: &Reply) -> String {
    format!("{} {}", reply.status().as_u16(), reply.problem_code())
        .trim()
        .into()
}

/// Items 83, 85: what is not declared does not exist, and nobody reaches what is another's.
#[tokio::test]
async fn every_operation_has_a_verdict_for_every_caller() {
    let declared: BTreeSet<_> = VERDICTS.iter().map(|v| v.operation.to_owned()).collect();
    assert_eq!(declared, documented());

    for verdict in VERDICTS {
        for (who, expected) in [
            (Who::Anonymous, verdict.anonymous),
            (Who::Owner, verdict.owner),
            (Who::Other, verdict.other),
            (Who::Admin, verdict.admin),
        ] {
            let town = Town::new().await;

            let reply = town.call(who, verdict.operation, verdict.body).await;

            assert_eq!(answer(&reply), expected, "{who:?}: {}", verdict.operation);
            if who != Who::Owner {
                let sessions = town.ada.get("/auth/sessions/").await.ok();
                assert_eq!(
                    sessions.as_array().unwrap().len(),
                    2,
                    "{who:?}: {}",
                    verdict.operation
                );
                town.adas_phone.get("/auth/me").await.ok();
                let passkeys = town.ada.get("/auth/passkeys/").await.ok();
                assert_eq!(passkeys[0]["id"], town.adas_passkey.as_str());
                assert_ne!(
                    passkeys[0]["name"], "Renamed",
                    "{who:?}: {}",
                    verdict.operation
                );
            }
        }
    }
}

/// Item 83: a path or method without an operation is declined for everyone, with and without a slash at its end.
#[tokio::test]
async fn what_has_no_operation_is_declined_for_everyone() {
    let town = Town::new().await;
    let paths: BTreeSet<_> = documented()
        .iter()
        .map(|operation| {
            operation
                .split_once(' ')
                .unwrap()
                .1
                .trim_end_matches('/')
                .to_owned()
        })
        .collect();

    for who in [Who::Anonymous, Who::Owner, Who::Other, Who::Admin] {
        for path in &paths {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
                let has = |slash: &str| documented().contains(&format!("{method} {path}{slash}"));
                // `/auth/sessions/current` is a session's path as well, as far as the router knows.
                let is_id = method == "DELETE" && path == "/auth/sessions/current";
                if has("") || has("/") || is_id {
                    continue;
                }
                for slash in ["", "/"] {
                    let path = format!("{path}{slash}").replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
                    let reply = call(town.caller(who), method, &path, "").await;
                    assert!(
                        ["405 invalid_request", "404 not_found"].contains(&answer(&reply).as_str()),
                        "{who:?} {method} {path}: {reply}"
                    );
                }
            }
        }
        for path in [
            "/auth/admin",
            "/auth/nothing",
            "/auth",
            "/auth/me/sessions",
            "/admin",
        ] {
            let reply = town.caller(who).get(path).await;
            reply.problem(404, "not_found");
        }
    }
}

/// Routes that are not operations of the API. Anyone may reach them; the account's send whoever is not signed in to do so.
const OPEN_ROUTES: &[&str] = &[
    "/",
    "/.well-known/passkey-endpoints",
    "/.well-known/webauthn",
    "/account",
    "/account/activity",
    "/account/activity/not-me",
    "/account/deleted",
    "/account/passkeys",
    "/account/passkeys/new",
    "/account/passkeys/{pid}",
    "/account/passkeys/{pid}/remove",
    "/account/profile",
    "/account/profile/data",
    "/account/profile/delete",
    "/account/profile/email",
    "/account/profile/email/code",
    "/account/profile/email/code/resend",
    "/account/sessions",
    "/account/sessions/others",
    "/assets/{file}",
    "/auth/{*rest}",
    "/dev/mailbox",
    "/dev/mailbox.json",
    "/dev/mailbox/events",
    "/dev/mailbox/{id}",
    "/dev/mailbox/{id}/html",
    "/healthz",
    "/openapi.json",
    "/readyz",
    "/reauth",
    "/reauth/code",
    "/reauth/code/resend",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/code/resend",
    "/sign-in/continue",
    "/sign-in/help",
    "/sign-out",
    "/welcome/passkey",
    "/welcome/passkey/created",
];

/// Item 83: a route that goes past the document is declared here, or the test fails.
#[test]
fn every_route_outside_the_document_is_declared() {
    let mut found = BTreeSet::new();
    for (file, text) in sources() {
        if file.contains("tests") || file.ends_with("testing.rs") {
            continue;
        }
        let dense: String = text.split_whitespace().collect();
        for after in dense.split(".route(\"").skip(1) {
            found.insert(after.split('"').next().unwrap().to_owned());
        }
        let other_doors = [
            ".route_service(",
            ".nest(",
            ".nest_service(",
            ".fallback_service(",
        ];
        for door in other_doors {
            assert!(!dense.contains(door), "{file} opens a door by {door})");
        }
    }
    let declared: BTreeSet<_> = OPEN_ROUTES
        .iter()
        .map(|route| (*route).to_owned())
        .collect();
    assert_eq!(found, declared);
}

/// The sources of the crate.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, all: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                all.push((path.to_str().unwrap().into(), text));
            }
        }
    }
    let mut all = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

/// Item 85: byte for byte, apart from the name of the request.
#[tokio::test]
async fn what_is_anothers_looks_like_what_is_not_there() {
    let town = Town::new().await;
    let random = "A".repeat(town.adas_passkey.len());
    let no_session = town.world.native();
    let id = world_random_session(&town).await;
    let passkey = |id: &str| format!("/auth/passkeys/{id}");
    let session = |id: &str| format!("/auth/sessions/{id}");

    for caller in [&town.eve, &town.admin, &no_session] {
        for (method, body, theirs, nobodys) in [
            (
                "PATCH",
                r#"{ "name": "Mine" }"#,
                passkey(&town.adas_passkey),
                passkey(&random),
            ),
            ("DELETE", "", passkey(&town.adas_passkey), passkey(&random)),
            ("DELETE", "", session(&town.adas_session), session(&id)),
        ] {
            let of_other = call(caller, method, &theirs, body).await;
            let of_nobody = call(caller, method, &nobodys, body).await;
            assert_eq!(bytes(&of_other), bytes(&of_nobody), "{method} {theirs}");
        }
    }

    town.adas_phone.get("/auth/me").await.ok();
    assert_eq!(
        town.ada.get("/auth/passkeys/").await.ok()[0]["id"],
        town.adas_passkey.as_str()
    );
}

/// The id of a session that was once, and is gone.
async fn world_random_session(town: &Town) -> String {
    let gone = town.world.native();
    let opened = town
        .world
        .sign_in(&gone, "gone@example.com")
        .await
        .created();
    gone.delete("/auth/sessions/all").await.no_content();
    opened["session"]["id"].as_str().unwrap().into()
}

/// All of an answer but the name of the request.
fn bytes(reply: &Reply) -> String {
    let mut headers: Vec<_> = reply
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let mut body = reply.text();
    if let Ok(mut json) = serde_json::from_str::<Value>(&body) {
        json["requestId"] = Value::Null;
        body = json.to_string();
    }
    format!("{} {headers:?} {body}", reply.status())
}

// ── Administrators ──────────────────────────────────────────────────────────

async fn permissions(caller: &Caller) -> Value {
    caller.get("/auth/sessions/current/permissions").await.ok()
}

/// How many rows a query of the database counts.
fn count(world: &World, sql: &str) -> i64 {
    world.value(sql)
}

/// Item 86: a new database has no account at all, and signing up first makes nobody an administrator.
#[tokio::test]
async fn there_is_no_default_account_and_no_first_come_administrator() {
    let world = World::new().await;
    for table in [
        "users",
        "user_emails",
        "user_roles",
        "sessions",
        "passkeys",
        "codes",
    ] {
        assert_eq!(
            count(&world, &format!("select count(*) from {table}")),
            0,
            "{table}"
        );
    }

    let first = world.native();
    world.sign_in(&first, "first@example.com").await;

    assert_eq!(
        permissions(&first).await,
        json!({ "permissions": [], "roles": ["user"] })
    );
}

/// Item 86: the configuration names the first administrator, and only a proof of the address makes one.
#[tokio::test]
async fn whoever_proves_a_configured_address_is_the_administrator() {
    let world = World::with(|config| config.admin_emails = vec!["Root@Example.com".into()]).await;
    let (root, eve) = (world.native(), world.native());

    eve.post("/auth/verify", json!({ "email": "root@example.com" }))
        .await
        .created();
    let guess = json!({ "method": "otp", "email": "root@example.com", "token": "00000000" });
    eve.post("/auth/sessions", guess)
        .await
        .problem(401, "invalid_code");
    assert_eq!(count(&world, "select count(*) from user_roles"), 0);
    for near in [
        "root+x@example.com",
        "root@example.com.example.org",
        "r.oot@example.com",
    ] {
        let near_caller = world.native();
        world.sign_in(&near_caller, near).await;
        assert_eq!(
            permissions(&near_caller).await["roles"],
            json!(["user"]),
            "{near}"
        );
    }
    world.sign_in(&root, "ROOT@example.com").await;

    let roles = json!({ "permissions": ["*"], "roles": ["admin", "user"] });
    assert_eq!(permissions(&root).await, roles);
}

/// Item 86: also where everyone else is invited, and also when it is proved twice in one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_first_proofs_at_once_make_one_administrator() {
    for _ in 0..10 {
        let world = World::with(|config| {
            config.admin_emails = vec!["root@example.com".into()];
            config.sign_up = doorward::config::SignUp::Invite;
        })
        .await;
        let mut forms = Vec::new();
        for caller in [world.native(), world.native()] {
            caller
                .post("/auth/verify", json!({ "email": "root@example.com" }))
                .await
                .created();
            let token = world.inbox("root@example.com").await.code();
            forms.push(json!({ "method": "otp", "email": "root@example.com", "token": token }));
            world.advance(Span::seconds(30));
        }
        let (one, two) = (world.native(), world.native());

        let (first, second) = tokio::join!(
            one.post("/auth/sessions", &forms[0]),
            two.post("/auth/sessions", &forms[1])
        );

        first.created();
        second.created();
        assert_eq!(count(&world, "select count(*) from users"), 1);
        let granted = "select count(*) from events where kind = 'privilege_granted'";
        assert_eq!(count(&world, granted), 1);
    }
}

/// Item 86: the command line makes an administrator of an account that exists, once.
#[tokio::test]
async fn the_command_line_grants_administration_to_accounts_that_exist() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    let id = world.user("ada@example.com").await;
    let client = Client::command_line();

    let grant = || access::grant(world.doorward(), &id, "admin", None, &client);
    assert!(grant().await.unwrap());
    assert!(!grant().await.unwrap(), "it is no news the second time");

    assert_eq!(permissions(&ada).await["roles"], json!(["admin", "user"]));
    assert_eq!(
        count(
            &world,
            "select count(*) from events where kind = 'privilege_granted'"
        ),
        1
    );
    let bob = world.native();
    world.sign_in(&bob, "bob@example.com").await;
    let gone = world.user("bob@example.com").await;
    bob.delete("/auth/me").await.no_content();
    let granted = access::grant(world.doorward(), &gone, "admin", None, &client).await;
    assert!(matches!(granted, Err(doorward::Error::NotFound)));
    let granted = access::grant(world.doorward(), &id, "no-such", None, &client).await;
    assert!(matches!(granted, Err(doorward::Error::InvalidField { .. })));
}

/// What takes an administrator away.
#[derive(Clone, Copy, Debug)]
enum Removal {
    Revoke,
    Disable,
    Erase,
}

async fn remove(doorward: Doorward, how: Removal, user: UserId, by: UserId) -> bool {
    let client = Client::command_line();
    match how {
        Removal::Revoke => access::revoke(&doorward, &user, "admin", Some(by), &client)
            .await
            .is_ok(),
        Removal::Disable => users::disable(&doorward, &user, Some(by), &client)
            .await
            .is_ok(),
        Removal::Erase => users::erase(&doorward, &user, Some(by), &client)
            .await
            .is_ok(),
    }
}

const ADMINISTRATORS: &str = "
    select count(*) from user_roles h join roles r on r.id = h.role_id join users u on u.id = h.user_id
     where r.name = 'admin' and u.status = 1";

/// Item 87: each takes the other away at once, in every pair of ways, and one remains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_who_remove_each_other_leave_one() {
    for round in 0..21 {
        let ways = [Removal::Revoke, Removal::Disable, Removal::Erase];
        let (one_way, other_way) = (ways[round % 3], ways[(round / 3) % 3]);
        let world = World::new().await;
        let (ada, eve) = (world.native(), world.native());
        world.sign_in(&ada, "ada@example.com").await;
        world.sign_in(&eve, "eve@example.com").await;
        world.grant("ada@example.com", "admin").await;
        world.grant("eve@example.com", "admin").await;
        let (ada, eve) = (
            world.user("ada@example.com").await,
            world.user("eve@example.com").await,
        );

        let one = tokio::spawn(remove(world.doorward().clone(), one_way, eve, ada));
        let other = tokio::spawn(remove(world.doorward().clone(), other_way, ada, eve));
        let removed = [one.await.unwrap(), other.await.unwrap()];

        assert_eq!(
            removed.iter().filter(|&&removed| removed).count(),
            1,
            "{one_way:?} {other_way:?}"
        );
        assert_eq!(
            count(&world, ADMINISTRATORS),
            1,
            "{one_way:?} {other_way:?}"
        );
    }
}

/// Item 87: over HTTP, two administrators erase themselves at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_who_leave_at_once_leave_one() {
    for _ in 0..5 {
        let world = World::new().await;
        let (ada, eve) = (world.native(), world.native());
        world.sign_in(&ada, "ada@example.com").await;
        world.sign_in(&eve, "eve@example.com").await;
        world.grant("ada@example.com", "admin").await;
        world.grant("eve@example.com", "admin").await;

        let (one, other) = tokio::join!(ada.delete("/auth/me"), eve.delete("/auth/me"));

        let mut answers = [answer(&one), answer(&other)];
        answers.sort();
        assert_eq!(answers, ["204", "409 last_admin"]);
        assert_eq!(count(&world, ADMINISTRATORS), 1);
    }
}

/// Item 87: whoever cannot sign in, or has proved no address, does not count as the other administrator.
#[tokio::test]
async fn the_last_administrator_stays_whoever_else_has_the_role_in_name() {
    let world = World::new().await;
    let (root, other) = (world.native(), world.native());
    world.sign_in(&root, "root@example.com").await;
    world.sign_in(&other, "other@example.com").await;
    world.grant("root@example.com", "admin").await;
    world.grant("other@example.com", "admin").await;
    let client = Client::command_line();
    let (id, other_id) = (
        world.user("root@example.com").await,
        world.user("other@example.com").await,
    );
    users::disable(world.doorward(), &other_id, None, &client)
        .await
        .unwrap();
    let invitation = users::Invitation {
        address: doorward::mail::Address::parse("later@example.com").unwrap(),
        roles: vec!["admin".into()],
        first_name: None,
        last_name: None,
    };
    users::invite(world.doorward(), &invitation, None, &client)
        .await
        .unwrap();

    for how in [Removal::Revoke, Removal::Disable, Removal::Erase] {
        assert!(
            !remove(world.doorward().clone(), how, id, id).await,
            "{how:?}"
        );
    }

    root.delete("/auth/me").await.problem(409, "last_admin");
    assert_eq!(permissions(&root).await["roles"], json!(["admin", "user"]));
    users::enable(world.doorward(), &other_id, None, &client)
        .await
        .unwrap();
    assert!(remove(world.doorward().clone(), Removal::Revoke, id, other_id).await);
}

/// Item 88: nothing that an administrator can read holds a code, a token, a challenge or a key of anyone.
#[tokio::test]
async fn administrators_see_no_codes_tokens_or_keys() {
    let town = Town::new().await;
    let victim = town.world.native();
    town.world.advance(Span::minutes(1));
    victim
        .post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    let code = town.world.inbox("ada@example.com").await.code();
    let mut secrets = vec![code];
    secrets.extend([&town.ada, &town.adas_phone, &town.eve].map(|caller| caller.token().unwrap()));
    secrets.extend(stored_secrets(&town.world));
    let ada = town.world.user("ada@example.com").await;

    let mut seen = String::new();
    for operation in documented()
        .iter()
        .filter(|operation| operation.starts_with("GET "))
    {
        seen += &town.call(Who::Admin, operation, "").await.text();
    }
    // What the operations for administrators are made of.
    let doorward = town.world.doorward();
    let users = users::list(doorward, &users::Filter::default(), None)
        .await
        .unwrap();
    let events = users::events(doorward, &ada, None).await.unwrap();
    seen += &serde_json::to_string(&users).unwrap();
    seen += &serde_json::to_string(&events).unwrap();
    seen += &town.admin.get("/openapi.json").await.text();
    seen += &doorward.metrics_text();

    assert!(seen.contains("ada@example.com") && seen.contains("authn_login_success"));
    for secret in secrets {
        assert!(
            !seen.contains(&secret),
            "an administrator can read {secret}"
        );
    }
}

/// Hashes, MACs and keys of the database, in hexadecimal and base64url.
fn stored_secrets(world: &World) -> Vec<String> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut secrets = Vec::new();
    for sql in [
        "select token_hash from sessions",
        "select code_mac from codes",
        "select public_key from passkeys",
        "select webauthn_handle from users",
    ] {
        for cell in world.rows(sql).into_iter().flatten() {
            let bytes = Vec::<u8>::of(cell).unwrap();
            secrets.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
            secrets.push(URL_SAFE_NO_PAD.encode(&bytes));
        }
    }
    assert!(secrets.len() >= 10);
    secrets
}

// ── Roles and permissions ───────────────────────────────────────────────────

fn role(name: &str, permissions: &[&str], is_default: bool) -> access::NewRole {
    access::NewRole {
        name: name.into(),
        description: None,
        permissions: permissions.iter().map(|&name| name.into()).collect(),
        is_default,
    }
}

async fn make_permissions(doorward: &Doorward, names: &[&str]) {
    for name in names {
        access::create_permission(doorward, name, None, None, &Client::command_line())
            .await
            .unwrap();
    }
}

async fn make_role(doorward: &Doorward, new: access::NewRole) {
    access::create_role(doorward, new, None, &Client::command_line())
        .await
        .unwrap();
}

/// Item 67: a role that is granted, changed or taken away is seen by the next request of a live session.
#[tokio::test]
async fn permissions_are_the_sorted_union_of_roles_and_change_at_once() {
    let world = World::new().await;
    let doorward = world.doorward();
    let client = Client::command_line();
    make_permissions(doorward, &["library:read", "library:write", "shelf:*"]).await;
    make_role(
        doorward,
        role(
            "writer",
            &["library:write", "library:read", "library:read"],
            false,
        ),
    )
    .await;
    make_role(
        doorward,
        role("keeper", &["shelf:*", "library:read"], false),
    )
    .await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    let id = world.user("ada@example.com").await;
    assert_eq!(
        permissions(&ada).await,
        json!({ "permissions": [], "roles": ["user"] })
    );

    world.grant("ada@example.com", "writer").await;
    world.grant("ada@example.com", "keeper").await;
    assert_eq!(
        permissions(&ada).await,
        json!({
            "permissions": ["library:read", "library:write", "shelf:*"],
            "roles": ["keeper", "user", "writer"],
        })
    );

    access::set_role_permissions(doorward, "writer", &["library:read".into()], None, &client)
        .await
        .unwrap();
    assert_eq!(
        permissions(&ada).await["permissions"],
        json!(["library:read", "shelf:*"])
    );

    access::delete_permission(doorward, "shelf:*", None, &client)
        .await
        .unwrap();
    assert_eq!(
        permissions(&ada).await["permissions"],
        json!(["library:read"])
    );

    access::delete_role(doorward, "keeper", None, &client)
        .await
        .unwrap();
    assert_eq!(permissions(&ada).await["roles"], json!(["user", "writer"]));

    assert!(
        access::revoke(doorward, &id, "writer", None, &client)
            .await
            .unwrap()
    );
    assert!(
        !access::revoke(doorward, &id, "writer", None, &client)
            .await
            .unwrap()
    );
    assert_eq!(
        permissions(&ada).await,
        json!({ "permissions": [], "roles": ["user"] })
    );
}

/// Everyone who signs up, or is invited, gets the roles that are marked so; who is there already, does not.
#[tokio::test]
async fn default_roles_are_granted_at_sign_up() {
    let world = World::new().await;
    let doorward = world.doorward();
    let client = Client::command_line();
    let before = world.native();
    world.sign_in(&before, "before@example.com").await;
    make_permissions(doorward, &["library:read"]).await;
    make_role(doorward, role("reader", &["library:read"], true)).await;

    let after = world.native();
    world.sign_in(&after, "after@example.com").await;
    let invitation = users::Invitation {
        address: doorward::mail::Address::parse("guest@example.com").unwrap(),
        roles: Vec::new(),
        first_name: None,
        last_name: None,
    };
    users::invite(doorward, &invitation, None, &client)
        .await
        .unwrap();
    let guest = world.native();
    world.sign_in(&guest, "guest@example.com").await;

    assert_eq!(permissions(&before).await["roles"], json!(["user"]));
    for newcomer in [&after, &guest] {
        let expected = json!({ "permissions": ["library:read"], "roles": ["reader", "user"] });
        assert_eq!(permissions(newcomer).await, expected);
    }
    let change = access::RoleChange {
        description: None,
        is_default: Some(false),
    };
    access::change_role(doorward, "reader", &change, None, &client)
        .await
        .unwrap();
    let late = world.native();
    world.sign_in(&late, "late@example.com").await;
    assert_eq!(permissions(&late).await["roles"], json!(["user"]));
}

#[tokio::test]
async fn what_is_built_in_cannot_be_removed_or_weakened() {
    let world = World::new().await;
    let doorward = world.doorward();
    let client = Client::command_line();

    for name in ["admin", "user"] {
        access::delete_role(doorward, name, None, &client)
            .await
            .unwrap_err();
    }
    for name in access::BUILT_IN.into_iter().chain(["*"]) {
        access::delete_permission(doorward, name, None, &client)
            .await
            .unwrap_err();
    }
    access::set_role_permissions(doorward, "admin", &[], None, &client)
        .await
        .unwrap_err();
    let to_all = access::RoleChange {
        description: None,
        is_default: Some(true),
    };
    access::change_role(doorward, "admin", &to_all, None, &client)
        .await
        .unwrap_err();
    access::set_role_permissions(doorward, "user", &["users:read".into()], None, &client)
        .await
        .unwrap_err();
    access::create_role(doorward, role("admin", &[], false), None, &client)
        .await
        .unwrap_err();
    access::create_role(doorward, role("open", &["roles:*"], true), None, &client)
        .await
        .unwrap_err();
    access::create_role(doorward, role("ghost", &["no:such"], false), None, &client)
        .await
        .unwrap_err();

    let roles = access::roles(doorward).await.unwrap();
    let held: Vec<_> = roles
        .iter()
        .map(|role| {
            (
                role.name.as_str(),
                role.permissions.join(" "),
                role.is_default,
            )
        })
        .collect();
    assert_eq!(
        held,
        [("admin", "*".into(), false), ("user", String::new(), true)]
    );
    assert_eq!(
        access::permissions(doorward).await.unwrap().len(),
        access::BUILT_IN.len() + 1
    );
}

/// Item 67: the next request after a disable, an erasure or a sign-out everywhere is nobody's.
#[tokio::test]
async fn disabling_and_erasing_end_live_sessions_at_once() {
    let client = Client::command_line();
    for how in ["disable", "erase", "sign out"] {
        let world = World::new().await;
        let (laptop, phone) = (world.native(), world.browser());
        world.sign_in(&laptop, "ada@example.com").await;
        world.sign_in(&phone, "ada@example.com").await;
        laptop.get("/auth/me").await.ok();
        phone.get("/auth/me").await.ok();
        let id = world.user("ada@example.com").await;

        match how {
            "disable" => users::disable(world.doorward(), &id, None, &client)
                .await
                .map(drop),
            "erase" => users::erase(world.doorward(), &id, None, &client).await,
            _ => users::sign_out_everywhere(world.doorward(), &id, None, &client).await,
        }
        .unwrap();

        for caller in [&laptop, &phone] {
            caller.get("/auth/me").await.problem(401, "unauthenticated");
            caller
                .get("/auth/sessions/")
                .await
                .problem(401, "unauthenticated");
        }
        if how == "disable" {
            users::enable(world.doorward(), &id, None, &client)
                .await
                .unwrap();
            laptop.get("/auth/me").await.problem(401, "unauthenticated");
        }
    }
}

/// Item 65: no request that starts after a revocation was acknowledged is served, however many were under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_after_a_revocation_is_served() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    for round in 0..10 {
        let world = World::new().await;
        let (laptop, phone) = (Arc::new(world.native()), world.native());
        let opened = world.sign_in(&laptop, "ada@example.com").await.created();
        world.sign_in(&phone, "ada@example.com").await;
        let revoked = Arc::new(AtomicBool::new(false));
        let storms: Vec<_> = (0..8)
            .map(|_| {
                let (laptop, revoked) = (Arc::clone(&laptop), Arc::clone(&revoked));
                tokio::spawn(async move {
                    let mut after = 0;
                    while after < 20 {
                        let started_after = revoked.load(Ordering::SeqCst);
                        let reply = laptop.get("/auth/me").await;
                        if started_after {
                            reply.problem(401, "unauthenticated");
                            after += 1;
                        }
                        tokio::task::yield_now().await;
                    }
                    after
                })
            })
            .collect();
        tokio::task::yield_now().await;

        let id = opened["session"]["id"].as_str().unwrap();
        let path = match round % 3 {
            0 => format!("/auth/sessions/{id}"),
            1 => "/auth/sessions/others".into(),
            _ => "/auth/sessions/all".into(),
        };
        phone.delete(&path).await.no_content();
        revoked.store(true, Ordering::SeqCst);

        for storm in storms {
            assert_eq!(storm.await.unwrap(), 20);
        }
    }
}

// ── Beside the server ───────────────────────────────────────────────────────

async fn beside(world: &World) -> Doorward {
    Doorward::builder(world.doorward().config().clone())
        .clock(world.clock().clone())
        .beside_a_server()
        .open()
        .await
        .unwrap()
}

/// Item 67: a change of the command line reaches the server that runs, at its next look.
#[tokio::test]
async fn changes_made_beside_the_server_take_effect_at_its_next_look() {
    let world = World::new().await;
    let [ada, bob, eve] = [(); 3].map(|()| world.native());
    for (caller, address) in [
        (&ada, "ada@example.com"),
        (&bob, "bob@example.com"),
        (&eve, "eve@example.com"),
    ] {
        world.sign_in(caller, address).await;
        caller.get("/auth/me").await.ok();
    }
    let command_line = beside(&world).await;
    let client = Client::command_line();
    let (ada_id, bob_id, eve_id) = (
        world.user("ada@example.com").await,
        world.user("bob@example.com").await,
        world.user("eve@example.com").await,
    );

    access::grant(&command_line, &ada_id, "admin", None, &client)
        .await
        .unwrap();
    users::disable(&command_line, &bob_id, None, &client)
        .await
        .unwrap();
    users::sign_out_everywhere(&command_line, &eve_id, None, &client)
        .await
        .unwrap();
    world.notice_outside_changes().await;

    assert_eq!(permissions(&ada).await["roles"], json!(["admin", "user"]));
    bob.get("/auth/me").await.problem(401, "unauthenticated");
    eve.get("/auth/me").await.problem(401, "unauthenticated");

    make_permissions(&command_line, &["library:read"]).await;
    access::set_role_permissions(
        &command_line,
        "user",
        &["library:read".into()],
        None,
        &client,
    )
    .await
    .unwrap();
    users::erase(&command_line, &bob_id, None, &client)
        .await
        .unwrap();
    world.notice_outside_changes().await;

    assert_eq!(
        permissions(&ada).await["permissions"],
        json!(["*", "library:read"])
    );
    assert_eq!(count(&world, "select count(*) from users"), 2);
}

/// What the server itself changes makes nobody read again.
#[tokio::test]
async fn a_look_that_finds_nothing_keeps_what_memory_knows() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    ada.get("/auth/me").await.ok();

    world.notice_outside_changes().await;

    let before = world.statements();
    ada.get("/auth/me").await.ok();
    assert_eq!(world.statements(), before);
}

// ── Guards are conjunctions ─────────────────────────────────────────────────

/// What must hold for an address to be changed; each of them can be made false on its own.
#[expect(clippy::enum_variant_names, reason = "each is a sentence")]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Predicate {
    TheTokenIsOurs,
    TheSessionLives,
    TheAccountIsActive,
    TheSignInIsFresh,
    TheCodeIsRight,
    TheCodeIsInTime,
    TheCodeHasTriesLeft,
    TheCodeIsForThisPurpose,
    TheCodeIsForThisSession,
    TheCodeIsForThisAddress,
    TheAddressIsFree,
    TheOriginIsOurs,
    TheBodyIsJson,
}

use Predicate::{
    TheAccountIsActive, TheAddressIsFree, TheBodyIsJson, TheCodeHasTriesLeft,
    TheCodeIsForThisAddress, TheCodeIsForThisPurpose, TheCodeIsForThisSession, TheCodeIsInTime,
    TheCodeIsRight, TheOriginIsOurs, TheSessionLives, TheSignInIsFresh, TheTokenIsOurs,
};

const PREDICATES: [Predicate; 13] = [
    TheTokenIsOurs,
    TheSessionLives,
    TheAccountIsActive,
    TheSignInIsFresh,
    TheCodeIsRight,
    TheCodeIsInTime,
    TheCodeHasTriesLeft,
    TheCodeIsForThisPurpose,
    TheCodeIsForThisSession,
    TheCodeIsForThisAddress,
    TheAddressIsFree,
    TheOriginIsOurs,
    TheBodyIsJson,
];

/// Tries to change Ada's address with some predicates made false; whether it was changed.
async fn changes_address(falsified: &[Predicate]) -> bool {
    const NEW: &str = "new@example.com";
    let is = |predicate| !falsified.contains(&predicate);
    let world = World::with(|config| config.sessions.fresh = Span::minutes(30)).await;
    let (phone, laptop) = (world.browser(), world.browser());
    let other = world.sign_in(&phone, "ada@example.com").await;
    other.created();
    let opened = world.sign_in(&laptop, "ada@example.com").await.created();
    let cookie = "__Host-doorward_session";
    let ada = world.user("ada@example.com").await;
    if !is(TheSignInIsFresh) {
        world.advance(Span::minutes(26));
    }

    // The code.
    let asking = if is(TheCodeIsForThisSession) {
        &laptop
    } else {
        &phone
    };
    let asked_for = if is(TheCodeIsForThisAddress) {
        NEW
    } else {
        "elsewhere@example.com"
    };
    let path = if is(TheCodeIsForThisPurpose) {
        "/auth/me/email"
    } else {
        "/auth/verify"
    };
    asking
        .post(path, json!({ "email": asked_for }))
        .await
        .created();
    let mut code = world.inbox(asked_for).await.code();
    if !is(TheCodeIsRight) {
        let last = if code.ends_with('1') { "2" } else { "1" };
        code.replace_range(code.len() - 1.., last);
    }
    if !is(TheCodeHasTriesLeft) {
        for _ in 0..5 {
            let wrong = json!({ "email": NEW, "token": "00000001" });
            laptop
                .post("/auth/me/email/confirm", wrong)
                .await
                .problem(401, "invalid_code");
        }
    }

    // The world around it.
    if !is(TheAddressIsFree) {
        world.sign_in(&world.native(), NEW).await;
    }
    if !is(TheSignInIsFresh) {
        world.advance(Span::minutes(5));
    }
    if !is(TheCodeIsInTime) {
        world.advance(Span::minutes(10));
    }
    if !is(TheSessionLives) {
        // By its sibling's hand, or the server's where that one has gone stale.
        let id = opened["session"]["id"].as_str().unwrap();
        phone
            .delete(&format!("/auth/sessions/{id}"))
            .await
            .no_content();
    }
    if !is(TheAccountIsActive) {
        users::disable(world.doorward(), &ada, None, &Client::command_line())
            .await
            .unwrap();
    }
    if !is(TheTokenIsOurs) {
        let token = laptop.cookie(cookie).unwrap();
        let last = if token.ends_with('0') { "1" } else { "0" };
        laptop.set_cookie(cookie, &format!("{}{last}", &token[..token.len() - 1]));
    }

    let body = json!({ "email": NEW, "token": code }).to_string();
    let mut request = laptop.request(Method::POST, "/auth/me/email/confirm", Body::from(body));
    let kind = if is(TheBodyIsJson) {
        "application/json"
    } else {
        "text/plain"
    };
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if !is(TheOriginIsOurs) {
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        headers.insert(
            header::ORIGIN,
            HeaderValue::from_static("https://evil.example"),
        );
    }
    let reply = laptop.send(request).await;

    let account = users::find(world.doorward(), &ada).await.unwrap().unwrap();
    let changed = account.user.email.to_string() == NEW;
    assert_eq!(
        reply.status().is_success(),
        changed,
        "{falsified:?}: {reply}"
    );
    assert!(
        changed || reply.status().is_client_error(),
        "{falsified:?}: {reply}"
    );
    changed
}

/// Item 90: an address changes when everything holds, and not when any one thing does not.
#[tokio::test]
async fn a_sensitive_request_needs_every_predicate() {
    assert!(changes_address(&[]).await);
    for predicate in PREDICATES {
        assert!(!changes_address(&[predicate]).await, "{predicate:?}");
    }
}

/// Item 90: nor does one failure make up for another.
#[test]
fn no_set_of_failures_adds_up_to_success() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = proptest::test_runner::Config {
        cases: 40,
        failure_persistence: None,
        ..Default::default()
    };
    let sets = subsequence(PREDICATES.to_vec(), 2..=PREDICATES.len());
    TestRunner::new(config)
        .run(&sets, |falsified| {
            assert!(
                !runtime.block_on(changes_address(&falsified)),
                "{falsified:?}"
            );
            Ok(())
        })
        .unwrap();
}
