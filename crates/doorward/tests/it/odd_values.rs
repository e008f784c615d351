//! Ids that are none, and values that look like SQL.

use doorward::testing::{Authenticator, World};
use serde_json::json;

use crate::{
    bad_input::{send, signed_in},
    tables,
};

const ADA: &str = "ada@example.com";

/// Item 110: an id that does not look like one is refused before the database hears of it, and is never more than a value.
#[tokio::test]
async fn ids_that_are_none_reach_no_statement() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let mut authenticator = Authenticator::new(1);
    world.add_passkey(&ada, &mut authenticator).await;
    let ten_kilobytes = "A".repeat(10_000);
    let corpus = [
        "'",
        "'%20or%20'1'='1",
        "1;drop%20table%20users",
        "%27%3B--",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAA%00",
        "%ff%fe",
        "..%2f..%2f",
        "%2e%2e",
        "*",
        "%25",
        "_",
        "-1",
        "0",
        "null",
        "undefined",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "a%20b",
        "%F0%9F%94%91",
        &ten_kilobytes,
    ];
    let before = tables::dump(&world);
    ada.get("/auth/me").await.ok();
    let statements = world.statements();

    for id in corpus {
        let sessions = send(&ada, "DELETE", &format!("/auth/sessions/{id}"), None, "").await;
        assert!(
            [204, 404].contains(&sessions.status().as_u16()),
            "{id}: {sessions}"
        );
    }
    for cursor in ["'", "1;drop", "%00", "AAAA", ten_kilobytes.as_str()] {
        ada.get(&format!("/auth/me/events?cursor={cursor}"))
            .await
            .problem(422, "invalid_request");
    }
    assert_eq!(world.statements(), statements);

    for id in [
        "'",
        "'%20or%20'1'='1",
        "%00",
        "%ff%fe",
        "a%20b",
        &ten_kilobytes,
    ] {
        for (method, body) in [("PATCH", r#"{"name":"x"}"#), ("DELETE", "")] {
            let media = (!body.is_empty()).then_some("application/json");
            let reply = send(&ada, method, &format!("/auth/passkeys/{id}"), media, body).await;
            reply.problem(404, "not_found");
        }
    }
    assert_eq!(tables::dump(&world), before);
}

/// Item 110: text that means something to SQL is kept and told as text.
#[tokio::test]
async fn values_that_look_like_sql_are_values() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    for name in [
        "Robert'); drop table users;--",
        "\" or 1=1 --",
        "$1",
        "?1",
        ":now",
        "%_\\",
    ] {
        let me = ada
            .patch("/auth/me", json!({ "firstName": name }))
            .await
            .ok();
        assert_eq!(me["firstName"], name);
        assert_eq!(ada.get("/auth/me").await.ok()["firstName"], name);
    }
    let agent = "Mozilla'); drop table sessions;--";
    let other = world.native().with("user-agent", agent);
    world.sign_in(&other, ADA).await;
    assert_eq!(
        other.get("/auth/sessions/").await.ok()[0]["userAgent"],
        agent
    );
}
