//! Attestation objects (§6.5) and the two statement formats that need no trust anchors.

#[cfg(feature = "attestation")]
mod certified;

#[cfg(feature = "attestation")]
pub(crate) use self::certified::Made;
#[cfg(feature = "attestation")]
pub use self::certified::{InvalidAnchor, TrustAnchors};
use crate::cbor::{Key, Malformed, Reader, once};
use crate::cose::PublicKey;
use crate::{Format, Policy, Refusal};

/// An attestation object, borrowed from its CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttestationObject<'a> {
    pub(crate) format: &'a str,
    /// The statement's CBOR: well-formed, not yet of its format.
    pub(crate) statement: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// Reads the map of `fmt`, `attStmt` and `authData`, and nothing else.
    pub(crate) fn parse(cbor: &'a [u8]) -> Result<Self, Refusal> {
        Self::read(cbor).map_err(|Malformed| Refusal::AttestationMalformed)
    }

    fn read(cbor: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(cbor)?;
        let (mut format, mut statement, mut authenticator_data) = (None, None, None);
        for _ in 0..reader.map()? {
            match reader.key()? {
                Key::Text("fmt") => once(&mut format, reader.text()?)?,
                Key::Text("attStmt") => once(&mut statement, reader.item()?)?,
                Key::Text("authData") => once(&mut authenticator_data, reader.bytes()?)?,
                _ => return Err(Malformed),
            }
        }
        reader.end()?;
        Ok(Self {
            format: format.ok_or(Malformed)?,
            statement: statement.ok_or(Malformed)?,
            authenticator_data: authenticator_data.ok_or(Malformed)?,
        })
    }

    /// Checks the statement against the credential's own key, and returns its format.
    ///
    /// §7.1 steps 23 and 24 ask for nothing more: neither format names a trust anchor.
    pub(crate) fn check(
        &self,
        policy: &Policy,
        key: &PublicKey<'_>,
        client_data_hash: &[u8],
    ) -> Result<Format, Refusal> {
        // §7.1 step 21: compared as they are, case included. §7.1 step 22: by the format's own procedure.
        match self.format {
            "none" if policy.formats.contains(&Format::None) => self.check_none(),
            "packed" if policy.formats.contains(&Format::PackedSelf) => {
                self.check_packed(key, client_data_hash)
            }
            _ => Err(Refusal::AttestationFormat),
        }
    }

    /// §8.7: the statement is an empty map.
    fn check_none(&self) -> Result<Format, Refusal> {
        let entries = Reader::new(self.statement).and_then(|mut reader| reader.map());
        if entries == Ok(0) {
            Ok(Format::None)
        } else {
            Err(Refusal::AttestationStatement)
        }
    }

    /// §8.2, self attestation: the credential's key signs for itself.
    fn check_packed(
        &self,
        key: &PublicKey<'_>,
        client_data_hash: &[u8],
    ) -> Result<Format, Refusal> {
        let statement =
            Packed::read(self.statement).map_err(|Malformed| Refusal::AttestationStatement)?;
        if statement.certified {
            return Err(Refusal::AttestationCertificate);
        }
        let (Some(algorithm), Some(signature)) = (statement.algorithm, statement.signature) else {
            return Err(Refusal::AttestationStatement);
        };
        if algorithm != key.algorithm().cose_id() {
            return Err(Refusal::AttestationAlgorithm);
        }
        let message = [self.authenticator_data, client_data_hash].concat();
        if key.accepts(&message, signature) {
            Ok(Format::PackedSelf)
        } else {
            Err(Refusal::AttestationSignature)
        }
    }
}

/// The statement of the `packed` format.
#[derive(Default)]
struct Packed<'a> {
    algorithm: Option<i64>,
    signature: Option<&'a [u8]>,
    /// Whether it claims a certificate or a key of a former standard (ECDAA) instead of its own key.
    certified: bool,
}

impl<'a> Packed<'a> {
    fn read(statement: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(statement)?;
        let mut packed = Self::default();
        for _ in 0..reader.map()? {
            match reader.key()? {
                Key::Text("alg") => once(&mut packed.algorithm, reader.integer()?)?,
                Key::Text("sig") => once(&mut packed.signature, reader.bytes()?)?,
                Key::Text("x5c" | "ecdaaKeyId") => {
                    packed.certified = true;
                    reader.item()?;
                }
                _ => return Err(Malformed),
            }
        }
        Ok(packed)
    }
}
