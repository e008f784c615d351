//! What a browser keeps for us between two pages, in cookies that only we can have written.
//!
//! `base64url(JSON of what it is and until when) . base64url(MAC)`. The browser's owner may read it: it holds what they
//! did themselves. It is no secret and opens nothing; the MAC keeps others' words off our pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    secret::{MacKey, same},
    time::Timestamp,
};

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    #[serde(rename = "w")]
    what: T,
    #[serde(rename = "u")]
    until: i64,
}

/// The value of a cookie. What is written for one `purpose` is not read for another.
pub(super) fn write<T: Serialize>(
    key: &MacKey,
    purpose: &str,
    what: &T,
    until: Timestamp,
) -> String {
    let kept = Kept {
        what,
        until: until.as_millis(),
    };
    let text = serde_json::to_vec(&kept).unwrap_or_default();
    let mac = mac(key, purpose, &text);
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(&text),
        URL_SAFE_NO_PAD.encode(mac)
    )
}

/// What the value of a cookie holds; `None` when we did not write it, or it is too old.
pub(super) fn read<T: DeserializeOwned>(
    key: &MacKey,
    purpose: &str,
    value: &str,
    now: Timestamp,
) -> Option<T> {
    let (text, tag) = value.split_once('.')?;
    let text = URL_SAFE_NO_PAD.decode(text).ok()?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    if !same(&tag, &mac(key, purpose, &text)) {
        return None;
    }
    let kept: Kept<T> = serde_json::from_slice(&text).ok()?;
    (now.as_millis() < kept.until).then_some(kept.what)
}

fn mac(key: &MacKey, purpose: &str, text: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&key.mac(&[purpose.as_bytes(), text])[..16]);
    tag
}
