//! Paths, methods and their odd relatives: what answers where, and what is never done.

use axum::body::Body;
use doorward::testing::{Authenticator, Caller, Reply, World};
use http::{HeaderValue, Method, header};
use serde_json::json;

use crate::{openapi::OPERATIONS, tables};

const ADA: &str = "ada@example.com";

async fn ask(caller: &Caller, method: &str, path: &str, body: &str) -> Reply {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = caller.request(method, path, Body::from(body.to_owned()));
    if !body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    caller.send(request).await
}

fn concrete(path: &str) -> String {
    path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA")
}

/// A path and the same with a slash at its end are one operation; neither redirects to the other.
#[tokio::test]
async fn every_path_answers_with_and_without_a_slash_at_its_end() {
    let world = World::new().await;
    let nobody = world.native();
    for (method, path) in OPERATIONS {
        let path = concrete(path);
        let bare = path.trim_end_matches('/');

        let without = ask(&nobody, method, bare, "{}").await;
        let with = ask(&nobody, method, &format!("{bare}/"), "{}").await;

        let name = format!("{method} {path}");
        assert_ne!(without.status(), 404, "{name}");
        assert_ne!(without.status(), 405, "{name}");
        assert_eq!(without.status(), with.status(), "{name}");
        assert_eq!(without.problem_code(), with.problem_code(), "{name}");
        assert!(!without.status().is_redirection(), "{name}");
    }
}

/// Item 123: methods that a path does not have, that nobody has, and that echo.
#[tokio::test]
async fn methods_that_a_path_does_not_have_are_refused() {
    let world = World::new().await;
    let nobody = world.native();
    for (_, path) in OPERATIONS {
        let known: Vec<_> = OPERATIONS
            .iter()
            .filter(|(_, other)| *other == path)
            .map(|(method, _)| *method)
            .collect();
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND",
            "get", "X",
        ] {
            if known.contains(&method) {
                continue;
            }
            let reply = ask(&nobody, method, &concrete(path), "").await;

            reply.problem(405, "invalid_request");
            let mut allowed: Vec<_> = reply
                .header("allow")
                .split(',')
                .filter(|name| *name != "HEAD")
                .collect();
            allowed.sort_unstable();
            let mut expected = known.clone();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{method} {path}: RFC 9110 §15.5.6");
        }
    }
    for method in ["TRACE", "CONNECT", "PROPFIND", "X"] {
        for path in [
            "/auth/nowhere",
            "/nowhere",
            "/",
            "/healthz",
            "/openapi.json",
        ] {
            ask(&nobody, method, path, "")
                .await
                .problem(405, "invalid_request");
        }
    }
}

/// Item 123: what is nowhere is a problem like any other.
#[tokio::test]
async fn paths_that_are_nowhere_are_not_found() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    for path in [
        "/auth",
        "/auth/",
        "/auth/nowhere",
        "/auth/sessions/current/nothing",
        "/auth/sessions//current",
        "/AUTH/sessions",
        "/auth/%73essions/x/y",
        "/auth/../auth/sessions/x/y",
        "/auth/verify/x",
        "//auth/verify",
        "/index.php",
        "/%00",
        "/%ff",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            ask(&browser, method, path, "")
                .await
                .problem(404, "not_found");
        }
    }
}

/// `HEAD` is `GET` without the body; where there is no `GET` there is no `HEAD`.
#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    for (_, path) in OPERATIONS {
        let path = concrete(path);
        let get = ask(&browser, "GET", &path, "").await;
        let head = ask(&browser, "HEAD", &path, "").await;

        assert_eq!(get.status(), head.status(), "{path}");
        if get.status() == 200 {
            assert!(head.body().is_empty(), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"));
        }
    }
}

/// Item 79: whatever is asked with a safe method, with a session or without, changes nothing.
#[tokio::test]
async fn safe_methods_change_nothing() {
    let world = World::new().await;
    let mut authenticator = Authenticator::new(1);
    let (browser, stale, planted, nobody) = (
        world.browser(),
        world.native(),
        world.browser(),
        world.native(),
    );
    world.sign_in(&stale, ADA).await;
    stale.delete("/auth/sessions").await.no_content();
    let signed_in = world.sign_in(&browser, ADA).await.json();
    let passkey = world.add_passkey(&browser, &mut authenticator).await.json();
    let token = browser.cookie("__Host-doorward_session").unwrap();
    planted.set_cookie(
        "__Host-doorward_session",
        &format!("{token}; __Host-doorward_session={token}"),
    );
    let (session, credential) = (
        signed_in["session"]["id"].as_str().unwrap(),
        passkey["id"].as_str().unwrap(),
    );
    world.inbox(ADA).await;
    let before = tables::dump(&world);
    let mut asked = 0;

    for caller in [&browser, &stale, &planted, &nobody] {
        for (_, path) in OPERATIONS {
            for id in [session, credential, "AAAAAAAAAAAAAAAAAAAAAA"] {
                for suffix in [
                    "",
                    "/",
                    "?cursor=x",
                    "?_method=DELETE",
                    "?email=eve@example.com&role=admin",
                ] {
                    let path = format!("{}{suffix}", path.replace("{id}", id));
                    for method in ["GET", "HEAD", "OPTIONS"] {
                        ask(caller, method, &path, r#"{"email":"eve@example.com"}"#).await;
                        asked += 1;
                    }
                }
            }
        }
        for path in [
            "/openapi.json",
            "/healthz",
            "/readyz",
            "/dev/mailbox",
            "/auth/nowhere",
        ] {
            ask(caller, "GET", path, "").await;
        }
    }

    assert!(asked > 3000, "{asked}");
    world.doorward().flush().await.unwrap();
    assert_eq!(tables::dump(&world), before);
    assert!(world.mailbox().to("eve@example.com").is_empty());
}

/// Item 79: the method is the request's own, whatever a header, a query or a body says of another.
#[tokio::test]
async fn a_method_cannot_be_overridden() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    let before = tables::dump(&world);
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        for method in ["DELETE", "PATCH", "POST"] {
            let caller = world.browser().with(name, method);
            caller.set_cookie(
                "__Host-doorward_session",
                &browser.cookie("__Host-doorward_session").unwrap(),
            );
            for path in ["/auth/me", "/auth/sessions/", "/auth/me?_method=DELETE"] {
                ask(
                    &caller,
                    "GET",
                    path,
                    r#"{"_method":"DELETE","firstName":"x"}"#,
                )
                .await
                .ok();
            }
            ask(&caller, "GET", "/auth/sessions/all", "")
                .await
                .problem(405, "invalid_request");
            ask(&caller, "POST", "/auth/sessions/all", "")
                .await
                .problem(405, "invalid_request");
        }
    }
    assert_eq!(tables::dump(&world), before);
}

/// Item 112: nobody is sent anywhere, whatever they ask for.
#[tokio::test]
async fn nothing_redirects_to_what_a_request_names() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    for target in [
        "//evil.example",
        "%5Cevil.example",
        "https:evil.example",
        "https://evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
    ] {
        for name in [
            "return_to",
            "returnTo",
            "redirect",
            "redirect_uri",
            "next",
            "url",
            "continue",
        ] {
            for (method, path) in OPERATIONS {
                if method == "DELETE" {
                    continue;
                }
                let path = format!("{}?{name}={target}", concrete(path));
                let body = json!({ name: target }).to_string();
                let caller = world
                    .browser()
                    .with("referer", "https://evil.example/")
                    .with("x-original-url", "//evil.example");
                let reply = ask(&caller, method, &path, &body).await;

                assert!(!reply.status().is_redirection(), "{method} {path}");
                assert!(
                    !reply.headers().contains_key(header::LOCATION),
                    "{method} {path}"
                );
                assert!(!reply.shows("evil.example"), "{method} {path}: {reply}");
            }
        }
    }
    for path in [
        "//evil.example",
        "/%5Cevil.example",
        "//evil.example/auth/sessions/",
    ] {
        let reply = ask(&browser, "GET", path, "").await;
        reply.problem(404, "not_found");
        assert!(!reply.headers().contains_key(header::LOCATION));
    }
}

/// What a request says of its host is used for nothing.
#[tokio::test]
async fn the_host_that_a_request_names_is_used_for_nothing() {
    let world = World::new().await;
    let plain = world.native();
    let lying = world
        .native()
        .with("host", "evil.example")
        .with("x-forwarded-host", "evil.example")
        .with("x-forwarded-proto", "http")
        .with("forwarded", "host=evil.example;proto=http");
    for path in ["/openapi.json", "/auth/nowhere", "/auth/sessions/"] {
        let strip = |reply: Reply| {
            let mut json = reply.json();
            json["requestId"].take();
            json
        };
        assert_eq!(strip(plain.get(path).await), strip(lying.get(path).await));
    }
    let signed_in = world.sign_in(&lying, ADA).await;
    assert!(signed_in.cookies()[0].starts_with("__Host-doorward_session="));
    assert!(signed_in.cookies()[0].contains("; Secure;"));
    let mail = world.inbox(ADA).await;
    assert!(
        mail.messages()
            .iter()
            .all(|message| !message.text.contains("evil") && !message.html.contains("evil"))
    );
}
