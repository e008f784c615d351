//! Keys, secrets, and what a thief of the database gets.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop like tests")]
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::too_many_lines,
    reason = "names of our own files, short text, long stories"
)]

use std::{collections::BTreeSet, fs, path::Path};

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    Doorward, Entropy, RootKey, Span,
    mail::Mailbox,
    testing::{Authenticator, Caller, Cell, World},
};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::tables;

// ── A stolen copy of the database ───────────────────────────────────────────

/// A server that someone runs on a stolen copy, with a key of their own.
struct Thief {
    doorward: Doorward,
    mailbox: Mailbox,
    _folder: tempfile::TempDir,
}

impl Thief {
    async fn of(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(doorward::DATABASE_FILE);
        world.doorward().back_up(&copy).unwrap();
        // A thief is not held up by the mark of the key.
        let database = rusqlite::Connection::open(&copy).unwrap();
        let mark = "delete from meta where key = 'root_key_mark'";
        assert_eq!(database.execute(mark, []).unwrap(), 1);
        drop(database);
        let config = doorward::config::Config {
            data_dir: folder.path().into(),
            ..world.doorward().config().clone()
        };
        let mailbox = Mailbox::new();
        let doorward = Doorward::builder(config)
            .root_key(RootKey::generate(&Entropy::seeded(666)))
            .clock(world.clock().clone())
            .mailbox(mailbox.clone())
            .without_jobs()
            .open()
            .await
            .unwrap();
        Self {
            doorward,
            mailbox,
            _folder: folder,
        }
    }

    /// A caller of the thief's own server.
    fn caller(&self, world: &World) -> Caller {
        world.browser().at(self.doorward.server())
    }
}

/// Every cell of the database that holds bytes or text, as bytes.
fn cells(world: &World) -> Vec<Vec<u8>> {
    let cells = tables::dump(world).into_values().flatten().flatten();
    let all: BTreeSet<_> = cells
        .filter_map(|cell| match cell {
            Cell::Text(text) => Some(text.into_bytes()),
            Cell::Blob(bytes) => Some(bytes),
            _ => None,
        })
        .collect();
    all.into_iter().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a token opens anything at any door that takes one.
async fn opens(world: &World, token: &str) -> bool {
    let caller = world.native();
    let mut opened = false;
    for (name, value) in [
        (header::AUTHORIZATION, format!("Bearer {token}")),
        (header::COOKIE, format!("__Host-doorward_session={token}")),
        (header::COOKIE, format!("__Host-doorward_device={token}")),
        (header::COOKIE, format!("__Host-doorward_flow={token}")),
    ] {
        let Ok(value) = HeaderValue::from_str(&value) else {
            continue;
        };
        let mut request = caller.request(Method::GET, "/auth/sessions/current", Body::empty());
        request.headers_mut().insert(name, value);
        opened |= caller.send(request).await.status() == 200;
    }
    opened
}

fn code_in(mailbox: &Mailbox) -> String {
    let messages = mailbox.messages();
    let first = messages[0].text.lines().next().unwrap().trim().to_owned();
    assert!(
        first.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{first}"
    );
    first
}

// ── Comparisons and algorithms ──────────────────────────────────────────────

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The sources of both crates without their tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, all: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap().to_owned();
            if path.is_dir() {
                if !name.ends_with("/testing") {
                    walk(&path, all);
                }
            } else if name.ends_with(".rs")
                && !["tests.rs", "testing.rs", "sink.rs"]
                    .iter()
                    .any(|end| name.ends_with(end))
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap()
                    .to_owned();
                all.push((name, text));
            }
        }
    }
    let mut all = Vec::new();
    for name in ["doorward", "webauthn"] {
        walk(&root().join("crates").join(name).join("src"), &mut all);
    }
    all
}

/// Item 131: what is secret is compared by `secret::same` or found by an indexed hash, never by `==`.
#[test]
fn secrets_are_compared_in_constant_time() {
    const SECRET: [&str; 10] = [
        "hash",
        "mac",
        "tag",
        "secret",
        "token",
        "key",
        "challenge",
        "nonce",
        "signature",
        "code",
    ];
    // What says such a word and is none.
    const PUBLIC: [&str; 1] = ["slot.key =="];
    let mut violations = Vec::new();
    let mut compared = 0;
    for (file, text) in sources() {
        // The codes of mail servers' replies are no secrets, and what WebAuthn compares is what the client has seen.
        if file.contains("/mail/smtp") || file.contains("/webauthn/src/") {
            continue;
        }
        for line in text.lines() {
            let code = line.split("//").next().unwrap();
            compared += code.matches("same(").count();
            for operator in [" == ", " != "] {
                let Some((left, right)) = code.split_once(operator) else {
                    continue;
                };
                // SQL compares keyed MACs and hashes, whose time tells nothing; it says `=`.
                for side in [
                    left.rsplit([' ', '(', '!', '&']).next().unwrap(),
                    right.split([' ', ')', '{', ',']).next().unwrap(),
                ] {
                    let is_name = side.contains(|c: char| c.is_ascii_lowercase());
                    let is_secret = side
                        .split(|c: char| !c.is_ascii_alphanumeric())
                        .any(|word| SECRET.contains(&word))
                        && !PUBLIC.iter().any(|word| code.contains(word));
                    if is_name && is_secret {
                        violations.push(format!("{file}: {}", line.trim()));
                    }
                }
            }
        }
    }
    assert_eq!(violations, Vec::<String>::new());
    assert!(compared >= 5, "{compared} comparisons by `same`");
}

/// Item 131: libraries that leak or rot are not built in.
#[test]
fn no_weak_library_is_built_in() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names: BTreeSet<_> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    assert!(names.contains("aws-lc-rs") && names.contains("subtle"));
    for name in [
        "rsa",
        "serde_cbor",
        "openssl",
        "openssl-sys",
        "native-tls",
        "ring",
        "md5",
        "sha1",
        "rand",
    ] {
        let is_of_tests = name == "ring" || name == "rand";
        assert!(
            is_of_tests || !names.contains(name),
            "{name} is in Cargo.lock"
        );
    }
}

/// Item 131: the algorithms of the source and those of the inventory are the same.
#[test]
fn the_inventory_of_algorithms_is_complete() {
    let inventory = fs::read_to_string(root().join("docs/cryptography.md")).unwrap();
    let listed: BTreeSet<_> = inventory
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    let mut used = BTreeSet::new();
    for (_, text) in sources() {
        if !text.contains("aws_lc_rs") && !text.contains("hkdf::") {
            continue;
        }
        let code = text
            .lines()
            .map(|line| line.split("//").next().unwrap())
            .collect::<Vec<_>>()
            .join("\n");
        let code: String = code.split('"').step_by(2).collect();
        for word in code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let shouts = word.contains(|c: char| c.is_ascii_uppercase())
                && !word.contains(|c: char| c.is_ascii_lowercase());
            let is_algorithm = [
                "SHA", "AES", "ECDSA_", "ED25519", "RSA_", "CHACHA", "MD5", "P256", "P384", "P521",
                "ML_",
            ]
            .iter()
            .any(|family| word.starts_with(family) || word.contains(&format!("_{family}")));
            // What the source itself names is no algorithm of the library: a curve's number.
            let is_own = code.contains(&format!("const {word}:"));
            if shouts && is_algorithm && !is_own {
                used.insert(word.to_owned());
            }
        }
    }
    assert_eq!(used, listed);
}

/// Item 130: whatever holds a key or a token says nothing of itself, and is wiped.
#[test]
fn secret_types_neither_print_nor_linger() {
    const TYPES: [&str; 8] = [
        "RootKey",
        "Keys",
        "MacKey",
        "SealingKey",
        "Token",
        "Flow",
        "Code",
        "Smtp",
    ];
    let mut found = BTreeSet::new();
    for (file, text) in sources() {
        if file.contains("/mail/notice") {
            continue;
        }
        for secret in TYPES {
            for start in [
                format!("pub struct {secret}"),
                format!("pub(crate) struct {secret}"),
                format!("pub(super) struct {secret}"),
            ] {
                let Some(at) = text.find(&start) else {
                    continue;
                };
                let rest = &text[at + start.len()..];
                if !rest.starts_with(['(', ' ']) {
                    continue;
                }
                found.insert(secret);
                let attributes = text[..at].rsplit("\n\n").next().unwrap();
                let derives = attributes
                    .split("derive(")
                    .skip(1)
                    .map(|list| list.split(')').next().unwrap());
                for list in derives {
                    let traits: Vec<_> = list.split(',').map(str::trim).collect();
                    assert!(!traits.contains(&"Debug"), "{secret} derives Debug");
                    let serialises = traits.contains(&"Serialize") && secret != "Smtp";
                    assert!(!serialises, "{secret} derives Serialize");
                }
            }
        }
    }
    assert_eq!(found, BTreeSet::from(TYPES));
    for (file, secret) in [("secret.rs", "RootKey"), ("sessions/token.rs", "Token")] {
        let path = root().join("crates/doorward/src").join(file);
        let text = fs::read_to_string(path).unwrap();
        let (before, _) = text.split_once(&format!("struct {secret}")).unwrap();
        assert!(
            before
                .rsplit("\n\n")
                .next()
                .unwrap()
                .contains("ZeroizeOnDrop"),
            "{secret}"
        );
    }
}

/// A body is not repeated to whoever sent it: it may be a secret in the wrong place.
#[tokio::test]
async fn problems_do_not_quote_what_was_sent() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    let canary = "canary-31415926";
    for (path, body) in [
        (
            "/auth/sessions",
            json!({ "method": canary, "email": "ada@example.com", "token": "1" }),
        ),
        (
            "/auth/sessions",
            json!({ "method": "otp", "email": canary, "token": canary }),
        ),
        (
            "/auth/sessions",
            json!({ "method": "otp", "email": "ada@example.com", "token": 31_415_926 }),
        ),
        (
            "/auth/sessions",
            json!({ "method": "otp", "email": "ada@example.com", "token": [canary] }),
        ),
        (
            "/auth/sessions",
            json!({ "method": "passkey", "email": "ada@example.com", "token": canary }),
        ),
        (
            "/auth/verify",
            json!({ "email": "ada@example.com", "bind": canary }),
        ),
        ("/auth/verify", json!({ "email": { "to": canary } })),
        ("/auth/verify", json!({ "email": 31_415_926 })),
        ("/auth/verify", json!(canary)),
        (
            "/auth/passkeys/authenticate/verify",
            json!({ "id": canary, "type": canary }),
        ),
        (
            "/auth/passkeys/register/verify",
            json!({ "id": 31_415_926, "response": canary }),
        ),
        ("/auth/me/email", json!({ "email": canary })),
    ] {
        let reply = ada.post(path, &body).await;
        assert!(reply.status().is_client_error(), "{path} {body}: {reply}");
        assert!(!reply.text().contains("31415926"), "{path} {body}: {reply}");
        assert!(
            reply.json()["message"]
                .as_str()
                .is_some_and(|message| message.len() > 5)
        );
    }
    let picky = ada.patch("/auth/me", json!({ "locale": canary })).await;
    assert_eq!(picky.json()["field"], "locale");
    assert!(!picky.text().contains("31415926"), "{picky}");
    let cursor = ada.get(&format!("/auth/me/events?cursor={canary}")).await;
    assert!(!cursor.text().contains("31415926"), "{cursor}");
    assert_ne!(cursor.json(), Value::Null);
}

mod sqlite_files {
    use super::*;

    /// Item 127: with a copy of the database and no key, no door opens: tokens, codes, flows, challenges, mail.
    #[tokio::test]
    async fn a_stolen_database_signs_nobody_in() {
        let world = World::new().await;
        let (ada, waiting) = (world.browser(), world.native());
        world.sign_in(&ada, "ada@example.com").await;
        world
            .add_passkey(&ada, &mut Authenticator::new(1))
            .await
            .created();
        world.advance(Span::seconds(30));
        waiting
            .post("/auth/verify", json!({ "email": "ada@example.com" }))
            .await
            .created();
        let thief = Thief::of(&world).await;
        assert!(opens(&world, &ada.cookie("__Host-doorward_session").unwrap()).await);

        // Whatever is written in it, in every spelling, is no token.
        let mut tried = 0;
        for cell in cells(&world) {
            let spellings = [
                String::from_utf8_lossy(&cell).into_owned(),
                hex(&cell),
                URL_SAFE_NO_PAD.encode(&cell),
                format!("dw_{}", hex(&cell)),
                format!("dw_{}", URL_SAFE_NO_PAD.encode(&cell)),
            ];
            for spelling in spellings {
                tried += 1;
                assert!(
                    !opens(&world, &spelling).await,
                    "{spelling} opens a session"
                );
            }
        }
        assert!(tried > 200);

        // Nor is a cell a code: what is stored of codes is keyed.
        for cell in cells(&world)
            .into_iter()
            .filter(|cell| cell.len() == 32)
            .take(3)
        {
            let form = json!({ "method": "otp", "email": "ada@example.com", "token": hex(&cell) });
            world
                .native()
                .post("/auth/sessions", form)
                .await
                .problem(401, "invalid_code");
        }

        // The mail that was on its way when the copy was made stays sealed.
        thief.doorward.deliver_mail().await.unwrap();
        assert!(thief.mailbox.messages().is_empty());

        // On their own server the thief signs in as Ada; nothing of that is worth anything here.
        let there = thief.caller(&world);
        world.advance(Span::seconds(30));
        there
            .post("/auth/verify", json!({ "email": "ada@example.com" }))
            .await
            .created();
        thief.doorward.deliver_mail().await.unwrap();
        let code = code_in(&thief.mailbox);
        let form = json!({ "method": "otp", "email": "ada@example.com", "token": code });
        let here = world.browser();
        for name in ["flow", "device"] {
            let name = format!("__Host-doorward_{name}");
            if let Some(cookie) = there.cookie(&name) {
                here.set_cookie(&name, &cookie);
            }
        }
        here.post("/auth/sessions", &form)
            .await
            .problem(401, "invalid_code");
        there.post("/auth/sessions", &form).await.created();
        for name in ["session", "flow", "device"] {
            if let Some(cookie) = there.cookie(&format!("__Host-doorward_{name}")) {
                assert!(!opens(&world, &cookie).await, "{name}");
            }
        }

        // A challenge of theirs is none of ours, whatever is signed over it.
        let mut own = Authenticator::new(2);
        let options = there.post("/auth/passkeys/register/options", ()).await.ok();
        let response = own.create(&options, "https://auth.example.com");
        there
            .post("/auth/passkeys/register/verify", response.clone())
            .await
            .created();
        ada.post("/auth/passkeys/register/verify", response)
            .await
            .problem(401, "passkey_failed");
        let options = there
            .post("/auth/passkeys/authenticate/options", ())
            .await
            .ok();
        let assertion = own.get(&options, "https://auth.example.com");
        for door in ["/auth/passkeys/authenticate/verify", "/auth/sessions"] {
            let body = if door == "/auth/sessions" {
                json!({ "method": "passkey", "email": "ada@example.com", "token": assertion.to_string() })
            } else {
                assertion.clone()
            };
            let reply = here.post(door, body).await;
            assert_eq!(reply.status(), 401, "{reply}");
            assert!(
                reply
                    .cookies()
                    .iter()
                    .all(|cookie| !cookie.contains("session=dw_"))
            );
        }
        let sessions = ada.get("/auth/sessions/").await.ok();
        assert_eq!(sessions.as_array().unwrap().len(), 1);
    }

    /// Item 127: a token is worth nothing to a server with another key, though the database knows its session.
    #[tokio::test]
    async fn a_token_opens_nothing_under_another_key() {
        let world = World::new().await;
        let ada = world.browser();
        world.sign_in(&ada, "ada@example.com").await;
        let thief = Thief::of(&world).await;
        let there = thief.caller(&world);
        let token = ada.cookie("__Host-doorward_session").unwrap();
        there.set_cookie("__Host-doorward_session", &token);

        there.get("/auth/me").await.problem(401, "unauthenticated");

        ada.get("/auth/me").await.ok();
    }
}
