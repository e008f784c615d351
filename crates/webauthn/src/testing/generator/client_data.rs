//! Client data: every member, every spelling. All of it is signed as it stands.

use super::Profile::Framed;
use super::Verdict::{self, Accepted};
use super::plan::{Catalogue, Plan};
use super::{CHALLENGE, ORIGIN, TOP_ORIGIN};
use crate::Refusal::{
    CeremonyType, Challenge, ClientDataMalformed, CrossOrigin, Origin, TopOrigin,
};
use crate::testing::bytes::encode;

pub(super) fn add(to: &mut Catalogue) {
    types(to.group("type"));
    challenges(to.group("challenge"));
    origins(to.group("origin"));
    frames(to.group("frame"));
    token_bindings(to.group("token binding"));
    spellings(to.group("client data"));
    malformed(to.group("client data"));
}

/// Cases that replace one piece of the client data's text.
fn rows(to: &mut Catalogue, rows: &[(&'static str, Verdict, &'static str, &'static str)]) {
    for &(name, expected, piece, other) in rows {
        to.both(name, expected, |it| it.client_data_with(piece, other));
    }
}

fn refused(refusal: crate::Refusal) -> Verdict {
    refusal.into()
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

fn frames(to: &mut Catalogue) {
    const MEMBER: &str = r#""crossOrigin":false"#;
    rows(
        to,
        &[
            ("not told", Accepted, r#","crossOrigin":false"#, ""),
            ("null", Accepted, MEMBER, r#""crossOrigin":null"#),
            (
                "of another origin",
                refused(CrossOrigin),
                MEMBER,
                r#""crossOrigin":true"#,
            ),
            (
                "as text",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":"false""#,
            ),
            (
                "true as text",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":"true""#,
            ),
            (
                "as a number",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":0"#,
            ),
            (
                "one as a number",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":1"#,
            ),
            (
                "as an object",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":{}"#,
            ),
            (
                "told twice",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":true,"crossOrigin":false"#,
            ),
            (
                "told twice, the last one true",
                refused(ClientDataMalformed),
                MEMBER,
                r#""crossOrigin":false,"crossOrigin":true"#,
            ),
            (
                "top origin null",
                Accepted,
                MEMBER,
                r#""crossOrigin":false,"topOrigin":null"#,
            ),
            (
                "top origin our own",
                refused(TopOrigin),
                MEMBER,
                r#""topOrigin":"https://example.org""#,
            ),
            (
                "top origin another",
                refused(TopOrigin),
                MEMBER,
                r#""topOrigin":"https://example.com""#,
            ),
            (
                "top origin empty",
                refused(TopOrigin),
                MEMBER,
                r#""topOrigin":"""#,
            ),
            (
                "top origin a number",
                refused(ClientDataMalformed),
                MEMBER,
                r#""topOrigin":1"#,
            ),
            (
                "top origin a list",
                refused(ClientDataMalformed),
                MEMBER,
                r#""topOrigin":["https://example.com"]"#,
            ),
            (
                "of another origin, top origin told",
                refused(CrossOrigin),
                MEMBER,
                r#""crossOrigin":true,"topOrigin":"https://example.com""#,
            ),
            (
                "top origin twice",
                refused(ClientDataMalformed),
                MEMBER,
                r#""topOrigin":null,"topOrigin":"https://example.com""#,
            ),
        ],
    );
    for (name, expected, cross_origin, top_origin) in [
        ("allowed, none", Accepted, false, None),
        ("allowed, top origin not told", Accepted, true, None),
        (
            "allowed, top origin listed",
            Accepted,
            true,
            Some(TOP_ORIGIN),
        ),
        (
            "allowed, top origin not listed",
            refused(TopOrigin),
            true,
            Some("https://evil.example"),
        ),
        (
            "allowed, top origin our own",
            refused(TopOrigin),
            true,
            Some(ORIGIN),
        ),
        (
            "allowed, top origin with a slash",
            refused(TopOrigin),
            true,
            Some("https://example.com/"),
        ),
        (
            "allowed, top origin empty",
            refused(TopOrigin),
            true,
            Some(""),
        ),
    ] {
        to.both(name, expected, |it| {
            it.profile = Framed;
            it.overrides.cross_origin = Some(cross_origin);
            it.overrides.top_origin = top_origin.map(str::to_owned);
        });
    }
}

fn token_bindings(to: &mut Catalogue) {
    for (name, well_formed, binding) in [
        ("supported", true, r#"{"status":"supported"}"#),
        ("not supported", true, r#"{"status":"not-supported"}"#),
        ("present", true, r#"{"status":"present","id":"AAAA"}"#),
        (
            "supported, with more",
            true,
            r#"{"status":"supported","x":1}"#,
        ),
        ("empty", false, "{}"),
        ("null", false, "null"),
        ("text", false, r#""supported""#),
        ("a list", false, "[]"),
        ("a number", false, "0"),
        ("false", false, "false"),
        ("status unknown", false, r#"{"status":"notSupported"}"#),
        ("status empty", false, r#"{"status":""}"#),
        ("status null", false, r#"{"status":null}"#),
        ("status a number", false, r#"{"status":1}"#),
        ("present without an id", false, r#"{"status":"present"}"#),
        (
            "present, its id null",
            false,
            r#"{"status":"present","id":null}"#,
        ),
        (
            "present, its id no base64url",
            false,
            r#"{"status":"present","id":"+/"}"#,
        ),
    ] {
        let expected = if well_formed {
            Accepted
        } else {
            refused(ClientDataMalformed)
        };
        to.both(name, expected, |it| {
            it.client_data(move |json| {
                format!(r#"{{"tokenBinding":{binding},{}"#, &json[1..]).into_bytes()
            });
        });
    }
}

/// Rewrites the whole text.
fn text(rewrite: fn(&str) -> String) -> impl Fn(&mut Plan) {
    move |it| it.client_data(move |json| rewrite(json).into_bytes())
}

/// What §5.8.1 allows: it is JSON, and it may grow.
fn spellings(to: &mut Catalogue) {
    let mut row = |name, rewrite| to.both(name, Accepted, text(rewrite));
    row("with a byte order mark", |json| format!("\u{feff}{json}"));
    row("with space around", |json| format!(" \n\t{json}\r\n "));
    row("with space inside", |json| {
        json.replace(':', " : ")
            .replace("https : ", "https:")
            .replace(',', "\n, ")
    });
    row("in the reverse order", |json| {
        let members: Vec<_> = json[1..json.len() - 1].split(',').rev().collect();
        format!("{{{}}}", members.join(","))
    });
    row("with escaped names", |json| {
        json.replace("challenge", "ch\\u0061llenge")
            .replace("origin", "\\u006frigin")
    });
    row("with an unknown member", |json| {
        json.replacen('{', r#"{"extraData":"clientDataJSON may be extended with additional fields in the future","#, 1)
    });
    row("with unknown members of all kinds", |json| {
        json.replacen('{', r#"{"a":null,"b":[1,-2.5e3,{}],"c":{"type":"webauthn.get"},"d":true,"e":"\u00e4\ud83d\ude00","#, 1)
    });
    row("with an unknown member twice", |json| {
        json.replacen('{', r#"{"x":1,"x":2,"#, 1)
    });
    row("with members in capitals", |json| {
        json.replacen('{', r#"{"TYPE":1,"Origin":"https://example.com","#, 1)
    });
    row("with an unknown member that is empty", |json| {
        json.replacen('{', r#"{"":"","#, 1)
    });
    row("with a key of JavaScript's", |json| {
        json.replacen('{', r#"{"__proto__":{"origin":"https://example.com"},"#, 1)
    });
    row("with letters beyond ASCII", |json| {
        json.replacen('{', "{\"x\":\"h\u{e9} \u{1f600}\",", 1)
    });
    row("with 200 levels of lists", |json| {
        json.replacen(
            '{',
            &format!(r#"{{"x":{}{},"#, "[".repeat(200), "]".repeat(200)),
            1,
        )
    });
    row("with 10,000 bytes more", |json| {
        json.replacen('{', &format!(r#"{{"x":"{}","#, "x".repeat(10_000)), 1)
    });
}

fn malformed(to: &mut Catalogue) {
    let mut row = |name, rewrite| to.both(name, ClientDataMalformed, text(rewrite));
    row("empty", |_| String::new());
    row("null", |_| "null".to_owned());
    row("a list", |json| format!("[{json}]"));
    row("a list of values", |_| {
        r#"["webauthn.get","","https://example.org"]"#.to_owned()
    });
    row("text", |_| r#""webauthn.get""#.to_owned());
    row("a number", |_| "1".to_owned());
    row("an empty object", |_| "{}".to_owned());
    row("two byte order marks", |json| {
        format!("\u{feff}\u{feff}{json}")
    });
    row("text after it", |json| format!("{json}x"));
    row("a brace after it", |json| format!("{json}}}"));
    row("an object after it", |json| format!("{json}{json}"));
    row("a NUL after it", |json| format!("{json}\0"));
    row("its last brace missing", |json| {
        json[..json.len() - 1].to_owned()
    });
    row("a comma too many", |json| json.replace('}', ",}"));
    row("a comma missing", |json| json.replacen(',', "", 1));
    row("in single quotes", |json| json.replace('"', "'"));
    row("with a comment", |json| format!("/**/{json}"));
    row("with a line break in text", |json| {
        json.replacen("https", "ht\ntps", 1)
    });
    row("with a wrong escape", |json| {
        json.replacen("https", "\\https", 1)
    });
    row("with half a surrogate pair in its origin", |json| {
        json.replacen("https", "\\ud800https", 1)
    });
    for (name, bytes) in [
        ("a lone continuation byte", &b"\x80"[..]),
        ("an overlong slash", b"\xc0\xaf"),
        ("half a surrogate pair", b"\xed\xa0\x80"),
        ("a code point beyond Unicode", b"\xf4\x90\x80\x80"),
        ("Latin-1", b"\xe9"),
    ] {
        to.both(&format!("not UTF-8: {name}"), ClientDataMalformed, |it| {
            it.client_data(move |json| {
                [br#"{"x":""#, bytes, br#"","#, &json.as_bytes()[1..]].concat()
            });
        });
    }
    to.both("in UTF-16", ClientDataMalformed, |it| {
        it.client_data(|json| json.encode_utf16().flat_map(u16::to_le_bytes).collect());
    });
}
