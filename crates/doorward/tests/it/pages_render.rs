//! What every page is like, whatever is on it: its headers, its document, its languages.

use std::{collections::BTreeSet, fs, path::Path};

use doorward::testing::{Authenticator, Caller, Reply, World};
use http::{HeaderValue, Method, header};

const ADA: &str = "ada@example.com";

/// What a browser would rather have when it opens a page.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A browser that looks at pages in this language.
pub(crate) fn reader(world: &World, language: &str) -> Caller {
    world
        .browser()
        .with("accept", HTML)
        .with("accept-language", language)
}

/// Every page that can be seen without signing in, and those of someone in the middle of it, in this language.
async fn all_pages(world: &World, language: &str) -> Vec<(String, Reply)> {
    let mut pages = Vec::new();
    let visitor = reader(world, "en");
    visitor.get(&format!("/sign-in/help?lang={language}")).await;
    for path in [
        "/sign-in",
        "/sign-in?return_to=https://app.example.com/x",
        "/sign-in/help",
        "/nowhere",
    ] {
        pages.push((path.to_owned(), visitor.get(path).await));
    }
    visitor.set_cookie("__Host-doorward_last_method", "passkey");
    pages.push(("a passkey first".into(), visitor.get("/sign-in").await));
    let bad = visitor.submit("/sign-in", &[("email", "ada")]).await;
    pages.push(("a bad address".into(), bad));
    let forged = visitor.submit("/sign-in", &[("e", "")]).await;
    pages.push(("not the form".into(), forged));

    visitor.submit("/sign-in", &[("email", ADA)]).await;
    pages.push(("/sign-in/code".into(), visitor.get("/sign-in/code").await));
    for (name, path, fields) in [
        ("a wrong code", "/sign-in/code", &[("code", "1")][..]),
        ("another too early", "/sign-in/code/resend", &[]),
        ("a second address", "/sign-in", &[("email", ADA)]),
    ] {
        pages.push((name.to_owned(), visitor.submit(path, fields).await));
    }

    let ada = reader(world, "en");
    world.advance(doorward::Span::minutes(5));
    for _ in 0..2 {
        world.sign_in(&reader(world, "en"), ADA).await;
    }
    world.sign_in(&ada, ADA).await;
    ada.get(&format!("/sign-out?lang={language}")).await;
    for path in [
        "/account/activity",
        "/account/activity/not-me",
        "/account/sessions",
        "/account/sessions/others",
        "/sign-in?switch=1",
        "/sign-in/continue?return_to=https://app.example.com/x",
        "/sign-out",
    ] {
        pages.push((path.to_owned(), ada.get(path).await));
    }
    pages.extend(pages_of_passkeys(world, &ada).await);
    pages.extend(pages_of_profile(world, &ada, language).await);
    ada.submit("/sign-out", &[]).await;
    pages.push(("signed out".into(), ada.get("/sign-in").await));
    after_signing_in(world, &ada, &mut pages).await;
    pages
}

/// The overview, and the pages of passkeys: without any, with one, with two.
async fn pages_of_passkeys(world: &World, ada: &Caller) -> Vec<(String, Reply)> {
    let mut pages = Vec::new();
    for number in 0..3 {
        for path in ["/account", "/account/passkeys"] {
            let name = format!("{path} with {number}");
            pages.push((name, ada.get(path).await));
        }
        world
            .add_passkey(ada, &mut Authenticator::new(number))
            .await;
    }
    for path in [
        "/account/passkeys/new",
        "/account/passkeys/new?kind=security-key",
    ] {
        pages.push((path.to_owned(), ada.get(path).await));
    }
    let listed = ada.get("/auth/passkeys/").await.ok();
    let id = listed[0]["id"].as_str().unwrap();
    let (rename, remove) = (
        format!("/account/passkeys/{id}"),
        format!("/account/passkeys/{id}/remove"),
    );
    let bad = ada.submit(&rename, &[("name", "")]).await;
    pages.push(("a bad name".into(), bad));
    pages.push(("renaming".into(), ada.get(&rename).await));
    pages.push(("removing".into(), ada.get(&remove).await));
    ada.submit(&remove, &[]).await;
    pages.push(("removed".into(), ada.get("/account/passkeys").await));
    pages
}

/// The offer of a passkey, what comes of it, and the question who it is.
async fn after_signing_in(world: &World, ada: &Caller, pages: &mut Vec<(String, Reply)>) {
    world.sign_in(ada, ADA).await;
    for path in [
        "/welcome/passkey?return_to=/x",
        "/welcome/passkey?offer=other-device",
        "/welcome/passkey?offer=still-codes",
    ] {
        pages.push((path.to_owned(), ada.get(path).await));
    }
    let mut authenticator = Authenticator::new(9);
    let passkey = world.add_passkey(ada, &mut authenticator).await.json();
    let id = passkey["id"].as_str().unwrap();
    let created = "/welcome/passkey/created";
    let page = ada.get(&format!("{created}?created={id}")).await;
    pages.push((created.to_owned(), page));
    let nameless = [("created", id), ("name", " ")];
    pages.push(("no name".into(), ada.submit(created, &nameless).await));
    world.advance(doorward::Span::minutes(11));
    pages.push(("/reauth".into(), ada.get("/reauth").await));
    ada.submit("/reauth", &[]).await;
    pages.push(("/reauth/code".into(), ada.get("/reauth/code").await));
}

/// The profile, a new address, and the end of an account.
async fn pages_of_profile(world: &World, ada: &Caller, language: &str) -> Vec<(String, Reply)> {
    let mut pages = Vec::new();
    for path in [
        "/account/profile",
        "/account/profile/email",
        "/account/profile/delete",
    ] {
        pages.push((path.to_owned(), ada.get(path).await));
    }
    let long_name = "N".repeat(65);
    let names = [
        ("first_name", long_name.as_str()),
        ("last_name", ""),
        ("language", ""),
        ("appearance", "system"),
    ];
    let email = "/account/profile/email";
    let code = "/account/profile/email/code";
    ada.submit(email, &[("email", "lovelace@example.com")])
        .await;
    pages.push((code.to_owned(), ada.get(code).await));
    for (name, path, fields) in [
        ("a long name", "/account/profile", &names[..]),
        ("a bad new address", email, &[("email", "ada")]),
        (
            "another too early",
            "/account/profile/email/code/resend",
            &[],
        ),
        ("a wrong code for it", code, &[("code", "1")]),
        ("not sure", "/account/profile/delete", &[]),
    ] {
        pages.push((name.to_owned(), ada.submit(path, fields).await));
    }
    let gone = reader(world, "en");
    world.sign_in(&gone, "gone@example.com").await;
    gone.get(&format!("/sign-out?lang={language}")).await;
    let sure = [("sure", "on")];
    gone.submit("/account/profile/delete", &sure).await;
    pages.push(("deleted".into(), gone.get("/account/deleted").await));
    pages
}

async fn world() -> World {
    World::with(|config| {
        config.origins = vec!["https://app.example.com".into()];
        config.pages.privacy_url = Some("https://example.com/privacy".into());
        config.pages.support = Some("help@example.com".into());
    })
    .await
}

/// Items 121, 122: every page is private, framed by nobody, and runs no script but ours.
#[tokio::test]
async fn every_page_carries_its_headers() {
    let world = world().await;
    for (page, reply) in all_pages(&world, "de").await {
        let expected = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                 form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; \
                 require-trusted-types-for 'script'; trusted-types 'none'",
            ),
            (
                "permissions-policy",
                "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), \
                 geolocation=(), payment=()",
            ),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            (
                "strict-transport-security",
                "max-age=63072000; includeSubDomains",
            ),
            ("content-language", "de"),
        ];
        for (name, value) in expected {
            assert_eq!(reply.header(name), value, "{name} of {page}: {reply}");
        }
        let vary = reply.header("vary");
        assert_eq!(vary, "Accept-Language, Cookie, Accept-Encoding", "{page}");
    }
}

/// A document without what the policy forbids, in the language that was asked for.
pub(crate) fn check_document(page: &str, language: &str, html: &str) {
    let lower = html.to_lowercase();
    let dir = if language == "ar-XB" { "rtl" } else { "ltr" };
    assert!(html.starts_with("<!doctype html>\n"), "{page}");
    let root = format!("<html lang=\"{language}\" dir=\"{dir}\">");
    assert!(html.contains(&root), "{page} in {language}: {html}");
    assert_eq!(lower.matches("<h1").count(), 1, "{page}: one h1");
    assert_eq!(lower.matches("<main id=\"main\"").count(), 1, "{page}");
    assert_eq!(lower.matches("<title>").count(), 1, "{page}");
    for forbidden in ["style=", "<style", "javascript:", "<base", "<iframe"] {
        assert!(!lower.contains(forbidden), "{page} has {forbidden}");
    }
    for tag in tags(html) {
        let name = tag.split([' ', '\n']).next().unwrap();
        for attribute in tag.split([' ', '\n']).skip(1) {
            assert!(
                !attribute.starts_with("on") || !attribute.contains('='),
                "{page}: <{tag}>"
            );
        }
        if name == "script" {
            assert!(tag.contains("src=\"/assets/"), "{page}: <{tag}>");
        }
    }
    for script in html.split("<script").skip(1) {
        let body = script.split_once('>').unwrap().1;
        assert!(
            body.starts_with("</script>"),
            "{page}: a script in the page"
        );
    }
    // Fluent writes so what nobody filled in.
    assert!(!html.contains("{$"), "{page} in {language}: {html}");
    let ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let different: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), different.len(), "{page}: an id twice in {ids:?}");
}

/// What stands in each tag that opens, with the texts of its attributes.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
        .map(|rest| rest.split('>').next().unwrap())
        .collect()
}

#[tokio::test]
async fn every_page_is_a_clean_document_in_every_language() {
    for language in ["en", "de", "en-XA", "ar-XB"] {
        let world = world().await;
        for (page, reply) in all_pages(&world, language).await {
            check_document(&page, language, &reply.text());
            let shows_key = catalogue("en.ftl")
                .iter()
                .any(|text| reply.text().contains(&format!(">{}<", text.key)));
            assert!(!shows_key, "{page}: a text is missing: {reply}");
            let is_error = reply.text().contains("autofocus><p>");
            let title = reply.text().contains("<title>Error: ");
            assert!(language != "en" || is_error == title, "{page}: {reply}");
        }
    }
}

#[tokio::test]
async fn a_page_is_small_when_it_travels() {
    let world = world().await;
    let reader = reader(&world, "en").with("accept-encoding", "gzip, deflate, br, zstd");
    let mut authenticator = Authenticator::new(1);
    for path in [
        "/sign-in",
        "/sign-in/help",
        "/nowhere",
        "/welcome/passkey",
        "/reauth",
    ] {
        match path {
            "/welcome/passkey" => {
                world.sign_in(&reader, ADA).await;
                world.add_passkey(&reader, &mut authenticator).await;
            }
            "/reauth" => world.advance(doorward::Span::minutes(11)),
            _ => {}
        }
        let small = reader.get(path).await;
        assert_eq!(small.header("content-encoding"), "br");
        let mut html = Vec::new();
        brotli::BrotliDecompress(&mut small.body(), &mut html).unwrap();
        let html = String::from_utf8(html).unwrap();
        check_document(path, "en", &html);
        assert!(
            small.body().len() <= 3_000,
            "{path}: {}",
            small.body().len()
        );
    }
    let plain = reader
        .with("accept-encoding", "br;q=0, gzip")
        .get("/sign-in")
        .await;
    assert_eq!(plain.header("content-encoding"), "");
}

#[tokio::test]
async fn the_language_is_what_was_asked_for_last() {
    let world = World::with(|config| config.locale = doorward::config::Locale::De).await;
    let said = async |caller: &Caller, path: &str| {
        let reply = caller.get(path).await;
        reply.header("content-language").to_owned()
    };

    let ada = reader(&world, "fr");
    assert_eq!(said(&ada, "/sign-in").await, "de", "the configuration's");
    let ada = ada.with("accept-language", "fr, en-GB;q=0.8, de;q=0.5");
    assert_eq!(said(&ada, "/sign-in").await, "en", "the browser's");
    world.sign_in(&ada, ADA).await;
    let locale = serde_json::json!({ "locale": "de" });
    ada.patch("/auth/me", locale).await.ok();
    assert_eq!(said(&ada, "/sign-out").await, "de", "the profile's");
    assert_eq!(said(&ada, "/sign-out?lang=en").await, "en", "the address's");
    assert_eq!(said(&ada, "/sign-out").await, "en", "as it was chosen");
    assert_eq!(
        said(&ada, "/sign-out?lang=fr").await,
        "en",
        "no such language"
    );

    let switch = ada.get("/sign-in?switch=1&return_to=/x").await.text();
    assert!(switch.contains("<input type=\"hidden\" name=\"return_to\" value=\"/x\">"));
    assert!(switch.contains("lang=\"de\">Deutsch</button>"), "{switch}");
}

#[tokio::test]
async fn the_appearance_that_was_chosen_is_in_the_document() {
    let world = World::new().await;
    let reader = reader(&world, "en");
    for (kept, shown) in [("dark", " data-theme=\"dark\""), ("\"><x", "")] {
        reader.set_cookie("__Host-doorward_appearance", kept);
        let html = reader.get("/sign-in").await.text();
        assert!(html.contains(&format!("<html lang=\"en\" dir=\"ltr\"{shown}>")));
    }
}

// ── The catalogues ──────────────────────────────────────────────────────────

struct Message {
    key: String,
    placeholders: BTreeSet<String>,
}

fn pages_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")
}

fn catalogue(file: &str) -> Vec<Message> {
    let text = fs::read_to_string(pages_folder().join("locales").join(file)).unwrap();
    let mut messages: Vec<Message> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line
            .split_once(" =")
            .filter(|_| !line.starts_with([' ', '}']))
        {
            messages.push(Message {
                key: key.into(),
                placeholders: BTreeSet::new(),
            });
        }
        let named = line.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
            rest[..end].to_owned()
        });
        if let Some(last) = messages.last_mut() {
            last.placeholders.extend(named);
        }
    }
    messages
}

/// The sources of the pages, their tests left out.
fn sources() -> String {
    let mut all = String::new();
    let mut folders = vec![pages_folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "html")
            {
                let text = fs::read_to_string(path).unwrap();
                all += text.split("#[cfg(test)]").next().unwrap();
            }
        }
    }
    all
}

/// What stands in quotes after each of these.
fn quoted<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[test]
fn catalogues_say_what_pages_ask_for_and_nothing_else() {
    let sources = sources();
    let english = catalogue("en.ftl");
    let keys: BTreeSet<&str> = english.iter().map(|text| text.key.as_str()).collect();
    assert_eq!(keys.len(), english.len(), "a text is there twice");

    let mut used = quoted(&sources, ".get(\"");
    used.extend(quoted(&sources, "Key(\""));
    // `mod.rs` explains with these.
    used.retain(|key| !matches!(*key, "…" | "page-element-state" | "code-sent"));
    let missing: Vec<_> = used.difference(&keys).collect();
    assert_eq!(missing, [&""; 0], "pages ask for what is not there");
    used.insert("code-sent");
    let unused: Vec<_> = keys.difference(&used).collect();
    assert_eq!(unused, [&""; 0], "no page says this");

    let german = catalogue("de.ftl");
    let order = |texts: &[Message]| {
        texts
            .iter()
            .map(|text| text.key.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&german), order(&english));
    for (one, other) in german.iter().zip(&english) {
        assert_eq!(one.placeholders, other.placeholders, "{}", one.key);
    }
}

#[test]
fn placeholders_are_those_that_pages_fill_in() {
    let sources = sources();
    let mut filled = quoted(&sources, ".with(\"");
    filled.extend(quoted(&sources, ".around(\""));
    for text in catalogue("en.ftl") {
        for name in &text.placeholders {
            assert!(filled.contains(name.as_str()), "{}: {name}", text.key);
        }
    }
}

// ── Assets ──────────────────────────────────────────────────────────────────

/// The addresses that a page loads from.
fn loaded(html: &str) -> BTreeSet<String> {
    let sources = ["href=\"/assets/", "src=\"/assets/"];
    let found = sources.into_iter().flat_map(|start| quoted(html, start));
    found.map(|file| format!("/assets/{file}")).collect()
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_travel_small() {
    let world = World::new().await;
    let reader = reader(&world, "en");
    let files = loaded(&reader.get("/sign-in").await.text());
    assert_eq!(files.len(), 3, "{files:?}");
    for file in &files {
        let plain = reader.get(file).await;
        assert_eq!(plain.status(), 200, "{file}");
        let cache = plain.header("cache-control");
        assert_eq!(cache, "public, max-age=31536000, immutable");
        assert_eq!(plain.header("content-encoding"), "");
        assert_eq!(plain.header("vary"), "Accept-Encoding");
        let kind = match file.rsplit('.').next().unwrap() {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(plain.header("content-type"), kind);
        assert_eq!(plain.header("x-content-type-options"), "nosniff");

        for (accepted, chosen) in [
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("br;q=0", ""),
        ] {
            let mut request = reader.request(Method::GET, file, axum::body::Body::empty());
            let accepted = HeaderValue::from_static(accepted);
            request
                .headers_mut()
                .insert(header::ACCEPT_ENCODING, accepted);
            let small = reader.send(request).await;
            assert_eq!(small.header("content-encoding"), chosen);
            let mut body = Vec::new();
            match chosen {
                "br" => brotli::BrotliDecompress(&mut small.body(), &mut body).unwrap(),
                "gzip" => {
                    let mut unpacked = flate2::read::GzDecoder::new(small.body());
                    std::io::Read::read_to_end(&mut unpacked, &mut body).unwrap();
                }
                _ => body = small.body().to_vec(),
            }
            assert_eq!(body, plain.body(), "{file} as {chosen}");
        }
    }
}

#[tokio::test]
async fn an_asset_of_another_content_is_not_there() {
    let world = World::new().await;
    let caller = world.caller();
    for file in [
        "/assets/doorward.css",
        "/assets/doorward.0000000000000000.css",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e",
    ] {
        caller.get(file).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_style_fits_its_budget() {
    let world = World::new().await;
    let reader = reader(&world, "en").with("accept-encoding", "br");
    let budgets = [("css", 4_096), ("js", 4_608)];
    let plain = reader.request(Method::GET, "/sign-in", axum::body::Body::empty());
    let (mut parts, body) = plain.into_parts();
    parts.headers.remove(header::ACCEPT_ENCODING);
    let html = reader
        .send(http::Request::from_parts(parts, body))
        .await
        .text();
    for file in loaded(&html) {
        for (kind, budget) in budgets {
            if file.ends_with(kind) {
                let size = reader.get(&file).await.body().len();
                assert!(size <= budget, "{file}: {size}");
            }
        }
    }
}

#[tokio::test]
async fn the_operators_theme_and_logo_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let theme = folder.path().join("theme.css");
    fs::write(&theme, ":root { --dw-color-accent: #083344 }").unwrap();
    let logo = folder.path().join("logo.svg");
    fs::write(&logo, "<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
    let world = World::with(|config| {
        config.pages.theme_file = Some(theme);
        config.pages.logo_file = Some(logo);
    })
    .await;
    let reader = reader(&world, "en");
    let html = reader.get("/sign-in").await.text();
    let files = loaded(&html);
    let served = async |stem: &str| {
        let file = files.iter().find(|file| file.contains(stem)).unwrap();
        reader.get(file).await
    };

    let theme = served("/theme.").await;
    assert_eq!(
        theme.text(),
        "@layer dw.theme{:root{--dw-color-accent:#083344;}}"
    );
    assert_eq!(theme.header("content-type"), "text/css; charset=utf-8");
    let logo = served("/logo.").await;
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    assert_eq!(
        logo.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'",
        "opened by itself it runs nothing"
    );
}

#[tokio::test]
async fn a_theme_that_is_more_than_a_theme_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let theme = folder.path().join("theme.css");
    fs::write(&theme, "body { background: url(//evil.example) }").unwrap();
    let mut config = doorward::config::Config {
        data_dir: folder.path().join("data"),
        ..Default::default()
    };
    config.pages.theme_file = Some(theme);
    let error = doorward::Doorward::open(config).await.err().unwrap();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("theme.css: the selector `body`"), "{cause}");
}
