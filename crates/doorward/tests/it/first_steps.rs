//! What everyone does first: sign in with a code, add a passkey, sign in with it, sign out.

use doorward::testing::{Authenticator, World, on_every_database};
use serde_json::json;

#[tokio::test]
async fn a_code_signs_in_and_works_once() {
    on_every_database(async |world| {
        let ada = world.native();
        let asked = ada
            .post("/auth/verify", json!({ "email": "ada@example.com" }))
            .await
            .created();
        assert_eq!(asked["resendAfter"], 30);
        assert_eq!(asked["expiresAt"], "2026-11-01T12:10:00.000Z");
        let code = world.inbox("ada@example.com").await.code();
        let form = json!({ "method": "otp", "email": "ada@example.com", "token": code });

        let first = ada.post("/auth/sessions", &form).await.created();
        let second = world.native().post("/auth/sessions", &form).await;

        assert_eq!(first["user"]["email"], "ada@example.com");
        assert_eq!(first["session"]["method"], "otp");
        second.problem(401, "invalid_code");
        let current = ada.get("/auth/sessions/current").await.ok();
        assert_eq!(current["user"], first["user"]);
        assert_eq!(current["session"]["id"], first["session"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_signs_in() {
    on_every_database(async |world| {
        let browser = world.browser();
        let mut authenticator = Authenticator::new(1);
        world.sign_in(&browser, "ada@example.com").await;

        let passkey = world
            .add_passkey(&browser, &mut authenticator)
            .await
            .created();
        browser.delete("/auth/sessions").await.no_content();
        browser.get("/auth/sessions/current").await.no_content();
        let signed_in = world
            .sign_in_with_passkey(&browser, &mut authenticator)
            .await
            .created();

        assert_eq!(signed_in["session"]["passkeyId"], passkey["id"]);
        assert_eq!(
            signed_in["signals"]["acceptedCredentialIds"],
            json!([passkey["id"]])
        );
        assert!(
            signed_in.get("token").is_none(),
            "a page of our own origin has the cookie"
        );
        let listed = browser.get("/auth/passkeys/").await.ok();
        assert_eq!(listed[0]["lastUsedAt"], "2026-11-01T12:00:00.000Z");
    })
    .await;
}

#[tokio::test]
async fn a_cached_check_costs_no_statement() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, "ada@example.com").await;
        ada.get("/auth/sessions/current").await.ok();

        let before = world.statements();
        for _ in 0..100 {
            ada.get("/auth/sessions/current").await.ok();
        }

        assert_eq!(world.statements(), before);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_session_is_gone_for_the_next_request() {
    let world = World::new().await;
    let (laptop, phone) = (world.browser(), world.browser());
    world.sign_in(&laptop, "ada@example.com").await;
    let on_phone = world.sign_in(&phone, "ada@example.com").await.created();
    phone.get("/auth/sessions/current").await.ok();

    let id = on_phone["session"]["id"].as_str().unwrap();
    laptop
        .delete(&format!("/auth/sessions/{id}"))
        .await
        .no_content();

    phone.get("/auth/sessions/current").await.no_content();
    phone
        .get("/auth/sessions/")
        .await
        .problem(401, "unauthenticated");
    laptop.get("/auth/sessions/current").await.ok();
}
