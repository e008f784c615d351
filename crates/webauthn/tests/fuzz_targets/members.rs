//! JSON objects read a second time: all members in their order, repeated ones too, values unread.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// A member that is there exactly once, and of the type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut named = self.named(name);
        let value = named.next().filter(|_| named.next().is_none())?;
        serde_json::from_str(value.get()).ok()
    }

    /// A member that is of the type; absent or null it is the type's default.
    pub fn optional<T: DeserializeOwned + Default>(&self, name: &str) -> Option<T> {
        if self.has(name) {
            self.get::<Option<T>>(name).map(Option::unwrap_or_default)
        } else {
            Some(T::default())
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// A member that is bytes in base64url.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        unpad(&self.get::<String>(name)?)
    }

    /// A member that is bytes in base64url; absent or null it is empty.
    pub fn optional_bytes(&self, name: &str) -> Option<Vec<u8>> {
        unpad(&self.optional::<String>(name)?)
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RawValue> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| &**value)
    }
}

/// Bytes as JSON carries them.
pub fn base64url(bytes: &[u8]) -> Value {
    URL_SAFE_NO_PAD.encode(bytes).into()
}

/// Decodes base64url, with padding that may be there or not.
fn unpad(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(bare).ok()?;
    let padding = text.len() - bare.len();
    (padding <= (4 - bare.len() % 4) % 4).then_some(bytes)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(All)
    }
}
