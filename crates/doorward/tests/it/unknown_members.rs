//! Members that no form has.

use std::collections::BTreeMap;

use axum::body::Body;
use doorward::testing::{Authenticator, ORIGIN, World};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::tables;

const ADA: &str = "ada@example.com";

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
async fn life(dress: impl Fn(Value) -> Value) -> BTreeMap<String, Vec<String>> {
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
