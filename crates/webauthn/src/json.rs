//! What both kinds of response share in their JSON form (§5.1): lenient where providers differ,
//! strict where a value decides something.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::base64url::Base64Url;

/// A value that must be a JSON object: a derived reader would take an array of its members too.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// The `type` of every credential: a string. A derived reader would take `{"public-key":null}` too.
pub(crate) struct PublicKeyType;

impl<'de> Deserialize<'de> for PublicKeyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*Cow::<str>::deserialize(deserializer)? {
            "public-key" => Ok(Self),
            _ => Err(D::Error::custom("`type` is not `public-key`")),
        }
    }
}

/// `id` and `rawId`, which say the same.
pub(crate) fn same_id(id: Base64Url, raw_id: &Base64Url) -> Result<Vec<u8>, &'static str> {
    if id.0 == raw_id.0 {
        Ok(id.0)
    } else {
        Err("`id` and `rawId` differ")
    }
}

/// `authenticatorAttachment`. §5.1: unknown values are as good as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Attachment {
    Platform,
    CrossPlatform,
    #[default]
    Unknown,
}

impl Attachment {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Platform => Some("platform"),
            Self::CrossPlatform => Some("cross-platform"),
            Self::Unknown => None,
        }
    }
}

impl<'de> Deserialize<'de> for Attachment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(
            match Option::<Cow<'de, str>>::deserialize(deserializer)?.as_deref() {
                Some("platform") => Self::Platform,
                Some("cross-platform") => Self::CrossPlatform,
                _ => Self::Unknown,
            },
        )
    }
}

/// The transports that a client names, kept within bounds because they are stored and sent back.
///
/// Unknown names are kept, since browsers learn new ones; absurd ones are dropped.
#[derive(Default)]
pub(crate) struct Transports(pub(crate) Vec<String>);

const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT_LENGTH: usize = 32;

impl Transports {
    fn add(&mut self, name: &str) {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let fits =
            (1..=MAX_TRANSPORT_LENGTH).contains(&name.len()) && self.0.len() < MAX_TRANSPORTS;
        if plain && fits && !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }
}

impl<'de> Deserialize<'de> for Transports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(TransportsVisitor)
    }
}

struct TransportsVisitor;

impl<'de> Visitor<'de> for TransportsVisitor {
    type Value = Transports;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of transports")
    }

    fn visit_none<E: Error>(self) -> Result<Transports, E> {
        Ok(Transports::default())
    }

    /// What `null` is to a reader that has buffered it.
    fn visit_unit<E: Error>(self) -> Result<Transports, E> {
        Ok(Transports::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Transports, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Transports, A::Error> {
        let mut transports = Transports::default();
        while let Some(name) = names.next_element::<Cow<'de, str>>()? {
            transports.add(&name);
        }
        Ok(transports)
    }
}
