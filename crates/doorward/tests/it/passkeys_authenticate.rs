//! Signing in with passkeys: one suite, at both doors and in every form that they take an assertion in.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::collections::HashSet;

use axum::body::Body;
use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use doorward::{
    Client, Span,
    config::{Config, CounterPolicy},
    testing::{
        Authenticator, Caller, Cell, Fault, Hook, ORIGIN, Overrides, Reply, World, cbor,
        on_every_database,
    },
    users,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    ceremony::{ADA, BOB, Person, assertion, face, number, refused_by, stored, subjects},
    passkeys_register::{foreign_origins, pad},
};

const OPTIONS: &str = "/auth/passkeys/authenticate/options";
const VERIFY: &str = "/auth/passkeys/authenticate/verify";

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;

/// A way to present an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// `POST /auth/passkeys/authenticate/verify`.
    Verify,
    /// `POST /auth/sessions` with the assertion's JSON text as `token`,
    Text,
    /// with base64url of it,
    Base64,
    /// and with the padding that base64url may have.
    Padded,
}

impl Door {
    const ALL: [Self; 4] = [Self::Verify, Self::Text, Self::Base64, Self::Padded];

    /// Presents an assertion as Ada's.
    async fn present(self, caller: &Caller, response: &Value) -> Reply {
        self.present_as(caller, ADA, response).await
    }

    async fn present_as(self, caller: &Caller, email: &str, response: &Value) -> Reply {
        let text = response.to_string();
        let token = match self {
            Self::Verify => return caller.post(VERIFY, text).await,
            Self::Text => text,
            Self::Base64 => URL_SAFE_NO_PAD.encode(text),
            Self::Padded => {
                let spaces = " ".repeat((4 - text.len() % 3) % 3);
                let token = URL_SAFE.encode(text + &spaces);
                assert!(token.ends_with("=="));
                token
            }
        };
        let form = json!({ "method": "passkey", "email": email, "token": token });
        caller.post("/auth/sessions", form).await
    }
}

/// Runs a test at every door, each time in a world of its own.
async fn at_every_door<F: Future<Output = ()>>(test: impl Fn(Door, World) -> F) {
    for door in Door::ALL {
        on_every_database(|world| test(door, world)).await;
    }
}

/// The same, with a configuration.
async fn at_every_door_with<F: Future<Output = ()>>(
    configure: impl Fn(&mut Config),
    test: impl Fn(Door, World) -> F,
) {
    for door in Door::ALL {
        test(door, World::with(&configure).await).await;
    }
}

fn plain() -> Overrides {
    Overrides::default()
}

fn bytes(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Hook {
    Hook::new(change)
}

fn with_flags(flags: u8) -> Overrides {
    Overrides {
        flags: Some(flags),
        ..plain()
    }
}

fn counting(count: u32) -> Overrides {
    Overrides {
        sign_count: Some(count),
        ..plain()
    }
}

/// Asks for options, answers them with deviations, and presents the answer.
async fn try_with(
    door: Door,
    caller: &Caller,
    authenticator: &mut Authenticator,
    overrides: &Overrides,
) -> Reply {
    let response = assertion(caller, authenticator, overrides).await;
    door.present(caller, &response).await
}

fn sessions(world: &World) -> i64 {
    number(world, "select count(*) from sessions")
}

// ── Options ─────────────────────────────────────────────────────────────────

/// Items 18, 38: the same bytes for everyone, whoever they say they are and however they came.
#[tokio::test]
async fn the_options_of_a_sign_in_differ_in_nothing_but_the_challenge() {
    on_every_database(async |world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let stranger = world.native();
        let expected = "{\"challenge\":\"…\",\"timeout\":300000,\"rpId\":\"auth.example.com\",\
            \"allowCredentials\":[],\"userVerification\":\"required\"}";

        for caller in [&stranger, &ada.browser, &world.browser(), &world.caller()] {
            for body in [
                json!({}),
                json!({ "email": ADA }),
                json!({ "email": "nobody@example.com", "username": "ada" }),
                json!({ "challenge": "AAAA", "allowCredentials": [{ "id": "AAAA" }], "rpId": "evil.example" }),
            ] {
                let answer = caller.post(OPTIONS, body).await;
                assert_eq!(without_challenge(&answer), expected);
            }
        }
        for (name, value) in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "host=evil.example;proto=http"),
            ("accept-language", "de"),
        ] {
            let mut request = stranger.request(Method::POST, OPTIONS, Body::empty());
            request.headers_mut().insert(name, value.parse().unwrap());
            let answer = stranger.send(request).await;
            assert_eq!(without_challenge(&answer), expected, "{name}");
        }
        let authority = format!("http://evil.example{OPTIONS}");
        let request = stranger.request(Method::POST, &authority, Body::empty());
        assert_eq!(without_challenge(&stranger.send(request).await), expected);
    })
    .await;
}

fn without_challenge(reply: &Reply) -> String {
    let challenge = reply.ok()["challenge"].as_str().unwrap().to_owned();
    assert!(URL_SAFE_NO_PAD.decode(&challenge).unwrap().len() >= 16);
    reply.text().replace(&challenge, "…")
}

/// Items 20, 104: ten thousand calls (the checklist's number is ten times that) run no statement and commit nothing.
#[tokio::test]
async fn asking_for_options_writes_nothing() {
    on_every_database(async |world| {
        let (stranger, browser) = (world.native(), world.browser());
        let (statements, commits) = (world.statements(), world.commits());

        let mut challenges = HashSet::new();
        for _ in 0..5_000 {
            for caller in [&stranger, &browser] {
                let options = caller.post(OPTIONS, ()).await.ok();
                challenges.insert(options["challenge"].to_string());
            }
            let refused = stranger.post("/auth/passkeys/register/options", ()).await;
            assert_eq!(refused.status(), 401);
        }

        assert_eq!(challenges.len(), 10_000);
        assert_eq!(world.statements(), statements);
        assert_eq!(world.commits(), commits);
    })
    .await;
}

// ── Success ─────────────────────────────────────────────────────────────────

/// Items 40, 54: what is recorded of the proof, and what the browser may be told of it.
#[tokio::test]
async fn a_passkey_opens_a_session_that_says_how() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let flags = |flags| with_flags(UP | UV | BE | flags);
        let registered = ada.register(&flags(AT)).await.created();
        let second = ada.register(&flags(AT)).await.created();
        world.advance(Span::hours(1));
        let visitor = world.browser().with(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        );

        let chosen = Overrides {
            credential_id: Some(ada_first(&ada)),
            ..flags(BS)
        };
        let mut response = assertion(&visitor, &mut ada.authenticator, &chosen).await;
        response["clientExtensionResults"] =
            json!({ "prf": { "results": { "first": "c2VjcmV0" } } });
        let signed_in = door.present(&visitor, &response).await.created();

        let session = &signed_in["session"];
        assert_eq!(session["method"], "passkey");
        assert_eq!(session["passkeyId"], registered["id"]);
        assert_eq!(session["authenticatedAt"], "2026-11-01T13:00:00.000Z");
        assert_eq!(session["device"]["browser"], "Firefox");
        assert_eq!(signed_in["user"]["email"], ADA);
        let rows = world.rows(
            "select method, passkey, aal, user_verified, backup_eligible, backed_up, authenticated_at
               from sessions order by created_at desc limit 1",
        );
        assert_eq!(
            rows[0],
            [
                Cell::Integer(2),
                Cell::Blob(ada_first(&ada)),
                Cell::Integer(2),
                Cell::Integer(1),
                Cell::Integer(1),
                Cell::Integer(1),
                Cell::Integer(world.clock().now().as_millis()),
            ]
        );
        let options = ada_options(&world).await;
        let mut signals = signed_in["signals"].clone();
        let ids = signals["acceptedCredentialIds"].as_array_mut().unwrap();
        ids.sort_by_key(Value::to_string);
        let mut expected = [registered["id"].clone(), second["id"].clone()];
        expected.sort_by_key(Value::to_string);
        assert_eq!(*ids, expected);
        assert_eq!(signals["rpId"], "auth.example.com");
        assert_eq!(signals["userId"], options["user"]["id"]);
        assert_eq!(signals["name"], options["user"]["name"]);
        assert_eq!(signals["displayName"], options["user"]["displayName"]);
        assert_eq!(visitor.get("/auth/sessions/").await.status(), 200);
    })
    .await;
}

fn ada_first(ada: &Person) -> Vec<u8> {
    ada.authenticator.passkeys()[0].id.clone()
}

async fn ada_options(world: &World) -> Value {
    Person::new(world, ADA, 1).await.creation_options().await
}

/// Method, level, user verification and passkey of a session.
type Level = Vec<Cell>;

fn level_of(numbers: [i64; 3], passkey: Option<Vec<u8>>) -> Level {
    let numbers = numbers.into_iter().map(Cell::Integer);
    numbers
        .chain([passkey.map_or(Cell::Null, Cell::Blob)])
        .collect()
}

/// Items 15, 54: a code is level 0 each time, and a passkey in the same session does not rub off on the next code.
#[tokio::test]
async fn a_session_never_claims_more_than_its_last_proof() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let level = || -> Level {
            let rows = world.rows("select method, aal, user_verified, passkey from sessions");
            rows.into_iter().next().unwrap()
        };
        let code = level_of([1, 0, 0], None);

        let at_first = level();
        world.sign_in(&ada.browser, ADA).await;
        let after_two_codes = level();
        let response = assertion(&ada.browser, &mut ada.authenticator, &plain()).await;
        door.present(&ada.browser, &response).await.created();
        let after_a_passkey = level();
        world.sign_in(&ada.browser, ADA).await;

        assert_eq!(at_first, code);
        assert_eq!(after_two_codes, code);
        assert_eq!(after_a_passkey, level_of([2, 2, 1], Some(ada_first(&ada))));
        assert_eq!(level(), code);
    })
    .await;
}

/// Item 39: whoever is signed in is identified already, and some phones leave the handle out then. Of anyone else it must be
/// there, and one that is there must be the owner's.
#[tokio::test]
async fn a_signed_in_owner_needs_no_user_handle() {
    on_every_database(async |world| {
        let Person {
            browser,
            mut authenticator,
        } = Person::with_passkey(&world, ADA, 1).await;
        let bob = Person::new(&world, BOB, 2).await;
        let stranger = world.browser();
        for (caller, handle, refused) in [
            (&stranger, vec![], "user_handle_missing"),
            (&bob.browser, vec![], "user_handle_missing"),
            (&browser, vec![7; 64], "user_handle"),
            (&browser, vec![], ""),
        ] {
            world.advance(Span::seconds(1));
            let overrides = Overrides {
                user_handle: Some(handle),
                ..Overrides::default()
            };
            let response = assertion(caller, &mut authenticator, &overrides).await;
            let reply = caller.post(VERIFY, response).await;
            if refused.is_empty() {
                reply.created();
            } else {
                reply.problem(401, "passkey_failed");
                assert_eq!(refused_by(&world), refused);
            }
        }
    })
    .await;
}

/// What browsers and providers leave out or add; `userHandle` is for item 39.
#[tokio::test]
async fn assertions_of_real_browsers_are_read() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let optional = ["authenticatorAttachment", "clientExtensionResults"];
        for change in 0..4 {
            let mut response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
            let members = response.as_object_mut().unwrap();
            match change {
                0 => optional.iter().for_each(|&name| drop(members.remove(name))),
                1 => optional.iter().for_each(|&name| {
                    members.insert(name.into(), Value::Null);
                }),
                2 => {
                    members.insert("email".into(), json!(BOB));
                    members.insert("userId".into(), json!("someone"));
                    members.insert("challenge".into(), json!("AAAA"));
                    members.insert(
                        "clientExtensionResults".into(),
                        json!({ "appid": true, "prf": { "results": { "first": "eA" } } }),
                    );
                    members.insert("authenticatorAttachment".into(), json!("implanted"));
                }
                _ => {
                    pad(&mut response, &["id", "rawId"]);
                    let names = [
                        "clientDataJSON",
                        "authenticatorData",
                        "signature",
                        "userHandle",
                    ];
                    pad(&mut response["response"], &names);
                    assert!(response["id"].as_str().unwrap().ends_with('='));
                }
            }

            let signed_in = door.present(&visitor, &response).await.created();

            assert_eq!(signed_in["user"]["email"], ADA, "{change}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_assertion_of_the_wrong_shape_names_its_field() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let good = assertion(&visitor, &mut ada.authenticator, &plain()).await;
        for (pointer, field, value) in [
            ("/id", "id", json!(7)),
            ("/type", "type", json!("password")),
            ("/response", "response", json!("x")),
            ("/response/signature", "response.signature", json!(null)),
            (
                "/response/authenticatorData",
                "response.authenticatorData",
                json!("not base64url!"),
            ),
        ] {
            let mut wrong = good.clone();
            *wrong.pointer_mut(pointer).unwrap() = value;

            let refused = door.present(&visitor, &wrong).await;

            refused.problem(422, "invalid_request");
            let field = if door == Door::Verify { field } else { "token" };
            assert_eq!(refused.json()["field"], field);
        }
        door.present(&visitor, &good).await.created();
    })
    .await;
}

// ── Refusals ────────────────────────────────────────────────────────────────

/// Every check that an assertion can fail, with its name in the log; none for client data that names no challenge.
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_assertions() -> Vec<(&'static str, Overrides)> {
    let text = |text: &str| Some(text.to_owned());
    let no_handle = |handle: Option<Value>| Overrides {
        response: Hook::new(move |response: &mut Value| {
            let members = response["response"].as_object_mut().unwrap();
            members.remove("userHandle");
            members.extend(
                handle
                    .clone()
                    .map(|handle| ("userHandle".to_owned(), handle)),
            );
        }),
        ..plain()
    };
    vec![
        (
            "",
            Overrides {
                client_data_json: bytes(|json| {
                    json.splice(1..1, *b"\"origin\":\"x\",").for_each(drop);
                }),
                ..plain()
            },
        ),
        (
            "",
            Overrides {
                client_data_json: bytes(|json| json.push(0xff)),
                ..plain()
            },
        ),
        (
            "",
            Overrides {
                client_data_json: bytes(Vec::clear),
                ..plain()
            },
        ),
        (
            "ceremony_type",
            Overrides {
                ceremony: text("webauthn.create"),
                ..plain()
            },
        ),
        (
            "ceremony_type",
            Overrides {
                ceremony: text("payment.get"),
                ..plain()
            },
        ),
        (
            "cross_origin",
            Overrides {
                cross_origin: Some(true),
                ..plain()
            },
        ),
        (
            "top_origin",
            Overrides {
                top_origin: text(ORIGIN),
                ..plain()
            },
        ),
        (
            "authenticator_data_malformed",
            Overrides {
                authenticator_data: bytes(|data| data.push(0)),
                ..plain()
            },
        ),
        (
            "authenticator_data_malformed",
            Overrides {
                authenticator_data: bytes(|data| data.truncate(36)),
                ..plain()
            },
        ),
        (
            "authenticator_data_malformed",
            Overrides {
                authenticator_data: bytes(|data| data[32] |= 0x80),
                ..plain()
            },
        ),
        (
            "authenticator_data_malformed",
            Overrides {
                extensions: Some([cbor::map(&[]), vec![0]].concat()),
                ..plain()
            },
        ),
        (
            "attested_data_unexpected",
            Overrides {
                flags: Some(UP | UV | AT),
                authenticator_data: bytes(|data| {
                    data.extend([&[0; 16][..], &[0, 1, 7], &cbor::map(&[])].concat());
                }),
                ..plain()
            },
        ),
        (
            "rp_id",
            Overrides {
                rp_id: text("example.com"),
                ..plain()
            },
        ),
        (
            "rp_id",
            Overrides {
                rp_id: text("Auth.example.com"),
                ..plain()
            },
        ),
        ("user_presence", with_flags(UV)),
        ("user_verification", with_flags(UP)),
        ("backup_state", with_flags(UP | UV | BS)),
        ("backup_eligibility_changed", with_flags(UP | UV | BE)),
        ("backup_eligibility_changed", with_flags(UP | UV | BE | BS)),
        ("user_handle_missing", no_handle(None)),
        ("user_handle_missing", no_handle(Some(json!(null)))),
        ("user_handle_missing", no_handle(Some(json!("")))),
        (
            "user_handle",
            Overrides {
                user_handle: Some(vec![7; 64]),
                ..plain()
            },
        ),
        (
            "signature",
            Overrides {
                signature: bytes(|signature| signature[0] ^= 1),
                ..plain()
            },
        ),
        (
            "signature",
            Overrides {
                signature: bytes(Vec::clear),
                ..plain()
            },
        ),
        (
            "signature",
            Overrides {
                sent_client_data_json: bytes(|json| json.push(b' ')),
                ..plain()
            },
        ),
        (
            "signature",
            Overrides {
                sent_authenticator_data: bytes(|data| data[36] ^= 1),
                ..plain()
            },
        ),
    ]
}

/// Items 39, 41, 42, 43, 44, 45, 46, 49: one answer for all of them, and nothing is stored.
#[tokio::test]
async fn every_refused_assertion_looks_the_same_and_leaves_nothing() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.browser();
        let mut faces = HashSet::new();
        for (name, overrides) in bad_assertions() {
            world.advance(Span::millis(1));
            let before = stored(&world);

            let refused = try_with(door, &visitor, &mut ada.authenticator, &overrides).await;

            refused.problem(401, "passkey_failed");
            faces.insert(face(&refused));
            assert_eq!(stored(&world), before, "{name}");
            if !name.is_empty() {
                assert_eq!(refused_by(&world), name);
            }
        }
        assert_eq!(faces.len(), 1, "{faces:#?}");

        try_with(door, &visitor, &mut ada.authenticator, &plain())
            .await
            .created();
    })
    .await;
}

/// Item 42.
#[tokio::test]
async fn an_assertion_from_another_origin_is_refused() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let before = sessions(&world);
        for origin in foreign_origins() {
            world.advance(Span::millis(1));
            let options = visitor.post(OPTIONS, ()).await.ok();
            let response = ada.authenticator.get(&options, origin);

            let refused = door.present(&visitor, &response).await;

            refused.problem(401, "passkey_failed");
            assert_eq!(refused_by(&world), "origin", "{origin}");
        }
        assert_eq!(sessions(&world), before);
    })
    .await;
}

/// Item 42: what is configured is accepted, and only that.
#[tokio::test]
async fn configured_origins_and_frames_may_sign_in() {
    let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let other_app = "android:apk-key-hash:57DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let configure = |config: &mut Config| {
        config.origins = vec!["https://app.example.com".into()];
        config.passkeys.app_origins = vec![app.into()];
        config.passkeys.top_origins = vec!["https://portal.example.org".into()];
    };
    at_every_door_with(configure, async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let framed = |top_origin: &str| Overrides {
            cross_origin: Some(true),
            top_origin: Some(top_origin.to_owned()),
            ..plain()
        };

        for (origin, overrides, status) in [
            ("https://app.example.com", plain(), 201),
            (ORIGIN, framed("https://portal.example.org"), 201),
            (ORIGIN, framed("https://portal.example.org:8443"), 401),
            (ORIGIN, framed(ORIGIN), 401),
            ("https://portal.example.org", plain(), 401),
            (app, plain(), 201),
            (other_app, plain(), 401),
        ] {
            let options = visitor.post(OPTIONS, ()).await.ok();
            let response = ada.authenticator.get_with(&options, origin, &overrides);
            let answer = door.present(&visitor, &response).await;
            assert_eq!(answer.status(), status, "{origin} {answer}");
        }
    })
    .await;
}

/// Item 45: any bit of any part.
#[tokio::test]
async fn no_altered_bit_passes() {
    let unlimited = |config: &mut Config| config.limits.network_failures = 0;
    at_every_door_with(unlimited, async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let before = stored(&world);
        for index in 0..64 {
            let flip = move |bytes: &mut Vec<u8>| bytes[index] ^= 1 << (index % 8);
            let late = move |bytes: &mut Vec<u8>| {
                let index = bytes.len() - 1 - index;
                bytes[index] ^= 1 << (index % 7);
            };
            let mut altered = vec![
                Overrides {
                    signature: bytes(flip),
                    ..plain()
                },
                Overrides {
                    sent_client_data_json: bytes(late),
                    ..plain()
                },
            ];
            if index < 37 {
                altered.push(Overrides {
                    sent_authenticator_data: bytes(flip),
                    ..plain()
                });
            }
            for overrides in altered {
                let refused = try_with(door, &visitor, &mut ada.authenticator, &overrides).await;
                refused.problem(401, "passkey_failed");
            }
        }
        assert_eq!(stored(&world), before);
    })
    .await;
}

/// Item 45: signatures in another form than DER, or of nothing.
#[tokio::test]
async fn an_ecdsa_signature_has_one_form() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.authenticator.algorithms = vec![(-7).try_into().unwrap()];
        ada.register(&plain()).await.created();
        let visitor = world.native();
        let before = stored(&world);
        let raw = |signature: &mut Vec<u8>| {
            let (r, rest) = signature[4..].split_at(signature[3].into());
            let fixed = |integer: &[u8]| {
                let digits: Vec<_> = integer
                    .iter()
                    .copied()
                    .skip_while(|&byte| byte == 0)
                    .collect();
                [vec![0; 32 - digits.len()], digits].concat()
            };
            *signature = [fixed(r), fixed(&rest[2..])].concat();
        };

        for signature in [
            bytes(raw),
            bytes(|signature| signature.push(0)),
            bytes(|signature| *signature = vec![0x30, 6, 2, 1, 0, 2, 1, 0]),
            bytes(|signature| *signature = vec![0; 64]),
        ] {
            let overrides = Overrides {
                signature,
                ..plain()
            };
            let refused = try_with(door, &visitor, &mut ada.authenticator, &overrides).await;
            refused.problem(401, "passkey_failed");
        }

        assert_eq!(stored(&world), before);
        let good = try_with(door, &visitor, &mut ada.authenticator, &plain()).await;
        good.created();
    })
    .await;
}

/// Item 45: the stored key and algorithm decide, and a record that they do not fit opens nothing.
#[tokio::test]
async fn a_stored_key_that_was_tampered_with_opens_nothing() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let mut eve = Person::with_passkey(&world, BOB, 2).await;
        let visitor = world.native();
        let tamper = |sql: &str| assert!(world.change(sql) > 0);
        let mut faces = HashSet::new();

        for sql in [
            "update passkeys set public_key = x'a0'",
            "update passkeys set algorithm = -7",
        ] {
            tamper(sql);
            let refused = try_with(door, &visitor, &mut ada.authenticator, &plain()).await;
            refused.problem(401, "passkey_failed");
            faces.insert(face(&refused));
        }
        let response = assertion(&visitor, &mut eve.authenticator, &plain()).await;
        let refused = door.present_as(&visitor, BOB, &response).await;
        faces.insert(face(&refused));

        assert_eq!(faces.len(), 1);
        assert_eq!(sessions(&world), 2, "the two by code");
    })
    .await;
}

/// Item 46: extension outputs that are signed and whole may be there.
#[tokio::test]
async fn an_assertion_may_carry_extension_outputs() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let extensions = cbor::map(&[(cbor::text("hmac-secret"), cbor::bytes(&[7; 48]))]);
        let overrides = Overrides {
            extensions: Some(extensions),
            ..plain()
        };

        let answer = try_with(door, &world.native(), &mut ada.authenticator, &overrides).await;

        assert_eq!(answer.created()["user"]["email"], ADA);
    })
    .await;
}

// ── Whose it is ─────────────────────────────────────────────────────────────

/// Item 39: Eve's credential opens nobody's account but Eve's, whatever handle it shows.
#[tokio::test]
async fn a_credential_with_someone_elses_handle_opens_nothing() {
    at_every_door(async |door, world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let mut eve = Person::with_passkey(&world, "eve@example.com", 2).await;
        let carl = Person::new(&world, "carl@example.com", 3).await;
        let without_passkeys = carl.creation_options().await["user"]["id"].clone();
        let without_passkeys = URL_SAFE_NO_PAD
            .decode(without_passkeys.as_str().unwrap())
            .unwrap();
        let visitor = world.native();
        let before = stored(&world);

        for handle in [
            ada.authenticator.passkeys()[0].user_handle.clone(),
            without_passkeys,
        ] {
            for email in [ADA, "eve@example.com", "carl@example.com"] {
                let overrides = Overrides {
                    user_handle: Some(handle.clone()),
                    ..plain()
                };
                let response = assertion(&visitor, &mut eve.authenticator, &overrides).await;

                let refused = door.present_as(&visitor, email, &response).await;

                refused.problem(401, "passkey_failed");
            }
        }
        assert_eq!(stored(&world), before);
    })
    .await;
}

/// Item 40: an address narrows, it never selects.
#[tokio::test]
async fn an_address_that_is_not_the_owners_fails_like_anything_else() {
    on_every_database(async |world| {
        for door in [Door::Text, Door::Base64, Door::Padded] {
            let mut ada = Person::with_passkey(&world, ADA, 1 + door as u64).await;
            let _bob = Person::new(&world, BOB, 9).await;
            let visitor = world.native();
            let broken = Overrides {
                signature: bytes(|signature| signature[0] ^= 1),
                ..plain()
            };
            let refused = try_with(door, &visitor, &mut ada.authenticator, &broken).await;
            let before = stored(&world);

            for email in [BOB, "nobody@example.com"] {
                let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
                let answer = door.present_as(&visitor, email, &response).await;
                assert_eq!(face(&answer), face(&refused));
            }
            let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
            let no_address = door.present_as(&visitor, "ada", &response).await;
            assert_eq!(stored(&world), before);
            let other_spelling = door
                .present_as(&visitor, " ADA@Example.COM ", &response)
                .await;

            no_address.problem(422, "invalid_request");
            assert_eq!(no_address.json()["field"], "email");
            assert_eq!(other_spelling.created()["user"]["email"], ADA);
        }
    })
    .await;
}

/// Items 49, 67: someone who is disabled is refused like a bad signature, in as many statements, until enabled again.
#[tokio::test]
async fn a_disabled_user_is_told_what_a_forger_is_told() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let broken = Overrides {
            signature: bytes(|signature| signature[0] ^= 1),
            ..plain()
        };
        let foreign = Overrides {
            user_handle: Some(vec![7; 64]),
            ..plain()
        };
        let mut seen = HashSet::new();
        let mut look = async |overrides: &Overrides, authenticator: &mut Authenticator| {
            let response = assertion(&visitor, authenticator, overrides).await;
            let before = world.statements();
            let answer = door.present(&visitor, &response).await;
            seen.insert((face(&answer), world.statements() - before));
        };
        let user = world.user(ADA).await;

        look(&broken, &mut ada.authenticator).await;
        look(&foreign, &mut ada.authenticator).await;
        let client = &Client::command_line();
        users::disable(world.doorward(), &user, None, client)
            .await
            .unwrap();
        let before = stored(&world);
        look(&plain(), &mut ada.authenticator).await;
        look(&broken, &mut ada.authenticator).await;

        assert_eq!(seen.len(), 1, "{seen:#?}");
        assert_eq!(stored(&world), before);
        users::enable(world.doorward(), &user, None, client)
            .await
            .unwrap();
        let answer = try_with(door, &visitor, &mut ada.authenticator, &plain()).await;
        answer.created();
    })
    .await;
}

/// Item 49: an address that is someone's and one that is nobody's: as many statements for each.
#[tokio::test]
async fn refusals_cost_the_same_statements_whoever_is_named() {
    on_every_database(async |world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let _bob = Person::with_passkey(&world, BOB, 2).await;
        let visitor = world.native();
        let mut costs = HashSet::new();
        for email in [BOB, "nobody@example.com"] {
            let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
            let before = world.statements();
            let refused = Door::Text.present_as(&visitor, email, &response).await;
            refused.problem(401, "passkey_failed");
            costs.insert(world.statements() - before);
        }

        assert_eq!(costs.len(), 1, "{costs:?}");
    })
    .await;
}

// ── Challenges ──────────────────────────────────────────────────────────────

/// Items 21, 41: after success and after failure.
#[tokio::test]
async fn an_assertion_is_presented_once_whatever_comes_of_it() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let (visitor, thief) = (world.native(), world.native());
        let good = assertion(&visitor, &mut ada.authenticator, &plain()).await;
        let options = visitor.post(OPTIONS, ()).await.ok();
        let broken = Overrides {
            signature: bytes(|signature| signature[0] ^= 1),
            ..plain()
        };
        let bad = ada.authenticator.get_with(&options, ORIGIN, &broken);
        let mended = ada.authenticator.get(&options, ORIGIN);

        door.present(&visitor, &good).await.created();
        let opened = sessions(&world);
        for other in Door::ALL {
            let replayed = other.present(&thief, &good).await;
            replayed.problem(401, "challenge_expired");
        }
        door.present(&thief, &bad)
            .await
            .problem(401, "passkey_failed");
        for other in Door::ALL {
            let replayed = other.present(&thief, &mended).await;
            replayed.problem(401, "challenge_expired");
        }

        assert_eq!(sessions(&world), opened);
        let replays = "select count(*) from events where kind = 'authn_challenge_replayed'";
        assert_eq!(number(&world, replays), 8);
        let restarted = world.restarted().await;
        let replayed = door.present(&restarted.native(), &good).await;
        replayed.problem(401, "challenge_expired");
    })
    .await;
}

/// Has the passkey of whoever signs in used by somebody else in the moment between the look at it and the transaction.
fn overtake(world: &World) {
    let sql = match world.doorward().config().database.url {
        None => {
            "create trigger overtaking after update on users
             begin update passkeys set sign_count = 1000; end"
        }
        Some(_) => {
            "create rule overtaking as on update to users
             do also update passkeys set sign_count = 1000"
        }
    };
    world.change(sql);
}

/// Items 21, 41: whichever step refuses, what it refused is spent with it, and whoever presents it again hears that first.
#[tokio::test]
async fn whatever_refuses_an_assertion_spends_its_challenge() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&counting(5)).await.created();
        let mut unknown = Authenticator::new(9);
        unknown.create(&ada.creation_options().await, ORIGIN);
        let (visitor, user) = (world.native(), world.user(ADA).await);
        let client = &Client::command_line();
        let other_site = Overrides {
            rp_id: Some("example.com".into()),
            ..plain()
        };
        let broken = Overrides {
            signature: bytes(|signature| signature[0] ^= 1),
            ..plain()
        };
        let mut refused = Vec::new();
        for (step, overrides, email) in [
            ("rp_id", &other_site, ADA),
            ("unknown_credential", &plain(), ADA),
            ("signature", &broken, ADA),
            ("counter_regression", &counting(5), ADA),
            ("another address", &counting(6), BOB),
            ("disabled", &counting(7), ADA),
            ("overtaken", &counting(8), ADA),
        ] {
            // The first door has no field for an address.
            if door == Door::Verify && step == "another address" {
                continue;
            }
            world.advance(Span::millis(1));
            let authenticator = match step {
                "unknown_credential" => &mut unknown,
                _ => &mut ada.authenticator,
            };
            let response = assertion(&visitor, authenticator, overrides).await;
            match step {
                "disabled" => _ = users::disable(world.doorward(), &user, None, client).await,
                "overtaken" => {
                    _ = users::enable(world.doorward(), &user, None, client).await;
                    overtake(&world);
                }
                _ => {}
            }

            let first = door.present_as(&visitor, email, &response).await;

            let code = match step {
                "unknown_credential" => step,
                _ => "passkey_failed",
            };
            first.problem(401, code);
            assert_eq!(refused_by(&world), step);
            refused.push((step, email, response));
        }
        let before = (stored(&world), count(&world));
        let failures = "select count(*) from events where kind = 'authn_login_fail'";
        let told = number(&world, failures);

        for (step, email, response) in &refused {
            for other in Door::ALL {
                let again = other.present_as(&visitor, email, response).await;
                assert_eq!(again.problem_code(), "challenge_expired", "{step}");
            }
        }

        let replays = "select count(*) from events where kind = 'authn_challenge_replayed'";
        let replayed = i64::try_from(4 * refused.len()).unwrap();
        assert_eq!(number(&world, replays), replayed);
        assert_eq!(number(&world, failures), told);
        assert_eq!((stored(&world), count(&world)), before);
        let metrics = world.doorward().metrics_text();
        let lines = [
            // The registrations' and these; what was undone is counted once.
            format!("doorward_challenges_spent_total {}", refused.len() + 1),
            format!("doorward_challenges_replayed_total {replayed}"),
        ];
        for line in lines {
            assert!(metrics.lines().any(|said| said == line), "{line}");
        }
    })
    .await;
}

/// Items 20, 41: ten minutes, also once the spent challenges have been swept.
#[tokio::test]
async fn an_assertion_has_ten_minutes() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let in_time = assertion(&visitor, &mut ada.authenticator, &plain()).await;
        let late = assertion(&visitor, &mut ada.authenticator, &plain()).await;

        world.advance(Span::seconds(599));
        door.present(&visitor, &in_time).await.created();
        world.advance(Span::seconds(2));
        let second = door.present(&visitor, &late).await;
        world.sweep().await;
        let remembered = number(&world, "select count(*) from spent_challenges");
        let replayed = door.present(&visitor, &in_time).await;
        world.advance(Span::minutes(5));
        world.sweep().await;
        let swept = number(&world, "select count(*) from spent_challenges");
        let replayed_later = door.present(&visitor, &in_time).await;

        second.problem(401, "challenge_expired");
        replayed.problem(401, "challenge_expired");
        replayed_later.problem(401, "challenge_expired");
        assert_eq!(remembered, 2, "hers, and that of her registration");
        assert_eq!(swept, 0);
    })
    .await;
}

/// Items 21, 41: made up, cut short, of another server, of a registration.
#[tokio::test]
async fn a_challenge_that_was_not_handed_out_for_signing_in_is_refused() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let challenge = |options: &Value| options["challenge"].as_str().unwrap().to_owned();
        let ours = challenge(&visitor.post(OPTIONS, ()).await.ok());
        let elsewhere = World::new().await.native().post(OPTIONS, ()).await.ok();
        let registration = challenge(&ada.creation_options().await);
        let spent = number(&world, "select count(*) from spent_challenges");
        let before = stored(&world);

        for caller in [&visitor, &ada.browser] {
            for challenge in [
                challenge(&elsewhere),
                registration.clone(),
                ours[..ours.len() - 2].to_owned(),
                ours[..22].to_owned(),
                format!("{ours}AA"),
                String::new(),
                "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
                "A".repeat(58),
            ] {
                let overrides = Overrides {
                    challenge: Some(challenge),
                    ..plain()
                };
                let mut response = assertion(caller, &mut ada.authenticator, &overrides).await;
                // What the body says besides is not the expected value.
                response["challenge"] = json!(overrides.challenge);
                let refused = door.present(caller, &response).await;
                refused.problem(401, "passkey_failed");
            }
        }
        assert_eq!(stored(&world), before);
        assert_eq!(
            number(&world, "select count(*) from spent_challenges"),
            spent
        );
    })
    .await;
}

/// Items 21, 41: a page of our own origin binds its challenge to its browser; the thief does not even burn it.
#[tokio::test]
async fn a_browsers_challenge_works_in_that_browser_only() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let (browser, other) = (world.browser(), world.browser());
        other.post(OPTIONS, ()).await.ok()["challenge"]
            .as_str()
            .unwrap();
        let response = assertion(&browser, &mut ada.authenticator, &plain()).await;

        for thief in [&other, &world.browser(), &world.native()] {
            let refused = door.present(thief, &response).await;
            refused.problem(401, "passkey_failed");
        }
        door.present(&browser, &response).await.created();

        let unbound = assertion(&world.native(), &mut ada.authenticator, &plain()).await;
        door.present(&world.native(), &unbound).await.created();
    })
    .await;
}

/// Item 51: a browser that is told so forgets the passkey, so of one that turns up before anyone was told nothing is said,
/// and the same assertion may be presented again.
#[tokio::test]
async fn a_passkey_that_turns_up_in_time_is_not_called_unknown() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        world.change("create table hidden as select * from passkeys");
        world.change("delete from passkeys");
        // It comes back with the transaction that was to say so.
        if world.doorward().config().database.url.is_some() {
            world.change(
                "create function bring_back() returns trigger language plpgsql
                 as $$ begin insert into passkeys select * from hidden; return null; end $$",
            );
            world.change(
                "create trigger comes_back after insert on spent_challenges execute function bring_back()",
            );
        } else {
            world.change(
                "create trigger comes_back after insert on spent_challenges
                 begin insert into passkeys select * from hidden; end",
            );
        }
        let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;

        let refused = door.present(&visitor, &response).await;

        refused.problem(503, "unavailable");
        world.change(match world.doorward().config().database.url {
            None => "drop trigger comes_back",
            Some(_) => "drop trigger comes_back on spent_challenges",
        });
        world.change("insert into passkeys select * from hidden");
        door.present(&visitor, &response).await.created();
    })
    .await;
}

/// Item 51: an unknown credential is told only to whom a real ceremony was run for, and costs what a failure costs.
#[tokio::test]
async fn an_unknown_credential_is_told_after_the_ceremony_was_checked_only() {
    at_every_door(async |door, world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let mut unknown = ada.authenticator.clone();
        // Made here, never registered here.
        let id = Some(vec![7; 32]);
        let options = ada.creation_options().await;
        unknown.create_with(
            &options,
            ORIGIN,
            &Overrides {
                credential_id: id,
                ..plain()
            },
        );
        let visitor = world.native().from("192.0.2.1");
        let before = stored(&world);

        let response = assertion(&visitor, &mut unknown, &plain()).await;
        let told = door.present(&visitor, &response).await;
        let replayed = door.present(&visitor, &response).await;
        let late = assertion(&visitor, &mut unknown, &plain()).await;
        world.advance(Span::seconds(601));
        let late = door.present(&visitor, &late).await;
        let mut silent = Vec::new();
        for overrides in [
            Overrides {
                challenge: Some("A".repeat(58)),
                ..plain()
            },
            Overrides {
                rp_id: Some("example.com".into()),
                ..plain()
            },
            Overrides {
                cross_origin: Some(true),
                ..plain()
            },
            Overrides {
                ceremony: Some("webauthn.create".into()),
                ..plain()
            },
        ] {
            silent.push(try_with(door, &visitor, &mut unknown, &overrides).await);
        }
        let options = visitor.post(OPTIONS, ()).await.ok();
        let elsewhere = unknown.get(&options, "https://evil.example");
        silent.push(door.present(&visitor, &elsewhere).await);

        told.problem(401, "unknown_credential");
        replayed.problem(401, "challenge_expired");
        late.problem(401, "challenge_expired");
        for refused in silent {
            refused.problem(401, "passkey_failed");
        }
        assert_eq!(stored(&world), before);
    })
    .await;
}

/// Item 51: the hundred and first question of a network in five minutes is not answered, and the owner's still is.
#[tokio::test]
async fn asking_for_credentials_is_counted_against_the_network() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let mut unknown = Authenticator::new(9);
        unknown.create(&ada.creation_options().await, ORIGIN);
        let guesser = world.native().from("192.0.2.1");

        let mut codes = Vec::new();
        for _ in 0..101 {
            let answer = try_with(door, &guesser, &mut unknown, &plain()).await;
            codes.push(answer.problem_code());
        }
        let statements = world.statements();
        let limited = try_with(door, &guesser, &mut unknown, &plain()).await;

        assert!(codes[..100].iter().all(|code| code == "unknown_credential"));
        assert_eq!(codes[100], "rate_limited");
        limited.problem(429, "rate_limited");
        assert_eq!(world.statements(), statements);
        let elsewhere = world.native().from("198.51.100.1");
        let owner = try_with(door, &elsewhere, &mut ada.authenticator, &plain()).await;
        owner.created();
    })
    .await;
}

// ── Counter and backup ──────────────────────────────────────────────────────

fn count(world: &World) -> i64 {
    number(world, "select sign_count from passkeys")
}

/// Item 47: an authenticator that does not count.
#[tokio::test]
async fn a_counter_that_stays_zero_is_no_counter() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();

        for _ in 0..3 {
            let answer = try_with(door, &visitor, &mut ada.authenticator, &counting(0)).await;
            answer.created();
        }

        assert_eq!(count(&world), 0);
    })
    .await;
}

/// Item 47: 5→6 passes; 5→5, 5→4 and 5→0 do not, the owner hears of each, and the mark stays.
#[tokio::test]
async fn a_counter_that_does_not_grow_is_refused_and_its_owner_told() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&counting(5)).await.created();
        world.inbox(ADA).await;
        let visitor = world.native();
        let regressions = "select count(*) from events where kind = 'authn_counter_regression'";
        let before = stored(&world);

        let mut faces = HashSet::new();
        for (told, lower) in [5, 4, 0].into_iter().enumerate() {
            let refused = try_with(door, &visitor, &mut ada.authenticator, &counting(lower)).await;
            refused.problem(401, "passkey_failed");
            faces.insert(face(&refused));
            assert_eq!(
                number(&world, regressions),
                i64::try_from(told).unwrap() + 1
            );
            let subject = "Check a passkey of your Doorward account";
            assert_eq!(subjects(&world, ADA).await[0], subject);
            assert_eq!(stored(&world), before, "5 → {lower}");
        }
        assert_eq!(
            subjects(&world, ADA).await.len(),
            5,
            "code, new passkey, three warnings"
        );
        let broken = Overrides {
            signature: bytes(|signature| signature[0] ^= 1),
            ..counting(7)
        };
        faces.insert(face(
            &try_with(door, &visitor, &mut ada.authenticator, &broken).await,
        ));
        assert_eq!(faces.len(), 1);

        for higher in [6, 100, u32::MAX] {
            let passed = try_with(door, &visitor, &mut ada.authenticator, &counting(higher)).await;
            passed.created();
            assert_eq!(count(&world), i64::from(higher));
        }
    })
    .await;
}

/// Item 47: 0→n begins to count.
#[tokio::test]
async fn a_counter_may_begin_to_count() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();

        try_with(door, &visitor, &mut ada.authenticator, &counting(1))
            .await
            .created();
        let back = try_with(door, &visitor, &mut ada.authenticator, &counting(0)).await;

        back.problem(401, "passkey_failed");
        assert_eq!(count(&world), 1);
    })
    .await;
}

/// Item 47: the policy `warn` of D13, for fleets that miscount: it passes, and is told of all the same.
#[tokio::test]
async fn where_policy_only_warns_a_counter_may_go_back() {
    let warn = |config: &mut Config| config.passkeys.counter = CounterPolicy::Warn;
    at_every_door_with(warn, async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&counting(5)).await.created();

        let passed = try_with(door, &world.native(), &mut ada.authenticator, &counting(4)).await;

        passed.created();
        assert_eq!(count(&world), 5, "the highest stays the mark");
        let mail = subjects(&world, ADA).await;
        assert_eq!(mail[0], "Check a passkey of your Doorward account");
        let told = "select count(*) from events where kind = 'authn_counter_regression'";
        assert_eq!(number(&world, told), 1);
    })
    .await;
}

/// Item 44: eligibility never changes, the state follows what is signed.
#[tokio::test]
async fn the_backup_state_follows_and_the_eligibility_stays() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&with_flags(UP | UV | BE | AT)).await.created();
        let visitor = world.native();
        let backup = || {
            (
                number(&world, "select backup_eligible from passkeys"),
                number(&world, "select backed_up from passkeys"),
            )
        };

        for (flags, status, expected) in [
            (BE, 201, (1, 0)),
            (BE | BS, 201, (1, 1)),
            (0, 401, (1, 1)),
            (BS, 401, (1, 1)),
            (BE, 201, (1, 0)),
        ] {
            let overrides = with_flags(UP | UV | flags);
            let answer = try_with(door, &visitor, &mut ada.authenticator, &overrides).await;
            assert_eq!(answer.status(), status, "{flags:#x} {answer}");
            assert_eq!(backup(), expected, "{flags:#x}");
        }
        assert_eq!(ada.passkeys().await[0]["backedUp"], false);
    })
    .await;
}

// ── One transaction ─────────────────────────────────────────────────────────

/// Item 53: one read, one transaction, one commit; the number is what is left when nothing is asked twice.
#[tokio::test]
async fn a_sign_in_is_one_commit_and_ten_statements() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        for _ in 0..2 {
            let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
            let (statements, commits) = (world.statements(), world.commits());

            door.present(&visitor, &response).await.created();

            assert_eq!(world.commits() - commits, 1);
            assert_eq!(world.statements() - statements, 10);
            visitor.set_token(None);
        }
    })
    .await;
}

/// Item 49: a refusal is one read, one transaction and one commit, whatever it is for.
#[tokio::test]
async fn a_refusal_is_one_commit() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        for (name, overrides) in bad_assertions() {
            let response = assertion(&visitor, &mut ada.authenticator, &overrides).await;
            let commits = world.commits();

            let refused = door.present(&visitor, &response).await;

            refused.problem(401, "passkey_failed");
            let expected = u64::from(!name.is_empty());
            assert_eq!(world.commits() - commits, expected, "{name}");
        }
    })
    .await;
}

/// Item 53: the challenge, counter, backup state, time of use, session and event: all of them or none. What a database that
/// failed has undone can be presented again.
#[tokio::test]
async fn a_sign_in_that_fails_half_way_leaves_no_half() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let registered = Overrides {
            flags: Some(UP | UV | BE | AT),
            ..counting(5)
        };
        ada.register(&registered).await.created();
        let used = |count| Overrides {
            flags: Some(UP | UV | BE | BS),
            ..counting(count)
        };
        let visitor = world.native();
        let spent = "select count(*) from spent_challenges";
        let before = (stored(&world), number(&world, spent));
        let response = assertion(&visitor, &mut ada.authenticator, &used(6)).await;
        let signed_in =
            "select count(*) from events where kind = 'authn_login_success' and method = 'passkey'";

        for needle in [
            "into spent_challenges",
            "update users",
            "from user_emails",
            "update passkeys",
            "update address_limits",
            "select credential_id",
            "into sessions",
            "from sessions",
            "into events",
            "commit",
        ] {
            for (fault, status, code) in [
                (Fault::Unavailable, 503, "unavailable"),
                (Fault::Panic, 500, "internal"),
            ] {
                // A commit runs elsewhere, and what panics there is told as a failure.
                let (status, code) = match needle {
                    "commit" => (503, "unavailable"),
                    _ => (status, code),
                };
                world.faults().arm(needle, fault);
                let failed = door.present(&visitor, &response).await;
                world.faults().clear();

                failed.problem(status, code);
                let after = (stored(&world), number(&world, spent));
                assert_eq!(after, before, "{needle}");
                assert_eq!(number(&world, signed_in), 0);
            }
        }
        let passed = door.present(&visitor, &response).await;
        let replayed = door.present(&visitor, &response).await;

        passed.created();
        replayed.problem(401, "challenge_expired");
        assert_eq!(count(&world), 6);
        assert_eq!(number(&world, "select backed_up from passkeys"), 1);
        assert_eq!(number(&world, signed_in), 1);
    })
    .await;
}

/// Items 47, 53: the warning of a copied authenticator and its event are one, too.
#[tokio::test]
async fn a_regression_is_written_and_mailed_together_or_not_at_all() {
    at_every_door(async |door, world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&counting(5)).await.created();
        world.inbox(ADA).await;
        let regressions = "select count(*) from events where kind = 'authn_counter_regression'";
        let mail = subjects(&world, ADA).await.len();
        for needle in ["into events", "into outbox"] {
            let visitor = world.native();
            let response = assertion(&visitor, &mut ada.authenticator, &counting(4)).await;
            world.faults().arm(needle, Fault::Unavailable);
            let failed = door.present(&visitor, &response).await;
            world.faults().clear();

            failed.problem(503, "unavailable");
            assert_eq!(number(&world, regressions), 0);
            assert_eq!(subjects(&world, ADA).await.len(), mail);
        }
        assert_eq!(sessions(&world), 1);
    })
    .await;
}

/// Item 53: what a challenge was spent on does not come back with a database that was away.
#[tokio::test]
async fn a_challenge_that_cannot_be_spent_opens_nothing() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let visitor = world.native();
        let response = assertion(&visitor, &mut ada.authenticator, &plain()).await;
        let before = stored(&world);
        for needle in ["into spent_challenges", "commit"] {
            world.faults().arm(needle, Fault::Unavailable);
            let failed = door.present(&visitor, &response).await;
            world.faults().clear();
            failed.problem(503, "unavailable");
            assert_eq!(stored(&world), before);
        }

        door.present(&visitor, &response).await.created();
    })
    .await;
}

// ── Removal ─────────────────────────────────────────────────────────────────

/// Item 50: removed on one node, refused on another at once.
#[tokio::test]
async fn a_removed_passkey_opens_nothing_anywhere() {
    at_every_door(async |door, world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let other_node = world.restarted().await;
        let (here, there) = (world.native(), other_node.native());
        try_with(door, &there, &mut ada.authenticator, &plain())
            .await
            .created();
        let waiting = assertion(&there, &mut ada.authenticator, &plain()).await;
        let id = ada.passkeys().await[0]["id"].as_str().unwrap().to_owned();

        ada.browser
            .delete(&format!("/auth/passkeys/{id}"))
            .await
            .no_content();

        let refused = door.present(&there, &waiting).await;
        refused.problem(401, "unknown_credential");
        for caller in [&here, &there] {
            let refused = try_with(door, caller, &mut ada.authenticator, &plain()).await;
            refused.problem(401, "unknown_credential");
        }
        assert_eq!(sessions(&world), 1, "Ada's own, by a code");
    })
    .await;
}
