//! The verifier's parsers, each by itself, for tests that feed them what no ceremony would carry.
//!
//! A parser sees all of the bytes, and `None` means that it refused them. What it accepted is given
//! back as it was read, so that a test can compare it with its own reading.

use crate::Algorithm;
use crate::cbor::Reader;
use crate::client_data::Ceremony;

/// Authenticator data, read to its last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// The SHA-256 of the RP ID.
    pub rp_id_hash: [u8; 32],
    /// The whole flags byte.
    pub flags: u8,
    /// The signature counter.
    pub sign_count: u32,
    /// The credential, if one follows.
    pub attested: Option<AttestedCredential>,
}

/// The credential in authenticator data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredential {
    /// The authenticator's make.
    pub aaguid: [u8; 16],
    /// The credential id.
    pub id: Vec<u8>,
    /// The public key's CBOR, which need not be a key.
    pub public_key: Vec<u8>,
}

/// Client data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientData {
    /// The `type` of the two ceremonies; `None` is any other.
    pub ceremony: Option<&'static str>,
    /// The challenge, decoded.
    pub challenge: Vec<u8>,
    /// The origin.
    pub origin: String,
    /// Whether the client says that the frame is of another origin than its parents.
    pub cross_origin: bool,
    /// The origin of the outermost page.
    pub top_origin: Option<String>,
}

/// An attestation object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationObject {
    /// The name of the statement's format.
    pub format: String,
    /// The statement's CBOR.
    pub statement: Vec<u8>,
    /// The authenticator data, unread.
    pub authenticator_data: Vec<u8>,
}

/// Reads one CBOR item and returns its length; what follows it is not looked at.
#[must_use]
pub fn cbor_item(bytes: &[u8]) -> Option<usize> {
    let item = Reader::new(bytes).ok()?.item().ok()?;
    Some(item.len())
}

/// Reads authenticator data.
#[must_use]
pub fn authenticator_data(bytes: &[u8]) -> Option<AuthenticatorData> {
    let data = crate::authenticator_data::AuthenticatorData::parse(bytes).ok()?;
    Some(AuthenticatorData {
        rp_id_hash: *data.rp_id_hash,
        flags: data.flags,
        sign_count: data.sign_count,
        attested: data.attested.map(|attested| AttestedCredential {
            aaguid: *attested.aaguid,
            id: attested.id.to_vec(),
            public_key: attested.public_key.to_vec(),
        }),
    })
}

/// Reads client data.
#[must_use]
pub fn client_data(json: &[u8]) -> Option<ClientData> {
    let data = crate::client_data::ClientData::parse(json).ok()?;
    Some(ClientData {
        ceremony: data.ceremony.map(|ceremony| match ceremony {
            Ceremony::Create => "webauthn.create",
            Ceremony::Get => "webauthn.get",
        }),
        challenge: data.challenge,
        origin: data.origin,
        cross_origin: data.cross_origin,
        top_origin: data.top_origin,
    })
}

/// Reads an attestation object.
#[must_use]
pub fn attestation_object(cbor: &[u8]) -> Option<AttestationObject> {
    let object = crate::attestation::AttestationObject::parse(cbor).ok()?;
    Some(AttestationObject {
        format: object.format.to_owned(),
        statement: object.statement.to_vec(),
        authenticator_data: object.authenticator_data.to_vec(),
    })
}

/// Reads a COSE key and returns its algorithm. The key has the right shape; it may still be no point
/// on its curve.
#[must_use]
pub fn public_key(cose: &[u8]) -> Option<Algorithm> {
    let key = crate::cose::PublicKey::parse(cose).ok()?;
    Some(key.algorithm())
}

/// Whether both are COSE keys, and the same key.
#[must_use]
pub fn is_same_public_key(one: &[u8], other: &[u8]) -> bool {
    let parse = crate::cose::PublicKey::parse;
    matches!((parse(one), parse(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether a signature over a message is that of a COSE key.
#[must_use]
pub fn is_signed(cose: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = crate::cose::PublicKey::parse(cose);
    key.is_ok_and(|key| key.accepts(message, signature))
}
