//! Confirming who one is, before a sensitive change.

use axum::body::Body;
use doorward::{
    Span,
    config::AfterPasskey,
    testing::{Authenticator, Caller, ORIGIN, Reply, World},
};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::{
    pages_render::reader,
    pages_sign_in::{leads_to, options, says},
};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

async fn world_with(after_passkey: AfterPasskey) -> World {
    World::with(|config| config.codes.after_passkey = after_passkey).await
}

/// Someone who signed in by code, with as many passkeys, eleven minutes ago.
async fn stale(world: &World, address: &str, passkeys: u64) -> (Caller, Authenticator) {
    let caller = reader(world, "en");
    world.sign_in(&caller, address).await;
    let mut authenticator = Authenticator::new(0);
    for seed in 1..=passkeys {
        authenticator = Authenticator::new(seed + 1000 * u64::from(address.as_bytes()[0]));
        world.add_passkey(&caller, &mut authenticator).await;
        // Under the stricter policies only a passkey makes another one.
        let signed_in = world.sign_in_with_passkey(&caller, &mut authenticator);
        signed_in.await.created();
    }
    world.advance(Span::minutes(11));
    (caller, authenticator)
}

async fn session(caller: &Caller) -> Value {
    let current = caller.get("/auth/sessions/current").await.ok();
    json!([current["user"]["email"], current["session"]["id"]])
}

/// What only someone who has confirmed lately may ask for.
async fn sensitive(caller: &Caller) -> u16 {
    let asked = caller.post("/auth/passkeys/register/options", ()).await;
    asked.status().as_u16()
}

/// What the script sends when the prompt on this page was answered.
async fn confirm(caller: &Caller, page: &Reply, authenticator: &mut Authenticator) -> Reply {
    send(caller, &options(page), authenticator).await
}

async fn send(caller: &Caller, options: &Value, authenticator: &mut Authenticator) -> Reply {
    let assertion = authenticator.get(&options["modal"], ORIGIN);
    let token = serde_json::to_string(&assertion).unwrap();
    let form = json!({ "method": "passkey", "email": options["email"], "token": token });
    caller.post("/auth/sessions", form).await
}

#[tokio::test]
async fn a_code_confirms_without_a_script() {
    let world = World::new().await;
    let (ada, _) = stale(&world, ADA, 0).await;
    let before = session(&ada).await;
    assert_eq!(sensitive(&ada).await, 403);

    let page = ada.get("/reauth?return_to=/x%3Fa%3Db").await;
    says(&page, 200, "<h1>Confirm it's you</h1>");
    says(&page, 200, "Account: <strong><bdi>ada@example.com</bdi>");
    says(&page, 200, "<span>Email me a code</span>");
    assert!(!page.text().contains("passkey-button"), "there is none");
    assert!(!page.text().contains("type=\"email\""), "nothing to type");
    let form = [("return_to", "/x?a=b")];
    leads_to(&ada.submit("/reauth", &form).await, "/reauth/code");
    let waiting = ada.get("/reauth/code").await;
    says(&waiting, 200, "method=\"post\" action=\"/reauth/code\"");
    says(&waiting, 200, "action=\"/reauth/code/resend\"");
    says(&waiting, 200, "<span>Confirm</span>");
    says(&waiting, 200, "href=\"/reauth\">Back</a>");
    let back = ada.get("/reauth").await;
    says(&back, 200, "name=\"return_to\" value=\"/x?a=b\"");
    let wrong = ada.submit("/reauth/code", &[("code", "1")]).await;
    says(&wrong, 422, "That code isn't right.");
    says(&wrong, 422, "method=\"post\" action=\"/reauth/code\"");
    let code = world.inbox(ADA).await.code();
    let done = ada.submit("/reauth/code", &[("code", &code)]).await;

    leads_to(&done, "/x?a=b");
    assert_eq!(session(&ada).await, before, "the same session goes on");
    assert_eq!(sensitive(&ada).await, 200);
    leads_to(&ada.get("/reauth?return_to=/x").await, "/x");
    leads_to(&ada.submit("/reauth", &form).await, "/x?a=b");
}

#[tokio::test]
async fn a_passkey_confirms() {
    let world = World::new().await;
    let (ada, mut authenticator) = stale(&world, ADA, 1).await;
    let before = session(&ada).await;

    let page = ada.get("/reauth?return_to=/x").await;
    says(&page, 200, "<span>Use your passkey</span>");
    says(&page, 200, "<span>Email me a code instead</span>");
    says(&page, 200, "data-next=\"/reauth?return_to=/x\"");
    let asked = options(&page);
    assert_eq!(asked["rpId"], "auth.example.com");
    assert_eq!(asked["email"], ADA);
    assert_eq!(asked["modal"]["userVerification"], "required");
    let allowed = asked["modal"]["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    confirm(&ada, &page, &mut authenticator).await.created();

    leads_to(&ada.get("/reauth?return_to=/x&caps=passkeys").await, "/x");
    assert_eq!(session(&ada).await, before, "the same session goes on");
    assert_eq!(sensitive(&ada).await, 200);
}

/// Item 69: whoever has another account's passkey at hand neither confirms with it nor ends up in that account.
#[tokio::test]
async fn another_accounts_passkey_confirms_nothing() {
    let world = World::new().await;
    let (_, mut bobs) = stale(&world, BOB, 1).await;
    let (ada, mut adas) = stale(&world, ADA, 1).await;
    let before = session(&ada).await;
    let mut options = options(&ada.get("/reauth").await);

    // Else no authenticator would offer it: it is none of those that are asked for.
    options["modal"]["allowCredentials"] = json!([]);
    let refused = send(&ada, &options, &mut bobs).await;

    refused.problem(401, "passkey_failed");
    assert_eq!(session(&ada).await, before);
    assert_eq!(sensitive(&ada).await, 403);
    let page = ada.get("/reauth").await;
    confirm(&ada, &page, &mut adas).await.created();
}

#[tokio::test]
async fn under_recovery_a_code_will_do_after_a_day() {
    let world = world_with(AfterPasskey::Recovery).await;
    let (ada, mut authenticator) = stale(&world, ADA, 1).await;

    // However old the session is that began with the passkey.
    world.advance(Span::days(2));
    let page = ada.get("/reauth").await;
    says(&page, 200, "Only one of your passkeys will do here.");
    says(
        &page,
        200,
        "Sign out and sign in again with a code by email;",
    );
    says(&page, 200, "<span>Use your passkey</span>");
    assert!(
        !page.text().contains("method=\"post\" action=\"/reauth\""),
        "{page}"
    );
    let refused = ada.submit("/reauth", &[]).await;
    says(&refused, 422, "Only one of your passkeys will do here.");
    assert_eq!(world.inbox(ADA).await.messages().len(), 2, "no other code");
    confirm(&ada, &page, &mut authenticator).await.created();

    world.sign_in(&ada, ADA).await;
    let page = ada.get("/reauth").await;
    // A day after the sign-in by code, which goes on with the session, and begins it anew.
    says(
        &page,
        200,
        "From <time datetime=\"2026-11-04T12:11:00.000Z\"",
    );
    assert!(!page.text().contains("Sign out and sign in again"));
    world.advance(Span::days(1));
    let page = ada.get("/reauth").await;
    says(&page, 200, "Email me a code instead");
    assert!(page.shows("Try again, or continue with email."), "{page}");
    leads_to(&ada.submit("/reauth", &[]).await, "/reauth/code");
    let code = world.inbox(ADA).await.code();
    let done = ada.submit("/reauth/code", &[("code", &code)]).await;
    leads_to(&done, "/account");
    assert_eq!(sensitive(&ada).await, 200);
}

#[tokio::test]
async fn where_two_passkeys_end_codes_none_is_offered() {
    let world = world_with(AfterPasskey::Deny).await;
    let (ada, mut second) = stale(&world, ADA, 2).await;
    for _ in 0..2 {
        let page = ada.get("/reauth").await;
        says(&page, 200, "Only one of your passkeys will do here.</p>");
        assert!(
            !page.text().contains("method=\"post\" action=\"/reauth\""),
            "{page}"
        );
        // What the script may say is here, too.
        assert!(page.shows("No passkey was used. Try again."), "{page}");
        let advice = ["continue with email", "Continue with email"];
        assert!(!advice.iter().any(|text| page.shows(text)), "{page}");
        let allowed = options(&page)["modal"]["allowCredentials"].clone();
        assert_eq!(allowed.as_array().unwrap().len(), 2);
        world.advance(Span::days(2));
    }
    let page = ada.get("/reauth").await;
    confirm(&ada, &page, &mut second).await.created();
    leads_to(&ada.get("/reauth").await, "/account");
}

#[tokio::test]
async fn whoever_gives_up_goes_where_they_came_from() {
    let world = World::new().await;
    let (ada, _) = stale(&world, ADA, 0).await;
    for (referrer, cancel) in [
        (
            "https://auth.example.com/account/passkeys",
            "/account/passkeys",
        ),
        (
            "https://auth.example.com/account/sessions?a=b",
            "/account/sessions?a=b",
        ),
        ("https://auth.example.com/account/passkeys/new", "/account"),
        (
            "https://auth.example.com/account/passkeys/new?a=b",
            "/account",
        ),
        ("https://auth.example.com/reauth?return_to=/x", "/account"),
        ("https://auth.example.com//evil.example", "/account"),
        ("https://evil.example/account/passkeys", "/account"),
        ("", "/account"),
    ] {
        let path = "/reauth?return_to=/account/passkeys/new";
        let mut request = ada.request(Method::GET, path, Body::empty());
        let referrer = HeaderValue::from_str(referrer).unwrap();
        request.headers_mut().insert(header::REFERER, referrer);
        let page = ada.send(request).await;
        says(&page, 200, &format!("href=\"{cancel}\">Cancel</a>"));
    }
}

#[tokio::test]
async fn nobody_confirms_for_someone_else() {
    let world = World::new().await;
    let visitor = reader(&world, "en");
    let asked = "/sign-in?return_to=/reauth%3Freturn_to%3D/x";
    leads_to(&visitor.get("/reauth?return_to=/x").await, asked);
    leads_to(
        &visitor.submit("/reauth", &[]).await,
        "/sign-in?return_to=/reauth",
    );
    leads_to(&visitor.get("/reauth/code").await, "/reauth");

    let (browser, _) = stale(&world, ADA, 0).await;
    leads_to(
        &browser.submit("/reauth", &[("return_to", "/x")]).await,
        "/reauth/code",
    );
    leads_to(&browser.get("/sign-in/code").await, "/sign-in");
    let code = world.inbox(ADA).await.code();
    world.sign_in(&browser, BOB).await;
    leads_to(&browser.get("/reauth/code").await, "/reauth");
    let typed = browser.submit("/reauth/code", &[("code", &code)]).await;

    leads_to(&typed, "/reauth");
    assert_eq!(session(&browser).await[0], BOB);
}

#[tokio::test]
async fn a_code_too_early_says_how_long_to_wait() {
    let world = World::new().await;
    let (ada, _) = stale(&world, ADA, 0).await;
    let form = [("return_to", "/x")];
    leads_to(&ada.submit("/reauth", &form).await, "/reauth/code");
    let limited = ada.submit("/reauth", &form).await;
    says(
        &limited,
        429,
        "Too many tries. Wait 30 seconds and try again.",
    );
    says(
        &limited,
        429,
        "<title>Error: Confirm it's you – Doorward</title>",
    );
    says(&limited, 429, "name=\"return_to\" value=\"/x\"");
}
