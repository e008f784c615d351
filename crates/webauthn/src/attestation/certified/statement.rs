//! The CBOR of a statement with certificates.

use crate::Refusal;
use crate::cbor::{Key, Malformed, Reader};

/// No chain comes near this length, and it bounds the work of verifying one.
const MAX_CERTIFICATES: u64 = 8;

/// The members of a statement, not yet typed.
pub(super) struct Statement<'a> {
    members: Vec<(&'a str, Reader<'a>)>,
}

impl<'a> Statement<'a> {
    /// Reads a map of no other members than these. That none repeats is known, as the attestation object
    /// was read to its depth; that one is missing shows when it is asked for.
    pub(super) fn read(cbor: &'a [u8], names: &[&str]) -> Result<Self, Refusal> {
        Self::members(cbor, names).map_err(|Malformed| Refusal::AttestationStatement)
    }

    fn members(cbor: &'a [u8], names: &[&str]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(cbor)?;
        let mut members = Vec::new();
        for _ in 0..reader.map()? {
            match reader.key()? {
                Key::Text(name) if names.contains(&name) => {
                    members.push((name, Reader::new(reader.item()?)?));
                }
                _ => return Err(Malformed),
            }
        }
        Ok(Self { members })
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64, Refusal> {
        self.get(name, Reader::integer)
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.get(name, Reader::text)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<&'a [u8], Refusal> {
        self.get(name, Reader::bytes)
    }

    /// `x5c`: one certificate or more.
    pub(super) fn certificates(&self) -> Result<Vec<&'a [u8]>, Refusal> {
        self.get("x5c", |reader| match reader.array()? {
            count @ 1..=MAX_CERTIFICATES => (0..count).map(|_| reader.bytes()).collect(),
            _ => Err(Malformed),
        })
    }

    fn get<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Refusal> {
        let member = self.members.iter().find(|(member, _)| *member == name);
        member
            .ok_or(Malformed)
            .and_then(|(_, reader)| read(&mut reader.clone()))
            .map_err(|Malformed| Refusal::AttestationStatement)
    }
}
