//! The token: its form, where it is read from, where it is shown, and what it is worth stolen.

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::testing::{Authenticator, Caller, World};
use http::{HeaderValue, Method, header};
use serde_json::json;

const COOKIE: &str = "__Host-doorward_session";
const ADA: &str = "ada@example.com";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The 52 bytes of a token: the session's id, the secret, the tag.
fn bytes_of(token: &str) -> [u8; 52] {
    let mut bytes = [0; 52];
    for digit in token.strip_prefix("dw_").expect("a token").bytes() {
        let place = ALPHABET.iter().position(|&one| one == digit);
        let mut carry = u32::try_from(place.expect("a digit")).expect("a small number");
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
    }
    bytes
}

/// The token of these bytes.
fn token_of(mut bytes: [u8; 52]) -> String {
    let mut digits = [0; 70];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in &mut bytes {
            let value = remainder << 8 | usize::from(*byte);
            *byte = u8::try_from(value / 62).expect("a quotient of one byte");
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder];
    }
    format!("dw_{}", String::from_utf8_lossy(&digits))
}

/// A caller with this bearer token.
fn bearing(world: &World, token: &str) -> Caller {
    let caller = world.native();
    caller.set_token(Some(token));
    caller
}

/// Item 58: the format through the front door, and no two alike.
#[tokio::test]
async fn a_token_is_a_prefix_and_seventy_base62_digits() {
    let world = World::new().await;
    let mut seen = std::collections::HashSet::new();
    for address in ["ada@example.com", "bob@example.com", "eve@example.com"] {
        let caller = world.native();
        let signed_in = world.sign_in(&caller, address).await.json();

        let token = caller.token().unwrap();
        let digits = token.strip_prefix("dw_").unwrap();
        assert_eq!(digits.len(), 70);
        assert!(digits.bytes().all(|digit| digit.is_ascii_alphanumeric()));
        assert_eq!(
            token_of(bytes_of(&token)),
            token,
            "the test reads tokens as Doorward does"
        );
        let id = URL_SAFE_NO_PAD.encode(&bytes_of(&token)[..16]);
        assert_eq!(
            signed_in["session"]["id"], id,
            "the selector is the public id"
        );
        assert!(seen.insert(token));
    }
}

/// Item 59: what the database holds opens nothing, in whatever form it is shown.
#[tokio::test]
async fn the_database_holds_no_usable_token() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let token = ada.token().unwrap();
    let bytes = bytes_of(&token);

    let content = world.stored_bytes();
    assert!(!content.windows(73).any(|window| window == token.as_bytes()));
    assert!(!content.windows(32).any(|window| window == &bytes[16..48]));

    let hash: Vec<u8> = world.value("select token_hash from sessions");
    let mut forged = bytes;
    forged[16..48].copy_from_slice(&hash);
    let hex: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    let tries = [
        token_of(forged),
        hex.clone(),
        format!("dw_{hex}"),
        URL_SAFE_NO_PAD.encode(&hash),
    ];
    for stolen in tries {
        bearing(&world, &stolen)
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
        let browser = world.browser();
        browser.set_cookie(COOKIE, &stolen);
        browser
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }
    ada.get("/auth/sessions/").await.ok();
}

/// Item 60: the id is no credential, and says nothing of the secret.
#[tokio::test]
async fn the_public_id_of_a_session_opens_nothing() {
    let world = World::new().await;
    let ada = world.native();
    let id = world.sign_in(&ada, ADA).await.json()["session"]["id"].clone();
    let id = id.as_str().unwrap();
    let first = bytes_of(&ada.token().unwrap());
    let before = world.statements();

    for shown in [id.to_owned(), format!("dw_{id}")] {
        bearing(&world, &shown)
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
        bearing(&world, &shown)
            .get("/auth/sessions/current")
            .await
            .problem(401, "unauthenticated");
        let browser = world.browser();
        browser.set_cookie(COOKIE, &shown);
        browser
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }

    assert_eq!(world.statements(), before);
    world.sign_in(&ada, ADA).await;
    let second = bytes_of(&ada.token().unwrap());
    assert_eq!(first[..16], second[..16], "the same session");
    assert_ne!(first[16..48], second[16..48], "another secret");
    let mut mixed = second;
    mixed[16..48].copy_from_slice(&first[16..48]);
    bearing(&world, &token_of(mixed))
        .get("/auth/sessions/")
        .await
        .problem(401, "unauthenticated");
}

/// Item 61: what was not minted here is refused without a look into the database.
#[tokio::test]
async fn malformed_and_invented_tokens_cost_no_statement() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let token = ada.token().unwrap();
    let mut altered = bytes_of(&token);
    altered[47] ^= 1;
    let elsewhere = World::new().await;
    let stranger = elsewhere.native();
    elsewhere.sign_in(&stranger, ADA).await;
    let invented = [
        String::new(),
        "dw_".into(),
        token[3..].into(),
        token[..72].into(),
        format!("{token}0"),
        format!("DW_{}", &token[3..]),
        format!("dw_{}", "0".repeat(70)),
        format!("dw_{}", "z".repeat(70)),
        format!("dw_{}", "-".repeat(70)),
        "a".repeat(8000),
        token_of(altered),
        stranger.token().unwrap(),
    ];
    let before = world.statements();

    for token in invented {
        for path in [
            "/auth/sessions/",
            "/auth/sessions/current",
            "/auth/me",
            "/auth/passkeys/",
        ] {
            bearing(&world, &token)
                .get(path)
                .await
                .problem(401, "unauthenticated");
        }
        let browser = world.browser();
        browser.set_cookie(COOKIE, &token);
        browser
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }

    assert_eq!(world.statements(), before);
}

/// Item 70: nothing but the cookie and the bearer token is ever read.
#[tokio::test]
async fn tokens_in_other_places_are_not_looked_at() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let token = ada.token().unwrap();
    let nobody = world.native();

    for name in ["token", "access_token", "session", COOKIE] {
        let path = format!("/auth/sessions/?{name}={token}");
        nobody.get(&path).await.problem(401, "unauthenticated");
        let body = json!({ name: token });
        nobody
            .post("/auth/passkeys/register/options", body)
            .await
            .problem(401, "unauthenticated");
    }
    for name in [
        "x-auth-token",
        "x-session-token",
        "x-api-key",
        "x-authorization",
        "proxy-authorization",
        "x-access-token",
        COOKIE,
    ] {
        for value in [token.clone(), format!("Bearer {token}")] {
            let caller = world.native().with(name, &value);
            caller
                .get("/auth/sessions/")
                .await
                .problem(401, "unauthenticated");
        }
    }
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{token}:"));
    for authorization in [
        format!("Basic {basic}"),
        format!("Token {token}"),
        token.clone(),
        "Bearer".into(),
        String::new(),
    ] {
        let caller = world.native().with("authorization", &authorization);
        caller
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }
    for name in [
        "session",
        "token",
        "doorward_session",
        "__Secure-doorward_session",
    ] {
        let caller = world.caller();
        caller.set_cookie(name, &token);
        caller
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }
    let caller = world
        .native()
        .with("authorization", &format!("bearer {token}"));
    caller.get("/auth/sessions/").await.ok();
}

/// Item 70: a caller that says who it is is never silently someone else.
#[tokio::test]
async fn a_bad_bearer_token_beside_a_good_cookie_is_refused() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    let bad = world.browser().with("authorization", "Bearer dw_bad");
    bad.set_cookie(COOKIE, &browser.cookie(COOKIE).unwrap());

    for path in [
        "/auth/sessions/",
        "/auth/sessions/current",
        "/auth/sessions/current/permissions",
        "/auth/passkeys/",
        "/auth/me",
    ] {
        bad.get(path).await.problem(401, "unauthenticated");
    }
    for path in ["/auth/sessions/all", "/auth/sessions/others", "/auth/me"] {
        bad.delete(path).await.problem(401, "unauthenticated");
    }

    browser.get("/auth/sessions/current").await.ok();
}

/// Item 70: two `Authorization` headers are two opinions on who is calling, also where nobody need be.
#[tokio::test]
async fn two_authorization_headers_are_refused_everywhere() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let mut authenticator = Authenticator::new(1);
    world.add_passkey(&ada, &mut authenticator).await;
    world.advance(doorward::Span::seconds(30));
    ada.post("/auth/verify", json!({ "email": ADA }))
        .await
        .created();
    let code = world.inbox(ADA).await.code();
    let options = ada
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let assertion = authenticator.get(&options, doorward::testing::ORIGIN);
    let form = json!({ "method": "otp", "email": ADA, "token": code });
    let requests = [
        (Method::GET, "/auth/sessions/", String::new()),
        (Method::GET, "/auth/sessions/current", String::new()),
        (Method::DELETE, "/auth/sessions/", String::new()),
        (Method::DELETE, "/auth/sessions/all", String::new()),
        (Method::POST, "/auth/sessions/", form.to_string()),
        (
            Method::POST,
            "/auth/passkeys/authenticate/verify",
            assertion.to_string(),
        ),
    ];

    for (method, path, body) in requests {
        let mut request = ada.request(method, path, Body::from(body));
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let again = request.headers()[header::AUTHORIZATION].clone();
        request.headers_mut().append(header::AUTHORIZATION, again);
        ada.send(request).await.problem(400, "invalid_request");
    }

    ada.get("/auth/sessions/current").await.ok();
    ada.post("/auth/sessions", form).await.created();
}
