//! The offer of a passkey after a sign-in.

use doorward::{
    Span,
    config::AfterPasskey,
    testing::{Authenticator, Caller, Reply, World},
};
use serde_json::Value;

use crate::{
    pages_render::reader,
    pages_sign_in::{enter, leads_to, options, says},
};

const ADA: &str = "ada@example.com";

/// What the script says of a browser with a platform authenticator.
const CAPS: &str = "passkeys platform conditional";

const FIRST: &str = "/welcome/passkey?offer=first";
const STILL_CODES: &str = "/welcome/passkey?offer=still-codes";
const OTHER_DEVICE: &str = "/welcome/passkey?offer=other-device";

/// Signs in with a code, on the pages, in a browser that can do this.
async fn by_code(world: &World, caller: &Caller, caps: &str) -> Reply {
    by_code_with(world, caller, &[("caps", caps)]).await
}

async fn by_code_with(world: &World, caller: &Caller, fields: &[(&str, &str)]) -> Reply {
    caller.submit("/sign-out", &[]).await;
    world.advance(Span::minutes(1));
    let mut form = vec![("email", ADA)];
    form.extend(fields);
    leads_to(&caller.submit("/sign-in", &form).await, "/sign-in/code");
    let code = world.inbox(ADA).await.code();
    enter(caller, &code).await
}

/// Signs in with a passkey, and follows the script to where it leads.
async fn by_passkey(
    world: &World,
    caller: &Caller,
    authenticator: &mut Authenticator,
    query: &str,
) -> Reply {
    caller.submit("/sign-out", &[]).await;
    let signed_in = world.sign_in_with_passkey(caller, authenticator).await;
    signed_in.created();
    caller.get(&format!("/sign-in?{query}")).await
}

/// Someone with a passkey, signed out.
async fn with_passkey(world: &World) -> (Caller, Authenticator) {
    let caller = reader(world, "en");
    let mut authenticator = Authenticator::new(1);
    world.sign_in(&caller, ADA).await;
    world.add_passkey(&caller, &mut authenticator).await;
    (caller, authenticator)
}

fn count(world: &World, what: &str) -> u64 {
    let metrics = world.doorward().metrics_text();
    let name = format!("doorward_passkey_offers_total{{outcome=\"{what}\"");
    metrics
        .lines()
        .filter(|line| line.starts_with(&name))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test]
async fn whoever_has_no_passkey_is_offered_one_where_the_browser_can_make_it() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    for caps in ["", "conditional signal", "passkeysplatform"] {
        leads_to(&by_code(&world, &ada, caps).await, "/account");
    }
    let refused = [("caps", CAPS), ("upsell", "0")];
    leads_to(&by_code_with(&world, &ada, &refused).await, "/account");
    // A browser may know how without an authenticator of its own.
    leads_to(&by_code(&world, &ada, "passkeys").await, FIRST);

    let onward = [("caps", CAPS), ("return_to", "/x?a=b")];
    let offer = by_code_with(&world, &ada, &onward).await;
    let path = "/welcome/passkey?return_to=/x%3Fa%3Db&offer=first";
    leads_to(&offer, path);
    let page = ada.get(path).await;
    says(&page, 200, "<h1>Sign in faster next time</h1>");
    says(&page, 200, "<span>Create a passkey</span>");
    says(&page, 200, "<span>Not now</span>");
    says(&page, 200, "<span>Don't ask again</span>");
    says(&page, 200, "name=\"return_to\" value=\"/x?a=b\"");
    let next = "data-next=\"/welcome/passkey/created?return_to=/x%3Fa%3Db\"";
    says(&page, 200, next);
    assert!(!page.text().contains("data-kind"), "any device will do");
    let options = options(&page);
    assert_eq!(options["create"]["user"]["name"], ADA);
    assert_eq!(options["rpId"], "auth.example.com");
    assert_eq!(count(&world, "shown"), 1);
}

#[tokio::test]
async fn a_passkey_of_another_device_is_a_reason_to_make_one_here() {
    let world = World::new().await;
    let (ada, mut authenticator) = with_passkey(&world).await;
    let caps = "caps=passkeys+platform";
    let plain = by_passkey(&world, &ada, &mut authenticator, caps).await;
    leads_to(&plain, "/account");
    let query = "caps=passkeys&via=cross-platform";
    let cannot = by_passkey(&world, &ada, &mut authenticator, query).await;
    leads_to(&cannot, "/account");

    let query = "caps=passkeys+platform&via=cross-platform";
    let offer = by_passkey(&world, &ada, &mut authenticator, query).await;
    leads_to(&offer, OTHER_DEVICE);
    let page = ada.get(OTHER_DEVICE).await;
    says(&page, 200, "<h1>Set up a passkey on this device?</h1>");
    says(&page, 200, "Next time you won't need your other device.");
    says(&page, 200, "data-kind=\"platform\"");
}

#[tokio::test]
async fn codes_twice_in_thirty_days_are_a_reason_to_make_one_here() {
    let world = World::new().await;
    let (ada, mut authenticator) = with_passkey(&world).await;
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    // Looked at again, it is the same sign-in.
    leads_to(
        &ada.get("/sign-in?caps=passkeys+platform").await,
        "/account",
    );
    world.advance(Span::days(31));
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    world.advance(Span::days(20));
    let stranger = reader(&world, "en");
    leads_to(&by_code(&world, &stranger, CAPS).await, "/account");

    leads_to(&by_code(&world, &ada, CAPS).await, STILL_CODES);
    let page = ada.get(STILL_CODES).await;
    says(&page, 200, "<h1>Add a passkey for this device?</h1>");
    says(&page, 200, "data-kind=\"platform\"");
    let query = "caps=passkeys+platform";
    let plain = by_passkey(&world, &ada, &mut authenticator, query).await;
    leads_to(&plain, "/account");
}

#[tokio::test]
async fn not_now_is_for_thirty_days_and_the_third_time_for_good() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let later = [("answer", "later"), ("return_to", "/x"), ("failed", "")];
    for _ in 0..3 {
        leads_to(&by_code(&world, &ada, CAPS).await, FIRST);
        leads_to(&ada.submit("/welcome/passkey", &later).await, "/x");
        // Pressed twice.
        leads_to(&ada.submit("/welcome/passkey", &later).await, "/x");
        world.advance(Span::days(29));
        leads_to(&by_code(&world, &ada, CAPS).await, "/account");
        world.advance(Span::days(2));
    }
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    let other = reader(&world, "en");
    leads_to(&by_code(&world, &other, CAPS).await, "/account");
    assert_eq!(count(&world, "dismissed"), 6);
    assert_eq!(count(&world, "failed"), 0);
}

#[tokio::test]
async fn a_snooze_is_for_one_browser_and_never_is_for_all() {
    let world = World::new().await;
    let (ada, other) = (reader(&world, "en"), reader(&world, "en"));
    leads_to(&by_code(&world, &ada, CAPS).await, FIRST);
    ada.submit("/welcome/passkey", &[("answer", "later")]).await;
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    leads_to(&by_code(&world, &other, CAPS).await, FIRST);

    let never = [("answer", "never")];
    leads_to(&other.submit("/welcome/passkey", &never).await, "/account");
    leads_to(&by_code(&world, &other, CAPS).await, "/account");
    let third = reader(&world, "en");
    leads_to(&by_code(&world, &third, CAPS).await, "/account");
}

#[tokio::test]
async fn a_device_that_has_one_is_not_asked_again() {
    let world = World::new().await;
    let (ada, _) = with_passkey(&world).await;
    by_code(&world, &ada, CAPS).await;
    leads_to(&by_code(&world, &ada, CAPS).await, STILL_CODES);
    let exists = [("answer", "exists"), ("failed", "passkey_exists")];
    leads_to(&ada.submit("/welcome/passkey", &exists).await, "/account");
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    assert_eq!(count(&world, "dismissed"), 0);
    assert_eq!(count(&world, "failed\",code=\"passkey_exists"), 1);

    let odd = [("answer", "later"), ("failed", "\"} 1\nmade_up")];
    ada.submit("/welcome/passkey", &odd).await;
    assert_eq!(count(&world, "failed\",code=\"other"), 1);
    let unknown = ada.submit("/welcome/passkey", &[("answer", "?")]).await;
    assert_eq!(unknown.status(), 400);
}

#[tokio::test]
async fn a_passkey_that_was_made_is_shown_and_named() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let mut authenticator = Authenticator::new(1);
    leads_to(&by_code(&world, &ada, CAPS).await, FIRST);
    let passkey = world.add_passkey(&ada, &mut authenticator).await.json();
    let id = passkey["id"].as_str().unwrap();
    let path = format!("/welcome/passkey/created?return_to=/x&created={id}");

    let page = ada.get(&path).await;
    says(
        &page,
        200,
        "<h1 tabindex=\"-1\" autofocus>Passkey created</h1>",
    );
    says(&page, 200, "Choose it next time you sign in.");
    let name = passkey["name"].as_str().unwrap();
    says(&page, 200, &format!("name=\"name\" value=\"{name}\""));
    says(&page, 200, "href=\"/x\">Continue</a>");
    ada.get(&path).await;
    assert_eq!(count(&world, "created"), 1);

    let form = |name| [("created", id), ("return_to", "/x"), ("name", name)];
    let created = "/welcome/passkey/created";
    let refused = ada.submit(created, &form(" ")).await;
    says(
        &refused,
        422,
        "<a href=\"#name\">Use 1 to 64 characters.</a>",
    );
    says(&refused, 422, "aria-invalid=\"true\"");
    leads_to(&ada.submit(created, &form("My laptop")).await, &path);
    let renamed = ada.get(&path).await;
    says(&renamed, 200, "<p>Name saved.</p>");
    says(&renamed, 200, "value=\"My laptop\"");
    let passkeys: Value = ada.get("/auth/passkeys/").await.ok();
    assert_eq!(passkeys[0]["name"], "My laptop");

    // Nobody else's is shown, and what is not there is nothing to talk of.
    let bob = reader(&world, "en");
    world.sign_in(&bob, "bob@example.com").await;
    leads_to(&bob.get(&path).await, "/x");
    leads_to(&bob.submit(created, &form("Mine now")).await, "/x");
    leads_to(&ada.get(created).await, "/account");
    // Codes again: this browser has one.
    by_code(&world, &ada, CAPS).await;
    leads_to(&by_code(&world, &ada, CAPS).await, "/account");
}

#[tokio::test]
async fn the_page_names_the_password_manager() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    world.sign_in(&ada, ADA).await;
    let mut authenticator = Authenticator::new(1);
    authenticator.aaguid = 0xfbfc_3007_154e_4ecc_8c0b_6e02_0557_d7bd_u128.to_be_bytes();
    let passkey = world.add_passkey(&ada, &mut authenticator).await.json();
    let path = format!(
        "/welcome/passkey/created?created={}",
        passkey["id"].as_str().unwrap()
    );
    let expected = "Saved in <strong><bdi>Apple Passwords</bdi></strong>. Choose it";
    says(&ada.get(&path).await, 200, expected);
}

#[tokio::test]
async fn where_a_code_is_not_proof_enough_nothing_is_offered() {
    let world = World::with(|config| config.codes.after_passkey = AfterPasskey::Recovery).await;
    let (ada, _) = with_passkey(&world).await;
    for _ in 0..3 {
        leads_to(&by_code(&world, &ada, CAPS).await, "/account");
    }
    let stale = ada.get(STILL_CODES).await;
    let back = "/reauth?return_to=/welcome/passkey%3Foffer%3Dstill-codes";
    leads_to(&stale, back);
}

#[tokio::test]
async fn what_a_browser_remembers_is_believed_only_if_we_wrote_it() {
    const MEMORY: &str = "__Host-doorward_memory";
    let world = World::new().await;
    let ada = reader(&world, "en");
    leads_to(&by_code(&world, &ada, CAPS).await, FIRST);
    ada.submit("/welcome/passkey", &[("answer", "later")]).await;
    let memory = ada.cookie(MEMORY).unwrap();
    let altered = memory.replace('.', "A.");
    ada.set_cookie(MEMORY, &altered);
    leads_to(&by_code(&world, &ada, CAPS).await, FIRST);
}
