//! Requests from other origins: what is refused, and what a listed origin may read.

use axum::{Router, routing::post};
use doorward::{
    CurrentUser,
    testing::{Authenticator, ORIGIN, Reply, World},
};
use http::Method;
use serde_json::json;

use crate::tables;

const ADA: &str = "ada@example.com";
const LISTED: &str = "https://app.example.com:8443";

/// Spellings that are not the listed origin, however much they look like it.
const TRICKS: [&str; 14] = [
    "null",
    "*",
    "https://app.example.com",
    "https://app.example.com:844",
    "https://app.example.com:84430",
    "http://app.example.com:8443",
    "https://APP.example.com:8443",
    "https://app.example.com:8443/",
    "https://app.example.com:8443.evil.example",
    "https://app.example.com:8443@evil.example",
    "https://evilapp.example.com:8443",
    "https://sub.app.example.com:8443",
    "https://auth.example.com.evil.example",
    "https://evil.example/https://app.example.com:8443",
];

async fn with_listed() -> World {
    World::with(|config| config.origins = vec![LISTED.into()]).await
}

fn cors_headers(reply: &Reply) -> Vec<&str> {
    let names = reply.headers().keys().map(http::HeaderName::as_str);
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

/// Item 76: a handler of an application that Doorward is mounted in is no way around.
#[tokio::test]
async fn handlers_of_an_application_are_covered_too() {
    let world = with_listed().await;
    let act = async |user: CurrentUser| user.user().email.to_string();
    let app = Router::new()
        .route("/act", post(act).get(act))
        .with_state(world.doorward().clone());
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    let cookie = browser.cookie("__Host-doorward_session").unwrap();
    let from = |site: &str, origin: &str| {
        let caller = world.caller().at(app.clone());
        caller.set_cookie("__Host-doorward_session", &cookie);
        caller.with("sec-fetch-site", site).with("origin", origin)
    };

    for (site, origin) in [
        ("same-site", "https://app.example.com"),
        ("cross-site", "https://evil.example"),
        ("same-site", "null"),
    ] {
        let forged = from(site, origin).post("/act", ()).await;
        forged.problem(403, "cross_origin");
        assert_eq!(from(site, origin).get("/act").await.status(), 200);
    }
    for (site, origin) in [("same-origin", ORIGIN), ("same-site", LISTED)] {
        assert_eq!(from(site, origin).post("/act", ()).await.status(), 200);
    }
    let native = world.native();
    world.sign_in(&native, ADA).await;
    assert_eq!(native.at(app).post("/act", ()).await.status(), 200);
}

/// Item 76: the whole matrix of what a browser says, for a request with a cookie.
#[tokio::test]
async fn unsafe_requests_pass_only_from_where_they_should() {
    let world = with_listed().await;
    let sites = [
        None,
        Some("same-origin"),
        Some("none"),
        Some("same-site"),
        Some("cross-site"),
        Some("Same-Origin"),
        Some("nonsense"),
    ];
    let mut origins = vec![None, Some(ORIGIN), Some(LISTED)];
    origins.extend(TRICKS.map(Some));
    origins.extend(
        [
            "https://AUTH.example.com",
            "https://auth.example.com:443",
            "http://auth.example.com",
        ]
        .map(Some),
    );
    for site in sites {
        for origin in &origins {
            let listed = matches!(origin, Some(ORIGIN | LISTED));
            let passes = match (site, origin) {
                (Some("same-origin" | "none"), _) | (None, None) => true,
                _ => listed,
            };
            let mut caller = world.caller();
            if let Some(site) = site {
                caller = caller.with("sec-fetch-site", site);
            }
            if let Some(origin) = origin {
                caller = caller.with("origin", origin);
            }

            let reply = caller.delete("/auth/sessions/").await;

            if passes {
                reply.no_content();
            } else {
                reply.problem(403, "cross_origin");
            }
            caller.get("/auth/sessions/current").await.no_content();
        }
    }
}

/// Item 76: whoever says two things about where a request comes from has said nothing.
#[tokio::test]
async fn repeated_words_on_the_origin_are_refused() {
    let world = with_listed().await;
    for name in ["origin", "sec-fetch-site"] {
        let caller = world.browser();
        let mut request =
            caller.request(Method::DELETE, "/auth/sessions/", axum::body::Body::empty());
        let again = request.headers()[name].clone();
        request
            .headers_mut()
            .append(http::HeaderName::from_static(name), again);
        caller.send(request).await.problem(403, "cross_origin");
    }
}

/// Item 78: a page elsewhere can neither sign a visitor in as its owner, nor ask for mail, nor sign anyone out.
#[tokio::test]
async fn another_site_cannot_sign_a_visitor_in_or_out() {
    let world = with_listed().await;
    let attacker = world.native();
    let mut authenticator = Authenticator::new(1);
    world.sign_in(&attacker, "mallory@example.com").await;
    world.add_passkey(&attacker, &mut authenticator).await;
    world.advance(doorward::Span::seconds(30));
    attacker
        .post("/auth/verify", json!({ "email": "mallory@example.com" }))
        .await
        .created();
    let code = world.inbox("mallory@example.com").await.code();
    let options = attacker
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let assertion = authenticator.get(&options, ORIGIN);
    let victim = world.browser();
    world.sign_in(&victim, ADA).await;
    let session = victim.cookie("__Host-doorward_session").unwrap();
    let before = tables::dump(&world);

    for site in ["cross-site", "same-site"] {
        let page = world
            .caller()
            .with("sec-fetch-site", site)
            .with("origin", "https://evil.example");
        page.set_cookie("__Host-doorward_session", &session);
        let form = json!({ "method": "otp", "email": "mallory@example.com", "token": code });
        let bodies = [
            ("/auth/sessions/", form),
            (
                "/auth/sessions/",
                json!({ "method": "passkey", "email": "mallory@example.com", "token": assertion.to_string() }),
            ),
            ("/auth/passkeys/authenticate/verify", assertion.clone()),
            ("/auth/passkeys/authenticate/options", json!({})),
            ("/auth/passkeys/register/options", json!({})),
            ("/auth/verify", json!({ "email": ADA })),
            ("/auth/me/email", json!({ "email": "mallory@example.com" })),
        ];
        for (path, body) in bodies {
            page.post(path, body).await.problem(403, "cross_origin");
        }
        for path in [
            "/auth/sessions/",
            "/auth/sessions/all",
            "/auth/sessions/others",
            "/auth/me",
        ] {
            page.delete(path).await.problem(403, "cross_origin");
        }
        page.patch("/auth/me", json!({ "firstName": "Mallory" }))
            .await
            .problem(403, "cross_origin");
        assert_eq!(
            page.cookie("__Host-doorward_session"),
            Some(session.clone())
        );
    }

    assert_eq!(tables::dump(&world), before);
    victim.get("/auth/me").await.ok();
}

/// Item 80: by default no page elsewhere may read anything, nor is it told why.
#[tokio::test]
async fn without_listed_origins_there_are_no_cors_headers() {
    let world = World::new().await;
    for origin in [ORIGIN, LISTED, "null", "https://evil.example"] {
        let page = world.caller().with("origin", origin);
        for reply in [
            page.get("/auth/sessions/current").await,
            page.get("/auth/sessions/").await,
            page.get("/nowhere").await,
            page.post("/auth/verify", "{").await,
        ] {
            assert!(
                cors_headers(&reply).is_empty(),
                "{origin}: {:?}",
                reply.headers()
            );
        }
        let preflight = world
            .caller()
            .with("origin", origin)
            .with("access-control-request-method", "POST");
        let asked = preflight
            .send(preflight.request(Method::OPTIONS, "/auth/verify", axum::body::Body::empty()))
            .await;
        let granted = asked.headers().contains_key("access-control-allow-origin");
        assert!(!granted, "{origin}");
    }
}

/// Item 80: a listed origin may read with credentials, by its exact name; no other, and no answer is shared by caches.
#[tokio::test]
async fn only_a_listed_origin_may_read_answers() {
    let world = with_listed().await;
    let page = world
        .caller()
        .with("origin", LISTED)
        .with("sec-fetch-site", "same-site");
    let replies = [
        world.sign_in(&page, ADA).await,
        page.get("/auth/sessions/").await,
        page.get("/auth/nowhere").await,
        page.get("/nowhere").await,
        page.post("/auth/verify", "{").await,
        page.delete("/auth/sessions/").await,
    ];
    for reply in &replies {
        assert_eq!(reply.header("access-control-allow-origin"), LISTED);
        assert_eq!(reply.header("access-control-allow-credentials"), "true");
        assert_eq!(reply.header("access-control-expose-headers"), "Retry-After");
        assert_eq!(reply.header("vary"), "Origin, Sec-Fetch-Site");
    }

    for origin in TRICKS.into_iter().chain(["https://evil.example"]) {
        let other = world.caller().with("origin", origin);
        for reply in [
            other.get("/auth/sessions/current").await,
            other.get("/nowhere").await,
            other.delete("/auth/sessions/").await,
        ] {
            assert!(
                cors_headers(&reply).is_empty(),
                "{origin}: {:?}",
                reply.headers()
            );
            assert_eq!(reply.header("vary"), "Origin, Sec-Fetch-Site");
        }
    }
    let nobody = world.native().get("/auth/sessions/current").await;
    assert!(cors_headers(&nobody).is_empty());
    assert_eq!(nobody.header("vary"), "Origin, Sec-Fetch-Site");
}

/// Item 80: the question before the real request is answered for listed origins only.
#[tokio::test]
async fn a_preflight_is_answered_for_listed_origins_only() {
    let world = with_listed().await;
    let ask = async |origin: &str, path: &str| {
        let page = world
            .caller()
            .with("origin", origin)
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "content-type");
        page.send(page.request(Method::OPTIONS, path, axum::body::Body::empty()))
            .await
    };
    for (_, path) in crate::openapi::OPERATIONS {
        let answer = ask(LISTED, &path.replace("{id}", "x")).await;
        answer.no_content();
        assert_eq!(answer.header("access-control-allow-origin"), LISTED);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, POST, PATCH, DELETE"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "authorization, content-type"
        );
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert_eq!(answer.header("vary"), "Origin, Sec-Fetch-Site");
        assert!(answer.cookies().is_empty());
    }
    for origin in TRICKS {
        let answer = ask(origin, "/auth/verify").await;
        answer.problem(405, "invalid_request");
        assert!(
            cors_headers(&answer).is_empty(),
            "{origin}: {:?}",
            answer.headers()
        );
    }
}
