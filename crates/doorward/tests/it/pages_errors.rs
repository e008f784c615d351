//! Errors, for whoever looks at pages; and who gets none of them.

use axum::body::Body;
use doorward::testing::{Fault, World};
use http::{HeaderValue, Method, header};

use crate::{pages_render::reader, pages_sign_in::words};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let world = World::new().await;
    let reader = reader(&world, "de");
    let page = reader.get("/nowhere").await;
    assert_eq!(page.status(), 404);
    let html = page.text();
    assert!(html.contains("<h1>Seite nicht gefunden</h1>"), "{html}");
    let reference = html.split("<code>").nth(1).unwrap();
    assert_eq!(reference.find("</code>"), Some(24), "the request's id");

    for accept in [
        "*/*",
        "application/json, text/html",
        "application/problem+json",
        "image/*",
    ] {
        let caller = world.caller().with("accept", accept);
        caller.get("/nowhere").await.problem(404, "not_found");
    }
    for path in ["/auth", "/auth/nowhere", "/auth/me/x"] {
        reader.get(path).await.problem(404, "not_found");
    }
    reader.get("/auth/me").await.problem(401, "unauthenticated");
}

/// Items 76, 78: a form of another site is refused before anything reads it.
#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    world.sign_in(&ada, ADA).await;
    for path in [
        "/sign-in",
        "/sign-in/code",
        "/sign-in/code/resend",
        "/sign-out",
        "/account/profile",
        "/account/profile/delete",
        "/account/profile/email",
        "/account/profile/email/code",
        "/account/profile/email/code/resend",
    ] {
        for (site, origin) in [
            (Some("cross-site"), "https://evil.example"),
            (Some("same-site"), "https://evil.example.com"),
            (None, "null"),
        ] {
            let mut request =
                ada.request(Method::POST, path, Body::from("email=eve%40example.com"));
            let headers = request.headers_mut();
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(header::CONTENT_TYPE, form);
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            match site {
                Some(site) => headers.insert("sec-fetch-site", HeaderValue::from_static(site)),
                None => headers.remove("sec-fetch-site"),
            };
            let refused = ada.send(request).await;
            assert_eq!(refused.status(), 403, "{path}");
            assert!(
                refused
                    .text()
                    .contains("<h1>This page was open too long</h1>")
            );
        }
    }
    ada.get("/auth/me").await.ok();
    assert_eq!(world.inbox("eve@example.com").await.messages().len(), 0);
}

/// Item 77: pages read forms, and the API does not.
#[tokio::test]
async fn a_page_reads_its_form_and_nothing_else() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let send = async |path: &str, media: Option<&'static str>, body: String| {
        let mut request = ada.request(Method::POST, path, Body::from(body));
        if let Some(media) = media {
            let media = HeaderValue::from_static(media);
            request.headers_mut().insert(header::CONTENT_TYPE, media);
        }
        ada.send(request).await
    };
    let form = "application/x-www-form-urlencoded";
    let email = || "email=ada%40example.com".to_owned();
    for (media, body, status) in [
        (None, email(), 415),
        (Some("text/plain"), email(), 415),
        (
            Some("application/json"),
            "{\"email\":\"ada@example.com\"}".to_owned(),
            415,
        ),
        (Some("multipart/form-data; boundary=x"), email(), 415),
        (Some(form), format!("{}&role=admin", email()), 400),
        (Some(form), format!("{0}&{0}", email()), 400),
        (Some(form), "email=%ff".to_owned(), 400),
        (Some(form), String::new(), 400),
        (Some(form), format!("email={}", "a".repeat(70_000)), 413),
    ] {
        let refused = send("/sign-in", media, body).await;
        assert_eq!(refused.status(), status, "{media:?}");
        assert!(words(&refused).contains("<h1>That didn't work</h1>"));
    }
    for path in ["/auth/verify", "/auth/sessions"] {
        let refused = send(path, Some(form), email()).await;
        refused.problem(415, "invalid_request");
    }
    assert_eq!(world.mailbox().messages().len(), 0);
    let accepted = send(
        "/sign-in",
        Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
        email(),
    )
    .await;
    assert_eq!(accepted.status(), 303);
}

#[tokio::test]
async fn other_methods_are_answered_as_pages() {
    let world = World::new().await;
    let reader = reader(&world, "en");
    for (method, path) in [
        (Method::PUT, "/sign-in"),
        (Method::GET, "/sign-in/code/resend"),
        (Method::DELETE, "/"),
        (Method::TRACE, "/sign-in"),
    ] {
        let reply = reader
            .send(reader.request(method, path, Body::empty()))
            .await;
        assert_eq!(reply.status(), 405, "{path}");
        assert!(reply.text().contains("<h1>Page not found</h1>"));
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_a_page_too() {
    let world = World::new().await;
    let reader = reader(&world, "en");
    world.faults().arm("", Fault::Unavailable);
    let reply = reader.submit("/sign-in", &[("email", ADA)]).await;
    assert_eq!(reply.status(), 503, "{reply}");
    assert_eq!(reply.header("retry-after"), "1");
    assert!(reply.text().contains("<h1>Down for maintenance</h1>"));
    assert_eq!(
        reader.get("/sign-in").await.status(),
        200,
        "it asks for nothing"
    );
}

#[tokio::test]
async fn an_application_may_do_without_the_pages() {
    let world = World::with(|config| config.pages.enabled = false).await;
    let reader = reader(&world, "en");
    for path in [
        "/",
        "/sign-in",
        "/sign-out",
        "/.well-known/webauthn",
        "/assets/x.css",
    ] {
        reader.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_applications_first_page_is_its_own() {
    let world = World::new().await;
    let app = axum::Router::new()
        .route("/", axum::routing::get(async || "ours"))
        .merge(world.doorward().router());
    let reader = reader(&world, "en").at(app);
    assert_eq!(reader.get("/").await.text(), "ours");
    assert_eq!(reader.get("/sign-in").await.status(), 200);
}
