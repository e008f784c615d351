//! Email addresses: exactly one plain addr-spec, and its one canonical form.
//!
//! Two spellings share a canonical form only if mail to them arrives at the same mailbox as far as
//! anyone but its host can tell: the ASCII letters of the local part in lower case, and the domain
//! as the DNS knows it. Nothing else is folded; `a.b@…` and `ab@…`, `a+x@…` and `a@…` are different people.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The version of the canonical form, stored beside every key so that a new one can find the old.
pub const NORM_VERSION: i64 = 1;

/// RFC 5321 §4.5.3.1: the longest local part, and the longest address that fits a path.
const LONGEST_LOCAL: usize = 64;
const LONGEST: usize = 254;

/// One email address, as it was typed and in canonical form.
///
/// Equal when the canonical forms are. `Debug` shows a [`hint`](Self::hint), `Display` all of it.
#[derive(Clone)]
pub struct Address {
    /// As it was typed; then in canonical form, where that is another: very many are kept in memory.
    text: Box<str>,
    /// How long it is as it was typed.
    typed: u8,
    /// The `@`, at the same place in both: lower case is as long as upper case in ASCII.
    at: u8,
}

/// The text is not one plain email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter an email address like name@example.com.")]
pub struct NotAnAddress;

impl Address {
    /// Reads one address, with blanks around it dropped.
    ///
    /// The local part is an ASCII dot-atom (RFC 5322 §3.4.1) without `%`, `!` and `=?`, which mail
    /// systems have taken for routes and encoded words; the domain is a DNS name of two labels or more.
    ///
    /// # Errors
    /// [`NotAnAddress`] for everything else: lists, display names, quotes, comments, IP literals.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let typed = text.trim_matches([' ', '\t']);
        let (local, domain) = typed.split_once('@').ok_or(NotAnAddress)?;
        if typed.len() > LONGEST || !is_local_part(local) {
            return Err(NotAnAddress);
        }
        let canonical = format!("{}@{}", local.to_ascii_lowercase(), a_labels(domain)?);
        if canonical.len() > LONGEST {
            return Err(NotAnAddress);
        }
        // None is longer than `LONGEST`.
        let short = |length: usize| u8::try_from(length).map_err(|_| NotAnAddress);
        Ok(Self {
            typed: short(typed.len())?,
            at: short(local.len())?,
            text: if canonical == typed {
                canonical.into()
            } else {
                [typed, &canonical].concat().into()
            },
        })
    }

    /// The address as it was typed, without the blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text[..self.typed.into()]
    }

    /// The canonical form, version [`NORM_VERSION`]: by it addresses are compared and found.
    #[must_use]
    pub fn canonical(&self) -> &str {
        match &self.text[self.typed.into()..] {
            "" => self.as_str(),
            canonical => canonical,
        }
    }

    /// The bytes of the canonical form, for keys and MACs.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.canonical().as_bytes()
    }

    /// The local part as it was typed; only its host knows whether case matters there.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at.into()]
    }

    /// The domain in A-labels (RFC 5890 §2.3.2.1), in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.canonical()[usize::from(self.at) + 1..]
    }

    /// The address for the SMTP envelope: plain ASCII, to the domain that the key names.
    #[must_use]
    pub fn envelope(&self) -> String {
        format!("{}@{}", self.local(), self.domain())
    }

    /// Enough of the address for its owner to know it: `a…@example.com`.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("{}…@{}", &self.text[..1], self.domain())
    }
}

/// Whether the text is an ASCII dot-atom that no mail system reads as more than a name.
fn is_local_part(local: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"#$&'*+-/=?^_`{|}~".contains(&byte);
    local.len() <= LONGEST_LOCAL
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
        && !local.contains("=?")
}

/// The domain as the DNS knows it: UTS 46, non-transitional, with the rules of STD 3.
fn a_labels(domain: &str) -> Result<Cow<'_, str>, NotAnAddress> {
    if domain.chars().any(is_invisible) {
        return Err(NotAnAddress);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| NotAnAddress)?;
    let (_, top) = ascii.rsplit_once('.').ok_or(NotAnAddress)?;
    // A numeric top label would be read as an IPv4 address.
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(NotAnAddress)
    } else {
        Ok(ascii)
    }
}

/// Whether UTS 46 drops the character, so that a domain with it looks and works as one without.
fn is_invisible(character: char) -> bool {
    !character.is_ascii() && {
        let mut buffer = [0; 4];
        let text = character.encode_utf8(&mut buffer);
        Uts46::new()
            .to_unicode(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow)
            .0
            .is_empty()
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
