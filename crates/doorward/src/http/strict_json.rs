//! JSON without ambiguity: no key twice, no deep nesting, nothing after the end.
//!
//! Two parsers that disagree on which of two equal keys counts are two opinions on who is signing in.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

use crate::error::{Error, Result};

/// How deep arrays and objects may nest.
const DEPTH: u8 = 16;

/// Reads an object.
///
/// # Errors
/// [`Error::Malformed`] when it is not unambiguous JSON; [`Error::InvalidField`], with its path, when it has the wrong shape.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Unambiguous { depth: DEPTH }
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| Error::Malformed(describe(&error)))?;

    // Members have names: serde would read an array in their order as well.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Error::field(BODY, "Expected an object here."));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        misfit(path.trim_matches('.'), &describe(error.inner()))
    })
}

/// What a field is called that is the body itself.
const BODY: &str = "body";

/// Names the field that does not fit, and says in a sentence what would.
fn misfit(path: &str, what: &str) -> Error {
    let missing = what
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = missing {
        let dot = if path.is_empty() { "" } else { "." };
        return Error::field(format!("{path}{dot}{name}"), "This is missing.");
    }
    let field = if path.is_empty() { BODY } else { path };
    // What was there instead is the sender's own, and stays with the sender.
    let message = match what.rsplit_once(", expected ") {
        Some((_, expected)) => format!("Expected {expected} here."),
        None if what.ends_with('.') => what.to_owned(),
        None => format!("This does not fit: {what}."),
    };
    Error::field(field, message)
}

/// What is wrong, without the place in the text that serde adds.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what)
        .to_owned()
}

struct Unambiguous {
    depth: u8,
}

impl Unambiguous {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        self.depth
            .checked_sub(1)
            .map(|depth| Self { depth })
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(Key(key)) = members.next_key()? {
            if !seen.insert(key) {
                return Err(de::Error::custom("a key stands twice"));
            }
            members.next_value_seed(self.deeper()?)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key(String);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Item 109: what two parsers could read differently is refused.
    #[test]
    fn ambiguous_json_is_refused() {
        let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
        let corpus: [&[u8]; 14] = [
            b"",
            b"{",
            b"{}x",
            b"{} {}",
            br#"{"a":1,"a":2}"#,
            br#"{"a":{"b":1,"\u0062":2}}"#,
            br#"[{"a":1,"a":1}]"#,
            br#"{"a":NaN}"#,
            br#"{"a":Infinity}"#,
            br#"{"a":"\ud800"}"#,
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\n\"}",
            br#"{"a":01}"#,
            deep.as_bytes(),
        ];
        for bytes in corpus {
            let error = read::<Value>(bytes).unwrap_err();
            assert!(
                matches!(error, Error::Malformed(_)),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        assert!(
            read::<Value>(format!("{}1{}", "{\"a\":".repeat(16), "}".repeat(16)).as_bytes())
                .is_ok()
        );
        assert!(read::<Value>(br#"{"a":1,"b":{"a":2}}"#).is_ok());
    }

    #[test]
    fn only_an_object_is_a_body() {
        for bytes in [
            &b"[]"[..],
            b"[\"ada@example.com\"]",
            b"1",
            b"null",
            b"\"text\"",
        ] {
            let error = read::<Value>(bytes).unwrap_err();
            assert!(
                matches!(error, Error::InvalidField { .. }),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn a_wrong_shape_names_its_field() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "read by the test through its error only")]
        struct Outer {
            inner: Inner,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "read by the test through its error only")]
        struct Inner {
            name: String,
        }
        let error = read::<Outer>(br#"{"inner":{"name":7}}"#).unwrap_err();
        assert!(
            matches!(error, Error::InvalidField { ref field, .. } if field == "inner.name"),
            "{error:?}"
        );
        let named = |bytes: &[u8]| match read::<Outer>(bytes) {
            Err(Error::InvalidField { field, message }) => (field, message),
            other => panic!("{other:?}"),
        };
        let says = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(named(b"{}"), says("inner", "This is missing."));
        assert_eq!(
            named(br#"{"inner":{}}"#),
            says("inner.name", "This is missing.")
        );
        assert_eq!(
            named(br#"{"inner":{"name":["secret"]}}"#),
            says("inner.name", "Expected a string here.")
        );
        assert_eq!(
            named(br#"[{"name":"Ada"}]"#),
            says("body", "Expected an object here.")
        );
        assert_eq!(
            named(br#""text""#),
            says("body", "Expected an object here.")
        );
    }
}
