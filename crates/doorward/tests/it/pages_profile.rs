//! The profile on the pages: what it says, a new address, one's data, and the end of an account.

use doorward::{
    Span,
    testing::{Authenticator, Caller, Reply, World},
};
use serde_json::{Value, json};

use crate::{
    codes::wrong,
    pages_render::reader,
    pages_sign_in::{leads_to, says, words},
};

const ADA: &str = "ada@example.com";
const NEW: &str = "lovelace@example.com";
const SESSION: &str = "__Host-doorward_session";
const EMAIL: &str = "/account/profile/email";
const CODE: &str = "/account/profile/email/code";
const DELETE: &str = "/account/profile/delete";

/// A browser that is signed in.
async fn signed_in(world: &World, address: &str) -> Caller {
    let caller = reader(world, "en");
    world.sign_in(&caller, address).await;
    caller
}

/// Fills in the profile.
async fn save(caller: &Caller, names: [&str; 2], language: &str, appearance: &str) -> Reply {
    let [first, last] = names;
    let fields = [
        ("first_name", first),
        ("last_name", last),
        ("language", language),
        ("appearance", appearance),
    ];
    caller.submit("/account/profile", &fields).await
}

/// Asks for a code to a new address, and reads it there.
async fn asked(world: &World, caller: &Caller, address: &str) -> String {
    leads_to(&caller.submit(EMAIL, &[("email", address)]).await, CODE);
    world.inbox(address).await.code()
}

async fn enter(caller: &Caller, code: &str) -> Reply {
    caller.submit(CODE, &[("code", code)]).await
}

/// What a page has the script tell password managers.
fn signals(reply: &Reply) -> Option<Value> {
    let html = reply.text();
    let (_, rest) = html.split_once("<meta name=\"dw-signals\" content=\"")?;
    let json = rest.split('"').next()?.replace("&#34;", "\"");
    Some(serde_json::from_str(&json).unwrap())
}

async fn events(caller: &Caller) -> Vec<String> {
    let page = caller.get("/auth/me/events").await.ok();
    let items = page["items"].as_array().unwrap();
    let kinds = items.iter().map(|event| event["kind"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

// ── What it says ────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_profile_is_saved_and_shown() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let empty = ada.get("/account/profile").await;
    says(&empty, 200, "<h1>Profile</h1>");
    says(
        &empty,
        200,
        "name=\"first_name\" value=\"\" autocomplete=\"given-name\"",
    );
    says(
        &empty,
        200,
        "<option value=\"\" selected>Same as your browser</option>",
    );
    says(&empty, 200, "value=\"system\" checked>System");
    assert_eq!(signals(&empty), None, "nothing was changed");

    let saved = save(&ada, [" Ada ", "Lovelace"], "de", "dark").await;
    leads_to(&saved, "/account/profile");
    let shown = ada.get("/account/profile").await;

    says(
        &shown,
        200,
        "<html lang=\"de\" dir=\"ltr\" data-theme=\"dark\">",
    );
    says(&shown, 200, "<p>Ihr Profil wurde gespeichert.</p>");
    says(&shown, 200, "name=\"first_name\" value=\"Ada\"");
    says(&shown, 200, "name=\"last_name\" value=\"Lovelace\"");
    says(&shown, 200, "<option value=\"de\" lang=\"de\" selected>");
    says(&shown, 200, "value=\"dark\" checked>Dunkel");
    let told = signals(&shown).unwrap();
    assert_eq!(told["displayName"], "Ada Lovelace");
    let me = ada.get("/auth/me").await.ok();
    assert_eq!(me["firstName"], "Ada");
    assert_eq!(me["locale"], "de");
    let again = ada.get("/account/profile").await.text();
    assert!(!again.contains("gespeichert"), "it is said once");
}

#[tokio::test]
async fn offers_of_a_passkey_are_ended_and_wanted_again() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let offers = "name=\"offers\" checked>Suggest creating passkeys after sign-in";
    says(&ada.get("/account/profile").await, 200, offers);

    save(&ada, ["Ada", ""], "", "system").await;
    let ended = ada.get("/account/profile").await.text();
    assert!(!ended.contains(offers), "{ended}");

    let fields = [
        ("first_name", "Ada"),
        ("last_name", ""),
        ("language", ""),
        ("appearance", "system"),
        ("offers", "on"),
    ];
    leads_to(
        &ada.submit("/account/profile", &fields).await,
        "/account/profile",
    );
    says(&ada.get("/account/profile").await, 200, offers);
}

#[tokio::test]
async fn an_empty_field_clears_and_the_browser_decides_again() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    save(&ada, ["Ada", "Lovelace"], "de", "light").await;

    leads_to(
        &save(&ada, ["", " "], "", "system").await,
        "/account/profile",
    );

    let me = ada.get("/auth/me").await.ok();
    for cleared in ["firstName", "lastName", "locale"] {
        assert_eq!(me[cleared], Value::Null, "{cleared}");
    }
    let shown = ada.get("/account/profile").await;
    says(&shown, 200, "<html lang=\"en\" dir=\"ltr\">");
}

#[tokio::test]
async fn only_what_is_another_than_before_is_a_change() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    save(&ada, ["Ada", ""], "en", "system").await;
    let before = events(&ada).await;

    leads_to(
        &save(&ada, ["Ada", ""], "en", "dark").await,
        "/account/profile",
    );

    assert_eq!(events(&ada).await, before, "the log tells of changes");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_with_what_was_typed() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let long = "N".repeat(65);
    for name in [long.as_str(), "\u{202e}adA"] {
        let refused = save(&ada, ["<Ada>", name], "de", "dark").await;
        says(&refused, 422, "<title>Error: Profile – Doorward</title>");
        says(
            &refused,
            422,
            "<a href=\"#last_name\">Use at most 64 characters, all of them visible.</a>",
        );
        says(
            &refused,
            422,
            &format!("value=\"{name}\" autocomplete=\"family-name\" aria-invalid=\"true\""),
        );
        says(
            &refused,
            422,
            "value=\"&#60;Ada&#62;\" autocomplete=\"given-name\">",
        );
        says(&refused, 422, "<option value=\"de\" lang=\"de\" selected>");
        says(&refused, 422, "value=\"dark\" checked>");
    }
    assert_eq!(ada.get("/auth/me").await.ok()["firstName"], Value::Null);
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in() {
    let world = World::new().await;
    let stranger = reader(&world, "en");
    for path in [
        "/account/profile",
        "/account/profile/data",
        EMAIL,
        CODE,
        DELETE,
    ] {
        let to = format!("/sign-in?return_to={path}");
        leads_to(&stranger.get(path).await, &to);
    }
    leads_to(&stranger.get("/account/deleted").await, "/sign-in");
}

// ── A new address ───────────────────────────────────────────────────────────

#[tokio::test]
async fn a_code_to_the_new_address_changes_it_without_a_script() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let phone = signed_in(&world, ADA).await;
    let ask = ada.get(EMAIL).await;
    says(
        &ask,
        200,
        "Your email address is <strong><bdi>ada@example.com</bdi></strong>.",
    );

    let code = asked(&world, &ada, NEW).await;
    let waiting = ada.get(CODE).await;
    says(
        &waiting,
        200,
        "We sent a code to <strong><bdi>lovelace@example.com</bdi></strong>.",
    );
    says(
        &waiting,
        200,
        "<form id=\"code-form\" class=\"dw-stack\" method=\"post\" action=\"/account/profile/email/code\"",
    );
    says(
        &waiting,
        200,
        "action=\"/account/profile/email/code/resend\"",
    );
    says(
        &waiting,
        200,
        "href=\"/account/profile/email\">Use a different email</a>",
    );
    says(&waiting, 200, "<span>Change email address</span>");
    let message = format!("Your code is {} {}.", &code[..4], &code[4..]);
    leads_to(&enter(&ada, &message).await, "/account/profile");

    let shown = ada.get("/account/profile").await;
    says(
        &shown,
        200,
        "<p>Your email address is now lovelace@example.com.</p>",
    );
    let told = signals(&shown).unwrap();
    assert_eq!(told["name"], NEW);
    assert_eq!(told["displayName"], NEW);
    assert_eq!(ada.get("/auth/me").await.ok()["email"], NEW);
    assert_eq!(
        phone.get("/account").await.status(),
        303,
        "it signs out others"
    );
    let told = world.inbox(ADA).await;
    let notice = &told.messages()[0].text;
    assert!(notice.contains("address"), "{notice}");
    leads_to(&ada.get(CODE).await, EMAIL);
}

#[tokio::test]
async fn what_is_no_address_gets_no_code() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let before = world.mailbox().messages().len();

    let refused = ada.submit(EMAIL, &[("email", "ada<")]).await;

    says(
        &refused,
        422,
        "<title>Error: Change email address – Doorward</title>",
    );
    says(
        &refused,
        422,
        "<a href=\"#email\">Enter an email address like name@example.com.</a>",
    );
    says(&refused, 422, "value=\"ada&#60;\"");
    assert_eq!(world.mailbox().messages().len(), before);
}

#[tokio::test]
async fn wrong_codes_for_a_new_address_are_counted_down_and_another_is_sent() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let code = asked(&world, &ada, NEW).await;

    let soon = ada.submit("/account/profile/email/code/resend", &[]).await;
    says(&soon, 429, "You can ask for another code in 30 seconds.");
    let again = ada.submit(EMAIL, &[("email", NEW)]).await;
    says(
        &again,
        429,
        "Too many tries. Wait 30 seconds and try again.",
    );
    for number in 1..=5 {
        let refused = enter(&ada, &wrong(&code, number)).await;
        let text = if number < 5 {
            "That code isn't right."
        } else {
            "Too many tries. That code no longer works."
        };
        says(&refused, 422, text);
    }
    says(&enter(&ada, &code).await, 422, "That code no longer works.");
    world.advance(Span::seconds(31));
    leads_to(
        &ada.submit("/account/profile/email/code/resend", &[]).await,
        CODE,
    );

    says(
        &ada.get(CODE).await,
        200,
        "<p>We sent a new code to lovelace@example.com.</p>",
    );
    let fresh = world.inbox(NEW).await.code();
    leads_to(&enter(&ada, &fresh).await, "/account/profile");
    assert_eq!(ada.get("/auth/me").await.ok()["email"], NEW);
}

/// Item 96: on the pages too, only the holder of an address learns that someone else wanted it.
#[tokio::test]
async fn an_address_that_is_taken_looks_free() {
    let pages = async |address: &str| {
        let world = World::new().await;
        let _eve = signed_in(&world, "eve@example.com").await;
        let ada = signed_in(&world, ADA).await;
        world.advance(Span::seconds(30));
        leads_to(&ada.submit(EMAIL, &[("email", address)]).await, CODE);
        let refused = enter(&ada, "00000000").await;
        says(&refused, 422, "That code isn't right.");
        [ada.get(CODE).await, refused].map(|reply| words(&reply).replace(address, "…"))
    };
    assert_eq!(
        pages("eve@example.com").await,
        pages("new@example.com").await
    );
}

#[tokio::test]
async fn a_new_address_is_shown_in_the_session_that_gave_it() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    asked(&world, &ada, NEW).await;
    ada.submit("/sign-out", &[]).await;

    world.sign_in(&ada, "eve@example.com").await;

    leads_to(&ada.get(CODE).await, EMAIL);
    leads_to(&enter(&ada, "12345678").await, EMAIL);
    leads_to(
        &ada.submit("/account/profile/email/code/resend", &[]).await,
        EMAIL,
    );
}

#[tokio::test]
async fn whoever_signed_in_long_ago_proves_it_again_and_comes_back() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    world.advance(Span::minutes(5));
    let code = asked(&world, &ada, NEW).await;
    world.advance(Span::minutes(5));

    for path in [EMAIL, DELETE] {
        let to = format!("/reauth?return_to={path}");
        leads_to(&ada.get(path).await, &to);
        leads_to(&ada.submit(path, &[("email", NEW)]).await, &to);
    }
    let to = format!("/reauth?return_to={CODE}");
    leads_to(&enter(&ada, &code).await, &to);
    let resend = "/account/profile/email/code/resend";
    let to = format!("/reauth?return_to={resend}");
    leads_to(&ada.submit(resend, &[]).await, &to);

    world.sign_in(&ada, ADA).await;
    leads_to(&ada.get(resend).await, CODE);
    leads_to(&enter(&ada, &code).await, "/account/profile");
}

// ── One's data ──────────────────────────────────────────────────────────────

#[tokio::test]
async fn what_there_is_about_someone_is_one_file() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let _eve = signed_in(&world, "eve@example.com").await;
    world.add_passkey(&ada, &mut Authenticator::new(1)).await;
    for number in 0..60 {
        let name = json!({ "firstName": format!("Ada {number}") });
        ada.patch("/auth/me", name).await.ok();
    }

    let file = ada.get("/account/profile/data").await;

    let data = file.ok();
    assert_eq!(file.header("content-type"), "application/json");
    assert_eq!(file.header("cache-control"), "no-store");
    let attachment = "attachment; filename=\"doorward-data.json\"";
    assert_eq!(file.header("content-disposition"), attachment);
    assert_eq!(data["profile"], ada.get("/auth/me").await.ok());
    assert_eq!(data["passkeys"], ada.get("/auth/passkeys").await.ok());
    assert_eq!(data["sessions"], ada.get("/auth/sessions").await.ok());
    let first = ada.get("/auth/me/events").await.ok();
    let events = data["events"]["items"].as_array().unwrap();
    assert_eq!(events[..50], first["items"].as_array().unwrap()[..]);
    assert!(events.len() > 60, "all pages of the log");
    assert_eq!(events.last().unwrap()["kind"], "user_created");
    assert_eq!(data["events"]["next"], Value::Null);
    assert!(!file.shows("eve@"));
}

// ── The end ─────────────────────────────────────────────────────────────────

#[tokio::test]
async fn an_account_is_deleted_once_its_owner_is_sure() {
    let world = World::new().await;
    let ada = signed_in(&world, ADA).await;
    let phone = signed_in(&world, ADA).await;
    let mut authenticator = Authenticator::new(1);
    world.add_passkey(&ada, &mut authenticator).await;
    let ask = ada.get(DELETE).await;
    says(&ask, 200, "<h1>Delete your account?</h1>");
    says(&ask, 200, "keeps its entries for 90 days.");

    let unsure = ada.submit(DELETE, &[]).await;
    says(
        &unsure,
        422,
        "<title>Error: Delete account – Doorward</title>",
    );
    says(
        &unsure,
        422,
        "<a href=\"#sure\">Tick the box to confirm that this can't be undone.</a>",
    );
    ada.get("/auth/me").await.ok();
    let gone = ada.submit(DELETE, &[("sure", "on")]).await;

    leads_to(&gone, "/account/deleted");
    assert_eq!(gone.header("clear-site-data"), "\"cache\"");
    assert_eq!(ada.cookie(SESSION), None);
    let said = ada.get("/account/deleted").await;
    says(&said, 200, "<h1>Your account was deleted</h1>");
    let told = signals(&said).unwrap();
    assert_eq!(told["rpId"], "auth.example.com");
    assert_eq!(told["acceptedCredentialIds"], json!([]));
    assert_eq!(told["name"], ADA);
    leads_to(&ada.get("/account/deleted").await, "/sign-in");
    assert_eq!(phone.get("/account").await.status(), 303);
    world
        .sign_in_with_passkey(&world.browser(), &mut authenticator)
        .await
        .problem(401, "unknown_credential");
    let mail = world.inbox(ADA).await;
    assert!(mail.messages()[0].subject.contains("deleted"), "{mail:?}");
}

#[tokio::test]
async fn the_only_administrator_is_told_why_the_account_stays() {
    let world = World::new().await;
    let root = signed_in(&world, ADA).await;
    world.grant(ADA, "admin").await;

    let refused = root.submit(DELETE, &[("sure", "on")]).await;

    says(
        &refused,
        422,
        "<p>You're the only administrator. Make someone else an administrator first.</p>",
    );
    root.get("/auth/me").await.ok();
}
