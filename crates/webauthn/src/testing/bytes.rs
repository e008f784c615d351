//! The bytes that a browser and an authenticator write.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE_NO_PAD, URL_SAFE_PAD_INDIFFERENT};
use serde_json::{Value, json};

use super::{Overrides, cbor};

pub(super) fn attestation_object((format, statement): &(String, Vec<u8>), data: &[u8]) -> Vec<u8> {
    cbor::map(&[
        (cbor::text("fmt"), cbor::text(format)),
        (cbor::text("attStmt"), statement.clone()),
        (cbor::text("authData"), cbor::bytes(data)),
    ])
}

/// Client data in the order in which browsers write it (§5.8.1.1).
pub(super) fn client_data(
    ceremony: &str,
    options: &Value,
    origin: &str,
    overrides: &Overrides,
) -> Vec<u8> {
    let ceremony = overrides.ceremony.as_deref().unwrap_or(ceremony);
    let challenge = overrides
        .challenge
        .as_deref()
        .unwrap_or_else(|| text(&options["challenge"]));
    let mut members = vec![
        ("type", json!(ceremony)),
        ("challenge", json!(challenge)),
        ("origin", json!(origin)),
        (
            "crossOrigin",
            json!(overrides.cross_origin.unwrap_or(false)),
        ),
    ];
    members.extend(
        overrides
            .top_origin
            .as_ref()
            .map(|origin| ("topOrigin", json!(origin))),
    );
    let extra = overrides.extra_client_data.iter();
    members.extend(extra.map(|(name, value)| (&**name, value.clone())));
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    let json = format!("{{{}}}", members.join(","));
    overrides.client_data_json.apply(json.into_bytes())
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

pub(super) fn text(value: &Value) -> &str {
    value
        .as_str()
        .expect("a member of the options that is text")
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_PAD_INDIFFERENT.decode(text).expect("base64url")
}
