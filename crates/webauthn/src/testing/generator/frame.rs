//! Client data: the frame that the ceremony ran in, and token binding. All of it is signed as it stands.

use super::Profile::Framed;
use super::Verdict::Accepted;
use super::plan::{Catalogue, refused, rows};
use super::{ORIGIN, TOP_ORIGIN};
use crate::Refusal::{ClientDataMalformed, CrossOrigin, TopOrigin};

pub(super) fn add(to: &mut Catalogue) {
    frames(to.group("frame"));
    token_bindings(to.group("token binding"));
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
