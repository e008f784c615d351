//! `/account/sessions`: the devices where someone is signed in, without scripts.

use doorward::{
    Span,
    testing::{Authenticator, Caller, World},
};

use crate::{
    pages_render::reader,
    pages_sign_in::{leads_to, says, words},
    session_list::{IPHONE, MAC},
};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const LIST: &str = "/account/sessions";
const OTHERS: &str = "/account/sessions/others";

/// Ada's laptop and phone, both signed in; the phone an hour later.
async fn two_devices(world: &World) -> (Caller, Caller) {
    let laptop = reader(world, "en")
        .from("203.0.113.7")
        .with("user-agent", MAC);
    let phone = reader(world, "en")
        .from("2001:db8::7")
        .with("user-agent", IPHONE);
    world.sign_in(&laptop, ADA).await;
    world.advance(Span::hours(1));
    world.sign_in(&phone, ADA).await;
    (laptop, phone)
}

async fn third_device(world: &World) -> Caller {
    let third = reader(world, "en");
    world.sign_in(&third, ADA).await;
    third
}

/// The id in the button that signs a device out.
fn id_to_end(page: &str, button: &str) -> String {
    let label = page.find(&format!("aria-label=\"{button}\"")).unwrap();
    let (_, value) = page[..label].rsplit_once("value=\"").unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// Whether the caller is still signed in, as a page finds out.
async fn is_signed_in(caller: &Caller) -> bool {
    let reply = caller.get(LIST).await;
    if reply.status() != 200 {
        leads_to(&reply, "/sign-in?return_to=/account/sessions");
    }
    reply.status() == 200
}

/// Item 72: what the list shows, this device first.
#[tokio::test]
async fn the_list_begins_with_this_device() {
    let world = World::new().await;
    let (laptop, _phone) = two_devices(&world).await;
    world.advance(Span::minutes(4));

    let page = laptop.get(LIST).await;

    for text in [
        "<h1>Devices</h1>",
        "<bdi>Chrome on macOS</bdi>",
        ">This device</span>",
        "<bdi>203.0.113.7</bdi> · Active now",
        "<bdi>2001:db8::7</bdi> · Active now",
        "Signed in <time datetime=\"2026-11-01T12:00:00.000Z\" data-time=\"date\">2026-11-01</time> with an email code",
        "<a class=\"dw-actions dw-tap\" href=\"/sign-out\" aria-label=\"Sign out Chrome on macOS, 203.0.113.7\">Sign out</a>",
        "aria-label=\"Sign out Safari on iOS, 2001:db8::7\">Sign out</button>",
        "Don't recognise one? Sign it out, then <a href=\"/account/passkeys\">check your passkeys</a>.",
        "Mozilla/5.0 (iPhone;",
        "<dd><time datetime=\"2026-11-08T13:00:00.000Z\" data-time=\"full\">2026-11-08 13:00 UTC</time></dd>",
    ] {
        says(&page, 200, text);
    }
    let text = page.text();
    assert!(text.find("Chrome on macOS") < text.find("Safari on iOS"));
    assert_eq!(text.matches("This device").count(), 1);

    world.advance(Span::minutes(1));
    let later = laptop.get(LIST).await;
    says(
        &later,
        200,
        "Last active <time datetime=\"2026-11-01T13:00:00.000Z\" data-time=\"\">2026-11-01 13:00 UTC</time>",
    );
}

#[tokio::test]
async fn a_sign_in_with_a_passkey_tells_which() {
    let world = World::new().await;
    let mut authenticator = Authenticator::new(1);
    let ada = reader(&world, "en").with("user-agent", MAC);
    world.sign_in(&ada, ADA).await;
    let passkey = world.add_passkey(&ada, &mut authenticator).await.created();
    let phone = reader(&world, "en").with("user-agent", IPHONE);
    let signed_in = world.sign_in_with_passkey(&phone, &mut authenticator).await;
    signed_in.created();

    let name = passkey["name"].as_str().unwrap();
    let shown = format!("2026-11-01</time> with a passkey ({name})");
    says(&phone.get(LIST).await, 200, &shown);

    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
    phone.delete(&path).await.no_content();
    says(
        &phone.get(LIST).await,
        200,
        "2026-11-01</time> with a passkey</p>",
    );
}

/// Items 65, 66.
#[tokio::test]
async fn a_device_is_signed_out_by_its_button() {
    let world = World::new().await;
    let (laptop, phone) = two_devices(&world).await;
    let page = laptop.get(LIST).await.text();
    let id = id_to_end(&page, "Sign out Safari on iOS, 2001:db8::7");

    leads_to(&laptop.submit(LIST, &[("session", &id)]).await, LIST);

    let told = laptop.get(LIST).await;
    says(&told, 200, "<p>Signed out of Safari on iOS.</p>");
    assert!(!told.text().contains("<bdi>Safari on iOS</bdi>"));
    assert!(!is_signed_in(&phone).await);
    let again = laptop.submit(LIST, &[("session", &id)]).await;
    leads_to(&again, LIST);
    assert!(again.cookies().is_empty(), "nothing happened, nothing said");
}

/// Item 66: what is not one's own is left alone; one's own session ends at /sign-out only, where it is asked.
#[tokio::test]
async fn neither_someone_elses_device_nor_this_one_is_signed_out_here() {
    let world = World::new().await;
    let (laptop, _phone) = two_devices(&world).await;
    let bob = reader(&world, "en");
    let bobs = world.sign_in(&bob, BOB).await.json();
    let own = laptop.get("/auth/sessions/current").await.ok();
    let id =
        |signed_in: &serde_json::Value| signed_in["session"]["id"].as_str().unwrap().to_owned();

    leads_to(&laptop.submit(LIST, &[("session", &id(&bobs))]).await, LIST);
    leads_to(&laptop.submit(LIST, &[("session", "x")]).await, LIST);
    leads_to(
        &laptop.submit(LIST, &[("session", &id(&own))]).await,
        "/sign-out",
    );

    assert!(is_signed_in(&bob).await);
    assert!(is_signed_in(&laptop).await);
}

#[tokio::test]
async fn one_other_device_is_signed_out_at_once() {
    let world = World::new().await;
    let (laptop, phone) = two_devices(&world).await;
    let page = laptop.get(LIST).await;
    says(
        &page,
        200,
        "<button class=\"dw-button dw-end\" form=\"end-others\">Sign out everywhere else</button>",
    );
    assert!(!page.text().contains("<dialog"));

    leads_to(&laptop.submit(OTHERS, &[]).await, LIST);

    says(
        &laptop.get(LIST).await,
        200,
        "<p>Signed out of Safari on iOS.</p>",
    );
    assert!(!is_signed_in(&phone).await);
    assert!(!laptop.get(LIST).await.text().contains("everywhere else"));
}

/// Item 65: several devices are signed out after a question, in a dialog or on a page.
#[tokio::test]
async fn several_other_devices_are_asked_about_first() {
    let world = World::new().await;
    let (laptop, phone) = two_devices(&world).await;
    let third = third_device(&world).await;

    let page = laptop.get(LIST).await;
    says(
        &page,
        200,
        "href=\"/account/sessions/others\" data-dialog=\"others\">Sign out everywhere else</a>",
    );
    says(
        &page,
        200,
        "<h2 id=\"others-title\">Sign out of 2 other devices?</h2>",
    );
    let asked = laptop.get(OTHERS).await;
    says(&asked, 200, "<h1>Sign out of 2 other devices?</h1>");
    says(
        &asked,
        200,
        "They'll need to sign in again. You'll stay signed in here.",
    );
    assert!(is_signed_in(&phone).await, "asking ends nothing");
    leads_to(&laptop.submit(OTHERS, &[]).await, LIST);

    says(
        &laptop.get(LIST).await,
        200,
        "<p>Signed out of 2 devices.</p>",
    );
    for other in [&phone, &third] {
        assert!(!is_signed_in(other).await);
    }
}

#[tokio::test]
async fn with_no_other_device_there_is_nothing_to_ask() {
    let world = World::new().await;
    let ada = reader(&world, "de");
    world.sign_in(&ada, ADA).await;

    let page = ada.get(LIST).await;
    says(&page, 200, "Unbekannter Browser");
    assert!(!page.text().contains("/account/sessions/others"));
    leads_to(&ada.get(OTHERS).await, LIST);
    leads_to(&ada.submit(OTHERS, &[]).await, LIST);
    says(
        &ada.get(LIST).await,
        200,
        "Sie waren auf keinem anderen Gerät angemeldet.",
    );
}

/// What a device or a passkey is called is text, whatever it looks like.
#[tokio::test]
async fn names_are_shown_as_they_are() {
    let world = World::new().await;
    let mut authenticator = Authenticator::new(1);
    let ada = reader(&world, "en").with("user-agent", "<script>alert(1)</script>");
    world.sign_in(&ada, ADA).await;
    let passkey = world.add_passkey(&ada, &mut authenticator).await.created();
    let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
    let name = serde_json::json!({ "name": "<b>\u{1f511} {$date} مفتاح</b>" });
    ada.patch(&path, name).await.ok();
    let signed_in = world.sign_in_with_passkey(&ada, &mut authenticator).await;
    signed_in.created();

    let page = words(&ada.get(LIST).await);

    for shown in [
        "<dd><bdi>&#60;script&#62;alert(1)&#60;/script&#62;</bdi></dd>",
        "with a passkey (&#60;b&#62;\u{1f511} {$date} مفتاح&#60;/b&#62;)",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
}
