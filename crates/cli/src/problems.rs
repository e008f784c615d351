//! What is wrong with a configuration, in words, and where.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// `doorward.toml:12`, `environment DOORWARD_LISTEN`.
    pub place: String,
    /// The key, with dots, where it is about one that exists.
    pub key: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(
            f,
            "the configuration cannot be used:\n  {}",
            lines.join("\n  ")
        )
    }
}

/// What a value should have been, from what the deserializer says.
///
/// The value itself is left out: it may be a password.
pub(crate) fn wording(message: &str) -> String {
    let message = message.trim();
    let expected = match message.rsplit_once("expected ") {
        Some((_, expected)) => expected,
        // These types do not say what they expect.
        None if message.contains("socket address") => "socket address",
        None if message.contains("IP address") || message.contains("prefix length") => {
            "IP network address"
        }
        None => return message.to_owned(),
    };
    let plain = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        "a string" | "path string" | "string or table" => "a text in quotes",
        "a sequence" => "a list such as [\"one\", \"two\"]",
        "socket address" => "an address and port such as 127.0.0.1:8700",
        "IP network address" => "a network such as 10.0.0.0/8",
        section if section.starts_with("struct ") => "a section: set the keys in it",
        other => other,
    };
    format!("expected {plain}")
}

/// What is wrong with a key that does not exist.
pub(crate) fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(key, known) {
        Some(known) => format!("unknown key {key}; did you mean {known}?"),
        None => format!("unknown key {key}; `doorward config --defaults` lists them all"),
    }
}

/// The known key that was probably meant: the same one in its section, or one a slip of the finger away.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let key = key.replace('-', "_");
    let in_its_section = format!(".{key}");
    let distance = |candidate: &str| {
        if candidate.ends_with(&in_its_section) {
            0
        } else {
            strsim::damerau_levenshtein(&key, candidate)
        }
    };
    let (distance, nearest) = known
        .map(|candidate| (distance(candidate), candidate))
        .min()?;
    (distance <= 1 + key.len() / 5).then_some(nearest)
}
