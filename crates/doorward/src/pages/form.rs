//! Forms, read as strictly as JSON: no field that the page does not have, none twice, nothing that does not decode.

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use serde::{
    Deserialize,
    de::{
        self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess,
        SeqAccess, Visitor, value::Error as Wrong,
    },
};

use crate::{
    error::{Error, Result},
    http::extract,
};

/// The most fields of a form.
const FIELDS: usize = 64;

/// The body of a form (`application/x-www-form-urlencoded`).
///
/// A field is a `String` or an `Option<String>`, a `bool` for a box to tick, a `Vec<String>` for several of one name.
pub(super) struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if !is_form(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        let bytes = extract::body(request.into_body()).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed("it is not UTF-8"))?;
        read(text).map(Self)
    }
}

/// A form that has nothing in it but its button.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Whether a body says that it is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::Malformed(format!("this is not the form of the page: {why}"))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let pairs = pairs(text).ok_or_else(|| malformed("it does not decode"))?;
    if pairs.len() > FIELDS {
        return Err(malformed("it has too many fields"));
    }
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    T::deserialize(Fields(fields.into_iter(), None)).map_err(malformed)
}

/// The pairs of a query, as far as a page repeats them; none when they do not decode to UTF-8.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    let mut pairs = pairs(text).unwrap_or_default();
    pairs.truncate(FIELDS);
    pairs
}

/// The pairs of a form or query; `None` when they do not decode to UTF-8.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A text as part of a query.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The fields of a form as serde sees them.
struct Fields(
    std::vec::IntoIter<(String, Vec<String>)>,
    Option<Vec<String>>,
);

impl<'de> Deserializer<'de> for Fields {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((name, values)) = self.0.next() else {
            return Ok(None);
        };
        self.1 = Some(values);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        seed.deserialize(Field(self.1.take().unwrap_or_default()))
    }
}

/// All values of one name.
struct Field(Vec<String>);

impl Field {
    fn one(self) -> Result<String, Wrong> {
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(de::Error::custom("a field is there twice")),
        }
    }
}

impl<'de> Deserializer<'de> for Field {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_string(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    /// A box that is ticked is sent, whatever its value; one that is not is left out.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.one()?;
        visitor.visit_bool(true)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(Values(self.0.into_iter()))
    }

    /// Only what a form's type has no field for is ignored; here it is refused.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        Err(de::Error::custom("it has a field too many"))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct enum identifier
    }
}

struct Values(std::vec::IntoIter<String>);

impl<'de> SeqAccess<'de> for Values {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        self.0
            .next()
            .map(|value| seed.deserialize(value.into_deserializer()))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        email: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        sure: bool,
        #[serde(default)]
        roles: Vec<String>,
    }

    #[test]
    fn a_form_is_read() {
        let sample: Sample =
            read("email=ada%40example.com&sure=on&roles=a&roles=b+c&name=%F0%9F%94%91").unwrap();
        assert_eq!(
            sample,
            Sample {
                email: "ada@example.com".into(),
                name: Some("🔑".into()),
                sure: true,
                roles: vec!["a".into(), "b c".into()],
            }
        );
        assert_eq!(
            read::<Sample>("email=").unwrap(),
            Sample {
                email: String::new(),
                name: None,
                sure: false,
                roles: Vec::new()
            }
        );
    }

    #[test]
    fn what_is_not_the_form_is_refused() {
        for text in [
            "",
            "name=x",
            "email=a&email=b",
            "email=a&role=admin",
            "email=a&sure=on&sure=on",
            "email=%",
            "email=%4",
            "email=%zz",
            "email=%ff",
        ] {
            assert!(read::<Sample>(text).is_err(), "{text}");
        }
        let many = format!("email=a{}", "&roles=b".repeat(64));
        assert!(read::<Sample>(&many).is_err());
    }

    #[test]
    fn a_query_comes_back_as_it_was() {
        for text in ["/account?a=b&c=d#e", "ä ö+%", ""] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        }
    }
}
