//! Client data as text: other ways to write it, and what is no client data at all. All of it is signed as
//! it stands.

use super::Verdict::Accepted;
use super::plan::{Catalogue, Plan};
use crate::Refusal::ClientDataMalformed;

pub(super) fn add(to: &mut Catalogue) {
    spellings(to.group("client data"));
    malformed(to.group("client data"));
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
