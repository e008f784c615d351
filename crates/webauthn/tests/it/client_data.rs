//! What the browser says: origins, frames, and the form in which it says it (§5.8.1).

use doorward_webauthn::testing::{Hook, Overrides};
use doorward_webauthn::{CrossOrigin, Refusal};
use serde_json::{Map, Value, json};

use crate::ceremony::{Ceremony, ORIGIN, refused_assertion, refused_registration};

/// Origins that look like the allowed one.
const NEIGHBOURS: [&str; 20] = [
    "",
    "null",
    "http://example.org",
    "https://example.org/",
    "https://example.org.",
    "https://example.org:443",
    "https://example.org:8443",
    "https://Example.org",
    "HTTPS://example.org",
    "https://www.example.org",
    "https://example.org.evil.com",
    "https://evilexample.org",
    "https://example.or",
    "https://example.org@evil.com",
    " https://example.org",
    "https://example.org\u{0}",
    "https://xn--xample-9ua.org",
    "https://éxample.org",
    "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "ios:bundle-id:org.example",
];

/// Overrides that write the client data anew, from its text.
fn rewritten(change: impl Fn(&str) -> String + Send + Sync + 'static) -> Overrides {
    Overrides {
        client_data_json: Hook::new(move |json: &mut Vec<u8>| {
            *json = change(std::str::from_utf8(json).unwrap()).into_bytes();
        }),
        ..Overrides::default()
    }
}

/// Overrides that add one member.
fn with_member(name: &str, value: Value) -> Overrides {
    let extra_client_data = Map::from_iter([(name.to_owned(), value)]);
    Overrides {
        extra_client_data,
        ..Overrides::default()
    }
}

fn accepted(overrides: &Overrides) -> bool {
    let mut ceremony = Ceremony::new();
    let registered = ceremony.register_with(overrides).is_ok();
    let stored = ceremony.register();
    let asserted = ceremony.assert_with(&stored, overrides).is_ok();
    assert_eq!(
        registered, asserted,
        "both ceremonies read client data alike"
    );
    registered
}

fn malformed(overrides: &Overrides) -> bool {
    refused_registration(overrides) == Refusal::ClientDataMalformed
        && refused_assertion(overrides) == Refusal::ClientDataMalformed
}

/// Item 24.
#[test]
fn a_registration_with_another_origin_is_refused() {
    for origin in NEIGHBOURS {
        let mut ceremony = Ceremony::new();
        ceremony.origin = origin.to_owned();

        let verdict = ceremony.register_with(&Overrides::default());

        assert_eq!(verdict.unwrap_err(), Refusal::Origin, "{origin:?}");
    }
}

/// Items 24, 42.
#[test]
fn an_assertion_with_another_origin_is_refused() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    for origin in NEIGHBOURS {
        ceremony.origin = origin.to_owned();

        let verdict = ceremony.assert_with(&stored, &Overrides::default());

        assert_eq!(verdict.unwrap_err(), Refusal::Origin, "{origin:?}");
    }
}

/// Items 24, 42, 55.
#[test]
fn every_allowed_origin_is_accepted() {
    let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    for origin in [ORIGIN, "https://login.example.org:8443", app] {
        let mut ceremony = Ceremony::new();
        ceremony.policy.origins = vec![
            ORIGIN.into(),
            "https://login.example.org:8443".into(),
            app.into(),
        ];
        ceremony.origin = origin.to_owned();

        let stored = ceremony.register();

        assert!(
            ceremony.assert_with(&stored, &Overrides::default()).is_ok(),
            "{origin}"
        );
    }
}

/// Item 24.
#[test]
fn no_origin_is_accepted_where_none_is_allowed() {
    let mut ceremony = Ceremony::new();
    ceremony.policy.origins.clear();

    assert_eq!(
        ceremony.register_with(&Overrides::default()).unwrap_err(),
        Refusal::Origin
    );
}

/// Items 25, 42.
#[test]
fn a_ceremony_in_a_frame_of_another_origin_is_refused() {
    let framed = Overrides {
        cross_origin: Some(true),
        ..Overrides::default()
    };

    assert_eq!(refused_registration(&framed), Refusal::CrossOrigin);
    assert_eq!(refused_assertion(&framed), Refusal::CrossOrigin);
}

/// Items 25, 42.
#[test]
fn a_top_origin_is_refused_even_our_own() {
    for top_origin in ["https://example.com", ORIGIN, ""] {
        let framed = Overrides {
            top_origin: Some(top_origin.to_owned()),
            ..Overrides::default()
        };

        assert_eq!(refused_registration(&framed), Refusal::TopOrigin);
        assert_eq!(refused_assertion(&framed), Refusal::TopOrigin);
    }
}

/// Items 25, 42.
#[test]
fn frames_are_accepted_within_the_pages_that_are_allowed() {
    let cases = [
        (false, None, Ok(())),
        (true, None, Ok(())),
        (true, Some("https://example.com"), Ok(())),
        (
            true,
            Some("https://example.com:443"),
            Err(Refusal::TopOrigin),
        ),
        (
            true,
            Some("https://evil.example.com"),
            Err(Refusal::TopOrigin),
        ),
        (
            false,
            Some("https://evil.example.com"),
            Err(Refusal::TopOrigin),
        ),
    ];
    for (cross_origin, top_origin, expected) in cases {
        let mut ceremony = Ceremony::new();
        let stored = ceremony.register();
        let top_origins = vec!["https://example.com".to_owned()];
        ceremony.policy.cross_origin = CrossOrigin::Allow { top_origins };
        let overrides = Overrides {
            cross_origin: Some(cross_origin),
            top_origin: top_origin.map(str::to_owned),
            ..Overrides::default()
        };

        let registered = ceremony.register_with(&overrides).map(drop);
        let overrides = Overrides {
            credential_id: Some(stored.id.clone()),
            ..overrides
        };
        let asserted = ceremony.assert_with(&stored, &overrides).map(drop);

        assert_eq!(registered, expected, "{top_origin:?}");
        assert_eq!(asserted, expected, "{top_origin:?}");
    }
}

/// Item 23.
#[test]
fn unknown_members_are_accepted() {
    let extra = json!("clientDataJSON may be extended with additional fields in the future");

    assert!(accepted(&with_member("extraData", extra)));
    assert!(accepted(&with_member(
        "androidPackageName",
        json!("com.android.chrome")
    )));
    assert!(accepted(&with_member(
        "nested",
        json!({ "type": [{ "challenge": null }] })
    )));
}

/// Item 23.
#[test]
fn members_are_accepted_in_any_order_and_spacing() {
    let reordered = rewritten(|json| {
        let json: Map<String, Value> = serde_json::from_str(json).unwrap();
        let members: Vec<_> = json
            .iter()
            .rev()
            .map(|(name, value)| format!(" {name:?} :\n{value}"))
            .collect();
        format!("\t{{{}}}\r\n ", members.join(" ,"))
    });

    assert!(accepted(&reordered));
}

/// Item 23.
#[test]
fn a_byte_order_mark_is_stripped_once() {
    assert!(accepted(&rewritten(|json| format!("\u{feff}{json}"))));
    assert!(malformed(&rewritten(|json| format!(
        "\u{feff}\u{feff}{json}"
    ))));
    assert!(malformed(&rewritten(|json| format!("{json}\u{feff}"))));
}

/// Item 23.
#[test]
fn client_data_without_cross_origin_is_accepted() {
    assert!(accepted(&rewritten(
        |json| json.replace(r#","crossOrigin":false"#, "")
    )));
}

/// Item 23.
#[test]
fn repeated_members_are_refused() {
    for name in ["type", "challenge", "origin", "crossOrigin"] {
        let repeated = rewritten(move |json| {
            let members: Map<String, Value> = serde_json::from_str(json).unwrap();
            format!(
                "{},{:?}:{}}}",
                json.strip_suffix('}').unwrap(),
                name,
                members[name]
            )
        });

        assert!(malformed(&repeated), "{name}");
    }
}

/// Item 23.
#[test]
fn a_repeated_member_in_an_escaped_spelling_is_refused() {
    let repeated = rewritten(|json| {
        json.replace(
            r#""origin":"#,
            r#""\u006frigin":"https://evil.com","origin":"#,
        )
    });

    assert!(malformed(&repeated));
}

/// Item 23.
#[test]
fn missing_members_are_refused() {
    for name in ["type", "challenge", "origin"] {
        let missing = rewritten(move |json| {
            let mut members: Map<String, Value> = serde_json::from_str(json).unwrap();
            members.remove(name);
            json!(members).to_string()
        });

        assert!(malformed(&missing), "{name}");
    }
}

/// Item 23.
#[test]
fn members_of_another_type_are_refused() {
    let others = [
        json!(null),
        json!(7),
        json!(true),
        json!([]),
        json!({}),
        json!(["webauthn.get"]),
    ];
    for name in ["type", "challenge", "origin", "crossOrigin", "topOrigin"] {
        for other in others.clone() {
            let absent_or_boolean = match name {
                "crossOrigin" => other.is_null() || other.is_boolean(),
                "topOrigin" => other.is_null(),
                _ => false,
            };
            if absent_or_boolean {
                continue;
            }
            let replaced = rewritten(move |json| {
                let mut members: Map<String, Value> = serde_json::from_str(json).unwrap();
                members.insert(name.to_owned(), other.clone());
                json!(members).to_string()
            });

            assert!(malformed(&replaced), "{name}");
        }
    }
}

/// Item 23.
#[test]
fn well_formed_token_bindings_are_accepted() {
    for binding in [
        json!({ "status": "supported" }),
        json!({ "status": "not-supported" }),
        json!({ "status": "present", "id": "AAAA" }),
        json!({ "status": "supported", "more": 1 }),
    ] {
        assert!(
            accepted(&with_member("tokenBinding", binding.clone())),
            "{binding}"
        );
    }
}

/// Item 23.
#[test]
fn malformed_token_bindings_are_refused() {
    for binding in [
        json!(null),
        json!("supported"),
        json!(["supported"]),
        json!({}),
        json!({ "id": "AAAA" }),
        json!({ "status": null }),
        json!({ "status": "unknown" }),
        json!({ "status": "Supported" }),
        json!({ "status": "present" }),
        json!({ "status": "present", "id": 7 }),
        json!({ "status": "present", "id": "not base64url!" }),
    ] {
        assert!(
            malformed(&with_member("tokenBinding", binding.clone())),
            "{binding}"
        );
    }
}

/// Item 23.
#[test]
fn what_is_no_json_object_is_refused() {
    let texts = [
        "",
        "null",
        "{}",
        "[]",
        r#""{}""#,
        r#"["webauthn.create","dGhpcnR5LXR3byBieXRlcyBmb3IgYSBjaGFsbGVuZ2U","https://example.org"]"#,
    ];
    for text in texts {
        assert!(malformed(&rewritten(move |_| text.to_owned())), "{text}");
    }
    assert!(malformed(&rewritten(|json| format!("{json}{json}"))));
    assert!(malformed(&rewritten(|json| format!("{json},"))));
    assert!(malformed(&rewritten(|json| json.replace('}', ",}"))));
    assert!(malformed(&rewritten(
        |json| json[..json.len() - 1].to_owned()
    )));
}

/// Item 23.
#[test]
fn bytes_that_are_not_utf8_are_refused_wherever_they_stand() {
    for hidden in [
        &b"\"extra\":\"\xff\","[..],
        b"\"\xc3\x28\":1,",
        b"\"extra\":\"\xed\xa0\x80\",",
    ] {
        let overrides = Overrides {
            client_data_json: Hook::new(|json: &mut Vec<u8>| {
                json.splice(1..1, hidden.iter().copied());
            }),
            ..Overrides::default()
        };

        assert!(malformed(&overrides), "{hidden:?}");
    }
}

/// Items 20, 41.
#[test]
fn a_challenge_that_is_no_base64url_is_refused() {
    for challenge in ["not base64url!", "A", "AAAA+AAA", "AAAA/AAA", "AAB"] {
        let overrides = Overrides {
            challenge: Some(challenge.to_owned()),
            ..Overrides::default()
        };

        assert!(malformed(&overrides), "{challenge}");
    }
}

/// Item 23.
#[test]
fn client_data_that_is_nested_without_end_is_no_danger() {
    let deep = "[".repeat(30_000);

    assert!(malformed(&rewritten(
        move |json| json.replace('}', &format!(",\"deep\":{deep}}}"))
    )));
}
