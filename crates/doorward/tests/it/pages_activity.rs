//! `/account/activity`: what happened to one's own account.

use doorward::{
    Client, Span,
    testing::{Authenticator, World},
    users,
};
use serde_json::json;

use crate::{
    pages_render::reader,
    pages_sign_in::{leads_to, says},
    session_list::{IPHONE, MAC},
};

const ADA: &str = "ada@example.com";
const ACTIVITY: &str = "/account/activity";

/// What the entries of a page say, in its order.
fn sentences(html: &str) -> Vec<&str> {
    html.split("<div class=\"dw-row\">\n<p>")
        .skip(1)
        .map(|rest| rest.split("</p>").next().unwrap())
        .collect()
}

#[tokio::test]
async fn every_event_is_a_sentence_newest_first() {
    let world = World::new().await;
    let mut authenticator = Authenticator::new(1);
    let ada = reader(&world, "en")
        .from("203.0.113.7")
        .with("user-agent", MAC);
    world.sign_in(&ada, ADA).await;
    let passkey = world.add_passkey(&ada, &mut authenticator).await.created();
    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
    ada.patch(&path, json!({ "name": "<b>Blue key" }))
        .await
        .ok();
    ada.patch("/auth/me", json!({ "firstName": "Ada" }))
        .await
        .ok();
    let phone = reader(&world, "en").with("user-agent", IPHONE);
    let signed_in = world.sign_in_with_passkey(&phone, &mut authenticator).await;
    signed_in.created();
    phone.delete("/auth/sessions/others").await.no_content();
    world.grant(ADA, "admin").await;
    phone.delete(&path).await.no_content();

    let page = phone.get(ACTIVITY).await;

    let name = passkey["name"].as_str().unwrap();
    assert_eq!(
        sentences(&page.text()),
        [
            "Passkey “&#60;b&#62;Blue key” was removed",
            "You were given the role “admin”",
            "A device was signed out",
            "Signed in with a passkey",
            "Profile was changed",
            "A passkey was renamed to “&#60;b&#62;Blue key”",
            &format!("Passkey “{name}” was created"),
            "Signed in with an email code",
            "Account was created",
        ],
        "{page}"
    );
    for text in [
        "<p class=\"dw-meta\"><bdi>Chrome on macOS</bdi> · <bdi>203.0.113.7</bdi> · \
         <time datetime=\"2026-11-01T12:00:00.000Z\" data-time=\"\">2026-11-01 12:00 UTC</time></p>",
        "<p class=\"dw-meta\">By an administrator · <time",
        "<bdi>Safari on iOS</bdi>",
    ] {
        says(&page, 200, text);
    }
    let not_me = page.text().matches("/account/activity/not-me").count();
    assert_eq!(not_me, 2, "beside each sign-in");
    let german = phone.get("/account/activity?lang=de").await;
    says(&german, 200, "<bdi>Chrome unter macOS</bdi>");
    says(&german, 200, "<p>Mit einem E-Mail-Code angemeldet</p>");
}

/// Where an administrator works is nobody else's business.
#[tokio::test]
async fn what_an_administrator_does_is_told_without_where() {
    let world = World::new().await;
    let (ada, admin) = (
        reader(&world, "en"),
        reader(&world, "en").from("198.51.100.9"),
    );
    world.sign_in(&ada, ADA).await;
    world.sign_in(&admin, "admin@example.com").await;
    let (user, by) = (world.user(ADA).await, world.user("admin@example.com").await);
    let client = Client::command_line();
    users::sign_out_everywhere(world.doorward(), &user, Some(by), &client)
        .await
        .unwrap();
    world.advance(Span::minutes(5));
    world.sign_in(&ada, ADA).await;

    let page = ada.get(ACTIVITY).await;

    assert_eq!(sentences(&page.text())[1], "All devices were signed out");
    says(
        &page,
        200,
        "<p class=\"dw-meta\">By an administrator · <time",
    );
    assert!(!page.text().contains("198.51.100.9"));
}

/// A later version may tell of what this one has no words for.
#[tokio::test]
async fn an_unknown_kind_of_event_is_told_all_the_same() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    world.sign_in(&ada, ADA).await;
    world.change("update events set kind = 'moon_landing'");

    let page = ada.get(ACTIVITY).await;

    let all = sentences(&page.text()).join("; ");
    assert_eq!(
        all,
        "Something changed on your account; Something changed on your account"
    );
}

#[tokio::test]
async fn older_events_are_a_link_away() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    world.sign_in(&ada, ADA).await;
    for number in 0..60 {
        let name = json!({ "firstName": number.to_string() });
        ada.patch("/auth/me", name).await.ok();
    }

    let newest = ada.get(ACTIVITY).await.text();
    assert_eq!(sentences(&newest).len(), 50);
    assert!(!newest.contains("Newest"));
    let (_, link) = newest
        .split_once("<a class=\"dw-tap\" href=\"/account/activity?")
        .unwrap();
    let link = format!("{ACTIVITY}?{}", link.split('"').next().unwrap());
    let older = ada.get(&link).await;

    says(
        &older,
        200,
        "<a class=\"dw-tap\" href=\"/account/activity\">Newest</a>",
    );
    assert_eq!(sentences(&older.text()).len(), 12);
    assert!(!older.text().contains("Older"));
    let wrong = ada.get("/account/activity?cursor=x").await;
    says(&wrong, 422, "<h1>That didn't work</h1>");
}

#[tokio::test]
async fn the_overview_tells_what_happened_last() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    world.sign_in(&ada, ADA).await;
    for number in 0..4 {
        let name = json!({ "firstName": number.to_string() });
        ada.patch("/auth/me", name).await.ok();
    }

    let page = ada.get("/account").await;

    let last = [
        "Profile was changed",
        "Profile was changed",
        "Profile was changed",
        "Profile was changed",
        "Signed in with an email code",
    ];
    assert_eq!(sentences(&page.text()), last);
    says(&page, 200, "href=\"/account/activity\">All activity</a>");
}

/// Item 65: who finds a sign-in that was not theirs is led to sign everyone else out, and to the passkeys.
#[tokio::test]
async fn a_sign_in_of_somebody_else_is_dealt_with() {
    let world = World::new().await;
    let (ada, thief) = (reader(&world, "en"), reader(&world, "en"));
    world.sign_in(&thief, ADA).await;
    world.sign_in(&ada, ADA).await;

    let page = ada.get("/account/activity/not-me").await;
    says(
        &page,
        200,
        "<form class=\"dw-stack\" method=\"post\" action=\"/account/sessions/others\">",
    );
    says(&page, 200, "href=\"/account/passkeys\"");
    leads_to(
        &ada.submit("/account/sessions/others", &[]).await,
        "/account/sessions",
    );

    leads_to(
        &thief.get(ACTIVITY).await,
        "/sign-in?return_to=/account/activity",
    );
}
