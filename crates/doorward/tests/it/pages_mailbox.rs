//! `/dev/mailbox`: what would have been mailed.

use axum::body::Body;
use doorward::{
    Span,
    testing::{Caller, World},
};
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::{
    pages_render::{check_document, reader},
    pages_sign_in::{leads_to, says},
};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const MAILBOX: &str = "/dev/mailbox";

async fn world() -> World {
    World::with(|config| config.public_url = "http://localhost:8700".into()).await
}

async fn ask_for_code(caller: &Caller, address: &str) {
    let form = json!({ "email": address });
    caller.post("/auth/verify", form).await.created();
}

/// The ids of all mail, newest first.
async fn ids(caller: &Caller, query: &str) -> Vec<String> {
    let mail = caller.get(&format!("/dev/mailbox.json{query}")).await.ok();
    let mail = mail.as_array().unwrap().iter();
    mail.map(|message| message["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn codes_are_at_hand_newest_first() {
    let world = world().await;
    let visitor = reader(&world, "en");
    says(&visitor.get(MAILBOX).await, 200, "No mail yet.");
    ask_for_code(&visitor, ADA).await;
    ask_for_code(&visitor, BOB).await;

    let page = visitor.get(MAILBOX).await;

    let code = world.inbox(BOB).await.code();
    for text in [
        "Development mailbox. Nothing is being delivered.",
        "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>",
        "data-live=\"/dev/mailbox/events?seen=2\"",
        "Your Doorward sign-in code</a></h2>",
        &format!("<code class=\"dw-code\" id=\"code-1\" dir=\"ltr\">{code}</code>"),
        "data-copy=\"code-1\" data-copied=\"Copied\"><span>Copy code</span></button>",
    ] {
        says(&page, 200, text);
    }
    let text = page.text();
    assert!(text.find(BOB) < text.find(ADA));
}

#[tokio::test]
async fn pages_of_the_mailbox_are_clean_documents_in_every_language() {
    let world = world().await;
    for language in ["en", "de", "en-XA", "ar-XB"] {
        let visitor = reader(&world, "en");
        world.mailbox().clear();
        let empty = visitor.get(&format!("{MAILBOX}?lang={language}")).await;
        world.advance(Span::hours(1));
        ask_for_code(&visitor, ADA).await;
        let list = visitor.get(MAILBOX).await;
        for page in [empty, list] {
            check_document(MAILBOX, language, &page.text());
            assert!(!page.text().contains(">mailbox-"), "{page}");
            let policy = page.header("content-security-policy");
            assert!(!policy.contains("frame-src"), "{policy}");
        }
        let id = &ids(&visitor, "").await[0];
        let message = visitor.get(&format!("{MAILBOX}/{id}")).await;
        // The frame is the one thing that no other page has.
        let text = without_mail(&message.text()).replace("<iframe", "<span");
        check_document("a message", language, &text);
        assert!(!text.contains(">mailbox-"), "{text}");
    }
}

/// A page without what it shows as it was mailed.
fn without_mail(html: &str) -> String {
    let mut parts = html.split("<p class=\"dw-pre\">");
    let mut shell = parts.next().unwrap().to_owned();
    for part in parts {
        shell += part.split_once("</p>").unwrap().1;
    }
    shell
}

/// Item 122: of a mail nothing runs and nothing is loaded, and only its own page shows it in a frame.
#[tokio::test]
async fn a_message_is_shown_as_text_as_html_and_as_it_travels() {
    let world = world().await;
    let visitor = reader(&world, "en");
    ask_for_code(&visitor, ADA).await;
    let id = &ids(&visitor, "").await[0];

    let page = visitor.get(&format!("{MAILBOX}/{id}")).await;
    let html = visitor.get(&format!("{MAILBOX}/{id}/html")).await;

    let code = world.inbox(ADA).await.code();
    let frame = format!("src=\"/dev/mailbox/{id}/html\" title=\"HTML\" sandbox></iframe>");
    for text in [
        "<h1>Your Doorward sign-in code</h1>",
        "<dd><bdi>ada@example.com</bdi></dd>",
        &format!("<p class=\"dw-pre\">{code}\n\n"),
        &frame,
        "<p class=\"dw-pre\">From: ",
        "Auto-Submitted: auto-generated\r\n",
        "To: ada@example.com\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        says(&page, 200, text);
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.ends_with("trusted-types 'none'; frame-src 'self'"),
        "{policy}"
    );
    says(&html, 200, &code);
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        html.header("content-security-policy"),
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    );
    assert_eq!(html.header("x-frame-options"), "");
    for gone in ["/dev/mailbox/x", "/dev/mailbox/x/html"] {
        says(&visitor.get(gone).await, 404, "Page not found");
    }
}

#[tokio::test]
async fn the_mailbox_is_emptied_by_its_button() {
    let world = world().await;
    let visitor = reader(&world, "en");
    ask_for_code(&visitor, ADA).await;
    assert_eq!(ids(&visitor, "").await.len(), 1);

    leads_to(&visitor.submit(MAILBOX, &[]).await, MAILBOX);

    let page = visitor.get(MAILBOX).await;
    says(&page, 200, "<p>The mailbox is empty now.</p>");
    says(&page, 200, "No mail yet.");
    assert!(ids(&visitor, "").await.is_empty());
}

#[tokio::test]
async fn scripts_ask_for_the_mail_of_one_address_or_after_another_message() {
    let world = world().await;
    let caller = world.native();
    ask_for_code(&caller, ADA).await;
    ask_for_code(&caller, BOB).await;
    let old = ids(&caller, "").await;
    world.advance(Span::minutes(5));
    ask_for_code(&caller, ADA).await;

    let all = ids(&caller, "").await;
    assert_eq!(all[1..], old);
    assert_eq!(
        ids(&caller, "?to=Ada@example.com").await,
        [&*all[0], &*all[2]]
    );
    let after = format!("?to={ADA}&after={}", all[2]);
    assert_eq!(ids(&caller, &after).await, [&*all[0]]);
    let after = format!("?after={}", all[0]);
    assert!(ids(&caller, &after).await.is_empty());
    assert_eq!(ids(&caller, "?after=forgotten").await, all);
}

/// The stream of a page that has seen so many changes.
async fn stream(world: &World, seen: u64) -> Body {
    let path = format!("/dev/mailbox/events?seen={seen}");
    let request = Request::new(Body::empty());
    let (mut parts, body) = request.into_parts();
    (parts.method, parts.uri) = (Method::GET, path.parse().unwrap());
    let router = world.doorward().server();
    let answer = router
        .oneshot(Request::from_parts(parts, body))
        .await
        .unwrap();
    let kind = &answer.headers()[header::CONTENT_TYPE];
    assert_eq!(kind, "text/event-stream");
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    answer.into_body()
}

async fn next(stream: &mut Body) -> String {
    let frame = stream.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn new_mail_is_told_of_as_it_comes() {
    let world = world().await;
    let caller = world.native();
    let mut events = stream(&world, 0).await;

    ask_for_code(&caller, ADA).await;
    world.inbox(ADA).await;
    assert_eq!(next(&mut events).await, "data: 1\n\n");
    world.mailbox().clear();
    assert_eq!(next(&mut events).await, "data: 2\n\n");

    let mut late = stream(&world, 1).await;
    assert_eq!(next(&mut late).await, "data: 2\n\n", "missed while loading");
}

#[tokio::test]
async fn there_is_no_mailbox_where_mail_is_sent() {
    let world = World::new().await;
    let visitor = reader(&world, "en");
    for path in [
        MAILBOX,
        "/dev/mailbox.json",
        "/dev/mailbox/events",
        "/dev/mailbox/x",
    ] {
        says(&visitor.get(path).await, 404, "Page not found");
    }
}

#[tokio::test]
async fn the_mailbox_looks_the_same_without_the_other_pages() {
    let world = World::with(|config| {
        config.public_url = "http://localhost:8700".into();
        config.pages.enabled = false;
    })
    .await;
    let visitor = reader(&world, "en");
    let page = visitor.get(MAILBOX).await.text();
    let (_, style) = page.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
    let style = visitor.get(style.split('"').next().unwrap()).await;
    assert_eq!(style.status(), 200);
    assert_eq!(visitor.get("/sign-in").await.status(), 404);
}
