//! Base64url as JSON carries it: read with or without padding, written without.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE_NO_PAD, URL_SAFE_PAD_INDIFFERENT};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Bytes that travel as a base64url string.
///
/// Padding is tolerated because some providers send it; bits beyond the last byte are not, so that
/// one value has one spelling.
pub(crate) struct Base64Url(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Decode)
    }
}

struct Decode;

impl Visitor<'_> for Decode {
    type Value = Base64Url;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a base64url string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Base64Url, E> {
        URL_SAFE_PAD_INDIFFERENT
            .decode(text)
            .map(Base64Url)
            .map_err(|_| E::custom("not base64url"))
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}
