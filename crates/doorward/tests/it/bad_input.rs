//! What is not what an operation asks for: refused with a word on what is wrong, and without effect.

use axum::body::{Body, Bytes};
use doorward::testing::{Authenticator, Caller, ORIGIN, Reply, World};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::tables;

const ADA: &str = "ada@example.com";

/// The operations that read a body.
const READERS: [(&str, &str); 7] = [
    ("POST", "/auth/verify"),
    ("POST", "/auth/sessions/"),
    ("POST", "/auth/passkeys/register/verify"),
    ("POST", "/auth/passkeys/authenticate/verify"),
    ("PATCH", "/auth/passkeys/AAAAAAAAAAAAAAAAAAAAAA"),
    ("PATCH", "/auth/me"),
    ("POST", "/auth/me/email"),
];

async fn send(
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

async fn send_json(caller: &Caller, method: &str, path: &str, body: impl Into<Body>) -> Reply {
    send(caller, method, path, Some("application/json"), body).await
}

async fn signed_in(world: &World) -> Caller {
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

/// Items 14, 105: a body over 64 KiB is refused everywhere, before it is read to its end.
#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let before = tables::dump(&world);
    let large =
        json!({ "email": "a".repeat(2 * 1024 * 1024), "token": "x", "method": "otp" }).to_string();
    for (method, path) in crate::openapi::OPERATIONS {
        let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
        if method != "GET" {
            send_json(&ada, method, &path, large.clone())
                .await
                .problem(413, "too_large");
        }
    }
    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024]))
    });
    for (method, path) in READERS {
        send_json(&ada, method, path, Body::from_stream(endless.clone()))
            .await
            .problem(413, "too_large");
    }
    assert_eq!(tables::dump(&world), before);

    let fits = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    send_json(&ada, "PATCH", "/auth/me", fits(64 * 1024))
        .await
        .ok();
    send_json(&ada, "PATCH", "/auth/me", fits(64 * 1024 + 1))
        .await
        .problem(413, "too_large");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of the paused runtime, which the limit on bodies is measured by"
)]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Item 105: a body that does not come is not waited for for long; one that breaks off is refused.
#[tokio::test(start_paused = true)]
async fn bodies_that_do_not_come_are_not_waited_for() {
    let world = World::new().await;
    let nobody = world.native();
    let started = now();
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(never))
        .await
        .problem(400, "invalid_request");
    let waited = started.elapsed();
    assert!((10..11).contains(&waited.as_secs()), "{waited:?}");

    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
    });
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(drip))
        .await
        .problem(400, "invalid_request");
    assert!(
        started.elapsed().as_secs() < 22,
        "one byte a second buys no more time"
    );

    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"email\":")),
        Err(std::io::Error::other("reset")),
    ]);
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(broken))
        .await
        .problem(400, "invalid_request");
}

/// Items 14, 107, 108: what is not one plain address is refused by name, counts nowhere and is mailed nowhere.
#[tokio::test]
async fn absurd_addresses_are_refused_and_count_for_nothing() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    world.inbox(ADA).await;
    let mail = world.mailbox().messages().len();
    let before = tables::dump(&world);
    let compares = world.code_compares();
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("a@{}example.com", "a.".repeat(130));
    let megabyte = "a".repeat(60_000);
    let absurd = [
        "",
        " ",
        "@",
        "a",
        "a@",
        "@example.com",
        "a@b",
        "a@@example.com",
        "a@b@example.com",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "a@example.com\nbcc:b@example.com",
        "a@example.com\r\nb",
        "a\0@example.com",
        "a\t@example.com",
        "a@exam\tple.com",
        "\"a\"@example.com",
        "\"a@evil.example\"@example.com",
        "a(comment)@example.com",
        "Ada <a@example.com>",
        "<a@example.com>",
        "@evil.example:a@example.com",
        "evil.example!a@example.com",
        "a%evil.example@example.com",
        "=?utf-8?q?a=40evil.example?=@example.com",
        "a=?x@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@example.com.",
        "a@.example.com",
        "a@-example.com",
        "a@example-.com",
        "a@exa_mple.com",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@[IPv6:::1]",
        "a@localhost",
        "ä@example.com",
        "\u{131}@example.com",
        "\u{212a}@example.com",
        "ａ@example.com",
        "a\u{200b}@example.com",
        "a@exam\u{ad}ple.com",
        "a@exam\u{200b}ple.com",
        "a\u{202e}@example.com",
        "a@xn--example.com",
        "a@xn--a.com",
        "a@xn--.com",
        &long_local,
        &long,
        &megabyte,
    ];

    for address in absurd {
        let shown: String = address.chars().take(60).collect();
        for (path, body) in [
            ("/auth/verify", json!({ "email": address })),
            (
                "/auth/sessions/",
                json!({ "email": address, "method": "otp", "token": "12345678" }),
            ),
            (
                "/auth/sessions/",
                json!({ "email": address, "method": "passkey", "token": "{}" }),
            ),
            ("/auth/me/email", json!({ "email": address })),
            (
                "/auth/me/email/confirm",
                json!({ "email": address, "token": "12345678" }),
            ),
        ] {
            let reply = ada.post(path, body).await;
            assert_eq!(
                (reply.status().as_u16(), reply.problem_code().as_str()),
                (422, "invalid_request"),
                "{path} {shown:?}: {reply}"
            );
            let problem = reply.json();
            assert_eq!(problem["field"], "email", "{shown:?}");
            assert_eq!(
                problem["message"],
                "Enter an email address like name@example.com."
            );
        }
    }

    assert_eq!(
        tables::dump(&world),
        before,
        "nothing counted, nothing written"
    );
    assert_eq!(world.code_compares(), compares);
    world.inbox(ADA).await;
    assert_eq!(world.mailbox().messages().len(), mail);
}

/// Item 108: spellings of one address are one account, and different addresses never are.
#[tokio::test]
async fn spellings_of_an_address_are_one_account() {
    let world = World::new().await;
    let groups = [
        vec![
            "mike@example.com",
            "MIKE@EXAMPLE.COM",
            " mike@Example.com\t",
        ],
        vec!["m.ike@example.com"],
        vec!["mike+x@example.com"],
        vec![
            "mike@bücher.example",
            "mike@BÜCHER.example",
            "mike@xn--bcher-kva.example",
        ],
        vec!["mike@faß.example", "mike@xn--fa-hia.example"],
        vec!["mike@fass.example"],
    ];
    let mut accounts = std::collections::HashSet::new();
    for group in groups {
        let mut ids = std::collections::HashSet::new();
        for spelling in group {
            let caller = world.native();
            let signed_in = world.sign_in(&caller, spelling).await.json();
            ids.insert(signed_in["user"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert!(accounts.insert(ids.into_iter().next().unwrap()));
    }
}

/// Item 110: an id that does not look like one is refused before the database hears of it, and is never more than a value.
#[tokio::test]
async fn ids_that_are_none_reach_no_statement() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let mut authenticator = Authenticator::new(1);
    world.add_passkey(&ada, &mut authenticator).await;
    let ten_kilobytes = "A".repeat(10_000);
    let corpus = [
        "'",
        "'%20or%20'1'='1",
        "1;drop%20table%20users",
        "%27%3B--",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAA%00",
        "%ff%fe",
        "..%2f..%2f",
        "%2e%2e",
        "*",
        "%25",
        "_",
        "-1",
        "0",
        "null",
        "undefined",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "a%20b",
        "%F0%9F%94%91",
        &ten_kilobytes,
    ];
    let before = tables::dump(&world);
    ada.get("/auth/me").await.ok();
    let statements = world.statements();

    for id in corpus {
        let sessions = send(&ada, "DELETE", &format!("/auth/sessions/{id}"), None, "").await;
        assert!(
            [204, 404].contains(&sessions.status().as_u16()),
            "{id}: {sessions}"
        );
    }
    for cursor in ["'", "1;drop", "%00", "AAAA", ten_kilobytes.as_str()] {
        ada.get(&format!("/auth/me/events?cursor={cursor}"))
            .await
            .problem(422, "invalid_request");
    }
    assert_eq!(world.statements(), statements);

    for id in [
        "'",
        "'%20or%20'1'='1",
        "%00",
        "%ff%fe",
        "a%20b",
        &ten_kilobytes,
    ] {
        for (method, body) in [("PATCH", r#"{"name":"x"}"#), ("DELETE", "")] {
            let media = (!body.is_empty()).then_some("application/json");
            let reply = send(&ada, method, &format!("/auth/passkeys/{id}"), media, body).await;
            reply.problem(404, "not_found");
        }
    }
    assert_eq!(tables::dump(&world), before);
}

/// Item 110: text that means something to SQL is kept and told as text.
#[tokio::test]
async fn values_that_look_like_sql_are_values() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    for name in [
        "Robert'); drop table users;--",
        "\" or 1=1 --",
        "$1",
        "?1",
        ":now",
        "%_\\",
    ] {
        let me = ada
            .patch("/auth/me", json!({ "firstName": name }))
            .await
            .ok();
        assert_eq!(me["firstName"], name);
        assert_eq!(ada.get("/auth/me").await.ok()["firstName"], name);
    }
    let agent = "Mozilla'); drop table sessions;--";
    let other = world.native().with("user-agent", agent);
    world.sign_in(&other, ADA).await;
    assert_eq!(
        other.get("/auth/sessions/").await.ok()[0]["userAgent"],
        agent
    );
}

/// Members that no form has, with values that would be worth having.
fn with_extras(mut body: Value) -> Value {
    let extras = json!({
        "role": "admin", "roles": ["admin"], "permissions": ["*"], "isAdmin": true, "admin": true, "verified": true, "emailVerified": true,
        "userId": "AAAAAAAAAAAAAAAAAAAAAA", "user_id": "AAAAAAAAAAAAAAAAAAAAAA", "user": { "id": "AAAAAAAAAAAAAAAAAAAAAA" }, "status": 0,
        "aal": 2, "authEpoch": 9, "createdAt": "2000-01-01T00:00:00.000Z", "expiresAt": "2099-01-01T00:00:00.000Z", "expires_at": 9_999_999_999_999_i64,
        "__proto__": { "role": "admin" }, "constructor": { "prototype": { "role": "admin" } }, "challenge": "AAAA", "signCount": 7,
        "userVerified": true, "backedUp": true, "publicKey": "AAAA", "sessionId": "AAAAAAAAAAAAAAAAAAAAAA", "disabled": false
    });
    let members = body.as_object_mut().expect("an object");
    for (name, value) in extras.as_object().expect("an object") {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
    body
}

/// Does all that has a body, each body passed through `dress`, and answers what became of the tables.
async fn life(dress: impl Fn(Value) -> Value) -> std::collections::BTreeMap<String, Vec<String>> {
    let world = World::new().await;
    let ada = world.native();
    let mut authenticator = Authenticator::new(1);
    ada.post("/auth/verify", dress(json!({ "email": ADA })))
        .await
        .created();
    let code = world.inbox(ADA).await.code();
    let form = json!({ "method": "otp", "email": ADA, "token": code });
    ada.post("/auth/sessions/", dress(form)).await.created();
    let options = ada
        .post("/auth/passkeys/register/options", dress(json!({})))
        .await
        .ok();
    let response = authenticator.create(&options, ORIGIN);
    let passkey = ada
        .post("/auth/passkeys/register/verify", dress(response))
        .await
        .created();
    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().expect("an id"));
    ada.patch(&path, dress(json!({ "name": "Phone" })))
        .await
        .ok();
    ada.patch("/auth/me", dress(json!({ "firstName": "Ada" })))
        .await
        .ok();
    for door in ["/auth/passkeys/authenticate/verify", "/auth/sessions/"] {
        let options = ada
            .post("/auth/passkeys/authenticate/options", dress(json!({})))
            .await
            .ok();
        let assertion = dress(authenticator.get(&options, ORIGIN));
        let body = if door == "/auth/sessions/" {
            dress(json!({ "method": "passkey", "email": ADA, "token": assertion.to_string() }))
        } else {
            assertion
        };
        ada.post(door, body).await.created();
    }
    ada.post(
        "/auth/me/email",
        dress(json!({ "email": "lovelace@example.com" })),
    )
    .await
    .created();
    let code = world.inbox("lovelace@example.com").await.code();
    let form = dress(json!({ "email": "lovelace@example.com", "token": code }));
    ada.post("/auth/me/email/confirm", form).await.ok();
    let mut request = ada.request(
        Method::DELETE,
        "/auth/sessions/others",
        Body::from(dress(json!({})).to_string()),
    );
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    ada.send(request).await.no_content();
    let access = ada.get("/auth/sessions/current/permissions").await.ok();
    assert_eq!(access, json!({ "permissions": [], "roles": ["user"] }));
    tables::outline(&world)
}

/// Item 84: members that no form has change nothing, in any body.
#[tokio::test]
async fn unknown_members_are_never_acted_on() {
    let plain = life(|body| body).await;
    let dressed = life(with_extras).await;

    assert!(
        !plain["users"].is_empty() && !plain["passkeys"].is_empty() && !plain["events"].is_empty()
    );
    assert_eq!(plain, dressed);
}
