use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> Option<String> {
    Address::parse(text)
        .ok()
        .map(|address| address.canonical().to_owned())
}

/// Item 107.
#[test]
fn an_address_is_one_plain_addr_spec() {
    for text in [
        "ada@example.com",
        "a@b.c",
        "Ada.Lovelace@Example.COM",
        "a+tag@example.com",
        "_@example.com",
        "o'neil@example.com",
        "#$&'*+-/?=^_`{|}~@example.com",
        "1@2.example",
        "a@r3---sn.example.com",
        "a@xn--bcher-kva.example",
        "a@bücher.example",
        "a@a-b.example",
        "  ada@example.com\t",
    ] {
        assert!(Address::parse(text).is_ok(), "{text:?}");
    }
    for text in [
        "",
        "@",
        "a",
        "a@",
        "@b.c",
        "a@b",
        "a@localhost",
        "a@@b.c",
        "a@b@c.d",
        "a@x.y,b@y.z",
        "a@x.y;b@y.z",
        "a@x.y b@y.z",
        "a b@x.y",
        "\"a@x\"@y.z",
        "\"a b\"@y.z",
        "\"\"@y.z",
        "a\\@b@y.z",
        "(comment)a@y.z",
        "a(comment)@y.z",
        "a@(comment)y.z",
        "a@y.z(comment)",
        "<a@y.z>",
        "Ada <a@y.z>",
        "mailto:a@y.z",
        "@relay.example:a@y.z",
        "<@relay.example:a@y.z>",
        "a%y.z@relay.example",
        "y.z!a@relay.example",
        "=?x?q?a=40b?=@y.z",
        "=?utf-8?q?=61=62?=@y.z",
        "a=?b@y.z",
        ".a@y.z",
        "a.@y.z",
        "a..b@y.z",
        "a:b@y.z",
        "a[b]@y.z",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@127.0.0.1",
        "a@1.2.3.4",
        "a@0x7f.1",
        "a@::1",
        "a@example.123",
        "a@y.z.",
        "a@.y.z",
        "a@y..z",
        "a@y.z:25",
        "a@-y.z",
        "a@y-.z",
        "a@y.-z",
        "a@y_.z",
        "a@_dmarc.y.z",
        "a@y!.z",
        "a@y%.z",
        "a@y/.z",
        "a@*.z",
        "a\r\n@y.z",
        "a@y.z\r\nBcc: b@y.z",
        "a@y.z\r\n",
        "a@y.z\n",
        "\na@y.z",
        "\ra@y.z",
        "a@y\r.z",
        "a\t@y.z",
        "a@\ty.z",
        "a@y.\tz",
        "a\0@y.z",
        "a@y.z\0",
        "a@y\0.z",
        "\u{a0}a@y.z",
        "a@y.z\u{3000}",
        "\u{feff}a@y.z",
        "a@y.z\u{200b}",
        "a\u{7f}@y.z",
    ] {
        assert_eq!(Address::parse(text), Err(NotAnAddress), "{text:?}");
    }
}

/// Item 107.
#[test]
fn an_address_has_a_length() {
    let local = "l".repeat(64);
    let label = "d".repeat(63);
    let longest = format!("{local}@{label}.{label}.{}.c", "d".repeat(59));
    assert_eq!(longest.len(), 254);
    assert!(Address::parse(&longest).is_ok());
    assert!(Address::parse(&longest.replace("@d", "@dd")).is_err());
    assert!(Address::parse(&longest.replace(".c", "d.c")).is_err());
    assert!(Address::parse(&format!("l{local}@y.z")).is_err());
    assert!(Address::parse(&format!("a@d{label}.z")).is_err());
    // Shorter as typed than in A-labels, which have to fit as well.
    let label = "ü".repeat(29);
    let wide = format!("{local}@{label}.{label}.{label}.de");
    assert!(wide.len() <= 254 && Address::parse(&wide).is_ok());
    assert!(
        Address::parse(&format!("a@{}.de", "üö".repeat(50))).is_err(),
        "a label of more than 63 octets"
    );
}

/// Item 108: ASCII case and the spelling of the domain are folded, nothing else.
#[test]
fn the_canonical_form_folds_case_and_domains_only() {
    for (text, expected) in [
        ("MIKE@Example.ORG", "mike@example.org"),
        ("mike@BÜCHER.example", "mike@xn--bcher-kva.example"),
        ("mike@XN--BCHER-KVA.example", "mike@xn--bcher-kva.example"),
        ("mike@bu\u{308}cher.example", "mike@xn--bcher-kva.example"),
        ("mike@straße.example", "mike@xn--strae-oqa.example"),
        ("mike@ｅｘａｍｐｌｅ.com", "mike@example.com"),
        ("mike@example。com", "mike@example.com"),
        ("mike@\u{212a}elvin.example", "mike@kelvin.example"),
        ("m.i.k.e+x@example.org", "m.i.k.e+x@example.org"),
    ] {
        assert_eq!(canonical(text).as_deref(), Some(expected), "{text:?}");
    }
}

/// Item 108: CVE-2019-19844, GitHub 2016, Spotify 2013 — look-alikes do not become someone else.
#[test]
fn look_alikes_are_refused_or_someone_else() {
    for text in [
        "m\u{131}ke@example.org",
        "MİKE@example.org",
        "mi\u{212a}e@example.org",
        "\u{ff4d}ike@example.org",
        "ᴮᴵᴳᴮᴵᴿᴰ@example.org",
        "straße@example.org",
        "mike＠example.org",
        "mike@example.org＠evil.example",
        "mıke@example.org",
        "jos\u{e9}@example.org",
        "m\u{ad}ike@example.org",
        "mike@exam\u{ad}ple.org",
        "mike@exam\u{200b}ple.org",
        "mike@exam\u{2060}ple.org",
        "mike@example\u{fe0f}.org",
        "mike@exam\u{202e}ple.org",
        "mike@exa\u{2100}mple.org",
        "mike@xn--example-.org",
        "mike@xn--example.org",
        "mike@xn--.org",
        "mike@xn--a.org",
        "mike@xn--github-.com",
        "mike@xn--0.org",
        "mike@xn--ls8h=.la",
        "mike@1．2．3．4",
    ] {
        assert_eq!(Address::parse(text), Err(NotAnAddress), "{text:?}");
    }

    let everyone = [
        "mike@example.org",
        "mike@strasse.example",
        "mike@straße.example",
        "mike@exıt.example",
        "mike@exit.example",
        "mike@еxample.org",
        "mi.ke@example.org",
        "mike+1@example.org",
        "mike@sub.example.org",
    ];
    let keys: HashSet<_> = everyone
        .iter()
        .map(|text| canonical(text).expect(text))
        .collect();
    assert_eq!(keys.len(), everyone.len());
}

/// Item 114 rests on this: what is mailed is what was stored, to the domain that the key names.
#[test]
fn spelling_is_kept_for_show_and_for_the_host() {
    let address = Address::parse(" Ada.L@BÜCHER.example ").unwrap();

    assert_eq!(address.as_str(), "Ada.L@BÜCHER.example");
    assert_eq!(address.to_string(), "Ada.L@BÜCHER.example");
    assert_eq!(address.envelope(), "Ada.L@xn--bcher-kva.example");
    assert_eq!(address.key(), b"ada.l@xn--bcher-kva.example");
    assert_eq!(
        (address.local(), address.domain()),
        ("Ada.L", "xn--bcher-kva.example")
    );
    assert_eq!(
        address,
        Address::parse("ada.l@xn--bcher-kva.example").unwrap()
    );
}

/// Item 130: logs get a hint.
#[test]
fn debug_shows_a_hint_only() {
    let address = Address::parse("ada@example.com").unwrap();
    assert_eq!(format!("{address:?}"), "a…@example.com");
    assert_eq!(address.hint(), "a…@example.com");
}

#[test]
fn json_holds_the_address_as_typed_and_says_what_would_be_one() {
    let address: Address = serde_json::from_str("\" Ada@Example.com \"").unwrap();
    assert_eq!(
        serde_json::to_string(&address).unwrap(),
        "\"Ada@Example.com\""
    );

    let error = serde_json::from_str::<Address>("\"ada\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Enter an email address like name@example.com."),
        "{error}"
    );
}

proptest! {
    /// Item 108: c(c(x)) = c(x), for addresses that might be.
    #[test]
    fn the_canonical_form_is_its_own(text in r"[a-zA-Z0-9.+_-]{1,20}@(\PC{1,8}|[a-zA-Z0-9ßüéКкıİKａ-]{1,12}|xn--[a-z0-9-]{1,10})[.。](com|[a-zA-Z]{2,4}|\PC{2,4})") {
        if let Some(once) = canonical(&text) {
            prop_assert!(once.is_ascii());
            prop_assert!(!once.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_control() || byte == b' '));
            prop_assert_eq!(canonical(&once), Some(once.clone()));
            let address = Address::parse(&text).unwrap();
            prop_assert_eq!(address.as_str(), text.trim_matches([' ', '\t']));
        }
    }

    /// Item 108: total, whatever comes.
    #[test]
    fn parsing_never_panics(text in any::<String>(), around in any::<char>()) {
        let _ = Address::parse(&text);
        let _ = Address::parse(&format!("a@{around}{text}.com"));
        let _ = Address::parse(&format!("{text}{around}@example.com"));
    }
}
