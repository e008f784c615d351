//! Client data: type, challenge and origin. All of it is signed as it stands.

use super::Verdict::Accepted;
use super::plan::{Catalogue, refused, rows};
use super::{CHALLENGE, ORIGIN};
use crate::Refusal::{CeremonyType, Challenge, ClientDataMalformed, Origin};
use crate::testing::bytes::encode;

pub(super) fn add(to: &mut Catalogue) {
    types(to.group("type"));
    challenges(to.group("challenge"));
    origins(to.group("origin"));
}

fn types(to: &mut Catalogue) {
    to.registration("of an assertion", CeremonyType, |it| {
        it.overrides.ceremony = Some("webauthn.get".to_owned());
    });
    to.assertion("of a registration", CeremonyType, |it| {
        it.overrides.ceremony = Some("webauthn.create".to_owned());
    });
    for kind in [
        "",
        "payment.get",
        "webauthn",
        "WEBAUTHN.GET",
        "Webauthn.Create",
        "webauthn.get ",
        " webauthn.create",
    ] {
        to.both(&format!("{kind:?}"), CeremonyType, |it| {
            it.overrides.ceremony = Some(kind.to_owned());
        });
    }
    for (name, piece) in [
        ("null", r#""type":null,"x":"#),
        ("a number", r#""type":1,"x":"#),
        ("a list", r#""type":["webauthn.get"],"x":"#),
        ("missing", r#""x":"#),
        ("in capitals", r#""Type":"#),
    ] {
        to.both(&format!("member {name}"), ClientDataMalformed, |it| {
            it.client_data_with(r#""type":"#, piece);
        });
    }
    to.both("member twice, alike", ClientDataMalformed, |it| {
        it.client_data(|json| {
            let kind = json.split(',').next().expect("a first member");
            format!("{kind},{}", &json[1..]).into_bytes()
        });
    });
    rows(
        to,
        &[
            (
                "member twice, the last one wrong",
                refused(ClientDataMalformed),
                r#","origin""#,
                r#","type":"","origin""#,
            ),
            (
                "member twice, the first one wrong",
                refused(ClientDataMalformed),
                r#"{"type""#,
                r#"{"type":"","type""#,
            ),
            (
                "member twice, once escaped",
                refused(ClientDataMalformed),
                r#"{"type""#,
                r#"{"\u0074ype":"","type""#,
            ),
        ],
    );
}

fn challenges(to: &mut Catalogue) {
    let own = encode(&CHALLENGE);
    let standard = own.replace('-', "+").replace('_', "/");
    let loose = format!("{}x", own.strip_suffix('w').expect("two bits in use"));
    for (name, expected, challenge) in [
        ("padded", Accepted, format!("{own}==")),
        ("half padded", Accepted, format!("{own}=")),
        (
            "padded too far",
            refused(ClientDataMalformed),
            format!("{own}==="),
        ),
        (
            "in the standard alphabet",
            refused(ClientDataMalformed),
            standard,
        ),
        ("with a stray bit", refused(ClientDataMalformed), loose),
        (
            "with a space",
            refused(ClientDataMalformed),
            format!("{own} "),
        ),
        (
            "with a line break",
            refused(ClientDataMalformed),
            format!("{own}\n"),
        ),
        (
            "not base64url",
            refused(ClientDataMalformed),
            "!".to_owned(),
        ),
        ("another", refused(Challenge), encode(&[1; 16])),
        ("empty", refused(Challenge), String::new()),
        ("of 15 bytes", refused(Challenge), encode(&CHALLENGE[..15])),
        (
            "of 17 bytes",
            refused(Challenge),
            encode(&[&CHALLENGE[..], &[0]].concat()),
        ),
        (
            "in reverse",
            refused(Challenge),
            encode(&CHALLENGE.iter().rev().copied().collect::<Vec<_>>()),
        ),
        ("encoded twice", refused(Challenge), encode(own.as_bytes())),
    ] {
        to.both(name, expected, |it| {
            it.overrides.challenge = Some(challenge.clone());
        });
    }
    rows(
        to,
        &[
            (
                "null",
                refused(ClientDataMalformed),
                r#""challenge":"#,
                r#""challenge":null,"x":"#,
            ),
            (
                "a number",
                refused(ClientDataMalformed),
                r#""challenge":"#,
                r#""challenge":0,"x":"#,
            ),
            (
                "a list of bytes",
                refused(ClientDataMalformed),
                r#""challenge":"#,
                r#""challenge":[1],"x":"#,
            ),
            (
                "missing",
                refused(ClientDataMalformed),
                r#""challenge":"#,
                r#""x":"#,
            ),
            (
                "twice",
                refused(ClientDataMalformed),
                r#""challenge":"#,
                r#""challenge":"AAAA","challenge":"#,
            ),
            (
                "twice, the last one wrong",
                refused(ClientDataMalformed),
                r#""origin":"#,
                r#""challenge":"AAAA","origin":"#,
            ),
        ],
    );
}

/// The member as the browser writes it.
const ORIGIN_MEMBER: &str = r#""origin":"https://example.org""#;

fn origins(to: &mut Catalogue) {
    for origin in [
        "http://example.org",
        "https://example.org/",
        "https://example.org:443",
        "https://example.org:8443",
        "https://www.example.org",
        "https://example.org.",
        "https://example.org.example.com",
        "https://xexample.org",
        "https://EXAMPLE.org",
        "HTTPS://example.org",
        "https://user@example.org",
        "https://example.org@example.com",
        "https://example.org#",
        "https://example.org?",
        "https://example.org/path",
        "https://example.com",
        "https:example.org",
        "https:/example.org",
        "https:\\\\/\\\\/example.org",
        "//example.org",
        "example.org",
        " https://example.org",
        "https://example.org ",
        "https://ex\\u0000ample.org",
        "https://example%2eorg",
        "https://\u{435}xample.org",
        "android:apk-key-hash:AAAA",
        "null",
        "",
    ] {
        to.both(&format!("{origin:?}"), Origin, |it| {
            it.client_data(move |json| json.replace(ORIGIN, origin).into_bytes());
        });
    }
    rows(
        to,
        &[
            (
                "null",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":null"#,
            ),
            (
                "a number",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":443"#,
            ),
            (
                "a list",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":["https://example.org"]"#,
            ),
            (
                "an object",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":{"https://example.org":1}"#,
            ),
            (
                "missing",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""x":0"#,
            ),
            (
                "twice",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":"https://example.com","origin":"https://example.org""#,
            ),
            (
                "twice, the last one wrong",
                refused(ClientDataMalformed),
                ORIGIN_MEMBER,
                r#""origin":"https://example.org","origin":"https://example.com""#,
            ),
            (
                "with escaped slashes",
                Accepted,
                ORIGIN_MEMBER,
                r#""origin":"https:\/\/example.org""#,
            ),
            (
                "with escaped letters",
                Accepted,
                ORIGIN_MEMBER,
                r#""origin":"\u0068ttps://example.org""#,
            ),
        ],
    );
}
