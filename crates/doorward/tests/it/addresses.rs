//! Email addresses: what is none, and which spellings are one.

use doorward::testing::World;
use serde_json::json;

use crate::{bad_input::signed_in, tables};

const ADA: &str = "ada@example.com";

/// Items 107, 108: what is not one plain address is refused by name, counts nowhere and is mailed nowhere.
#[tokio::test]
async fn absurd_addresses_are_refused_and_count_for_nothing() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    world.inbox(ADA).await;
    let mail = world.mailbox().messages().len();
    let before = tables::dump(&world);
    let compares = world.code_compares();
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("a@{}example.com", "a.".repeat(130));
    let megabyte = "a".repeat(60_000);
    let absurd = [
        "",
        " ",
        "@",
        "a",
        "a@",
        "@example.com",
        "a@b",
        "a@@example.com",
        "a@b@example.com",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "a@example.com\nbcc:b@example.com",
        "a@example.com\r\nb",
        "a\0@example.com",
        "a\t@example.com",
        "a@exam\tple.com",
        "\"a\"@example.com",
        "\"a@evil.example\"@example.com",
        "a(comment)@example.com",
        "Ada <a@example.com>",
        "<a@example.com>",
        "@evil.example:a@example.com",
        "evil.example!a@example.com",
        "a%evil.example@example.com",
        "=?utf-8?q?a=40evil.example?=@example.com",
        "a=?x@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@example.com.",
        "a@.example.com",
        "a@-example.com",
        "a@example-.com",
        "a@exa_mple.com",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@[IPv6:::1]",
        "a@localhost",
        "ä@example.com",
        "\u{131}@example.com",
        "\u{212a}@example.com",
        "ａ@example.com",
        "a\u{200b}@example.com",
        "a@exam\u{ad}ple.com",
        "a@exam\u{200b}ple.com",
        "a\u{202e}@example.com",
        "a@xn--example.com",
        "a@xn--a.com",
        "a@xn--.com",
        &long_local,
        &long,
        &megabyte,
    ];

    for address in absurd {
        let shown: String = address.chars().take(60).collect();
        for (path, body) in [
            ("/auth/verify", json!({ "email": address })),
            (
                "/auth/sessions/",
                json!({ "email": address, "method": "otp", "token": "12345678" }),
            ),
            (
                "/auth/sessions/",
                json!({ "email": address, "method": "passkey", "token": "{}" }),
            ),
            ("/auth/me/email", json!({ "email": address })),
            (
                "/auth/me/email/confirm",
                json!({ "email": address, "token": "12345678" }),
            ),
        ] {
            let reply = ada.post(path, body).await;
            assert_eq!(
                (reply.status().as_u16(), reply.problem_code().as_str()),
                (422, "invalid_request"),
                "{path} {shown:?}: {reply}"
            );
            let problem = reply.json();
            assert_eq!(problem["field"], "email", "{shown:?}");
            assert_eq!(
                problem["message"],
                "Enter an email address like name@example.com."
            );
        }
    }

    assert_eq!(
        tables::dump(&world),
        before,
        "nothing counted, nothing written"
    );
    assert_eq!(world.code_compares(), compares);
    world.inbox(ADA).await;
    assert_eq!(world.mailbox().messages().len(), mail);
}

/// Item 108: spellings of one address are one account, and different addresses never are.
#[tokio::test]
async fn spellings_of_an_address_are_one_account() {
    let world = World::new().await;
    let groups = [
        vec![
            "mike@example.com",
            "MIKE@EXAMPLE.COM",
            " mike@Example.com\t",
        ],
        vec!["m.ike@example.com"],
        vec!["mike+x@example.com"],
        vec![
            "mike@bücher.example",
            "mike@BÜCHER.example",
            "mike@xn--bcher-kva.example",
        ],
        vec!["mike@faß.example", "mike@xn--fa-hia.example"],
        vec!["mike@fass.example"],
    ];
    let mut accounts = std::collections::HashSet::new();
    for group in groups {
        let mut ids = std::collections::HashSet::new();
        for spelling in group {
            let caller = world.native();
            let signed_in = world.sign_in(&caller, spelling).await.json();
            ids.insert(signed_in["user"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert!(accounts.insert(ids.into_iter().next().unwrap()));
    }
}
