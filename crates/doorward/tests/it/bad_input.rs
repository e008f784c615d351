//! What is not what an operation asks for: refused with a word on what is wrong, and without effect.

use axum::body::Body;
use doorward::testing::{Caller, Reply, World};
use http::{HeaderValue, Method, header};
use serde_json::json;

use crate::tables;

const ADA: &str = "ada@example.com";

/// The operations that read a body.
pub(crate) const READERS: [(&str, &str); 7] = [
    ("POST", "/auth/verify"),
    ("POST", "/auth/sessions/"),
    ("POST", "/auth/passkeys/register/verify"),
    ("POST", "/auth/passkeys/authenticate/verify"),
    ("PATCH", "/auth/passkeys/AAAAAAAAAAAAAAAAAAAAAA"),
    ("PATCH", "/auth/me"),
    ("POST", "/auth/me/email"),
];

pub(crate) async fn send(
    caller: &Caller,
    method: &str,
    path: &str,
    media: Option<&str>,
    body: impl Into<Body>,
) -> Reply {
    let mut request = caller.request(method.parse().expect("a method"), path, body.into());
    if let Some(media) = media {
        let media = HeaderValue::from_str(media).expect("a media type");
        request.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    caller.send(request).await
}

pub(crate) async fn send_json(
    caller: &Caller,
    method: &str,
    path: &str,
    body: impl Into<Body>,
) -> Reply {
    send(caller, method, path, Some("application/json"), body).await
}

pub(crate) async fn signed_in(world: &World) -> Caller {
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    ada
}

/// Item 109: what is not JSON, or is JSON in two ways, is 400 everywhere and changes nothing.
#[tokio::test]
async fn what_is_not_unambiguous_json_is_refused() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(17), close.repeat(17));
    let corpus: Vec<Vec<u8>> = vec![
        b"".into(),
        b" ".into(),
        b"{".into(),
        b"}".into(),
        b"nonsense".into(),
        b"{'email':'a@example.com'}".into(),
        br#"{"email":"a@example.com",}"#.into(),
        br#"{"email":"a@example.com"} x"#.into(),
        br#"{"email":"a@example.com"}{"email":"b@example.com"}"#.into(),
        br#"{"email":"a@example.com","email":"b@example.com"}"#.into(),
        br#"{"email":"a@example.com","\u0065mail":"b@example.com"}"#.into(),
        br#"{"email":NaN}"#.into(),
        br#"{"email":-Infinity}"#.into(),
        br#"{"email":01}"#.into(),
        br#"{"email":1e999}"#.into(),
        br#"{"email":"\ud800"}"#.into(),
        br#"{"email":"\udc00\ud800"}"#.into(),
        b"{\"email\":\"\xff\xfe\"}".into(),
        b"{\"email\":\"a\0b\"}".into(),
        b"{\"email\":\"a\nb\"}".into(),
        b"\xef\xbb\xbf{}".into(),
        b"\xff\xfe{\0}\0".into(),
        b"// {}\n{}".into(),
        format!(r#"{{"x":{}}}"#, deep("[", "]")).into(),
        deep(r#"{"x":"#, "}").into(),
        "[".repeat(60_000).into(),
    ];
    let before = tables::dump(&world);

    for (method, path) in READERS {
        for body in &corpus {
            let shown = String::from_utf8_lossy(body)
                .chars()
                .take(60)
                .collect::<String>();
            let reply = send_json(&ada, method, path, body.clone()).await;
            assert_eq!(
                (reply.status().as_u16(), reply.problem_code().as_str()),
                (400, "invalid_request"),
                "{method} {path} {shown}: {reply}"
            );
        }
    }

    assert_eq!(tables::dump(&world), before);
    assert_eq!(world.panics(), 0);
}

/// JSON of the wrong shape is 422, and names the member that does not fit.
#[tokio::test]
async fn a_wrong_shape_names_its_field() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let wrong = [
        ("POST", "/auth/verify", json!({}), "email"),
        ("POST", "/auth/verify", json!({ "email": null }), "email"),
        ("POST", "/auth/verify", json!({ "email": [ADA] }), "email"),
        (
            "POST",
            "/auth/verify",
            json!({ "email": { "$ne": "" } }),
            "email",
        ),
        ("POST", "/auth/verify", json!({ "email": 7 }), "email"),
        ("POST", "/auth/verify", json!({ "Email": ADA }), "email"),
        (
            "POST",
            "/auth/verify",
            json!({ "email": ADA, "bind": "yes" }),
            "bind",
        ),
        ("POST", "/auth/verify", json!([ADA]), "body"),
        ("POST", "/auth/verify", json!(ADA), "body"),
        ("POST", "/auth/verify", json!(null), "body"),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "otp", "email": ADA }),
            "token",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "otp", "email": ADA, "token": 12_345_678 }),
            "token",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "otp", "email": ADA, "token": ["12345678"] }),
            "token",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": ["otp"], "email": ADA, "token": "12345678" }),
            "method",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "OTP", "email": ADA, "token": "12345678" }),
            "method",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "", "email": ADA, "token": "12345678" }),
            "method",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "passkey", "email": ADA, "token": "!" }),
            "token",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!({ "method": "passkey", "email": ADA, "token": "{}" }),
            "token",
        ),
        (
            "POST",
            "/auth/sessions/",
            json!(["otp", ADA, "12345678"]),
            "body",
        ),
        (
            "POST",
            "/auth/passkeys/authenticate/verify",
            json!({}),
            "id",
        ),
        (
            "POST",
            "/auth/passkeys/authenticate/verify",
            json!([]),
            "body",
        ),
        ("POST", "/auth/passkeys/register/verify", json!({}), "id"),
        (
            "POST",
            "/auth/passkeys/register/verify",
            json!({ "name": 7 }),
            "name",
        ),
        ("PATCH", "/auth/passkeys/AAAA", json!({}), "name"),
        (
            "PATCH",
            "/auth/passkeys/AAAA",
            json!({ "name": "" }),
            "name",
        ),
        (
            "PATCH",
            "/auth/passkeys/AAAA",
            json!({ "name": "x".repeat(65) }),
            "name",
        ),
        (
            "PATCH",
            "/auth/passkeys/AAAA",
            json!({ "name": "a\u{202e}b" }),
            "name",
        ),
        (
            "PATCH",
            "/auth/passkeys/AAAA",
            json!({ "name": "a\u{0}b" }),
            "name",
        ),
        ("PATCH", "/auth/me", json!({ "firstName": 7 }), "firstName"),
        (
            "PATCH",
            "/auth/me",
            json!({ "lastName": "x".repeat(65) }),
            "lastName",
        ),
        (
            "PATCH",
            "/auth/me",
            json!({ "picture": "javascript:alert(1)" }),
            "picture",
        ),
        ("PATCH", "/auth/me", json!({ "locale": "xx" }), "locale"),
        ("PATCH", "/auth/me", json!([]), "body"),
        (
            "POST",
            "/auth/me/email",
            json!({ "email": "nonsense" }),
            "email",
        ),
        (
            "POST",
            "/auth/me/email/confirm",
            json!({ "email": ADA }),
            "token",
        ),
    ];
    let before = tables::dump(&world);

    for (method, path, body, field) in wrong {
        let reply = send_json(&ada, method, path, body.to_string()).await;
        assert_eq!(
            (reply.status().as_u16(), reply.problem_code().as_str()),
            (422, "invalid_request"),
            "{method} {path} {body}: {reply}"
        );
        assert_eq!(
            reply.json()["field"],
            field,
            "{method} {path} {body}: {reply}"
        );
    }
    let reply = ada.get("/auth/me/events?cursor=nonsense").await;
    reply.problem(422, "invalid_request");
    assert_eq!(reply.json()["field"], "cursor");

    assert_eq!(tables::dump(&world), before);
}

/// Item 77: only `application/json` is JSON, whatever stands beside it.
#[tokio::test]
async fn other_media_types_are_refused() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let before = tables::dump(&world);
    let others = [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain; x=application/json"),
        Some("text/plain;application/json"),
        Some("text/plain, application/json"),
        Some("application/json, text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("multipart/form-data; boundary=application/json"),
        Some("application/json-patch+json"),
        Some("application/jsonp"),
        Some("text/json"),
        Some("application/problem+json"),
        Some("*/*"),
    ];
    for media in others {
        for (method, path) in READERS {
            let reply = send(
                &ada,
                method,
                path,
                media,
                json!({ "email": "eve@example.com" }).to_string(),
            )
            .await;
            reply.problem(415, "invalid_request");
        }
        for path in [
            "/auth/sessions/all",
            "/auth/sessions/others",
            "/auth/sessions/",
            "/auth/me",
        ] {
            send(&ada, "DELETE", path, media, "{}")
                .await
                .problem(415, "invalid_request");
        }
        for path in [
            "/auth/passkeys/register/options",
            "/auth/passkeys/authenticate/options",
        ] {
            send(&ada, "POST", path, media, "{}")
                .await
                .problem(415, "invalid_request");
        }
    }
    let mut twice = ada.request(
        Method::POST,
        "/auth/verify",
        Body::from(json!({ "email": ADA }).to_string()),
    );
    for media in ["application/json", "text/plain"] {
        twice
            .headers_mut()
            .append(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    ada.send(twice).await.problem(415, "invalid_request");
    assert_eq!(tables::dump(&world), before);

    for media in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=\"utf-8\"",
    ] {
        send(&ada, "PATCH", "/auth/me", Some(media), "{}")
            .await
            .ok();
    }
    send(
        &ada,
        "DELETE",
        "/auth/sessions/others",
        Some("application/json"),
        r#"{"id":"x"}"#,
    )
    .await
    .no_content();
}
