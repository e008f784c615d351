//! Registering passkeys, and keeping them: names, removal, freshness.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    Span,
    config::AfterPasskey,
    testing::{
        Attestation, Authenticator, Caller, Cell, Counter, Fault, Hook, ORIGIN, Overrides, Reply,
        World, cbor, on_every_database,
    },
};
use http::Method;
use serde_json::{Value, json};

use crate::ceremony::{ADA, BOB, Person, face, number, refused_by, stored, subjects};

const OPTIONS: &str = "/auth/passkeys/register/options";
const VERIFY: &str = "/auth/passkeys/register/verify";
const DAY: Span = Span::days(1);

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;

// ── Who may ─────────────────────────────────────────────────────────────────

/// Item 17: nobody without a session, and no session that was proved more than ten minutes ago.
#[tokio::test]
async fn a_passkey_is_registered_from_a_recent_sign_in_only() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let stranger = world.browser();
        world.advance(Span::seconds(599));
        let registration = ada.create(&Overrides::default()).await;

        for path in [OPTIONS, VERIFY] {
            let refused = stranger.post(path, &registration).await;
            refused.problem(401, "unauthenticated");
        }
        world.advance(Span::seconds(2));
        for path in [OPTIONS, VERIFY] {
            let refused = ada.browser.post(path, &registration).await;
            asks_for(&refused, &["otp"]);
        }

        assert_eq!(number(&world, "select count(*) from passkeys"), 0);
        assert_eq!(number(&world, "select count(*) from spent_challenges"), 0);
    })
    .await;
}

/// The answer to a sign-in that is too old, or by too weak a method, names the methods that would do.
#[track_caller]
fn asks_for(reply: &Reply, methods: &[&str]) {
    reply.problem(403, "reauth_required");
    assert_eq!(reply.json()["methods"], json!(methods));
    assert_eq!(reply.json()["maxAge"], 600);
}

async fn world_with(after_passkey: AfterPasskey) -> World {
    World::with(|config| config.codes.after_passkey = after_passkey).await
}

/// Item 17: policy `allow` of D14.
#[tokio::test]
async fn where_policy_allows_it_a_code_is_proof_enough_for_another_passkey() {
    let world = world_with(AfterPasskey::Allow).await;
    let ada = Person::with_passkey(&world, ADA, 1).await;

    let fresh = ada.browser.post(OPTIONS, ()).await;
    world.advance(Span::minutes(10));
    let stale = ada.browser.post(OPTIONS, ()).await;

    assert_eq!(fresh.status(), 200);
    asks_for(&stale, &["passkey", "otp"]);
}

/// Items 15, 17: policy `recovery` of D14: two codes are no more than one, and the passkey opens at once.
#[tokio::test]
async fn in_recovery_a_code_changes_passkeys_only_after_a_day() {
    let world = world_with(AfterPasskey::Recovery).await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let id = ada.passkeys().await[0]["id"].as_str().unwrap().to_owned();

    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    world.sign_in(&ada.browser, ADA).await;
    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    let removal = ada.browser.delete(&format!("/auth/passkeys/{id}")).await;
    asks_for(&removal, &["passkey"]);
    assert_eq!(number(&world, "select max(aal) from sessions"), 0);

    let owner = world.browser();
    let signed_in = world
        .sign_in_with_passkey(&owner, &mut ada.authenticator)
        .await;
    signed_in.created();
    assert_eq!(owner.post(OPTIONS, ()).await.status(), 200);

    world.advance(DAY);
    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey", "otp"]);
    world.sign_in(&ada.browser, ADA).await;
    assert_eq!(ada.browser.post(OPTIONS, ()).await.status(), 200);
}

/// Item 17: in recovery the day counts from the sign-in without the passkey, not from an earlier session's.
#[tokio::test]
async fn in_recovery_a_new_session_waits_its_own_day() {
    let world = world_with(AfterPasskey::Recovery).await;
    let _ada = Person::with_passkey(&world, ADA, 1).await;
    world.advance(DAY);

    let other = world.browser();
    world.sign_in(&other, ADA).await;
    asks_for(&other.post(OPTIONS, ()).await, &["passkey"]);
    world.advance(Span::minutes(23 * 60));
    world.sign_in(&other, ADA).await;

    asks_for(&other.post(OPTIONS, ()).await, &["passkey"]);
}

/// Item 17: whoever has the mailbox and a browser in which the owner signed in with the passkey waits a day as well, however old
/// that session is.
#[tokio::test]
async fn in_recovery_a_code_in_the_owners_session_waits_a_day() {
    let world = world_with(AfterPasskey::Recovery).await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let signed_in = world.sign_in_with_passkey(&ada.browser, &mut ada.authenticator);
    signed_in.await.created();
    world.advance(Span::days(2));

    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    world.sign_in(&ada.browser, ADA).await;
    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    world.advance(Span::minutes(23 * 60));
    world.sign_in(&ada.browser, ADA).await;
    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);

    world.advance(Span::hours(1));
    world.sign_in(&ada.browser, ADA).await;
    assert_eq!(ada.browser.post(OPTIONS, ()).await.status(), 200);
}

/// Items 15, 17: policy `deny` of D14: once there are two passkeys no code is ever enough, however old its session.
#[tokio::test]
async fn where_policy_denies_it_only_a_passkey_is_proof_for_another() {
    let world = world_with(AfterPasskey::Deny).await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;

    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    let signed_in = world
        .sign_in_with_passkey(&ada.browser, &mut ada.authenticator)
        .await;
    signed_in.created();
    let mut second = Authenticator::new(2);
    world.add_passkey(&ada.browser, &mut second).await;
    world.advance(DAY);

    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    let verify = json!({ "email": ADA });
    ada.browser.post("/auth/verify", &verify).await.created();
    let token = world.inbox(ADA).await.code();
    let form = json!({ "method": "otp", "email": ADA, "token": token });
    let by_code = ada.browser.post("/auth/sessions", &form).await;
    by_code.problem(401, "invalid_code");
}

/// Item 17: with one passkey policy `deny` is as `recovery`: it may be lost, and must then be replaceable.
#[tokio::test]
async fn where_policy_denies_codes_a_lost_only_passkey_is_replaced_after_a_day() {
    let world = world_with(AfterPasskey::Deny).await;
    let ada = Person::with_passkey(&world, ADA, 1).await;
    let lost = ada.browser.get("/auth/passkeys").await.ok()[0]["id"].clone();
    let lost = format!("/auth/passkeys/{}", lost.as_str().unwrap());
    asks_for(&ada.browser.delete(&lost).await, &["passkey"]);

    world.advance(DAY);
    world.sign_in(&ada.browser, ADA).await;

    assert_eq!(ada.browser.post(OPTIONS, ()).await.status(), 200);
    ada.browser.delete(&lost).await.no_content();
}

/// Item 17: administrators are held to `recovery`, whatever the policy for everyone else.
#[tokio::test]
async fn an_administrator_needs_the_passkey_for_another_one() {
    let world = world_with(AfterPasskey::Allow).await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    assert_eq!(ada.browser.post(OPTIONS, ()).await.status(), 200);

    world.grant(ADA, "admin").await;

    asks_for(&ada.browser.post(OPTIONS, ()).await, &["passkey"]);
    let signed_in = world
        .sign_in_with_passkey(&ada.browser, &mut ada.authenticator)
        .await;
    signed_in.created();
    assert_eq!(ada.browser.post(OPTIONS, ()).await.status(), 200);
}

// ── Options ─────────────────────────────────────────────────────────────────

/// Items 18, 20: no header and no body has a say in what is offered.
#[tokio::test]
async fn the_options_of_a_registration_differ_in_nothing_but_the_challenge() {
    on_every_database(async |world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let expected = without_challenge(&ada.browser.post(OPTIONS, ()).await);

        for (name, value) in [
            ("host", "evil.example"),
            ("host", "auth.example.com:8443"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-original-url", "/evil"),
            ("user-agent", "another"),
        ] {
            let request = || ada.browser.request(Method::POST, OPTIONS, Body::empty());
            let mut varied = request();
            let value = value.parse().unwrap();
            varied.headers_mut().insert(name, value);
            let answer = ada.browser.send(varied).await;
            assert_eq!(without_challenge(&answer), expected, "{name}");
        }
        let authority = format!("http://evil.example{OPTIONS}");
        let request = ada.browser.request(Method::POST, &authority, Body::empty());
        assert_eq!(without_challenge(&ada.browser.send(request).await), expected);
        for body in [
            json!({ "challenge": "AAAAAAAAAAAAAAAAAAAAAA" }),
            json!({ "email": BOB, "userId": "x", "user": { "id": "AAAA" }, "rp": { "id": "evil.example" } }),
        ] {
            let answer = ada.browser.post(OPTIONS, body).await;
            assert_eq!(without_challenge(&answer), expected);
        }
    })
    .await;
}

/// The body with a blank in the place of its challenge; the challenge must be a new one each time.
fn without_challenge(reply: &Reply) -> String {
    let challenge = reply.ok()["challenge"].as_str().unwrap().to_owned();
    assert!(URL_SAFE_NO_PAD.decode(&challenge).unwrap().len() >= 16);
    reply.text().replace(&challenge, "…")
}

/// Item 19.
#[tokio::test]
async fn a_user_handle_is_random_stable_and_nobodys_name() {
    on_every_database(async |world| {
        let (ada, bob) = (
            Person::new(&world, ADA, 1).await,
            Person::new(&world, BOB, 2).await,
        );
        let handle = async |person: &Person| {
            let options = person.creation_options().await;
            let id = options["user"]["id"].as_str().unwrap().to_owned();
            URL_SAFE_NO_PAD.decode(id).unwrap()
        };

        let (first, again, other) = (handle(&ada).await, handle(&ada).await, handle(&bob).await);
        let restarted = world.restarted().await;
        let elsewhere = Person::new(&restarted, ADA, 1).await;

        assert_eq!(first.len(), 64);
        assert_eq!(first, again);
        assert_eq!(first, handle(&elsewhere).await);
        assert_ne!(first, other);
        let current = ada.browser.get("/auth/sessions/current").await.ok();
        let public_id = current["user"]["id"].as_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(&first).into_owned();
        assert!(!text.contains("ada") && !text.contains(&public_id));
        let id: Vec<u8> = world.value("select id from users order by created_at limit 1");
        assert!(!first.windows(id.len()).any(|window| window == id));
    })
    .await;
}

/// Item 22: all of them are excluded, and the twenty-first is refused.
#[tokio::test]
async fn an_account_has_at_most_twenty_passkeys_and_all_are_excluded() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        for _ in 0..20 {
            ada.register(&Overrides::default()).await.created();
        }

        let options = ada.creation_options().await;
        let one_more = ada.register(&Overrides::default()).await;

        one_more.problem(409, "limit_reached");
        let excluded = options["excludeCredentials"].as_array().unwrap();
        let mut excluded: Vec<_> = excluded.iter().map(|one| one["id"].clone()).collect();
        let listed = ada.passkeys().await;
        let mut listed: Vec<_> = listed.iter().map(|one| one["id"].clone()).collect();
        excluded.sort_by_key(Value::to_string);
        listed.sort_by_key(Value::to_string);
        assert_eq!(excluded.len(), 20);
        assert_eq!(excluded, listed);
        assert_eq!(options["excludeCredentials"][0]["type"], "public-key");
        assert_eq!(
            options["excludeCredentials"][0]["transports"],
            json!(["internal", "hybrid"])
        );
    })
    .await;
}

/// Item 28: what is asked of the authenticator.
#[tokio::test]
async fn the_options_of_a_registration_ask_for_a_discoverable_verified_key() {
    let world = World::new().await;
    let options = Person::new(&world, ADA, 1).await.creation_options().await;

    assert_eq!(
        options["rp"],
        json!({ "id": "auth.example.com", "name": "Doorward" })
    );
    assert_eq!(options["user"]["name"], ADA);
    assert_eq!(options["timeout"], 300_000);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["excludeCredentials"], json!([]));
    assert_eq!(
        options["authenticatorSelection"],
        json!({ "residentKey": "required", "requireResidentKey": true, "userVerification": "required" })
    );
    let algorithms = options["pubKeyCredParams"].as_array().unwrap().iter();
    let algorithms: Vec<_> = algorithms
        .map(|each| each["alg"].as_i64().unwrap())
        .collect();
    assert_eq!(algorithms, [-8, -7, -257]);
}

// ── Refusals ────────────────────────────────────────────────────────────────

fn bytes(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Hook {
    Hook::new(change)
}

fn plain() -> Overrides {
    Overrides::default()
}

fn attested(format: &str, statement: Vec<u8>) -> Overrides {
    let format = format.to_owned();
    Overrides {
        attestation: Some(Attestation::Raw { format, statement }),
        ..plain()
    }
}

fn self_attested(overrides: Overrides) -> Overrides {
    Overrides {
        attestation: Some(Attestation::PackedSelf),
        ..overrides
    }
}

fn key(entries: &[(i64, Vec<u8>)]) -> Overrides {
    let entries: Vec<_> = entries
        .iter()
        .map(|(label, value)| (cbor::integer(*label), value.clone()))
        .collect();
    let key = cbor::map(&entries);
    Overrides {
        public_key: bytes(move |old| old.clone_from(&key)),
        ..plain()
    }
}

/// Every check that a registration can fail, with its name in the log. The client data that cannot be read names no
/// challenge, and so is refused before anything is written.
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_registrations() -> Vec<(&'static str, Overrides)> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        (
            "",
            Overrides {
                client_data_json: bytes(|json| {
                    json.splice(1..1, *b"\"type\":\"webauthn.create\",")
                        .for_each(drop);
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
                extra_client_data: json!({ "tokenBinding": { "status": "odd" } })
                    .as_object()
                    .unwrap()
                    .clone(),
                ..plain()
            },
        ),
        (
            "ceremony_type",
            Overrides {
                ceremony: text("webauthn.get"),
                ..plain()
            },
        ),
        (
            "ceremony_type",
            Overrides {
                ceremony: text("WEBAUTHN.CREATE"),
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
            "attestation_malformed",
            Overrides {
                attestation_object: bytes(|object| object.push(0)),
                ..plain()
            },
        ),
        (
            "attestation_malformed",
            Overrides {
                attestation_object: bytes(|object| object.truncate(40)),
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
                flags: Some(UP | UV),
                ..plain()
            },
        ),
        (
            "attested_data_missing",
            Overrides {
                flags: Some(UP | UV),
                authenticator_data: bytes(|data| data.truncate(37)),
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
            "user_presence",
            Overrides {
                flags: Some(UV | AT),
                ..plain()
            },
        ),
        (
            "user_verification",
            Overrides {
                flags: Some(UP | AT),
                ..plain()
            },
        ),
        (
            "backup_state",
            Overrides {
                flags: Some(UP | UV | AT | BS),
                ..plain()
            },
        ),
        (
            "algorithm",
            key(&[
                (1, cbor::integer(1)),
                (3, cbor::integer(-9)),
                (-1, cbor::integer(6)),
                (-2, cbor::bytes(&[1; 32])),
            ]),
        ),
        (
            "algorithm",
            key(&[
                (1, cbor::integer(2)),
                (3, cbor::integer(-35)),
                (-1, cbor::integer(2)),
                (-2, cbor::bytes(&[1; 48])),
                (-3, cbor::bytes(&[1; 48])),
            ]),
        ),
        (
            "algorithm",
            key(&[
                (1, cbor::integer(3)),
                (3, cbor::integer(-65535)),
                (-1, cbor::bytes(&[0xff; 256])),
                (-2, cbor::bytes(&[1, 0, 1])),
            ]),
        ),
        (
            "public_key",
            key(&[
                (1, cbor::integer(2)),
                (3, cbor::integer(-7)),
                (-1, cbor::integer(1)),
                (-2, cbor::bytes(&[1; 32])),
                (-3, cbor::bytes(&[1; 32])),
            ]),
        ),
        (
            "public_key",
            key(&[
                (1, cbor::integer(1)),
                (3, cbor::integer(-8)),
                (-1, cbor::integer(4)),
                (-2, cbor::bytes(&[1; 32])),
            ]),
        ),
        (
            "public_key",
            key(&[
                (1, cbor::integer(3)),
                (3, cbor::integer(-257)),
                (-1, cbor::bytes(&[0xff; 128])),
                (-2, cbor::bytes(&[1, 0, 1])),
            ]),
        ),
        ("attestation_format", attested("tpm", cbor::map(&[]))),
        (
            "attestation_statement",
            attested("none", cbor::map(&[(cbor::text("alg"), cbor::integer(-8))])),
        ),
        (
            "attestation_certificate",
            attested(
                "packed",
                cbor::map(&[
                    (cbor::text("alg"), cbor::integer(-8)),
                    (cbor::text("sig"), cbor::bytes(&[0; 64])),
                    (cbor::text("x5c"), cbor::array(&[cbor::bytes(&[0x30, 0])])),
                ]),
            ),
        ),
        (
            "attestation_algorithm",
            attested(
                "packed",
                cbor::map(&[
                    (cbor::text("alg"), cbor::integer(-7)),
                    (cbor::text("sig"), cbor::bytes(&[0; 64])),
                ]),
            ),
        ),
        (
            "attestation_signature",
            self_attested(Overrides {
                signature: bytes(|signature| signature[0] ^= 1),
                ..plain()
            }),
        ),
        (
            "credential_id_length",
            Overrides {
                credential_id: Some(vec![7; 1024]),
                ..plain()
            },
        ),
        (
            "credential_id",
            Overrides {
                response: Hook::new(|response: &mut Value| {
                    response["id"] = json!("AAAA");
                    response["rawId"] = json!("AAAA");
                }),
                ..plain()
            },
        ),
        (
            "not_discoverable",
            Overrides {
                response: Hook::new(|response: &mut Value| {
                    response["clientExtensionResults"] = json!({ "credProps": { "rk": false } });
                }),
                ..plain()
            },
        ),
    ]
}

/// Items 23, 25, 26, 27, 28, 29, 30, 31, 32, 36: one answer for all of them, and nothing is stored.
#[tokio::test]
async fn every_refused_registration_looks_the_same_and_leaves_nothing() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let mut faces = Vec::new();
        for (name, overrides) in bad_registrations() {
            world.advance(Span::millis(1));
            let before = stored(&world);

            let refused = ada.register(&overrides).await;

            refused.problem(401, "passkey_failed");
            faces.push(face(&refused));
            assert_eq!(stored(&world), before, "{name}");
            if !name.is_empty() {
                assert_eq!(refused_by(&world), name);
            }
        }
        faces.dedup();
        assert_eq!(faces.len(), 1, "{faces:#?}");

        ada.register(&plain()).await.created();
    })
    .await;
}

/// Item 24.
#[tokio::test]
async fn a_registration_from_another_origin_is_refused() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        for origin in foreign_origins() {
            world.advance(Span::millis(1));
            let options = ada.creation_options().await;
            let registration = ada.authenticator.create(&options, origin);

            let refused = ada.present(&registration).await;

            refused.problem(401, "passkey_failed");
            assert_eq!(refused_by(&world), "origin", "{origin}");
        }
        assert_eq!(number(&world, "select count(*) from passkeys"), 0);
    })
    .await;
}

/// Neighbours of `https://auth.example.com` that are not it.
pub(crate) fn foreign_origins() -> [&'static str; 16] {
    [
        "http://auth.example.com",
        "https://auth.example.com:443",
        "https://auth.example.com:8443",
        "https://auth.example.com.",
        "https://auth.example.com/",
        "https://AUTH.example.com",
        "HTTPS://auth.example.com",
        "https://www.auth.example.com",
        "https://example.com",
        "https://auth.example.com.evil.com",
        "https://evilauth.example.com",
        "https://auth.example.com@evil.com",
        "https://\u{430}uth.example.com",
        "null",
        "",
        "android:apk-key-hash:7d1ROOtGtFQm2fmGbBZZd0Mfdvy0G1Dyd5Ae1fAQ",
    ]
}

/// Items 24, 25: what is configured is accepted, and only that.
#[tokio::test]
async fn configured_origins_and_frames_may_register() {
    let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let other_app = "android:apk-key-hash:57DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let world = World::with(|config| {
        config.origins = vec!["https://app.example.com".into()];
        config.passkeys.app_origins = vec![app.into()];
        config.passkeys.top_origins = vec!["https://portal.example.org".into()];
    })
    .await;
    let mut ada = Person::new(&world, ADA, 1).await;
    let framed = |top_origin: &str| Overrides {
        cross_origin: Some(true),
        top_origin: Some(top_origin.to_owned()),
        ..plain()
    };

    for (origin, overrides, status) in [
        ("https://app.example.com", plain(), 201),
        (ORIGIN, framed("https://portal.example.org"), 201),
        (ORIGIN, framed("https://portal.example.org.evil.com"), 401),
        (ORIGIN, framed("https://app.example.com"), 401),
        (app, plain(), 201),
        (other_app, plain(), 401),
    ] {
        let options = ada.creation_options().await;
        let registration = ada.authenticator.create_with(&options, origin, &overrides);
        let answer = ada.present(&registration).await;
        assert_eq!(answer.status(), status, "{origin} {overrides:?} {answer}");
    }
}

/// Item 23: what the standard allows: a byte order mark, members in any order, unknown ones, well-formed token binding.
#[tokio::test]
async fn client_data_may_be_written_in_other_ways() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let extra = json!({
            "extraData": "clientDataJSON may be extended with additional fields in the future",
            "tokenBinding": { "status": "supported" },
        });
        let reordered = |json: &mut Vec<u8>| {
            let members: Value = serde_json::from_slice(json).unwrap();
            let of = |name: &str| format!("\"{name}\":{}", members[name]);
            let order = ["crossOrigin", "origin", "challenge", "type"].map(of);
            *json = format!("{{ {} }}", order.join(" , ")).into_bytes();
        };
        for overrides in [
            Overrides {
                extra_client_data: extra.as_object().unwrap().clone(),
                ..plain()
            },
            Overrides {
                client_data_json: bytes(|json| json.splice(0..0, *b"\xef\xbb\xbf").for_each(drop)),
                ..plain()
            },
            Overrides {
                client_data_json: bytes(reordered),
                ..plain()
            },
        ] {
            ada.register(&overrides).await.created();
        }

        assert_eq!(ada.passkeys().await.len(), 3);
    })
    .await;
}

/// Item 32: the longest id that there may be works everywhere: stored, listed, used, removed.
#[tokio::test]
async fn a_credential_id_of_1023_bytes_works() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let id = Some(vec![7; 1023]);
        let longest = Overrides {
            credential_id: id,
            ..plain()
        };

        let passkey = ada.register(&longest).await.created();
        let signed_in = world
            .sign_in_with_passkey(&ada.browser, &mut ada.authenticator)
            .await
            .created();

        assert_eq!(signed_in["session"]["passkeyId"], passkey["id"]);
        let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
        ada.browser.delete(&path).await.no_content();
        assert!(ada.passkeys().await.is_empty());
    })
    .await;
}

// ── Challenges ──────────────────────────────────────────────────────────────

/// Item 20: five minutes for the ceremony, ten for a page that waits; not a second more.
#[tokio::test]
async fn a_registration_has_ten_minutes() {
    // A sign-in counts as recent for longer here, so that the challenge is what runs out.
    let world = World::with(|config| config.sessions.fresh = Span::minutes(30)).await;
    let mut ada = Person::new(&world, ADA, 1).await;
    let (in_time, late) = (ada.create(&plain()).await, ada.create(&plain()).await);

    world.advance(Span::seconds(599));
    let first = ada.present(&in_time).await;
    world.advance(Span::seconds(2));
    let second = ada.present(&late).await;

    first.created();
    second.problem(401, "challenge_expired");
    assert_eq!(ada.passkeys().await.len(), 1);
}

/// Items 20, 34: the account is the session's and the challenge ours, whatever else a body says.
#[tokio::test]
async fn further_members_of_a_registration_change_nothing() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let bob = Person::new(&world, BOB, 2).await;
        let bobs = bob.creation_options().await;
        let current = bob.browser.get("/auth/sessions/current").await.ok();
        let registration = ada.create(&plain()).await;
        let mut spiced = registration.clone();
        spiced["challenge"] = bobs["challenge"].clone();
        spiced["userId"] = current["user"]["id"].clone();
        spiced["email"] = json!(BOB);
        spiced["user"] = current["user"].clone();
        spiced["response"]["userHandle"] = bobs["user"]["id"].clone();

        ada.present(&spiced).await.created();

        assert_eq!(ada.passkeys().await.len(), 1);
        assert!(bob.passkeys().await.is_empty());
    })
    .await;
}

/// Item 20: a challenge of the client's own making is nobody's, also where the body repeats it.
#[tokio::test]
async fn a_challenge_that_was_not_handed_out_is_refused() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let ours = ada.creation_options().await["challenge"]
            .as_str()
            .unwrap()
            .to_owned();
        let elsewhere = World::new().await;
        let foreign = Person::new(&elsewhere, ADA, 1)
            .await
            .creation_options()
            .await;
        let long = "A".repeat(58);
        for challenge in [
            foreign["challenge"].as_str().unwrap(),
            &ours[..ours.len() - 2],
            &ours[..22],
            &format!("{ours}AA"),
            "",
            "AAAAAAAAAAAAAAAAAAAAAA",
            &long,
        ] {
            let mut registration = ada
                .create(&Overrides {
                    challenge: Some(challenge.to_owned()),
                    ..plain()
                })
                .await;
            registration["challenge"] = json!(challenge);

            let refused = ada.present(&registration).await;

            refused.problem(401, "passkey_failed");
        }
        assert_eq!(number(&world, "select count(*) from passkeys"), 0);
        assert_eq!(number(&world, "select count(*) from spent_challenges"), 0);
    })
    .await;
}

/// Item 21: after success and after failure.
#[tokio::test]
async fn a_registration_is_presented_once_whatever_comes_of_it() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let good = ada.create(&plain()).await;
        let mut bad = ada
            .create(&Overrides {
                flags: Some(UP | AT),
                ..plain()
            })
            .await;

        ada.present(&good).await.created();
        let again = ada.present(&good).await;
        ada.present(&bad).await.problem(401, "passkey_failed");
        bad = ada.authenticator.create_with(
            &json!({
                "challenge": challenge_of(&bad),
                "rp": { "id": "auth.example.com" },
                "user": { "id": "AAAA" },
                "pubKeyCredParams": [{ "alg": -8 }],
            }),
            ORIGIN,
            &plain(),
        );
        let mended = ada.present(&bad).await;

        again.problem(401, "challenge_expired");
        mended.problem(401, "challenge_expired");
        assert_eq!(ada.passkeys().await.len(), 1);
        let replays = "select count(*) from events where kind = 'authn_challenge_replayed'";
        assert_eq!(number(&world, replays), 2);
    })
    .await;
}

fn challenge_of(response: &Value) -> String {
    let text = response["response"]["clientDataJSON"].as_str().unwrap();
    let client_data = URL_SAFE_NO_PAD.decode(text).unwrap();
    let client_data: Value = serde_json::from_slice(&client_data).unwrap();
    client_data["challenge"].as_str().unwrap().to_owned()
}

/// Items 21, 34: not in another session of the same person, not in another person's, not for the other purpose.
#[tokio::test]
async fn a_registrations_challenge_is_for_its_session_and_purpose() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let bob = Person::new(&world, BOB, 2).await;
        let phone = world.browser();
        world.sign_in(&phone, ADA).await;
        let registration = ada.create(&plain()).await;

        for other in [&bob.browser, &phone] {
            let refused = other.post(VERIFY, &registration).await;
            refused.problem(401, "passkey_failed");
        }
        let sign_in = ada
            .browser
            .post("/auth/passkeys/authenticate/options", ())
            .await
            .ok();
        let challenge = sign_in["challenge"].as_str().map(str::to_owned);
        let swapped = ada
            .register(&Overrides {
                challenge,
                ..plain()
            })
            .await;

        swapped.problem(401, "passkey_failed");
        assert_eq!(number(&world, "select count(*) from passkeys"), 0);
        ada.present(&registration).await.created();
        assert_eq!(ada.passkeys().await.len(), 1, "strangers burn nothing");
    })
    .await;
}

/// Item 21: a session that ended takes its challenges with it.
#[tokio::test]
async fn a_registration_does_not_outlive_its_session() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let registration = ada.create(&plain()).await;

        ada.browser.delete("/auth/sessions").await.no_content();
        world.sign_in(&ada.browser, ADA).await;

        let refused = ada.present(&registration).await;
        refused.problem(401, "passkey_failed");
        assert!(ada.passkeys().await.is_empty());
    })
    .await;
}

// ── What is stored ──────────────────────────────────────────────────────────

/// Items 26, 27: every pair of backup flags has its verdict, and what is accepted is in the row.
#[tokio::test]
async fn flags_counter_transports_and_model_are_stored() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.authenticator.counter = Counter::Incrementing;
        ada.authenticator.transports = vec!["usb".into(), "nfc".into()];
        for (flags, device, backed_up) in [
            (0, "singleDevice", false),
            (BE, "multiDevice", false),
            (BE | BS, "multiDevice", true),
        ] {
            let overrides = Overrides {
                flags: Some(UP | UV | AT | flags),
                sign_count: Some(41 + u32::from(flags)),
                ..plain()
            };

            let passkey = ada.register(&overrides).await.created();

            assert_eq!(passkey["deviceType"], device);
            assert_eq!(passkey["backedUp"], backed_up);
            assert_eq!(passkey["transports"], json!(["usb", "nfc"]));
            assert_eq!(passkey["aaguid"], "646f6f72-7761-7264-2d74-657374696e67");
            assert_eq!(passkey["createdAt"], "2026-11-01T12:00:00.000Z");
            assert_eq!(passkey["lastUsedAt"], Value::Null);
            let id = URL_SAFE_NO_PAD.decode(passkey["id"].as_str().unwrap()).unwrap();
            let held = ada.authenticator.passkeys().last().unwrap();
            assert_eq!(id, held.id);
            let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            let rows = world.rows(&format!(
                "select sign_count, aaguid, transports, user_verified, backup_eligible, backed_up, algorithm, public_key
                   from passkeys where credential_id = x'{hex}'"
            ));
            assert_eq!(
                rows[0],
                [
                    Cell::Integer(41 + i64::from(flags)),
                    Cell::Blob(b"doorward-testing".to_vec()),
                    Cell::Text("usb,nfc".into()),
                    Cell::Integer(1),
                    Cell::Integer(i64::from(flags & BE != 0)),
                    Cell::Integer(i64::from(flags & BS != 0)),
                    Cell::Integer(-8),
                    Cell::Blob(held.public_key()),
                ]
            );
        }
        assert_eq!(ada.passkeys().await.len(), 3);
    })
    .await;
}

/// Item 33: someone else's credential is refused, and stays theirs.
#[tokio::test]
async fn a_credential_belongs_to_whoever_registered_it_first() {
    on_every_database(async |world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let row = stored_passkeys(&world);
        // The same seed makes the same id and key.
        let mut bob = Person::new(&world, BOB, 1).await;

        let stolen = bob.register(&plain()).await;
        let other_key = Overrides {
            credential_id: Some(ada.authenticator.passkeys()[0].id.clone()),
            ..plain()
        };
        bob.authenticator = Authenticator::new(2);
        let same_id = bob.register(&other_key).await;

        stolen.problem(409, "credential_exists");
        assert_eq!(face(&same_id), face(&stolen));
        assert_eq!(stored_passkeys(&world), row);
        assert!(bob.passkeys().await.is_empty());
        assert_eq!(subjects(&world, BOB).await.len(), 1, "only the code");
        let signed_in = world
            .sign_in_with_passkey(&world.browser(), &mut ada.authenticator)
            .await
            .created();
        assert_eq!(signed_in["user"]["email"], ADA);
    })
    .await;
}

fn stored_passkeys(world: &World) -> Vec<Vec<Cell>> {
    world.rows("select * from passkeys")
}

/// Item 35: whatever of the three fails, none of them happens.
#[tokio::test]
async fn a_passkey_its_event_and_its_mail_are_stored_together_or_not_at_all() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        world.inbox(ADA).await;
        let before = stored(&world);
        let added = "select count(*) from events where kind = 'authn_passkey_added'";

        for needle in ["into passkeys", "into events", "into outbox"] {
            for (fault, status, code) in [
                (Fault::Unavailable, 503, "unavailable"),
                (Fault::Panic, 500, "internal"),
            ] {
                let registration = ada.create(&plain()).await;
                world.faults().arm(needle, fault);
                let failed = ada.present(&registration).await;
                world.faults().clear();

                failed.problem(status, code);
                assert_eq!(stored(&world), before, "{needle}");
                assert_eq!(number(&world, added), 0, "{needle}");
                assert_eq!(subjects(&world, ADA).await.len(), 1, "only the code");
            }
        }
        ada.register(&plain()).await.created();

        assert_eq!(number(&world, "select count(*) from passkeys"), 1);
        assert_eq!(number(&world, added), 1);
        assert_eq!(number(&world, "select count(*) from outbox"), 1);
    })
    .await;
}

/// Item 35: after the commit all three are there, though the server died before it could mail.
#[tokio::test]
async fn the_mail_of_a_new_passkey_survives_the_server() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        ada.register(&plain()).await.created();

        let restarted = world.restarted().await;
        drop(world);
        restarted.advance(Span::minutes(3));

        let mail = subjects(&restarted, ADA).await;
        assert_eq!(mail[0], "A passkey was added to your Doorward account");
        assert_eq!(number(&restarted, "select count(*) from passkeys"), 1);
        let added = "select count(*) from events where kind = 'authn_passkey_added'";
        assert_eq!(number(&restarted, added), 1);
    })
    .await;
}

/// Item 36: outputs that nobody asked for are ignored, and secrets among them are not kept.
#[tokio::test]
async fn unsolicited_extension_outputs_are_dropped_unread() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let secret = "c2VjcmV0IG91dHB1dCBvZiB0aGUgcHJmIGV4dGVuc2lvbg";
        let outputs = json!({
            "credProps": { "rk": true, "authenticatorDisplayName": "x" },
            "prf": { "enabled": true, "results": { "first": secret } },
            "largeBlob": { "supported": true },
            "unheardOf": [1, { "a": null }],
        });
        let signed = cbor::map(&[
            (cbor::text("credProtect"), cbor::integer(2)),
            (cbor::text("hmac-secret"), cbor::bytes(secret.as_bytes())),
        ]);
        let overrides = Overrides {
            extensions: Some(signed),
            response: Hook::new(move |response: &mut Value| {
                response["clientExtensionResults"] = outputs.clone();
            }),
            ..plain()
        };

        let answer = ada.register(&overrides).await;

        answer.created();
        assert!(!answer.text().contains(secret));
        let bytes = world.stored_bytes();
        let mut windows = bytes.windows(secret.len());
        assert!(!windows.any(|window| window == secret.as_bytes()));
    })
    .await;
}

// ── Tolerance ───────────────────────────────────────────────────────────────

/// Item 36: an authenticator that does not say whether its key is discoverable may be an old one.
#[tokio::test]
async fn members_that_providers_leave_out_may_be_absent_or_null() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let optional = ["authenticatorAttachment", "clientExtensionResults"];
        let optional_in_response = [
            "transports",
            "publicKey",
            "publicKeyAlgorithm",
            "authenticatorData",
        ];
        for absent in [true, false] {
            let mut registration = ada.create(&plain()).await;
            let members = registration.as_object_mut().unwrap();
            for name in optional {
                members.insert(name.into(), Value::Null);
                if absent {
                    members.remove(name);
                }
            }
            let members = registration["response"].as_object_mut().unwrap();
            for name in optional_in_response {
                members.insert(name.into(), Value::Null);
                if absent {
                    members.remove(name);
                }
            }

            let passkey = ada.present(&registration).await.created();

            assert_eq!(passkey["transports"], json!([]));
        }
    })
    .await;
}

#[tokio::test]
async fn padded_base64url_is_read_and_never_written() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let id = Some(vec![9; 16]);
        let mut registration = ada
            .create(&Overrides {
                credential_id: id,
                ..plain()
            })
            .await;
        pad(&mut registration, &["id", "rawId"]);
        pad(
            &mut registration["response"],
            &["clientDataJSON", "attestationObject"],
        );
        assert!(registration["id"].as_str().unwrap().ends_with("=="));

        let passkey = ada.present(&registration).await.created();

        let id = passkey["id"].as_str().unwrap();
        assert_eq!(id, "CQkJCQkJCQkJCQkJCQkJCQ");
        let path = format!("/auth/passkeys/{id}==");
        let renamed = ada
            .browser
            .patch(&path, json!({ "name": "New" }))
            .await
            .ok();
        assert_eq!(renamed["id"], id);
    })
    .await;
}

/// Pads members of a response to whole groups of four characters.
pub(crate) fn pad(object: &mut Value, names: &[&str]) {
    for &name in names {
        let text = object[name].as_str().unwrap();
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        object[name] = json!(format!("{text}{padding}"));
    }
}

#[tokio::test]
async fn a_registration_of_the_wrong_shape_names_its_field() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let good = ada.create(&plain()).await;
        let shapes: [(&str, &str, Value); 7] = [
            ("/name", "name", json!(7)),
            ("/id", "id", json!(7)),
            ("/id", "id", json!("not base64url!")),
            ("/type", "type", json!("password")),
            ("/response", "response", json!([])),
            (
                "/response/clientDataJSON",
                "response.clientDataJSON",
                json!({}),
            ),
            (
                "/response/attestationObject",
                "response.attestationObject",
                json!(null),
            ),
        ];
        for (pointer, field, value) in shapes {
            let mut wrong = good.clone();
            wrong["name"] = json!("Key");
            *wrong.pointer_mut(pointer).unwrap() = value;

            let refused = ada.present(&wrong).await;

            refused.problem(422, "invalid_request");
            assert_eq!(refused.json()["field"], field, "{refused}");
        }
        ada.present(&good).await.created();
        assert_eq!(ada.passkeys().await.len(), 1);
    })
    .await;
}

// ── Names ───────────────────────────────────────────────────────────────────

const CHROME_ON_MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const BITWARDEN: [u8; 16] = 0xd548_826e_79b4_db40_a3d8_1111_6f7e_8349_u128.to_be_bytes();

#[tokio::test]
async fn a_passkey_without_a_name_is_called_after_its_maker_or_device() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let name =
            async |ada: &mut Person, aaguid: [u8; 16], transports: &[&str], attachment: &str| {
                ada.authenticator.aaguid = aaguid;
                ada.authenticator.transports =
                    transports.iter().map(|&name| name.to_owned()).collect();
                let mut registration = ada.create(&plain()).await;
                registration["authenticatorAttachment"] = json!(attachment);
                let request =
                    ada.browser
                        .request(Method::POST, VERIFY, Body::from(registration.to_string()));
                let (mut parts, body) = request.into_parts();
                parts
                    .headers
                    .insert("content-type", "application/json".parse().unwrap());
                parts
                    .headers
                    .insert("user-agent", CHROME_ON_MAC.parse().unwrap());
                let created = ada
                    .browser
                    .send(http::Request::from_parts(parts, body))
                    .await
                    .created();
                (
                    created["name"].as_str().unwrap().to_owned(),
                    created["provider"].clone(),
                )
            };

        let bitwarden = name(&mut ada, BITWARDEN, &["internal"], "platform").await;
        let another = name(&mut ada, BITWARDEN, &["internal"], "platform").await;
        let third = name(&mut ada, BITWARDEN, &["internal"], "platform").await;
        let key = name(&mut ada, [0; 16], &["usb", "nfc"], "cross-platform").await;
        let key_again = name(&mut ada, [0; 16], &["usb"], "cross-platform").await;
        let device = name(&mut ada, [0; 16], &["internal"], "platform").await;
        let phone = name(&mut ada, [0; 16], &["hybrid", "internal"], "cross-platform").await;

        assert_eq!(bitwarden, ("Bitwarden".into(), json!("Bitwarden")));
        assert_eq!(another.0, "Bitwarden (2)");
        assert_eq!(third.0, "Bitwarden (3)");
        assert_eq!(key, ("Security key".into(), Value::Null));
        assert_eq!(key_again.0, "Security key (2)");
        assert_eq!(device.0, "Chrome on macOS");
        assert_eq!(phone.0, "Chrome on macOS (2)");
    })
    .await;
}

#[tokio::test]
async fn a_given_name_is_kept_and_one_that_shows_nothing_is_refused() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let mut registration = ada.create(&plain()).await;
        for name in [
            "a\nb",
            "a\u{0}b",
            "a\u{1b}[31mb",
            "a\u{202e}b",
            "\u{200b}",
            &"n".repeat(65),
        ] {
            registration["name"] = json!(name);
            let refused = ada.present(&registration).await;
            refused.problem(422, "invalid_request");
            assert_eq!(refused.json()["field"], "name", "{name:?}");
        }
        assert_eq!(number(&world, "select count(*) from passkeys"), 0);

        registration["name"] = json!("  Ada's blue key 🔑 ");
        let named = ada.present(&registration).await.created();
        let mut unnamed = ada.create(&plain()).await;
        unnamed["name"] = json!("   ");
        let unnamed = ada.present(&unnamed).await.created();

        assert_eq!(named["name"], "Ada's blue key 🔑");
        assert_eq!(unnamed["name"], "Passkey");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_is_renamed_by_its_owner() {
    on_every_database(async |world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let bob = Person::new(&world, BOB, 2).await;
        let id = ada.passkeys().await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/auth/passkeys/{id}");
        // Naming is no danger: it asks for a session only, not for a recent sign-in.
        world.advance(Span::hours(1));

        let renamed = ada
            .browser
            .patch(&path, json!({ "name": " Desk " }))
            .await
            .ok();
        let empty = ada.browser.patch(&path, json!({ "name": " " })).await;
        let hidden = ada.browser.patch(&path, json!({ "name": "a\u{7}" })).await;
        let foreign = bob.browser.patch(&path, json!({ "name": "Mine" })).await;
        let random = bob
            .browser
            .patch("/auth/passkeys/AAAAAAAA", json!({ "name": "Mine" }))
            .await;
        let stranger = world
            .browser()
            .patch(&path, json!({ "name": "Mine" }))
            .await;

        assert_eq!(renamed["name"], "Desk");
        assert_eq!(renamed["id"], id.as_str());
        empty.problem(422, "invalid_request");
        hidden.problem(422, "invalid_request");
        foreign.problem(404, "not_found");
        assert_eq!(face(&foreign), face(&random));
        stranger.problem(401, "unauthenticated");
        assert_eq!(ada.passkeys().await[0]["name"], "Desk");
    })
    .await;
}

/// Item 67: what memory still holds of a session is not enough to change how its owner gets in.
#[tokio::test]
async fn passkeys_are_changed_by_sessions_that_are_live_in_the_database() {
    for ended in [
        "delete from sessions",
        "update users set auth_epoch = auth_epoch + 1",
        "update users set status = 2",
    ] {
        on_every_database(async |world| {
            let mut ada = Person::with_passkey(&world, ADA, 1).await;
            let id = ada.passkeys().await[0]["id"].clone();
            let registration = ada.create(&plain()).await;

            // As another node would, of which this one has not heard yet.
            world.change(ended);
            let added = ada.present(&registration).await;
            let removed = remove(&ada.browser, &id).await;

            added.problem(401, "unauthenticated");
            removed.problem(401, "unauthenticated");
            assert_eq!(
                number(&world, "select count(*) from passkeys"),
                1,
                "{ended}"
            );
        })
        .await;
    }
}

// ── Removal ─────────────────────────────────────────────────────────────────

async fn remove(caller: &Caller, id: &Value) -> Reply {
    let path = format!("/auth/passkeys/{}", id.as_str().unwrap());
    caller.delete(&path).await
}

/// Item 68: the sessions that were opened with it end, but not the one that removes it, nor those by other means.
#[tokio::test]
async fn removing_a_passkey_ends_the_sessions_it_opened() {
    on_every_database(async |world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let mut other = Authenticator::new(2);
        world.add_passkey(&ada.browser, &mut other).await;
        let id = ada.passkeys().await[1]["id"].clone();
        let first = URL_SAFE_NO_PAD.encode(&ada.authenticator.passkeys()[0].id);
        let removed = if id == first.as_str() {
            id
        } else {
            json!(first)
        };
        let (laptop, phone, tablet) = (world.browser(), world.browser(), world.native());
        for caller in [&laptop, &tablet] {
            let signed_in = world
                .sign_in_with_passkey(caller, &mut ada.authenticator)
                .await;
            signed_in.created();
        }
        world
            .sign_in_with_passkey(&phone, &mut other)
            .await
            .created();
        for caller in [&laptop, &phone, &tablet] {
            assert_eq!(caller.get("/auth/sessions/").await.status(), 200);
        }

        remove(&laptop, &removed).await.no_content();

        assert_eq!(laptop.get("/auth/sessions/").await.status(), 200, "its own");
        assert_eq!(
            phone.get("/auth/sessions/").await.status(),
            200,
            "by the other passkey"
        );
        assert_eq!(
            ada.browser.get("/auth/sessions/").await.status(),
            200,
            "by a code"
        );
        let ended = tablet.get("/auth/sessions/").await;
        ended.problem(401, "unauthenticated");
        laptop.delete("/auth/sessions/others").await.no_content();
        for caller in [&phone, &ada.browser] {
            let ended = caller.get("/auth/sessions/").await;
            ended.problem(401, "unauthenticated");
        }
        assert_eq!(laptop.get("/auth/sessions/").await.status(), 200);
    })
    .await;
}

/// Item 35: the removal of a passkey is told of, or does not happen.
#[tokio::test]
async fn a_removal_its_event_and_its_mail_are_stored_together_or_not_at_all() {
    on_every_database(async |world| {
        let mut ada = Person::with_passkey(&world, ADA, 1).await;
        let tablet = world.native();
        let signed_in = world
            .sign_in_with_passkey(&tablet, &mut ada.authenticator)
            .await;
        signed_in.created();
        let id = ada.passkeys().await[0]["id"].clone();
        world.inbox(ADA).await;
        let before = stored(&world);
        let gone = "select count(*) from events where kind = 'authn_passkey_removed'";

        for needle in [
            "delete from passkeys",
            "delete from sessions",
            "into events",
            "into outbox",
            "commit",
        ] {
            world.faults().arm(needle, Fault::Unavailable);
            let failed = remove(&ada.browser, &id).await;
            world.faults().clear();

            failed.problem(503, "unavailable");
            assert_eq!(stored(&world), before, "{needle}");
            assert_eq!(number(&world, gone), 0);
            assert_eq!(tablet.get("/auth/sessions/").await.status(), 200);
        }
        remove(&ada.browser, &id).await.no_content();

        assert_eq!(number(&world, gone), 1);
        let mail = subjects(&world, ADA).await;
        assert_eq!(mail[0], "A passkey was removed from your Doorward account");
        assert!(ada.passkeys().await.is_empty());
        let ended = tablet.get("/auth/sessions/").await;
        ended.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn someone_elses_passkey_cannot_be_removed_or_told_from_none() {
    on_every_database(async |world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let bob = Person::with_passkey(&world, BOB, 2).await;
        let before = stored(&world);
        let id = ada.passkeys().await[0]["id"].clone();

        let foreign = remove(&bob.browser, &id).await;
        let random = remove(&bob.browser, &json!(URL_SAFE_NO_PAD.encode([7; 32]))).await;
        let nonsense = remove(&bob.browser, &json!("%20!")).await;
        let stranger = remove(&world.browser(), &id).await;

        foreign.problem(404, "not_found");
        assert_eq!(face(&random), face(&foreign));
        assert_eq!(face(&nonsense), face(&foreign));
        stranger.problem(401, "unauthenticated");
        assert_eq!(stored(&world), before);
    })
    .await;
}

#[tokio::test]
async fn removing_a_passkey_takes_a_recent_sign_in() {
    on_every_database(async |world| {
        let ada = Person::with_passkey(&world, ADA, 1).await;
        let id = ada.passkeys().await[0]["id"].clone();

        world.advance(Span::minutes(10));
        let stale = remove(&ada.browser, &id).await;

        asks_for(&stale, &["passkey", "otp"]);
        assert_eq!(ada.passkeys().await.len(), 1);
    })
    .await;
}

/// D15: without mailed codes the last passkey is the only way in.
#[tokio::test]
async fn the_last_passkey_stays_where_codes_do_not_sign_in() {
    let world = world_with(AfterPasskey::Deny).await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let signed_in = world
        .sign_in_with_passkey(&ada.browser, &mut ada.authenticator)
        .await;
    signed_in.created();
    let mut spare = Authenticator::new(2);
    let added = world.add_passkey(&ada.browser, &mut spare).await.created();
    let first = json!(URL_SAFE_NO_PAD.encode(&ada.authenticator.passkeys()[0].id));

    remove(&ada.browser, &added["id"]).await.no_content();
    let refused = remove(&ada.browser, &first).await;

    refused.problem(409, "last_credential");
    assert_eq!(ada.passkeys().await.len(), 1);
}

#[tokio::test]
async fn passkeys_are_listed_newest_first() {
    on_every_database(async |world| {
        let mut ada = Person::new(&world, ADA, 1).await;
        let mut made = Vec::new();
        for _ in 0..3 {
            world.advance(Span::seconds(1));
            made.push(ada.register(&plain()).await.created());
        }
        made.reverse();

        let stranger = world.browser().get("/auth/passkeys/").await;

        assert_eq!(ada.passkeys().await, made);
        stranger.problem(401, "unauthenticated");
    })
    .await;
}
