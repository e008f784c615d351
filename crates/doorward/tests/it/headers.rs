//! What every answer carries, and what a problem looks like.

use axum::body::Body;
use doorward::testing::{Caller, Fault, Reply, World};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

const ADA: &str = "ada@example.com";

/// An answer of every operation, with and without a session, and of what is no operation.
async fn every_answer(world: &World) -> Vec<(String, Reply)> {
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    let callers: [&Caller; 3] = [
        &world.native(),
        &browser,
        &world.native().with("authorization", "Bearer bad"),
    ];
    let mut replies = Vec::new();
    // What ends the session comes last.
    let mut operations = crate::openapi::OPERATIONS;
    operations.sort_unstable_by_key(|(method, _)| *method == "DELETE");
    let others = [
        ("GET", "/auth/nowhere"),
        ("PUT", "/auth/verify"),
        ("TRACE", "/auth/verify"),
        ("OPTIONS", "/auth/sessions/"),
        ("HEAD", "/auth/sessions/"),
    ];
    for caller in callers {
        for (method, path) in operations.into_iter().chain(others) {
            let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
            let form =
                json!({ "email": ADA, "method": "otp", "token": "12345678", "name": "Phone" });
            for body in [form.to_string(), "{".to_owned()] {
                let mut request = caller.request(method.parse().unwrap(), &path, Body::from(body));
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(header::CONTENT_TYPE, json);
                replies.push((format!("{method} {path}"), caller.send(request).await));
            }
        }
    }
    replies
}

/// Items 121, 122: over all operations, whatever they answer.
#[tokio::test]
async fn every_answer_is_private_and_inert() {
    let world = World::new().await;
    let mut statuses = std::collections::BTreeSet::new();
    for (asked, reply) in every_answer(&world).await {
        statuses.insert(reply.status().as_u16());
        assert_eq!(reply.header("cache-control"), "no-store", "{asked}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{asked}");
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'",
            "{asked}"
        );
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{asked}");
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            "same-origin",
            "{asked}"
        );
        assert_eq!(
            reply.header("strict-transport-security"),
            "max-age=63072000; includeSubDomains",
            "{asked}"
        );
        let content = match reply.status() {
            StatusCode::NO_CONTENT => "",
            status if status.is_success() => "application/json",
            _ => "application/problem+json",
        };
        assert_eq!(reply.header("content-type"), content, "{asked}: {reply}");
        for name in [
            "server",
            "x-powered-by",
            "etag",
            "last-modified",
            "expires",
            "location",
        ] {
            assert!(!reply.headers().contains_key(name), "{asked}: {name}");
        }
    }
    for status in [200, 201, 204, 400, 401, 404, 405, 422] {
        assert!(
            statuses.contains(&status),
            "{status} was not among {statuses:?}"
        );
    }
}

/// Items 121, 122: what is no part of the API carries them too; of pages see `pages_render.rs`.
#[tokio::test]
async fn other_paths_carry_the_same_headers() {
    let world = World::with(|config| config.public_url = "http://localhost:8700".into()).await;
    let types = [
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
        ("/openapi.json", "application/json"),
        ("/dev/mailbox.json", "application/json"),
        ("/nowhere", "application/problem+json"),
    ];
    for (path, content) in types {
        let reply = world.native().get(path).await;
        assert_eq!(reply.header("content-type"), content, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            reply
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            !reply.headers().contains_key("strict-transport-security"),
            "plain http has no HSTS"
        );
    }
}

/// Every refusal is a problem with all its members, at home at the reference page.
#[tokio::test]
async fn every_refusal_is_a_problem() {
    let world = World::new().await;
    let mut ids = std::collections::HashSet::new();
    let refused = every_answer(&world)
        .await
        .into_iter()
        .filter(|(asked, reply)| !reply.status().is_success() && !asked.starts_with("HEAD"));
    for (asked, reply) in refused {
        let problem = reply.json();
        let code = problem["code"].as_str().unwrap();
        assert!(
            doorward::ANSWERS.contains(&(reply.status().as_u16(), code)),
            "{asked}: {reply}"
        );
        assert_eq!(
            problem["type"],
            format!("https://auth.example.com/docs#error-{code}")
        );
        assert_eq!(problem["title"], reply.status().canonical_reason().unwrap());
        assert_eq!(problem["status"], reply.status().as_u16());
        let message = problem["message"].as_str().unwrap();
        assert!(
            message.ends_with('.') && message.starts_with(char::is_uppercase),
            "{asked}: {message:?}"
        );
        assert!(
            ids.insert(problem["requestId"].as_str().unwrap().to_owned()),
            "a name of its own"
        );
        assert_eq!(
            problem.get("field").is_some(),
            reply.status() == 422,
            "{asked}: {reply}"
        );
        let challenge = if reply.status() == 401 { "Bearer" } else { "" };
        assert_eq!(reply.header("www-authenticate"), challenge);
    }
    assert!(ids.len() > 50, "{}", ids.len());
}

/// Messages are in the language that the caller prefers, of those that there are; codes are not.
#[tokio::test]
async fn messages_come_in_german_where_that_is_preferred() {
    let world = World::new().await;
    let english = world.native();
    let german = world
        .native()
        .with("accept-language", "fr-CH, de-AT;q=0.9, en;q=0.5");
    let long = json!({ "email": "a".repeat(70_000) }).to_string();
    let refusals = [
        ("POST", "/auth/verify", "{".to_owned()),
        (
            "POST",
            "/auth/verify",
            json!({ "email": "nonsense" }).to_string(),
        ),
        ("POST", "/auth/verify", json!({ "email": 7 }).to_string()),
        ("POST", "/auth/verify", json!({}).to_string()),
        ("POST", "/auth/verify", long),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "magic", "email": ADA, "token": "1" }).to_string(),
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "otp", "email": ADA, "token": "12345678" }).to_string(),
        ),
        ("GET", "/auth/sessions/", String::new()),
        ("GET", "/auth/nowhere", String::new()),
        ("PUT", "/auth/verify", String::new()),
    ];
    for (method, path, body) in refusals {
        let mut problems = Vec::new();
        for caller in [&english, &german] {
            let mut request =
                caller.request(method.parse().unwrap(), path, Body::from(body.clone()));
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            problems.push(caller.send(request).await.json());
        }
        assert_eq!(problems[0]["code"], problems[1]["code"]);
        assert_eq!(problems[0]["field"], problems[1]["field"]);
        assert_ne!(
            problems[0]["message"], problems[1]["message"],
            "{}",
            problems[0]
        );
    }
    let unauthenticated = german.get("/auth/sessions/").await.json();
    assert_eq!(
        unauthenticated["message"],
        "Melden Sie sich an, um fortzufahren."
    );
    let mail = german
        .post("/auth/verify", json!({ "email": "nonsense" }))
        .await
        .json();
    assert_eq!(
        mail["message"],
        "Geben Sie eine E-Mail-Adresse wie name@example.com ein."
    );
}

/// Item 102: a spent budget says when it is worth trying again, in the body and as a header.
#[tokio::test]
async fn a_spent_budget_says_when_to_come_back() {
    let world = World::new().await;
    let ada = world.native();
    ada.post("/auth/verify", json!({ "email": ADA }))
        .await
        .created();
    world.advance(doorward::Span::seconds(10));

    let refused = ada.post("/auth/verify", json!({ "email": ADA })).await;

    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(refused.json()["retryAfter"], 20);
}

/// An unreachable database is 503, with a word on when to try again; an error of ours is 500, without a word on why.
#[tokio::test]
async fn our_troubles_are_told_without_their_causes() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    ada.get("/auth/me").await.ok();

    world.faults().arm("select", Fault::Unavailable);
    for path in [
        "/auth/sessions/",
        "/auth/passkeys/",
        "/auth/me/events",
        "/readyz",
    ] {
        let reply = ada.get(path).await;
        reply.problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert!(!reply.text().contains("fault"), "{reply}");
    }
    world.faults().arm("select", Fault::Panic);
    let reply = ada.get("/auth/sessions/").await;
    reply.problem(500, "internal");
    assert!(
        !reply.text().contains("panic") && !reply.text().contains("fault"),
        "{reply}"
    );
    assert_eq!(reply.header("cache-control"), "no-store");
    world.faults().clear();

    assert_eq!(world.panics(), 1);
    ada.get("/auth/sessions/").await.ok();
}

/// Item 123: the routes say nothing of what they are made of.
#[tokio::test]
async fn metrics_are_not_served_beside_the_api() {
    let world = World::new().await;
    for path in [
        "/metrics",
        "/auth/metrics",
        "/debug",
        "/.git/config",
        "/actuator",
    ] {
        world.native().get(path).await.problem(404, "not_found");
    }
    let version = env!("CARGO_PKG_VERSION");
    for (asked, reply) in every_answer(&world).await {
        let text = format!("{:?}{}", reply.headers(), reply.text()).to_lowercase();
        for word in [
            "sqlite",
            "select ",
            "insert ",
            "axum",
            "hyper",
            "serde",
            "panicked",
            "src/",
            ".rs",
            "stack backtrace",
            version,
        ] {
            assert!(!text.contains(word), "{asked} says {word}: {text}");
        }
    }
    let method = Method::from_bytes(b"TRACE").unwrap();
    let caller = world.native().with("x-secret", "echo");
    let reply = caller
        .send(caller.request(method, "/auth/sessions/", Body::empty()))
        .await;
    assert!(!reply.shows("echo"));
}
