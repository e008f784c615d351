//! Signing in on the pages, without scripts: forms and cookies, as every browser has them.

use axum::body::Body;
use doorward::{
    Span,
    config::SignUp,
    testing::{Authenticator, Caller, Reply, World},
};
use http::{HeaderValue, Method};
use serde_json::Value;

use crate::{
    codes::{invite, wrong},
    pages_render::reader,
};

const ADA: &str = "ada@example.com";
const ATTEMPT: &str = "__Host-doorward_attempt";
const SESSION: &str = "__Host-doorward_session";
const FLOW: &str = "__Host-doorward_flow";

/// Where a redirect leads.
#[track_caller]
pub(crate) fn leads_to(reply: &Reply, path: &str) {
    assert_eq!(reply.status(), 303, "{reply}");
    assert_eq!(reply.header("location"), path);
    assert_eq!(reply.header("cache-control"), "no-store");
}

/// Asks for a code, and reads it.
pub(crate) async fn asked(world: &World, caller: &Caller, address: &str) -> String {
    let asked = caller.submit("/sign-in", &[("email", address)]).await;
    leads_to(&asked, "/sign-in/code");
    world.inbox(address).await.code()
}

pub(crate) async fn enter(caller: &Caller, code: &str) -> Reply {
    caller.submit("/sign-in/code", &[("code", code)]).await
}

/// Asserts what a page says, and with which status.
#[track_caller]
pub(crate) fn says(reply: &Reply, status: u16, text: &str) {
    assert_eq!(reply.status(), status, "{reply}");
    assert!(words(reply).contains(text), "{text} is not in {reply}");
}

/// The document, with its apostrophes as they are shown.
pub(crate) fn words(reply: &Reply) -> String {
    reply.text().replace("&#39;", "'")
}

#[tokio::test]
async fn a_code_signs_in_without_a_script() {
    let world = World::new().await;
    let ada = reader(&world, "en");

    leads_to(&ada.get("/").await, "/sign-in");
    let begun = ada.get("/sign-in").await;
    says(&begun, 200, "<h1>Sign in or create an account</h1>");
    says(&begun, 200, "<noscript>");
    says(
        &begun,
        200,
        "<div id=\"passkey\" class=\"dw-stack dw-later\" hidden>",
    );
    let code = asked(&world, &ada, ADA).await;
    let waiting = ada.get("/sign-in/code").await;
    says(
        &waiting,
        200,
        "We sent a code to <strong><bdi>ada@example.com</bdi></strong>.",
    );
    says(&waiting, 200, "It works for 10 minutes.");
    says(&waiting, 200, "<title>Check your email – Doorward</title>");
    says(&waiting, 200, "8 digits.");
    says(&waiting, 200, "<bdi>no-reply@auth.example.com</bdi>");
    for absent in ["maxlength", "pattern="] {
        assert!(!waiting.text().contains(absent), "{absent}");
    }
    let done = enter(&ada, &code).await;

    leads_to(&done, "/account");
    assert!(ada.cookie(SESSION).is_some());
    assert_eq!(ada.cookie(ATTEMPT), None);
    assert_eq!(
        ada.cookie("__Host-doorward_last_method").as_deref(),
        Some("otp")
    );
    assert_eq!(ada.get("/auth/me").await.ok()["email"], ADA);
    leads_to(&ada.get("/").await, "/account");
    leads_to(&ada.get("/sign-in").await, "/account");
    assert_eq!(world.inbox(ADA).await.messages().len(), 1);
}

#[tokio::test]
async fn a_whole_message_holds_the_code() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let code = asked(&world, &ada, ADA).await;
    let message = format!(
        "Your code is {} {}.\nIt works once.",
        &code[..4],
        &code[4..]
    );
    leads_to(&enter(&ada, &message).await, "/account");
}

/// Items 4, 93: the page counts down what is left, and what is wrong looks the same for everyone.
#[tokio::test]
async fn wrong_codes_are_counted_down_until_the_code_is_dead() {
    for address in [ADA, "nobody@example.com"] {
        let world = World::with(|config| config.sign_up = SignUp::Invite).await;
        invite(&world, ADA).await;
        let visitor = reader(&world, "en");
        visitor.submit("/sign-in", &[("email", address)]).await;
        let code = match world.inbox(address).await.messages() {
            [] => "12345678".to_owned(),
            _ => world.inbox(address).await.code(),
        };
        let expected = [
            "Check the newest email and try again.</a></p>",
            "Check the newest email and try again.</a> 3 tries left.</p>",
            "Check the newest email and try again.</a> 2 tries left.</p>",
            "Check the newest email and try again.</a> 1 try left.</p>",
            "<p>Too many tries. That code no longer works.</p>",
            "<p>Too many tries. That code no longer works.</p>",
        ];
        for (number, text) in (1..).zip(expected) {
            let typed = if number == 6 {
                code.clone()
            } else {
                wrong(&code, number)
            };
            let refused = enter(&visitor, &typed).await;
            says(&refused, 422, text);
            says(
                &refused,
                422,
                "<title>Error: Check your email – Doorward</title>",
            );
            assert!(!refused.text().contains(&typed), "the code is never kept");
            let field = refused
                .text()
                .contains("id=\"code\" type=\"text\" name=\"code\"");
            assert!(field);
            assert_eq!(refused.text().contains("aria-invalid=\"true\""), number < 5);
        }
        let dead = visitor.get("/sign-in/code").await;
        says(
            &dead,
            200,
            "id=\"resend\" class=\"dw-button dw-button--primary\"",
        );

        // What no longer works is nothing to wait for but the limit of the address.
        world.advance(Span::seconds(31));
        leads_to(
            &visitor.submit("/sign-in/code/resend", &[]).await,
            "/sign-in/code",
        );
        let again = visitor.get("/sign-in/code").await;
        says(&again, 200, "<p>We sent a new code to ");
        assert!(!again.text().contains("Too many tries"), "{again}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_code_spends_no_try() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let code = asked(&world, &ada, ADA).await;
    for typed in ["", "1", "nothing", "１２３４５６７８"] {
        let refused = enter(&ada, typed).await;
        says(&refused, 422, "That code isn't right.");
        assert!(!refused.text().contains("tries left"));
    }
    leads_to(&enter(&ada, &code).await, "/account");
}

#[tokio::test]
async fn a_code_that_is_too_late_is_told_so() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let code = asked(&world, &ada, ADA).await;

    world.advance(Span::minutes(11));
    says(
        &ada.get("/sign-in/code").await,
        200,
        "That code has expired.",
    );
    let late = enter(&ada, &code).await;
    says(&late, 422, "<p>That code has expired.</p>");
    // A browser that looks at the clock has forgotten its flow with the code.
    ada.set_cookie(FLOW, "");
    let late = enter(&ada, &code).await;
    says(&late, 422, "<p>That code has expired.</p>");
    says(
        &late,
        422,
        "id=\"resend\" class=\"dw-button dw-button--primary\"",
    );
    leads_to(
        &ada.submit("/sign-in/code/resend", &[]).await,
        "/sign-in/code",
    );
    let fresh = world.inbox(ADA).await.code();
    assert_ne!(fresh, code);
    leads_to(&enter(&ada, &fresh).await, "/account");
}

#[tokio::test]
async fn a_code_is_sent_again_after_thirty_sixty_and_a_hundred_and_twenty_seconds() {
    let world = World::with(|config| config.limits.address_quarter = 0).await;
    let ada = reader(&world, "en");
    let first = asked(&world, &ada, ADA).await;
    let waits = async |seconds: &str| {
        let page = ada.get("/sign-in/code").await.text();
        assert!(page.contains(&format!("data-wait=\"{seconds}\"")), "{page}");
    };

    waits("30").await;
    world.advance(Span::seconds(6));
    let early = ada.submit("/sign-in/code/resend", &[]).await;
    says(&early, 429, "You can ask for another code in 24 seconds.");
    assert_eq!(early.header("retry-after"), "24");
    says(
        &early,
        429,
        "action=\"/sign-in/code\" aria-label=\"Language\"",
    );
    world.advance(Span::seconds(24));
    for next in ["60", "120", "120"] {
        leads_to(
            &ada.submit("/sign-in/code/resend", &[]).await,
            "/sign-in/code",
        );
        let again = ada.get("/sign-in/code").await;
        says(
            &again,
            200,
            "<p>We sent the code again to ada@example.com.</p>",
        );
        assert_eq!(world.inbox(ADA).await.code(), first, "the same code");
        waits(next).await;
        let said = ada.get("/sign-in/code").await.text();
        assert!(!said.contains("again to"), "it is said once");
        if next == "120" {
            break;
        }
        world.advance(Span::seconds(next.parse().unwrap()));
    }
    let early = ada.submit("/sign-in/code/resend", &[]).await;
    says(&early, 429, "You can ask for another code in 2 minutes.");
    leads_to(&enter(&ada, &first).await, "/account");
}

#[tokio::test]
async fn a_spent_budget_says_how_long_to_wait_and_keeps_what_was_typed() {
    let world = World::with(|config| config.limits.address_quarter = 1).await;
    let ada = reader(&world, "en");
    asked(&world, &ada, ADA).await;
    world.advance(Span::minutes(2));

    let form = [("email", ADA), ("return_to", "/x"), ("caps", "")];
    let limited = ada.submit("/sign-in", &form).await;

    says(
        &limited,
        429,
        "<p>Too many tries. Wait 13 minutes and try again.</p>",
    );
    assert_eq!(limited.header("retry-after"), "780");
    says(&limited, 429, "value=\"ada@example.com\"");
    says(&limited, 429, "name=\"return_to\" value=\"/x\"");
    let resent = ada.submit("/sign-in/code/resend", &[]).await;
    says(&resent, 429, "You can ask for another code in 13 minutes.");
}

#[tokio::test]
async fn a_bad_address_is_told_at_its_field() {
    let world = World::new().await;
    let visitor = reader(&world, "de");
    for typed in ["", "ada", "ada@example", "\"><script>"] {
        let refused = visitor.submit("/sign-in", &[("email", typed)]).await;
        says(&refused, 422, "<title>Fehler: Anmelden – Doorward</title>");
        says(
            &refused,
            422,
            "aria-invalid=\"true\" aria-describedby=\"email-err\"",
        );
        says(
            &refused,
            422,
            "<a href=\"#email\">Geben Sie eine E-Mail-Adresse wie name@example.com ein.</a>",
        );
        assert!(!refused.text().contains("\"><script>"));
    }
    assert_eq!(world.mailbox().messages().len(), 0);
}

/// Items 10, 13: another browser's code does nothing, and takes nothing from it.
#[tokio::test]
async fn a_code_works_in_the_browser_that_asked() {
    let world = World::new().await;
    let (ada, other) = (reader(&world, "en"), reader(&world, "en"));
    let code = asked(&world, &ada, ADA).await;

    leads_to(&enter(&other, &code).await, "/sign-in");
    let told = other.get("/sign-in").await;
    says(
        &told,
        200,
        "Enter the code in the browser where you asked for it.",
    );
    world.advance(Span::seconds(31));
    other.submit("/sign-in", &[("email", ADA)]).await;
    says(&enter(&other, &code).await, 422, "That code isn't right.");

    leads_to(&enter(&ada, &code).await, "/account");
}

/// Item 91: to the byte, but for what is random.
#[tokio::test]
async fn by_invitation_strangers_see_what_the_invited_see() {
    let world = World::with(|config| config.sign_up = SignUp::Invite).await;
    invite(&world, ADA).await;
    let mut seen = Vec::new();
    for address in [ADA, "bob@example.com"] {
        let visitor = reader(&world, "en");
        says(
            &visitor.get("/sign-in").await,
            200,
            "<h1>Sign in to Doorward</h1>",
        );
        let before = world.statements();
        let asked = visitor.submit("/sign-in", &[("email", address)]).await;
        let statements = world.statements() - before;
        let page = visitor.get("/sign-in/code").await;
        let refused = enter(&visitor, "87654321").await;
        let mut face = vec![format!("{statements}")];
        for reply in [asked, page, refused] {
            let mut headers: Vec<String> = reply
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = value.to_str().unwrap();
                    // Two cookies are random or MACed; their attributes are not.
                    let shown = value.split_once("; ").filter(|_| name == "set-cookie");
                    let length = value.len();
                    let cookie =
                        |rest| format!("{} {length} {rest}", value.split('=').next().unwrap());
                    format!(
                        "{name}: {}",
                        shown.map_or(value.to_owned(), |(_, rest)| cookie(rest))
                    )
                })
                .collect();
            headers.sort();
            let text = reply.text().replace(address, "?");
            face.push(format!("{} {headers:?} {text}", reply.status()));
        }
        seen.push(face);
    }
    assert_eq!(ADA.len(), "bob@example.com".len());
    assert_eq!(seen[0], seen[1]);
    assert_eq!(world.inbox("bob@example.com").await.messages().len(), 0);
}

/// Item 112: only paths of ours and registered origins.
#[tokio::test]
async fn people_return_to_where_they_may() {
    let world = World::with(|config| config.origins = vec!["https://app.example.com".into()]).await;
    let places = [
        ("/settings?a=b&c=%C3%A4#d", "/settings?a=b&c=%C3%A4#d"),
        ("https://auth.example.com/settings", "/settings"),
        (
            "https://app.example.com/x?y=z",
            "/sign-in/continue?return_to=https%3A//app.example.com/x%3Fy%3Dz",
        ),
        ("https://evil.example/x", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("https://app.example.com.evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/sign-out", "/account"),
    ];
    for (number, (asked_for, expected)) in places.into_iter().enumerate() {
        let ada = reader(&world, "en");
        let address = format!("ada{number}@example.com");
        let form = [("email", address.as_str()), ("return_to", asked_for)];
        leads_to(&ada.submit("/sign-in", &form).await, "/sign-in/code");
        let code = world.inbox(&address).await.code();
        leads_to(&enter(&ada, &code).await, expected);

        if expected.starts_with("/sign-in/continue") {
            let onward = ada.get(expected).await;
            says(
                &onward,
                200,
                "content=\"0;url=https://app.example.com/x?y=z\"",
            );
            says(&onward, 200, "<h1>Signed in</h1>");
            says(&onward, 200, "Continue to app.example.com");
            assert!(onward.body().len() < 4096);
        }
    }
}

/// Item 112: nor does the page in between lead anywhere else, nor anyone who has not signed in.
#[tokio::test]
async fn the_page_in_between_leads_to_registered_origins() {
    let world = World::with(|config| config.origins = vec!["https://app.example.com".into()]).await;
    let ada = reader(&world, "en");
    let onward = "/sign-in/continue?return_to=https%3A//app.example.com";
    let asked = "/sign-in?return_to=https%3A//app.example.com";
    leads_to(&ada.get(onward).await, asked);
    says(
        &ada.get(asked).await,
        200,
        "Sign in to continue to app.example.com.",
    );

    world.sign_in(&ada, ADA).await;
    assert_eq!(ada.get(onward).await.status(), 200);
    leads_to(&ada.get(asked).await, "https://app.example.com");
    for elsewhere in ["https%3A//evil.example", "//evil.example", "/account", ""] {
        let path = format!("/sign-in/continue?return_to={elsewhere}");
        leads_to(&ada.get(&path).await, "/account");
    }
}

#[tokio::test]
async fn a_page_for_nobody_asks_the_database_nothing() {
    let world = World::new().await;
    let visitor = reader(&world, "en");
    visitor.get("/sign-in").await;
    let (statements, commits) = (world.statements(), world.commits());
    for path in [
        "/sign-in",
        "/sign-in/help",
        "/sign-in/code",
        "/",
        "/nowhere",
    ] {
        visitor.get(path).await;
    }
    assert_eq!((world.statements(), world.commits()), (statements, commits));
}

/// The options in the head of a page.
pub(crate) fn options(page: &Reply) -> Value {
    let html = page.text();
    let content = html
        .split("<meta name=\"dw-webauthn\" content=\"")
        .nth(1)
        .unwrap();
    let content = content.split('"').next().unwrap();
    let json = content.replace("&#34;", "\"").replace("&#38;", "&");
    serde_json::from_str(&json).unwrap()
}

/// Item 41: a browser's challenge works in that browser; both that are in a page work, and those of another tab do too.
#[tokio::test]
async fn the_options_in_the_page_sign_in() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let mut authenticator = Authenticator::new(1);
    world.sign_in(&ada, ADA).await;
    world.add_passkey(&ada, &mut authenticator).await;
    leads_to(&ada.submit("/sign-out", &[]).await, "/sign-in");

    let (one, other) = (ada.get("/sign-in").await, ada.get("/sign-in").await);
    let (one, other) = (options(&one), options(&other));
    assert_eq!(one["rpId"], "auth.example.com");
    let verify = async |caller: &Caller, options: &Value, authenticator: &mut Authenticator| {
        let response = authenticator.get(options, doorward::testing::ORIGIN);
        let path = "/auth/passkeys/authenticate/verify";
        caller.post(path, response).await
    };
    let stranger = world.browser();
    stranger.get("/sign-in").await;
    let refused = verify(&stranger, &one["cond"], &mut authenticator).await;
    refused.problem(401, "passkey_failed");
    verify(&ada, &one["modal"], &mut authenticator)
        .await
        .created();
    verify(&ada, &other["cond"], &mut authenticator)
        .await
        .created();

    // The script leads back here, and whoever is signed in is sent on.
    leads_to(&ada.get("/sign-in?return_to=/x&caps=hybrid").await, "/x");
    assert_eq!(
        ada.cookie("__Host-doorward_last_method").as_deref(),
        Some("passkey")
    );
    ada.submit("/sign-out", &[]).await;
    let page = ada.get("/sign-in").await.text();
    let (passkey, email) = (page.find("id=\"passkey\""), page.find("id=\"email-form\""));
    assert!(passkey < email, "what was used last comes first");
    assert!(page.contains("<span class=\"dw-badge\">Last used</span>"));
}

/// What one tab has begun another does not end: they share a flow, which outlives the code that was bound to it.
#[tokio::test]
async fn tabs_sign_in_one_after_the_other() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let mut authenticator = Authenticator::new(1);
    world.sign_in(&ada, ADA).await;
    world.add_passkey(&ada, &mut authenticator).await;
    let session = ada.get("/auth/sessions/current").await.ok()["session"]["id"].clone();
    world.advance(Span::minutes(1));
    ada.submit("/sign-out", &[]).await;
    let waiting = options(&ada.get("/sign-in").await);
    let code = asked(&world, &ada, ADA).await;

    leads_to(&enter(&ada, &code).await, "/account");
    let by_code = ada.get("/auth/sessions/current").await.ok()["session"]["id"].clone();
    let response = authenticator.get(&waiting["cond"], doorward::testing::ORIGIN);
    let path = "/auth/passkeys/authenticate/verify";
    let by_passkey = ada.post(path, response).await.created();

    assert_ne!(by_code, session);
    assert_eq!(
        by_passkey["session"]["id"], by_code,
        "the same session goes on"
    );
    let form = serde_json::json!({ "method": "otp", "email": ADA, "token": code });
    let again = ada.post("/auth/sessions", form).await;
    again.problem(401, "invalid_code");
}

/// Item 13: a browser that another site sent here keeps the flow that it does not show.
#[tokio::test]
async fn coming_from_another_site_cuts_nothing_off() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    let code = asked(&world, &ada, ADA).await;
    let flow = ada.cookie(FLOW).unwrap();

    let mut request = ada.request(Method::GET, "/sign-in", Body::empty());
    let headers = request.headers_mut();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    headers.remove("origin");
    // `SameSite=Strict`: it is not shown now.
    headers.remove("cookie");
    let page = ada.send(request).await;
    assert_eq!(page.status(), 200);
    assert_eq!(ada.cookie(FLOW), Some(flow));
    leads_to(&enter(&ada, &code).await, "/account");
}

#[tokio::test]
async fn someone_else_may_sign_in_beside() {
    let world = World::new().await;
    let caller = reader(&world, "en");
    world.sign_in(&caller, ADA).await;
    leads_to(&caller.get("/sign-in?return_to=/x").await, "/x");

    let page = caller.get("/sign-in?switch=1&return_to=/x").await;
    says(
        &page,
        200,
        "Signed in as <bdi class=\"dw-strong\">ada@example.com</bdi>.",
    );
    says(&page, 200, "<a href=\"/x\">go back.</a>");
    let code = asked(&world, &caller, "bob@example.com").await;
    leads_to(&enter(&caller, &code).await, "/account");
    assert_eq!(
        caller.get("/auth/me").await.ok()["email"],
        "bob@example.com"
    );
    let sessions = world.browser();
    world.sign_in(&sessions, ADA).await;
    let listed = sessions.get("/auth/sessions/").await.ok();
    assert_eq!(
        listed.as_array().unwrap().len(),
        1,
        "the other one has ended"
    );
}

/// Item 75: signing out ends the session, and clears its cookie.
#[tokio::test]
async fn signing_out_asks_first() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    leads_to(&ada.get("/sign-out").await, "/sign-in");
    world.sign_in(&ada, ADA).await;
    let token = ada.cookie(SESSION).unwrap();
    let asked = ada.get("/sign-out").await;
    says(&asked, 200, "<h1>Sign out of Doorward?</h1>");
    assert_eq!(ada.get("/auth/me").await.status(), 200);

    let done = ada.submit("/sign-out", &[]).await;

    leads_to(&done, "/sign-in");
    assert_eq!(done.header("clear-site-data"), "\"cache\"");
    assert_eq!(ada.cookie(SESSION), None);
    let page = ada.get("/sign-in").await;
    says(&page, 200, "<p class=\"dw-notice\">You're signed out.</p>");
    says(&page, 200, " data-signed-out=\"true\"");
    let said = words(&ada.get("/sign-in").await);
    assert!(!said.contains("You're signed out."), "it is said once");
    let old = world.native();
    old.set_token(Some(&token));
    old.get("/auth/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn cookies_of_the_pages_are_believed_only_if_we_wrote_them() {
    let world = World::new().await;
    let ada = reader(&world, "en");
    asked(&world, &ada, ADA).await;
    let attempt = ada.cookie(ATTEMPT).unwrap();
    ada.submit("/sign-out", &[]).await;
    let flash = ada.cookie("__Host-doorward_flash").unwrap();

    for index in 0..attempt.len() {
        let mut altered = attempt.clone().into_bytes();
        altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let visitor = reader(&world, "en");
        visitor.set_cookie(ATTEMPT, &altered);
        leads_to(&visitor.get("/sign-in/code").await, "/sign-in");
    }
    let visitor = reader(&world, "en");
    visitor.set_cookie(ATTEMPT, &flash);
    leads_to(&visitor.get("/sign-in/code").await, "/sign-in");
    let visitor = reader(&world, "en");
    visitor.set_cookie("__Host-doorward_flash", &attempt);
    assert!(
        !visitor
            .get("/sign-in")
            .await
            .text()
            .contains("dw-notice\">You")
    );
    world.advance(Span::minutes(3));
    let visitor = reader(&world, "en");
    visitor.set_cookie("__Host-doorward_flash", &flash);
    let late = words(&visitor.get("/sign-in").await);
    assert!(
        !late.contains("You're signed out."),
        "a flash is for the next page"
    );
}

/// An address that is being guessed at has codes of letters, which a pad of digits cannot type.
#[tokio::test]
async fn a_long_code_is_asked_for_as_one() {
    let world = World::with(|config| config.limits.failures_before_long_codes = 1).await;
    let ada = reader(&world, "en");
    let code = asked(&world, &ada, ADA).await;
    says(
        &enter(&ada, &wrong(&code, 1)).await,
        422,
        "inputmode=\"numeric\"",
    );
    world.advance(Span::minutes(6));

    leads_to(
        &ada.submit("/sign-in/code/resend", &[]).await,
        "/sign-in/code",
    );
    let long = world.inbox(ADA).await.code();
    assert_eq!(long.len(), 13);
    let page = ada.get("/sign-in/code").await;
    says(&page, 200, "13 letters and digits");
    assert!(
        !page
            .text()
            .contains("id=\"code\" type=\"text\" name=\"code\" dir=\"ltr\" inputmode")
    );
    leads_to(&enter(&ada, &long).await, "/account");
}

/// Item 55: other origins are named where there are any.
#[tokio::test]
async fn well_known_addresses_name_pages_and_origins() {
    let world = World::with(|config| config.origins = vec!["https://app.example.com".into()]).await;
    let caller = world.caller();
    assert_eq!(
        caller.get("/.well-known/passkey-endpoints").await.ok(),
        serde_json::json!({
            "enroll": "https://auth.example.com/account/passkeys/new",
            "manage": "https://auth.example.com/account/passkeys",
        })
    );
    let origins = caller.get("/.well-known/webauthn").await;
    assert_eq!(
        origins.ok(),
        serde_json::json!({ "origins": ["https://auth.example.com", "https://app.example.com"] })
    );
    assert_eq!(origins.header("content-type"), "application/json");

    let alone = World::new().await;
    let none = alone.caller().get("/.well-known/webauthn").await;
    none.problem(404, "not_found");
}
