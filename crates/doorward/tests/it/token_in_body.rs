//! Who is shown a token, and where.

use axum::body::Body;
use doorward::{config::TokenInBody, testing::World};
use http::{HeaderValue, header};
use serde_json::json;

const COOKIE: &str = "__Host-doorward_session";
const ADA: &str = "ada@example.com";

/// Item 71: by default a page of our own origin gets no token in the body, and everyone else does.
#[tokio::test]
async fn a_same_origin_page_gets_the_cookie_and_no_token() {
    let world = World::new().await;
    let with_site = |site: &str| {
        world
            .caller()
            .with("sec-fetch-site", site)
            .with("origin", doorward::testing::ORIGIN)
    };

    for (caller, shown) in [
        (world.browser(), false),
        (with_site("none"), true),
        (with_site("same-site"), true),
        (world.caller(), true),
        (world.native(), true),
    ] {
        let signed_in = world.sign_in(&caller, ADA).await;

        assert_eq!(
            signed_in.json().get("token").is_some(),
            shown,
            "{signed_in}"
        );
        assert!(signed_in.cookies()[0].starts_with(&format!("{COOKIE}=dw_")));
        world.advance(doorward::Span::minutes(15));
    }
}

/// Item 71: the other two settings mean what they say, and one secret stands in both places.
#[tokio::test]
async fn the_token_in_the_body_can_be_had_always_or_never() {
    for (setting, shown) in [(TokenInBody::Always, true), (TokenInBody::Never, false)] {
        let world = World::with(|config| config.sessions.token_in_body = setting).await;
        for caller in [world.browser(), world.caller()] {
            let signed_in = world.sign_in(&caller, ADA).await;

            let token = signed_in.json()["token"].as_str().map(str::to_owned);
            assert_eq!(token, shown.then(|| caller.cookie(COOKIE).unwrap()));
            world.advance(doorward::Span::minutes(15));
        }
    }
}

/// Item 71: over all that a signed-in client can ask, no answer holds the token that asked.
#[tokio::test]
async fn no_answer_but_the_one_that_mints_it_shows_a_token() {
    let world = World::with(|config| config.sessions.token_in_body = TokenInBody::Always).await;
    let (laptop, phone) = (world.browser(), world.native());
    world.sign_in(&laptop, ADA).await;
    world.sign_in(&phone, ADA).await;
    let tokens = [laptop.cookie(COOKIE).unwrap(), phone.token().unwrap()];
    let mut replies = Vec::new();

    for caller in [&laptop, &phone] {
        for (method, path) in crate::openapi::OPERATIONS {
            let ends = matches!(method, "DELETE");
            let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
            let path = if ends {
                "/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA"
            } else {
                path.as_str()
            };
            let body = json!({ "email": ADA, "token": tokens[0], "method": "otp", "name": "x", "firstName": "Ada" });
            let mut request =
                caller.request(method.parse().unwrap(), path, Body::from(body.to_string()));
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            replies.push(caller.send(request).await);
        }
    }
    replies.push(laptop.delete("/auth/sessions/others").await);
    replies.push(laptop.delete("/auth/sessions/").await);
    world.sign_in(&laptop, ADA).await;
    replies.push(laptop.get("/auth/sessions/").await);
    replies.push(laptop.delete("/auth/me").await);

    assert_eq!(replies.last().unwrap().status(), 204);
    for reply in &replies {
        let shown = format!("{:?}{}", reply.headers(), reply.text());
        assert!(
            tokens.iter().all(|token| !shown.contains(token.as_str())),
            "{reply}"
        );
    }
}
