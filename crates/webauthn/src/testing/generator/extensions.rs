//! Extension outputs in the authenticator data, and with them all the ways to write CBOR.

use super::Verdict::{self, Accepted};
use super::plan::Catalogue;
use crate::Refusal::AuthenticatorDataMalformed;
use crate::testing::{cbor, flag};

pub(super) fn add(to: &mut Catalogue) {
    to.group("extensions");
    for (name, outputs, well_formed) in outputs() {
        let expected = if well_formed {
            Accepted
        } else {
            Verdict::from(AuthenticatorDataMalformed)
        };
        to.both(name, expected, |it| {
            it.overrides.extensions = Some(outputs.clone());
        });
    }
    to.both("ED without outputs", AuthenticatorDataMalformed, |it| {
        it.flags |= flag::ED;
    });
    to.assertion("outputs without ED", AuthenticatorDataMalformed, |it| {
        it.overrides.extensions = Some(output(b"\xf5"));
        it.overrides.flags = Some(flag::UP | flag::UV);
    });
    to.registration("outputs without ED", AuthenticatorDataMalformed, |it| {
        it.overrides.extensions = Some(output(b"\xf5"));
        it.overrides.flags = Some(flag::UP | flag::UV | flag::AT);
    });
}

/// A map of one output that nobody asked for.
fn output(value: &[u8]) -> Vec<u8> {
    cbor::map(&[(cbor::text("x"), value.to_vec())])
}

/// An array in an array, and so on.
fn nested(depth: usize) -> Vec<u8> {
    [vec![0x81; depth], vec![0x80]].concat()
}

fn entries(count: i64) -> Vec<u8> {
    let entries: Vec<_> = (0..count)
        .map(|key| (cbor::integer(key), cbor::integer(0)))
        .collect();
    cbor::map(&entries)
}

/// Outputs, and whether they are the map that §6.1 describes in the CBOR that CTAP2 allows.
fn outputs() -> Vec<(&'static str, Vec<u8>, bool)> {
    let one = cbor::map(&[(cbor::text("x"), cbor::integer(1))]);
    vec![
        ("an empty map", b"\xa0".to_vec(), true),
        ("an unknown output", output(b"\xf5"), true),
        ("null", output(b"\xf6"), true),
        ("undefined", output(b"\xf7"), true),
        ("half a float", output(b"\xf9\x3c\x00"), true),
        ("a float", output(b"\xfa\x3f\x80\x00\x00"), true),
        ("a double", output(b"\xfb\x3f\xf0\0\0\0\0\0\0"), true),
        ("a number in two bytes", output(b"\x18\x01"), true),
        (
            "a number in nine bytes",
            output(b"\x1b\0\0\0\0\0\0\0\x01"),
            true,
        ),
        (
            "the largest number",
            output(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
            true,
        ),
        (
            "the least number",
            output(b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
            true,
        ),
        (
            "a length in two bytes",
            [b"\xb8\x01", &one[1..]].concat(),
            true,
        ),
        ("an integer for a key", entries(1), true),
        ("64 entries", entries(64), true),
        ("65 entries", entries(65), false),
        ("four levels", output(&nested(2)), true),
        ("five levels", output(&nested(3)), false),
        ("200 levels", output(&nested(200)), false),
        ("nothing", Vec::new(), false),
        ("garbage", b"\xff\xff\xff".to_vec(), false),
        ("an array", b"\x80".to_vec(), false),
        ("a number instead of a map", b"\x00".to_vec(), false),
        ("a map without its value", b"\xa1\x61x".to_vec(), false),
        ("a map without its key", b"\xa1".to_vec(), false),
        ("a byte after the map", b"\xa0\x00".to_vec(), false),
        ("a second map", b"\xa0\xa0".to_vec(), false),
        ("a repeated key", b"\xa2\x61x\x01\x61x\x02".to_vec(), false),
        (
            "a repeated key in two spellings",
            b"\xa2\x01\x01\x18\x01\x02".to_vec(),
            false,
        ),
        (
            "a repeated key inside",
            output(b"\xa2\x61y\x01\x61y\x02"),
            false,
        ),
        (
            "a map of indefinite length",
            b"\xbf\x61x\x01\xff".to_vec(),
            false,
        ),
        ("text of indefinite length", output(b"\x7f\x61y\xff"), false),
        (
            "bytes of indefinite length",
            output(b"\x5f\x41y\xff"),
            false,
        ),
        (
            "an array of indefinite length",
            output(b"\x9f\x01\xff"),
            false,
        ),
        ("a tag", output(b"\xc0\x60"), false),
        ("a tagged map", b"\xc1\xa0".to_vec(), false),
        ("a simple value in two bytes", output(b"\xf8\x20"), false),
        ("an additional information of 28", output(b"\x1c"), false),
        ("an additional information of 30", output(b"\x5e"), false),
        ("a break", output(b"\xff"), false),
        ("text that is not UTF-8", output(b"\x61\xff"), false),
        (
            "a key that is not UTF-8",
            b"\xa1\x61\xff\x01".to_vec(),
            false,
        ),
        ("bytes for a key", b"\xa1\x41x\x01".to_vec(), false),
        ("a map for a key", b"\xa1\xa0\x01".to_vec(), false),
        ("a boolean for a key", b"\xa1\xf5\x01".to_vec(), false),
        (
            "a key beyond 64 bits with sign",
            b"\xa1\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            false,
        ),
        ("bytes longer than the rest", output(b"\x44abc"), false),
        (
            "bytes of a length beyond memory",
            output(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
            false,
        ),
        (
            "an array of a length beyond memory",
            output(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
            false,
        ),
        (
            "a map of a length beyond memory",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            false,
        ),
    ]
}
