//! The passkeys of an account on its pages: listing, naming and removing them, without scripts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    Span,
    config::AfterPasskey,
    testing::{Authenticator, Caller, Reply, World},
};
use serde_json::Value;

use crate::{
    ceremony::{ADA, BOB, stored},
    pages_render::reader,
    pages_sign_in::words,
};

const LIST: &str = "/account/passkeys";
const APPLE: &str = "fbfc3007154e4ecc8c0b6e020557d7bd";
const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

/// Flags of a passkey that may be copied, and is.
const SYNCED: u8 = 0x1d;
/// Of one that may be, and is not.
const NOT_SYNCED: u8 = 0x0d;
/// Of one that stays where it was made.
const BOUND: u8 = 0x05;

fn authenticator(seed: u64, flags: u8, transports: &[&str]) -> Authenticator {
    let mut authenticator = Authenticator::new(seed);
    authenticator.flags = flags;
    authenticator.transports = transports.iter().map(|each| (*each).to_owned()).collect();
    authenticator
}

/// An authenticator that says to be Apple's.
fn apple(seed: u64) -> Authenticator {
    let mut apple = authenticator(seed, SYNCED, &["internal", "hybrid"]);
    for (byte, pair) in apple.aaguid.iter_mut().zip(APPLE.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    apple
}

/// Somebody who looks at pages, signed in by a code.
async fn somebody(world: &World, address: &str) -> Caller {
    let somebody = reader(world, "en");
    world.sign_in(&somebody, address).await;
    somebody
}

/// Adds a passkey: the address of its page.
async fn add(world: &World, caller: &Caller, authenticator: &mut Authenticator) -> String {
    world.advance(Span::seconds(1));
    let added = world.add_passkey(caller, authenticator).await.created();
    format!("{LIST}/{}", added["id"].as_str().unwrap())
}

async fn sign_in(world: &World, caller: &Caller, authenticator: &mut Authenticator) {
    let signed_in = world.sign_in_with_passkey(caller, authenticator).await;
    signed_in.created();
}

/// What is shown, tags left out and blanks run together.
fn text(reply: &Reply) -> String {
    let html = words(reply).replace("&#34;", "\"").replace("&#60;", "<");
    let shown = html.split("<main").nth(1).unwrap_or_default();
    let shown = shown.split("<template").next().unwrap();
    let mut text = String::new();
    for part in shown.split('<').skip(1) {
        text.push(' ');
        text += part.split_once('>').map_or("", |(_, text)| text);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(reply: &Reply, expected: &str) {
    let shown = text(reply);
    assert!(shown.contains(expected), "{expected} is not in {shown}");
}

#[track_caller]
fn is_silent(reply: &Reply, unexpected: &str) {
    let shown = text(reply);
    assert!(!shown.contains(unexpected), "{unexpected} is in {shown}");
}

#[track_caller]
fn leads_to(reply: &Reply, path: &str) {
    assert_eq!(reply.status(), 303, "{reply}");
    assert_eq!(reply.header("location"), path);
}

/// What a `<meta>` of the page holds for the script.
fn given(reply: &Reply, name: &str) -> Value {
    let html = reply.text();
    let start = format!("<meta name=\"dw-{name}\" content=\"");
    let content = html.split(&start).nth(1).unwrap().split('"').next();
    let json = content.unwrap().replace("&#34;", "\"");
    serde_json::from_str(&json).unwrap()
}

#[tokio::test]
async fn whoever_has_no_passkey_is_invited_to_make_one() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    for path in ["/account", LIST] {
        let page = ada.get(path).await;
        says(
            &page,
            "Sign in without email codes Create a passkey and use your fingerprint, face or screen lock.",
        );
        assert!(page.text().contains("href=\"/account/passkeys/new\""));
    }
    let stranger = reader(&world, "en");
    leads_to(
        &stranger.get(LIST).await,
        "/sign-in?return_to=/account/passkeys",
    );
}

#[tokio::test]
async fn each_passkey_says_where_it_works_and_when_it_was_used() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let mut phone = apple(1);
    for authenticator in [
        &mut phone,
        &mut authenticator(2, NOT_SYNCED, &["internal"]),
        &mut authenticator(3, BOUND, &["internal"]),
        &mut authenticator(4, BOUND, &["usb", "nfc"]),
    ] {
        add(&world, &ada, authenticator).await;
    }
    let mac = somebody(&world, ADA).await.with("user-agent", CHROME);
    add(&world, &mac, &mut authenticator(5, BOUND, &["usb"])).await;
    let elsewhere = reader(&world, "en").with("user-agent", SAFARI);
    world.advance(Span::hours(2));
    sign_in(&world, &elsewhere, &mut phone).await;

    let page = elsewhere.get(LIST).await;

    says(
        &page,
        "Apple Passwords Synced Used for this session Created 2026-11-01 Last used 2026-11-01 14:00 UTC · Safari on iOS",
    );
    says(
        &page,
        "Security key Security key Created 2026-11-01 Not used yet",
    );
    says(
        &page,
        "Security key (2) Security key Created 2026-11-01 · Chrome on macOS Not used yet",
    );
    says(&page, "Passkey Not backed up yet Created");
    says(&page, "Passkey (2) This device only Created");
    for meaning in [
        "Synced Available on your other devices that use the same password manager.",
        "Not backed up yet Can be synced, but isn't yet. Turn on sync in your password manager.",
        "This device only Works only on the device it was made on.",
        "Security key Works when you connect the key.",
    ] {
        says(&page, meaning);
    }
    let current = text(&page).matches("Used for this session").count();
    assert_eq!(current, 1, "by a fact, not by a guess");
    is_silent(&ada.get(LIST).await, "Used for this session");
    says(
        &ada.get("/account").await,
        "Passkeys 5 passkeys · last used 2026-11-01 14:00 UTC",
    );
    says(&ada.get("/account").await, "Signed in on 3 devices");
}

#[tokio::test]
async fn banners_tell_of_what_may_be_lost() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let only_one = "You have one passkey. Add another in a different password manager";
    let all_bound = "All your passkeys are tied to single devices.";
    add(&world, &ada, &mut authenticator(1, BOUND, &["internal"])).await;
    says(&ada.get(LIST).await, only_one);

    leads_to(&ada.submit(LIST, &[]).await, LIST);
    is_silent(&ada.get(LIST).await, only_one);
    let elsewhere = somebody(&world, ADA).await;
    says(&elsewhere.get(LIST).await, only_one);

    add(&world, &ada, &mut authenticator(2, BOUND, &["usb"])).await;
    says(&ada.get(LIST).await, all_bound);
    is_silent(&elsewhere.get(LIST).await, only_one);
    add(&world, &ada, &mut apple(3)).await;
    is_silent(&ada.get(LIST).await, all_bound);
}

#[tokio::test]
async fn the_options_in_the_page_make_a_passkey() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let page = ada.get("/account/passkeys/new").await;
    says(&page, "Creating a passkey needs JavaScript.");
    let options = given(&page, "webauthn");
    assert_eq!(options["rpId"], "auth.example.com");
    let made = apple(1).create(&options["create"], doorward::testing::ORIGIN);
    let made = ada.post("/auth/passkeys/register/verify", made).await;
    let id = made.created()["id"].as_str().unwrap().to_owned();

    let created = format!("{LIST}?created={id}");
    let list = ada.get(&created).await;
    says(&list, "Passkey created. Saved in Apple Passwords.");
    let focused = "<li class=\"dw-item\" tabindex=\"-1\" autofocus aria-describedby=\"status\">";
    assert!(list.text().contains(focused));
    // Of another's, and later, the address says nothing.
    let bob = somebody(&world, BOB).await;
    is_silent(&bob.get(&created).await, "Passkey created.");
    world.advance(Span::minutes(11));
    is_silent(&ada.get(&created).await, "Passkey created.");

    let key = somebody(&world, ADA).await;
    let page = key.get("/account/passkeys/new?kind=security-key").await;
    says(&page, "Create a passkey on a security key");
    assert!(page.text().contains("data-kind=\"security-key\""));
}

/// Making and removing a passkey take a recent sign-in, and come back afterwards.
#[tokio::test]
async fn whoever_signed_in_long_ago_proves_first_who_they_are() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let passkey = add(&world, &ada, &mut apple(1)).await;
    let remove = format!("{passkey}/remove");
    let dialog = format!("<dialog id=\"remove-{}\"", &passkey[LIST.len() + 1..]);
    assert!(ada.get(LIST).await.text().contains(&dialog));

    world.advance(Span::minutes(11));

    assert!(!ada.get(LIST).await.text().contains("<dialog"));
    leads_to(
        &ada.get("/account/passkeys/new?kind=security-key").await,
        "/reauth?return_to=/account/passkeys/new%3Fkind%3Dsecurity-key",
    );
    let asked = format!("/reauth?return_to={remove}");
    leads_to(&ada.get(&remove).await, &asked);
    leads_to(&ada.submit(&remove, &[]).await, &asked);
    says(&ada.get(LIST).await, "Apple Passwords");
}

#[tokio::test]
async fn a_passkey_is_renamed_on_a_page() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let page = add(&world, &ada, &mut apple(1)).await;
    let shown = ada.get(&page).await;
    says(&shown, "Rename passkey Passkey name Save Cancel");
    assert!(shown.text().contains("value=\"Apple Passwords\""));

    for bad in ["", " ", &"x".repeat(65), "\u{202e}x"] {
        let refused = ada.submit(&page, &[("name", bad)]).await;
        assert_eq!(refused.status(), 422, "{refused}");
        says(&refused, "Use 1 to 64 characters, all of them visible.");
        let field =
            format!("value=\"{bad}\" autocomplete=\"off\" dir=\"auto\" required aria-invalid");
        assert!(refused.text().contains(&field), "{refused}");
    }
    let name = "<b>🔑 مفتاح";
    leads_to(&ada.submit(&page, &[("name", name)]).await, LIST);

    let list = ada.get(LIST).await;
    says(&list, "Passkey renamed.");
    assert!(list.text().contains("&#60;b&#62;🔑 مفتاح</bdi>"), "{list}");
    is_silent(&ada.get(LIST).await, "Passkey renamed.");
}

/// Each case of what is to be known before a passkey goes, by its sentence.
#[tokio::test]
async fn the_page_says_what_removing_brings() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let (mut phone, mut laptop) = (apple(1), authenticator(2, BOUND, &["internal"]));
    let first = format!("{}/remove", add(&world, &ada, &mut phone).await);
    let only = ada.get(&first).await;
    says(
        &only,
        "Remove “ Apple Passwords ”? You won't be able to sign in with it any more. This is your only passkey. \
         You'll sign in with a code sent to ada@example.com, which is slower and can be phished. \
         We'll ask your password manager to stop offering it. \
         Also delete it in your password manager, or it will keep being offered. \
         Create another one first Keep passkey Remove passkey",
    );
    assert!(only.text().contains("<p data-signal hidden>"));
    assert!(only.text().contains("href=\"/account/passkeys\" autofocus"));

    let second = format!("{}/remove", add(&world, &ada, &mut laptop).await);
    let page = ada.get(&first).await;
    says(&page, "Your other passkeys each work on one device only.");
    is_silent(&page, "only passkey");
    is_silent(&page, "signed out");
    is_silent(&ada.get(&second).await, "one device only");

    let (here, there, further) = (reader(&world, "en"), world.browser(), world.browser());
    sign_in(&world, &here, &mut phone).await;
    sign_in(&world, &there, &mut phone).await;
    let page = here.get(&first).await;
    says(&page, "You used it to sign in here. You'll stay signed in.");
    says(
        &page,
        "The other device that signed in with it will be signed out.",
    );
    sign_in(&world, &further, &mut phone).await;
    let others = "The 2 other devices that signed in with it will be signed out.";
    says(&here.get(&first).await, others);
    says(&here.get(LIST).await, others);
    is_silent(&here.get(&second).await, "signed out");
}

/// Item 68: on the page too, and it says so before.
#[tokio::test]
async fn a_passkey_is_removed_on_a_page() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    let (mut phone, mut laptop) = (apple(1), authenticator(2, SYNCED, &["internal"]));
    let page = add(&world, &ada, &mut phone).await;
    add(&world, &ada, &mut laptop).await;
    let (here, there) = (reader(&world, "en"), world.browser());
    for caller in [&here, &there] {
        sign_in(&world, caller, &mut phone).await;
    }

    leads_to(&here.submit(&format!("{page}/remove"), &[]).await, LIST);

    let list = here.get(LIST).await;
    says(&list, "“Apple Passwords” was removed.");
    let accepted = &given(&list, "signals")["acceptedCredentialIds"];
    let left = URL_SAFE_NO_PAD.encode(&laptop.passkeys()[0].id);
    assert_eq!(*accepted, serde_json::json!([left]));
    let ended = there.get("/auth/me").await;
    ended.problem(401, "unauthenticated");
    let mail = world.inbox(ADA).await;
    assert_eq!(
        mail.messages()[0].subject,
        "A passkey was removed from your Doorward account"
    );
    assert_eq!(here.get(&page).await.status(), 404);
}

/// D15: without mailed codes the last passkey is the only way in, and the page does not offer what is refused.
#[tokio::test]
async fn the_last_passkey_has_no_button_where_policy_keeps_it() {
    let world = World::with(|config| config.codes.after_passkey = AfterPasskey::Deny).await;
    let ada = somebody(&world, ADA).await;
    let mut phone = apple(1);
    let remove = format!("{}/remove", add(&world, &ada, &mut phone).await);
    sign_in(&world, &ada, &mut phone).await;
    let denied = "You can't remove your only passkey. Create another one first.";

    let page = ada.get(&remove).await;
    says(&page, denied);
    for absent in ["dw-button--danger", "data-no-signal", "code sent to"] {
        assert!(!page.text().contains(absent), "{absent} in {page}");
    }
    says(&ada.get(LIST).await, denied);
    let refused = ada.submit(&remove, &[]).await;
    assert_eq!(refused.status(), 409);
    says(&refused, denied);
    assert_eq!(ada.get(&remove).await.status(), 200, "it is still there");
}

/// Item 85: another's passkey looks like none.
#[tokio::test]
async fn the_pages_of_anothers_passkey_are_not_there() {
    let world = World::new().await;
    let (ada, bob) = (somebody(&world, ADA).await, somebody(&world, BOB).await);
    let page = add(&world, &ada, &mut apple(1)).await;
    let before = stored(&world);
    for path in [
        page,
        format!("{LIST}/{}", "A".repeat(43)),
        format!("{LIST}/!"),
    ] {
        for (path, form) in [
            (path.clone(), vec![("name", "Mine")]),
            (format!("{path}/remove"), Vec::new()),
        ] {
            assert_eq!(bob.get(&path).await.status(), 404, "{path}");
            assert_eq!(bob.submit(&path, &form).await.status(), 404, "{path}");
        }
    }
    assert_eq!(stored(&world), before);
}

#[tokio::test]
async fn the_list_and_its_script_are_small_when_they_travel() {
    let world = World::new().await;
    let ada = somebody(&world, ADA).await;
    for seed in 0..4 {
        add(&world, &ada, &mut apple(seed)).await;
    }
    let ada = ada.with("accept-encoding", "br");
    let mut html = Vec::new();
    let list = ada.get(LIST).await;
    brotli::BrotliDecompress(&mut list.body(), &mut html).unwrap();
    assert!(list.body().len() <= 5_000, "{}", list.body().len());
    let html = String::from_utf8(html).unwrap();
    let script = html.split("<script type=\"module\" src=\"").nth(1).unwrap();
    let script = ada.get(script.split('"').next().unwrap()).await;
    assert!(script.body().len() <= 5_120, "{}", script.body().len());
}
