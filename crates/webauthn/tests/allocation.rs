//! How much memory an input can make the verifier take, whatever it claims of its own size.
//!
//! The bound: at no time more than **6 bytes for each byte of input, and 16 KiB**. It holds for each
//! parser alone, and for a whole response from its JSON to its verdict.
//!
//! The 6 is what the worst of all responses needs: one that is nearly all client data, which is nearly
//! all one string, both with an escape, so that each needs a buffer that doubles as it grows. The outer
//! buffer takes up to 2, what base64 decodes from it ¾, the inner buffer ¾ of 3 while it moves, the
//! string itself ¾. The 16 KiB are for what does not grow with the input, such as the keys of a map,
//! which are kept to find one that repeats.
//!
//! Counted are the allocations of Rust code, where a buffer that moves counts twice. The C code of
//! aws-lc allocates too, by the size of keys and signatures, of which the keys have a largest one.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use doorward_webauthn::options::{CreationOptions, RequestOptions, User};
use doorward_webauthn::testing::{Authenticator, cbor, parse};
use doorward_webauthn::{
    AssertionResponse, Credential, Policy, RegistrationResponse, VerifiedRegistration,
};
use serde_json::{Value, json};

const FACTOR: usize = 6;
const CONSTANT: usize = 16 * 1024;

/// Beyond a power of two, where a buffer that grows has just doubled.
const LONG: usize = 64 * 1024 + 64;
/// The most that the reader of CBOR looks at.
const MAX_CBOR: usize = 64 * 1024;

const ORIGIN: &str = "https://example.org";
const CHALLENGE: [u8; 32] = [7; 32];
const USER_HANDLE: [u8; 64] = [0x5a; 64];

/// Runs the code on the input, and holds it to the bound.
fn within_bounds<T>(what: &str, input: &[u8], run: impl Fn(&[u8]) -> T) {
    let allocated = allocation_counter::measure(|| drop(run(input)));
    let peak = usize::try_from(allocated.bytes_max).unwrap();
    assert!(
        peak <= FACTOR * input.len() + CONSTANT,
        "{what}: {peak} bytes for {} of input",
        input.len()
    );
}

fn each_parser(what: &str, input: &[u8]) {
    within_bounds(what, input, parse::cbor_item);
    within_bounds(what, input, parse::public_key);
    within_bounds(what, input, parse::attestation_object);
    within_bounds(what, input, parse::authenticator_data);
    within_bounds(what, input, parse::client_data);
}

fn policy() -> Policy {
    Policy::new("example.org", [ORIGIN])
}

/// A registration and an assertion that verify, and what the first leaves stored.
fn responses() -> (Value, Value, Credential) {
    let user = User {
        id: USER_HANDLE.to_vec(),
        name: "ada@example.org".to_owned(),
        display_name: "Ada".to_owned(),
    };
    let mut authenticator = Authenticator::new(1);
    let options = CreationOptions::new(&policy(), "Example", user, CHALLENGE.to_vec());
    let created = authenticator.create(&json!(options), ORIGIN);
    let options = RequestOptions::new(&policy(), CHALLENGE.to_vec());
    let got = authenticator.get(&json!(options), ORIGIN);
    let response: RegistrationResponse = serde_json::from_value(created.clone()).unwrap();
    let verified = response.verify(&policy(), &CHALLENGE);
    let stored = verified.map(VerifiedRegistration::into_credential).unwrap();
    (created, got, stored)
}

/// Reads and verifies the JSON as both kinds of response.
fn both_responses(what: &str, json: &str, stored: &Credential) {
    within_bounds(what, json.as_bytes(), |json| {
        let response: RegistrationResponse = serde_json::from_slice(json).ok()?;
        response.verify(&policy(), &CHALLENGE).ok()
    });
    within_bounds(what, json.as_bytes(), |json| {
        let response: AssertionResponse = serde_json::from_slice(json).ok()?;
        let verdict = response.verify(&policy(), &CHALLENGE, stored, &USER_HANDLE);
        verdict.ok()
    });
}

fn base64url(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Item 31.
#[test]
fn a_length_that_is_only_claimed_takes_nothing() {
    for major in [0x40, 0x60, 0x80, 0xa0] {
        for claim in [1 << 32, 1 << 48, 1 << 62, u64::MAX - 1, u64::MAX] {
            let head = [&[major | 0x1b][..], &claim.to_be_bytes()].concat();
            let in_array = [&[0x81], &head[..]].concat();
            let object = cbor::map(&[(cbor::text("attStmt"), head.clone())]);
            let attested = [&[0; 32][..], &[0x41], &[0; 22], &head].concat();
            let extended = [&[0; 32][..], &[0x81], &[0; 4], &head].concat();
            for input in [head, in_array, object, attested, extended] {
                each_parser("a claim", &input);
            }
        }
    }
}

/// Item 31.
#[test]
fn what_is_nested_or_repeated_takes_no_more_than_its_bound() {
    let full_map: Vec<_> = (0..64)
        .map(|key| (cbor::integer(key), cbor::map(&[])))
        .collect();
    let maps = |count| vec![cbor::map(&full_map); count];
    let inputs = [
        ("arrays in arrays", vec![0x81; MAX_CBOR]),
        ("maps in maps", [0xa1, 0x01].repeat(MAX_CBOR / 2)),
        (
            "an array of integers",
            cbor::array(&vec![vec![0]; MAX_CBOR - 3]),
        ),
        (
            "an array of maps",
            cbor::array(&vec![vec![0xa0]; MAX_CBOR - 3]),
        ),
        ("maps that are full", cbor::array(&maps(300))),
        ("a map in each level", nested_maps(4)),
        ("more than is read", cbor::bytes(&vec![0; LONG])),
    ];
    for (what, input) in inputs {
        each_parser(what, &input);
        let object = [
            (cbor::text("fmt"), cbor::text("none")),
            (cbor::text("attStmt"), input.clone()),
            (cbor::text("authData"), cbor::bytes(&[])),
        ];
        each_parser(what, &cbor::map(&object));
        each_parser(what, &[&[0; 32][..], &[0x81], &[0; 4], &input].concat());
        each_parser(what, &[&[0; 32][..], &[0x41], &[0; 22], &input].concat());
    }
}

/// A map whose last entry is such a map, each as full as may be.
fn nested_maps(levels: u8) -> Vec<u8> {
    let last = match levels {
        1 => cbor::integer(0),
        more => nested_maps(more - 1),
    };
    let entry = |key| (cbor::text(&format!("key {key}")), cbor::integer(key));
    let mut entries: Vec<_> = (0..63).map(entry).collect();
    entries.push((cbor::integer(64), last));
    cbor::map(&entries)
}

/// Item 31.
#[test]
fn client_data_of_any_kind_takes_no_more_than_its_bound() {
    let (created, got, stored) = responses();
    let long = "x".repeat(LONG);
    let escaped = "\\u0078".repeat(LONG / 6);
    let half_escaped = format!("\\u0041{}", "A".repeat(LONG));
    let list = format!("[{}0]", "0,".repeat(LONG / 2));
    let lists = format!("[{}[]]", "[],".repeat(LONG / 3));
    let nested = "[".repeat(LONG);
    let members = "\"x\":{},".repeat(LONG / 7);
    let values = [
        ("a long string", format!("\"{long}\"")),
        ("a string of escapes", format!("\"{escaped}\"")),
        ("an escape and a string", format!("\"{half_escaped}\"")),
        ("a list of numbers", list.clone()),
        ("a list of lists", lists.clone()),
        ("lists in lists", nested),
        ("an object", format!("{{{members}\"z\":0}}")),
        (
            "a token binding",
            format!("{{\"status\":\"supported\",\"more\":{list}}}"),
        ),
        (
            "a token binding's id",
            format!("{{\"status\":\"present\",\"id\":\"{}\"}}", "A".repeat(LONG)),
        ),
        (
            "another token binding",
            format!("{{\"status\":\"supported\",\"more\":{lists}}}"),
        ),
    ];
    for (what, value) in values {
        for name in [
            "type",
            "challenge",
            "origin",
            "crossOrigin",
            "topOrigin",
            "tokenBinding",
            "other",
        ] {
            let json = format!(
                "{{\"{name}\":{value},\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"\"}}"
            );
            within_bounds(what, json.as_bytes(), parse::client_data);
            for mut response in [created.clone(), got.clone()] {
                response["response"]["clientDataJSON"] = base64url(json.as_bytes());
                both_responses(what, &response.to_string(), &stored);
                both_responses(what, &with_escapes(&response), &stored);
            }
        }
    }
}

/// Item 31.
#[test]
fn a_response_of_any_kind_takes_no_more_than_its_bound() {
    let (created, got, stored) = responses();
    let values = [
        ("a long string", json!("A".repeat(LONG))),
        ("a list of names", json!(vec!["usb"; LONG / 6])),
        (
            "a list of other names",
            (0..LONG / 11).map(|n| json!(format!("{n:08}"))).collect(),
        ),
        ("a list of long names", json!(vec!["x".repeat(LONG / 4); 4])),
        ("a list of lists", json!(vec![json!([]); LONG / 3])),
        (
            "an object",
            (0..LONG / 11)
                .map(|n| (format!("{n:8}"), json!({})))
                .collect(),
        ),
    ];
    let places = [
        "/id",
        "/rawId",
        "/type",
        "/authenticatorAttachment",
        "/clientExtensionResults",
        "/clientExtensionResults/credProps",
        "/clientExtensionResults/prf",
        "/other",
        "/response",
        "/response/attestationObject",
        "/response/authenticatorData",
        "/response/clientDataJSON",
        "/response/other",
        "/response/signature",
        "/response/transports",
        "/response/userHandle",
    ];
    for (what, value) in values {
        for place in places {
            for mut response in [created.clone(), got.clone()] {
                let (parent, name) = place.rsplit_once('/').unwrap();
                if let Some(parent) = response.pointer_mut(parent) {
                    parent[name] = value.clone();
                }
                both_responses(what, &response.to_string(), &stored);
                both_responses(what, &with_escapes(&response), &stored);
            }
        }
    }
}

/// The JSON of a response, where the client data cannot be read without a buffer.
fn with_escapes(response: &Value) -> String {
    response
        .to_string()
        .replace("\"eyJ", "\"\\u0065yJ")
        .replace("\"AAAA", "\"\\u0041AAA")
}

/// Item 31.
#[test]
fn a_valid_response_takes_no_more_than_its_bound() {
    let (created, got, stored) = responses();

    both_responses("a registration", &created.to_string(), &stored);
    both_responses("an assertion", &got.to_string(), &stored);
}
